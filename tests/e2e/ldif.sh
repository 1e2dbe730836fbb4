# LDIF in and out of a stopped service: all or nothing, OpenLDAP's and Active Directory's entries, and the same directory again.
. "$(dirname "$0")/lib.sh"
tool() { lightgated --dev --data "$@"; }
suffix=dc=example,dc=org

lg_start "$T/data" || bad "start"
admin=$(lg_ready .admin.password)
has "a running service is left alone" "$(tool "$T/data" tool import examples/ldif/openldap.ldif 2>&1)" 'the service is running'
lg_stop

# OpenLDAP's slapcat: operational attributes, hashed passwords, groups before their members
out=$(tool "$T/data" tool import examples/ldif/openldap.ldif 2>&1); rc=$?
same "OpenLDAP's entries load" "$rc" 0
has "and are counted" "$out" '^5 entries and 2 members .* 2 were there before, 0 faults, 0 clear'
has "twice they are there" "$(tool "$T/data" tool import examples/ldif/openldap.ldif 2>&1)" '^0 entries .* 7 were there'

# Active Directory's
out=$(tool "$T/data" tool import --from ad examples/ldif/ad.ldif 2>&1); rc=$?
same "Active Directory's entries load" "$rc" 0
has "and are counted" "$out" '^6 entries and 2 members'

# a fault leaves everything as it was
tool "$T/data" tool export "$T/before.ldif" 2>/dev/null
printf 'dn: uid=zoe,ou=people,%s\nobjectClass: inetOrgPerson\ncn: Zoe\nsn: Z\n\ndn: uid=yan,ou=people,%s\nobjectClass: inetOrgPerson\ncn: Yan\nfrob: x\nsn: Y\n' $suffix $suffix >"$T/faulty.ldif"
out=$(tool "$T/data" tool import "$T/faulty.ldif" 2>&1); rc=$?
same "a fault ends it" "$rc" 1
has "with its line" "$out" 'line 6: frob: attribute type undefined'
tool "$T/data" tool export "$T/after.ldif" 2>/dev/null
claim "and nothing has changed" cmp "$T/before.ldif" "$T/after.ldif"
out=$(tool "$T/data" tool import --continue - <"$T/faulty.ldif" 2>&1); rc=$?
same "--continue goes on" "$rc" 0
has "and tells it" "$out" 'line 6: frob'
claim "nothing is left beside the store" test ! -e "$T/data/store/load"

# in service
lg_start "$T/data" || bad "start after an import"
search() { ldapsearch -LLL -o ldif-wrap=no -x -H "$LDAP" -D "uid=admin,ou=people,$suffix" -w "$admin" -b "$suffix" "$@"; }
who() { ldapwhoami -x -H "$LDAP" -D "$1" -w "$2" 2>&1; }
same "an OpenLDAP password signs in" "$(who "uid=anna,ou=people,$suffix" correct-horse)" "dn:uid=anna,ou=people,$suffix"
has "a wrong one does not" "$(who "uid=anna,ou=people,$suffix" wrong-horse)" 'Invalid credentials'
has "its entryUUID is kept" "$(search uid=anna entryUUID)" '^entryUUID: 6f5d1a52-7c3e-4d0b-9a10-0123456789ab'
has "its groups are known" "$(search uid=anna memberOf)" '^memberOf: cn=crew,ou=groups,'
has "an AD user is found by its account name" "$(search uid=jdoe dn mail lgEnabled departmentNumber)" 'departmentNumber: Shipping'
has "a disabled one is disabled" "$(search uid=old lgEnabled)" '^lgEnabled: FALSE'
has "an AD computer is a host" "$(search '(cn=WS01)' objectClass)" 'lgHost'
has "AD groups nest" "$(search '(memberOf:1.2.840.113556.1.4.1941:=cn=All Staff,ou=Corp,dc=example,dc=org)' uid)" '^uid: jdoe'
lg_stop

# out and in again: the same directory
tool "$T/data" tool export --secrets "$T/all.ldif" 2>/dev/null
has "secrets leave when asked for" "$(cat "$T/all.ldif")" '^userPassword: \{'
lacks "and only then" "$(cat "$T/after.ldif")" userPassword
lg_start "$T/again" || bad "a second service"; lg_stop
tool "$T/again" tool import "$T/all.ldif" >/dev/null 2>&1 || bad "our own export loads"
tool "$T/again" tool export --secrets "$T/second.ldif" 2>/dev/null
# What the first start makes has its own identity; of all else every value is the same, in whatever order.
plain() {
	awk -v RS= -v ORS='\n\n' '!/^dn: (dc=example|ou=[a-z]+,dc=example|cn=administrators|uid=admin,)/' "$1" |
		python3 -c 'import sys; print("\n\n".join("\n".join(sorted(r.replace("\n ", "").split("\n"))) for r in sorted(sys.stdin.read().split("\n\n"))))'
}
claim "what was exported is the same after the import" diff <(plain "$T/all.ldif") <(plain "$T/second.ldif")
claim "the copy's indexes and chain are whole" tool "$T/again" tool doctor

# a scan by somebody who is no administrator asks the policies per class and attribute, not per entry
bench/directory_data.py 2000 10 20 >"$T/people.ldif"
claim "generated people load" tool "$T/again" tool import "$T/people.ldif"
lg_start "$T/again" || bad "start with people"
n=$(ldapsearch -LLL -x -H "$LDAP" -D "uid=user5,ou=people,$suffix" -w secret5 -b "$suffix" -E pr=500/noprompt '(objectClass=*)' | grep -c '^dn:')
claim "everybody is seen ($n)" test "$n" -gt 2000
asked=$(curl -sS --unix-socket "$SOCKET" http://x/metrics | awk '/^lightgate_decisions_total\{group="(attribute|entry)"/ { n += $2 } END { print n + 0 }')
claim "some questions were asked ($asked)" test "$asked" -gt 5
claim "and not one for each entry ($asked)" test "$asked" -lt 200
lg_stop

# a backup of the running service, restored: the same once more
key=$(openssl rand 32 | base64 -w0 | tr '+/' '-_' | tr -d '=')
printf '%s\n' "$key" >"$T/key"
lg_start "$T/data" || bad "start before a backup"
ADMIN=$(token admin "$admin")
same "a backup" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $ADMIN" -H "Lightgate-Recovery-Key: $key" -o "$T/backup" -w '%{http_code}' "$HTTPS/v1/backup")" 200
lg_stop
rm -f "$T/data/store/data.mdb"
claim "it is restored" tool "$T/data" tool restore --from "$T/backup" --key-file "$T/key"
tool "$T/data" tool export --secrets "$T/third.ldif" 2>/dev/null
claim "and holds the same directory" diff <(plain "$T/all.ldif") <(plain "$T/third.ldif")
done_testing
