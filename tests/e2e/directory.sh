# The directory as its administrators change it while it runs: schema and indexes, through kills and restarts.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=detect_leaks=0:log_path=$T/san/report	# a killed process cannot count its leaks

lg_start "$T/data" || bad "start"
B=dc=example,dc=org ADMIN_PW=$(lg_ready .admin.password) PEOPLE=${LG_PEOPLE:-1200}
admin() { LDAPTLS_CACERT=$CA "$1" -x -H "$LDAPS" -D "uid=admin,ou=people,$B" -w "$ADMIN_PW" "${@:2}" 2>&1; }
state() { lightgate index list -o json | jq -r --arg a "$1" --arg k "$2" '.items[] | select(.attribute == $a and .kind == $k) | .state'; }
used() { [ "$(state "$1" "$2")" = used ]; }

# ---- schema ------------------------------------------------------------------------------------------------------------
badge="( 1.3.6.1.4.1.99999.1.1 NAME 'badgeNumber' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
holder="( 1.3.6.1.4.1.99999.2.1 NAME 'badgeHolder' SUP top AUXILIARY MAY badgeNumber )"
claim "definitions are added" admin ldapmodify <<<"dn: cn=Subschema
changetype: modify
add: attributeTypes
attributeTypes: $badge
-
add: objectClasses
objectClasses: $holder"
has "... and listed" "$(admin ldapsearch -LLL -o ldif-wrap=no -b cn=Subschema -s base attributeTypes objectClasses)" "badgeHolder"
has "a bad one is refused" "$(admin ldapmodify <<<"dn: cn=Subschema
changetype: modify
add: attributeTypes
attributeTypes: ( 1.2.3 NAME 'x' SYNTAX 9.9.9 )")" 'a SYNTAX is not known'
for i in $(seq "$PEOPLE"); do
	printf 'dn: uid=p%s,ou=people,%s\nobjectClass: inetOrgPerson\nobjectClass: badgeHolder\nuid: p%s\ncn: p\nsn: p\nbadgeNumber: badge %s of many\n\n' "$i" "$B" "$i" "$i"
done >"$T/people.ldif"
claim "... entries use them" admin ldapadd -f "$T/people.ldif"
has "what is in use stays" "$(admin ldapmodify <<<"dn: cn=Subschema
changetype: modify
delete: objectClasses
objectClasses: $holder")" 'in use'

# ---- indexes ---------------------------------------------------------------------------------------------------------------
found() { admin ldapsearch -LLL -b "$B" "(badgeNumber=$1)" uid | grep -c '^uid:'; }
same "without an index it is found" "$(found "badge 77 of many")" 1
claim "... and the log says so" grep -q 'unindexed search: .*badgeNumber' "$T/data.log"
has "create" "$(lightgate index create badgeNumber equality 2>&1)" 'is being built'
has "... twice" "$(lightgate index create badgeNumber ordering 2>&1)" 'there already'
has "... of no attribute" "$(lightgate index create frob equality 2>&1)" "no attribute 'frob'"
has "... of no kind" "$(lightgate index create cn fast 2>&1)" 'equality, ordering, presence or substring'
lightgate index create badgeNumber substring >/dev/null
kill -9 $(pgrep -P "$LG_PID") "$LG_PID" 2>/dev/null; wait "$LG_PID" 2>/dev/null
lg_start "$T/data" || bad "start after a kill"
claim "a build goes on after a kill" within used badgeNumber equality
claim "... and the next" within used badgeNumber substring
lines=$(grep -c 'unindexed search' "$T/data.log")
same "it finds the same" "$(found "badge 77 of many")" 1
same "... in the middle" "$(found "*ge 123 of*")" 1
same "... and nothing is told" "$(grep -c 'unindexed search' "$T/data.log")" "$lines"
has "definitions survived" "$(admin ldapsearch -LLL -o ldif-wrap=no -b cn=schema -s base attributeTypes)" "badgeNumber"
has "delete" "$(lightgate index delete badgeNumber substring 2>&1)" 'no longer'
same "... still finds" "$(found "*ge 123 of*")" 1
gone() { [ -z "$(state badgeNumber substring)" ]; }
claim "... and its rows go" within gone
lg_stop
claim "every index is equal to a rebuild, every entry keeps the schema" lightgated --dev --data "$T/data" tool doctor --deep
has "doctor takes nothing else" "$(lightgated --dev --data "$T/data" tool doctor --shallow 2>&1)" 'doctor \[--deep\]'
done_testing
