# Certificates of ours, judged by others: openssl, GnuTLS, NSS, node; OCSP asked for by openssl and GnuTLS.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
quiet() { env -u ASAN_OPTIONS -u UBSAN_OPTIONS "$@"; }
secret=$(jq -r '.credentials[] | select(.name == "controller") | .secret' <<<"$LG_READY")
printf %s "$secret" >"$T/secret"
issue() { lightgate certificate issue --profile service --client-id controller --client-secret-file "$T/secret" "$@"; }

# the command's three ways to a key
claim "a key made here" issue --key-out "$T/leaf.key" --cert-out "$T/chain.pem"
openssl req -new -newkey rsa:2048 -nodes -keyout "$T/rsa.key" -subj /CN=controller -out "$T/rsa.csr" 2>/dev/null
claim "a request" issue --csr "$T/rsa.csr" --cert-out "$T/rsa.pem"
claim "a key made there" issue --server-key Ed25519 --key-out "$T/ed.key" --cert-out "$T/ed.pem"
claim "for ten minutes" issue --life 10m --key-out "$T/brief.key" --cert-out "$T/brief.pem"
has "it ends then" "$(openssl x509 -in "$T/brief.pem" -noout -checkend 601)" 'will expire'
has "no longer than the profile says" "$(issue --life 25h --key-out "$T/brief.key" --cert-out "$T/brief.pem" 2>&1)" 'life of 1 to 86400 seconds'
fits() { [ "$(openssl pkey -in "$1" -pubout)" = "$(openssl x509 -in "$2" -noout -pubkey)" ]; }
for k in leaf:chain rsa:rsa ed:ed; do claim "the key of ${k#*:}" fits "$T/${k%:*}.key" "$T/${k#*:}.pem"; done
same "only its owner reads a key" "$(stat -c %a "$T/ed.key")" 600

awk -v t="$T" '/BEGIN/ { n++ } { print > (t (n == 1 ? "/leaf.pem" : "/issuer.pem")) }' "$T/chain.pem"
openssl x509 -in "$T/leaf.pem" -outform DER -out "$T/leaf.der"
root=$CA
[ "$(grep -c BEGIN "$CA")" -ge 1 ] || bad "no root"

# chains
claim "openssl" openssl verify -x509_strict -purpose sslclient -CAfile "$root" -untrusted "$T/issuer.pem" "$T/leaf.pem"
if command -v certtool >/dev/null; then
	claim "GnuTLS" quiet certtool --verify --load-ca-certificate "$root" --infile "$T/chain.pem"
	lacks "GnuTLS misses nothing of it" "$(quiet certtool --certificate-info --infile "$T/leaf.pem" 2>&1)" 'error|Unknown extension .critical'
else skip "pki: gnutls-bin is not installed"; fi
if command -v vfychain >/dev/null; then
	claim "NSS, as a client" quiet vfychain -pp -u 0 -a "$T/leaf.pem" -a "$T/issuer.pem" -t -a "$root"
	claim "NSS, as a server" quiet vfychain -pp -u 1 -a "$T/leaf.pem" -a "$T/issuer.pem" -t -a "$root"
	claim "NSS refuses it without its issuer" bash -c "! env -u ASAN_OPTIONS vfychain -pp -u 0 -a '$T/leaf.pem' -t -a '$root'"
else skip "pki: libnss3-tools is not installed"; fi
if command -v node >/dev/null; then
	cat >"$T/judge.mjs" <<'JS'
import { readFileSync } from "node:fs"; import { X509Certificate } from "node:crypto";
const [leaf, issuer, root] = process.argv.slice(2).map((f) => new X509Certificate(readFileSync(f)));
const want = { chain: leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey) && issuer.checkIssued(root) && issuer.verify(root.publicKey),
	notCa: leaf.ca === false && issuer.ca === true, name: /URI:spiffe:\/\/[^,]*\/service\/controller/.test(leaf.subjectAltName),
	otherRoot: !leaf.verify(root.publicKey), noHost: leaf.checkHost("evil.example") === undefined };
console.log(JSON.stringify(want)); process.exit(Object.values(want).every(Boolean) ? 0 : 1);
JS
	claim "node" quiet node "$T/judge.mjs" "$T/leaf.pem" "$T/issuer.pem" "$root"
else skip "pki: node is not installed"; fi

# OCSP: good, the same by URL twice, then revoked
ask() { quiet openssl ocsp -issuer "$T/issuer.pem" -cert "$T/leaf.pem" -url "$HTTP/ocsp" -CAfile "$root" -verify_other "$T/issuer.pem" "$@" 2>&1; }
has "openssl ocsp, with a nonce" "$(ask)" 'leaf.pem: good'
has "it verifies" "$(ask)" 'Response verify OK'
has "openssl ocsp, without" "$(ask -no_nonce)" 'leaf.pem: good'
openssl ocsp -issuer "$T/issuer.pem" -cert "$T/leaf.pem" -no_nonce -reqout "$T/rq.der" 2>/dev/null
url=$HTTP/ocsp/$(base64 -w0 "$T/rq.der" | sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g')
curl -sS -o "$T/one.der" -D "$T/head" "$url"
has "by URL, for caches" "$(cat "$T/head")" '[Cc]ache-[Cc]ontrol: public, max-age'
has "the kept answer" "$(openssl ocsp -respin "$T/one.der" -issuer "$T/issuer.pem" -cert "$T/leaf.pem" -CAfile "$root" -verify_other "$T/issuer.pem" 2>&1)" 'good'
if command -v ocsptool >/dev/null; then
	has "GnuTLS asks" "$(quiet ocsptool --ask="$HTTP/ocsp" --load-issuer "$T/issuer.pem" --load-cert "$T/leaf.pem" --load-trust "$T/issuer.pem" --nonce 2>&1 | tr '\n' ' ')" 'Certificate Status: good.*Verifying OCSP Response: Success'
else skip "pki: ocsptool (gnutls-bin) is not installed"; fi
# NSS holds the answer's signer to the database, whatever -t says; it asks by GET, and by POST when that is not to its liking
nss_asks() { # WHAT PATTERN
	if ! command -v vfychain >/dev/null || ! command -v certutil >/dev/null; then skip "pki: libnss3-tools is not installed"; return; fi
	if [ ! -d "$T/nss" ]; then
		mkdir "$T/nss"
		quiet certutil -N -d "sql:$T/nss" --empty-password && quiet certutil -A -d "sql:$T/nss" -n root -t CT,C,C -a -i "$root" &&
			quiet certutil -A -d "sql:$T/nss" -n issuing -t ,, -a -i "$T/issuer.pem" || bad "an NSS database"
	fi
	has "$1" "$(quiet vfychain -d "sql:$T/nss" -pp -u 0 -g leaf -h requireFreshInfo -m ocsp -s failIfNoInfo -a "$T/leaf.pem" 2>&1 | tr '\n' ' ')" "$2"
}
nss_asks "NSS asks, and will not do without an answer" 'Chain is good'

# the same by a key that the CA certified for answering
responder() { lightgate keeper list -o json | jq -r '.keys[] | select(.purpose == "ocsp") | .kid'; }
same "a CA whose key is at hand answers itself" "$(responder)" ''
claim "delegated" lightgate ca ocsp default delegated
same "there is one responder" "$(responder | wc -l)" 1
text=$(ask -no_nonce -resp_text)
has "openssl ocsp" "$text" 'Response verify OK'
has "... good" "$text" 'leaf.pem: good'
has "the responder's certificate is in it" "$text" 'OCSP responder'
has "... for signing answers" "$text" 'OCSP Signing'
has "... not to be asked about" "$text" 'OCSP No Check'
has "with a nonce" "$(ask)" 'Response verify OK'
curl -sS -o "$T/three.der" "$url" -o "$T/four.der" "$url"
same "it is kept for others too" "$(sha256sum <"$T/three.der")" "$(sha256sum <"$T/four.der")"
openssl ocsp -respin "$T/three.der" -noverify -resp_text 2>/dev/null | sed -n '/BEGIN/,/END/p' >"$T/responder.pem"
claim "it is short-lived" bash -c "! openssl x509 -in '$T/responder.pem' -noout -checkend $((4 * 86400)) && openssl x509 -in '$T/responder.pem' -noout -checkend 86400"
claim "the CA signed it" openssl verify -CAfile "$root" -untrusted "$T/issuer.pem" "$T/responder.pem"
if command -v ocsptool >/dev/null; then
	has "GnuTLS" "$(quiet ocsptool --ask="$HTTP/ocsp" --load-issuer "$T/issuer.pem" --load-cert "$T/leaf.pem" --load-trust "$T/issuer.pem" --nonce 2>&1)" 'Certificate Status: good'
	has "... believes it" "$(quiet ocsptool --ask="$HTTP/ocsp" --load-issuer "$T/issuer.pem" --load-cert "$T/leaf.pem" --load-trust "$T/issuer.pem" --nonce 2>&1)" 'Verifying OCSP Response: Success'
fi
nss_asks "NSS" 'Chain is good'
serial=$(openssl x509 -in "$T/leaf.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
has "revocation" "$(api POST "/v1/certificates/$serial/revoke" -d '{"reason":"keyCompromise"}' | tail -1)" 204
has "openssl ocsp" "$(ask)" 'leaf.pem: revoked'
nss_asks "NSS, of what is revoked" 'has been revoked'
claim "answered by the CA again" lightgate ca ocsp default direct
same "the responder is gone" "$(responder)" ''
lacks "... and its certificate" "$(ask -no_nonce -resp_text)" 'OCSP responder'
has "openssl ocsp, still" "$(ask)" 'leaf.pem: revoked'
nss_asks "NSS, still" 'has been revoked'
curl -sS -o "$T/two.der" "$url"
has "the kept answer is none any more" "$(openssl ocsp -respin "$T/two.der" -issuer "$T/issuer.pem" -cert "$T/leaf.pem" -CAfile "$root" -verify_other "$T/issuer.pem" 2>&1)" 'revoked'
openssl req -new -key "$T/leaf.key" -subj /CN=controller -out "$T/again.csr" 2>/dev/null
has "a compromised key gets nothing more" "$(issue --csr "$T/again.csr" --cert-out "$T/again.pem" 2>&1)" 'compromised'
done_testing
