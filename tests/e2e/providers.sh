# "Sign in with ...": npm's oidc-provider as the other provider, over TLS, with its own pages; a browser without script goes there and back.
. "$(dirname "$0")/lib.sh"
trap '[ -z "${UP_PID:-}" ] || kill "$UP_PID" 2>/dev/null; lg_stop' EXIT
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "providers: $(head -1 "$T/npm")"; done_testing; fi

lg_start "$T/data" || bad "start"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/up.key" -out "$T/up.pem" -subj /CN=Up -days 2 \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
UP_PORT=$(free_port)
UP=https://127.0.0.1:$UP_PORT
env -u ASAN_OPTIONS "$NODE" tests/e2e/provider.mjs "$UP_PORT" "$T/up.pem" "$T/up.key" "$ISSUER/login/callback" >"$T/up.log" 2>&1 &
UP_PID=$!
within grep -q ready "$T/up.log"
cat "$CA" "$T/up.pem" >"$T/cas.pem"
cat >"$T/state.yaml" <<-'YAML'
	users: [{name: alice, mail: alice@example.org}]
	groups: [{name: operators}]
	clients: [{name: portal, type: public, redirect_uris: ["http://127.0.0.1:1/cb"]}]
YAML
claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
document() {
	cat <<-YAML
		name: up
		kind: oidc
		issuer: $UP
		client_id: lightgate
		client_secret: "s p+&="
		label: Elsewhere
		scopes: [openid, profile, email, groups]
		create: true
		$1
		groups: {ops: operators}
		ca: |
		$(sed 's/^/  /' "$T/up.pem")
	YAML
}
document >"$T/up.yaml"
claim "a provider is set" lightgate source set -f "$T/up.yaml"
has "and answers" "$(lightgate source test up | jq -c '.jwks.keys[0].kid')" up-1
go() { env -u ASAN_OPTIONS NODE_EXTRA_CA_CERTS="$T/cas.pem" timeout 120 "$NODE" tests/e2e/signin.mjs "$ISSUER/oauth2/authorize?response_type=code&client_id=portal&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" "$1" 2>"$T/trace"; }
has "somebody signs in there and the application has its code" "$(go dora)" '"code":true'
same "an entry was made of what userinfo says" "$(lightgate user show dora --output json | jq -c '[.display, .mail]')" '["Dora Elsewhere","dora@corp.example"]'
has "and is in the group that theirs means" "$(lightgate group show operators --output json)" dora
has "the second time it is the same one" "$(go dora)" '"code":true'
same "there is one" "$(lightgate user list --output json | jq '[.items[] | select(.name | startswith("dora"))] | length')" 1
has "an address that was not verified is not kept" "$(go eve; lightgate user show eve --output json | jq -c .mail)" null
has "an address of ours that is verified there makes another entry" "$(go ann; lightgate user list --output json | jq -c '[.items[].name]')" '"ann"'
claim "until the source says that it may link" bash -c "lightgate user delete ann --yes >/dev/null 2>&1 || lightgate user delete ann"
document "link: true" >"$T/up.yaml"
claim "which it says now" lightgate source set -f "$T/up.yaml"
has "but no policy permits it" "$(go ann)" '"status":403'
printf 'policies: |\n  @id("link")\n  permit (principal == User::"alice", action == Action::"account:link", resource) when { context has identity_source && context.identity_source == "up" };\n' >"$T/link.yaml"
claim "a policy does" lightgate apply -f "$T/link.yaml"
has "then they are joined" "$(go ann)" '"code":true'
lacks "and no entry is made" "$(lightgate user list --output json | jq -c '[.items[].name]')" '"ann"'
document "create: false" | sed '/^create: true/d' >"$T/up.yaml"
claim "nobody new" lightgate source set -f "$T/up.yaml"
lightgate user delete eve --yes >/dev/null 2>&1 || lightgate user delete eve >/dev/null
has "whoever is not here is told so" "$(go eve)" '"status":403'
document "domains: [corp.example]" >"$T/up.yaml"
claim "one domain" lightgate source set -f "$T/up.yaml"
has "of that domain" "$(go dora)" '"code":true'
has "of another" "$(go ann)" '"status":403'
kill "$UP_PID" 2>/dev/null
claim "it is gone" lightgate source delete up
has "and offered no more" "$(go dora)" '"end":"/oauth2/authorize"'
done_testing
