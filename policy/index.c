/* index.c: builds the scope index of a policy set. */
#include "policy/index.h"

#include <stdlib.h>

#include "base/map.h"

/* ---- tables --------------------------------------------------------------------------------- */

static void
table_init(struct lg_table *t, struct lg_arena *a, uint32_t keys)
{
	t->size = 8;
	while (t->size < keys * 2)
		t->size *= 2;
	t->v = LG_NEWS(a, struct lg_bucket, t->size);
}

static bool
same_key(const struct lg_euid *a, const struct lg_euid *b)
{
	return (a->id.p == NULL) == (b->id.p == NULL) && lg_euid_eq(a, b);
}

static struct lg_bucket *
slot_of(const struct lg_table *t, const struct lg_euid *key)
{
	uint32_t i = (uint32_t)key->hash & (t->size - 1);

	while (t->v[i].key.type.p != NULL && !same_key(&t->v[i].key, key))
		i = (i + 1) & (t->size - 1);
	return &t->v[i];
}

const struct lg_bucket *
lg_table_find(const struct lg_table *t, const struct lg_euid *key)
{
	const struct lg_bucket *b;

	if (t->n == 0)
		return NULL;
	b = slot_of(t, key);
	return b->key.type.p == NULL ? NULL : b;
}

static struct lg_bucket *
table_at(struct lg_table *t, const struct lg_euid *key)
{
	struct lg_bucket *b = slot_of(t, key);

	if (b->key.type.p == NULL) {
		b->key = *key;
		t->n++;
		t->entities += key->id.p != NULL;
	}
	return b;
}

struct lg_euid
lg_index_type_key(lg_str type)
{
	return (struct lg_euid){ type, LG_NONE, lg_hash(type) };
}

/* ---- building ------------------------------------------------------------------------------- */

/* The keys of one side of a policy: its entity, or else its type. */
static bool
scope_key(const struct lg_scope *sc, struct lg_euid *ret)
{
	if (sc->kind == SCOPE_ANY || sc->slot)
		return false;
	*ret = sc->kind == SCOPE_IS ? lg_index_type_key(sc->type) : sc->uids[0];
	return true;
}

static const struct lg_scope *
scope_of(const struct lg_policy *p, int side)
{
	return side == SIDE_PRINCIPAL ? &p->principal : &p->resource;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

struct indexing {
	struct lg_index *ix;
	struct lg_arena *arena;
	struct lg_policy *const *v;
	const uint32_t *number;			/* NULL: all, in order */
	uint32_t n;
	struct lg_policy_actions *of;		/* by place in `number` */
};

static uint32_t
number_at(const struct indexing *in, uint32_t i)
{
	return in->number == NULL ? i : in->number[i];
}

static const struct lg_policy *
policy_at(const struct indexing *in, uint32_t i)
{
	return in->v[number_at(in, i)];
}

/* Numbers the actions of one policy: sorted and without repeats. */
static void
actions_of(struct indexing *in, const struct lg_scope *sc, struct lg_policy_actions *of)
{
	of->v = LG_NEWS(in->arena, uint32_t, sc->n);
	for (uint32_t k = 0; k < sc->n; k++) {
		struct lg_bucket *b = table_at(&in->ix->actions, &sc->uids[k]);

		if (b->count == 0)
			b->count = ++in->ix->nactions;
		of->v[k] = b->count - 1;
	}
	if (sc->n > 1)
		qsort(of->v, sc->n, sizeof(*of->v), by_number);
	for (uint32_t k = 0; k < sc->n; k++)
		if (k == 0 || of->v[of->n - 1] != of->v[k])
			of->v[of->n++] = of->v[k];
}

static void
number_actions(struct indexing *in)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < in->n; i++) {
		const struct lg_scope *sc = &policy_at(in, i)->action;

		total += sc->n;
		in->ix->actions.climbs = in->ix->actions.climbs || sc->kind == SCOPE_IN;
	}
	table_init(&in->ix->actions, in->arena, total);
	in->of = LG_NEWS(in->arena, struct lg_policy_actions, in->n);
	for (uint32_t i = 0; i < in->n; i++)
		if (policy_at(in, i)->action.n > 0)
			actions_of(in, &policy_at(in, i)->action, &in->of[i]);
}

static void
entry_add(struct lg_bucket *b, struct lg_arena *a, struct lg_index_entry e)
{
	if (b->n == b->size) {
		struct lg_index_entry *v;

		b->size = b->size == 0 ? 4 : b->size * 2;
		v = LG_NEWS(a, struct lg_index_entry, b->size);
		if (b->n > 0)
			memcpy(v, b->v, b->n * sizeof(*v));
		b->v = v;
	}
	b->v[b->n++] = e;
}

static void
policy_add(struct indexing *in, uint32_t i)
{
	const struct lg_policy *p = policy_at(in, i);
	const struct lg_policy_actions *of = &in->of[i];
	struct lg_bucket *best = &in->ix->rest, *b;
	struct lg_index_entry e = { LG_ACTION_ANY, number_at(in, i), of->n > 1 ? of : NULL };
	struct lg_euid key;

	if (p->action.kind == SCOPE_IN && of->n == 0)
		return;			/* `action in []` matches nothing */
	for (int side = 0; side < 2; side++) {
		if (!scope_key(scope_of(p, side), &key))
			continue;
		b = slot_of(&in->ix->side[side], &key);
		if (best == &in->ix->rest || b->count < best->count)
			best = b;
	}
	if (of->n == 0)
		entry_add(best, in->arena, e);
	for (uint32_t k = 0; k < of->n; k++) {
		e.action = of->v[k];
		entry_add(best, in->arena, e);
	}
}

static int
by_action(const void *a, const void *b)
{
	const struct lg_index_entry *x = a, *y = b;

	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return x->policy < y->policy ? -1 : x->policy > y->policy;
}

static void
bucket_sort(struct lg_bucket *b)
{
	if (b->n > 1)
		qsort(b->v, b->n, sizeof(*b->v), by_action);
}

static void
count_keys(struct indexing *in, int side)
{
	struct lg_table *t = &in->ix->side[side];
	struct lg_euid key;

	table_init(t, in->arena, in->n);
	for (uint32_t i = 0; i < in->n; i++) {
		const struct lg_policy *p = policy_at(in, i);
		const struct lg_scope *sc = scope_of(p, side);

		if (p->info.is_template || !scope_key(sc, &key))
			continue;
		table_at(t, &key)->count++;
		t->climbs = t->climbs || sc->kind == SCOPE_IN || sc->kind == SCOPE_IS_IN;
	}
}

void
lg_index_build(struct lg_index *ix, struct lg_arena *a, struct lg_policy *const *v, const uint32_t *number, uint32_t n)
{
	struct indexing in = { ix, a, v, number, n, NULL };

	number_actions(&in);
	count_keys(&in, SIDE_PRINCIPAL);
	count_keys(&in, SIDE_RESOURCE);
	for (uint32_t i = 0; i < n; i++)
		if (!policy_at(&in, i)->info.is_template)
			policy_add(&in, i);
	bucket_sort(&ix->rest);
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < ix->side[side].size; i++)
			bucket_sort(&ix->side[side].v[i]);
}
