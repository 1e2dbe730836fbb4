/*
 * parse_expr.c: expressions, by precedence climbing.
 * A fault of syntax gives NULL and unwinds to whoever can find the next clause or policy; a fault of meaning (unknown
 * function, reserved attribute) is recorded and parsing goes on behind it, so that one run reports all.
 */
#include "policy/ast.h"

#include "base/map.h"

#define LIST_MAX LG_POLICY_SET_MAX

struct list {
	struct lg_expr **v;
	uint32_t n, size;
};

static void
list_add(struct lg_parser *ps, struct list *l, struct lg_expr *x)
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

static struct lg_expr *
node(struct lg_parser *ps, enum lg_op op, uint32_t at)
{
	return lg_expr_new(ps->arena, op, at, ps->lx.tok.at);
}

static struct lg_expr *
literal(struct lg_parser *ps, uint32_t at, struct lg_value v)
{
	struct lg_expr *x = node(ps, X_LIT, at);
	struct lg_value *kept = LG_NEW(ps->arena, struct lg_value);

	*kept = v;
	x->constant = kept;
	return x;
}

/* What stands in for an expression that was faulty: parsing goes on, the set is refused anyway. */
static struct lg_expr *
stand_in(struct lg_parser *ps, uint32_t at)
{
	return literal(ps, at, lg_value_bool(true));
}

static struct lg_expr *
deeper(struct lg_parser *ps, struct lg_expr *x, const struct lg_expr *child)
{
	if (child != NULL && child->depth >= x->depth)
		x->depth = (uint16_t)(child->depth + 1);
	if (x->depth > LG_POLICY_DEPTH) {
		lg_lex_fault(&ps->lx, x->at, "expression nested deeper than %d", LG_POLICY_DEPTH);
		return NULL;
	}
	return x;
}

static struct lg_expr *
binary(struct lg_parser *ps, enum lg_op op, struct lg_expr *a, struct lg_expr *b)
{
	struct lg_expr *x = node(ps, op, a->at);

	x->a = a;
	x->b = b;
	return deeper(ps, x, a) == NULL ? NULL : deeper(ps, x, b);
}

static struct lg_expr *
unary(struct lg_parser *ps, enum lg_op op, uint32_t at, struct lg_expr *a)
{
	struct lg_expr *x = node(ps, op, at);

	x->a = a;
	return deeper(ps, x, a);
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

/* ---- primaries ------------------------------------------------------------------------------ */

/* Expressions between here and `close`, a trailing comma allowed. */
static bool
expr_list(struct lg_parser *ps, enum lg_token_type close, struct list *l)
{
	while (ps->lx.tok.type != close) {
		struct lg_expr *x = lg_parse_expr(ps);

		if (x == NULL)
			return false;
		if (l->n == LIST_MAX) {
			lg_lex_fault(&ps->lx, x->at, "more than %d elements", LIST_MAX);
			return false;
		}
		list_add(ps, l, x);
		if (ps->lx.tok.type != close && !lg_lex_expect(&ps->lx, T_COMMA))
			return false;
	}
	lg_lex_next(&ps->lx);
	return true;
}

static struct lg_expr *
listed(struct lg_parser *ps, enum lg_op op, uint32_t at, const struct list *l)
{
	struct lg_expr *x = node(ps, op, at);

	x->list = l->v;
	x->n = l->n;
	for (uint32_t i = 0; i < l->n; i++)
		if (deeper(ps, x, l->v[i]) == NULL)
			return NULL;
	return x;
}

static struct lg_expr *
set_literal(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	struct list l = { 0 };

	lg_lex_next(&ps->lx);
	return expr_list(ps, T_RBRACKET, &l) ? listed(ps, X_SET, at, &l) : NULL;
}

/* An attribute's name in a record or behind `has`: identifier that is not reserved, or string. */
static bool
attribute_name(struct lg_parser *ps, const struct lg_name **ret)
{
	lg_str text = lg_lex_text(&ps->lx, &ps->lx.tok);

	if (ps->lx.tok.type == T_STRING) {
		*ret = lg_parse_name(ps, lg_parse_string(ps, false, &text) ? text : LG_STR("?"));
		return true;
	}
	if (ps->lx.tok.type != T_IDENT) {
		lg_lex_unexpected(&ps->lx, "an attribute name (identifier or string)");
		return false;
	}
	if (lg_lex_reserved(ps->lx.tok.word))
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "`%.*s` is reserved; write it as a string", LG_FMT(text));
	lg_lex_next(&ps->lx);
	*ret = lg_parse_name(ps, text);
	return true;
}

static bool
record_fields(struct lg_parser *ps, struct list *l, struct lg_map *seen, const struct lg_name ***names)
{
	uint32_t size = 0;

	while (ps->lx.tok.type != T_RBRACE) {
		uint32_t at = ps->lx.tok.at;
		const struct lg_name *name;
		struct lg_expr *x;
		void **slot;

		if (!attribute_name(ps, &name) || !lg_lex_expect(&ps->lx, T_COLON) || (x = lg_parse_expr(ps)) == NULL)
			return false;
		slot = lg_map_at(seen, name->text);
		if (*slot != NULL)
			lg_lex_fault(&ps->lx, at, "attribute `%.*s` stands twice in one record", LG_FMT(name->text));
		*slot = x;
		if (l->n == size) {
			const struct lg_name **v = LG_NEWS(ps->arena, const struct lg_name *, size = size == 0 ? 4 : size * 2);

			if (l->n > 0)
				memcpy(v, *names, l->n * sizeof(*v));
			*names = v;
		}
		(*names)[l->n] = name;
		list_add(ps, l, x);
		if (ps->lx.tok.type != T_RBRACE && !lg_lex_expect(&ps->lx, T_COMMA))
			return false;
	}
	lg_lex_next(&ps->lx);
	return true;
}

static struct lg_expr *
record_literal(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	const struct lg_name **names = NULL;
	struct list l = { 0 };
	struct lg_map seen;
	struct lg_expr *x;

	lg_map_init(&seen, ps->lx.cx->arena);
	lg_lex_next(&ps->lx);
	if (!record_fields(ps, &l, &seen, &names))
		return NULL;
	x = listed(ps, X_RECORD, at, &l);
	if (x != NULL)
		x->names = names;
	return x;
}

bool
lg_parse_uid(struct lg_parser *ps, struct lg_euid *ret)
{
	lg_str type, id;

	if (!lg_lex_path(&ps->lx, ps->arena, &type))
		return false;
	if (!lg_lex_expect(&ps->lx, T_PATH))
		return false;
	if (ps->lx.tok.type != T_STRING) {
		lg_lex_unexpected(&ps->lx, "the entity's id as a string");
		return false;
	}
	if (!lg_parse_string(ps, false, &id))
		return false;
	*ret = lg_euid_of(type, id);
	return true;
}

static const struct {
	lg_str name;
	enum lg_op op;
	uint32_t nargs;
} methods[] = {
	{ LG_STR("contains"), X_CONTAINS, 1 }, { LG_STR("containsAll"), X_CONTAINS_ALL, 1 },
	{ LG_STR("containsAny"), X_CONTAINS_ANY, 1 }, { LG_STR("isEmpty"), X_IS_EMPTY, 0 },
	{ LG_STR("getTag"), X_GET_TAG, 1 }, { LG_STR("hasTag"), X_HAS_TAG, 1 }
};

static size_t
method_of(lg_str name)
{
	size_t i = 0;

	while (i < LG_COUNT(methods) && !lg_str_eq(methods[i].name, name))
		i++;
	return i;
}

static struct lg_expr *
call(struct lg_parser *ps, uint32_t at, const struct lg_ext *ext, const struct list *args)
{
	struct lg_expr *x = listed(ps, X_CALL, at, args);

	if (x != NULL)
		x->ext = ext;
	return x;
}

/* name(args): only the constructors of extension values are functions. */
static struct lg_expr *
function_call(struct lg_parser *ps, uint32_t at, lg_str name)
{
	const struct lg_ext *ext = lg_ext_find(name);
	struct list args = { 0 };

	lg_lex_next(&ps->lx);
	if (!expr_list(ps, T_RPAREN, &args))
		return NULL;
	if (ext != NULL && !ext->method)
		return call(ps, at, ext, &args);
	if (ext != NULL || method_of(name) < LG_COUNT(methods))
		lg_lex_fault(&ps->lx, at, "`%.*s` is a method, not a function: e.%.*s(..)", LG_FMT(name), LG_FMT(name));
	else
		lg_lex_fault(&ps->lx, at, "`%.*s` is not a function", LG_FMT(name));
	return stand_in(ps, at);
}

static struct lg_expr *
path_primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	lg_str name, id;
	bool ok = lg_lex_path(&ps->lx, ps->arena, &name);
	struct lg_euid *uid;

	if (ps->lx.tok.type == T_LPAREN)
		return function_call(ps, at, name);
	if (!lg_lex_accept(&ps->lx, T_PATH)) {
		if (ok)
			lg_lex_fault(&ps->lx, at, "`%.*s` is no variable (principal, action, resource, context); did you mean \"%.*s\"?",
			    LG_FMT(name), LG_FMT(name));
		return ps->lx.tok.at == at ? NULL : stand_in(ps, at);
	}
	if (ps->lx.tok.type != T_STRING) {
		lg_lex_unexpected(&ps->lx, "the entity's id as a string");
		return NULL;
	}
	if (!lg_parse_string(ps, false, &id))
		return stand_in(ps, at);
	uid = LG_NEW(ps->arena, struct lg_euid);
	*uid = lg_euid_of(name, id);
	return literal(ps, at, lg_value_entity(uid));
}

static struct lg_expr *
word_primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	enum lg_keyword w = ps->lx.tok.word;
	struct lg_expr *x;

	if (w == K_TRUE || w == K_FALSE) {
		lg_lex_next(&ps->lx);
		return literal(ps, at, lg_value_bool(w == K_TRUE));
	}
	if (w < K_PRINCIPAL || lg_lex_peek(&ps->lx).type == T_PATH)
		return path_primary(ps);
	lg_lex_next(&ps->lx);
	x = node(ps, X_VAR, at);
	x->var = (enum lg_var)(w - K_PRINCIPAL);
	if (ps->lx.tok.type == T_LPAREN) {
		lg_lex_fault(&ps->lx, at, "a variable cannot be called");
		return NULL;
	}
	return x;
}

/* Digits up to 2^63 - 1, or 2^63 itself right behind a minus. */
static struct lg_expr *
number(struct lg_parser *ps, bool negative)
{
	uint32_t at = ps->lx.tok.at;
	lg_str digits = lg_lex_text(&ps->lx, &ps->lx.tok);
	uint64_t v = 0, top = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	bool fits = true;

	for (size_t i = 0; i < digits.n; i++)
		fits = fits && !__builtin_mul_overflow(v, UINT64_C(10), &v) &&
		    !__builtin_add_overflow(v, (uint64_t)(digits.p[i] - '0'), &v);
	lg_lex_next(&ps->lx);
	if (!fits || v > top) {
		lg_lex_fault(&ps->lx, at, "integer `%.*s` is too large", LG_FMT(lg_str_sub(digits, 0, 40)));
		return stand_in(ps, at);
	}
	return literal(ps, at, lg_value_long(negative ? (int64_t)(0 - v) : (int64_t)v));
}

static struct lg_expr *
slot_primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;

	lg_lex_fault(&ps->lx, at, "`%.*s`: template slots stand in the scope only", LG_FMT(lg_lex_text(&ps->lx, &ps->lx.tok)));
	lg_lex_next(&ps->lx);
	return stand_in(ps, at);
}

static struct lg_expr *
primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	struct lg_expr *x;
	lg_str s;

	switch (ps->lx.tok.type) {
	case T_IDENT: return word_primary(ps);
	case T_NUMBER: return number(ps, false);
	case T_LBRACKET: return set_literal(ps);
	case T_LBRACE: return record_literal(ps);
	case T_SLOT: return slot_primary(ps);
	case T_STRING:
		if (!lg_parse_string(ps, false, &s))
			return stand_in(ps, at);
		return literal(ps, at, lg_value_string(s));
	case T_LPAREN:
		lg_lex_next(&ps->lx);
		x = lg_parse_expr(ps);
		return x != NULL && lg_lex_expect(&ps->lx, T_RPAREN) ? x : NULL;
	default:
		lg_lex_unexpected(&ps->lx, "an expression");
		return NULL;
	}
}

/* ---- member access, unary ------------------------------------------------------------------- */

static struct lg_expr *
method_call(struct lg_parser *ps, struct lg_expr *on, lg_str name, uint32_t at)
{
	size_t m = method_of(name);
	const struct lg_ext *ext = lg_ext_find(name);
	struct list args = { 0 };

	list_add(ps, &args, on);
	lg_lex_next(&ps->lx);
	if (!expr_list(ps, T_RPAREN, &args))
		return NULL;
	if (m < LG_COUNT(methods) && args.n - 1 == methods[m].nargs)
		return methods[m].nargs == 0 ? unary(ps, methods[m].op, on->at, on) : binary(ps, methods[m].op, on, args.v[1]);
	if (m < LG_COUNT(methods))
		lg_lex_fault(&ps->lx, at, "`%.*s` takes %u argument(s), %u given", LG_FMT(name), methods[m].nargs, args.n - 1);
	else if (ext != NULL && ext->method)
		return call(ps, on->at, ext, &args);
	else if (ext != NULL)
		lg_lex_fault(&ps->lx, at, "`%.*s` is a function, not a method: %.*s(..)", LG_FMT(name), LG_FMT(name));
	else
		lg_lex_fault(&ps->lx, at, "`%.*s` is not a method", LG_FMT(name));
	return stand_in(ps, at);
}

static struct lg_expr *
get(struct lg_parser *ps, struct lg_expr *a, lg_str name)
{
	struct lg_expr *x = node(ps, X_GET, a->at);

	x->a = a;
	x->name = lg_parse_name(ps, name);
	return deeper(ps, x, a);
}

static struct lg_expr *
index_access(struct lg_parser *ps, struct lg_expr *a)
{
	lg_str name;

	lg_lex_next(&ps->lx);
	if (ps->lx.tok.type != T_STRING) {
		lg_lex_fault(&ps->lx, ps->lx.tok.at, "an index must be a string literal");
		return NULL;
	}
	if (!lg_parse_string(ps, false, &name))
		name = LG_STR("?");
	return lg_lex_expect(&ps->lx, T_RBRACKET) ? get(ps, a, name) : NULL;
}

static struct lg_expr *
dot_access(struct lg_parser *ps, struct lg_expr *a)
{
	uint32_t at;
	lg_str name;

	lg_lex_next(&ps->lx);
	at = ps->lx.tok.at;
	name = lg_lex_text(&ps->lx, &ps->lx.tok);
	if (ps->lx.tok.type != T_IDENT) {
		lg_lex_unexpected(&ps->lx, "an attribute or method name");
		return NULL;
	}
	if (lg_lex_reserved(ps->lx.tok.word))
		lg_lex_fault(&ps->lx, at, "`%.*s` is reserved; write [\"%.*s\"]", LG_FMT(name), LG_FMT(name));
	lg_lex_next(&ps->lx);
	return ps->lx.tok.type == T_LPAREN ? method_call(ps, a, name, at) : get(ps, a, name);
}

static struct lg_expr *
member(struct lg_parser *ps)
{
	struct lg_expr *x = primary(ps);

	while (x != NULL) {
		if (ps->lx.tok.type == T_DOT)
			x = dot_access(ps, x);
		else if (ps->lx.tok.type == T_LBRACKET)
			x = index_access(ps, x);
		else if (ps->lx.tok.type == T_LPAREN) {
			lg_lex_fault(&ps->lx, x->at, "only functions can be called: name(arg, ..)");
			return NULL;
		} else
			break;
	}
	return x;
}

/* At most four of one kind, never mixed.  A minus right before a number belongs to the number. */
static struct lg_expr *
unary_expr(struct lg_parser *ps)
{
	enum lg_token_type sign = ps->lx.tok.type;
	uint32_t at = ps->lx.tok.at, count = 0;
	struct lg_expr *x;
	struct lg_token after;

	if (sign != T_NOT && sign != T_MINUS)
		return member(ps);
	while (lg_lex_accept(&ps->lx, sign))
		count++;
	if (count > 4)
		lg_lex_fault(&ps->lx, at, "more than four `%s` in a row", sign == T_NOT ? "!" : "-");
	after = lg_lex_peek(&ps->lx);
	if (sign == T_MINUS && ps->lx.tok.type == T_NUMBER && after.type != T_DOT && after.type != T_LBRACKET) {
		x = number(ps, true);
		count--;
	} else {
		x = member(ps);
	}
	for (count = count > 4 ? 4 : count; count > 0 && x != NULL; count--)
		x = unary(ps, sign == T_NOT ? X_NOT : X_NEG, at, x);
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
		x = b == NULL ? NULL : binary(ps, X_MUL, x, b);
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
		x = b == NULL ? NULL : binary(ps, op, x, b);
	}
	return x;
}

static struct lg_expr *
has(struct lg_parser *ps, struct lg_expr *a, const struct lg_name *name)
{
	struct lg_expr *x = node(ps, X_HAS, a->at);

	x->a = a;
	x->name = name;
	return deeper(ps, x, a);
}

/* `e has a.b.c` means e has a && e.a has b && e.a.b has c (Cedar RFC 62). */
static struct lg_expr *
has_rest(struct lg_parser *ps, struct lg_expr *a)
{
	bool chain = ps->lx.tok.type == T_IDENT;
	const struct lg_name *name;
	struct list parts = { 0 };
	struct lg_expr *x;

	if (!attribute_name(ps, &name) || (x = has(ps, a, name)) == NULL)
		return NULL;
	list_add(ps, &parts, x);
	while (chain && lg_lex_accept(&ps->lx, T_DOT)) {
		a = get(ps, a, name->text);
		if (ps->lx.tok.type == T_STRING) {
			lg_lex_unexpected(&ps->lx, "an identifier");
			return NULL;
		}
		if (a == NULL || !attribute_name(ps, &name) || (x = has(ps, a, name)) == NULL)
			return NULL;
		list_add(ps, &parts, x);
	}
	if (parts.n == 1)
		return x;
	x = listed(ps, X_AND, x->at, &parts);
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
		return stand_in(ps, a->at);
	x = node(ps, X_LIKE, a->at);
	x->a = a;
	x->pattern = pattern;
	return deeper(ps, x, a);
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
	x = node(ps, X_IS, a->at);
	x->a = a;
	x->type = type;
	x->in = in;
	return deeper(ps, x, a) == NULL ? NULL : deeper(ps, x, in);
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
		x = b == NULL ? NULL : binary(ps, op, x, b);
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
	struct list l = { 0 };

	if (x == NULL || ps->lx.tok.type != sign)
		return x;
	list_add(ps, &l, x);
	while (lg_lex_accept(&ps->lx, sign)) {
		x = op == X_AND ? relation(ps) : chain(ps, X_AND);
		if (x == NULL)
			return NULL;
		list_add(ps, &l, x);
	}
	return listed(ps, op, l.v[0]->at, &l);
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
	x = node(ps, X_IF, at);
	x->a = part[0];
	x->b = part[1];
	x->c = part[2];
	for (int i = 0; i < 3; i++)
		if (deeper(ps, x, part[i]) == NULL)
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
