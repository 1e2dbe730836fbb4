# The life of a policy set at a running service: versions, what activation refuses, rolling back, replay of the decision log, searches.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
FIRST=$LG_READY
secret() { jq -r --arg n "$1" '.credentials[] | select(.name == $n) | .secret' <<<"$FIRST"; }
lg() { lightgate --dev "$T/data" "$@"; }
status() { tail -1 <<<"$1"; }
source_json() { jq -cn --rawfile s "$1" '{source: $s}'; }
active() { api GET /v1/policies/active | head -1 | jq -r .version; }
stop_web() { lg check container:stop Workload/web --as User/alice -o json | jq -r '"\(.decision) \(.context.revision)"'; }
exits() { local name=$1 want=$2; shift 2; lg "$@" >"$T/out" 2>"$T/err"; same "$name: exit" $? "$want"; }

lg policy show >"$T/two.cedar"
same "the state's policies are version 2" "$(active)" 2
same "version 1 are the defaults" "$(lg policy show 1)" "$(cat conf/policies/tenant.cedar)"
same "alice stops" "$(stop_web)" "true 2"

# ---- refused, and what is in force stays ----
refuse() { # refuse NAME STATUS BODY WHAT
	local out
	out=$(api POST /v1/policies -d "$3")
	same "$1" "$(status "$out")" "$2"
	has "$1: says why" "$out" "$4"
	same "$1: nothing else is in force" "$(active) $(stop_web)" "2 true 2"
}
text() { jq -cn --rawfile s "$T/two.cedar" --arg m "$1" '{source: ($s + "\n" + $m)}'; }
refuse "text that does not parse" 422 "$(text 'permit (')" '"line":[0-9]+'
refuse "every fault at once" 422 "$(text 'permit (principal, action, resource) when { principal.a }; permit (principal, action, resource) when { 1 + "x" == 2 };')" '"errors":\[.*\},\{'
refuse "a name that nobody has" 422 "$(text 'permit (principal == User::"nobody", action, resource);')" 'no User'
refuse "an attribute that may be absent" 422 "$(text 'permit (principal, action == Action::"connect", resource) when { context.port == 1 };')" 'port'
refuse "an id that is used twice" 422 "$(text '@id("x") permit (principal == User::"bob", action, resource); @id("x") permit (principal == User::"bob", action, resource);')" 'x'
refuse "a set that lets nobody administer" 409 '{"source":"permit (principal == User::\"bob\", action == Action::\"container:stop\", resource);"}' 'administer'
refuse "a set under which no administrator can sign in" 409 "$(jq -cn '{source: "permit (principal in Group::\"administrators\", action in Action::\"admin\", resource);"}')" 'administer'
refuse "a forbid over the administrators" 409 "$(text 'forbid (principal, action == Action::"policy:activate", resource);')" 'administer'
refuse "another version than it was made for" 409 "$(source_json "$T/two.cedar" | jq -c '.replaces = 1')" 'version 2 is in force'
refuse "no JSON" 400 '{"source":' 'line'
refuse "an unknown member" 400 '{"sauce":""}' 'unknown'
same "without the right" "$(ADMIN=$(token alice "$(secret alice)"); status "$(api POST /v1/policies -d "$(text '')")")" 403
same "without credentials" "$(curl -sS --cacert "$CA" -o "$T/out" -w '%{http_code}' -d '{}' "$HTTPS/v1/policies")" 401
has "a dry run says the same" "$(api POST '/v1/policies?dry_run=true' -d "$(text 'permit (')")" '422$'
has "... and changes nothing" "$(api POST '/v1/policies?dry_run=true' -d "$(text '')")" '"valid":true'
same "... at all" "$(active)" 2

# ---- replay: what would change? ----
lg check container:exec Workload/web --as User/alice >"$T/out"
lg check container:exec Workload/web --as User/bob >"$T/out"
{ cat "$T/two.cedar"; echo '@id("no-exec") @reason("not here") forbid (principal, action == Action::"container:exec", resource);'; } >"$T/three.cedar"
exits "what changes nothing" 0 policy replay "$T/two.cedar"
has "... says so" "$(cat "$T/out")" '0 would change, 0 have drifted'
exits "what changes something" 1 policy replay "$T/three.cedar"
has "... names the question" "$(cat "$T/out")" 'User/alice  container:exec on Workload/web'
has "... the old answer" "$(cat "$T/out")" 'in force +permit +shop-operators-run-containers'
has "... the new one" "$(cat "$T/out")" 'candidate +deny +no-exec'
has "... and how it knows" "$(cat "$T/out")" 'as they are now'
lacks "who was denied before is no change" "$(cat "$T/out")" 'User/bob'
lg policy replay "$T/three.cedar" -o json >"$T/replay.json"
same "as JSON" "$(jq -c '[.changed, .drifted, .gone, .entities, (.differences | length)]' "$T/replay.json")" '[1,0,0,"now",1]'
same "a difference as JSON" "$(jq -c '.differences[0] | [.by, .logged.decision, .now.decision, .candidate.decision, .candidate.policies]' "$T/replay.json")" \
	'["candidate",true,true,false,["no-exec"]]'
exits "an old version is a candidate too" 1 policy replay 1
exits "since a moment ago" 0 policy replay "$T/three.cedar" --since 2099-01-01T00:00:00Z
exits "the newest record alone" 0 policy replay "$T/two.cedar" --limit 1
has "... is one" "$(cat "$T/out")" '^1 decisions'
api PUT /v1/groups/shop-operators/members/User/bob >"$T/out"
exits "a group's new member" 1 policy replay "$T/three.cedar" --all
has "... is drift where the candidate permits it" "$(lg policy replay "$T/two.cedar" --all)" 'User/bob  container:exec on Workload/web  \(drifted\)'
api DELETE /v1/groups/shop-operators/members/User/bob >"$T/out"
exits "a candidate that is not valid" 2 policy replay tests/e2e/policies.sh
exits "a version that is not there" 2 policy replay 99
exits "since nonsense" 2 policy replay 1 --since yesterday
simulate() { api POST /v1/policies/simulate -d "$1"; }
for body in '{}' '{"source":"x","version":1}' '{"version":1,"limit":0}' '{"version":1,"from":3}' '{"version":1,"from":3,"until":2}' '{"version":1,"since":"x"}' '{"x":1}' '{"version":-1}'; do
	same "refused: $body" "$(status "$(simulate "$body")")" 400
done
same "pages" "$(simulate '{"version":1,"from":2,"until":3}' | head -1 | jq -c '[.looked, .from, .until]')" '[2,0,3]'
same "replay without the right" "$(ADMIN=$(token alice "$(secret alice)"); status "$(simulate '{"version":1}')")" 403
same "nothing was put in force" "$(active)" 2

# ---- activation ----
exits "activation that would change decisions" 1 policy activate -f "$T/three.cedar" --replay
same "... is none" "$(active)" 2
exits "activation that is meant" 0 policy activate -f "$T/three.cedar" --replay --accept
same "is in force" "$(active)" 3
has "at once, in every decision" "$(lg check container:exec Workload/web --as User/alice)" 'forbidden by no-exec: not here'
same "who did it" "$(api GET /v1/policies/3 | head -1 | jq -r .author)" admin
has "is on record" "$(lg audit --operation policy.activate)" 'User/admin +policy.activate +policy version 3'
lg policy show 2 >"$T/old.cedar"; lg policy show 3 >"$T/new.cedar"
claim "versions are told apart" cmp "$T/new.cedar" "$T/three.cedar"
exits "the new one allows no more" 0 policy diff "$T/old.cedar" "$T/new.cedar"
exits "the old one does" 1 policy diff "$T/new.cedar" "$T/old.cedar"

# ---- rolling back ----
exits "a rollback" 0 policy rollback 2
has "is a new version" "$(cat "$T/out")" 'in force again, as version 4'
same "with the old text" "$(lg policy show)" "$(cat "$T/two.cedar")"
has "and the old answers" "$(lg check container:exec Workload/web --as User/alice)" '^permit'
exits "to a version that is not there" 2 policy rollback 99
exits "to no number" 2 policy rollback last
same "numbers only rise" "$(lg policy list | awk 'NR > 1 { print $1, $NF }' | tr '\n' ' ')" "1 false 2 false 3 false 4 true "

# ---- a restart ----
lg_stop
lg_start "$T/data" || bad "start again"
sign_in_admin
same "what was in force is" "$(active) $(stop_web)" "4 true 4"

# ---- one's own password: the same right as over LDAP ----
own() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' -H 'Content-Type: application/json' "$HTTPS/v1/password" \
	-d "$(jq -cn --arg o "$(secret alice)" --arg n "$1" '{username: "alice", old_password: $o, password: $n}')"; }
printf '%s\nforbid (principal == User::"alice", action == Action::"attribute:write", resource);\n' "$(cat "$T/two.cedar")" >"$T/five.cedar"
exits "a forbid of writing" 0 policy activate -f "$T/five.cedar"
same "holds for one's own password" "$(own "another good pass phrase") $(jq -r .code "$T/body")" "403 denied"
exits "without it" 0 policy rollback 4
same "it is changed" "$(own "another good pass phrase")" 204

# ---- members by rule: a right comes and goes with the attribute that the rule asks for ----
ldap() { ldapmodify -x -H "$LDAP" -D uid=admin,ou=people,dc=example,dc=org -w "$(jq -r .admin.password <<<"$FIRST")" "$@"; }
bob_moves() { printf '%s\n' 'dn: uid=bob,ou=people,dc=example,dc=org' 'changetype: modify' 'replace: l' "$@" | ldap >"$T/out" 2>&1; }
bob_reads() { lg check container:logs Workload/db --as User/bob | head -1; }
claim "a group by rule" ldap <<'LDIF'
dn: cn=berlin,ou=groups,dc=example,dc=org
changetype: add
objectClass: groupOfURLs
cn: berlin
memberURL: ldap:///ou=people,dc=example,dc=org??one?(l=Berlin)
LDIF
printf '%s\npermit (principal in Group::"berlin", action == Action::"container:logs", resource);\n' "$(lg policy show)" >"$T/six.cedar"
exits "a policy names it" 0 policy activate -f "$T/six.cedar"
has "who is elsewhere may not" "$(bob_reads)" '^deny'
claim "he moves" bob_moves 'l: Berlin'
has "... and may" "$(bob_reads)" '^permit'
claim "he moves away" bob_moves 'l: Bonn'
has "... and may not" "$(bob_reads)" '^deny'
exits "the policies of before" 0 policy rollback 4

# ---- searches ----
same "who may" "$(lg who-can container:exec Workload/db | tail -n +2)" "User        alice"
same "who may connect" "$(lg who-can connect Workload/db --port 5432 --protocol tcp -o json | jq -c .results)" '[{"type":"Workload","id":"web"}]'
exits "nobody may" 1 who-can connect Workload/db --port 1 --protocol tcp
has "what may be done" "$(lg what-can Workload/db --as User/alice)" '^container:logs$'
exits "where" 0 where-can container:logs Workload --as User/alice
has "... by name" "$(cat "$T/out")" 'Workload +db'
same "no more than" "$(lg where-can container:logs Workload --as User/alice --limit 1 | wc -l)" 2
done_testing
