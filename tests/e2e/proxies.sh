# Proxies ask before they pass a request on: nginx by auth_request, HAProxy by Lua, Envoy's way by hand.
. "$(dirname "$0")/lib.sh"
NGINX_PID= BACKEND_PID= HAPROXY_PID=
clean_up() { for p in $NGINX_PID $BACKEND_PID $HAPROXY_PID; do kill "$p" 2>/dev/null; done; lg_stop; }
trap clean_up EXIT
lg_start "$T/data" || bad "start"
cat >"$T/state.yaml" <<'YAML'
projects: [{name: shop}, {name: elsewhere}]
users: [{name: alice, groups: [shoppers]}, {name: bob}]
groups: [{name: shoppers}]
services: [{name: shop, project: shop}, {name: other, project: elsewhere}]
clients:
  - name: cli
    type: public
    redirect_uris: ["http://127.0.0.1:9000/callback"]
    scopes: [openid]
    audiences: [shop]
policies: |
  @id("shoppers-look")
  permit (principal in Group::"shoppers", action == Action::"http:read", resource == Service::"shop")
  when { context has http && !(context.http.path like "/admin/*") };
  @id("shoppers-order")
  permit (principal in Group::"shoppers", action == Action::"http:write", resource == Service::"shop")
  when { context has http && context.http.method == "POST" && context.http.path == "/orders" };
  @id("services-may-look")
  permit (principal == Service::"other", action == Action::"http:read", resource == Service::"shop");
YAML
lightgate apply -f "$T/state.yaml" --credentials "$T/credentials" >"$T/out" 2>&1 || bad "apply: $(cat "$T/out")"
certify() {
	lg_secret "$T/credentials" Service "$1" >"$T/$1.secret"
	lightgate certificate issue --profile service --client-id "$1" --client-secret-file "$T/$1.secret" --key-out "$T/$1.key" \
		--cert-out "$T/$1.pem" >"$T/out" 2>&1 || bad "the certificate of $1: $(cat "$T/out")"
}
certify shop; certify other
sign_in_as() { lg_sign_in "$1" "$(lg_secret "$T/credentials" User "$1")" cli http://127.0.0.1:9000/callback openid shop | jq -r .access_token; }
alice=$(sign_in_as alice) bob=$(sign_in_as bob)
claim "alice has a token" test "${#alice}" -gt 100

# ---- by hand, as Envoy sends it: method and path are the request's own ----
authz() { curl -sS -o "$T/body" -D "$T/head" -w '%{http_code}' --path-as-is --cacert "$CA" --cert "$T/shop.pem" --key "$T/shop.key" "$@"; }
at=$MTLS/v1/proxy/ext_authz/shop
same "a shopper looks" "$(authz -H "Authorization: Bearer $alice" "$at/things?page=2")" 200
has "and is named to the service" "$(tr -d '\r' <"$T/head")" '^X-Lightgate-Name: alice$'
same "not below /admin" "$(authz -H "Authorization: Bearer $alice" "$at/admin/users")" 403
same "not below /admin, encoded" "$(authz -H "Authorization: Bearer $alice" "$at/%61dmin/users")" 403
claim "nor by a path that somebody would clean" test "$(authz -H "Authorization: Bearer $alice" "$at/things/../admin/users")" != 200
claim "nor by two slashes" test "$(authz -H "Authorization: Bearer $alice" "$at//admin/users")" != 200
claim "nor by what stands behind a semicolon, which servlets pass over" test "$(authz -H "Authorization: Bearer $alice" "$at/admin;x/users"; authz -H "Authorization: Bearer $alice" "$at/things/..;/admin/users")" = 403403
claim "nor encoded twice" test "$(authz -H "Authorization: Bearer $alice" "$at/%2561dmin/users")" != 200
same "orders with POST" "$(authz -X POST -H "Authorization: Bearer $alice" "$at/orders")" 200
same "not with DELETE" "$(authz -X DELETE -H "Authorization: Bearer $alice" "$at/orders")" 403
same "bob does not look" "$(authz -H "Authorization: Bearer $bob" "$at/things")" 403
has "and the reason is told" "$(cat "$T/body")" 'no policy permits'
same "without a token" "$(authz "$at/things")" 401
has "it is said what is wanted" "$(cat "$T/head")" '^WWW-Authenticate: Bearer'
same "with a token that is none" "$(authz -H "Authorization: Bearer x.y.z" "$at/things")" 401
claim "a proxy without a certificate gets no answer that lets anything through" test "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$CA" \
	-H "Authorization: Bearer $alice" "$MTLS/v1/proxy/ext_authz/shop/things")" != 200
same "one service does not ask for another" "$(curl -sS -o "$T/body" -w '%{http_code}' --cacert "$CA" --cert "$T/other.pem" --key "$T/other.key" \
	-H "Authorization: Bearer $alice" "$at/things")" 403
has "because it may not" "$(cat "$T/body")" 'may not ask about this'
said() { authz -H "Authorization: Bearer $alice" -H 'X-Original-Method: GET' -H "X-Original-URI: $1" "${@:2}" "$MTLS/v1/proxy/auth_request/shop"; }
same "a proxy says what it is asked" "$(said /things)" 200
same "once" "$(said /things -H 'X-Original-URI: /admin/users')" 400
same "a header does not make the path another" "$(authz -H "Authorization: Bearer $alice" -H 'X-Original-URI: /things' -H 'X-Original-Method: GET' "$at/admin/users")" 403
on_record "what is asked for a person is on record" 'User/alice +http:read +Service/shop +permit +shoppers-look +Service/shop' --actor alice --operation http:
on_record "and what is refused" 'User/bob +http:read +Service/shop +deny: no policy permits it +- +Service/shop' --actor bob

# ---- nginx ----
if ! command -v nginx >/dev/null; then
	skip "proxies: nginx is not installed"
	done_testing
fi
FRONT=$(free_port) TLS=$(free_port) BACK=$(free_port)
mkdir "$T/www"; echo things >"$T/www/things"
python3 - "$BACK" <<'PY' >"$T/backend.log" 2>&1 & BACKEND_PID=$!
import http.server, sys
class Service(http.server.BaseHTTPRequestHandler):
	def do(self):
		self.send_response(200); self.end_headers()
		self.wfile.write(f"served {self.command} {self.path} to {self.headers.get('X-User')}\n".encode())
	do_GET = do_POST = do_DELETE = do
	def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Service).serve_forever()
PY
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/front.key" -out "$T/front.pem" -days 2 -subj /CN=127.0.0.1 2>/dev/null
check() { cat <<CONF
		location = /_lightgate {
			internal;
			proxy_pass $MTLS/v1/proxy/$1/shop;
			proxy_ssl_certificate $T/shop.pem; proxy_ssl_certificate_key $T/shop.key; proxy_ssl_trusted_certificate $CA; proxy_ssl_verify on;
			proxy_ssl_name localhost;
			proxy_pass_request_body off; proxy_set_header Content-Length "";
			proxy_set_header X-Original-Method \$request_method; proxy_set_header X-Original-URI \$request_uri;
			proxy_set_header X-Original-Host \$host; proxy_set_header X-Client-Cert $2;
		}
		location / {
			auth_request /_lightgate;
			auth_request_set \$user \$upstream_http_x_lightgate_name;
			proxy_set_header X-User \$user;
			proxy_pass http://127.0.0.1:$BACK;
		}
CONF
}
cat >"$T/nginx.conf" <<CONF
daemon off; pid $T/nginx.pid; error_log $T/nginx.log; worker_processes 1;
events {}
http {
	access_log off; client_body_temp_path $T/n1; proxy_temp_path $T/n2; fastcgi_temp_path $T/n3; uwsgi_temp_path $T/n4; scgi_temp_path $T/n5;
	server { listen 127.0.0.1:$FRONT;
$(check auth_request '""')
	}
	server { listen 127.0.0.1:$TLS ssl; ssl_certificate $T/front.pem; ssl_certificate_key $T/front.key;
		ssl_client_certificate $CA; ssl_verify_client optional; ssl_verify_depth 3;
$(check auth_request_cert '$ssl_client_escaped_cert')
	}
}
CONF
nginx -c "$T/nginx.conf" >"$T/nginx.out" 2>&1 & NGINX_PID=$!
for port in $FRONT $BACK; do within curl -s -o /dev/null "http://127.0.0.1:$port/"; done
front() { curl -sS --path-as-is "$@"; }
same "nginx lets a shopper through, and tells the service who" "$(front -H "Authorization: Bearer $alice" "http://127.0.0.1:$FRONT/things?page=2")" "served GET /things?page=2 to alice"
same "with POST" "$(front -X POST -d 'x=1' -H "Authorization: Bearer $alice" "http://127.0.0.1:$FRONT/orders")" "served POST /orders to alice"
status() { front -o /dev/null -w '%{http_code}' "$@"; }
same "nginx stops bob" "$(status -H "Authorization: Bearer $bob" "http://127.0.0.1:$FRONT/things")" 403
same "nginx stops who has no token" "$(status "http://127.0.0.1:$FRONT/things")" 401
has "and says what is wanted" "$(front -D - -o /dev/null "http://127.0.0.1:$FRONT/things")" '^WWW-Authenticate: Bearer'
same "below /admin" "$(status -H "Authorization: Bearer $alice" "http://127.0.0.1:$FRONT/admin/users")" 403
for path in /things/../admin/users //admin/users /%61dmin/users /things/%2e%2e/admin/users '/admin%2fusers' '/things\..\admin\users'; do
	same "the path $path" "$(status -H "Authorization: Bearer $alice" "http://127.0.0.1:$FRONT$path")" 403
done
same "a client's own headers change nothing" "$(status -H "Authorization: Bearer $alice" -H 'X-Original-URI: /things' -H 'X-Client-Cert: x' "http://127.0.0.1:$FRONT/admin/users")" 403
tls() { curl -sSk "$@"; }
same "a client's certificate counts where nginx checks it" "$(tls --cert "$T/other.pem" --key "$T/other.key" "https://127.0.0.1:$TLS/things")" "served GET /things to other"
same "for what policy says" "$(tls -o /dev/null -w '%{http_code}' --cert "$T/other.pem" --key "$T/other.key" -X DELETE "https://127.0.0.1:$TLS/things")" 403
same "without one" "$(tls -o /dev/null -w '%{http_code}' "https://127.0.0.1:$TLS/things")" 401

# ---- HAProxy, by the Lua of examples/ ----
if haproxy -vv 2>/dev/null | grep -q 'Built with Lua'; then
	cat "$T/shop.pem" "$T/shop.key" >"$T/shop.both"; cat "$T/front.pem" "$T/front.key" >"$T/front.both"
	HFRONT=$(free_port) HTLS=$(free_port)
	cat >"$T/haproxy.cfg" <<CONF
global
	lua-load-per-thread $PWD/examples/haproxy.lua
defaults
	mode http
	timeout connect 10s
	timeout client 30s
	timeout server 30s
listen lightgate
	bind unix@$T/haproxy.sock mode 600
	server lightgate ${MTLS#https://} ssl verify required ca-file $CA crt $T/shop.both
frontend shop
	bind 127.0.0.1:$HFRONT
	bind 127.0.0.1:$HTLS ssl crt $T/front.both ca-file $CA verify optional
	http-request lua.lightgate shop unix@$T/haproxy.sock
	http-request return status 401 hdr WWW-Authenticate %[var(txn.lightgate.challenge)] if { var(txn.lightgate.status) -m str 401 }
	http-request deny deny_status 403 if { var(txn.lightgate.status) -m str 403 }
	http-request deny deny_status 503 unless { var(txn.lightgate.status) -m str 200 }
	http-request set-header X-User %[var(txn.lightgate.name)]
	default_backend behind
backend behind
	server behind 127.0.0.1:$BACK
CONF
	haproxy -db -f "$T/haproxy.cfg" >"$T/haproxy.log" 2>&1 & HAPROXY_PID=$!
	within curl -s -o /dev/null "http://127.0.0.1:$HFRONT/"
	same "HAProxy lets a shopper through, and tells the service who" "$(front -H "Authorization: Bearer $alice" "http://127.0.0.1:$HFRONT/things?page=2")" "served GET /things?page=2 to alice"
	same "HAProxy: with POST" "$(front -X POST -d 'x=1' -H "Authorization: Bearer $alice" "http://127.0.0.1:$HFRONT/orders")" "served POST /orders to alice"
	same "HAProxy: not another method" "$(status -X DELETE -H "Authorization: Bearer $alice" "http://127.0.0.1:$HFRONT/orders")" 403
	same "HAProxy stops bob" "$(status -H "Authorization: Bearer $bob" "http://127.0.0.1:$HFRONT/things")" 403
	same "HAProxy stops who has no token" "$(status "http://127.0.0.1:$HFRONT/things")" 401
	has "HAProxy says what is wanted" "$(front -D - -o /dev/null "http://127.0.0.1:$HFRONT/things")" '^[Ww][Ww][Ww]-[Aa]uthenticate: Bearer'
	claim "HAProxy: two tokens" test "$(status -H "Authorization: Bearer $bob" -H "Authorization: Bearer $alice" "http://127.0.0.1:$HFRONT/things")" != 200
	for path in /admin/users /things/../admin/users //admin/users /%61dmin/users /things/%2e%2e/admin/users '/admin%2fusers' '/things\..\admin\users'; do
		claim "HAProxy: the path $path" test "$(status -H "Authorization: Bearer $alice" "http://127.0.0.1:$HFRONT$path")" != 200
	done
	same "HAProxy: a client's own headers change nothing" "$(status -H "Authorization: Bearer $alice" -H 'X-Original-URI: /things' -H 'X-User: root' -H 'X-Client-Cert: x' "http://127.0.0.1:$HFRONT/admin/users")" 403
	same "HAProxy: nor who the service hears of" "$(front -H "Authorization: Bearer $alice" -H 'X-User: root' "http://127.0.0.1:$HFRONT/things")" "served GET /things to alice"
	same "HAProxy: a client's certificate counts" "$(tls --cert "$T/other.pem" --key "$T/other.key" "https://127.0.0.1:$HTLS/things")" "served GET /things to other"
	same "HAProxy: for what policy says" "$(tls -o /dev/null -w '%{http_code}' --cert "$T/other.pem" --key "$T/other.key" -X DELETE "https://127.0.0.1:$HTLS/things")" 403
	same "HAProxy: without one" "$(tls -o /dev/null -w '%{http_code}' "https://127.0.0.1:$HTLS/things")" 401
else
	skip "proxies: haproxy with Lua is not installed"
fi
sign_in_admin
lightgate certificate revoke "$(openssl x509 -in "$T/other.pem" -noout -serial | cut -d= -f2)" --reason keyCompromise >"$T/out" 2>&1 || bad "revoke: $(cat "$T/out")"
same "after its revocation, which nginx does not know of" "$(tls -o /dev/null -w '%{http_code}' --cert "$T/other.pem" --key "$T/other.key" "https://127.0.0.1:$TLS/things")" 401
[ -z "$HAPROXY_PID" ] || same "nor HAProxy" "$(tls -o /dev/null -w '%{http_code}' --cert "$T/other.pem" --key "$T/other.key" "https://127.0.0.1:$HTLS/things")" 401
lg_stop
[ -z "$HAPROXY_PID" ] || same "without the service nothing passes HAProxy" "$(status -H "Authorization: Bearer $alice" "http://127.0.0.1:$HFRONT/things")" 503
same "without the service nothing passes" "$(status -H "Authorization: Bearer $alice" "http://127.0.0.1:$FRONT/things")" 500
done_testing
