# rp.bash: what the scripts with rp.mjs share: clients with keys of their own, a certificate for their addresses.  Sourced after lib.sh.
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "$SUITE: $(head -1 "$T/npm")"; done_testing; fi

"$NODE" --input-type=module -e "import * as jose from 'jose'
for (const [kid, alg] of [['bank', 'ES256'], ['bank2', 'ES256'], ['bank-rsa', 'RS256']]) {
	const k = await jose.generateKeyPair(alg, { extractable: true })
	console.log(JSON.stringify({ ...await jose.exportJWK(k.privateKey), kid, alg, use: 'sig' }))
}" >"$T/keys" 2>"$T/err" || bad "keys: $(cat "$T/err")"
jwks() { jq -c "select(.kid == $1) | {kty, crv, x, y, n, e, kid, use} | del(..|nulls)" "$T/keys" | jq -cs '{keys: .}'; }
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/own.key" -out "$T/own.pem" -subj /CN=own -addext subjectAltName=IP:127.0.0.1 -days 2 2>/dev/null
chmod 644 "$T/own.pem"

# The people and clients that rp.mjs speaks of; more clients on stdin.
rp_apply() {
	cat - >"$T/more.yaml"
	cat - "$T/more.yaml" >"$T/state.yaml" <<-YAML
		users:
		  - {name: alice, mail: alice@example.org, display: Alice, given_name: Alice, surname: Example}
		clients:
		  - {name: web, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"], post_logout_redirect_uris: ["http://127.0.0.1:9000/bye"]}
		  - {name: app, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"]}
		  - {name: bank, type: confidential, auth: private_key_jwt, fapi2: true, dpop_bound_access_tokens: true, redirect_uris: ["https://bank.example/cb"], jwks: $(jwks '"bank", "bank-rsa"')}
		  - {name: bank2, type: confidential, auth: private_key_jwt, fapi2: true, dpop_bound_access_tokens: true, redirect_uris: ["https://bank.example/cb"], jwks: $(jwks '"bank2"')}
	YAML
	claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
	# Assertions tell whole seconds, and none from before the service's start is taken.
	local second; second=$(date +%s)
	while [ "$(date +%s)" = "$second" ]; do sleep 0.05; done
}
play() { # play SCRIPT [VARIANT]: its claims go to $T/SCRIPTVARIANT.out
	env -u ASAN_OPTIONS VARIANT="${2:-}" CLIENT_CERTS="${CLIENT_CERTS:-}" CLIENT_KEYS="$(jq -cs . "$T/keys")" ADMIN="${ADMIN:-}" OWN_CERT="$T/own.pem" OWN_KEY="$T/own.key" CA_TEXT="$(cat "$CA")" NODE_EXTRA_CA_CERTS="$CA" timeout 400 \
		"$NODE" "tests/e2e/$1.mjs" "$ISSUER" "$T/credentials" >"$T/$1${2:-}.out" 2>"$T/$1${2:-}.err"
}
played() { # played SCRIPT [VARIANT]: counts them
	while read -r line; do
		case $line in "ok "*) ok ;; *) bad "${line#not ok }" ;; esac
	done <"$T/$1${2:-}.out"
	grep -qx "ok the end" "$T/$1${2:-}.out" || bad "$1 ${2:-} did not come to its end: $(head -c 1000 "$T/$1${2:-}.err")"
}
