/* test_memo.c: what is asked is the key, whole; permits come back while they hold, denials never. */
#include "server/memo.h"
#include "tests/server/place.h"

static struct place p;
static struct lg_answers *as;
static struct lg_actor actor;
static const struct lg_actor *someone;
static struct lg_fact image[1];
static lg_str labels[2];
static struct lg_question q;

static void
setup(void)
{
	place_start(&p);
	as = lg_answers_new();
	someone = p.cx.actor;
	actor = (struct lg_actor){ .kind = LG_ACTOR_ENTRY, .type = LG_STR("Service"), .name = LG_STR("controller"), .address = LG_STR("::1") };
	p.cx.actor = &actor;
	image[0] = (struct lg_fact){ .name = "image", .s = LG_STR("busybox") };
	labels[0] = LG_STR("a");
	labels[1] = LG_STR("b");
	q = (struct lg_question){
		.tenant = PLACE_TENANT, .action = "container:create",
		.principal = { LG_STR("User"), { { 1 } }, LG_STR("alice") }, .resource = { LG_STR("Workload"), { { 0 } }, LG_STR("web") },
		.parent = { LG_STR("Project"), { { 2 } }, LG_STR("shop") }, .nfacts = 2, .ncontext = 1,
		.facts = {
			{ .name = "claimed", .type = LG_FACT_RECORD, .record = image, .n = 1 },
			{ .name = "labels", .type = LG_FACT_SET, .set = labels, .n = 2 },
		},
		.context = { { .name = "port", .type = LG_FACT_INT, .i = 5432 } },
	};
}

static void
teardown(void)
{
	lg_answers_free(&as);
	p.cx.actor = someone;
	place_end(&p);
}

TestSuite(memo, .init = setup, .fini = teardown);

static void
expect_other(lg_str key, const char *what)
{
	lg_str now = lg_memo_key(&p.cx, &q);

	cr_assert(now.n > 0 && !lg_str_eq(now, key), "%s is not part of the key", what);
}

#define EXPECT_OTHER(place, value) do { \
		__typeof__(place) was_ = (place); \
		lg_str key_ = lg_memo_key(&p.cx, &q); \
		(place) = (value); \
		expect_other(key_, #place); \
		(place) = was_; \
	} while (0)

Test(memo, everything_that_is_asked_is_part_of_the_key)
{
	cr_assert(lg_str_eq(lg_memo_key(&p.cx, &q), lg_memo_key(&p.cx, &q)));
	EXPECT_OTHER(q.action, "container:start");
	EXPECT_OTHER(q.principal.type, LG_STR("Host"));
	EXPECT_OTHER(q.principal.id.b[0], 9);
	EXPECT_OTHER(q.resource.type, LG_STR("Image"));
	EXPECT_OTHER(q.resource.id.b[15], 9);
	EXPECT_OTHER(q.resource.name, LG_STR("db"));
	EXPECT_OTHER(q.parent.id.b[0], 9);
	EXPECT_OTHER(q.nfacts, 1);
	EXPECT_OTHER(q.ncontext, 0);
	EXPECT_OTHER(q.facts[0].name, "claimes");
	EXPECT_OTHER(image[0].s, LG_STR("nginx"));
	EXPECT_OTHER(labels[1], LG_STR("c"));
	EXPECT_OTHER(q.context[0].i, 22);
	EXPECT_OTHER(q.context[0].type, LG_FACT_BOOL);
	EXPECT_OTHER(actor.address, LG_STR("::2"));
	EXPECT_OTHER(actor.name, LG_STR("other"));
	EXPECT_OTHER(actor.id.b[0], 9);
}

Test(memo, what_is_too_long_or_too_deep_is_not_kept)
{
	char text[LG_ANSWER_KEY];
	struct lg_fact deep[6];

	memset(text, 'x', sizeof text);
	image[0].s = (lg_str){ text, sizeof text };
	cr_assert_eq(lg_memo_key(&p.cx, &q).n, 0);
	image[0].s = LG_NONE;
	for (size_t i = 0; i < LG_COUNT(deep); i++)
		deep[i] = (struct lg_fact){ .name = "in", .type = LG_FACT_RECORD, .record = i == 0 ? image : &deep[i - 1], .n = 1 };
	q.context[0] = deep[LG_COUNT(deep) - 1];
	cr_assert_eq(lg_memo_key(&p.cx, &q).n, 0);
}

static bool
again(struct lg_verdict given, struct lg_verdict *ret)
{
	lg_str key = lg_memo_key(&p.cx, &q);
	struct lg_view *v = NULL;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	lg_memo_put(as, v, &q, 1, key, &given);
	bool found = lg_memo_get(&p.cx, as, v, &q, 1, key, ret) && !lg_memo_get(&p.cx, as, v, &q, 2, key, ret);
	lg_view_end(&v);
	lg_store_turn(p.store);
	return found;
}

Test(memo, a_permit_comes_back_and_nothing_else_does)
{
	static const lg_str policies[] = { LG_STR("p"), LG_STR("q") }, advice[] = { LG_STR("tell them") };
	struct lg_verdict verdict = { .permit = true, .stable = true, .general = true, .policy = LG_STR("p"), .reason = LG_STR("why"),
		.policies = policies, .npolicies = 2, .advice = advice, .nadvice = 1 }, got;

	verdict.permit = false;
	cr_assert(!again(verdict, &got));
	verdict.permit = true;
	verdict.stable = false;
	cr_assert(!again(verdict, &got));
	verdict.stable = true;
	cr_assert(again(verdict, &got));
	cr_assert(got.permit && got.stable && got.general && got.revision == 1);
	cr_assert(lg_str_eq(got.policy, verdict.policy) && lg_str_eq(got.reason, verdict.reason));
	cr_assert(got.npolicies == 2 && lg_str_eq(got.policies[1], policies[1]));
	cr_assert(got.nadvice == 1 && lg_str_eq(got.advice[0], advice[0]));
}
