# What each listener serves and what it does not; odd spellings of paths and headers; secrets that stand nowhere.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
code() { curl -sS --path-as-is --cacert "$CA" -o "$T/body" -w '%{http_code}' "$@"; }
as_admin() { code -H "Authorization: Bearer $ADMIN" "$@"; }

# plain HTTP
for path in / /v1/whoami /v1/join /healthz /metrics /oauth2/jwks /.well-known/openid-configuration /login /access/v1/evaluation; do
	same "8080 $path" "$(code "$HTTP$path")" 404
done
same "8080 /spiffe/bundle" "$(code "$HTTP/spiffe/bundle")" 200

# who is asked for a certificate
asks() { openssl s_client -connect "${1#https://}" -CAfile "$CA" </dev/null 2>&1 | grep -c 'Requested Signature Algorithms\|Acceptable client certificate'; }
same "8443 asks for no certificate" "$(asks "$HTTPS")" 0
claim "8444 does" test "$(asks "$MTLS")" -gt 0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/own.key" -out "$T/own.pem" -days 1 -subj /CN=controller \
	-addext subjectAltName=URI:spiffe://example.org/service/controller -addext extendedKeyUsage=clientAuth 2>"$T/req.log"
claim "one of somebody else's does not get in" test "$(code --cert "$T/own.pem" --key "$T/own.key" "$MTLS/v1/whoami" 2>/dev/null)" != 200

# tenants and spellings
for path in /t/default/v1/whoami /t/default/.well-known/openid-configuration /t/%64efault/v1/whoami /t/other/v1/whoami /t/default \
    /v1%2fwhoami /v1/whoami/ /V1/whoami /v1/users%2falice; do
	same "$path" "$(as_admin "$HTTPS$path")" 404
done
for path in //v1/whoami /v1//whoami /v1/./whoami /v1/../v1/whoami /v1/%2e%2e/whoami /v1/users/..%2falice /v1/whoami%00 /v1/whoami%zz /t//v1/whoami; do
	same "$path" "$(as_admin "$HTTPS$path")" 400
done
same "the same spelled otherwise" "$(as_admin "$HTTPS/%76%31/whoami")" 200
same "two authorizations" "$(as_admin -H "authorization: Bearer x" "$HTTPS/v1/whoami")" 400
same "a folded header" "$(as_admin -H $'X-A: b\r\n c' "$HTTPS/v1/whoami")" 400
same "headers of proxies say nothing" "$(code -H "X-Forwarded-For: 127.0.0.1" -H "X-Forwarded-User: admin" -H "X-SSL-Client-Cert: x" \
	-H "X-Remote-User: admin" -H "Forwarded: for=127.0.0.1" "$HTTPS/v1/whoami")" 401

# errors repeat nothing
secret=hunter2-is-the-secret
for answer in \
    "$(curl -sS --cacert "$CA" "$HTTPS/v1/login" -d "{\"username\":\"alice\",\"password\":\"$secret\"}")" \
    "$(curl -sS --cacert "$CA" "$HTTPS/v1/login" -d "{\"username\":\"alice\",\"password\":\"$secret\",\"x\":1}")" \
    "$(curl -sS --cacert "$CA" "$HTTPS/v1/login" -d "{\"username\":\"alice\",\"password\":\"$secret")" \
    "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $secret" "$HTTPS/v1/whoami")" \
    "$(curl -sS --cacert "$CA" "$HTTPS/v1/join" -d "{\"token\":\"lgj1.$secret\",\"csr\":\"x\"}")" \
    "$(curl -sS --cacert "$CA" -u "portal:$secret" -d grant_type=client_credentials "$ISSUER/oauth2/token")" \
    "$(curl -sS --cacert "$CA" -d "grant_type=refresh_token&refresh_token=$secret&client_id=portal" "$ISSUER/oauth2/token")" \
    "$(api POST /v1/users/alice/password -d "{\"password\":\"$secret\",\"x\":1}")" \
    "$(api POST /v1/apply -d "{\"users\":[{\"name\":\"alice\",\"password\":\"$secret\"}]}")"; do
	lacks "an error repeats no secret" "$answer" "$secret"
	has "an error is the protocol's own" "$answer" '"(code|error)":'
done

# what strangers can make it remember
cat >"$T/large.py" <<'PY'
import select, socket, ssl, sys, time
host, port = sys.argv[1][8:].rsplit(":", 1)
tls = ssl.create_default_context(cafile=sys.argv[2])
tls.check_hostname = False
open_ones, refused = [], 0
for i in range(24):
    s = tls.wrap_socket(socket.create_connection((host, int(port)), timeout=10))
    s.sendall(b"POST /v1/policies HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
    open_ones.append(s)
waiting, until = set(open_ones), time.monotonic() + 30
while refused < 12 and waiting and time.monotonic() < until:
    for s in select.select(waiting, [], [], 1)[0]:
        waiting.discard(s)
        try:
            refused += s.recv(64).startswith(b"HTTP/1.1 503")
        except OSError:
            pass
print(refused)
PY
claim "large requests have their room together" test "$(python3 "$T/large.py" "$HTTPS" "$CA")" -ge 12
same "and it serves" "$(as_admin "$HTTPS/v1/whoami")" 200
large() { api POST '/v1/policies?dry_run=true' -d "{\"source\":\"$(head -c 100000 /dev/zero | tr '\0' ' ')permit (principal in Group::\\\"administrators\\\", action, resource);\"}" | grep '200$'; }
claim "and takes large ones when they are gone" within large

# nor does anything that is kept
password=$(jq -r '.credentials[] | select(.name == "alice") | .secret' <<<"$LG_READY")
signed=$(lg_sign_in alice "$password" portal http://127.0.0.1:9000/callback "openid offline_access" controller)
api POST /v1/users/bob/password -d '{"password":"bobs own pass phrase"}' >/dev/null
join=$(api POST /v1/hosts/node1/join-tokens -d '{}' | head -1 | jq -r .token)
printf '%s\n' "$password" "$(lg_ready .admin.password)" "$ADMIN" "$secret" "bobs own pass phrase" "${join##*.}" \
	"$(jq -r .access_token <<<"$signed")" "$(jq -r .refresh_token <<<"$signed")" >"$T/secrets"
claim "there are secrets to look for" test "$(grep -cE '.{10}' "$T/secrets")" = 8
api GET '/v1/audit?limit=500' >"$T/audit"
same "the audit trail holds none" "$(grep -cFf "$T/secrets" "$T/audit")" 0
same "nor the log" "$(grep -cFf "$T/secrets" "$T/data.log")" 0
lg_stop
same "nor the data" "$(grep -rlaFf "$T/secrets" "$T/data" | grep -v '/dev.json$')" ""
same "nor what was archived" "$(for f in "$T"/data/archive/*.log; do zstdcat "$f" 2>/dev/null || cat "$f"; done | grep -caFf "$T/secrets")" 0
done_testing
