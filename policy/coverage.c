/* coverage.c: which clauses and operands a series of requests made true and false. */
#include "policy/decide.h"

#define NO_PART UINT32_MAX

struct lg_coverage {
	struct lg_arena *arena;
	const struct lg_policies *set;
	struct lg_part *v;
	size_t n, size;
	struct lg_map by_node;			/* address of a clause's or operand's node -> place + 1 */
	uint32_t *own;				/* by policy: its POLICY part, or NO_PART */
};

/* ---- parts ---------------------------------------------------------------------------------- */

static struct lg_part *
part_add(struct lg_coverage *c, enum lg_part_kind kind, uint32_t policy)
{
	if (c->n == c->size) {
		struct lg_part *v = LG_NEWS(c->arena, struct lg_part, c->size = c->size * 2 + 16);

		if (c->n > 0)
			memcpy(v, c->v, c->n * sizeof(*v));
		c->v = v;
	}
	c->v[c->n] = (struct lg_part){ .kind = kind, .policy = policy };
	return &c->v[c->n++];
}

static void
part_of_node(struct lg_coverage *c, enum lg_part_kind kind, uint32_t policy, const struct lg_expr *x)
{
	const struct lg_policy *p = c->set->v[policy];
	struct lg_part *part = part_add(c, kind, policy);
	lg_str key = { (const char *)&x, sizeof(x) };

	lg_fault_place(p->source->text, x->at, &part->line, &part->column);
	part->text = lg_str_trim(lg_str_sub(p->source->text, x->at, x->end - x->at));
	part->constant = x->constant != NULL;
	*lg_map_at(&c->by_node, lg_dup(c->arena, key)) = (void *)(uintptr_t)c->n;
}

/* `has a.b` is one question, though a chain to the evaluator. */
static bool
is_chain(const struct lg_expr *x)
{
	return (x->op == X_AND || x->op == X_OR) && !x->has_chain && x->constant == NULL;
}

static void
add_operands(struct lg_coverage *c, uint32_t policy, const struct lg_expr *x)
{
	if (x->op == X_NOT)
		add_operands(c, policy, x->a);
	if (!is_chain(x))
		return;
	for (uint32_t i = 0; i < x->n; i++) {
		part_of_node(c, LG_PART_OPERAND, policy, x->list[i]);
		add_operands(c, policy, x->list[i]);
	}
}

static void
add_policy(struct lg_coverage *c, uint32_t i)
{
	const struct lg_policy *p = c->set->v[i];
	struct lg_part *own;

	c->own[i] = NO_PART;
	if (!p->info.is_template) {
		c->own[i] = (uint32_t)c->n;
		own = part_add(c, LG_PART_POLICY, i);
		own->line = p->info.line;
		own->column = p->info.column;
		own->text = p->info.id;
	}
	if (p->of != NULL)
		return;
	for (uint32_t k = 0; k < p->nclauses; k++) {
		part_of_node(c, p->clauses[k].when ? LG_PART_WHEN : LG_PART_UNLESS, i, p->clauses[k].body);
		add_operands(c, i, p->clauses[k].body);
	}
}

struct lg_coverage *
lg_coverage_new(struct lg_arena *a, const struct lg_policies *set)
{
	struct lg_coverage *c = LG_NEW(a, struct lg_coverage);

	c->arena = a;
	c->set = set;
	c->own = LG_NEWS(a, uint32_t, set->n);
	lg_map_init(&c->by_node, a);
	for (uint32_t i = 0; i < set->n; i++)
		add_policy(c, i);
	return c;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void
count(struct lg_part *part, enum lg_outcome outcome)
{
	part->yes += outcome == OUTCOME_YES;
	part->no += outcome == OUTCOME_NO;
	part->errors += outcome == OUTCOME_ERROR;
}

static enum lg_outcome see(struct lg_coverage *c, struct lg_eval *ev, const struct lg_expr *x);

/* As the evaluator goes: up to the operand that settles it. */
static enum lg_outcome
see_chain(struct lg_coverage *c, struct lg_eval *ev, const struct lg_expr *x)
{
	enum lg_outcome go_on = x->op == X_AND ? OUTCOME_YES : OUTCOME_NO, one = go_on;

	for (uint32_t i = 0; i < x->n && one == go_on; i++)
		one = see(c, ev, x->list[i]);
	return one;
}

static enum lg_outcome
see_not(struct lg_coverage *c, struct lg_eval *ev, const struct lg_expr *x)
{
	enum lg_outcome inner = see(c, ev, x->a);

	return inner == OUTCOME_ERROR ? inner : inner == OUTCOME_YES ? OUTCOME_NO : OUTCOME_YES;
}

static enum lg_outcome
see_value(struct lg_eval *ev, const struct lg_expr *x)
{
	struct lg_value v;

	if (!lg_eval(ev, x, &v) || v.kind != LG_V_BOOL)
		return OUTCOME_ERROR;
	return v.u.b ? OUTCOME_YES : OUTCOME_NO;
}

static enum lg_outcome
see(struct lg_coverage *c, struct lg_eval *ev, const struct lg_expr *x)
{
	uintptr_t place = (uintptr_t)lg_map_get(&c->by_node, (lg_str){ (const char *)&x, sizeof(x) });
	enum lg_outcome outcome = is_chain(x) ? see_chain(c, ev, x) : x->op == X_NOT && x->constant == NULL ? see_not(c, ev, x) :
	    see_value(ev, x);

	if (place > 0)
		count(&c->v[place - 1], outcome);
	return outcome;
}

/* The node that the part was made for: a link's clauses are its template's. */
static enum lg_outcome
see_clauses(struct lg_coverage *c, struct lg_eval *ev, const struct lg_policy *p)
{
	for (uint32_t k = 0; k < p->nclauses; k++) {
		enum lg_outcome one = see(c, ev, p->of == NULL ? p->clauses[k].body : p->of->clauses[k].body);

		if (one == OUTCOME_ERROR)
			return one;
		if ((one == OUTCOME_YES) != p->clauses[k].when)
			return OUTCOME_NO;
	}
	return OUTCOME_YES;
}

void
lg_coverage_add(struct lg_ctx *cx, struct lg_coverage *c, const struct lg_entities *entities, const struct lg_request *rq)
{
	struct lg_eval ev;

	lg_eval_init(&ev, cx, entities, c->set->schema, rq);
	for (uint32_t i = 0; i < c->set->n; i++) {
		const struct lg_policy *p = c->set->v[i];
		bool matches;

		if (c->own[i] == NO_PART)
			continue;
		lg_eval_start(&ev);
		matches = lg_scope_match(&ev, &p->principal, VAR_PRINCIPAL) == LG_PRESENT &&
		    lg_scope_match(&ev, &p->action, VAR_ACTION) == LG_PRESENT &&
		    lg_scope_match(&ev, &p->resource, VAR_RESOURCE) == LG_PRESENT;
		count(&c->v[c->own[i]], matches ? see_clauses(c, &ev, p) : OUTCOME_NO);
	}
}

/* ---- what came of it ------------------------------------------------------------------------ */

const struct lg_part *
lg_coverage_parts(const struct lg_coverage *c, size_t *n)
{
	*n = c->n;
	return c->v;
}

void
lg_coverage_sum(const struct lg_coverage *c, size_t *seen, size_t *all)
{
	*seen = *all = 0;
	for (size_t i = 0; i < c->n; i++) {
		const struct lg_part *part = &c->v[i];

		if (part->constant)
			continue;
		*all += part->kind == LG_PART_POLICY ? 1 : 2;
		*seen += part->yes > 0;
		*seen += part->kind != LG_PART_POLICY && part->no > 0;
	}
}
