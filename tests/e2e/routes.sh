# Every route that tests/server/routes.txt has a probe for asks policy for the action named there, and refuses who may not.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
alice=$(token alice "$(jq -r '.credentials[] | select(.name == "alice") | .secret' <<<"$LG_READY")")
code() { curl -sS --cacert "$CA" -o "$T/body" -w '%{http_code}' -H 'Content-Type: application/json' "$@"; }
probes=0
while read -r method route actions path body; do
	case $method in ''|'#'*) continue ;; esac
	[ "$actions" != - ] && [ -n "$path" ] || continue
	probes=$((probes + 1))
	same "$method $route without credentials" "$(code -X "$method" "$HTTPS$path" ${body:+-d "$body"})" 401
	same "$method $route without the right" "$(code -X "$method" -H "Authorization: Bearer $alice" "$HTTPS$path" ${body:+-d "$body"})" 403
	has "$method $route says what was asked" "$(jq -r .detail "$T/body")" "^(${actions//,/|}): "
done <tests/server/routes.txt
claim "there are many" test "$probes" -ge 40
echo "routes: $probes of $(grep -cE '^[A-Z]' tests/server/routes.txt) routes asked"
# The rest of those that ask for something take more than a token: tests/e2e/askers.sh, agent.sh, acme.sh and est.sh go through them.
done_testing
