#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(logout, .init = kit_start, .fini = kit_end);

#define BACK "https://app.example/back"
#define FRONT "https://app.example/front"

static void
make_clients(const char *more)
{
	kit_client(kit_fmt("{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],"
	    "\"post_logout_redirect_uris\":[\"https://app.example/bye\"]%s}", more), PORTAL_SECRET, "c0000000-0000-4000-8000-000000000010");
}

static struct answer
sign_out(lg_str id_token, const char *more, const char *cookie)
{
	return kit_get("/logout", kit_fmt("id_token_hint=%.*s%s", LG_FMT(id_token), more), cookie);
}

/* All lanes, once. */
static void
notify(void)
{
	struct lg_ctx *cx = LG_NEW(kit.arena, struct lg_ctx);
	struct lg_actor system = { .kind = LG_ACTOR_SYSTEM };

	lg_ctx_init(cx, kit.arena);
	cx->now += kit.shift;
	cx->actor = &system;
	kit.web_post[0] = '\0';
	for (unsigned lane = 0; lane < LG_STS_LANES; lane++)
		cr_assert_eq(lg_sts_notify(cx, kit.sts, lane), LG_OK, "%s", cx->error);
}

static uint64_t
waiting(void)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	uint64_t n;

	lg_store_turn(kit.store);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_table_count(&kit.cx, v, &sts_notices, &n), LG_OK);
	return n;
}

static lg_str
told(void)
{
	struct lg_jws jws;
	lg_str token = lg_str_of(kit.web_post);

	cr_assert(lg_str_starts(token, LG_STR("logout_token=")) && strchr(kit.web_post, '&') == NULL, "%s", kit.web_post);
	token = lg_str_sub(token, 13, token.n);
	cr_assert_eq(lg_jws_verify(&kit.cx, token, kit.keys, "logout+jwt", &jws), LG_OK, "%s", kit.cx.error);
	return lg_dup(kit.arena, jws.payload);
}

/* Back-Channel Logout 1.0 2.4: what the token says, and what it must not. */
Test(logout, an_application_is_told_by_a_logout_token)
{
	const char *cookie = kit_sign_in();
	struct answer t;
	lg_str id, claims;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\",\"id_token_alg\":\"RS256\"");
	kit_web(BACK, "", 0);
	t = kit_redeem("portal", kit_code("portal", "", cookie));
	id = kit_member(t.body, "id_token");
	notify();
	cr_assert_str_eq(kit.web_post, "");
	assert_status(sign_out(id, "", cookie), 200);
	cr_assert_eq(waiting(), 1);
	notify();
	claims = told();
	id = kit_payload(id);
	cr_assert(lg_str_eq(kit_member(claims, "iss"), LG_STR(ISSUER)) && lg_str_eq(kit_member(claims, "aud"), LG_STR("[\"portal\"]")));
	cr_assert(lg_str_eq(kit_member(claims, "sub"), kit_member(id, "sub")) && lg_str_eq(kit_member(claims, "sid"), kit_member(id, "sid")));
	cr_assert(lg_str_eq(kit_member(claims, "events"), LG_STR("{\"http://schemas.openid.net/event/backchannel-logout\":{}}")));
	cr_assert(kit_member(claims, "jti").n > 0 && kit_member(claims, "iat").n > 0 && kit_member(claims, "exp").n > 0);
	cr_assert_eq(kit_member(claims, "nonce").n, 0);
	cr_assert_eq(waiting(), 0);
	notify();
	cr_assert_str_eq(kit.web_post, "");
}

Test(logout, a_logout_token_is_nothing_else)
{
	const char *cookie = kit_sign_in();
	struct lg_sts_bearer b;
	struct answer t, a;
	const char *token;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\"");
	kit_web(BACK, "", 0);
	t = kit_redeem("portal", kit_code("portal", "", cookie));
	assert_status(sign_out(kit_member(t.body, "id_token"), "", cookie), 200);
	notify();
	token = kit_fmt("%s", kit.web_post + 13);
	cr_assert_eq(kit_check(lg_str_of(token), "portal", &b), LG_E_UNAUTHENTICATED);
	a = sign_out(lg_str_of(token), "", NULL);
	assert_status(a, 400);
}

Test(logout, who_does_not_answer_is_asked_again_for_a_while)
{
	static const int64_t waits[] = { 6, 31, 181, 901 };
	const char *cookie = kit_sign_in();
	struct answer t;
	unsigned asked;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\"");
	t = kit_redeem("portal", kit_code("portal", "", cookie));
	assert_status(sign_out(kit_member(t.body, "id_token"), "", cookie), 200);
	asked = atomic_load(&kit.asked);
	for (size_t i = 0; i < LG_COUNT(waits); i++) {
		notify();
		cr_assert_eq(atomic_load(&kit.asked), asked + i + 1);
		notify();			/* not yet */
		cr_assert_eq(atomic_load(&kit.asked), asked + i + 1);
		cr_assert_eq(waiting(), 1);
		kit.shift += waits[i] * LG_SECOND;
	}
	notify();
	cr_assert_eq(waiting(), 0);		/* five times are enough */
	cr_assert_eq(atomic_load(&kit.asked), asked + LG_COUNT(waits) + 1);
}

Test(logout, only_applications_of_the_session_are_told)
{
	const char *one = kit_sign_in(), *two = kit_sign_in();
	struct answer t;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\"");
	kit_web(BACK, "", 0);
	(void)kit_redeem("portal", kit_code("portal", "", one));
	t = kit_redeem("spa", kit_code("spa", "", two));
	assert_status(sign_out(kit_member(t.body, "id_token"), "", two), 200);
	cr_assert_eq(waiting(), 0);
}

static lg_err
revoke_alice(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)arg;
	return lg_sts_revoke(cx, v, TENANT, LG_REVOKED_SUBJECT, LG_STR(ALICE_ID), lg_view_time(v));
}

Test(logout, a_revoked_person_is_signed_out_everywhere)
{
	const char *one = kit_sign_in(), *two = kit_sign_in();
	lg_uuid id, sessions[4];
	size_t n;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\"");
	kit_web(BACK, "", 0);
	(void)kit_redeem("portal", kit_code("portal", "", one));
	(void)kit_redeem("portal", kit_code("portal", "", two));
	kit_apply(revoke_alice, NULL);
	cr_assert_eq(waiting(), 2);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &id));
	cr_assert_eq(sts_sessions_of(&kit.cx, v, TENANT, id, sessions, LG_COUNT(sessions), &n), LG_OK);
	cr_assert_eq(n, 0);
	lg_view_end(&v);
	notify();
	cr_assert(lg_str_eq(kit_member(told(), "sub"), LG_STR(ALICE_ID)));
}

Test(logout, an_application_that_went_meanwhile_is_not_looked_for)
{
	const char *cookie = kit_sign_in();
	struct answer t;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\"");
	t = kit_redeem("portal", kit_code("portal", "", cookie));
	assert_status(sign_out(kit_member(t.body, "id_token"), "", cookie), 200);
	make_clients("");
	notify();
	cr_assert_eq(atomic_load(&kit.asked), 0u);
	cr_assert_eq(waiting(), 0);
}

/* ---- front channel -------------------------------------------------------------------------------------------- */

Test(logout, the_browser_opens_applications_pages_in_frames_of_theirs)
{
	const char *cookie = kit_sign_in(), *csp;
	struct answer t, a;
	lg_str sid;

	make_clients(",\"frontchannel_logout_uri\":\"" FRONT "\",\"frontchannel_logout_session_required\":true");
	t = kit_redeem("portal", kit_code("portal", "", cookie));
	sid = kit_member(kit_payload(kit_member(t.body, "id_token")), "sid");
	a = sign_out(kit_member(t.body, "id_token"), "&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye&state=a%20b", cookie);
	assert_status(a, 200);
	const char *src = kit_fmt("src=\"" FRONT "?iss=https%%3A%%2F%%2Fid.example&amp;sid=%.*s\"", LG_FMT(sid));
	cr_assert(memmem(a.body.p, a.body.n, src, strlen(src)) != NULL, "%s in %.*s", src, LG_FMT(a.body));
	csp = kit_header(&a, "Content-Security-Policy");
	cr_assert(strstr(csp, "frame-src https://app.example;") != NULL, "%s", csp);
	cr_assert_str_eq(kit_header(&a, "Refresh"), "2; url=https://app.example/bye?state=a%20b");
	cr_assert(strstr(kit_header(&a, "Set-Cookie"), "Max-Age=0") != NULL);
}

Test(logout, without_such_applications_there_are_no_frames)
{
	const char *cookie = kit_sign_in();
	struct answer t, a;

	t = kit_redeem("portal", kit_code("portal", "", cookie));
	a = sign_out(kit_member(t.body, "id_token"), "&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye&state=x", cookie);
	assert_status(a, 303);
	cr_assert_str_eq(kit_header(&a, "Location"), "https://app.example/bye?state=x");
	cr_assert(strstr(kit_header(&a, "Content-Security-Policy"), "frame-src") == NULL);
	char longer[STS_STATE_MAX + 2] = { 0 };
	memset(longer, 'a', sizeof longer - 1);
	a = sign_out(kit_member(t.body, "id_token"), kit_fmt("&post_logout_redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fbye&state=%s", longer), cookie);
	assert_status(a, 400);
}

/* ---- bounds --------------------------------------------------------------------------------------------------------- */

static lg_err
visit_often(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_sts_client c = { .backchannel = LG_STR(BACK) };
	lg_str ids[STS_VISITS];
	lg_uuid session = lg_uuid_new();
	size_t n;

	(void)arg;
	for (int i = 0; i < STS_VISITS + 5; i++) {
		c.id = lg_print(cx->arena, "c%d", i);
		LG_TRY(sts_visit_put(cx, v, TENANT, session, &c));
	}
	LG_TRY(sts_visits_list(cx, v, TENANT, session, ids, &n));
	cr_assert_eq(n, STS_VISITS);
	return LG_OK;
}

Test(logout, applications_of_a_session_are_bounded)
{
	kit_apply(visit_often, NULL);
}

/* A browser may sign in and out for ever; what it leaves to be told must not grow with it. */
Test(logout, notices_that_wait_are_bounded)
{
	const char *cookie;
	struct answer t;

	make_clients(",\"backchannel_logout_uri\":\"" BACK "\"");
	for (uint64_t n = 1; n <= STS_NOTICES; n += STS_NOTICES - 1) {
		cookie = kit_sign_in();
		t = kit_redeem("portal", kit_code("portal", "", cookie));
		assert_status(sign_out(kit_member(t.body, "id_token"), "", cookie), 200);
		cr_assert_eq(waiting(), n);
		kit_fill(&sts_notices, STS_NOTICES - 1);
	}
	cookie = kit_sign_in();
	t = kit_redeem("portal", kit_code("portal", "", cookie));
	assert_status(sign_out(kit_member(t.body, "id_token"), "", cookie), 200);
	cr_assert_eq(waiting(), STS_NOTICES);
}
