/* test_map.c: SipHash vectors and the table. */
#include "tests/base/base_test.h"

#include "base/map.h"

/* The same function keys Python 3.11's hash(bytes); these are its values for 0, 1, 2, ... under the zero key. */
Test(map, siphash_1_3_agrees_with_another_implementation)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} rows[] = {
		{ 1, UINT64_C(0x68a914128e01e473) }, { 7, UINT64_C(0x2f098ab0c751325a) },
		{ 8, UINT64_C(0xead411e67ebe2eea) }, { 9, UINT64_C(0x75927f9d95124362) },
		{ 15, UINT64_C(0xf30eb725bb91c9ea) }, { 16, UINT64_C(0x8972188433a5c5b7) },
		{ 31, UINT64_C(0x169739443111d49b) }, { 64, UINT64_C(0x75e05fd5bbc870c6) },
	};
	char bytes[64];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (size_t i = 0; i < LG_COUNT(rows); i++)
		cr_assert_eq(lg_hash_keyed((uint64_t[]){ 0, 0 }, (lg_str){ bytes, rows[i].n }), rows[i].hash);
	/* key 00..0f, nothing hashed: the first of the published vectors */
	cr_assert_eq(lg_hash_keyed((uint64_t[]){ UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) },
	    LG_NONE), UINT64_C(0xabac0158050fc4dc));
}

Test(map, holds_what_was_put_and_nothing_else)
{
	TEST_CTX(cx);
	struct lg_map m;
	enum { N = 5000 };
	static int values[N];

	lg_map_init(&m, cx->arena);
	cr_assert_null(lg_map_get(&m, LG_STR("k0")));
	for (int i = 0; i < N; i++) {
		void **at = lg_map_at(&m, lg_print(cx->arena, "k%d", i));
		cr_assert_null(*at);
		*at = &values[i];
	}
	cr_assert_eq(m.n, N);
	for (int i = 0; i < N; i++) {
		cr_assert_eq(lg_map_get(&m, lg_print(cx->arena, "k%d", i)), &values[i]);
		cr_assert_null(lg_map_get(&m, lg_print(cx->arena, "K%d", i)));
	}
	*lg_map_at(&m, LG_STR("k7")) = &values[0];
	cr_assert_eq(lg_map_get(&m, LG_STR("k7")), &values[0]);
	cr_assert_eq(m.n, N);
}

Test(map, the_empty_key_is_a_key)
{
	TEST_CTX(cx);
	struct lg_map m;
	int x;

	lg_map_init(&m, cx->arena);
	cr_assert_null(lg_map_get(&m, LG_NONE));
	*lg_map_at(&m, LG_NONE) = &x;
	cr_assert_eq(lg_map_get(&m, LG_STR("")), &x);
}

Test(map, next_visits_each_once)
{
	TEST_CTX(cx);
	struct lg_map m;
	static int seen[100];
	size_t it = 0, visits = 0;
	lg_str key;
	void *value;

	lg_map_init(&m, cx->arena);
	cr_assert_not(lg_map_next(&m, &it, &key, &value));
	for (int i = 0; i < 100; i++)
		*lg_map_at(&m, lg_print(cx->arena, "%d", i)) = &seen[i];
	for (it = 0; lg_map_next(&m, &it, &key, &value); visits++)
		++*(int *)value;
	cr_assert_eq(visits, 100);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(seen[i], 1);
}
