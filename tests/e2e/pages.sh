# The pages in headless Chromium: signing in with every factor, consent, the account page; with a virtual authenticator, looked at by axe.
. "$(dirname "$0")/lib.sh"
if ! NODE=$(scripts/oracles 2>"$T/npm"); then skip "pages: $(head -1 "$T/npm")"; done_testing; fi
CHROMIUM=$(command -v chromium) || { skip "pages: there is no chromium"; done_testing; }
[ -d node_modules/playwright-core ] || { skip "pages: playwright-core is not installed"; done_testing; }

# WebAuthn wants a name, not an address.
lg_start "$T/data" --host localhost || bad "start"
cat >"$T/state.yaml" <<-'YAML'
	users:
	  - {name: alice, mail: alice@example.org, display: Alice Example}
	  - {name: erin, display: Erin Example}
	  - {name: dave, mail: dave@example.org, display: Dave Example, password: none}
	clients:
	  - {name: portal, type: public, redirect_uris: ["http://127.0.0.1:9000/cb"]}
	  - {name: shop, type: public, consent: true, redirect_uris: ["http://127.0.0.1:9000/cb"], scopes: [openid, profile, email]}
	  - name: tv
	    type: public
	    grants: ["urn:ietf:params:oauth:grant-type:device_code"]
YAML
claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
# Links come by mail.
if /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mail -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$T/mail.key" -out "$T/mail.pem" 2>/dev/null
	mkdir "$T/mails"
	/usr/bin/python3 tests/e2e/smtp.py "$T/mails" "$T/mail.pem" "$T/mail.key" >"$T/ports" 2>"$T/smtp.err" & SMTP=$!
	trap 'kill $SMTP 2>/dev/null; lg_stop' EXIT
	within test -s "$T/ports"
	read -r _ port _ <"$T/ports"
	jq -n --rawfile ca "$T/mail.pem" --argjson port "$port" '{host: "127.0.0.1", port: $port, username: "lightgate", password: "mail secret",
		from: "id@example.org", ca: $ca}' >"$T/settings.json"
	claim "mail is set" lightgate mail set -f "$T/settings.json"
fi
claim "a rule for passwords" lightgate password-policy set --min-length 8
claim "a password that has to be changed" lightgate user expire-password erin
INVITATION=$(lightgate user invite dave --output json | jq -r .link)
mkdir -p build/screenshots
env -u ASAN_OPTIONS CHROMIUM="$CHROMIUM" INVITATION="$INVITATION" MAILS="$T/mails" timeout 500 "$NODE" tests/e2e/pages.mjs "$ISSUER" "$T/credentials" build/screenshots >"$T/out" 2>"$T/err" ||
	bad "node: $(head -c 1500 "$T/err")"
while read -r line; do
	case $line in "ok "*) ok ;; "SKIP "*) skip "${line#SKIP }" ;; *) bad "${line#not ok }" ;; esac
done <"$T/out"
claim "every part came to its end" grep -q "^ok the end" "$T/out"
done_testing
