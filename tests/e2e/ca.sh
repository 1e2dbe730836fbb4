# Issuing CAs: under a root that is kept elsewhere, old and new side by side, back again, and distrusted.
. "$(dirname "$0")/lib.sh"
printf 'hosts: [{name: node1, dns: [node1.example.org]}]\n' >"$T/state.yaml"
lg_start "$T/data" --ceiling.dns_suffixes=example.org --load "$T/state.yaml" || bad "start"
sign_in_admin
ca() { lightgate ca "$@"; }
keys() { lightgate keeper list -o json | jq -r --arg p "$1" --arg s "$2" '.keys[] | select(.purpose == $p and .state == $s) | .kid'; }
refused() { local name=$1; shift; ca "$@" >"$T/claim.out" 2>&1; same "refused: $name" "$?" 2; }
old=$(keys issuer active)
cp "$CA" "$T/oldroot.pem"

# ---- a root elsewhere: openssl -------------------------------------------------------------------------------------------------
claim "a request" ca csr default --out "$T/issuing.csr"
claim "... proves its key" openssl req -in "$T/issuing.csr" -noout -verify
same "asked again it is for the same key" "$(ca csr default | openssl req -noout -pubkey)" "$(openssl req -in "$T/issuing.csr" -noout -pubkey)"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout "$T/root.key" -subj "/CN=Elsewhere" -days 30 -out "$T/root.pem" \
	-addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
sign() { openssl x509 -req -in "$1" ${4:+-subj "$4"} -CA "$T/root.pem" -CAkey "$T/root.key" -days 20 -out "$2" -extfile <(printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%s\n' "$3") 2>/dev/null; }
sign "$T/issuing.csr" "$T/issuing.pem" $'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature'
sign "$T/issuing.csr" "$T/leaf.pem" $'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature'
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other.key" -subj /CN=other -out "$T/other.csr" 2>/dev/null
sign "$T/other.csr" "$T/other.pem" $'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
cat "$T/leaf.pem" "$T/root.pem" >"$T/chain.pem"; refused "a certificate of no CA" import default -f "$T/chain.pem"
cat "$T/other.pem" "$T/root.pem" >"$T/chain.pem"; refused "one for another key" import default -f "$T/chain.pem"
refused "one that the present root did not sign" import default -f "$T/issuing.pem"
cat "$T/issuing.pem" "$T/oldroot.pem" >"$T/chain.pem"; refused "a root that did not sign it" import default -f "$T/chain.pem"
sign "$T/issuing.csr" "$T/named.pem" $'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign' \
	"$(curl -sS "$HTTP/ca/$old.cer" | openssl x509 -inform DER -noout -subject -nameopt compat | sed 's/^subject=//')"
cat "$T/named.pem" "$T/root.pem" >"$T/chain.pem"; refused "the name of the CA before" import default -f "$T/chain.pem"
has "... which says why" "$(cat "$T/claim.out")" 'has this name already'
new=$(keys issuer next)
refused "signing without a certificate" activate default "$new"
cat "$T/issuing.pem" "$T/root.pem" >"$T/chain.pem"
claim "imported" ca import default -f "$T/chain.pem"
refused "twice" import default -f "$T/chain.pem"

# ---- side by side ----------------------------------------------------------------------------------------------------------------
same "the root before is believed" "$(keys root retired | wc -l)" 1
same "the bundle has both" "$(curl -sS --cacert "$CA" "$HTTPS/spiffe/bundle" | jq '[.keys[] | select(.use == "x509-svid")] | length')" 2
token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/node1.key" -subj /CN=node1 -out "$T/node1.csr" 2>/dev/null
curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "$(jq -cn --arg t "$token" --rawfile c "$T/node1.csr" '{token: $t, csr: $c}')" >"$T/joined"
jq -r .certificate "$T/joined" >"$T/node1.pem"; jq -r .chain "$T/joined" >"$T/chain1.pem"
claim "until it signs, certificates are the old CA's" openssl verify -x509_strict -CAfile "$T/oldroot.pem" -untrusted "$T/chain1.pem" "$T/node1.pem"
me() { curl -sS --max-time 10 --cacert "$T/both.pem" --cert "$1.pem" --key "$T/node1.key" -X "$2" "$MTLS$3" "${@:4}" 2>/dev/null; }
cat "$T/oldroot.pem" "$T/root.pem" >"$T/both.pem"
fresh() { me "$T/node1" POST /v1/certificates -d "$(jq -cn --rawfile c "$T/node1.csr" '{csr: $c, profile: "host"}')" >"$T/fresh"; jq -r .certificate "$T/fresh" >"$1.pem"; jq -r .chain "$T/fresh" >"$1.chain"; }
claim "the new one signs" ca activate default -- "$new"
fresh "$T/second"
claim "its certificates stand below the root elsewhere" openssl verify -x509_strict -purpose sslclient -CAfile "$T/root.pem" -untrusted "$T/second.chain" "$T/second.pem"
same "old and new open the door" "$(me "$T/node1" GET /v1/whoami | jq -r .name) $(me "$T/second" GET /v1/whoami | jq -r .name)" "node1 node1"
claim "the listeners follow" within curl -sS --cacert "$T/root.pem" "$HTTPS/readyz"
both_there() { [ "$(grep -c BEGIN "$CA")" = 2 ]; }
claim "the file of roots has both" within both_there
claim "the CRL is signed by the new one" test "$(curl -sS "$(openssl x509 -in "$T/second.pem" -noout -ext crlDistributionPoints | sed -n 's/.*URI://p')" | openssl crl -inform DER -noout -CAfile <(cat "$T/root.pem" "$T/second.chain") 2>&1)" = "verify OK"

# ---- back, forward, distrusted -----------------------------------------------------------------------------------------------------
refused "who signs is not distrusted" distrust default "$new"
claim "back to the one before" ca activate default -- "$old"
fresh "$T/third"
claim "it signs again" openssl verify -x509_strict -CAfile "$T/oldroot.pem" -untrusted "$T/third.chain" "$T/third.pem"
claim "and forward" ca activate default -- "$new"
claim "the old one is distrusted" ca distrust default -- "$old"
same "its certificates open nothing" "$(me "$T/node1" GET /v1/whoami | jq -r .name 2>/dev/null)" ""
same "the new one's do" "$(me "$T/second" GET /v1/whoami | jq -r .name)" node1
refused "a distrusted one does not sign" activate default "$old"
claim "believed again" ca trust default -- "$old"
same "... its certificates too" "$(me "$T/node1" GET /v1/whoami | jq -r .name)" node1
refused "no successor by a root that is elsewhere" rotate default
has "... which says what to do" "$(cat "$T/claim.out")" 'ca csr'
has "all of it is on record" "$(api GET '/v1/audit?operation=keeper.distrust')" '"operation":"keeper.distrust"'
claim "what was signed is in the inventory" lightgate keeper reconcile

# ---- constrained names, in a second tenant -------------------------------------------------------------------------------------------
lightgate tenant create two --suffix dc=two,dc=org --dns-suffix two.example.org >/dev/null || bad "tenant create"
claim "a constrained successor" ca rotate two --constrained
kid=$(lightgate keeper list -o json | jq -r '.keys[] | select(.tenant == "two" and .purpose == "issuer" and .state == "next") | .kid')
refused "one at a time" rotate two --constrained
claim "it can be cancelled" ca cancel two -- "$kid"
ca rotate two --constrained >/dev/null
kid=$(lightgate keeper list -o json | jq -r '.keys[] | select(.tenant == "two" and .purpose == "issuer" and .state == "next") | .kid')
claim "in force" ca activate two -- "$kid"
text=$(curl -sS "$HTTP/t/two/ca/$kid.cer" | openssl x509 -inform DER -noout -text)
has "its names are constrained, critically" "$text" 'Name Constraints: critical'
has "... to the ceiling" "$text" 'DNS:two.example.org'

# ---- a successor is of its predecessor's kind, and told before it signs ---------------------------------------------------------------
next_of_two() { lightgate keeper list -o json | jq -r '.keys[] | select(.tenant == "two" and .purpose == "issuer" and .state == "next") | '"$1"; }
ca create two --type P-384 >/dev/null && ca activate two -- "$(next_of_two .kid)" >/dev/null || bad "a P-384 CA"
ca rotate two >/dev/null
same "of its kind" "$(next_of_two .alg)" ES384
claim "it is told" openssl x509 -noout -inform DER -in <(curl -sS "$HTTP/t/two/ca/$(next_of_two .kid).cer")
has "by EST too" "$(curl -sS --cacert "$T/root.pem" "$HTTPS/t/two/.well-known/est/cacerts" | base64 -d | openssl pkcs7 -inform DER -print_certs -noout | grep -c 'Issuing CA')" '^4$'
ca cancel two -- "$(next_of_two .kid)" >/dev/null
ca rotate two --constrained >/dev/null
same "constrained too" "$(next_of_two .alg)" ES384
ca cancel two -- "$(next_of_two .kid)" >/dev/null

# ---- so many that sign, or signed what is still good, and no more ---------------------------------------------------------------------
rounds() { for i in 1 2 3 4; do ca create two >/dev/null && ca activate two -- "$(next_of_two .kid)" || return; done; }
rounds >"$T/claim.out" 2>&1; same "a fifth CA beside four that are believed" "$?" 2
has "... which says what to do" "$(cat "$T/claim.out")" '4 issuing CAs are still believed.*distrust one'
distrusted() { for k in $(lightgate keeper list -o json | jq -r '.keys[] | select(.tenant == "two" and .purpose == "issuer" and .state == "retired") | .kid'); do ca distrust two -- "$k" || return; done; }
claim "the others are distrusted" distrusted
claim "then it signs" ca activate two -- "$(next_of_two .kid)"

# ---- Ed25519, root and issuing CA: what stock programs make of it ---------------------------------------------------------------------
has "an Ed25519 root" "$(ca create two --root --type Ed25519 2>&1)" 'purpose +root'
claim "... and an issuing CA below it" ca create two --type Ed25519
kid=$(lightgate keeper list -o json | jq -r '.keys[] | select(.tenant == "two" and .purpose == "issuer" and .state == "next") | .kid')
claim "in force" ca activate two -- "$kid"
jq -r '.keys[] | select(.use == "x509-svid" and .crv == "Ed25519") | .x5c[0]' < <(curl -sS "$HTTP/t/two/spiffe/bundle") | base64 -d | openssl x509 -inform DER -out "$T/edroot.pem"
curl -sS "$HTTP/t/two/ca/$kid.cer" | openssl x509 -inform DER -out "$T/edca.pem"
cat "$T/edca.pem" "$T/edroot.pem" >"$T/edchain.pem"
claim "openssl: the chain" openssl verify -x509_strict -CAfile "$T/edroot.pem" "$T/edca.pem"
has "GnuTLS: the chain" "$(certtool --verify --load-ca-certificate "$T/edroot.pem" --infile "$T/edchain.pem" 2>&1)" 'Chain verification output: Verified'
for list in "$kid.crl" "$kid.delta.crl" "$kid/7.crl"; do
	curl -sS "$HTTP/t/two/crl/$list" -o "$T/ed.crl"
	has "openssl: $list" "$(openssl crl -inform DER -in "$T/ed.crl" -noout -CAfile "$T/edchain.pem" 2>&1)" 'verify OK'
done
openssl crl -inform DER -in "$T/ed.crl" -out "$T/ed.crl.pem"
has "GnuTLS: the CRL" "$(certtool --verify-crl --load-ca-certificate "$T/edca.pem" --infile "$T/ed.crl.pem" 2>&1)" 'Verified'
done_testing
