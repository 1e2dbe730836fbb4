# The service under ThreadSanitizer: starts, is asked by many at once, ends; a report of a race is a failure.
export LG_BIN=build/tsan/bin
cd "$(dirname "$0")/../.."
make --no-print-directory -s -j2 V=tsan LD_FAST= all >build/tsan.log 2>&1 || { tail -30 build/tsan.log; echo "tsan: 0 passed, 1 failed, 0 skipped"; exit 1; }
LG_BIN=$PWD/build/tsan/bin
. tests/e2e/lib.sh
export TSAN_OPTIONS="log_path=$T/san/report:halt_on_error=0"
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
wait $jobs
has "still there" "$(curl -sS --cacert "$CA" "$HTTPS/healthz")" ok
done_testing
