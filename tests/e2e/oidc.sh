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
env -u ASAN_OPTIONS NODE_EXTRA_CA_CERTS="$CA" timeout 240 "$NODE" tests/e2e/oidc.mjs "$ISSUER" "$T/credentials" >"$T/out" 2>"$T/err" || bad "node: $(head -c 1000 "$T/err")"
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

# administrators make and change clients
claim "login" lightgate login
made=$(lightgate -o json client create shop --redirect-uris https://shop.example/cb --display Shop --scopes openid,email)
first=$(jq -r '.credentials[0].secret' <<<"$made")
lightgate client change shop --access-life 10m --backchannel-logout-uri https://shop.example/bye >"$T/claim.out"
has "it is changed" "$(cat "$T/claim.out")" '^shop is changed'
client=$(lightgate -o json client show shop)
same "what was not named stays" "$(jq -c '[.client.scopes, .client.redirect_uris, .client.display, .client.access_life]' <<<"$client")" \
	'[["openid","email"],["https://shop.example/cb"],"Shop",600]'
token_at() { curl -sS --cacert "$CA" -u "shop:$1" -d token=x -o /dev/null -w '%{http_code}' "$HTTPS/oauth2/introspect"; }
same "its secret counts" "$(token_at "$first")" 200
second=$(lightgate -o json client new-secret shop | jq -r .secret)
same "the new one does" "$(token_at "$second")" 200
same "the old one does not" "$(token_at "$first")" 401
lightgate client change shop --fapi2 yes >"$T/claim.out" 2>&1
has "a profile refuses by its rule" "$(cat "$T/claim.out")" 'fapi2 client-authentication \(5\.3\.2\.1\)'
lightgate client change shop --enabled no >/dev/null
same "a disabled one gets nothing" "$(token_at "$second")" 401
lightgate client new-secret portal >"$T/claim.out" 2>&1
has "who has no secret gets none" "$(cat "$T/claim.out")" 'has no secret'

# what was decided of tokens: who, for what, from where; never the token
lightgate client change shop --enabled yes --grants authorization_code,client_credentials --scopes openid,email,read >/dev/null
issued=$(curl -sS --cacert "$CA" -u "shop:$second" -d 'grant_type=client_credentials&scope=read' "$HTTPS/oauth2/token" | jq -r .access_token)
has "a token" "$issued" '^eyJ'
recorded() { records=$(api GET '/v1/audit?operation=token:issue&limit=500' | head -1); jq -e '.items | any(.detail.resource.name == "shop")' <<<"$records"; }
within recorded		# decisions are written together, a moment later
same "its record" "$(jq -c '[.items[].detail | select(.resource.name == "shop")][-1] | [.decision, .subject.name, .question.context.client, .question.context.scopes, .question.context.grant, (.address | startswith("127.0.0.1:"))]' <<<"$records")" \
	'[true,"shop","shop",["read"],"client_credentials",true]'
lacks "and no token" "$records" "$issued"

# a client known by the key of its own certificate (RFC 8705 2.2), on the surface that asks for one
ec_pair "$T/own"
ec_jwks "$T/own.key" own >"$T/own.jwks"
claim "a client with its own certificate" lightgate client create own --type service --auth self_signed_tls_client_auth --jwks "$T/own.jwks"
with_own() { curl -sS --cacert "$CA" --cert "$T/own.pem" --key "$T/own.key" "$@"; }
bound=$(with_own -d 'grant_type=client_credentials&client_id=own' "$MTLS/oauth2/token" | jq -r .access_token)
has "gets a token" "$bound" '^eyJ'
same "which is bound to it" "$(with_own -H "Authorization: Bearer $bound" "$MTLS/v1/whoami" | jq -r .name)" own
same "and worth nothing without" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $bound" -o /dev/null -w '%{http_code}' "$HTTPS/v1/whoami")" 401
same "the certificate alone is nobody's" "$(with_own -o /dev/null -w '%{http_code}' "$MTLS/v1/whoami")" 401
ec_pair "$T/own"
same "another key is another client's" "$(with_own -d 'grant_type=client_credentials&client_id=own' "$MTLS/oauth2/token" | jq -r .error)" invalid_client

# where policy lets everybody register, no token is needed
(cat conf/policies/tenant.cedar; echo 'permit (principal is Anonymous, action == Action::"client:register", resource is Tenant);') >"$T/open.cedar"
claim "registration is opened" lightgate policy activate -f "$T/open.cedar"
same "and needs no token" "$(register -o /dev/null -w '%{http_code}')" 201
done_testing
