/* set.c: what a policy set tells about itself. */
#include "policy/set.h"

#include "policy/eval.h"

struct lg_policies *
lg_policies_ref(const struct lg_policies *set)
{
	/* The counter is the one part of a set that is not frozen. */
	struct lg_policies *s = (struct lg_policies *)(uintptr_t)set;

	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
lg_policies_unref(struct lg_policies **set)
{
	struct lg_policies *s = *set;
	struct lg_arena *a;

	*set = NULL;
	if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	lg_schema_unref(&s->schema);
	lg_policies_unref(&s->base);
	a = s->arena;			/* the set lies in it */
	lg_arena_free(&a);
}

size_t
lg_policies_count(const struct lg_policies *set)
{
	return set->n;
}

void
lg_policies_info(const struct lg_policies *set, size_t i, struct lg_policy_info *ret)
{
	*ret = set->v[i]->info;
}

bool
lg_policies_find(const struct lg_policies *set, lg_str id, size_t *ret)
{
	for (const struct lg_policies *layer = set; layer != NULL; layer = layer->base) {
		uintptr_t number = (uintptr_t)lg_map_get(&layer->by_id, id);

		if (number > 0 && lg_set_holds(set, layer, (uint32_t)number - 1)) {
			*ret = number - 1;
			return true;
		}
	}
	return false;
}

const struct lg_name *
lg_policies_names(const struct lg_policies *set, size_t *n)
{
	*n = set->nnames;
	return set->names;
}

uint64_t
lg_policies_reads(const struct lg_policies *set, lg_str attribute)
{
	for (uint32_t i = 0; i < set->nnames; i++)
		if (lg_str_eq(set->names[i].text, attribute))
			return lg_eval_bit(i);
	return lg_eval_bit(LG_NAME_FREE);
}

/* ---- walks ---------------------------------------------------------------------------------- */

bool
lg_expr_walk(struct lg_expr *x, bool (*each)(void *self, struct lg_expr *x), void *self)
{
	switch (x->op) {
	case X_LIT:
	case X_VAR:
	case X_SLOT:
		break;
	case X_AND:
	case X_OR:
	case X_SET:
	case X_RECORD:
	case X_CALL:
		for (uint32_t i = 0; i < x->n; i++)
			if (!lg_expr_walk(x->list[i], each, self))
				return false;
		break;
	case X_IF:
		if (!lg_expr_walk(x->a, each, self) || !lg_expr_walk(x->b, each, self) ||
		    !lg_expr_walk(x->c, each, self))
			return false;
		break;
	case X_IS:
		if (!lg_expr_walk(x->a, each, self) || (x->in != NULL && !lg_expr_walk(x->in, each, self)))
			return false;
		break;
	case X_NOT:
	case X_NEG:
	case X_IS_EMPTY:
	case X_HAS:
	case X_GET:
	case X_LIKE:
		if (!lg_expr_walk(x->a, each, self))
			return false;
		break;
	default:
		if (!lg_expr_walk(x->a, each, self) || !lg_expr_walk(x->b, each, self))
			return false;
	}
	return each(self, x);
}

struct uid_walk {
	const struct lg_policies *set;
	size_t policy;
	bool (*each)(void *self, size_t policy, const struct lg_euid *uid, unsigned line, unsigned column);
	void *self;
	struct lg_place place;
};

static bool
uid_found(struct uid_walk *w, const struct lg_euid *uid, uint32_t at)
{
	lg_place_move(&w->place, w->set->v[w->policy]->source->text, at);
	return w->each(w->self, w->policy, uid, w->place.line, w->place.column);
}

static bool
uid_node(void *self, struct lg_expr *x)
{
	if (x->op != X_LIT || x->constant->kind != LG_V_ENTITY)
		return true;
	return uid_found(self, x->constant->u.e.uid, x->at);
}

static bool
uid_policy(struct uid_walk *w)
{
	const struct lg_policy *p = w->set->v[w->policy];
	const struct lg_scope *scopes[] = { &p->principal, &p->action, &p->resource };

	for (size_t s = 0; s < LG_COUNT(scopes); s++)
		for (uint32_t i = 0; i < scopes[s]->n; i++)
			if (!uid_found(w, &scopes[s]->uids[i], scopes[s]->at[i]))
				return false;
	for (uint32_t i = 0; i < p->nclauses; i++)
		if (!lg_expr_walk(p->clauses[i].body, uid_node, w))
			return false;
	return true;
}

void
lg_policies_uids(const struct lg_policies *set,
    bool (*each)(void *self, size_t policy, const struct lg_euid *uid, unsigned line, unsigned column), void *self)
{
	struct uid_walk w = { .set = set, .each = each, .self = self };
	const struct lg_source *last = NULL;

	for (; w.policy < set->n; w.policy++) {
		if (set->v[w.policy]->source != last) {
			last = set->v[w.policy]->source;
			w.place = (struct lg_place){ 0, 1, 1 };
		}
		if (!uid_policy(&w))
			return;
	}
}
