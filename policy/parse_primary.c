/* parse_primary.c: literals, sets, records, calls, and what follows a dot. */
#include "policy/parse.h"

#include "base/map.h"

#define LIST_MAX LG_POLICY_SET_MAX

static bool
add_listed(struct lg_parser *ps, struct lg_parse_list *l, struct lg_expr *x)
{
	if (l->n == LIST_MAX) {
		lg_lex_fault(&ps->lx, x->at, "more than %d elements", LIST_MAX);
		return false;
	}
	lg_parse_add(ps, l, x);
	return true;
}

/* Expressions between here and `close`, a trailing comma allowed. */
static bool
expr_list(struct lg_parser *ps, enum lg_token_type close, struct lg_parse_list *l)
{
	while (ps->lx.tok.type != close) {
		struct lg_expr *x = lg_parse_expr(ps);

		if (x == NULL || !add_listed(ps, l, x))
			return false;
		if (ps->lx.tok.type != close && !lg_lex_expect(&ps->lx, T_COMMA))
			return false;
	}
	lg_lex_next(&ps->lx);
	return true;
}

static struct lg_expr *
set_literal(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	struct lg_parse_list l = { 0 };

	lg_lex_next(&ps->lx);
	return expr_list(ps, T_RBRACKET, &l) ? lg_parse_listed(ps, X_SET, at, &l) : NULL;
}

bool
lg_parse_attribute(struct lg_parser *ps, const struct lg_name **ret)
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
record_fields(struct lg_parser *ps, struct lg_parse_list *l, struct lg_map *seen, const struct lg_name ***names)
{
	uint32_t size = 0;

	while (ps->lx.tok.type != T_RBRACE) {
		uint32_t at = ps->lx.tok.at;
		const struct lg_name *name;
		struct lg_expr *x;
		void **slot;

		if (!lg_parse_attribute(ps, &name) || !lg_lex_expect(&ps->lx, T_COLON) ||
		    (x = lg_parse_expr(ps)) == NULL)
			return false;
		slot = lg_map_at(seen, name->text);
		if (*slot != NULL)
			lg_lex_fault(&ps->lx, at, "attribute `%.*s` stands twice in one record", LG_FMT(name->text));
		*slot = x;
		if (l->n == size) {
			const struct lg_name **v =
			    LG_NEWS(ps->arena, const struct lg_name *, size = size == 0 ? 4 : size * 2);

			if (l->n > 0)
				memcpy(v, *names, l->n * sizeof(*v));
			*names = v;
		}
		(*names)[l->n] = name;
		if (!add_listed(ps, l, x))
			return false;
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
	struct lg_parse_list l = { 0 };
	struct lg_map seen;
	struct lg_expr *x;

	lg_map_init(&seen, ps->lx.cx->arena);
	lg_lex_next(&ps->lx);
	if (!record_fields(ps, &l, &seen, &names))
		return NULL;
	x = lg_parse_listed(ps, X_RECORD, at, &l);
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
call(struct lg_parser *ps, uint32_t at, const struct lg_ext *ext, const struct lg_parse_list *args)
{
	struct lg_expr *x = lg_parse_listed(ps, X_CALL, at, args);

	if (x != NULL)
		x->ext = ext;
	return x;
}

/* name(args): only the constructors of extension values are functions. */
static struct lg_expr *
function_call(struct lg_parser *ps, uint32_t at, lg_str name)
{
	const struct lg_ext *ext = lg_ext_find(name);
	struct lg_parse_list args = { 0 };

	lg_lex_next(&ps->lx);
	if (!expr_list(ps, T_RPAREN, &args))
		return NULL;
	if (ext != NULL && !ext->method)
		return call(ps, at, ext, &args);
	if (ext != NULL || method_of(name) < LG_COUNT(methods))
		lg_lex_fault(&ps->lx, at, "`%.*s` is a method, not a function: e.%.*s(..)", LG_FMT(name), LG_FMT(name));
	else
		lg_lex_fault(&ps->lx, at, "`%.*s` is not a function", LG_FMT(name));
	return lg_parse_stand_in(ps, at);
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
			lg_lex_fault(&ps->lx, at,
			    "`%.*s` is no variable (principal, action, resource, context); did you mean \"%.*s\"?",
			    LG_FMT(name), LG_FMT(name));
		return ps->lx.tok.at == at ? NULL : lg_parse_stand_in(ps, at);
	}
	if (ps->lx.tok.type != T_STRING) {
		lg_lex_unexpected(&ps->lx, "the entity's id as a string");
		return NULL;
	}
	if (!lg_parse_string(ps, false, &id))
		return lg_parse_stand_in(ps, at);
	uid = LG_NEW(ps->arena, struct lg_euid);
	*uid = lg_euid_of(name, id);
	return lg_parse_literal(ps, at, lg_value_entity(uid));
}

static struct lg_expr *
word_primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	enum lg_keyword w = ps->lx.tok.word;
	struct lg_expr *x;

	if (w == K_TRUE || w == K_FALSE) {
		lg_lex_next(&ps->lx);
		return lg_parse_literal(ps, at, lg_value_bool(w == K_TRUE));
	}
	if (w < K_PRINCIPAL || lg_lex_peek(&ps->lx).type == T_PATH)
		return path_primary(ps);
	lg_lex_next(&ps->lx);
	x = lg_parse_node(ps, X_VAR, at);
	x->var = (enum lg_var)(w - K_PRINCIPAL);
	if (ps->lx.tok.type == T_LPAREN) {
		lg_lex_fault(&ps->lx, at, "a variable cannot be called");
		return NULL;
	}
	return x;
}

/* Digits up to 2^63 - 1, or 2^63 itself right behind a minus. */
struct lg_expr *
lg_parse_number(struct lg_parser *ps, bool negative)
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
		return lg_parse_stand_in(ps, at);
	}
	return lg_parse_literal(ps, at, lg_value_long(negative ? (int64_t)(0 - v) : (int64_t)v));
}

static struct lg_expr *
slot_primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;

	lg_lex_fault(
	    &ps->lx, at, "`%.*s`: template slots stand in the scope only", LG_FMT(lg_lex_text(&ps->lx, &ps->lx.tok)));
	lg_lex_next(&ps->lx);
	return lg_parse_stand_in(ps, at);
}

static struct lg_expr *
primary(struct lg_parser *ps)
{
	uint32_t at = ps->lx.tok.at;
	struct lg_expr *x;
	lg_str s;

	switch (ps->lx.tok.type) {
	case T_IDENT: return word_primary(ps);
	case T_NUMBER: return lg_parse_number(ps, false);
	case T_LBRACKET: return set_literal(ps);
	case T_LBRACE: return record_literal(ps);
	case T_SLOT: return slot_primary(ps);
	case T_STRING:
		if (!lg_parse_string(ps, false, &s))
			return lg_parse_stand_in(ps, at);
		return lg_parse_literal(ps, at, lg_value_string(s));
	case T_LPAREN:
		lg_lex_next(&ps->lx);
		x = lg_parse_expr(ps);
		return x != NULL && lg_lex_expect(&ps->lx, T_RPAREN) ? x : NULL;
	default:
		lg_lex_unexpected(&ps->lx, "an expression");
		return NULL;
	}
}

/* ---- member access -------------------------------------------------------------------------- */

static struct lg_expr *
method_call(struct lg_parser *ps, struct lg_expr *on, lg_str name, uint32_t at)
{
	size_t m = method_of(name);
	const struct lg_ext *ext = lg_ext_find(name);
	struct lg_parse_list args = { 0 };

	lg_parse_add(ps, &args, on);
	lg_lex_next(&ps->lx);
	if (!expr_list(ps, T_RPAREN, &args))
		return NULL;
	if (m < LG_COUNT(methods) && args.n - 1 == methods[m].nargs)
		return methods[m].nargs == 0 ? lg_parse_unary(ps, methods[m].op, on->at, on)
					     : lg_parse_binary(ps, methods[m].op, on, args.v[1]);
	if (m < LG_COUNT(methods))
		lg_lex_fault(
		    &ps->lx, at, "`%.*s` takes %u argument(s), %u given", LG_FMT(name), methods[m].nargs, args.n - 1);
	else if (ext != NULL && ext->method)
		return call(ps, on->at, ext, &args);
	else if (ext != NULL)
		lg_lex_fault(&ps->lx, at, "`%.*s` is a function, not a method: %.*s(..)", LG_FMT(name), LG_FMT(name));
	else
		lg_lex_fault(&ps->lx, at, "`%.*s` is not a method", LG_FMT(name));
	return lg_parse_stand_in(ps, at);
}

struct lg_expr *
lg_parse_get(struct lg_parser *ps, struct lg_expr *a, lg_str name)
{
	struct lg_expr *x = lg_parse_node(ps, X_GET, a->at);

	x->a = a;
	x->name = lg_parse_name(ps, name);
	return lg_parse_deeper(ps, x, a);
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
	return lg_lex_expect(&ps->lx, T_RBRACKET) ? lg_parse_get(ps, a, name) : NULL;
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
	return ps->lx.tok.type == T_LPAREN ? method_call(ps, a, name, at) : lg_parse_get(ps, a, name);
}

struct lg_expr *
lg_parse_member(struct lg_parser *ps)
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
