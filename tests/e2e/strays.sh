# What runs on a host without an admission is seen, reported and killed; what is gone keeps no admission.
. "$(dirname "$0")/lib.sh"
AGENT_PID=
clean_up() { for p in $AGENT_PID; do kill "$p" 2>/dev/null; done; runc --root "$T/bare" delete --force lgt-stray 2>/dev/null; lg_stop; }
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null; then
	skip "strays: needs root, runc and busybox"
	done_testing
fi
lg_start "$T/data" || bad "start"
sign_in_admin
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
run_agent() {
	lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" --runtime-root "$T/bare" --runtime-root "$T/runc" "$@" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	within test -S "$T/agent.sock"
}
says() { grep -q "$1" "$T/agent.log"; }

# ---- round the door ----
lg_bundle "$T/stray.d" /bin/busybox sleep 60
runc --root "$T/bare" run -d -b "$T/stray.d" lgt-stray </dev/null >/dev/null 2>&1 || bad "runc by itself"
run_agent
claim "a container that got round the door is seen" within says 'lgt-stray runs without an admission'
recorded() { api GET '/v1/audit?limit=50' | grep -q 'runs without an admission'; }
claim "and stands in the service's record" within recorded
has "it was only reported" "$(runc --root "$T/bare" list)" 'lgt-stray.*running'
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null
run_agent --kill-strays
stopped() { ! runc --root "$T/bare" list | grep -q 'lgt-stray.*running'; }
claim "where it is wanted it is killed" within stopped

# ---- gone ----
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
lg_bundle "$T/bundle.d" /bin/echo "it ran"
lg_annotate "$T/bundle.d" lightgate.workload web
comes_in alice
LIGHTGATE_CONFIG=$T/alice lightgate check container:create Workload/web --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "no ticket"
lg_annotate "$T/bundle.d" lightgate.ticket "$(cat "$T/ticket")"
has "an admitted container" "$(lightgate-runc --root "$T/runc" run -b "$T/bundle.d" lgt-web 2>&1)" '^it ran'
claim "a stop ends no admission" test -e "$T/node1/admissions/lgt-web.json"
rm -rf "$T/bundle.d"
ended() { [ ! -e "$T/node1/admissions/lgt-web.json" ]; }
if [ -n "${LG_LONG:-}" ]; then claim "what is gone keeps none" within ended; claim "and it is on record" says 'lgt-web is gone'
else skip "strays: an admission settles for 10 s before it can end (check-long)"; fi
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
done_testing
