# A Kubernetes API server asks: whose token, may they, may this pod.  Its objects as it sends them; kubectl with the credential plugin.
. "$(dirname "$0")/lib.sh"
API_PID=
clean_up() { [ -z "$API_PID" ] || kill "$API_PID" 2>/dev/null; lg_stop; }
trap clean_up EXIT
lg_start "$T/data" || bad "start"
cat >"$T/state.yaml" <<'YAML'
projects: [{name: shop}, {name: elsewhere}]
users: [{name: alice, groups: [shop-operators]}, {name: bob}]
groups: [{name: shop-operators}]
workloads: [{name: web, project: shop}, {name: db, project: shop}]
services: [{name: prod, project: shop}, {name: ci, audiences: [prod]}, {name: other, project: elsewhere}]
images: [{name: web, projects: [shop]}]
clients:
  - name: kubectl
    type: public
    redirect_uris: ["http://127.0.0.1:9000/cb"]
    grants: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token, authorization_code]
    scopes: [openid, offline_access]
    audiences: [prod]
policies: |
  @id("operators-look-into-their-namespace")
  permit (principal in Group::"shop-operators", action in [Action::"kubernetes:read", Action::"kubernetes:connect"], resource == Service::"prod")
  when { context has kubernetes && context.kubernetes.namespace == "shop" && context.kubernetes.resource != "secrets" };

  @id("people-read-what-the-cluster-says-of-itself")
  permit (principal is User, action == Action::"kubernetes:path", resource == Service::"prod")
  when { context has kubernetes && context.kubernetes.verb == "get" && context.kubernetes.path like "/api*" };

  @id("ci-deploys")
  permit (principal == Service::"ci", action in [Action::"kubernetes:write", Action::"kubernetes:read"], resource == Service::"prod")
  when { context has kubernetes && context.kubernetes.group == "apps" && context.kubernetes.resource == "deployments" };

  @id("namespaces-stay")
  @reason("namespaces are not deleted by hand")
  forbid (principal, action in [Action::"kubernetes:delete", Action::"kubernetes:deletecollection"], resource)
  when { context has kubernetes && context.kubernetes.resource == "namespaces" };

  @id("the-cluster-runs-the-shop")
  permit (principal == Service::"prod", action in [Action::"container:create", Action::"container:update", Action::"container:remove"], resource in Project::"shop")
  when { context has image && context.image in Project::"shop" };

  @id("operators-change-web")
  permit (principal in Group::"shop-operators", action == Action::"container:update", resource == Workload::"web");

  @id("operators-enter-containers")
  permit (principal in Group::"shop-operators", action == Action::"container:exec", resource in Project::"shop");
YAML
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" 2>&1 || { bad "apply: $(cat "$T/out")"; done_testing; }
export LDAPTLS_CACERT=$CA
ldapmodify -a -x -H "$LDAPS" -D uid=admin,ou=people,dc=example,dc=org -w "$(lg_ready .admin.password)" >"$T/out" 2>&1 <<'LDIF' || bad "ldapmodify: $(cat "$T/out")"
dn: cn=system:masters,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: system:masters
member: uid=alice,ou=people,dc=example,dc=org
LDIF
for service in prod other; do
	lg_secret "$T/credentials" Service $service >"$T/$service.secret"
	lightgate certificate issue --profile service --client-id $service --client-secret-file "$T/$service.secret" --key-out "$T/$service.key" \
		--cert-out "$T/$service.pem" >"$T/out" 2>&1 || bad "the certificate of $service: $(cat "$T/out")"
done
lg_secret "$T/credentials" Service ci >"$T/ci.secret"
hook() { curl -sS --cacert "$CA" --cert "$T/${AS:-prod}.pem" --key "$T/${AS:-prod}.key" -H 'Content-Type: application/json' "$MTLS/v1/kubernetes/$1" -d "$2"; }

# ---- TokenReview ----
sign_in_as() { lg_sign_in "$1" "$(lg_secret "$T/credentials" User "$1")" kubectl http://127.0.0.1:9000/cb openid prod | jq -r .access_token; }
alice=$(sign_in_as alice)
claim "alice has a token for the cluster" test "${#alice}" -gt 100
review() { jq -cn --arg t "$1" --argjson a "${2:-null}" '{kind: "TokenReview", apiVersion: "authentication.k8s.io/v1", metadata: {creationTimestamp: null}, spec: ({token: $t} + (if $a then {audiences: $a} else {} end)), status: {user: {}}}'; }
got=$(hook tokenreview "$(review "$alice")")
same "who it is" "$(jq -c '[.kind, .apiVersion, .status.authenticated, .status.user.username]' <<<"$got")" '["TokenReview","authentication.k8s.io/v1",true,"alice"]'
same "groups, but none that Kubernetes keeps for itself" "$(jq -c .status.user.groups <<<"$got")" '["shop-operators"]'
claim "the uid is the entry's" test "$(jq -r .status.user.uid <<<"$got" | tr -dc - | wc -c)" = 4
same "audiences: those of the question that are the token's" "$(hook tokenreview "$(review "$alice" '["https://kubernetes.default.svc", "prod"]')" | jq -c '[.status.authenticated, .status.audiences]')" '[true,["prod"]]'
same "none of them" "$(hook tokenreview "$(review "$alice" '["https://kubernetes.default.svc"]')" | jq -c '[.status.authenticated, .status.user]')" '[false,null]'
more() { jq -cn --arg f "$(seq 2 "$1")" '["prod"] + ($f | split("\n"))'; }
same "sixteen audiences may be asked for" "$(hook tokenreview "$(review "$alice" "$(more 16)")" | jq -c '[.status.authenticated, .status.audiences]')" '[true,["prod"]]'
has "... seventeen may not" "$(hook tokenreview "$(review "$alice" "$(more 17)")")" 'too many audiences'
same "a token for another cluster" "$(AS=other hook tokenreview "$(review "$alice")" | jq .status.authenticated)" false
has "rubbish" "$(hook tokenreview "$(review x.y.z)")" '"authenticated":false,"error":"'
alice_uid=$(jq -r .status.user.uid <<<"$got")
lightgate user disable alice >/dev/null
same "who is disabled" "$(hook tokenreview "$(review "$alice")" | jq .status.authenticated)" false
lightgate user enable alice >/dev/null
has "not a review" "$(hook tokenreview '{"kind":"Pod","apiVersion":"v1"}')" '"code":"invalid"'

# ---- SubjectAccessReview ----
sar() { # sar USER UID ATTRIBUTES: resourceAttributes, or nonResourceAttributes if there is a path
	jq -cn --arg u "$1" --arg i "$2" --argjson a "$3" '{kind: "SubjectAccessReview", apiVersion: "authorization.k8s.io/v1", metadata: {creationTimestamp: null},
		spec: ({user: $u, groups: ["system:masters", "system:authenticated"], extra: {"scopes.example": ["x"]}} + (if $i != "" then {uid: $i} else {} end)
			+ (if $a.path then {nonResourceAttributes: $a} else {resourceAttributes: $a} end)), status: {allowed: false}}'
}
may() { hook subjectaccessreview "$(sar "$1" "${3:-}" "$2")" | jq -c '[.status.allowed, .status.denied // false]'; }
yes='[true,false]' no='[false,false]' never='[false,true]'
pods='{"namespace":"shop","verb":"list","version":"v1","resource":"pods"}'
with() { jq -c ". + $1" <<<"$pods"; }
for verb in get list watch; do same "$verb pods" "$(may alice "$(with "{verb: \"$verb\"}")")" "$yes"; done
for verb in create update patch delete deletecollection; do same "not $verb" "$(may alice "$(with "{verb: \"$verb\"}")")" "$no"; done
for verb in impersonate bind escalate approve sign use '*' frobnicate; do same "not $verb" "$(may alice "$(with "{verb: \"$verb\"}")")" "$no"; done
same "another namespace" "$(may alice "$(with '{namespace: "kube-system"}')")" "$no"
same "all namespaces" "$(may alice "$(jq -c 'del(.namespace)' <<<"$pods")")" "$no"
same "secrets" "$(may alice "$(with '{resource: "secrets"}')")" "$no"
same "exec with POST" "$(may alice "$(with '{verb: "create", name: "web", subresource: "exec"}')")" "$yes"
same "exec with GET is no reading" "$(may bob "$(with '{verb: "get", name: "web", subresource: "exec"}')")" "$no"
same "a path" "$(may bob '{"path":"/apis/apps","verb":"get"}')" "$yes"
same "another" "$(may bob '{"path":"/metrics","verb":"get"}')" "$no"
same "with another verb" "$(may bob '{"path":"/api","verb":"post"}')" "$no"
same "a service" "$(may service:ci '{"namespace":"shop","verb":"patch","group":"apps","version":"v1","resource":"deployments","name":"web"}')" "$yes"
same "a person of the service's name" "$(may ci '{"namespace":"shop","verb":"patch","group":"apps","version":"v1","resource":"deployments","name":"web"}')" "$no"
same "a forbid ends it, whatever another authorizer says" "$(may alice '{"verb":"delete","version":"v1","resource":"namespaces","name":"shop"}')" "$never"
same "with the entry's uid" "$(may alice "$pods" "$alice_uid")" "$yes"
same "a name that has another entry by now" "$(may alice "$pods" 11111111-1111-4111-8111-111111111111)" "$no"
for user in system:kube-scheduler system:serviceaccount:shop:default system:node:node1 system:admin nobody service: "" ; do
	same "\"$user\": no opinion" "$(may "$user" "$pods")" "$no"
done
same "groups that the cluster names count for nothing" "$(may bob "$pods")" "$no"
has "the reason is told" "$(hook subjectaccessreview "$(sar alice '' '{"verb":"delete","version":"v1","resource":"namespaces","name":"shop"}')")" 'namespaces are not deleted by hand'
for bad in '{}' '{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"user":"alice"}}' '[]' \
	'{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"user":"alice","resourceAttributes":{"verb":"get"},"nonResourceAttributes":{"path":"/","verb":"get"}}}' \
	'{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{"user":"alice","user":"bob","resourceAttributes":{"verb":"get"}}}'; do
	has "no answer to $bad" "$(hook subjectaccessreview "$bad")" '"status":400'
done
same "another cluster asks about itself" "$(AS=other hook subjectaccessreview "$(sar alice '' "$pods")" | jq .status.allowed)" false
same "who has no certificate is told nothing" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' "$HTTPS/v1/kubernetes/subjectaccessreview" -d "$(sar alice '' "$pods")")" 401
sign_in_admin
has "nor is a person" "$(api POST /v1/kubernetes/subjectaccessreview -H 'Content-Type: application/json' -d "$(sar alice '' "$pods")")" '403$'
on_record "each answer is on record, with its policy" 'User/alice +kubernetes:(get|list) +Service/prod +permit +operators-look-into-their-namespace +Service/prod' --operation kubernetes: --actor alice
on_record "and what is forbidden" 'kubernetes:delete +Service/prod +deny: forbidden by namespaces-stay.* namespaces-stay +Service/prod' --operation kubernetes:delete

# ---- AdmissionReview ----
pod() { jq -c "${1:-.}" <<'JSON'
{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"web-7d4b9-","namespace":"shop","labels":{"app":"web","lightgate.workload":"web"},"managedFields":[]},
 "spec":{"volumes":[{"name":"kube-api-access","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}}]}},{"name":"tmp","emptyDir":{}}],
  "containers":[{"name":"web","image":"web","args":["serve"],"ports":[{"containerPort":8080,"protocol":"TCP"}],"resources":{},
   "volumeMounts":[{"name":"tmp","mountPath":"/tmp"}],"imagePullPolicy":"IfNotPresent","securityContext":{"runAsUser":1000,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL"]}}}],
  "restartPolicy":"Always","serviceAccountName":"default","securityContext":{},"schedulerName":"default-scheduler"},"status":{}}
JSON
}
admission() { # admission USER OPERATION POD [REQUEST]
	jq -cn --arg u "$1" --arg o "$2" --argjson p "$3" --argjson r "${4:-{\}}" '{kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request: ({uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
		kind: {group: "", version: "v1", kind: "Pod"}, resource: {group: "", version: "v1", resource: "pods"}, requestKind: {group: "", version: "v1", kind: "Pod"},
		namespace: "shop", operation: $o, userInfo: {username: $u, uid: "", groups: ["system:serviceaccounts"]},
		object: (if $o == "DELETE" then null else $p end), oldObject: (if $o == "CREATE" then null else $p end), dryRun: false, options: {kind: "CreateOptions", apiVersion: "meta.k8s.io/v1"}} + $r)}'
}
admit() { hook admissionreview "$(admission "$@")" >"$T/answer"; jq -c .response.allowed "$T/answer"; }
controller=system:serviceaccount:kube-system:replicaset-controller
same "a controller's pod" "$(admit $controller CREATE "$(pod)")" true
same "the answer is the question's" "$(jq -c '[.apiVersion, .kind, .response.uid]' "$T/answer")" '["admission.k8s.io/v1","AdmissionReview","705ab4f5-6393-11e8-b7cc-42010a800002"]'
refused() { local name=$1 why=$2; shift 2; if [ "$(admit "$@")" = false ]; then has "$name" "$(jq -r .response.status.message "$T/answer")" "$why"; else bad "$name: $(cat "$T/answer")"; fi; }
refused "privileged" 'no-privileged' $controller CREATE "$(pod '.spec.containers[0].securityContext.privileged = true')"
refused "privileged in an init container" 'no-privileged' $controller CREATE "$(pod '.spec.initContainers = [{name: "i", image: "web", securityContext: {privileged: true}}]')"
refused "a capability that owns the host" 'no-privileged' $controller CREATE "$(pod '.spec.containers[0].securityContext.capabilities.add = ["SYS_ADMIN"]')"
refused "under its other name" 'no-privileged' $controller CREATE "$(pod '.spec.containers[0].securityContext.capabilities.add = ["CAP_SYS_ADMIN"]')"
refused "all of them" 'no-privileged' $controller CREATE "$(pod '.spec.containers[0].securityContext.capabilities.add = ["ALL"]')"
for name in sys_admin Cap_Sys_Admin all; do refused "in small letters: $name" 'no-privileged' $controller CREATE "$(pod ".spec.containers[0].securityContext.capabilities.add = [\"$name\"]")"; done
refused "without AppArmor" 'no-privileged' $controller CREATE "$(pod '.spec.securityContext.appArmorProfile = {type: "Unconfined"}')"
refused "as it was said before" 'no-privileged' $controller CREATE "$(pod '.metadata.annotations = {"container.apparmor.security.beta.kubernetes.io/web": "unconfined"}')"
refused "with an SELinux type of its own" 'no-privileged' $controller CREATE "$(pod '.spec.securityContext.seLinuxOptions = {type: "spc_t"}')"
same "with a usual one" "$(admit $controller CREATE "$(pod '.spec.securityContext.seLinuxOptions = {type: "container_t", level: "s0:c1,c2"}')")" true
same "annotated as the workload that it is" "$(admit $controller CREATE "$(pod '.metadata.annotations = {"lightgate.workload": "web", "lightgate.project": "shop"}')")" true
refused "for the node's door another workload than for this one" 'annotation lightgate.workload says db' alice CREATE "$(pod '.metadata.annotations = {"lightgate.workload": "db"}')"
refused "or later" 'annotation lightgate.workload says db' alice UPDATE "$(pod '.metadata.annotations = {"lightgate.workload": "db"}')"
refused "of another project" 'annotation lightgate.project says elsewhere' alice CREATE "$(pod '.metadata.annotations = {"lightgate.project": "elsewhere"}')"
same "who may update web" "$(admit alice UPDATE "$(pod)")" true
refused "makes no web of a db" 'no policy permits' alice UPDATE "$(pod)" "$(jq -cn --argjson old "$(pod '.metadata.labels["lightgate.workload"] = "db"')" '{oldObject: $old}')"
refused "without seccomp" 'no-privileged' $controller CREATE "$(pod '.spec.securityContext.seccompProfile = {type: "Unconfined"}')"
refused "with /proc unmasked" 'no-privileged' $controller CREATE "$(pod '.spec.containers[0].securityContext.procMount = "Unmasked"')"
refused "a process of the host" 'no-privileged' $controller CREATE "$(pod '.spec.securityContext.windowsOptions = {hostProcess: true}')"
for ns in hostNetwork hostPID hostIPC; do refused "$ns" 'no-host-namespaces' $controller CREATE "$(pod ".spec.$ns = true")"; done
refused "the host's files" 'no-sensitive-mounts' $controller CREATE "$(pod '.spec.volumes += [{name: "h", hostPath: {path: "/var/lib"}}]')"
refused "a kind of volume that nobody knows" 'no-sensitive-mounts' $controller CREATE "$(pod '.spec.volumes += [{name: "h", quantumDisk: {}}]')"
refused "an image that is not the project's" 'no policy permits' $controller CREATE "$(pod '.spec.containers[0].image = "evil:1"')"
refused "nor beside one that is" 'no policy permits' $controller CREATE "$(pod '.spec.containers += [{name: "x", image: "evil:1"}]')"
refused "an ephemeral container" 'no policy permits' $controller UPDATE "$(pod '.spec.ephemeralContainers = [{name: "x", image: "evil:1"}]')" '{"subResource":"ephemeralcontainers"}'
refused "a namespace that is no project" 'no Project' $controller CREATE "$(pod '.metadata.labels = {} | .metadata.generateName = "new-"')" '{"namespace":"kube-system"}'
refused "a workload of another name in no project of the cluster's" 'may not ask|no policy' $controller CREATE "$(pod '.metadata.labels = {} | .metadata.generateName = "new-"')" '{"namespace":"elsewhere"}'
same "a workload that is new, in its namespace's project" "$(admit $controller CREATE "$(pod '.metadata.labels = {} | .metadata.generateName = "new-"')")" true
refused "a person who may not" 'no policy permits' bob CREATE "$(pod)"
refused "a user whom nobody knows" 'nobody in the directory' mallory CREATE "$(pod)"
refused "without a pod" 'no pod' $controller CREATE null
refused "a pod without containers" 'no image' $controller CREATE "$(pod '.spec.containers = []')"
refused "something else than a pod" 'pods are decided' $controller CREATE "$(pod)" '{"resource":{"group":"apps","version":"v1","resource":"deployments"}}'
refused "an operation that is not known" 'not known here' $controller FROB "$(pod)"
has "a member twice" "$(hook admissionreview "$(admission $controller CREATE "$(pod)" | sed 's/"operation":/"operation":"DELETE","operation":/')")" '"status":400'
same "removed" "$(admit $controller DELETE "$(pod)")" true
same "entered, by who may" "$(admit alice CONNECT '{"kind":"PodExecOptions","apiVersion":"v1","stdin":true,"container":"web","command":["sh"]}' '{"name":"web","subResource":"exec"}')" true
refused "entered, by who may not" 'no policy permits' bob CONNECT '{"kind":"PodExecOptions","apiVersion":"v1","command":["sh"]}' '{"name":"web","subResource":"exec"}'
recorded() { lightgate audit list --operation container: --limit 400 -o json | grep -qF -- "$(jq -r .response.auditAnnotations.decision "$T/answer")"; }
claim "on record, by its id" within recorded
on_record "with its policy, as the cluster's" 'Service/prod +container:create +Workload/web +permit +the-cluster-runs-the-shop +Service/prod' --target web --operation container:create

# ---- kubectl ----
export LIGHTGATE_CONFIG=$T/kube; mkdir -m 0700 "$T/kube"
token_of() { jq -r .status.token; }
ci() { lightgate --url "$HTTPS" --ca "$CA" kube-token --cluster prod --client-id ci --client-secret-file "$T/ci.secret"; }
ci >"$T/ci.json" 2>"$T/err" || bad "kube-token of a service: $(cat "$T/err")"
same "an ExecCredential" "$(jq -c '[.apiVersion, .kind]' "$T/ci.json")" '["client.authentication.k8s.io/v1","ExecCredential"]'
same "which the cluster takes" "$(hook tokenreview "$(review "$(token_of <"$T/ci.json")")" | jq -r .status.user.username)" service:ci
same "it is kept while it is good" "$(ci | token_of)" "$(token_of <"$T/ci.json")"
same "for its owner alone" "$(stat -c %a "$T"/kube/kube-*.json)" 600
sed -i 's/"expires":[0-9]*/"expires":1/' "$T"/kube/kube-*.json
claim "and renewed when it is not" test "$(ci | token_of)" != "$(token_of <"$T/ci.json")"
has "nobody is there to sign in" "$(lightgate --url "$HTTPS" --ca "$CA" kube-token --cluster prod --no-sign-in 2>&1)" 'sign in first'
if ! command -v kubectl >/dev/null; then skip "kubernetes: kubectl is not installed"; done_testing; fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/api.key" -out "$T/api.pem" -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
PORT=$(free_port)
python3 tests/e2e/kubernetes.py "$PORT" "$T/api.pem" "$T/api.key" "$MTLS" "$CA" "$T/prod.pem" "$T/prod.key" prod >"$T/api.log" 2>&1 & API_PID=$!
cat >"$T/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: prod, cluster: {server: "https://127.0.0.1:$PORT", certificate-authority: $T/api.pem}}]
contexts: [{name: prod, context: {cluster: prod, user: me}}]
current-context: prod
users:
- name: me
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: $LG_BIN/lightgate
      args: [--url, "$HTTPS", --ca, "$CA", kube-token, --cluster, prod]
YAML
k() { env -u ASAN_OPTIONS HOME="$T/kube" KUBECONFIG="$T/kubeconfig" timeout 60 kubectl --request-timeout=10s "$@" 2>&1; }
within curl -sk -o /dev/null "https://127.0.0.1:$PORT/"
k get --raw /api/v1/namespaces/shop/pods >"$T/first" 2>&1 & asking=$!
within grep -q user_code= "$T/first" || bad "kubectl asks nobody to sign in: $(cat "$T/first")"
python3 - "$(grep -oE 'https://[^ ]*user_code=[A-Z-]*' "$T/first")" "$CA" alice "$(lg_secret "$T/credentials" User alice)" <<'PY' || bad "the sign-in page"
import html, http.cookiejar, re, ssl, sys, urllib.parse, urllib.request
url, ca, user, password = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
origin = "/".join(url.split("/")[:3])
def go(at, **form):
	return opener.open(urllib.request.Request(at, urllib.parse.urlencode(form).encode() if form else None, {"Origin": origin})).read().decode()
def field(page, name):
	return html.unescape(re.search(f'name="{name}"[^>]*value="([^"]*)"', page).group(1))
page = go(url)
page = go(origin + "/login", username=user, password=password, csrf=field(page, "csrf"), request=field(page, "request"))
page = go(url.split("?")[0], csrf=field(page, "csrf"), user_code=field(page, "user_code"))
go(url.split("?")[0], csrf=field(page, "csrf"), user_code=field(page, "user_code"), answer="allow")
PY
wait $asking
has "kubectl: after a sign-in in a browser" "$(cat "$T/first")" '"kind": ?"PodList"'
has "as alice" "$(cat "$T/api.log")" '"username": "alice"'
has "again, without one" "$(k get --raw /api/v1/namespaces/shop/pods/web)" 'paths'
has "what she may not" "$(k get --raw /api/v1/namespaces/shop/secrets)" '(Forbidden|cannot)'
kept=$(grep -l refresh_token "$T"/kube/kube-*.json | xargs grep -L '"refresh_token":""')
sed -i 's/"expires":[0-9]*/"expires":1/' "$kept"
before=$(jq -r .token "$kept")
has "with a token that has been renewed" "$(k get --raw /api/v1/namespaces/shop/pods)" 'PodList'
claim "the kept one is new" test "$(jq -r .token "$kept")" != "$before"
lightgate --dev "$T/data" user disable alice >/dev/null 2>&1
claim "who is disabled is out at once" test "$(k get --raw /api/v1/namespaces/shop/pods | grep -c PodList)" = 0
lg_stop
claim "without the service nothing is allowed" test "$(k get --raw /api/v1/namespaces/shop/pods | grep -c PodList)" = 0
done_testing
