/* test_certain.c: how many decisions it takes to read 100,000 entries, and that the verdicts are those of each entry. */
#include "tests/server/place.h"
#include "tests/server/reads.h"

enum { ENTRIES = 100000 };

static struct place p;
static struct lg_decider inner;
static unsigned asked, looked;

static lg_err
count_ask(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, struct lg_verdict *ret)
{
	asked++;
	return inner.ask(self, cx, v, q, ret);
}

static lg_err
count_certain(void *self, struct lg_ctx *cx, struct lg_view *v, const struct lg_question *q, bool *certain, bool *permit)
{
	looked++;
	return inner.certain(self, cx, v, q, certain, permit);
}

/* For alice cn, sn and mail are the same for every person, though policies look at dn and owner; telephoneNumber is not, and
 * description depends on the clock. */
static const char policies[] =
    "@id(\"elsewhere\") permit (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry)\n"
    "when { resource.dn like \"*,ou=elsewhere,dc=example,dc=org\" || (resource has owner && resource.owner == \"x\") };\n"
    "@id(\"no-mail\") forbid (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry)\n"
    "when { context has attribute && context.attribute == \"mail\" && (resource.class == \"User\" || resource.dn like \"a*\") };\n"
    "@id(\"no-odd-phones\") forbid (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry)\n"
    "when { context has attribute && context.attribute == \"telephoneNumber\" && resource.dn like \"uid=u*7,*\" };\n"
    "@id(\"later\") forbid (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry)\n"
    "when { context has attribute && context.attribute == \"description\" && context.now < datetime(\"2020-01-01\") };\n";

static void
setup(void)
{
	place_start(&p);
	place_make(&p, LG_TYPE_USER, "bob", NULL, NULL);
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(certain, .init = setup, .fini = teardown);

static unsigned
read_all(const struct lg_actor *actor, const char *attribute, struct lg_memo *memo, unsigned n)
{
	return reads_permitted(p.directory, p.store, actor, attribute, memo, n);
}

static struct lg_actor
actor_of(const char *name)
{
	struct lg_view *v = NULL;
	struct lg_entry e;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, LG_TYPE_USER, lg_str_of(name), &e));
	lg_view_end(&v);
	return (struct lg_actor){ LG_ACTOR_ENTRY, PLACE_TENANT, e.uuid, LG_STR("User"), lg_str_of(name), LG_STR("127.0.0.1:1") };
}

Test(certain, a_hundred_thousand_entries_are_read_with_a_few_decisions)
{
	static const struct {
		const char *attribute;
		unsigned entries, permits, asked, looked;	/* at most so many questions */
	} reads[] = {
		{ "cn", ENTRIES, ENTRIES, 2, 1 },
		{ "sn", ENTRIES, ENTRIES, 2, 1 },
		{ "mail", ENTRIES, 0, 2, 1 },
		{ "telephoneNumber", 5000, 4500, 5000, 1 },	/* one in ten ends in 7 */
		{ "description", 2000, 2000, 2000, 1 },
	};
	struct lg_memo *memo = lg_memo_new();

	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	place_ok(&p, place_activate(&p, policies, NULL));
	struct lg_actor alice = actor_of("alice"), bob = actor_of("bob");
	inner = p.decider;
	p.decider.ask = count_ask;
	p.decider.certain = count_certain;
	for (size_t i = 0; i < LG_COUNT(reads); i++) {
		asked = looked = 0;
		unsigned permits = read_all(&alice, reads[i].attribute, memo, reads[i].entries);
		cr_expect_eq(permits, reads[i].permits, "%s: %u", reads[i].attribute, permits);
		cr_expect(asked == reads[i].asked && looked == reads[i].looked, "%s: %u questions, %u looks", reads[i].attribute, asked, looked);
	}
	/* For whom no policy looks at the entry, the first answer holds for all. */
	asked = looked = 0;
	cr_expect_eq(read_all(&bob, "telephoneNumber", memo, ENTRIES), ENTRIES);
	cr_expect(asked == 1 && looked == 0, "%u questions, %u looks", asked, looked);
	lg_memo_free(&memo);
}

Test(certain, an_answer_ends_with_the_policies_and_entries_it_was_given_for)
{
	struct lg_memo *memo = lg_memo_new();

	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	place_ok(&p, place_activate(&p, policies, NULL));
	struct lg_actor alice = actor_of("alice");
	inner = p.decider;
	p.decider.ask = count_ask;
	p.decider.certain = count_certain;
	cr_expect_eq(read_all(&alice, "cn", memo, 10), 10);
	place_ok(&p, place_activate(&p, "@id(\"none\") forbid (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry) when { resource.class == \"User\" };", NULL));
	cr_expect_eq(read_all(&alice, "cn", memo, 10), 0);
	place_ok(&p, place_activate(&p, policies, NULL));
	cr_expect_eq(read_all(&alice, "cn", memo, 10), 10);
	place_enable(&p, LG_TYPE_USER, "alice", false);		/* the system's set forbids her everything */
	cr_expect_eq(read_all(&alice, "cn", memo, 10), 0);
	lg_memo_free(&memo);
}

/* Cedar overlooks a forbid that errs; a decision point does not. */
Test(certain, a_forbid_that_fails_for_all_denies_for_all)
{
	struct lg_memo *memo = lg_memo_new();

	place_make(&p, LG_TYPE_USER, "alice", NULL, NULL);
	place_ok(&p, place_activate(&p, "@id(\"broken\") forbid (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry)\n"
	    "when { resource.dn like \"zz*\" || 9223372036854775807 + context.revision > 0 };\n"
	    "@id(\"breaks\") forbid (principal == User::\"alice\", action == Action::\"attribute:read\", resource is Entry)\n"
	    "when { 9223372036854775807 + 1 > 0 || resource.dn like \"b*\" };", NULL));
	struct lg_actor alice = actor_of("alice");
	inner = p.decider;
	p.decider.ask = count_ask;
	p.decider.certain = count_certain;
	asked = looked = 0;
	cr_expect_eq(read_all(&alice, "cn", memo, 100), 0);
	cr_expect(asked == 2 && looked == 1, "%u questions, %u looks", asked, looked);
	lg_memo_free(&memo);
}
