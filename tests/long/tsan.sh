# The service and the client library under ThreadSanitizer: asked by many at once, while it changes; a report of a race is a failure.
export LG_BIN=build/tsan/bin
cd "$(dirname "$0")/../.."
make --no-print-directory -s -j2 V=tsan LD_FAST= all >build/tsan.log 2>&1 || { tail -30 build/tsan.log; echo "tsan: 0 passed, 1 failed, 0 skipped"; exit 1; }
LG_BIN=$PWD/build/tsan/bin
. tests/e2e/lib.sh
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
connect='{"subject":{"type":"Workload","id":"web"},"action":{"name":"connect"},"resource":{"type":"Workload","id":"db"},"context":{"port":5432,"protocol":"tcp"}}'
for who in 1 2 3 4; do
	(for i in $(seq 40); do
		api POST /access/v1/evaluation -H 'Content-Type: application/json' -d "$connect" >/dev/null
		api POST /v1/apply -d "{\"projects\":[{\"name\":\"p$who-$i\"}]}" >/dev/null
		api GET "/v1/projects?limit=5" >/dev/null
		LDAPTLS_CACERT=$CA ldapsearch -LLL -x -H "$LDAPS" -b dc=example,dc=org dn >/dev/null
	done) &
	jobs="${jobs:-} $!"
done

# on a host, so that the library follows a bundle which changes meanwhile; its own threads among the callers'
lightgate host create-join-token node1 --dev "$T/data" --out "$T/join" >/dev/null && lightgate-agent join --token-file "$T/join" --state "$T/node1" >/dev/null || bad "node1 joins"
jq -r .key "$T/node1/identity.json" >"$T/n.key"; cat "$T/node1/cert.pem" "$T/node1/chain.pem" >"$T/n.pem"
# the archives of the sanitized build: not the shared library, which is the one that is shipped
claim "the client of many threads builds" gcc -g -fsanitize=thread -Iinclude tests/long/client-threads.c build/tsan/lib/liblg_client.a build/tsan/lib/liblg_policy.a \
	build/tsan/lib/liblg_crypto.a build/tsan/lib/liblg_base.a -lcurl -lcrypto -largon2 -lcrypt -lseccomp -lcap-ng -lyaml -lpthread -o "$T/client-threads"
LIGHTGATE_URL=$HTTPS LIGHTGATE_MTLS_URL=$MTLS LIGHTGATE_CA=$CA LIGHTGATE_CERT=$T/n.pem LIGHTGATE_KEY=$T/n.key LIGHTGATE_STATE=$T/bundle \
	"$T/client-threads" 10 "$ADMIN" "$ISSUER/v1" >"$T/ways" 2>&1 || bad "client-threads: $(cat "$T/ways")"
cat "$T/ways"
same "every way was gone" "$(awk '$2 > 0' "$T/ways" | wc -l)" 6
wait $jobs
has "still there" "$(curl -sS --cacert "$CA" "$HTTPS/healthz")" ok
done_testing
