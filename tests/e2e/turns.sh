# A thousand mixed requests: no snapshot stays behind on any thread, the store does not grow beyond what was written, and the
# figures of /metrics add up.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
metric() { curl -sS --cacert "$CA" "$HTTPS/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }

question='{"subject":{"type":"Workload","id":"web"},"action":{"name":"connect"},"resource":{"type":"Workload","id":"db"},"context":{"port":5432,"protocol":"tcp"}}'
mixed() {	# mixed FIRST: 250 requests over four connections
	local i
	for i in $(seq "$1" $(($1 + 49))); do
		printf 'url = "%s/access/v1/evaluation"\nheader = "Content-Type: application/json"\ndata = "%s"\nnext\n' "$HTTPS" "${question//\"/\\\"}"
		printf 'url = "%s/v1/users?limit=10"\nnext\nurl = "%s/readyz"\nnext\n' "$HTTPS" "$HTTPS"
		printf 'url = "%s/v1/apply"\ndata = "{\\"projects\\":[{\\"name\\":\\"t%d\\"}]}"\nnext\nurl = "%s/v1/users/nobody"\nnext\n' "$HTTPS" "$i" "$HTTPS"
	done | sed "s|^next|silent\ncacert = \"$CA\"\noutput = \"/dev/null\"\nheader = \"Authorization: Bearer $ADMIN\"\nwrite-out = \"%{http_code}\\\\n\"\nnext|" >"$T/$1.curl"
	curl -K "$T/$1.curl" 2>/dev/null
}
before=$(metric lightgate_store_used_bytes)
pids=()
for from in 1000 2000 3000 4000; do mixed $from >"$T/$from.codes" & pids+=($!); done
for i in $(seq 20); do
	LDAPTLS_CACERT=$CA ldapsearch -x -H "$LDAPS" -D "uid=admin,ou=people,dc=example,dc=org" -w "$(lg_ready .admin.password)" -b "dc=example,dc=org" "(uid=*)" uid >/dev/null 2>&1 || echo "ldapsearch $?"
done
wait "${pids[@]}"
same "a thousand answers" "$(cat "$T"/*.codes | grep -c '^[0-9]')" 1000
same "all were as expected" "$(cat "$T"/*.codes | sort | uniq -c | awk '{ printf "%s:%s ", $2, $1 }')" "200:800 404:200 "
same "nobody holds a snapshot back" "$(metric lightgate_store_reader_lag)" 0
after=$(metric lightgate_store_used_bytes)
claim "the file has not grown beyond 8 MiB ($before -> $after)" test "$after" -lt $((8 << 20))
same "every connect was counted once, remembered answers too" "$(metric 'lightgate_decisions_total{group="connect",verdict="permit"}')" 200
same "LDAP binds were counted" "$(metric 'lightgate_ldap_total{what="bind"}')" 20
claim "changes were counted (several a record)" test "$(metric lightgate_store_seq)" -ge 20
has "the clock is believed" "$(metric lightgate_clock_fine)" '^1$'
echo "turns: $before -> $after octets over $(metric lightgate_store_seq) records"
done_testing
