# Applications hear that a session has ended: a relying party that keeps what is posted to it, over HTTPS it is believed by.
. "$(dirname "$0")/lib.sh"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=Elsewhere -days 2 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/srv.key" -out "$T/srv.csr" -subj /CN=rp 2>/dev/null
openssl x509 -req -in "$T/srv.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 2 -out "$T/srv.pem" \
	-extfile <(echo "subjectAltName=IP:127.0.0.1") 2>/dev/null
PORT=$(free_port)
cat >"$T/rp.py" <<'PY'
import http.server, ssl, sys, time
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        mood = open(sys.argv[1]).read().strip()
        if mood == "slow": open(sys.argv[1], "w").write("asked\n"); time.sleep(2)
        code = 503 if mood == "down" else 200
        self.send_response(code); self.send_header("Content-Length", "0"); self.end_headers()
        if code == 200: open(sys.argv[2], "a").write(body + "\n")
    def log_message(self, *a): pass
s = http.server.HTTPServer(("127.0.0.1", int(sys.argv[5])), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(sys.argv[3], sys.argv[4])
s.socket = c.wrap_socket(s.socket, server_side=True)
s.serve_forever()
PY
echo up >"$T/mood"; : >"$T/posted"
python3 "$T/rp.py" "$T/mood" "$T/posted" "$T/srv.pem" "$T/srv.key" "$PORT" & RP=$!
trap 'kill $RP 2>/dev/null; lg_stop' EXIT

chmod 644 "$T/ca.pem"
lg_start "$T/data" --load conf/demo.yaml --outbound.ca_file="$T/ca.pem" || bad "start"
sign_in_admin
claim "login" lightgate login
claim "a client that wants to hear of it" lightgate client change portal --backchannel-logout-uri "https://127.0.0.1:$PORT/ended"
password=$(jq -r '.credentials[] | select(.name == "alice") | .secret' <<<"$LG_READY")
sign_in() { lg_sign_in alice "$password" portal http://127.0.0.1:9000/callback openid controller; }
payload() { jq -rR 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | . + "==="[(length + 3) % 4:] | @base64d | fromjson'; }
until_posted() { within posted "$1"; }
posted() { [ "$(wc -l <"$T/posted")" -ge "$1" ]; }

id=$(sign_in | jq -r .id_token)
has "alice is signed in" "$id" '^eyJ'
curl -sS --cacert "$CA" -o /dev/null "$HTTPS/logout?id_token_hint=$id"
claim "the application is told" until_posted 1
token=$(sed -n 's/^logout_token=//p' "$T/posted" | tail -1)
same "of this session" "$(payload <<<"$token" | jq -r .sid)" "$(payload <<<"$id" | jq -r .sid)"
same "by the issuer, to the client" "$(payload <<<"$token" | jq -c '[.iss, .aud, (.events | keys[0]), has("nonce")]')" \
	"[\"$ISSUER\",\"portal\",\"http://schemas.openid.net/event/backchannel-logout\",false]"

# a disabled account is signed out everywhere; who was away hears of it later
sign_in >/dev/null
echo down >"$T/mood"
claim "alice is disabled" lightgate user disable alice
recorded() { api GET '/v1/audit?operation=logout.notify' | grep -qE "$1"; }
claim "nobody took it" within recorded '"told":false,"attempt":1'
echo up >"$T/mood"
claim "the application is told all the same" until_posted 2
claim "on record" within recorded '"told":true,"attempt":[2-9]'

# who is being told when the service stops is told
echo slow >"$T/mood"
claim "alice is enabled" lightgate user enable alice
sign_in >/dev/null
claim "alice is disabled again" lightgate user disable alice
claim "the application is being told" within grep -qx asked "$T/mood"
lg_stop
until_posted 3		# it writes down what it has answered
same "and was told before the end" "$(wc -l <"$T/posted")" 3
done_testing
