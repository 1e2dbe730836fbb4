/* check.c: types of expressions: control, attributes, construction, calls.  Operators are in check_ops.c. */
#include "policy/check.h"

#include <stdarg.h>
#include <stdlib.h>

static void
fault_once(struct lg_checker *ck, uint32_t at, struct lg_policy_fault f)
{
	if (ck->faults->n == LG_POLICY_ERRORS_MAX) {
		lg_fault_add(ck->report, ck->faults, f);
		return;
	}
	f.source = ck->policy->source->name;
	f.policy = ck->policy->info.id;
	lg_fault_place(ck->policy->source->text, at, &f.line, &f.column);
	/* Many environments find the same fault. */
	for (size_t i = ck->faults->n; i-- > 0 && lg_str_eq(ck->faults->v[i].policy, f.policy);)
		if (ck->faults->v[i].line == f.line && ck->faults->v[i].column == f.column &&
		    lg_str_eq(ck->faults->v[i].message, f.message))
			return;
	lg_fault_add(ck->report, ck->faults, f);
}

void
lg_check_fault(struct lg_checker *ck, uint32_t at, const char *fmt, ...)
{
	struct lg_policy_fault f = { .warning = false };
	va_list ap;

	va_start(ap, fmt);
	f.message = lg_vprint(ck->report->arena, fmt, ap);
	va_end(ap);
	fault_once(ck, at, f);
}

void
lg_check_warn(struct lg_checker *ck, uint32_t at, const char *fmt, ...)
{
	struct lg_policy_fault f = { .warning = true };
	va_list ap;

	va_start(ap, fmt);
	f.message = lg_vprint(ck->report->arena, fmt, ap);
	va_end(ap);
	fault_once(ck, at, f);
}

static struct lg_typed
good(const struct lg_type *t)
{
	return lg_typed_of(t, true);
}

static lg_str
text(const struct lg_checker *ck, const struct lg_type *t)
{
	return lg_type_text(ck->cx->arena, t);
}

struct lg_typed
lg_check_as(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known, const struct lg_type *want,
    const struct lg_type *or)
{
	struct lg_typed t = lg_check(ck, x, known);
	const char *wanted;

	if (t.type == NULL || lg_type_sub(t.type, want, false) || (or != NULL && lg_type_sub(t.type, or, false)))
		return t;
	wanted = want->kind == TY_RECORD ? "a record or an entity" : "an entity or a set of entities";
	lg_check_fault(ck, x->at, "expected %.*s, got %.*s", LG_FMT(or != NULL ? lg_str_of(wanted) : text(ck, want)),
	    LG_FMT(text(ck, t.type)));
	return lg_typed_of(NULL, false);
}

struct lg_typed
lg_check_bool(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	return lg_check_as(ck, x, known, &lg_type_bool, NULL);
}

/* ---- leaves --------------------------------------------------------------------------------- */

static struct lg_typed
check_literal(struct lg_checker *ck, const struct lg_value *v)
{
	const struct lg_euid *uid;

	switch (v->kind) {
	case LG_V_BOOL: return good(v->u.b ? &lg_type_true : &lg_type_false);
	case LG_V_LONG: return good(&lg_type_long);
	case LG_V_STRING: return good(&lg_type_string);
	default: break;
	}
	/* An unknown type or action is reported by the pass over all literals (validate.c). */
	uid = v->u.e.uid;
	if (lg_type_is_action(uid->type) ? lg_schema_action_find(ck->schema, uid) == NULL :
	    lg_schema_entity_find(ck->schema, uid->type) == NULL)
		return lg_typed_of(NULL, false);
	return good(lg_type_entity(ck->cx->arena, uid->type));
}

static struct lg_typed
check_var(const struct lg_checker *ck, enum lg_var var)
{
	switch (var) {
	case VAR_PRINCIPAL: return good(ck->principal);
	case VAR_ACTION: return good(ck->action);
	case VAR_RESOURCE: return good(ck->resource);
	default: return good(ck->act->context);
	}
}

/* ---- control -------------------------------------------------------------------------------- */

struct lg_typed
lg_check_and(struct lg_typed left, struct lg_typed right, struct lg_arena *a)
{
	struct lg_typed r = { &lg_type_bool, lg_cap_union(a, left.caps, right.caps), left.ok && right.ok };

	if (right.type == NULL || left.type == NULL)
		return r;
	if (lg_type_is_bool(right.type, BOOL_FALSE))
		return lg_typed_of(&lg_type_false, r.ok);
	if (lg_type_is_bool(right.type, BOOL_TRUE))
		r.type = left.type;
	else if (lg_type_is_bool(left.type, BOOL_TRUE))
		r.type = right.type;
	return r;
}

static struct lg_typed
check_and(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed t = lg_check_bool(ck, x->list[0], known), right = t;

	for (uint32_t i = 1; i < x->n; i++) {
		if (t.type != NULL && lg_type_is_bool(t.type, BOOL_FALSE))
			return lg_typed_of(t.type, t.ok);
		known = lg_cap_union(ck->cx->arena, known, right.caps);
		right = lg_check_bool(ck, x->list[i], known);
		t = lg_check_and(t, right, ck->cx->arena);
	}
	return t;
}

static struct lg_typed
or_step(struct lg_arena *a, struct lg_typed left, struct lg_typed right)
{
	struct lg_typed r = { &lg_type_bool, NULL, left.ok && right.ok };

	if (left.type == NULL || right.type == NULL)
		return r;
	if (lg_type_is_bool(right.type, BOOL_TRUE) || lg_type_is_bool(left.type, BOOL_FALSE))
		return (struct lg_typed){ right.type, right.caps, r.ok };
	if (lg_type_is_bool(right.type, BOOL_FALSE))
		return (struct lg_typed){ left.type, left.caps, r.ok };
	r.caps = lg_cap_both(a, right.caps, left.caps);
	return r;
}

static struct lg_typed
check_or(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed t = lg_check_bool(ck, x->list[0], known);

	for (uint32_t i = 1; i < x->n; i++) {
		if (t.type != NULL && lg_type_is_bool(t.type, BOOL_TRUE))
			return t;
		t = or_step(ck->cx->arena, t, lg_check_bool(ck, x->list[i], known));
	}
	return t;
}

static struct lg_typed
check_if(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_arena *a = ck->cx->arena;
	struct lg_typed test = lg_check_bool(ck, x->a, known), yes, no, r = { NULL, NULL, test.ok };

	if (test.type != NULL && lg_type_is_bool(test.type, BOOL_FALSE)) {
		no = lg_check(ck, x->c, known);
		no.ok = no.ok && test.ok;
		return no;
	}
	yes = lg_check(ck, x->b, lg_cap_union(a, known, test.caps));
	yes.caps = lg_cap_union(a, yes.caps, test.caps);
	yes.ok = yes.ok && test.ok;
	if (test.type != NULL && lg_type_is_bool(test.type, BOOL_TRUE))
		return yes;
	no = lg_check(ck, x->c, known);
	r.ok = yes.ok && no.ok;
	if (yes.type == NULL || no.type == NULL)
		return r;
	r.type = lg_type_lub(a, yes.type, no.type, ck->strict);
	r.caps = lg_cap_both(a, no.caps, yes.caps);
	if (r.type == NULL) {
		lg_check_fault(ck, x->at, "the branches have incompatible types %.*s and %.*s",
		    LG_FMT(text(ck, yes.type)), LG_FMT(text(ck, no.type)));
		r.ok = false;
	}
	return r;
}

/* ---- attributes ----------------------------------------------------------------------------- */

static struct lg_typed
check_get(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed t = lg_check_as(ck, x->a, known, &lg_type_any_record, &lg_type_any_entity);
	struct lg_type_attr at;

	if (t.type == NULL)
		return lg_typed_of(NULL, false);
	at = lg_type_attr_of(ck->cx->arena, ck->schema, t.type, x->name->text);
	if (at.type == NULL) {
		lg_check_fault(
		    ck, x->at, "%.*s has no attribute `%.*s`", LG_FMT(text(ck, t.type)), LG_FMT(x->name->text));
		return lg_typed_of(NULL, false);
	}
	if (!at.optional || lg_cap_has(known, x->a, x->name, NULL))
		return lg_typed_of(at.type, t.ok);
	lg_check_fault(ck, x->at, "attribute `%.*s` is optional: test it with `has` first", LG_FMT(x->name->text));
	return lg_typed_of(at.type, false);
}

static struct lg_typed
check_has(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed t = lg_check_as(ck, x->a, known, &lg_type_any_record, &lg_type_any_entity), r;
	struct lg_type_attr at;
	bool sure;

	if (t.type == NULL)
		return lg_typed_of(&lg_type_bool, false);
	at = lg_type_attr_of(ck->cx->arena, ck->schema, t.type, x->name->text);
	if (at.type == NULL)
		return lg_typed_of(
		    lg_type_may_have(ck->schema, t.type, x->name->text) ? &lg_type_bool : &lg_type_false, t.ok);
	/* An entity's required attribute may be missing with the entity. */
	sure = (!at.optional && t.type->kind == TY_RECORD) || lg_cap_has(known, x->a, x->name, NULL);
	r = lg_typed_of(sure ? &lg_type_true : &lg_type_bool, t.ok);
	r.caps = lg_cap_new(ck->cx->arena, x->a, x->name, NULL);
	return r;
}

/* ---- tests, construction -------------------------------------------------------------------- */

static struct lg_typed
check_is(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed t = lg_check_as(ck, x->a, known, &lg_type_any_entity, NULL), r;
	struct lg_expr in = { .op = X_IN, .at = x->at, .end = x->end, .a = x->a };

	r = lg_typed_of(&lg_type_bool, t.ok);
	if (t.type != NULL && t.type->kind == TY_ENTITY) {
		bool among = false;

		for (uint32_t i = 0; i < t.type->n; i++)
			among = among || lg_str_eq(t.type->entities[i], x->type);
		r.type = !among ? &lg_type_false : t.type->n == 1 ? &lg_type_true : &lg_type_bool;
	}
	if (x->in == NULL || lg_type_is_bool(r.type, BOOL_FALSE))
		return r;
	in.b = x->in;
	return lg_check_and(r, lg_check_binary(ck, &in, known), ck->cx->arena);
}

static struct lg_typed
check_set(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	const struct lg_type *lub = &lg_type_never;
	bool ok = true, all = true;

	if (x->n == 0 && ck->strict) {
		lg_check_fault(ck, x->at, "an empty set literal has no type");
		return lg_typed_of(NULL, false);
	}
	for (uint32_t i = 0; i < x->n; i++) {
		struct lg_typed t = lg_check(ck, x->list[i], known);

		ok = ok && t.ok;
		all = all && t.type != NULL;
		if (t.type == NULL || lub == NULL)
			continue;
		lub = lg_type_lub(ck->cx->arena, lub, t.type, ck->strict);
		if (lub == NULL)
			lg_check_fault(ck, x->at, "the elements of this set have incompatible types");
	}
	if (lub == NULL || !all)
		return lg_typed_of(NULL, false);
	return lg_typed_of(lg_type_set(ck->cx->arena, lub), ok);
}

static int
by_name(const void *a, const void *b)
{
	return lg_str_cmp(((const struct lg_type_attr *)a)->name.text, ((const struct lg_type_attr *)b)->name.text);
}

static struct lg_typed
check_record(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_type_attr *v = LG_NEWS(ck->cx->arena, struct lg_type_attr, x->n);
	struct lg_type *t = LG_NEW(ck->cx->arena, struct lg_type);
	bool ok = true, all = true;

	for (uint32_t i = 0; i < x->n; i++) {
		struct lg_typed one = lg_check(ck, x->list[i], known);

		v[i] = (struct lg_type_attr){ *x->names[i], one.type, false };
		ok = ok && one.ok;
		all = all && one.type != NULL;
	}
	if (!all)
		return lg_typed_of(NULL, false);
	if (x->n > 1)
		qsort(v, x->n, sizeof(*v), by_name);
	*t = (struct lg_type){ .kind = TY_RECORD, .n = x->n, .attrs = v };
	return lg_typed_of(t, ok);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static const struct lg_type *
type_of_kind(enum lg_kind k)
{
	static const struct lg_type ext[] = {{.kind = TY_EXT, .ext = LG_V_IP}, {.kind = TY_EXT, .ext = LG_V_DECIMAL},
	    {.kind = TY_EXT, .ext = LG_V_DATETIME}, {.kind = TY_EXT, .ext = LG_V_DURATION}};

	switch (k) {
	case LG_V_BOOL: return &lg_type_bool;
	case LG_V_LONG: return &lg_type_long;
	case LG_V_STRING: return &lg_type_string;
	default: return &ext[k - LG_V_IP];
	}
}

/* A constructor's literal is tried now; strictly it must be a literal. */
static bool
constructor_good(struct lg_checker *ck, const struct lg_expr *x)
{
	const struct lg_expr *arg = x->n > 0 ? x->list[0] : NULL;
	struct lg_value v;

	for (uint32_t i = 0; i < x->n && ck->strict; i++)
		if (x->list[i]->op != X_LIT) {
			lg_check_fault(ck, x->at, "%.*s() takes a string literal", LG_FMT(x->ext->name));
			return false;
		}
	if (arg == NULL || arg->op != X_LIT || arg->constant->kind != LG_V_STRING)
		return true;
	if (x->ext->run(ck->cx, arg->constant, &v) == NULL)
		return true;
	lg_check_fault(ck, x->at, "%.*s is no valid %s", LG_FMT(lg_value_text(ck->cx->arena, arg->constant)),
	    lg_kind_name(x->ext->result));
	return false;
}

static struct lg_typed
check_call(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	bool ok = true;

	if (x->n != x->ext->nargs) {
		lg_check_fault(
		    ck, x->at, "`%.*s` takes %u argument(s), %u given", LG_FMT(x->ext->name), x->ext->nargs, x->n);
		ok = false;
	}
	if (x->ext->constructor && !constructor_good(ck, x))
		ok = false;
	for (uint32_t i = 0; i < x->n; i++)
		if (!(ok ? lg_check_as(ck, x->list[i], known, type_of_kind(x->ext->args[i]), NULL) :
		    lg_check(ck, x->list[i], known)).ok)
			ok = false;
	return lg_typed_of(type_of_kind(x->ext->result), ok);
}

/* ---- all ------------------------------------------------------------------------------------ */

static struct lg_typed
check_not(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed t = lg_check_bool(ck, x->a, known);

	if (t.type != NULL && lg_type_is_bool(t.type, BOOL_TRUE))
		return lg_typed_of(&lg_type_false, t.ok);
	if (t.type != NULL && lg_type_is_bool(t.type, BOOL_FALSE))
		return lg_typed_of(&lg_type_true, t.ok);
	return lg_typed_of(&lg_type_bool, t.ok && t.type != NULL);
}

struct lg_typed
lg_check(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	if (ck->steps == 1)
		lg_check_fault(ck, x->at, "too many steps to check this policy");
	if (ck->steps > 0)
		ck->steps--;
	if (ck->steps == 0)
		return lg_typed_of(NULL, false);
	switch (x->op) {
	case X_LIT: return check_literal(ck, x->constant);
	case X_VAR: return check_var(ck, x->var);
	case X_SLOT: return good(&lg_type_any_entity);
	case X_NOT: return check_not(ck, x, known);
	case X_NEG: return lg_typed_of(&lg_type_long, lg_check_as(ck, x->a, known, &lg_type_long, NULL).ok);
	case X_IS_EMPTY: return lg_typed_of(&lg_type_bool, lg_check_as(ck, x->a, known, &lg_type_any_set, NULL).ok);
	case X_LIKE: return lg_typed_of(&lg_type_bool, lg_check_as(ck, x->a, known, &lg_type_string, NULL).ok);
	case X_AND: return check_and(ck, x, known);
	case X_OR: return check_or(ck, x, known);
	case X_IF: return check_if(ck, x, known);
	case X_GET: return check_get(ck, x, known);
	case X_HAS: return check_has(ck, x, known);
	case X_IS: return check_is(ck, x, known);
	case X_SET: return check_set(ck, x, known);
	case X_RECORD: return check_record(ck, x, known);
	case X_CALL: return check_call(ck, x, known);
	default: return lg_check_binary(ck, x, known);
	}
}
