# Webhooks: a receiver that verifies signatures is away for a while, and is told everything, in order, once.
. "$(dirname "$0")/lib.sh"
printf 'hosts: [{name: node1, dns: [node1.example.org]}]\n' >"$T/state.yaml"
lg_start "$T/data" --ceiling.dns_suffixes=example.org --load "$T/state.yaml" || bad "start"
sign_in_admin
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/hook.key" -subj /CN=receiver -days 2 -out "$T/hook.pem" -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null
cat >"$T/receiver.py" <<'PY'
import hashlib, hmac, http.server, json, ssl, sys
port, t = int(sys.argv[1]), sys.argv[2]
class H(http.server.BaseHTTPRequestHandler):
	def do_POST(self):
		body = self.rfile.read(int(self.headers["Content-Length"]))
		fields = dict(f.split("=", 1) for f in self.headers["Lightgate-Signature"].split(","))
		key = open(t + "/hook.secret").read().strip().encode()
		good = hmac.compare_digest(hmac.new(key, fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest(), fields["v1"])
		with open(t + "/received", "a") as f:
			for e in json.loads(body)["events"]:
				f.write(json.dumps({"good": good, **e}) + "\n")
		self.send_response(204 if good else 401); self.end_headers()
	def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", port), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(t + "/hook.pem", t + "/hook.key")
s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False); s.serve_forever()
PY
port=$(free_port) receiver=
receive() { env -u ASAN_OPTIONS python3 "$T/receiver.py" "$port" "$T" & receiver=$!; within bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"; }
away() { kill "$receiver"; wait "$receiver" 2>/dev/null; receiver=; }
trap 'kill $receiver 2>/dev/null; lg_stop' EXIT
: >"$T/received"
# the service's own certificate is told too
got() { jq -r "select(.event == \"$1\" and .profile == \"host\") | .serial" "$T/received"; }
has_got() { [ "$(got "$1" | wc -l)" -ge "$2" ]; }
hook() { jq -cn --arg u "https://127.0.0.1:$port/hook" --rawfile ca "$T/hook.pem" "{url: \$u, ca: \$ca} + $1"; }
status() { api "$@" | tail -1; }

# ---- what is refused
same "http" "$(status PUT /v1/webhooks/x -d '{"url":"http://127.0.0.1/","events":["issued"]}')" 400
same "no event" "$(status PUT /v1/webhooks/x -d '{"url":"https://a.example/","events":[]}')" 400
same "an event that there is not" "$(status PUT /v1/webhooks/x -d '{"url":"https://a.example/","events":["born"]}')" 400
same "expiring without a time" "$(status PUT /v1/webhooks/x -d '{"url":"https://a.example/","events":["expiring"]}')" 400
same "without rights" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/v1/webhooks")" 401

# ---- told
receive
made=$(api PUT /v1/webhooks/siem -d "$(hook '{events: ["issued", "revoked", "expiring"], expiring_seconds: 7200}')")
same "added" "$(tail -1 <<<"$made")" 201
head -1 <<<"$made" | jq -r .secret >"$T/hook.secret"
claim "its secret is shown" test "$(wc -c <"$T/hook.secret")" -gt 40
lacks "... and nowhere else" "$(api GET /v1/webhooks; api GET /v1/audit?limit=50; strings "$T/data/store/"* 2>/dev/null | head -100000)" "$(cat "$T/hook.secret")"
has "tried" "$(api POST /v1/webhooks/siem/test)" '"taken":true,"status":204'
token=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/node1.key" -subj /CN=node1 -out "$T/node1.csr" 2>/dev/null
curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "$(jq -cn --arg t "$token" --rawfile c "$T/node1.csr" '{token: $t, csr: $c}')" >"$T/joined"
jq -r .certificate "$T/joined" >"$T/node1.pem"
claim "issued is told" within has_got issued 1
same "... of that certificate" "$(got issued)" "$(openssl x509 -in "$T/node1.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)"
has "... whose it is" "$(grep '"issued"' "$T/received")" '"profile": "host", "subject": \{"type": "Host", "name": "node1"\}'

# ---- away, and told all the same
away
fresh() { curl -sS --cacert "$CA" --cert "$T/node1.pem" --key "$T/node1.key" "$MTLS/v1/certificates" -d "$(jq -cn --rawfile c "$T/node1.csr" '{csr: $c, profile: "host"}')" | jq -r .serial; }
for i in 1 2 3 4 5; do fresh; done >"$T/serials"
for s in $(head -2 "$T/serials"); do status POST "/v1/certificates/$s/revoke" -d '{"reason":"superseded"}'; done >/dev/null
has_error() { [ -n "$(api GET /v1/webhooks | head -1 | jq -r '.items[0].error // ""')" ]; }
claim "that nobody answers is seen" within has_error
claim "... and how much waits" test "$(api GET /v1/webhooks | head -1 | jq '.items[0].waiting')" -ge 6
lg_stop; lg_start "$T/data" --ceiling.dns_suffixes=example.org || bad "start again"
sign_in_admin
receive
claim "after a restart everything is told" within has_got revoked 2
same "... once, in order" "$(got issued | tail -n +2)" "$(cat "$T/serials")"
same "... the revoked too" "$(got revoked)" "$(head -2 "$T/serials")"
same "every signature was good" "$(jq -r .good "$T/received" | sort -u)" true
nothing_waits() { [ "$(api GET /v1/webhooks | head -1 | jq -r '.items[0] | "\(.waiting) \(.error)"')" = "0 null" ]; }
claim "nothing waits" within nothing_waits

# ---- expiring: each certificate once
same "the warning comes 23 h 59 min 50 s before the end" "$(status PUT /v1/webhooks/siem -d "$(hook '{events: ["expiring"], expiring_seconds: 86390}')")" 204
fresh >"$T/aged"
claim "so a certificate of a day is soon expiring" within has_got expiring 1
aged() { got expiring | grep -qxFf "$T/aged"; }
claim "... this one too" within aged
same "... each once" "$(got expiring | sort | uniq -d | wc -l)" 0
lacks "... and none that was revoked" "$(got expiring)" "$(head -1 "$T/serials")"
# ---- a CA that ends within the time is told too, once
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/root.key" -subj '/CN=Root elsewhere' -days 900 -addext keyUsage=critical,keyCertSign,cRLSign -out "$T/root.pem" 2>/dev/null
printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >"$T/ca.ext"
claim "doctor is content" lightgate --dev "$T/data" doctor
claim "a request for a root elsewhere" lightgate --dev "$T/data" ca csr default --out "$T/issuing.csr"
openssl x509 -req -in "$T/issuing.csr" -CA "$T/root.pem" -CAkey "$T/root.key" -days 20 -extfile "$T/ca.ext" -out "$T/issuing.pem" 2>/dev/null
cat "$T/issuing.pem" "$T/root.pem" >"$T/chain.pem"
kid=$(lightgate --dev "$T/data" ca import default -f "$T/chain.pem" -o json | jq -r .kid)
claim "it signs" lightgate --dev "$T/data" ca activate default -- "$kid"
has "doctor says when it ends" "$(lightgate --dev "$T/data" doctor 2>&1)" 'BAD +authority issuing CA: it ends'
same "warned of thirty days before" "$(status PUT /v1/webhooks/siem -d "$(hook '{events: ["expiring"], expiring_seconds: 2592000}')")" 204
ca_told() { jq -r 'select(.id == "expiring-ca-'"$kid"'") | .authority' "$T/received"; }
is_told() { [ "$(ca_told)" = "issuing CA" ]; }
claim "the CA is told" within is_told
same "changed, it keeps its secret" "$(jq -r .good "$T/received" | sort -u)" true
has "deliveries are on record" "$(api GET '/v1/audit?operation=webhook.deliver')" '"operation":"webhook.deliver"'
# ---- by command
has "added" "$(lightgate --dev "$T/data" webhook set second https://127.0.0.1:1/hook --events revoked)" 'webhook second is added; it signs with '
has "... changed" "$(lightgate --dev "$T/data" webhook set second https://127.0.0.1:1/hook --before 2h)" 'webhook second is changed'
has "listed" "$(lightgate --dev "$T/data" webhook list)" 'second +https://127.0.0.1:1/hook +issued, revoked, expiring'
has "tried" "$(lightgate --dev "$T/data" webhook test siem)" 'taken +true'
has "deleted" "$(lightgate --dev "$T/data" webhook delete second)" 'webhook second is deleted'
same "removed" "$(status DELETE /v1/webhooks/siem)" 204
same "there is none" "$(api GET /v1/webhooks | head -1 | jq '.items | length')" 0
away
trap lg_stop EXIT
done_testing
