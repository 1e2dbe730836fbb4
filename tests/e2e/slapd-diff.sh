# The directory beside slapd: one seeded stream of operations to both (LG_OPERATIONS of them), and every answer compared.
# LG_SEED, LG_SEEDS: the first seed, and how many.
. "$(dirname "$0")/lib.sh"
. scripts/slapd.sh
SUITE=${LG_SUITE_NAME:-slapd-diff}
trap 'slapd_stop; lg_stop' EXIT

if ! slapd_there || ! /usr/bin/python3 -c 'import ldap' 2>/dev/null; then
	skip "slapd or python3-ldap is not installed"
	done_testing
fi
mkdir "$T/slapd"
slapd_prepare "$T/slapd" dbnosync
slapd_start "$T/slapd" "$(free_port)" || bad "slapd does not start"
printf 'dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n' | ldapadd -x -H "$SLAPD" -D cn=admin,dc=example,dc=org -w secret >/dev/null ||
	bad "slapd takes no suffix"
lg_start "$T/data" || bad "start"
lg_ready .admin.password >"$T/password"
for seed in $(seq "${LG_SEED:-1}" $((${LG_SEED:-1} + ${LG_SEEDS:-1} - 1))); do
	/usr/bin/python3 tests/slapd-diff/run.py "$SLAPD" "$LDAP" uid=admin,ou=people,dc=example,dc=org "$T/password" "$seed" "${LG_OPERATIONS:-2500}" >"$T/out" 2>&1
	rc=$?
	grep -v '^allowed\|^answers' "$T/out" | cut -c1-1000 | tail -40
	if [ $rc = 0 ]; then ok; else bad "seed $seed: the answers differ"; fi
done
slapd_stop
done_testing
