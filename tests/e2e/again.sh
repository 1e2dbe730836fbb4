# The same question about a token, asked again: it is answered by what is true now, whatever has changed since the last time.
. "$(dirname "$0")/lib.sh"
lg_start "$T/data" --load conf/demo.yaml || bad "start"
sign_in_admin
claim "login" lightgate login
password=$(jq -r '.credentials[] | select(.name == "alice") | .secret' <<<"$LG_READY")
cat >"$T/state.yaml" <<'YAML'
clients:
  - {name: gateway, type: service, introspect: true}
  - {name: bystander, type: service}
YAML
claim "who asks" lightgate apply -f "$T/state.yaml" --credentials "$T/credentials"
GATEWAY=$(lg_secret "$T/credentials" Client gateway) BYSTANDER=$(lg_secret "$T/credentials" Client bystander)
sign_in() { lg_sign_in alice "$password" portal http://127.0.0.1:9000/callback "openid profile email groups" controller | jq -r .access_token; }
introspect() { curl -sS --cacert "$CA" -u "${1:-gateway:$GATEWAY}" --data-urlencode "token=$TOKEN" "$HTTPS/oauth2/introspect"; }
active() { introspect "$@" | jq -r .active; }
userinfo() { curl -sS --cacert "$CA" -H "Authorization: Bearer $TOKEN" "$HTTPS/oauth2/userinfo"; }
twice() { same "$1" "$(active)" "$2"; same "$1, again" "$(active)" "$2"; }

TOKEN=$(sign_in)
twice "a token of alice" true
same "userinfo says the same twice" "$(userinfo)" "$(userinfo)"
same "who may not see it learns nothing of what others were told" "$(active "bystander:$BYSTANDER")" false
same "a wrong secret beside the right token" "$(introspect gateway:wrong | jq -r .error)" invalid_client

# entries and groups
claim "another address" lightgate user change alice --mail alice@other.example
same "userinfo says the new one" "$(userinfo | jq -r .email)" alice@other.example
before=$(userinfo | jq -c .groups)
claim "a group" lightgate group create latecomers
claim "with alice in it" lightgate group add-member latecomers User/alice
same "userinfo says it" "$(userinfo | jq -c '.groups | index("latecomers") != null')" true
claim "and out again" lightgate group remove-member latecomers User/alice
same "and does no longer" "$(userinfo | jq -c .groups)" "$before"
claim "another name" lightgate user rename alice alicia
same "introspection says it" "$(introspect | jq -r .username)" alicia
claim "the old one again" lightgate user rename alicia alice

# revocations, and what ends with a session or an account
curl -sS --cacert "$CA" -u "gateway:$GATEWAY" --data-urlencode "token=$TOKEN" "$HTTPS/oauth2/revoke" >/dev/null
same "who did not get it cannot revoke it" "$(active)" true
TOKEN=$(sign_in)
twice "another token" true
claim "alice is disabled" lightgate user disable alice
twice "her token ends" false
same "at userinfo too" "$(userinfo | jq -r .error)" invalid_token
claim "alice is enabled" lightgate user enable alice
same "what ended stays so" "$(active)" false
TOKEN=$(sign_in)
twice "a new one is good" true
claim "alice is gone" lightgate user delete alice
twice "and so is her token" false

# clients
TOKEN=$(curl -sS --cacert "$CA" -u "bystander:$BYSTANDER" -d grant_type=client_credentials "$HTTPS/oauth2/token" | jq -r .access_token)
twice "a service's token" true
sed -i 's/gateway, type: service, introspect: true/gateway, type: service, introspect: false/' "$T/state.yaml"
claim "the gateway may no longer ask" lightgate apply -f "$T/state.yaml"
same "and learns nothing" "$(active)" false
same "the service itself does" "$(active "bystander:$BYSTANDER")" true
claim "until it is disabled" lightgate client change bystander --enabled no
same "then it may not even ask" "$(introspect "bystander:$BYSTANDER" | jq -r .error)" invalid_client
done_testing
