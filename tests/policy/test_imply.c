/* What is concluded from conditions alone holds for every request. */
#include "generate.h"

#include "policy/analyse.h"
#include "policy/decide.h"

static void
condition(struct generator *g, unsigned depth)
{
	static const char *const left[] = { "principal.n", "principal.n", "context.port", "context.port", "principal.r.k" };
	static const char *const order[] = { "<", "<=", ">", ">=", "==", "!=" };
	static const char *const number[] = { "-1", "0", "1", "2", "3", "443", "9223372036854775807", "-9223372036854775808" };
	static const char *const others[] = { "context.mfa", "context has port", "principal.s == \"x\"", "principal.s == \"\"", "principal.s != \"ab\"",
		"principal == User::\"a\"", "context.now < datetime(\"2025-01-01\")", "context.now >= datetime(\"2025-01-01\")", "resource.public", "true" };
	uint32_t kind = depth == 0 ? gen_below(g, 2) : gen_below(g, 5);

	switch (kind) {
	case 0:
		if (gen_below(g, 4) == 0)
			lg_buf_printf(g->out, "%s %s %s", number[gen_below(g, 8)], order[gen_below(g, 6)], left[gen_below(g, 5)]);
		else
			lg_buf_printf(g->out, "%s %s %s", left[gen_below(g, 5)], order[gen_below(g, 6)], number[gen_below(g, 8)]);
		return;
	case 1:
		lg_buf_str(g->out, lg_str_of(others[gen_below(g, 10)]));
		return;
	case 2:
		lg_buf_str(g->out, LG_STR("!("));
		condition(g, depth - 1);
		lg_buf_byte(g->out, ')');
		return;
	default:
		lg_buf_byte(g->out, '(');
		condition(g, depth - 1);
		lg_buf_str(g->out, kind == 3 ? LG_STR(" && ") : LG_STR(" || "));
		condition(g, depth - 1);
		lg_buf_byte(g->out, ')');
	}
}

static void
policy(struct generator *g)
{
	static const char *const who[] = { "principal", "principal", "principal == User::\"a\"", "principal in Group::\"h\"", "principal is User" };
	static const char *const act[] = { "action", "action", "action == Action::\"read\"", "action in Action::\"any\"",
		"action in [Action::\"read\", Action::\"write\"]" };

	lg_buf_printf(g->out, "permit(%s, %s, resource)", who[gen_below(g, 5)], act[gen_below(g, 5)]);
	for (uint32_t n = gen_below(g, 3); n > 0; n--) {
		lg_buf_str(g->out, gen_below(g, 3) > 0 ? LG_STR(" when { ") : LG_STR(" unless { "));
		condition(g, gen_below(g, 3));
		lg_buf_str(g->out, LG_STR(" }"));
	}
	lg_buf_str(g->out, LG_STR(";\n"));
}

static bool
matches(struct scene *s, const struct lg_policies *set, uint32_t i, const struct lg_request *rq)
{
	struct lg_answer a;

	lg_authorize(&s->f.cx, set, &s->port, rq, &a);
	for (size_t k = 0; k < a.ndetermining; k++)
		if (a.determining[k] == i)
			return true;
	return false;
}

enum { SET = 6 };

struct counts {
	unsigned implied, contradicted, matched;
};

/* What is said about one policy of the set and the others, against requests. */
static void
try_all(struct scene *s, struct generator *g, const struct lg_policies *set, uint32_t low, struct counts *n)
{
	bool never = lg_policy_contradicts_itself(set->v[low]), implies[SET], some = never;

	n->contradicted += never;
	for (uint32_t i = 0; i < SET; i++) {
		implies[i] = i != low && lg_policy_implies(s->schema, set->v[low], set->v[i]);
		n->implied += implies[i] && set->v[i]->nclauses > 0;
		some = some || implies[i];
	}
	for (int k = 0; k < 30 && some; k++) {
		struct lg_request rq;

		gen_request(g, &s->f, s->schema, &rq);
		if (!matches(s, set, low, &rq))
			continue;
		n->matched++;
		cr_assert_not(never, "policy %u matches:\n%s", low, g->out->p);
		for (uint32_t i = 0; i < SET; i++)
			cr_assert(!implies[i] || matches(s, set, i, &rq), "policy %u matches, policy %u does not:\n%s", low, i, g->out->p);
	}
}

Test(imply, no_request_refutes_what_was_concluded)
{
	struct lg_buf out = LG_BUF(1u << 16);
	struct generator g = { .state = 11, .out = &out };
	struct counts n = { 0 };

	for (int round = 0; round < 600; round++) {
		struct scene s = scene_new();

		lg_buf_clear(&out);
		for (int i = 0; i < SET; i++)
			policy(&g);
		lg_buf_byte(&out, '\0');
		struct lg_policies *set = policies_of(&s.f, out.p, s.schema);
		for (uint32_t low = 0; low < SET; low++)
			try_all(&s, &g, set, low, &n);
		lg_policies_unref(&set);
		scene_free(&s);
	}
	cr_expect(n.implied > 60 && n.contradicted > 30 && n.matched > 500, "%u implied, %u contradicted, %u matched", n.implied,
	    n.contradicted, n.matched);
	lg_buf_free(&out);
}

/* ---- one by one ------------------------------------------------------------------------------- */

#define POLICY(condition) "permit(principal, action, resource) when { " condition " };"

static bool
implies(const char *low, const char *wide)
{
	struct scene s = scene_new();
	struct lg_policies *set = policies_of(&s.f, lg_print(s.f.arena, POLICY("%s") POLICY("%s"), low, wide).p, s.schema);
	bool is = lg_policy_implies(s.schema, set->v[0], set->v[1]);

	lg_policies_unref(&set);
	scene_free(&s);
	return is;
}

Test(imply, numbers_are_compared_by_their_ranges)
{
	cr_expect(implies("principal.n > 5", "principal.n > 3"));
	cr_expect(implies("principal.n == 4", "3 < principal.n && principal.n != 7"));
	cr_expect(implies("principal.n >= 1 && !(principal.n > 1)", "principal.n == 1"));
	cr_expect(implies("context.now < datetime(\"2024-01-01\")", "context.now <= datetime(\"2024-06-01\")"));
	cr_expect_not(implies("principal.n > 3", "principal.n > 5"));
	cr_expect_not(implies("principal.n > 3", "principal.n != 5"));
	cr_expect_not(implies("principal.n > 5", "context.port > 3"));
	cr_expect_not(implies("context.now < datetime(\"2024-06-01\")", "context.now < datetime(\"2024-01-01\")"));
}

/* The second would fail before it came to what holds. */
Test(imply, what_would_be_evaluated_first_counts)
{
	cr_expect(implies("context.mfa", "context.mfa || context.port == 1"));
	cr_expect_not(implies("context.mfa", "context.port == 1 || context.mfa"));
	cr_expect(implies("context.mfa && context.port == 2", "context.port == 1 || context.mfa"));
	cr_expect(implies("!context.mfa", "!(context.mfa && context.port == 1)"));
	cr_expect_not(implies("!context.mfa", "!(context.port == 1 && context.mfa)"));
	cr_expect(implies("principal.s == \"x\"", "principal.s != \"y\""));
	cr_expect_not(implies("principal.s != \"y\"", "principal.s == \"x\""));
}
