# AuthZEN's certification scenario (authorization-api-1_0-scenario), numbered as there: basic, batch, search, discovery; every
# check is named in CHECKS, and one that was not made fails.  Types and actions are Lightgate's (authzen.yaml).  Where the scenario
# lets request properties decide, the directory's attributes do: those checks (marked *) hold by what the entries are.
. "$(dirname "$0")/lib.sh"
CHECKS='2.1 endpoint|2.2.1 permit decision|2.2.2 deny decision|2.2.3 optional context|2.2.4 deny based on properties *|2.2.5 permit based on subject properties *
2.2.6 permit based on action properties *|2.2.7 deny based on action properties *|2.2.8 additional properties|2.2.9 unknown fields|2.3.1 decision field is required
2.3.2 response context is permitted|2.4.1 missing required fields|2.4.2 missing required sub-fields|2.4.3 invalid content type|2.4.4 malformed JSON
2.4.5 empty request body|2.4.6 invalid field types|2.5.1 X-Request-ID echo|2.5.2 X-Request-ID absent|2.6 idempotency|3.1 batch endpoint|3.2.1 evaluations array
3.2.2 fixture decisions|3.2.3 properties *|3.2.4 subject properties *|3.2.5 fully specified evaluations|3.2.6 context inheritance|3.2.7 default value merging
3.3.1 array length|3.3.2 ordering|3.3.3 each contains a decision|3.3.4 top-level decision|3.4.1 evaluation-level errors|3.4.2 missing evaluations array
3.4.3 empty evaluations array|4.1 search endpoints|4.2.1 subject search|4.2.2 with context|4.2.3 with subject id|4.2.4 with resource properties *
4.3.1 resource search|4.3.2 with resource id|4.3.3 with subject properties *|4.4.1 action search|4.4.2 with context|4.4.3 with properties *
4.5.1 page limit|4.5.2 page token|4.5.3 pagination response format|4.5.4 a page is optional|4.6.1 unknown entity identifier|4.6.2 unknown entity type
4.7.1 search: missing required fields|4.7.2 search: missing required sub-fields|5.1 HTTPS and JSON accepted|5.2 200 and JSON answered|5.3 400 for what is missing
5.4 X-Request-ID|5.5 unknown fields ignored|6.1 metadata endpoint|6.2 metadata response|6.3 required metadata fields|6.4 optional metadata fields
6.5 metadata validation|6.6 metadata is available'
declare -A made
# Whatever is claimed under a number of the scenario counts as made.
for f in same claim has; do eval "lib_$(declare -f $f)"; eval "$f() { note \"\$1\"; lib_$f \"\$@\"; }"; done
note() { if [[ $1 =~ ^([2-6](\.[0-9]+)+)\  ]]; then made[${BASH_REMATCH[1]}]=1; fi; }
lg_start "$T/data" --load "$PWD/tests/e2e/authzen.yaml" || bad "it does not start with the fixture"
ADMIN=$(token admin "$(lg_ready .admin.password)")
ask() { # ask PATH BODY [curl arguments]: body in OUT, status in STATUS, headers in $T/headers
	OUT=$(curl -sS --cacert "$CA" -D "$T/headers" -H "Authorization: Bearer $ADMIN" -H 'Content-Type: application/json' \
		"$HTTPS/access/v1/$1" -w '\n%{http_code}' "${@:3}" -d "$2")
	STATUS=${OUT##*$'\n'} OUT=${OUT%$'\n'*}
}
alice='"subject":{"type":"User","id":"alice"}' bob='"subject":{"type":"User","id":"bob"}'
one='"resource":{"type":"Workload","id":"record-1"}' two='"resource":{"type":"Workload","id":"record-2","properties":{"status":"archived"}}'
act() { printf '"action":{"name":"container:%s"}' "$1"; }
context='"context":{"time":"2025-06-27T18:03-07:00","ip":"192.168.1.1"}'

decision() { # decision NAME BODY true|false
	ask evaluation "$2"
	same "$1: status" "$STATUS" 200
	same "$1" "$(jq -c .decision <<<"$OUT")" "$3"
}
refused() { ask "$2" "$3" "${@:4}"; same "$1" "$STATUS" 400; }
batch() { ask evaluations "$2"; same "$1: status" "$STATUS" 200; same "$1" "$(jq -c '[.evaluations[].decision]' <<<"$OUT")" "$3"; }
found() { # found NAME KIND BODY JSON: what the search gives, in order
	ask "search/$2" "$3"
	same "$1: status" "$STATUS" 200
	same "$1" "$(jq -c '[.results[] | .id // .name]' <<<"$OUT")" "$4"
}

# ---- 2: one evaluation ----
decision "2.2.1 permit" "{$alice,$(act logs),$one}" true
claim "2.3.2 a context is an object" jq -e '.context | type == "object"' <<<"$OUT"
claim "2.3.1 a decision is true or false" jq -e '.decision | type == "boolean"' <<<"$OUT"
same "2.1 the endpoint" "$STATUS" 200
same "5.1 HTTPS with JSON is accepted" "${HTTPS%%:*} $STATUS" "https 200"
claim "2.5.2 without X-Request-ID" jq -e .decision <<<"$OUT"
has "5.2 the type of an answer" "$(cat "$T/headers")" '^[Cc]ontent-[Tt]ype: application/json'
decision "2.2.2 deny" "{$bob,$(act exec),$one}" false
decision "1.4 rule 2" "{$alice,$(act exec),$one}" true
decision "1.4 rule 3" "{$bob,$(act logs),$one}" true
decision "2.2.3 with a context" "{$alice,$(act logs),$one,$context}" true
decision "2.2.3 with an empty context" "{$alice,$(act logs),$one,\"context\":{}}" true
decision "2.2.4 denied by a property" "{$alice,$(act exec),$two}" false
decision "2.2.5 permitted by a property of the subject" "{$bob,$(act exec),$two}" true
decision "2.2.6 a soft delete" "{$alice,$(act stop),$one}" true
decision "2.2.7 a hard delete" "{$alice,$(act remove),$one}" false
decision "2.2.8 additional properties" "{\"subject\":{\"type\":\"User\",\"id\":\"alice\",\"properties\":{\"department\":\"Sales\",\"role\":\"manager\"}},\"action\":{\"name\":\"container:logs\",\"properties\":{\"method\":\"GET\"}},\"resource\":{\"type\":\"Workload\",\"id\":\"record-1\",\"properties\":{\"status\":\"active\",\"owner\":\"bob\"}}}" true
decision "2.2.9 unknown fields" "{$alice,$(act logs),$one,\"foo\":\"bar\",\"futureField\":{\"nested\":true}}" true
decision "5.5 unknown fields" "{$alice,$(act logs),$one,\"foo\":{\"bar\":[1]},\"subject_hint\":null}" true
decision "5.5 unknown fields inside" "{\"subject\":{\"type\":\"User\",\"id\":\"alice\",\"x\":1,\"properties\":{\"role\":\"none\"}},$(act logs),$one}" true

refused "5.3 what is missing is a 400" evaluation "{}"
refused "2.4.1 no subject" evaluation "{$(act logs),$one}"
refused "2.4.1 no action" evaluation "{$alice,$one}"
refused "2.4.1 no resource" evaluation "{$alice,$(act logs)}"
refused "2.4.2 a subject without type" evaluation "{\"subject\":{\"id\":\"alice\"},$(act logs),$one}"
refused "2.4.2 a subject without id" evaluation "{\"subject\":{\"type\":\"User\"},$(act logs),$one}"
refused "2.4.2 an action without name" evaluation "{$alice,\"action\":{},$one}"
refused "2.4.2 a resource without type" evaluation "{$alice,$(act logs),\"resource\":{\"id\":\"record-1\"}}"
refused "2.4.2 a resource without id" evaluation "{$alice,$(act logs),\"resource\":{\"type\":\"Workload\"}}"
refused "2.4.3 another content type" evaluation "{$alice,$(act logs),$one}" -H 'Content-Type: text/plain'
refused "2.4.4 no JSON" evaluation "{$alice,"
refused "2.4.5 an empty body" evaluation ""
refused "2.4.6 a subject that is a string" evaluation "{\"subject\":\"alice\",$(act logs),$one}"
refused "2.4.6 an action's name that is a number" evaluation "{$alice,\"action\":{\"name\":123},$one}"

ask evaluation "{$alice,$(act logs),$one}" -H 'X-Request-ID: bfe9eb29-ab87-4ca3-be83-a1d5d8305716'
has "2.5.1 X-Request-ID is echoed" "$(tr -d '\r' <"$T/headers")" '^[Xx]-[Rr]equest-[Ii][Dd]: bfe9eb29-ab87-4ca3-be83-a1d5d8305716$'
ask evaluation "{$alice," -H 'X-Request-ID: of-a-mistake'
has "5.4 X-Request-ID comes back" "$(tr -d '\r' <"$T/headers")" '^[Xx]-[Rr]equest-[Ii][Dd]: of-a-mistake$'
has "2.5.1 and with an error" "$(tr -d '\r' <"$T/headers")" '^[Xx]-[Rr]equest-[Ii][Dd]: of-a-mistake$'
for i in 1 2 3; do decision "2.6 the same, time $i" "{$alice,$(act logs),$one}" true; done

# ---- 3: batches ----
batch "3.2.1 defaults" "{$alice,$(act logs),\"evaluations\":[{$one},{$two}]}" '[true,true]'
same "3.1 the endpoint" "$STATUS" 200
same "3.3.1 as many answers as questions" "$(jq '.evaluations | length' <<<"$OUT")" 2
claim "3.3.3 each has a decision" jq -e 'all(.evaluations[]; .decision | type == "boolean")' <<<"$OUT"
batch "3.3.2 in order" "{$bob,$one,\"evaluations\":[{$(act exec)},{$(act logs)},{$(act exec)}]}" '[false,true,false]'
batch "3.2.2 in order" "{$bob,$one,\"evaluations\":[{$(act logs)},{$(act exec)}]}" '[true,false]'
claim "3.3.4 no decision beside the list" jq -e 'has("decision") | not' <<<"$OUT"
batch "3.2.3 properties" "{$alice,$(act exec),\"evaluations\":[{$one},{$two}]}" '[true,false]'
batch "3.2.4 subjects" "{$(act exec),$two,\"evaluations\":[{$alice},{$bob}]}" '[false,true]'
batch "3.2.5 without defaults" "{\"evaluations\":[{$alice,$(act logs),$one},{$bob,$(act exec),$one}]}" '[true,false]'
batch "3.2.6 contexts" "{$alice,$(act logs),$context,\"evaluations\":[{$one},{$two,\"context\":{\"source\":\"x\"}}]}" '[true,true]'
batch "3.2.7 a type by default, an id of its own" "{$alice,$(act exec),\"resource\":{\"type\":\"Workload\"},\"evaluations\":[{\"resource\":{\"id\":\"record-1\",\"properties\":{\"status\":\"active\"}}},{$two}]}" '[true,false]'
batch "3.2.7 a whole default" "{$alice,$(act exec),$one,\"evaluations\":[{},{$two}]}" '[true,false]'
batch "3.4.1 a mistake of one" "{$alice,$(act logs),\"options\":{\"evaluations_semantic\":\"execute_all\"},\"evaluations\":[{$one},{}]}" '[true,false]'
batch "7.1.2 deny on first deny" "{$alice,$one,\"options\":{\"evaluations_semantic\":\"deny_on_first_deny\"},\"evaluations\":[{$(act logs)},{$(act remove)},{$(act logs)}]}" '[true,false]'
batch "7.1.2 permit on first permit" "{$alice,$one,\"options\":{\"evaluations_semantic\":\"permit_on_first_permit\"},\"evaluations\":[{$(act remove)},{$(act logs)},{$(act remove)}]}" '[false,true]'
ask evaluations "{$alice,$(act logs),$one}"; same "3.4.2 no list" "$(jq -c .decision <<<"$OUT")" true
ask evaluations "{$alice,$(act logs),$one,\"evaluations\":[]}"; same "3.4.3 an empty list" "$(jq -c .decision <<<"$OUT")" true
refused "7.1.2 a semantic nobody knows" evaluations "{$alice,$(act logs),\"options\":{\"evaluations_semantic\":\"x\"},\"evaluations\":[{$one}]}"

# ---- 4: searches ----
users='"subject":{"type":"User"}' records='"resource":{"type":"Workload"}'
found "4.2.1 subjects" subject "{$users,$(act logs),$one}" '["alice","bob"]'
claim "4.2.1 each has its type" jq -e 'all(.results[]; .type == "User")' <<<"$OUT"
found "4.2.2 with a context" subject "{$users,$(act logs),$one,$context}" '["alice","bob"]'
found "4.2.3 the subject's id is ignored" subject "{$alice,$(act logs),$one}" '["alice","bob"]'
found "4.2.4 with properties" subject "{$users,$(act exec),$two}" '["bob"]'
found "4.3.1 resources" resource "{$alice,$(act logs),$records}" '["record-1","record-2"]'
found "4.3.1 with a context" resource "{$alice,$(act logs),$records,$context}" '["record-1","record-2"]'
found "4.3.2 the resource's id is ignored" resource "{$alice,$(act logs),$one}" '["record-1","record-2"]'
found "4.3.3 with properties" resource "{$bob,$(act exec),$records}" '["record-2"]'
found "4.4.1 actions" action "{$alice,$one}" '["container:stop","container:exec","container:logs"]'
found "4.4.2 with a context" action "{$alice,$one,$context}" '["container:stop","container:exec","container:logs"]'
found "4.4.3 with properties" action "{$bob,$two}" '["container:exec","container:logs"]'
found "8.1 an action that is there is ignored" action "{$alice,$(act remove),$one}" '["container:stop","container:exec","container:logs"]'
has "5.2 the type of a search's answer" "$(cat "$T/headers")" '^[Cc]ontent-[Tt]ype: application/json'

same "4.1 the endpoint of searches" "$STATUS" 200
found "4.5.4 without a page, all of it" subject "{$users,$(act logs),$one}" '["alice","bob"]'
claim "4.5.3 a page has a token, which is a string" jq -e '.page.next_token | type == "string"' <<<"$OUT"
found "4.5.1 a page of one" subject "{$users,$(act logs),$one,\"page\":{\"limit\":1}}" '["alice"]'
next=$(jq -r .page.next_token <<<"$OUT")
claim "4.5.3 there is more" test -n "$next"
found "4.5.2 the next page" subject "{$users,$(act logs),$one,\"page\":{\"token\":\"$next\"}}" '["bob"]'
refused "8.2 a token of another search" search/subject "{$users,$(act exec),$one,\"page\":{\"token\":\"$next\"}}"
refused "8.2 a token with another limit" search/subject "{$users,$(act logs),$one,\"page\":{\"token\":\"$next\",\"limit\":2}}"
refused "8.2 a token that is none" search/subject "{$users,$(act logs),$one,\"page\":{\"token\":\"AAAA\"}}"
for kind in subject resource action; do	# every page of one together is the whole
	case $kind in subject) body="$users,$(act logs),$one" ;; resource) body="$alice,$(act logs),$records" ;; action) body="$alice,$one" ;; esac
	ask "search/$kind" "{$body}"; whole=$(jq -c '.results' <<<"$OUT") pages='[]' token=
	same "4.5.3 the end of $kind" "$(jq -r .page.next_token <<<"$OUT")" ""
	for i in $(seq 40); do
		ask "search/$kind" "{$body,\"page\":{\"limit\":1,\"token\":\"$token\"}}"
		pages=$(jq -c --argjson p "$pages" '$p + .results' <<<"$OUT") token=$(jq -r .page.next_token <<<"$OUT")
		[ -n "$token" ] || break
	done
	same "8.2 pages of $kind" "$pages" "$whole"
done

nobody='"subject":{"type":"User","id":"nonexistent"}' nothing='"resource":{"type":"Network","id":"nonexistent"}'
found "4.6.1 a subject that is not there" action "{$nobody,$one}" '[]'
found "4.6.1 a subject that is not there" resource "{$nobody,$(act logs),$records}" '[]'
found "4.6.1 a resource that is not there" subject "{$users,$(act logs),$nothing}" '[]'
found "4.6.2 a type of subject that nobody knows" subject "{\"subject\":{\"type\":\"spaceship\"},$(act logs),$one}" '[]'
found "4.6.2 a type of resource that nobody knows" resource "{$alice,$(act logs),\"resource\":{\"type\":\"spaceship\"}}" '[]'
found "4.6.2 a type that nobody knows" action "{$alice,\"resource\":{\"type\":\"spaceship\",\"id\":\"x\"}}" '[]'
found "4.6.1 an action that is not there" subject "{$users,\"action\":{\"name\":\"fly\"},$one}" '[]'
refused "4.7.1 subject search without action" search/subject "{$users,$one}"
refused "4.7.1 resource search without subject" search/resource "{$(act logs),$records}"
refused "4.7.1 action search without resource" search/action "{$alice}"
refused "4.7.2 subject search, resource without id" search/subject "{$users,$(act logs),$records}"
refused "4.7.2 resource search, subject without id" search/resource "{$users,$(act logs),$records}"
refused "4.7.2 action search, subject without id" search/action "{$users,$one}"
refused "5.1 another content type" search/action "{$alice,$one}" -H 'Content-Type: text/plain'
refused "2.4.6 a page that is no object" search/action "{$alice,$one,\"page\":3}"
refused "8.2 a limit below nothing" search/action "{$alice,$one,\"page\":{\"limit\":-1}}"

# ---- 6: discovery ----
curl -sS --cacert "$CA" -D "$T/headers" "$HTTPS/.well-known/authzen-configuration" >"$T/metadata"
same "6.1 the well-known place" "$(head -1 "$T/headers" | cut -d" " -f2)" 200
claim "6.2 is an object" jq -e 'type == "object"' "$T/metadata"
claim "6.6 it is there" test -s "$T/metadata"
has "6.5 the type" "$(cat "$T/headers")" '^[Cc]ontent-[Tt]ype: application/json'
same "6.3 the decision point" "$(jq -r .policy_decision_point "$T/metadata")" "$ISSUER"
claim "6.4 every endpoint is an HTTPS URL" jq -e '[.access_evaluation_endpoint, .access_evaluations_endpoint, .search_subject_endpoint,
	.search_resource_endpoint, .search_action_endpoint] | all(startswith("https://"))' "$T/metadata"
for name in access_evaluation access_evaluations search_subject search_resource search_action; do
	same "6.4 $name answers" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' -X POST -H "Authorization: Bearer $ADMIN" \
		-H 'Content-Type: application/json' -d '{' "$(jq -r ".${name}_endpoint" "$T/metadata")")" 400
done

# ---- all of it ----
while IFS= read -r check; do
	claim "$check" test -n "${made[${check%% *}]:-}"
done < <(tr '|' '\n' <<<"$CHECKS")
echo "authzen: $(tr '|' '\n' <<<"$CHECKS" | wc -l) checks of the certification scenario, $(grep -o '\*' <<<"$CHECKS" | wc -l) of them by the directory's attributes"

# ---- what comes with an answer ----
ask evaluation "{$alice,$(act exec),$one}"
same "all deciding policies" "$(jq -c .context.policies <<<"$OUT")" '["write","write-again"]'
same "their advice" "$(jq -c .context.advice <<<"$OUT")" '["log the session"]'
ask evaluation "{\"subject\":{\"type\":\"User\",\"id\":\"alice\",\"properties\":{\"role\":\"admin\"}},\"action\":{\"name\":\"container:exec\",\"properties\":{\"soft\":true}},\"resource\":{\"type\":\"Workload\",\"id\":\"record-2\",\"properties\":{\"status\":\"active\",\"project\":\"elsewhere\",\"labels\":[\"status=active\"]}},\"context\":{\"ip\":\"x\",\"port\":1}}"
same "the directory's attributes win" "$(jq -c .decision <<<"$OUT")" false
same "what was not looked at is said" "$(jq -c .context.ignored <<<"$OUT")" \
	'["subject.properties.role","action.properties.soft","resource.properties.status","context.ip","resource.properties.project","resource.properties.labels"]'
ask evaluations "{\"subject\":{\"type\":\"User\",\"id\":\"alice\",\"properties\":{\"a\":1}},$(act logs),\"evaluations\":[{$one},{$one,$alice}]}"
same "an item's own subject replaces the default's notes" "$(jq -c '[.evaluations[].context.ignored]' <<<"$OUT")" '[["subject.properties.a"],null]'

# ---- reading one's own writes ----
revision() { tr -d '\r' <"$T/headers" | sed -n 's/^[Ll]ightgate-[Rr]evision: //p'; }
ask evaluation "{$alice,$(act logs),$one}"
before=$(revision)
claim "an answer tells its revision" test "$before" -gt 0
curl -sS --cacert "$CA" -D "$T/headers" -H "Authorization: Bearer $ADMIN" -X PUT "$HTTPS/v1/groups/keepers/members/User/carol"
after=$(revision)
claim "a change tells its own" test "$after" -gt "$before"
ask evaluation "{$alice,$(act logs),$one}" -H "Lightgate-Min-Revision: $after"
same "which a decision can ask for" "$STATUS $(jq .decision <<<"$OUT")" "200 true"
claim "and is made at" test "$(revision)" -ge "$after"
for path in evaluation evaluations search/subject; do
	ask $path "{$alice,$(act logs),$one}" -H "Lightgate-Min-Revision: $((after + 1000))"
	same "$path: what does not come is refused" "$STATUS $(jq -r .code <<<"$OUT")" "503 unavailable"
done
refused "no revision" evaluation "{$alice,$(act logs),$one}" -H "Lightgate-Min-Revision: soon"
refused "two revisions" evaluation "{$alice,$(act logs),$one}" -H "Lightgate-Min-Revision: 1" -H "Lightgate-Min-Revision: 2"
meanwhile() { # somebody waits, for a second at most, for a change that comes
	ask evaluation "{$alice,$(act logs),$one}"
	{ ask evaluation "{$alice,$(act logs),$one}" -H "Lightgate-Min-Revision: $(($(revision) + 1))"; echo "$STATUS"; } >"$T/late" & waiting=$!
	api PUT /v1/groups/keepers/members/User/carol; api DELETE /v1/groups/keepers/members/User/carol
	wait "$waiting"
	grep -qx 200 "$T/late"
}
claim "what comes meanwhile is waited for" within meanwhile

# ---- who may ask ----
curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' "$HTTPS/access/v1/search/action" -d "{$alice,$one}" >"$T/code"
same "a search without credentials" "$(cat "$T/code")" 401
secret() { lg_ready '.credentials[]' | jq -r --arg n "$1" 'select(.name == $n) | .secret'; }
ADMIN=$(token carol "$(secret carol)")
ask search/subject "{$users,$(act logs),$one}"
same "people search for themselves alone" "$(jq -c .results <<<"$OUT")" '[]'
ask search/resource "{$alice,$(act logs),$records}"; same "who may ask about nothing is told so" "$STATUS" 403
ADMIN=$(token alice "$(secret alice)")
found "people search for what they may do" resource "{$alice,$(act logs),$records}" '["record-1","record-2"]'
found "and see themselves" subject "{$users,$(act logs),$one}" '["alice"]'
done_testing
