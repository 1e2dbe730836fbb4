#include "tests/sts/kit.h"

TestSuite(acr, .init = kit_start, .fini = kit_end);

Test(acr, a_level_follows_from_the_methods)
{
	static const struct {
		const char *steps[3], *want;
	} cases[] = {
		{ { "pwd" }, STS_ACR_PASSWORD },
		{ { "fed" }, STS_ACR_PASSWORD },
		{ { "otp" }, STS_ACR_PASSWORD },
		{ { "pwd", "pwd" }, STS_ACR_PASSWORD },
		{ { "pwd", "kba" }, STS_ACR_PASSWORD },			/* two things that one knows */
		{ { "otp", "hwk user" }, STS_ACR_PASSWORD },		/* two things that one has */
		{ { "hwk user" }, STS_ACR_PASSWORD },			/* a key that asked nobody */
		{ { "pwd", "otp" }, STS_ACR_MFA },
		{ { "otp", "pwd" }, STS_ACR_MFA },
		{ { "fed", "otp" }, STS_ACR_MFA },
		{ { "fed mfa" }, STS_ACR_MFA },
		{ { "pwd", "swk user" }, STS_ACR_PASSKEY },
		{ { "hwk user mfa" }, STS_ACR_PASSKEY },
		{ { "pwd", "otp", "hwk" }, STS_ACR_PASSKEY },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str amr = LG_NONE;

		for (size_t j = 0; j < 3 && cases[i].steps[j] != NULL; j++)
			amr = sts_amr_join(kit.arena, amr, lg_str_of(cases[i].steps[j]));
		cr_assert(lg_str_eq(sts_acr_of(amr), lg_str_of(cases[i].want)), "case %zu: %.*s", i, LG_FMT(amr));
	}
}

Test(acr, methods_are_named_once)
{
	lg_str amr = sts_amr_join(kit.arena, LG_STR("pwd"), LG_STR("otp"));

	amr = sts_amr_join(kit.arena, amr, LG_STR("otp mfa"));
	cr_assert(lg_str_eq(amr, LG_STR("pwd otp mfa")), "%.*s", LG_FMT(amr));
}

Test(acr, both_tokens_say_how_somebody_signed_in)
{
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	static const char *const tokens[] = { "id_token", "access_token" };

	for (size_t i = 0; i < LG_COUNT(tokens); i++) {
		lg_str claims = kit_payload(kit_member(a.body, tokens[i]));

		cr_assert(lg_str_eq(kit_member(claims, "acr"), LG_STR(STS_ACR_PASSWORD)));
		cr_assert(lg_str_eq(kit_member(claims, "amr"), LG_STR("[\"pwd\"]")));
		cr_assert(kit_member(claims, "auth_time").n > 0);
	}
	a = kit_refresh("spa", kit_member(a.body, "refresh_token"), "");
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "amr"), LG_STR("[\"pwd\"]")));
}

Test(acr, nobody_signed_in_for_a_service)
{
	struct answer a = kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("worker", WORKER_SECRET));
	lg_str claims = kit_payload(kit_member(a.body, "access_token"));

	cr_assert_eq(kit_member(claims, "acr").n + kit_member(claims, "amr").n + kit_member(claims, "auth_time").n, 0);
}
