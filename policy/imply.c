/*
 * imply.c: what follows from the conditions of a policy without trying a request: that it can never match, that another one
 * matches whenever it does.  Conditions that hold were evaluated without error, so what is said about them needs no "unless it
 * fails"; what is concluded about another policy's conditions goes in the order in which that one would evaluate them.
 */
#include "policy/analyse.h"
#include "policy/check.h"

#define CONJUNCTS_MAX 256		/* of one policy; what comes behind is not used */

struct conjunct {
	const struct lg_expr *x;
	bool positive;			/* it is true; else false */
};

struct facts {
	struct conjunct v[CONJUNCTS_MAX];
	uint32_t n;
};

/* ---- what holds when a policy matches --------------------------------------------------------- */

static void
fact_add(struct facts *f, const struct lg_expr *x, bool positive)
{
	if (x->constant == NULL && x->op == X_NOT) {
		fact_add(f, x->a, !positive);
		return;
	}
	if (x->constant == NULL && x->op == (positive ? X_AND : X_OR)) {
		for (uint32_t i = 0; i < x->n; i++)
			fact_add(f, x->list[i], positive);
		return;
	}
	if (f->n < CONJUNCTS_MAX)
		f->v[f->n++] = (struct conjunct){ x, positive };
}

static void
facts_of(struct facts *f, const struct lg_policy *p)
{
	f->n = 0;
	for (uint32_t i = 0; i < p->nclauses; i++)
		fact_add(f, p->clauses[i].body, p->clauses[i].when);
}

/* ---- numbers -------------------------------------------------------------------------------- */

struct range {
	enum lg_kind kind;		/* of its ends: long, datetime, duration */
	int64_t low, high;
	bool known;
};

static bool
has_order(enum lg_kind k)
{
	return k == LG_V_LONG || k == LG_V_DATETIME || k == LG_V_DURATION;
}

static enum lg_op
negated(enum lg_op op)
{
	static const enum lg_op not[] = { [X_EQ] = X_NE, [X_NE] = X_EQ, [X_LT] = X_GE, [X_LE] = X_GT, [X_GT] = X_LE, [X_GE] = X_LT };

	return not[op];
}

/* `e < 5`, `5 > e`, `e == 5`, or their opposite: e and the literal, the operator as if e stood on the left. */
bool
lg_comparison(const struct lg_expr *x, bool positive, const struct lg_expr **e, const struct lg_value **literal, enum lg_op *op)
{
	static const enum lg_op turned[] = { [X_EQ] = X_EQ, [X_NE] = X_NE, [X_LT] = X_GT, [X_LE] = X_GE, [X_GT] = X_LT, [X_GE] = X_LE };
	bool left;

	if (x->constant != NULL || x->op < X_EQ || x->op > X_GE)
		return false;
	left = x->a->constant != NULL;
	*e = left ? x->b : x->a;
	*literal = (left ? x->a : x->b)->constant;
	*op = left ? turned[x->op] : x->op;
	*op = positive ? *op : negated(*op);
	return *literal != NULL && (*e)->constant == NULL;
}

static void
narrow(struct range *r, enum lg_op op, int64_t v)
{
	bool none = (op == X_LT && v == INT64_MIN) || (op == X_GT && v == INT64_MAX);

	if (none) {
		r->low = INT64_MAX;
		r->high = INT64_MIN;
		return;
	}
	if (op == X_GT || op == X_GE || op == X_EQ)
		r->low = r->low > v + (op == X_GT) ? r->low : v + (op == X_GT);
	if (op == X_LT || op == X_LE || op == X_EQ)
		r->high = r->high < v - (op == X_LT) ? r->high : v - (op == X_LT);
}

/* What the facts leave to e. */
static struct range
range_of(const struct facts *f, const struct lg_expr *e, enum lg_kind kind)
{
	struct range r = { kind, INT64_MIN, INT64_MAX, false };

	for (uint32_t i = 0; i < f->n; i++) {
		const struct lg_expr *of;
		const struct lg_value *literal;
		enum lg_op op;

		if (!lg_comparison(f->v[i].x, f->v[i].positive, &of, &literal, &op) || op == X_NE || literal->kind != kind ||
		    !lg_expr_same(of, e))
			continue;
		r.known = true;
		narrow(&r, op, literal->u.i);
	}
	return r;
}

/* Are all numbers of the range so? */
static bool
all_are(const struct range *r, enum lg_op op, int64_t v)
{
	if (r->low > r->high)
		return true;
	switch (op) {
	case X_EQ: return r->low == v && r->high == v;
	case X_NE: return v < r->low || v > r->high;
	case X_LT: return r->high < v;
	case X_LE: return r->high <= v;
	case X_GT: return r->low > v;
	default: return r->low >= v;
	}
}

/* ---- what follows --------------------------------------------------------------------------- */

/* e is known to be another value than this one. */
static bool
is_other(const struct facts *f, const struct lg_expr *e, const struct lg_value *v)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct lg_expr *of;
		const struct lg_value *literal;
		enum lg_op op;

		if (lg_comparison(f->v[i].x, f->v[i].positive, &of, &literal, &op) && op == X_EQ && lg_expr_same(of, e) &&
		    !lg_value_eq(literal, v))
			return true;
	}
	return false;
}

static bool
follows_by_value(const struct facts *f, const struct lg_expr *x, bool positive)
{
	const struct lg_expr *e;
	const struct lg_value *literal;
	enum lg_op op;
	struct range r;

	if (!lg_comparison(x, positive, &e, &literal, &op))
		return false;
	if (op == X_NE && is_other(f, e, literal))
		return true;
	if (!has_order(literal->kind))
		return false;
	r = range_of(f, e, literal->kind);
	return r.known && all_are(&r, op, literal->u.i);
}

static bool follows(const struct facts *f, const struct lg_expr *x, bool positive);

/* A chain comes out as `until` by one operand, if those before it let the evaluation get there. */
static bool
chain_follows(const struct facts *f, const struct lg_expr *x, bool positive)
{
	bool until = x->op == X_OR;

	for (uint32_t i = 0; i < x->n; i++) {
		if (positive == until && follows(f, x->list[i], until))
			return true;
		if (!follows(f, x->list[i], !until))
			return false;
	}
	return positive != until;
}

/* Given the facts, x evaluates to `positive`, without error. */
static bool
follows(const struct facts *f, const struct lg_expr *x, bool positive)
{
	if (x->constant != NULL)
		return x->constant->kind == LG_V_BOOL && x->constant->u.b == positive;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->v[i].positive == positive && lg_expr_same(f->v[i].x, x))
			return true;
	if (x->op == X_NOT)
		return follows(f, x->a, !positive);
	if (x->op == X_AND || x->op == X_OR)
		return chain_follows(f, x, positive);
	return follows_by_value(f, x, positive);
}

/* ---- scopes --------------------------------------------------------------------------------- */

static bool
has_uid(const struct lg_scope *sc, const struct lg_euid *uid)
{
	for (uint32_t i = 0; i < sc->n; i++)
		if (lg_euid_eq(&sc->uids[i], uid))
			return true;
	return false;
}

static bool
entity_follows(const struct lg_scope *low, const struct lg_scope *wide)
{
	bool type = wide->kind != SCOPE_IS && wide->kind != SCOPE_IS_IN;

	type = type || ((low->kind == SCOPE_IS || low->kind == SCOPE_IS_IN) && lg_str_eq(low->type, wide->type)) ||
	    (low->kind == SCOPE_EQ && lg_str_eq(low->uids[0].type, wide->type));
	if (wide->kind == SCOPE_ANY || wide->kind == SCOPE_IS)
		return type;
	return type && low->n == 1 && has_uid(wide, &low->uids[0]) && (wide->kind != SCOPE_EQ || low->kind == SCOPE_EQ);
}

static bool
action_follows(const struct lg_schema *schema, const struct lg_scope *low, const struct lg_scope *wide)
{
	if (wide->kind == SCOPE_ANY)
		return true;
	if (low->kind == SCOPE_ANY || (wide->kind == SCOPE_EQ && low->kind != SCOPE_EQ))
		return false;
	for (uint32_t i = 0; i < low->n; i++) {
		const struct lg_schema_action *a = lg_schema_action_find(schema, &low->uids[i]);
		bool in = has_uid(wide, &low->uids[i]);

		for (uint32_t k = 0; k < wide->n && !in && wide->kind == SCOPE_IN && a != NULL; k++)
			in = lg_schema_action_within(a, &wide->uids[k]);
		if (!in)
			return false;
	}
	return true;
}

/* ---- policies ------------------------------------------------------------------------------- */

bool
lg_policy_contradicts_itself(const struct lg_policy *p)
{
	struct facts f;

	facts_of(&f, p);
	for (uint32_t i = 0; i < f.n; i++)
		if (follows(&f, f.v[i].x, !f.v[i].positive))
			return true;
	return false;
}

bool
lg_policy_implies(const struct lg_schema *schema, const struct lg_policy *low, const struct lg_policy *wide)
{
	struct facts f;

	if (wide->info.is_template || low->info.is_template || !entity_follows(&low->principal, &wide->principal) ||
	    !entity_follows(&low->resource, &wide->resource) || !action_follows(schema, &low->action, &wide->action))
		return false;
	facts_of(&f, low);
	for (uint32_t i = 0; i < wide->nclauses; i++)
		if (!follows(&f, wide->clauses[i].body, wide->clauses[i].when))
			return false;
	return true;
}
