# What somebody would try who has a ticket, a host, or the moment between two steps: each is played, and refused.
. "$(dirname "$0")/lib.sh"
AGENT_PID=
clean_up() { [ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null; [ -z "${LG_PID:-}" ] || kill -CONT $(pgrep -P "$LG_PID") "$LG_PID" 2>/dev/null; lg_stop; }
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null; then
	skip "attacks: needs root, runc and busybox"
	done_testing
fi
STALE=4
lg_start "$T/data" --bundles.max_stale=${STALE}s || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
digest=sha256:$(printf '%064d' 7) other=sha256:$(printf '%064d' 8)
lightgate apply -f - >"$T/out" 2>&1 <<YAML || bad "apply: $(cat "$T/out")"
hosts: [{name: node2}]
images: [{name: pinned, projects: [shop], digest: "$digest"}]
YAML
joins node1; joins node2
comes_in alice
start_agent() { # start_agent STATE [PROGRAM...]
	"${@:2}" lightgate-agent run --state "$T/$1" --socket "$T/$1.sock" >>"$T/agent.log" 2>&1 & AGENT_PID=$!
	within test -S "$T/$1.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"
	export LIGHTGATE_AGENT_SOCKET=$T/$1.sock
}
stop_agent() { kill "${1:--TERM}" $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=; rm -f "$LIGHTGATE_AGENT_SOCKET"; }
ticket() { LIGHTGATE_CONFIG=$T/alice lightgate check container:create "Workload/${1:-web}" --host "${2:-node1}" --image "${3:-busybox}" --ticket-out "$T/ticket" >/dev/null || bad "no ticket"; cat "$T/ticket"; }
lg_bundle "$T/b" /bin/echo "it ran"
lg_annotate "$T/b" lightgate.workload web
cp "$T/b/config.json" "$T/ordinary.json"
bundle() { jq --arg t "$1" '(if $t != "" then .annotations["lightgate.ticket"] = $t else . end) | '"${2:-.}" "$T/ordinary.json" >"$T/b/config.json"; }
start() { timeout 60 lightgate-runc --root "$T/runc" run -b "$T/b" "$1" >"$T/out" 2>&1; }
starts() { if start "$2" && grep -q '^it ran' "$T/out"; then ok; else bad "$1: $(cat "$T/out")"; fi; }
refused() { if start "$2"; then bad "$1: it started"; elif grep -q '^it ran' "$T/out"; then bad "$1: it ran"; else has "$1" "$(cat "$T/out")" "$3"; fi; }
as() { curl -sS --cacert "$CA" --cert "$T/$1.pem" --key "$T/$1.key" -H 'Content-Type: application/json' "${@:2}"; }

# ---- tickets ----
start_agent node1
bundle "$(ticket)"
starts "a ticket" c1
refused "the same ticket, same host" c2 'used before'
bundle "$(ticket web node2)"
refused "a ticket for another host" c2 'another host'
facts='{"privileged":false,"host_network":false,"host_pid":false,"host_ipc":false,"shared_namespace":false,"user":"0:0","capabilities":[],"devices":[],"mounts":[],"sensitive_mount":false,"args":[],"hooks":[]}'
admission() { jq -cn --arg t "$1" --arg c "$2" --argjson f "$facts" '{ticket: $t, container: $c, workload: "web", image: "busybox", bundle_sha256: ("0" * 64), container_facts: $f}'; }
has "which that host's own agent would not redeem twice" "$(as node2 "$MTLS/v1/admissions" -d "$(admission "$(ticket web node2)" x1)"; as node2 "$MTLS/v1/admissions" -d "$(admission "$(cat "$T/ticket")" x2)")" '"decision":true.*"decision":false.*used before'
has "a ticket of one host in another's hands" "$(as node2 "$MTLS/v1/admissions" -d "$(admission "$(ticket)" x3)")" '"decision":false'
pinned=$(ticket web node1 pinned)
bundle "$pinned" ".annotations[\"lightgate.image-digest\"] = \"$other\""
refused "a ticket for another image" c3 'the ticket is for image'
bundle "$pinned"
refused "for an image that nobody names" c3 'nothing says of which image'
bundle "$pinned" ".annotations[\"lightgate.image-digest\"] = \"$digest\""
starts "for the image that it is" c3

# ---- one host for another's workload ----
csr=$(openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x 2>/dev/null)
claim_it() { as "$1" "$MTLS/v1/admissions/$2/certificate" -d "$(jq -cn --arg c "$csr" '{csr: $c}')"; }
has "a host gets certificates for what runs on it" "$(claim_it node1 c1)" 'project/shop/workload/web'
has "with a token, where one is wanted" "$(as node1 "$MTLS/v1/admissions/c1/certificate" -d "$(jq -cn --arg c "$csr" '{csr: $c, audience: ["x"]}')" | jq -r .token | cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null)" '"aud":.*"x"'
has "and for nothing that runs elsewhere" "$(claim_it node2 c1)" 'no admission on this host'
has "nor tokens" "$(as node2 "$MTLS/v1/admissions/c1/token" -d '{"audience":["x"]}')" 'no admission on this host'
has "it starts nothing again in another's name" "$(as node2 "$MTLS/v1/admissions/c1/restart" -d "{\"container_facts\":$facts}")" '"decision":false.*no admission'
has "nor enters it" "$(as node2 "$MTLS/v1/admissions/c1/exec" -d "{\"container_facts\":$facts}")" '"decision":false.*no admission'
same "nor ends it" "$(as node2 -o /dev/null -w '%{http_code}' -X POST "$MTLS/v1/admissions/c1/end")" 404
has "a person is no host" "$(lightgate certificate issue --profile workload --key-out "$T/x.key" --cert-out "$T/x.pem" 2>&1)" 'lightgate: '

# ---- a name that is claimed first and given to a workload of another project later ----
LIGHTGATE_CONFIG=$T/alice lightgate check container:create Workload/payments --project shop --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "no ticket for what has no entry"
has "a workload without an entry starts" "$(as node1 "$MTLS/v1/admissions" -d "$(admission "$(cat "$T/ticket")" p1 | jq '.workload = "payments"')")" '"decision":true'
has "it has no identity" "$(claim_it node1 p1)" 'has no entry'
lightgate apply -f - >"$T/out" 2>&1 <<YAML || bad "apply: $(cat "$T/out")"
projects: [{name: treasury}]
workloads: [{name: payments, project: treasury}]
YAML
has "nor that of whoever gets its name" "$(claim_it node1 p1)" 'not admitted for it'
has "nor its tokens" "$(as node1 "$MTLS/v1/admissions/p1/token" -d '{"audience":["x"]}')" 'not admitted for it'
has "nor does it start again as that" "$(as node1 "$MTLS/v1/admissions/p1/restart" -d "{\"container_facts\":$facts}")" '"decision":false.*not admitted for it'
lightgate workload delete payments >/dev/null || bad "delete"
has "which another one of that name does not change" "$(as node1 "$MTLS/v1/admissions/c1/certificate" -d "$(jq -cn --arg c "$csr" '{csr: $c}')")" 'workload/web'

# ---- the bundle between the ticket and the start ----
bundle "$(ticket)"
engine() { timeout 60 lightgate-runc --root "$T/runc" "$@"; }
engine create --bundle "$T/b" c4 </dev/null >"$T/c4" 2>&1 || bad "create: $(cat "$T/c4")"
bundle "" '.process.args = ["/bin/echo", "something else"]'
engine start c4 >/dev/null 2>&1
within grep -q '^it ran' "$T/c4"
has "what is written into the bundle after its creation does not run" "$(cat "$T/c4")" '^it ran'
lacks "nothing else does" "$(cat "$T/c4")" 'something else'
engine delete --force c4 >/dev/null 2>&1
show='.process.args = ["/bin/busybox", "grep", "CapBnd", "/proc/self/status"]'
bundle "$(ticket)" "$show"; plain=$(cat "$T/b/config.json")
starts_with() { start "$1"; sed -n 's/^CapBnd:[^0-9a-f]*//p' "$T/out"; }
usual=$(starts_with c5)
claim "a container sees its capabilities" test -n "$usual"
powerful=$(jq '.process.capabilities.bounding += ["CAP_SYS_ADMIN"]' <<<"$plain")
(while :; do echo "$powerful" >"$T/b/config.json"; echo "$plain" >"$T/b/config.json"; done) & turner=$!
for _ in 1 2 3 4 5 6 7 8; do starts_with c5; done | sort -u >"$T/seen"
kill $turner; wait $turner 2>/dev/null
lacks "a bundle that turns about gives nobody a capability" "$(grep -v "^$usual$" "$T/seen")" '[0-9a-f]'

# ---- access that was lost ----
bundle ""
starts "a later start" c1
lightgate group remove-member shop-operators User/alice >/dev/null || bad "alice leaves"
refused "after access was lost" c1 'no policy permits'
has "nor a new ticket" "$(LIGHTGATE_CONFIG=$T/alice lightgate check container:create Workload/web --host node1 --image busybox 2>&1)" 'deny|no policy'
lightgate group add-member shop-operators User/alice >/dev/null || bad "alice comes back"
starts "when it is back" c1

# ---- the agent is killed in the middle of a decision ----
bundle "$(ticket)"
for p in $(pgrep -P "$LG_PID") ; do kill -STOP "$p"; done
start c6 & starting=$!
asking() { for p in $(pgrep -f 'lightgate-runc hook'); do tr '\0' '\n' <"/proc/$p/environ" | grep -qx "LIGHTGATE_AGENT_SOCKET=$LIGHTGATE_AGENT_SOCKET" && return; done 2>/dev/null; return 1; }
claim "the hook waits for its answer" within asking
stop_agent -KILL
wait $starting
lacks "nothing runs by a decision that nobody made" "$(cat "$T/out")" '^it ran'
for p in $(pgrep -P "$LG_PID"); do kill -CONT "$p"; done
start_agent node1
bundle "$(ticket)"
starts "a new ticket starts it" c6
refused "once" c7 'used before'

# ---- the clock of the host is moved ----
if command -v faketime >/dev/null && [ -x build/bin/lightgate-agent ]; then
	stop_agent
	library=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1)
	echo "+0" >"$T/clock"
	# a preloaded library comes before the sanitizers': the agent that is shipped
	start_agent node1 env "PATH=$PWD/build/bin:$PATH" LD_PRELOAD="$library" FAKETIME_TIMESTAMP_FILE="$T/clock" FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1
	is_fresh() { lightgate-agent status --state "$T/node1" --socket "$T/node1.sock" | grep -q '"fresh":true'; }
	claim "the agent has a bundle" within is_fresh
	bundle ""; starts "before" c1
	bundle "$(ticket)"
	echo "+1d" >"$T/clock"
	refused "set ahead, a ticket's time is over" c8 'expired|the ticket'
	bundle ""
	echo "-1d" >"$T/clock"
	kill -9 $(pgrep -P "$LG_PID") "$LG_PID"; lg_stop	# at once: the host's patience begins
	starts "set back, what was admitted goes on for a while" c1
	sleep $((STALE + 1))
	refused "but no longer than with a clock that is right" c1 'cut off'
	claim "the bundle is as old as it is" test "$(lightgate-agent status --state "$T/node1" --socket "$T/node1.sock" | grep -c '"fresh":false')" = 1
else
	skip "attacks: a clock that is moved needs faketime"
fi
done_testing
