# A container engine asks before it acts: a real dockerd with its authorization plugin, people at the front socket, the runtime's hook below.
. "$(dirname "$0")/lib.sh"
AGENT_PID= ENGINE_PID= NS=lgd$$ D= SHM=
clean_up() {
	engine_ends "$D" "$ENGINE_PID"
	ip netns del "$NS" 2>/dev/null
	[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null
	[ -z "$SHM" ] || rm -rf "$SHM"
	lg_stop
}
trap clean_up EXIT
for program in dockerd docker runc busybox ip nsenter setpriv; do
	if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then
		skip "docker: needs root and $program"
		done_testing
	fi
done

lg_start "$T/data" || bad "start"
D=$T/engine; mkdir -p "$D/plugins" "$D/rootfs/bin" "$T/run"
sed '/^policies:/,$d; s/^networks:/&\n  - {name: back}\n  - {name: closed}/' conf/demo.yaml >"$T/state.yaml"
cat >>"$T/state.yaml" <<'YAML'
policies: |
  @id("shop-operators-run-containers")
  permit (
    principal in Group::"shop-operators",
    action in [Action::"container:operate", Action::"container:view"],
    resource in Project::"shop"
  )
  unless { context has image_name && !(context has image && context.image in Project::"shop") };

  @id("people-see-engines")
  permit (principal is User, action == Action::"engine:view", resource is Host);

  @id("controllers-see-engines")
  permit (principal is Service, action in [Action::"engine:view", Action::"image:build"], resource is Host);

  @id("controllers-pull-busybox")
  permit (principal is Service, action == Action::"image:pull", resource == Image::"busybox");

  @id("alice-makes-volumes")
  permit (principal == User::"alice", action in [Action::"volume:create", Action::"volume:remove", Action::"image:build"], resource is Host);

  @id("what-hosts-build-runs")
  permit (principal is Host, action == Action::"container:start", resource is Workload)
  when { context.subject_proof == "self" } unless { resource has project };

  @id("hosts-prepare-themselves")
  permit (principal is Host, action in [Action::"image:build", Action::"engine:administer"], resource is Host)
  when { principal == resource };

  @id("alice-reaches-the-front")
  permit (principal == User::"alice", action == Action::"network:attach", resource is Network)
  when { resource.name == "front" || resource.name == "closed" };

  @id("nothing-new-in-closed")
  forbid (principal, action == Action::"container:create", resource)
  when { context has container && context.container has networks && context.container.networks.contains("closed") };
YAML
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" 2>&1 || bad "apply: $(cat "$T/out")"
export LDAPTLS_CACERT=$CA
for person in alice:61001 bob:61002; do
	cat <<LDIF
dn: uid=${person%:*},ou=people,dc=example,dc=org
changetype: modify
add: objectClass
objectClass: posixAccount
-
add: uidNumber
uidNumber: ${person#*:}
-
add: gidNumber
gidNumber: ${person#*:}
-
add: homeDirectory
homeDirectory: /home/${person%:*}

LDIF
done >"$T/ldif"
claim "people have numbers" ldapmodify -x -H "$LDAPS" -D uid=admin,ou=people,dc=example,dc=org -w "$(lg_ready .admin.password)" -f "$T/ldif"
joins node1

# ---- the agent and the engine ----
export LIGHTGATE_AGENT_SOCKET=$T/run/agent.sock
SHM=$(mktemp -d /dev/shm/lg-e2e.XXXXXX)
mkdir "$T/bin"; install_agent() { cp "$LG_BIN/lightgate-agent" "$T/bin/new" && mv "$T/bin/new" "$T/bin/lightgate-agent"; }
install_agent
start_agent() {
	"$T/bin/lightgate-agent" run --hook "$LG_BIN/lightgate-runc" --state "$T/node1" --socket "$T/run/agent.sock" --docker-plugin "$D/plugins/lightgate.sock" \
		--docker-front "$T/run/docker.sock" --docker-engine "$D/docker.sock" --identities "$SHM/ids" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	within test -S "$T/run/docker.sock" && within test -S "$D/plugins/lightgate.sock"
}
start_agent || bad "the agent does not listen: $(cat "$T/agent.log")"
same "people may use the front" "$(stat -c %a "$T/run/docker.sock")" 666
same "the plugin is the engine's alone" "$(stat -c %a "$D/plugins/lightgate.sock")" 600
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/engine.key" -out "$T/engine.pem" -days 2 \
	-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
lg_secret "$T/credentials" Service controller >"$T/controller.secret"
ip netns add "$NS" && ip -n "$NS" link set lo up
setsid nsenter --net=/run/netns/"$NS" unshare -m --propagation private bash -c '
	mount -t tmpfs none /run; mkdir -p /run/docker/plugins; mount --bind "$1/plugins" /run/docker/plugins
	exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/dockerd.pid" --host "unix://$1/docker.sock" \
		--storage-driver vfs --iptables=false --ip6tables=false --ip-forward=false --bridge=none \
		--host tcp://127.0.0.1:2376 --tlsverify --tlscacert "$3" --tlscert "$1/../engine.pem" --tlskey "$1/../engine.key" \
		--add-runtime "lightgate-runc=$2" --default-runtime lightgate-runc --authorization-plugin=lightgate' \
	engine "$D" "$LG_BIN/lightgate-runc" "$CA" >"$T/dockerd.log" 2>&1 </dev/null &
ENGINE_PID=$!
within curl -sf --unix-socket "$D/docker.sock" http://d/_ping || { bad "dockerd: $(tail -3 "$T/dockerd.log")"; done_testing; }
root() { docker -H "unix://$T/run/docker.sock" "$@" 2>&1; }
as() { local uid=$1; shift; timeout 90 setpriv --reuid="$uid" --regid="$uid" --clear-groups env HOME=/nonexistent docker -H "unix://$T/run/docker.sock" "$@" 2>&1; }
alice() { as 61001 "$@"; }
bob() { as 61002 "$@"; }
plain() { setpriv --reuid=61001 --regid=61001 --clear-groups curl -sS --path-as-is --unix-socket "$T/run/docker.sock" "$@"; }
post() { plain -H 'Content-Type: application/json' "$@"; }
engine() { curl -sS --path-as-is --unix-socket "$D/docker.sock" -H 'Content-Type: application/json' "$@"; }
cp "$(command -v busybox)" "$D/rootfs/bin/busybox"
for a in sh echo sleep cat; do ln -s busybox "$D/rootfs/bin/$a"; done
tar -C "$D/rootfs" -c . | root import - busybox >"$T/out" 2>&1 || bad "import: $(cat "$T/out")"

# ---- who ----
has "nobody is named on the engine's own socket" "$(docker -H "unix://$D/docker.sock" ps 2>&1)" 'does not say who asks'
has "a made-up caller" "$(curl -sS --unix-socket "$D/docker.sock" -H 'X-Lightgate-Caller: bb' http://d/containers/json)" 'does not say who asks'
has "a caller's own header is taken off" "$(setpriv --reuid=65533 --regid=65533 --clear-groups curl -sS --unix-socket "$T/run/docker.sock" \
	-H 'X-Lightgate-Caller: bb' http://d/containers/json)" 'nobody in the directory has the uidNumber 65533'
has "alice sees what runs" "$(alice ps)" 'CONTAINER ID'
has "version and ping are for everybody" "$(setpriv --reuid=65533 --regid=65533 --clear-groups curl -sS --unix-socket "$T/run/docker.sock" http://d/_ping)" '^OK'

# ---- create, start, exec, logs ----
same "alice runs a container of her project" "$(alice run --rm --network none --name web busybox echo it ran)" "it ran"
alice run --rm --network none --name web busybox cat /run/lightgate/identity/certificate.pem >"$T/web.pem" 2>"$T/out"
has "it holds an identity of its own" "$(openssl x509 -in "$T/web.pem" -noout -ext subjectAltName 2>&1)" 'URI:spiffe://[^/]*/project/shop/workload/web$'
same "which goes with it" "$(ls "$SHM/ids")" ""
has "bob does not" "$(bob run --rm --network none --name web busybox echo it ran)" 'authorization denied by plugin lightgate: no policy permits'
has "without a name" "$(alice run --rm --network none busybox echo it ran)" 'say which workload it is'
has "an image that is not the project's" "$(root tag busybox other >/dev/null; alice run --rm --network none --name web other echo it ran)" 'denied by plugin'
alice run -d --network none --name db busybox sh -c 'echo hello from db; sleep 300' >"$T/out" || bad "run -d: $(cat "$T/out")"
says_hello() { alice logs db | grep -q '^hello from db'; }
claim "logs" within says_hello
lacks "no ticket stands in what inspect shows" "$(alice inspect db)" 'eyJ[A-Za-z0-9_-]*\.eyJ|lightgate.ticket'
has "logs for bob" "$(bob logs db)" 'denied by plugin'
same "exec" "$(alice exec db echo inside)" inside
has "exec for bob" "$(bob exec db echo inside)" '(denied by plugin|403)'
has "a privileged exec" "$(alice exec --privileged db echo inside)" '(no-privileged|403|privileged containers own their host)'
exec_id=$(setpriv --reuid=61001 --regid=61001 --clear-groups curl -sS --unix-socket "$T/run/docker.sock" -H 'Content-Type: application/json' \
	-d '{"Cmd":["echo","x"]}' http://d/containers/db/exec | jq -r .Id)
has "another's exec cannot be started" "$(setpriv --reuid=61002 --regid=61002 --clear-groups curl -sS --unix-socket "$T/run/docker.sock" \
	-H 'Content-Type: application/json' -d '{"Detach":true}' "http://d/exec/$exec_id/start")" 'not asked for by the one'
claim "one's own can" test "$(setpriv --reuid=61001 --regid=61001 --clear-groups curl -sS -o /dev/null -w '%{http_code}' --unix-socket "$T/run/docker.sock" \
	-H 'Content-Type: application/json' -d '{"Detach":true}' "http://d/exec/$exec_id/start")" = 200
db=$(alice inspect -f '{{.Id}}' db)
on_record "the plugin's decisions: who, what, why, by whose word, and on which container" 'User/alice +container:exec +Workload/db +permit +shop-operators-run-containers +Host/node1' --target "$db" --host node1 --actor alice
on_record "refusals, too" 'User/bob +container:inspect +Workload/db +deny: no policy permits it +- +Host/node1' --target "$db" --actor User/bob
on_record "with the policy that forbids" 'User/alice +container:exec +Workload/db +deny: forbidden by no-privileged-containers.* no-privileged-containers +Host/node1' --target Workload/db
has "a terminal goes both ways" "$(echo 'echo typed $((40 + 2))' | alice exec -i db sh)" 'typed 42'
alice create --network none --name "${db:0:6}" --label lightgate.workload=web busybox true >"$T/out" || bad "create: $(cat "$T/out")"
has "a name that would be another container's when its bearer has gone" "$(alice stop "${db:0:6}")" 'say the id'
claim "by its id" alice rm "$(<"$T/out")"
has "bob cannot stop it" "$(bob stop -t 0 db)" 'denied by plugin'
same "alice stops it" "$(alice stop -t 0 db)" db
same "alice starts it again" "$(alice start db)" db
has "bob cannot start it" "$(alice stop -t 0 db >/dev/null; bob start db)" 'denied by plugin'
same "alice removes it" "$(alice rm -f db)" db

# ---- what a container may do ----
denied() { local name=$1 why=$2; shift 2; out=$(alice "$@"); if grep -q '^it ran' <<<"$out"; then bad "$name: it ran"; else has "$name" "$out" "$why"; fi; }
run="run --rm --network none --name web"
denied "privileged" 'privileged containers own' $run --privileged busybox echo it ran
denied "a capability that owns the host" 'privileged containers own' $run --cap-add sys_admin busybox echo it ran
denied "all capabilities" 'privileged containers own' $run --cap-add all busybox echo it ran
denied "without seccomp" 'privileged containers own' $run --security-opt seccomp=unconfined busybox echo it ran
denied "without masked paths" 'privileged containers own' $run --security-opt systempaths=unconfined busybox echo it ran
denied "the host's network" 'namespace of the host' run --rm --name web --network host busybox echo it ran
denied "the host's processes" 'namespace of the host' $run --pid host busybox echo it ran
denied "the host's root" 'would expose the host' $run -v /:/h busybox echo it ran
denied "the engine's socket" 'would expose the host' $run -v /var/run/docker.sock:/s busybox echo it ran
denied "the engine's socket by --mount" 'would expose the host' $run --mount type=bind,src=/var/run/docker.sock,dst=/s busybox echo it ran
denied "a volume that is the host's root" 'would expose the host' $run --mount type=volume,src=v1,dst=/h,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/ busybox echo it ran
denied "the same volume, made first" 'the host.s files' volume create -d local -o type=none -o o=bind -o device=/ v2
has "an ordinary volume" "$(alice volume create v3)" '^v3'
denied "another runtime" 'does not ask before it starts' $run --runtime runc busybox echo it ran
runtimes=$(alice info --format '{{range $name, $r := .Runtimes}}{{$name}} {{end}}')
has "the engine names its runtimes" " $runtimes " ' runc '
for runtime in $runtimes; do
	[ "$runtime" = lightgate-runc ] || denied "the engine's runtime $runtime" 'does not ask before it starts' $run --runtime "$runtime" busybox echo it ran
done
for network in front back closed; do root network create "$network" >"$T/out" 2>&1 || bad "network create: $(cat "$T/out")"; done
claim "in a network that she may be in" alice create --network front --name web busybox echo it ran
alice rm web >/dev/null
denied "in one that she may not" 'no policy permits' run --rm --name web --network back busybox echo it ran
denied "by its id" 'no policy permits' run --rm --name web --network "$(alice network inspect back -f '{{.Id}}')" busybox echo it ran
denied "policies see which" 'nothing-new-in-closed|forbidden' run --rm --name web --network closed busybox echo it ran
denied "beside one that she may" 'no policy permits' run --rm --name web --network front --network back busybox echo it ran
denied "in one that nobody knows" 'knows nothing' run --rm --name web --network nowhere busybox echo it ran
printf 'FROM busybox\nRUN echo built >/built\n' >"$D/Dockerfile"
build() { tar -C "$D" -c Dockerfile | root build "$@" - 2>&1; }
has "a step of a build is its host's own start" "$(build --network none -t built)" 'Successfully built'
has "with what no container may have" "$(build --no-cache --network host -t built2)" 'no-host-namespaces'
buildkit() { tar -C "$D" -c Dockerfile | plain -H 'Content-Type: application/x-tar' --data-binary @- "http://d/v1.41/build?nocache=1&networkmode=host&$1"; }
has "whoever may build" "$(buildkit version=1)" 'no-host-namespaces'
for version in version=2 %76ersion=2 version=3; do has "may not take the builder that asks at no door: $version" "$(buildkit $version)" 'denied by plugin lightgate: no policy permits it'; done
denied "another container's namespaces" 'namespace of the host or of another' $run --ipc container:abc busybox echo it ran
alice create --network none --name web -v v3:/data busybox echo it ran >/dev/null || bad "create"
same "a later start" "$(alice start -a web)" "it ran"
alice rm web >/dev/null

# ---- bodies and paths that try to hide ----
python3 -c 'import json; print(json.dumps({"Image": "busybox", "Labels": {"lightgate.workload": "web", "x": "y" * 1100000}, "HostConfig": {"Privileged": True}}))' >"$T/big.json"
has "over 1 MiB, at the front" "$(post --data-binary @"$T/big.json" http://d/v1.41/containers/create)" 'at most 1 MiB'
has "over 1 MiB, chunked" "$(post -H 'Transfer-Encoding: chunked' --data-binary @"$T/big.json" http://d/v1.41/containers/create)" 'at most 1 MiB'
has "over 1 MiB, at the engine" "$(engine --data-binary @"$T/big.json" http://d/v1.41/containers/create)" 'denied by plugin'
small='{"Image":"busybox","Cmd":["echo","x"],"Labels":{"lightgate.workload":"web"},"HostConfig":{"NetworkMode":"none"}}'
has "an ordinary body, by hand" "$(post -d "$small" http://d/v1.41/containers/create?name=byhand)" '"Id"'
alice rm byhand >/dev/null
has "chunked" "$(post -H 'Transfer-Encoding: chunked' -d "$small" http://d/v1.41/containers/create?name=chunks)" '"Id"'
alice rm chunks >/dev/null
has "another content type" "$(plain -H 'Content-Type: text/plain' -d '{"Image":"busybox","HostConfig":{"Privileged":true}}' http://d/containers/create?name=web)" '(cannot be seen|denied|must be)'
has "Privileged outside HostConfig" "$(post -d '{"Image":"busybox","Privileged":true}' http://d/containers/create?name=web)" 'privileged containers own'
has "privileged in small letters" "$(post -d '{"Image":"busybox","HostConfig":{"privileged":true}}' http://d/containers/create?name=web)" 'in other letters'
has "HostConfig twice" "$(post -d '{"Image":"busybox","HostConfig":{},"HostConfig":{"Privileged":true}}' http://d/containers/create?name=web)" '(denied|duplicate|twice)'
has "a long s for an s" "$(post -d '{"Image":"busybox","Ho\u017ftConfig":{"Privileged":true}}' http://d/containers/create?name=web)" 'beyond ASCII'
for path in /v1.41//containers/create //containers/create /containers/./create /containers/x/../create /containers%2fcreate /containers/create/ /containers/create. /containers/create.. /containers/create%00 '/containers/create;x' /v1.41/v1.41/containers/create; do
	has "the path $path" "$(post -o "$T/out" -w '%{http_code}' -d '{"Image":"busybox","HostConfig":{"Privileged":true}}' "http://d$path" 2>/dev/null)" '^(301|40.)'
done
alice create --network none --name web busybox echo it ran >/dev/null || bad "create"
has "a start of an older API, which brings a HostConfig of its own" "$(post -d '{"Privileged":true,"Binds":["/:/h"]}' http://d/v1.23/containers/web/start)" 'in no list'
has "nor under any version with a body" "$(post -d '{"Privileged":true,"Binds":["/:/h"]}' http://d/v1.41/containers/web/start)" 'non-empty request body|denied'
alice rm web >/dev/null
alice create --network none --name web busybox echo it ran >/dev/null || bad "create"
has "a start from a checkpoint of one's own" "$(post -X POST 'http://d/v1.41/containers/web/start?checkpoint=x&checkpoint-dir=/tmp')" 'checkpoints are not taken'
has "nor is one made" "$(post -d '{"CheckpointID":"x","CheckpointDir":"/tmp"}' http://d/v1.41/containers/web/checkpoints)" 'in no list'
alice rm web >/dev/null
has "a form that brings other parameters" "$(plain -d 'fromImage=evil' 'http://d/images/create?fromImage=busybox')" 'forms are not taken'
has "in any letters" "$(plain -H 'Content-Type: Application/X-WWW-Form-Urlencoded; a=b' -d 'fromImage=evil' 'http://d/images/create?fromImage=busybox')" 'forms are not taken'
has "nor one that may be a form, and is not shown" "$(plain -H 'Content-Type: text/plain' -d 'fromImage=evil' 'http://d/images/create?fromImage=busybox')" 'body that cannot be seen'
has "a parameter twice" "$(post -X POST 'http://d/images/create?fromImage=busybox&fromImage=evil')" '(denied|repeated|twice)'
has "swarm" "$(alice swarm init)" 'denied by plugin'
has "the build protocol that is not shown again" "$(post -X POST -H 'Upgrade: h2c' -H 'Connection: Upgrade' http://d/grpc)" 'denied by plugin'
has "two lengths" "$(python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(b"POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}")
print(s.recv(4096).decode())' "$T/run/docker.sock")" 'stands there twice'

# the plugin's own socket: what could be read as two requests is answered as none
smuggle() { python3 - "$D/plugins/lightgate.sock" "$1" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(3); s.connect(sys.argv[1])
inner = b"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: p\r\nContent-Length: 2\r\n\r\n{}"
head = {"both": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "twice": b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}",
	"list": b"Content-Length: 2, 90\r\n\r\n{}", "blank": b"Content-Length : 2\r\n\r\n{}", "fold": b"X: y\r\n Content-Length: 90\r\nContent-Length: 2\r\n\r\n{}",
	"lf": b"Content-Length: 2\n\n{}", "coded": b"Transfer-Encoding: xchunked\r\n\r\n{}"}[sys.argv[2]]
s.sendall(b"POST /AuthZPlugin.AuthZReq HTTP/1.1\r\nHost: p\r\n" + head + inner)
got = b""
try:
	while True:
		piece = s.recv(65536)
		if not piece: break
		got += piece
except OSError: pass
print(got.count(b"HTTP/1.1 200"), got.count(b'"Allow":true'))
PY
}
for trick in both twice list blank fold lf coded; do same "smuggling at the plugin: $trick" "$(smuggle $trick)" "0 0"; done

# ---- over TLS the certificate counts, whole ----
lightgate certificate issue --profile service --client-id controller --client-secret-file "$T/controller.secret" \
	--key-out "$T/controller.key" --cert-out "$T/controller.pem" >"$T/out" 2>&1 || bad "the controller's certificate: $(cat "$T/out")"
tls() { nsenter --net=/run/netns/"$NS" docker -H tcp://127.0.0.1:2376 --tlsverify --tlscacert "$T/engine.pem" "$@" 2>&1; }
has "the controller sees what runs" "$(tls --tlscert "$T/controller.pem" --tlskey "$T/controller.key" ps)" 'CONTAINER ID'
has "what policy does not give it" "$(tls --tlscert "$T/controller.pem" --tlskey "$T/controller.key" volume create v9)" 'denied by plugin lightgate: no policy permits it'
by_hand() { nsenter --net=/run/netns/"$NS" curl -sS --cacert "$T/engine.pem" --cert "$T/controller.pem" --key "$T/controller.key" "$@" 2>&1; }
two_types=(-H 'Content-Type: application/x-www-form-urlencoded' -H 'Content-Type: text/plain')	# the engine goes by the first and shows the last
pull="https://127.0.0.1:2376/v1.41/images/create?fromImage=busybox"
lacks "an image that it may pull" "$(by_hand -X POST -H 'Content-Length: 0' "$pull")" 'denied by plugin'
has "not another, in a form that the plugin is not told of" "$(by_hand "${two_types[@]}" -d fromImage=127.0.0.9:1/evil "$pull")" 'denied by plugin lightgate: a body that cannot be seen'
has "nor a chunked one" "$(by_hand "${two_types[@]}" -H 'Transfer-Encoding: chunked' -d fromImage=127.0.0.9:1/evil "$pull")" 'denied by plugin lightgate: a body that cannot be seen'
has "a build, whose version a form could say, is the administrator's" "$(by_hand "${two_types[@]}" -d version=2 https://127.0.0.1:2376/v1.41/build)" 'denied by plugin lightgate: no policy permits it'
lightgate certificate revoke "$(openssl x509 -in "$T/controller.pem" -noout -serial | cut -d= -f2)" --reason keyCompromise >"$T/out" 2>&1 || bad "revoke: $(cat "$T/out")"
has "after its revocation, which the engine does not know of" "$(tls --tlscert "$T/controller.pem" --tlskey "$T/controller.key" ps)" 'certificate is not accepted'

# ---- the plugin restarts; the service goes ----
before=$(stat -c %i "$T/run/docker.sock")
python3 - "$T/run/docker.sock" "$T/codes" <<'PY' & asking=$!
import socket, sys, time
out = open(sys.argv[2], "w")
end = time.monotonic() + 1.5
while time.monotonic() < end:
	try:
		s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
		s.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
		got = b""
		while True:
			piece = s.recv(4096)
			if not piece: break
			got += piece
		print(got.split(b"\r\n")[0].decode() or "nothing", file=out)
	except OSError as e:
		print(e, file=out)
PY
alice run -i --rm --network none --name admin busybox sh -c 'echo begun; cat; echo ended' >"$T/long" < <(within test -e "$T/enough"; echo typed) & attached=$!
within grep -q begun "$T/long" || bad "the terminal: $(cat "$T/long")"
for i in 1 2 3 4; do alice run --rm --network none --name web busybox echo "ran $i"; alice exec admin echo "inside $i"; done >"$T/ran" & running=$!
starts() { grep -c 'listening on' "$T/agent.log"; }
newer() { [ "$(starts)" -gt "$before_this" ]; }
for i in 1 2 3; do sleep 0.3; install_agent; before_this=$(starts); kill -HUP $AGENT_PID; within newer || bad "it does not start again"; done
wait $asking $running; touch "$T/enough"
same "nobody is refused while the agent starts again, three times" "$(sort "$T/codes" | uniq)" "HTTP/1.1 200 OK"
same "containers start and programs run in them meanwhile" "$(grep -c -e '^ran' -e '^inside' "$T/ran")" 8 || cat "$T/ran"
wait $attached
same "a terminal goes on through all of that" "$(tail -1 "$T/long")" ended
same "what runs then is the version that was installed meanwhile" "$(readlink "/proc/$AGENT_PID/exe")" "$T/bin/lightgate-agent"
same "the sockets stay where they are" "$(stat -c %i "$T/run/docker.sock")" "$before"
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
start_agent || bad "the agent does not come back"
same "after a restart of the agent" "$(alice run --rm --network none --name web busybox echo it ran)" "it ran"
lg_stop
denied "without the service" '(cannot reach|does not answer|denied by plugin)' $run busybox echo it ran
done_testing
