/* print.c: trees as Cedar text, with parentheses only where the grammar needs them. */
#include "policy/print.h"

/* How tightly a construct binds. */
enum { L_EXPR, L_OR, L_AND, L_RELATION, L_SUM, L_PRODUCT, L_UNARY, L_MEMBER, L_PRIMARY };

static const struct lg_op_name ops[] = {
	{ X_EQ, LG_STR("=="), " == ", L_RELATION, L_SUM, L_SUM }, { X_NE, LG_STR("!="), " != ", L_RELATION, L_SUM, L_SUM },
	{ X_LT, LG_STR("<"), " < ", L_RELATION, L_SUM, L_SUM }, { X_LE, LG_STR("<="), " <= ", L_RELATION, L_SUM, L_SUM },
	{ X_GT, LG_STR(">"), " > ", L_RELATION, L_SUM, L_SUM }, { X_GE, LG_STR(">="), " >= ", L_RELATION, L_SUM, L_SUM },
	{ X_IN, LG_STR("in"), " in ", L_RELATION, L_SUM, L_SUM }, { X_ADD, LG_STR("+"), " + ", L_SUM, L_SUM, L_PRODUCT },
	{ X_SUB, LG_STR("-"), " - ", L_SUM, L_SUM, L_PRODUCT }, { X_MUL, LG_STR("*"), " * ", L_PRODUCT, L_PRODUCT, L_UNARY },
	{ X_CONTAINS, LG_STR("contains"), NULL, L_MEMBER, L_MEMBER, L_EXPR },
	{ X_CONTAINS_ALL, LG_STR("containsAll"), NULL, L_MEMBER, L_MEMBER, L_EXPR },
	{ X_CONTAINS_ANY, LG_STR("containsAny"), NULL, L_MEMBER, L_MEMBER, L_EXPR },
	{ X_HAS_TAG, LG_STR("hasTag"), NULL, L_MEMBER, L_MEMBER, L_EXPR },
	{ X_GET_TAG, LG_STR("getTag"), NULL, L_MEMBER, L_MEMBER, L_EXPR }
};

const struct lg_op_name *
lg_op_name_of(enum lg_op op)
{
	for (size_t i = 0; i < LG_COUNT(ops); i++)
		if (ops[i].op == op)
			return &ops[i];
	return NULL;
}

const struct lg_op_name *
lg_op_name_find(lg_str json)
{
	for (size_t i = 0; i < LG_COUNT(ops); i++)
		if (lg_str_eq(ops[i].json, json))
			return &ops[i];
	return NULL;
}

bool
lg_is_name(lg_str s)
{
	static const char *const reserved[] = {
	    "true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"};

	for (size_t i = 0; i < LG_COUNT(reserved); i++)
		if (lg_str_eq(s, lg_str_of(reserved[i])))
			return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_' && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.n > 0;
}

bool
lg_is_path(lg_str s)
{
	for (;;) {
		const char *colons = s.n == 0 ? NULL : memmem(s.p, s.n, "::", 2);

		if (colons == NULL)
			return lg_is_name(s);
		if (!lg_is_name((lg_str){ s.p, (size_t)(colons - s.p) }))
			return false;
		s = lg_str_sub(s, (size_t)(colons - s.p) + 2, s.n);
	}
}

/* ---- expressions ---------------------------------------------------------------------------- */

static int
level_of(const struct lg_expr *x)
{
	const struct lg_op_name *op = lg_op_name_of(x->op);

	if (op != NULL)
		return op->level;
	switch (x->op) {
	case X_IF: return L_EXPR;
	case X_OR: return L_OR;
	case X_AND: return x->has_chain ? L_RELATION : L_AND;
	case X_HAS:
	case X_LIKE:
	case X_IS: return L_RELATION;
	case X_NOT:
	case X_NEG: return L_UNARY;
	case X_LIT: return x->constant->kind == LG_V_LONG && x->constant->u.i < 0 ? L_UNARY : L_PRIMARY;
	case X_GET:
	case X_IS_EMPTY: return L_MEMBER;
	case X_CALL: return L_MEMBER;
	default: return L_PRIMARY;
	}
}

static void expr_print(struct lg_buf *out, const struct lg_expr *x);

static void
put(struct lg_buf *out, const struct lg_expr *x, int least)
{
	bool parens = level_of(x) < least;

	if (parens)
		lg_buf_byte(out, '(');
	expr_print(out, x);
	if (parens)
		lg_buf_byte(out, ')');
}

static void
put_uid(struct lg_buf *out, const struct lg_euid *u)
{
	lg_buf_str(out, u->type);
	lg_buf_str(out, LG_STR("::"));
	lg_escape(out, u->id, false);
}

static void
put_attr(struct lg_buf *out, lg_str name)
{
	if (lg_is_name(name))
		lg_buf_str(out, name);
	else
		lg_escape(out, name, false);
}

static void
put_record_value(struct lg_buf *out, const struct lg_record *r)
{
	lg_buf_byte(out, '{');
	for (uint32_t i = 0; i < r->n; i++) {
		if (i > 0)
			lg_buf_str(out, LG_STR(", "));
		put_attr(out, r->v[i].name.text);
		lg_buf_str(out, LG_STR(": "));
		lg_value_print(out, &r->v[i].value);
	}
	lg_buf_byte(out, '}');
}

static void
put_set_value(struct lg_buf *out, const struct lg_set *s)
{
	lg_buf_byte(out, '[');
	for (uint32_t i = 0; i < s->n; i++) {
		if (i > 0)
			lg_buf_str(out, LG_STR(", "));
		lg_value_print(out, &s->v[i]);
	}
	lg_buf_byte(out, ']');
}

/* Beyond year 9999 there is no literal, but the distance from 1970 can be added. */
static void
put_datetime(struct lg_buf *out, int64_t ms)
{
	struct lg_arena *a = lg_arena_new();
	lg_str s = lg_datetime_text(a, ms);
	int64_t back;

	if (lg_datetime_parse(s, &back) && back == ms)
		lg_buf_printf(out, "datetime(\"%.*s\")", LG_FMT(s));
	else
		lg_buf_printf(out, "datetime(\"1970-01-01\").offset(duration(\"%lldms\"))", (long long)ms);
	lg_arena_free(&a);
}

static void
put_extension(struct lg_buf *out, const struct lg_value *v)
{
	struct lg_arena *a = lg_arena_new();
	lg_str s = v->kind == LG_V_IP ? lg_ip_text(a, v->u.ip) :
	    v->kind == LG_V_DECIMAL ? lg_decimal_text(a, v->u.i) : lg_duration_text(a, v->u.i);
	const char *name = v->kind == LG_V_IP ? "ip" : v->kind == LG_V_DECIMAL ? "decimal" : "duration";

	lg_buf_printf(out, "%s(\"%.*s\")", name, LG_FMT(s));
	lg_arena_free(&a);
}

void
lg_value_print(struct lg_buf *out, const struct lg_value *v)
{
	switch (v->kind) {
	case LG_V_BOOL: lg_buf_str(out, v->u.b ? LG_STR("true") : LG_STR("false")); break;
	case LG_V_LONG: lg_buf_printf(out, "%lld", (long long)v->u.i); break;
	case LG_V_STRING: lg_escape(out, v->u.s, false); break;
	case LG_V_ENTITY: put_uid(out, v->u.e.uid); break;
	case LG_V_SET: put_set_value(out, v->u.set); break;
	case LG_V_RECORD: put_record_value(out, v->u.record); break;
	case LG_V_DATETIME: put_datetime(out, v->u.i); break;
	case LG_V_IP:
	case LG_V_DECIMAL:
	case LG_V_DURATION: put_extension(out, v); break;
	}
}

static void
put_list(struct lg_buf *out, struct lg_expr *const *v, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < n; i++) {
		if (i > from)
			lg_buf_str(out, LG_STR(", "));
		put(out, v[i], L_EXPR);
	}
}

static void
put_record(struct lg_buf *out, const struct lg_expr *x)
{
	lg_buf_byte(out, '{');
	for (uint32_t i = 0; i < x->n; i++) {
		if (i > 0)
			lg_buf_str(out, LG_STR(", "));
		put_attr(out, x->names[i]->text);
		lg_buf_str(out, LG_STR(": "));
		put(out, x->list[i], L_EXPR);
	}
	lg_buf_byte(out, '}');
}

static void
put_get(struct lg_buf *out, const struct lg_expr *x)
{
	put(out, x->a, L_MEMBER);
	if (lg_is_name(x->name->text)) {
		lg_buf_byte(out, '.');
		lg_buf_str(out, x->name->text);
		return;
	}
	lg_buf_byte(out, '[');
	lg_escape(out, x->name->text, false);
	lg_buf_byte(out, ']');
}

static void
put_call(struct lg_buf *out, const struct lg_expr *x)
{
	uint32_t from = x->ext->method ? 1 : 0;

	if (x->ext->method) {
		put(out, x->list[0], L_MEMBER);
		lg_buf_byte(out, '.');
	}
	lg_buf_str(out, x->ext->name);
	lg_buf_byte(out, '(');
	put_list(out, x->list, from, x->n);
	lg_buf_byte(out, ')');
}

static void
put_chain(struct lg_buf *out, const struct lg_expr *x)
{
	if (x->has_chain) {		/* e has a.b.c */
		put(out, x->list[0]->a, L_SUM);
		lg_buf_str(out, LG_STR(" has "));
		for (uint32_t i = 0; i < x->n; i++)
			lg_buf_printf(out, "%s%.*s", i == 0 ? "" : ".", LG_FMT(x->list[i]->name->text));
		return;
	}
	for (uint32_t i = 0; i < x->n; i++) {
		int least = x->op == X_AND ? L_RELATION : L_AND;

		if (i > 0)
			lg_buf_str(out, x->op == X_AND ? LG_STR(" && ") : LG_STR(" || "));
		/* What was grouped to the left comes out of the parser the same without parentheses. */
		put(out, x->list[i], i == 0 ? least - 1 : least);
	}
}

static void
put_is(struct lg_buf *out, const struct lg_expr *x)
{
	put(out, x->a, L_SUM);
	lg_buf_printf(out, " is %.*s", LG_FMT(x->type));
	if (x->in == NULL)
		return;
	lg_buf_str(out, LG_STR(" in "));
	put(out, x->in, L_SUM);
}

static void
put_binary(struct lg_buf *out, const struct lg_expr *x)
{
	const struct lg_op_name *op = lg_op_name_of(x->op);

	put(out, x->a, op->left);
	if (op->infix != NULL)
		lg_buf_str(out, lg_str_of(op->infix));
	else
		lg_buf_printf(out, ".%.*s(", LG_FMT(op->json));
	put(out, x->b, op->right);
	if (op->infix == NULL)
		lg_buf_byte(out, ')');
}

/* A minus before a number would be read as part of it; the others stand in parentheses for the eye. */
static void
put_sign(struct lg_buf *out, const struct lg_expr *x)
{
	bool literal = x->op == X_NEG && x->a->op == X_LIT;

	lg_buf_byte(out, x->op == X_NOT ? '!' : '-');
	put(out, x->a, literal ? L_PRIMARY + 1 : L_MEMBER);
}

static void
expr_print(struct lg_buf *out, const struct lg_expr *x)
{
	static const char *const vars[] = { "principal", "action", "resource", "context" };

	switch (x->op) {
	case X_LIT: lg_value_print(out, x->constant); break;
	case X_VAR: lg_buf_str(out, lg_str_of(vars[x->var])); break;
	case X_SLOT: lg_buf_printf(out, "?%s", vars[x->var]); break;
	case X_NOT:
	case X_NEG: put_sign(out, x); break;
	case X_IS_EMPTY:
		put(out, x->a, L_MEMBER);
		lg_buf_str(out, LG_STR(".isEmpty()"));
		break;
	case X_HAS:
		put(out, x->a, L_SUM);
		lg_buf_str(out, LG_STR(" has "));
		put_attr(out, x->name->text);
		break;
	case X_GET: put_get(out, x); break;
	case X_LIKE:
		put(out, x->a, L_SUM);
		lg_buf_str(out, LG_STR(" like "));
		lg_escape(out, x->pattern, true);
		break;
	case X_IS: put_is(out, x); break;
	case X_IF:
		lg_buf_str(out, LG_STR("if "));
		put(out, x->a, L_EXPR);
		lg_buf_str(out, LG_STR(" then "));
		put(out, x->b, L_EXPR);
		lg_buf_str(out, LG_STR(" else "));
		put(out, x->c, L_EXPR);
		break;
	case X_AND:
	case X_OR: put_chain(out, x); break;
	case X_SET:
		lg_buf_byte(out, '[');
		put_list(out, x->list, 0, x->n);
		lg_buf_byte(out, ']');
		break;
	case X_RECORD: put_record(out, x); break;
	case X_CALL: put_call(out, x); break;
	default: put_binary(out, x);
	}
}

/* ---- policies ------------------------------------------------------------------------------- */

static void
put_scope(struct lg_buf *out, const struct lg_scope *sc, const char *variable)
{
	lg_buf_printf(out, "  %s", variable);
	if (sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN)
		lg_buf_printf(out, " is %.*s", LG_FMT(sc->type));
	if (sc->kind == SCOPE_ANY || sc->kind == SCOPE_IS)
		return;
	lg_buf_str(out, sc->kind == SCOPE_EQ ? LG_STR(" == ") : LG_STR(" in "));
	if (sc->slot)
		lg_buf_printf(out, "?%s", variable);
	if (sc->listed)
		lg_buf_byte(out, '[');
	for (uint32_t i = 0; i < sc->n; i++) {
		if (i > 0)
			lg_buf_str(out, LG_STR(", "));
		put_uid(out, &sc->uids[i]);
	}
	if (sc->listed)
		lg_buf_byte(out, ']');
}

void
lg_policy_print(struct lg_buf *out, const struct lg_policy *p)
{
	for (size_t i = 0; i < p->info.nannotations; i++) {
		lg_buf_printf(out, "@%.*s", LG_FMT(p->info.annotations[i].name));
		if (p->info.annotations[i].value.p != NULL) {
			lg_buf_byte(out, '(');
			lg_escape(out, p->info.annotations[i].value, false);
			lg_buf_byte(out, ')');
		}
		lg_buf_byte(out, '\n');
	}
	lg_buf_str(out, p->info.effect == LG_PERMIT ? LG_STR("permit(\n") : LG_STR("forbid(\n"));
	put_scope(out, &p->principal, "principal");
	lg_buf_str(out, LG_STR(",\n"));
	put_scope(out, &p->action, "action");
	lg_buf_str(out, LG_STR(",\n"));
	put_scope(out, &p->resource, "resource");
	lg_buf_str(out, LG_STR("\n)"));
	for (uint32_t i = 0; i < p->nclauses; i++) {
		lg_buf_printf(out, "\n%s {\n  ", p->clauses[i].when ? "when" : "unless");
		expr_print(out, p->clauses[i].body);
		lg_buf_str(out, LG_STR("\n}"));
	}
	lg_buf_str(out, LG_STR(";\n"));
}
