/* caps.c: sets of capabilities as immutable lists, and when two expressions are the same. */
#include "policy/check.h"

static bool
children_same(const struct lg_expr *x, const struct lg_expr *y)
{
	for (uint32_t i = 0; i < x->n; i++)
		if ((x->op == X_RECORD && !lg_str_eq(x->names[i]->text, y->names[i]->text)) ||
		    !lg_expr_same(x->list[i], y->list[i]))
			return false;
	return true;
}

bool
lg_expr_same(const struct lg_expr *x, const struct lg_expr *y)
{
	if (x == y)
		return true;
	if (x == NULL || y == NULL || x->op != y->op || x->n != y->n)
		return false;
	switch (x->op) {
	case X_LIT: return lg_value_eq(x->constant, y->constant);
	case X_VAR:
	case X_SLOT: return x->var == y->var;
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY: return lg_expr_same(x->a, y->a);
	case X_HAS:
	case X_GET: return lg_str_eq(x->name->text, y->name->text) && lg_expr_same(x->a, y->a);
	case X_LIKE: return lg_str_eq(x->pattern, y->pattern) && lg_expr_same(x->a, y->a);
	case X_IS: return lg_str_eq(x->type, y->type) && lg_expr_same(x->a, y->a) && lg_expr_same(x->in, y->in);
	case X_IF: return lg_expr_same(x->a, y->a) && lg_expr_same(x->b, y->b) && lg_expr_same(x->c, y->c);
	case X_CALL: return x->ext == y->ext && children_same(x, y);
	case X_AND:
	case X_OR:
	case X_SET:
	case X_RECORD: return children_same(x, y);
	default: return lg_expr_same(x->a, y->a) && lg_expr_same(x->b, y->b);
	}
}

const struct lg_cap *
lg_cap_new(struct lg_arena *a, const struct lg_expr *on, const struct lg_name *name, const struct lg_expr *tag)
{
	struct lg_cap *c = LG_NEW(a, struct lg_cap);

	*c = (struct lg_cap){ on, tag, name, NULL };
	return c;
}

bool
lg_cap_has(const struct lg_cap *l, const struct lg_expr *on, const struct lg_name *name, const struct lg_expr *tag)
{
	for (; l != NULL; l = l->next) {
		bool same = name != NULL ? l->name != NULL && lg_str_eq(l->name->text, name->text) :
		    l->tag != NULL && lg_expr_same(l->tag, tag);

		if (same && lg_expr_same(l->on, on))
			return true;
	}
	return false;
}

const struct lg_cap *
lg_cap_union(struct lg_arena *a, const struct lg_cap *x, const struct lg_cap *y)
{
	if (x == NULL)
		return y;
	for (; y != NULL; y = y->next) {
		struct lg_cap *c = LG_NEW(a, struct lg_cap);

		*c = *y;
		c->next = x;
		x = c;
	}
	return x;
}

const struct lg_cap *
lg_cap_both(struct lg_arena *a, const struct lg_cap *x, const struct lg_cap *y)
{
	const struct lg_cap *l = NULL;

	for (; x != NULL; x = x->next)
		if (lg_cap_has(y, x->on, x->name, x->tag)) {
			struct lg_cap *c = LG_NEW(a, struct lg_cap);

			*c = *x;
			c->next = l;
			l = c;
		}
	return l;
}
