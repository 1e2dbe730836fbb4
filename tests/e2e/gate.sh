# The way between containers: a real engine, real packets, in a network namespace of the test's own.
if [ -z "${LG_GATE_NS:-}" ] && [ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v nsenter >/dev/null; then
	export LG_GATE_NS=lgg$$
	ip netns add "$LG_GATE_NS" && ip -n "$LG_GATE_NS" link set lo up
	nsenter --net=/run/netns/"$LG_GATE_NS" bash "$0"; rc=$?
	ip netns del "$LG_GATE_NS"
	exit $rc
fi
. "$(dirname "$0")/lib.sh"
AGENT_PID= ENGINE_PID= D=
clean_up() {
	[ -z "$ENGINE_PID" ] || { kill "$ENGINE_PID" 2>/dev/null; wait "$ENGINE_PID" 2>/dev/null; }
	[ -z "$D" ] || { umount "$D/exec/netns/default"; umount -R "$D/data"; } 2>/dev/null
	[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
	lg_stop
}
trap clean_up EXIT
for program in dockerd docker runc busybox nsenter nft conntrack iptables; do
	if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then
		skip "gate: needs root and $program"
		done_testing
	fi
done

lg_start "$T/data" || bad "start"
D=$T/engine; mkdir -p "$D/plugins" "$D/rootfs/bin" "$T/run"
sed '/^policies:/,$d' conf/demo.yaml >"$T/state.yaml"
cat >>"$T/state.yaml" <<'YAML'
policies: |
  @id("hosts-run-what-they-like")
  permit (principal is Host, action in [Action::"container:operate", Action::"container:view"], resource is Workload);
  @id("hosts-see-to-themselves")
  permit (principal is Host, action in [Action::"engine:view", Action::"engine:administer", Action::"image:build"], resource is Host);

  @id("web-reaches-the-database")
  permit (principal == Workload::"web", action == Action::"connect", resource == Workload::"db")
  when { context has port && context.port == 5432 && context has protocol && context.protocol == "tcp" };

  @id("web-in-our-time")
  permit (principal == Workload::"web", action == Action::"connect", resource == Workload::"db")
  when { context has port && context.port == 5433 && context.now > datetime("2020-01-01") };
YAML
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" 2>&1 || bad "apply: $(cat "$T/out")"
joins node1

export LIGHTGATE_AGENT_SOCKET=$T/run/agent.sock
nft -f - <<'NFT'
table inet somebody {
	chain forward {
		type filter hook forward priority 10; policy accept;
		counter comment "not ours"
	}
}
NFT
start_agent() {
	lightgate-agent run --state "$T/node1" --socket "$T/run/agent.sock" --docker-plugin "$D/plugins/lightgate.sock" \
		--docker-front "$T/run/docker.sock" --docker-engine "$D/docker.sock" --gate 172.30.78.0/24,fd78::/64 >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	within test -S "$T/run/docker.sock"
}
start_agent || { bad "the agent does not listen: $(cat "$T/agent.log")"; done_testing; }
setsid unshare -m --propagation private bash -c '
	echo 1 >/proc/sys/net/ipv4/ip_forward
	mount -t tmpfs none /run; mkdir -p /run/docker/plugins; mount --bind "$1/plugins" /run/docker/plugins
	exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/dockerd.pid" --host "unix://$1/docker.sock" \
		--storage-driver vfs --bip 172.30.78.1/24 --ipv6 --fixed-cidr-v6 fd78::/64 --userland-proxy=false \
		--add-runtime "lightgate-runc=$2" --default-runtime lightgate-runc --authorization-plugin=lightgate' \
	engine "$D" "$LG_BIN/lightgate-runc" >"$T/dockerd.log" 2>&1 </dev/null &
ENGINE_PID=$!
within curl -sf --unix-socket "$D/docker.sock" http://d/_ping || { bad "dockerd: $(tail -3 "$T/dockerd.log")"; done_testing; }
engine() { docker -H "unix://$T/run/docker.sock" "$@" 2>&1; }
cp "$(command -v busybox)" "$D/rootfs/bin/busybox"
for a in sh httpd sleep ping; do ln -s busybox "$D/rootfs/bin/$a"; done
mkdir "$D/rootfs/www"; echo "the database" >"$D/rootfs/www/index.html"
tar -C "$D/rootfs" -c . | engine import - busybox >"$T/out" 2>&1 || bad "import: $(cat "$T/out")"
serve='for p in 5432 5433 5434; do httpd -p $p -h /www; httpd -p [::]:$p -h /www 2>/dev/null; done; sleep 600'
engine run -d --stop-signal KILL --name db busybox sh -c "$serve" >"$T/out" || bad "db: $(cat "$T/out")"
engine run -d --stop-signal KILL --name web busybox sleep 600 >"$T/out" || bad "web: $(cat "$T/out")"
engine run -d --stop-signal KILL --name admin busybox sleep 600 >"$T/out" || bad "admin: $(cat "$T/out")"
pid_of() { engine inspect -f '{{.State.Pid}}' "$1"; }
ip_of() { engine inspect -f '{{.NetworkSettings.IPAddress}}' "$1"; }
DB=$(ip_of db) WEB=$(ip_of web) WEB_PID=$(pid_of web) ADMIN_PID=$(pid_of admin) DB_PID=$(pid_of db)
DB6=$(engine inspect -f '{{.NetworkSettings.GlobalIPv6Address}}' db)
from() { nsenter --net=/proc/$1/ns/net "${@:2}"; }
get() { from "$1" curl -sS -m 3 -o /dev/null -w '%{http_code}' "http://$2/" 2>&1; }
known() { nft list set inet lightgate known4 | grep -q "$1"; }
within known "$DB" && within known "$WEB" || bad "the gate does not know the containers: $(nft list set inet lightgate known4)"

# ---- what is allowed ----
listens() { curl -sS -m 2 -o /dev/null "http://$DB:$1/"; }
within listens 5432 && within listens 5433 && within listens 5434 || bad "the database does not listen: $(engine logs db)"
reaches() { [ "$(get "$WEB_PID" "$DB:5432")" = 200 ]; }
within reaches
same "web reaches the database at its port" "$(get "$WEB_PID" "$DB:5432")" 200
begin=$(date +%s%N)
has "web does not reach another port" "$(get "$WEB_PID" "$DB:5434")" '(refused|reset|Failed)'
claim "and learns it at once" test $((($(date +%s%N) - begin) / 1000000)) -lt 1000
has "admin does not reach the database" "$(get "$ADMIN_PID" "$DB:5432")" '(refused|reset|Failed)'
has "the database does not reach web" "$(get "$DB_PID" "$WEB:5432")" '(refused|reset|Failed)'
same "what the time decides is asked, and allowed" "$(get "$WEB_PID" "$DB:5433")" 200
kept() { get "$WEB_PID" "$DB:5433"; nft 2>/dev/null list set inet lightgate learned4 | grep -q "$WEB . $DB . tcp . 5433"; }
claim "and kept for a while" within kept
has "admin may not, at that port" "$(get "$ADMIN_PID" "$DB:5433")" '(refused|reset|Failed)'
has "no policy speaks of ping" "$(from "$WEB_PID" busybox ping -c 1 -W 1 "$DB" 2>&1)" '(filtered|prohibited|100% packet loss)'
[ -z "$DB6" ] || has "nor of admin by IPv6" "$(get "$ADMIN_PID" "[$DB6]:5432")" '(refused|reset|Failed|unreach|denied)'
[ -z "$DB6" ] || same "web by IPv6" "$(get "$WEB_PID" "[$DB6]:5432")" 200
has "the rules of others are untouched" "$(nft 2>/dev/null list table inet somebody)" 'not ours'

# ---- who is somebody ----
from "$ADMIN_PID" ip addr add "$WEB/32" dev eth0 2>/dev/null
has "a borrowed address gets nowhere" "$(from "$ADMIN_PID" curl -sS -m 2 --interface "$WEB" -o /dev/null -w '%{http_code}' "http://$DB:5432/" 2>&1)" '(timed out|refused|reset|Failed)'
from "$ADMIN_PID" ip addr del "$WEB/32" dev eth0 2>/dev/null
from "$ADMIN_PID" ip addr add 172.30.78.99/24 dev eth0
has "nor does an address that is nobody's" "$(from "$ADMIN_PID" curl -sS -m 2 --interface 172.30.78.99 -o /dev/null -w '%{http_code}' "http://$DB:5432/" 2>&1)" '(timed out|refused|reset|Failed)'

# ---- a policy changes ----
from "$WEB_PID" python3 - "$DB" >"$T/flow" 2>&1 <<'PY' & flow=$!
import socket, sys, time
s = socket.create_connection((sys.argv[1], 5432)); print("up", flush=True)
s.settimeout(8)
try:
	while True:
		s.sendall(b"x"); time.sleep(0.02)
except OSError as e:
	print("cut", e, flush=True)
PY
within grep -q up "$T/flow" || bad "no flow: $(cat "$T/flow")"
has "the flow is tracked" "$(conntrack -L -s "$WEB" -d "$DB" 2>/dev/null)" 'ESTABLISHED'
sed -i '/web-reaches-the-database/,/^$/d' "$T/state.yaml"
sign_in_admin
lightgate policy show >"$T/policies.cedar" 2>/dev/null
python3 - "$T/policies.cedar" <<'PY'
import re, sys
p = sys.argv[1]; s = open(p).read()
s = re.sub(r'@id\("web-reaches-the-database"\).*?;\n', '', s, flags=re.S)
open(p, "w").write(s)
PY
lightgate policy activate -f "$T/policies.cedar" >"$T/out" 2>&1 || bad "activate: $(cat "$T/out")"
changed=$(date +%s%N)
wait $flow
took=$((($(date +%s%N) - changed) / 1000000))
has "a policy change cuts the flow that it forbids" "$(cat "$T/flow")" '^cut'
claim "within a second ($took ms)" test $took -lt 1000
has "and no new one begins" "$(get "$WEB_PID" "$DB:5432")" '(refused|reset|Failed)'
same "what is allowed still is" "$(get "$WEB_PID" "$DB:5433")" 200

# ---- containers come and go ----
engine rm -f db >/dev/null
gone() { ! known "$DB"; }
claim "an address that its container left is nobody's" within gone
has "the next packet to it is refused" "$(get "$WEB_PID" "$DB:5433")" '(refused|reset|Failed|timed out|unreach)'

# ---- somebody clears the rules ----
nft delete table inet lightgate; nft delete table bridge lightgate
back() { known "$WEB" && nft list chain bridge lightgate from 2>/dev/null | grep -q own4; }
claim "a table that somebody took away is back at once" within back

# ---- the agent goes ----
engine run -d --stop-signal KILL --name db busybox sh -c "$serve" >"$T/out" || bad "db again: $(cat "$T/out")"
DB=$(ip_of db)
within known "$DB"
again() { [ "$(get "$WEB_PID" "$DB:5433")" = 200 ]; }
claim "a container that comes back under its name is reached" within again
kill -9 $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
has "the table outlives the agent" "$(nft 2>/dev/null list table inet lightgate)" 'nobody confirms'
has "with its end in sight" "$(nft 2>/dev/null list set inet lightgate alive)" 'expires'
nft flush set inet lightgate alive
has "when its time is over nothing passes" "$(get "$WEB_PID" "$DB:5433")" '(timed out|Failed)'
start_agent || bad "the agent does not come back"
claim "the agent takes up what runs" within again || { get "$WEB_PID" "$DB:5433"; nft list ruleset; }
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
claim "open-gate" lightgate-agent open-gate
lacks "takes the rules away, and only ours" "$(nft 2>/dev/null list ruleset)" 'table (inet|bridge) lightgate'
has "others' stay" "$(nft 2>/dev/null list ruleset)" 'not ours'
done_testing
