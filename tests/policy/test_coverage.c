/* What requests made of the parts of a set. */
#include "policy_test.h"

struct seen {
	struct fixture f;
	struct lg_policies *set;
	struct lg_coverage *c;
};

static const struct lg_part *
part(const struct seen *s, const char *text)
{
	size_t n;
	const struct lg_part *v = lg_coverage_parts(s->c, &n);

	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(v[i].text, lg_str_of(text)))
			return &v[i];
	cr_assert_fail("no part %s", text);
	return v;
}

/* One request for each context. */
static struct seen
see(const char *policies, const char *const *contexts, size_t n)
{
	struct seen s = { .f = fixture_new() };
	struct lg_entity_store *st = store_of(&s.f, "[]", NULL);
	struct lg_entities port = lg_entity_store_port(st);
	struct lg_request rq = { uid_of(&s.f, "U::\"a\""), uid_of(&s.f, "Action::\"x\""), uid_of(&s.f, "U::\"b\""), NULL };

	s.set = policies_of(&s.f, policies, NULL);
	s.c = lg_coverage_new(s.f.arena, s.set);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(lg_context_json(&s.f.cx, NULL, &rq.action, lg_str_of(contexts[i]), &rq.context), LG_OK);
		lg_coverage_add(&s.f.cx, s.c, &port, &rq);
	}
	lg_entity_store_free(&st);
	return s;
}

static void
seen_free(struct seen *s)
{
	lg_policies_unref(&s->set);
	fixture_free(&s->f);
}

#define EXPECT(s, text, t, f, e) do { const struct lg_part *at = part(&(s), text); \
	cr_expect(at->yes == (t) && at->no == (f) && at->errors == (e), "%s: %llu %llu %llu", text, (unsigned long long)at->yes, \
	    (unsigned long long)at->no, (unsigned long long)at->errors); } while (0)

Test(coverage, operands_count_up_to_the_one_that_settles_it)
{
	static const char *const contexts[] = { "{\"a\":true,\"b\":true,\"c\":false}", "{\"a\":false}", "{\"a\":true,\"b\":false,\"c\":true}" };
	struct seen s = see("permit(principal, action, resource) when { context.a && (context.b || !context.c) } unless { context.a && 1 == 2 };",
	    contexts, 3);
	size_t seen, all;

	EXPECT(s, "policy0", 1, 2, 0);
	EXPECT(s, "context.a && (context.b || !context.c)", 1, 2, 0);
	EXPECT(s, "context.a", 2, 1, 0);
	EXPECT(s, "context.b", 1, 1, 0);
	EXPECT(s, "!context.c", 0, 1, 0);
	EXPECT(s, "context.a && 1 == 2", 0, 1, 0);
	cr_expect(part(&s, "1 == 2")->constant);
	lg_coverage_sum(s.c, &seen, &all);
	/* policy 1/1, when 2/2, a 2/2, or 2/2, b 2/2, !c 1/2, unless 1/2, its a 1/2 */
	cr_expect_eq(all, 15);
	cr_expect_eq(seen, 12);
	seen_free(&s);
}

Test(coverage, what_fails_is_told_apart_and_what_no_scope_lets_in_is_not_reached)
{
	static const char *const contexts[] = { "{}", "{\"a\":1}" };
	struct seen s = see("permit(principal, action, resource) when { context.a == 1 && context.a.b };"
	    "forbid(principal == U::\"z\", action, resource) when { context has z };", contexts, 2);

	EXPECT(s, "policy0", 0, 0, 2);
	EXPECT(s, "context.a == 1", 1, 0, 1);
	EXPECT(s, "context.a.b", 0, 0, 1);
	EXPECT(s, "policy1", 0, 2, 0);
	EXPECT(s, "context has z", 0, 0, 0);
	seen_free(&s);
}

Test(coverage, links_share_the_parts_of_their_template)
{
	struct seen s = { .f = fixture_new() };
	struct lg_euid a = uid_of(&s.f, "U::\"a\""), b = uid_of(&s.f, "U::\"b\"");
	struct lg_policy_link links[] = { { LG_STR("policy0"), LG_STR("one"), &a, NULL }, { LG_STR("policy0"), LG_STR("two"), &b, NULL } };
	struct lg_policy_source src = { LG_NONE, LG_STR("permit(principal == ?principal, action, resource) when { context.ok };") };
	struct lg_policy_options o = { .links = links, .nlinks = 2 };
	struct lg_policy_faults faults = { 0 };
	struct lg_entity_store *st = store_of(&s.f, "[]", NULL);
	struct lg_entities port = lg_entity_store_port(st);
	struct lg_request rq = { a, uid_of(&s.f, "Action::\"x\""), b, NULL };
	size_t n, seen, all;

	cr_assert_eq(lg_policies_parse(&s.f.cx, &src, 1, &o, &faults, &s.set), LG_OK, "%s", s.f.cx.error);
	s.c = lg_coverage_new(s.f.arena, s.set);
	cr_assert_eq(lg_context_json(&s.f.cx, NULL, &rq.action, LG_STR("{\"ok\":true}"), &rq.context), LG_OK);
	lg_coverage_add(&s.f.cx, s.c, &port, &rq);
	cr_assert_eq(lg_context_json(&s.f.cx, NULL, &rq.action, LG_STR("{\"ok\":false}"), &rq.context), LG_OK);
	rq.principal = b;
	lg_coverage_add(&s.f.cx, s.c, &port, &rq);
	(void)lg_coverage_parts(s.c, &n);
	cr_expect_eq(n, 3);
	EXPECT(s, "context.ok", 1, 1, 0);
	EXPECT(s, "one", 1, 1, 0);
	EXPECT(s, "two", 0, 2, 0);
	lg_coverage_sum(s.c, &seen, &all);
	cr_expect(seen == 3 && all == 4, "%zu of %zu", seen, all);
	lg_entity_store_free(&st);
	seen_free(&s);
}
