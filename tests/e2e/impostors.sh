#!/bin/bash
# A CA of one tenant that names what is another's opens no door.  The second tenant's root is kept elsewhere, so its key is in the test's
# hands: whatever a stolen CA of that tenant could sign is shown to every listener.
. "$(dirname "$0")/lib.sh"
cat >"$T/state.yaml" <<'YAML'
hosts: [{name: node1}]
projects: [{name: post}]
services: [{name: courier, project: post}]
policies: |
  @id("itself")
  permit (principal == Service::"courier", action == Action::"http:read", resource == Service::"courier");
YAML
lg_start "$T/data" || bad "start"
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" || bad "apply: $(cat "$T/out")"
sign_in_admin
lightgate tenant create two --suffix dc=two,dc=org --dns-suffix two.example.org -o json >"$T/two.json" || bad "tenant create"
DOMAIN=$(curl -sS --cacert "$CA" "$HTTPS/spiffe/bundles" | jq -r '.trust_domains | keys[0]')
TWO=$(jq -r .trust_domain "$T/two.json")
STREAM=$(jq -r .https_stream "$T/data/dev.json")

# ---- a root whose key is here ------------------------------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/root.key" -subj "/CN=Elsewhere" -days 30 -out "$T/root.pem" \
	-addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
below() { openssl x509 -req -CA "$T/$1.pem" -CAkey "$T/$1.key" -set_serial "0x42$(openssl rand -hex 16)" -days 1 -out "$T/$2.pem" -extfile <(printf '%s\n' 'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid' "${@:3}") 2>/dev/null; }
CA_EXT=('basicConstraints=critical,CA:TRUE' 'keyUsage=critical,keyCertSign,cRLSign')
lightgate ca csr two --out "$T/issuing.csr" >/dev/null || bad "ca csr"
below root issuing "${CA_EXT[@]}" <"$T/issuing.csr"
cat "$T/issuing.pem" "$T/root.pem" >"$T/chain.pem"
claim "the second tenant's root is elsewhere" lightgate ca import two -f "$T/chain.pem"
claim "and its issuing CA signs" lightgate ca activate two -- "$(lightgate keeper list -o json | jq -r '.keys[] | select(.tenant == "two" and .purpose == "issuer" and .state == "next") | .kid')"

# ---- impostors: NAME ISSUER URI ---------------------------------------------------------------------------------------
key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -subj "/CN=$1" 2>/dev/null; }
impostor() { key "$1" | below "$2" "$1" 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth,clientAuth' "subjectAltName=URI:$3"; cat "$T/$2.pem" >>"$T/$1.pem"; }
# the known issuing CA's name and key identifier, with another key
key twin >"$T/twin.csr"
SKI=$(openssl x509 -in "$T/issuing.pem" -noout -ext subjectKeyIdentifier | tail -1 | tr -d ' ')
openssl x509 -in "$T/issuing.pem" -signkey "$T/twin.key" -out "$T/twin.pem" -extfile <(printf 'subjectKeyIdentifier=%s\n%s\n%s\n' "$SKI" "${CA_EXT[@]}") 2>/dev/null
IMPOSTORS=()
for name in service/courier host/node1; do
	for ca in root twin; do
		impostor "one-$ca-${name#*/}" "$ca" "spiffe://$DOMAIN/$name"
		impostor "two-$ca-${name#*/}" "$ca" "spiffe://$TWO/$name"
		IMPOSTORS+=("one-$ca-${name#*/}" "two-$ca-${name#*/}")
	done
done
claim "the impostors are there" test "$(openssl x509 -in "$T/one-twin-node1.pem" -noout -ext subjectAltName | grep -c "spiffe://$DOMAIN/host/node1")" = 1

# ---- doors: each prints who it takes them for, or nothing ------------------------------------------------------------------
with() { curl -sS --max-time 20 --cacert "$CA" --cert "$T/$1.pem" --key "$T/$1.key" -w '\n%{http_code}' "${@:2}" 2>/dev/null; }
taken() { case $(tail -1 <<<"$1") in 2??) head -1 <<<"$1" ;; esac; }
rest() { taken "$(with "$1" "$MTLS/v1/whoami")"; }
rest_two() { taken "$(with "$1" "$MTLS/t/two/v1/whoami")"; }
est() { taken "$(with "$1" -H 'Content-Type: application/pkcs10' --data-binary "$(openssl req -new -key "$T/$1.key" -subj "/CN=$(openssl x509 -in "$T/$1.pem" -noout -subject -nameopt multiline | sed -n "s/.*commonName *= //p")" -outform der 2>/dev/null | base64 -w0)" "$MTLS/.well-known/est/simplereenroll")"; }
tokens() { taken "$(with "$1" -d grant_type=client_credentials -d client_id=courier -d "resource=$ISSUER/v1" "$MTLS/oauth2/token")"; }
stream() { taken "$(with "$1" "$STREAM/v1/watch")"; }
bundle() { taken "$(with "$1" "$MTLS/v1/agent/bundle")"; }
rejoin() {	# the certificate in the body, over a listener that asks for none
	openssl req -new -key "$T/$1.key" -subj /CN=x -out "$T/csr" 2>/dev/null
	taken "$(curl -sS --cacert "$CA" "$HTTPS/v1/rejoin" -w '\n%{http_code}' -d "$(jq -cn --rawfile c "$T/$1.pem" --rawfile r "$T/csr" '{certificate: $c, csr: $r}')")"
}
export LDAPTLS_CACERT=$CA
ldaps() { LDAPTLS_CERT=$T/$1.pem LDAPTLS_KEY=$T/$1.key ldapwhoami -Q -Y EXTERNAL -H "$LDAPS" 2>/dev/null; }
starttls() { LDAPTLS_CERT=$T/$1.pem LDAPTLS_KEY=$T/$1.key ldapwhoami -Q -ZZ -Y EXTERNAL -H "$LDAP" 2>/dev/null; }
federation() { lightgate federation verify "$T/$1.pem" 2>/dev/null; }
proxy_for() { taken "$(with "$1" -D - -H 'X-Original-Method: GET' -H 'X-Original-URI: /' -H 'X-Original-Host: x' \
	-H "X-Client-Cert: $(openssl x509 -in "$T/$2.pem" | jq -sRr @uri)" "$MTLS/v1/proxy/auth_request_cert/courier")"; }
proxy() { proxy_for "$1" courier; }
proxied() { proxy_for courier "$1"; }	# shown by a proxy that is who it says
cluster() { taken "$(with "$1" -H 'Content-Type: application/json' "$MTLS/v1/kubernetes/tokenreview" \
	-d '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"x"}}')"; }
DOORS=(rest rest_two est tokens stream bundle rejoin ldaps starttls federation proxy proxied cluster)
lg_secret "$T/credentials" Service courier >"$T/secret"
lightgate certificate issue --profile service --client-id courier --client-secret-file "$T/secret" --key-out "$T/courier.key" \
	--cert-out "$T/courier.pem" >"$T/out" 2>&1 || bad "courier's certificate: $(cat "$T/out")"
for door in "${DOORS[@]}"; do
	for i in "${IMPOSTORS[@]}"; do
		who=$("$door" "$i")
		same "$door takes $i for nobody" "$who" ""
	done
done

# ---- and the same doors open to whom they are for ------------------------------------------------------------------------------
token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
key node1 >"$T/node1.csr"
curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "$(jq -cn --arg t "$token" --rawfile c "$T/node1.csr" '{token: $t, csr: $c}')" | jq -r '.certificate + .chain' >"$T/node1.pem"
for door in proxy proxied cluster; do claim "$door opens to courier" test -n "$("$door" courier)"; done
for door in rest est bundle rejoin; do claim "$door opens to node1" test -n "$("$door" node1)"; done
claim "LDAPS opens to node1" grep -q 'cn=node1' <<<"$(ldaps node1)"
claim "StartTLS opens to node1" grep -q 'cn=node1' <<<"$(starttls node1)"
curl -sSN --cacert "$CA" --cert "$T/node1.pem" --key "$T/node1.key" "$STREAM/v1/watch" >"$T/first" 2>/dev/null & watching=$!
claim "the stream opens to node1" within test -s "$T/first"
kill $watching
same "two's paths stay shut to it" "$(rest_two node1)" ""
done_testing
