# Keys in a PKCS#11 token (SoftHSM2): made there, certificates, CRL and OCSP signed, the token taken away and brought back, a wrong PIN.
. "$(dirname "$0")/lib.sh"
module=$(dpkg -L libsofthsm2 2>/dev/null | grep '/softhsm/libsofthsm2.so$' | head -1)
for p in softhsm2-util pkcs11-tool; do command -v $p >/dev/null || module=; done
[ -n "$module" ] || { skip "softhsm2 and opensc are not installed"; done_testing; }
export SOFTHSM2_CONF=$T/softhsm.conf
mkdir -m 0777 "$T/tokens"
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$T" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label ca --so-pin 0000 --pin open-sesame >/dev/null || bad "the token"
# started as root the module runs as the keeper's user
[ "$(id -u)" != 0 ] || chown -R 61002:61002 "$T/tokens"
echo open-sesame >"$T/pin"; chmod 600 "$T/pin"
p11() { pkcs11-tool --module "$module" --token-label ca --login --pin open-sesame "$@" 2>/dev/null; }
printf 'hosts: [{name: node1, dns: [node1.example.org]}]\n' >"$T/state.yaml"
hsm() { lg_start "$T/data" --ceiling.dns_suffixes=example.org --keeper.pkcs11.module="$module" --keeper.pkcs11.pin_file="$T/pin" --keeper.pkcs11.token=ca \
	--keeper.pkcs11.keys=root,issuer,token,bundle,audit,ssh-user --keeper.pkcs11.paths="$T/tokens,$SOFTHSM2_CONF" --load "$T/state.yaml" "$@"; }
keys() { lightgate keeper list -o json | jq -r --arg p "$1" --arg s "$2" '.keys[] | select(.purpose == $p and .state == $s and .tenant != "-") | '"${3:-.kid}"; }

# ---- made in the token --------------------------------------------------------------------------------------------------------------
hsm || bad "start"
sign_in_admin
for purpose in root issuer token bundle ssh-user; do has "$purpose is in the token" "$(keys $purpose active .place)" '^pkcs11:token=ca;object=lightgate%20default%20'$purpose; done
same "what was not asked for is not" "$(keys ticket active .place)" file
same "the token holds six private keys" "$(p11 --list-objects --type privkey | grep -c '^Private Key')" 6
same "... which do not leave it" "$(p11 --list-objects --type privkey | grep -c 'never extractable')" 6
same "nothing of them is in the keeper's folder" "$(ls "$T/data/keeper" | grep -c '^root-')" 0
lacks "the PIN is nowhere" "$(tr '\0' ' ' </proc/"$LG_PID"/cmdline; cat "$T/data.log")" open-sesame

# ---- and used ------------------------------------------------------------------------------------------------------------------------
same "a token signed there is believed" "$(api GET /v1/whoami | tail -1)" 200
join=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/node1.key" -subj /CN=node1 -out "$T/node1.csr" 2>/dev/null
curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "$(jq -cn --arg t "$join" --rawfile c "$T/node1.csr" '{token: $t, csr: $c}')" >"$T/joined"
jq -r .certificate "$T/joined" >"$T/node1.pem"; jq -r .chain "$T/joined" >"$T/int.pem"
claim "a certificate from the token" openssl verify -x509_strict -CAfile "$CA" -untrusted "$T/int.pem" "$T/node1.pem"
fresh() { curl -sS --max-time 30 --cacert "$T/roots.pem" --cert "$T/node1.pem" --key "$T/node1.key" "$MTLS/v1/certificates" -d "$(jq -cn --rawfile c "$T/node1.csr" '{csr: $c, profile: "host"}')" >"$T/fresh" 2>/dev/null
	jq -r .certificate "$T/fresh" >"$1.pem"; jq -r .chain "$T/fresh" >"$1.chain"; openssl x509 -in "$1.pem" -noout 2>/dev/null; }
cp "$CA" "$T/roots.pem"
claim "... and another" fresh "$T/second"
crl=$(openssl x509 -in "$T/node1.pem" -noout -ext crlDistributionPoints | sed -n 's/.*URI://p')
same "the CRL is signed there" "$(curl -sS "$crl" | openssl crl -inform DER -noout -CAfile <(cat "$CA" "$T/int.pem") 2>&1)" "verify OK"
ask() { openssl ocsp -issuer "$T/int.pem" -cert "$1" -url "$HTTP/ocsp" -CAfile "$T/roots.pem" -verify_other "$T/int.pem" "${@:2}" 2>&1; }
has "OCSP is answered" "$(ask "$T/node1.pem")" 'Response verify OK'
apart() { [ "$(keys ocsp active .place)" = file ]; }
claim "by a key of its own, which is not in the token" within apart
has "whose certificate goes with the answer" "$(ask "$T/node1.pem" -resp_text -no_nonce)" 'OCSP Signing'
ssh-keygen -q -t ed25519 -N '' -f "$T/id"
has "an SSH certificate from the token" "$(lightgate ssh sign "$T/id.pub" --cert "$T/node1.pem" --key "$T/node1.key" 2>&1; lightgate ssh trust 2>&1)" 'ecdsa-sha2-nistp256'

# ---- other kinds of keys, by URI --------------------------------------------------------------------------------------------------------
refused() { local name=$1; shift; lightgate ca create default "$@" >"$T/claim.out" 2>&1; same "refused: $name" "$?" 2; }
refused "no token" --key 'pkcs11:object=x'
refused "no such token" --key 'pkcs11:token=other;object=x'
refused "a PIN in the URI" --key 'pkcs11:token=ca;object=x?pin-value=open-sesame'
refused "an attribute that is not known" --key 'pkcs11:token=ca;object=x;colour=red'
refused "a type that is not for CAs" --key 'pkcs11:token=ca;object=x' --type Ed25519
has "and it says why" "$(cat "$T/claim.out")" 'Ed25519 signs a CRL whole'
refused "a key that is in use" --key "$(keys issuer active .place)"
turn() { lightgate ca create default --key "$1" --type "$2" >"$T/new" 2>&1 && lightgate ca activate default -- "$(keys issuer next)" >/dev/null; }
claim "P-384, made" turn 'pkcs11:token=ca;object=issuing384' P-384
claim "... signs" fresh "$T/p384"
claim "... and is believed" openssl verify -x509_strict -CAfile "$T/roots.pem" -untrusted "$T/p384.chain" "$T/p384.pem"
has "... with SHA-384" "$(openssl x509 -in "$T/p384.pem" -noout -text)" 'ecdsa-with-SHA384'
p11 --keypairgen --key-type rsa:3072 --id 7a01 --label issuing-rsa >/dev/null || bad "a key by another program"
[ "$(id -u)" != 0 ] || chown -R 61002:61002 "$T/tokens"
claim "RSA, made by another program, found by its id" turn 'pkcs11:token=ca;id=%7a%01;type=private' P-256
claim "... signs" fresh "$T/rsa"
claim "... and is believed" openssl verify -x509_strict -CAfile "$T/roots.pem" -untrusted "$T/rsa.chain" "$T/rsa.pem"
has "... with RSA" "$(openssl x509 -in "$T/rsa.pem" -noout -text)" 'sha256WithRSAEncryption'
crl=$(openssl x509 -in "$T/rsa.pem" -noout -ext crlDistributionPoints | sed -n 's/.*URI://p')
same "... its CRL" "$(curl -sS "$crl" | openssl crl -inform DER -noout -CAfile <(cat "$T/roots.pem" "$T/rsa.chain") 2>&1)" "verify OK"
claim "a root in the token" lightgate ca create default --root --key 'pkcs11:token=ca;object=root2' --type P-384
same "... and the one before, side by side" "$(curl -sS --cacert "$CA" "$HTTPS/spiffe/bundle" | jq '[.keys[] | select(.use == "x509-svid")] | length')" 2
claim "... certifies the next issuing CA" turn 'pkcs11:token=ca;object=below2' P-256
both_there() { [ "$(grep -c BEGIN "$CA")" = 2 ]; }
within both_there; cp "$CA" "$T/roots.pem"
claim "... which signs" fresh "$T/below"
claim "... below it" openssl verify -x509_strict -CAfile "$T/roots.pem" -untrusted "$T/below.chain" "$T/below.pem"

# ---- restart, and the token away ----------------------------------------------------------------------------------------------------------
lg_stop
hsm || bad "start again"
claim "the same CA signs after a restart" fresh "$T/again"
same "... with the same key" "$(openssl x509 -in "$T/again.chain" -noout -pubkey)" "$(openssl x509 -in "$T/below.chain" -noout -pubkey)"
sign_in_admin
mv "$T/tokens" "$T/away"
away() { ! fresh "$T/none" && jq -r '.detail // .title' "$T/fresh" | grep token; }
claim "the token is away: nothing is signed, and it says why" within away
same "... what does not need it goes on" "$(curl -sS --cacert "$T/roots.pem" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" 200
has "... OCSP with it" "$(ask "$T/node1.pem")" 'good'
mv "$T/away" "$T/tokens"
claim "it is back, and so are certificates" within fresh "$T/back"
crashed=$(pgrep -P "$LG_PID" -x lg-token)
kill -KILL "$crashed"
claim "the module's process died: another one has it" within fresh "$T/back"
same "... and the keeper did not die of it" "$(grep -c 'the keeper was ended' "$T/data.log")" 0

# ---- a module that does not come back: a shim in front of the real one whose C_Sign waits for ever while a file is there ---------------------
lg_stop
cat >"$T/shim.c" <<'C'
#include <dlfcn.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <unistd.h>
static CK_FUNCTION_LIST ours, *real;
static CK_RV
sign(CK_SESSION_HANDLE s, CK_BYTE *p, CK_ULONG n, CK_BYTE *out, CK_ULONG *m)
{
	while (access(HANG, F_OK) == 0)
		pause();
	return real->C_Sign(s, p, n, out, m);
}
CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	void *so = dlopen(REAL, RTLD_NOW);
	CK_RV (*get)(CK_FUNCTION_LIST **) = so == NULL ? NULL : (CK_RV (*)(CK_FUNCTION_LIST **))dlsym(so, "C_GetFunctionList");
	if (get == NULL || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	ours = *real;
	ours.C_Sign = sign;
	*ret = &ours;
	return CKR_OK;
}
C
claim "a shim" cc -shared -fPIC -o "$T/shim.so" -DHANG="\"$T/tokens/hang\"" -DREAL="\"$module\"" "$T/shim.c"
was=$module module=$T/shim.so
hsm --keeper.pkcs11.hang=2s || bad "start with the shim"
claim "signs" fresh "$T/shimmed"
: >"$T/tokens/hang"
hung=$(pgrep -P "$LG_PID" -x lg-token)
fresh "$T/none" && bad "signed all the same"
has "the token hangs: refused, and it says why" "$(jq -r '.detail // .title' "$T/fresh")" 'token'
same "... what does not need it goes on" "$(curl -sS --cacert "$T/roots.pem" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" 200
ended() { ! kill -0 "$hung"; }
claim "its process has ended itself" within ended
has "... and said why" "$(cat "$T/data.log")" 'the PKCS#11 module hangs'
rm "$T/tokens/hang"
claim "another process has it, and it signs" within fresh "$T/back"
module=$was

# ---- Ed25519 and RSA keys behind tokens, made when a client wants them; what they signed is verified by the published keys ------------------
lg_stop
hsm --rotation.publish=1s || bad "start with quick successors"
printf 'clients:\n  - {name: ed, type: service, access_token_alg: EdDSA}\n  - {name: ps, type: service, access_token_alg: PS256}\n' >"$T/algs.yaml"
claim "clients with algorithms of their own" lightgate apply -f "$T/algs.yaml" --credentials "$T/algs.json"
token_of() { curl -sS --cacert "$CA" -u "$1:$(lg_secret "$T/algs.json" Client "$1")" -d grant_type=client_credentials "$HTTPS/oauth2/token"; }
for alg in ed:EdDSA ps:PS256; do
	signs() { signed=$(token_of "${alg%:*}" | jq -r .access_token); [ "$signed" != null ]; }
	within signs
	same "${alg#*:} signs" "$(cut -d. -f1 <<<"$signed" | tr '_-' '/+' | sed 's/$/==/' | base64 -d 2>/dev/null | jq -r .alg)" "${alg#*:}"
	has "... in the token" "$(lightgate keeper list -o json | jq -r --arg a "${alg#*:}" '.keys[] | select(.purpose == "token" and .alg == $a and .state == "active") | .place')" '^pkcs11:token=ca'
done

# ---- a wrong PIN -----------------------------------------------------------------------------------------------------------------------------
echo 9999 >"$T/pin"
lg_stop
lg_start "$T/data" --keeper.pkcs11.module="$module" --keeper.pkcs11.pin_file="$T/pin" --keeper.pkcs11.paths="$T/tokens,$SOFTHSM2_CONF" 2>/dev/null && bad "started without its own certificate"
has "a wrong PIN is told" "$(cat "$T/data.log")" 'the PIN is not right'
lg_stop
same "it was tried once, not until the token locks" "$(softhsm2-util --show-slots | grep -c 'locked')" 0
echo open-sesame >"$T/pin"
hsm || bad "start with the right PIN"
claim "with the right one it goes on" fresh "$T/right"
echo 9999 >"$T/pin"; kill -HUP "$LG_PID"
# at first it may be that the process has just ended
refuses() { ! fresh "$T/none" && jq -r '.detail // .title' "$T/fresh" | grep PIN; }
claim "a reload reads the PIN anew" within refuses
echo open-sesame >"$T/pin"; kill -HUP "$LG_PID"
claim "... and again" within fresh "$T/back"

# ---- the module's process is held apart ----------------------------------------------------------------------------------------------------------
pid=$(pgrep -P "$LG_PID" -x lg-token)
same "no new privileges, filtered calls" "$(grep -cE '^(NoNewPrivs:.1|Seccomp:.2)$' /proc/"$pid"/status)" 2
[ "$(id -u)" != 0 ] || has "the keeper's user, no capabilities" "$(grep -E '^(Uid|CapEff):' /proc/"$pid"/status | tr '\n' ' ')" 'Uid:.61002.*CapEff:.0000000000000000'

# settings that cannot be meant
lightgated --keeper.pkcs11.module=/x.so --check >"$T/claim.out" 2>&1; same "no PIN file" "$?" 2
lightgated --keeper.pkcs11.module=/x.so --keeper.pkcs11.pin_file=/x --keeper.pkcs11.token=ca --keeper.pkcs11.keys=data --check >"$T/claim.out" 2>&1; same "a key that does not sign" "$?" 2
done_testing
