/* test_percent.c: percent-encoding, HTML escapes, integers. */
#include "tests/base/base_test.h"

#include "base/text.h"

Test(percent, decoding_is_exact)
{
	TEST_CTX(cx);
	lg_str ret;

	cr_assert(lg_percent_parse(cx->arena, LG_STR("a%20b%c3%A9+c"), false, &ret));
	assert_str(ret, "a b\xc3\xa9+c");
	cr_assert(lg_percent_parse(cx->arena, LG_STR("a+b%2B"), true, &ret));
	assert_str(ret, "a b+");
	static const char *const bad[] = { "%", "%4", "a%4", "%4g", "%g4", "%%41", "%-1", "% 1" };
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_percent_parse(cx->arena, lg_str_of(bad[i]), false, &ret), "%s", bad[i]);
}

Test(percent, all_but_unreserved_is_encoded_and_comes_back)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(4096);
	char all[256];
	lg_str back;

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	lg_buf_percent(&b, (lg_str){ all, sizeof all });
	cr_assert_eq(b.n, 66 + 3 * 190);
	cr_assert(lg_percent_parse(cx->arena, lg_buf_view(&b), true, &back));
	cr_assert(lg_str_eq(back, (lg_str){ all, sizeof all }));
	lg_buf_clear(&b);
	lg_buf_percent(&b, LG_STR("a~/\xc3\xa9"));
	assert_str(lg_buf_view(&b), "a~%2F%C3%A9");
	lg_buf_free(&b);
}

Test(percent, html_escapes_both_quotes)
{
	struct lg_buf b = LG_BUF(256);

	lg_buf_html(&b, LG_STR("<a href=\"x\">Tom & 'Jerry'</a>"));
	assert_str(lg_buf_view(&b), "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/a&gt;");
	lg_buf_free(&b);
}

Test(percent, integers_have_one_spelling)
{
	static const struct {
		const char *text;
		int64_t v;
	} good[] = {
		{ "0", 0 }, { "7", 7 }, { "-7", -7 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};
	static const char *const bad[] = {
		"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999999",
	};
	int64_t v;

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_assert(lg_int_parse(lg_str_of(good[i].text), &v) && v == good[i].v, "%s", good[i].text);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_int_parse(lg_str_of(bad[i]), &v), "%s", bad[i]);
}

Test(percent, letters_digits_and_what_is_named_and_nothing_else)
{
	cr_expect(lg_str_only(LG_STR("aZ09"), "") && lg_str_only(LG_STR("a-b.c"), "-."));
	cr_expect(!lg_str_only(LG_NONE, "-.") && !lg_str_only(LG_STR("a-b"), ".") && !lg_str_only(LG_STR("a b"), "-."));
	cr_expect(!lg_str_only((lg_str){ "a\0b", 3 }, "-.") && !lg_str_only(LG_STR("\xc3\xa9"), "-."));
}
