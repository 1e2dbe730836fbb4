#!/bin/bash
# Two services, each a trust domain of its own: one fetches the other's bundle, by a web CA and by a SPIFFE certificate; a stock consumer
# (node's X509Certificate with the bundle's x5c) and the service itself judge certificates by the bundle of their own domain alone.
. "$(dirname "$0")/lib.sh"

start() { # NAME DOMAIN: the service's addresses become NAME_*
	lg_start "$T/$1" --trust_domain="$2" --load conf/demo.yaml || exit 1
	declare -g "$1_PID=$LG_PID" "$1_HTTPS=$HTTPS" "$1_CA=$CA" "$1_ISSUER=$ISSUER"
	declare -g "$1_SECRET=$(jq -r '.credentials[] | select(.name == "controller") | .secret' <<<"$LG_READY")"
}
both_stop() { LG_PID=${other_PID:-}; lg_stop; LG_PID=${here_PID:-}; lg_stop; }
trap both_stop EXIT
start other example.net
start here example.org
cli() { LIGHTGATE_DEV=$T/$1 lightgate "${@:2}"; }
leaf() { cli "$1" certificate issue --profile service --client-id controller --client-secret-file <(eval printf %s "\$$1_SECRET") \
	--key-out "$T/$1.key" --cert-out "$T/$1.pem"; }
claim "a certificate there" leaf other
claim "a certificate here" leaf here

# ---- by a web CA ---------------------------------------------------------------------------------------------
claim "https_web" cli here federation set example.net --endpoint "$other_HTTPS/spiffe/bundle" --endpoint-ca "$other_CA"
has "the domain is known" "$(cli here federation list)" 'example.net +https_web +1 '
has "its certificate is believed" "$(cli here federation verify "$T/other.pem" 2>&1)" 'spiffe://example.net/service/controller, until'
has "ours belongs to no foreign domain" "$(cli here federation verify "$T/here.pem" 2>&1)" 'no foreign trust domain "example.org"'
has "our own domain cannot be set" "$(cli here federation set example.org --endpoint "$other_HTTPS/spiffe/bundle" 2>&1)" 'trust domain of this service'
has "an endpoint whose CA is another" "$(cli here federation set example.net --endpoint "$other_HTTPS/spiffe/bundle" --endpoint-ca "$here_CA" 2>&1)" 'not believed'
claim "set back" cli here federation set example.net --endpoint "$other_HTTPS/spiffe/bundle" --endpoint-ca "$other_CA"
# a foreign certificate opens none of our doors
same "no listener takes it" "$(curl -s -o "$T/out" -w '%{http_code}' --cacert "$here_CA" --cert "$T/other.pem" --key "$T/other.key" \
	"$(jq -r .https_mtls "$T/here/dev.json")/v1/whoami")" 000

# ---- a stock consumer ----------------------------------------------------------------------------------------------
curl -sS --cacert "$here_CA" "$here_HTTPS/spiffe/bundles" >"$T/bundles.json"
same "both domains" "$(jq -r '.trust_domains | keys | join(" ")' "$T/bundles.json")" "example.net example.org"
cat >"$T/consumer.js" <<'JS'
const { X509Certificate } = require('crypto'), fs = require('fs');
const [, , bundles, file] = process.argv, pem = fs.readFileSync(file, 'utf8');
const chain = pem.match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g).map((p) => new X509Certificate(p));
const id = chain[0].subjectAltName.split(', ').filter((n) => n.startsWith('URI:')).map((n) => n.slice(4));
const domain = id.length == 1 && new URL(id[0]).host;
const bundle = JSON.parse(fs.readFileSync(bundles)).trust_domains[domain];
if (!bundle) throw new Error('no bundle for ' + domain);
const roots = bundle.keys.filter((k) => k.use == 'x509-svid').map((k) => new X509Certificate(Buffer.from(k.x5c[0], 'base64')));
const by = (c, issuers) => issuers.find((i) => c.checkIssued(i) && c.verify(i.publicKey));
const ca = by(chain[0], chain.slice(1));
console.log(ca && by(ca, roots) ? 'believed ' + id[0] : 'refused ' + id[0]);
JS
NODE=$(command -v node_modules/.bin/node || command -v node)
consume() { "$NODE" "$T/consumer.js" "$T/bundles.json" "$1" 2>&1; }
if [ -n "$NODE" ]; then
	has "node believes ours" "$(consume "$T/here.pem")" 'believed spiffe://example.org/service/controller'
	has "node believes theirs" "$(consume "$T/other.pem")" 'believed spiffe://example.net/service/controller'
else
	skip "node is not here"
fi
# what the other domain's CA could sign: a name of ours.  Its key is in its keeper, so a CA of that name stands in for it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=evil -days 2 \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
bundle() { jq -n --arg c "$(openssl x509 -in "$T/ca.pem" -outform der | base64 -w0)" --argjson s "$1" '{keys: [{use: "x509-svid", kty: "EC", x5c: [$c]}], spiffe_sequence: $s}'; }
sign() { # FILE URI
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -subj /CN=x 2>/dev/null | openssl x509 -req -CA "$T/ca.pem" \
		-CAkey "$T/ca.key" -set_serial 7 -days 1 -out "$T/$1.pem" -extfile <(printf 'subjectAltName=URI:%s,IP:127.0.0.1\nkeyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n' "$2") 2>/dev/null
}
sign forged spiffe://example.org/service/controller
sign mallory spiffe://example.com/service/web
sign endpoint spiffe://example.com/ca
bundle 1 >"$T/one.json"
claim "by hand" cli here federation set example.com --bundle "$T/one.json"
has "its own name is believed" "$(cli here federation verify "$T/mallory.pem" 2>&1)" 'spiffe://example.com/service/web'
has "a name of ours signed by it is not" "$(cli here federation verify "$T/forged.pem" 2>&1)" 'no foreign trust domain "example.org"'
sign stolen spiffe://example.net/service/controller
has "nor one of a third" "$(cli here federation verify "$T/stolen.pem" 2>&1)" 'leads to no root of its trust domain'
if [ -n "$NODE" ]; then
	curl -sS --cacert "$here_CA" "$here_HTTPS/spiffe/bundles" >"$T/bundles.json"
	cat "$T/ca.pem" >>"$T/forged.pem"; cat "$T/ca.pem" >>"$T/stolen.pem"
	has "nor by node" "$(consume "$T/forged.pem")" 'refused spiffe://example.org'
	has "nor the third's" "$(consume "$T/stolen.pem")" 'refused spiffe://example.net'
fi

# ---- by a certificate of its own: https_spiffe ----------------------------------------------------------------------
PORT=$(free_port)
mkdir "$T/www"; bundle 2 >"$T/www/bundle"
(cd "$T/www" && exec openssl s_server -quiet -WWW -accept "127.0.0.1:$PORT" -cert "$T/endpoint.pem" -key "$T/endpoint.key" >/dev/null 2>&1) & endpoint=$!
within bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
set_spiffe() { cli here federation set example.com --endpoint "https://127.0.0.1:$PORT/bundle" --endpoint-id "$1" --bundle "$T/one.json"; }
has "another of its certificates" "$(set_spiffe spiffe://example.com/other 2>&1)" 'the endpoint is spiffe://example.com/ca'
claim "https_spiffe" set_spiffe spiffe://example.com/ca
has "the newer bundle" "$(cli here federation show example.com -o json)" '"sequence": ?2'
bundle 1 >"$T/www/bundle"
has "it does not go back" "$(cli here federation refresh example.com 2>&1)" 'goes back from 2 to 1'
has "and says so" "$(cli here federation list)" 'example.com +https_spiffe.*goes back'
kill "$endpoint"; wait "$endpoint" 2>/dev/null
claim "forgotten" cli here federation delete example.com
has "recorded" "$(cli here audit list --operation federation.delete)" 'example.com'

# ---- each other, by https_spiffe: the listeners' certificate is an X.509-SVID -----------------------------------------------------
set_net() { # [ID [ENDPOINT [BUNDLE]]]
	cli here federation set example.net --endpoint-id "${1:-spiffe://example.net/lightgate}" --endpoint "${2:-$other_HTTPS/spiffe/bundle}" --bundle "${3:-$T/net.json}"
}
curl -sS --cacert "$other_CA" "$other_HTTPS/spiffe/bundle" >"$T/net.json"
curl -sS --cacert "$here_CA" "$here_HTTPS/spiffe/bundle" >"$T/org.json"
has "another name of that domain" "$(set_net spiffe://example.net/service/controller 2>&1)" 'the endpoint is spiffe://example.net/lightgate'
has "an endpoint of another domain" "$(set_net "" "$here_HTTPS/spiffe/bundle" 2>&1)" 'belongs to trust domain example.org'
has "another domain's name" "$(set_net spiffe://example.com/lightgate 2>&1)" "endpoint's trust domain example.com is not known"
has "another domain's bundle" "$(set_net "" "" "$T/one.json" 2>&1)" 'leads to no root of its trust domain'
claim "by its SPIFFE ID, no web CA" set_net
claim "and the other way round" cli other federation set example.org --endpoint "$here_HTTPS/spiffe/bundle" --endpoint-id spiffe://example.org/lightgate --bundle "$T/org.json"
has "each believes the other's" "$(cli here federation verify "$T/other.pem"; cli other federation verify "$T/here.pem")" 'example.org/service/controller'
# not self-serving: another tenant there, whose bundle the same endpoint serves, needs none by hand
LIGHTGATE_DEV=$T/other lightgate tenant create two --suffix dc=two,dc=net --trust-domain two.example.net >/dev/null || bad "tenant two"
set_two() { cli here federation set two.example.net --endpoint "$other_HTTPS/t/two/spiffe/bundle" --endpoint-id "$1"; }
claim "another tenant's, from the same endpoint" set_two spiffe://example.net/lightgate
has "... which has no certificate of that tenant's" "$(set_two spiffe://two.example.net/lightgate 2>&1)" 'bundle'
# roots come and go without anybody's hand
other_ca() { LIGHTGATE_DEV=$T/other lightgate ca "$@"; }
other_ca create default --root >/dev/null && other_ca create default >"$T/new" || bad "a new root there"
claim "both roots are known" cli here federation refresh example.net
has "... and counted" "$(cli here federation list)" 'example.net +https_spiffe +2 '
other_ca activate default -- "$(awk '/^kid/ { print $2 }' "$T/new")" >/dev/null
shown() { openssl s_client -connect "${other_HTTPS#https://}" -CAfile "$T/newroot.pem" </dev/null 2>&1 | grep -q 'Verify return code: 0'; }
jq -r '.keys[] | select(.use == "x509-svid") | .x5c[0]' < <(curl -sSk "$other_HTTPS/spiffe/bundle") | head -1 | base64 -d | openssl x509 -inform DER -out "$T/newroot.pem"
claim "the endpoint shows the new CA's certificate" within shown
claim "and is believed" cli here federation refresh example.net

LG_PID=$other_PID; lg_stop; LG_PID=$here_PID
done_testing
