/*
 * level.c: how many entities away from the request a policy reads (Cedar RFC 76; cedar, validator/level_validate.rs).
 * What the type checker never reaches in an environment is not counted there.
 */
#include "policy/check.h"
#include "policy/set.h"

struct path {				/* attributes of records still to be taken, nearest first */
	lg_str name;
	const struct path *next;
};

struct levels {
	struct lg_checker *ck;
	struct lg_checker quiet;	/* the same, for types alone */
	unsigned max;
};

static void check_level(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known);

static struct lg_typed
typed(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known)
{
	return lg_check(&lv->quiet, x, known);
}

static bool
is_entity(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known)
{
	const struct lg_type *t = typed(lv, x, known).type;

	return t != NULL && (t->kind == TY_ENTITY || t->kind == TY_ANY_ENTITY);
}

static void
too_far(struct levels *lv, uint32_t at, unsigned level)
{
	if (level >= lv->max)
		lg_check_fault(lv->ck, at, "this needs level %u, at most %u is allowed", level + 1, lv->max);
}

/* ---- how far away is the entity that is read from? ------------------------------------------- */

static unsigned target_level(struct levels *lv, const struct lg_expr *x, const struct path *path, const struct lg_cap *known);

static unsigned
literal_level(struct levels *lv, const struct lg_expr *x)
{
	bool action = x->op == X_LIT && x->constant->kind == LG_V_ENTITY &&
	    lg_euid_eq(x->constant->u.e.uid, &lv->ck->act->uid);

	if (!action)
		lg_check_fault(lv->ck, x->at, "an entity that is named here must not be read from");
	return 0;
}

static unsigned
if_level(struct levels *lv, const struct lg_expr *x, const struct path *path, const struct lg_cap *known)
{
	struct lg_typed test = typed(lv, x->a, known);
	const struct lg_cap *then = lg_cap_union(lv->quiet.cx->arena, known, test.caps);
	unsigned yes, no;

	check_level(lv, x->a, known);
	if (test.type != NULL && lg_type_is_bool(test.type, BOOL_FALSE))
		return target_level(lv, x->c, path, known);
	yes = target_level(lv, x->b, path, then);
	if (test.type != NULL && lg_type_is_bool(test.type, BOOL_TRUE))
		return yes;
	no = target_level(lv, x->c, path, known);
	return yes > no ? yes : no;
}

static unsigned
record_level(struct levels *lv, const struct lg_expr *x, const struct path *path, const struct lg_cap *known)
{
	unsigned level = 0;

	for (uint32_t i = 0; i < x->n; i++)
		if (path != NULL && lg_str_eq(x->names[i]->text, path->name))
			level = target_level(lv, x->list[i], path->next, known);
		else
			check_level(lv, x->list[i], known);
	return level;
}

static unsigned
target_level(struct levels *lv, const struct lg_expr *x, const struct path *path, const struct lg_cap *known)
{
	struct path more = { .next = path };

	switch (x->op) {
	case X_VAR: return 0;
	case X_IF: return if_level(lv, x, path, known);
	case X_GET:
		if (is_entity(lv, x->a, known))
			return target_level(lv, x->a, NULL, known) + 1;
		more.name = x->name->text;
		return target_level(lv, x->a, &more, known);
	case X_GET_TAG:
		check_level(lv, x->b, known);
		return target_level(lv, x->a, NULL, known) + 1;
	case X_RECORD: return record_level(lv, x, path, known);
	default: return literal_level(lv, x);
	}
}

/* ---- all expressions ------------------------------------------------------------------------ */

static void
chain_level(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known)
{
	enum lg_bool_type until = x->op == X_AND ? BOOL_FALSE : BOOL_TRUE;

	for (uint32_t i = 0; i < x->n; i++) {
		struct lg_typed t = typed(lv, x->list[i], known);

		check_level(lv, x->list[i], known);
		if (t.type != NULL && lg_type_is_bool(t.type, until))
			return;
		if (x->op == X_AND)
			known = lg_cap_union(lv->quiet.cx->arena, known, t.caps);
	}
}

static void
if_branches(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_typed test = typed(lv, x->a, known);

	check_level(lv, x->a, known);
	if (test.type == NULL || !lg_type_is_bool(test.type, BOOL_FALSE))
		check_level(lv, x->b, lg_cap_union(lv->quiet.cx->arena, known, test.caps));
	if (test.type == NULL || !lg_type_is_bool(test.type, BOOL_TRUE))
		check_level(lv, x->c, known);
}

static void
is_level(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known)
{
	struct lg_expr is = *x;
	struct lg_typed t;

	check_level(lv, x->a, known);
	if (x->in == NULL)
		return;
	is.in = NULL;
	t = typed(lv, &is, known);
	if (t.type != NULL && lg_type_is_bool(t.type, BOOL_FALSE))
		return;
	too_far(lv, x->at, target_level(lv, x->a, NULL, known));
	check_level(lv, x->in, known);
}

static void
check_level(struct levels *lv, const struct lg_expr *x, const struct lg_cap *known)
{
	if (lv->quiet.steps <= 1)
		return;
	switch (x->op) {
	case X_LIT:
	case X_VAR:
	case X_SLOT: break;
	case X_AND:
	case X_OR: chain_level(lv, x, known); break;
	case X_IF: if_branches(lv, x, known); break;
	case X_IS: is_level(lv, x, known); break;
	case X_IN:
	case X_HAS_TAG:
	case X_GET_TAG:
		too_far(lv, x->at, target_level(lv, x->a, NULL, known));
		check_level(lv, x->b, known);
		break;
	case X_HAS:
	case X_GET:
		if (is_entity(lv, x->a, known))
			too_far(lv, x->at, target_level(lv, x->a, NULL, known));
		else
			check_level(lv, x->a, known);
		break;
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY:
	case X_LIKE: check_level(lv, x->a, known); break;
	case X_SET:
	case X_RECORD:
	case X_CALL:
		for (uint32_t i = 0; i < x->n; i++)
			check_level(lv, x->list[i], known);
		break;
	default:
		check_level(lv, x->a, known);
		check_level(lv, x->b, known);
	}
}

/* ---- policies ------------------------------------------------------------------------------- */

/* False when the scope cannot match here. */
static bool
scope_level(struct levels *lv)
{
	static const enum lg_var order[] = { VAR_PRINCIPAL, VAR_ACTION, VAR_RESOURCE };
	const struct lg_policy *p = lv->ck->policy;
	const struct lg_scope *scopes[] = { &p->principal, &p->action, &p->resource };

	for (size_t i = 0; i < LG_COUNT(order); i++) {
		struct lg_typed t = lg_check_scope(&lv->quiet, order[i]);

		if (scopes[i]->kind == SCOPE_IN || scopes[i]->kind == SCOPE_IS_IN)
			too_far(lv, p->at, 0);
		if (lg_type_is_bool(t.type, BOOL_FALSE))
			return false;
	}
	return true;
}

static void
level_here(struct lg_checker *ck, void *self)
{
	struct levels *lv = self;
	struct lg_policy_faults silent = { 0 };
	const struct lg_cap *known = NULL;
	uint32_t steps = lv->quiet.steps;

	lv->quiet = *ck;
	lv->quiet.steps = steps;
	lv->quiet.faults = &silent;
	lv->quiet.report = ck->cx;
	if (!scope_level(lv))
		return;
	for (uint32_t i = 0; i < ck->policy->nclauses; i++) {
		const struct lg_clause *c = &ck->policy->clauses[i];
		struct lg_typed t = typed(lv, c->body, known);

		check_level(lv, c->body, known);
		if (t.type != NULL && lg_type_is_bool(t.type, c->when ? BOOL_FALSE : BOOL_TRUE))
			return;
		if (c->when)
			known = lg_cap_union(ck->cx->arena, known, t.caps);
	}
}

lg_err
lg_policies_validate_level(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema,
    enum lg_validation mode, unsigned level, struct lg_policy_faults *faults)
{
	struct lg_arena *scratch;
	struct lg_ctx work;

	LG_TRY(lg_policies_validate(cx, set, schema, mode, faults));
	scratch = lg_arena_new();
	lg_ctx_init(&work, scratch);
	for (uint32_t i = 0; i < set->n; i++) {
		struct lg_checker ck = { .cx = &work, .report = cx, .schema = schema, .strict = mode == LG_STRICT,
			.policy = set->v[i], .faults = faults };
		struct levels lv = { .ck = &ck, .quiet = { .steps = LG_CHECK_STEPS }, .max = level };

		lg_check_environments(&ck, level_here, &lv);
		if (lv.quiet.steps <= 1)
			lg_check_fault(&ck, set->v[i]->at, "too many steps to find the level of this policy");
		lg_arena_reset(scratch);
	}
	lg_arena_free(&scratch);
	return lg_fault_status(cx, faults);
}
