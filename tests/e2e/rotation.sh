# Keys grow old in seconds: successors are published, sign, and retire, and nobody notices.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" --rotation.token_key=8s --rotation.ticket_key=8s --rotation.bundle_key=8s --rotation.audit_key=8s --rotation.issuing_ca=8s --rotation.publish=3s || bad "start"
jwks() { curl -sS --cacert "$CA" "$HTTPS/oauth2/jwks" | jq -r '.keys[].kid' | sort; }
kid_of() { jq -rR 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .kid' <<<"$1"; }
sign_in_admin

# two hosts with bundles: one follows, one is away while the keys turn
follows() { lightgate-agent run --state "$T/$1" --socket "$T/$1.sock" >>"$T/$1.log" 2>&1 & AGENT_PID=$!; }
is_fresh() { lightgate-agent status --state "$T/$1" --socket "$T/$1.sock" 2>/dev/null | grep -q '"fresh":true'; }
leaves() { kill "$AGENT_PID"; wait "$AGENT_PID" 2>/dev/null; AGENT_PID=; }
audit_pinned() { jq -r '.audit_keys.keys[].kid' "$T/$1/pin.json" | sort; }
head_by() { jq -r '.heads[0].kid' "$T/$1/heads.json"; }
heard() { [ "$(head_by "$1")" != "$(head_by then)" ]; }
pinned() { jq -r '.bundle_keys.keys[].kid' "$T/$1/pin.json" | sort; }
signed_by() { kid_of "$(cat "$T/$1/bundle.token")"; }
turned() { [ "$(signed_by "$1")" != "$(signed_by then)" ]; }
AGENT_PID=
trap '[ -z "$AGENT_PID" ] || kill "$AGENT_PID" 2>/dev/null; lg_stop' EXIT
api POST /v1/apply -H 'Content-Type: application/json' -d '{"hosts":[{"name":"away"},{"name":"there"}]}' >/dev/null
for host in away there; do
	joins $host
	follows $host
	claim "$host has a bundle" within is_fresh $host
	[ $host = there ] || leaves
done
cp -r "$T/there" "$T/then"
clock() { echo $(($(date +%s%N) / 1000000)); }	# ms
begin=$(date +%s)
first=$ADMIN unknown=0 unpublished=0 compared=0 refused=0 turns=0 last=
fetched=$(clock) known=$(jwks)
while [ $(($(date +%s) - begin)) -lt 25 ]; do
	sign_in_admin
	kid=$(kid_of "$ADMIN")
	# a verifier that fetched the keys less than rotation.publish ago knows the one that signs now
	if [ $(($(clock) - fetched)) -lt 3000 ]; then
		compared=$((compared + 1))
		grep -qxF -e "$kid" <<<"$known" || unpublished=$((unpublished + 1))
	fi
	[ "$kid" = "$last" ] || { last=$kid; turns=$((turns + 1)); }
	[ "$(api GET /v1/whoami | tail -1)" = 200 ] || refused=$((refused + 1))
	fetched=$(clock) known=$(jwks)
	grep -qxF -e "$kid" <<<"$known" || unknown=$((unknown + 1))
	sleep 0.5
done
claim "keys were turned (saw $turns)" test $turns -ge 3
[ $compared -ge 3 ] || skip "verifiers that keep keys for a moment: this machine is too slow to play them"
same "no token was signed by a key that was not published before" "$unpublished" 0
same "no key was dropped that had just signed" "$unknown" 0
same "no token was refused" "$refused" 0
claim "the host that was there has a bundle of a later key" turned there
claim "and the key is pinned" grep -qxF -e "$(signed_by there)" <<<"$(pinned there)"
same "the keys before it are not pinned any more" "$(comm -12 <(pinned there) <(pinned then))" ""
claim "it has a head of a later audit key" within heard there
claim "which is pinned too" grep -qxF -e "$(head_by there)" <<<"$(audit_pinned there)"
same "it complained of nothing" "$(grep -c '"level":"error"' "$T/there.log")" 0
leaves
follows away
claim "the host that was away follows to a key it had never heard of" within turned away
claim "and its bundle counts" within is_fresh away
claim "and to an audit key" within heard away
has "what hosts heard under all these keys goes on" "$(lightgate audit verify "$T/then/heads.json" "$T/away/heads.json" 2>&1 | grep -c 'goes on from record')" 4
leaves
ADMIN=$first
same "the first key's token is still good" "$(api GET /v1/whoami | tail -1)" 200

# the first client that wants an algorithm has its key made, and waits until verifiers can know it
cat >"$T/algs.yaml" <<-'YAML'
	clients:
	  - {name: rs, type: service, access_token_alg: RS256}
	  - {name: ps, type: service, access_token_alg: PS256}
	  - {name: ed, type: service, access_token_alg: EdDSA}
	  - {name: es, type: service}
YAML
begin=$(clock)
claim "clients with algorithms of their own" lightgate apply -f "$T/algs.yaml" --credentials "$T/algs.json"
token_of() { curl -sS --cacert "$CA" -u "$1:$(jq -r ".[] | select(.name == \"$1\").secret" "$T/algs.json")" -d grant_type=client_credentials "$HTTPS/oauth2/token"; }
alg_of() { jq -rR 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .alg'; }
algs() { curl -sS --cacert "$CA" "$HTTPS/oauth2/jwks" | jq -r '.keys[].alg' | sort -u | tr '\n' ' '; }
early() { # early NAME CLIENT: whose key is younger than rotation.publish, if the clients are
	local said; said=$(token_of "$2" | jq -r .error)
	if [ $(($(clock) - begin)) -lt 3000 ]; then same "$1" "$said" temporarily_unavailable; else skip "$1: this machine is too slow to see it"; fi
}
early "before its key may sign" rs
published() { [ "$(algs)" = "ES256 EdDSA PS256 RS256 " ]; }
claim "the keys are published" within published
early "while they are new, nothing is signed with them" ps
all_sign() { [ "$(token_of rs | jq -r .error)$(token_of ed | jq -r .error)$(token_of ps | jq -r .error)" = nullnullnull ]; }
within all_sign
for pair in rs:RS256 ps:PS256 ed:EdDSA es:ES256; do
	same "${pair%:*} has its own" "$(token_of "${pair%:*}" | jq -r .access_token | alg_of)" "${pair#*:}"
done

has "tickets' keys turned too" "$(lightgate keeper list)" '^default +ticket +retired'
has "and bundles'" "$(lightgate keeper list)" '^default +bundle +retired'
has "and the audit key" "$(lightgate keeper list)" '^- +audit +retired'
claim "which the operator can turn too" lightgate keeper rotate - audit
has "and is no tenant's" "$(lightgate keeper rotate default audit 2>&1)" "audit keys are no tenant's: write - in place of default"
has "and the issuing CA" "$(lightgate keeper list)" '^default +issuer +retired'
same "readiness" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" 200
has "turning is on record, as the service's own doing" "$(api GET '/v1/audit?operation=keeper.activate')" '"purpose":"audit"'
lg_stop
same "no complaints" "$(grep -c '"level":"error"' "$T/data.log")" 0
lg_start "$T/data" || bad "start with settings for people"
same "the token counts after a restart" "$(api GET /v1/whoami | tail -1)" 200

# what cannot be meant
lightgated --listen.https=127.0.0.1:0 --rotation.publish=1m --check >"$T/claim.out" 2>&1; same "published shorter than verifiers keep keys" "$?" 2
lightgated --rotation.token_key=30m --check >"$T/claim.out" 2>&1; same "gone before it is published" "$?" 2
lightgated --rotation.issuing_ca=600d --check >"$T/claim.out" 2>&1; same "beyond two thirds of the CA's life" "$?" 2
done_testing
