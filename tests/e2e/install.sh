# make install puts everything where a package wants it, and what it installed starts as root with users of its own.
. "$(dirname "$0")/lib.sh"

D=$T/dest
claim "make install" make --no-print-directory -s V=release install DESTDIR="$D" prefix=/usr
for file in usr/bin/{lightgated,lightgate,lightgate-agent,lightgate-runc} usr/share/man/man1/lightgate.1 \
	usr/share/man/man5/lightgate.conf.5 usr/share/man/man8/lightgate{d,-agent}.8 etc/lightgate/lightgate.conf \
	usr/lib/systemd/system/lightgate{,-agent}.service usr/lib/liblightgate.so.1 usr/include/lightgate/client.h; do
	claim "$file is there" test -s "$D/$file"
done
has "the unit starts what was installed" "$(cat "$D/usr/lib/systemd/system/lightgate.service")" '^ExecStart=/usr/bin/lightgated '
lacks "nothing is left to fill in" "$(cat "$D"/usr/lib/systemd/system/*)" '@'
# a stranger's program, with nothing but what was installed
installed() { PKG_CONFIG_PATH=$D/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$D pkg-config --cflags --libs liblightgate; }
claim "the example is built from what was installed" cc -std=c11 -Wall -Wextra -Werror examples/controller.c $(installed) -o "$T/controller"
has "and runs" "$(LD_LIBRARY_PATH=$D/usr/lib "$T/controller" 2>&1)" '^usage: controller '
echo "# mine" >>"$D/etc/lightgate/lightgate.conf"
claim "make install again" make --no-print-directory -s V=release install DESTDIR="$D" prefix=/usr
claim "settings that are there are kept" grep -qx '# mine' "$D/etc/lightgate/lightgate.conf"

if [ "$(id -u)" = 0 ] && getent passwd nobody daemon >/dev/null; then
	sed "s/0\.0\.0\.0:[0-9]*/127.0.0.1:0/; s,/run/lightgate/ldapi,$T/ldapi," "$D/etc/lightgate/lightgate.conf" >"$T/lightgate.conf"
	cat >>"$T/lightgate.conf" <<-END
		data: $T/data
		socket: $T/lightgate.sock
		users: {server: nobody, keeper: daemon}
	END
	mkdir -m 0700 "$T/credentials"
	(umask 0377; head -c 32 /dev/urandom >"$T/credentials/sealing-secret")
	: >"$T/ready"
	CREDENTIALS_DIRECTORY=$T/credentials lightgated --config "$T/lightgate.conf" >"$T/ready" 2>"$T/data.log" &
	LG_PID=$!
	announced() { read -r LG_READY <"$T/ready"; }
	within announced; CA=$(lg_ready .ca_file)
	same "keeper and server are their own users" "$(ps -o user= --ppid "$LG_PID" | sort | xargs)" "daemon nobody"
	same "the secret stays outside the data" "$(find "$T/data" -name '*secret*')" ""
	port=$(lg_ready .https | sed 's/.*://')
	has "it answers under its name, with a certificate for it" \
		"$(curl -sS --cacert "$CA" --resolve "id.example.org:$port:127.0.0.1" "https://id.example.org:$port/readyz")" '^ready$'
	same "the socket serves local callers" "$(curl -sS --unix-socket "$T/lightgate.sock" http://localhost/readyz)" ready
	lg_stop
else
	skip "a start with users of its own: wants root"
fi
claim "make uninstall" make --no-print-directory -s uninstall DESTDIR="$D" prefix=/usr
same "only settings stay" "$(cd "$D" && find . ! -type d)" ./etc/lightgate/lightgate.conf
done_testing
