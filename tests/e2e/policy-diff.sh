# The engine beside cedar-wasm on generated programs: LG_PROGRAMS of them (1,000), from LG_SEED (1) on.
# `node tests/policy-diff/run.mjs DRIVER show SEED` tells one of them.
cd "$(dirname "$0")/../.."
programs=${LG_PROGRAMS:-1000} suite=${LG_SUITE_NAME:-policy-diff}
if ! node=$(scripts/oracles 2>&1); then
	echo "SKIP cedar-wasm cannot be installed: $node"
	echo "$suite: 0 passed, 0 failed, 1 skipped"
	exit 0
fi
make -s --no-print-directory V=release policy-diff >&2 || { echo "$suite: 0 passed, 1 failed, 0 skipped"; exit 1; }
out=$("$node" tests/policy-diff/run.mjs build/release/tests-policy-diff "$programs" "${LG_SEED:-1}" 2>&1)
rc=$?
echo "$out"
ran=$(sed -nE 's/^programs ([0-9]+), .*/\1/p' <<<"$out") different=$(sed -nE 's/.* different ([0-9]+)$/\1/p' <<<"$out")
[ $rc = 0 ] || [ "${different:-0}" != 0 ] || different=1
echo "$suite: $((${ran:-0} - ${different:-0})) passed, ${different:-1} failed, 0 skipped"
exit $rc
