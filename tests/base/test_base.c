/* test_base.c: slices, contexts, arenas, buffers, cursors, uuids. */
#include "tests/base/base_test.h"

#include <signal.h>
#include <stdlib.h>

Test(str, comparing_is_by_bytes_then_by_length)
{
	cr_assert_lt(lg_str_cmp(LG_STR("a"), LG_STR("b")), 0);
	cr_assert_lt(lg_str_cmp(LG_STR("a"), LG_STR("ab")), 0);
	cr_assert_gt(lg_str_cmp(LG_STR("\xff"), LG_STR("a")), 0);
	cr_assert_eq(lg_str_cmp(LG_NONE, LG_STR("")), 0);
	cr_assert(lg_str_eq(LG_NONE, LG_STR("")));
	cr_assert(lg_str_eq_fold(LG_STR("AbZ["), LG_STR("aBz[")));
	cr_assert_not(lg_str_eq_fold(LG_STR("@"), LG_STR("`")));
	cr_assert_not(lg_str_eq_fold(LG_STR("\xc3\xa9"), LG_STR("\xc3\x89")));
}

Test(str, cutting_and_clamping)
{
	lg_str head, tail;

	cr_assert(lg_str_cut(LG_STR("a=b=c"), '=', &head, &tail));
	assert_str(head, "a");
	assert_str(tail, "b=c");
	cr_assert_not(lg_str_cut(tail, ';', &head, &tail));
	assert_str(head, "b=c");
	cr_assert_eq(tail.n, 0);
	assert_str(lg_str_sub(LG_STR("abc"), 1, 100), "bc");
	assert_str(lg_str_sub(LG_STR("abc"), 9, 1), "");
	assert_str(lg_str_sub(LG_NONE, 0, 1), "");
	assert_str(lg_str_trim(LG_STR(" \t a b \r\n")), "a b");
	assert_str(lg_str_trim(LG_STR("  ")), "");
	cr_assert(lg_str_starts(LG_STR("abc"), LG_STR("ab")) && !lg_str_starts(LG_STR("a"), LG_STR("ab")));
	cr_assert(lg_str_ends(LG_STR("abc"), LG_STR("bc")) && !lg_str_ends(LG_STR("c"), LG_STR("bc")));
}

Test(ctx, failures_carry_code_and_sentence)
{
	TEST_CTX(cx);
	const char *s;

	cr_assert_eq(lg_fail(cx, LG_E_DENIED, "no %d", 7), LG_E_DENIED);
	cr_assert_eq(lg_fail_in(cx, LG_E_DENIED, "door"), LG_E_DENIED);
	cr_assert_str_eq(cx->error, "door: no 7");
	cr_assert_eq(lg_cstr(cx, LG_STR("a\0b"), &s), LG_E_INVALID);
	cr_assert_eq(lg_cstr(cx, LG_STR("ab"), &s), LG_OK);
	cr_assert_str_eq(s, "ab");
	cr_assert_eq(cx->actor->kind, LG_ACTOR_ANONYMOUS);
	for (int e = LG_OK; e <= LG_E_INTERNAL; e++)
		cr_assert_str_not_empty(lg_err_name((lg_err)e));
	cr_assert_str_eq(lg_err_name((lg_err)99), "unknown");
}

Test(ctx, a_long_sentence_is_cut)
{
	TEST_CTX(cx);
	lg_str s = { lg_alloc(cx->arena, 2000), 2000 };

	memset((char *)s.p, 'x', s.n);
	lg_fail(cx, LG_E_INVALID, "%.*s", LG_FMT(s));
	lg_fail_in(cx, LG_E_INVALID, s.p);
	cr_assert_lt(strlen(cx->error), LG_ERROR_TEXT);
}

Test(arena, memory_is_zeroed_aligned_and_separate)
{
	struct lg_arena *a = lg_arena_new();
	unsigned char *kept[300];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < LG_COUNT(kept); i++) {
			size_t n = i * 37 % 5000;
			kept[i] = lg_alloc(a, n);
			cr_assert_eq((uintptr_t)kept[i] % 16, 0);
			for (size_t k = 0; k < n; k++)
				cr_assert_eq(kept[i][k], 0);
			memset(kept[i], (int)i, n);
		}
		for (size_t i = 0; i < LG_COUNT(kept); i++)
			for (size_t k = 0; k < i * 37 % 5000; k++)
				cr_assert_eq(kept[i][k], (unsigned char)i);
		cr_assert_gt(lg_arena_used(a), 0);
		lg_arena_reset(a);
		cr_assert_eq(lg_arena_used(a), 0);
	}
	lg_arena_free(&a);
	lg_arena_free(&a);
}

/* Twenty-five kilobytes, as a decision on a create takes: from the third on they lie in one chunk, which is used again. */
Test(arena, what_one_request_needed_the_next_finds)
{
	struct lg_arena *a = lg_arena_new();
	char *first[5], *last[5];

	for (int round = 0; round < 5; round++) {
		first[round] = lg_alloc(a, 1008);
		for (int i = 0; i < 24; i++)
			last[round] = lg_alloc(a, 1008);
		lg_arena_reset(a);
	}
	for (int round = 2; round < 5; round++) {
		cr_assert_eq(last[round] - first[round], 24 * 1008);
		cr_assert_eq(first[round], first[2]);
	}
	lg_arena_free(&a);
}

Test(arena, an_impossible_array_aborts, .signal = SIGABRT)
{
	struct lg_arena *a = lg_arena_new();

	lg_alloc_array(a, SIZE_MAX / 2, 3);
}

Test(arena, text_is_followed_by_a_nul)
{
	TEST_CTX(cx);

	cr_assert_str_eq(lg_dup(cx->arena, LG_STR("abc")).p, "abc");
	cr_assert_str_eq(lg_cat(cx->arena, LG_STR("abc"), LG_STR("def")).p, "abcdef");
	cr_assert_str_eq(lg_print(cx->arena, "%d-%s", 7, "x").p, "7-x");
	for (int n = 250; n < 260; n++) {	/* around the longest that is formatted once */
		lg_str s = lg_print(cx->arena, "%*d", n, 7);

		cr_assert_eq(s.n, (size_t)n);
		cr_assert(s.p[n - 1] == '7' && s.p[n] == '\0' && s.p[0] == ' ');
	}
	cr_assert_eq(lg_cat(cx->arena, LG_NONE, LG_NONE).n, 0);
}

Test(buf, a_full_buffer_stays_as_it_was_and_remembers)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(10);

	lg_buf_str(&b, LG_STR("12345678"));
	cr_assert_eq(lg_buf_status(cx, &b), LG_OK);
	lg_buf_str(&b, LG_STR("abc"));
	lg_buf_byte(&b, 'x');
	assert_str(lg_buf_view(&b), "12345678");
	cr_assert_eq(lg_buf_status(cx, &b), LG_E_LIMIT);
	lg_buf_clear(&b);
	lg_buf_str(&b, LG_STR("1234567890"));
	cr_assert_eq(lg_buf_status(cx, &b), LG_OK);
	lg_buf_drop(&b, 4);
	assert_str(lg_buf_view(&b), "567890");
	lg_buf_drop(&b, 40);
	cr_assert_eq(b.n, 0);
	lg_buf_wipe(&b);
	lg_buf_free(&b);
}

Test(buf, integers_go_both_ways_and_a_short_cursor_remembers)
{
	struct lg_buf b = LG_BUF(100);

	lg_buf_u16(&b, 0x0102);
	lg_buf_u32(&b, 0x03040506);
	lg_buf_u64(&b, UINT64_C(0x0708090a0b0c0d0e));
	lg_buf_byte(&b, '\x0f');
	assert_str(lg_buf_view(&b), "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
	lg_buf_str32(&b, LG_STR("text"));
	lg_buf_printf(&b, "%03d", 7);
	struct lg_rd r = lg_rd_of(lg_buf_view(&b));
	cr_assert_eq(lg_rd_u16(&r), 0x0102);
	cr_assert_eq(lg_rd_u32(&r), 0x03040506);
	cr_assert_eq(lg_rd_u64(&r), UINT64_C(0x0708090a0b0c0d0e));
	cr_assert_eq(lg_rd_u8(&r), 0x0f);
	assert_str(lg_rd_str32(&r), "text");
	assert_str(lg_rd_bytes(&r, 3), "007");
	cr_assert(lg_rd_done(&r));
	cr_assert_eq(lg_rd_u8(&r), 0);
	cr_assert(r.bad && !lg_rd_done(&r));
	r = lg_rd_of(LG_STR("\xff\xff\xff\xff" "abc"));
	cr_assert_eq(lg_rd_str32(&r).n, 0);
	cr_assert(r.bad);
	lg_buf_free(&b);
}

Test(buf, varints_are_as_long_as_they_must_be_and_go_both_ways)
{
	static const uint64_t v[] = { 0, 0x7f, 0x80, 0x3fff, 0x4000, UINT32_MAX, UINT64_MAX >> 1, UINT64_MAX };
	static const size_t size[] = { 1, 1, 2, 2, 3, 5, 9, 10 };

	for (size_t i = 0; i < LG_COUNT(v); i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(100);
		lg_buf_varint(&b, v[i]);
		cr_assert_eq(b.n, size[i]);
		cr_assert_eq(lg_varint_size(v[i]), size[i]);
		struct lg_rd r = lg_rd_of(lg_buf_view(&b)), cut = lg_rd_of((lg_str){ b.p, b.n - 1 });
		cr_assert_eq(lg_rd_varint(&r), v[i]);
		cr_assert(lg_rd_done(&r));
		cr_assert_eq(lg_rd_varint(&cut), 0);
		cr_assert(cut.bad);
	}
}

Test(rd, a_varint_of_more_than_64_bits_is_bad)
{
	struct lg_rd wide = lg_rd_of(LG_STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
	struct lg_rd long_one = lg_rd_of(LG_STR("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"));
	struct lg_rd claims = lg_rd_of(LG_STR("\xff\x7f" "abc"));

	cr_assert(lg_rd_varint(&wide) == 0 && wide.bad);
	cr_assert(lg_rd_varint(&long_one) == 0 && long_one.bad);
	cr_assert(lg_rd_varstr(&claims).n == 0 && claims.bad);
}

Test(rd, an_id_cut_short_is_nil_and_remembered)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64);
	lg_uuid id = lg_uuid_new();
	char kept[] = "xyz";

	lg_buf_uuid(&b, id);
	struct lg_rd r = lg_rd_of(lg_buf_view(&b)), cut = lg_rd_of((lg_str){ b.p, b.n - 1 });
	cr_assert(lg_uuid_eq(lg_rd_uuid(&r), id) && lg_rd_done(&r));
	cr_assert(lg_uuid_is_nil(lg_rd_uuid(&cut)) && cut.bad);
	cut = lg_rd_of(LG_STR("ab"));
	lg_rd_fixed(&cut, kept, 3);
	cr_expect(cut.bad && memcmp(kept, "xyz", 3) == 0, "what is missing overwrites nothing");
}

Test(uuid, ordered_ids_sort_by_their_time_and_differ_within_it)
{
	const int64_t now = INT64_C(1790000000123456);
	lg_uuid a = lg_uuid_ordered(now), b = lg_uuid_ordered(now), later = lg_uuid_ordered(now + 1000);
	static const uint8_t ms[] = { 0x01, 0xa0, 0xc4, 0x50, 0x6c, 0x7b };	/* 1790000000123 */

	cr_assert_eq(memcmp(a.b, ms, sizeof ms), 0);
	cr_assert_not(lg_uuid_eq(a, b));
	cr_assert(memcmp(a.b, later.b, sizeof a.b) < 0 && memcmp(b.b, later.b, sizeof b.b) < 0);
	cr_assert_eq(a.b[6] >> 4, 7);
	cr_assert_eq(a.b[8] >> 6, 2);
}

Test(uuid, text_goes_both_ways)
{
	char text[LG_UUID_TEXT + 1];
	lg_uuid u = lg_uuid_new(), back;

	cr_assert_eq(u.b[6] >> 4, 4);
	cr_assert_eq(u.b[8] >> 6, 2);
	lg_uuid_text(u, text);
	cr_assert(lg_uuid_parse(lg_str_of(text), &back) && lg_uuid_eq(u, back));
	cr_assert(lg_uuid_parse(LG_STR("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), &u));
	lg_uuid_text(u, text);
	cr_assert_str_eq(text, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
	cr_assert_not(lg_uuid_is_nil(u));
	cr_assert(lg_uuid_parse(LG_STR("00000000-0000-0000-0000-000000000000"), &u) && lg_uuid_is_nil(u));
	static const char *const bad[] = {
		"", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bf60",
		"f81d4fae07dec-11d0-a765-00a0c91e6bf6", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
		"f81d4fae7-dec-11d0-a765-00a0c91e6bf6", "{81d4fae-7dec-11d0-a765-00a0c91e6bf}",
	};
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_uuid_parse(lg_str_of(bad[i]), &u), "%s", bad[i]);
}
