/*
 * validate.c: a policy set against a schema: are the names known, can the scope match at all, do the types fit in every
 * request environment (cedar-spec, Cedar/Validation/Validator.lean; cedar, validator/rbac.rs)?
 */
#include "policy/check.h"
#include "policy/set.h"

/* ---- names ---------------------------------------------------------------------------------- */

static bool
enum_lacks(const struct lg_schema_entity *e, lg_str id)
{
	for (uint32_t i = 0; i < e->nids; i++)
		if (lg_str_eq(e->ids[i], id))
			return false;
	return e->is_enum;
}

static void
type_known(struct lg_checker *ck, lg_str type, uint32_t at)
{
	if (!lg_type_is_action(type) && lg_schema_entity_find(ck->schema, type) == NULL)
		lg_check_fault(ck, at, "entity type `%.*s` is not in the schema", LG_FMT(type));
}

static void
uid_known(struct lg_checker *ck, const struct lg_euid *uid, uint32_t at)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(ck->schema, uid->type);

	type_known(ck, uid->type, at);
	if (lg_type_is_action(uid->type) && lg_schema_action_find(ck->schema, uid) == NULL)
		lg_check_fault(ck, at, "action %.*s is not in the schema", LG_FMT(lg_euid_text(ck->cx->arena, uid)));
	if (e != NULL && enum_lacks(e, uid->id))
		lg_check_fault(
		    ck, at, "%.*s is not in the type's enumeration", LG_FMT(lg_euid_text(ck->cx->arena, uid)));
}

static bool
node_known(void *self, struct lg_expr *x)
{
	if (x->op == X_LIT && x->constant->kind == LG_V_ENTITY)
		uid_known(self, x->constant->u.e.uid, x->at);
	else if (x->op == X_IS)
		type_known(self, x->type, x->at);
	return true;
}

static void
names_known(struct lg_checker *ck)
{
	const struct lg_policy *p = ck->policy;
	const struct lg_scope *scopes[] = { &p->principal, &p->action, &p->resource };

	for (size_t s = 0; s < LG_COUNT(scopes); s++) {
		if (scopes[s]->kind == SCOPE_IS || scopes[s]->kind == SCOPE_IS_IN)
			type_known(ck, scopes[s]->type, scopes[s]->type_at);
		for (uint32_t i = 0; i < scopes[s]->n; i++)
			uid_known(ck, &scopes[s]->uids[i], scopes[s]->at[i]);
	}
	for (uint32_t i = 0; i < p->nclauses; i++)
		lg_expr_walk(p->clauses[i].body, node_known, ck);
}

/* ---- can the scope match? ------------------------------------------------------------------- */

static bool
type_in(const struct lg_schema *s, lg_str low, lg_str high)
{
	const struct lg_schema_entity *e = lg_schema_entity_find(s, low);

	return lg_str_eq(low, high) || (e != NULL && lg_schema_type_within(e, high));
}

/* Can an entity of this type satisfy the constraint? */
static bool
scope_admits(const struct lg_schema *s, const struct lg_scope *sc, lg_str type)
{
	switch (sc->kind) {
	case SCOPE_EQ: return sc->slot || lg_str_eq(sc->uids[0].type, type);
	case SCOPE_IN: return sc->slot || type_in(s, type, sc->uids[0].type);
	case SCOPE_IS: return lg_str_eq(sc->type, type);
	case SCOPE_IS_IN: return lg_str_eq(sc->type, type) && (sc->slot || type_in(s, type, sc->uids[0].type));
	case SCOPE_ANY: break;
	}
	return true;
}

static bool
any_admitted(const struct lg_schema *s, const struct lg_scope *sc, const lg_str *types, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (scope_admits(s, sc, types[i]))
			return true;
	return false;
}

static bool
action_admitted(const struct lg_schema *s, const struct lg_scope *sc, const struct lg_schema_action *a)
{
	bool found = sc->kind == SCOPE_ANY;

	for (uint32_t i = 0; i < sc->n; i++) {
		/* One undeclared action makes the whole list match nothing. */
		if (sc->kind == SCOPE_IN && lg_schema_action_find(s, &sc->uids[i]) == NULL)
			return false;
		found = found || lg_euid_eq(&sc->uids[i], &a->uid) ||
		    (sc->kind == SCOPE_IN && lg_schema_action_within(a, &sc->uids[i]));
	}
	return found;
}

static void
scope_possible(struct lg_checker *ck)
{
	const struct lg_policy *p = ck->policy;

	for (uint32_t i = 0; i < ck->schema->nactions; i++) {
		const struct lg_schema_action *a = ck->schema->action[i];

		if (action_admitted(ck->schema, &p->action, a) &&
		    any_admitted(ck->schema, &p->principal, a->principals, a->nprincipals) &&
		    any_admitted(ck->schema, &p->resource, a->resources, a->nresources))
			return;
	}
	lg_check_fault(ck, p->at, "no action of the schema applies to this scope");
}

/* ---- environments --------------------------------------------------------------------------- */

/* The scope as the type checker sees it: false, true or either, in this environment. */
static struct lg_typed
scope_type(struct lg_checker *ck, const struct lg_scope *sc, const struct lg_type *var)
{
	const struct lg_type *above, *t = &lg_type_bool;
	bool same_type = sc->kind == SCOPE_ANY || sc->type.n == 0 || lg_str_eq(sc->type, var->entities[0]);

	if (sc->kind == SCOPE_ANY || sc->kind == SCOPE_IS)
		return lg_typed_of(same_type ? &lg_type_true : &lg_type_false, true);
	if (!same_type)
		return lg_typed_of(&lg_type_false, true);
	if (sc->slot)
		return lg_typed_of(&lg_type_bool, true);
	if (!lg_type_is_action(sc->uids[0].type) && lg_schema_entity_find(ck->schema, sc->uids[0].type) == NULL)
		return lg_typed_of(&lg_type_bool, false);
	above = lg_type_entity(ck->cx->arena, sc->uids[0].type);
	if (sc->kind == SCOPE_EQ)
		t = lg_type_disjoint(var, above) ? &lg_type_false : &lg_type_bool;
	else
		t = lg_check_within(ck, var, NULL, above, NULL, 0);
	return lg_typed_of(t, true);
}

static struct lg_typed
action_type(struct lg_checker *ck)
{
	const struct lg_scope *sc = &ck->policy->action;

	if (ck->strict && sc->listed && sc->n == 0) {
		lg_check_fault(ck, ck->policy->at, "an empty set of actions has no type");
		return lg_typed_of(&lg_type_bool, false);
	}
	return lg_typed_of(action_admitted(ck->schema, sc, ck->act) ? &lg_type_true : &lg_type_false, true);
}

struct lg_typed
lg_check_scope(struct lg_checker *ck, enum lg_var var)
{
	if (var == VAR_ACTION)
		return action_type(ck);
	return var == VAR_PRINCIPAL ? scope_type(ck, &ck->policy->principal, ck->principal) :
	    scope_type(ck, &ck->policy->resource, ck->resource);
}

static struct lg_typed
env_type(struct lg_checker *ck)
{
	const struct lg_policy *p = ck->policy;
	struct lg_arena *a = ck->cx->arena;
	struct lg_typed t = lg_check_scope(ck, VAR_PRINCIPAL);

	if (!lg_type_is_bool(t.type, BOOL_FALSE))
		t = lg_check_and(t, lg_check_scope(ck, VAR_ACTION), a);
	if (!lg_type_is_bool(t.type, BOOL_FALSE))
		t = lg_check_and(t, lg_check_scope(ck, VAR_RESOURCE), a);
	for (uint32_t i = 0; i < p->nclauses && !lg_type_is_bool(t.type, BOOL_FALSE); i++) {
		struct lg_expr not = { .op = X_NOT, .at = p->clauses[i].at, .a = p->clauses[i].body };
		const struct lg_expr *x = p->clauses[i].when ? p->clauses[i].body : &not;

		t = lg_check_and(t, lg_check_bool(ck, x, t.caps), a);
	}
	return t;
}

static void
impossible(struct lg_checker *ck)
{
	struct lg_policy_fault f = { .source = ck->policy->source->name, .policy = ck->policy->info.id, .warning = true,
		.message = LG_STR("this policy can never match a request") };

	lg_fault_place(ck->policy->source->text, ck->policy->at, &f.line, &f.column);
	lg_fault_add(ck->report, ck->faults, f);
}

void
lg_check_environments(struct lg_checker *ck, void (*each)(struct lg_checker *ck, void *self), void *self)
{
	for (uint32_t i = 0; i < ck->schema->nactions; i++) {
		ck->act = ck->schema->action[i];
		ck->action = lg_type_entity(ck->cx->arena, ck->act->uid.type);
		for (uint32_t p = 0; p < ck->act->nprincipals; p++) {
			ck->principal = lg_type_entity(ck->cx->arena, ck->act->principals[p]);
			for (uint32_t r = 0; r < ck->act->nresources; r++) {
				ck->resource = lg_type_entity(ck->cx->arena, ck->act->resources[r]);
				each(ck, self);
			}
		}
	}
}

static void
check_environment(struct lg_checker *ck, void *self)
{
	bool *never = self;

	*never = lg_type_is_bool(env_type(ck).type, BOOL_FALSE) && *never;
}

static void
check_policy(struct lg_checker *ck)
{
	bool never = true;

	names_known(ck);
	lg_check_confusable(ck);
	scope_possible(ck);
	lg_check_environments(ck, check_environment, &never);
	if (never)
		impossible(ck);
}

/* Valid before, so valid now: validity is a matter of the policy and the schema alone. */
static bool
was_valid(const struct lg_policies *was, const struct lg_policy *p)
{
	size_t at;

	return was != NULL && lg_policies_find(was, p->info.id, &at) && (was->v[at] == p || lg_policy_same(was->v[at], p));
}

lg_err
lg_policies_validate(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_schema *schema,
    enum lg_validation mode, struct lg_policy_faults *faults)
{
	return lg_policies_validate_change(cx, set, NULL, schema, mode, faults);
}

lg_err
lg_policies_validate_change(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_policies *was,
    const struct lg_schema *schema, enum lg_validation mode, struct lg_policy_faults *faults)
{
	struct lg_arena *scratch = lg_arena_new();
	struct lg_ctx work;

	lg_ctx_init(&work, scratch);
	for (uint32_t i = 0; i < set->n; i++) {
		struct lg_checker ck = { .cx = &work, .report = cx, .schema = schema, .strict = mode == LG_STRICT,
			.policy = set->v[i], .faults = faults, .steps = LG_CHECK_STEPS };

		if (was_valid(was, set->v[i]))
			continue;
		check_policy(&ck);
		lg_arena_reset(scratch);
	}
	lg_arena_free(&scratch);
	return lg_fault_status(cx, faults);
}
