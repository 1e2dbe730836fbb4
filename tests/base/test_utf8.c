/* test_utf8.c: RFC 3629. */
#include "tests/base/base_test.h"

#include "base/text.h"

static bool
is_scalar(uint32_t c)
{
	return c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
}

Test(utf8, every_scalar_value_survives)
{
	for (uint32_t c = 1; c < 0x110000; c++) {
		char u[4];
		uint32_t back = 0;
		size_t n = lg_utf8_encode(c, u);
		size_t used = lg_utf8_decode((lg_str){ u, n }, &back);
		if (is_scalar(c))
			cr_assert(used == n && back == c, "U+%04X", c);
		else
			cr_assert(used == 0, "U+%04X", c);
	}
}

/* Every pair and, behind long leaders, every tail: as many as RFC 3629 4 counts. */
Test(utf8, exactly_the_well_formed_sequences_of_three_bytes_are_valid)
{
	size_t valid = 0;

	for (int a = 0x80; a < 0x100; a++)
		for (int b = 0; b < 0x100; b++)
			for (int c = 0; c < 0x100; c++) {
				char s[3] = { (char)a, (char)b, (char)c };
				valid += lg_utf8_valid((lg_str){ s, 3 });
			}
	/* 2 bytes and one of ASCII; one 3-byte sequence */
	cr_assert_eq(valid, 1920u * 128 + (0x10000 - 0x800 - 0x800));
}

Test(utf8, faults_are_found_wherever_they_stand)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3\x28",
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		for (size_t before = 0; before < 20; before++) {
			lg_str s = lg_print(cx->arena, "%.*s%s", (int)before, "abcdefghijklmnopqrstuvwxyz", bad[i]);
			cr_assert_not(lg_utf8_valid(s));
			cr_assert_not(lg_utf8_valid(lg_cat(cx->arena, s, LG_STR("abcdefghijklmnop"))));
		}
	cr_assert(lg_utf8_valid(LG_NONE));
	cr_assert(lg_utf8_valid(LG_STR("plain text \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbf\xbf and more")));
}

Test(utf8, next_walks_to_the_end)
{
	lg_str s = LG_STR("a\xc3\xa9\xf0\x9f\x98\x80");

	cr_assert_eq(lg_utf8_next(&s), 'a');
	cr_assert_eq(lg_utf8_next(&s), 0xe9);
	cr_assert_eq(lg_utf8_next(&s), 0x1f600);
	cr_assert_eq(lg_utf8_next(&s), 0);
	cr_assert_eq(s.n, 0);
}
