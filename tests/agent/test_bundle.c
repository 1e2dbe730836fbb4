/* test_bundle.c: what a host decides by itself, fresh and cut off, on a clock that the test turns. */
#include "tests/agent/place.h"

struct asked {
	const char *type, *subject, *action;
	int port;
	enum lg_local answer;
	const char *reason;
};

static void
check(struct place *p, const struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lg_bundle_question q = { .subject_type = lg_str_of(a[i].type), .subject = lg_str_of(a[i].subject), .proof = "asserted",
			.action = lg_str_of(a[i].action), .resource_type = LG_STR("Workload"), .resource = LG_STR("db"), .port = a[i].port };
		struct lg_local_why why;
		enum lg_local answer = lg_bundles_decide(p->w.cx, p->b, &q, &why);
		cr_assert_eq(answer, a[i].answer, "case %zu: %d: %.*s", i, (int)answer, LG_FMT(why.reason));
		cr_assert_not_null(strstr(lg_dup(p->w.cx->arena, why.reason).p, a[i].reason), "case %zu: %.*s", i, LG_FMT(why.reason));
		cr_assert(why.policy.n == 0 || why.revision > 0, "case %zu: a policy without its revision", i);
	}
}

static const struct asked fresh[] = {
	{ "Workload", "web", "connect", 5432, LG_LOCAL_PERMIT, "permitted by web-to-db" },
	{ "Workload", "web", "connect", 22, LG_LOCAL_DENY, "no policy permits it" },
	{ "User", "alice", "container:stop", 0, LG_LOCAL_PERMIT, "permitted by ops" },
	{ "User", "bob", "container:stop", 0, LG_LOCAL_DENY, "disabled" },
	{ "User", "zoe", "container:logs", 0, LG_LOCAL_ASK, "not known here" },
	{ "User", "alice", "container:create", 0, LG_LOCAL_ASK, "decided by the service" },
	{ "User", "alice", "container:start", 0, LG_LOCAL_ASK, "decided by the service" },
	{ "User", "alice", "image:pull", 0, LG_LOCAL_ASK, "decided by the service" },
}, stale[] = {
	{ "Workload", "web", "connect", 5432, LG_LOCAL_DENY, "cut off from the service for 60 s" },
	{ "User", "alice", "container:restart", 0, LG_LOCAL_DENY, "cut off" },
	{ "User", "zoe", "container:logs", 0, LG_LOCAL_DENY, "cut off" },
	{ "User", "bob", "container:stop", 0, LG_LOCAL_PERMIT, "stops what it is told to" },
	{ "User", "alice", "container:create", 0, LG_LOCAL_ASK, "decided by the service" },
};

Test(bundle, decides_what_continues_until_max_stale_and_denies_then)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);

	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_OK, "%s", cx->error);
	check(&p, fresh, LG_COUNT(fresh));
	test_clock += 60 * LG_SECOND - 1;
	check(&p, fresh, LG_COUNT(fresh));
	cr_assert(lg_bundles_fresh(p.b));
	test_clock += 1;
	cr_assert_not(lg_bundles_fresh(p.b));
	check(&p, stale, LG_COUNT(stale));
	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_OK, "%s", cx->error);
	check(&p, fresh, LG_COUNT(fresh));
	place_end(&p);
}

Test(bundle, nothing_is_decided_before_the_first_contact)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);
	const struct asked none[] = {
		{ "Workload", "web", "connect", 5432, LG_LOCAL_DENY, "no bundle" }, { "User", "bob", "container:stop", 0, LG_LOCAL_PERMIT, "stops" },
	};

	check(&p, none, LG_COUNT(none));
	place_end(&p);
}

Test(bundle, listeners_hear_of_what_is_held_and_of_what_comes)
{
	TEST_CTX(cx);
	struct place p;
	int later = 0;
	place_init(&p, cx);

	cr_assert_eq(p.changes, 0);
	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_OK, "%s", cx->error);
	cr_assert_eq(p.changes, 1);
	lg_bundles_listen(p.b, changed, &later);
	cr_assert_eq(later, 1, "there is one already");
	p.w.max_stale = 30;
	serve(&p, 11);
	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_OK, "%s", cx->error);
	cr_assert_eq(p.changes, 2);
	cr_assert_eq(later, 2);
	place_end(&p);
}

Test(bundle, a_restart_goes_on_with_the_stored_one_and_the_pinned_key)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);

	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_OK, "%s", cx->error);
	lg_bundles_close(&p.b);
	p.routes[0].status = p.routes[1].status = 503;
	test_clock += 30 * LG_SECOND;
	open_place(&p);
	check(&p, fresh, LG_COUNT(fresh));
	cr_assert_neq(lg_bundles_fetch(cx, p.b), LG_OK);
	check(&p, fresh, LG_COUNT(fresh));
	test_clock += 30 * LG_SECOND;
	check(&p, stale, LG_COUNT(stale));
	lg_str status = lg_bundles_status(cx, p.b);
	cr_assert_not_null(strstr(status.p, "\"fresh\":false"), "%s", status.p);
	cr_assert_not_null(strstr(status.p, "\"age\":60"), "%s", status.p);
	cr_assert_null(strstr(status.p, "\"trouble\":\"\""), "%s", status.p);
	place_end(&p);
}

Test(bundle, another_services_bundle_keys_are_not_believed)
{
	TEST_CTX(cx);
	struct place p;
	place_init(&p, cx);

	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_OK, "%s", cx->error);
	/* whoever has the service's place later has other keys, and says so */
	struct token_maker mine = p.w.signer;
	p.w.signer = p.w.heir;
	p.routes[1].body = lg_print(cx->arena, "{\"issuer\":\"" ISSUER "\",\"host\":\"" HOST "\",\"stream\":\"%s\",\"bundle_keys\":%s}", p.service->url,
	    p.w.heir.jwks).p;
	lg_str body = bundle_body(&p.w);
	p.routes[0].body = lg_print(cx->arena, "%.*s\ns\n%.*s", LG_FMT(bundle_token(&p.w, body, &(struct bundle_token){ .version = 99, .kid = "b2" })), LG_FMT(body)).p;
	cr_assert_eq(lg_bundles_fetch(cx, p.b), LG_E_UNAUTHENTICATED, "%s", cx->error);
	p.w.signer = mine;
	check(&p, fresh, LG_COUNT(fresh));
	place_end(&p);
}
