# The service starts, starts again, refuses bad settings, drains, and tells nobody its secrets.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" --load conf/demo.yaml || bad "first start"
line=$LG_READY
for field in https https_mtls http ldap ldaps socket ca_file issuer admin credentials; do
	has "the ready line has $field" "$(jq -c ".$field" <<<"$line")" '^[^n]'
done
claim "the line stands in DATA/dev.json" grep -qF -- "$(jq -r .admin.password <<<"$line")" "$T/data/dev.json"
same "dev.json is private" "$(stat -c %a "$T/data/dev.json")" 600
password=$(lg_ready .admin.password)
sign_in_admin
has "health" "$(curl -sS --cacert "$CA" "$HTTPS/healthz")" ok
has "readiness" "$(curl -sS --cacert "$CA" "$HTTPS/readyz")" ready
has "metrics" "$(curl -sS --cacert "$CA" "$HTTPS/metrics")" '# EOF'

# what the system shows of the processes
for pid in $LG_PID $(pgrep -P "$LG_PID"); do
	lacks "no secret in the command line of $pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "$password"
	lacks "no secret in the environment of $pid" "$(tr '\0' '\n' <"/proc/$pid/environ")" "$password"
	same "no core dumps of $pid" "$(awk '/Max core file size/ { print $5 }' "/proc/$pid/limits")" 0
done
lacks "no secret in the log" "$(cat "$T/data.log")" "$password|$ADMIN"
same "three processes" "$(pgrep -P "$LG_PID" | wc -l)" 2

# the same again
lg_stop
same "a clean end" "$(grep -c '"level":"error"' "$T/data.log")" 0
lg_start "$T/data" --load conf/demo.yaml || bad "second start"
same "the second start prints the same line" "$LG_READY" "$line"
has "nothing is made twice" "$(api GET /v1/policies)" '"version":2.*'
lacks "the same state is no new version" "$(api GET /v1/policies)" '"version":3'

# reload and drain
kill -HUP "$LG_PID"
claim "it reloads" within grep -q 'reload: done' "$T/data.log"
has "it serves after a reload" "$(curl -sS --cacert "$CA" "$HTTPS/healthz")" ok
begin=$(date +%s%N); lg_stop
prompt "it ends in under 5 s" $((($(date +%s%N) - begin) / 1000000)) 5000

# settings
printf 'listen:\n  https: "127.0.0.1:0"\nnonsense: 1\n' >"$T/bad.conf"
out=$(lightgated --config "$T/bad.conf" --check 2>&1); same "an unknown key is an error" "$?" 2
has "... with its line" "$out" '3.*nonsense|nonsense.*3'
out=$(lightgated --dev --data "$T/$(printf 'x%.0s' $(seq 120))" 2>&1); claim "a socket path that is too long" test "$?" != 0
has "... is said" "$out" '107'
has "--help" "$(lightgated --help)" '--data'
has "--version" "$(lightgated --version)" '[0-9]'
done_testing
