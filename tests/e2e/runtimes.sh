# The same door below other engines and runtimes: crun, containerd, podman with its hooks.d.
. "$(dirname "$0")/lib.sh"
AGENT_PID= CONTAINERD_PID= MOUNTS_PID=
clean_up() {
	[ -z "$CONTAINERD_PID" ] || { kill "$CONTAINERD_PID" 2>/dev/null; wait "$CONTAINERD_PID" 2>/dev/null; }
	for p in $AGENT_PID $MOUNTS_PID; do kill "$p" 2>/dev/null; done
	lg_stop
}
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null; then
	skip "runtimes: needs root, runc and busybox"
	done_testing
fi
lg_start "$T/data" || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
comes_in alice
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" >>"$T/agent.log" 2>&1 &
AGENT_PID=$!
within test -S "$T/agent.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"
ticket() { LIGHTGATE_CONFIG=$T/alice lightgate check container:create Workload/web --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "ticket"; cat "$T/ticket"; }
lg_bundle "$T/b" /bin/echo "it ran"
lg_annotate "$T/b" lightgate.workload web
cp "$T/b/config.json" "$T/ordinary.json"
bundle() { jq --arg t "$1" '.annotations["lightgate.ticket"] = $t | '"${2:-.}" "$T/ordinary.json" >"$T/b/config.json"; }

# ---- crun ----
crun_run() { timeout 60 unshare -m --propagation private bash -c 'umount -l /sys/fs/cgroup/unified 2>/dev/null; LIGHTGATE_RUNTIME=$(command -v crun) exec lightgate-runc --root "$1" run -b "$2" "$3"' crun "$T/crun" "$T/b" "$1" 2>&1; }
if command -v crun >/dev/null; then
	bundle "$(ticket)"
	has "crun: with a ticket" "$(crun_run d1)" '^it ran'
	has "crun: the ticket again" "$(crun_run d2)" 'used before'
	bundle "$(ticket)" '.process.capabilities.bounding += ["CAP_SYS_ADMIN"]'
	lacks "crun: refused in the hook" "$(crun_run d3)" '^it ran'
	has "crun: for that reason" "$(tail -3 "$T/agent.log")" 'd3 is refused: forbidden by no-privileged'
	bundle ""
	has "crun: the same container again" "$(crun_run d1)" '^it ran'
else
	skip "runtimes: crun is not installed"
fi

# ---- containerd, by ctr ----
if command -v containerd >/dev/null && command -v ctr >/dev/null; then
	cat >"$T/containerd.toml" <<CONF
version = 2
root = "$T/cd/root"
state = "$T/cd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$T/cd/sock"
CONF
	mkdir -p "$T/cd"
	setsid containerd -c "$T/containerd.toml" >"$T/containerd.log" 2>&1 </dev/null & CONTAINERD_PID=$!
	within ctr -a "$T/cd/sock" version || bad "containerd: $(tail -2 "$T/containerd.log")"
	ctr_run() { local id=$1; shift; timeout 90 ctr -a "$T/cd/sock" run --rm --runc-binary "$LG_BIN/lightgate-runc" --rootfs --annotation lightgate.workload=web "$@" "$T/b/rootfs" "$id" /bin/echo "it ran" 2>&1; }
	has "containerd: with a ticket" "$(ctr_run e1 --annotation "lightgate.ticket=$(ticket)")" '^it ran'
	has "containerd: without one" "$(ctr_run e2)" 'no ticket'
	has "containerd: privileged" "$(ctr_run e3 --privileged --annotation "lightgate.ticket=$(ticket)")" 'no-privileged'
	has "containerd: the host's network" "$(ctr_run e4 --net-host --annotation "lightgate.ticket=$(ticket)")" 'no-host-namespaces'
	has "containerd: the host's files" "$(ctr_run e5 --mount type=bind,src=/etc,dst=/e,options=rbind:ro --annotation "lightgate.ticket=$(ticket)")" 'no-sensitive-mounts'
	kill $CONTAINERD_PID; wait $CONTAINERD_PID 2>/dev/null; CONTAINERD_PID=
else
	skip "runtimes: containerd is not installed"
fi

# ---- podman: its hooks.d puts the hook in, whatever the runtime ----
if command -v podman >/dev/null && command -v crun >/dev/null; then
	mkdir -p "$T/hooks.d" "$T/pod"
	cat >"$T/hooks.d/lightgate.json" <<CONF
{"version": "1.0.0", "hook": {"path": "$LG_BIN/lightgate-runc", "args": ["lightgate-runc", "hook"], "env": ["LIGHTGATE_AGENT_SOCKET=$T/agent.sock"]},
 "when": {"always": true}, "stages": ["createRuntime", "poststop"]}
CONF
	cat >"$T/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=1000:2000"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
hooks_dir = ["$T/hooks.d"]
CONF
	# podman mounts what it then binds: the agent must see the same mounts as the engine does
	unshare -m --propagation private bash -c 'umount -l /sys/fs/cgroup/unified 2>/dev/null; exec sleep 300' & MOUNTS_PID=$!
	kill $AGENT_PID; wait $AGENT_PID 2>/dev/null
	there() { nsenter --mount="/proc/$MOUNTS_PID/ns/mnt" "$@"; }
	within there test ! -e /sys/fs/cgroup/unified/cgroup.procs
	nsenter --mount="/proc/$MOUNTS_PID/ns/mnt" lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	answers() { lightgate-agent status --state "$T/node1" --socket "$T/agent.sock" | grep -q "bundle: {"; }
	within answers
	podman_run() { CONTAINERS_CONF=$T/containers.conf timeout 60 nsenter --mount="/proc/$MOUNTS_PID/ns/mnt" podman --root "$T/pod/root" --runroot "$T/pod/run" --tmpdir "$T/pod/tmp" \
		--storage-driver vfs run --rm --network none --annotation lightgate.workload=web "$@" 2>&1; }
	out=$(podman_run --annotation "lightgate.ticket=$(ticket)" --rootfs "$T/b/rootfs" /bin/echo "it ran")
	if grep -q '^it ran' <<<"$out"; then
		ok
		lacks "podman: without a ticket" "$(podman_run --rootfs "$T/b/rootfs" /bin/echo "it ran")" '^it ran'
		has "podman: for that reason" "$(tail -3 "$T/agent.log")" 'no ticket'
		lacks "podman: privileged" "$(podman_run --privileged --annotation "lightgate.ticket=$(ticket)" --rootfs "$T/b/rootfs" /bin/echo "it ran")" '^it ran'
		lacks "podman: the host's files" "$(podman_run -v /etc:/e:ro --annotation "lightgate.ticket=$(ticket)" --rootfs "$T/b/rootfs" /bin/echo "it ran")" '^it ran'
		has "podman: for that reason, too" "$(tail -3 "$T/agent.log")" 'no-sensitive-mounts'
	else
		bad "podman: with a ticket: $out; $(tail -2 "$T/agent.log")"
	fi
	kill $AGENT_PID $MOUNTS_PID; wait $AGENT_PID $MOUNTS_PID 2>/dev/null; AGENT_PID= MOUNTS_PID=
else
	skip "runtimes: podman is not installed"
fi
done_testing
