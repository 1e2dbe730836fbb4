# Keys grow old in seconds: successors are published, sign, and retire, and nobody notices.
. "$(dirname "$0")/lib.sh"

lg_start "$T/data" --rotation.token_key=8s --rotation.ticket_key=8s --rotation.issuing_ca=8s --rotation.publish=3s || bad "start"
jwks() { curl -sS --cacert "$CA" "$HTTPS/oauth2/jwks" | jq -r '.keys[].kid' | sort; }
kid_of() { jq -rR 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .kid' <<<"$1"; }
sign_in_admin
begin=$(date +%s)
first=$ADMIN unknown=0 unpublished=0 refused=0 turns=0 last=
known=$(jwks)
while [ $(($(date +%s) - begin)) -lt 25 ]; do
	sign_in_admin
	kid=$(kid_of "$ADMIN")
	# a verifier that fetched the keys up to a second ago knows the one that signs now
	grep -qxF "$kid" <<<"$known" || unpublished=$((unpublished + 1))
	[ "$kid" = "$last" ] || { last=$kid; turns=$((turns + 1)); }
	[ "$(api GET /v1/whoami | tail -1)" = 200 ] || refused=$((refused + 1))
	known=$(jwks)
	grep -qxF "$kid" <<<"$known" || unknown=$((unknown + 1))
	sleep 0.5
done
claim "keys were turned (saw $turns)" test $turns -ge 3
same "no token was signed by a key that was not published before" "$unpublished" 0
same "no key was dropped that had just signed" "$unknown" 0
same "no token was refused" "$refused" 0
ADMIN=$first
same "the first key's token is still good" "$(api GET /v1/whoami | tail -1)" 200
has "tickets' keys turned too" "$(lightgate keeper list)" '^default +ticket +retired'
has "and the issuing CA" "$(lightgate keeper list)" '^default +issuer +retired'
same "readiness" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" 200
has "turning is on record, as the service's own doing" "$(api GET '/v1/audit?operation=keeper.activate')" '"operation":"keeper.activate"'
lg_stop
same "no complaints" "$(grep -c '"level":"error"' "$T/data.log")" 0
lg_start "$T/data" || bad "start with settings for people"
same "the token counts after a restart" "$(api GET /v1/whoami | tail -1)" 200

# what cannot be meant
lightgated --listen.https=127.0.0.1:0 --rotation.publish=1m --check >"$T/claim.out" 2>&1; same "published shorter than verifiers keep keys" "$?" 2
lightgated --rotation.token_key=30m --check >"$T/claim.out" 2>&1; same "gone before it is published" "$?" 2
lightgated --rotation.issuing_ca=600d --check >"$T/claim.out" 2>&1; same "beyond two thirds of the CA's life" "$?" 2
done_testing
