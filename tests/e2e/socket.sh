# What the user at the other end of the UNIX socket is, and what a user in a container is not.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { skip "needs root, to be others"; done_testing; }

lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
export LDAPTLS_CACERT=$CA
cat >"$T/ldif" <<LDIF
dn: uid=alice,ou=people,dc=example,dc=org
changetype: modify
add: objectClass
objectClass: posixAccount
-
add: uidNumber
uidNumber: 61077
-
add: gidNumber
gidNumber: 61077
-
add: homeDirectory
homeDirectory: /home/alice
LDIF
claim "alice is 61077" ldapmodify -x -H "$LDAPS" -D uid=admin,ou=people,dc=example,dc=org -w "$(lg_ready .admin.password)" -f "$T/ldif"
who="curl -sS --unix-socket $SOCKET http://localhost/v1/whoami"
by() { setpriv --reuid "$1" --regid "$1" --clear-groups -- "${@:2}"; }
has "her processes are she" "$(by 61077 $who)" '"name":"alice"'
has "another number is nobody" "$(by 61078 $who)" unauthenticated
has "root is no administrator" "$($who)" unauthenticated
has "her number in a pid namespace below is nobody's" "$(unshare --pid --fork --mount-proc setpriv --reuid 61077 --regid 61077 --clear-groups -- $who)" unauthenticated
has "a password works there" "$(unshare --pid --fork curl -sS --unix-socket "$SOCKET" http://localhost/v1/login \
	-d "$(jq -cn --arg p "$(lg_ready .admin.password)" '{username: "admin", password: $p}')")" access_token

# LDAP at its own socket: stock clients, SASL EXTERNAL
has "the ready line names it" "$LDAPI" '^ldapi://%2F.*%2Frun%2Fldapi$'
same "her processes are she over LDAP" "$(by 61077 ldapwhoami -Q -Y EXTERNAL -H "$LDAPI" 2>&1)" "dn:uid=alice,ou=people,dc=example,dc=org"
same "... and may search" "$(by 61077 ldapsearch -Q -Y EXTERNAL -LLL -H "$LDAPI" -b ou=people,dc=example,dc=org '(uidNumber=61077)' uid 2>&1 | sed -n 's/^uid: //p')" alice
same "... as herself if she says so" "$(by 61077 ldapwhoami -Q -Y EXTERNAL -X u:alice -H "$LDAPI" 2>&1)" "dn:uid=alice,ou=people,dc=example,dc=org"
has "... and as nobody else" "$(by 61077 ldapwhoami -Q -Y EXTERNAL -X u:admin -H "$LDAPI" 2>&1)" 'Invalid credentials \(49\)'
has "another number is nobody over LDAP" "$(by 61078 ldapwhoami -Q -Y EXTERNAL -H "$LDAPI" 2>&1)" 'Invalid credentials \(49\)'
has "root is no administrator over LDAP" "$(ldapwhoami -Q -Y EXTERNAL -H "$LDAPI" 2>&1)" 'Invalid credentials \(49\)'
has "a number in a pid namespace below is nobody's over LDAP" "$(unshare --pid --fork --mount-proc setpriv --reuid 61077 --regid 61077 --clear-groups -- \
	ldapwhoami -Q -Y EXTERNAL -H "$LDAPI" 2>&1)" 'Invalid credentials \(49\)'
same "a password works there over LDAP" "$(ldapwhoami -x -H "$LDAPI" -D uid=admin,ou=people,dc=example,dc=org -w "$(lg_ready .admin.password)" 2>&1)" \
	"dn:uid=admin,ou=people,dc=example,dc=org"

# what a local user sees of the service
for file in dev.json sealing-secret store/data.mdb log keeper/tenant-1 recover archive; do
	claim "$file is closed to others" test "$(by 61078 cat "$T/data/$file" 2>/dev/null | wc -c)" = 0
done
same "the socket's mode" "$(stat -c %a "$SOCKET")" 666
for pid in $LG_PID $(pgrep -P "$LG_PID"); do
	claim "the memory of $pid is closed" test "$(by 61077 head -c 1 "/proc/$pid/mem" 2>/dev/null | wc -c)" = 0
	claim "the environment of $pid is closed" test "$(by 61077 head -c 1 "/proc/$pid/environ" 2>/dev/null | wc -c)" = 0
	same "no dumps of $pid" "$(awk '/Max core file size/ { print $5 }' "/proc/$pid/limits")" 0
done
done_testing
