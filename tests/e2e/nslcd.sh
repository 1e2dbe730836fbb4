# Login on Linux hosts with stock parts: nslcd, its NSS and PAM modules, AuthorizedKeysCommand, sudo's filter.  The packages are unpacked
# beside the tests, not installed, and used in a mount namespace with an /etc of its own: the machine's files are not touched.
. "$(dirname "$0")/lib.sh"

PARTS=$PWD/build/nslcd SEEN=$T/parts	# where everybody may look, wherever this folder is
LIB=$SEEN/lib/$(gcc -print-multiarch 2>/dev/null || echo x86_64-linux-gnu)
unpack() {
	[ -x "$PARTS/usr/sbin/nslcd" ] && return
	mkdir -p "$PARTS/debs" && (cd "$PARTS/debs" && apt-get download -qq nslcd libnss-ldapd libpam-ldapd pamtester) >/dev/null 2>&1 || return
	for deb in "$PARTS"/debs/*.deb; do dpkg -x "$deb" "$PARTS"; done
}
if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then skip "login: no mount namespace may be made here"; done_testing; fi
if ! unpack; then skip "login: nslcd, libnss-ldapd, libpam-ldapd and pamtester cannot be had"; done_testing; fi

lg_start "$T/data" || bad "start"
B=dc=example,dc=org ALICE="uid=alice,ou=people,$B"
said() { sed -n 's/.*shown this once: //p'; }
PW=$(lightgate user create alice --display 'Alice Ames' --uid-number 20001 --gid-number 30001 --shell /bin/sh | said)
lightgate user create bob --uid-number 20002 >/dev/null
lightgate group create crew --gid-number 30001 --members User/alice >/dev/null
lightgate group create makers --gid-number 30002 --members User/alice,User/bob >/dev/null
READER=$(lightgate user create nslcd --description 'looks accounts up for hosts' | said)
ADMIN_PW=$(lg_ready .admin.password)
admin() { LDAPTLS_CACERT=$CA "$1" -x -H "$LDAPS" -D "uid=admin,ou=people,$B" -w "$ADMIN_PW" "${@:2}" 2>&1; }

cp -a /etc "$T/etc"; mkdir "$SEEN"
printf 'passwd: files ldap\ngroup: files ldap\nshadow: files ldap\nhosts: files dns\n' >"$T/etc/nsswitch.conf"
printf '%s required %s\n' auth pam_ldap.so account pam_ldap.so password pam_ldap.so session pam_permit.so |
	sed "s#pam_ldap.so#$LIB/security/pam_ldap.so#" >"$T/etc/pam.d/lgtest"
cat >"$T/etc/nslcd.conf" <<END
uid root
gid root
uri $LDAPS
base $B
binddn uid=nslcd,ou=people,$B
bindpw $READER
tls_cacertfile $CA
tls_reqcert demand
nss_min_uid 1000
map group member member
END
chmod 600 "$T/etc/nslcd.conf"
cat >"$T/inside" <<END
mount --bind "$PARTS" "$SEEN" && mount --bind "$T/etc" /etc && mount -t tmpfs tmpfs /run && mkdir /run/nslcd || exit 1
export LD_LIBRARY_PATH=$LIB
"$SEEN/usr/sbin/nslcd" -n >"$T/nslcd.log" 2>&1 & pid=\$!
for i in \$(seq 100); do [ -S /run/nslcd/socket ] && break; sleep 0.05; done
test() { echo "== \$1"; shift; "\$@" 2>&1; echo "= \$?"; }
test passwd getent passwd alice
test by-id getent passwd 20002
test nobody getent passwd nobody-there
test group getent group crew
test all-groups getent group
test id id alice
pam() { echo "\$2" | "$SEEN/usr/bin/pamtester" lgtest "\$1" "\$3"; }
test right pam alice '$PW' authenticate
test wrong pam alice wrong authenticate
test account pam alice x acct_mgmt
test keys sh -c 'unset LD_LIBRARY_PATH; lightgate --dev "$T/data" user ssh-keys alice'
printf '%s\nanother long one\nanother long one\n' '$PW' >"$T/chauthtok"
test change sh -c 'setpriv --reuid 20001 --regid 30001 --clear-groups "$SEEN/usr/bin/pamtester" lgtest alice chauthtok <"$T/chauthtok"'
test new pam alice 'another long one' authenticate
test old pam alice '$PW' authenticate
kill \$pid; wait \$pid
END
ssh-keygen -q -t ed25519 -N '' -C alice@desk -f "$T/key" 2>/dev/null && lightgate user change alice --ssh-keys "$T/key.pub" >/dev/null
unshare -m --propagation private bash "$T/inside" >"$T/login.out" 2>&1
of() { sed -n "/^== $1\$/,/^= /p" "$T/login.out"; }
has "passwd by name" "$(of passwd)" '^alice:.*:20001:30001:alice:/home/alice:/bin/sh$'
has "... by number" "$(of by-id)" '^bob:.*:20002:20002:'
has "... of nobody" "$(of nobody)" '^= 2$'
has "group" "$(of group)" '^crew:\*:30001:alice$'
has "groups" "$(of all-groups)" '^makers:\*:30002:(alice,bob|bob,alice)$'
has "supplementary groups" "$(of id)" 'uid=20001\(alice\) gid=30001\(crew\) groups=30001\(crew\),30002\(makers\)'
has "the right password" "$(of right)" 'successfully authenticated'
has "a wrong one" "$(of wrong)" '^= 1$'
has "the account" "$(of account)" 'account management done'
[ -e "$T/key.pub" ] && has "SSH keys" "$(of keys)" 'ssh-ed25519 .* alice@desk'
has "a change of password" "$(of change)" 'authentication token altered successfully'
has "... the new one" "$(of new)" 'successfully authenticated'
has "... the old one" "$(of old)" '^= 1$'
lacks "the machine's own files are as they were" "$(cat /etc/nsswitch.conf)" 'passwd: files ldap'

# ---- sudo: what sudo-ldap asks for ---------------------------------------------------------------------------------------
claim "rules are entries" admin ldapadd <<<"dn: ou=sudoers,$B
objectClass: organizationalUnit
ou: sudoers

dn: cn=makers,ou=sudoers,$B
objectClass: sudoRole
cn: makers
sudoUser: %makers
sudoHost: ALL
sudoCommand: /usr/bin/systemctl restart build
sudoOrder: 10"
rules() { LDAPTLS_CACERT=$CA ldapsearch -LLL -x -H "$LDAPS" -D "uid=nslcd,ou=people,$B" -w "$READER" -b "ou=sudoers,$B" "$1" sudoCommand 2>&1; }
has "found by group" "$(rules '(&(objectClass=sudoRole)(|(sudoUser=alice)(sudoUser=%crew)(sudoUser=%#30001)(sudoUser=%makers)(sudoUser=ALL)))')" 'systemctl restart build'
lacks "... not by another" "$(rules '(&(objectClass=sudoRole)(|(sudoUser=carol)(sudoUser=%guests)(sudoUser=ALL)))')" 'systemctl'
[ "$failed" = 0 ] || cat "$T/login.out" "$T/nslcd.log"
done_testing
