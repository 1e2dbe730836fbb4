# The SPIFFE Workload API as a stock gRPC client in a container sees it: who it is, whom to believe, tokens; and nobody else's.
. "$(dirname "$0")/lib.sh"
AGENT_PID= OTHER_PID= OTHER_AGENT= SHM=
end_containers() { for c in c1 c2 c3 c9; do runc --root "$T/runc" delete --force $c; done >/dev/null 2>&1; }
clean_up() {
	for p in $AGENT_PID $OTHER_AGENT $OTHER_PID; do kill "$p" 2>/dev/null; done
	end_containers
	[ -z "$SHM" ] || rm -rf "$SHM"
	lg_stop
}
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null || [ "$(stat -f -c %T /dev/shm)" != tmpfs ]; then
	skip "workload-api: needs root, runc, busybox and a tmpfs at /dev/shm"
	done_testing
fi
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "workload-api: $(head -1 "$T/npm")"; done_testing; fi
NODE=$(readlink -f "$NODE")

SHM=$(mktemp -d /dev/shm/lg-e2e.XXXXXX)
# begin NAME [SETTING...]: a service with the demo's state, alice signed in, node1 joined and its agent running
begin() {
	lg_start "$T/$1" "${@:2}" || bad "start"
	lightgate apply -f conf/demo.yaml --credentials "$T/$1.credentials" >/dev/null || bad "apply"
	lightgate host create-join-token node1 --out "$T/$1.join" >/dev/null || bad "join token"
	claim "join" lightgate-agent join --token-file "$T/$1.join" --state "$T/$1.node"
	lg_secret "$T/$1.credentials" User alice >"$T/alice.password"
	LIGHTGATE_CONFIG=$T/$1.alice lightgate login --user alice --password-file "$T/alice.password" >/dev/null 2>&1 || bad "login"
	lightgate-agent run --state "$T/$1.node" --socket "$T/$1.sock" --identities "$SHM/$1.ids" --workload-api "$SHM/$1.api" --runtime-root "$T/runc" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	within test -S "$T/$1.sock" || bad "the agent does not listen: $(tail -3 "$T/agent.log")"
	on "$1"
}
on() { export LIGHTGATE_DEV=$T/$1 LIGHTGATE_AGENT_SOCKET=$T/$1.sock; ON=$1; }
begin other --trust_domain=example.net
OTHER_PID=$LG_PID OTHER_AGENT=$AGENT_PID OTHER_HTTPS=$HTTPS OTHER_CA=$CA
begin data
same "anybody may connect" "$(stat -c %a "$SHM/data.api/workload.sock")" 666

# ---- containers with node in them ----
engine() { timeout 60 lightgate-runc --root "$T/runc" "$@"; }
mkdir -p "$T/program"
for library in $(ldd "$NODE" | grep -oE '/[^ ]+'); do install -D "$library" "$T/program$library"; done
ln "$NODE" "$T/program/node" 2>/dev/null || cp "$NODE" "$T/program/node"
mkdir "$T/program/modules"
cp -r node_modules "$T/program/modules/" && rm -rf "$T/program/modules/node_modules/node" "$T/program/modules/node_modules/node-bin"* "$T/program/modules/node_modules/@cedar-policy"
cp tests/e2e/workload-api.mjs tests/e2e/spiffe.proto "$T/program/"
run() { # run ID WORKLOAD
	LIGHTGATE_CONFIG=$T/$ON.alice lightgate check container:create "Workload/$2" --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "ticket"
	lg_bundle "$T/$1" /bin/busybox sleep 300
	mkdir -p "$T/$1/rootfs/program"
	lg_annotate "$T/$1" lightgate.workload "$2"
	lg_annotate "$T/$1" lightgate.ticket "$(cat "$T/ticket")"
	jq --arg p "$T/program" '.process.user = {uid: 1000, gid: 1000} | .process.env += ["MODULES=/program/modules", "LD_LIBRARY_PATH=/program/lib/x86_64-linux-gnu:/program/lib64:/program/usr/lib/x86_64-linux-gnu"]
		| .mounts += [{destination: "/program", type: "bind", source: $p, options: ["bind", "ro"]},
			{destination: "/lib64", type: "bind", source: ($p + "/lib64"), options: ["bind", "ro"]}]' "$T/$1/config.json" >"$T/$1/new" && mv "$T/$1/new" "$T/$1/config.json"
	engine create --bundle "$T/$1" "$1" </dev/null >"$T/out" 2>&1 && engine start "$1" >>"$T/out" 2>&1 || bad "$1 does not start: $(cat "$T/out")"
}
ask() { local id=$1; shift; timeout 60 runc --root "$T/runc" exec "$id" /program/node /program/workload-api.mjs /program/spiffe.proto "$@" 2>&1; }
run c1 web
has "a container is told where to ask" "$(engine exec c1 /bin/busybox env)" '^SPIFFE_ENDPOINT_SOCKET=unix:///run/lightgate/api/workload.sock'

# ---- who am I ----
got=$(ask c1 x509)
has "one identity" "$got" '"n":1,"id":"spiffe://[^"]*/project/shop/workload/web"'
has "which stands in the certificate" "$got" '"san":"URI:spiffe://[^",]*/project/shop/workload/web"'
has "with its key, and a chain to the bundle" "$got" '"key":true,"chain":true'
same "the same as in the files" "$(jq -r .serial <<<"$got")" "$(engine exec c1 /bin/busybox cat /run/lightgate/identity/certificate.pem | openssl x509 -noout -serial | cut -d= -f2)"
domain=$(jq -r .id <<<"$got" | cut -d/ -f1-3)
same "X.509 bundles" "$(ask c1 x509bundles)" "{\"$domain\":true}"
has "JWT bundles" "$(ask c1 jwtbundles)" "^\{\"$domain\":[1-9]\}$"
svid=$(ask c1 jwt '' orders)
has "a token" "$svid" '"spiffe_id":"spiffe://[^"]*/workload/web"'
token=$(jq -r .svid <<<"$svid")
payload() { cut -d. -f2 <<<"$1" | tr '_-' '/+' | sed 's/$/==/' | base64 -d 2>/dev/null; }
same "for whom it was asked" "$(payload "$token" | jq -c '[.aud] | flatten')" '["orders"]'
has "in one's own name" "$(ask c1 jwt "$domain/project/shop/workload/web" a b)" '"spiffe_id"'
has "not in another's" "$(ask c1 jwt "$domain/project/shop/workload/db" orders)" '"code":7,.*the caller is spiffe'
has "for nobody" "$(ask c1 jwt '')" '"code":3,.*one to'

# ---- somebody's token ----
has "is believed by whom it is for" "$(ask c1 validate orders "$token")" "\"spiffe_id\":\"$domain/project/shop/workload/web\""
has "with its claims" "$(ask c1 validate orders "$token")" '"sub":\{[^}]*"stringValue":"spiffe'
has "by nobody else" "$(ask c1 validate billing "$token")" '"code":3,.*somebody else'
has "tampered with" "$(ask c1 validate orders "${token%????}AAAA")" '"code":3'
has "of another kind" "$(ask c1 validate orders x.y.z)" '"code":3'

# ---- what is not the API ----
has "without the header that browsers cannot send" "$(timeout 60 runc --root "$T/runc" exec --env BARE=1 c1 /program/node /program/workload-api.mjs /program/spiffe.proto x509)" '"code":3,.*security header missing'
has "a method that is not there" "$(ask c1 nonsense)" '"code":12'
has "tokens without end" "$(ask c1 many 60)" '"code":8,.*too often'
has "connections without end" "$(ask c1 crowd 24)" '"open":1[0-9],"refused":[1-9]'

# ---- nobody else ----
has "a process of the host is nobody" "$(MODULES=$PWD SPIFFE_ENDPOINT_SOCKET=unix://$SHM/data.api/workload.sock "$NODE" tests/e2e/workload-api.mjs tests/e2e/spiffe.proto x509 2>&1)" '"code":7,.*no container that was admitted'
claim "another trust domain is known" lightgate federation set example.net --endpoint "$OTHER_HTTPS/spiffe/bundle" --endpoint-ca "$OTHER_CA"
sed -n '/^policies:/,$p' conf/demo.yaml >"$T/policies.yaml"
cat >>"$T/policies.yaml" <<'YAML'
  permit (principal == Workload::"db", action == Action::"bundle:read", resource is TrustDomain) when { resource.domain == "example.net" };
YAML
claim "which one workload may see" lightgate apply -f "$T/policies.yaml"
run c2 db
has "another container is another" "$(ask c2 x509)" '"id":"spiffe://[^"]*/workload/db"'

# ---- another trust domain ----
has "its bundle comes with the identity" "$(ask c2 x509)" '"federated":\{"spiffe://example.net":true\}'
same "and with the bundles" "$(ask c2 x509bundles | jq -r 'keys | join(" ")')" "spiffe://example.net $domain"
same "the keys behind its tokens too" "$(ask c2 jwtbundles | jq -r '."spiffe://example.net" >= 1')" true
same "as a file" "$(engine exec c2 /bin/busybox cat /run/lightgate/identity/federated.json | jq -r 'keys[0]')" example.net
on other; run c9 web; on data
theirs=$(ask c9 jwt '' orders | jq -r .svid)
has "a token of there is believed" "$(ask c2 validate orders "$theirs")" '"spiffe_id":"spiffe://example.net/project/shop/workload/web"'
has "not for somebody else" "$(ask c2 validate billing "$theirs")" '"code":3,.*somebody else'
has "nor tampered with" "$(ask c2 validate orders "${theirs%????}AAAA")" '"code":3'
forged=$(jq -Rr 'split(".") | .[1]' <<<"$token" | tr '_-' '/+' | sed 's/$/==/' | base64 -d 2>/dev/null | jq -c '.sub = "spiffe://example.net/project/shop/workload/web"' | base64 -w0 | tr '/+' '_-' | tr -d =)
has "nor one that we signed in its name" "$(ask c2 validate orders "${token%%.*}.$forged.${token##*.}")" '"code":3'
has "and not by whom policy does not let see it" "$(ask c1 validate orders "$theirs")" '"code":3,.*no trust domain that the caller sees'
same "who sees its own alone" "$(ask c1 x509bundles)" "{\"$domain\":true}"
has "ours is not believed there" "$(ask c9 validate orders "$token")" '"code":3,.*no trust domain that the caller sees'
pid() { runc --root "$T/runc" state "$1" | jq .pid; }
raw() { timeout 90 python3 tests/e2e/workload-raw.py "$SHM/data.api/workload.sock" "$@" 2>&1; }
has "a process is known by where it is" "$(raw stay "$(pid c1)")" '/workload/web$'
same "who opened the connection has gone" "$(raw inherit "$(pid c1)")" nothing
same "another container's process has its number now" "$(raw reuse "$(pid c1)" "$(pid c2)")" nothing
same "who moves to another container has neither's identity" "$(raw move "$(pid c1)" "$(pid c2)")" nothing

# ---- what changes is told ----
echo '{life_seconds: 6, longest_seconds: 6}' | lightgate profile set workload -f - >"$T/out" 2>&1 || bad "profile: $(cat "$T/out")"
run c3 admin
ask c3 x509 2 >"$T/two"
same "a stream goes on with the next certificate" "$(jq -r .id "$T/two" | sort -u | wc -l) $(jq -r .serial "$T/two" | sort -u | wc -l)" "1 2"
ask c2 x509 9 >"$T/stream" 2>&1 & asking=$!
within test -s "$T/stream" || bad "the stream does not begin"
claim "end of an admission" lightgate-agent end c2 --socket "$T/data.sock"
wait $asking
has "ends its streams" "$(tail -1 "$T/stream")" '"code":7'
has "and its identity" "$(ask c2 x509)" '"code":7'
end_containers
done_testing
