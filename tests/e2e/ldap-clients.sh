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

# the controls, as the OpenLDAP tools ask for them
found() { as_admin ldapsearch -LLL -o ldif-wrap=no -b "$suffix" "$@" </dev/null; }
people='(objectClass=inetOrgPerson)'
names() { sed -n 's/^uid: //p' | tr '\n' ' '; }
same "-E sss: sorted" "$(found -E sss=uid:2.5.13.3 "$people" uid | names)" "admin alice bob "
same "-E sss: the other way round" "$(found -E sss=-uid:2.5.13.3 "$people" uid | names)" "bob alice admin "
has "-E sss: by a rule that is none" "$(found -E "!sss=uid:1.2.3" "$people" uid)" 'critical extension|Inappropriate matching'
# ldapsearch asks for one window after the other, for ever
same "-E vlv: from the second, one after" "$(timeout 30 ldapsearch -x -LLL -H "$LDAP" -D "$ADMIN_DN" -w "$admin" -b "$suffix" -E sss=uid:2.5.13.3 \
	-E '!vlv=0/1/2/0' "$people" uid </dev/null | sed '/^Press/q' | names)" "alice bob "
same "-E pr with sss: pages in order" "$(found -E pr=1/noprompt -E sss=uid:2.5.13.3 "$people" uid | names)" "admin alice bob "
same "-E mv: values that match" "$(found -E '!mv=(objectClass=person)' uid=bob objectClass | grep '^objectClass')" "objectClass: person"
as_admin ldapadd <<<"dn: cn=pair,ou=groups,$suffix
objectClass: groupOfNames
cn: pair
member: $BOB" >/dev/null
has "-E deref: what members are called" "$(found -E '!deref=member:uid,sn' cn=pair member)" 'uid=bob'
same "-E sync=ro: all, with their states" "$(found -E '!sync=ro' "$people" uid | names | wc -w)" 3
has "-E sync=ro: a cookie to go on with" "$(as_admin ldapsearch -v -b "$suffix" -E '!sync=ro' uid=bob uid)" 'cookie: rid=000,csn='
same "-E subentries: there are none" "$(found -E '!subentries=true' "$people" uid | names)" ""
same "-E !dontUseCopy: there are no copies" "$(found -E '!1.3.6.1.1.22' uid=bob uid | names)" "bob "
same "-M: manageDsaIT" "$(found -MM uid=bob uid | names)" "bob "
has "-e assert: does not hold" "$(as_admin ldapmodify -e '!assert=(sn=nobody)' <<<"dn: $BOB
changetype: modify
replace: title
title: Dr")" 'Assertion Failed \(122\)'
read_back=$(as_admin ldapmodify -e '!preread=title' -e '!postread=title,entryCSN' -e '!assert=(uid=bob)' <<<"dn: $BOB
changetype: modify
replace: title
title: Prof")
lacks "-e preread: there was none" "$read_back" 'title: Dr'
has "-e postread: what it is now" "$read_back" 'title: Prof'
has "-e postread: and when" "$read_back" 'entryCSN: 20'
has "-e authzid is a right of its own" "$(as_admin ldapwhoami -e "!authzid=dn:$BOB")" 'Proxied Authorization Denied|\(123\)|Insufficient access'
has "-e relax with modify is, too" "$(as_admin ldapmodify -e '!relax' <<<"dn: $BOB
changetype: modify
replace: createTimestamp
createTimestamp: 20200102030405Z")" 'Insufficient access \(50\)'
has "-e ppolicy: a bind and its words" "$(as_admin ldapwhoami -e ppolicy)" "dn:$ADMIN_DN"
txn="dn: cn=one,ou=groups,$suffix
changetype: add
objectClass: lgGroup
cn: one

dn: cn=two,ou=groups,$suffix
changetype: add
objectClass: lgGroup
cn: two
"
claim "-E txn=abort" as_admin ldapmodify -E txn=abort <<<"$txn"
same "... leaves nothing" "$(found '(|(cn=one)(cn=two))' 1.1)" ""
claim "-E txn=commit" as_admin ldapmodify -E txn=commit <<<"$txn"
same "... leaves both" "$(found '(|(cn=one)(cn=two))' 1.1 | grep -c ^dn:)" 2
claim "subtree delete by its control" as_admin ldapdelete -e '!1.2.840.113556.1.4.805' "cn=one,ou=groups,$suffix"
claim "ldapdelete -r" as_admin ldapdelete -r "cn=two,ou=groups,$suffix"
# chaining and noop are not offered, and are refused where they matter
for option in "-e !chaining=chainingRequired" '-e !noop' '-e !bauthzid' '-E !domainScope' '-E !1.2.3.4'; do
	has "$option is refused" "$(found $option uid=bob 2>&1)" 'Critical extension is unavailable \(12\)'
done
same "what is not critical is passed over" "$(found -E 1.2.3.4 uid=bob uid | names)" "bob "
has "ldapexop cancel of what is not there" "$(as_admin ldapexop cancel 77)" '119|No Operation to Cancel|no such operation'

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
