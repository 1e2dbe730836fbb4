# lib.sh: what the end-to-end tests share.  Each starts its own service on free ports, counts its claims and stops everything.
# The service runs under ASan and UBSan (build/asan/bin) unless LG_BIN says otherwise; a report or a leak is a failure.

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
LG_BIN=${LG_BIN:-$PWD/build/asan/bin}
. scripts/lib.sh
PATH=$LG_BIN:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/lg-e2e.XXXXXX")
chmod 0711 "$T"
mkdir -m 0777 "$T/san"
export ASAN_OPTIONS="log_path=$T/san/report:detect_leaks=1" UBSAN_OPTIONS="print_stacktrace=1:log_path=$T/san/report" TSAN_OPTIONS="log_path=$T/san/report:halt_on_error=0" LIGHTGATE_CONFIG=$T/cli
passed=0 failed=0 skipped=0
SUITE=$(basename "$0" .sh)

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "not ok: $*"; }
# claim NAME COMMAND...: the command must succeed
claim() { local name=$1; shift; if "$@" >"$T/claim.out" 2>&1; then ok; else bad "$name"; head -c 2000 "$T/claim.out"; fi; }
same() { if [ "$2" = "$3" ]; then ok; else bad "$1: expected \"$3\", got \"$(head -c 500 <<<"$2")\""; fi; }
has() { if grep -qE -- "$3" <<<"$2"; then ok; else bad "$1: no \"$3\" in \"$(head -c 800 <<<"$2")\""; fi; }
lacks() { if grep -qE -- "$3" <<<"$2"; then bad "$1: found \"$3\""; else ok; fi; }
within() { local end=$((SECONDS + 30)); until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done; }	# until it succeeds, half a minute at most
# prompt NAME MILLISECONDS LIMIT: it took less; where more waits for a processor than there are, as many times the limit
prompt() { claim "$1 ($2 ms)" test "$2" -lt $(($3 * (1 + $(awk '{ print int($1) }' /proc/loadavg) / $(nproc)))); }
# on_record NAME LINE [OPTION...]: `lightgate audit list` with these options has such a line, a moment later at the latest
on_record() { local line=$2; recorded() { lightgate audit list "$@" >"$T/record" 2>&1 && grep -qE -- "$line" "$T/record"; }; if within recorded "${@:3}"; then ok; else bad "$1: no \"$line\""; head -c 2000 "$T/record"; fi; }
# server_pid: the process that listens; keeper_pid: the one that has the keys
child() { for p in $(pgrep -P "$LG_PID"); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" != "$1" ] || echo "$p"; done; }
server_pid() { child lg-server; }
keeper_pid() { child lg-keeper; }
skip() { skipped=$((skipped + 1)); echo "SKIP $*"; }

# What a script has to end besides the service it ends in a function clean_up, while its files are still there.
done_testing() {
	if declare -F clean_up >/dev/null; then trap - EXIT; clean_up; else lg_stop; fi
	for report in "$T"/san/*; do
		[ -e "$report" ] || continue
		bad "sanitizer report"; head -60 "$report"
	done
	echo "$SUITE: $passed passed, $failed failed, $skipped skipped"
	if [ "$failed" = 0 ]; then rm -rf "$T"; else echo "files: $T"; [ -e "$T/data.log" ] && tail -5 "$T/data.log"; fi
	[ "$failed" = 0 ]
	exit $?
}
trap lg_stop EXIT
trap 'exit 1' INT TERM

# api METHOD PATH [curl arguments]: as the administrator; prints the body, then a line with the status
token() { curl -sS --cacert "$CA" "$HTTPS/v1/login" -d "$(jq -cn --arg u "$1" --arg p "$2" '{username: $u, password: $p}')" | jq -r .access_token; }
api() { curl -sS --cacert "$CA" -H "Authorization: Bearer $ADMIN" -X "$1" "$HTTPS$2" -w '\n%{http_code}' "${@:3}"; }
# A browser of curl, its cookies in $T/jar: page URL|PATH [curl arguments]; prints the status, and what it shows is in $T/page, with its field's values
page() { local at=$1; case $at in /*) at=$HTTPS$at ;; esac; curl -sS --cacert "$CA" -b "$T/jar" -c "$T/jar" -L -o "$T/page" -w '%{http_code}' "$at" "${@:2}"; }
field() { sed -nE "s/.*name=\"$1\"[^>]*value=\"([^\"]*)\".*/\1/p" "$T/page" | head -1 | sed 's/&amp;/\&/g'; }
sign_in_admin() { ADMIN=$(token admin "$(lg_ready .admin.password)"); }

# silent_server FILE: in the background, a port (in FILE) where connections are taken and nothing is said
silent_server() {
	/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); kept = [s.accept() for _ in iter(int, 1)]' >"$1" 2>/dev/null &
}

# ec_pair FILE: FILE.key and FILE.pem, certified by itself; ec_jwks FILE.key KID: its public half
ec_pair() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -subj "/CN=${1##*/}" -days 2 2>/dev/null; }
ec_jwks() {
	local point
	point=$(openssl ec -in "$1" -pubout -outform DER 2>/dev/null | tail -c 64 | basenc -w0 --base16)
	part() { basenc -d --base16 <<<"$1" | basenc -w0 --base64url | tr -d =; }
	printf '{"keys":[{"kty":"EC","crv":"P-256","kid":"%s","x":"%s","y":"%s"}]}' "$2" "$(part "${point:0:64}")" "$(part "${point:64}")"
}

# joins HOST [OPTION...]: its identity in $T/HOST, and for curl in $T/HOST.pem and $T/HOST.key
joins() {
	lightgate host create-join-token "$@" --out "$T/join.$1" >/dev/null && lightgate-agent join --token-file "$T/join.$1" --state "$T/$1" >/dev/null || { bad "$1 joins"; return 1; }
	jq -r .key "$T/$1/identity.json" >"$T/$1.key"
	cat "$T/$1/cert.pem" "$T/$1/chain.pem" >"$T/$1.pem"
}
# comes_in PERSON: with the password that `apply` wrote; LIGHTGATE_CONFIG=$T/PERSON is then hers
comes_in() {
	lg_secret "$T/credentials" User "$1" >"$T/$1.password"
	LIGHTGATE_CONFIG=$T/$1 lightgate login --user "$1" --password-file "$T/$1.password" >/dev/null 2>&1 || bad "$1 comes in"
}
# engine_ends DIR [PID]: the engine below DIR, and its containers, which it may not end when its agent is gone
engine_ends() {
	[ -n "$1" ] || return 0
	kill -9 $(cat "$1"/exec/containerd/daemon/*/moby/*/init.pid) $(pgrep -f -- "-address $1/exec/")
	[ -z "${2:-}" ] || { kill "$2"; wait "$2"; }
	umount "$1/exec/netns/default"; umount -R "$1/data"
} 2>/dev/null
