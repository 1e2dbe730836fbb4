# The transcripts of the guides that a service of its own can give: the commands, run again, say what stands there.  Times, ids, keys and
# counts are others each time; a line that ends in "..." is the beginning of one; `cat FILE` is where the file is from.
. "$(dirname "$0")/lib.sh"
. scripts/slapd.sh
trap 'slapd_stop; [ -z "${MUTE:-}" ] || kill "$MUTE" 2>/dev/null; [ -z "${SMTP:-}" ] || kill "$SMTP" 2>/dev/null; lg_stop' EXIT

# What needs other machines, a token in hand, or stands for more than one command; most of it is played by the script of its topic.
elsewhere='^(curl|pki|lightgated) |^[A-Z_]+=|\.\.\.|pkcs11|federation|user create eve|-o json($| \|)|x509 -in|^lightgate doctor'

# The commands of a document with what they print: "$ command", then its lines.
transcripts() { awk '/^```/ { inside = !inside; next } inside && /^\$ / { on = 1 } !inside { on = 0 } on' "$1"; }
vary() {
	sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g; s/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/ID/g; s/[A-Za-z0-9_-]{30,}|[A-Za-z0-9_-]{16}\.\.\./KEY/g
		s/\b[0-9a-f]{16,}\b/HEX/g; s/Issuing CA [0-9a-f]{8}/Issuing CA HEX/; s/\b[0-9]+ (bytes|records|entries)/N \1/g; s/(entry|record|of|from|to) [0-9]+/\1 N/g; s/policies:[0-9]+:/policies:N:/; s/ +/ /g'
}
compare() {
	local n=0 want got came
	mapfile -t came < <(vary <"$T/out")
	while IFS= read -r want; do
		got=${came[n]-}
		case $want in *...) case $got in "${want%...}"*) got=$want ;; esac ;; esac
		same "$1, line $((n + 1))" "$got" "$want"
		n=$((n + 1))
	done < <(vary <"$T/want")
	same "$1: lines" "${#came[@]}" "$n"
}
whole() { eval "$command" >"$T/out" 2>&1; [ "$(wc -l <"$T/out")" -ge "$(wc -l <"$T/want")" ]; }
run() {
	local command=${1//$2/$3}
	[[ $command =~ $elsewhere ]] && return
	if [[ $command =~ ^cat\ ([a-z.]+)$ ]]; then [ -e "${BASH_REMATCH[1]}" ] || cp "$T/want" "${BASH_REMATCH[1]}"; return; fi
	# What was decided is in the log a moment later.
	if [[ $command == *"audit list"* ]]; then within whole; else eval "$command" >"$T/out" 2>&1; fi
	replayed=$((replayed + 1))
	compare "$command"
}
# replay DOCUMENT PATTERN: with PATTERN in its commands as $SERIAL
replay() {
	local command= here= line
	: >"$T/want"
	while IFS= read -r line; do
		# What is written by hand until END is of the command, and so is what stands behind a \ at the end of a line.
		case $command in *\\) if [ ! -s "$T/want" ]; then command=${command%\\}$line; continue; fi ;; esac
		if [ -n "$here" ]; then command+=$'\n'$line; [ "$line" != END ] || here=; continue; fi
		case $line in
		*"<<'END'") here=1 ;;&
		'$ '*) [ -z "$command" ] || run "$command" "$2" "$SERIAL"; command=${line#'$ '}; : >"$T/want" ;;
		*) printf '%s\n' "$line" >>"$T/want" ;;
		esac
	done <"$T/$1.transcripts"
	[ -z "$command" ] || run "$command" "$2" "$SERIAL"
}

docs=(sign-in tokens certificates operating federation)	# the last makes a tenant
for doc in "${docs[@]}"; do transcripts "docs/$doc.md" >"$T/$doc.transcripts"; done
transcripts README.md >"$T/README.transcripts"
root=$PWD
mkdir -p build
lg_start "$T/data" || bad "start"
claim "hosts and services" lightgate apply -f <(echo '{hosts: [{name: node1}], services: [{name: controller}]}')
joins node1
SERIAL=$(lightgate certificate list --subject Host/node1 -o json | jq -r '.items[0].serial')
mkdir "$T/work" && cd "$T/work" || exit 1
cp "$T/node1.pem" .

# ---- what the transcripts begin with ----
if /usr/bin/python3 -c 'import aiosmtpd' 2>/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=mail -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$T/mail.key" -out "$T/mail.pem" 2>/dev/null
	mkdir "$T/mails"
	/usr/bin/python3 "$root/tests/e2e/smtp.py" "$T/mails" "$T/mail.pem" "$T/mail.key" >"$T/ports" 2>"$T/smtp.err" & SMTP=$!
	within test -s "$T/ports"
	read -r _ port _ <"$T/ports"
	jq -n --rawfile ca "$T/mail.pem" --argjson port "$port" '{host: "127.0.0.1", port: $port, username: "lightgate", password: "mail secret",
		from: "id@example.org", ca: $ca}' >mail.yaml
else
	elsewhere="$elsewhere|mail|--send"
	skip "transcripts of mail: python3-aiosmtpd is not installed"
fi
claim "a root elsewhere" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 3650 -subj "/CN=Example Root" \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -keyout root.key -out root.pem
claim "the ledger was looked at before" lightgate certificate prove "$SERIAL" --head ledger.head
claim "... and by a witness" lightgate certificate witness ledger.json
# The same settings another way: whoever writes them into a state has not set them before.
echo "mail secret" >mail.secret
echo "not his" >wrong.secret
anew() { lightgate mail delete >/dev/null; }
sed -i 's/^\$ lightgate apply -f state.yaml --dry-run/$ anew; lightgate apply -f state.yaml --dry-run/' "$T/sign-in.transcripts"

# A cluster, and a directory whose first server takes connections and says nothing.
if slapd_there; then
	mkdir "$T/slapd"
	slapd_prepare "$T/slapd" dbnosync
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=dc -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$T/dc.key" -out "$T/dc.pem" 2>/dev/null
	sed -i "1i TLSCertificateFile $T/dc.pem\nTLSCertificateKeyFile $T/dc.key" "$T/slapd/slapd.conf"
	silent_server "$T/mute"; MUTE=$!
	within test -s "$T/mute"
	slapd_start "$T/slapd" "$(free_port)" || bad "slapd"
	echo '{"name":"cluster","kind":"jwt","issuer":"https://kubernetes.default.svc","rules":[{"match":{"sub":"x"},"entry":"cn=x,ou=services"}]}' >cluster.yaml
	jq -n --rawfile ca "$T/dc.pem" --arg one "ldaps://127.0.0.1:$(cat "$T/mute")" --arg two "$SLAPD" '{name: "corp", kind: "ldap", urls: [$one, $two],
		bind_dn: "cn=admin,dc=example,dc=org", bind_password: "secret", base: "dc=example,dc=org", filter: "(uid={login})", timeout: 1, ca: $ca}' >corp.yaml
	sed -i "s|ldaps://dc1.corp.example|ldaps://127.0.0.1:$(cat "$T/mute")|g; s|ldap://dc2.corp.example|$SLAPD|g; s/within 5 s/within 1 s/" "$T/federation.transcripts"
else
	elsewhere="$elsewhere|cluster|corp|source list"
	skip "slapd is not installed: its transcripts of federation.md"
fi

replayed=0
for doc in "${docs[@]}"; do replay "$doc" 55edb347ee8c15ade60c91977051acf248; done
claim "there are transcripts ($replayed)" test "$replayed" -ge 80
slapd_stop

# ---- README.md, with what `make run` begins with ----
cd "$root" || exit 1
lg_stop
lg_start "$T/demo" --load conf/demo.yaml || bad "start"
cd "$T/work" || exit 1
mend() { sed -i 's/when { context has image && context/when { context has image \&\& context.image has signed \&\& context/' shop.cedar; }
# The reader mends the text between the refusal and the activation.
sed -i 's/^\$ lightgate policy activate/$ mend; lightgate policy activate/' "$T/README.transcripts"
replayed=0
replay README none
claim "README.md has a transcript ($replayed)" test "$replayed" -ge 9
cd "$root" || exit 1
done_testing
