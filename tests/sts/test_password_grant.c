#include "tests/sts/kit.h"

#include "sts/factor.h"

TestSuite(password_grant, .init = kit_start, .fini = kit_end);

static void
legacy_client(void)
{
	kit_client("{\"name\":\"worker\",\"type\":\"confidential\",\"grants\":[\"password\"],\"scopes\":[\"openid\",\"email\"]}", WORKER_SECRET,
	    "50000000-0000-4000-8000-000000000012");
}

static struct answer
ask(const char *more)
{
	return kit_post("/oauth2/token", kit_fmt("grant_type=password&%s", more), kit_basic("worker", WORKER_SECRET));
}

static lg_str
grants(void)
{
	struct answer a = kit_get("/.well-known/openid-configuration", "", NULL);

	return kit_member(a.body, "grant_types_supported");
}

Test(password_grant, is_off_and_untold_unless_a_client_was_given_it)
{
	assert_oauth(ask("username=alice&password=alice-password"), 400, "unauthorized_client");
	cr_assert(memmem(grants().p, grants().n, "password", 8) == NULL && memmem(grants().p, grants().n, "device_code", 11) != NULL);
	legacy_client();
	cr_assert(memmem(grants().p, grants().n, "\"password\"", 10) != NULL);
	kit.tenant = TENANT + 1;
	cr_assert(memmem(grants().p, grants().n, "password", 8) == NULL);
}

Test(password_grant, gives_tokens_of_the_person_and_nothing_to_renew_them)
{
	struct answer a;
	lg_str id;

	legacy_client();
	a = ask("username=alice&password=alice-password&scope=openid%20email");
	assert_status(a, 200);
	cr_assert_eq(kit_member(a.body, "refresh_token").n, 0);
	id = kit_payload(kit_member(a.body, "id_token"));
	cr_assert(lg_str_eq(kit_member(id, "sub"), LG_STR(ALICE_ID)) && lg_str_eq(kit_member(id, "amr"), LG_STR("[\"pwd\"]")));
	cr_assert(strstr(kit.question, "grant=password;") != NULL && strstr(kit.question, "principal=alice;") != NULL, "%s", kit.question);
}

Test(password_grant, refuses)
{
	legacy_client();
	assert_oauth(ask("username=alice&password=wrong"), 400, "invalid_grant");
	assert_oauth(ask("username=nobody&password=wrong"), 400, "invalid_grant");
	assert_oauth(ask("username=bob&password=bob-password"), 400, "invalid_grant");		/* disabled */
	assert_oauth(ask("username=alice"), 400, "invalid_request");
	assert_oauth(ask("password=x"), 400, "invalid_request");
	assert_oauth(ask("username=alice&password=alice-password&scope=openid%20offline_access"), 400, "invalid_scope");
	assert_oauth(ask("username=alice&password=alice-password&scope=admin"), 400, "invalid_scope");
	assert_oauth(kit_post("/oauth2/token", "grant_type=password&username=alice&password=alice-password", kit_basic("worker", "x")), 401,
	    "invalid_client");
	kit.deny = true;
	assert_oauth(ask("username=alice&password=alice-password"), 400, "access_denied");
}

static lg_err
give_factor(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_factor f = { .kind = STS_FACTOR_TOTP, .id = lg_uuid_new(), .name = LG_STR("phone"), .created = cx->now };
	lg_uuid alice;

	(void)arg;
	return lg_uuid_parse(LG_STR(ALICE_ID), &alice) ? sts_factor_put(cx, v, TENANT, alice, &f) : LG_E_INTERNAL;
}

Test(password_grant, is_not_enough_for_whoever_has_a_second_factor)
{
	legacy_client();
	kit_apply(give_factor, NULL);
	assert_oauth(ask("username=alice&password=alice-password"), 400, "invalid_grant");
	assert_status(ask("username=carol&password=carol-password"), 200);
}

Test(password_grant, guessing_is_slow_here_too)
{
	struct answer a = { .status = 0 };

	legacy_client();
	for (int i = 0; i < 6; i++)
		a = ask("username=alice&password=wrong");
	assert_oauth(a, 400, "invalid_grant");
	a = ask("username=alice&password=alice-password");
	assert_oauth(a, 400, "invalid_grant");
	cr_assert(memmem(a.body.p, a.body.n, "too many attempts", 17) != NULL);
}
