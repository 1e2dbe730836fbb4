# Stock LDAP clients end to end: the OpenLDAP tools and python3-ldap3 over ldap, StartTLS, ldaps; what each kind of bind may.
. "$(dirname "$0")/lib.sh"
suffix=dc=example,dc=org
lg_start "$T/data" --load conf/demo.yaml || bad "start"
admin=$(lg_ready .admin.password) ADMIN_DN=uid=admin,ou=people,$suffix BOB=uid=bob,ou=people,$suffix
bob=$(jq -r '.credentials[] | select(.name == "bob") | .secret' <<<"$LG_READY")
export LDAPTLS_CACERT=$CA
as_admin() { local tool=$1; shift; "$tool" -x -H "$LDAP" -D "$ADMIN_DN" -w "$admin" "$@" 2>&1; }
as_bob() { local tool=$1; shift; "$tool" -x -H "$LDAP" -D "$BOB" -w "$bob" "$@" 2>&1; }

# binds and transports
for how in "-H $LDAP" "-ZZ -H $LDAP" "-H $LDAPS"; do
	# shellcheck disable=SC2086
	same "whoami $how" "$(ldapwhoami -x $how -D "$BOB" -w "$bob" 2>&1)" "dn:$BOB"
	# shellcheck disable=SC2086
	same "nobody $how" "$(ldapwhoami -x $how 2>&1)" anonymous
	# shellcheck disable=SC2086
	has "a wrong password $how" "$(ldapwhoami -x $how -D "$BOB" -w wrong 2>&1)" 'Invalid credentials \(49\)'
done
has "a name without a password" "$(ldapwhoami -x -H "$LDAP" -D "$BOB" -w '' 2>&1)" 'unwilling|Server is unwilling'
has "a SASL mechanism that is not there" "$(ldapwhoami -Y DIGEST-MD5 -H "$LDAP" 2>&1)" 'not supported|No such|Unknown authentication'

# writing
cat >"$T/add.ldif" <<LDIF
dn: uid=carol,ou=people,$suffix
objectClass: inetOrgPerson
uid: carol
cn: Carol Carpenter
sn: Carpenter
userPassword: first-garden-wall

dn: cn=carpenters,ou=groups,$suffix
objectClass: groupOfNames
cn: carpenters
member: uid=carol,ou=people,$suffix
LDIF
claim "ldapadd" as_admin ldapadd -f "$T/add.ldif"
has "who may not, does not" "$(as_bob ldapmodify <<<"dn: uid=carol,ou=people,$suffix
changetype: modify
replace: sn
sn: X")" 'Insufficient access \(50\)'
claim "ldapmodify" as_admin ldapmodify <<<"dn: uid=carol,ou=people,$suffix
changetype: modify
add: mail
mail: carol@example.org
-
replace: sn
sn: Cooper"
as_bob ldapcompare "uid=carol,ou=people,$suffix" sn:cooper >/dev/null; same "ldapcompare true" "$?" 6
as_bob ldapcompare "uid=carol,ou=people,$suffix" sn:carpenter >/dev/null; same "ldapcompare false" "$?" 5
claim "ldapmodrdn" as_admin ldapmodrdn -r "uid=carol,ou=people,$suffix" uid=caroline
has "the group follows" "$(as_bob ldapsearch -LLL -b "$suffix" cn=carpenters member)" "member: uid=caroline,ou=people,$suffix"
same "her own password" "$(ldapwhoami -x -H "$LDAPS" -D "uid=caroline,ou=people,$suffix" -w first-garden-wall 2>&1)" "dn:uid=caroline,ou=people,$suffix"
claim "ldappasswd" ldappasswd -x -H "$LDAPS" -D "uid=caroline,ou=people,$suffix" -w first-garden-wall -a first-garden-wall -s second-garden-wall
has "the old one is no more" "$(ldapwhoami -x -H "$LDAPS" -D "uid=caroline,ou=people,$suffix" -w first-garden-wall 2>&1)" 'Invalid credentials'
same "the new one is" "$(ldapwhoami -x -H "$LDAPS" -D "uid=caroline,ou=people,$suffix" -w second-garden-wall 2>&1)" "dn:uid=caroline,ou=people,$suffix"

# searching
same "all, page by page" "$(as_bob ldapsearch -LLL -b "$suffix" -E pr=3/noprompt '(objectClass=inetOrgPerson)' 1.1 | grep -c '^dn:')" 4
has "the schema is told" "$(as_bob ldapsearch -LLL -o ldif-wrap=no -b cn=Subschema -s base + | grep -c '^attributeTypes')" '^[1-9][0-9]+$'
has "an unknown base" "$(as_bob ldapsearch -LLL -b "ou=none,$suffix")" 'No such object \(32\)'
lacks "verifiers stay" "$(as_admin ldapsearch -LLL -b "$suffix" '(uid=caroline)' '*' + userPassword)" userPassword
claim "ldapdelete" as_admin ldapdelete "uid=caroline,ou=people,$suffix"
has "its memberships went with it" "$(as_bob ldapsearch -LLL -b "$suffix" '(cn=carpenters)' member | grep -c member)" '^0$'

# relax: refused as long as no policy permits it
has "ldapadd -e '!relax' is a right of its own" "$(as_admin ldapadd -e '!relax' <<<"dn: cn=moved,$suffix
objectClass: device
cn: moved
createTimestamp: 20200102030405Z")" 'Insufficient access \(50\)'

# cn=Monitor
counted() { as_admin ldapsearch -LLL -b "cn=$1,cn=Monitor" -s base monitorOpCompleted monitorCounter | sed -n 's/^monitor.*: //p'; }
before=$(counted Compare,cn=Operations)
as_bob ldapcompare "$BOB" uid:bob >/dev/null
same "operations are counted by type" "$(counted Compare,cn=Operations)" "$((${before:-0} + 1))"
same "... as in /metrics" "$(curl -sS --cacert "$CA" "$HTTPS/metrics" | sed -n 's/^lightgate_ldap_total{what="add"} //p')" "$(counted Add,cn=Operations)"
has "what the root DSE calls the monitor's context" "$(as_bob ldapsearch -LLL -b '' -s base monitorContext)" 'monitorContext: cn=Monitor'
has "the monitor is the administrators'" "$(as_bob ldapsearch -LLL -b cn=Monitor)" 'No such object'
has "databases, times, connections" "$(as_admin ldapsearch -LLL -b cn=Monitor '*' +)" "namingContexts: $suffix"

# python3-ldap3: reads the whole schema first, and judges values by it
if /usr/bin/python3 -c 'import ldap3' 2>/dev/null; then
	cat >"$T/client.py" <<'PY'
import ssl, sys
import ldap3
from ldap3.core.exceptions import LDAPBindError
from ldap3.extend.microsoft.modifyPassword import ad_modify_password  # noqa: F401
ldap_url, ldaps_url, ca, dn, password, who, who_password, suffix = sys.argv[1:]
tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca)
def must(b, what):
    if not b:
        sys.exit("failed: %s" % what)
def server(url):
    return ldap3.Server(url, tls=tls, get_info=ldap3.ALL)
for url, start in ((ldap_url, False), (ldap_url, True), (ldaps_url, False)):
    c = ldap3.Connection(server(url), dn, password, raise_exceptions=False)
    c.open()
    if start:
        must(c.start_tls(), "StartTLS")
    must(c.bind(), "bind at %s" % url)
    must(c.extend.standard.who_am_i() == "dn:" + dn, "who am I")
    must(c.unbind() is not False, "unbind")
c = ldap3.Connection(server(ldap_url), dn, password, auto_bind=True)
must("inetOrgPerson" in c.server.schema.object_classes and "uid" in c.server.schema.attribute_types, "the schema")
must(suffix in c.server.info.naming_contexts, "naming contexts")
must(c.add("uid=dan,ou=people," + suffix, ["inetOrgPerson"], {"cn": "Dan", "sn": "Däne", "mail": ["dan@example.org", "d@example.org"]}), c.result)
must(not c.add("uid=dan,ou=people," + suffix, ["inetOrgPerson"], {"cn": "Dan", "sn": "D"}) and c.result["result"] == 68, c.result)
must(c.search(suffix, "(mail=d@example.org)", attributes=["sn", "createTimestamp"]) and c.entries[0].sn.value == "Däne", "search")
must(c.entries[0].createTimestamp.value.year >= 2020, "a time as a time")
must(c.modify("uid=dan,ou=people," + suffix, {"sn": [(ldap3.MODIFY_REPLACE, ["Dane"])], "mail": [(ldap3.MODIFY_DELETE, ["d@example.org"])]}), c.result)
must(c.compare("uid=dan,ou=people," + suffix, "sn", "dane"), "compare")
must(c.modify_dn("uid=dan,ou=people," + suffix, "uid=daniel", new_superior="ou=services," + suffix), c.result)
found = list(c.extend.standard.paged_search(suffix, "(objectClass=*)", ldap3.SUBTREE, attributes=["objectClass"], paged_size=4, generator=True))
must(len(found) > 15 and len({e["dn"] for e in found}) == len(found), "pages: %d" % len(found))
new = c.extend.standard.modify_password(who, who_password, "Another-Long-Password-1")
must(new is True, c.result)
must(ldap3.Connection(server(ldaps_url), who, "Another-Long-Password-1").bind(), "the new password")
must(not ldap3.Connection(server(ldaps_url), who, who_password).bind(), "the old password")
must(c.delete("uid=daniel,ou=services," + suffix), c.result)
a = ldap3.Connection(server(ldap_url), dn, password, client_strategy=ldap3.ASYNC, auto_bind=True)
ids = [a.search(suffix, "(uid=%s)" % u, attributes=["cn"]) for u in ("alice", "bob", "admin")]
must(all(len([e for e in a.get_response(i)[0] if e["type"] == "searchResEntry"]) == 1 for i in ids), "searches side by side")
a.unbind()
print("fine")
PY
	same "python3-ldap3" "$(/usr/bin/python3 "$T/client.py" "$LDAP" "$LDAPS" "$CA" "$ADMIN_DN" "$admin" "$BOB" "$bob" "$suffix" 2>&1 | tail -3)" fine
else
	skip "python3-ldap3 is not installed"
fi
done_testing
