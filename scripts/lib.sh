# lib.sh: starts and stops the service for the demo, the tests and the benches.  Sourced by bash scripts.
# LG_BIN is where the programs are (build/bin).

LG_BIN=${LG_BIN:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/bin}
export LG_BIN

# lg_start DATA [ARGS...]: sets LG_PID and the addresses; fails when it is not ready within a minute.
lg_start() {
	local data=$1 end=$((SECONDS + 60)); shift
	: >"$data.ready"
	"$LG_BIN/lightgated" --dev --data "$data" "$@" >"$data.ready" 2>>"$data.log" &
	LG_PID=$!
	until read -r LG_READY <"$data.ready"; do	# a whole line
		kill -0 "$LG_PID" 2>/dev/null || { echo "lightgated ended:" >&2; tail -20 "$data.log" >&2; return 1; }
		[ $SECONDS -lt $end ] || { echo "lightgated is not ready after a minute" >&2; tail -20 "$data.log" >&2; return 1; }
		sleep 0.05
	done
	HTTPS=$(lg_ready .https) MTLS=$(lg_ready .https_mtls) HTTP=$(lg_ready .http)
	LDAP=$(lg_ready .ldap) LDAPS=$(lg_ready .ldaps) SOCKET=$(lg_ready .socket) LDAPI=$(lg_ready .ldapi)
	CA=$(lg_ready .ca_file) ISSUER=$(lg_ready .issuer)
	export LG_PID LG_READY HTTPS MTLS HTTP LDAP LDAPS SOCKET CA ISSUER
	export LIGHTGATE_DEV=$data
}

lg_ready() { jq -r "$1" <<<"$LG_READY"; }

# Is this part of a bench asked for?  BENCH_ONLY="one two"; without it all are.
only() { case " ${BENCH_ONLY:-$1} " in *" $1 "*) ;; *) return 1 ;; esac; }

# A port for somebody who is told it: below those that the kernel deals out by itself, and no two callers get the same.
free_port() {
	python3 - "${TMPDIR:-/tmp}/lightgate-ports.$(id -u)" <<'PY'
import fcntl, random, socket, sys
with open(sys.argv[1], "a+") as f:
	fcntl.flock(f, fcntl.LOCK_EX)
	f.seek(0)
	last = int(f.read() or random.randrange(10000))
	for n in range(1, 10000):
		port = 21000 + (last + n) % 10000
		try:
			for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
				with socket.socket(type=kind) as s: s.bind(("127.0.0.1", port))
		except OSError: continue
		f.truncate(0)
		f.write(str(last + n))
		print(port)
		break
PY
}

# The secret that --load or `apply --credentials FILE` made: lg_secret FILE KIND NAME
lg_secret() { jq -r --arg k "$2" --arg n "$3" '.[] | select(.kind == $k and .name == $n) | .secret' "$1"; }

lg_stop() {
	[ -n "${LG_PID:-}" ] || return 0
	kill -TERM "$LG_PID" 2>/dev/null
	wait "$LG_PID" 2>/dev/null
	LG_PID=
}

# A busybox bundle for runc: lg_bundle DIR; its process is /bin/true unless arguments follow.
lg_bundle() {
	local dir=$1; shift
	mkdir -p "$dir"/rootfs/{bin,etc,proc,sys,dev,tmp}
	cp /bin/busybox "$dir/rootfs/bin/busybox"
	ln -sf busybox "$dir/rootfs/bin/sh"; ln -sf busybox "$dir/rootfs/bin/echo"; ln -sf busybox "$dir/rootfs/bin/true"
	[ $# -gt 0 ] || set -- /bin/true
	(cd "$dir" && rm -f config.json && runc spec)
	local args; args=$(jq -cn '$ARGS.positional' --args -- "$@")
	jq --argjson a "$args" '.process.terminal = false | .root.readonly = true | .process.args = $a' \
		"$dir/config.json" >"$dir/config.new" && mv "$dir/config.new" "$dir/config.json"
}

# lg_annotate DIR NAME VALUE
lg_annotate() {
	jq --arg n "$2" --arg v "$3" '.annotations[$n] = $v' "$1/config.json" >"$1/config.new" && mv "$1/config.new" "$1/config.json"
}

# Signs in on the pages with a cookie jar: lg_sign_in USER PASSWORD CLIENT REDIRECT SCOPE RESOURCE; prints the token endpoint's JSON.
lg_sign_in() {
	local user=$1 password=$2 client=$3 redirect=$4 scope=$5 resource=$6 jar page verifier challenge state location code action
	jar=$(mktemp); page=$(mktemp)
	verifier=$(openssl rand -hex 32)
	challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=\n')
	state=$(openssl rand -hex 8)
	curl -sS --cacert "$CA" -c "$jar" -b "$jar" -L -o "$page" -G "$ISSUER/oauth2/authorize" \
		--data-urlencode response_type=code --data-urlencode "client_id=$client" --data-urlencode "redirect_uri=$redirect" \
		--data-urlencode "scope=$scope" --data-urlencode "state=$state" --data-urlencode "nonce=n-$state" \
		--data-urlencode "code_challenge=$challenge" --data-urlencode code_challenge_method=S256 \
		--data-urlencode "resource=$resource" || return 1
	action=$(sed -nE 's/.*<form[^>]*action="([^"]*)".*/\1/p' "$page" | head -1 | sed 's/&amp;/\&/g')
	local fields=() line name value
	while read -r line; do
		name=$(sed -nE 's/.*name="([^"]*)".*/\1/p' <<<"$line"); value=$(sed -nE 's/.*value="([^"]*)".*/\1/p' <<<"$line" | sed 's/&amp;/\&/g')
		[ -n "$name" ] && fields+=(--data-urlencode "$name=$value")
	done < <(sed '/<\/form>/q' "$page" | grep -oE '<input[^>]*type="hidden"[^>]*>')
	location=$(curl -sS --cacert "$CA" -c "$jar" -b "$jar" -o "$page" -w '%{redirect_url}' \
		-H "Origin: $ISSUER" "${fields[@]}" --data-urlencode "username=$user" --data-urlencode "password=$password" \
		"$ISSUER${action:-/login}") || return 1
	# the page may lead back through /oauth2/authorize before it leaves for the client
	case $location in "$ISSUER"*) location=$(curl -sS --cacert "$CA" -c "$jar" -b "$jar" -o "$page" -w '%{redirect_url}' "$location") ;; esac
	code=$(sed -nE 's/.*[?&]code=([^&]*).*/\1/p' <<<"$location")
	if [ -z "$code" ]; then echo "no code: $location" >&2; sed 's/<[^>]*>//g' "$page" | grep -v '^\s*$' | head -20 >&2; return 1; fi
	case $location in *"state=$state"*) ;; *) echo "state is not echoed: $location" >&2; return 1 ;; esac
	case $location in *iss=*) ;; *) echo "no iss in $location" >&2; return 1 ;; esac
	curl -sS --cacert "$CA" --data-urlencode grant_type=authorization_code --data-urlencode "code=$code" \
		--data-urlencode "redirect_uri=$redirect" --data-urlencode "client_id=$client" \
		--data-urlencode "code_verifier=$verifier" "$ISSUER/oauth2/token"
	rm -f "$jar" "$page"
}
