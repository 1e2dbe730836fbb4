/*
 * eval.c: the operators of Cedar, exactly (cedar-spec, Cedar/Spec/Evaluator.lean).
 * Depth is bounded by the parser, steps here.  A failed evaluation leaves its reason in the lg_eval.
 */
#include "policy/eval_ops.h"

#include <stdarg.h>

bool
lg_eval_fail(struct lg_eval *ev, const struct lg_expr *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ev->error = lg_vprint(ev->cx->arena, fmt, ap);
	va_end(ap);
	ev->error_at = x->at;
	return false;
}

bool
lg_eval_wrong_kind(struct lg_eval *ev, const struct lg_expr *x, const char *wanted, const struct lg_value *got)
{
	return lg_eval_fail(ev, x, "type error: expected %s, got %s", wanted, lg_kind_name(got->kind));
}

static bool
set_bool(struct lg_value *ret, bool b)
{
	*ret = lg_value_bool(b);
	return true;
}

bool
lg_eval_spend(struct lg_eval *ev, const struct lg_expr *x, uint32_t steps)
{
	if (ev->steps < steps) {
		ev->steps = 0;
		return lg_eval_fail(ev, x, "more than %d steps", LG_POLICY_STEPS);
	}
	ev->steps -= steps;
	return true;
}

void
lg_eval_init(struct lg_eval *ev, struct lg_ctx *cx, const struct lg_entities *entities, const struct lg_schema *schema,
    const struct lg_request *rq)
{
	static const struct lg_record nothing = { 0, NULL };

	*ev = (struct lg_eval){ .cx = cx, .entities = entities, .schema = schema, .rq = rq };
	lg_eval_start(ev);
	if (rq == NULL)
		return;
	ev->var[VAR_PRINCIPAL] = lg_value_entity(&rq->principal);
	ev->var[VAR_ACTION] = lg_value_entity(&rq->action);
	ev->var[VAR_RESOURCE] = lg_value_entity(&rq->resource);
	ev->var[VAR_CONTEXT] =
	    (struct lg_value){LG_V_RECORD, {.record = rq->context == NULL ? &nothing : rq->context}};
}

void
lg_eval_start(struct lg_eval *ev)
{
	ev->steps = LG_POLICY_STEPS;
	ev->error = LG_NONE;
	ev->unknown = false;
}

/* ---- arithmetic, order, sets ---------------------------------------------------------------- */

static bool
eval_arith(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret)
{
	int64_t v;
	bool over;

	if (a->kind != LG_V_LONG)
		return lg_eval_wrong_kind(ev, x->a, "long", a);
	if (b->kind != LG_V_LONG)
		return lg_eval_wrong_kind(ev, x->b, "long", b);
	if (x->op == X_ADD)
		over = __builtin_add_overflow(a->u.i, b->u.i, &v);
	else if (x->op == X_SUB)
		over = __builtin_sub_overflow(a->u.i, b->u.i, &v);
	else
		over = __builtin_mul_overflow(a->u.i, b->u.i, &v);
	if (over)
		return lg_eval_fail(ev, x, "integer overflow");
	*ret = lg_value_long(v);
	return true;
}

static bool
eval_order(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret)
{
	if (a->kind != LG_V_LONG && a->kind != LG_V_DATETIME && a->kind != LG_V_DURATION)
		return lg_eval_wrong_kind(ev, x->a, "long, datetime or duration", a);
	if (b->kind != a->kind)
		return lg_eval_wrong_kind(ev, x->b, lg_kind_name(a->kind), b);
	switch (x->op) {
	case X_LT: return set_bool(ret, a->u.i < b->u.i);
	case X_LE: return set_bool(ret, a->u.i <= b->u.i);
	case X_GT: return set_bool(ret, a->u.i > b->u.i);
	default: return set_bool(ret, a->u.i >= b->u.i);
	}
}

static bool
eval_contains(struct lg_eval *ev, const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b,
    struct lg_value *ret)
{
	if (a->kind != LG_V_SET)
		return lg_eval_wrong_kind(ev, x->a, "set", a);
	if (x->op == X_CONTAINS)
		return set_bool(ret, lg_set_has(a->u.set, b));
	if (b->kind != LG_V_SET)
		return lg_eval_wrong_kind(ev, x->b, "set", b);
	if (!lg_eval_spend(ev, x, b->u.set->n))
		return false;
	return set_bool(
	    ret, x->op == X_CONTAINS_ALL ? lg_set_has_all(a->u.set, b->u.set) : lg_set_has_any(a->u.set, b->u.set));
}

static bool
eval_equal(const struct lg_expr *x, const struct lg_value *a, const struct lg_value *b, struct lg_value *ret)
{
	bool eq = a->kind == LG_V_ENTITY && b->kind == LG_V_ENTITY ? lg_eval_same(a, b) : lg_value_eq(a, b);

	return set_bool(ret, eq == (x->op == X_EQ));
}

static bool
eval_binary(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_value a, b;

	if (!lg_eval(ev, x->a, &a) || !lg_eval(ev, x->b, &b))
		return false;
	switch (x->op) {
	case X_EQ:
	case X_NE: return eval_equal(x, &a, &b, ret);
	case X_IN: return lg_eval_in(ev, x, &a, &b, ret);
	case X_ADD:
	case X_SUB:
	case X_MUL: return eval_arith(ev, x, &a, &b, ret);
	case X_HAS_TAG:
	case X_GET_TAG: return lg_eval_tag(ev, x, &a, &b, ret);
	case X_CONTAINS:
	case X_CONTAINS_ALL:
	case X_CONTAINS_ANY: return eval_contains(ev, x, &a, &b, ret);
	default: return eval_order(ev, x, &a, &b, ret);
	}
}

static bool
eval_unary(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_value a;

	if (!lg_eval(ev, x->a, &a))
		return false;
	switch (x->op) {
	case X_NOT:
		return a.kind == LG_V_BOOL ? set_bool(ret, !a.u.b) : lg_eval_wrong_kind(ev, x->a, "bool", &a);
	case X_NEG:
		if (a.kind != LG_V_LONG)
			return lg_eval_wrong_kind(ev, x->a, "long", &a);
		if (a.u.i == INT64_MIN)
			return lg_eval_fail(ev, x, "integer overflow");
		*ret = lg_value_long(-a.u.i);
		return true;
	case X_IS_EMPTY:
		return a.kind == LG_V_SET ? set_bool(ret, a.u.set->n == 0) : lg_eval_wrong_kind(ev, x->a, "set", &a);
	default:
		if (a.kind != LG_V_STRING)
			return lg_eval_wrong_kind(ev, x->a, "string", &a);
		return lg_eval_spend(ev, x, (uint32_t)(a.u.s.n / 64)) && set_bool(ret, lg_like(a.u.s, x->pattern));
	}
}

/* ---- control, construction ------------------------------------------------------------------ */

static bool
eval_bool(struct lg_eval *ev, const struct lg_expr *x, bool *ret)
{
	struct lg_value v;

	if (!lg_eval(ev, x, &v))
		return false;
	if (v.kind != LG_V_BOOL)
		return lg_eval_wrong_kind(ev, x, "bool", &v);
	*ret = v.u.b;
	return true;
}

/* Stops at the first false of an `&&`, the first true of an `||`. */
static bool
eval_chain(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	bool until = x->op == X_OR, b = !until;

	for (uint32_t i = 0; i < x->n && b != until; i++)
		if (!eval_bool(ev, x->list[i], &b))
			return false;
	return set_bool(ret, b);
}

static bool
eval_if(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	bool b = false;

	return eval_bool(ev, x->a, &b) && lg_eval(ev, b ? x->b : x->c, ret);
}

/* `e is T in f` means e is T && e in f. */
static bool
eval_is(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_value a, b;
	struct lg_expr in = *x;

	if (!lg_eval(ev, x->a, &a))
		return false;
	if (a.kind != LG_V_ENTITY)
		return lg_eval_wrong_kind(ev, x->a, "entity", &a);
	if (!lg_str_eq(a.u.e.uid->type, x->type))
		return set_bool(ret, false);
	if (x->in == NULL)
		return set_bool(ret, true);
	in.b = x->in;
	return lg_eval(ev, x->in, &b) && lg_eval_in(ev, &in, &a, &b, ret);
}

static bool
eval_set(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_value *v = LG_NEWS(ev->cx->arena, struct lg_value, x->n);

	for (uint32_t i = 0; i < x->n; i++)
		if (!lg_eval(ev, x->list[i], &v[i]))
			return false;
	return lg_value_set(ev->cx, v, x->n, ret) == LG_OK ? true : lg_eval_fail(ev, x, "%s", ev->cx->error);
}

static bool
eval_record(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_field *v = LG_NEWS(ev->cx->arena, struct lg_field, x->n);

	for (uint32_t i = 0; i < x->n; i++) {
		v[i].name = *x->names[i];
		if (!lg_eval(ev, x->list[i], &v[i].value))
			return false;
	}
	return lg_value_record(ev->cx, v, x->n, ret) == LG_OK ? true : lg_eval_fail(ev, x, "%s", ev->cx->error);
}

static bool
eval_call(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	struct lg_value args[LG_EXT_ARGS];
	const char *why;

	for (uint32_t i = 0; i < x->n; i++) {
		struct lg_value v;

		if (!lg_eval(ev, x->list[i], &v))
			return false;
		if (i < LG_EXT_ARGS)
			args[i] = v;
	}
	if (x->n != x->ext->nargs)
		return lg_eval_fail(
		    ev, x, "`%.*s` takes %u argument(s), %u given", LG_FMT(x->ext->name), x->ext->nargs, x->n);
	for (uint32_t i = 0; i < x->n; i++)
		if (args[i].kind != x->ext->args[i])
			return lg_eval_wrong_kind(ev, x->list[i], lg_kind_name(x->ext->args[i]), &args[i]);
	why = x->ext->run(ev->cx, args, ret);
	if (why == NULL)
		return true;
	return lg_eval_fail(
	    ev, x, "%.*s: %.*s %s", LG_FMT(x->ext->name), LG_FMT(lg_value_text(ev->cx->arena, &args[0])), why);
}

bool
lg_eval(struct lg_eval *ev, const struct lg_expr *x, struct lg_value *ret)
{
	if (x->constant != NULL) {
		*ret = *x->constant;
		return true;
	}
	if (!lg_eval_spend(ev, x, 1))
		return false;
	switch (x->op) {
	case X_LIT: break;
	case X_VAR:
		if (ev->rq == NULL)
			return lg_eval_fail(ev, x, "there is no request");
		if (x->var == VAR_CONTEXT)
			ev->reads = UINT64_MAX;		/* as a whole */
		*ret = ev->var[x->var];
		return true;
	case X_SLOT: return lg_eval_fail(ev, x, "a template's slot without value");
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY:
	case X_LIKE: return eval_unary(ev, x, ret);
	case X_HAS: return lg_eval_has(ev, x, ret);
	case X_GET: return lg_eval_get(ev, x, ret);
	case X_IS: return eval_is(ev, x, ret);
	case X_IF: return eval_if(ev, x, ret);
	case X_AND:
	case X_OR: return eval_chain(ev, x, ret);
	case X_SET: return eval_set(ev, x, ret);
	case X_RECORD: return eval_record(ev, x, ret);
	case X_CALL: return eval_call(ev, x, ret);
	default: break;
	}
	return eval_binary(ev, x, ret);
}
