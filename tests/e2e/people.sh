# People and passwords: the nouns of the command line, the password policy over LDAP, HTTP and the command, verifiers of other servers.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" || bad "start"
B=dc=example,dc=org ALICE="uid=alice,ou=people,$B"
run() { lightgate "$@" 2>&1; }
# signed NAME PASSWORD: does POST /v1/login take it?
signed() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' "$HTTPS/v1/login" -d "$(jq -cn --arg u "$1" --arg p "$2" '{username: $u, password: $p}')"; }
bound() { LDAPTLS_CACERT=$CA ldapwhoami -x -H "$LDAPS" -e ppolicy -D "uid=$1,ou=people,$B" -w "$2" 2>&1; }
ADMIN_PW=$(lg_ready .admin.password)
admin() { LDAPTLS_CACERT=$CA "$1" -x -H "$LDAPS" -D "uid=admin,ou=people,$B" -w "$ADMIN_PW" "${@:2}" 2>&1; }

# ---- the nouns ---------------------------------------------------------------------------------------------------------
has "create" "$(run user create alice --mail alice@example.org --display 'Alice Ames' --uid-number 20001 --shell /bin/bash)" 'shown this once: '
has "... twice" "$(run user create alice)" 'there is a User "alice" already'
has "... with a number that is taken" "$(run user create bob --uid-number 20001)" 'uidNumber'
has "... with a bad name" "$(run user create 'a b')" 'a name is 1 to 64 of'
has "show" "$(run user show alice)" 'home +/home/alice'
has "change" "$(run user change alice --description 'from Ames')" 'alice is changed'
has "... the same again" "$(run user change alice --description 'from Ames')" 'like that already'
has "... nothing" "$(run user change alice)" 'change what\?'
has "... somebody else" "$(run user change nobody --mail x@y)" 'there is no User "nobody"'
lacks "an empty value takes it away" "$(run user change alice --description '' && run user show alice)" 'from Ames'
has "group create" "$(run group create staff --gid-number 30001 --members User/alice)" 'staff is created'
has "... shows members" "$(run group show staff)" 'User/alice'
has "rename" "$(run user rename alice alicia)" 'alice is called alicia now'
has "... memberships go with it" "$(run group show staff)" 'User/alicia'
has "... to a name that is taken" "$(run user rename alicia admin)" 'already'
run user rename alicia alice >/dev/null
ssh-keygen -q -t ed25519 -N '' -C alice@desk -f "$T/key" 2>/dev/null || skip "ssh-keygen"
[ -e "$T/key.pub" ] && { run user change alice --ssh-keys "$T/key.pub" >/dev/null; same "ssh-keys" "$(run user ssh-keys alice)" "$(cat "$T/key.pub")"; }

# ---- passwords of other servers ----------------------------------------------------------------------------------------------
legacy() { admin ldapmodify <<<"dn: $ALICE
changetype: modify
replace: userPassword
userPassword: $1" >"$T/claim.out" || { bad "userPassword: $1"; cat "$T/claim.out"; }; }
for value in '{SSHA}MZt6PzZAuYtSykOYnFOzY9uGN4ENS0lQ' '{CRYPT}$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.' \
	'{PBKDF2-SHA256}1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8' '{CRYPT}$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'; do
	[ "${value#\{SSHA}" = "$value" ] || value="{SSHA}$(printf 'secretSALT' | openssl dgst -sha1 -binary | { cat; printf SALT; } | base64)"
	legacy "$value"
	has "wrong: ${value:0:12}" "$(bound alice Secret)" 'Invalid credentials'
	has "right: ${value:0:12}" "$(bound alice secret)" "dn:$ALICE"
	has "... and again, in today's form" "$(bound alice secret)" "dn:$ALICE"
done
same "... which signs in over HTTP" "$(signed alice secret)" 200
legacy '{CRYPT}$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1'
same "HTTP renews as well" "$(signed alice secret)" 200
lg_stop; lg_start "$T/data" || bad "restart"
has "... durably" "$(bound alice secret)" "dn:$ALICE"

# ---- the policy -----------------------------------------------------------------------------------------------------------------
has "the rules are set" "$(run password-policy set --min-length 8 --history 2 --lockout yes --lockout-failures 3 --must-change yes)" 'min_length +8'
has "... shown" "$(run password-policy show)" 'lockout_failures +3'
has "... and are an entry" "$(admin ldapsearch -LLL -b "cn=password-policy,$B" -s base pwdMinLength)" 'pwdMinLength: 8'
has "too short by command" "$(run user set-password alice --password-file - <<<short)" 'at least 8 characters'
has "... by Password Modify" "$(LDAPTLS_CACERT=$CA ldappasswd -x -H "$LDAPS" -e ppolicy -D "$ALICE" -w secret -a secret -s short 2>&1)" 'at least 8 characters'
has "... by modify" "$(admin ldapmodify -e ppolicy <<<"dn: $ALICE
changetype: modify
replace: userPassword
userPassword: short")" 'Password is too short'
has "set by somebody else" "$(run user set-password alice --password-file - <<<'given by admin')" 'is set'
has "... it must be changed: LDAP" "$(bound alice 'given by admin')" 'Password must be changed'
same "... HTTP" "$(signed alice 'given by admin')" 401
has "... which says so" "$(cat "$T/body")" 'must be changed first'
printf 'given by admin\n' >"$T/old"; printf 'given by admin\n' >"$T/new"
has "... not to the same" "$(run user change-password alice --old-password-file "$T/old" --password-file "$T/new")" 'used before'
printf 'my very own\n' >"$T/new"
has "... by its owner, with the command" "$(run user change-password alice --old-password-file "$T/old" --password-file "$T/new")" 'is changed'
same "... and signs in" "$(signed alice 'my very own')" 200
owner() { LDAPTLS_CACERT=$CA "$1" -x -H "$LDAPS" -D "$ALICE" "${@:2}" 2>&1; }
exchange() { printf 'dn: %s\nchangetype: modify\ndelete: userPassword\nuserPassword: %s\n-\nadd: userPassword\nuserPassword: %s\n' "$ALICE" "$1" "$2"; }
has "by one modify that names the old one, which is wrong" "$(exchange 'not this' 'my very second' | owner ldapmodify -e ppolicy -w 'my very own')" 'unwilling to verify old password'
claim "... which is right" owner ldapmodify -w 'my very own' < <(exchange 'my very own' 'my very second')
same "... and signs in" "$(signed alice 'my very second')" 200
claim "... and back" owner ldapmodify -w 'my very second' < <(exchange 'my very second' 'my very third')
claim "a policy for her alone" admin ldapmodify -a <<<"dn: cn=short-lived,$B
objectClass: lgPasswordPolicy
objectClass: pwdPolicy
cn: short-lived
pwdAttribute: userPassword
pwdMaxAge: 1

dn: $ALICE
changetype: modify
replace: pwdPolicySubentry
pwdPolicySubentry: cn=short-lived,$B"
expired() { has "$1" "$(LDAPTLS_CACERT=$CA ldapwhoami -x -H "$LDAPS" -D "$ALICE" -w "$2" 2>&1)" 'Invalid credentials'; }
over() { ! LDAPTLS_CACERT=$CA ldapwhoami -x -H "$LDAPS" -D "$ALICE" -w "$1"; }
within over 'my very third'
expired "expired by age" 'my very third'
has "... asking for the policy's words: it lets do nothing" "$(owner ldapsearch -e ppolicy -w 'my very third' -LLL -b "$B" uid=alice)" 'Insufficient access'
claim "... but change it by Password Modify" owner ldappasswd -e ppolicy -w 'my very third' -a 'my very third' -s 'my very fourth'
within over 'my very fourth'
claim "... and by modify" owner ldapmodify -e ppolicy -w 'my very fourth' < <(exchange 'my very fourth' 'my very own')
claim "... and no longer" admin ldapmodify <<<"dn: $ALICE
changetype: modify
delete: pwdPolicySubentry"
has "who is it sees what is kept of a password" "$(owner ldapsearch -w 'my very own' -LLL -b "$ALICE" -s base pwdChangedTime)" 'pwdChangedTime: 20'
has "... an administrator too" "$(admin ldapsearch -LLL -b "$ALICE" -s base pwdChangedTime)" 'pwdChangedTime: 20'
lacks "... others do not" "$(owner ldapsearch -w 'my very own' -LLL -b "uid=admin,ou=people,$B" -s base '*' +)" '^pwd'
lacks "... nor by filter" "$(owner ldapsearch -w 'my very own' -LLL -b "$B" '(pwdChangedTime=*)' 1.1)" 'uid=admin'
has "expire" "$(run user expire-password alice)" 'must change the password'
same "... holds" "$(signed alice 'my very own')" 401
printf 'my very own\n' >"$T/old"; printf 'and another\n' >"$T/new"
has "... until it is changed" "$(run user change-password alice --old-password-file "$T/old" --password-file "$T/new")" 'is changed'

# ---- locks ------------------------------------------------------------------------------------------------------------------------
for i in 1 2 3; do bound alice "wrong $i" >/dev/null; done
has "three failures lock" "$(bound alice 'and another')" 'Account locked'
same "... for HTTP too" "$(signed alice 'and another')" 401
has "... as administrators see" "$(run user show alice)" 'locked +true'
lg_stop; lg_start "$T/data" || bad "restart"
has "... also after a restart" "$(bound alice 'and another')" 'Account locked'
has "unlock" "$(run user unlock alice)" 'is unlocked'
has "... works" "$(bound alice 'and another')" "dn:$ALICE"
has "lock by hand" "$(run user lock alice)" 'lightgate user unlock alice'
has "... holds" "$(bound alice 'and another')" 'Account locked'
[ -e "$T/key.pub" ] && same "... and gives no keys" "$(run user ssh-keys alice)" ""
run user unlock alice >/dev/null
has "disable" "$(run user disable alice)" 'disabled'
has "... holds" "$(bound alice 'and another')" 'Invalid credentials'
run user enable alice >/dev/null
has "delete" "$(run user delete alice)" 'alice is deleted'
has "completion knows the verbs" "$(run completion bash)" 'change-password'
done_testing
