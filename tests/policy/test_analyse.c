/* What a set says without a request: superfluous policies, and whether a change widens access. */
#include "generate.h"

#include <stdio.h>

static const char house[] =
    "entity Group in [Group]; entity User in [Group] = { level: Long, name: String, on?: Bool };"
    "entity Folder; entity Doc in [Folder] = { owner: User, tags: Set<String>, from: ipaddr };"
    "action any; action read, write in [any] appliesTo { principal: User, resource: Doc, context: { mfa: Bool, now: datetime } };"
    "action join appliesTo { principal: User, resource: Group, context: {} };";

static const char *const kinds[] = { "never", "always", "shadowed", "redundant", "widens", "no-wider" };

/* "policy1 redundant by policy0; policy3 never?": a question mark where it was sampled. */
static const char *
text_of(struct fixture *f, const struct lg_findings *r)
{
	struct lg_buf b = LG_BUF(1u << 16);
	const char *s;

	for (size_t i = 0; i < r->n; i++) {
		const struct lg_finding *x = &r->v[i];

		lg_buf_printf(&b, "%s%.*s%s%s%s", i > 0 ? "; " : "", LG_FMT(x->policy), x->policy.n > 0 ? " " : "", kinds[x->kind],
		    x->exact ? "" : "?");
		if (x->by.n > 0)
			lg_buf_printf(&b, " by %.*s", LG_FMT(x->by));
	}
	s = lg_dup(f->arena, lg_buf_view(&b)).p;
	lg_buf_free(&b);
	return s;
}

static const char *
analysed(struct fixture *f, const char *policies)
{
	struct lg_schema *schema = schema_of(f, house);
	struct lg_policies *set = policies_of(f, policies, schema);
	struct lg_analysis how = { .samples = 200, .seed = 1 };
	struct lg_findings r;
	const char *s;

	cr_assert_eq(lg_policies_analyse(&f->cx, set, schema, &how, &r), LG_OK, "%s", f->cx.error);
	s = text_of(f, &r);
	lg_policies_unref(&set);
	lg_schema_unref(&schema);
	return s;
}

Test(analyse, policies_that_match_nothing_or_everything)
{
	struct fixture f = fixture_new();

	cr_expect_str_eq(analysed(&f, "permit(principal is Folder, action, resource);"), "policy0 never");
	cr_expect_str_eq(analysed(&f, "permit(principal, action == Action::\"join\", resource is Doc);"), "policy0 never");
	cr_expect_str_eq(analysed(&f, "permit(principal, action, resource) when { principal is Doc && principal.level > 1 };"), "policy0 never");
	cr_expect_str_eq(analysed(&f, "permit(principal, action, resource) when { 1 == 2 };"), "policy0 never");
	cr_expect_str_eq(analysed(&f, "permit(principal, action, resource);"), "policy0 always");
	cr_expect_str_eq(analysed(&f, "permit(principal is User, action, resource) unless { resource is Folder };"), "policy0 always");
	cr_expect_str_eq(analysed(&f, "permit(principal, action, resource) when { principal.level > 3 && principal.level < 2 };"),
	    "policy0 never");
	cr_expect_str_eq(analysed(&f, "permit(principal, action, resource) when { principal.level > 3 && principal.level + 1 < 2 };"),
	    "policy0 never?");
	fixture_free(&f);
}

Test(analyse, policies_that_change_nothing)
{
	struct fixture f = fixture_new();

	cr_expect_str_eq(analysed(&f, "permit(principal in Group::\"g\", action, resource); permit(principal in Group::\"g\", action == Action::\"read\", "
	    "resource in Folder::\"f\") when { principal.level > 2 };"), "policy1 redundant by policy0");
	cr_expect_str_eq(analysed(&f, "permit(principal == User::\"a\", action, resource); permit(principal == User::\"a\", action, resource);"),
	    "policy1 redundant by policy0");
	/* By two together. */
	cr_expect_str_eq(analysed(&f, "permit(principal, action in Action::\"any\", resource in Folder::\"f\"); permit(principal, action == Action::\"join\", "
	    "resource in Group::\"g\"); permit(principal == User::\"a\", action == Action::\"read\", resource in Folder::\"f\");"),
	    "policy2 redundant by policy0");
	cr_expect_str_eq(analysed(&f, "permit(principal in Group::\"g\", action, resource); forbid(principal in Group::\"g\", action == Action::\"read\", resource);"
	    "permit(principal in Group::\"g\", action == Action::\"read\", resource) when { context.mfa };"), "policy2 shadowed by policy1");
	cr_expect_str_eq(analysed(&f, "permit(principal, action in Action::\"any\", resource) when { principal.level > 2 };"
	    "permit(principal, action in Action::\"any\", resource) when { principal.level > 5 };"), "policy1 redundant by policy0");
	cr_expect_str_eq(analysed(&f, "permit(principal, action in Action::\"any\", resource) when { principal.level > 2 };"
	    "permit(principal, action in Action::\"any\", resource) when { principal.level - 1 > 5 };"), "policy1 redundant?");
	cr_expect_str_eq(analysed(&f, "permit(principal in Group::\"g\", action, resource); permit(principal in Group::\"h\", action, resource);"
	    "forbid(principal, action, resource) when { principal.name like \"b*\" };"
	    "permit(principal, action, resource) when { principal has on && principal.on };"), "");
	fixture_free(&f);
}

static const char *
compared(struct fixture *f, const char *before, const char *after, struct lg_findings *r)
{
	struct lg_schema *schema = schema_of(f, house);
	struct lg_policies *a = policies_of(f, before, schema), *b = policies_of(f, after, schema);
	struct lg_analysis how = { .samples = 200, .seed = 1 };
	const char *s;

	cr_assert_eq(lg_policies_compare(&f->cx, a, b, schema, &how, r), LG_OK, "%s", f->cx.error);
	s = text_of(f, r);
	lg_policies_unref(&a);
	lg_policies_unref(&b);
	lg_schema_unref(&schema);
	return s;
}

#define G "permit(principal in Group::\"g\", action, resource);"

Test(compare, scopes_are_decided_exactly)
{
	struct fixture f = fixture_new();
	struct lg_findings r;

	cr_expect_str_eq(compared(&f, G, G, &r), "no-wider");
	cr_expect_str_eq(compared(&f, G, "permit(principal is User in Group::\"g\", action == Action::\"read\", resource is Doc);", &r), "no-wider");
	cr_expect_str_eq(compared(&f, G, "permit(principal, action, resource);", &r), "policy0 widens");
	cr_assert(r.v[0].witness != NULL);
	cr_expect(lg_str_eq(r.v[0].witness->principal.type, LG_STR("User")));
	cr_expect(strstr(r.v[0].entities.p, "User::\"someone\" {") != NULL, "%s", r.v[0].entities.p);
	cr_expect_str_eq(compared(&f, "", "permit(principal, action == Action::\"join\", resource == Group::\"g\");", &r), "policy0 widens");
	/* A forbid that is gone, and one that is narrower. */
	cr_expect_str_eq(compared(&f, G "forbid(principal in Group::\"h\", action, resource);", G, &r), "policy0 widens");
	cr_expect(strstr(r.v[0].entities.p, "in [Group::\"g\", Group::\"h\"]") != NULL, "%s", r.v[0].entities.p);
	cr_expect_str_eq(compared(&f, G "forbid(principal in Group::\"h\", action, resource);",
	    G "forbid(principal in Group::\"h\", action == Action::\"read\", resource);", &r), "policy0 widens");
	cr_expect_str_eq(compared(&f, G "forbid(principal == User::\"x\", action, resource);", "permit(principal == User::\"y\", action, resource);", &r),
	    "policy0 widens");
	/* Two halves instead of one whole. */
	cr_expect_str_eq(compared(&f, "permit(principal, action in Action::\"any\", resource); permit(principal, action == Action::\"join\", resource);",
	    "permit(principal, action, resource);", &r), "no-wider");
	fixture_free(&f);
}

Test(compare, conditions_by_proof_or_by_samples)
{
	struct fixture f = fixture_new();
	struct lg_findings r;

	cr_expect_str_eq(compared(&f, "permit(principal, action, resource) when { principal.level > 3 };",
	    "permit(principal, action == Action::\"read\", resource) when { principal.level > 3 } unless { resource.owner == principal };", &r), "no-wider");
	cr_expect_str_eq(compared(&f, "permit(principal, action, resource) when { principal.level > 3 };",
	    "permit(principal, action, resource) when { principal.level > 2 };", &r), "policy0 widens");
	cr_expect_str_eq(compared(&f, "permit(principal, action, resource) when { principal.level > 2 };",
	    "permit(principal, action, resource) when { principal.level > 3 };", &r), "no-wider");
	cr_expect_str_eq(compared(&f, "permit(principal, action, resource) when { principal.level > 2 };",
	    "permit(principal, action, resource) when { principal.level - 1 > 3 };", &r), "no-wider?");
	cr_expect_str_eq(compared(&f, "permit(principal, action, resource); forbid(principal, action, resource) when { principal.name like \"tmp-*\" };",
	    "permit(principal, action, resource);", &r), "policy0 widens");
	fixture_free(&f);
}

#define MANY(level, tag) "permit(principal, action == Action::\"read\", resource) when { principal in Group::\"a\" && principal has on && principal.on && " \
	"principal.level >= " level " && resource.tags.contains(\"" tag "\") && context.mfa && principal.name like \"dev-*\" && " \
	"context.now > datetime(\"2024-01-01\") && (principal.level < 3 || principal.level < 1000) } unless { principal.name == \"dev-\" };"

/* Nobody meets ten conditions by chance. */
Test(compare, requests_are_made_to_meet_the_conditions)
{
	struct fixture f = fixture_new();
	struct lg_findings r;

	cr_expect_str_eq(compared(&f, MANY("10", "x"), MANY("9", "x"), &r), "policy0 widens");
	cr_expect(r.v[0].exact && r.v[0].witness != NULL);
	cr_expect_str_eq(compared(&f, MANY("10", "x"), MANY("10", "y"), &r), "policy0 widens");
	cr_expect_str_eq(compared(&f, MANY("9", "x"), MANY("10", "x"), &r), "no-wider");
	/* Only the permit that allows it is told, and the witness has nothing that it does not need. */
	cr_expect_str_eq(compared(&f, MANY("10", "x") MANY("10", "z"), MANY("9", "x") MANY("10", "z"), &r), "policy0 widens");
	cr_expect(memmem(r.v[0].entities.p, r.v[0].entities.n, "level: 9,", 9) != NULL, "%.*s", LG_FMT(r.v[0].entities));
	fixture_free(&f);
}

Test(analyse, too_much_is_refused)
{
	struct fixture f = fixture_new();
	struct lg_schema *schema = schema_of(&f, house);
	struct lg_buf b = LG_BUF(1u << 20);
	struct lg_policies *set;
	struct lg_analysis how = { .samples = LG_ANALYSIS_SAMPLES_MAX + 1 }, few = { .samples = 1 };
	struct lg_findings r;

	for (int i = 0; i <= LG_ANALYSIS_POLICIES_MAX; i++)
		lg_buf_str(&b, LG_STR(G));
	lg_buf_byte(&b, '\0');
	set = policies_of(&f, G, schema);
	cr_expect_eq(lg_policies_analyse(&f.cx, set, schema, &how, &r), LG_E_LIMIT);
	lg_policies_unref(&set);
	set = policies_of(&f, b.p, schema);
	cr_expect_eq(lg_policies_analyse(&f.cx, set, schema, &few, &r), LG_E_LIMIT);
	lg_policies_unref(&set);
	lg_buf_free(&b);
	lg_schema_unref(&schema);
	fixture_free(&f);
}

/* ---- against requests that were asked --------------------------------------------------------- */

static void
scope_policy(struct generator *g)
{
	static const char *const who[] = { "principal", "principal == User::\"a\"", "principal in Group::\"h\"", "principal in Group::\"g\"",
		"principal is User in Group::\"g\"" };
	static const char *const act[] = { "action", "action == Action::\"read\"", "action == Action::\"write\"", "action in Action::\"any\"" };
	static const char *const what[] = { "resource", "resource == Doc::\"d\"", "resource in Folder::\"f\"", "resource is Doc" };

	lg_buf_printf(g->out, "%s(%s, %s, %s);\n", gen_below(g, 3) > 0 ? "permit" : "forbid", who[gen_below(g, 5)], act[gen_below(g, 4)],
	    what[gen_below(g, 4)]);
}

static struct lg_policies *
scope_set(struct fixture *f, struct generator *g, const struct lg_schema *schema)
{
	struct lg_buf b = LG_BUF(1u << 16);
	struct lg_policies *set;

	g->out = &b;
	for (uint32_t i = 1 + gen_below(g, 4); i > 0; i--)
		scope_policy(g);
	lg_buf_byte(&b, '\0');
	set = policies_of(f, b.p, schema);
	lg_buf_free(&b);
	return set;
}

Test(compare, no_request_refutes_an_exact_answer)
{
	struct fixture top = fixture_new();
	struct lg_schema *schema = schema_of(&top, gen_schema);
	struct lg_entity_store *st = store_of(&top, gen_world, schema);
	struct lg_entities port = lg_entity_store_port(st);
	struct generator g = { .state = 5 };
	unsigned wider = 0, same = 0;

	for (int i = 0; i < 600; i++) {
		struct fixture f = fixture_new();
		struct lg_policies *a = scope_set(&f, &g, schema), *b = scope_set(&f, &g, schema);
		struct lg_analysis how = { .samples = 1, .seed = 3 };
		struct lg_findings r;

		cr_assert_eq(lg_policies_compare(&f.cx, a, b, schema, &how, &r), LG_OK);
		cr_assert(r.n > 0 && r.v[0].exact);
		wider += r.v[0].kind == LG_FINDING_WIDENS;
		same += r.v[0].kind == LG_FINDING_NO_WIDER;
		for (int k = 0; k < 20 && r.v[0].kind == LG_FINDING_NO_WIDER; k++) {
			struct lg_request rq;
			struct lg_answer x, y;

			gen_request(&g, &f, schema, &rq);
			lg_authorize(&f.cx, a, &port, &rq, &x);
			lg_authorize(&f.cx, b, &port, &rq, &y);
			cr_assert(x.allow || !y.allow);
		}
		lg_policies_unref(&a);
		lg_policies_unref(&b);
		fixture_free(&f);
	}
	cr_expect(wider > 100 && same > 50, "%u wider, %u not", wider, same);
	lg_entity_store_free(&st);
	lg_schema_unref(&schema);
	fixture_free(&top);
}
