/* Two tenants on one service, with the same signing key in the fake, so that names alone must keep them apart. */
#include "tests/sts/kit.h"

TestSuite(tenant, .init = kit_start, .fini = kit_end);

static void
second(void)
{
	kit.tenant = TENANT + 1;
	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"]}", NULL,
	    "c0000000-0000-4000-8000-000000000011");
}

Test(tenant, clients_belong_to_one)
{
	kit.tenant = TENANT + 1;
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("worker", WORKER_SECRET)), 401,
	    "invalid_client");
}

Test(tenant, access_tokens_belong_to_one)
{
	lg_str token = kit_member(kit_redeem("spa", kit_code("spa", "", kit_sign_in())).body, "access_token");
	struct lg_sts_bearer b;

	cr_assert_eq(kit_check(token, ISSUER, &b), LG_OK);
	kit.tenant = TENANT + 1;
	cr_assert_eq(kit_check(token, ISSUER, &b), LG_E_UNAUTHENTICATED);
	cr_assert(strstr(kit.cx.error, "issuer") != NULL);
}

Test(tenant, codes_and_refresh_tokens_belong_to_one)
{
	const char *cookie = kit_sign_in();
	lg_str code = kit_code("spa", "", cookie);
	lg_str refresh = kit_member(kit_redeem("spa", kit_code("spa", "", cookie)).body, "refresh_token");

	second();
	assert_oauth(kit_redeem("spa", code), 400, "invalid_grant");
	assert_oauth(kit_refresh("spa", refresh, ""), 400, "invalid_grant");
	kit.tenant = TENANT;
	assert_status(kit_redeem("spa", code), 200);
	assert_status(kit_refresh("spa", refresh, ""), 200);
}

Test(tenant, sessions_belong_to_one_even_under_the_others_cookie_name)
{
	const char *cookie = kit_sign_in(), *value = strchr(cookie, '=') + 1;

	second();
	assert_status(kit_get("/oauth2/authorize", kit_authorize_query("spa", ""), cookie), 200);
	assert_status(kit_get("/oauth2/authorize", kit_authorize_query("spa", ""), kit_fmt("__Host-lg-session-2=%s", value)), 200);
}

Test(tenant, pages_and_metadata_stay_below_the_tenants_path)
{
	kit.tenant = TENANT + 1;
	struct answer a = kit_get("/login", "", NULL), d = kit_get("/.well-known/openid-configuration", "", NULL);

	cr_assert(strstr(kit_c(a.body), "action=\"/t/two/login\"") != NULL);
	cr_assert(lg_str_eq(kit_member(d.body, "authorization_endpoint"), LG_STR(ISSUER "/t/two/oauth2/authorize")));
}

Test(tenant, an_unknown_one_is_not_found)
{
	kit.tenant = 77;
	cr_assert_eq(kit_get("/oauth2/jwks", "", NULL).result, LG_E_NOT_FOUND);
	cr_assert_eq(kit_post("/oauth2/token", "grant_type=client_credentials", NULL).result, LG_E_NOT_FOUND);
}
