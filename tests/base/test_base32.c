#include <criterion/criterion.h>

#include "base/text.h"

/* RFC 4648 10, without the padding. */
Test(base32, the_examples_of_the_rfc_both_ways)
{
	static const char *const cases[][2] = {
		{ "", "" }, { "f", "MY" }, { "fo", "MZXQ" }, { "foo", "MZXW6" }, { "foob", "MZXW6YQ" }, { "fooba", "MZXW6YTB" },
		{ "foobar", "MZXW6YTBOI" },
	};
	struct lg_arena *a = lg_arena_new();

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str back;

		cr_assert(lg_str_eq(lg_base32(a, lg_str_of(cases[i][0])), lg_str_of(cases[i][1])));
		cr_assert(lg_base32_parse(a, lg_str_of(cases[i][1]), &back) && lg_str_eq(back, lg_str_of(cases[i][0])));
	}
	lg_arena_free(&a);
}

Test(base32, is_read_as_people_type_it_and_nothing_else)
{
	struct lg_arena *a = lg_arena_new();
	lg_str octets;

	cr_assert(lg_base32_parse(a, LG_STR("mzxw-6ytb oi"), &octets) && lg_str_eq(octets, LG_STR("foobar")));
	static const char *const bad[] = { "M", "MZX", "MZXW6Y", "MZ", "MZXW6YTBOI=", "MZXW1", "0000", "MY!", "\xc3\xa4" };
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_base32_parse(a, lg_str_of(bad[i]), &octets), "%s", bad[i]);
	lg_arena_free(&a);
}
