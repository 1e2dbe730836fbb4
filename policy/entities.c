/*
 * entities.c: entities in memory.  Every uid that occurs has one node, whether the entity is there or only spoken of;
 * a handle is the node's address, and values inside the store carry it, so that nothing is looked up twice.
 */
#include <stdlib.h>

#include "base/map.h"
#include "policy/value.h"

struct node {
	struct lg_euid uid;			/* first: an ancestor list is one of these */
	bool present, open;			/* open: above it is something we do not hold */
	uint8_t colour;				/* of the walk that finds ancestors */
	const struct lg_record *attrs, *tags;
	struct node **parents;
	uint32_t nparents, nabove;
	uint32_t stamp;				/* last node that counted this one as an ancestor */
	const struct lg_euid **above;		/* all levels, sorted by address */
};

struct lg_entity_store {
	struct lg_arena *arena;
	struct node **slot;			/* open addressing by uid */
	uint32_t size, n, present;
	struct lg_map names;			/* attribute names, each kept once */
	struct lg_map held;			/* types held completely */
	bool partial, frozen;
};

struct lg_entity_store *
lg_entity_store_new(void)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_entity_store *st = LG_NEW(a, struct lg_entity_store);

	st->arena = a;
	lg_map_init(&st->names, a);
	lg_map_init(&st->held, a);
	st->size = 64;
	st->slot = calloc(st->size, sizeof(*st->slot));
	if (st->slot == NULL)
		abort();		/* as the arena does */
	return st;
}

void
lg_entity_store_free(struct lg_entity_store **st)
{
	struct lg_entity_store *s = *st;
	struct lg_arena *a;

	*st = NULL;
	if (s == NULL)
		return;
	free(s->slot);
	a = s->arena;
	lg_arena_free(&a);
}

size_t
lg_entity_store_count(const struct lg_entity_store *st)
{
	return st->present;
}

void
lg_entity_store_holds(struct lg_entity_store *st, lg_str type)
{
	st->partial = true;
	if (type.n > 0)
		*lg_map_at(&st->held, lg_dup(st->arena, type)) = st;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static struct node *
node_find(const struct lg_entity_store *st, const struct lg_euid *uid)
{
	uint32_t i = (uint32_t)uid->hash & (st->size - 1);

	while (st->slot[i] != NULL && !lg_euid_eq(&st->slot[i]->uid, uid))
		i = (i + 1) & (st->size - 1);
	return st->slot[i];
}

static void
grow(struct lg_entity_store *st)
{
	struct node **old = st->slot;
	uint32_t size = st->size;

	st->size *= 2;
	st->slot = calloc(st->size, sizeof(*st->slot));
	if (st->slot == NULL)
		abort();
	for (uint32_t i = 0; i < size; i++) {
		uint32_t k;

		if (old[i] == NULL)
			continue;
		for (k = (uint32_t)old[i]->uid.hash & (st->size - 1); st->slot[k] != NULL;)
			k = (k + 1) & (st->size - 1);
		st->slot[k] = old[i];
	}
	free(old);
}

static struct node *
node_at(struct lg_entity_store *st, const struct lg_euid *uid)
{
	struct node *nd = node_find(st, uid);
	uint32_t i;

	if (nd != NULL)
		return nd;
	if (st->n * 2 >= st->size)
		grow(st);
	nd = LG_NEW(st->arena, struct node);
	nd->uid = lg_euid_dup(st->arena, uid);
	for (i = (uint32_t)uid->hash & (st->size - 1); st->slot[i] != NULL;)
		i = (i + 1) & (st->size - 1);
	st->slot[i] = nd;
	st->n++;
	return nd;
}

void
lg_entity_store_each(const struct lg_entity_store *st, bool (*each)(void *arg, const struct lg_euid *uid, const struct lg_record *attrs),
    void *arg)
{
	for (uint32_t i = 0; i < st->size; i++)
		if (st->slot[i] != NULL && st->slot[i]->present && !each(arg, &st->slot[i]->uid, st->slot[i]->attrs))
			return;
}

/* ---- values into the store ------------------------------------------------------------------ */

static struct lg_value
value_keep(struct lg_entity_store *st, const struct lg_value *v);

static struct lg_name
name_keep(struct lg_entity_store *st, const struct lg_name *name)
{
	struct lg_name *kept = lg_map_get(&st->names, name->text);

	if (kept == NULL) {
		kept = LG_NEW(st->arena, struct lg_name);
		*kept = (struct lg_name){ lg_dup(st->arena, name->text), name->hash, LG_NAME_FREE };
		*lg_map_at(&st->names, kept->text) = kept;
	}
	return *kept;
}

static const struct lg_record *
record_keep(struct lg_entity_store *st, const struct lg_record *r)
{
	struct lg_record *kept = LG_NEW(st->arena, struct lg_record);
	struct lg_field *v;

	if (r == NULL || r->n == 0)
		return kept;
	v = LG_NEWS(st->arena, struct lg_field, r->n);
	for (uint32_t i = 0; i < r->n; i++)
		v[i] = (struct lg_field){ name_keep(st, &r->v[i].name), value_keep(st, &r->v[i].value) };
	*kept = (struct lg_record){ r->n, v };
	return kept;
}

static struct lg_value
value_keep(struct lg_entity_store *st, const struct lg_value *v)
{
	struct lg_value r = *v, *items;
	struct lg_set *set;
	struct node *nd;

	switch (v->kind) {
	case LG_V_ENTITY:
		nd = node_at(st, v->u.e.uid);
		r.u.e.uid = &nd->uid;
		r.u.e.handle = (lg_entity)nd;
		return r;
	case LG_V_RECORD:
		r.u.record = record_keep(st, v->u.record);
		return r;
	case LG_V_SET:
		set = LG_NEW(st->arena, struct lg_set);
		items = LG_NEWS(st->arena, struct lg_value, v->u.set->n);
		for (uint32_t i = 0; i < v->u.set->n; i++)
			items[i] = value_keep(st, &v->u.set->v[i]);
		*set = (struct lg_set){ v->u.set->n, items };
		r.u.set = set;
		return r;
	default:
		return lg_value_copy(st->arena, v);
	}
}

static bool
record_same(const struct lg_record *a, const struct lg_record *b)
{
	static const struct lg_record nothing = { 0, NULL };
	struct lg_value x = { LG_V_RECORD, { .record = a == NULL ? &nothing : a } };
	struct lg_value y = { LG_V_RECORD, { .record = b == NULL ? &nothing : b } };

	return lg_value_eq(&x, &y);
}

static bool
row_same(const struct node *nd, const struct lg_entity_row *row)
{
	bool same =
	    nd->nparents == row->nparents && record_same(nd->attrs, row->attrs) && record_same(nd->tags, row->tags);

	for (size_t i = 0; same && i < row->nparents; i++) {
		same = false;
		for (uint32_t k = 0; k < nd->nparents && !same; k++)
			same = lg_euid_eq(&nd->parents[k]->uid, &row->parents[i]);
	}
	return same;
}

lg_err
lg_entity_store_add(struct lg_ctx *cx, struct lg_entity_store *st, const struct lg_entity_row *row)
{
	struct node *nd = node_at(st, &row->uid);

	if (st->frozen)
		return lg_fail(cx, LG_E_CONFLICT, "the entities are already finished");
	if (nd->present && !row_same(nd, row))
		return lg_fail(cx, LG_E_EXISTS, "entity %.*s stands twice, with different contents",
		    LG_FMT(lg_euid_text(cx->arena, &row->uid)));
	if (nd->present)
		return LG_OK;
	if (st->present == LG_ENTITY_COUNT_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %d entities", LG_ENTITY_COUNT_MAX);
	if (row->nparents > LG_ENTITY_ANCESTORS_MAX)
		return lg_fail(cx, LG_E_LIMIT, "%.*s has more than %d parents",
		    LG_FMT(lg_euid_text(cx->arena, &row->uid)), LG_ENTITY_ANCESTORS_MAX);
	nd->present = true;
	nd->attrs = record_keep(st, row->attrs);
	nd->tags = record_keep(st, row->tags);
	nd->parents = LG_NEWS(st->arena, struct node *, row->nparents);
	for (size_t i = 0; i < row->nparents; i++)
		nd->parents[nd->nparents++] = node_at(st, &row->parents[i]);
	st->present++;
	return LG_OK;
}

/* ---- ancestors ------------------------------------------------------------------------------ */

enum { WHITE, GREY, BLACK };

struct frame {
	struct node *nd;
	uint32_t next;
};

static bool
held(const struct lg_entity_store *st, lg_str type)
{
	return !st->partial || lg_map_get(&st->held, type) != NULL;
}

static int
by_address(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* All parents are done: their ancestors and they themselves are this node's. */
static lg_err
collect(struct lg_ctx *cx, struct lg_entity_store *st, struct node *nd, uint32_t stamp, const struct lg_euid **room)
{
	uint32_t n = 0;

	nd->open = !nd->present && !held(st, nd->uid.type);
	for (uint32_t i = 0; i < nd->nparents; i++) {
		struct node *p = nd->parents[i];

		nd->open = nd->open || p->open;
		for (uint32_t k = 0; k <= p->nabove; k++) {
			struct node *up = k == p->nabove ? p : (struct node *)(uintptr_t)p->above[k];

			if (up->stamp == stamp)
				continue;
			if (n == LG_ENTITY_ANCESTORS_MAX)
				return lg_fail(cx, LG_E_LIMIT, "%.*s has more than %d ancestors",
				    LG_FMT(lg_euid_text(cx->arena, &nd->uid)), LG_ENTITY_ANCESTORS_MAX);
			up->stamp = stamp;
			room[n++] = &up->uid;
		}
	}
	if (n == 0)
		return LG_OK;
	nd->above = LG_NEWS(st->arena, const struct lg_euid *, n);
	memcpy(nd->above, room, n * sizeof(*room));
	nd->nabove = n;
	if (n > 1)
		qsort(nd->above, n, sizeof(*nd->above), by_address);
	return LG_OK;
}

/* Depth first without recursion; a chain longer than the limit of ancestors is over that limit anyway. */
static lg_err
climb(struct lg_ctx *cx, struct lg_entity_store *st, struct node *from, uint32_t *stamp, struct frame *stack,
    const struct lg_euid **room)
{
	uint32_t depth = 1;

	stack[0] = (struct frame){ from, 0 };
	from->colour = GREY;
	while (depth > 0) {
		struct frame *f = &stack[depth - 1];
		struct node *up;

		if (f->next == f->nd->nparents) {
			LG_TRY(collect(cx, st, f->nd, ++*stamp, room));
			f->nd->colour = BLACK;
			depth--;
			continue;
		}
		up = f->nd->parents[f->next++];
		if (up->colour == GREY)
			return lg_fail(
			    cx, LG_E_INVALID, "%.*s is its own ancestor", LG_FMT(lg_euid_text(cx->arena, &up->uid)));
		if (up->colour == BLACK)
			continue;
		if (depth > LG_ENTITY_ANCESTORS_MAX)
			return lg_fail(cx, LG_E_LIMIT, "%.*s has more than %d ancestors",
			    LG_FMT(lg_euid_text(cx->arena, &from->uid)), LG_ENTITY_ANCESTORS_MAX);
		up->colour = GREY;
		stack[depth++] = (struct frame){ up, 0 };
	}
	return LG_OK;
}

lg_err
lg_entity_store_finish(struct lg_ctx *cx, struct lg_entity_store *st)
{
	struct frame *stack = LG_NEWS(cx->arena, struct frame, LG_ENTITY_ANCESTORS_MAX + 1);
	const struct lg_euid **room = LG_NEWS(cx->arena, const struct lg_euid *, LG_ENTITY_ANCESTORS_MAX);
	uint32_t stamp = 0;

	for (uint32_t i = 0; i < st->size; i++)
		if (st->slot[i] != NULL && st->slot[i]->colour == WHITE)
			LG_TRY(climb(cx, st, st->slot[i], &stamp, stack, room));
	st->frozen = true;
	return LG_OK;
}

/* ---- the port ------------------------------------------------------------------------------- */

static enum lg_found
port_find(void *self, const struct lg_euid *uid, lg_entity *handle)
{
	const struct lg_entity_store *st = self;
	const struct node *nd = *handle != 0 ? (const struct node *)*handle : node_find(st, uid);

	*handle = (lg_entity)nd;
	if (nd != NULL && nd->present)
		return LG_PRESENT;
	return held(st, uid->type) ? LG_ABSENT : LG_UNKNOWN;
}

static enum lg_found
port_attr(void *self, lg_entity e, const struct lg_name *name, struct lg_value *ret)
{
	const struct lg_value *v = lg_record_get(((const struct node *)e)->attrs, name);

	(void)self;
	if (v == NULL)
		return LG_ABSENT;
	*ret = *v;
	return LG_PRESENT;
}

static enum lg_found
port_tag(void *self, lg_entity e, lg_str name, struct lg_value *ret)
{
	struct lg_name key = lg_name_of(name);
	const struct lg_value *v = lg_record_get(((const struct node *)e)->tags, &key);

	(void)self;
	if (v == NULL)
		return LG_ABSENT;
	*ret = *v;
	return LG_PRESENT;
}

static bool
is_above(const struct node *nd, const struct lg_euid *up)
{
	uint32_t lo = 0, hi = nd->nabove;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (nd->above[mid] == up)
			return true;
		if ((uintptr_t)nd->above[mid] < (uintptr_t)up)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static enum lg_found
port_within(void *self, lg_entity e, const struct lg_euid *above, lg_entity above_handle)
{
	const struct lg_entity_store *st = self;
	const struct node *nd = (const struct node *)e;
	const struct node *up = above_handle != 0 ? (const struct node *)above_handle : NULL;

	if (nd->nabove > 0) {
		up = up != NULL ? up : node_find(st, above);
		if (up != NULL && is_above(nd, &up->uid))
			return LG_PRESENT;
	}
	return nd->open ? LG_UNKNOWN : LG_ABSENT;
}

static enum lg_found
port_ancestors(void *self, lg_entity e, const struct lg_euid *const **ret, size_t *n)
{
	const struct node *nd = (const struct node *)e;

	(void)self;
	*ret = (const struct lg_euid *const *)nd->above;
	*n = nd->nabove;
	return nd->open ? LG_UNKNOWN : LG_PRESENT;
}

struct lg_entities
lg_entity_store_port(const struct lg_entity_store *st)
{
	/* The port's functions do not write. */
	return (struct lg_entities){
	    (void *)(uintptr_t)st, port_find, port_attr, port_tag, port_within, port_ancestors};
}
