/*
 * parse_expr.c: operators, tightest first.
 * A fault of syntax gives NULL and unwinds to whoever can find the next clause or policy; a fault of meaning (unknown
 * function, reserved attribute) is recorded and parsing goes on behind it, so that one run reports all.
 */
#include "policy/parse.h"

/* At most four of one kind, never mixed.  A minus right before a number belongs to the number. */
static struct lg_expr *
unary_expr(struct lg_parser *ps)
{
	enum lg_token_type sign = ps->lx.tok.type;
	uint32_t at = ps->lx.tok.at, count = 0;
	struct lg_expr *x;
	struct lg_token after;

	if (sign != T_NOT && sign != T_MINUS)
		return lg_parse_member(ps);
	while (lg_lex_accept(&ps->lx, sign))
		count++;
	if (count > 4)
		lg_lex_fault(&ps->lx, at, "more than four `%s` in a row", sign == T_NOT ? "!" : "-");
	after = lg_lex_peek(&ps->lx);
	if (sign == T_MINUS && ps->lx.tok.type == T_NUMBER && after.type != T_DOT && after.type != T_LBRACKET) {
		x = lg_parse_number(ps, true);
		count--;
	} else {
		x = lg_parse_member(ps);
	}
	for (count = count > 4 ? 4 : count; count > 0 && x != NULL; count--)
		x = lg_parse_unary(ps, sign == T_NOT ? X_NOT : X_NEG, at, x);
	return x;
}

/* ---- binary operators ----------------------------------------------------------------------- */

static struct lg_expr *
products(struct lg_parser *ps)
{
	struct lg_expr *x = unary_expr(ps), *b;

	while (x != NULL && (ps->lx.tok.type == T_STAR || ps->lx.tok.type == T_SLASH || ps->lx.tok.type == T_PERCENT)) {
		if (ps->lx.tok.type != T_STAR)
			lg_lex_fault(&ps->lx, ps->lx.tok.at, "%s is not supported",
			    ps->lx.tok.type == T_SLASH ? "division" : "remainder");
		lg_lex_next(&ps->lx);
		b = unary_expr(ps);
		x = b == NULL ? NULL : lg_parse_binary(ps, X_MUL, x, b);
	}
	return x;
}

static struct lg_expr *
sums(struct lg_parser *ps)
{
	struct lg_expr *x = products(ps), *b;

	while (x != NULL && (ps->lx.tok.type == T_PLUS || ps->lx.tok.type == T_MINUS)) {
		enum lg_op op = ps->lx.tok.type == T_PLUS ? X_ADD : X_SUB;

		lg_lex_next(&ps->lx);
		b = products(ps);
		x = b == NULL ? NULL : lg_parse_binary(ps, op, x, b);
	}
	return x;
}

static struct lg_expr *
has(struct lg_parser *ps, struct lg_expr *a, const struct lg_name *name)
{
	struct lg_expr *x = lg_parse_node(ps, X_HAS, a->at);

	x->a = a;
	x->name = name;
	return lg_parse_deeper(ps, x, a);
}

/* `e has a.b.c` means e has a && e.a has b && e.a.b has c (Cedar RFC 62). */
static struct lg_expr *
has_rest(struct lg_parser *ps, struct lg_expr *a)
{
	bool chain = ps->lx.tok.type == T_IDENT;
	const struct lg_name *name;
	struct lg_parse_list parts = { 0 };
	struct lg_expr *x;

	if (!lg_parse_attribute(ps, &name) || (x = has(ps, a, name)) == NULL)
		return NULL;
	lg_parse_add(ps, &parts, x);
	while (chain && lg_lex_accept(&ps->lx, T_DOT)) {
		a = lg_parse_get(ps, a, name->text);
		if (ps->lx.tok.type == T_STRING) {
			lg_lex_unexpected(&ps->lx, "an identifier");
			return NULL;
		}
		if (a == NULL || !lg_parse_attribute(ps, &name) || (x = has(ps, a, name)) == NULL)
			return NULL;
		lg_parse_add(ps, &parts, x);
	}
	if (parts.n == 1)
		return x;
	x = lg_parse_listed(ps, X_AND, x->at, &parts);
	if (x != NULL)
		x->has_chain = true;
	return x;
}

static struct lg_expr *
like_rest(struct lg_parser *ps, struct lg_expr *a)
{
	struct lg_expr *x;
	lg_str pattern;

	if (ps->lx.tok.type != T_STRING) {
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "the right side of `like` must be a string literal");
		return NULL;
	}
	if (!lg_parse_string(ps, true, &pattern))
		return lg_parse_stand_in(ps, a->at);
	x = lg_parse_node(ps, X_LIKE, a->at);
	x->a = a;
	x->pattern = pattern;
	return lg_parse_deeper(ps, x, a);
}

static struct lg_expr *
is_rest(struct lg_parser *ps, struct lg_expr *a)
{
	struct lg_expr *x, *in = NULL;
	lg_str type;

	if (ps->lx.tok.type != T_IDENT) {
		lg_lex_unexpected(&ps->lx, "an entity type name");
		return NULL;
	}
	if (!lg_lex_path(&ps->lx, ps->arena, &type))
		type = LG_STR("?");
	if (ps->lx.tok.type == T_IDENT && ps->lx.tok.word == K_IN) {
		lg_lex_next(&ps->lx);
		in = sums(ps);
		if (in == NULL)
			return NULL;
	}
	x = lg_parse_node(ps, X_IS, a->at);
	x->a = a;
	x->type = type;
	x->in = in;
	return lg_parse_deeper(ps, x, a) == NULL ? NULL : lg_parse_deeper(ps, x, in);
}

static bool
relation_op(const struct lg_token *t, enum lg_op *op)
{
	switch (t->type) {
	case T_EQ: *op = X_EQ; return true;
	case T_NE: *op = X_NE; return true;
	case T_LT: *op = X_LT; return true;
	case T_LE: *op = X_LE; return true;
	case T_GT: *op = X_GT; return true;
	case T_GE: *op = X_GE; return true;
	case T_IDENT: *op = X_IN; return t->word == K_IN;
	default: return false;
	}
}

/* Relations do not chain: `a < b < c` is a fault. */
static struct lg_expr *
relation(struct lg_parser *ps)
{
	struct lg_expr *x = sums(ps), *b;
	struct lg_token t = ps->lx.tok;
	enum lg_op op, again;

	if (x == NULL)
		return NULL;
	if (t.type == T_ASSIGN) {
		lg_lex_fault(&ps->lx, t.at, "`=` is no operator; use `==`");
		return NULL;
	}
	if (relation_op(&t, &op)) {
		lg_lex_next(&ps->lx);
		b = sums(ps);
		x = b == NULL ? NULL : lg_parse_binary(ps, op, x, b);
	} else if (t.type == T_IDENT && (t.word == K_HAS || t.word == K_LIKE || t.word == K_IS)) {
		lg_lex_next(&ps->lx);
		x = t.word == K_HAS ? has_rest(ps, x) : t.word == K_LIKE ? like_rest(ps, x) : is_rest(ps, x);
	}
	if (x != NULL && relation_op(&ps->lx.tok, &again)) {
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "relations do not chain; use parentheses");
		return NULL;
	}
	return x;
}

/* && and || chains become one node, so that a long chain is not deep. */
static struct lg_expr *
chain(struct lg_parser *ps, enum lg_op op)
{
	enum lg_token_type sign = op == X_AND ? T_AND : T_OR;
	struct lg_expr *x = op == X_AND ? relation(ps) : chain(ps, X_AND);
	struct lg_parse_list l = { 0 };

	if (x == NULL || ps->lx.tok.type != sign)
		return x;
	lg_parse_add(ps, &l, x);
	while (lg_lex_accept(&ps->lx, sign)) {
		x = op == X_AND ? relation(ps) : chain(ps, X_AND);
		if (x == NULL)
			return NULL;
		lg_parse_add(ps, &l, x);
	}
	return lg_parse_listed(ps, op, l.v[0]->at, &l);
}

static struct lg_expr *
if_expr(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	struct lg_expr *part[3], *x;

	for (int i = 0; i < 3; i++) {
		static const enum lg_keyword words[] = { K_IF, K_THEN, K_ELSE };
		static const char *const names[] = { "`if`", "`then`", "`else`" };

		if (ps->lx.tok.type != T_IDENT || ps->lx.tok.word != words[i]) {
			lg_lex_unexpected(&ps->lx, names[i]);
			return NULL;
		}
		lg_lex_next(&ps->lx);
		if ((part[i] = lg_parse_expr(ps)) == NULL)
			return NULL;
	}
	x = lg_parse_node(ps, X_IF, at);
	x->a = part[0];
	x->b = part[1];
	x->c = part[2];
	for (int i = 0; i < 3; i++)
		if (lg_parse_deeper(ps, x, part[i]) == NULL)
			return NULL;
	return x;
}

struct lg_expr *
lg_parse_expr(struct lg_parser *ps)
{
	struct lg_expr *x;

	if (ps->depth >= LG_POLICY_DEPTH) {
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "expression nested deeper than %d", LG_POLICY_DEPTH);
		return NULL;
	}
	ps->depth++;
	if (ps->lx.tok.type == T_IDENT && ps->lx.tok.word == K_IF && lg_lex_peek(&ps->lx).type != T_PATH)
		x = if_expr(ps);
	else
		x = chain(ps, X_OR);
	ps->depth--;
	return x;
}
