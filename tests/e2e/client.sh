# A controller built like a stranger's, with nothing but liblightgate: tokens checked by itself, decisions asked.
. "$(dirname "$0")/lib.sh"
C=$PWD/build/examples/controller
if [ ! -x "$C" ]; then skip "client: make client builds the example"; done_testing; fi

lg_start "$T/data" || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
lg_secret "$T/credentials" Service controller >"$T/secret"
claim "the controller's certificate" lightgate certificate issue --profile service --client-id controller --client-secret-file "$T/secret" \
	--key-out "$T/c.key" --cert-out "$T/c.pem"
for who in alice bob; do
	lg_sign_in $who "$(lg_secret "$T/credentials" User $who)" portal http://127.0.0.1:9000/callback "openid profile" controller |
		jq -r .access_token >"$T/$who.token" || bad "$who signs in"
done
export LIGHTGATE_URL=$HTTPS LIGHTGATE_MTLS_URL=$MTLS LIGHTGATE_CA=$CA LIGHTGATE_CERT=$T/c.pem LIGHTGATE_KEY=$T/c.key
unset LIGHTGATE_DEV
run() { env -u ASAN_OPTIONS "$C" "$@" >"$T/out" 2>&1; }

run "$T/alice.token" web busybox node1; same "alice" $? 0
has "alice" "$(cat "$T/out")" '^permitted: .*shop-operators'
has "the ticket goes with it" "$(cat "$T/out")" '^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.'
LIGHTGATE_URL="https://127.0.0.1:1 $HTTPS" LIGHTGATE_MTLS_URL="https://127.0.0.1:1,$MTLS" LIGHTGATE_ISSUER=$HTTPS run "$T/alice.token" web busybox node1
same "where the first server is away" $? 0
run "$T/bob.token" web busybox node1; same "bob" $? 1
has "bob" "$(cat "$T/out")" '^refused: '
sed 's/.$/A/; s/^\(.*\.\)\(....\)/\1AAAA/' "$T/alice.token" >"$T/forged.token"
run "$T/forged.token" web busybox node1; same "a forged token" $? 1
has "a forged token" "$(cat "$T/out")" '^not you: '
jq -r .admin.password <<<"$LG_READY" >"$T/pw"
LIGHTGATE_CONFIG=$T/x lightgate login --user admin --password-file "$T/pw" >/dev/null
jq -r .token "$T/x/session.json" >"$T/admin.token"
run "$T/admin.token" web busybox node1; same "a token for somebody else" $? 1
has "a token for somebody else" "$(cat "$T/out")" '^not you: the token is for somebody else'
LIGHTGATE_CERT= LIGHTGATE_KEY= run "$T/alice.token" web busybox node1; same "a controller without its certificate" $? 1
has "a controller without its certificate" "$(cat "$T/out")" '^refused: '
LIGHTGATE_CA= run "$T/alice.token" web busybox node1; same "a service that nobody vouches for" $? 1

# on a host: decided from its bundle, which the library keeps itself; the second time without the service
joins node1 --dev "$T/data"
on_host() { LIGHTGATE_CERT=$T/node1.pem LIGHTGATE_KEY=$T/node1.key LIGHTGATE_STATE=$T/bundle run "$@"; }
kept() { on_host logs alice web && [ -e "$T/bundle/bundle.contact" ]; }
within kept
has "alice may look" "$(cat "$T/out")" '^permitted: .*shop-operators'
has "the copy is the owner's alone" "$(stat -c %a "$T/bundle")" '^700$'
lg_stop
on_host logs alice web; same "without the service, by the stored bundle" $? 0
has "by the stored bundle" "$(cat "$T/out")" '^permitted: .*shop-operators'
on_host logs bob web; same "whom it does not know" $? 1
sed -i 's/"name":"alice"/"name":"malice"/' "$T/bundle/bundle.body"
on_host logs alice web; same "by a copy that was touched" $? 1
run "$T/alice.token" web busybox node1; same "without the service" $? 1
claim "the library shows nothing but its own names" test -z "$(nm -D --defined-only build/lib/liblightgate.so | awk '{print $3}' | grep -v '^lightgate_\|^LIGHTGATE_1')"
lacks "the library needs no jansson" "$(readelf -d build/lib/liblightgate.so)" 'jansson|jwt'
done_testing
