/*
 * reduce.c: partial evaluation (cedar RFC 95).  Exact, errors included: a part is dropped only when it can neither fail
 * nor ask for an entity.  With a schema, what is unknown now is taken to conform to it later.
 */
#include "policy/reduce.h"

#include "policy/decide.h"

#define REDUCE_STEPS 1000000		/* nodes of one partial evaluation */

void
lg_reducer_init(struct lg_reducer *re, struct lg_ctx *cx, const struct lg_entities *entities,
    const struct lg_schema *schema, const struct lg_partial_request *rq)
{
	const struct lg_schema_action *a = schema == NULL ? NULL : lg_schema_action_find(schema, &rq->action);
	struct lg_request *known = LG_NEW(cx->arena, struct lg_request);

	*known = (struct lg_request){ .principal = rq->principal, .action = rq->action, .resource = rq->resource, .context = rq->context };
	*re = (struct lg_reducer){ .schema = schema, .rq = rq, .context = a == NULL ? NULL : a->context };
	lg_eval_init(&re->ev, cx, entities, schema, known);
	re->open[VAR_PRINCIPAL] = rq->principal.id.p == NULL;
	re->open[VAR_RESOURCE] = rq->resource.id.p == NULL;
	re->open[VAR_CONTEXT] = rq->nunknown > 0 || rq->context_open;
	re->steps = REDUCE_STEPS;
}

/* ---- results -------------------------------------------------------------------------------- */

static struct lg_reduced
open_as(struct lg_expr *x)
{
	return (struct lg_reduced){ REDUCED_OPEN, x };
}

static struct lg_reduced
error_as(struct lg_expr *x)
{
	return (struct lg_reduced){ REDUCED_ERROR, x };
}

static struct lg_reduced
value_at(struct lg_reducer *re, const struct lg_expr *x, struct lg_value v)
{
	struct lg_expr *lit = lg_expr_new(re->ev.cx->arena, X_LIT, x->at, x->end);
	struct lg_value *kept = LG_NEW(re->ev.cx->arena, struct lg_value);

	*kept = v;
	lit->constant = kept;
	return (struct lg_reduced){ REDUCED_VALUE, lit };
}

static struct lg_reduced
bool_at(struct lg_reducer *re, const struct lg_expr *x, bool b)
{
	return value_at(re, x, lg_value_bool(b));
}

static struct lg_expr *
node_of(struct lg_reducer *re, const struct lg_expr *x)
{
	struct lg_expr *y = LG_NEW(re->ev.cx->arena, struct lg_expr);

	*y = *x;
	y->has_chain = false;
	return y;
}

static bool
is_bool_value(const struct lg_reduced *r, bool *ret)
{
	if (r->kind != REDUCED_VALUE || r->x->constant->kind != LG_V_BOOL)
		return false;
	*ret = r->x->constant->u.b;
	return true;
}

/* All children are values.  What could not be read stays open, so that it is asked for again. */
static struct lg_reduced
settle(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_value v;
	bool ok;

	lg_eval_start(&re->ev);
	ok = lg_eval(&re->ev, x, &v);
	if (re->ev.unknown || (!ok && re->ev.steps == 0))
		return open_as(x);
	return ok ? value_at(re, x, v) : error_as(x);
}

/* ---- operators that evaluate all their parts ------------------------------------------------- */

/* Reduces up to n parts in order; the first that fails behind values only makes the whole fail. */
static enum lg_reduced_kind
reduce_parts(struct lg_reducer *re, struct lg_expr **v, uint32_t n)
{
	enum lg_reduced_kind all = REDUCED_VALUE;

	for (uint32_t i = 0; i < n; i++) {
		struct lg_reduced r = lg_reduce(re, v[i]);

		v[i] = r.x;
		if (r.kind == REDUCED_VALUE)
			continue;
		if (r.kind == REDUCED_ERROR)
			return all == REDUCED_VALUE ? REDUCED_ERROR : REDUCED_OPEN;
		all = REDUCED_OPEN;
	}
	return all;
}

static struct lg_reduced
finish(struct lg_reducer *re, struct lg_expr *x, enum lg_reduced_kind parts)
{
	if (parts == REDUCED_VALUE)
		return settle(re, x);
	return (struct lg_reduced){ parts, x };
}

static struct lg_reduced
reduce_list(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_expr *y = node_of(re, x);

	y->list = LG_NEWS(re->ev.cx->arena, struct lg_expr *, x->n);
	if (x->n > 0)
		memcpy(y->list, x->list, x->n * sizeof(*y->list));
	return finish(re, y, reduce_parts(re, y->list, y->n));
}

static struct lg_reduced
reduce_unary(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_expr *y = node_of(re, x);

	return finish(re, y, reduce_parts(re, &y->a, 1));
}

/* `open variable in entities`: false when the schema or an empty set rules it out. */
static bool
never_in(const struct lg_reducer *re, const struct lg_expr *a, const struct lg_value *b)
{
	lg_str type = lg_reduce_type_of(re, a);

	if (a->op != X_VAR || b == NULL)
		return false;
	if (b->kind == LG_V_ENTITY)
		return !lg_reduce_may_be_in(re, type, b->u.e.uid);
	if (b->kind != LG_V_SET)
		return false;
	for (uint32_t i = 0; i < b->u.set->n; i++)
		if (b->u.set->v[i].kind != LG_V_ENTITY || lg_reduce_may_be_in(re, type, b->u.set->v[i].u.e.uid))
			return false;
	return true;
}

static struct lg_reduced
reduce_binary(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_expr *y = node_of(re, x), *v[2] = { x->a, x->b };
	enum lg_reduced_kind parts = reduce_parts(re, v, 2);
	enum lg_found equal;

	y->a = v[0];
	y->b = v[1];
	if (parts != REDUCED_OPEN)
		return finish(re, y, parts);
	if (x->op == X_EQ || x->op == X_NE) {
		equal = lg_reduce_equal(re, y->a, y->b);
		if (equal != LG_UNKNOWN)
			return bool_at(re, x, (equal == LG_PRESENT) == (x->op == X_EQ));
	}
	if (x->op == X_IN && never_in(re, y->a, y->b->constant))
		return bool_at(re, x, false);
	return open_as(y);
}

static struct lg_reduced
reduce_is(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_expr *y = node_of(re, x), in = { .op = X_IN };
	struct lg_reduced r = lg_reduce(re, x->a);
	lg_str type;

	y->a = r.x;
	if (r.kind == REDUCED_ERROR)
		return error_as(y);
	if (r.kind == REDUCED_VALUE && r.x->constant->kind != LG_V_ENTITY)
		return settle(re, y);
	type = lg_reduce_type_of(re, r.x);
	if (type.n == 0) {
		if (x->in != NULL)
			y->in = lg_reduce(re, x->in).x;
		return open_as(y);
	}
	if (!lg_str_eq(type, x->type) || x->in == NULL)
		return bool_at(re, x, lg_str_eq(type, x->type));
	in.at = x->at;
	in.end = x->end;
	in.a = r.x;
	in.b = x->in;
	return reduce_binary(re, &in);
}

/* ---- attributes ----------------------------------------------------------------------------- */

/* What an open context says about an attribute; *ret is set when PRESENT. */
static enum lg_found
context_member(const struct lg_reducer *re, const struct lg_name *name, const struct lg_value **ret)
{
	const struct lg_record *known = re->ev.var[VAR_CONTEXT].u.record;
	const struct lg_value *v = lg_record_get(known, name);

	if (v != NULL) {
		*ret = v;
		return LG_PRESENT;
	}
	for (size_t i = 0; i < re->rq->nunknown; i++)
		if (lg_str_eq(re->rq->unknown[i], name->text))
			return LG_UNKNOWN;
	return re->rq->context_open ? LG_UNKNOWN : LG_ABSENT;
}

const struct lg_type *
lg_reduce_declared(const struct lg_reducer *re, const struct lg_name *name)
{
	for (uint32_t i = 0; re->context != NULL && i < re->context->n; i++)
		if (lg_str_eq(re->context->attrs[i].name.text, name->text))
			return re->context->attrs[i].optional ? NULL : re->context->attrs[i].type;
	return NULL;
}

static struct lg_reduced
reduce_context(struct lg_reducer *re, struct lg_expr *x)
{
	const struct lg_value *v = NULL;
	enum lg_found found = context_member(re, x->name, &v);

	if (found == LG_UNKNOWN && x->op == X_HAS && lg_reduce_declared(re, x->name) != NULL)
		found = LG_PRESENT;
	if (found == LG_UNKNOWN)
		return open_as(x);
	if (x->op == X_HAS)
		return bool_at(re, x, found == LG_PRESENT);
	return found == LG_PRESENT ? value_at(re, x, *v) : error_as(x);
}

/* `open variable has name` where its type has no such attribute. */
static bool
never_has(const struct lg_reducer *re, const struct lg_expr *x)
{
	const struct lg_schema_entity *e;

	if (x->op != X_HAS || x->a->op != X_VAR || re->schema == NULL)
		return false;
	e = lg_schema_entity_find(re->schema, lg_reduce_type_of(re, x->a));
	if (e == NULL || e->shape->open)
		return false;
	for (uint32_t i = 0; i < e->shape->n; i++)
		if (lg_str_eq(e->shape->attrs[i].name.text, x->name->text))
			return false;
	return true;
}

static struct lg_reduced
reduce_access(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_reduced r;

	if (x->a->op == X_VAR && x->a->var == VAR_CONTEXT && re->open[VAR_CONTEXT])
		return reduce_context(re, x);
	r = reduce_unary(re, x);
	return r.kind == REDUCED_OPEN && never_has(re, r.x) ? bool_at(re, x, false) : r;
}

/* ---- control -------------------------------------------------------------------------------- */

/* A part that ends the chain: with only sure parts before it, it is the whole. */
static bool
sure_so_far(const struct lg_reducer *re, struct lg_expr *const *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (lg_reduce_kind(re, v[i]) != LG_V_BOOL)
			return false;
	return true;
}

/* `&&` and `||`.  `loose`: a single part may stand for the chain even if it is no bool. */
static struct lg_reduced
reduce_chain(struct lg_reducer *re, struct lg_expr *x, bool loose)
{
	struct lg_expr *y = node_of(re, x);
	struct lg_expr **v = LG_NEWS(re->ev.cx->arena, struct lg_expr *, x->n + 1);
	uint32_t n = 0;
	bool until = x->op == X_OR, b;

	y->list = v;
	for (uint32_t i = 0; i < x->n; i++) {
		struct lg_reduced r = lg_reduce(re, x->list[i]);

		if (is_bool_value(&r, &b) && b != until)
			continue;
		v[n++] = r.x;
		if (r.kind == REDUCED_OPEN)
			continue;
		y->n = n;
		if (is_bool_value(&r, &b))
			return sure_so_far(re, v, n - 1) ? r : open_as(y);
		return n == 1 ? error_as(y) : open_as(y);	/* fails, or is no bool */
	}
	y->n = n;
	if (n == 0)
		return bool_at(re, x, !until);
	if (n == 1 && (loose || lg_reduce_is_bool(v[0])))
		return open_as(v[0]);
	if (n == 1)
		v[y->n++] = bool_at(re, x, !until).x;		/* keeps the test for a bool */
	return open_as(y);
}

static struct lg_reduced
reduce_if(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_reduced test = lg_reduce(re, x->a);
	struct lg_expr *y;
	bool b;

	if (is_bool_value(&test, &b))
		return lg_reduce(re, b ? x->b : x->c);
	y = node_of(re, x);
	y->a = test.x;
	if (test.kind != REDUCED_OPEN)
		return error_as(y);
	y->b = lg_reduce(re, x->b).x;
	y->c = lg_reduce(re, x->c).x;
	return open_as(y);
}

static struct lg_reduced
reduce_not(struct lg_reducer *re, struct lg_expr *x)
{
	struct lg_reduced r = reduce_unary(re, x);

	if (r.kind == REDUCED_OPEN && r.x->a->op == X_NOT && lg_reduce_is_bool(r.x->a->a))
		return open_as(r.x->a->a);
	return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

struct lg_reduced
lg_reduce(struct lg_reducer *re, struct lg_expr *x)
{
	if (x->constant != NULL)	/* `1 == 2` becomes false, ip("10.0.0.1") stays as it is written */
		return x->constant->kind <= LG_V_STRING ? value_at(re, x, *x->constant) :
		    (struct lg_reduced){ REDUCED_VALUE, x };
	if (re->steps == 0)
		return open_as(x);
	re->steps--;
	switch (x->op) {
	case X_VAR: return re->open[x->var] ? open_as(x) : value_at(re, x, re->ev.var[x->var]);
	case X_NOT: return reduce_not(re, x);
	case X_NEG:
	case X_IS_EMPTY:
	case X_LIKE: return reduce_unary(re, x);
	case X_HAS:
	case X_GET: return reduce_access(re, x);
	case X_IS: return reduce_is(re, x);
	case X_IF: return reduce_if(re, x);
	case X_AND:
	case X_OR: return reduce_chain(re, x, false);
	case X_SET:
	case X_RECORD:
	case X_CALL: return reduce_list(re, x);
	case X_LIT:
	case X_SLOT: return open_as(x);
	default: return reduce_binary(re, x);
	}
}

struct lg_reduced
lg_reduce_clauses(struct lg_reducer *re, const struct lg_policy *p)
{
	struct lg_expr all = { .op = X_AND, .at = p->at, .end = p->end, .n = p->nclauses };

	all.list = LG_NEWS(re->ev.cx->arena, struct lg_expr *, p->nclauses);
	for (uint32_t i = 0; i < p->nclauses; i++) {
		struct lg_expr *body = p->clauses[i].body, *not;

		all.list[i] = body;
		if (p->clauses[i].when)
			continue;
		not = lg_expr_new(re->ev.cx->arena, X_NOT, body->at, body->end);
		not->a = body;
		all.list[i] = not;
	}
	return reduce_chain(re, &all, true);
}

enum lg_found
lg_reduce_scope(struct lg_reducer *re, const struct lg_scope *sc, enum lg_var var)
{
	lg_str type = var == VAR_PRINCIPAL ? re->rq->principal.type : re->rq->resource.type;

	if (!re->open[var]) {
		lg_eval_start(&re->ev);
		return lg_scope_match(&re->ev, sc, var);
	}
	if ((sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN) && !lg_str_eq(sc->type, type))
		return LG_ABSENT;
	if (sc->kind == SCOPE_ANY || sc->kind == SCOPE_IS)
		return LG_PRESENT;
	if (sc->kind == SCOPE_EQ)
		return lg_str_eq(sc->uids[0].type, type) ? LG_UNKNOWN : LG_ABSENT;
	return lg_reduce_may_be_in(re, type, &sc->uids[0]) ? LG_UNKNOWN : LG_ABSENT;
}
