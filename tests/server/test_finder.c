/* test_finder.c: searches propose everybody who is permitted, in order and in pages. */
#include "server/finder.h"

#include <stdio.h>

#include "tests/server/place.h"

#define WORKLOADS 150			/* more than one decision may touch */

static struct place p;

static lg_err
make_all(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_edit ed = lg_edit_of(p.directory, v, PLACE_TENANT);
	lg_str project[2] = { LG_STR("cn=shop,ou=projects,dc=example,dc=org"), LG_STR("cn=lab,ou=projects,dc=example,dc=org") };
	struct lg_entry e;

	(void)arg;
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_PROJECT, LG_STR("shop"), NULL, 0, &e));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_PROJECT, LG_STR("lab"), NULL, 0, &e));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_USER, LG_STR("alice"), NULL, 0, &e));
	LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_USER, LG_STR("bob"), NULL, 0, &e));
	for (int i = 0; i < WORKLOADS; i++) {
		lg_str label = i % 3 == 0 ? LG_STR("tier=web") : LG_STR("tier=db");
		struct lg_values values[2] = { { LG_STR("lgProject"), &project[i % 2], 1 }, { LG_STR("lgLabel"), &label, 1 } };
		LG_TRY(lg_entry_create(cx, &ed, LG_TYPE_WORKLOAD, lg_print(cx->arena, "w%03d", i), values, 2, &e));
	}
	return LG_OK;
}

static void
setup(void)
{
	place_start(&p);
	place_ok(&p, lg_store_apply(&p.cx, p.store, PLACE_TENANT, "test", make_all, NULL, NULL));
	lg_store_turn(p.store);
}

static void
teardown(void)
{
	place_end(&p);
}

TestSuite(finder, .init = setup, .fini = teardown);

static struct lg_entity_id
named(struct lg_view *v, enum lg_entry_type type, lg_str name)
{
	struct lg_entry e;

	place_ok(&p, lg_entry_by_name(&p.cx, v, PLACE_TENANT, type, name, &e));
	return lg_entry_entity(&e);
}

static struct lg_question
question_of(struct lg_view *v, const char *action)
{
	return (struct lg_question){ .tenant = PLACE_TENANT, .action = action, .principal = named(v, LG_TYPE_USER, LG_STR("alice")),
		.resource = { .type = LG_STR("Workload") } };
}

/* Proposals of the page size, all pages after one another. */
static size_t
propose_all(struct lg_view *v, struct lg_question *q, size_t page, lg_str *ret, size_t max)
{
	struct lg_find f = { .point = p.point, .view = v, .question = q, .limit = page };
	size_t n = 0, got;
	lg_str *names;

	do {
		place_ok(&p, lg_find_entries(&p.cx, &f, &names, &got));
		cr_assert_leq(got, page);
		for (size_t i = 0; i < got; i++) {
			cr_assert_lt(n, max);
			ret[n++] = names[i];
		}
	} while (f.more);
	return n;
}

static bool
permitted(struct lg_view *v, const struct lg_question *q, lg_str name)
{
	struct lg_question one = *q;
	struct lg_verdict ret;

	one.resource = named(v, LG_TYPE_WORKLOAD, name);
	place_ok(&p, lg_point_ask(p.point, &p.cx, v, &one, &ret));
	return ret.permit;
}

/* Everything that is permitted is among the proposals; they rise, and none comes twice, whatever the page. */
static size_t
check(const char *policies, const char *action)
{
	static const size_t pages[] = { 1, 7, 100, 1000 };
	lg_str names[WORKLOADS];
	struct lg_view *v = NULL;
	size_t n = 0;

	place_ok(&p, place_activate(&p, policies, NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	struct lg_question q = question_of(v, action);
	for (size_t k = 0; k < LG_COUNT(pages); k++) {
		size_t next = 0;
		n = propose_all(v, &q, pages[k], names, WORKLOADS);
		for (size_t i = 1; i < n; i++)
			cr_assert_lt(lg_str_cmp(names[i - 1], names[i]), 0);
		for (int i = 0; i < WORKLOADS; i++) {
			lg_str name = lg_print(p.cx.arena, "w%03d", i);
			bool proposed = next < n && lg_str_eq(names[next], name);
			next += proposed;
			cr_assert(proposed || !permitted(v, &q, name), "%s by pages of %zu", name.p, pages[k]);
		}
		cr_assert_eq(next, n);
	}
	lg_view_end(&v);
	lg_store_turn(p.store);
	return n;
}

Test(finder, by_project)
{
	cr_assert_eq(check("permit (principal == User::\"alice\", action in Action::\"container:operate\", resource in Project::\"shop\");\n",
	    "container:stop"), WORKLOADS / 2);
}

Test(finder, by_attributes)
{
	cr_assert_eq(check("permit (principal == User::\"alice\", action == Action::\"container:stop\", resource is Workload) when { "
	    "resource has labels && resource.labels.contains(\"tier=web\") };\n", "container:stop"), WORKLOADS / 3);
}

Test(finder, without_looking_where_nothing_permits)
{
	struct lg_view *v = NULL;
	lg_str *names;
	size_t n;

	cr_assert_eq(check("permit (principal == User::\"bob\", action == Action::\"container:stop\", resource);\n", "container:stop"), 0);
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	struct lg_question q = question_of(v, "container:stop");
	struct lg_find f = { .point = p.point, .view = v, .question = &q, .limit = 10 };
	place_ok(&p, lg_find_entries(&p.cx, &f, &names, &n));
	cr_assert(n == 0 && f.looked == 0 && !f.more);
	lg_view_end(&v);
}

Test(finder, what_a_forbid_takes_out_is_not_proposed)
{
	cr_assert_eq(check("permit (principal == User::\"alice\", action == Action::\"container:stop\", resource);\n"
	    "forbid (principal, action, resource in Project::\"lab\");\n", "container:stop"), WORKLOADS / 2);
}

/* `self` holds for the asker alone: the engine is asked as if for somebody else, so the asker is always proposed. */
Test(finder, the_asker_is_proposed_whatever_the_policies_say)
{
	struct lg_view *v = NULL;
	lg_str *names;
	size_t n;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	struct lg_question q = { .tenant = PLACE_TENANT, .action = "container:stop", .principal = { .type = LG_STR("User") },
		.resource = named(v, LG_TYPE_WORKLOAD, LG_STR("w000")) };
	struct lg_find f = { .point = p.point, .view = v, .question = &q, .subjects = true, .limit = 10,
		.always = named(v, LG_TYPE_USER, LG_STR("bob")).id };
	place_ok(&p, lg_find_entries(&p.cx, &f, &names, &n));
	cr_assert(n == 1 && lg_str_eq(names[0], LG_STR("bob")) && !f.more);
	place_ok(&p, lg_find_entries(&p.cx, &f, &names, &n));
	cr_assert_eq(n, 0, "once");
	lg_view_end(&v);
	lg_store_turn(p.store);
	place_ok(&p, place_activate(&p, "permit (principal == User::\"alice\", action == Action::\"container:stop\", resource);\n", NULL));
	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	f.view = v;
	f.after = LG_NONE;
	place_ok(&p, lg_find_entries(&p.cx, &f, &names, &n));
	cr_assert(n == 2 && lg_str_eq(names[0], LG_STR("alice")) && lg_str_eq(names[1], LG_STR("bob")));
	lg_view_end(&v);
}

Test(finder, types_and_actions_that_nobody_knows_find_nothing)
{
	static const char *const actions[] = { "fly", "image:pull", "" };
	struct lg_view *v = NULL;
	lg_str *names;
	size_t n;

	place_ok(&p, lg_view_begin(&p.cx, p.store, &v));
	for (size_t i = 0; i < LG_COUNT(actions); i++) {
		struct lg_question q = question_of(v, actions[i]);
		struct lg_find f = { .point = p.point, .view = v, .question = &q, .limit = 10 };
		place_ok(&p, lg_find_entries(&p.cx, &f, &names, &n));
		cr_assert_eq(n, 0);
		q.resource.type = LG_STR("Spaceship");
		place_ok(&p, lg_find_entries(&p.cx, &f, &names, &n));
		cr_assert_eq(n, 0);
	}
	struct lg_question q = question_of(v, "container:stop");
	q.tenant = 7;
	place_ok(&p, lg_find_entries(&p.cx, &(struct lg_find){ .point = p.point, .view = v, .question = &q, .limit = 10 }, &names, &n));
	cr_assert_eq(n, 0, "no policy is in force for that tenant");
	lg_view_end(&v);
}
