# Certificates as an administrator and stock tools see them: names from the directory, profiles, lists of what is revoked, OCSP.
. "$(dirname "$0")/lib.sh"

cat >"$T/state.yaml" <<'YAML'
hosts: [{name: node1, dns: [node1.example.org, node1.alias.example.org], addresses: [10.0.0.7]}]
services: [{name: shop-api, dns: [api.example.org]}]
YAML
lg_start "$T/data" --ceiling.dns_suffixes=example.org --ceiling.addresses=10.0.0.0/8 --load "$T/state.yaml" || bad "start"
sign_in_admin
request() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -subj "/CN=$1" -out "$T/$1.req" "${@:2}" 2>/dev/null; }
curl -sS --cacert "$CA" "$HTTPS/.well-known/est/cacerts" | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs >"$T/cas"

# ---- names come from the directory, a request leaves some out -------------------------------------------------------------
token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
request node1
curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "$(jq -cn --arg t "$token" --rawfile c "$T/node1.req" '{token: $t, csr: $c}')" >"$T/joined"
jq -r .certificate "$T/joined" >"$T/node1.pem"
names=$(openssl x509 -in "$T/node1.pem" -noout -ext subjectAltName)
has "DNS names of the entry" "$names" 'DNS:node1.example.org, DNS:node1.alias.example.org'
has "its address" "$names" 'IP Address:10.0.0.7'
has "and its URI" "$names" 'URI:spiffe://example.org/host/node1'
claim "openssl believes it" openssl verify -x509_strict -purpose sslclient -CAfile "$CA" -untrusted "$T/cas" "$T/node1.pem"
me() { curl -sS --cacert "$CA" --cert "$T/node1.pem" --key "$T/node1.key" -X "$1" "$MTLS$2" -w '\n%{http_code}' "${@:3}"; }
same "its certificate opens the door" "$(me GET /v1/whoami | head -1 | jq -r .name)" node1
issue() { me POST /v1/certificates -d "$(jq -cn --rawfile c "$T/$1.req" --arg p "$2" '{csr: $c, profile: $p}')"; }
request less -addext subjectAltName=DNS:node1.example.org
names=$(issue less host | head -1 | jq -r .certificate | openssl x509 -noout -ext subjectAltName)
has "a request narrows the names" "$names" 'DNS:node1.example.org'
lacks "... to those it names" "$names" 'alias|IP Address'
request more -addext subjectAltName=DNS:api.example.org
same "it adds none" "$(issue more host | tail -1)" 403

# ---- profiles ----------------------------------------------------------------------------------------------------------------
printf 'subject: Host\nkeys: [P-256]\nusages: [serverAuth]\nnames: [uri, dns]\nlife_seconds: 600\nlongest_seconds: 600\npolicies: ["1.3.6.1.4.1.99999.7"]\n' >"$T/short.yaml"
has "a profile is added" "$(lightgate --dev "$T/data" profile set short -f "$T/short.yaml")" 'short is added'
has "it is listed" "$(lightgate --dev "$T/data" profile list)" '^short +leaf +Host +P-256 +serverAuth'
has "... and shown" "$(lightgate --dev "$T/data" profile show short)" "life_seconds"
request short
same "policy decides who gets it" "$(issue short short | tail -1)" 403
cat >"$T/policies.yaml" <<'YAML'
policies: |
  permit (principal is Host, action == Action::"certificate:issue", resource is Certificate) when { ["short", "brief"].contains(resource.profile) };
YAML
claim "policy" lightgate --dev "$T/data" apply -f "$T/policies.yaml"
issue short short | head -1 | jq -r .certificate >"$T/short.pem"
text=$(openssl x509 -in "$T/short.pem" -noout -text)
has "a policy OID" "$text" 'Policy: 1.3.6.1.4.1.99999.7'
lacks "no client" "$text" 'TLS Web Client'
claim "ten minutes" test "$(openssl x509 -in "$T/short.pem" -noout -checkend 660 >/dev/null; echo $?)" = 1
lightgate --dev "$T/data" profile set bad -f - >"$T/claim.out" 2>&1 <<<'{"keys": ["DSA"]}'; same "what is no profile is refused" "$?" 2
# another one of eighteen seconds ends without a successor: doctor says so in its last three, while the rest of this goes on
sed 's/seconds: 600/seconds: 18/' "$T/short.yaml" >"$T/brief.yaml"
claim "a life of eighteen seconds" lightgate --dev "$T/data" profile set brief -f "$T/brief.yaml"
issue short brief | head -1 | jq -r .serial >"$T/brief.serial"
(for _ in $(seq 200); do lightgate --dev "$T/data" doctor >"$T/doctor.out" 2>&1 || break; sleep 0.1; done) & doctor=$!
claim "deleted" lightgate --dev "$T/data" profile delete short
same "... it is gone" "$(issue short short | tail -1)" 400

# ---- OCSP and CRL with stock tools ------------------------------------------------------------------------------------------
openssl x509 -in <(jq -r .chain "$T/joined") -out "$T/int.pem"
ocsp() { openssl ocsp -issuer "$T/int.pem" -cert "$T/$1.pem" -url "$(openssl x509 -in "$T/$1.pem" -noout -ocsp_uri)" -CAfile "$CA" -verify_other "$T/int.pem" "${@:2}" 2>&1; }
has "OCSP: good, the nonce comes back" "$(ocsp short -nonce)" 'short.pem: good'
has "... verified" "$(ocsp short -nonce)" 'Response verify OK'
serial=$(openssl x509 -in "$T/short.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
claim "revoked" lightgate --dev "$T/data" certificate revoke "$serial" --reason superseded
has "OCSP: revoked, with the reason" "$(ocsp short)" 'superseded'
crl=$(openssl x509 -in "$T/short.pem" -noout -ext crlDistributionPoints | sed -n 's/.*URI://p')
curl -sS "$crl" -o "$T/crl.der"
claim "the CRL is the issuer's" openssl crl -inform DER -in "$T/crl.der" -CAfile <(cat "$CA" "$T/int.pem") -noout
has "... and lists it" "$(openssl crl -inform DER -in "$T/crl.der" -noout -text)" "${serial^^}"

# ---- the parts, the delta, and the full list with OpenSSL's own checks --------------------------------------------------------
check() { openssl verify -crl_check -CAfile "$CA" -untrusted "$T/int.pem" -CRLfile "$1" "$T/$2.pem" 2>&1; }
pem() { openssl crl -inform DER -in "$1" -out "$2"; }
pem "$T/crl.der" "$T/part.pem"
has "its own part refuses it" "$(check "$T/part.pem" short)" 'certificate revoked'
base=${crl%/*}
curl -sS "$base.crl" -o "$T/full.der"; pem "$T/full.der" "$T/full.pem"
has "the full list refuses it" "$(check "$T/full.pem" short)" 'certificate revoked'
has "... and not the other" "$(check "$T/full.pem" node1)" 'node1.pem: OK'
freshest=$(openssl crl -in "$T/full.pem" -noout -text | sed -n '/Freshest/,/URI/s/.*URI://p')
same "the full list names its delta" "$freshest" "$base.delta.crl"
has "the delta" "$(curl -sS "$freshest" | openssl crl -inform DER -noout -text)" 'Delta CRL Indicator: critical'
if command -v certtool >/dev/null; then
	claim "GnuTLS believes the full list" certtool --verify-crl --load-ca-certificate "$T/int.pem" --infile "$T/full.pem"
else
	skip "certtool is not installed"
fi

# ---- the inventory: searched, exported, revoked by subject ---------------------------------------------------------------------
lg() { lightgate --dev "$T/data" certificate "$@"; }
has "by name" "$(lg list --name 'node*')" '^[0-9a-f]{34} +Host/node1'
has "what ends soon" "$(lg list --expiring 25h)" 'Host/node1'
kid=$(lightgate --dev "$T/data" keeper list -o json | jq -r '.keys[] | select(.purpose == "issuer" and .state == "active") | .kid')
has "by issuer" "$(lg list --issuer="$kid" --profile host)" 'Host/node1'
same "... by its certificate's digest, page by page" "$(lg list --issuer="$(openssl x509 -in "$T/int.pem" -outform DER | sha256sum | cut -d' ' -f1)" -o json | jq '.items | length')" "$(lg list -o json | jq '.items | length')"
has "... there is no other" "$(lg list --issuer nobody 2>&1)" 'no issuer has the key'
has "within a range" "$(lg list --expires-after "$(date -u -d '+20 hours' +%FT%TZ)" --expires-before "$(date -u -d '+28 hours' +%FT%TZ)")" 'Host/node1'
lacks "... within another" "$(lg list --expires-after "$(date -u -d '+28 hours' +%FT%TZ)")" 'Host/node1'
lacks "... within a minute nothing" "$(lg list --expiring 1m --profile host)" 'Host/node1'
same "revoked ones" "$(lg list --state revoked -o json | jq -r '.items[].serial')" "$serial"
same "CSV" "$(lg export --format csv --state revoked | cut -d, -f1,2,8)" "$(printf 'serial,state,reason\n"%s","revoked","superseded"' "$serial")"
same "PEM" "$(lg export --format pem --serial "$serial" | openssl x509 -noout -serial | cut -d= -f2)" "${serial^^}"

# ---- the ledger: proofs that are checked here --------------------------------------------------------------------------------------
has "its issue is proved" "$(lg prove "$serial" -f "$T/short.pem" --head "$T/ledger")" 'issued: entry [0-9]+ of [0-9]+ is proved'
has "... and its revocation" "$(lg prove "$serial" --head "$T/ledger")" 'revoked: entry [0-9]+ of'
issue short host >/dev/null
has "it only grew" "$(lg prove "$serial" --head "$T/ledger")" 'it only grew, from [0-9]+ to [0-9]+'
claim "a witness" lg witness "$T/witness"
has "a proof that leads to a signed head" "$(lg prove "$serial" -f "$T/short.pem" --witness "$T/witness" --out "$T/proof")" 'by the head of example.org that was signed'
alone() { env -u LIGHTGATE_DEV LIGHTGATE_CONFIG="$T/none" lightgate certificate prove "$serial" -f "$T/$1.pem" --witness "$T/witness" --proof "$T/$2" 2>&1; }
has "... is good without the service" "$(alone short proof)" 'entry [0-9]+ of [0-9]+ is proved'
jq -c '.head.root = ("ab" * 32)' "$T/proof" >"$T/proof2"; lacks "... not with another head" "$(alone short proof2)" 'that was signed'
jq -c '.items[0].path[0] = ("ab" * 32)' "$T/proof" >"$T/proof2"; has "... nor another path" "$(alone short proof2)" 'does not lead to the root'
jq -c '.items = []' "$T/proof" >"$T/proof2"; has "... nor nothing" "$(alone short proof2)" 'nothing is proved'
has "... nor for another certificate" "$(alone node1 proof)" 'another certificate'
lg prove "$serial" -f "$T/node1.pem" >"$T/claim.out" 2>&1; same "another certificate is not what it holds" "$?" 2
sed -i 's/"root":"./"root":"x/' "$T/ledger"; lg prove "$serial" --head "$T/ledger" >"$T/claim.out" 2>&1; same "a head that was altered" "$?" 2
jq -cn '{size: 2, root: ("ab" * 32)}' >"$T/ledger"; lg prove "$serial" --head "$T/ledger" >"$T/claim.out" 2>&1; same "a head of another ledger" "$?" 2
# a witness has no rights, and believes the keeper's signature alone
witness() { env -u LIGHTGATE_DEV LIGHTGATE_CONFIG="$T/nobody" lightgate --url "$HTTPS" --ca "$CA" certificate witness "$@"; }
has "a witness begins" "$(witness "$T/witness" 2>&1)" 'ledger of .*: [0-9]+ entries, signed 20'
has "... and goes on" "$(witness "$T/witness" 2>&1)" 'it only grew, from [0-9]+ to [0-9]+'
jq -c '.head.size = 1' "$T/witness" >"$T/altered"; witness "$T/altered" >"$T/claim.out" 2>&1; same "a head that the keeper did not sign" "$?" 2
lightgated --dev --data "$T/another" >"$T/another.ready" 2>/dev/null & another=$!
announced() { read -r _ <"$T/another.ready"; }
within announced
curl -sS --cacert "$T/another/run/ca.pem" "$(jq -r .https "$T/another.ready")/ledger" >"$T/other"; kill $another; wait $another
has "another keeper's head is there" "$(cat "$T/other")" '"sig"'
witness "$T/other" >"$T/claim.out" 2>&1; same "a ledger that another keeper signs" "$?" 2
wait $doctor
has "doctor finds what nobody renewed" "$(cat "$T/doctor.out")" "BAD +certificate $(cat "$T/brief.serial"): brief Host/node1 ends .* nobody renewed it"
has "... and is content otherwise" "$(cat "$T/doctor.out")" 'ok +roots and issuing CAs'
key=$(openssl x509 -in "$T/node1.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
has "by key" "$(lg list --spki "$key")" 'Host/node1'
has "a compromised key: all its certificates" "$(lg revoke --spki "$key" --reason keyCompromise -o json)" '"revoked":1'
same "... open no door any more" "$(curl -sS --cacert "$CA" --cert "$T/node1.pem" --key "$T/node1.key" -o /dev/null -w '%{http_code}' "$MTLS/v1/whoami" 2>/dev/null)" 000
has "all of a subject" "$(lg revoke --subject Host/node1 --reason cessationOfOperation -o json)" '"revoked":[1-9]'
same "a purge wants a time" "$(lg purge >/dev/null 2>&1; echo $?)" 2
same "what ended lately stays" "$(lg purge --expired 1s)" "0 rows are gone"

# ---- nobody renewed it ---------------------------------------------------------------------------------------------------------
has "what is alive is counted" "$(curl -sS --cacert "$CA" "$HTTPS/metrics")" '^lightgate_certificates_live\{tenant="1",profile="tls-server",within_days="1"\} [1-9]'
has "all of an issuer" "$(lg revoke --issuer="$kid" --reason superseded -o json)" '"revoked":[1-9]'
same "... nothing of it is alive" "$(lg list --issuer="$kid" --state issued --expires-after "$(date -u +%FT%TZ)" -o json | jq '.items | length')" 0
# the service's own certificate: whoever revokes it sees another within a second or two
shown() { openssl s_client -connect "${HTTPS#https://}" </dev/null 2>/dev/null | openssl x509 -noout -serial | cut -d= -f2 | tr A-F a-f; }
own=$(shown)
another() { [ "$(shown)" != "$own" ]; }
same "the service's own is revoked" "$(api POST "/v1/certificates/$own/revoke" -d '{"reason":"keyCompromise"}' | tail -1)" 204
claim "it shows another" within another
has "an entry that is not there" "$(api POST /v1/certificates/revoke -d '{"subject":"Host/none"}')" 'there is no Host/none'
has "a serial number that is none" "$(api POST /v1/certificates/12/revoke -d '{}')" '34 hex digits'
done_testing
