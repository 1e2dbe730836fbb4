/*
 * reduce_kind.c: what can be said of a residual without evaluating it.
 * `x && false` is false only where x can neither fail nor ask for an entity that may be unreadable: this file knows when.
 */
#include "policy/reduce.h"

#define UNSURE (-1)

static int
kind_of_type(const struct lg_type *t)
{
	switch (t->kind) {
	case TY_BOOL: return LG_V_BOOL;
	case TY_LONG: return LG_V_LONG;
	case TY_STRING: return LG_V_STRING;
	case TY_ENTITY:
	case TY_ANY_ENTITY: return LG_V_ENTITY;
	case TY_SET: return LG_V_SET;
	case TY_RECORD: return LG_V_RECORD;
	case TY_EXT: return (int)t->ext;
	case TY_NEVER: break;
	}
	return UNSURE;
}

static bool
is_context(const struct lg_expr *x)
{
	return x->op == X_VAR && x->var == VAR_CONTEXT;
}

static bool
all_of(const struct lg_reducer *re, const struct lg_expr *x, int kind)
{
	for (uint32_t i = 0; i < x->n; i++) {
		int k = lg_reduce_kind(re, x->list[i]);

		if (k == UNSURE || (kind != UNSURE && k != kind))
			return false;
	}
	return true;
}

static int
if_so(bool sure, enum lg_kind k)
{
	return sure ? (int)k : UNSURE;
}

static int
binary_kind(const struct lg_reducer *re, const struct lg_expr *x)
{
	int a = lg_reduce_kind(re, x->a), b = lg_reduce_kind(re, x->b);

	if (a == UNSURE || b == UNSURE)
		return UNSURE;
	switch (x->op) {
	case X_EQ:
	case X_NE: return LG_V_BOOL;
	case X_LT:
	case X_LE:
	case X_GT:
	case X_GE: return if_so(a == b && (a == LG_V_LONG || a == LG_V_DATETIME || a == LG_V_DURATION), LG_V_BOOL);
	case X_CONTAINS: return if_so(a == LG_V_SET, LG_V_BOOL);
	case X_CONTAINS_ALL:
	case X_CONTAINS_ANY: return if_so(a == LG_V_SET && b == LG_V_SET, LG_V_BOOL);
	default: return UNSURE;		/* arithmetic overflows; `in` and tags ask for entities */
	}
}

static int
call_kind(const struct lg_reducer *re, const struct lg_expr *x)
{
	if (x->ext->result != LG_V_BOOL || x->n != x->ext->nargs)
		return UNSURE;		/* the others can fail by their values */
	for (uint32_t i = 0; i < x->n; i++)
		if (lg_reduce_kind(re, x->list[i]) != (int)x->ext->args[i])
			return UNSURE;
	return LG_V_BOOL;
}

static int
access_kind(const struct lg_reducer *re, const struct lg_expr *x)
{
	const struct lg_type *t;

	if (x->op == X_HAS)
		return if_so(lg_reduce_kind(re, x->a) == LG_V_RECORD, LG_V_BOOL);
	t = is_context(x->a) ? lg_reduce_declared(re, x->name) : NULL;
	return t == NULL ? UNSURE : kind_of_type(t);
}

int
lg_reduce_kind(const struct lg_reducer *re, const struct lg_expr *x)
{
	int b;

	if (x->constant != NULL)
		return (int)x->constant->kind;
	switch (x->op) {
	case X_VAR: return x->var == VAR_CONTEXT ? LG_V_RECORD : LG_V_ENTITY;
	case X_NOT: return if_so(lg_reduce_kind(re, x->a) == LG_V_BOOL, LG_V_BOOL);
	case X_IS_EMPTY: return if_so(lg_reduce_kind(re, x->a) == LG_V_SET, LG_V_BOOL);
	case X_LIKE: return if_so(lg_reduce_kind(re, x->a) == LG_V_STRING, LG_V_BOOL);
	case X_IS: return if_so(x->in == NULL && lg_reduce_kind(re, x->a) == LG_V_ENTITY, LG_V_BOOL);
	case X_AND:
	case X_OR: return if_so(all_of(re, x, LG_V_BOOL), LG_V_BOOL);
	case X_SET: return if_so(all_of(re, x, UNSURE), LG_V_SET);
	case X_RECORD: return if_so(all_of(re, x, UNSURE), LG_V_RECORD);
	case X_HAS:
	case X_GET: return access_kind(re, x);
	case X_CALL: return call_kind(re, x);
	case X_IF:
		b = lg_reduce_kind(re, x->b);
		return lg_reduce_kind(re, x->a) == LG_V_BOOL && b == lg_reduce_kind(re, x->c) ? b : UNSURE;
	case X_LIT:
	case X_SLOT:
	case X_NEG: return UNSURE;
	default: return binary_kind(re, x);
	}
}

bool
lg_reduce_is_bool(const struct lg_expr *x)
{
	switch (x->op) {
	case X_NOT:
	case X_IS_EMPTY:
	case X_EQ:
	case X_NE:
	case X_LT:
	case X_LE:
	case X_GT:
	case X_GE:
	case X_IN:
	case X_CONTAINS:
	case X_CONTAINS_ALL:
	case X_CONTAINS_ANY:
	case X_HAS_TAG:
	case X_HAS:
	case X_LIKE:
	case X_IS:
	case X_AND:
	case X_OR: return true;
	case X_CALL: return x->ext->result == LG_V_BOOL;
	case X_LIT: return x->constant->kind == LG_V_BOOL;
	default: return false;
	}
}

lg_str
lg_reduce_type_of(const struct lg_reducer *re, const struct lg_expr *x)
{
	if (x->constant != NULL)
		return x->constant->kind == LG_V_ENTITY ? x->constant->u.e.uid->type : LG_NONE;
	if (x->op != X_VAR || x->var == VAR_CONTEXT)
		return LG_NONE;
	return x->var == VAR_PRINCIPAL ? re->rq->principal.type :
	    x->var == VAR_RESOURCE ? re->rq->resource.type : re->rq->action.type;
}

enum lg_found
lg_reduce_equal(const struct lg_reducer *re, const struct lg_expr *a, const struct lg_expr *b)
{
	int ka = lg_reduce_kind(re, a), kb = lg_reduce_kind(re, b);
	lg_str ta, tb;

	if (ka == UNSURE || kb == UNSURE)
		return LG_UNKNOWN;
	if (ka != kb)
		return LG_ABSENT;
	if (a->op == X_VAR && b->op == X_VAR && a->var == b->var)
		return LG_PRESENT;
	ta = lg_reduce_type_of(re, a);
	tb = lg_reduce_type_of(re, b);
	return ta.n > 0 && tb.n > 0 && !lg_str_eq(ta, tb) ? LG_ABSENT : LG_UNKNOWN;
}

bool
lg_reduce_may_be_in(const struct lg_reducer *re, lg_str type, const struct lg_euid *above)
{
	const struct lg_schema_entity *e = re->schema == NULL ? NULL : lg_schema_entity_find(re->schema, type);

	return e == NULL || lg_str_eq(type, above->type) || lg_schema_type_within(e, above->type);
}
