# A host decides by itself: its bundle follows what changes, serves while the service is away, and closes when it has been away too long.
. "$(dirname "$0")/lib.sh"
AGENT_PID=
clean_up() { for p in $AGENT_PID; do kill "$p" 2>/dev/null; done; lg_stop; }
trap clean_up EXIT
STALE=6
lg_start "$T/data" --bundles.max_stale=${STALE}s || bad "start"
sign_in_admin
STREAM=$(lg_ready .https_stream)
lightgate apply -f conf/demo.yaml --credentials "$T/credentials" >/dev/null || bad "apply"
joins node1
as() { curl -sS --cacert "$CA" --cert "$T/$1.pem" --key "$T/$1.key" "${@:2}"; }

# ---- what is given, and to whom ----
as node1 "$MTLS/v1/agent/bundle" >"$T/bundle"
tail -n +3 "$T/bundle" >"$T/body"
claims() { head -1 "$1" | cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null; }
same "the token is for this host" "$(claims "$T/bundle" | jq -r .aud)" "$(jq -r .host.id "$T/body")"
same "of this tenant" "$(claims "$T/bundle" | jq -r .iss)" "$ISSUER"
same "it holds the digest of the body" "$(claims "$T/bundle" | jq -r .sha256)" "$(openssl dgst -sha256 -binary "$T/body" | base64 | tr '+/' '-_' | tr -d '=')"
has "people that policies name are in it" "$(jq -c '.entities[][].attrs.name' "$T/body" | tr '\n' ' ')" '"alice"'
lacks "others are not" "$(jq -c '.entities[][].attrs.name' "$T/body" | tr '\n' ' ')" '"bob"'
lacks "nor is what no policy reads" "$(cat "$T/body" | jq -c .entities)" '"mail"'
have=$(claims "$T/bundle" | jq -r .sha256)
same "the same octets are not sent again" "$(as node1 "$MTLS/v1/agent/bundle?have=$have" | tail -n +3 | wc -c)" 0
same "again the same octets" "$(as node1 "$MTLS/v1/agent/bundle" | tail -n +3 | cmp - "$T/body" && echo same)" same
curl -sS --cacert "$CA" "$MTLS/v1/agent/bundle" >/dev/null 2>&1; claim "nobody without a certificate" test $? != 0
lg_secret "$T/credentials" Service controller >"$T/secret"
lightgate certificate issue --profile service --client-id controller --client-secret-file "$T/secret" --key-out "$T/controller.key" --cert-out "$T/controller.pem" >/dev/null 2>&1 || bad "controller's certificate"
same "nobody but hosts" "$(as controller -o /dev/null -w '%{http_code}' "$MTLS/v1/agent/bundle")" 403
same "nobody but hosts watches" "$(as controller -o /dev/null -w '%{http_code}' "$STREAM/v1/watch")" 403
same "nothing else is on the stream's port" "$(as node1 -o /dev/null -w '%{http_code}' "$STREAM/v1/agent/keys")" 404

# ---- the agent follows ----
lightgate-agent run --state "$T/node1" --socket "$T/agent.sock" --hook "$LG_BIN/lightgate-runc" >"$T/agent.log" 2>&1 &
AGENT_PID=$!
status() { lightgate-agent status --state "$T/node1" --socket "$T/agent.sock" | sed -n 's/^bundle: //p'; }
ask() { lightgate-agent ask "$@" --socket "$T/agent.sock" 2>&1; }
is_fresh() { status | grep -q '"fresh":true'; }
claim "the agent has a bundle" within is_fresh
has "web may reach db" "$(ask Workload/web connect Workload/db 5432/tcp)" '^permitted by '
has "db may not reach web" "$(ask Workload/db connect Workload/web 5432/tcp)" 'no policy permits it'
has "whom it does not know it does not decide on" "$(ask User/bob container:exec Workload/web)" 'ask the service: User "bob" is not known here'
has "what is new is not decided here" "$(ask User/alice container:create Workload/web)" 'ask the service'
same "what it keeps is the owner's alone" "$(stat -c %a "$T/node1/bundle.token" "$T/node1/bundle.body" "$T/node1/pin.json" | sort -u)" 600

# how long until a change is decided by: from the answer to the activation until the agent says otherwise
lightgate policy show >"$T/policies"
grep -q connect "$T/policies" || bad "no policies to change"
{ cat "$T/policies"; echo 'forbid (principal, action == Action::"connect", resource);'; } >"$T/closed.cedar"
closed() { ask Workload/web connect Workload/db 5432/tcp | grep -q forbidden; }
lightgate policy activate -f "$T/closed.cedar" >/dev/null || bad "activate"
begin=$(date +%s%N); claim "a changed policy arrives" within closed; took=$((($(date +%s%N) - begin) / 1000000))
prompt "in less than a second" $took 1000
echo "bundles: a policy change reached the host's decisions in $took ms"
lightgate policy activate -f "$T/policies" >/dev/null || bad "activate again"
opened() { ask Workload/web connect Workload/db 5432/tcp | grep -q '^permitted'; }
claim "and goes" within opened
has "alice may enter web" "$(ask User/alice container:exec Workload/web)" '^permitted'
lightgate group remove-member shop-operators User/alice >/dev/null || bad "alice leaves the operators"
may_not() { ask User/alice container:exec Workload/web | grep -q 'no policy permits it\|not known'; }
begin=$(date +%s%N); claim "a membership that ends" within may_not; took=$((($(date +%s%N) - begin) / 1000000))
prompt "ends in less than a second" $took 1000

# a revoked certificate, and a host that may not be one any more
serial=$(openssl x509 -in "$T/controller.pem" -noout -serial | sed 's/serial=//' | tr A-F a-f)
revoked() { grep -q "\"$serial\"" "$T/node1/bundle.body"; }
claim "nothing is revoked yet" bash -c "! grep -q '\"$serial\"' '$T/node1/bundle.body'"
lightgate certificate revoke "$serial" --reason keyCompromise >/dev/null || bad "revoke"
begin=$(date +%s%N); claim "a revocation arrives" within revoked; took=$((($(date +%s%N) - begin) / 1000000))
prompt "in less than a second" $took 1000
echo "bundles: a revocation reached the host in $took ms"
api POST /v1/apply -H 'Content-Type: application/json' -d '{"hosts":[{"name":"node2"}]}' >/dev/null
joins node2
as node2 -N "$STREAM/v1/watch" >"$T/stream2" 2>/dev/null & WATCH=$!
claim "another host watches" within test -s "$T/stream2"
api POST /v1/apply -H 'Content-Type: application/json' -d '{"hosts":[{"name":"node2","enabled":false}]}' >/dev/null
over() { ! kill -0 $WATCH 2>/dev/null; }
claim "a disabled host's stream ends" within over

# ---- what was meant for another host, or changed on disk, is not believed ----
kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=
cp -r "$T/node1" "$T/touched"
sed -i 's/"node1"/"nodeX"/' "$T/touched/bundle.body"
run_agent() { # run_agent STATE
	lightgate-agent run --state "$1" --socket "$T/agent.sock" --hook "$LG_BIN/lightgate-runc" >>"$T/agent.log" 2>&1 &
	AGENT_PID=$!
	for i in $(seq 100); do [ -S "$T/agent.sock" ] && lightgate-agent status --state "$1" --socket "$T/agent.sock" >/dev/null 2>&1 && break; sleep 0.05; done
}
stop_agent() { kill $AGENT_PID; wait $AGENT_PID 2>/dev/null; AGENT_PID=; }

# ---- the service goes ----
lg_stop
run_agent "$T/touched"
has "a touched copy is not used" "$(ask Workload/web connect Workload/db 5432/tcp)" 'no bundle to decide from'
has "and says why" "$(status)" 'not what was signed|cannot reach'
stop_agent
run_agent "$T/node1"
has "a true one is, while it is fresh" "$(ask Workload/web connect Workload/db 5432/tcp)" '^permitted|cut off'
stale() { ask Workload/web connect Workload/db 5432/tcp | grep -q 'cut off'; }
within stale
has "after $STALE s nothing continues" "$(ask Workload/web connect Workload/db 5432/tcp)" 'cut off from the service for'
has "stopping is still allowed" "$(ask User/alice container:stop Workload/web)" 'stops what it is told to'
stop_agent

# ---- the service comes back from an older copy of all that it had ----
known() { jq -r '.heads[0].seq' "$T/node1/heads.json" 2>/dev/null; }
same "what was heard of its logs is the owner's alone" "$(stat -c %a "$T/node1/heads.json")" 600
cp -a "$T/data" "$T/older"
lg_start "$T/data" --bundles.max_stale=${STALE}s || bad "start again"
heard=$(known)
api POST /v1/apply -H 'Content-Type: application/json' -d '{"hosts":[{"name":"node3"}]}' >/dev/null
run_agent "$T/node1"
later() { [ "$(known)" -gt "$heard" ]; }
claim "the host hears how far the log has come" within later
stop_agent
lg_stop
mv "$T/data" "$T/newer"; mv "$T/older" "$T/data"
lg_start "$T/data" --bundles.max_stale=${STALE}s || bad "start from the older copy"
run_agent "$T/node1"
lost() { status | grep -qE "it lost some, or hides them|is another one at record"; }
claim "the host says that some of it is gone" within lost
has "as the service does, of what the host had heard" "$(lightgate audit verify "$T/node1/heads.json" 2>&1)" 'DOES NOT GO ON from record [0-9]+ as it was kept: the (change|decision) log'
claim "by exit status" bash -c "lightgate audit verify '$T/node1/heads.json' >/dev/null 2>&1; test \$? = 1"
lg_stop
rm -r "$T/data"; mv "$T/newer" "$T/data"
lg_start "$T/data" --bundles.max_stale=${STALE}s || bad "start from what it should have been"
claim "it goes on when the record is whole again" within is_fresh
lightgate audit verify -o json >"$T/monday.json" 2>/dev/null
has "what was heard, and what was kept, is in it" "$(lightgate audit verify "$T/node1/heads.json" "$T/monday.json" | grep -c 'goes on from record')" 4
has "what is no head is refused" "$(lightgate audit verify "$T/credentials" 2>&1)" 'no signed heads are there'
has "nor is half of one" "$(api GET '/v1/audit/verify?heads=0.1.5')" 'CHAIN.EPOCH.SEQ.HASH'
has "a log that was empty when it was heard of goes on" "$(api GET "/v1/audit/verify?heads=1.1.0.$(printf '0%.0s' $(seq 64))")" '"seq":0,"ok":true'
has "nor one of no log" "$(api GET "/v1/audit/verify?heads=2.1.5.$(printf '0%.0s' $(seq 64))")" 'no such log'
has "nor seventeen" "$(api GET "/v1/audit/verify?heads=$(for i in $(seq 17); do printf '0.1.1.%064d,' 0; done)")" 'at most 16 heads'
stop_agent
done_testing
