/* test_answers.c: an answer is given again only while everything that it was made from is as it was. */
#include "server/answers.h"
#include "tests/server/place.h"

static struct place p;
static struct lg_answers *as;

static void
setup(void)
{
	place_start(&p);
	as = lg_answers_new();
}

static void
teardown(void)
{
	lg_answers_free(&as);
	place_end(&p);
}

TestSuite(answers, .init = setup, .fini = teardown);

static const struct lg_kept kept = { .response = { "{\"id\":\"0\"}", 10 }, .record = { "record", 6 }, .response_id = 7, .permit = true };

static void
put(uint64_t policy, lg_str key)
{
	struct lg_view *v = NULL;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	lg_answers_put(as, v, PLACE_TENANT, policy, key, &kept);
	lg_view_end(&v);
	lg_store_turn(p.store);
}

static bool
get(uint32_t tenant, uint64_t policy, lg_str key, struct lg_kept *ret)
{
	struct lg_view *v = NULL;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	bool found = lg_answers_get(as, v, tenant, policy, key, ret);
	lg_view_end(&v);
	lg_store_turn(p.store);
	return found;
}

#define KEY LG_STR("who and what")

Test(answers, what_was_put_comes_back_whole)
{
	struct lg_kept an;

	put(1, KEY);
	cr_assert(get(PLACE_TENANT, 1, KEY, &an));
	cr_assert(lg_str_eq(an.response, kept.response) && lg_str_eq(an.record, kept.record));
	cr_assert(an.response_id == 7 && an.permit);
}

Test(answers, another_question_tenant_or_policy_is_another_answer)
{
	struct lg_kept an;

	put(1, KEY);
	cr_assert(!get(PLACE_TENANT, 1, LG_STR("who and wha"), &an));
	cr_assert(!get(PLACE_TENANT, 1, LG_STR("who and what else"), &an));
	cr_assert(!get(2, 1, KEY, &an));
	cr_assert(!get(PLACE_TENANT, 2, KEY, &an));
}

Test(answers, a_changed_entry_or_membership_ends_it)
{
	struct lg_kept an;

	put(1, KEY);
	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	cr_assert(!get(PLACE_TENANT, 1, KEY, &an));
	put(1, KEY);
	place_join(&p, "administrators", LG_TYPE_USER, "alice");
	cr_assert(!get(PLACE_TENANT, 1, KEY, &an));
}

static lg_err
nothing_of_interest(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)cx, (void)arg;
	lg_audit(v, LG_STR("x"), LG_NONE);
	return LG_OK;
}

Test(answers, a_change_of_something_else_does_not)
{
	struct lg_kept an;

	put(1, KEY);
	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "other", nothing_of_interest, NULL, NULL));
	cr_assert(get(PLACE_TENANT, 1, KEY, &an));
}

Test(answers, what_is_long_is_not_kept)
{
	static char text[LG_ANSWER_KEY + 1];
	struct lg_kept an;

	memset(text, 'x', sizeof text);
	put(1, (lg_str){ text, LG_ANSWER_KEY });
	cr_assert(get(PLACE_TENANT, 1, (lg_str){ text, LG_ANSWER_KEY }, &an));
	put(1, (lg_str){ text, sizeof text });
	cr_assert(!get(PLACE_TENANT, 1, (lg_str){ text, sizeof text }, &an));
}

Test(answers, a_table_that_is_full_forgets_and_never_mixes)
{
	struct lg_kept an;
	size_t found = 0;

	for (int i = 0; i < 3 * LG_ANSWERS; i++)
		put(1, lg_print(p.cx.arena, "question %d", i));
	for (int i = 0; i < 3 * LG_ANSWERS; i++)
		found += get(PLACE_TENANT, 1, lg_print(p.cx.arena, "question %d", i), &an);
	cr_assert(found > 0 && found <= LG_ANSWERS, "%zu", found);
}
