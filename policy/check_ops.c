/* check_ops.c: types of the operators with two sides. */
#include "policy/check.h"

static lg_str
text(const struct lg_checker *ck, const struct lg_type *t)
{
	return lg_type_text(ck->cx->arena, t);
}

/* The literal an expression is, with `action` standing for the environment's. */
static bool
literal_of(const struct lg_checker *ck, const struct lg_expr *x, struct lg_value *ret)
{
	if (x->op == X_VAR && x->var == VAR_ACTION) {
		*ret = lg_value_entity(&ck->act->uid);
		return true;
	}
	if (x->op != X_LIT)
		return false;
	*ret = *x->constant;
	return true;
}

/* Strictly, things that can never be equal must not be compared, entities of different types apart. */
static bool
comparable(struct lg_checker *ck, const struct lg_expr *x, const struct lg_type *a, const struct lg_type *b)
{
	if (!ck->strict || a == NULL || b == NULL || lg_type_lub(ck->cx->arena, a, b, true) != NULL)
		return true;
	lg_check_fault(
	    ck, x->at, "the types %.*s and %.*s are not compatible", LG_FMT(text(ck, a)), LG_FMT(text(ck, b)));
	return false;
}

static struct lg_typed
check_equal(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed a = lg_check(ck, x->a, known), b = lg_check(ck, x->b, known);
	struct lg_typed r = lg_typed_of(&lg_type_bool, a.ok && b.ok);
	struct lg_value va, vb;
	bool equal = false, sure = false;

	if (a.type != NULL && b.type != NULL && lg_type_disjoint(a.type, b.type)) {
		sure = true;
	} else if (literal_of(ck, x->a, &va) && literal_of(ck, x->b, &vb)) {
		sure = true;
		equal = lg_value_eq(&va, &vb);
	}
	if (sure)
		r.type = equal == (x->op == X_EQ) ? &lg_type_true : &lg_type_false;
	else if (!comparable(ck, x, a.type, b.type))
		r.ok = false;
	return r;
}

static bool
ordered(const struct lg_type *t)
{
	return t->kind == TY_LONG || (t->kind == TY_EXT && (t->ext == LG_V_DATETIME || t->ext == LG_V_DURATION));
}

static struct lg_typed
check_order(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed a = lg_check(ck, x->a, known), b = lg_check(ck, x->b, known);
	struct lg_typed r = lg_typed_of(&lg_type_bool, a.ok && b.ok);

	if (a.type == NULL || b.type == NULL)
		return r;
	if ((a.type->kind == TY_NEVER) != (b.type->kind == TY_NEVER) &&
	    ordered(a.type->kind == TY_NEVER ? b.type : a.type))
		return r;
	if (ordered(a.type) && a.type->kind == b.type->kind && a.type->ext == b.type->ext)
		return r;
	lg_check_fault(ck, x->at, "%.*s and %.*s have no order: long, datetime or duration on both sides",
	    LG_FMT(text(ck, a.type)), LG_FMT(text(ck, b.type)));
	r.ok = false;
	return r;
}

static struct lg_typed
check_arith(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed a = lg_check_as(ck, x->a, known, &lg_type_long, NULL);
	struct lg_typed b = lg_check_as(ck, x->b, known, &lg_type_long, NULL);

	return lg_typed_of(&lg_type_long, a.ok && b.ok);
}

static struct lg_typed
check_contains(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed a = lg_check_as(ck, x->a, known, &lg_type_any_set, NULL), b;
	struct lg_typed r = lg_typed_of(&lg_type_bool, a.ok);
	bool one = x->op == X_CONTAINS;

	b = one ? lg_check(ck, x->b, known) : lg_check_as(ck, x->b, known, &lg_type_any_set, NULL);
	r.ok = r.ok && b.ok;
	if (a.type == NULL || b.type == NULL || (one && a.type->kind != TY_SET))
		return r;
	if (!comparable(ck, x, one ? a.type->element : a.type, b.type))
		r.ok = false;
	return r;
}

/* ---- tags ----------------------------------------------------------------------------------- */

/* The type of the tags of an entity type; NULL if there are none, or (permissive) they have nothing in common. */
static const struct lg_type *
tag_type(const struct lg_checker *ck, const struct lg_type *t, bool *any)
{
	const struct lg_type *lub = &lg_type_never;

	*any = false;
	for (uint32_t i = 0; i < ck->schema->nentities && lub != NULL; i++) {
		const struct lg_schema_entity *e = ck->schema->entity[i];
		bool among = t->kind == TY_ANY_ENTITY;

		for (uint32_t k = 0; t->kind == TY_ENTITY && k < t->n; k++)
			among = among || lg_str_eq(t->entities[k], e->type);
		if (!among || e->tags == NULL)
			continue;
		*any = true;
		lub = lg_type_lub(ck->cx->arena, lub, e->tags, ck->strict);
	}
	return *any ? lub : NULL;
}

static struct lg_typed
check_tag(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed a = lg_check_as(ck, x->a, known, &lg_type_any_entity, NULL);
	struct lg_typed b = lg_check_as(ck, x->b, known, &lg_type_string, NULL), r;
	bool sure = lg_cap_has(known, x->a, NULL, x->b), any;
	const struct lg_type *type;

	r = lg_typed_of(x->op == X_HAS_TAG ? &lg_type_bool : NULL, a.ok && b.ok);
	if (a.type == NULL)
		return r;
	type = tag_type(ck, a.type, &any);
	if (x->op == X_HAS_TAG) {
		r.type = !any ? &lg_type_false : sure ? &lg_type_true : &lg_type_bool;
		r.caps = lg_cap_new(ck->cx->arena, x->a, NULL, x->b);
		return r;
	}
	if (sure && type != NULL)
		return lg_typed_of(type, r.ok);
	if (!any)
		lg_check_fault(ck, x->at, "%.*s has no tags", LG_FMT(text(ck, a.type)));
	else if (!sure)
		lg_check_fault(ck, x->at, "the tag may be missing: test it with hasTag first");
	else
		lg_check_fault(ck, x->at, "the tags of %.*s have no type in common", LG_FMT(text(ck, a.type)));
	return lg_typed_of(type, false);
}

/* ---- in ------------------------------------------------------------------------------------- */

/* Can something of type `low` be in something of type `high`? */
static bool
type_within(const struct lg_checker *ck, lg_str low, lg_str high)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(ck->schema, low);

	if (lg_str_eq(low, high) || (e != NULL && lg_schema_type_within(e, high)))
		return true;
	for (uint32_t i = 0; i < ck->schema->nactions; i++) {
		const struct lg_schema_action *a = ck->schema->action[i];

		for (uint32_t k = 0; lg_str_eq(a->uid.type, low) && k < a->nancestors; k++)
			if (lg_str_eq(a->ancestors[k]->type, high))
				return true;
	}
	return false;
}

/* An action among named actions is known for sure; NULL when one of them is not declared. */
static const struct lg_type *
action_within(const struct lg_checker *ck, const struct lg_euid *action, const struct lg_euid *const *uids, uint32_t n)
{
	const struct lg_schema_action *a = lg_schema_action_find(ck->schema, action);
	bool found = false;

	for (uint32_t i = 0; i < n; i++) {
		if (!lg_type_is_action(uids[i]->type))
			continue;
		if (lg_schema_action_find(ck->schema, uids[i]) == NULL)
			return NULL;
		found = found || lg_euid_eq(action, uids[i]) || (a != NULL && lg_schema_action_within(a, uids[i]));
	}
	return found ? &lg_type_true : &lg_type_false;
}

const struct lg_type *
lg_check_within(const struct lg_checker *ck, const struct lg_type *e, const struct lg_euid *action,
    const struct lg_type *above, const struct lg_euid *const *uids, uint32_t n)
{
	if (action != NULL && uids != NULL)
		return action_within(ck, action, uids, n);
	if (e->kind != TY_ENTITY || above == NULL || above->kind != TY_ENTITY)
		return &lg_type_bool;
	for (uint32_t i = 0; i < e->n; i++)
		for (uint32_t k = 0; k < above->n; k++)
			if (type_within(ck, e->entities[i], above->entities[k]))
				return &lg_type_bool;
	return &lg_type_false;
}

/* The uids on the right side if all are literals (or `action`); NULL otherwise. */
static const struct lg_euid *const *
uid_list(const struct lg_checker *ck, const struct lg_expr *x, uint32_t *n)
{
	uint32_t count = x->op == X_SET ? x->n : 1;
	const struct lg_euid **v = LG_NEWS(ck->cx->arena, const struct lg_euid *, count + 1);
	struct lg_value one;

	for (uint32_t i = 0; i < count; i++) {
		if (!literal_of(ck, x->op == X_SET ? x->list[i] : x, &one) || one.kind != LG_V_ENTITY)
			return NULL;
		v[i] = one.u.e.uid;
	}
	*n = count;
	return v;
}

static struct lg_typed
check_in(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed a = lg_check_as(ck, x->a, known, &lg_type_any_entity, NULL);
	struct lg_typed b = lg_check_as(ck, x->b, known, &lg_type_any_entity, &lg_type_entity_set);
	struct lg_typed r = lg_typed_of(&lg_type_bool, a.ok && b.ok);
	const struct lg_euid *action = NULL, *const *uids = NULL;
	const struct lg_type *above, *type;
	struct lg_value left;
	uint32_t n = 0;

	if (!r.ok || a.type == NULL || b.type == NULL)
		return r;
	if (literal_of(ck, x->a, &left) && lg_type_is_action(left.u.e.uid->type)) {
		action = left.u.e.uid;
		uids = uid_list(ck, x->b, &n);
	}
	above = b.type->kind == TY_SET ? b.type->element : b.type;
	type = lg_check_within(ck, a.type, action, above, uids, n);
	return type == NULL ? lg_typed_of(&lg_type_bool, false) : lg_typed_of(type, true);
}

struct lg_typed
lg_check_binary(struct lg_checker *ck, const struct lg_expr *x, const struct lg_cap *known)
{
	switch (x->op) {
	case X_EQ:
	case X_NE: return check_equal(ck, x, known);
	case X_IN: return check_in(ck, x, known);
	case X_ADD:
	case X_SUB:
	case X_MUL: return check_arith(ck, x, known);
	case X_CONTAINS:
	case X_CONTAINS_ALL:
	case X_CONTAINS_ANY: return check_contains(ck, x, known);
	case X_HAS_TAG:
	case X_GET_TAG: return check_tag(ck, x, known);
	default: return check_order(ck, x, known);
	}
}
