# SASL binds with Cyrus's library as the client: PLAIN under TLS, SCRAM-SHA-256 with and without channel binding.
. "$(dirname "$0")/lib.sh"

scram=$(ls /usr/lib/*/sasl2/libscram.so 2>/dev/null)
if [ -z "$scram" ] || ! command -v ldapwhoami >/dev/null; then
	skip "no SCRAM plugin or no ldap-utils"
	done_testing
fi
lg_start "$T/data" || bad "start"
admin=uid=admin,ou=people,dc=example,dc=org password=$(lg_ready .admin.password)
export LDAPTLS_CACERT=$CA
as() { ldapwhoami -Q -H "$1" -Y "$2" -U "$3" -w "$4" "${@:5}" 2>&1; }

lacks "SCRAM is not offered before a tenant wants it" "$(ldapsearch -x -LLL -H "$LDAP" -b '' -s base supportedSASLMechanisms)" SCRAM
has "no verifier, no proof" "$(as "$LDAP" SCRAM-SHA-256 admin "$password")" 'Invalid credentials'
has "PLAIN under TLS" "$(as "$LDAPS" PLAIN admin "$password")" "^dn:$admin"
has "a wrong password" "$(as "$LDAPS" PLAIN admin wrong-password)" 'Invalid credentials'

claim "the tenant wants SCRAM" ldapmodify -x -H "$LDAPS" -D "$admin" -w "$password" <<LDIF
dn: dc=example,dc=org
changetype: modify
add: objectClass
objectClass: lgTenant
-
add: lgScram
lgScram: TRUE
LDIF
has "SCRAM is offered" "$(ldapsearch -x -LLL -H "$LDAP" -b '' -s base supportedSASLMechanisms)" 'SCRAM-SHA-256-PLUS'
claim "a simple bind brings the verifier" ldapwhoami -x -H "$LDAPS" -D "$admin" -w "$password"
has "the password is proved in clear" "$(as "$LDAP" SCRAM-SHA-256 admin "$password")" "^dn:$admin"
has "and under TLS" "$(as "$LDAPS" SCRAM-SHA-256 admin "$password")" "^dn:$admin"
has "not with another" "$(as "$LDAP" SCRAM-SHA-256 admin wrong-password)" 'Invalid credentials'
has "nor by nobody" "$(as "$LDAP" SCRAM-SHA-256 nobody "$password")" 'Invalid credentials'
has "bound to the channel" "$(LDAPSASL_CBINDING=tls-endpoint as "$LDAPS" SCRAM-SHA-256-PLUS admin "$password")" "^dn:$admin"
has "a search" "$(ldapsearch -Q -LLL -H "$LDAP" -Y SCRAM-SHA-256 -U admin -w "$password" -b "$admin" -s base uid)" '^uid: admin'
claim "a new password" ldappasswd -x -H "$LDAPS" -D "$admin" -w "$password" -a "$password" -s "another long phrase"
has "is proved at once" "$(as "$LDAP" SCRAM-SHA-256 admin "another long phrase")" "^dn:$admin"
has "the old one no more" "$(as "$LDAP" SCRAM-SHA-256 admin "$password")" 'Invalid credentials'
lacks "no verifier is readable" "$(ldapsearch -x -LLL -H "$LDAPS" -D "$admin" -w "another long phrase" -b dc=example,dc=org '*' + userPassword)" 'SCRAM|userPassword'
done_testing
