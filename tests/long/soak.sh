# Four rounds of everything that clients do (SOAK_SECONDS in all, 300): at rest after each, the processes hold as much as after the first.
LG_BIN=${LG_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin}	# sanitizers keep what was freed
. "$(dirname "$0")/../e2e/lib.sh"
ROUND=$((${SOAK_SECONDS:-300} / 4))
MOST=8192			# KiB of their own that a process may have more than after the first round: caches are filled by then
lg_start "$T/data" --load conf/demo.yaml --limits.idle_time=2s || bad "start"
sign_in_admin
claim "login" lightgate login
password=$(jq -r '.credentials[] | select(.name == "alice") | .secret' <<<"$LG_READY")
connect='{"subject":{"type":"Workload","id":"web"},"action":{"name":"connect"},"resource":{"type":"Workload","id":"db"},"context":{"port":5432,"protocol":"tcp"}}'

asks() { api POST /access/v1/evaluation -H 'Content-Type: application/json' -d "$connect" | grep -q '"decision"'; }
# a project comes and goes
changes() { api POST /v1/apply -d "{\"projects\":[{\"name\":\"p$1\"}]}" | grep -q '^200' && lightgate project delete "p$1" >/dev/null; }
signs_in() { lg_sign_in alice "$password" portal http://127.0.0.1:9000/callback "openid offline_access" controller | grep -q access_token; }
# ... until it is told to wait
fails() { api POST /v1/login -d '{"username":"nobody","password":"wrong"}' | grep -qE '^(401|429)'; }
searches() { LDAPTLS_CACERT=$CA ldapsearch -LLL -x -H "$LDAPS" -D uid=alice,ou=people,dc=example,dc=org -w "$password" -b dc=example,dc=org dn | grep -q '^dn:'; }
# half a request, and the connection is dropped
breaks() { timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0; printf "POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{" >&3' "${HTTP##*:}"; }
churn() {	# churn DEED: until the round is over; notes how often it worked and how often it did not
	local good=0 wrong=0 i=0
	while [ "$(date +%s)" -lt "$until" ]; do
		i=$((i + 1))
		if "$1" "$round-$i" 2>>"$T/errors"; then good=$((good + 1)); else wrong=$((wrong + 1)); fi
	done
	echo "$1 $good $wrong" >"$T/did.$round.$1"
}
processes() { echo "$LG_PID"; pgrep -P "$LG_PID"; }
held() {	# of each process: name, descriptors, KiB of its own, threads
	local p
	for p in $(processes); do
		echo "$(cat "/proc/$p/comm") $(ls "/proc/$p/fd" | wc -l) $(awk '/^RssAnon/ { print $2 }' "/proc/$p/status") $(awk '/^Threads/ { print $2 }' "/proc/$p/status")"
	done
}
descriptors() { held | awk '{ n += $2 } END { print n }'; }
idle=$(descriptors)
for round in 1 2 3 4; do
	until=$(($(date +%s) + ROUND)) jobs=
	for deed in asks changes signs_in fails searches breaks; do
		churn "$deed" & jobs="$jobs $!"
	done
	wait $jobs
	for _ in $(seq 200); do [ "$(descriptors)" -le "$idle" ] && break; sleep 0.1; done
	held >"$T/held.$round"
	echo "round $round: $(cat "$T/did.$round".* | awk '{ printf "%s %d/%d ", $1, $2, $2 + $3 }')"
	sed 's/^/  /' "$T/held.$round"
done
for deed in asks changes signs_in fails searches breaks; do
	claim "$deed was done in the last round" awk '{ exit !($2 > 0) }' "$T/did.4.$deed"
done
claim "descriptors are closed" test "$(awk '{ n += $2 } END { print n }' "$T/held.4")" -le "$idle"
same "threads are those of the first round" "$(awk '{ print $1, $4 }' "$T/held.4")" "$(awk '{ print $1, $4 }' "$T/held.1")"
claim "no process has $MOST KiB more than after the first round" awk -v most=$MOST 'NR == FNR { was[$1] = $3; next } $3 - was[$1] > most { exit 1 }' "$T/held.1" "$T/held.4"
done_testing
