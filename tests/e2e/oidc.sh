# OpenID Connect and OAuth as a strict relying party sees them: npm's openid-client against the service, nothing shared with it.
. "$(dirname "$0")/lib.sh"
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "oidc: $(head -1 "$T/npm")"; done_testing; fi

lg_start "$T/data" || bad "start"
cat >"$T/state.yaml" <<-'YAML'
	users:
	  - {name: alice, mail: alice@example.org, display: Alice, groups: [staff]}
	groups:
	  - {name: staff}
	services:
	  - {name: controller}
	clients:
	  - name: portal
	    type: public
	    redirect_uris: ["http://127.0.0.1:9000/cb"]
	    grants: [authorization_code, refresh_token, "urn:ietf:params:oauth:grant-type:device_code"]
	  - {name: web, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"]}
YAML
claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
env -u ASAN_OPTIONS NODE_EXTRA_CA_CERTS="$CA" timeout 60 "$NODE" tests/e2e/oidc.mjs "$ISSUER" "$T/credentials" >"$T/out" 2>"$T/err" || bad "node: $(head -c 1000 "$T/err")"
while read -r line; do
	case $line in "ok "*) ok ;; *) bad "${line#not ok }" ;; esac
done <"$T/out"
claim "every part came to its end" test "$(wc -l <"$T/out")" -ge 30

# discovery lists what exists, and all of it answers
curl -sS --cacert "$CA" "$ISSUER/.well-known/openid-configuration" >"$T/metadata"
for name in pushed_authorization_request_endpoint device_authorization_endpoint token_endpoint introspection_endpoint revocation_endpoint; do
	same "$name answers" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' -d x=y "$(jq -r .$name "$T/metadata")")" 401
done
has "a pushed request is POST alone" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$ISSUER/oauth2/par")" '^405$'
same "every algorithm that a client can ask for is told" "$(jq -c .id_token_signing_alg_values_supported "$T/metadata")" '["ES256","RS256","PS256","EdDSA"]'

# a client registers itself, where policy lets whoever vouches for it
sign_in_admin
R=$HTTPS/oauth2/register
register() { curl -sS --cacert "$CA" -H 'Content-Type: application/json' "$R" -d '{"redirect_uris":["https://app.example/cb"],"client_name":"Shop"}' "$@"; }
same "nobody's word is not enough" "$(register -o /dev/null -w '%{http_code}')" 401
register -H "Authorization: Bearer $ADMIN" >"$T/registered"
ID=$(jq -r .client_id "$T/registered") RAT=$(jq -r .registration_access_token "$T/registered")
has "an administrator's is" "$ID" '^r-'
same "it is read with its own token" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $RAT" "$R/$ID" | jq -r .client_name)" Shop
same "its secret counts" "$(curl -sS --cacert "$CA" -u "$ID:$(jq -r .client_secret "$T/registered")" -d token=x "$HTTPS/oauth2/introspect")" '{"active":false}'
has "it is an entry like any other" "$(lightgate -o json client show "$ID" 2>&1)" '"display":"Shop"'
has "on record, by whom" "$(api GET '/v1/audit?operation=client.register')" '"actor":"User/admin","operation":"client.register"'
same "it goes" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $RAT" -X DELETE "$R/$ID" -o /dev/null -w '%{http_code}')" 204
same "and its entry with it" "$(api GET "/v1/clients/$ID" | tail -1)" 404
done_testing
