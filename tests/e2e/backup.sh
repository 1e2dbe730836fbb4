# A backup is taken from the running service, the store is wrecked, the backup takes its place.  An older backup needs
# --accept-loss and then nothing that was issued before is believed any more.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=detect_leaks=1:log_path=$T/san/report

key() { openssl rand 32 | base64 -w0 | tr '+/' '-_' | tr -d '='; }
tool() { lightgated --dev --data "$T/data" tool "$@" 2>&1; }
backup() { curl -sS --cacert "$CA" -H "Authorization: Bearer $ADMIN" -H "Lightgate-Recovery-Key: $KEY" -o "$1" -w '%{http_code}' "$HTTPS/v1/backup"; }
add_project() { api POST /v1/apply -d "{\"projects\":[{\"name\":\"$1\"}]}" | tail -1; }
seq_of() { api GET /v1/audit/verify | head -1 | jq .changes.seq; }

KEY=$(key)
printf '%s\n' "$KEY" >"$T/key"; key >"$T/other-key"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
password=$(lg_ready .admin.password)
LG_READY_FIRST=$LG_READY
same "a change" "$(add_project before)" 200

# who may, and how
same "nobody unknown takes a backup" "$(curl -sS --cacert "$CA" -H "Lightgate-Recovery-Key: $KEY" -o /dev/null -w '%{http_code}' "$HTTPS/v1/backup")" 401
same "a key is needed" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $ADMIN" -o /dev/null -w '%{http_code}' "$HTTPS/v1/backup")" 400
same "a short key is none" "$(curl -sS --cacert "$CA" -H "Authorization: Bearer $ADMIN" -H 'Lightgate-Recovery-Key: c2hvcnQ' -o /dev/null -w '%{http_code}' "$HTTPS/v1/backup")" 400
same "the first backup" "$(backup "$T/first")" 200
same "the copy has no name in the archive" "$(find "$T/data/archive" -name 'backup-*' | wc -l)" 0
lacks "nothing in it is readable" "$(strings -n 6 "$T/first" | head -2000)" 'alice|administrators|lightgate'
has "it is on record" "$(api GET '/v1/audit?operation=backup')" '"operation":"backup.create"'
out=$(tool restore --from "$T/first" --key-file "$T/key"); same "a running service is left alone" "$?" 1
has "... and said to run" "$out" 'running'

out=$(tool doctor); same "doctor looks at a running service" "$?" 0 || echo "$out"
has "... but not into its store" "$out" 'not looked at'

# it is worth something: the store is lost, everything comes back
same "a change after the first backup" "$(add_project after-first)" 200
same "the second backup" "$(backup "$T/second")" 200
lg_stop
lacks "the key is in no log" "$(cat "$T/data.log")" "$KEY"
dd if=/dev/urandom of="$T/data/store/data.mdb" bs=4096 count=64 2>/dev/null
out=$(tool doctor); same "doctor finds it" "$?" 1
has "... and says what" "$out" 'BAD.*store'
out=$(tool restore --from "$T/second" --key-file "$T/other-key"); same "another key" "$?" 1
has "... does not open it" "$out" 'does not open with this key'
head -c -100 "$T/second" >"$T/cut"
out=$(tool restore --from "$T/cut" --key-file "$T/key"); same "a backup that was cut" "$?" 1
has "... is not whole" "$out" 'not whole'
{ head -c 100000 "$T/second"; tail -c +100001 "$T/second" | head -c 1 | tr '\000-\377' '\001-\377\000'; tail -c +100002 "$T/second"; } >"$T/bent"
out=$(tool restore --from "$T/bent" --key-file "$T/key"); same "a backup that was changed" "$?" 1
has "... is damaged" "$out" 'damaged'
same "failed tries leave nothing" "$(ls "$T/data/store" | tr '\n' ' ')" "data.mdb lock.mdb "
out=$(tool restore --from "$T/second" --key-file "$T/key"); same "the right one" "$?" 0 || echo "$out"
has "... says where it stands" "$out" 'restored: epoch [0-9]+, record [0-9]+$'
out=$(tool doctor); same "doctor is content" "$?" 0 || echo "$out"
lg_start "$T/data" || bad "start after the restore"
same "the session goes on" "$(api GET /v1/whoami | tail -1)" 200
same "all is there" "$(api GET /v1/projects/after-first | tail -1)" 200
same "the chains hold" "$(api GET /v1/audit/verify | head -1 | jq -c '[.ok,.changes.ok,.decisions.ok]')" '[true,true,true]'

# an older one: what was acknowledged since is lost
old=$ADMIN; sign_in_admin
add_project later >/dev/null
# certificates that the backup does not know, X.509 and SSH, revoked and not
lg_secret <(jq .credentials <<<"$LG_READY_FIRST") Service controller >"$T/secret"
for c in stolen unsuspected; do
	claim "a certificate after the backup" lightgate certificate issue --profile service --client-id controller --client-secret-file "$T/secret" \
		--key-out "$T/$c.key" --cert-out "$T/$c.pem"
done
serial() { openssl x509 -in "$T/$1.pem" -noout -serial | cut -d= -f2; }
same "the stolen one is revoked" "$(api POST "/v1/certificates/$(serial stolen | tr A-F a-f)/revoke" -d '{"reason":"keyCompromise"}' | tail -1)" 204
lightgate login --url "$HTTPS" --ca "$CA" --user admin --password-file <(printf %s "$password") >/dev/null 2>&1 || bad "sign in"
claim "and one of SSH" lightgate ssh login --out "$T/ssh"
crl() { curl -sS "$HTTP$(openssl x509 -in "$T/$1.pem" -noout -text | sed -nE 's,.*URI:http://[^/]*(/crl/.*),\1,p')" | openssl crl -inform DER -noout -text; }
has "which its part of the CRL says" "$(crl stolen)" "$(serial stolen)"
heads() { local i all=; for i in $(seq "$1"); do all+=,1.1.1.$(printf %064d "$i"); done; api GET "/v1/audit/verify?heads=${all#,}"; }
same "sixteen heads may be held against it" "$(heads 16 | head -1 | jq '.heads | length')" 16
has "... seventeen may not" "$(heads 17)" 'at most 16 heads at once'
same "the keeper knows of it" "$(api GET /v1/audit/verify | head -1 | jq '.changes.signed.seq == .changes.seq')" true
lg_stop
out=$(tool restore --from "$T/second" --key-file "$T/key"); same "an older backup is refused" "$?" 1
has "... because the keeper knows more" "$out" 'the keeper has signed up to [0-9]+.*--accept-loss'
lg_start "$T/data" || bad "start after the refusal"
same "nothing was changed by it" "$(api GET /v1/projects/later | tail -1)" 200
before=$(api GET /v1/audit/verify | head -1 | jq .changes.epoch)
lg_stop
out=$(tool restore --from "$T/second" --key-file "$T/key" --accept-loss); same "with --accept-loss it is taken" "$?" 0 || echo "$out"
has "... and says what that means" "$out" 'given up'
has "... and what the backup does not know" "$out" '^[0-9]+ certificate\(s\) that the backup does not know are revoked too'
lg_start "$T/data" || bad "start after the loss"
for c in stolen unsuspected; do
	has "no list forgets: $c" "$(crl $c)" "$(serial $c)"
	has "nor does OCSP: $c" "$(awk -v n=2 '/BEGIN/ { i++ } i == n' "$T/$c.pem" >"$T/issuer.pem"; openssl ocsp -issuer "$T/issuer.pem" -cert "$T/$c.pem" -url "$HTTP/ocsp" \
		-CAfile "$CA" -verify_other "$T/issuer.pem" 2>&1)" ': revoked'
done
curl -sS --cacert "$CA" -o "$T/krl" "$HTTPS/ssh/krl"
if command -v ssh-keygen >/dev/null; then claim "nor does the list of SSH" bash -c "! ssh-keygen -Q -f '$T/krl' '$T/ssh-cert.pub'"; else skip "backup: ssh-keygen is not installed"; fi
same "the new token is refused" "$(api GET /v1/whoami | tail -1)" 401
ADMIN=$old; same "the old token is refused" "$(api GET /v1/whoami | tail -1)" 401
ADMIN=$(token admin "$password"); same "signing in works" "$(api GET /v1/whoami | tail -1)" 200
same "what was lost is lost" "$(api GET /v1/projects/later | tail -1)" 404
same "the rest is there" "$(api GET /v1/projects/after-first | tail -1)" 200
verdict=$(api GET /v1/audit/verify | head -1)
same "the chains hold in the new epoch" "$(jq -c '[.ok,.changes.ok,.decisions.ok]' <<<"$verdict")" '[true,true,true]'
claim "the epoch rose" test "$(jq .changes.epoch <<<"$verdict")" -gt "$before"
audit=$(api GET '/v1/audit?limit=1000' | head -1)
same "giving up is on record as the act of recovery" "$(jq -r '[.items[] | select(.operation == "restore.accept-loss") | .actor] | unique | .[]' <<<"$audit")" recover
states=$(api GET /v1/certificates | head -1 | jq -r '[.items[].state] | group_by(.) | map("\(.[0])") | join(" ")' 2>/dev/null)
has "certificates from before are revoked" "$states" 'revoked'
lg_stop
lg_start "$T/data" || bad "start in the new epoch"
same "and again" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" 200

# the clock
lg_stop
out=$(tool clock accept); same "the clock can be accepted" "$?" 0
out=$(tool clock); same "clock wants a word" "$?" 2
done_testing
