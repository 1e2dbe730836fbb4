# The OpenID Foundation's certification plans, module by module.
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
done_testing
