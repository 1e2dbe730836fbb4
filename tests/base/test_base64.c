/* test_base64.c: RFC 4648 section 10 and what strict parsers refuse. */
#include "tests/base/base_test.h"

#include "base/text.h"

static const char *const vectors[][4] = {
	/* bytes, base64, base64url, hex */
	{ "", "", "", "" },
	{ "f", "Zg==", "Zg", "66" },
	{ "fo", "Zm8=", "Zm8", "666f" },
	{ "foo", "Zm9v", "Zm9v", "666f6f" },
	{ "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
	{ "\xfb\xff\xbf\xfe", "+/+//g==", "-_-__g", "fbffbffe" },
};

Test(base64, rfc4648_vectors_go_both_ways)
{
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(vectors); i++) {
		lg_str bytes = lg_str_of(vectors[i][0]), back;
		struct lg_buf b = LG_BUF(64);
		assert_str(lg_base64(cx->arena, bytes), vectors[i][1]);
		assert_str(lg_base64url(cx->arena, bytes), vectors[i][2]);
		assert_str(lg_hex(cx->arena, bytes), vectors[i][3]);
		lg_buf_base64url(&b, bytes);
		assert_str(lg_buf_view(&b), vectors[i][2]);
		lg_buf_free(&b);
		cr_assert(lg_base64_parse(cx->arena, lg_str_of(vectors[i][1]), &back));
		cr_assert(lg_str_eq(back, bytes));
		cr_assert(lg_base64url_parse(cx->arena, lg_str_of(vectors[i][2]), &back));
		cr_assert(lg_str_eq(back, bytes));
		cr_assert(lg_hex_parse(cx->arena, lg_str_of(vectors[i][3]), &back));
		cr_assert(lg_str_eq(back, bytes));
	}
}

Test(base64, every_length_and_byte_survives)
{
	TEST_CTX(cx);
	char bytes[256];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + 3);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		lg_str s = { bytes, n }, back;
		cr_assert(lg_base64_parse(cx->arena, lg_base64(cx->arena, s), &back) && lg_str_eq(s, back));
		cr_assert(lg_base64url_parse(cx->arena, lg_base64url(cx->arena, s), &back) && lg_str_eq(s, back));
		cr_assert(lg_hex_parse(cx->arena, lg_hex(cx->arena, s), &back) && lg_str_eq(s, back));
	}
}

Test(base64, only_the_canonical_spelling_is_read)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "====", "=", "==", "Zm9v=", "Zg==Zg==", "Zm9 ",
		" Zm9v", "Zm9v\n", "Zm9-", "Zm9_", "Zm9\x80", "Z===", "A===", "Zm=v",
	};
	TEST_CTX(cx);
	lg_str ret = LG_STR("untouched");

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_base64_parse(cx->arena, lg_str_of(bad[i]), &ret), "%s", bad[i]);
	assert_str(ret, "untouched");
}

Test(base64, url_form_refuses_padding_and_the_other_alphabet)
{
	static const char *const bad[] = { "Z", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9+", "Zm9/", "Zm9v Zg", "Zm9vZ" };
	TEST_CTX(cx);
	lg_str ret;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_base64url_parse(cx->arena, lg_str_of(bad[i]), &ret), "%s", bad[i]);
}

Test(base64, a_nul_byte_is_no_letter)
{
	TEST_CTX(cx);
	lg_str ret;

	cr_assert_not(lg_base64_parse(cx->arena, LG_STR("Zm9\0"), &ret));
	cr_assert_not(lg_base64url_parse(cx->arena, LG_STR("Zm9\0"), &ret));
}

Test(base64, hex_takes_either_case_and_whole_bytes)
{
	TEST_CTX(cx);
	lg_str ret;

	cr_assert(lg_hex_parse(cx->arena, LG_STR("aBcD09"), &ret));
	assert_str(ret, "\xab\xcd\x09");
	cr_assert_not(lg_hex_parse(cx->arena, LG_STR("abc"), &ret));
	cr_assert_not(lg_hex_parse(cx->arena, LG_STR("0g"), &ret));
	cr_assert_not(lg_hex_parse(cx->arena, LG_STR("0x12"), &ret));
}
