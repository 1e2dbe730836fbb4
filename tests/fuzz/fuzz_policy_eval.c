/*
 * fuzz_policy_eval.c: any policies over a small world.  The index must find what a scan of all policies finds, and a
 * strictly valid set must never fail for a type (that is what validation promises).
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "policy/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char house[] =
    "entity Group; entity User in [Group] = { n: Long, s: String, boss?: User, r: { k?: Long, d: datetime } } tags Long;"
    "entity Folder; entity Doc in [Folder] = { owner: User, readers: Set<Group>, ip: ipaddr, cost: decimal };"
    "action any; action read, write in [any] appliesTo { principal: User, resource: Doc, context: { mfa: Bool, ip?: ipaddr } };";

static const char world[] =
    "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"n\":3,\"s\":\"x\",\"boss\":{\"type\":\"User\",\"id\":\"b\"},"
    "\"r\":{\"k\":1,\"d\":\"2024-01-01\"}},\"parents\":[{\"type\":\"Group\",\"id\":\"g\"}],\"tags\":{\"t\":1}},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"g\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Folder\",\"id\":\"f\"},\"attrs\":{},\"parents\":[]},"
    "{\"uid\":{\"type\":\"Doc\",\"id\":\"d\"},\"attrs\":{\"owner\":{\"type\":\"User\",\"id\":\"a\"},\"readers\":[{\"type\":\"Group\","
    "\"id\":\"g\"}],\"ip\":\"10.0.0.1\",\"cost\":\"1.5\"},\"parents\":[{\"type\":\"Folder\",\"id\":\"f\"}]}]";

/* The slow way: every policy, its scope spelled out. */
static void
compare(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *port, const struct lg_request *rq,
    const struct lg_answer *a)
{
	size_t yes[2] = { 0, 0 }, errors = 0;
	struct lg_eval ev;

	lg_eval_init(&ev, cx, port, set->schema, rq);
	for (uint32_t i = 0; i < set->n; i++) {
		const struct lg_policy *p = set->v[i];

		lg_eval_start(&ev);
		if (p->info.is_template || lg_scope_match(&ev, &p->principal, VAR_PRINCIPAL) != LG_PRESENT ||
		    lg_scope_match(&ev, &p->action, VAR_ACTION) != LG_PRESENT ||
		    lg_scope_match(&ev, &p->resource, VAR_RESOURCE) != LG_PRESENT)
			continue;
		switch (lg_policy_run(&ev, p)) {
		case OUTCOME_YES: yes[p->info.effect]++; break;
		case OUTCOME_ERROR: errors++; break;
		case OUTCOME_NO: break;
		}
	}
	if (a->allow != (yes[LG_FORBID] == 0 && yes[LG_PERMIT] > 0) || errors != a->nerrors ||
	    a->ndetermining != (yes[LG_FORBID] > 0 ? yes[LG_FORBID] : yes[LG_PERMIT]))
		abort();
}

/* Coverage looks at the parts one by one and comes to the same. */
static void
cover(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *port, const struct lg_request *rq, const struct lg_answer *a)
{
	struct lg_coverage *c = lg_coverage_new(cx->arena, set);
	size_t n, yes[2] = { 0, 0 }, errors = 0;
	const struct lg_part *v;

	lg_coverage_add(cx, c, port, rq);
	v = lg_coverage_parts(c, &n);
	for (size_t i = 0; i < n; i++)
		if (v[i].kind == LG_PART_POLICY) {
			yes[set->v[v[i].policy]->info.effect] += v[i].yes;
			errors += v[i].errors;
		}
	if (errors != a->nerrors || a->ndetermining != (yes[LG_FORBID] > 0 ? yes[LG_FORBID] : yes[LG_PERMIT]))
		abort();
}

/* It is JSON. */
static void
explain_json(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *port, const struct lg_request *rq)
{
	struct lg_buf b = LG_BUF(64u << 20);
	struct lg_json js;

	lg_policy_explain_json(cx, set, port, rq, &b);
	lg_json_init(&js, cx->arena, lg_buf_view(&b));
	js.nul = true;
	lg_json_skip(&js);
	if (lg_json_end(cx, &js) != LG_OK)
		abort();
	lg_buf_free(&b);
}

static void
decide(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema, const struct lg_entities *port)
{
	struct lg_request rq = { lg_euid_of(LG_STR("User"), LG_STR("a")), lg_euid_of(LG_STR("Action"), LG_STR("read")),
		lg_euid_of(LG_STR("Doc"), LG_STR("d")), NULL };
	struct lg_policy_faults faults = { 0 };
	struct lg_answer a;
	lg_str text;

	if (lg_context_json(cx, schema, &rq.action, LG_STR("{\"mfa\":true,\"ip\":\"10.0.0.9\"}"), &rq.context) != LG_OK ||
	    lg_request_validate(cx, schema, &rq) != LG_OK)
		abort();
	lg_authorize(cx, set, port, &rq, &a);
	compare(cx, set, port, &rq, &a);
	cover(cx, set, port, &rq, &a);
	if (lg_policies_validate(cx, set, schema, LG_STRICT, &faults) == LG_OK)
		for (size_t i = 0; i < a.nerrors; i++)
			if (lg_str_starts(a.errors[i].message, LG_STR("type error")) ||
			    lg_str_starts(a.errors[i].message, LG_STR("record has no")))
				abort();
	if (lg_policy_explain(cx, set, port, &rq, &text) != LG_OK)
		abort();
	explain_json(cx, set, port, &rq);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;
	struct lg_policy_faults faults = { 0 };
	struct lg_policy_source src = { LG_NONE, { (const char *)data, size } };
	struct lg_policies *set = NULL;
	struct lg_schema *schema = NULL;
	struct lg_entity_store *st = lg_entity_store_new();

	lg_ctx_init(&cx, a);
	if (lg_schema_parse(&cx, LG_NONE, LG_STR(house), &faults, &schema) != LG_OK ||
	    lg_entity_store_json(&cx, st, schema, LG_STR(world)) != LG_OK || lg_entity_store_finish(&cx, st) != LG_OK)
		abort();
	if (lg_policies_parse(&cx, &src, 1, &(struct lg_policy_options){ .schema = schema }, &faults, &set) == LG_OK) {
		struct lg_entities port = lg_entity_store_port(st);

		decide(&cx, set, schema, &port);
	}
	lg_policies_unref(&set);
	lg_entity_store_free(&st);
	lg_schema_unref(&schema);
	lg_arena_free(&a);
	return 0;
}
