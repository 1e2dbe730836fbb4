# Relying parties of Debian, which know nothing of this service but its address: oidc-agent registers itself, signs in by code and by device
# and refreshes; authlib does the code flow and verifies what it gets.
. "$(dirname "$0")/lib.sh"
AGENT=
clean_up() { [ -z "$AGENT" ] || kill "$AGENT" 2>/dev/null; lg_stop; }
trap clean_up EXIT
lg_start "$T/data" || bad "start"
sign_in_admin
PORT=$(free_port)	# oidc-agent listens up to 49151
cat >"$T/state.yaml" <<-YAML
	users:
	  - {name: alice, mail: alice@example.org, display: Alice}
	clients:
	  - {name: tool, type: public, redirect_uris: ["http://localhost:$PORT"], grants: [refresh_token, "urn:ietf:params:oauth:grant-type:device_code"]}
	  - {name: lib, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"]}
YAML
claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
password=$(lg_secret "$T/credentials" User alice)
sign_in() { page /login --data-urlencode "csrf=$(field csrf)" --data-urlencode "request=$(field request)" -d username=alice --data-urlencode "password=$password"; }
userinfo() { curl -sS --cacert "$CA" -H "Authorization: Bearer $1" "$ISSUER/oauth2/userinfo"; }

if command -v oidc-gen >/dev/null && command -v oidc-agent >/dev/null; then
	mkdir -p "$T/home/oidc"
	export HOME=$T/home OIDC_CONFIG_DIR=$T/home/oidc
	unset ASAN_OPTIONS UBSAN_OPTIONS
	eval "$(oidc-agent --no-autoload | grep -v '^echo')"
	AGENT=${OIDCD_PID:-}
	gen() { timeout 180 oidc-gen "$1" --issuer "$ISSUER" --cp "$CA" --pw-cmd "echo x" --prompt none --no-url-call --confirm-default "${@:2}" </dev/null >"$T/gen.$1" 2>&1; }
	says() { grep -qE "$2" "$T/gen.$1"; }

	# a device: somebody types the code on another machine
	gen device -m --client-id tool --client-secret '' --redirect-uri "http://localhost:$PORT" --flow device --scope "openid profile offline_access" & device=$!
	claim "a device is shown a code" within says device 'enter the code: [A-Z-]+'
	code=$(sed -nE 's/.*enter the code: ([A-Z-]+).*/\1/p' "$T/gen.device")
	: >"$T/jar"
	page "/device" >/dev/null
	sign_in >/dev/null
	page "/device" --data-urlencode "csrf=$(field csrf)" --data-urlencode "user_code=$code" >/dev/null
	same "the person allows it" "$(page "/device" --data-urlencode "csrf=$(field csrf)" --data-urlencode "user_code=$(field user_code)" -d answer=allow)" 200

	# it registers itself, and people sign in by the code flow at the address where it listens
	gen code --at "$ADMIN" --port "$PORT" --flow code --scope "openid profile email offline_access" & pid=$!
	claim "oidc-agent registers itself and says where to go" within says code '^https://.*/oauth2/authorize'
	page "$(grep -oE 'https://[^ ]*/oauth2/authorize[^ ]*' "$T/gen.code" | head -1)" >/dev/null
	has "the person is asked what it may" "$(cat "$T/page")" 'oidc-agent:code'
	same "and comes back to it" "$(page /oauth2/consent --data-urlencode "csrf=$(field csrf)" --data-urlencode "request=$(field request)" -d answer=allow)" 200
	claim "oidc-agent has what it wanted" wait $pid
	token=$(oidc-token code)
	same "its token tells who it is" "$(userinfo "$token" | jq -r '[.preferred_username, .email] | join(" ")')" "alice alice@example.org"
	fresh=$(oidc-token --time 100000 code)
	claim "it refreshes" test -n "$fresh" -a "$fresh" != "$token"
	same "to a token that is as good" "$(userinfo "$fresh" | jq -r .preferred_username)" alice

	# which asks every five seconds
	claim "the device has its tokens" wait $device
	same "which are the person's" "$(userinfo "$(oidc-token device)" | jq -r .preferred_username)" alice
	export ASAN_OPTIONS="log_path=$T/san/report:detect_leaks=1" UBSAN_OPTIONS="print_stacktrace=1:log_path=$T/san/report"
else
	skip "relying-parties: oidc-agent is not installed"
fi

if /usr/bin/python3 -c 'import authlib' 2>/dev/null; then
	env -u ASAN_OPTIONS /usr/bin/python3 - "$ISSUER" "$CA" "$(lg_secret "$T/credentials" Client lib)" "$password" >"$T/out" 2>"$T/err" <<-'PY'
		import html, re, sys
		import requests
		from authlib.integrations.requests_client import OAuth2Session
		from authlib.jose import JsonWebKey, JsonWebToken
		from authlib.oidc.core import CodeIDToken
		issuer, ca, secret, password = sys.argv[1:]
		s = OAuth2Session("lib", secret, token_endpoint_auth_method="client_secret_basic", scope="openid email offline_access",
		    redirect_uri="http://127.0.0.1:9000/cb", code_challenge_method="S256")
		s.verify, s.trust_env = ca, False
		meta = s.get(issuer + "/.well-known/oauth-authorization-server", withhold_token=True).json()

		def claim(what, good):
		    print("ok" if good else "not ok", what, flush=True)

		def refused(error, run):
		    try:
		        run()
		        return False
		    except Exception as e:
		        return error in str(e)

		claim("authlib: client_credentials is refused to who may not", refused("unauthorized_client", lambda: s.fetch_token(meta["token_endpoint"], grant_type="client_credentials")))
		verifier = "v" * 48
		url, state = s.create_authorization_url(meta["authorization_endpoint"], nonce="n1", code_verifier=verifier)
		b = requests.Session()
		b.verify, b.trust_env = ca, False
		page = b.get(url).text
		form = {n: html.unescape(re.search('name="%s" value="([^"]*)"' % n, page).group(1)) for n in ("csrf", "request")}
		r = b.post(issuer + "/login", data={**form, "username": "alice", "password": password}, allow_redirects=False)
		token = s.fetch_token(meta["token_endpoint"], authorization_response=r.headers["Location"], state=state, code_verifier=verifier)
		keys = JsonWebKey.import_key_set(s.get(meta["jwks_uri"], withhold_token=True).json())
		claims = JsonWebToken(["ES256"]).decode(token["id_token"], keys, claims_cls=CodeIDToken, claims_options={
		    "iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": "lib"}}, claims_params={"nonce": "n1", "client_id": "lib", "access_token": token["access_token"]})
		claims.validate()
		claim("authlib: the code flow, and an ID token that it verifies", claims["sub"])
		claim("authlib: userinfo", s.get(meta["userinfo_endpoint"]).json()["email"] == "alice@example.org")
		claim("authlib: introspection", s.introspect_token(meta["introspection_endpoint"], token=token["access_token"]).json()["active"] is True)
		second = s.refresh_token(meta["token_endpoint"], refresh_token=token["refresh_token"])
		claim("authlib: a refresh token rotates", second["refresh_token"] != token["refresh_token"])
		claim("authlib: revocation", s.revoke_token(meta["revocation_endpoint"], token=second["access_token"]).status_code == 200)
		claim("authlib: what was revoked is not active", s.introspect_token(meta["introspection_endpoint"], token=second["access_token"]).json() == {"active": False})
		claim("authlib: a code is good once", refused("invalid_grant", lambda: s.fetch_token(meta["token_endpoint"], authorization_response=r.headers["Location"], state=state, code_verifier=verifier)))
		print("ok authlib comes to its end")
	PY
	while read -r line; do
		case $line in "ok "*) ok ;; *) bad "${line#not ok }" ;; esac
	done <"$T/out"
	has "authlib" "$(tail -1 "$T/out") $(tail -3 "$T/err")" 'ok authlib comes to its end'
else
	skip "relying-parties: python3-authlib is not installed"
fi
done_testing
