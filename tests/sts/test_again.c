/*
 * Answers given again.  In the fake directory alice can be disabled without any change in the store: an answer that still calls her
 * token good was given again, one that does not was worked out anew.  The attacks are all that must not be answered from what was.
 */
#include "tests/sts/kit.h"

TestSuite(again, .init = kit_start, .fini = kit_end);

static lg_str access, bearer;

static void
a_token(void)
{
	access = kit_member(kit_redeem("portal", kit_code("portal", "", kit_sign_in())).body, "access_token");
	bearer = lg_print(kit.arena, "Bearer %.*s", LG_FMT(access));
}

static struct answer
asked_by(const char *client, const char *secret)
{
	return kit_post("/oauth2/introspect", kit_fmt("token=%.*s", LG_FMT(access)), kit_basic(client, secret));
}

static bool
is_active(struct answer a)
{
	assert_status(a, 200);
	return lg_str_eq(kit_member(a.body, "active"), LG_STR("true"));
}

static bool
introspects(void)
{
	return is_active(asked_by("worker", WORKER_SECRET));
}

static bool
userinfo(void)
{
	return kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", kit_c(bearer), NULL).status == 200;
}

/* Both were asked for, and would be given again. */
static void
asked_before(void)
{
	a_token();
	cr_assert(introspects() && userinfo());
	kit.alice_disabled = true;
	cr_assert(introspects() && userinfo());
}

Test(again, the_same_question_gets_the_same_answer)
{
	a_token();
	struct answer first = asked_by("worker", WORKER_SECRET), second = asked_by("worker", WORKER_SECRET);

	cr_assert(lg_str_eq(first.body, second.body));
	cr_assert_str_eq(kit_header(&second, "Content-Type"), kit_header(&first, "Content-Type"));
	cr_assert_str_eq(kit_header(&second, "Cache-Control"), "no-store");
	asked_before();
}

Test(again, a_refusal_is_worked_out_each_time)
{
	a_token();
	kit.alice_disabled = true;
	cr_assert_not(introspects() || userinfo());
	kit.alice_disabled = false;
	cr_assert(introspects() && userinfo());
}

/* ---- what happened since -------------------------------------------------------------------------------------------- */

struct revocation {
	enum lg_revoked kind;
	lg_str id;
};

static lg_err
revoke(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct revocation *r = arg;

	return lg_sts_revoke(cx, v, TENANT, r->kind, r->id, lg_view_time(v) + kit.shift + LG_MINUTE);
}

Test(again, every_kind_of_revocation_ends_it_at_once)
{
	const struct {
		enum lg_revoked kind;
		const char *claim;
	} kinds[] = {
		{ LG_REVOKED_JTI, "jti" }, { LG_REVOKED_SESSION, "sid" }, { LG_REVOKED_SUBJECT, "sub" }, { LG_REVOKED_TENANT, "none" },
	};

	for (size_t i = 0; i < LG_COUNT(kinds); i++) {
		a_token();
		cr_assert(introspects() && userinfo(), "%s", kinds[i].claim);
		struct revocation r = { kinds[i].kind, kit_member(kit_payload(access), kinds[i].claim) };
		kit_apply(revoke, &r);
		cr_assert_not(introspects(), "%s", kinds[i].claim);
		cr_assert_not(userinfo(), "%s", kinds[i].claim);
		kit.shift += 2 * LG_MINUTE;
	}
}

Test(again, revoking_by_the_client_ends_it_at_once)
{
	a_token();
	cr_assert(introspects() && userinfo());
	assert_status(kit_post("/oauth2/revoke", kit_fmt("token=%.*s", LG_FMT(access)), kit_basic("portal", PORTAL_SECRET)), 200);
	cr_assert_not(introspects() || userinfo());
}

Test(again, it_ends_when_its_token_does)
{
	asked_before();
	kit.shift = (LG_STS_ACCESS_LIFE + 61) * LG_SECOND;
	cr_assert_not(introspects() || userinfo());
}

Test(again, other_keys_of_the_tenant_are_another_question)
{
	asked_before();
	kit.keys_revision++;
	cr_assert_not(introspects() || userinfo());
}

Test(again, whatever_changes_among_clients_is_another_question)
{
	asked_before();
	kit_client("{\"name\":\"new\",\"type\":\"service\"}", "s", SPARE_ID);
	cr_assert_not(introspects() || userinfo());
}

static lg_err
prove(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	lg_uuid alice;

	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &alice));
	return lg_sts_mail_proved(cx, v, TENANT, alice, lg_str_of(arg));
}

Test(again, an_address_that_was_proved_is_news_once)
{
	asked_before();
	kit_apply(prove, "alice@example");
	cr_assert_not(introspects() || userinfo());
	kit.alice_disabled = false;
	asked_before();
	kit_apply(prove, "alice@example");
	cr_assert(introspects() && userinfo());
}

Test(again, a_client_that_may_no_longer_ask_learns_nothing)
{
	a_token();
	cr_assert(introspects());
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"introspect\":false}", WORKER_SECRET, "50000000-0000-4000-8000-000000000012");
	cr_assert_not(introspects());
}

Test(again, an_old_secret_is_no_longer_one)
{
	a_token();
	cr_assert(introspects());
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"introspect\":true}", "another", "50000000-0000-4000-8000-000000000012");
	assert_oauth(asked_by("worker", WORKER_SECRET), 401, "invalid_client");
	cr_assert(is_active(asked_by("worker", "another")));
}

/* ---- who asks, and how -------------------------------------------------------------------------------------------------- */

Test(again, another_asker_gets_an_answer_of_its_own)
{
	asked_before();
	cr_assert_not(is_active(asked_by("portal", PORTAL_SECRET)));
	assert_oauth(asked_by("worker", "wrong"), 401, "invalid_client");
	assert_oauth(kit_post("/oauth2/introspect", kit_fmt("token=%.*s", LG_FMT(access)), NULL), 401, "invalid_client");
	assert_oauth(kit_post("/oauth2/introspect", kit_fmt("token=%.*s&client_id=worker", LG_FMT(access)), NULL), 401, "invalid_client");
}

Test(again, another_tenant_knows_nothing_of_it)
{
	asked_before();
	kit.tenant = TENANT + 1;
	assert_oauth(asked_by("worker", WORKER_SECRET), 401, "invalid_client");
	cr_assert_not(userinfo());
}

Test(again, another_form_of_answer_is_another_question)
{
	const char *body, *basic = kit_basic("worker", WORKER_SECRET);

	asked_before();
	body = kit_fmt("token=%.*s", LG_FMT(access));
	struct answer a = kit_send("POST", "/oauth2/introspect", LG_NONE, lg_str_of(body), "Content-Type", "application/x-www-form-urlencoded",
	    "Authorization", basic, "Accept", "application/token-introspection+jwt", NULL);
	assert_status(a, 200);
	cr_assert_str_eq(kit_header(&a, "Content-Type"), "application/token-introspection+jwt");
	/* What is no form is not read as one because it was one before. */
	a = kit_send("POST", "/oauth2/introspect", LG_NONE, lg_str_of(body), "Content-Type", "text/plain", "Authorization", basic, NULL);
	assert_oauth(a, 400, "invalid_request");
}

Test(again, who_shows_a_certificate_is_looked_at)
{
	asked_before();
	kit.peer_shown = LG_STR("cert");
	cr_assert_not(introspects() || userinfo());
	kit.peer_shown = LG_NONE;
	kit.peer_cert = LG_STR("cert:" ALICE_ID);
	cr_assert_not(introspects() || userinfo());
}

Test(again, who_brings_a_proof_is_looked_at)
{
	asked_before();
	struct answer a = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", kit_c(bearer), "DPoP", "x.y.z", NULL);
	assert_status(a, 401);
	a = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", kit_fmt("DPoP %.*s", LG_FMT(access)), NULL);
	assert_status(a, 401);
}

Test(again, a_token_twice_is_refused_though_once_was_good)
{
	asked_before();
	struct answer a = kit_post("/oauth2/userinfo", kit_fmt("access_token=%.*s", LG_FMT(access)), kit_c(bearer));
	assert_oauth(a, 400, "invalid_request");
}

Test(again, an_assertion_is_good_once_here_too)
{
	long long now = (long long)(kit.cx.now / LG_SECOND);
	lg_str proof;

	a_token();
	cr_assert_eq(lg_jws_sign(&kit.cx, kit.client_key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_str_of(kit_fmt("{\"iss\":\"robot\","
	    "\"sub\":\"robot\",\"aud\":\"" ISSUER "\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"1\"}", now, now + 60)), &proof), LG_OK);
	kit_client(kit_fmt("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"introspect\":true,\"jwks\":%s}",
	    kit_jwks(kit.client_key, "k1", "")), NULL, "50000000-0000-4000-8000-000000000013");
	const char *body = kit_fmt("token=%.*s&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	    "&client_assertion=%.*s", LG_FMT(access), LG_FMT(proof));
	cr_assert(is_active(kit_post("/oauth2/introspect", body, NULL)));
	assert_oauth(kit_post("/oauth2/introspect", body, NULL), 401, "invalid_client");
}

Test(again, a_refresh_token_is_looked_up_each_time)
{
	struct answer a = kit_redeem("portal", kit_code("portal", "", kit_sign_in()));

	access = kit_member(a.body, "refresh_token");
	cr_assert(introspects());
	assert_status(kit_refresh("portal", access, ""), 200);
	cr_assert_not(introspects());
}
