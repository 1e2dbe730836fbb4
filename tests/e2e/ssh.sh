# SSH certificates with OpenSSH itself: a person logs in to a host, each knows the other by the tenant's authorities alone.
. "$(dirname "$0")/lib.sh"
if ! command -v sshd >/dev/null && [ ! -x /usr/sbin/sshd ]; then skip "sshd is not installed"; done_testing; fi

cat >"$T/state.yaml" <<'YAML'
users: [{name: alice}, {name: bob}]
hosts: [{name: node1, dns: [localhost]}]
YAML
lg_start "$T/data" --load "$T/state.yaml" || bad "start"
sign_in_admin
for who in alice bob; do
	api POST "/v1/users/$who/password" -d '{}' | head -1 | jq -r .password >"$T/$who.password"
done
lg() { LIGHTGATE_CONFIG=$T/cli.$1 lightgate --url "$HTTPS" --ca "$CA" "${@:2}"; }
claim "alice signs in" lg alice login --user alice --password-file "$T/alice.password"

# ---- the host: its key's certificate, and whom it trusts ---------------------------------------------------------------------
token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/node1.key" -subj /CN=node1 -out "$T/node1.req" 2>/dev/null
curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "$(jq -cn --arg t "$token" --rawfile c "$T/node1.req" '{token: $t, csr: $c}')" |
	jq -r '.certificate, .chain' >"$T/node1.pem"
ssh-keygen -q -t ed25519 -N '' -f "$T/hostkey"
claim "the host's key is certified" lightgate --url "$MTLS" --ca "$CA" --cert "$T/node1.pem" --key "$T/node1.key" ssh sign "$T/hostkey.pub"
has "as a host's, with its DNS name" "$(ssh-keygen -L -f "$T/hostkey-cert.pub")" 'host certificate'
lg alice ssh trust >"$T/user_ca"
lg alice ssh krl --out "$T/krl" >/dev/null
echo alice >"$T/principals"
mkdir -p /run/sshd 2>/dev/null
port=$(free_port)
cat >"$T/sshd_config" <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $T/hostkey
HostCertificate $T/hostkey-cert.pub
TrustedUserCAKeys $T/user_ca
RevokedKeys $T/krl
AuthorizedPrincipalsFile $T/principals
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
CONF
claim "sshd takes the configuration" "$(command -v sshd || echo /usr/sbin/sshd)" -t -f "$T/sshd_config"
/usr/sbin/sshd -D -e -f "$T/sshd_config" 2>"$T/sshd.log" &
sshd=$!
within bash -c ": </dev/tcp/127.0.0.1/$port"
lg alice ssh trust --hosts '*' >"$T/known_hosts"
enter() { ssh -F none -p "$port" -i "$1" -o IdentitiesOnly=yes -o CertificateFile="$1-cert.pub" -o StrictHostKeyChecking=yes -o UserKnownHostsFile="${2:-$T/known_hosts}" \
	-o GlobalKnownHostsFile=none -o BatchMode=yes -o HostKeyAlias=localhost -o ConnectTimeout=30 "$(id -un)@127.0.0.1" 'echo entered' 2>"$T/ssh.err"; }

# ---- the person ------------------------------------------------------------------------------------------------------------------
claim "alice gets a certificate" lg alice ssh login --out "$T/alice"
text=$(ssh-keygen -L -f "$T/alice-cert.pub")
has "a user's" "$text" 'user certificate'
has "her name" "$text" '^ +alice$'
has "of the authority" "$text" 'Signing CA: ECDSA'
same "she logs in, and knows the host by its certificate" "$(enter "$T/alice")" entered
same "a host that is not certified is not entered" "$(enter "$T/alice" /dev/null)" ""
ssh-keygen -q -t ed25519 -N '' -f "$T/own"
claim "a key of her own is certified" lg alice ssh sign "$T/own.pub"
same "... and logs in" "$(enter "$T/own")" entered
lg alice ssh sign "$T/own.pub" --principal root --out "$T/claim.pub" >"$T/claim.out" 2>&1; same "another login is not hers" "$?" 2
has "... policy says so" "$(cat "$T/claim.out")" 'certificate:issue'
claim "bob signs in" lg bob login --user bob --password-file "$T/bob.password"
claim "bob gets a certificate too" lg bob ssh login --out "$T/bob"
same "which is good for no login here" "$(enter "$T/bob")" ""

# ---- revoked, and on record ------------------------------------------------------------------------------------------------------
serial=$(lightgate --dev "$T/data" certificate list --subject User/alice -o json | jq -r '[.items[] | select(.profile == "ssh-user")] | .[].serial' | head -2)
for s in $serial; do claim "revoked" lightgate --dev "$T/data" certificate revoke "$s" --reason keyCompromise; done
lg alice ssh krl --out "$T/krl" >/dev/null
same "a revoked certificate does not enter" "$(enter "$T/alice")$(enter "$T/own")" ""
has "sshd says why" "$(cat "$T/sshd.log")" 'revoked'
has "issuing is on record" "$(api GET '/v1/audit?operation=certificate.issue')" 'ssh-user'
claim "what was signed is in the inventory" lightgate keeper reconcile
kill "$sshd" 2>/dev/null; wait "$sshd" 2>/dev/null
done_testing
