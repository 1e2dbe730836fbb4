# LDIF into and out of the running service: decided, on record, with lines, again and again, and after a kill from where it was.
. "$(dirname "$0")/lib.sh"
suffix=dc=example,dc=org
lg_start "$T/data" || bad "start"
search() { ldapsearch -LLL -o ldif-wrap=no -x -H "$LDAP" -D "uid=admin,ou=people,$suffix" -w "$(lg_ready .admin.password)" -b "$suffix" "$@"; }

# OpenLDAP's and Active Directory's, with groups before their members and a child before its parent
cp examples/ldif/openldap.ldif "$T/ol.ldif"
has "OpenLDAP's entries come in" "$(lightgate import "$T/ol.ldif" 2>&1)" '^5 entries .* 2 were there before, 0 faults, 0 clear'
has "twice they are there" "$(lightgate import "$T/ol.ldif" 2>&1)" '^0 entries .* 7 were there'
has "Active Directory's come in" "$(lightgate import --from ad - <examples/ldif/ad.ldif 2>&1)" '^6 entries '
same "a password of OpenLDAP's signs in" "$(ldapwhoami -x -H "$LDAP" -D "uid=anna,ou=people,$suffix" -w correct-horse 2>&1)" "dn:uid=anna,ou=people,$suffix"
has "each is on record" "$(lightgate audit list --operation entry.add --limit 20)" 'User/admin +entry.add +uid=anna,'

# faults have lines
printf '%s\n' "dn: uid=zoe,ou=people,$suffix" 'objectClass: inetOrgPerson' 'cn: Zoe' 'sn: Z' 'userPassword: a-clear-one-7' '' '' "dn: uid=yan,ou=people,$suffix" \
	'objectClass: inetOrgPerson' 'cn: Yan' 'frob: x' 'sn: Y' '' "dn: cn=none,ou=groups,$suffix" 'objectClass: groupOfNames' 'cn: none' \
	"member: uid=nobody,ou=people,$suffix" >"$T/faulty.ldif"
out=$(lightgate import "$T/faulty.ldif" 2>&1); rc=$?
same "a fault ends an import" "$rc" 2
has "with its line" "$out" 'line 8: frob: attribute type undefined'
out=$(lightgate import --continue "$T/faulty.ldif" 2>&1); rc=$?
same "--continue goes on" "$rc" 0
has "a member that never comes is a fault" "$out" "line 14: member: there is no entry 'uid=nobody"
has "and counted" "$out" '1 were there before, 2 faults'
claim "a password in clear was hashed" ldapwhoami -x -H "$LDAP" -D "uid=zoe,ou=people,$suffix" -w a-clear-one-7
claim "nothing is left beside the file" test ! -e "$T/faulty.ldif.progress" -a ! -e "$T/faulty.ldif.later"

# rights: who may not add, adds nothing
PW=$(lightgate user create bert | sed -nE 's/.*this once: (.*)/\1/p')
token bert "$PW" >"$T/token"
out=$(lightgate --token-file "$T/token" import "$T/ol.ldif" 2>&1); rc=$?
same "who is no administrator imports nothing" "$rc" 2
has "and hears why" "$out" 'admin:write'
has "nor exports" "$(lightgate --token-file "$T/token" export - 2>&1)" 'admin:read'

# an attribute that may not be written, though entries may be added: the record is refused, and says so
{ lightgate policy show; echo '@id("no-titles") forbid (principal, action == Action::"attribute:write", resource) when { context has attribute && context.attribute == "title" };'; } >"$T/no-titles.cedar"
lightgate policy show >"$T/before.cedar"
claim "a policy forbids an attribute" lightgate policy activate -f "$T/no-titles.cedar"
printf 'dn: uid=tess,ou=people,%s\nobjectClass: inetOrgPerson\nuid: tess\ncn: Tess\nsn: T\n%s\n' "$suffix" "title: Dr" >"$T/title.ldif"
out=$(lightgate import "$T/title.ldif" 2>&1); rc=$?
same "with it the entry does not come in" "$rc" 2
has "... and it is the rights" "$out" 'line 1: insufficient access'
same "... nothing of it" "$(search uid=tess 1.1)" ""
sed -i '/^title/d' "$T/title.ldif"
has "without it it does" "$(lightgate import "$T/title.ldif" 2>&1)" '^1 entries .* 0 faults'
claim "the policies of before" lightgate policy activate -f "$T/before.cedar"

# killed, and begun again: from where it was; a backup and the deep check meanwhile
bench/directory_data.py 2000 5 100 | awk -v RS= -v ORS='\n\n' '/^dn: cn=group/ { g[++n] = $0; next } /^dn: dc=|^dn: ou=/ { print; for (i = 1; i <= n; i++) print g[i]; next } { p[++m] = $0 }
	END { for (i = 1; i <= n; i++) print g[i]; for (i = 1; i <= m; i++) print p[i] }' >"$T/big.ldif"
lightgate import "$T/big.ldif" >"$T/first.out" 2>&1 &
pid=$!
for i in $(seq 1 600); do [ -s "$T/big.ldif.progress" ] && break; sleep 0.02; done
kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null
claim "it was killed on its way" test -s "$T/big.ldif.progress"
lightgate import "$T/big.ldif" >"$T/second.out" 2>&1 &
pid=$!
claim "a backup while it goes on" lightgate backup --out "$T/backup" --key-file "$T/key"
wait "$pid"; rc=$?
same "begun again it ends well" "$rc" 0
has "it goes on where it was" "$(cat "$T/second.out")" 'going on at line [0-9]{2,}'
has "without faults" "$(cat "$T/second.out")" ' 0 faults'
same "everybody is there" "$(search -E pr=500/noprompt '(uid=user*)' 1.1 | grep -c '^dn:')" 2000
same "and every member" "$(search '(cn=group*)' member | grep -c '^member:')" 500

# groups that are members of each other, and two that name somebody who is not there
for pair in "ring-a ring-b" "ring-b ring-c" "ring-c ring-a" "lost-a lost-b" "lost-b nobody"; do
	set -- $pair
	printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\nmember: cn=%s,ou=groups,%s\n\n' "$1" "$suffix" "$1" "$2" "$suffix"
done >"$T/ring.ldif"
out=$(lightgate import --continue "$T/ring.ldif" 2>&1)
has "a ring of groups comes in" "$out" '^3 entries .* 2 faults'
same "each is a member of the next, and all of each other" \
	"$(search '(member:1.2.840.113556.1.4.1941:=cn=ring-a,ou=groups,dc=example,dc=org)' 1.1 | grep -c '^dn: cn=ring-')" 3

# entryUUIDs and times of elsewhere: where a policy permits it
cat >"$T/kept.ldif" <<LDIF
dn: uid=kept,ou=people,$suffix
objectClass: inetOrgPerson
uid: kept
cn: Kept
sn: Kept
entryUUID: 5a1d9c3e-7b1f-4c56-9d8e-0123456789ab
createTimestamp: 20190102030405Z
modifyTimestamp: 20200102030405Z
LDIF
out=$(lightgate import --keep "$T/kept.ldif" 2>&1); rc=$?
same "to keep them is a right of its own" "$rc" 2
has "... says so" "$out" 'not relaxed for you'
{ lightgate policy show; echo '@id("importers-keep-ids") permit (principal in Group::"administrators", action == Action::"entry:relax", resource is Entry);'; } >"$T/relaxed.cedar"
claim "a policy gives it" lightgate policy activate -f "$T/relaxed.cedar"
has "then they are kept" "$(lightgate import --keep "$T/kept.ldif" 2>&1)" '^1 entries .* 0 faults'
kept=$(search uid=kept entryUUID createTimestamp modifyTimestamp)
has "entryUUID" "$kept" '^entryUUID: 5a1d9c3e-7b1f-4c56-9d8e-0123456789ab'
has "createTimestamp" "$kept" '^createTimestamp: 20190102030405Z'
has "modifyTimestamp" "$kept" '^modifyTimestamp: 20200102030405Z'

# out: what may be read, without passwords, in the order in which it can come in again
claim "export" lightgate export "$T/out.ldif"
lacks "no password leaves" "$(cat "$T/out.ldif")" userPassword
same "all entries, each once" "$(grep -c '^dn:' "$T/out.ldif")" "$(search -E pr=500/noprompt 1.1 | grep -c '^dn:')"
has "a part only" "$(lightgate export --base "ou=groups,$suffix" - | grep -m1 ^dn:)" '^dn: ou=groups,'
# an export that was ended: what it had written, cut in the middle of a page
head -c 1500000 "$T/out.ldif" >"$T/again.ldif.partial"
has "an export goes on" "$(lightgate export "$T/again.ldif" 2>&1)" 'going on behind [0-9]+ octets'
claim "and is the same" cmp "$T/out.ldif" "$T/again.ldif"
lg_stop
claim "what was imported is sound" lightgated --dev --data "$T/data" tool doctor --deep
claim "the backup that was taken meanwhile opens" lightgated --dev --data "$T/data" tool restore --accept-loss --from "$T/backup" --key-file "$T/key"
claim "and is sound" lightgated --dev --data "$T/data" tool doctor --deep
done_testing
