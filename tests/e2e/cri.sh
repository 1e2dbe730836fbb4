# A node of a cluster: containerd with its CRI plugin runs pods as a kubelet asks, with lightgate-runc as their runtime.
. "$(dirname "$0")/lib.sh"
AGENT_PID= CONTAINERD_PID= MOUNTS_PID= NS=lgk$$ K=
cri() { MODULES=$PWD "$NODE" tests/e2e/cri.mjs "$K/sock" "$@"; }
PODS=
end_pods() {
	[ -n "$CONTAINERD_PID" ] || return
	for pod in $PODS; do cri StopPodSandbox "{\"pod_sandbox_id\":\"$pod\"}"; cri RemovePodSandbox "{\"pod_sandbox_id\":\"$pod\"}"; done >/dev/null 2>&1
	kill "$CONTAINERD_PID" 2>/dev/null; wait "$CONTAINERD_PID" 2>/dev/null
	CONTAINERD_PID=
}
clean_up() {
	end_pods
	ip netns del "$NS" 2>/dev/null
	for p in $AGENT_PID $MOUNTS_PID; do kill "$p" 2>/dev/null; done
	lg_stop
}
trap clean_up EXIT
for program in containerd ctr runc busybox ip nsenter; do
	if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then skip "cri: needs root and $program"; done_testing; fi
done
[ -x /usr/lib/cni/bridge ] || { skip "cri: needs containernetworking-plugins"; done_testing; }
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "cri: $(head -1 "$T/npm")"; done_testing; fi

lg_start "$T/data" || bad "start"
sed '/^policies:/,$d' conf/demo.yaml >"$T/state.yaml"
cat >>"$T/state.yaml" <<'YAML'
policies: |
  @id("the-node-runs-the-shops-pods")
  permit (
    principal == Host::"node1",
    action in [Action::"container:start", Action::"container:restart", Action::"container:exec"],
    resource in Project::"shop"
  )
  when { context.subject_proof == "self" };
YAML
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" 2>&1 || bad "apply: $(cat "$T/out")"
sign_in_admin
joins node1
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
# what containerd mounts for a pod the agent must see as it does
unshare -m --propagation private bash -c 'mkdir -p /var/lib/cni; mount -t tmpfs none /var/lib/cni; exec sleep 300' & MOUNTS_PID=$!
within nsenter --mount="/proc/$MOUNTS_PID/ns/mnt" mountpoint -q /var/lib/cni || bad "a mount namespace"
nsenter --mount="/proc/$MOUNTS_PID/ns/mnt" lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" >>"$T/agent.log" 2>&1 &
AGENT_PID=$!
within test -S "$T/agent.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"

# ---- containerd, in a network of its own ----
K=$T/k; mkdir -p "$K/net" "$K/image/bin"
cat >"$K/config.toml" <<CONF
version = 2
root = "$K/root"
state = "$K/state"
[grpc]
  address = "$K/sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/busybox:1"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$K/net"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "lightgate"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.lightgate]
      runtime_type = "io.containerd.runc.v2"
      pod_annotations = ["lightgate.*"]
      container_annotations = ["lightgate.*"]
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.lightgate.options]
        BinaryName = "$LG_BIN/lightgate-runc"
CONF
cat >"$K/net/10-pods.conflist" <<CONF
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods0", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "$K/addresses", "ranges": [[{"subnet": "10.99.7.0/24"}]]}}]}
CONF
ip netns add "$NS" && ip -n "$NS" link set lo up
setsid nsenter --net=/run/netns/"$NS" --mount="/proc/$MOUNTS_PID/ns/mnt" containerd -c "$K/config.toml" >"$T/containerd.log" 2>&1 </dev/null &
CONTAINERD_PID=$!
within ctr -a "$K/sock" version || { bad "containerd: $(tail -2 "$T/containerd.log")"; done_testing; }
cp "$(command -v busybox)" "$K/image/bin/busybox"; for a in sh echo sleep hostname; do ln -s busybox "$K/image/bin/$a"; done
tar -C "$K/image" -cf "$K/layer.tar" .
jq -n --arg d "sha256:$(sha256sum "$K/layer.tar" | cut -d' ' -f1)" '{architecture: "amd64", os: "linux", config: {Entrypoint: ["/bin/sleep", "300"], Env: ["PATH=/bin"]}, rootfs: {type: "layers", diff_ids: [$d]}}' >"$K/config.json"
jq -n '[{Config: "config.json", RepoTags: ["docker.io/library/busybox:1"], Layers: ["layer.tar"]}]' >"$K/manifest.json"
tar -C "$K" -cf "$K/image.tar" manifest.json config.json layer.tar
ctr -a "$K/sock" -n k8s.io images import "$K/image.tar" >"$T/out" 2>&1 || bad "import: $(cat "$T/out")"

# ---- pods ----
pod() { # pod NAME WORKLOAD [JQ]
	jq -cn --arg n "$1" --arg w "$2" '{config: {metadata: {name: $n, uid: $n, namespace: "shop", attempt: 0}, hostname: $n, log_directory: "/tmp", labels: {}, linux: {},
		annotations: (if $w == "" then {} else {"lightgate.workload": $w} end)}} | '"${3:-.}"
}
runs() { cri RunPodSandbox "$1" >"$T/answer"; id=$(jq -r '.pod_sandbox_id // empty' "$T/answer"); PODS="$PODS $id"; [ -n "$id" ]; }
container() { # container POD-ID POD NAME [JQ]
	jq -cn --arg s "$1" --arg n "$3" --argjson p "$2" '{pod_sandbox_id: $s, sandbox_config: $p.config, config: {metadata: {name: $n}, image: {image: "docker.io/library/busybox:1"}, log_path: ($n + ".log"),
		labels: {}, annotations: $p.config.annotations, linux: {security_context: {masked_paths: ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
			readonly_paths: ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}}}} | '"${4:-.}"
}
starts() { # starts CONTAINER: created and started; what went wrong is in $T/answer
	cri CreateContainer "$1" >"$T/answer"; c=$(jq -r '.container_id // empty' "$T/answer")
	[ -n "$c" ] && cri StartContainer "{\"container_id\":\"$c\"}" >"$T/answer" && ! grep -q error "$T/answer"
}
web=$(pod web-7d4b9-x web)
for _ in $(seq 200); do runs "$web" && break; grep -q 'sandbox image' "$T/answer" || break; sleep 0.1; done	# the plugin hears of the image a little later
claim "a pod" test -n "$id"
[ -n "$id" ] || cat "$T/answer"
if [ -n "$id" ]; then
	sandbox=$id
	claim "a container of it, in the pod's namespaces" starts "$(container "$sandbox" "$web" web)"
	has "it is inside" "$(cri ExecSync "{\"container_id\":\"$c\",\"cmd\":[\"hostname\"],\"timeout\":10}")" 'web-7d4b9-x'
	claim "another one" starts "$(container "$sandbox" "$web" sidecar)"
	if starts "$(container "$sandbox" "$web" other '.config.annotations = {"lightgate.workload": "db"}')"; then bad "another workload's container in the pod's namespaces"; else has "another workload's container in the pod's namespaces" "$(cat "$T/answer")" 'no-host-namespaces'; fi
	if starts "$(container "$sandbox" "$web" proc '.config.linux.security_context.readonly_paths = []')"; then bad "with /proc unmasked"; else has "with /proc unmasked" "$(cat "$T/answer")" 'no-privileged'; fi
	if starts "$(container "$sandbox" "$web" files '.config.mounts = [{container_path: "/h", host_path: "/etc", readonly: true}]')"; then bad "the host's files"; else has "the host's files" "$(cat "$T/answer")" 'no-sensitive-mounts'; fi
	claim "one that shares the pod's processes" starts "$(container "$sandbox" "$web" pids '.config.linux.security_context.namespace_options = {pid: 0}')"
	on_record "as the node's own" 'Host/node1 +container:start +Workload/web +permit +the-node-runs-the-shops-pods +Host/node1' --target "$sandbox"
fi
if runs "$(pod alone '')"; then bad "a pod that says no workload"; else has "a pod that says no workload" "$(cat "$T/answer")" 'no policy lets its host'; fi
for namespace in network pid ipc; do
	if runs "$(pod host web ".config.linux.security_context.namespace_options = {$namespace: 2}")"; then bad "a pod in the host's $namespace"; else has "a pod in the host's $namespace" "$(cat "$T/answer")" 'no-host-namespaces'; fi
done
end_pods
done_testing
