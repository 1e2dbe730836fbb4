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
if command -v systemd-analyze >/dev/null; then
	for unit in lightgate lightgate-agent; do sed "s,/usr/bin/,$D&," "$D/usr/lib/systemd/system/$unit.service" >"$T/$unit.service"; done
	same "systemd understands the units" "$(systemd-analyze verify --man=no "$T/lightgate.service" "$T/lightgate-agent.service" 2>&1)" ""
else
	skip "systemd-analyze is not here: units unread"
fi
lacks "nothing is left to fill in" "$(cat "$D"/usr/lib/systemd/system/*)" '@'
# a stranger's program, with nothing but what was installed
installed() { PKG_CONFIG_PATH=$D/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$D pkg-config --cflags --libs liblightgate; }
for cc in gcc clang; do
	if ! command -v $cc >/dev/null; then skip "$cc: not installed"; continue; fi
	claim "$cc builds the example from what was installed" $cc -std=c17 -pedantic -Wall -Wextra -Wconversion -Werror examples/controller.c $(installed) -o "$T/controller"
	has "and it runs" "$(LD_LIBRARY_PATH=$D/usr/lib "$T/controller" 2>&1)" '^usage: controller '
done
same "each function has its page" "$(cd "$D/usr/share/man/man3" && ls lightgate_*)" \
	"$(nm -D --defined-only "$D/usr/lib/liblightgate.so" | sed -nE 's/.* (lightgate_[a-z_]+)@.*/\1.3/p' | sort)"
# other languages: as C++, and by ctypes
cat >"$T/ask.cc" <<-'END'
	#include <lightgate/client.h>
	#include <cstdio>
	int main()
	{
		lightgate_settings at = LIGHTGATE_SETTINGS;
		lightgate_question q = LIGHTGATE_QUESTION;
		at.url = "https://127.0.0.1:1";
		q.subject_id = "alice", q.action = "container:logs", q.resource_type = "Workload", q.resource_id = "web";
		lightgate *lg = lightgate_open(&at, nullptr, 0);
		lightgate_decision *d = lightgate_decide(lg, &q);
		std::printf("%d %s\n", lightgate_permits(d), lightgate_decision_reason(d));
		lightgate_decision_free(d);
		lightgate_close(lg);
	}
END
cat >"$T/ask.py" <<-'END'
	import ctypes, sys
	lib = ctypes.CDLL(sys.argv[1])
	text, pointer = ctypes.c_char_p, ctypes.c_void_p
	for name, result in (("open", pointer), ("decide", pointer), ("permits", ctypes.c_bool), ("decision_reason", text)):
	    getattr(lib, "lightgate_" + name).restype = result
	class Question(ctypes.Structure):
	    names = "subject_token subject_type subject_id action resource_type resource_id project image host protocol".split()
	    _fields_ = [("size", ctypes.c_size_t)] + [(n, text) for n in names] + [("port", ctypes.c_int), ("request_id", text)]
	lg = pointer(lib.lightgate_open(None, None, ctypes.c_size_t(0)))
	q = Question(size=ctypes.sizeof(Question), subject_id=b"alice", action=b"container:logs", resource_type=b"Workload", resource_id=b"web")
	d = pointer(lib.lightgate_decide(lg, ctypes.byref(q)))
	print(int(lib.lightgate_permits(d)), lib.lightgate_decision_reason(d).decode())
	lib.lightgate_decision_free(d)
	lib.lightgate_close(lg)
END
if command -v g++ >/dev/null; then
	claim "a program in C++ is built" g++ -std=c++11 -pedantic -Wall -Wextra -Werror "$T/ask.cc" $(installed) -o "$T/ask"
	has "and asks" "$(LD_LIBRARY_PATH=$D/usr/lib "$T/ask")" '^0 cannot reach https://127.0.0.1:1: '
else
	skip "g++: not installed"
fi
has "Python asks" "$(LIGHTGATE_URL=https://127.0.0.1:1 /usr/bin/python3 "$T/ask.py" "$D/usr/lib/liblightgate.so.1")" '^0 cannot reach https://127.0.0.1:1: '
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
