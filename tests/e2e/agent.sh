# A host joins nobody but its own service, and its door holds: real containers, refused before anything of them runs.
. "$(dirname "$0")/lib.sh"
AGENT_PID= FAKE_PID=
clean_up() { for p in $AGENT_PID $FAKE_PID; do kill "$p" 2>/dev/null; done; lg_stop; }
trap clean_up EXIT
if [ "$(id -u)" != 0 ] || ! command -v runc >/dev/null || ! command -v busybox >/dev/null; then
	skip "agent: needs root, runc and busybox"
	done_testing
fi

lg_start "$T/data" || bad "start"
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
lightgate host create-join-token node1 --out "$T/join" >/dev/null || bad "join token"

# ---- who is not the service never sees the token ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/fake.key" -out "$T/fake.pem" -days 2 \
	-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
impostor() { # impostor BUNDLE-FILE: answers every request with it; what it hears is in heard
	rm -f "$T/port"
	python3 - "$T" "$1" >"$T/port" 2>"$T/heard" <<'PY' &
import http.server, ssl, sys
top, bundle = sys.argv[1:]
class Fake(http.server.BaseHTTPRequestHandler):
	protocol_version = "HTTP/1.1"
	def answer(self):
		body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
		print("HEARD", self.command, self.path, body, file=sys.stderr, flush=True)
		out = open(bundle, "rb").read()
		self.send_response(200); self.send_header("Content-Length", str(len(out))); self.end_headers(); self.wfile.write(out)
	do_GET = do_POST = answer
	def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fake)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(top + "/fake.pem", top + "/fake.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
	FAKE_PID=$!
	within test -s "$T/port"
	lightgate-agent join --token-file "$T/join" --state "$T/fooled" --server "127.0.0.1:$(cat "$T/port")" >"$T/out" 2>&1
	rc=$?
	kill $FAKE_PID; wait $FAKE_PID 2>/dev/null; FAKE_PID=
}
echo '{"keys":[]}' >"$T/empty"
impostor "$T/empty"
same "an impostor without the root: exit" $rc 1
has "an impostor without the root" "$(cat "$T/out")" 'does not show the root certificate'
has "the impostor was asked for its roots" "$(cat "$T/heard")" 'HEARD GET /spiffe/bundle'
lacks "an impostor without the root hears no token" "$(cat "$T/heard")" 'lgj1|POST'
curl -sS --cacert "$CA" "$HTTPS/spiffe/bundle" >"$T/bundle"
impostor "$T/bundle"
same "an impostor who shows the true root: exit" $rc 1
has "an impostor who shows the true root" "$(cat "$T/out")" 'does not prove that it is the service'
lacks "an impostor who shows the true root hears no token" "$(cat "$T/heard")" 'lgj1|POST'
claim "nothing was joined" test ! -e "$T/fooled/identity.json"

# ---- join, renew ----
claim "join" lightgate-agent join --token-file "$T/join" --state "$T/node1"
same "the identity is the owner's alone" "$(stat -c %a "$T/node1/identity.json")" 600
same "the key used for joining is not left beside it" "$(ls "$T/node1")" "$(printf 'cert.pem\nchain.pem\nidentity.json\nroot.pem')"
claim "openssl verifies the certificate" openssl verify -x509_strict -CAfile "$CA" -untrusted "$T/node1/chain.pem" "$T/node1/cert.pem"
has "a second join into one state" "$(lightgate-agent join --token-file "$T/join" --state "$T/node1" 2>&1)" 'holds an identity already'
has "the token with another key" "$(lightgate-agent join --token-file "$T/join" --state "$T/thief" 2>&1)" 'redeemed before with another key'
before=$(openssl x509 -in "$T/node1/cert.pem" -noout -serial -pubkey)
claim "renew" lightgate-agent renew --state "$T/node1"
claim "a renewed certificate has a new serial and a new key" test "$before" != "$(openssl x509 -in "$T/node1/cert.pem" -noout -serial -pubkey)"
has "status" "$(lightgate-agent status --state "$T/node1")" '^host node1 of https://.*spiffe://.*/host/node1'

# ---- join by a sign-in, and by a certificate that there is already ----
sign_in_admin
echo "$ADMIN" >"$T/access"
server=${HTTPS#https://} mtls=${MTLS#https://}
lacks "a token in the place of its file is not repeated" "$(lightgate-agent join --token-file lgj1.secret --state "$T/no" 2>&1)" 'secret'
claim "join by a sign-in" lightgate-agent join --access-token-file "$T/access" --host node1 --server "$server" --ca "$CA" --state "$T/signed"
has "by a sign-in" "$(lightgate-agent status --state "$T/signed" --socket "$T/none" 2>&1)" '^host node1 of '
token alice "$(lg_secret "$T/credentials" User alice)" >"$T/access.alice"
has "nobody joins by the sign-in of one who may not invite" "$(lightgate-agent join --access-token-file "$T/access.alice" --host node1 --server "$server" --ca "$CA" --state "$T/no" 2>&1)" 'host:invite|not allowed|no policy'
has "nor at a service that the CA does not vouch for" "$(lightgate-agent join --access-token-file "$T/access" --host node1 --server "$server" --ca "$T/fake.pem" --state "$T/no" 2>&1)" 'does not prove that it is the service'
jq -r .key "$T/signed/identity.json" >"$T/held.key"; cat "$T/signed/cert.pem" "$T/signed/chain.pem" >"$T/held.pem"
claim "join by a certificate" lightgate-agent join --certificate "$T/held.pem" --key "$T/held.key" --server "$mtls" --ca "$CA" --state "$T/certified"
claim "with a key of its own" test "$(jq -r .key "$T/certified/identity.json")" != "$(cat "$T/held.key")"
claim "which renews" lightgate-agent renew --state "$T/certified"
has "a key that is not the certificate's" "$(lightgate-agent join --certificate "$T/held.pem" --key "$T/fake.key" --server "$mtls" --ca "$CA" --state "$T/no" 2>&1)" 'lightgate-agent: '
claim "nothing was joined so" test ! -e "$T/no/identity.json"

# ---- the door ----
start_agent() {
	lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	within test -S "$T/agent.sock" && within is_fresh || bad "the agent: $(tail -3 "$T/agent.log")"
}
is_fresh() { lightgate-agent status --state "$T/node1" --socket "$T/agent.sock" | grep -q '"fresh":true'; }
start_agent
export LIGHTGATE_AGENT_SOCKET=$T/agent.sock
same "the socket is the owner's alone" "$(stat -c %a "$T/agent.sock")" 600
lg_bundle "$T/bundle.d" /bin/echo "it ran"
lg_annotate "$T/bundle.d" lightgate.workload web
cp "$T/bundle.d/config.json" "$T/ordinary.json"
alice=$(lg_secret "$T/credentials" User alice)
printf '%s' "$alice" >"$T/alice.password"
ticket() { # a ticket for alice, who asks for herself
	LIGHTGATE_CONFIG=$T/alice lightgate login --user alice --password-file "$T/alice.password" >/dev/null 2>&1
	LIGHTGATE_CONFIG=$T/alice lightgate check container:create "Workload/${1:-web}" --host node1 --image busybox --ticket-out "$T/ticket" >/dev/null || bad "no ticket for $1"
	cat "$T/ticket"
}
bundle() { # bundle TICKET [JQ]
	jq --arg t "$1" '(if $t != "" then .annotations["lightgate.ticket"] = $t else . end) | '"${2:-.}" "$T/ordinary.json" >"$T/bundle.d/config.json"
}
start() { timeout 60 lightgate-runc --root "$T/runc" run -b "$T/bundle.d" "$1" >"$T/out" 2>&1; }
starts() { if start "$2" && grep -q '^it ran' "$T/out"; then ok; else bad "$1: $(cat "$T/out")"; fi; }
refused() { # refused NAME ID WHY
	if start "$2"; then bad "$1: it started"; elif grep -q '^it ran' "$T/out"; then bad "$1: it ran"; else has "$1" "$(cat "$T/out")" "$3"; fi
}
bundle "$(ticket)"
starts "with a ticket" c1
refused "the ticket again" c2 'used before'
bundle ""
starts "the same container again, without a ticket" c1
bundle "" '.process.args[1] = "something else"'
refused "under its name something else" c1 'no ticket'
bundle "" 
refused "without a ticket" c3 'no ticket'
bundle "$(ticket db)"
refused "a ticket for another workload" c4 'for workload "db"'
bundle "$(ticket)" '.process.capabilities.bounding += ["CAP_SYS_ADMIN"]'
refused "privileged" c5 'no-privileged-containers'
bundle "$(ticket)" '.linux.namespaces |= map(select(.type != "network"))'
refused "the host's network" c6 'no-host-namespaces'
bundle "$(ticket)" '.mounts += [{destination: "/host", type: "bind", source: "/", options: ["rbind"]}]'
refused "the host's root mounted" c7 'no-sensitive-mounts'
bundle "$(ticket)" '.mounts += [{destination: "/run/x", type: "bind", source: $ENV.LIGHTGATE_AGENT_SOCKET, options: ["bind"]}]'
refused "the agent's socket mounted" c8 'no-sensitive-mounts'
bundle "$(ticket)" '.Linux = {}'
refused "a name that only the runtime would understand" c9 'in other letters'
bundle "" '.hooks.prestart = [{path: "/bin/touch", args: ["touch", $ENV.LIGHTGATE_AGENT_SOCKET + ".hooked"]}]'
refused "with hooks of its own" c10 'no ticket'
bundle "$(ticket)" '.hooks.prestart = [{path: "/bin/touch", args: ["touch", $ENV.LIGHTGATE_AGENT_SOCKET + ".hooked"]}] | .process.capabilities.bounding += ["CAP_SYS_ADMIN"]'
refused "refused in the hook" c11 'no-privileged'
claim "the hooks of what is refused do not run" test ! -e "$T/agent.sock.hooked"
bundle "$(ticket)"
has "options that are not known" "$(lightgate-runc run --frob -b "$T/bundle.d" c12 2>&1)" 'denied: an option'
has "another user" "$(chmod 0755 "$T"; setpriv --reuid=65534 --regid=65534 --clear-groups "$LG_BIN/lightgate-runc" run -b "$T/bundle.d" c12 2>&1)" 'denied: '
claim "end" lightgate-agent end c1
bundle ""
refused "after the end of its admission" c1 'no ticket'
same "no container is left, and no copy of a bundle" "$(ls -A "$T/runc" "$T/node1/bundles" | grep -v ':$' | tr -d '\n')" ""

# a mounted folder of one's own is fine; one that turns about between the mount and the question never shows the host
mkdir -p "$T/good"; ln -sfn "$T/good" "$T/link"; mkdir -p "$T/bundle.d/rootfs/x"
export LINK=$T/link
mount='.mounts += [{destination: "/x", type: "bind", source: $ENV.LINK, options: ["rbind"]}]
	| .process.args = ["/bin/busybox", "sh", "-c", "if [ -e /x/etc/passwd ]; then echo it leaked; else echo it ran; fi"]'
bundle "$(ticket)" "$mount"
starts "with a folder mounted" c20
bundle "" "$mount"
(while [ ! -e "$T/turned" ]; do ln -sfn / "$T/link"; ln -sfn "$T/good" "$T/link"; done) & turner=$!
leaked=0 ran=0
for i in $(seq 20); do
	start c20
	grep -q '^it leaked' "$T/out" && leaked=$((leaked + 1))
	grep -q '^it ran' "$T/out" && ran=$((ran + 1))
done
touch "$T/turned"; wait $turner
same "a source that turns about shows the host" $leaked 0
rm -f "$T/link"; ln -s / "$T/link"
bundle "$(ticket)" "$mount"
refused "a source that is a link to the host's root" c20 'no-sensitive-mounts'

on_record "the door's decisions: for whom, what, why, at whose door" 'User/alice +container:start +Workload/web +permit +shop-operators-run-containers +Host/node1' --target c1 --host node1
on_record "who is behind a container, by its id" 'Host/node1 +container.admit +c1 ' --target c1
on_record "what was refused" 'User/alice +container:start +Workload/web +deny: forbidden by no-privileged-containers.* no-privileged-containers +Host/node1' --target c5
lacks "by another host there is nothing" "$(lightgate audit list --host node9 --operation container:)" 'container:'

# as containerd calls it: create, start, exec, delete; the log is where the engine looks for the reason
bundle "$(ticket)" '.process.args = ["/bin/busybox", "sleep", "60"]'
engine() { lightgate-runc --root "$T/runc" --log "$T/log.json" --log-format json "$@"; }
claim "create" engine create --bundle "$T/bundle.d" --pid-file "$T/pid" c16 </dev/null
claim "start" engine start c16
has "exec" "$(engine exec c16 /bin/echo inside 2>&1)" '^inside'
has "exec with what no container may have" "$(engine exec --cap CAP_SYS_ADMIN c16 /bin/echo inside 2>&1)" 'no-privileged'
jq -n '{user: {uid: 0, gid: 0}, args: ["/bin/echo", "in a file"], cwd: "/", env: ["PATH=/bin"]}' >"$T/process.json"
has "as engines say it, in a file" "$(engine exec --process "$T/process.json" c16 2>&1)" '^in a file'
jq '.capabilities = {bounding: ["CAP_SYS_ADMIN"]}' "$T/process.json" >"$T/process2.json"
has "in a file, with what no container may have" "$(engine exec --process "$T/process2.json" c16 2>&1)" 'no-privileged'
has "a file in other letters" "$(engine exec --process <(jq '.Capabilities = {bounding: ["CAP_SYS_ADMIN"]}' "$T/process.json") c16 2>&1)" 'in other letters'
has "exec in a container that was never admitted" "$(runc --root "$T/runc" create -b "$T/bundle.d" c18 </dev/null >/dev/null 2>&1; runc --root "$T/runc" start c18; engine exec c18 /bin/echo inside 2>&1; runc --root "$T/runc" delete --force c18)" 'denied: .*not admitted'
lightgate group remove-member shop-operators User/alice >"$T/out" 2>&1 || bad "group: $(cat "$T/out")"
has "exec after the requester's access was lost" "$(engine exec c16 /bin/echo inside 2>&1)" 'no policy permits'
lightgate group add-member shop-operators User/alice >"$T/out" 2>&1 || bad "group: $(cat "$T/out")"
claim "delete" engine delete --force c16
bundle ""
engine create --bundle "$T/bundle.d" --pid-file "$T/pid" c17 </dev/null >"$T/out" 2>&1; same "create without a ticket" $? 1
has "the engine's log says why" "$(tail -1 "$T/log.json" | jq -r '.level + " " + .msg')" '^error denied: .*no ticket'

# the agent goes: nothing starts; it comes back: what was redeemed stays so
bundle "$(ticket)"
starts "with a new ticket" c13
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
refused "without the agent" c13 'lightgate-agent is not running'
# a certificate of two minutes is due when the agent comes: it renews it by itself, by the profile as it is then
lightgate profile show host -o json | jq '{subject, keys, usages, names, life_seconds: 120, longest_seconds}' >"$T/short.json"
claim "a short life for hosts" lightgate profile set host -f "$T/short.json"
claim "a certificate of that life" lightgate-agent renew --state "$T/node1"
claim "the life that hosts had" lightgate profile delete host
lives() { echo $(($(date -d "$(openssl x509 -in "$T/node1/cert.pem" -noout -enddate | cut -d= -f2)" +%s) - $(date +%s))); }
claim "it ends soon ($(lives) s)" test "$(lives)" -le 120
start_agent	# with a bundle of now: what was admitted is in it
renewed() { grep -q "the host's certificate is renewed" "$T/agent.log"; }
claim "it is renewed without a word" within renewed
claim "for as long as others are ($(lives) s)" test "$(lives)" -gt 3600
refused "the old ticket after the agent's return" c14 'used before'
starts "what was admitted after the agent's return" c13

# the service goes: refused in time
bundle "$(ticket)"
lg_stop
begin=$(date +%s%N)
refused "without the service" c15 'cannot reach'
prompt "the refusal took less than 2 s" $((($(date +%s%N) - begin) / 1000000)) 2000
bundle ""
starts "what was admitted starts again without the service, by the bundle" c13
has "by the bundle" "$(cat "$T/agent.log")" 'c13 starts again by the bundle: permitted by '
bundle "" '.process.args[1] = "something else"'
refused "but not something else under its name" c13 'no ticket'
bundle ""
refused "nor what was never admitted" c15 'no ticket'

# the service is back: what was decided without it is on its record, in order
lg_start "$T/data" || bad "start again"
sign_in_admin
alone() { api GET "/v1/audit?operation=container:&limit=100" | head -1 | jq -r '.items[] | select(((.detail.reason // "") | startswith("decided by the host while")) and .made_at < .time) | "\(.actor) \(.operation) \(.target) \(.detail.decision) \(.detail.asker.name)"'; }
told() { [ -n "$(alone)" ]; }
within told
same "what the host decided by itself is on record" "$(alone | head -1)" "User/alice container:restart Workload/web true node1"
nothing_left() { [ "$(wc -l <"$T/node1/decisions")" = 1 ]; }
claim "and the host's journal is empty again" within nothing_left
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
done_testing
