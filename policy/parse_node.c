/* parse_node.c: making the nodes of a tree, within its limit of depth. */
#include "policy/parse.h"

#include "base/map.h"

void
lg_parse_add(struct lg_parser *ps, struct lg_parse_list *l, struct lg_expr *x)
{
	if (l->n == l->size) {
		struct lg_expr **v;

		l->size = l->size == 0 ? 4 : l->size * 2;
		v = LG_NEWS(ps->arena, struct lg_expr *, l->size);
		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = x;
}

struct lg_expr *
lg_expr_new(struct lg_arena *a, enum lg_op op, uint32_t at, uint32_t end)
{
	struct lg_expr *x = LG_NEW(a, struct lg_expr);

	x->op = op;
	x->at = at;
	x->end = end;
	x->depth = 1;
	return x;
}

struct lg_expr *
lg_parse_node(struct lg_parser *ps, enum lg_op op, uint32_t at)
{
	return lg_expr_new(ps->arena, op, at, ps->lx.tok.at);
}

struct lg_expr *
lg_parse_literal(struct lg_parser *ps, uint32_t at, struct lg_value v)
{
	struct lg_expr *x = lg_parse_node(ps, X_LIT, at);

	x->literal = v;
	x->constant = &x->literal;
	return x;
}

struct lg_expr *
lg_parse_stand_in(struct lg_parser *ps, uint32_t at)
{
	return lg_parse_literal(ps, at, lg_value_bool(true));
}

struct lg_expr *
lg_parse_deeper(struct lg_parser *ps, struct lg_expr *x, const struct lg_expr *child)
{
	if (child != NULL && child->depth >= x->depth)
		x->depth = (uint16_t)(child->depth + 1);
	if (x->depth > LG_POLICY_DEPTH) {
		lg_lex_fault(&ps->lx, x->at, "expression nested deeper than %d", LG_POLICY_DEPTH);
		return NULL;
	}
	return x;
}

struct lg_expr *
lg_parse_binary(struct lg_parser *ps, enum lg_op op, struct lg_expr *a, struct lg_expr *b)
{
	struct lg_expr *x = lg_parse_node(ps, op, a->at);

	x->a = a;
	x->b = b;
	return lg_parse_deeper(ps, x, a) == NULL ? NULL : lg_parse_deeper(ps, x, b);
}

struct lg_expr *
lg_parse_unary(struct lg_parser *ps, enum lg_op op, uint32_t at, struct lg_expr *a)
{
	struct lg_expr *x = lg_parse_node(ps, op, at);

	x->a = a;
	return lg_parse_deeper(ps, x, a);
}

const struct lg_name *
lg_parse_name(struct lg_parser *ps, lg_str text)
{
	void **slot = lg_map_at(ps->names, text);
	struct lg_name *name;

	if (*slot == NULL) {
		name = LG_NEW(ps->arena, struct lg_name);
		*name = lg_name_of(text);
		name->id = (*ps->nnames)++;
		*slot = name;
	}
	return *slot;
}

bool
lg_parse_string(struct lg_parser *ps, bool pattern, lg_str *ret)
{
	lg_str raw = lg_lex_text(&ps->lx, &ps->lx.tok);
	uint32_t at = ps->lx.tok.at;
	size_t where = 0;
	const char *why = lg_unescape(ps->arena, lg_str_sub(raw, 1, raw.n - 2), pattern, ret, &where);

	lg_lex_next(&ps->lx);
	if (why != NULL)
		lg_lex_fault(&ps->lx, at + 1 + (uint32_t)where, "%s", why);
	return why == NULL;
}

struct lg_expr *
lg_parse_listed(struct lg_parser *ps, enum lg_op op, uint32_t at, const struct lg_parse_list *l)
{
	struct lg_expr *x = lg_parse_node(ps, op, at);

	x->list = l->v;
	x->n = l->n;
	for (uint32_t i = 0; i < l->n; i++)
		if (lg_parse_deeper(ps, x, l->v[i]) == NULL)
			return NULL;
	return x;
}
