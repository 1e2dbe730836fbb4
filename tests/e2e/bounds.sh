# Requests that are too long, malformed or too slow: each is answered or cut off, the service goes on, and its memory stays bounded.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS="log_path=$T/san/report:detect_leaks=1:quarantine_size_mb=4"

lg_start "$T/data" --load conf/demo.yaml --limits.request_time=2s --limits.idle_time=3s --limits.per_address=200 || bad "start"
sign_in_admin
server=$(server_pid)
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }
xs() { head -c "$1" /dev/zero | tr '\0' "${2:-x}"; }
https() { curl -s --max-time 30 --cacert "$CA" -o /dev/null -w '%{http_code}' "$@"; }
unix() { curl -s --max-time 30 --unix-socket "$SOCKET" -o /dev/null -w '%{http_code}' "$@"; }

ended() {	# ended NAME ADDRESS FILE SECONDS: the service closes the connection in that time; judged by all_ended
	local port=${2##*:}
	( timeout "$4" bash -c 'exec 3<>/dev/tcp/127.0.0.1/$0 || exit 9; cat "$1" >&3 2>/dev/null; cat <&3 >/dev/null; exit 0' "$port" "$3" 2>/dev/null
	[ $? != 124 ] || echo "$1: the connection is still open after $4 s" >"$T/open.$(basename "$3")" ) &
	waits+=($!)
}
all_ended() {
	wait "${waits[@]}"
	same "connections that sent garbage are closed" "$(cat "$T"/open.* 2>/dev/null)" ""
}
waits=()
before=$(rss)

# ---- HTTP: too much of everything
same "a long target" "$(https "$HTTPS/v1/users?prefix=$(xs 9000)")" 414
same "a long header" "$(https -H "X-Long: $(xs 40000)" "$HTTPS/healthz")" 431
xs 70000 >"$T/body"
same "a body that is too large" "$(https -H 'Content-Type: application/json' --data-binary "@$T/body" "$HTTPS/access/v1/evaluation")" 413
same "the same in chunks" "$(https -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary "@$T/body" "$HTTPS/access/v1/evaluation")" 413
same "a long token" "$(https -H "Authorization: Bearer $(xs 20000)" "$HTTPS/v1/whoami")" 401
same "on the socket: a long target" "$(unix "http://localhost/v1/users?prefix=$(xs 9000)")" 414
same "on the socket: a body that is too large" "$(unix --data-binary "@$T/body" "http://localhost/v1/login")" 413

# ---- JSON that is no question
post() { https -H "Authorization: Bearer $ADMIN" -H 'Content-Type: application/json' --data-binary @- "$HTTPS$1"; }
same "nothing" "$(printf '' | post /access/v1/evaluation)" 400
same "half of it" "$(printf '{"subject":{"type":"User"' | post /access/v1/evaluation)" 400
same "bad UTF-8" "$(printf '{"subject":{"type":"User","id":"\xff"}}' | post /access/v1/evaluation)" 400
same "too deep" "$({ xs 5000 '['; xs 5000 ']'; } | post /access/v1/evaluation)" 400
same "members twice" "$(printf '{"subject":{},"subject":{}}' | post /access/v1/evaluation)" 400
same "too many in a batch" "$({ printf '{"evaluations":['; for i in $(seq 256); do printf '{},'; done; printf '{}]}'; } | post /access/v1/evaluations)" 422
same "a NUL in a string" "$(printf '{"projects":[{"name":"a\\u0000b"}]}' | post /v1/apply)" 400
same "a state of nothing" "$(printf '[]' | post /v1/apply)" 400
same "a limit that is none" "$(https -H "Authorization: Bearer $ADMIN" "$HTTPS/v1/users?limit=100000")" 400
same "a parameter twice" "$(https -H "Authorization: Bearer $ADMIN" "$HTTPS/v1/users?limit=1&limit=2")" 400
same "a path out of the tree" "$(https --path-as-is -H "Authorization: Bearer $ADMIN" "$HTTPS/v1/../../etc/passwd")" 400

# ---- bytes that are no HTTP
printf 'GARBAGE\r\n\r\n' >"$T/r1"; printf 'GET / HTTP/9.9\r\nHost: x\r\n\r\n' >"$T/r2"; head -c 20000 /dev/urandom >"$T/r3"
printf 'POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nabcde' >"$T/r4"
printf 'POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n' >"$T/r5"
for i in 1 2 3 4 5; do ended "garbage $i on HTTP" "$HTTP" "$T/r$i" 30; done
head -c 3000 /dev/urandom >"$T/r6"; ended "garbage instead of TLS" "$HTTPS" "$T/r6" 30

# ---- LDAP: lengths that lie, depth, things that are none
printf '\x30\x84\x7f\xff\xff\xff\x02\x01\x01' >"$T/l1"; printf '\x30\x80\x02\x01\x01\x00\x00' >"$T/l2"; printf '\x00\x00\x00\x00' >"$T/l3"
{ printf '\x30\x82\x40\x00\x02\x01\x01\x63\x82\x3f\xf9\x04\x00\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00'; for i in $(seq 4000); do printf '\xa2\x82\x3f\x00'; done; } >"$T/l4"
head -c 4000 /dev/urandom >"$T/l5"
for i in 1 2 3 4 5; do ended "garbage $i on LDAP" "$LDAP" "$T/l$i" 30; done
printf '\x30\x83\x05\x00\x00\x02\x01\x01\x60\x83\x04\xff\xf8' >"$T/l6"; head -c 320000 /dev/zero >>"$T/l6"
ended "a request over the limit of those who have not signed in" "$LDAP" "$T/l6" 30

# ---- slow ones: the time is for the whole request, however its bytes are spread
slow() {	# slow ADDRESS: a byte every 100 ms, for half a minute at most; prints how many ms it was let
	local port=${1##*:} begin i
	begin=$(date +%s%N)
	( trap '' PIPE
	exec 3<>"/dev/tcp/127.0.0.1/$port" || exit
	( cat <&3 >/dev/null; echo over >"$T/slow.$port" ) &
	printf 'GET /crl/x HTTP/1.1\r\nHost: localhost\r\nX: ' >&3
	for i in $(seq 300); do [ -e "$T/slow.$port" ] && break; printf 'a' >&3; sleep 0.1; done ) 2>/dev/null
	echo $((($(date +%s%N) - begin) / 1000000))
}
took=$(slow "$HTTP")
claim "a request that drips in is cut off ($took ms)" test "$took" -ge 1500
prompt "... after its time" "$took" 5000
for i in $(seq 150); do exec {fd}<>"/dev/tcp/127.0.0.1/${HTTP##*:}" && fds[i]=$fd; done 2>/dev/null
same "others are served meanwhile" "$(https "$HTTPS/healthz")" 200
few() { open=$(curl -s --cacert "$CA" "$HTTPS/metrics" | awk '$1 == "lightgate_connections" { print $2 }'); [ "$open" -lt 20 ]; }
claim "connections that say nothing are closed" within few
for fd in "${fds[@]}"; do exec {fd}>&-; done

# ---- a flood of LDAP connections: its address gets no more, others are served, and it is over when it is over
cat >"$T/flood.py" <<'PY'
import socket, sys, time
port = int(sys.argv[1])
root_dse = bytes.fromhex("3025020101632004000a01000a0100020100020100010100870b6f626a656374436c6173733000")
def dial(source):
    return socket.create_connection(("127.0.0.1", port), 20, (source, 0))
def answers(s):
    try:
        s.settimeout(20)
        s.sendall(root_dse)
        return b"objectClass" in s.recv(4096)
    except OSError:
        return False
def cut(s):
    try:
        s.settimeout(0.05)
        return s.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
held = [dial("127.0.0.1") for _ in range(500)]
print("another address is answered" if answers(dial("127.0.0.2")) else "another address is not answered")
refused = sum(cut(s) for s in held)
print("refused %s" % ("enough" if 280 <= refused <= 320 else refused))
for s in held:
    s.close()
until = time.monotonic() + 20
while not answers(dial("127.0.0.1")) and time.monotonic() < until:
    time.sleep(0.05)
print("over" if time.monotonic() < until else "not over")
PY
flood=$(python3 "$T/flood.py" "${LDAP##*:}" 2>&1)
has "a flood is refused beyond the address's share" "$flood" '^refused enough$'
has "... others are answered meanwhile" "$flood" '^another address is answered$'
has "... and it ends with the connections" "$flood" '^over$'

all_ended

# ---- after all that
for i in $(seq 60); do https -H 'Content-Type: application/json' --data-binary "@$T/body" "$HTTPS/access/v1/evaluation"; done >/dev/null
after=$(rss)
claim "memory is bounded: $before KiB before, $after KiB after" test "$after" -lt $((before + 98304))
same "it is the same process" "$(awk '/^Threads/ { print ($2 > 8) }' "/proc/$server/status")" 1
same "it still decides" "$(post /access/v1/evaluation <<<'{"subject":{"type":"Workload","id":"web"},"action":{"name":"connect"},"resource":{"type":"Workload","id":"db"},"context":{"port":5432,"protocol":"tcp"}}')" 200
lacks "nothing of a client's stands in the log" "$(cat "$T/data.log")" 'xxxxxxxxxxxxxxxxxxxxxxxxx'
echo "bounds: $before KiB before, $after KiB after; slow request $took ms"
done_testing
