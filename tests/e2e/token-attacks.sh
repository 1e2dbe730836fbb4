# What is tried with tokens, and with the flows that lead to them: one table (token-attacks.mjs), played against the service.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/rp.bash"
lg_start "$T/data" || bad "start"
rp_apply <<-'YAML'
  - {name: shop, type: public, redirect_uris: ["https://shop.example/cb"]}
YAML
play token-attacks
played token-attacks
same "the service is well" "$(curl -sS --cacert "$CA" -o /dev/null -w '%{http_code}' "$HTTPS/readyz")" 200
done_testing
