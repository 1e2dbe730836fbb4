#include <criterion/criterion.h>

#include "lightgate/crypto.h"

/* RFC 6238 appendix B: eight digits there, whose last six are ours. */
Test(totp, the_examples_of_the_rfc)
{
	static const struct {
		uint64_t second;
		uint32_t code;
	} cases[] = {
		{ 59, 287082 }, { 1111111109, 81804 }, { 1111111111, 50471 }, { 1234567890, 5924 }, { 2000000000, 279037 },
		{ 20000000000, 353130 },
	};
	struct lg_secret key = lg_secret_copy(LG_STR("12345678901234567890"));

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		cr_assert_eq(lg_totp(&key, cases[i].second / LG_TOTP_STEP), cases[i].code, "%zu", i);
	lg_secret_free(&key);
}
