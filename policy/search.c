/* search.c: who may, and on what: one reduction, then what is left of it for each candidate. */
#include "policy/partial.h"

struct searching {
	struct lg_ctx *cx;
	struct lg_ctx work;			/* of one candidate */
	const struct lg_policies *set;
	const struct lg_entities *entities;
	const struct lg_candidates *from;
	const struct lg_search *search;
	const struct lg_partial *p;
	enum lg_var side;
	struct lg_request rq;
	struct lg_euid *roots;
	size_t nroots, limit, look, size;
	struct lg_euid *found;
	struct lg_search_result *ret;
};

static lg_err
bounds(struct lg_ctx *cx, const struct lg_search *search, size_t *limit, size_t *look)
{
	if (search->limit > LG_SEARCH_LIMIT_MAX)
		return lg_fail(cx, LG_E_LIMIT, "search: at most %d results at a time", LG_SEARCH_LIMIT_MAX);
	if (search->look > LG_SEARCH_LOOK_MAX)
		return lg_fail(cx, LG_E_LIMIT, "search: at most %d candidates at a time", LG_SEARCH_LOOK_MAX);
	*limit = search->limit == 0 ? LG_SEARCH_LIMIT_MAX : search->limit;
	*look = search->look == 0 ? LG_SEARCH_LOOK_MAX : search->look;
	return LG_OK;
}

/* What every permit that can still match names in its scope; none when one of them names nothing. */
static void
find_roots(struct searching *s)
{
	s->roots = LG_NEWS(s->cx->arena, struct lg_euid, s->p->n);
	for (uint32_t i = 0; i < s->p->n; i++) {
		const struct lg_partial_item *it = &s->p->v[i];
		const struct lg_policy *p = s->set->v[it->policy];

		if (p->info.effect != LG_PERMIT || it->kind == LG_RESIDUAL_ERROR)
			continue;
		if (!it->scope[s->side]) {
			s->nroots = 0;
			return;
		}
		s->roots[s->nroots++] = (s->side == VAR_PRINCIPAL ? &p->principal : &p->resource)->uids[0];
	}
}

static void
take(struct searching *s, const struct lg_euid *uid)
{
	if (s->ret->n == s->size) {
		struct lg_euid *v = LG_NEWS(s->cx->arena, struct lg_euid, s->size = s->size == 0 ? 16 : s->size * 2);

		if (s->ret->n > 0)
			memcpy(v, s->found, s->ret->n * sizeof(*v));
		s->found = v;
		s->ret->v = v;
	}
	s->found[s->ret->n++] = lg_euid_dup(s->cx->arena, uid);
}

static bool
allowed(struct searching *s, const struct lg_euid *uid)
{
	struct lg_answer a;

	if (s->ret->how == LG_SEARCH_ALL)
		return true;
	*(s->side == VAR_PRINCIPAL ? &s->rq.principal : &s->rq.resource) = *uid;
	lg_partial_answer(&s->work, s->p, s->entities, &s->rq, &a);
	s->ret->evaluated += a.evaluated > 0;
	s->ret->unknown += a.unknown;
	lg_arena_reset(s->work.arena);
	return a.allow;
}

/* One page of candidates; false at the end, or with `more` when a bound is reached. */
static lg_err
search_page(struct searching *s, lg_str type, struct lg_euid *v, bool *go_on)
{
	size_t n = 0;

	LG_TRY(s->from->page(s->from->self, s->cx, type, s->ret->after, s->roots, s->nroots, v, LG_SEARCH_PAGE, &n));
	*go_on = n > 0;
	for (size_t i = 0; i < n; i++) {
		if (s->ret->n == s->limit || s->ret->looked == s->look) {
			s->ret->more = true;
			*go_on = false;
			return LG_OK;
		}
		s->ret->looked++;
		s->ret->after = v[i].id;
		if (allowed(s, &v[i]))
			take(s, &v[i]);
	}
	return LG_OK;
}

static lg_err
search_all(struct searching *s, lg_str type)
{
	struct lg_euid *v = LG_NEWS(s->cx->arena, struct lg_euid, LG_SEARCH_PAGE);
	bool go_on = true;
	lg_err e = LG_OK;

	while (go_on && e == LG_OK)
		e = search_page(s, type, v, &go_on);
	s->ret->after = lg_dup(s->cx->arena, s->ret->after);
	return e;
}

static lg_err
search_side(struct searching *s, struct lg_search_result *ret)
{
	struct lg_partial_request rq = { s->search->rq.principal, s->search->rq.resource, s->search->rq.action,
		s->search->rq.context, NULL, 0, false };
	struct lg_euid *any = s->side == VAR_PRINCIPAL ? &rq.principal : &rq.resource;
	struct lg_partial *p = NULL;
	struct lg_arena *scratch;
	enum lg_partial_verdict verdict;
	lg_err e;

	LG_TRY(bounds(s->cx, s->search, &s->limit, &s->look));
	*any = lg_euid_any(any->type);
	LG_TRY(lg_partial_new(s->cx, s->set, s->entities, &rq, &p));
	*ret = (struct lg_search_result){ .after = s->search->after };
	verdict = lg_partial_verdict(p);
	if (verdict == LG_PARTIAL_DENY)
		return LG_OK;
	ret->how = verdict == LG_PARTIAL_ALLOW ? LG_SEARCH_ALL : LG_SEARCH_EACH;
	s->ret = ret;
	s->p = p;
	s->rq = s->search->rq;
	find_roots(s);
	scratch = lg_arena_new();
	lg_ctx_init(&s->work, scratch);
	e = search_all(s, any->type);
	lg_arena_free(&scratch);
	return e;
}

lg_err
lg_search_resources(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_candidates *candidates, const struct lg_search *search, struct lg_search_result *ret)
{
	struct searching s = { .cx = cx, .set = set, .entities = entities, .from = candidates, .search = search,
		.side = VAR_RESOURCE };

	return search_side(&s, ret);
}

lg_err
lg_search_subjects(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_candidates *candidates, const struct lg_search *search, struct lg_search_result *ret)
{
	struct searching s = { .cx = cx, .set = set, .entities = entities, .from = candidates, .search = search,
		.side = VAR_PRINCIPAL };

	return search_side(&s, ret);
}

/* ---- actions -------------------------------------------------------------------------------- */

static const struct lg_euid *
action_at(const struct lg_policies *set, const struct lg_euid *actions, size_t i)
{
	return actions != NULL ? &actions[i] : &set->schema->action[i]->uid;
}

/* Where the page before ended; an action that is gone meanwhile starts over. */
static size_t
action_behind(const struct lg_policies *set, const struct lg_euid *actions, size_t n, lg_str after)
{
	for (size_t i = 0; i < n && after.n > 0; i++)
		if (lg_str_eq(action_at(set, actions, i)->id, after))
			return i + 1;
	return 0;
}

lg_err
lg_search_actions(struct lg_ctx *cx, const struct lg_policies *set, const struct lg_entities *entities,
    const struct lg_euid *actions, size_t nactions, const struct lg_search *search, struct lg_search_result *ret)
{
	struct searching s = { .cx = cx, .set = set, .ret = ret };
	struct lg_request rq = search->rq;
	size_t n = actions != NULL ? nactions : set->schema != NULL ? set->schema->nactions : 0;

	LG_TRY(bounds(cx, search, &s.limit, &s.look));
	*ret = (struct lg_search_result){ .how = LG_SEARCH_EACH, .after = search->after };
	for (size_t i = action_behind(set, actions, n, search->after); i < n; i++) {
		struct lg_answer a;

		if (ret->n == s.limit || ret->looked == s.look) {
			ret->more = true;
			break;
		}
		rq.action = *action_at(set, actions, i);
		ret->after = rq.action.id;
		ret->looked++;
		if (set->schema != NULL && lg_request_validate(cx, set->schema, &rq) != LG_OK)
			continue;
		lg_authorize(cx, set, entities, &rq, &a);
		ret->evaluated += a.evaluated > 0;
		ret->unknown += a.unknown;
		if (a.allow)
			take(&s, &rq.action);
	}
	cx->error[0] = '\0';		/* what did not apply is no failure of the search */
	ret->after = lg_dup(cx->arena, ret->after);
	return LG_OK;
}
