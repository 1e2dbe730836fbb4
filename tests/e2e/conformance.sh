# The OpenID Foundation's certification plans, module by module, and the relying parties of Debian: authlib and oidc-agent.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rp.bash"
lg_start "$T/data" --outbound.ca_file="$T/own.pem" --rotation.token_key=20s --rotation.publish=1s || bad "start"
sign_in_admin
rp_apply <<-'YAML'
  - {name: rsa, type: service, access_token_alg: RS256}
  - {name: edwards, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"], id_token_alg: EdDSA}
YAML
claim "alice has a phone and an address" env LDAPTLS_CACERT="$CA" ldapmodify -x -H "$LDAPS" -D uid=admin,ou=people,dc=example,dc=org -w "$(lg_ready .admin.password)" <<-LDIF
	dn: uid=alice,ou=people,dc=example,dc=org
	changetype: modify
	add: telephoneNumber
	telephoneNumber: +1 555 0100
	-
	add: street
	street: Main Street 1
	-
	add: l
	l: Springfield
LDIF
signs() { curl -sS --cacert "$CA" -u "rsa:$(lg_secret "$T/credentials" Client rsa)" -d grant_type=client_credentials "$HTTPS/oauth2/token" | grep -q access_token; }
for _ in $(seq 200); do signs && break; sleep 0.1; done

# Each waits at times, for something to grow old: side by side.
plans="conformance conformance-fapi2 conformance-dynamic"
pids=
for plan in $plans; do play "$plan" & pids="$pids $!"; done
wait $pids
for plan in $plans; do played "$plan"; done
if [ -z "${LG_LONG:-}" ]; then
	for module in ensure-token-endpoint-fails-with-expired-auth-code par-attempt-to-use-expired-request_uri; do
		skip "fapi2-security-profile-final-$module: takes a minute, in make check-long"
	done
fi

if /usr/bin/python3 -c 'import authlib' 2>/dev/null; then
	claim "authlib: client_credentials is refused to who may not, a token is introspected and revoked" env -u ASAN_OPTIONS /usr/bin/python3 - "$ISSUER" "$CA" "$(lg_secret "$T/credentials" Client web)" <<-'PY'
		import sys
		from authlib.integrations.requests_client import OAuth2Session
		issuer, ca, secret = sys.argv[1:]
		s = OAuth2Session("web", secret, token_endpoint_auth_method="client_secret_basic")
		s.verify, s.trust_env = ca, False
		meta = s.get(issuer + "/.well-known/oauth-authorization-server", withhold_token=True).json()
		try:
		    s.fetch_token(meta["token_endpoint"], grant_type="client_credentials")
		    sys.exit("was not refused")
		except Exception as e:
		    assert "unauthorized_client" in str(e), e
		r = s.introspect_token(meta["introspection_endpoint"], token="x")
		assert r.json() == {"active": False}, r.text
		assert s.revoke_token(meta["revocation_endpoint"], token="x").status_code == 200
	PY
else
	skip "python3-authlib is not installed"
fi
done_testing
