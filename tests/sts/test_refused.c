#include "tests/sts/kit.h"

#include "base/clock.h"

TestSuite(refused, .init = kit_start, .fini = kit_end);

#define SECRET	kit_basic("portal", PORTAL_SECRET)
#define CODE	"grant_type=authorization_code&redirect_uri=" REDIRECT "&code="

/* assert_oauth asks for its answer more than once. */
static void
assert_refused(struct answer a, int status, const char *error)
{
	assert_oauth(a, status, error);
}

static void
assert_record(unsigned n, const char *who, const char *why)
{
	cr_assert_eq(kit.refusals, n, "%u: %.*s", kit.refusals, LG_FMT(kit.refused_why));
	cr_assert(lg_str_eq(kit.refused, lg_str_of(who)), "%.*s", LG_FMT(kit.refused));
	cr_assert(lg_str_eq(kit.refused_why, lg_str_of(why)), "%.*s", LG_FMT(kit.refused_why));
}

Test(refused, clients_that_do_not_prove_themselves_are_on_record_wherever_they_ask)
{
	static const char *const paths[] = { "/oauth2/token", "/oauth2/par", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/device_authorization" };

	for (unsigned i = 0; i < LG_COUNT(paths); i++) {
		assert_refused(kit_post(paths[i], "grant_type=client_credentials", kit_basic("portal", "guess")), 401, "invalid_client");
		assert_record(i + 1, "portal", "invalid_client: the client's secret is missing or wrong");
		cr_assert(strstr(kit.question, "guess") == NULL && strstr(kit.question, "resource=;") != NULL, "%s", kit.question);
	}
}

Test(refused, a_client_that_nobody_is_is_not_named)
{
	assert_refused(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("my own secret", "x")), 401, "invalid_client");
	assert_record(1, "", "invalid_client: no such client");
}

Test(refused, codes_and_refresh_tokens_that_are_not_good_are_on_record_with_their_client)
{
	lg_str code = kit_code("spa", "", kit_sign_in());
	struct answer a;

	assert_refused(kit_post("/oauth2/token", kit_fmt(CODE "%.*s&client_id=spa&code_verifier=wrong", LG_FMT(code)), NULL), 400, "invalid_grant");
	assert_record(1, "spa", "invalid_grant: code_verifier does not fit the challenge");
	cr_assert(strstr(kit.question, "resource=spa;grant=authorization_code;") != NULL, "%s", kit.question);
	a = kit_redeem("spa", code);
	assert_status(a, 200);
	assert_refused(kit_redeem("spa", code), 400, "invalid_grant");
	assert_record(2, "spa", "invalid_grant: the code was used before");
	assert_refused(kit_refresh("spa", LG_STR("x"), ""), 400, "invalid_grant");
	assert_record(3, "spa", "invalid_grant: no such refresh token");
	cr_assert_null(strstr(kit.question, "not_recorded"));
}

Test(refused, a_family_whose_token_came_back_is_on_record)
{
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	lg_str first = kit_member(a.body, "refresh_token");

	a = kit_refresh("spa", first, "");
	assert_status(a, 200);
	kit.shift = 11 * LG_SECOND;
	assert_refused(kit_refresh("spa", first, ""), 400, "invalid_grant");
	assert_record(1, "spa", "invalid_grant: the refresh token was used before");
}

Test(refused, grants_and_scopes_that_a_client_may_not_have_are_on_record)
{
	assert_refused(kit_post("/oauth2/token", "grant_type=password&username=alice&password=alice-password", SECRET), 400, "unauthorized_client");
	assert_record(1, "portal", "unauthorized_client: this client may not use this grant");
	assert_refused(kit_post("/oauth2/token", "grant_type=my+secret", SECRET), 400, "unsupported_grant_type");
	assert_record(2, "portal", "unsupported_grant_type: grant_type is not supported");
	cr_assert_null(strstr(kit.question, "my secret"), "%s", kit.question);
}

Test(refused, what_policy_denies_and_what_only_has_to_wait_is_no_refusal)
{
	lg_str code = kit_code("spa", "", kit_sign_in());

	kit.deny = true;
	assert_refused(kit_redeem("spa", code), 400, "access_denied");
	kit_client("{\"name\":\"bound\",\"type\":\"service\",\"dpop_bound_access_tokens\":true}", "s", "50000000-0000-4000-8000-000000000014");
	assert_refused(kit_send("POST", "/oauth2/token", LG_NONE, LG_STR("grant_type=client_credentials"), "Authorization", kit_basic("bound", "s"),
	    "Content-Type", "application/x-www-form-urlencoded", NULL), 400, "invalid_dpop_proof");
	cr_assert_eq(kit.refusals, 1u, "the one without a proof alone");
}

static void
guess(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_refused(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("portal", "guess")), 401, "invalid_client");
}

Test(refused, a_flood_is_counted_rather_than_written_and_hides_nobody_else)
{
	guess(300);
	cr_assert_eq(kit.refusals, 20u);
	/* The client itself, from the same address, has room of its own. */
	assert_refused(kit_post("/oauth2/token", CODE "x", SECRET), 400, "invalid_grant");
	assert_record(21, "portal", "invalid_grant: no such code");
	cr_assert_null(strstr(kit.question, "not_recorded"), "%s", kit.question);
	kit.address = "10.0.0.8:4711";
	guess(1);
	assert_record(22, "portal", "invalid_client: the client's secret is missing or wrong");
}

Test(refused, from_many_addresses_is_bounded_too)
{
	for (unsigned i = 0; i < 250; i++) {
		kit.address = kit_fmt("10.1.%u.%u:1", i / 200, i % 200);
		guess(1);
	}
	cr_assert(kit.refusals >= 200 && kit.refusals < 240, "%u", kit.refusals);
	assert_refused(kit_post("/oauth2/token", CODE "x", SECRET), 400, "invalid_grant");
	cr_assert(lg_str_eq(kit.refused_why, LG_STR("invalid_grant: no such code")));
}

Test(refused, what_found_no_room_is_told_with_the_next)
{
	int64_t now = 1000 * LG_SECOND;
	uint64_t n = 0, told = 0;

	for (unsigned i = 0; i < 300; i++) {
		n = 1;
		told += sts_share_tell(kit.sts->refusals, TENANT, LG_STR("a"), now, &n) ? n : 0;
	}
	cr_assert_eq(told, 20u);
	n = 1;
	cr_assert(sts_share_tell(kit.sts->refusals, TENANT, LG_STR("a"), now + 6 * LG_SECOND, &n) && n == 281, "%llu", (unsigned long long)n);
	n = 1;
	cr_assert(sts_share_tell(kit.sts->refusals, TENANT, LG_STR("b"), now, &n) && n == 1);
}

Test(refused, of_a_workload_the_source_is_named)
{
	kit_source("{\"name\":\"ci\",\"kind\":\"jwt\",\"issuer\":\"https://ci.example\",\"jwks_uri\":\"https://ci.example/keys\","
	    "\"rules\":[{\"match\":{\"sub\":\"x\"},\"entry\":\"cn=x,ou=services\"}]}");
	kit_web("https://ci.example/keys", kit_jwks(kit.client_key, "k1", ""), 0);
	assert_refused(kit_post("/oauth2/token", kit_fmt("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=%.*s",
	    LG_FMT(kit_token("JWT", "{\"iss\":\"https://ci.example\",\"sub\":\"x\",\"aud\":\"" ISSUER "\",\"exp\":4102444800}"))), NULL), 401, "invalid_client");
	assert_record(1, "", "invalid_client: assertion: token: no such key");
	cr_assert(strstr(kit.question, "identity_source=ci;") != NULL, "%s", kit.question);
}

Test(refused, who_may_register_no_client_is_on_record_and_bounded_too)
{
	for (unsigned i = 0; i < 100; i++)
		assert_status(kit_send("POST", "/oauth2/register", LG_NONE, LG_STR("{\"redirect_uris\":[\"https://a.example/\"]}"),
		    "Content-Type", "application/json", NULL), 401);
	cr_assert_eq(kit.refusals, 20u);
	assert_record(20, "", "no policy permits");
	kit.may_register = true;
	assert_status(kit_send("POST", "/oauth2/register", LG_NONE, LG_STR("{\"redirect_uris\":[\"https://a.example/\"]}"),
	    "Content-Type", "application/json", NULL), 201);
	cr_assert_eq(kit.refusals, 20u);
}
