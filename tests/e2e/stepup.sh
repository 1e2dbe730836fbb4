# Policy wants people better known than their token says: they are told how well (RFC 9470), and what to do.  And guesses keep nobody out.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" || bad "start"
lg_ready .admin.password >"$T/password"
export -n LIGHTGATE_DEV		# whose commands sign in anew each time
export LIGHTGATE_URL=$HTTPS LIGHTGATE_CA=$CA
login() { lightgate login --user admin --password-file "$T/password" "$@"; }
claim "login" login
sign_in_admin
totp() { oathtool --totp -b "$1" -N "$(date -u -d "${2:-0} seconds" '+%F %T UTC')"; }

# ---- a token wants a sign-in of a moment ago: the same session asks twice ----
forbid() { # forbid ACTION RULE: in the policy "step"
	(cat conf/policies/tenant.cedar; printf '@id("step") forbid (principal, action == Action::"%s", resource) when { %s };\n' "$1" "$2") >"$T/policy.cedar"
	lightgate policy activate -f "$T/policy.cedar" >"$T/out" 2>&1 || bad "activate: $(cat "$T/out")"
}
claim "a client" lightgate client create bank --redirect-uris http://127.0.0.1:1/cb --scopes openid,offline_access --grants authorization_code,refresh_token
bank=$(lightgate -o json client new-secret bank | jq -r .secret)
verifier=0123456789012345678901234567890123456789012
wanted="/oauth2/authorize?response_type=code&client_id=bank&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scope=openid%20offline_access&code_challenge_method=S256&code_challenge=$(
	printf %s $verifier | openssl dgst -sha256 -binary | basenc -w0 --base64url | tr -d =)"
asks() { curl -sS --cacert "$CA" -b "$T/jar" -c "$T/jar" -o "$T/page" -w '%{http_code} %{redirect_url}' "$HTTPS$wanted$1"; }
enters() { curl -sS --cacert "$CA" -b "$T/jar" -c "$T/jar" -o /dev/null -w '%{redirect_url}' "$HTTPS/login" --data-urlencode "csrf=$(field csrf)" \
	--data-urlencode "request=$(field request)" -d username=admin --data-urlencode "password=$(cat "$T/password")"; }
redeems() { curl -sS --cacert "$CA" -u "bank:$bank" "$HTTPS/oauth2/token" "$@"; }
forbid token:issue 'resource.client == "bank" && context has auth_age && context.auth_age >= 2'
signs_in() {
	: >"$T/jar"
	asks ""
	code=$(enters | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
	refresh=$(redeems -d "grant_type=authorization_code&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&code_verifier=$verifier&code=$code" | jq -r '.refresh_token // empty')
	[ -n "$refresh" ]
}
claim "who signed in a moment ago has a token" within signs_in
asked() { asks "&prompt=none" | grep 'error=login_required'; }
claim "two seconds later the session is not enough" within asked
same "the page asks for the password" "$(asks ""; grep -c 'name="password"' "$T/page")" "200 1"
has "and with it the code comes" "$(enters)" 'code='
has "a refresh token is no sign-in" "$(redeems -d "grant_type=refresh_token&refresh_token=$refresh" | jq -c '[.error, .error_description]')" 'access_denied.*forbidden by step'

# ---- what policy wants of a sign-in (RFC 9470) ----
challenge() { curl -sS --cacert "$CA" -H "Authorization: Bearer $ADMIN" -D "$T/head" -o "$T/body" -w '%{http_code}' "$HTTPS$1" "${@:2}"; grep -i '^www-authenticate' "$T/head" | tr -d '\r'; }
refuse() { forbid admin:write "$1"; }
user='{"users":[{"name":"eve"}]}'
refuse 'context has acr && context.acr == "urn:lightgate:acr:password"'
answer=$(challenge /v1/apply -d "$user")
has "a password alone is not enough" "$answer" '^401'
has "and the challenge says what is" "$answer" 'WWW-Authenticate: Bearer error="insufficient_user_authentication", error_description="[^"]*", acr_values="urn:lightgate:acr:mfa"$'
same "so does the problem" "$(jq -c '[.status, .code, .acr_values, .max_age]' "$T/body")" '[401,"insufficient_user_authentication","urn:lightgate:acr:mfa",null]'
same "what the rule does not name goes on" "$(challenge /v1/users)" 200
has "the command says what to do" "$(lightgate user create eve 2>&1)" 'policy wants a sign-in as urn:lightgate:acr:mfa; sign in again: "lightgate login --user NAME --code CODE"'
if command -v oathtool >/dev/null; then
	: >"$T/jar"
	page /login >/dev/null
	page /login --data-urlencode "csrf=$(field csrf)" --data-urlencode "request=" -d username=admin --data-urlencode "password=$(cat "$T/password")" >/dev/null
	page /account/totp >/dev/null
	secret=$(sed -nE 's/.*class="secret">([A-Z2-7 ]+)<.*/\1/p' "$T/page" | tr -d ' ')
	sets_up() { [ "$(page /account/totp --data-urlencode "csrf=$(field csrf)" --data-urlencode "key=$(field key)" -d "then=&code=$(totp "$secret" -30)")" = 200 ]; }
	claim "an app is set up" within sets_up
	claim "a sign-in with its code" login --code "$(totp "$secret")"
	claim "is enough" lightgate user create eve
	ADMIN=$(jq -r .token "$T/cli/session.json")
else
	skip "stepup: oathtool is not installed"
	secret=
fi
refuse 'context has acr && context.acr != "urn:lightgate:acr:passkey"'
has "more than a code can be wanted" "$(challenge /v1/apply -d "$user")" 'acr_values="urn:lightgate:acr:passkey"$'
has "which the command cannot give" "$(lightgate user create eve 2>&1)" 'this program knows no passkeys'
refuse 'context has auth_age && context.auth_age >= 2'
is_old() { challenge /v1/apply -d "$user" | grep '^401'; }
claim "a sign-in grows old" within is_old
has "the challenge says how young it has to be" "$(challenge /v1/apply -d "$user")" 'description="[^"]*", max_age="0"$'
has "the command says what to do" "$(lightgate user create eve 2>&1)" 'a sign-in of the last 0 seconds; sign in again: "lightgate login --user NAME"'
claim "a new one is good" login ${secret:+--code "$(totp "$secret" 30)"}
refuse 'context has client'
same "what policy never permits is denied as ever" "$(challenge /v1/apply -d "$user")" 403
done_testing
