# The way between containers on two hosts: each in a network namespace with its own agent and gate, a cable between them.
if [ -z "${LG_HOST_NS:-}" ] && [ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v nsenter >/dev/null; then
	export LG_HOST_NS=lgh$$
	for n in a b; do ip netns add $LG_HOST_NS$n && ip -n $LG_HOST_NS$n link set lo up; done
	nsenter --net=/run/netns/${LG_HOST_NS}a bash "$0"; rc=$?
	for n in a b; do ip netns del $LG_HOST_NS$n; done
	exit $rc
fi
. "$(dirname "$0")/lib.sh"
AGENTS=() PROXIES=()
clean_up() {
	for c in web thief; do runc --root "$T/runc-a" delete --force "$LG_HOST_NS-$c"; done >/dev/null 2>&1
	runc --root "$T/runc-b" delete --force "$LG_HOST_NS-db" >/dev/null 2>&1
	for p in "${AGENTS[@]}" "${PROXIES[@]}"; do kill "$p"; wait "$p"; done 2>/dev/null
	lg_stop
}
trap clean_up EXIT
for program in runc busybox nsenter nft conntrack socat ip; do
	if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then
		skip "hosts: needs root and $program"
		done_testing
	fi
done
in_() { nsenter --net=/run/netns/$LG_HOST_NS$1 "${@:2}"; }

# ---- two hosts and a cable ----
ip link add cable netns ${LG_HOST_NS}a type veth peer name cable netns ${LG_HOST_NS}b
ip addr add 10.90.0.1/24 dev cable; ip link set cable up
in_ b ip addr add 10.90.0.2/24 dev cable; in_ b ip link set cable up
ip route add 10.77.2.0/24 via 10.90.0.2; in_ b ip route add 10.77.1.0/24 via 10.90.0.1
for n in a b; do in_ $n sysctl -qw net.ipv4.ip_forward=1; done
lg_start "$T/data" || bad "start"
sed '/^policies:/,$d; /^hosts:/,/^[a-z]/{/^hosts:/d;/^  /d}' conf/demo.yaml >"$T/state.yaml"
cat >>"$T/state.yaml" <<'YAML'
hosts:
  - name: node1
    ranges: [10.77.1.0/24]
  - name: node2
    ranges: [10.77.2.0/24]
policies: |
  @id("alice-runs-what-she-likes")
  permit (principal == User::"alice", action in [Action::"container:operate", Action::"container:view"], resource is Workload);
  @id("web-reaches-the-database")
  permit (principal == Workload::"web", action == Action::"connect", resource == Workload::"db")
  when { context has port && context.port == 5432 && context has protocol && context.protocol == "tcp" };
YAML
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" 2>&1 || bad "apply: $(cat "$T/out")"
joins node1; joins node2
for url in "$HTTPS" "$MTLS" "$(lg_ready .https_stream)"; do	# the second host reaches the service through the first's loopback
	port=${url##*:}; port=${port%%/*}
	nsenter --net=/run/netns/${LG_HOST_NS}b socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "EXEC:nsenter --net=/run/netns/${LG_HOST_NS}a socat STDIO TCP\:127.0.0.1\:$port" 2>/dev/null &
	PROXIES+=($!)
done
for host in a1 b2; do
	nsenter --net=/run/netns/$LG_HOST_NS${host%?} lightgate-agent run --state "$T/node${host#?}" --socket "$T/agent${host#?}.sock" --runtime-root "$T/runc-${host%?}" --gate 10.77.0.0/16 >"$T/agent${host#?}.log" 2>&1 &
	AGENTS+=($!)
	within test -S "$T/agent${host#?}.sock" || bad "agent ${host#?}: $(cat "$T/agent${host#?}.log")"
done
comes_in alice
# contain HOST NUMBER WORKLOAD ADDRESS PROGRAM...: a container with an interface of its own, routed
contain() {
	local ns=$1 n=$2 w=$3 at=$4 pid; shift 4
	lg_bundle "$T/$w.d" "$@"
	LIGHTGATE_CONFIG=$T/alice lightgate check container:create "Workload/$w" --host "node$n" --image busybox --ticket-out "$T/ticket" >/dev/null || bad "no ticket for $w"
	lg_annotate "$T/$w.d" lightgate.workload "$w"; lg_annotate "$T/$w.d" lightgate.ticket "$(cat "$T/ticket")"
	LIGHTGATE_AGENT_SOCKET=$T/agent$n.sock in_ "$ns" lightgate-runc --root "$T/runc-$ns" run -d -b "$T/$w.d" "$LG_HOST_NS-$w" </dev/null >"$T/out" 2>&1 || bad "$w: $(cat "$T/out")"
	pid=$(runc --root "$T/runc-$ns" state "$LG_HOST_NS-$w" | jq .pid)
	in_ "$ns" ip link add "v$w" type veth peer name e0 netns "$pid"
	in_ "$ns" ip addr add 169.254.7.1/32 dev "v$w"; in_ "$ns" ip link set "v$w" up; in_ "$ns" ip route add "$at" dev "v$w"
	nsenter --net=/proc/$pid/ns/net sh -c "ip link set lo up; ip addr add $at/32 dev e0; ip link set e0 up; ip route add 169.254.7.1 dev e0; ip route add default via 169.254.7.1"
	PID=$pid
}
mkdir "$T/www"; echo "the database" >"$T/www/index.html"
contain b 2 db 10.77.2.2 /bin/busybox sh -c 'busybox httpd -p 5432 -h /etc; busybox httpd -p 5434 -h /etc; exec busybox sleep 600'; DB_PID=$PID
contain a 1 web 10.77.1.2 /bin/busybox sleep 600; WEB_PID=$PID
get() { nsenter --net=/proc/$1/ns/net curl -sS -m 3 -o /dev/null -w '%{http_code}' "http://$2/x" 2>&1; }
knows() { in_ "$1" nft list set inet lightgate known4 2>/dev/null | grep -qE "[ {]$2[, ]"; }

# ---- each knows the other's ----
claim "the first host's gate knows the database" within knows a 10.77.2.2
claim "the second host's gate knows web" within knows b 10.77.1.2
reaches() { [ "$(get "$WEB_PID" 10.77.2.2:5432)" = 404 ]; }
claim "web reaches the database on the other host" within reaches
begin=$(date +%s%N)
has "at no other port" "$(get "$WEB_PID" 10.77.2.2:5434)" '(refused|reset|Failed)'
prompt "and learns it at once" $((($(date +%s%N) - begin) / 1000000)) 1000
has "the database does not reach web" "$(get "$DB_PID" 10.77.1.2:5432)" '(refused|reset|Failed)'
in_ a nft insert rule inet lightgate forward accept
has "the other end decides too, when this one lets everything through" "$(get "$WEB_PID" 10.77.2.2:5434)" '(refused|reset|Failed)'
in_ a nft delete rule inet lightgate forward handle "$(in_ a nft -a list chain inet lightgate forward | sed -n 's/.*accept # handle \([0-9]*\)$/\1/p' | head -1)"

# ---- a host says what is not its ----
say() { curl -sS --cacert "$CA" --cert "$T/node1.pem" --key "$T/node1.key" -X PUT -H 'Content-Type: application/json' -w '\n%{http_code}' "$MTLS/v1/whereabouts" -d "{\"addresses\":[{\"address\":\"$1\",\"container\":\"$2\"}]}" 2>&1; }
has "another host's address" "$(say 10.77.2.2 "$LG_HOST_NS-web")" 'in no range of this host.*|403'
has "another host's container" "$(say 10.77.1.3 "$LG_HOST_NS-db")" 'no admission on this host'
has "no address" "$(say 10.77.1.300 "$LG_HOST_NS-web")" '400'
claim "nothing of it is believed" reaches
contain a 1 thief 10.77.2.9 /bin/busybox sleep 600
has "an address out of another host's range gets nowhere there" "$(get "$PID" 10.77.2.2:5432)" '(timed out|refused|reset|Failed)'

# ---- whoever sends in another's name, where no bridge is: on to a container, and to the host itself ----
THIEF_PID=$PID
counters() {	# what is sent raw has another window than what a socket sends
	nft "add table inet seen; add chain inet seen in { type filter hook input priority 10; }; add counter inet seen own; add counter inet seen next; add counter inet seen forged
	add rule inet seen in tcp sport 7777 tcp flags & (syn | ack) == syn counter name own; add rule inet seen in tcp sport 7778 tcp window != 1024 tcp flags & psh == psh counter name next
	add rule inet seen in tcp sport 7778 tcp window 1024 counter name forged; add rule inet seen in tcp sport 7779 counter name forged"
}
declare -f counters >"$T/counters"; counters; nsenter --net=/proc/$DB_PID/ns/net bash -c '. "$1"; counters' - "$T/counters"
seen() { ${3:+nsenter --net=/proc/$3/ns/net} nft list counter inet seen "$1" | grep -q "packets $2 "; }
raw() { LINK=e0 nsenter --net=/proc/$1/ns/net python3 tests/e2e/raw-packets.py "${@:2}"; }
end_of() { ip -o link show "$1" | sed 's/.*ether \([0-9a-f:]*\) .*/\1/'; }
WEB_END=$(end_of vweb) THIEF_END=$(end_of vthief) HERE=$(ip -6 -o addr show dev vthief scope link | awk '{ sub("/.*", "", $4); print $4 }')
THIEF_OWN=$(nsenter --net=/proc/$THIEF_PID/ns/net ip -6 -o addr show dev e0 scope link | awk '{ sub("/.*", "", $4); print $4 }')
up() { [ -z "$(ip -6 -o addr show dev vthief tentative)" ]; }
within up
from_web() { raw "$WEB_PID" tcp 10.77.1.2 10.77.2.2 5432 "$WEB_END" 2; raw "$WEB_PID" tcp 10.77.1.2 10.90.0.1 7 "$WEB_END" 2; echo >&"${FLOW[1]}"; }
# A flow that says where it stands, so that another can send what is next; then an octet for each line.
coproc FLOW { nsenter --net=/proc/$WEB_PID/ns/net python3 -c 'import socket, sys
s = socket.socket(); s.bind(("10.77.1.2", 7778)); s.connect(("10.77.2.2", 5432))
repair, queue, seq = 19, 20, 21
s.setsockopt(socket.IPPROTO_TCP, repair, 1); at = []
for side in (2, 1): s.setsockopt(socket.IPPROTO_TCP, queue, side); at.append(s.getsockopt(socket.IPPROTO_TCP, seq) & 0xffffffff)
s.setsockopt(socket.IPPROTO_TCP, repair, -1); print(*at, flush=True)
for line in sys.stdin: s.send(b"x")'; }
read -r SEQ ACK <&"${FLOW[0]}"
from_web
claim "what web sends itself arrives at the database" within seen own 1 "$DB_PID"
claim "within an open flow, too" within seen next 1 "$DB_PID"
claim "and at the host" within seen own 1
raw "$THIEF_PID" tcp6 "$THIEF_OWN" "$HERE" 7 "$THIEF_END" 2
claim "a link's own address reaches the host" within seen own 2
export PORT=7779; raw "$THIEF_PID" tcp 10.77.1.2 10.77.2.2 5432 "$THIEF_END" 2
raw "$THIEF_PID" tcp 10.77.1.2 10.90.0.1 7 "$THIEF_END" 2; raw "$THIEF_PID" tcp6 fd77::9 "$HERE" 7 "$THIEF_END" 2
PORT=7778 raw "$THIEF_PID" tcp 10.77.1.2 10.77.2.2 5432 "$THIEF_END" 24 $((SEQ + 1)) "$ACK"; unset PORT
from_web
claim "what web sends after that arrives, too" within seen own 2 "$DB_PID"
claim "within the flow" within seen next 2 "$DB_PID"
claim "and at the host" within seen own 3
claim "a false source gets nothing through between hosts, as a first packet or the next of an open flow" seen forged 0 "$DB_PID"
claim "nor to the host, by IPv4 or IPv6" seen forged 0
kill $FLOW_PID; wait $FLOW_PID 2>/dev/null
nft delete table inet seen

# ---- what ends ----
cat >"$T/flow.py" <<'PY'
import socket, time
s = socket.create_connection(("10.77.2.2", 5432)); print("up", flush=True)
s.settimeout(60)
try:
	for _ in range(3000):
		s.sendall(b"x"); time.sleep(0.02)
except OSError as e:
	print("cut", e, flush=True)
PY
# cuts WHAT COMMAND...: an open flow does not outlive it by a second
cuts() {
	local what=$1 changed took; shift
	nsenter --net=/proc/$WEB_PID/ns/net python3 "$T/flow.py" >"$T/flow" 2>&1 & flow=$!
	within grep -q up "$T/flow" || bad "no flow: $(cat "$T/flow")"
	"$@" >"$T/out" 2>&1 || bad "$what: $(cat "$T/out")"
	changed=$(date +%s%N)
	wait $flow
	took=$((($(date +%s%N) - changed) / 1000000))
	has "$what cuts the flow between hosts" "$(cat "$T/flow")" '^cut'
	prompt "within a second" $took 1000
}
lightgate policy show >"$T/before.cedar" 2>/dev/null
sed '/web-reaches-the-database/,$d' "$T/before.cedar" >"$T/policies.cedar"
cuts "a policy change" lightgate policy activate -f "$T/policies.cedar"
lightgate policy activate -f "$T/before.cedar" >"$T/out" 2>&1 || bad "activate: $(cat "$T/out")"
claim "what is allowed again is reached again" within reaches
cuts "a workload's entry that is taken away" lightgate workload delete web
has "nothing new begins either" "$(get "$WEB_PID" 10.77.2.2:5432)" '(refused|reset|Failed)'
runc --root "$T/runc-b" delete --force "$LG_HOST_NS-db"
LIGHTGATE_AGENT_SOCKET=$T/agent2.sock lightgate-agent end "$LG_HOST_NS-db" --socket "$T/agent2.sock" >/dev/null 2>&1
gone() { ! knows a 10.77.2.2; }
claim "a container that ended is nobody's on the other host" within gone
for p in "${AGENTS[@]}"; do kill "$p"; wait "$p"; done 2>/dev/null
AGENTS=()
done_testing
