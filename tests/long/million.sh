# A million people: a search that no index serves ends, and says so; a rule of a group that would look at all of them is refused.
export LG_BIN=${LG_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/build/bin}	# a load of this size is not one for sanitizers
. "$(dirname "$0")/../e2e/lib.sh"
suffix=dc=example,dc=org
lg_start "$T/data" || bad "start"
admin=$(lg_ready .admin.password)
lg_stop
bench/directory_data.py 1000000 0 0 >"$T/people.ldif"
claim "they load" lightgated --dev --data "$T/data" tool import "$T/people.ldif"
rm "$T/people.ldif"
lg_start "$T/data" || bad "start with them"
as_admin() { local tool=$1; shift; "$tool" -x -H "$LDAP" -D "uid=admin,ou=people,$suffix" -w "$admin" "$@" 2>&1; }
has "an unindexed search looks at so many, and no further" "$(as_admin ldapsearch -LLL -b "$suffix" '(description=nowhere)' 1.1)" 'Administrative limit exceeded \(11\)'
has "... and is in the log" "$(cat "$T/data.log")" 'description'
same "one by an index is at hand" "$(as_admin ldapsearch -LLL -b "$suffix" '(uid=user999999)' 1.1 | grep -c '^dn:')" 1
sorted() { as_admin ldapsearch -LLL -E "!sss=uid:2.5.13.3" -b "$suffix" "$1" 1.1; }
has "more are not sorted than there is room for" "$(sorted '(objectClass=person)')" 'Critical extension is unavailable \(12\)'
same "... and a hundredth of them are" "$(sorted '(uid=user77*)' | grep -c '^dn:')" 11111
rule() { printf '%s\n' "dn: cn=ruled,ou=groups,$suffix" 'changetype: add' 'objectClass: groupOfURLs' 'cn: ruled' "memberURL: ldap:///ou=people,$suffix??one?($1)" | as_admin ldapmodify; }
has "a rule that would look at all of them is refused" "$(rule description=nowhere)" 'Administrative limit exceeded \(11\)'
has "one by an index is taken" "$(rule uid=user999999)" 'adding new entry'
has "... and has its member" "$(as_admin ldapsearch -LLL -b "cn=ruled,ou=groups,$suffix" member)" 'member: uid=user999999'
done_testing
