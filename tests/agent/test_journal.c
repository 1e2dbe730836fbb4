/* test_journal.c: what was decided here is told in order, and is there until it was. */
#include "agent/journal.h"

#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "client/api.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

static char *
path(void)
{
	static char p[300];

	snprintf(p, sizeof p, "%s/decisions", test_folder());
	return p;
}

static struct lg_journal *
opened(struct lg_ctx *cx)
{
	struct lg_journal *j;

	cr_assert_eq(lg_journal_open(cx, path(), &j), LG_OK, "%s", cx->error);
	return j;
}

static struct lg_deed
deed(const char *container)
{
	return (struct lg_deed){ .container = lg_str_of(container), .action = "container:restart", .permit = true, .reason = LG_STR("permitted by \"x\""),
		.policy = LG_STR("x"), .revision = 7, .facts = LG_STR("{\"user\":\"0\"}") };
}

static void
add(struct lg_ctx *cx, struct lg_journal *j, const char *container)
{
	struct lg_deed d = deed(container);

	cr_assert_eq(lg_journal_add(cx, j, &d), LG_OK, "%s", cx->error);
}

static lg_str
part(struct lg_ctx *cx, struct lg_journal *j)
{
	lg_str s = LG_NONE;

	cr_assert_eq(lg_journal_part(cx, j, &s), LG_OK, "%s", cx->error);
	return s;
}

static bool
has(lg_str text, const char *what)
{
	return memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static lg_str
contents(struct lg_ctx *cx)
{
	lg_str s = LG_NONE;

	cr_assert_eq(lg_file_read(cx, path(), LG_JOURNAL_MAX * 2, &s), LG_OK, "%s", cx->error);
	return s;
}

Test(journal, records_are_told_in_order_and_then_gone)
{
	TEST_CTX(cx);
	LG_AUTO(lg_journal_close) struct lg_journal *j = opened(cx);

	cr_assert_not(lg_journal_waits(j));
	add(cx, j, "c1");
	add(cx, j, "c2");
	cr_assert(lg_journal_waits(j));
	cr_assert_eq(lg_journal_sync(cx, j), LG_OK, "%s", cx->error);
	lg_str p = part(cx, j);
	const char *one = memmem(p.p, p.n, "\"c1\"", 4), *two = memmem(p.p, p.n, "\"c2\"", 4);
	cr_assert(one != NULL && two > one);
	cr_assert(has(p, "\"seq\":1,") && has(p, "\"seq\":2,") && has(p, "\"container_facts\":{\"user\":\"0\"}") && has(p, "permitted by \\\"x\\\""));
	cr_assert_eq(lg_journal_told(cx, j, 1), LG_OK);
	p = part(cx, j);
	cr_assert(!has(p, "\"c1\"") && has(p, "\"c2\""));
	cr_assert_eq(lg_journal_told(cx, j, 2), LG_OK);
	cr_assert_not(lg_journal_waits(j));
	cr_assert_not(has(contents(cx), "\"c2\""));
	add(cx, j, "c3");
	cr_assert(has(part(cx, j), "\"seq\":3,"));
}

Test(journal, it_outlives_the_agent_and_a_torn_line)
{
	TEST_CTX(cx);
	struct lg_journal *j = opened(cx);

	add(cx, j, "c1");
	lg_str first = part(cx, j);
	lg_journal_close(&j);
	FILE *f = fopen(path(), "a");
	fputs("{\"seq\":2,\"prev\":\"", f);
	fclose(f);
	j = opened(cx);
	cr_assert(lg_str_eq(part(cx, j), first));
	add(cx, j, "c2");
	lg_journal_close(&j);
	j = opened(cx);
	cr_assert(has(part(cx, j), "\"c2\""));
	cr_assert_eq(lg_journal_told(cx, j, 2), LG_OK, "%s", cx->error);
	lg_journal_close(&j);
	j = opened(cx);
	cr_assert_not(lg_journal_waits(j));
	add(cx, j, "c3");
	cr_assert(has(part(cx, j), "\"seq\":3,"));
	lg_journal_close(&j);
}

Test(journal, a_changed_record_is_not_told)
{
	TEST_CTX(cx);
	struct lg_journal *j = opened(cx);

	add(cx, j, "c1");
	add(cx, j, "c2");
	lg_journal_close(&j);
	lg_str text = contents(cx);
	char *at = (char *)(uintptr_t)memmem(text.p, text.n, "\"c1\"", 4);
	at[2] = '9';
	cr_assert_eq(lg_file_write(cx, path(), 0600, text), LG_OK);
	j = opened(cx);
	cr_assert_not(lg_journal_waits(j));
	cr_assert_eq(access(lg_cat(cx->arena, lg_str_of(path()), LG_STR(".damaged")).p, F_OK), 0);
	add(cx, j, "c3");
	cr_assert(has(part(cx, j), "\"seq\":1,"));
	lg_journal_close(&j);
}

Test(journal, a_full_one_takes_nothing_more_until_it_was_told)
{
	TEST_CTX(cx);
	LG_AUTO(lg_journal_close) struct lg_journal *j = opened(cx);
	char *facts = lg_alloc(cx->arena, LG_JOURNAL_RECORD / 2);
	struct lg_deed d = deed("c1");
	uint64_t n = 0;
	lg_err e;

	memset(facts, ' ', LG_JOURNAL_RECORD / 2);
	memcpy(facts, "{}", 2);
	d.facts = (lg_str){ facts, LG_JOURNAL_RECORD / 2 };
	while ((e = lg_journal_add(cx, j, &d)) == LG_OK)
		n++;
	cr_assert_eq(e, LG_E_BUSY);
	cr_assert_leq(contents(cx).n, LG_JOURNAL_MAX);
	cr_assert_gt(n, 100);
	cr_assert_leq(part(cx, j).n, LG_JOURNAL_PART + LG_JOURNAL_RECORD);
	cr_assert_eq(lg_journal_told(cx, j, n), LG_OK);
	add(cx, j, "c2");
}

Test(journal, facts_that_are_too_large_stay_out)
{
	TEST_CTX(cx);
	LG_AUTO(lg_journal_close) struct lg_journal *j = opened(cx);
	char *facts = lg_alloc(cx->arena, LG_JOURNAL_RECORD);
	struct lg_deed d = deed("c1");

	memset(facts, '1', LG_JOURNAL_RECORD);
	d.facts = (lg_str){ facts, LG_JOURNAL_RECORD };
	cr_assert_eq(lg_journal_add(cx, j, &d), LG_OK, "%s", cx->error);
	cr_assert(has(part(cx, j), "\"c1\"") && !has(part(cx, j), "container_facts"));
}

Test(journal, a_service_that_is_ahead_is_not_believed)
{
	TEST_CTX(cx);
	LG_AUTO(lg_journal_close) struct lg_journal *j = opened(cx);

	add(cx, j, "c1");
	lg_str id = lg_api_member(cx, part(cx, j), "journal");
	cr_assert_eq(lg_journal_told(cx, j, 2), LG_E_CONFLICT);
	cr_assert_eq(lg_journal_told(cx, j, 0), LG_E_CONFLICT);
	cr_assert_eq(lg_journal_renew(cx, j), LG_OK, "%s", cx->error);
	cr_assert_not(lg_journal_waits(j));
	cr_assert_eq(access(lg_cat(cx->arena, lg_str_of(path()), LG_STR(".refused")).p, F_OK), 0);
	add(cx, j, "c2");
	cr_assert_not(lg_str_eq(lg_api_member(cx, part(cx, j), "journal"), id));
}
