# Workloads hold identities of their own: as files in the container, renewed in place, gone with it.
. "$(dirname "$0")/lib.sh"
AGENT_PID= SHM=
end_containers() { for c in c1 c2 c3; do runc --root "$T/runc" delete --force $c; done >/dev/null 2>&1; }
clean_up() {
	[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
	end_containers
	[ -z "$SHM" ] || rm -rf "$SHM"
	lg_stop
}
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null || [ "$(stat -f -c %T /dev/shm)" != tmpfs ]; then
	skip "identity: needs root, runc, busybox and a tmpfs at /dev/shm"
	done_testing
fi

lg_start "$T/data" || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
comes_in alice
SHM=$(mktemp -d /dev/shm/lg-e2e.XXXXXX); ids=$SHM/ids
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
start_agent() {
	lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" --identities "$ids" --runtime-root "$T/runc" "$@" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	within test -S "$T/agent.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"
}
stop_agent() { kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=; rm -f "$T/agent.sock"; }
mkdir -p build; DISK=$(mktemp -d "$PWD/build/identities.XXXXXX")	# /tmp is a tmpfs in places
if [ "$(stat -f -c %T "$DISK")" = tmpfs ]; then skip "identity: there is no disk here that keys could go to"
else has "keys do not go to a disk" "$(timeout 60 lightgate-agent run --state "$T/node1" --socket "$T/no.sock" --identities "$DISK/ids" 2>&1)" 'is not on a tmpfs'; fi
rm -rf "$DISK"
start_agent

bundle() { # bundle DIR WORKLOAD ARGS...: a bundle with a ticket
	local dir=$1 workload=$2; shift 2
	LIGHTGATE_CONFIG=$T/alice lightgate check container:create "Workload/$workload" --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "ticket"
	lg_bundle "$dir" "$@"
	lg_annotate "$dir" lightgate.workload "$workload"
	lg_annotate "$dir" lightgate.ticket "$(cat "$T/ticket")"
	jq '.process.user = {uid: 1000, gid: 1000}' "$dir/config.json" >"$dir/new" && mv "$dir/new" "$dir/config.json"
}
engine() { timeout 60 lightgate-runc --root "$T/runc" "$@"; }
inside() { engine exec "$@" 2>&1; }
bundle "$T/b1" web /bin/busybox sleep 300
claim "create" engine create --bundle "$T/b1" c1 </dev/null
claim "start" engine start c1
at=/run/lightgate/identity
same "six files are there when it starts" "$(inside c1 /bin/busybox ls $at | tr '\n' ' ')" "bundle.pem certificate.pem federated.json identity.pem key.pem token "
same "the workload's user alone reads them" "$(inside c1 /bin/busybox stat -c '%a %u %g' $at/key.pem)" "600 1000 1000"
has "root without rights does not" "$(inside --user 2000 c1 /bin/busybox cat $at/key.pem)" 'Permission denied'
has "nobody changes them" "$(inside c1 /bin/busybox touch $at/key.pem)" 'Read-only file system'
for f in certificate.pem key.pem bundle.pem token identity.pem; do inside c1 /bin/busybox cat $at/$f >"$T/$f"; done
claim "openssl believes the certificate" openssl verify -x509_strict -CAfile "$T/bundle.pem" -untrusted "$T/certificate.pem" "$T/certificate.pem"
has "it names the workload" "$(openssl x509 -in "$T/certificate.pem" -noout -ext subjectAltName)" 'URI:spiffe://[^/]*/project/shop/workload/web$'
same "the key is the certificate's" "$(openssl pkey -in "$T/key.pem" -pubout)" "$(openssl x509 -in "$T/certificate.pem" -noout -pubkey)"
same "identity.pem is both" "$(cat "$T/identity.pem")" "$(cat "$T/key.pem" "$T/certificate.pem")"
payload() { cut -d. -f2 <<<"$1" | tr '_-' '/+' | sed 's/$/==/' | base64 -d 2>/dev/null; }
has "the token says the same" "$(payload "$(cat "$T/token")" | jq -r .sub)" '^spiffe://.*/project/shop/workload/web$'
same "and is for the tenant's issuer" "$(payload "$(cat "$T/token")" | jq -r '.aud | if type == "array" then .[0] else . end')" "$ISSUER"
same "the folder above is root's alone" "$(stat -c '%a %U' "$ids")" "700 root"

# ---- what it opens, and what it does not ----
has "the service knows the workload by it" "$(curl -sS --cacert "$CA" --cert "$T/certificate.pem" --key "$T/key.pem" "$MTLS/v1/whoami")" '"Workload"'
bundle "$T/b2" db /bin/busybox sleep 300
jq --arg d "$ids/c1" '.mounts += [{destination: "/stolen", type: "bind", source: $d, options: ["bind"]}]' "$T/b2/config.json" >"$T/b2/new" && mv "$T/b2/new" "$T/b2/config.json"
has "another's identity cannot be mounted" "$(engine run --bundle "$T/b2" c2 2>&1)" 'no-sensitive-mounts'
ln -s "$SHM" "$T/link"
bundle "$T/b2" db /bin/busybox sleep 300
jq --arg d "$T/link" '.mounts += [{destination: "/stolen", type: "bind", source: $d, options: ["bind"]}]' "$T/b2/config.json" >"$T/b2/new" && mv "$T/b2/new" "$T/b2/config.json"
has "nor what is above, by a link" "$(engine run --bundle "$T/b2" c2 2>&1)" 'no-sensitive-mounts'
same "of what was refused nothing is left" "$(ls "$ids")" c1

# ---- renewed in place ----
before=$(openssl x509 -in "$T/certificate.pem" -noout -serial)
jq -n '{life_seconds: 6, longest_seconds: 6}' | lightgate profile set workload -f - >"$T/out" 2>&1 || bad "profile: $(cat "$T/out")"
bundle "$T/b3" db /bin/busybox sleep 300
claim "create another" engine create --bundle "$T/b3" c3 </dev/null
claim "start another" engine start c3
serial() { inside c3 /bin/busybox cat $at/certificate.pem | openssl x509 -noout -serial; }
inside c3 /bin/busybox cat $at/identity.pem >"$T/pair"	# both of one moment
first=$(openssl x509 -in "$T/pair" -noout -serial) key=$(openssl pkey -in "$T/pair" -pubout)
has "it has another name" "$(inside c3 /bin/busybox cat $at/certificate.pem | openssl x509 -noout -ext subjectAltName)" 'workload/db$'
renewed() { [ "$(serial)" != "$first" ]; }
claim "the certificate is renewed before its time is over" within renewed
claim "with a new key" test "$(inside c3 /bin/busybox cat $at/key.pem | openssl pkey -pubout)" != "$key"
inside c3 /bin/busybox cat $at/identity.pem >"$T/pair"
same "key and certificate go together" "$(openssl pkey -in "$T/pair" -pubout)" "$(openssl x509 -in "$T/pair" -noout -pubkey)"

# ---- the agent goes and comes; the container stops and starts ----
stop_agent
start_agent
first=$(serial)
claim "who comes after goes on renewing" within renewed
same "what was fresh is left alone" "$(inside c1 /bin/busybox cat $at/certificate.pem | openssl x509 -noout -serial)" "$before"
on_record "who got which identity, and by what policy" 'Workload/web +certificate:issue +Certificate/[^ ]+ +permit +workloads-certify-themselves +Host/node1' --operation certificate:issue --host node1
lightgate profile delete workload >/dev/null 2>&1

# ---- revoked: another at once ----
of() { inside "$1" /bin/busybox cat $at/identity.pem >"$T/pair"; openssl x509 -in "$T/pair" -noout -serial; openssl pkey -in "$T/pair" -pubout; }
old=$(of c1)
revoked=$(date +%s%N)
lightgate certificate revoke --subject Workload/web --reason keyCompromise >"$T/out" 2>&1 || bad "revoke: $(cat "$T/out")"
another() { [ "$(of c1 | head -1)" != "$(head -1 <<<"$old")" ]; }
claim "a certificate that is revoked is replaced" within another
prompt "in two seconds" $((($(date +%s%N) - revoked) / 1000000)) 2000
claim "and its key" test "$(of c1 | tail -n +2)" != "$(tail -n +2 <<<"$old")"
same "then nothing says so any more" "$(inside c1 /bin/busybox ls $at | tr '\n' ' ')" "bundle.pem certificate.pem federated.json identity.pem key.pem token "
sign_in_admin
lightgate policy show 2>/dev/null | sed '/@id("workloads-certify-themselves")/,/;/d' >"$T/none.cedar"
lightgate policy activate -f "$T/none.cedar" >"$T/out" 2>&1 || bad "activate: $(cat "$T/out")"
lightgate certificate revoke --subject Workload/db >"$T/out" 2>&1 || bad "revoke: $(cat "$T/out")"
marked() { [ "$(inside c3 /bin/busybox cat $at/revoked | tr a-f A-F)" = "$(of c3 | sed -n 's/^serial=//p')" ]; }
claim "who gets no other is told" within marked
claim "and so is who reads the log" within grep -q 'the certificate of container c3: .*no policy' "$T/agent.log"
on_record "and the record" 'Workload/db +certificate:issue +Certificate/[^ ]+ +deny: no policy' --operation certificate:issue --host node1
stop_agent
start_agent
claim "whoever comes after knows it, too" marked

claim "delete" engine delete --force c1
same "a stopped container has no files" "$(ls "$ids")" c3
claim "end of an admission" lightgate-agent end c3 --socket "$T/agent.sock"
same "is the end of its files" "$(ls "$ids")" ""
jq 'del(.annotations["lightgate.ticket"])' "$T/b1/config.json" >"$T/b1/new" && mv "$T/b1/new" "$T/b1/config.json"
lg_stop
claim "create it again, without the service" engine create --bundle "$T/b1" c1 </dev/null
claim "start it again" engine start c1
same "an identity that is still good came back with it" "$(inside c1 /bin/busybox cat $at/key.pem | openssl pkey -pubout)" "$(openssl x509 -in <(inside c1 /bin/busybox cat $at/certificate.pem) -noout -pubkey)"
end_containers
done_testing
