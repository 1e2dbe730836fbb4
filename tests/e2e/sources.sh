# Identity sources against the real thing: people of a slapd, over StartTLS and LDAPS; workloads with tokens that another signed.
. "$(dirname "$0")/lib.sh"
. scripts/slapd.sh
trap 'slapd_stop; [ -z "${MUTE_PID:-}" ] || kill "$MUTE_PID" 2>/dev/null; [ -z "${WEB_PID:-}" ] || kill "$WEB_PID" 2>/dev/null; lg_stop' EXIT

lg_start "$T/data" || bad "start"
sign_in_admin

# ---- certificates for the others: one CA, one server, 127.0.0.1 -----------------------------------------------------------------
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=Elsewhere -days 2 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/srv.key" -out "$T/srv.csr" -subj /CN=server 2>/dev/null
openssl x509 -req -in "$T/srv.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 2 -out "$T/srv.pem" \
	-extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other.key" -out "$T/other.pem" -subj /CN=Other -days 2 2>/dev/null
indent() { sed 's/^/  /' "$1"; }
login() { curl -sS --cacert "$CA" "$HTTPS/v1/login" -d "$(jq -cn --arg u "$1" --arg p "$2" '{username: $u, password: $p}')" -o "$T/login" -w '%{http_code}'; }

# ---- people of another directory ----------------------------------------------------------------------------------------------------
if slapd_there; then
	mkdir "$T/slapd"
	slapd_prepare "$T/slapd" dbnosync "overlay memberof"
	sed -i "1i TLSCertificateFile $T/srv.pem\nTLSCertificateKeyFile $T/srv.key\nTLSCACertificateFile $T/ca.pem" "$T/slapd/slapd.conf"
	sed -i "s/^moduleload back_mdb/moduleload back_mdb\nmoduleload memberof/" "$T/slapd/slapd.conf"
	P1=$(free_port) P2=$(free_port) P3=$(free_port)
	/usr/sbin/slapd -h "ldap://127.0.0.1:$P1 ldaps://127.0.0.1:$P2" -f "$T/slapd/slapd.conf" -d 0 >>"$T/slapd/log" 2>&1 &
	SLAPD_PID=$!
	within ldapsearch -x -H "ldap://127.0.0.1:$P1" -b '' -s base 1.1
	ldapadd -x -H "ldap://127.0.0.1:$P1" -D cn=admin,dc=example,dc=org -w secret >"$T/claim.out" 2>&1 <<-'LDIF' || bad "slapd takes no entries"
		dn: dc=example,dc=org
		objectClass: domain
		dc: example

		dn: uid=dora,dc=example,dc=org
		objectClass: inetOrgPerson
		uid: dora
		cn: Dora
		sn: D
		displayName: Dora of elsewhere
		mail: dora@corp.example
		userPassword: dora-password

		dn: uid=eve(x)*,dc=example,dc=org
		objectClass: inetOrgPerson
		uid: eve(x)*
		cn: Eve
		sn: E
		userPassword: eve-password

		dn: cn=operators,dc=example,dc=org
		objectClass: groupOfNames
		cn: operators
		member: uid=dora,dc=example,dc=org
	LDIF
	cat >"$T/corp.yaml" <<-YAML
		name: corp
		kind: ldap
		urls: ["ldap://127.0.0.1:$P3", "ldap://127.0.0.1:$P1"]
		bind_dn: cn=admin,dc=example,dc=org
		bind_password: secret
		base: dc=example,dc=org
		filter: "(uid={login})"
		create: true
		timeout: 5
		groups: {"cn=operators,dc=example,dc=org": corp-operators}
		ca: |
		$(indent "$T/ca.pem")
	YAML
	claim "a group for them" lightgate group create corp-operators
	claim "a source is set" lightgate source set -f "$T/corp.yaml"
	has "it is asked: one server does not answer, the other does" "$(lightgate source test corp | jq -c '[.servers[].answers]')" '^\[false,true\]$'
	lacks "its password is not shown" "$(lightgate source show corp)" 'secret"'
	same "somebody signs in whom only the other directory knows" "$(login dora dora-password)" 200
	changes() { lightgate audit list --operation source.person --output json | jq -c '[.items[].detail | keys - ["source"] | .[]]'; }
	same "which is on record" "$(changes)" '["created"]'
	same "again" "$(login dora dora-password)" 200
	same "who comes back as before changes nothing" "$(changes)" '["created"]'
	same "an entry was made, with no password" "$(lightgate user show dora --output json | jq -c '[.display, .mail]')" '["Dora of elsewhere","dora@corp.example"]'
	same "who has a password elsewhere gets none beside it here" "$(curl -sS --cacert "$CA" -o "$T/own" -w '%{http_code}' "$HTTPS/v1/password" \
		-d '{"username":"dora","old_password":"dora-password","password":"one of her own"}')" 403
	has "... and is told where it is" "$(cat "$T/own")" 'kept elsewhere: change it there'
	page /account >/dev/null; page /login --data-urlencode "csrf=$(field csrf)" --data-urlencode "request=$(field request)" -d 'username=dora&password=dora-password' >/dev/null
	same "... nor at the page" "$(page /account/password)" 404
	has "... which says so" "$(cat "$T/page")" 'Change its password there'
	same "that says where it is from" "$(LDAPTLS_CACERT=$CA ldapsearch -LLL -x -H "$LDAP" -ZZ -D "uid=admin,ou=people,dc=example,dc=org" -w "$(lg_ready .admin.password)" -b "uid=dora,ou=people,dc=example,dc=org" lgSource userPassword 2>/dev/null | grep -E '^(lgSource|userPassword)')" "lgSource: corp"
	has "and is in the group that theirs means" "$(lightgate group show corp-operators --output json)" dora
	same "a wrong password is wrong" "$(login dora wrong)" 401
	has "no password is none" "$(login dora '')" '^40[01]$'
	same "a name with a filter's characters is only a name" "$(login '*' eve-password)" 401
	same "nobody is found by a filter in a name" "$(login 'x)(uid=dora' dora-password)" 401
	same "such a name can be found all the same, but is no entry's" "$(login 'eve(x)*' eve-password)" 401
	ldapmodify -x -H "ldap://127.0.0.1:$P1" -D cn=admin,dc=example,dc=org -w secret >/dev/null 2>&1 <<-'LDIF'
		dn: cn=operators,dc=example,dc=org
		changetype: modify
		add: member
		member: cn=admin,dc=example,dc=org
		-
		delete: member
		member: uid=dora,dc=example,dc=org
	LDIF
	same "later" "$(login dora dora-password)" 200
	lacks "who left their group has left ours" "$(lightgate group show corp-operators --output json)" dora
	same "... which is a change on record" "$(changes)" '["created","changed"]'
	claim "the directory's own word counts more" lightgate user disable dora
	same "a disabled account stays out" "$(login dora dora-password)" 401
	lightgate user enable dora >/dev/null

	sed "s|urls:.*|urls: [\"ldaps://127.0.0.1:$P2\"]|; /bind_password/d" "$T/corp.yaml" >"$T/corp2.yaml"
	claim "LDAPS, and the secret stays" lightgate source set -f "$T/corp2.yaml"
	same "over LDAPS" "$(login dora dora-password)" 200
	{ sed '/^ca:/,$d' "$T/corp2.yaml"; echo "ca: |"; indent "$T/other.pem"; } >"$T/corp3.yaml"
	claim "another CA" lightgate source set -f "$T/corp3.yaml"
	lacks "a server that another CA vouches for is not spoken to" "$(login dora dora-password)" '^200'
	sed "s|urls:.*|urls: [\"ldaps://localhost.localdomain:$P2\"]|" "$T/corp2.yaml" >"$T/corp4.yaml"
	has "the secret does not go to another name" "$(lightgate source set -f "$T/corp4.yaml" 2>&1)" 'must be said for another server'
	grep bind_password "$T/corp.yaml" | sed 's/^[[:blank:]]*//' >>"$T/corp4.yaml"
	claim "another name" lightgate source set -f "$T/corp4.yaml"
	lacks "nor one whose certificate is for another name" "$(login dora dora-password)" '^200'

	# A first server that takes connections and says nothing: who comes first waits for it, the others go on to the second at once.
	silent_server "$T/mute"; MUTE_PID=$!
	within test -s "$T/mute"
	sed "s|urls:.*|urls: [\"ldaps://127.0.0.1:$(cat "$T/mute")\", \"ldaps://127.0.0.1:$P2\"]|; s/^timeout: .*/timeout: 2/" "$T/corp2.yaml" >"$T/corp5.yaml"
	grep bind_password "$T/corp.yaml" | sed 's/^[[:blank:]]*//' >>"$T/corp5.yaml"
	claim "a list whose first server hangs" lightgate source set -f "$T/corp5.yaml"
	same "the second answers" "$(login dora dora-password)" 200
	same "and next time at once" "$(/usr/bin/time -f %e -o "$T/took" bash -c "$(declare -f login); CA=$CA HTTPS=$HTTPS T=$T; login dora dora-password"; awk '$1 < 1.9 { print " at once" }' "$T/took")" "200 at once"
	same "the operator is told, once" "$(grep -c 'source corp: a server does not answer.*no answer within 2 s' "$T/data.log")" 1
	kill "$MUTE_PID"; wait "$MUTE_PID" 2>/dev/null; MUTE_PID=
	claim "back" lightgate source set -f "$T/corp2.yaml"
	slapd_stop
	same "without the other directory nobody of it signs in" "$(login dora dora-password)" 503
	lacks "... and is not told which server it was" "$(cat "$T/login")" "127.0.0.1"
	same "and the others do" "$(login admin "$(lg_ready .admin.password)")" 200
	same "nothing of all that changed anything" "$(changes)" '["created","changed"]'
else
	skip "slapd is not installed: people of another directory"
fi

# ---- workloads of another issuer -------------------------------------------------------------------------------------------------------
if ! command -v jose >/dev/null; then skip "jose is not installed: workloads"; done_testing; fi
WEB=$(free_port)
OTHER=https://127.0.0.1:$WEB
mkdir -p "$T/web/.well-known"
jose jwk gen -i '{"alg":"ES256","kid":"k1"}' -o "$T/k1.jwk"
jose jwk pub -s -i "$T/k1.jwk" | jq '.keys[0].use = "sig"' >"$T/web/keys"
jq -n --arg i "$OTHER" '{issuer: $i, jwks_uri: ($i + "/keys")}' >"$T/web/.well-known/openid-configuration"
python3 - "$WEB" "$T" <<-'PY' &
	import http.server, os, ssl, sys
	os.chdir(sys.argv[2] + "/web")
	s = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
	c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	c.load_cert_chain(sys.argv[2] + "/srv.pem", sys.argv[2] + "/srv.key")
	s.socket = c.wrap_socket(s.socket, server_side=True)
	sys.stderr = open(sys.argv[2] + "/web.log", "w")
	s.serve_forever()
PY
WEB_PID=$!
within curl -s --cacert "$T/ca.pem" "$OTHER/keys"
cat >"$T/cluster.yaml" <<-YAML
	name: cluster
	kind: jwt
	issuer: $OTHER
	rules:
	  - match: {sub: "system:serviceaccount:shop:*", kubernetes.io/namespace: shop}
	    entry: "cn={kubernetes.io/serviceaccount/name},ou=services"
	ca: |
	$(indent "$T/ca.pem")
YAML
(echo 'services: [{name: builder}]'; echo 'sources:'; sed '1s/^/  - /; 1!s/^/    /' "$T/cluster.yaml") >"$T/state.yaml"
changed() { lightgate -o json apply -f "$T/state.yaml" "$@" 2>&1 | jq -c '[.changes[] | .kind + " " + .change]'; }
same "a document with a service and a source is looked at" "$(changed --dry-run)" '["Service created","Source created"]'
same "and nothing of it is there" "$(lightgate -o json source list | jq -r '.items[].name' | grep -c cluster; lightgate service show builder 2>&1)" "0
lightgate: there is no Service \"builder\""
same "a service, and a cluster that is trusted" "$(changed)" '["Service created","Source created"]'
same "again, nothing changes" "$(changed)" '["Service unchanged","Source unchanged"]'
has "all or nothing" "$(echo '{"services":[{"name":"late"}],"sources":[{"name":"x","kind":"jwt"}]}' | lightgate apply -f - 2>&1; lightgate service show late 2>&1)" 'there is no Service "late"'
has "its keys come" "$(lightgate source test cluster | jq -c '.jwks.keys[0].kid')" k1
sa() {	# sa NAMESPACE NAME [KEY]
	local now; now=$(date +%s)
	jq -cn --arg i "$OTHER" --arg a "$ISSUER" --arg ns "$1" --arg n "$2" --argjson t "$now" '{iss: $i, aud: [$a], sub: ("system:serviceaccount:" + $ns + ":" + $n),
		iat: $t, exp: ($t + 600), "kubernetes.io": {namespace: $ns, serviceaccount: {name: $n}}}' |
		jose jws sig -I - -k "${3:-$T/k1.jwk}" -s "{\"protected\":{\"alg\":\"ES256\",\"kid\":\"k1\"}}" -c -o -
}
bearer() { curl -sS --cacert "$CA" "$ISSUER/oauth2/token" -d "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer" --data-urlencode "assertion=$1" "${@:2}"; }
TOKEN=$(bearer "$(sa shop builder)" | tee "$T/answer" | jq -r .access_token)
has "a service account has a token" "$TOKEN" '^ey' || cat "$T/answer"
same "of the service it is" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $TOKEN" "$HTTPS/v1/whoami" | jq -r '.type + "/" + .name')" Service/builder
has "another namespace has none" "$(bearer "$(sa other builder)")" invalid_client
has "a name that would be several parts is one" "$(bearer "$(sa shop 'builder,ou=services')")" invalid_client
jose jwk gen -i '{"alg":"ES256","kid":"k1"}' -o "$T/k2.jwk"
has "another's signature is none" "$(bearer "$(sa shop builder "$T/k2.jwk")")" invalid_client
claim "it is trusted no longer" lightgate source delete cluster
same "and what was given for its word ends" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $TOKEN" "$HTTPS/v1/whoami" -o /dev/null -w '%{http_code}')" 401
done_testing
