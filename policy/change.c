/*
 * change.c: a set that is another one but for some policies.
 *
 * It stands on a whole set, its base, and shares what it has compiled and indexed.  What is new since then, and what had to
 * move to another number, is looked up in a small index of its own.  When that has grown, the next change makes a whole set.
 */
#include "policy/set.h"

#define RECENT_MAX 128

struct changing {
	struct lg_ctx *cx;
	const struct lg_policies *was;
	struct lg_policies *set;
	bool *gone;				/* by number in `was` */
	struct lg_map names, sources;
	uint32_t *recent;			/* numbers; NULL: all of a whole set */
};

/* ---- what goes ------------------------------------------------------------------------------ */

static bool
is_linked(const struct changing *c, const struct lg_policy *template)
{
	for (uint32_t i = 0; i < c->was->n; i++)
		if (c->was->v[i]->of == template && !c->gone[i])
			return true;
	return false;
}

static lg_err
take_out(struct changing *c, const struct lg_policy_change *change)
{
	size_t at;

	for (size_t i = 0; i < change->nremove; i++) {
		if (!lg_policies_find(c->was, change->remove[i], &at) || c->gone[at])
			return lg_fail(c->cx, LG_E_NOT_FOUND, "there is no policy `%.*s` to remove", LG_FMT(change->remove[i]));
		c->gone[at] = true;
	}
	for (size_t i = 0; i < change->nremove; i++)
		if (lg_policies_find(c->was, change->remove[i], &at) && c->was->v[at]->info.is_template &&
		    is_linked(c, c->was->v[at]))
			return lg_fail(c->cx, LG_E_CONFLICT, "the template `%.*s` has links that would stay",
			    LG_FMT(change->remove[i]));
	return LG_OK;
}

/* ---- what comes ----------------------------------------------------------------------------- */

static void
know_names(struct changing *c)
{
	struct lg_arena *a = c->set->arena;
	const struct lg_policies *base = c->set->base;

	lg_map_init(&c->names, c->cx->arena);
	for (uint32_t i = 0; i < c->was->nnames; i++) {
		struct lg_name *name;

		if (base != NULL && i < base->nnames) {
			name = &base->names[i];
		} else {
			name = LG_NEW(a, struct lg_name);
			*name = c->was->names[i];
			name->text = lg_dup(a, name->text);
		}
		*lg_map_at(&c->names, name->text) = name;
	}
	c->set->nnames = c->was->nnames;
}

/* New policies take the numbers of those that went, then numbers at the end; numbers that are left over, the last ones get. */
static lg_err
number_all(struct changing *c)
{
	struct lg_policies *set = c->set;
	struct lg_policy **added = set->v, **v = LG_NEWS(set->arena, struct lg_policy *, (size_t)c->was->n + set->n);
	uint32_t nadded = set->n, next = 0, n = c->was->n;

	if (n > 0)
		memcpy(v, c->was->v, n * sizeof(*v));
	for (uint32_t i = 0; i < n; i++) {
		if (!c->gone[i])
			continue;
		if (next < nadded) {
			v[i] = added[next++];
			continue;
		}
		while (n > i + 1 && c->gone[n - 1])
			n--;
		v[i] = v[--n];
	}
	while (next < nadded)
		v[n++] = added[next++];
	set->v = v;
	set->n = n;
	if (n > LG_POLICY_COUNT_MAX)
		return lg_fail(c->cx, LG_E_LIMIT, "more than %d policies", LG_POLICY_COUNT_MAX);
	return LG_OK;
}

static uint32_t
recent_at(const struct changing *c, uint32_t i)
{
	return c->recent == NULL ? i : c->recent[i];
}

static void
find_recent(struct changing *c)
{
	struct lg_policies *set = c->set;
	const struct lg_policies *base = set->base;

	if (base == NULL) {
		set->nrecent = set->n;
		return;
	}
	c->recent = LG_NEWS(c->cx->arena, uint32_t, set->n);
	for (uint32_t i = 0; i < set->n; i++)
		if (i >= base->n || base->v[i] != set->v[i])
			c->recent[set->nrecent++] = i;
}

/* What lies in neither the set nor its base would go with the set that it came from. */
static void
move_in(struct changing *c)
{
	struct lg_policies *set = c->set;

	lg_map_init(&c->sources, c->cx->arena);
	lg_map_init(&set->by_id, set->arena);
	for (uint32_t i = 0; i < set->nrecent; i++) {
		uint32_t number = recent_at(c, i);
		struct lg_policy **p = &set->v[number];

		if ((*p)->home != set->arena && (set->base == NULL || (*p)->home != set->base->arena))
			*p = lg_policy_copy(set->arena, &c->names, &c->sources, *p);
		*lg_map_at(&set->by_id, (*p)->info.id) = (void *)((uintptr_t)number + 1);
	}
}

/* Links speak of their templates where these are now. */
static void
relink(struct changing *c)
{
	struct lg_policies *set = c->set;

	for (uint32_t i = 0; i < set->nrecent; i++) {
		struct lg_policy *p = set->v[recent_at(c, i)];
		size_t at;

		if (p->of != NULL && p->home == set->arena && lg_policies_find(set, p->of->info.id, &at))
			p->of = set->v[at];
	}
}

static lg_err
build(struct changing *c, const struct lg_policy_change *change, const struct lg_policy_options *options,
    struct lg_policy_faults *faults)
{
	struct lg_policies *set = c->set;
	struct lg_beside beside = { c->was, c->gone };

	know_names(c);
	LG_TRY(lg_set_compile(c->cx, set, &beside, &c->names, change->add, change->nadd, options, faults));
	LG_TRY(number_all(c));
	find_recent(c);
	move_in(c);
	relink(c);
	lg_set_keep_names(set, &c->names);
	lg_index_build(&set->index, set->arena, set->v, c->recent, set->nrecent);
	return LG_OK;
}

lg_err
lg_policies_change(struct lg_ctx *cx, const struct lg_policies *was, const struct lg_policy_change *change,
    const struct lg_policy_options *options, struct lg_policy_faults *faults, struct lg_policies **ret)
{
	static const struct lg_policy_options none = { 0 };
	struct changing c = { .cx = cx, .was = was, .gone = LG_NEWS(cx->arena, bool, was->n) };
	const struct lg_policies *base = was->base == NULL ? was : was->nrecent < RECENT_MAX ? was->base : NULL;
	lg_err e;

	options = options == NULL ? &none : options;
	if (options->schema != NULL && options->schema != was->schema)
		return lg_fail(cx, LG_E_INVALID, "a changed set keeps its schema");
	LG_TRY(take_out(&c, change));
	c.set = lg_set_new(was->schema);
	c.set->base = base == NULL ? NULL : lg_policies_ref(base);
	e = build(&c, change, options, faults);
	if (e != LG_OK) {
		lg_policies_unref(&c.set);
		return e;
	}
	*ret = c.set;
	return LG_OK;
}
