# Every socket of the agent against every place from which somebody could knock: opened to whom it is for, and to nobody else.
. "$(dirname "$0")/lib.sh"
AGENT_PID= SHM=
clean_up() {
	[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
	runc --root "$T/runc" delete --force c1 >/dev/null 2>&1
	[ -z "$SHM" ] || rm -rf "$SHM"
	lg_stop
}
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null || [ "$(stat -f -c %T /dev/shm)" != tmpfs ]; then
	skip "callers: needs root, runc, busybox and a tmpfs at /dev/shm"
	done_testing
fi
lg_start "$T/data" || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
lightgate host create-join-token node1 --out "$T/join" >/dev/null || bad "join token"
lightgate-agent join --token-file "$T/join" --state "$T/node1" >/dev/null || bad "join"
lg_secret "$T/credentials" User alice >"$T/alice.password"
LIGHTGATE_CONFIG=$T/alice lightgate login --user alice --password-file "$T/alice.password" >/dev/null 2>&1 || bad "login"
SHM=$(mktemp -d /dev/shm/lg-e2e.XXXXXX); chmod 0711 "$SHM"
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" --docker-plugin "$T/plugin.sock" --docker-front "$T/front.sock" \
	--docker-engine "$T/engine.sock" --identities "$SHM/ids" --workload-api "$SHM/api" --runtime-root "$T/runc" >>"$T/agent.log" 2>&1 &
AGENT_PID=$!
within test -S "$T/agent.sock" -a -S "$T/front.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"
listening() { grep -l . /proc/net/tcp /proc/net/tcp6 | xargs cat | awk '$4 == "0A" { print $10 }' | while read -r inode; do find "/proc/$AGENT_PID/fd" -lname "socket:\[$inode\]"; done; }
same "it listens on no port" "$(listening)" ""

# ---- one container of this host, for somebody in its place ----
LIGHTGATE_CONFIG=$T/alice lightgate check container:create Workload/web --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "ticket"
lg_bundle "$T/b" /bin/busybox sleep 300
lg_annotate "$T/b" lightgate.workload web
lg_annotate "$T/b" lightgate.ticket "$(cat "$T/ticket")"
timeout 20 lightgate-runc --root "$T/runc" run -d -b "$T/b" c1 </dev/null >"$T/out" 2>&1 || bad "c1: $(cat "$T/out")"
INSIDE=$(runc --root "$T/runc" state c1 | jq .pid)

# ---- places: each runs a command from there ----
on_the_host() { "$@"; }
as_somebody() { setpriv --reuid=65533 --regid=65533 --clear-groups -- "$@"; }
in_a_pid_namespace() { unshare --pid --fork -- "$@"; }
in_a_user_namespace() { unshare --user --map-root-user -- "$@"; }
in_a_mount_namespace() { unshare --mount --propagation private -- "$@"; }	# an engine may have one
# root, with the pid and user namespaces of the host, in the container's cgroup: as one that was let have the host's processes
in_the_container() {
	unshare --mount --propagation private -- bash -c 'while IFS=: read -r _ names place; do
			for top in "/sys/fs/cgroup/${names#name=}" /sys/fs/cgroup/unified /sys/fs/cgroup; do
				if [ -w "$top$place/cgroup.procs" ] && echo $$ 2>/dev/null >"$top$place/cgroup.procs"; then break; fi
			done
		done <"/proc/$0/cgroup"; exec "$@"' "$INSIDE" "$@"
}

# ---- doors: each prints what it says to the caller ----
at_the_hook() { "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try:
	s.sendall(b"bundle\n"); s.shutdown(socket.SHUT_WR)
except BrokenPipeError: pass	# answered before it was asked
print(s.makefile().read())' "$T/agent.sock" 2>&1; }
at_the_plugin() { "$1" curl -sS --max-time 20 --unix-socket "$T/plugin.sock" -X POST http://p/Plugin.Activate 2>&1; }
at_the_front() { "$1" curl -sS --max-time 20 --unix-socket "$T/front.sock" http://d/_ping 2>&1; }
at_the_workload_api() { "$1" python3 tests/e2e/workload-raw.py "$SHM/api/workload.sock" here 2>&1; }
# what a door says to those whom it is for; to nobody else
declare -A WELCOME=([at_the_hook]='^permit' [at_the_plugin]='authz' [at_the_front]='engine' [at_the_workload_api]='project/shop/workload/web')
#     door                  on_the_host as_somebody in_a_pid_namespace in_a_user_namespace in_a_mount_namespace in_the_container
TABLE='at_the_hook          opens       shut        shut               shut                opens                shut
       at_the_plugin        opens       shut        shut               shut                opens                shut
       at_the_front         opens       opens       shut               shut                shut                 shut
       at_the_workload_api  shut        shut        shut               shut                shut                 opens'
PLACES=(on_the_host as_somebody in_a_pid_namespace in_a_user_namespace in_a_mount_namespace in_the_container)
while read -r door row; do
	read -ra row <<<"$row"
	for i in "${!PLACES[@]}"; do
		said=$("$door" "${PLACES[i]}")
		if [ "${row[i]}" = opens ]; then has "$door it opens ${PLACES[i]}" "$said" "${WELCOME[$door]}"; else lacks "$door it is shut ${PLACES[i]}" "$said" "${WELCOME[$door]}"; fi
	done
done <<<"$TABLE"

# ---- a number that is another's when the agent looks ----
late() { timeout 60 python3 tests/e2e/workload-raw.py "$1" late "$AGENT_PID" 2>&1; }
request() { printf '%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n' "$1"; }
nobodys() { has "$1 is asked by a number that was used" "$2" '^asked by the number of another'; lacks "$1 takes it for nobody's" "$2" "${WELCOME[$1]}"; }
nobodys at_the_hook "$(printf 'bundle\n' | late "$T/agent.sock")"
nobodys at_the_plugin "$(request 'POST /Plugin.Activate' | late "$T/plugin.sock")"
nobodys at_the_front "$(request 'GET /_ping' | late "$T/front.sock")"
has "who is shut out is told" "$(at_the_hook in_the_container)" 'the caller is in a container'
for s in agent plugin; do same "the $s socket is root's by its mode" "$(stat -c %a "$T/$s.sock")" 600; done

# ---- one user holds as many connections as are let in, and says nothing: the others get theirs ----
coproc CROWD { setpriv --reuid 65534 --clear-groups /usr/bin/python3 -c 'import socket, sys
held = []
for i in range(300):
    s = socket.socket(socket.AF_UNIX); s.settimeout(5)
    try: s.connect(sys.argv[1])
    except OSError: break
    held.append(s)
print(len(held), flush=True); sys.stdin.read()' "$T/front.sock"; }
read -r crowd <&"${CROWD[0]}"
claim "one user holds more than there are places ($crowd)" test "$crowd" -gt 256
has "another one is let in all the same" "$(curl -sS --max-time 6 --unix-socket "$T/front.sock" http://d/_ping 2>&1)" 'engine'
kill "$CROWD_PID"; wait "$CROWD_PID" 2>/dev/null

# ---- as a manager starts it, in a mount namespace of its own (ProtectSystem=): people are in that of the host's first process ----
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
confined() { timeout 60 unshare --pid --fork --mount-proc -- bash -c '
	unshare --mount -- lightgate-agent run --state "$1/node1" --socket "$1/own.sock" --docker-front "$1/new/run/front.sock" --docker-engine "$1/engine.sock" >>"$1/agent.log" 2>&1 &
	until [ -S "$1/own.sock" ]; do sleep 0.05; done
	for place in "" "unshare --mount --"; do $place curl -sS --max-time 20 --unix-socket "$1/new/run/front.sock" http://d/_ping; echo; done
	kill %1; wait' confined "$T" 2>&1; }
said=$(confined)
has "people reach the front of an agent that a manager keeps apart" "$(head -1 <<<"$said")" 'the engine does not answer'
has "whoever is apart himself does not" "$(tail -n +2 <<<"$said")" 'the caller is in a container'
done_testing
