# LDIF into and out of the running service: decided, on record, with lines, again and again, and after a kill from where it was.
. "$(dirname "$0")/lib.sh"
suffix=dc=example,dc=org
lg_start "$T/data" || bad "start"

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
search() { ldapsearch -LLL -o ldif-wrap=no -x -H "$LDAP" -D "uid=admin,ou=people,$suffix" -w "$(lg_ready .admin.password)" -b "$suffix" "$@"; }
same "everybody is there" "$(search -E pr=500/noprompt '(uid=user*)' 1.1 | grep -c '^dn:')" 2000
same "and every member" "$(search '(cn=group*)' member | grep -c '^member:')" 500

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
