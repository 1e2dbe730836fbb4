/* test_pem.c: RFC 7468. */
#include "tests/base/base_test.h"

#include "base/text.h"

Test(pem, blocks_go_both_ways_at_every_length)
{
	TEST_CTX(cx);
	char bytes[200];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (size_t n = 1; n <= sizeof bytes; n++) {
		lg_str der, rest;
		lg_str text = lg_pem(cx->arena, LG_STR("CERTIFICATE"), (lg_str){ bytes, n });
		cr_assert(lg_pem_parse(cx->arena, text, LG_STR("CERTIFICATE"), &der, &rest));
		cr_assert(lg_str_eq(der, (lg_str){ bytes, n }));
		assert_str(rest, "\n");
	}
}

Test(pem, lines_have_64_characters)
{
	TEST_CTX(cx);
	char zeros[49] = { 0 };

	assert_str(lg_pem(cx->arena, LG_STR("X"), (lg_str){ zeros, 48 }), "-----BEGIN X-----\n"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END X-----\n");
	assert_str(lg_pem(cx->arena, LG_STR("X"), (lg_str){ zeros, 49 }), "-----BEGIN X-----\n"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAA==\n-----END X-----\n");
}

Test(pem, blocks_of_another_label_are_passed_over)
{
	TEST_CTX(cx);
	lg_str chain = LG_STR("a note\r\n-----BEGIN KEY-----\r\nAAAA\r\n-----END KEY-----\r\n"
	    "-----BEGIN CERTIFICATE-----\r\nAQID\r\n-----END CERTIFICATE-----\r\n"
	    "-----BEGIN CERTIFICATE-----\nBAUG\n-----END CERTIFICATE-----\n");
	lg_str der;

	cr_assert(lg_pem_parse(cx->arena, chain, LG_STR("CERTIFICATE"), &der, &chain));
	assert_str(der, "\1\2\3");
	cr_assert(lg_pem_parse(cx->arena, chain, LG_STR("CERTIFICATE"), &der, &chain));
	assert_str(der, "\4\5\6");
	cr_assert_not(lg_pem_parse(cx->arena, chain, LG_STR("CERTIFICATE"), &der, &chain));
}

Test(pem, malformed_blocks_are_refused)
{
	static const char *const bad[] = {
		"", "AAAA", "-----BEGIN X-----\nAAAA\n", "-----BEGIN X-----\nAA\n-----END X-----\n",
		"-----BEGIN X-----\n-----END X-----\n", "-----BEGIN X-----\nAA*A\n-----END X-----\n",
		"x-----BEGIN X-----\nAAAA\n-----END X-----\n", "-----BEGIN X-----\nAAAA-----END X-----\n",
		"-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END X-----\n",
		"-----BEGIN X-----\nAAAA\n-----BEGIN X-----\nAAAA\n-----END X-----\n",
	};
	TEST_CTX(cx);
	lg_str der;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_pem_parse(cx->arena, lg_str_of(bad[i]), LG_STR("X"), &der, NULL), "%s", bad[i]);
}
