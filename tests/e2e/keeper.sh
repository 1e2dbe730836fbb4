# The keeper dies: what needs it gets an error that says so, everything else goes on, and the parent starts a new one.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=detect_leaks=0:log_path=$T/san/report

lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
keeper=$(keeper_pid)
kill -STOP "$LG_PID"			# the parent cannot restart it now
kill -9 "$keeper"
unready() { [ "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" = 503 ]; }
claim "the service notices" within unready
answer=$(curl -sS --max-time 10 --cacert "$CA" -w '\n%{http_code}' "$HTTPS/v1/login" -d "$(jq -cn --arg p "$(lg_ready .admin.password)" '{username: "admin", password: $p}')")
same "signing in needs the keeper: 503" "$(tail -1 <<<"$answer")" 503
has "... and says so" "$answer" '[Kk]eeper'
same "decisions do not need it" "$(api POST /access/v1/evaluation -H 'Content-Type: application/json' -d '{"subject":{"type":"Workload","id":"web"},"action":{"name":"connect"},"resource":{"type":"Workload","id":"db"},"context":{"port":5432,"protocol":"tcp"}}' | head -1 | jq .decision)" true
claim "still not ready" unready
kill -CONT "$LG_PID"
is_ready() { [ "$(curl -sS --max-time 5 --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" = 200 ]; }
claim "a new keeper is there" within is_ready
sign_in_admin
claim "tokens are issued again" test -n "$ADMIN" -a "$ADMIN" != null

# the server dies: the parent starts a new one on the same listeners
kill -9 "$(server_pid)"
claim "a new server is there" within is_ready
has "it knows the token" "$(api GET /v1/whoami)" '"name":"admin"'
done_testing
