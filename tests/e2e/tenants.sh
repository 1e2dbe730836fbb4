# A second tenant, made while the service runs: its own names, keys, policies and records, and nothing of the other's counts there.
. "$(dirname "$0")/lib.sh"

get() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' "$@"; }
# as NAME PASSWORD PREFIX: a token for /v1 and /access/v1 of the tenant below PREFIX
as() { curl -sS --cacert "$CA" "$HTTPS$3/v1/login" -d "$(jq -cn --arg u "$1" --arg p "$2" '{username: $u, password: $p}')" | jq -r .access_token; }
# call TOKEN METHOD PATH [curl arguments]: prints the body, then the status
call() { curl -sS --cacert "$CA" -H "Authorization: Bearer $1" -H 'Content-Type: application/json' -X "$2" "$HTTPS$3" -w '\n%{http_code}' "${@:4}"; }
status() { tail -1 <<<"$1"; }
question() { jq -cn --arg s "$1" --arg a "$2" --arg r "$3" '{subject: {type: "User", id: $s}, action: {name: $a}, resource: {type: "Tenant", id: $r}}'; }

lg_start "$T/data" || bad "start"
sign_in_admin

# ---- who may ask ------------------------------------------------------------------------------------------------------
same "the recover folder is closed" "$(stat -c %a "$T/data/recover")" 700
same "... and the socket" "$(stat -c %a "$T/data/recover/recover.sock")" 600
answer=$(api POST /v1/tenants -d '{"name":"two"}')
same "/v1 makes no tenants" "$(status "$answer")" 403
has "... and says what to run" "$answer" 'lightgate tenant create NAME --suffix'
has "... the same for keys" "$(api GET /v1/keeper/keys)" 'lightgate keeper list'
if [ "$(id -u)" = 0 ]; then
	lacks "another user is not let in" "$(setpriv --reuid 65534 --regid 65534 --clear-groups lightgate tenant list 2>&1)" default
fi

# ---- what cannot be made leaves nothing behind --------------------------------------------------------------------------
keys=$(lightgate keeper list -o json | jq '.keys | length')
for bad_one in "Two --suffix dc=two,dc=org" "default --suffix dc=two,dc=org" "a/b --suffix dc=two,dc=org" "two --suffix dc=below,dc=example,dc=org" "two --suffix dc=org" "two --suffix dc=example,dc=org" \
	"two --suffix =x" "two --suffix dc=two,dc=org --trust-domain Example" "two --suffix dc=two,dc=org --trust-domain example.org"; do
	# shellcheck disable=SC2086
	lightgate tenant create $bad_one >"$T/claim.out" 2>&1; same "refused: $bad_one" "$?" 2
done
same "... and no keys were made" "$(lightgate keeper list -o json | jq '.keys | length')" "$keys"
has "... nor a tenant" "$(lightgate tenant list -o json | jq -c '[.items[].name]')" '^\["default"\]$'

# ---- making one -----------------------------------------------------------------------------------------------------------
lightgate tenant create two --suffix dc=two,dc=org --dns-suffix two.example.org -o json >"$T/two.json" 2>"$T/claim.out" || {
	bad "tenant create"; cat "$T/claim.out"; }
P2=$(jq -r .password "$T/two.json")
same "its issuer" "$(jq -r .issuer "$T/two.json")" "$ISSUER/t/two"
same "its trust domain" "$(jq -r .trust_domain "$T/two.json")" two.example.org
jq -r .root "$T/two.json" >"$T/two-root.pem"
lightgate tenant create two --suffix dc=twice,dc=org >"$T/claim.out" 2>&1; same "a name is used once" "$?" 2
has "both are listed" "$(lightgate tenant list)" '^two +dc=two,dc=org +two.example.org'
has "its keys are listed" "$(lightgate keeper list)" '^two +ticket +active'

# ---- HTTPS: discovery, sign-in, names --------------------------------------------------------------------------------------
same "discovery" "$(curl -sS --cacert "$CA" "$HTTPS/t/two/.well-known/openid-configuration" | jq -r .issuer)" "$ISSUER/t/two"
same "... where RFC 8414 has it" "$(curl -sS --cacert "$CA" "$HTTPS/.well-known/oauth-authorization-server/t/two" | jq -r .issuer)" "$ISSUER/t/two"
jwks() { curl -sS --cacert "$CA" "$HTTPS$1/oauth2/jwks" | jq -c '[.keys[].kid] | sort'; }
claim "its token keys are its own" test "$(jwks /t/two)" != "$(jwks '')"
same "/t/default is nowhere" "$(get "$HTTPS/t/default/.well-known/openid-configuration")" 404
same "nor is /t/three" "$(get "$HTTPS/t/three/v1/whoami")" 404
A2=$(as admin "$P2" /t/two)
claim "its administrator signs in" test -n "$A2" -a "$A2" != null
has "... and is that tenant's" "$(call "$A2" GET /t/two/v1/whoami)" '"tenant":"two"'
same "one's password is wrong at two" "$(as admin "$(lg_ready .admin.password)" /t/two)" null
same "two's password is wrong at one" "$(as admin "$P2" '')" null
same "one's token is refused at two" "$(status "$(call "$ADMIN" GET /t/two/v1/whoami)")" 401
same "two's token is refused at one" "$(status "$(call "$A2" GET /v1/whoami)")" 401
same "... on decisions too" "$(status "$(call "$A2" POST /access/v1/evaluation -d "$(question admin policy:read self)")")" 401
same "... and the reverse" "$(status "$(call "$ADMIN" POST /t/two/access/v1/evaluation -d "$(question admin policy:read self)")")" 401

cat >"$T/two.yaml" <<-'Y'
	projects: [{name: shop}]
	users: [{name: alice, mail: alice@two.example.org}]
	services: [{name: courier, project: shop}]
Y
claim "login with --tenant" lightgate --tenant two login --user admin --password-file - <<<"$P2"
claim "apply at two" lightgate --tenant two apply -f "$T/two.yaml" --credentials "$T/two-secrets.json"
has "the last login remembers the tenant" "$(env -u LIGHTGATE_DEV lightgate whoami 2>&1)" 'two'
has "alice is at two" "$(lightgate --tenant two user list)" '^alice'
same "... and not at one" "$(status "$(api GET /v1/users/alice)")" 404
cat >"$T/one.yaml" <<-'Y'
	projects: [{name: shop}]
	services: [{name: courier, project: shop}]
Y
rm -f "$T/cli/session.json"
claim "apply at one" lightgate apply -f "$T/one.yaml" --credentials "$T/one-secrets.json"

# ---- policies -----------------------------------------------------------------------------------------------------------------
lightgate --tenant two login --user admin --password-file - <<<"$P2" >/dev/null 2>&1
lightgate --tenant two policy show >"$T/two.cedar"
echo '@id("no-reading") forbid (principal == User::"alice", action, resource);' >>"$T/two.cedar"
claim "a policy at two names two's alice" lightgate --tenant two policy activate -f "$T/two.cedar"
lacks "... and one's set is as it was" "$(api GET /v1/policies/active)" 'no-reading'
alice=$(call "$A2" GET /t/two/v1/users/alice | head -1 | jq -r .id)
claim "alice has an id" test "${#alice}" = 36
decision() { head -1 <<<"$1" | jq -c .decision; }


# ---- certificates ---------------------------------------------------------------------------------------------------------------
lg_secret "$T/one-secrets.json" Service courier >"$T/one-secret"
lg_secret "$T/two-secrets.json" Service courier >"$T/two-secret"
rm -f "$T/cli/session.json"
claim "a certificate of one" lightgate certificate issue --profile service --client-id courier --client-secret-file "$T/one-secret" \
	--key-out "$T/one.key" --cert-out "$T/one.pem"
claim "a certificate of two" lightgate --tenant two certificate issue --profile service --client-id courier --client-secret-file "$T/two-secret" \
	--key-out "$T/two.key" --cert-out "$T/two.pem"
has "its name is two's" "$(openssl x509 -in "$T/two.pem" -noout -ext subjectAltName)" 'spiffe://two.example.org/service/courier'
claim "it comes from two's root" openssl verify -CAfile "$T/two-root.pem" -untrusted "$T/two.pem" "$T/two.pem"
lacks "... which is not one's" "$(openssl verify -CAfile "$CA" -untrusted "$T/two.pem" "$T/two.pem" 2>&1)" ': OK'
mtls() { get --cert "$T/$1.pem" --key "$T/$1.key" "$MTLS$2"; }
same "two's certificate at two" "$(mtls two /t/two/v1/whoami)" 200
same "two's certificate at one" "$(mtls two /v1/whoami)" 401
same "one's certificate at one" "$(mtls one /v1/whoami)" 200
same "one's certificate at two" "$(mtls one /t/two/v1/whoami)" 401
same "path and certificate disagree even where nobody is asked who they are" "$(mtls one /t/two/oauth2/jwks)" 401
same "one's token with two's certificate" "$(get --cert "$T/two.pem" --key "$T/two.key" -H "Authorization: Bearer $ADMIN" "$MTLS/v1/whoami")" 401
same "two's client at one's token endpoint" \
	"$(get -u "courier:$(cat "$T/two-secret")" -d grant_type=client_credentials -d "resource=$ISSUER/v1" "$HTTPS/oauth2/token")" 401
crl=$(openssl x509 -in "$T/two.pem" -noout -ext crlDistributionPoints | grep -o 'http[^ ]*')
has "its CRL is below /t/two" "$crl" '/t/two/crl/'
same "... and is there" "$(get "$crl")" 200
has "the SPIFFE bundle is its own" "$(curl -sS "$HTTP/t/two/spiffe/bundle")" 'keys'
claim "... not one's" test "$(curl -sS "$HTTP/t/two/spiffe/bundle" | jq -c .keys)" != "$(curl -sS "$HTTP/spiffe/bundle" | jq -c .keys)"

# ---- LDAP ------------------------------------------------------------------------------------------------------------------------------
export LDAPTLS_CACERT=$CA
whoami_as() { ldapwhoami -x -H "$LDAPS" -D "$1" -w "$2" 2>&1; }
PA=$(jq -r '.[] | select(.kind == "User" and .name == "alice") | .secret' "$T/two-secrets.json")
has "two's people bind below two's suffix" "$(whoami_as uid=alice,ou=people,dc=two,dc=org "$PA")" 'dn:uid=alice'
has "... not below one's" "$(whoami_as uid=alice,ou=people,dc=example,dc=org "$PA")" 'Invalid credentials'
has "one's administrator does not bind below two's" "$(whoami_as uid=admin,ou=people,dc=two,dc=org "$(lg_ready .admin.password)")" 'Invalid credentials'
find_in() { ldapsearch -LLL -o ldif-wrap=no -x -H "$LDAPS" -D "$1" -w "$2" -b "$3" '(objectClass=*)' dn 2>&1; }
has "two's administrator reads two" "$(find_in uid=admin,ou=people,dc=two,dc=org "$P2" dc=two,dc=org)" 'uid=alice'
lacks "... and nothing of one" "$(find_in uid=admin,ou=people,dc=two,dc=org "$P2" dc=example,dc=org)" '^dn:'
lacks "one's administrator reads nothing of two" "$(find_in uid=admin,ou=people,dc=example,dc=org "$(lg_ready .admin.password)" dc=two,dc=org)" '^dn:'
external() { LDAPTLS_CERT=$T/$1.pem LDAPTLS_KEY=$T/$1.key ldapwhoami -Q -Y EXTERNAL -H "$LDAPS" ${2:+-X "$2"} 2>&1; }
if ldapwhoami -VV 2>&1 | grep -q .; then
	has "EXTERNAL with two's certificate is two's entry" "$(external two)" 'dc=two,dc=org'
	has "EXTERNAL with one's certificate is one's entry" "$(external one)" 'cn=courier,ou=services,dc=example,dc=org'
	lacks "one's certificate is not two's name" "$(external one dn:cn=courier,ou=services,dc=two,dc=org)" 'dc=two'
fi

# ---- records -----------------------------------------------------------------------------------------------------------------------------
has "two's record begins with its creation, by the operator" "$(call "$A2" GET '/t/two/v1/audit?operation=tenant.create')" '"actor":"recover"'
lacks "one's record has nothing of two" "$(api GET '/v1/audit?limit=1000')" 'alice|dc=two'
lacks "two's record has nothing of one" "$(call "$A2" GET '/t/two/v1/audit?limit=1000')" 'dc=example,dc=org'

# ---- keys ------------------------------------------------------------------------------------------------------------------------------------
claim "every signature has a record" lightgate keeper reconcile
before=$(jwks /t/two)
lightgate keeper rotate two token -o json >"$T/next.json"
same "a successor is published ..." "$(jwks /t/two | jq length)" 2
A3=$(as admin "$P2" /t/two)
kid_of() { jq -rR 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .kid' <<<"$1"; }
same "... before it signs" "$(kid_of "$A3")" "$(jq -r '.[0]' <<<"$before")"
lightgate keeper rotate two token --now >"$T/claim.out" 2>&1
A4=$(as admin "$P2" /t/two)
same "... and then signs" "$(kid_of "$A4")" "$(jq -r .kid "$T/next.json")"
same "what the old key signed is still good" "$(status "$(call "$A3" GET /t/two/v1/whoami)")" 200
same "the other tenant's keys are as they were" "$(jwks '' | jq length)" 1
claim "the issuing CA has a successor" lightgate keeper rotate two issuer --now
claim "a certificate of the new CA" lightgate --tenant two certificate issue --profile service --client-id courier --client-secret-file "$T/two-secret" \
	--key-out "$T/new.key" --cert-out "$T/new.pem"
claim "... from the same root" openssl verify -CAfile "$T/two-root.pem" -untrusted "$T/new.pem" "$T/new.pem"
claim "... by another issuer" test "$(openssl x509 -in "$T/new.pem" -noout -issuer)" != "$(openssl x509 -in "$T/two.pem" -noout -issuer)"
same "both are believed" "$(mtls new /t/two/v1/whoami) $(mtls two /t/two/v1/whoami)" "200 200"
has "a ceiling is narrowed" "$(lightgate keeper ceiling two --leaf-life 10m)" 'leaf_life +600'
lightgate --tenant two certificate issue --profile service --client-id courier --client-secret-file "$T/two-secret" --key-out "$T/short.key" --cert-out "$T/short.pem" >"$T/claim.out" 2>&1
claim "... and certificates end sooner" sh -c "! openssl x509 -in '$T/short.pem' -noout -checkend 660"
lightgate keeper ceiling two --leaf-life 91d >"$T/claim.out" 2>&1; same "... and not widened beyond what the keeper allows" "$?" 2
has "turning keys is on record" "$(call "$A4" GET '/t/two/v1/audit?operation=keeper.activate')" '"actor":"recover"'

# ---- recover, while it runs ----------------------------------------------------------------------------------------------------------------------
lightgate recover password admin --tenant two -o json >"$T/new-password" 2>&1
N2=$(jq -r .result "$T/new-password")
same "the old password is gone" "$(as admin "$P2" /t/two)" null
A5=$(as admin "$N2" /t/two)
claim "the new one works" test -n "$A5" -a "$A5" != null
same "who had signed in with the old one is signed out" "$(status "$(call "$A4" GET /t/two/v1/whoami)")" 401
same "one's administrator is as before" "$(status "$(api GET /v1/whoami)")" 200
guess() { curl -sS --cacert "$CA" "$HTTPS/t/two/v1/login" -d '{"username":"admin","password":"wrong"}' | grep wait; }
waits() { until guess; do :; done; [ "$(as admin "$N2" /t/two)" = null ]; }
claim "too many wrong ones lock the account" within waits
claim "unlock" lightgate recover unlock admin --tenant two
A6=$(as admin "$N2" /t/two)
claim "... lets it in again" test -n "$A6" -a "$A6" != null
lightgate recover unlock alice --tenant two >"$T/claim.out" 2>&1; same "only administrators are let in" "$?" 2
has "a rollback" "$(lightgate recover rollback 1 --tenant two)" 'with the text of 1'
lacks "... takes the policy back" "$(call "$A6" GET /t/two/v1/policies/active)" 'no-reading'
has "... on record" "$(call "$A6" GET '/t/two/v1/audit?operation=recover.rollback')" '"actor":"recover"'

# ---- hosts, tickets, decisions: the same small shop in both --------------------------------------------------------------------------------------------
api POST /v1/apply -d "$(python3 -c 'import json, yaml; print(json.dumps(yaml.safe_load(open("conf/demo.yaml"))))')" >"$T/applied-1"
call "$A6" POST /t/two/v1/apply -d "$(python3 -c 'import json, yaml; print(json.dumps(yaml.safe_load(open("conf/demo.yaml"))))')" >"$T/applied-2"
call "$A6" POST /t/two/v1/users/alice/password -d '{}' >"$T/alice-2"	# she was there before
secret_1=$(head -1 "$T/applied-1" | jq -r '.credentials[] | select(.name == "alice") | .secret')
secret_2=$(head -1 "$T/alice-2" | jq -r .password)
alice_1=$(as alice "$secret_1" '') alice_2=$(as alice "$secret_2" /t/two)
create='{"subject":{"type":"User","id":"alice"},"action":{"name":"container:create"},"resource":{"type":"Workload","id":"web","properties":{"project":"shop","image":"busybox","host":"node1"}}}'
ticket() { call "$1" POST "$2/access/v1/evaluation" -d "$create" | head -1 | jq -r .context.ticket; }
join() { # join TOKEN PREFIX NAME
	openssl ecparam -name prime256v1 -genkey -noout -out "$T/$3.key"
	openssl req -new -key "$T/$3.key" -subj / -out "$T/$3.csr" 2>/dev/null
	call "$1" POST "$2/v1/hosts/node1/join-tokens" -d '{}' | head -1 | jq -r .token >"$T/$3.token"
	jq -n --rawfile t "$T/$3.token" --rawfile c "$T/$3.csr" '{token: ($t | rtrimstr("\n")), csr: $c}' >"$T/$3.join"
	curl -sS --cacert "$CA" -H 'Content-Type: application/json' -d @"$T/$3.join" "$HTTPS$2/v1/join" >"$T/$3.joined"
	jq -r '.certificate, .chain' "$T/$3.joined" >"$T/$3.pem"
}
join "$ADMIN" '' host1
join "$A6" /t/two host2
has "a host of two" "$(openssl x509 -in "$T/host2.pem" -noout -ext subjectAltName)" 'spiffe://two.example.org/host/node1'
same "a join token of two opens nothing at one" \
	"$(get -H 'Content-Type: application/json' -d @"$T/host2.join" "$HTTPS/v1/join")" 403
call "$A6" POST /t/two/v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token >"$T/agent.token"
claim "an agent joins two" lightgate-agent join --token-file "$T/agent.token" --state "$T/node1-two"
same "... with two's root" "$(openssl x509 -in "$T/node1-two/root.pem" -noout -fingerprint)" "$(openssl x509 -in "$T/two-root.pem" -noout -fingerprint)"
claim "... and renews there" lightgate-agent renew --state "$T/node1-two"
admit() { # admit HOST PREFIX TICKET CONTAINER
	jq -n --arg t "$3" --arg c "$4" '{ticket: $t, container: $c, workload: "web", image: "busybox", bundle_sha256: ("0" * 64), container_facts: {
		privileged: false, host_network: false, host_pid: false, host_ipc: false, shared_namespace: false, user: "1000",
		capabilities: [], devices: [], mounts: [], sensitive_mount: false, args: ["true"], hooks: []}}' >"$T/admit"
	curl -sS --cacert "$CA" --cert "$T/$1.pem" --key "$T/$1.key" -H 'Content-Type: application/json' -d @"$T/admit" "$MTLS$2/v1/admissions"
}
t1=$(ticket "$alice_1" '') t2=$(ticket "$alice_2" /t/two)
claim "tickets in both" test "${#t1}" -gt 100 -a "${#t2}" -gt 100
lacks "one's ticket at two" "$(admit host2 /t/two "$t1" c1)" '"decision":true'
lacks "two's ticket at one" "$(admit host1 '' "$t2" c2)" '"decision":true'
lacks "one's host at two, with two's ticket" "$(admit host1 /t/two "$t2" c3)" '"decision":true'
has "two's ticket at two" "$(admit host2 /t/two "$t2" c4)" '"decision":true'
has "one's ticket at one" "$(admit host1 '' "$t1" c5)" '"decision":true'
id_2=$(call "$A6" GET /t/two/v1/users/alice | head -1 | jq -r .id)
id_1=$(api GET /v1/users/alice | head -1 | jq -r .id)
as_subject() { jq -c --arg s "$1" '.subject.id = $s' <<<"$create"; }
same "a decision about oneself" "$(decision "$(call "$alice_1" POST /access/v1/evaluation -d "$(as_subject "$id_1")")")" true
lacks "an entity of two in a question at one" "$(call "$alice_1" POST /access/v1/evaluation -d "$(as_subject "$id_2")")" '"decision":true'
lacks "... asked by an administrator" "$(call "$ADMIN" POST /access/v1/evaluation -d "$(as_subject "$id_2")")" '"decision":true'

operator_there() { [ -n "$(child lg-operator)" ]; }
# ---- a client that says nothing ---------------------------------------------------------------------------------------------------------------------
python3 - "$T/data/recover" <<-'P' &
	import os, socket, sys, time
	os.chdir(sys.argv[1])
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect("recover.sock")
	time.sleep(600)
	P
stuck=$!
within operator_there
same "a silent client keeps nobody from the service" "$(status "$(api GET /v1/whoami)")" 200
(sleep 0.5; kill $stuck) &
claim "... and goes when it goes" lightgate tenant list
wait $stuck 2>/dev/null
for junk in 'x' 'tenant-create\0' 'nonsense\0' '\377\0'; do
	printf '%b' "$junk" | python3 -c 'import os, socket, sys
os.chdir(sys.argv[1]); s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("recover.sock")
s.send(sys.stdin.buffer.read()); print(s.recv(65536))' "$T/data/recover" >"$T/claim.out" 2>&1
	has "junk is refused" "$(cat "$T/claim.out")" "^b'E"
done

same "no complaints so far" "$(grep -c '"level":"error"' "$T/data.log")" 0

# ---- a request that is broken off takes nothing with it -----------------------------------------------------------------------------------------------
alone() { ! operator_there; }
within alone
python3 -c 'import os, socket, sys, time
os.chdir(sys.argv[1]); s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("recover.sock"); time.sleep(600)' "$T/data/recover" &
waiting=$!
claim "a child of its own talks to the operator" within operator_there
kill -9 $(child lg-operator)
claim "the next one is answered" within lightgate keeper list
is_ready() { [ "$(get "$HTTPS/readyz")" = 200 ]; }
claim "the service is ready" within is_ready
kill $waiting; wait $waiting 2>/dev/null

# ---- again ---------------------------------------------------------------------------------------------------------------------------------------------
keys=$(jwks /t/two)
lg_stop
claim "the socket went with the service" test ! -e "$T/data/recover/recover.sock"
lg_start "$T/data" || bad "second start"
same "both are there after a restart" "$(lightgate tenant list -o json | jq -c '[.items[].name]')" '["default","two"]'
same "the keys are the same" "$(jwks /t/two)" "$keys"
same "tokens still count" "$(status "$(call "$A6" GET /t/two/v1/whoami)")" 200
same "certificates still count" "$(mtls new /t/two/v1/whoami)" 200
same "... where they did" "$(mtls new /v1/whoami)" 401
claim "and every signature has a record" lightgate keeper reconcile
done_testing
