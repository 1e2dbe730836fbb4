/* partial.c: partial decisions: every policy of a set against a request that is known in part. */
#include "policy/partial.h"

#include "policy/decide.h"

struct lg_euid
lg_euid_any(lg_str type)
{
	return (struct lg_euid){ type, LG_NONE, 0 };
}

/* ---- making --------------------------------------------------------------------------------- */

static const struct lg_scope *
scope_of(const struct lg_policy *p, enum lg_var var)
{
	return var == VAR_PRINCIPAL ? &p->principal : var == VAR_ACTION ? &p->action : &p->resource;
}

/* False when some part of the scope cannot match. */
static bool
reduce_scopes(struct lg_reducer *re, const struct lg_policy *p, struct lg_partial_item *it)
{
	static const enum lg_var order[] = { VAR_ACTION, VAR_PRINCIPAL, VAR_RESOURCE };

	for (size_t i = 0; i < LG_COUNT(order); i++) {
		enum lg_found found;

		if (!it->scope[order[i]])
			continue;
		found = lg_reduce_scope(re, scope_of(p, order[i]), order[i]);
		if (found == LG_ABSENT)
			return false;
		it->scope[order[i]] = found == LG_UNKNOWN;
	}
	return true;
}

static bool
settled(const struct lg_partial_item *it)
{
	return !it->scope[VAR_PRINCIPAL] && !it->scope[VAR_ACTION] && !it->scope[VAR_RESOURCE];
}

/* Brings one item forward; false when its policy cannot match any more.  `fresh`: its clauses are still the policy's. */
static bool
reduce_item(struct lg_reducer *re, const struct lg_policy *p, bool fresh, struct lg_partial_item *it)
{
	struct lg_reduced r = { REDUCED_VALUE, NULL };

	if (!reduce_scopes(re, p, it))
		return false;
	if (fresh && p->nclauses > 0)
		r = lg_reduce_clauses(re, p);
	else if (it->x != NULL)
		r = lg_reduce(re, it->x);
	it->x = r.x;
	if (r.kind == REDUCED_VALUE && r.x != NULL && r.x->constant->kind != LG_V_BOOL)
		r.kind = REDUCED_ERROR;		/* a clause that is no bool */
	if (r.kind == REDUCED_VALUE) {
		if (r.x != NULL && !r.x->constant->u.b)
			return false;
		it->x = NULL;
	}
	if (!settled(it) || r.kind == REDUCED_OPEN)
		it->kind = LG_RESIDUAL_OPEN;
	else
		it->kind = r.kind == REDUCED_ERROR ? LG_RESIDUAL_ERROR : LG_RESIDUAL_TRUE;
	return true;
}

static void
keep(struct lg_partial *p, const struct lg_partial_item *it)
{
	enum lg_policy_effect effect = p->set->v[it->policy]->info.effect;

	p->sure[effect] += it->kind == LG_RESIDUAL_TRUE;
	p->open[effect] += it->kind == LG_RESIDUAL_OPEN;
	p->v[p->n++] = *it;
}

static struct lg_partial *
partial_of(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_partial_request *rq)
{
	struct lg_partial *p = LG_NEW(cx->arena, struct lg_partial);

	p->set = set;
	p->rq = *rq;
	return p;
}

lg_err
lg_partial_new(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_partial_request *rq, struct lg_partial **ret)
{
	if (rq->action.id.p == NULL || rq->principal.type.n == 0 || rq->resource.type.n == 0)
		return lg_fail(cx, LG_E_INVALID, "partial: an action and the types of principal and resource are needed");
	*ret = lg_partial_make(cx, set, entities, set->schema, rq);
	return LG_OK;
}

struct lg_partial *
lg_partial_make(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_schema *schema, const struct lg_partial_request *rq)
{
	struct lg_partial *p = partial_of(cx, set, rq);
	struct lg_reducer re;
	struct lg_partial_item *some;

	lg_reducer_init(&re, cx, entities, schema, &p->rq);
	p->v = some = LG_NEWS(cx->arena, struct lg_partial_item, 16);
	for (uint32_t i = 0, size = 16; i < set->n; i++) {
		struct lg_partial_item it = { .policy = i, .scope = { true, true, true } };

		if (set->v[i]->info.is_template || !reduce_item(&re, set->v[i], true, &it))
			continue;
		if (p->n == size) {
			some = LG_NEWS(cx->arena, struct lg_partial_item, size *= 2);
			memcpy(some, p->v, p->n * sizeof(*some));
			p->v = some;
		}
		keep(p, &it);
	}
	return p;
}

struct lg_partial *
lg_partial_reduce(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_partial_request *rq)
{
	struct lg_partial *q = partial_of(cx, p->set, rq);
	struct lg_reducer re;

	lg_reducer_init(&re, cx, entities, p->set->schema, &q->rq);
	q->v = LG_NEWS(cx->arena, struct lg_partial_item, p->n);
	for (uint32_t i = 0; i < p->n; i++) {
		struct lg_partial_item it = p->v[i];

		if (it.kind != LG_RESIDUAL_OPEN || reduce_item(&re, p->set->v[it.policy], false, &it))
			keep(q, &it);
	}
	return q;
}

/* ---- is it more of the same request? --------------------------------------------------------- */

static bool
extends(const struct lg_euid *known, const struct lg_euid *more)
{
	return known->id.p == NULL ? lg_str_eq(known->type, more->type) : more->id.p != NULL && lg_euid_eq(known, more);
}

static bool
may_come(const struct lg_partial_request *rq, const struct lg_name *name)
{
	for (size_t i = 0; i < rq->nunknown; i++)
		if (lg_str_eq(rq->unknown[i], name->text))
			return true;
	return rq->context_open;
}

static bool
context_extends(const struct lg_partial_request *rq, const struct lg_record *more)
{
	static const struct lg_record nothing = { 0, NULL };
	const struct lg_record *known = rq->context == NULL ? &nothing : rq->context;

	more = more == NULL ? &nothing : more;
	for (uint32_t i = 0; i < known->n; i++) {
		const struct lg_value *v = lg_record_get(more, &known->v[i].name);

		if (v == NULL || !lg_value_eq(v, &known->v[i].value))
			return false;
	}
	for (uint32_t i = 0; i < more->n; i++)
		if (lg_record_get(known, &more->v[i].name) == NULL && !may_come(rq, &more->v[i].name))
			return false;
	return true;
}

static lg_err
check_extends(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_euid *principal,
    const struct lg_euid *action, const struct lg_euid *resource, const struct lg_record *context)
{
	const char *what = !extends(&p->rq.principal, principal) ? "principal" : !extends(&p->rq.action, action) ? "action" :
	    !extends(&p->rq.resource, resource) ? "resource" : !context_extends(&p->rq, context) ? "context" : NULL;

	if (what == NULL)
		return LG_OK;
	return lg_fail(cx, LG_E_INVALID, "partial: the %s is not the one that was asked about", what);
}

lg_err
lg_partial_narrow(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_partial_request *rq, struct lg_partial **ret)
{
	LG_TRY(check_extends(cx, p, &rq->principal, &rq->action, &rq->resource, rq->context));
	for (size_t i = 0; i < rq->nunknown; i++) {
		struct lg_name name = lg_name_of(rq->unknown[i]);

		if (!may_come(&p->rq, &name))
			return lg_fail(cx, LG_E_INVALID, "partial: `%.*s` was known before", LG_FMT(name.text));
	}
	if (rq->context_open && !p->rq.context_open)
		return lg_fail(cx, LG_E_INVALID, "partial: the context was closed before");
	*ret = lg_partial_reduce(cx, p, entities, rq);
	return LG_OK;
}

/* ---- completing ----------------------------------------------------------------------------- */

static bool
scopes_match(struct lg_eval *ev, const struct lg_policy *p, const struct lg_partial_item *it)
{
	for (int v = VAR_PRINCIPAL; v <= VAR_RESOURCE; v++)
		if (it->scope[v] && lg_scope_match(ev, scope_of(p, (enum lg_var)v), (enum lg_var)v) != LG_PRESENT)
			return false;
	return true;
}

static enum lg_outcome
run_rest(struct lg_eval *ev, const struct lg_policy *p, const struct lg_partial_item *it)
{
	struct lg_clause rest = { true, p->at, it->x };
	struct lg_policy left = { .clauses = &rest, .nclauses = it->x != NULL };

	return lg_policy_run(ev, &left);
}

static void
answer_item(struct lg_eval *ev, const struct lg_partial *p, const struct lg_partial_item *it, uint32_t *hits[2],
    uint32_t n[2], struct lg_policy_error *errors, struct lg_answer *ret)
{
	const struct lg_policy *policy = p->set->v[it->policy];
	enum lg_policy_effect effect = policy->info.effect;

	lg_eval_start(ev);
	if (scopes_match(ev, policy, it)) {
		ret->evaluated += it->x != NULL;
		switch (run_rest(ev, policy, it)) {
		case OUTCOME_YES: hits[effect][n[effect]++] = it->policy; break;
		case OUTCOME_ERROR:
			errors[ret->nerrors++] = (struct lg_policy_error){ it->policy, ev->error };
			ret->forbid_erred = ret->forbid_erred || effect == LG_FORBID;
			break;
		case OUTCOME_NO: break;
		}
	}
	if (ev->unknown && !ret->unknown) {
		ret->unknown = true;
		ret->unknown_uid = ev->unknown_uid;
	}
}

void
lg_partial_answer(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_answer *ret)
{
	uint32_t *hits[2] = { LG_NEWS(cx->arena, uint32_t, p->n), LG_NEWS(cx->arena, uint32_t, p->n) }, n[2] = { 0, 0 };
	struct lg_policy_error *errors = LG_NEWS(cx->arena, struct lg_policy_error, p->n);
	enum lg_policy_effect side;
	struct lg_eval ev;

	*ret = (struct lg_answer){ 0 };
	lg_eval_init(&ev, cx, entities, p->set->schema, rq);
	for (uint32_t i = 0; i < p->n; i++)
		answer_item(&ev, p, &p->v[i], hits, n, errors, ret);
	side = n[LG_FORBID] > 0 ? LG_FORBID : LG_PERMIT;
	ret->allow = n[LG_FORBID] == 0 && n[LG_PERMIT] > 0 && !ret->unknown;
	ret->determining = hits[side];
	ret->ndetermining = n[side];
	ret->errors = errors;
	ret->reads = UINT64_MAX;
}

lg_err
lg_partial_complete(struct lg_ctx *cx, const struct lg_partial *p, const struct lg_entities *entities,
    const struct lg_request *rq, struct lg_answer *ret)
{
	LG_TRY(check_extends(cx, p, &rq->principal, &rq->action, &rq->resource, rq->context));
	lg_partial_answer(cx, p, entities, rq, ret);
	return LG_OK;
}

/* ---- asking it ------------------------------------------------------------------------------ */

enum lg_partial_verdict
lg_partial_verdict(const struct lg_partial *p)
{
	if (p->sure[LG_FORBID] > 0 || p->sure[LG_PERMIT] + p->open[LG_PERMIT] == 0)
		return LG_PARTIAL_DENY;
	return p->sure[LG_PERMIT] > 0 && p->open[LG_FORBID] == 0 ? LG_PARTIAL_ALLOW : LG_PARTIAL_OPEN;
}

size_t
lg_partial_count(const struct lg_partial *p)
{
	return p->n;
}

struct lg_residual
lg_partial_at(const struct lg_partial *p, size_t i)
{
	return (struct lg_residual){ p->v[i].policy, p->v[i].kind };
}
