/*
 * authorize.c: a decision: default deny, forbid overrides, an erring policy is skipped and listed
 * (cedar-spec, Cedar/Spec/Authorizer.lean).
 */
#include "policy/decide.h"

#include <stdlib.h>

#define ACTIONS_HERE	64		/* groups of one action looked at without the arena */

struct list {
	uint32_t *v;
	uint32_t n, size;
};

struct above {					/* the proper ancestors of one of the request's entities */
	bool looked;
	const struct lg_euid *const *v;
	size_t n;
};

struct deciding {
	struct lg_eval ev;
	const struct lg_policies *set;
	const struct lg_policies *layer;	/* whose index is looked through: the set's base, then the set itself */
	uint32_t *actions;			/* numbers of the request's action and its groups, as far as policies name them */
	uint32_t nactions;
	struct above above[3];			/* by enum lg_var */
	struct list hits[2];			/* satisfied permits, forbids */
	struct lg_policy_error *errors;
	uint32_t nerrors, errors_size;
	struct lg_answer *ret;
};

static void
list_add(struct lg_arena *a, struct list *l, uint32_t x)
{
	if (l->n == l->size) {
		uint32_t *v = LG_NEWS(a, uint32_t, l->size = l->size == 0 ? 8 : l->size * 2);

		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = x;
}

/* ---- scope ---------------------------------------------------------------------------------- */

enum lg_found
lg_scope_match(struct lg_eval *ev, const struct lg_scope *sc, enum lg_var var)
{
	const struct lg_value *e = &ev->var[var];
	enum lg_found found = LG_ABSENT, one;

	if (sc->kind == SCOPE_ANY)
		return LG_PRESENT;
	if ((sc->kind == SCOPE_IS || sc->kind == SCOPE_IS_IN) && !lg_str_eq(sc->type, e->u.e.uid->type))
		return LG_ABSENT;
	if (sc->kind == SCOPE_IS)
		return LG_PRESENT;
	for (uint32_t i = 0; i < sc->n && found != LG_PRESENT; i++) {
		struct lg_value above = lg_value_entity(&sc->uids[i]);

		if (sc->kind == SCOPE_EQ)
			one = lg_euid_eq(e->u.e.uid, &sc->uids[i]) ? LG_PRESENT : LG_ABSENT;
		else
			one = lg_eval_within(ev, e, &above);
		found = one == LG_ABSENT ? found : one;
	}
	return found;
}

/* ---- one policy ----------------------------------------------------------------------------- */

static void
note_unknown(struct deciding *d)
{
	if (!d->ev.unknown)
		return;
	if (!d->ret->unknown)
		d->ret->unknown_uid = d->ev.unknown_uid;
	d->ret->unknown = true;
}

static void
note_error(struct deciding *d, uint32_t number)
{
	struct lg_arena *a = d->ev.cx->arena;

	if (d->nerrors == d->errors_size) {
		struct lg_policy_error *v;

		d->errors_size = d->errors_size == 0 ? 4 : d->errors_size * 2;
		v = LG_NEWS(a, struct lg_policy_error, d->errors_size);
		if (d->nerrors > 0)
			memcpy(v, d->errors, d->nerrors * sizeof(*v));
		d->errors = v;
	}
	d->errors[d->nerrors++] = (struct lg_policy_error){ number, d->ev.error };
	if (d->set->v[number]->info.effect == LG_FORBID)
		d->ret->forbid_erred = true;
}

enum lg_outcome
lg_policy_run(struct lg_eval *ev, const struct lg_policy *p)
{
	for (uint32_t i = 0; i < p->nclauses; i++) {
		struct lg_value v;

		if (!lg_eval(ev, p->clauses[i].body, &v))
			return OUTCOME_ERROR;
		if (v.kind != LG_V_BOOL) {
			ev->error =
			    lg_print(ev->cx->arena, "type error: a clause gave %s, not bool", lg_kind_name(v.kind));
			ev->error_at = p->clauses[i].at;
			return OUTCOME_ERROR;
		}
		if (v.u.b != p->clauses[i].when)
			return OUTCOME_NO;
	}
	return OUTCOME_YES;
}

static void
try_policy(struct deciding *d, uint32_t number)
{
	const struct lg_policy *p = d->set->v[number];
	struct lg_eval *ev = &d->ev;

	lg_eval_start(ev);
	if (lg_scope_match(ev, &p->principal, VAR_PRINCIPAL) == LG_PRESENT &&
	    lg_scope_match(ev, &p->resource, VAR_RESOURCE) == LG_PRESENT &&
	    (p->action.kind != SCOPE_EQ || lg_euid_eq(&p->action.uids[0], ev->var[VAR_ACTION].u.e.uid))) {
		d->ret->evaluated++;
		switch (lg_policy_run(ev, p)) {
		case OUTCOME_YES: list_add(ev->cx->arena, &d->hits[p->info.effect], number); break;
		case OUTCOME_ERROR: note_error(d, number); break;
		case OUTCOME_NO: break;
		}
	}
	note_unknown(d);
}

/* ---- candidates ----------------------------------------------------------------------------- */

static bool
action_is(const struct deciding *d, uint32_t number)
{
	for (uint32_t i = 0; i < d->nactions; i++)
		if (d->actions[i] == number)
			return true;
	return false;
}

/* A policy may stand here under several actions: it is tried under the first that the request has. */
static bool
first_action(const struct deciding *d, const struct lg_index_entry *e)
{
	for (uint32_t i = 0; i < e->among->n; i++)
		if (action_is(d, e->among->v[i]))
			return e->among->v[i] == e->action;
	return false;
}

static bool
stands(const struct deciding *d, const struct lg_index_entry *e)
{
	return (e->among == NULL || first_action(d, e)) && lg_set_holds(d->set, d->layer, e->policy);
}

static void
try_entries(struct deciding *d, const struct lg_bucket *b, uint32_t action)
{
	uint32_t lo = 0, hi = b->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (b->v[mid].action < action)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < b->n && b->v[lo].action == action; lo++)
		if (stands(d, &b->v[lo]))
			try_policy(d, b->v[lo].policy);
}

static void
try_bucket(struct deciding *d, const struct lg_bucket *b)
{
	if (b == NULL || b->n == 0)
		return;
	for (uint32_t i = 0; i < d->nactions; i++)
		try_entries(d, b, d->actions[i]);
	try_entries(d, b, LG_ACTION_ANY);
}

/* None for an entity that is absent. */
static void
look_above(struct deciding *d, enum lg_var var, struct above *ret)
{
	struct lg_seen s = lg_eval_find(&d->ev, &d->ev.var[var]);

	ret->looked = true;
	if (s.action != NULL) {
		ret->v = (const struct lg_euid *const *)s.action->ancestors;
		ret->n = s.action->nancestors;
		return;
	}
	if (s.found == LG_PRESENT &&
	    d->ev.entities->ancestors(d->ev.entities->self, s.handle, &ret->v, &ret->n) == LG_UNKNOWN) {
		d->ev.unknown = true;
		d->ev.unknown_uid = *d->ev.var[var].u.e.uid;
		ret->n = 0;
	}
	note_unknown(d);
}

static const struct above *
above_of(struct deciding *d, enum lg_var var)
{
	if (!d->above[var].looked)
		look_above(d, var, &d->above[var]);
	return &d->above[var];
}

static void
try_side(struct deciding *d, int side)
{
	const struct lg_table *t = &d->layer->index.side[side];
	enum lg_var var = side == SIDE_PRINCIPAL ? VAR_PRINCIPAL : VAR_RESOURCE;
	const struct lg_euid *uid = d->ev.var[var].u.e.uid;
	const struct above *up;

	if (t->n > t->entities) {
		struct lg_euid type = lg_index_type_key(uid->type);

		try_bucket(d, lg_table_find(t, &type));
	}
	if (t->entities == 0)
		return;
	try_bucket(d, lg_table_find(t, uid));
	if (!t->climbs)
		return;
	up = above_of(d, var);
	for (size_t i = 0; i < up->n; i++)
		try_bucket(d, lg_table_find(t, up->v[i]));
}

static void
number_actions(struct deciding *d, uint32_t here[ACTIONS_HERE])
{
	static const struct above none = { true, NULL, 0 };
	const struct lg_table *t = &d->layer->index.actions;
	const struct lg_bucket *b = lg_table_find(t, d->ev.var[VAR_ACTION].u.e.uid);
	const struct above *up = t->climbs ? above_of(d, VAR_ACTION) : &none;

	d->actions = up->n + 1 > ACTIONS_HERE ? LG_NEWS(d->ev.cx->arena, uint32_t, up->n + 1) : here;
	d->nactions = 0;
	if (b != NULL)
		d->actions[d->nactions++] = b->count - 1;
	for (size_t i = 0; i < up->n; i++) {
		b = lg_table_find(t, up->v[i]);
		if (b != NULL)
			d->actions[d->nactions++] = b->count - 1;
	}
}

static void
try_layer(struct deciding *d, const struct lg_policies *layer)
{
	uint32_t here[ACTIONS_HERE];

	d->layer = layer;
	number_actions(d, here);
	try_side(d, SIDE_PRINCIPAL);
	try_side(d, SIDE_RESOURCE);
	try_bucket(d, &layer->index.rest);
}

/* ---- the answer ----------------------------------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int
by_policy(const void *a, const void *b)
{
	return by_number(&((const struct lg_policy_error *)a)->policy, &((const struct lg_policy_error *)b)->policy);
}

void
lg_authorize(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_answer *ret)
{
	struct deciding d = { .set = set, .ret = ret };
	struct list *hits;

	*ret = (struct lg_answer){ 0 };
	lg_eval_init(&d.ev, cx, entities, set->schema, rq);
	if (set->base != NULL)
		try_layer(&d, set->base);
	if (set->nrecent > 0)
		try_layer(&d, set);
	hits = &d.hits[d.hits[LG_FORBID].n > 0 ? LG_FORBID : LG_PERMIT];
	if (hits->n > 1)
		qsort(hits->v, hits->n, sizeof(*hits->v), by_number);
	if (d.nerrors > 1)
		qsort(d.errors, d.nerrors, sizeof(*d.errors), by_policy);
	ret->allow = d.hits[LG_FORBID].n == 0 && d.hits[LG_PERMIT].n > 0 && !ret->unknown;
	ret->determining = hits->v;
	ret->ndetermining = hits->n;
	ret->errors = d.errors;
	ret->reads = d.ev.reads;
	ret->nerrors = d.nerrors;
}
