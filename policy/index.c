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

/* Numbers the actions; sets of one policy are sorted and without repeats. */
static void
number_actions(struct lg_index *ix, struct lg_arena *a, struct lg_policy *const *v, uint32_t n)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < n; i++)
		total += v[i]->action.n;
	for (uint32_t i = 0; i < n; i++)
		ix->actions.climbs = ix->actions.climbs || v[i]->action.kind == SCOPE_IN;
	table_init(&ix->actions, a, total);
	ix->of = LG_NEWS(a, struct lg_policy_actions, n);
	for (uint32_t i = 0; i < n; i++) {
		struct lg_policy_actions *of = &ix->of[i];
		uint32_t kept = 0;

		of->v = LG_NEWS(a, uint32_t, v[i]->action.n);
		for (uint32_t k = 0; k < v[i]->action.n; k++) {
			struct lg_bucket *b = table_at(&ix->actions, &v[i]->action.uids[k]);

			if (b->count == 0)
				b->count = ++ix->nactions;
			of->v[k] = b->count - 1;
		}
		if (v[i]->action.n > 1)
			qsort(of->v, v[i]->action.n, sizeof(*of->v), by_number);
		for (uint32_t k = 0; k < v[i]->action.n; k++)
			if (k == 0 || of->v[kept - 1] != of->v[k])
				of->v[kept++] = of->v[k];
		of->n = kept;
	}
}

static void
entry_add(struct lg_bucket *b, struct lg_arena *a, uint32_t action, uint32_t policy)
{
	if (b->n == b->size) {
		struct lg_index_entry *v;

		b->size = b->size == 0 ? 4 : b->size * 2;
		v = LG_NEWS(a, struct lg_index_entry, b->size);
		if (b->n > 0)
			memcpy(v, b->v, b->n * sizeof(*v));
		b->v = v;
	}
	b->v[b->n++] = (struct lg_index_entry){ action, policy };
}

static void
policy_add(struct lg_index *ix, struct lg_arena *a, const struct lg_policy *p, uint32_t number)
{
	const struct lg_policy_actions *of = &ix->of[number];
	struct lg_bucket *best = &ix->rest, *b;
	struct lg_euid key;

	if (p->action.kind == SCOPE_IN && of->n == 0)
		return;			/* `action in []` matches nothing */
	for (int side = 0; side < 2; side++) {
		if (!scope_key(scope_of(p, side), &key))
			continue;
		b = slot_of(&ix->side[side], &key);
		if (best == &ix->rest || b->count < best->count)
			best = b;
	}
	if (of->n == 0)
		entry_add(best, a, LG_ACTION_ANY, number);
	for (uint32_t k = 0; k < of->n; k++)
		entry_add(best, a, of->v[k], number);
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

void
lg_index_build(struct lg_index *ix, struct lg_arena *a, struct lg_policy *const *v, uint32_t n)
{
	struct lg_euid key;

	number_actions(ix, a, v, n);
	for (int side = 0; side < 2; side++) {
		table_init(&ix->side[side], a, n);
		for (uint32_t i = 0; i < n; i++)
			if (!v[i]->info.is_template && scope_key(scope_of(v[i], side), &key)) {
				enum lg_scope_kind kind = scope_of(v[i], side)->kind;

				table_at(&ix->side[side], &key)->count++;
				ix->side[side].climbs =
				    ix->side[side].climbs || kind == SCOPE_IN || kind == SCOPE_IS_IN;
			}
	}
	for (uint32_t i = 0; i < n; i++)
		if (!v[i]->info.is_template)
			policy_add(ix, a, v[i], i);
	bucket_sort(&ix->rest);
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < ix->side[side].size; i++)
			bucket_sort(&ix->side[side].v[i]);
}
