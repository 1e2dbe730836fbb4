# One more member of a group of a million, beside one of a group of two: what is written (test_members.c has 100,000 in `make check`).
cd "$(dirname "$0")/../.." || exit 1
make -s V=asan build/asan/tests/directory >/dev/null || exit 1
LG_MEMBERS=1000000 LG_TEST_TIMEOUT=900 exec tests/run-criterion build/asan/tests/directory --filter 'members/*'
