# The way between containers: a real engine, real packets, in a network namespace of the test's own.
if [ -z "${LG_GATE_NS:-}" ] && [ "$(id -u)" = 0 ] && command -v ip >/dev/null && command -v nsenter >/dev/null; then
	export LG_GATE_NS=lgg$$
	ip netns add "$LG_GATE_NS" && ip -n "$LG_GATE_NS" link set lo up
	nsenter --net=/run/netns/"$LG_GATE_NS" bash "$0"; rc=$?
	ip netns del "$LG_GATE_NS"
	exit $rc
fi
. "$(dirname "$0")/lib.sh"
AGENT_PID= ENGINE_PID= D= SHM=
clean_up() {
	engine_ends "$D" "$ENGINE_PID"
	[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
	[ -z "$SHM" ] || rm -rf "$SHM"
	lg_stop
}
trap clean_up EXIT
for program in dockerd docker runc busybox nsenter nft conntrack iptables; do
	if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then
		skip "gate: needs root and $program"
		done_testing
	fi
done

SHM=$(mktemp -d /dev/shm/lg-e2e.XXXXXX)
STALE=10
lg_start "$T/data" --bundles.max_stale=${STALE}s || bad "start"
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

  @id("web-knocks-in-our-time")
  permit (principal == Workload::"web", action == Action::"connect", resource == Workload::"db")
  when { context has protocol && context.protocol == "icmp" && context.now > datetime("2020-01-01") };

  @id("the-database-in-the-past")
  permit (principal == Workload::"db", action == Action::"connect", resource == Workload::"web")
  when { context has port && context.port == 5435 && context.now < datetime("2020-01-01") };
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
start_agent() { # [PROGRAM...]
	"$@" lightgate-agent run --state "$T/node1" --socket "$T/run/agent.sock" --docker-plugin "$D/plugins/lightgate.sock" \
		--docker-front "$T/run/docker.sock" --docker-engine "$D/docker.sock" --gate 172.30.78.0/24,fd78::/64 \
		--identities "$SHM/ids" >>"$T/agent.log" 2>&1 &
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
gets() { [ "$(get "$WEB_PID" "$1")" = 200 ]; }
known() { nft list set inet lightgate known4 | grep -q "$1"; }
within known "$DB" && within known "$WEB" || bad "the gate does not know the containers: $(nft list set inet lightgate known4)"

# ---- what is allowed ----
listens() { curl -sS -m 2 -o /dev/null "http://$DB:$1/"; }
within listens 5432 && within listens 5433 && within listens 5434 || bad "the database does not listen: $(engine logs db)"
claim "web reaches the database at its port" within gets "$DB:5432"
begin=$(date +%s%N)
has "web does not reach another port" "$(get "$WEB_PID" "$DB:5434")" '(refused|reset|Failed)'
prompt "and learns it at once" $((($(date +%s%N) - begin) / 1000000)) 1000
has "admin does not reach the database" "$(get "$ADMIN_PID" "$DB:5432")" '(refused|reset|Failed)'
has "the database does not reach web" "$(get "$DB_PID" "$WEB:5432")" '(refused|reset|Failed)'
claim "what the time decides is asked, and allowed" within gets "$DB:5433"
kept() { get "$WEB_PID" "$DB:5433"; nft 2>/dev/null list set inet lightgate learned4 | grep -q "$WEB . $DB . tcp . 5433"; }
claim "and kept for a while" within kept
has "admin may not, at that port" "$(get "$ADMIN_PID" "$DB:5433")" '(refused|reset|Failed)'
has "no policy speaks of admin's ping" "$(from "$ADMIN_PID" busybox ping -c 1 -W 1 "$DB" 2>&1)" '(filtered|prohibited|100% packet loss)'
has "of web's the time decides" "$(from "$WEB_PID" busybox ping -c 1 -W 5 "$DB" 2>&1)" ' 0% packet loss'
echoes() { nft 2>/dev/null list set inet lightgate echoes4 | grep -q "$WEB . $DB . icmp timeout"; }
claim "which is kept, too" within echoes
[ -z "$DB6" ] || has "nor of admin by IPv6" "$(get "$ADMIN_PID" "[$DB6]:5432")" '(refused|reset|Failed|unreach|denied)'
[ -z "$DB6" ] || claim "web by IPv6" within gets "[$DB6]:5432"
try() { from "$DB_PID" python3 -c 'import socket, sys
for _ in range(int(sys.argv[2])):
	s = socket.socket(); s.settimeout(2)
	if s.connect_ex((sys.argv[1], 5435)) == 0: print("reached")' "$WEB" "$1"; }
begin=$SECONDS
same "what the time forbids is asked, and refused each time" "$(try 100)" ""
claim "the log tells of it without being filled" test "$(grep -c 'db does not reach web' "$T/agent.log")" -le $((10 * (SECONDS - begin + 2)))
counted() { try 60; grep -q 'more connections were refused within a second' "$T/agent.log"; }
claim "and says how many more there were" within counted
on_record "what the maps refuse is on the service's record" 'Workload/admin +connect +Workload/db +deny: decided by the host .5432/tcp.: no policy.* Host/node1 ' --operation connect --host node1
on_record "so is what the queue allows" 'Workload/web +connect +Workload/db +permit +web-in-our-time +Host/node1 ' --operation connect --actor web
on_record "and what it refuses" 'Workload/db +connect +Workload/web +deny: decided by the host .5435/tcp.: ' --operation connect --target Workload/web
claim "which is one record and not a hundred" test "$(grep -c 5435/tcp "$T/record")" = 1
from "$ADMIN_PID" python3 -c 'import socket, sys
for port in range(6000, 6500): socket.socket().connect_ex((sys.argv[1], port))' "$DB"
on_record "a scan of ports is on record" 'decided by the host .60[0-9][0-9]/tcp' --operation connect --actor admin
claim "in few lines" test "$(lightgate audit list --operation connect --actor admin --limit 1000 | wc -l)" -le 20
has "the rules of others are untouched" "$(nft 2>/dev/null list table inet somebody)" 'not ours'

# ---- who is somebody ----
from "$ADMIN_PID" ip addr add "$WEB/32" dev eth0 2>/dev/null
has "a borrowed address gets nowhere" "$(from "$ADMIN_PID" curl -sS -m 2 --interface "$WEB" -o /dev/null -w '%{http_code}' "http://$DB:5432/" 2>&1)" '(timed out|refused|reset|Failed)'
from "$ADMIN_PID" ip addr del "$WEB/32" dev eth0 2>/dev/null
from "$ADMIN_PID" ip addr add 172.30.78.99/24 dev eth0
has "nor does an address that is nobody's" "$(from "$ADMIN_PID" curl -sS -m 2 --interface 172.30.78.99 -o /dev/null -w '%{http_code}' "http://$DB:5432/" 2>&1)" '(timed out|refused|reset|Failed)'

# ---- packets that nobody's program would send ----
from "$ADMIN_PID" ip addr del 172.30.78.99/24 dev eth0
WEB6=$(engine inspect -f '{{.NetworkSettings.GlobalIPv6Address}}' web)
link_local() { from "$1" ip -6 -o addr show dev eth0 scope link | awk '{ sub("/.*", "", $4); print $4 }'; }
from "$DB_PID" nft -f - <<NFT
table inet seen {
	counter whole { }
	counter pieces { }
	counter false { }
	counter others { }
	counter local { }
	counter everybody { }
	chain in {
		type filter hook input priority 0;
		ip saddr $WEB udp dport 5433 counter name whole
		ip saddr $WEB udp dport 5434 counter name pieces
		tcp sport 7777 counter name false
		meta l4proto { 47, 132 } counter name others
		ip6 saddr fe80::/10 meta l4proto { tcp, udp } counter name local
		meta pkttype { broadcast, multicast } meta l4proto udp counter name everybody
	}
}
NFT
seen() { from "$DB_PID" nft list counter inet seen "$1" | sed -n 's/.*packets \([0-9]*\) .*/\1/p'; }
arrived() { [ "$(seen "$1")" -ge "${2:-1}" ]; }
raw() { from "$1" python3 tests/e2e/raw-packets.py "${@:2}"; }
mac_of() { from "$1" ip -o link show eth0 | sed 's/.*ether \([0-9a-f:]*\) .*/\1/'; }
DB_MAC=$(mac_of "$DB_PID")
raw "$WEB_PID" pieces "$WEB" "$DB" 5434
raw "$WEB_PID" pieces "$WEB" "$DB" 5433
claim "a first packet in fragments is put together, asked about, and passes where that is allowed" within arrived whole
same "and nowhere else" "$(seen pieces)" 0
raw "$WEB_PID" tcp "$WEB" "$DB" 5432 "$DB_MAC" 2
claim "what web sends from its own address arrives" within arrived false
before=$(seen false)
raw "$ADMIN_PID" tcp "$WEB" "$DB" 5432 "$DB_MAC" 2; raw "$ADMIN_PID" tcp "$WEB" "$DB" 5432 "$DB_MAC" 4	# a SYN; a RST into that flow
raw "$ADMIN_PID" tcp6 "$WEB6" "$DB6" 5432 "$DB_MAC" 2
raw "$ADMIN_PID" arp "$WEB" "$DB" "$DB_MAC"
get "$WEB_PID" "[$DB6]:5432" >/dev/null
raw "$ADMIN_PID" advert "$WEB6" "$DB6" "$DB_MAC" "$(link_local "$ADMIN_PID")"
raw "$WEB_PID" protocol "$WEB" "$DB" 132; raw "$WEB_PID" protocol "$WEB" "$DB" 47
raw "$ADMIN_PID" udp - "$(link_local "$DB_PID")%eth0" 5432
raw "$ADMIN_PID" udp - 255.255.255.255 5432; raw "$ADMIN_PID" udp - 224.0.0.251 5353; raw "$ADMIN_PID" udp - ff02::1%eth0 5353
raw "$WEB_PID" pieces "$WEB" "$DB" 5433
has "db knows where web is" "$(from "$DB_PID" ip neigh)" "$WEB .*$(mac_of "$WEB_PID")"
has "by IPv6, too" "$(from "$DB_PID" ip neigh)" "$WEB6 .*$(mac_of "$WEB_PID")"
claim "what is sent after all that arrives" within arrived whole 2
same "a false source gets no packet through, by IPv4 or IPv6, into an open flow or a new one" "$(seen false)" "$before"
same "nor does a protocol that policies have no word for (SCTP, GRE)" "$(seen others)" 0
same "nor a link's own address (fe80::)" "$(seen local)" 0
same "nor what is sent to everybody" "$(seen everybody)" 0
lacks "nobody is told that web has moved" "$(from "$DB_PID" ip neigh)" "($WEB|$WEB6) .*$(mac_of "$ADMIN_PID")"
has "the door counts what it dropped" "$(nft 2>/dev/null list chain bridge lightgate from)" 'counter packets [1-9][0-9]* bytes [0-9]+ drop$'
has "what it was told of others' addresses, too" "$(nft 2>/dev/null list chain bridge lightgate from)" 'counter packets [1-9][0-9]* bytes [0-9]+ drop comment "not its address"'
# what came to the bridge by no door of ours: a port of nobody's, that would be web, and then the database
unshare --net sleep 600 & STRAY_PID=$!
other_net() { [ "$(readlink /proc/$STRAY_PID/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
within other_net && ip link add stray type veth peer name eth0 netns $STRAY_PID && ip link set stray master docker0 up || bad "no stray"
be() { # be PID ADDRESS ADDRESS6
	from $STRAY_PID ip link set eth0 down; from $STRAY_PID ip addr flush dev eth0
	from $STRAY_PID ip link set eth0 address "$(mac_of "$1")" up
	from $STRAY_PID ip addr add "$2/24" dev eth0; from $STRAY_PID ip addr add "$3/64" dev eth0 nodad
}
forwards() { bridge link show dev stray | grep -q forwarding; }
be "$WEB_PID" "$WEB" "$WEB6"; within forwards || bad "the stray's port does not come up"
for at in "$DB" "[$DB6]"; do has "whoever stands at a port that is no container's is not web" "$(from $STRAY_PID curl -sS -m 1 "http://$at:5432/" 2>&1)" '(timed out|Failed)'; done
from $STRAY_PID ip link set eth0 address 02:00:00:00:00:01
raw $STRAY_PID arp "$WEB" "$DB" "$DB_MAC"; raw $STRAY_PID advert "$WEB6" "$DB6" "$DB_MAC" "$(link_local $STRAY_PID)"
be "$DB_PID" "$DB" "$DB6"
nsenter --net=/proc/$STRAY_PID/ns/net python3 -c 'import socket
s = socket.create_server(("", 5432), family=socket.AF_INET6, dualstack_ipv6=True); print("listens", flush=True); s.accept(); print("came", flush=True)' >"$T/stray" & LISTENER=$!
within grep -q listens "$T/stray" || bad "the stray does not listen"
raw $STRAY_PID udp - 255.255.255.255 9		# the bridge believes now that the database is there
get "$WEB_PID" "$DB:5432" >/dev/null; get "$WEB_PID" "[$DB6]:5432" >/dev/null
lacks "nor does it get what is for the database" "$(cat "$T/stray")" came
lacks "and nobody was told that web is there" "$(from "$DB_PID" ip neigh)" "($WEB|$WEB6) .*02:00:00:00:00:01"
has "the door counts that, too" "$(nft 2>/dev/null list chain bridge lightgate strangers)" 'counter packets [1-9]'
kill $LISTENER; ip link del stray; kill $STRAY_PID; wait $LISTENER $STRAY_PID 2>/dev/null
raw "$DB_PID" udp - 255.255.255.255 9
claim "without it all is as before" within gets "$DB:5432"
refusal() { from "$1" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect((sys.argv[1], 5434)); s.send(b"x")
try: s.recv(1)
except OSError as e: print(e)' "$2"; }
has "a datagram is refused with a word" "$(refusal "$WEB_PID" "$DB")" '(No route|refused|prohibited|unreachable|Permission)'
has "by IPv6, too" "$(refusal "$WEB_PID" "$DB6")" '(No route|refused|prohibited|unreachable|Permission)'

# ---- a certificate is revoked, a policy changes ----
cat >"$T/flow.py" <<'PY'
import socket, sys, time
s = socket.create_connection((sys.argv[1], 5432)); print("up", flush=True)
s.settimeout(60)
try:
	for _ in range(3000):
		if sys.argv[2] == "waits": s.recv(1); break
		s.sendall(b"x"); time.sleep(0.02)
except OSError as e:
	print("cut", e, flush=True)
PY
from "$WEB_PID" python3 "$T/flow.py" "$DB" waits >"$T/flow0" 2>&1 & flow=$!
within grep -q up "$T/flow0" || bad "no flow: $(cat "$T/flow0")"
lightgate certificate revoke --subject Workload/web >"$T/out" 2>&1 || bad "revoke: $(cat "$T/out")"
changed=$(date +%s%N)
wait $flow
took=$((($(date +%s%N) - changed) / 1000000))
has "a certificate that is revoked cuts the flow of its container" "$(cat "$T/flow0")" '^cut.*abort'
prompt "within a second" $took 1000
claim "which has another, and is as before" within gets "$DB:5432"
from "$WEB_PID" python3 "$T/flow.py" "$DB" sends >"$T/flow" 2>&1 & flow=$!
from "$WEB_PID" python3 "$T/flow.py" "$DB" waits >"$T/flow4" 2>&1 & flows=$!
from "$WEB_PID" python3 "$T/flow.py" "$DB6" waits >"$T/flow6" 2>&1 & flows+=" $!"
up() { [ "$(cat "$T/flow" "$T/flow4" "$T/flow6" | grep -c up)" = 3 ]; }
within up || bad "no flow: $(cat "$T/flow" "$T/flow4" "$T/flow6")"
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
wait $flow $flows
took=$((($(date +%s%N) - changed) / 1000000))
has "a policy change cuts the flow that it forbids" "$(cat "$T/flow")" '^cut'
has "whoever only waits hears of it" "$(cat "$T/flow4")" '^cut.*abort'
has "by IPv6, too" "$(cat "$T/flow6")" '^cut.*abort'
prompt "within a second" $took 1000
has "and no new one begins" "$(get "$WEB_PID" "$DB:5432")" '(refused|reset|Failed)'
claim "what is allowed still is" within gets "$DB:5433"
newer() { [ "$(nft list set inet lightgate generation)" != "$before" ]; }
activates() { before=$(nft list set inet lightgate generation); lightgate policy activate -f "$1" >"$T/out" 2>&1 || bad "activate: $(cat "$T/out")"; within newer; }
sed '/web-in-our-time/,/;/s/2020/2099/' "$T/policies.cedar" >"$T/later.cedar"
activates "$T/later.cedar"
has "what the time allowed, and is kept, is asked again after a change" "$(get "$WEB_PID" "$DB:5433")" '(refused|reset|Failed)'
activates "$T/policies.cedar"

# ---- containers come and go ----
engine rm -f db >/dev/null
gone() { ! known "$DB"; }
claim "an address that its container left is nobody's" within gone
has "the next packet to it is refused" "$(get "$WEB_PID" "$DB:5433")" '(refused|reset|Failed|timed out|unreach)'

# ---- an address that comes again ----
from "$ADMIN_PID" ip addr add "$DB/32" dev eth0
taken() { nft list set bridge lightgate own4 2>/dev/null | grep -q ". $DB"; }
claim "an address that another container takes up is the other's" within taken
has "with the other's rights" "$(get "$WEB_PID" "$DB:5433")" '(refused|reset|Failed|prohibited)'
from "$ADMIN_PID" ip addr del "$DB/32" dev eth0
free() { ! taken; }
within free || bad "$DB is somebody's still"

# ---- somebody clears the rules ----
nft delete table inet lightgate; nft delete table bridge lightgate
back() { known "$WEB" && nft list chain bridge lightgate from 2>/dev/null | grep -q own4; }
claim "a table that somebody took away is back at once" within back

# ---- the agent goes ----
engine run -d --stop-signal KILL --name db -p 8081:5433 busybox sh -c "$serve" >"$T/out" || bad "db again: $(cat "$T/out")"
DB=$(ip_of db)
within known "$DB"
claim "a container that comes back under its name is reached" within gets "$DB:5433"
claim "a published port is the container's own, for whom policy allows it" within gets 172.30.78.1:8081
has "and for whom it does not" "$(from "$ADMIN_PID" curl -sS -m 1 http://172.30.78.1:8081/ 2>&1)" '(timed out|refused|reset|Failed)'
rm "$T/flow"		# which says "up" of an earlier one
from "$WEB_PID" python3 - "$DB" "$T/closed" >"$T/flow" 2>&1 <<'PY' & flow=$!
import os, socket, sys, time
s = socket.create_connection((sys.argv[1], 5433)); s.settimeout(2); print("up", flush=True)
while not os.path.exists(sys.argv[2]): time.sleep(0.05)
s.sendall(b"GET / HTTP/1.0\r\n\r\n")
try: print(s.recv(1))
except OSError as e: print("silent", e)
PY
within grep -q up "$T/flow" || bad "no flow: $(cat "$T/flow")"
nft flush set inet lightgate learned4; conntrack -D -p tcp --dport 5433 -s "$WEB" --state TIME_WAIT >/dev/null 2>&1
kill -STOP $AGENT_PID; get "$WEB_PID" "$DB:5433" >"$T/waits" & waits=$!
asks() { awk '$1 >= 27207 { waiting += $3 } END { exit !(waiting > 0) }' /proc/net/netfilter/nfnetlink_queue; }
claim "a first packet waits for its decision" within asks
kill -9 $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=; killed=$(date +%s%N)
wait $waits
has "an agent that is killed in the middle of a decision lets nothing through" "$(cat "$T/waits")" '(timed out|Failed)'
has "the table outlives the agent" "$(nft 2>/dev/null list table inet lightgate)" 'nobody confirms'
has "with its end in sight" "$(nft 2>/dev/null list set inet lightgate alive)" 'expires'
closed() { ! nft list set inet lightgate alive | grep -q expires; }
claim "the kernel closes by itself" within closed
prompt "when nobody confirmed for max_stale" $((($(date +%s%N) - killed) / 1000000 - STALE * 1000)) 500
touch "$T/closed"; wait $flow
has "then an open connection hears nothing more" "$(cat "$T/flow")" 'silent'
has "and nothing new passes" "$(get "$WEB_PID" "$DB:5433")" '(timed out|Failed)'
CLOCK=()
if command -v faketime >/dev/null && [ -x build/bin/lightgate-agent ]; then	# a preloaded library comes before the sanitizers': the agent that is shipped
	CLOCK=(env "PATH=$PWD/build/bin:$PATH" "LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1)" "FAKETIME_TIMESTAMP_FILE=$T/clock" FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1)
	echo "+0" >"$T/clock"
fi
start_agent "${CLOCK[@]}" || bad "the agent does not come back"
claim "the agent takes up what runs" within gets "$DB:5433" || { get "$WEB_PID" "$DB:5433"; nft list ruleset; }

# ---- the clock of the host is moved ----
if [ ${#CLOCK[@]} -gt 0 ]; then
	promised() { nft list set inet lightgate alive | sed -n 's/.*ipv4 timeout \([0-9a-z]*\) expires.*/\1/p'; }
	renewed() { [ -n "$(promised)" ] && [ "$(promised)" != "$before" ]; }
	before=$(promised)
	echo "+2h" >"$T/clock"
	claim "the clock set ahead, the agent goes on" within renewed
	claim "what is allowed still is" within gets "$DB:5433"
	has "and the kernel is promised no more than max_stale" "$(promised)" '^(10s|[0-9]s)'
	echo "-1d" >"$T/clock"; lg_stop; stopped=$(date +%s%N)
	claim "set back while nobody confirms, the kernel closes all the same" within closed
	prompt "when nobody confirmed for max_stale" $((($(date +%s%N) - stopped) / 1000000 - STALE * 1000)) 500
	has "and nothing new passes" "$(get "$WEB_PID" "$DB:5433")" '(timed out|Failed)'
else
	skip "gate: a clock that is moved needs faketime"
fi
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
has "what it could not tell waits" "$(cat "$T/node1/decisions")" '"count":[0-9]+,.*"action":"connect","decision":false'
claim "open-gate" lightgate-agent open-gate
lacks "takes the rules away, and only ours" "$(nft 2>/dev/null list ruleset)" 'table (inet|bridge) lightgate'
has "others' stay" "$(nft 2>/dev/null list ruleset)" 'not ours'
done_testing
