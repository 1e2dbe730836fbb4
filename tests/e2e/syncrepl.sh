# A slapd of OpenLDAP follows the directory by RFC 4533, through changes and a restart of either side.  LG_CHANGES: how many.
. "$(dirname "$0")/lib.sh"
. scripts/slapd.sh
SUITE=${LG_SUITE_NAME:-syncrepl}
trap 'slapd_stop; lg_stop' EXIT

if ! slapd_there || ! /usr/bin/python3 -c 'import ldap' 2>/dev/null; then
	skip "slapd or python3-ldap is not installed"
	done_testing
fi
changes=$((${LG_CHANGES:-1000} / 4)) patience=${LG_PATIENCE:-60}
admin=uid=admin,ou=people,dc=example,dc=org
lg_start "$T/data" || bad "start"
lg_ready .admin.password | tr -d '\n' >"$T/password"
chmod 600 "$T/password"

mkdir "$T/slapd"
sync() { /usr/bin/python3 tests/syncrepl/syncrepl.py "$@"; }
change() { claim "$changes changes" sync change "$LDAP" "$admin" "$T/password" "$1" "$changes"; }
sent() { curl -sS --cacert "$CA" "$HTTPS/metrics" | sed -n 's/^lightgate_ldap_total{what="entry"} //p'; }
describes() { ldapsearch -x -LLL -H "$SLAPD" -b ou=people,dc=example,dc=org -s base description | grep -qx "description: $1"; }
in_step() { claim "$1" sync same "$LDAP" "$admin" "$T/password" "$SLAPD" "$patience"; }
sync schema "$LDAP" >"$T/slapd/lightgate.schema"
slapd_prepare "$T/slapd" dbnosync \
	"syncrepl rid=001 provider=$LDAP type=refreshAndPersist retry=\"1 +\" searchbase=dc=example,dc=org bindmethod=simple binddn=$admin credentials=$(cat "$T/password")"
sed -i "/dyngroup.schema/a include $T/slapd/lightgate.schema" "$T/slapd/slapd.conf"
claim "slapd takes the schema" /usr/sbin/slaptest -u -f "$T/slapd/slapd.conf"

# everything at first, then what changes
change 1
port=$(free_port)
slapd_start "$T/slapd" "$port" || bad "slapd does not start"
in_step "the first content"
change 2
in_step "in step while it stays"
has "the cookie is kept" "$(ldapsearch -x -LLL -H "$SLAPD" -b dc=example,dc=org -s base contextCSN)" '^contextCSN: 20[0-9.]+Z#[0-9a-f]{6}#000#[0-9a-f]{6}$'

# the consumer is away
slapd_stop
change 3
slapd_start "$T/slapd" "$port" || bad "slapd does not start again"
in_step "in step after the consumer's restart"

# of what the consumer has, nothing is sent again
slapd_stop
before=$(sent)
claim "one change" ldapmodify -x -H "$LDAP" -D "$admin" -y "$T/password" <<<"dn: ou=people,dc=example,dc=org
changetype: modify
replace: description
description: staff"
slapd_start "$T/slapd" "$port" || bad "slapd does not start a third time"
claim "one change arrives" within describes staff
same "one entry was sent for it" "$(($(sent) - before))" 1

# the provider is away
lg_stop
lg_start "$T/data" || bad "second start"
change 4
in_step "in step after the provider's restart"

# what must not leave has not left
same "no password has left" "$(ldapsearch -x -LLL -H "$SLAPD" -D cn=admin,dc=example,dc=org -w secret -b dc=example,dc=org '(userPassword=*)' 1.1)" ""
same "a cookie made up is answered by all" "$(ldapsearch -x -LLL -H "$LDAP" -D "$admin" -y "$T/password" -b dc=example,dc=org \
	-E '!sync=ro/rid=001,csn=20200101000000.000000Z#000000#000#000000' 1.1 | grep -c '^dn:')" \
	"$(ldapsearch -x -LLL -H "$LDAP" -D "$admin" -y "$T/password" -b dc=example,dc=org 1.1 | grep -c '^dn:')"
slapd_stop
done_testing
