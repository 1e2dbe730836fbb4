# Who may ask what, and with which proof: tokens, certificates, tickets and names used where they do not belong.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
secret() { jq -r --arg n "$1" '.credentials[] | select(.name == $n) | .secret' <<<"$LG_READY"; }
code() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' "$@"; }
cert() { printf '%s\n' --cert "$T/$1.pem" --key "$T/$1.key"; }
as() { local who; mapfile -t who < <(cert "$1"); code "${who[@]}" "${@:2}"; }
reason() { jq -r '.context.reason // .detail // .error' "$T/body"; }
json='Content-Type: application/json'

# a second service, a second host, their certificates
api POST /v1/apply -d '{"services":[{"name":"other","project":"shop"}],"hosts":[{"name":"node2"}]}' >"$T/applied"
secret controller | tr -d '\n' >"$T/controller.secret"
head -1 "$T/applied" | jq -r '.credentials[] | select(.name == "other") | .secret' | tr -d '\n' >"$T/other.secret"
for s in controller other; do
	claim "certificate of $s" lightgate certificate issue --profile service --client-id "$s" --client-secret-file "$T/$s.secret" \
		--key-out "$T/$s.key" --cert-out "$T/$s.pem"
done
for h in node1 node2; do
	api POST "/v1/hosts/$h/join-tokens" -d '{}' | head -1 | jq -r .token >"$T/join"
	mkdir -m 0700 "$T/$h"
	claim "$h joins" lightgate-agent join --token-file "$T/join" --state "$T/$h"
	jq -r .certificate "$T/$h/identity.json" >"$T/$h.pem"; jq -r .chain "$T/$h/identity.json" >>"$T/$h.pem"
	jq -r .key "$T/$h/identity.json" >"$T/$h.key"
done

# ---- a token that is bound to a certificate ----
mapfile -t cc < <(cert controller)
bound=$(curl -sS --cacert "$CA" "${cc[@]}" -d grant_type=client_credentials -d client_id=controller "$MTLS/oauth2/token" | jq -r .access_token)
same "with its certificate" "$(as controller -H "Authorization: Bearer $bound" "$MTLS/v1/whoami")" 200
same "without" "$(code -H "Authorization: Bearer $bound" "$HTTPS/v1/whoami")" 401
same "with another's" "$(as other -H "Authorization: Bearer $bound" "$MTLS/v1/whoami")" 401
same "over the socket" "$(code --unix-socket "$SOCKET" -H "Authorization: Bearer $bound" http://localhost/v1/whoami)" 401

# ---- subjects ----
question() { jq -cn --arg w "$1" --arg h "${2:-node1}" '{subject: {type: "User", id: "alice"}, action: {name: "container:create"},
	resource: {type: "Workload", id: $w, properties: {project: "shop", image: "busybox", host: $h}}}'; }
evaluate() { as "$1" -H "$json" -d "$(question "${2:-web}")" "${@:3}" "$MTLS/access/v1/evaluation"; }
same "a service's bare word for a person" "$(evaluate controller)" 403
token_for=$(lg_sign_in alice "$(secret alice)" portal http://127.0.0.1:9000/callback "openid profile" controller | jq -r .access_token)
own=$(token alice "$(secret alice)")
same "a person's token for the asker" "$(evaluate controller web -H "Lightgate-Subject-Token: $token_for")" 200
same "... is a permit" "$(jq .decision "$T/body")" true
ticket=$(jq -r .context.ticket "$T/body")
same "a token for another asker" "$(evaluate other web -H "Lightgate-Subject-Token: $token_for")" 401
same "a token for the API" "$(evaluate controller web -H "Lightgate-Subject-Token: $own")" 401
same "a ticket is no token" "$(evaluate controller web -H "Lightgate-Subject-Token: $ticket")" 401
same "a token for a controller opens no API" "$(code -H "Authorization: Bearer $token_for" "$HTTPS/v1/whoami")" 401
same "two subject tokens" "$(evaluate controller web -H "Lightgate-Subject-Token: $token_for" -H "lightgate-subject-token: $token_for")" 400
same "a person for another" "$(code -H "Authorization: Bearer $own" -H "$json" -d '{"subject":{"type":"User","id":"bob"},"action":{"name":"container:create"},"resource":{"type":"Workload","id":"web"}}' "$HTTPS/access/v1/evaluation")" 403
same "context is ours to set" "$(code -H "Authorization: Bearer $own" -H "$json" -d '{"subject":{"type":"User","id":"alice"},"action":{"name":"container:create"},"resource":{"type":"Workload","id":"web"},"context":{"subject_proof":"token"}}' "$HTTPS/access/v1/evaluation")" 400

# ---- names ----
ask_self() { code -H "Authorization: Bearer $own" -H "$json" -d "$1" "$HTTPS/access/v1/evaluation"; }
same "nothing new is named by an entryUUID" "$(ask_self "$(question 99999999-9999-4999-8999-999999999999)")" 404
same "names have a length" "$(ask_self "$(question "$(head -c 600 /dev/zero | tr '\0' A)")")" 422
same "actions too" "$(ask_self '{"subject":{"type":"User","id":"alice"},"action":{"name":"'"$(head -c 100 /dev/zero | tr '\0' A)"'"},"resource":{"type":"Workload","id":"web"}}')" 422
python3 -c 'import json; print(json.dumps({"subject": {"type": "User", "id": "alice"}, "action": {"name": "container:create"}, "evaluations": [{"resource": {"type": "Workload", "id": "A" * 200000, "properties": {"project": "shop"}}}]}))' >"$T/long"
code -H "Authorization: Bearer $own" -H "$json" -d @"$T/long" "$HTTPS/access/v1/evaluations" >/dev/null
same "... in a batch" "$(jq '.evaluations[0].decision' "$T/body")" false
claim "the audit trail is JSON still" jq -e .items <(api GET '/v1/audit?limit=500' | head -1)

# ---- tokens only narrow ----
api GET /v1/policies/active | head -1 | jq '{source: (.source + "\n@id(\"narrow\") forbid (principal, action == Action::\"container:create\", resource) when { context has scopes && context.scopes.contains(\"profile\") && context has client && context.client == \"portal\" };")}' >"$T/narrow"
has "a policy that looks at scopes" "$(api POST /v1/policies -d @"$T/narrow")" '201$'
evaluate controller web -H "Lightgate-Subject-Token: $token_for" >/dev/null
same "holds for a token that has them" "$(jq -r .context.policy "$T/body")" narrow
ask_self "$(question web)" >/dev/null
same "not for another of the same person" "$(jq .decision "$T/body")" true
api POST /v1/policies/rollback -d '{"version":2}' >/dev/null

# ---- what hosts may not do ----
for path in users audit policies hosts/node1 certificates; do same "a host reads $path" "$(as node1 "$MTLS/v1/$path")" 403; done
same "a host invites" "$(as node1 -d '{}' "$MTLS/v1/hosts/node2/join-tokens")" 403
same "a host applies" "$(as node1 -d '{}' "$MTLS/v1/apply")" 403
same "a host asks about what does not run on it" "$(evaluate node1)" 403

# ---- tickets ----
facts='{"privileged":false,"host_network":false,"host_pid":false,"host_ipc":false,"shared_namespace":false,"user":"0:0","capabilities":[],"devices":[],"mounts":[],"sensitive_mount":false,"args":["x"],"hooks":[]}'
admission() { jq -cn --arg t "$ticket" --arg c "$1" --arg w "${2:-web}" --argjson f "$facts" \
	'{ticket: $t, container: $c, workload: $w, bundle_sha256: ("0" * 64), container_facts: $f}'; }
admit() { as "$1" -d "$(admission "$2" "${3:-web}")" "$MTLS/v1/admissions" >/dev/null; jq -r .decision "$T/body"; }
same "another host's ticket" "$(admit node2 c1)" false
has "... says so" "$(reason)" "another host"
same "another workload's" "$(admit node1 c1 db)" false
same "a service redeems none" "$(as controller -d "$(admission c1)" "$MTLS/v1/admissions")" 403
same "not without a certificate" "$(code -d "$(admission c1)" "$HTTPS/v1/admissions")" 404
same "the right one" "$(admit node1 c1)" true
same "a second time" "$(admit node1 c2)" false
restart() { as "$1" -d "{\"container_facts\":${3:-$facts}}" "$MTLS/v1/admissions/$2/restart" >/dev/null; jq -r .decision "$T/body"; }
same "another host restarts it" "$(restart node2 c1)" false
same "its own" "$(restart node1 c1)" true
same "with more than it was admitted with" "$(restart node1 c1 "${facts/\"privileged\":false/\"privileged\":true}")" false
same "what was never admitted" "$(restart node1 c9)" false
for id in %2e%2e a%2fb ..%2fc1; do
	claim "container $id is none" test "$(as node1 --path-as-is -d "{\"container_facts\":$facts}" "$MTLS/v1/admissions/$id/restart")" -ge 400
done

# ---- passwords and what hangs on them ----
export LDAPTLS_CACERT=$CA
alice=uid=alice,ou=people,dc=example,dc=org admin=uid=admin,ou=people,dc=example,dc=org
who() { code -H "Authorization: Bearer $1" "$HTTPS/v1/whoami"; }
same "signed in" "$(who "$own")" 200
claim "Password Modify" ldappasswd -x -H "$LDAPS" -D "$alice" -w "$(secret alice)" -s "another pass phrase"
same "... signs out" "$(who "$own")" 401
own=$(token alice "another pass phrase")
same "signed in again" "$(who "$own")" 200
printf 'dn: %s\nchangetype: modify\nreplace: userPassword\nuserPassword: a third pass phrase\n' "$alice" >"$T/ldif"
claim "modify of userPassword" ldapmodify -x -H "$LDAPS" -D "$admin" -w "$(lg_ready .admin.password)" -f "$T/ldif"
same "... signs out" "$(who "$own")" 401
claim "a service is deleted over LDAP" ldapdelete -x -H "$LDAPS" -D "$admin" -w "$(lg_ready .admin.password)" cn=other,ou=services,dc=example,dc=org
same "its secret is none any more" "$(code -u "other:$(cat "$T/other.secret")" -d grant_type=client_credentials "$ISSUER/oauth2/token")" 401
claim "its certificate neither" test "$(as other "$MTLS/v1/whoami" 2>"$T/err")" != 200

# ---- a certificate that is revoked while its connection lives ----
serial=$(api GET '/v1/certificates?subject=Service/controller' | head -1 | jq -r '.items[0].serial')
cat >"$T/alive.py" <<'PY'
import http.client, ssl, sys
mtls, https, ca, pem, key, own, admin, serial = sys.argv[1:]
def connect(url, mine):
    tls = ssl.create_default_context(cafile=ca)
    if mine:
        tls.load_cert_chain(pem, key)
    return http.client.HTTPSConnection(url[8:], context=tls, timeout=10)
def ask(c, method, path, token):
    c.request(method, path, headers={"Authorization": "Bearer " + token} if token else {})
    r = c.getresponse()
    r.read()
    return r.status
alive, other = connect(mtls, True), connect(https, False)
print(ask(alive, "GET", "/v1/whoami", own), ask(other, "POST", "/v1/certificates/" + serial + "/revoke", admin),
      ask(alive, "GET", "/v1/whoami", own), ask(alive, "GET", "/v1/whoami", None))
PY
own=$(token alice "a third pass phrase")
same "neither it nor a token beside it counts any more" \
	"$(python3 "$T/alive.py" "$MTLS" "$HTTPS" "$CA" "$T/controller.pem" "$T/controller.key" "$own" "$ADMIN" "$serial")" "200 204 401 401"

# ---- guessing: one throttle for every door ----
unseen() { ldapwhoami -x -H "$LDAPS" -D "$alice" -w "a guess" >"$T/out" 2>&1; [ $? = 51 ]; }
waits() { unseen && curl -sS --cacert "$CA" "$HTTPS/v1/login" -d '{"username":"alice","password":"a third pass phrase"}' | grep wait; }
claim "after some guesses over LDAP none is looked at, and a sign-in waits, too" within waits

# ---- somebody is left ----
status() { tail -1 <<<"$1"; }
same "not the last administrator" "$(status "$(api DELETE /v1/users/admin)")" 409
same "nor out of the group" "$(status "$(api DELETE /v1/groups/administrators/members/User/admin)")" 409
same "nor the group" "$(status "$(api DELETE /v1/groups/administrators)")" 409
same "nor disabled" "$(status "$(api POST /v1/apply -d '{"users":[{"name":"admin","enabled":false}]}')")" 409
ldapdelete -x -H "$LDAPS" -D "$admin" -w "$(lg_ready .admin.password)" "$admin" >"$T/out" 2>&1; same "nor over LDAP" "$?" 53
same "under policies that let nobody in" "$(status "$(api POST /v1/policies -d '{"source":"forbid (principal, action, resource);"}')")" 409
same "others may go" "$(status "$(api DELETE /v1/users/bob)")" 204
done_testing
