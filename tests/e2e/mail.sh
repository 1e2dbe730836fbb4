# Mail to people: links with which they set a password, invitations, notices; through a real mail server with TLS.  And what is refused.
. "$(dirname "$0")/lib.sh"
PYTHON=/usr/bin/python3
"$PYTHON" -c 'import aiosmtpd' 2>/dev/null || { skip "mail: python3-aiosmtpd is not installed"; done_testing; }

selfsigned() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mail -addext "subjectAltName=$2" \
	-keyout "$T/$1.key" -out "$T/$1.pem" 2>/dev/null; }
selfsigned mail IP:127.0.0.1
selfsigned other IP:127.0.0.2
mkdir "$T/mails"
"$PYTHON" tests/e2e/smtp.py "$T/mails" "$T/mail.pem" "$T/mail.key" >"$T/ports" 2>"$T/smtp.err" & SMTP=$!
trap 'kill $SMTP 2>/dev/null; lg_stop' EXIT
within grep -q starttls "$T/ports"
read -r _ STARTTLS _ TLS _ PLAIN <"$T/ports"

lg_start "$T/data" || { bad "start"; done_testing; }
run() { lightgate "$@" 2>&1; }
settings() { jq -n --rawfile ca "$T/mail.pem" --argjson port "$STARTTLS" '{host: "127.0.0.1", port: $port, username: "lightgate", password: "mail secret",
	from: "id@example.org", from_name: "Lightgäte", ca: $ca} + '"$1" >"$T/settings.json"; run mail set -f "$T/settings.json"; }
count() { ls "$T/mails" | grep -c '^[0-9]*$'; }
arrived() { [ "$(count)" -ge "$1" ]; }
# wait_mail N: the text of the Nth
wait_mail() { within arrived "$1"; cat "$T/mails/$1" 2>/dev/null; }
link_of() { grep -o 'https://[^ ]*/login/link?t=[^ ]*' <<<"$1" | head -1; }
metric() { curl -sS --cacert "$CA" "$HTTPS/metrics" | sed -n "s/^lightgate_mail_$1 //p"; }

# ---- settings ------------------------------------------------------------------------------------------------------------------
has "nothing is sent without settings" "$(run user invite ann --mail ann@example.org --send)" 'this tenant sends no mail'
has "... and there are none" "$(run mail show)" 'no mail server'
has "the page offers no link then" "$(curl -sS --cacert "$CA" "$HTTPS/login/forgot")" 'No links here'
has "security is not left out" "$(settings '{security: "maybe"}')" 'starttls, tls or none'
has "no password without TLS" "$(settings '{security: "none"}')" 'not said without TLS'
has "the sender is an address" "$(settings '{from: "Nobody <x@y>"}')" "from: the sender's mail address"
has "... nothing else" "$(settings '{from: "x@y\r\nBcc: z@y"}')" "from: the sender's mail address"
has "they are set" "$(settings '{}')" 'mail is set'
lacks "the password is not shown" "$(run mail show --output json)" 'mail secret'
has "... that there is one is" "$(run mail show --output json)" '"password_set": ?true'
has "the password stays for the same server" "$(settings '{password: ""}'; run mail test you@example.org)" 'on its way to you@example.org'
has "... not for another" "$(settings '{password: "", host: "127.0.0.2"}')" 'it must be said for another server'
# the same by a state document: the password in a file of its own
echo 'mail secret' >"$T/mail.secret"
state() { jq --arg f "$T/mail.secret" '{mail: (del(.password) + {password_file: $f} + '"$1"')}' "$T/settings.json" >"$T/state.json"; run apply -f "$T/state.json" "${@:2}"; }
settings '{}' >/dev/null
has "a document that says the same changes nothing" "$(state '{}')" 'nothing changed'
has "a rehearsal says what would change" "$(state '{notices: false}' --dry-run)" 'Mail +settings +changed'
has "... and changes nothing" "$(run mail show --output json)" '"notices": ?true'
has "applied, it is changed" "$(state '{notices: false}')" '1 changed'
has "... once" "$(state '{notices: false}')" 'nothing changed'
has "... it shows" "$(run mail show --output json)" '"notices": ?false'
echo 'other secret' >"$T/mail.secret"
has "another password is a change" "$(state '{notices: false}')" '1 changed'
lacks "which nobody is shown" "$(run mail show --output json; run audit list --output json)" 'other secret'
has "what is wrong is refused as a whole" "$(state '{security: "maybe"}')" 'starttls, tls or none'
has "a file that is not there" "$(jq '.mail.password_file = "/nowhere"' "$T/state.json" >"$T/none.json"; run apply -f "$T/none.json")" '/nowhere'
settings '{}' >/dev/null
MAIL=$(wait_mail 1)
has "it came from whom it should" "$MAIL" '^envelope: id@example.org you@example.org$'
has "... over TLS, with a password" "$MAIL" '^session: tls=True login=True hello=example.org$'
has "... with a name that is not ASCII" "$MAIL" '^From: Lightgäte <id@example.org>$'
has "... as RFC 5322 wants it" "$MAIL" '^defects: \[\]$'
has "TLS from the first octet" "$(settings '{security: "tls", port: '"$TLS"'}'; run mail test tls@example.org)" 'on its way'
settings '{}' >/dev/null
jq --rawfile ca "$T/other.pem" '.ca = $ca' "$T/settings.json" >"$T/other.json"
has "a certificate that is not believed" "$(run mail set -f "$T/other.json"; run mail test x@example.org)" 'not taken: .*certificate'
has "a server without STARTTLS gets nothing" "$(settings '{port: '"$PLAIN"'}'; run mail test x@example.org)" 'not taken: '
has "a wrong password" "$(settings '{password: "wrong"}'; run mail test x@example.org)" 'not taken: '
has "a server that is not there" "$(settings '{port: 1}'; run mail test x@example.org)" 'not taken: '
has "an address that is refused" "$(settings '{}'; run mail test refuse@example.org)" 'refused: .*550'
has "no address" "$(run mail test 'a b')" 'is a mail address'
same "of all that two came through" "$(count)" 2

# ---- pages, without a browser ----------------------------------------------------------------------------------------------------
page() { curl -sS --cacert "$CA" -c "$T/jar" -b "$T/jar" "$@"; }
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" "$T/page" | head -1; }
# set_by LINK PASSWORD [AGAIN]: opens it and sends the form
set_by() { page -o "$T/page" "$1"; page -o "$T/page" -w '%{http_code}' "${1%%\?*}" --data-urlencode "csrf=$(field csrf)" --data-urlencode "t=$(field t)" \
	--data-urlencode "password=$2" --data-urlencode "again=${3-$2}"; }
forgot() { page -o "$T/page" "$HTTPS/login/forgot"; page -o "$T/page" -w '%{http_code}' "$HTTPS/login/forgot" --data-urlencode "csrf=$(field csrf)" --data-urlencode "username=$1"; }
signed() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' "$HTTPS/v1/login" -d "$(jq -cn --arg u "$1" --arg p "$2" '{username: $u, password: $p}')"; }

# ---- an invitation -----------------------------------------------------------------------------------------------------------------
has "an invitation is sent" "$(run user invite bob --mail bob@example.org --display 'Bob Jönes' --send)" 'goes to their mail address'
MAIL=$(wait_mail 3)
has "it greets" "$MAIL" '^Hello Bob Jönes,$'
has "it says what it is" "$MAIL" '^Subject: Your new account$'
LINK=$(link_of "$MAIL")
has "its link is the issuer's" "$LINK" "^$HTTPS/login/link\?t="
same "a request's Host changes no link" "$(page -H 'Host: evil.example' -o /dev/null -w '%{http_code}' "$HTTPS/login/forgot" | grep -c .)" 1
page -o "$T/page" "$LINK"; page -o "$T/page" "$LINK"
has "looking does not spend it" "$(cat "$T/page")" 'Set the password of your account bob'
same "two that differ" "$(set_by "$LINK" 'first password' 'other password')" 422
has "... are told" "$(cat "$T/page")" 'same new password twice'
run password-policy set --min-length 12 --history 3 >/dev/null
same "too short" "$(set_by "$LINK" 'short')" 422
has "... in words" "$(cat "$T/page")" 'has at least 12 characters'
page -o "$T/page" "$LINK"
same "a form of nobody's page" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/login/link" --data-urlencode "csrf=$(field csrf)" --data-urlencode "t=$(field t)" -d 'password=long enough now&again=long enough now')" 403
same "a form of another site" "$(page -o /dev/null -w '%{http_code}' -H 'Sec-Fetch-Site: cross-site' "$HTTPS/login/link" --data-urlencode "csrf=$(field csrf)" --data-urlencode "t=$(field t)" -d 'password=long enough now&again=long enough now')" 403
same "it sets the password" "$(set_by "$LINK" 'first password')" 200
same "... once" "$(set_by "$LINK" 'first password')" 410
same "... which signs in" "$(signed bob 'first password')" 200
has "a link that is none" "$(page "$HTTPS/login/link?t=abc")" 'This link is good no longer'
has "a link without a token" "$(page "$HTTPS/login/link")" 'This link is good no longer'
lacks "no token is in the log" "$(cat "$T/data.log")" "${LINK#*t=}"
lacks "... nor on the record" "$(run audit list --output json)" "${LINK#*t=}"
has "the record has the link's making" "$(run audit list --output json)" 'password.link'

# ---- the address is a verified one ----------------------------------------------------------------------------------------------------
cat >"$T/state.yaml" <<-'YAML'
	clients:
	  - {name: portal, type: public, redirect_uris: ["http://127.0.0.1:9000/cb"], audiences: ["https://api.example"],
	     grants: [authorization_code, refresh_token], scopes: [openid, email, offline_access]}
YAML
claim "a client" lightgate apply -f "$T/state.yaml"
tokens() { lg_sign_in bob "$1" portal http://127.0.0.1:9000/cb 'openid email offline_access' https://api.example; }
verified() { curl -sS --cacert "$CA" -H "Authorization: Bearer $(jq -r .access_token <<<"$1")" "$ISSUER/oauth2/userinfo" | jq -c '[.email, .email_verified]'; }
refreshed() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' "$ISSUER/oauth2/token" -d grant_type=refresh_token -d client_id=portal -d "refresh_token=$(jq -r .refresh_token <<<"$1")"; }
TOKENS=$(tokens 'first password')
same "userinfo says that the address is verified" "$(verified "$TOKENS")" '["bob@example.org",true]'
run user change bob --mail robert@example.org >/dev/null
same "... another address is not" "$(verified "$TOKENS")" '["robert@example.org",false]'
run user change bob --mail bob@example.org >/dev/null

# ---- a forgotten password ---------------------------------------------------------------------------------------------------------------
same "a link is asked for" "$(forgot bob)" 200
cp "$T/page" "$T/known"
MAIL=$(wait_mail 4)
has "it comes" "$MAIL" '^Subject: Set a new password$'
same "a name that nobody has" "$(forgot nobody)" 200
same "... is answered the same" "$(cat "$T/page")" "$(cat "$T/known")"
same "another one at once, by the address" "$(forgot bob@example.org)" 200
same "for an administrator without an address" "$(forgot admin)" 200
emptied() { [ "$(metric waiting)" = 0 ]; }
claim "the outbox is empty" within emptied
same "... and nobody was sent anything more" "$(count)" 4
OTHER=$(run user reset-link bob --output json | jq -r .link)
same "the link of an administrator goes beside it" "$(page -o /dev/null -w '%{http_code}' "$OTHER")" 200
same "the link sets another password" "$(set_by "$(link_of "$MAIL")" 'second password')" 200
same "the old one is over" "$(signed bob 'first password')" 401
same "... so are its refresh tokens" "$(refreshed "$TOKENS")" 400
same "a link from before is void" "$(page -o /dev/null -w '%{http_code}' "$OTHER")" 410
MAIL=$(wait_mail 5)
has "its owner is told" "$MAIL" '^Subject: Your password was changed$'
has "... from where" "$MAIL" 'UTC, from 127.0.0.1\.$'
OTHER=$(run user reset-link bob | tail -1)
same "one that was used before is not taken" "$(set_by "$OTHER" 'second password')" 422
has "... in words" "$(cat "$T/page")" 'was used before'
run user lock bob >/dev/null
same "who was locked by an administrator stays so" "$(set_by "$OTHER" 'third password')" 422
has "... and is told" "$(cat "$T/page")" 'account is locked'
run user unlock bob >/dev/null
has "a shown link proves no address" "$(set_by "$OTHER" 'third password'; run user change bob --mail b@example.org >/dev/null; verified "$(tokens 'third password')")" 'false'
run user disable bob >/dev/null
has "the disabled get none" "$(run user reset-link bob)" 'disabled'
run user enable bob >/dev/null
waits() { [ "$(forgot "x$RANDOM")" = 429 ]; }
claim "who asks too often waits" within waits

# ---- trouble on the way ---------------------------------------------------------------------------------------------------------------------
run user invite later --mail later@example.org --send >/dev/null
claim "what is put off is sent later" within grep -rq '^To: later@example.org' "$T/mails"
run user invite refuse --mail refuse@example.org --send >/dev/null
given_up() { grep -q 'sending mail: .*550.*given up' "$T/data.log"; }
claim "what is refused for good is given up, which the log says" within given_up
has "... with its reason on the record" "$(run audit list --operation mail.send --output json)" 'refused: .*550'
claim "... and the counts" test "$(metric 'total{what="dropped"}')" -ge 4
same "German, as the person wants it" "$(LDAPTLS_CACERT=$CA ldapmodify -x -H "$LDAPS" -D uid=admin,ou=people,dc=example,dc=org -w "$(lg_ready .admin.password)" <<<'dn: uid=later,ou=people,dc=example,dc=org
changetype: modify
replace: preferredLanguage
preferredLanguage: de-AT' >/dev/null && echo yes)" yes
before=$(count)
run user reset-link later --send >/dev/null
has "... the whole of it" "$(wait_mail $((before + 1)))" '^Subject: Ihr neues Konto'
lg_stop; lg_start "$T/data" || bad "restart"
has "the settings outlive a restart" "$(run mail test again@example.org)" 'on its way'
run mail delete >/dev/null
has "without settings again" "$(run user reset-link bob --send)" 'this tenant sends no mail'

# ---- must be changed at sign-in ------------------------------------------------------------------------------------------------------------------
run user expire-password bob >/dev/null
rm -f "$T/jar"; page -o "$T/page" "$HTTPS/login"
page -o "$T/page" "$HTTPS/login" --data-urlencode "csrf=$(field csrf)" --data-urlencode "request=$(field request)" -d username=bob --data-urlencode 'password=third password'
has "an expired password leads to the form" "$(cat "$T/page")" 'has to be changed before you go on'
change() { page -o "$T/page" -w '%{http_code}' "$HTTPS/login/change" --data-urlencode "request=$(field request)" --data-urlencode "step=$(field step)" --data-urlencode "password=$1" --data-urlencode "again=$1"; }
step=$(field step)
same "the step is good for nothing else" "$(page -o /dev/null -w '%{http_code}' "$HTTPS/login/step" --data-urlencode "step=$step" -d 'request=&code=123456')" 403
same "a short one" "$(change short)" 422
same "the change signs in" "$(change 'fourth password')" 200
has "..." "$(cat "$T/page")" 'You are signed in'
same "... with the new one" "$(signed bob 'fourth password')" 200

# ---- factors and sessions, for administrators ------------------------------------------------------------------------------------------------------
has "sessions" "$(run user sessions bob)" '127\.0\.0\.1 .*curl'
same "one is ended" "$(run user end-sessions bob --id "$(run user sessions bob --output json | jq -r '.items[0].id')")" "the session of bob is ended"
has "... of somebody else it is not" "$(run user end-sessions admin --id 00000000-0000-0000-0000-000000000000)" 'no such session of theirs'
claim "all are ended" lightgate user end-sessions bob
has "factors" "$(run user factors bob)" 'ID +KIND'
has "one that is not there" "$(run user remove-factor bob totp)" 'there is no such factor'
has "none of that kind" "$(run user remove-factor bob thumb)" 'there is no such factor'
done_testing
