# The OpenID Foundation's certification plans, module by module.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rp.bash"
lg_start "$T/data" --outbound.ca_file="$T/own.pem" --rotation.token_key=20s --rotation.publish=1s || bad "start"
sign_in_admin
# Two banks with certificates: one's is its service's, the other's its own.
ec_pair "$T/certbank2"
printf 'services: [{name: bank-web}]\n' >"$T/services.yaml"
claim "a service" lightgate apply -f "$T/services.yaml" --credentials "$T/services.json"
lg_secret "$T/services.json" Service bank-web >"$T/bank-web"
claim "its certificate" lightgate certificate issue --profile service --client-id bank-web --client-secret-file "$T/bank-web" --key-out "$T/certbank.key" --cert-out "$T/certbank.pem"
CLIENT_CERTS="certbank=$T/certbank certbank2=$T/certbank2"
bank='type: confidential, fapi2: true, tls_client_certificate_bound_access_tokens: true, redirect_uris: ["https://bank.example/cb"]'
rp_apply <<-YAML
  - {name: rsa, type: service, access_token_alg: RS256}
  - {name: edwards, type: confidential, redirect_uris: ["http://127.0.0.1:9000/cb"], id_token_alg: EdDSA}
  - {name: certbank, auth: tls_client_auth, tls_client_auth_san_uri: "spiffe://example.org/service/bank-web", $bank}
  - {name: certbank2, auth: self_signed_tls_client_auth, jwks: $(ec_jwks "$T/certbank2.key" own), $bank}
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
within signs

# Each waits at times, for something to grow old: side by side.
plans="conformance conformance-fapi2 conformance-fapi2:mtls conformance-dynamic"
pids=
for plan in $plans; do IFS=: read -r script variant <<<"$plan"; play "$script" "$variant" & pids="$pids $!"; done
wait $pids
for plan in $plans; do IFS=: read -r script variant <<<"$plan"; played "$script" "$variant"; done
if [ -z "${LG_LONG:-}" ]; then
	for module in ensure-token-endpoint-fails-with-expired-auth-code par-attempt-to-use-expired-request_uri; do
		skip "fapi2-security-profile-final-$module: takes a minute, in make check-long"
	done
fi
done_testing
