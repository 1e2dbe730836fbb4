# EST (RFC 7030) with nothing but curl and openssl: a join token becomes a certificate, which renews itself.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
E=.well-known/est
p7() { openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs; }
request() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -subj "/CN=$1" -outform DER 2>/dev/null | openssl base64 >"$T/$1.req"; }
enroll() { curl -sS --cacert "$CA" -H "Content-Type: application/pkcs10" -H "Content-Transfer-Encoding: base64" --data-binary "@$T/$1.req" "${@:2}"; }

curl -sS --cacert "$CA" -D "$T/head" "$HTTPS/$E/cacerts" | p7 >"$T/cas"
same "cacerts" "$(grep -c BEGIN "$T/cas")" 2
has "its type" "$(cat "$T/head")" '[Cc]ontent-[Tt]ype: application/pkcs7-mime'
same "csrattrs" "$(curl -sS --cacert "$CA" "$HTTPS/$E/csrattrs" | openssl base64 -d -A | openssl asn1parse -inform DER | grep -c ecdsa-with-SHA256)" 1

token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
request first
claim "simpleenroll" test "$(enroll first -u "node1:$token" "$HTTPS/$E/simpleenroll" | p7 | tee "$T/first.pem" | grep -c BEGIN)" = 1
claim "its chain" openssl verify -x509_strict -purpose sslclient -CAfile "$CA" -untrusted "$T/cas" "$T/first.pem"
has "its name" "$(openssl x509 -in "$T/first.pem" -noout -ext subjectAltName)" 'URI:spiffe://.*/host/node1'
request thief
same "the token is used" "$(enroll thief -u "node1:$token" -o /dev/null -w '%{http_code}' "$HTTPS/$E/simpleenroll")" 403
same "without credentials" "$(enroll thief -o /dev/null -w '%{http_code}' "$HTTPS/$E/simpleenroll")" 401
request second
claim "simplereenroll" test "$(enroll second --cert "$T/first.pem" --key "$T/first.key" "$MTLS/$E/simplereenroll" | p7 | tee "$T/second.pem" | grep -c BEGIN)" = 1
claim "the renewed one opens the door" test "$(curl -sS --cacert "$CA" --cert "$T/second.pem" --key "$T/second.key" "$MTLS/v1/whoami" | jq -r .name)" = node1

if command -v pki >/dev/null && pki --help 2>&1 | grep -q -- --est; then
	claim "strongSwan's pki" test "$(pki --estca --url "$HTTPS" --cacert "$CA" --outform pem 2>/dev/null | grep -c BEGIN)" -ge 1
else
	skip "est: strongSwan's pki is not installed"
fi
done_testing
