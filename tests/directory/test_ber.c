/* test_ber.c: what is written is read again; what is malformed is refused and nothing is read past the end. */
#include <criterion/criterion.h>

#include "directory/ber.h"

Test(ber, numbers_come_back_in_their_shortest_form)
{
	static const struct { int64_t v; size_t n; } rows[] = {
		{ 0, 3 }, { 1, 3 }, { 127, 3 }, { 128, 4 }, { -1, 3 }, { -128, 3 }, { -129, 4 }, { 65535, 5 }, { INT32_MAX, 6 }, { INT64_MAX, 10 }, { INT64_MIN, 10 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64);
		struct lg_berw w = lg_berw_of(&b);
		lg_berw_int(&w, LG_BER_INTEGER, rows[i].v);
		cr_assert_eq(b.n, rows[i].n, "%lld: %zu octets", (long long)rows[i].v, b.n);
		struct lg_ber r = lg_ber_of(lg_buf_view(&b));
		cr_assert_eq(lg_ber_int(&r, LG_BER_INTEGER), rows[i].v);
		cr_assert_not(r.bad);
	}
}

Test(ber, lengths_of_every_size_are_put_in_afterwards)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 300000 };

	for (size_t i = 0; i < LG_COUNT(sizes); i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
		LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
		struct lg_berw w = lg_berw_of(&b);
		lg_str s = { lg_alloc(a, sizes[i] + 1), sizes[i] }, got;
		lg_berw_open(&w, LG_BER_SEQUENCE);
		lg_berw_open(&w, LG_BER_SET);
		lg_berw_str(&w, LG_BER_OCTETS, s);
		lg_berw_close(&w);
		lg_berw_bool(&w, LG_BER_BOOLEAN, true);
		lg_berw_close(&w);
		cr_assert_eq(lg_ber_frame(lg_buf_view(&b), 1 << 20), (int64_t)b.n);
		struct lg_ber r = lg_ber_of(lg_buf_view(&b)), seq = lg_ber_enter(&r, LG_BER_SEQUENCE), set = lg_ber_enter(&seq, LG_BER_SET);
		got = lg_ber_str(&set, LG_BER_OCTETS);
		cr_assert(lg_str_eq(got, s) && lg_ber_bool(&seq, LG_BER_BOOLEAN) && !seq.bad && !set.bad && !lg_ber_more(&seq));
	}
}

Test(ber, frames_are_judged_before_they_are_whole)
{
	static const struct { lg_str bytes; int64_t n; } rows[] = {
		{ LG_STR(""), 0 }, { LG_STR("\x30"), 0 }, { LG_STR("\x30\x03"), 5 }, { LG_STR("\x30\x81"), 0 }, { LG_STR("\x30\x81\x80"), 131 },
		{ LG_STR("\x30\x84\x00\x00\x00\x05"), 11 }, { LG_STR("\x30\x00"), -1 }, { LG_STR("\x30\x80"), -1 }, { LG_STR("\x30\x85"), -1 },
		{ LG_STR("\x30\x84\x7f\xff\xff\xff"), -1 }, { LG_STR("\x31\x03"), -1 }, { LG_STR("GET / HTTP/1.1"), -1 }, { LG_STR("\x30\x82\x10\x01"), -1 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		cr_assert_eq(lg_ber_frame(rows[i].bytes, 4096), rows[i].n, "%zu: %lld", i, (long long)lg_ber_frame(rows[i].bytes, 4096));
}

Test(ber, what_does_not_fit_is_a_fault_that_stays)
{
	static const lg_str bad[] = {
		LG_STR(""), LG_STR("\x04"), LG_STR("\x04\x02" "a"), LG_STR("\x04\x80"), LG_STR("\x04\x85\x00\x00\x00\x00\x00"), LG_STR("\x1f\x01\x01"),
		LG_STR("\x02\x01\x01"), LG_STR("\x04\x84\xff\xff\xff\xff"), LG_STR("\x04\x82\x01"),
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_ber r = lg_ber_of(bad[i]);
		cr_assert_eq(lg_ber_str(&r, LG_BER_OCTETS).n, 0);
		cr_assert(r.bad, "%zu", i);
		cr_assert_not(lg_ber_more(&r));
	}
	struct lg_ber empty = lg_ber_of(LG_STR("\x02\x00"));
	lg_ber_int(&empty, LG_BER_INTEGER);
	cr_assert(empty.bad);
	struct lg_ber large = lg_ber_of(LG_STR("\x02\x09\1\2\3\4\5\6\7\1\2"));
	lg_ber_int(&large, LG_BER_INTEGER);
	cr_assert(large.bad);
}
