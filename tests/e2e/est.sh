# EST (RFC 7030) with curl and openssl, and with strongSwan's pki: join token, service secret, renewal, keys made by the service.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
E=.well-known/est
p7() { openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs; }
request() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -subj "/CN=${2:-$1}" "${@:3}" -outform DER 2>/dev/null | openssl base64 >"$T/$1.req"; }
enroll() { curl -sS --cacert "$CA" -H "Content-Type: application/pkcs10" -H "Content-Transfer-Encoding: base64" --data-binary "@$T/$1.req" "${@:2}"; }
chain() { openssl verify -x509_strict -purpose sslclient -CAfile "$CA" -untrusted "$T/cas" "$1"; }
san() { openssl x509 -in "$1" -noout -ext subjectAltName; }

curl -sS --cacert "$CA" -D "$T/head" "$HTTPS/$E/cacerts" | p7 >"$T/cas"
same "cacerts" "$(grep -c BEGIN "$T/cas")" 2
has "its type" "$(cat "$T/head")" '[Cc]ontent-[Tt]ype: application/pkcs7-mime'
same "csrattrs" "$(curl -sS --cacert "$CA" "$HTTPS/$E/csrattrs" | openssl base64 -d -A | openssl asn1parse -inform DER | grep -c ecdsa-with-SHA256)" 1

token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
request first
claim "simpleenroll" test "$(enroll first -u "node1:$token" "$HTTPS/$E/simpleenroll" | p7 | tee "$T/first.pem" | grep -c BEGIN)" = 1
claim "its chain" chain "$T/first.pem"
has "its name" "$(san "$T/first.pem")" 'URI:spiffe://.*/host/node1'
request thief
same "the token is used" "$(enroll thief -u "node1:$token" -o /dev/null -w '%{http_code}' "$HTTPS/$E/simpleenroll")" 403
same "without credentials" "$(enroll thief -o /dev/null -w '%{http_code}' "$HTTPS/$E/simpleenroll")" 401
has "it says how" "$(enroll thief -o /dev/null -D - "$HTTPS/$E/simpleenroll")" '[Ww][Ww][Ww]-[Aa]uthenticate: Basic'
# RFC 7030 4.2.2: subject and names of a renewal are the certificate's
renew() { enroll "$1" --cert "$T/first.pem" --key "$T/first.key" "$MTLS/$E/simplereenroll" "${@:2}"; }
request second
same "another subject is no renewal" "$(renew second -o "$T/out" -w '%{http_code}')" 400
has "it says why" "$(cat "$T/out")" "subject is not that of the certificate"
request second node1 -addext "subjectAltName=DNS:node1.example.org"
same "nor are other names" "$(renew second -o "$T/out" -w '%{http_code}')" 400
request second node1 -addext "subjectAltName=$(san "$T/first.pem" | sed -n '2s/ //gp')"
claim "simplereenroll, the names said" test "$(renew second | p7 | grep -c BEGIN)" = 1
request second node1
claim "simplereenroll" test "$(renew second | p7 | tee "$T/second.pem" | grep -c BEGIN)" = 1
claim "the renewed one opens the door" test "$(curl -sS --cacert "$CA" --cert "$T/second.pem" --key "$T/second.key" "$MTLS/v1/whoami" | jq -r .name)" = node1
same "no renewal without a certificate" "$(enroll second -u "controller:x" -o /dev/null -w '%{http_code}' "$HTTPS/$E/simplereenroll")" 404

# a service and its secret
secret=$(jq -r '.credentials[] | select(.name == "controller") | .secret' <<<"$LG_READY")
request service
claim "by secret" test "$(enroll service -u "controller:$secret" "$HTTPS/$E/simpleenroll" | p7 | tee "$T/service.pem" | grep -c BEGIN)" = 1
has "its name" "$(san "$T/service.pem")" 'URI:spiffe://.*/service/controller'
same "another secret" "$(enroll service -u "controller:${secret%?}x" -o /dev/null -w '%{http_code}' "$HTTPS/$E/simpleenroll")" 401

# a key made by the service: PKCS#8, then the certificate
enroll service -u "controller:$secret" -D "$T/head" "$HTTPS/$E/serverkeygen" | tr -d '\r' >"$T/both"
has "serverkeygen" "$(cat "$T/head")" '[Cc]ontent-[Tt]ype: multipart/mixed; boundary=lightgate-est'
body() { awk -v t="$1" '/^Content-Type:/ { on = index($0, t); next } /^--/ { on = 0 } on && /^[A-Za-z0-9+\/=]+$/' "$T/both"; }
body application/pkcs8 | openssl base64 -d -A | openssl pkey -inform DER -out "$T/made.key" 2>/dev/null
body application/pkcs7-mime | p7 >"$T/made.pem"
claim "the certificate is the key's" test "$(openssl pkey -in "$T/made.key" -pubout)" = "$(openssl x509 -in "$T/made.pem" -noout -pubkey)"
claim "it opens the door" test "$(curl -sS --cacert "$CA" --cert "$T/made.pem" --key "$T/made.key" "$MTLS/v1/whoami" | jq -r .name)" = controller
lacks "the key is kept nowhere" "$(api GET '/v1/certificates?subject=Service/controller'; api GET '/v1/audit?limit=50')" 'PRIVATE|private_key'

# strongSwan
if command -v pki >/dev/null && pki --help 2>&1 | grep -q -- --est; then
	sw() { env -u ASAN_OPTIONS -u UBSAN_OPTIONS pki "$@" 2>>"$T/pki.log"; }
	claim "strongSwan: cacerts" test "$(sw --estca --url "$HTTPS" --cacert "$CA" --outform pem | grep -c BEGIN)" -ge 1
	token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
	sw --gen --type ecdsa --size 256 --outform pem >"$T/sw.key"
	sw --req --type ecdsa --in "$T/sw.key" --dn CN=node1 --outform pem >"$T/sw.req"
	sw --est --url "$HTTPS" --cacert "$CA" --in "$T/sw.req" --userpass "node1:$token" --outform pem >"$T/sw.pem"
	claim "strongSwan: simpleenroll" chain "$T/sw.pem"
	sw --est --url "$HTTPS" --cacert "$CA" --in "$T/sw.req" --userpass "controller:$secret" --outform pem >"$T/sws.pem"
	has "strongSwan: by a service's secret" "$(san "$T/sws.pem")" 'service/controller'
	sw --gen --type rsa --size 2048 --outform pem >"$T/sw2.key"
	sw --req --type rsa --in "$T/sw2.key" --dn CN=node1 --outform pem >"$T/sw2.req"
	sw --est --url "$MTLS" --cacert "$CA" --in "$T/sw2.req" --cert "$T/sw.pem" --key "$T/sw.key" --outform pem >"$T/sw2.pem"
	claim "strongSwan: simplereenroll, with an RSA key" chain "$T/sw2.pem"
	[ "$failed" = 0 ] || cat "$T/pki.log"
else
	skip "est: needs strongswan-pki, libcharon-extra-plugins and libstrongswan-standard-plugins"
fi
done_testing
