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
	clients:
	  - {name: portal, type: public, redirect_uris: ["http://127.0.0.1:9000/cb"]}
	  - {name: shop, type: public, consent: true, redirect_uris: ["http://127.0.0.1:9000/cb"], scopes: [openid, profile, email]}
	  - name: tv
	    type: public
	    grants: ["urn:ietf:params:oauth:grant-type:device_code"]
YAML
claim "apply" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
mkdir -p build/screenshots
env -u ASAN_OPTIONS CHROMIUM="$CHROMIUM" timeout 120 "$NODE" tests/e2e/pages.mjs "$ISSUER" "$T/credentials" build/screenshots >"$T/out" 2>"$T/err" ||
	bad "node: $(head -c 1500 "$T/err")"
while read -r line; do
	case $line in "ok "*) ok ;; "SKIP "*) skip "${line#SKIP }" ;; *) bad "${line#not ok }" ;; esac
done <"$T/out"
claim "every part came to its end" grep -q "^ok the end" "$T/out"
done_testing
