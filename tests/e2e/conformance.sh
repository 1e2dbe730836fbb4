# The OpenID Foundation's certification plans, module by module, and the relying parties of Debian: authlib and oidc-agent.
. "$(dirname "$0")/lib.sh"
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "conformance: $(head -1 "$T/npm")"; done_testing; fi

lg_start "$T/data" || bad "start"
"$NODE" --input-type=module -e "import * as jose from 'jose'; const k = await jose.generateKeyPair('ES256', { extractable: true });
console.log(JSON.stringify(await jose.exportJWK(k.privateKey))); console.log(JSON.stringify({ ...await jose.exportJWK(k.publicKey), kid: 'c1', alg: 'ES256', use: 'sig' }))" >"$T/keys" 2>"$T/err" || bad "keys"
cat >"$T/state.yaml" <<-YAML
	users:
	  - {name: alice, mail: alice@example.org, display: Alice, given_name: Alice, surname: Example}
	clients:
	  - {name: web, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"], post_logout_redirect_uris: ["http://127.0.0.1:9000/bye"]}
	  - {name: app, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"]}
	  - {name: bank, type: confidential, auth: private_key_jwt, fapi2: true, dpop_bound_access_tokens: true, redirect_uris: ["https://bank.example/cb"], jwks: {"keys": [$(tail -1 "$T/keys")]}}
YAML
claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
env -u ASAN_OPTIONS CLIENT_KEY="$(head -1 "$T/keys")" NODE_EXTRA_CA_CERTS="$CA" timeout 120 "$NODE" tests/e2e/conformance.mjs "$ISSUER" "$T/credentials" >"$T/out" 2>"$T/err" ||
	bad "node: $(head -c 1000 "$T/err")"
while read -r line; do
	case $line in "ok "*) ok ;; *) bad "${line#not ok }" ;; esac
done <"$T/out"
claim "it came to its end" grep -qx "ok the end" "$T/out"
for module in oidcc-idtoken-unsigned oidcc-codereuse-30seconds oidcc-alternate-happy-flow fapi2-user-rejects-authentication; do skip "$module: nothing here answers so"; done

if /usr/bin/python3 -c 'import authlib' 2>/dev/null; then
	claim "authlib: client_credentials is refused to who may not, a token is introspected and revoked" env -u ASAN_OPTIONS /usr/bin/python3 - "$ISSUER" "$CA" "$(lg_secret "$T/credentials" Client web)" <<-'PY'
		import sys
		from authlib.integrations.requests_client import OAuth2Session
		issuer, ca, secret = sys.argv[1:]
		s = OAuth2Session("web", secret, token_endpoint_auth_method="client_secret_basic")
		s.verify, s.trust_env = ca, False
		meta = s.get(issuer + "/.well-known/oauth-authorization-server", withhold_token=True).json()
		try:
		    s.fetch_token(meta["token_endpoint"], grant_type="client_credentials")
		    sys.exit("was not refused")
		except Exception as e:
		    assert "unauthorized_client" in str(e), e
		r = s.introspect_token(meta["introspection_endpoint"], token="x")
		assert r.json() == {"active": False}, r.text
		assert s.revoke_token(meta["revocation_endpoint"], token="x").status_code == 200
	PY
else
	skip "python3-authlib is not installed"
fi
done_testing
