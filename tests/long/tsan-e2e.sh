# End-to-end scripts against the programs under ThreadSanitizer: those that change much while much is asked.
cd "$(dirname "$0")/../.."
make --no-print-directory -s -j2 V=tsan LD_FAST= all >build/tsan.log 2>&1 || { tail -30 build/tsan.log; echo "tsan-e2e: 0 passed, 1 failed, 0 skipped"; exit 1; }
export LG_BIN=$PWD/build/tsan/bin
failed=0
for script in directory again callers policies backup webhooks tenants; do
	bash "tests/e2e/$script.sh" || failed=1
done
exit $failed
