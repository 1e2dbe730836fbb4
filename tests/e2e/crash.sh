# kill -9 at any moment loses nothing acknowledged: LG_KILLS rounds (10; 200 in check-long), the chains verified after each.
. "$(dirname "$0")/lib.sh"
rounds=${LG_KILLS:-10}
export ASAN_OPTIONS=detect_leaks=0:log_path=$T/san/report	# a killed process cannot count its leaks

lg_start "$T/data" || bad "start"
sign_in_admin
writer() {	# adds users one after the other; names of acknowledged ones go to the file
	local i=0
	while :; do
		i=$((i + 1))
		if [ "$(curl -s --max-time 5 --cacert "$CA" -H "Authorization: Bearer $ADMIN" -o /dev/null -w '%{http_code}' "$HTTPS/v1/apply" \
		    -d "{\"projects\":[{\"name\":\"p$1-$i\"}]}")" = 200 ]; then echo "p$1-$i" >>"$T/acknowledged"; fi
	done
}
for round in $(seq "$rounds"); do
	writer "$round-a" & a=$!
	writer "$round-b" & b=$!
	within grep -q "^p$round-" "$T/acknowledged"
	sleep 0.$((RANDOM % 7))
	kill -9 $(pgrep -P "$LG_PID") "$LG_PID" 2>/dev/null
	kill "$a" "$b" 2>/dev/null; wait "$a" "$b" "$LG_PID" 2>/dev/null
	lg_start "$T/data" || { bad "start after kill $round"; break; }
	sign_in_admin
	verdict=$(api GET /v1/audit/verify)
	same "round $round: the chains hold" "$(head -1 <<<"$verdict" | jq -c .ok)" true; grep -q '"ok":false' <<<"$verdict" && echo "$verdict"
	missing=0
	curl -s --cacert "$CA" -H "Authorization: Bearer $ADMIN" "$HTTPS/v1/projects?limit=1000&prefix=p$round-" | jq -r '.items[].name' | sort >"$T/there"
	grep "^p$round-" "$T/acknowledged" 2>/dev/null | sort >"$T/said"
	same "round $round: what was acknowledged is there" "$(comm -23 "$T/said" "$T/there" | wc -l)" 0
done
claim "something was acknowledged at all" test "$(wc -l <"$T/acknowledged")" -ge "$rounds"
lg_stop
claim "every index is equal to a rebuild, every entry keeps the schema" lightgated --dev --data "$T/data" tool doctor --deep
echo "crash: $(wc -l <"$T/acknowledged") acknowledged changes over $rounds kills"
done_testing
