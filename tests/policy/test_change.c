/* A set made by a change says what the same policies say when they are parsed whole. */
#include "generate.h"

#include <stdlib.h>

enum { MODEL_MAX = 400, START = 160, STEPS = 500 };

struct model {
	lg_str id[MODEL_MAX], text[MODEL_MAX];
	size_t n;
	unsigned named;
};

static lg_str
policy_text(struct fixture *f, struct generator *g)
{
	lg_str s;

	lg_buf_clear(g->out);
	gen_policy(g);
	s = lg_dup(f->arena, lg_buf_view(g->out));
	return s;
}

static void
model_add(struct fixture *f, struct generator *g, struct model *m)
{
	m->id[m->n] = lg_print(f->arena, "id%u", m->named++);
	m->text[m->n++] = policy_text(f, g);
}

static void
model_drop(struct model *m, size_t i)
{
	m->n--;
	m->id[i] = m->id[m->n];
	m->text[i] = m->text[m->n];
}

static struct lg_policies *
whole(struct scene *s, const struct model *m)
{
	struct lg_policy_source *src = LG_NEWS(s->f.arena, struct lg_policy_source, m->n);
	struct lg_policy_options o = { .schema = s->schema, .ids = m->id };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	for (size_t i = 0; i < m->n; i++)
		src[i].text = m->text[i];
	cr_assert_eq(lg_policies_parse(&s->f.cx, src, m->n, &o, &faults, &set), LG_OK, "%s", s->f.cx.error);
	return set;
}

/* Replaces *set, which is freed. */
static void
change(struct scene *s, struct lg_policies **set, const lg_str *remove, size_t nremove, const lg_str *ids, const lg_str *texts,
    size_t nadd)
{
	struct lg_policy_source *src = LG_NEWS(s->f.arena, struct lg_policy_source, nadd);
	struct lg_policy_change c = { remove, nremove, src, nadd };
	struct lg_policy_options o = { .ids = ids };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *next = NULL;

	for (size_t i = 0; i < nadd; i++)
		src[i].text = texts[i];
	cr_assert_eq(lg_policies_change(&s->f.cx, *set, &c, &o, &faults, &next), LG_OK, "%s", s->f.cx.error);
	lg_policies_unref(set);
	*set = next;
}

static int
by_text(const void *a, const void *b)
{
	return lg_str_cmp(*(const lg_str *)a, *(const lg_str *)b);
}

static lg_str
join(struct fixture *f, lg_str *v, size_t n)
{
	struct lg_buf b = LG_BUF(64u << 20);
	lg_str s;

	qsort(v, n, sizeof(*v), by_text);
	for (size_t i = 0; i < n; i++)
		lg_buf_printf(&b, "%.*s\n", LG_FMT(v[i]));
	s = lg_dup(f->arena, lg_buf_view(&b));
	lg_buf_free(&b);
	return s;
}

/* Ids with their JSON: the numbers are the set's own matter. */
static lg_str
contents(struct fixture *f, const struct lg_policies *set)
{
	size_t n = lg_policies_count(set), at;
	lg_str *v = LG_NEWS(f->arena, lg_str, n);
	struct lg_policy_info info;

	for (size_t i = 0; i < n; i++) {
		struct lg_buf b = LG_BUF(1u << 20);

		lg_policies_info(set, i, &info);
		cr_assert(lg_policies_find(set, info.id, &at) && at == i, "%.*s is found at %zu, not %zu", LG_FMT(info.id), at, i);
		lg_policy_json(set, i, &b);
		v[i] = lg_print(f->arena, "%.*s %.*s %.*s", LG_FMT(info.id), LG_FMT(info.text), LG_FMT(lg_buf_view(&b)));
		lg_buf_free(&b);
	}
	return join(f, v, n);
}

static lg_str
answer(struct scene *s, const struct lg_policies *set, const struct lg_request *rq)
{
	struct lg_answer a;
	struct lg_policy_info info;
	lg_str *v, text;

	lg_authorize(&s->f.cx, set, &s->port, rq, &a);
	v = LG_NEWS(s->f.arena, lg_str, a.ndetermining + a.nerrors);
	for (size_t i = 0; i < a.ndetermining; i++) {
		lg_policies_info(set, a.determining[i], &info);
		v[i] = info.id;
	}
	for (size_t i = 0; i < a.nerrors; i++) {
		lg_policies_info(set, a.errors[i].policy, &info);
		v[a.ndetermining + i] = lg_print(s->f.arena, "!%.*s %.*s", LG_FMT(info.id), LG_FMT(a.errors[i].message));
	}
	text = join(&s->f, v, a.ndetermining + a.nerrors);
	return lg_print(s->f.arena, "%s %u\n%.*s", a.allow ? "allow" : "deny", a.evaluated, LG_FMT(text));
}

static void
expect_same(struct scene *s, struct generator *g, const struct lg_policies *set, const struct lg_policies *other)
{
	lg_str x = contents(&s->f, set), y = contents(&s->f, other);

	cr_assert(lg_str_eq(x, y), "%.*s\nis not\n%.*s", LG_FMT(x), LG_FMT(y));
	for (int i = 0; i < 12; i++) {
		struct lg_request rq;

		gen_request(g, &s->f, s->schema, &rq);
		x = answer(s, set, &rq);
		y = answer(s, other, &rq);
		cr_assert(lg_str_eq(x, y), "%.*s\nis not\n%.*s", LG_FMT(x), LG_FMT(y));
	}
}

Test(change, five_hundred_in_a_row_end_as_the_same_set_parsed_whole)
{
	struct lg_buf out = LG_BUF(1u << 20);
	struct generator g = { .state = 7, .out = &out };
	struct scene s = scene_new();
	struct model m = { .n = 0 };
	struct lg_policies *set, *other;

	while (m.n < START)
		model_add(&s.f, &g, &m);
	set = whole(&s, &m);
	for (int step = 0; step < STEPS; step++) {
		lg_str gone[4];
		size_t removed = m.n > 20 ? gen_below(&g, 4) : 0, added = gen_below(&g, 4), from;

		for (size_t i = 0; i < removed; i++) {
			size_t at = gen_below(&g, (uint32_t)m.n);

			gone[i] = m.id[at];
			model_drop(&m, at);
		}
		from = m.n;
		for (size_t i = 0; i < added; i++)
			model_add(&s.f, &g, &m);
		if (removed > 0 && added > 0 && step % 2 == 0)
			m.id[from] = gone[0];		/* replaced */
		change(&s, &set, gone, removed, m.id + from, m.text + from, added);
		if (step % 25 != 24)
			continue;
		other = whole(&s, &m);
		expect_same(&s, &g, set, other);
		lg_policies_unref(&other);
	}
	lg_policies_unref(&set);
	lg_buf_free(&out);
	scene_free(&s);
}

/* ---- templates, refusals ----------------------------------------------------------------------- */

static struct lg_policies *
templates(struct scene *s)
{
	lg_str ids[] = { LG_STR("plain"), LG_STR("t") };
	struct lg_policy_source src[] = { { LG_NONE, LG_STR("permit(principal == User::\"b\", action, resource);") },
		{ LG_NONE, LG_STR("@why(\"shared\") permit(principal in ?principal, action, resource == ?resource) when { context.mfa };") } };
	struct lg_euid g = uid_of(&s->f, "Group::\"g\""), d = uid_of(&s->f, "Doc::\"d\"");
	struct lg_policy_link link = { LG_STR("t"), LG_STR("one"), &g, &d };
	struct lg_policy_options o = { .schema = s->schema, .ids = ids, .links = &link, .nlinks = 1 };
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *set = NULL;

	cr_assert_eq(lg_policies_parse(&s->f.cx, src, 2, &o, &faults, &set), LG_OK, "%s", s->f.cx.error);
	return set;
}

static lg_err
try_change(struct scene *s, struct lg_policies **set, const struct lg_policy_change *c, const struct lg_policy_options *o)
{
	struct lg_policy_faults faults = { 0 };
	struct lg_policies *next = NULL;
	lg_err e = lg_policies_change(&s->f.cx, *set, c, o, &faults, &next);

	if (e == LG_OK) {
		lg_policies_unref(set);
		*set = next;
	}
	return e;
}

Test(change, links_are_made_to_templates_old_and_new_and_outlive_the_set_they_came_from)
{
	struct scene s = scene_new();
	struct lg_policies *set = templates(&s);
	struct lg_euid a = uid_of(&s.f, "User::\"a\""), d = uid_of(&s.f, "Doc::\"d\"");
	lg_str id = LG_STR("t2"), one = LG_STR("one");
	struct lg_policy_source src = { LG_NONE, LG_STR("permit(principal == ?principal, action, resource) unless { context.mfa };") };
	struct lg_policy_link links[] = { { LG_STR("t"), LG_STR("two"), &a, &d }, { LG_STR("t2"), LG_STR("three"), &a, NULL } };
	struct lg_policy_change add = { .add = &src, .nadd = 1 }, none = { .nadd = 0 }, drop = { .remove = &one, .nremove = 1 };
	struct lg_policy_options o = { .ids = &id, .links = links, .nlinks = 2 }, more = { .nlinks = 0 };
	struct lg_policy_link later = { LG_STR("t2"), LG_STR("four"), &d, NULL };
	struct lg_buf json = LG_BUF(1u << 16);

	cr_assert_eq(try_change(&s, &set, &add, &o), LG_OK, "%s", s.f.cx.error);
	more.links = &later;
	more.nlinks = 1;
	cr_assert_eq(try_change(&s, &set, &none, &more), LG_OK, "%s", s.f.cx.error);
	cr_assert_eq(try_change(&s, &set, &drop, NULL), LG_OK, "%s", s.f.cx.error);
	lg_policies_json(set, &json);
	for (int i = 0; i < 3; i++) {
		static const char *const there[] = { "\"two\"", "\"three\"", "\"four\"" };

		cr_expect(memmem(json.p, json.n, there[i], strlen(there[i])) != NULL, "%s in %.*s", there[i], LG_FMT(lg_buf_view(&json)));
	}
	cr_expect(memmem(json.p, json.n, "\"one\"", 5) == NULL, "%.*s", LG_FMT(lg_buf_view(&json)));

	struct lg_policies *again = NULL;
	struct lg_policy_faults faults = { 0 };
	struct lg_policy_options with = { .schema = s.schema };
	cr_assert_eq(lg_policies_parse_json(&s.f.cx, lg_buf_view(&json), &with, &faults, &again), LG_OK, "%s", s.f.cx.error);
	struct lg_buf out = LG_BUF(1u << 16);
	struct generator g = { .state = 3, .out = &out };
	for (int i = 0; i < 40; i++) {
		struct lg_request rq;

		gen_request(&g, &s.f, s.schema, &rq);
		lg_str x = answer(&s, set, &rq), y = answer(&s, again, &rq);
		cr_expect(lg_str_eq(x, y), "%.*s\nis not\n%.*s", LG_FMT(x), LG_FMT(y));
	}
	lg_policies_unref(&again);
	lg_policies_unref(&set);
	lg_buf_free(&json);
	lg_buf_free(&out);
	scene_free(&s);
}

Test(change, refuses_what_does_not_fit_and_leaves_the_set_as_it_was)
{
	struct scene s = scene_new();
	struct lg_policies *set = templates(&s);
	lg_str ghost = LG_STR("ghost"), t = LG_STR("t"), both[] = { LG_STR("t"), LG_STR("one") }, plain[] = { LG_STR("plain"), LG_STR("plain") };
	struct lg_policy_source good = { LG_NONE, LG_STR("permit(principal, action, resource);") };
	struct lg_policy_source bad = { LG_STR("new.cedar"), LG_STR("permit(principal, action, resource)\nwhen { 1 + };") };
	struct lg_policy_options taken = { .ids = plain }, of_t = { .ids = &t };
	lg_str before = contents(&s.f, set), after;

	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .remove = &ghost, .nremove = 1 }, NULL), LG_E_NOT_FOUND);
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .remove = plain, .nremove = 2 }, NULL), LG_E_NOT_FOUND);
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .remove = &t, .nremove = 1 }, NULL), LG_E_CONFLICT);
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .remove = &t, .nremove = 1, .add = &good, .nadd = 1 }, &of_t), LG_E_CONFLICT);
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .add = &good, .nadd = 1 }, &taken), LG_E_INVALID);
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .add = &bad, .nadd = 1 }, NULL), LG_E_INVALID);
	cr_expect(memmem(s.f.cx.error, strlen(s.f.cx.error), "new.cedar:2:", 12) != NULL, "%s", s.f.cx.error);
	struct lg_schema *foreign = schema_of(&s.f, "entity U;");
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .nadd = 0 }, &(struct lg_policy_options){ .schema = foreign }), LG_E_INVALID);
	lg_schema_unref(&foreign);
	after = contents(&s.f, set);
	cr_expect(lg_str_eq(before, after));
	cr_expect_eq(try_change(&s, &set, &(struct lg_policy_change){ .remove = both, .nremove = 2 }, NULL), LG_OK, "%s", s.f.cx.error);
	cr_expect_eq(lg_policies_count(set), 1);
	lg_policies_unref(&set);
	scene_free(&s);
}

Test(change, only_what_is_new_is_validated_again)
{
	struct scene s = scene_new();
	struct lg_policies *set = policies_of(&s.f, "permit(principal, action, resource) when { false };"
	    "permit(principal, action, resource) when { context.mfa };", s.schema), *next = NULL;
	lg_str ids[] = { LG_STR("policy1"), LG_STR("new") };
	struct lg_policy_source src[] = { { LG_NONE, LG_STR("permit(principal, action, resource) when { context.mfo };") },
		{ LG_NONE, LG_STR("permit(principal is Nobody, action, resource);") } };
	struct lg_policy_change c = { ids, 1, src, 2 };
	struct lg_policy_options o = { .ids = ids };
	struct lg_policy_faults first = { 0 }, none = { 0 }, faults = { 0 };

	cr_assert_eq(lg_policies_validate(&s.f.cx, set, s.schema, LG_STRICT, &first), LG_OK, "%s", s.f.cx.error);
	cr_expect_eq(first.warnings, 1);
	cr_expect_eq(lg_policies_validate_change(&s.f.cx, set, set, s.schema, LG_STRICT, &none), LG_OK);
	cr_expect_eq(none.n, 0);
	cr_assert_eq(lg_policies_change(&s.f.cx, set, &c, &o, &faults, &next), LG_OK, "%s", s.f.cx.error);
	cr_expect_eq(lg_policies_validate_change(&s.f.cx, next, set, s.schema, LG_STRICT, &faults), LG_E_INVALID);
	for (size_t i = 0; i < faults.n; i++)
		cr_expect_not(lg_str_eq(faults.v[i].policy, LG_STR("policy0")), "%.*s", LG_FMT(faults.v[i].message));
	cr_expect(lg_str_eq(faults.v[0].policy, LG_STR("policy1")), "%.*s", LG_FMT(faults.v[0].policy));
	cr_expect(lg_str_eq(faults.v[faults.n - 1].policy, LG_STR("new")));
	lg_policies_unref(&next);
	lg_policies_unref(&set);
	scene_free(&s);
}
