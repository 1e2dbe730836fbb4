# What a host decided by itself while the service was away comes on the service's record: each decision once and in order, whatever is killed meanwhile.
. "$(dirname "$0")/lib.sh"
trap lg_stop EXIT
lg_start "$T/data" || bad "start"
sign_in_admin
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
JOURNAL=11111111-2222-4333-8444-555555555555
# chain FROM TO PREV [JOURNAL]: a report of the decisions FROM to TO; PREV is the digest of the one before; leaves the last one's in $T/prev
chain() {
	python3 - "$@" <<'PY' >"$T/report"
import hashlib, json, os, sys
first, last, prev = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
lines = []
for n in range(first, last + 1):
	line = json.dumps({"seq": n, "prev": prev, "time": "2026-11-23T05:00:00Z", "container": "c%d" % n, "action": "container:restart", "decision": n % 2 == 1,
	    "policy": "p", "reason": "number %d" % n, "revision": 3}, separators=(",", ":"))
	prev = hashlib.sha256(line.encode()).hexdigest()
	lines.append(line)
print('{"journal":"%s","decisions":[%s]}' % (sys.argv[4], ",".join(lines)))
print(prev, file=sys.stderr)
PY
}
report() { curl -sS --cacert "$CA" --cert "$T/node1.pem" --key "$T/node1.key" -H 'Content-Type: application/json' --data-binary "@$T/report" -w ' %{http_code}' "$MTLS/v1/agent/decisions"; }
recorded() { api GET "/v1/audit?operation=container:restart&limit=1000" | head -1 | jq -r '.items[].detail.reason' | sed -n 's/.*: number //p'; }
ZERO=$(printf '0%.0s' $(seq 64))

chain 1 3 "$ZERO" $JOURNAL 2>"$T/prev"
same "a report is taken" "$(report)" '{"taken":3} 200'
same "all of it, in order" "$(recorded | tr '\n' ' ')" "1 2 3 "
same "again it is nothing new" "$(report)" '{"taken":3} 200'
same "and nothing comes twice" "$(recorded | wc -l)" 3
P=$(cat "$T/prev")
one=$(api GET "/v1/audit?operation=container:restart&limit=1000" | head -1 | jq -c '.items[0] | [.actor, .target, .result, .detail.asker.name, .detail.revision]')
same "a container without an admission is the host's" "$one" '["Host/node1","Workload/c1","permit","node1",3]'
same "when it was decided stands beside when it was told" "$(api GET "/v1/audit?operation=container:restart&limit=1000" | head -1 | jq -r '.items[0] | .made_at, (.time > .made_at)')" \
	"2026-11-23T05:00:00.000000Z
true"
chain 3 5 "$P" $JOURNAL 2>/dev/null
has "a journal that went on otherwise is refused" "$(report)" '409$'
chain 4 5 "$ZERO" $JOURNAL 2>/dev/null
has "so is one whose chain does not fit" "$(report)" '409$'
chain 1 2 "$ZERO" $JOURNAL 2>/dev/null
has "and one that has gone back" "$(report)" '409$'
chain 4 5 "$P" $JOURNAL 2>"$T/prev"
same "what follows is taken" "$(report)" '{"taken":5} 200'
chain 6 8 "$(cat "$T/prev")" $JOURNAL 2>/dev/null
sed -i 's/number 7/number x/' "$T/report"
has "a record that was changed on the way is refused" "$(report)" '400$'
sed -i 's/number x/number 7/; s/container:restart/container:create/g' "$T/report"
has "so is what no host decides by itself" "$(report)" '400$'
sed -i 's/container:create/container:restart/g; s/"container":"c6",//' "$T/report"
has "and what is counted without a count" "$(report)" '400$'
same "none of that is on record" "$(recorded | tr '\n' ' ')" "1 2 3 4 5 "
same "nobody but hosts reports" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' -X POST "$MTLS/v1/agent/decisions" -d '{}' 2>/dev/null)" 000

# a journal of one decision of what is counted: counted JSON
counted() { printf '{"journal":"%s","decisions":[{"seq":1,"prev":"%s","time":"2026-11-23T05:00:00Z","policy":"p","revision":0,%s}]}' "$(cat /proc/sys/kernel/random/uuid)" "$ZERO" "$1" >"$T/report"; report; }
OF='"until":"2026-11-23T05:01:00Z","action":"connect","decision":false,"reason":"no"'
WEB='"subject":{"type":"Workload","id":"web"},"resource":{"type":"Workload","id":"nobody-knows"}'
same "what the gate refused many times is one record" "$(counted "$WEB,\"protocol\":\"tcp\",\"port\":22,\"count\":7,$OF")" '{"taken":1} 200'
api GET "/v1/audit?operation=connect" | head -1 >"$T/told"
same "with who, what, how often and since when" "$(jq -c '.items[0] | [.actor, .target, .result, .asker, .made_at[:19], .made_until[:19], .count, (.detail.subject.id | length), .detail.question.context]' "$T/told")" \
	'["Workload/web","Workload/nobody-knows","deny: decided by the host (22/tcp): no","Host/node1","2026-11-23T05:00:00","2026-11-23T05:01:00",7,36,{"port":22,"protocol":"tcp"}]'
same "what is of nobody in particular is the host's" "$(counted "\"count\":7,$OF" >/dev/null; api GET "/v1/audit?operation=connect" | head -1 | jq -r '.items[1] | .actor, .target')" "Host/node1
Host/node1"
has "the table tells it" "$(lightgate audit list --operation connect)" 'MADE AT +UNTIL +TIMES'
lacks "but where there is nothing to tell" "$(lightgate audit list --operation host.)" 'MADE AT|TIMES'
for what in "$WEB,$OF" "$WEB,\"count\":0,$OF" "$WEB,\"count\":-1,$OF" "$WEB,\"count\":1,${OF/05:01/04:59}" "$WEB,\"count\":1,${OF/connect/token:issue}" "$WEB,\"count\":1,\"port\":65536,$OF" \
	"${WEB%%,*},\"count\":1,$OF" "\"subject\":{\"type\":\"Workload\",\"id\":\"$(printf 'x%.0s' $(seq 513))\"},${WEB#*\},},\"count\":1,$OF" "\"count\":1,${OF/connect/$(printf 'x%.0s' $(seq 65))}"; do
	has "refused: ${what:0:60}" "$(counted "$what")" '4(00|22)$'
done

# killed in the middle, the server takes the rest the next time
J2=22222222-2222-4333-8444-555555555555 P=$ZERO
for round in 1 2 3; do
	from=$((100 * round)) to=$((100 * round + 99))
	chain $from $to "$P" $J2 2>"$T/prev"
	(sleep "0.0$((2 * round))"; kill -9 "$(server_pid)") 2>/dev/null &
	report >/dev/null 2>&1
	wait $!
	taken() { [ "$(report)" = "{\"taken\":$to} 200" ]; }
	within taken
	P=$(cat "$T/prev")
done
sign_in_admin
same "every decision is on record once, in order" "$(recorded | sed 1,5d | tr '\n' ' ')" "$(seq 100 399 | tr '\n' ' ')"
claim "and the chain holds" lightgate audit verify
done_testing
