/* groups.c: who is in which group, both ways, nested groups included. */
#include "directory/groups.h"

#include <stdlib.h>

#include "directory/tables.h"

enum { LINEAR = 16 };

/* ---- sets of ids ------------------------------------------------------------------------------------------------ */

struct lg_ids
lg_ids_of(struct lg_arena *a)
{
	return (struct lg_ids){ .arena = a };
}

static size_t
slot_of(const struct lg_ids *s, uint64_t id)
{
	size_t i = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (s->nslot - 1);

	while (s->slot[i] != 0 && s->v[s->slot[i] - 1] != id)
		i = (i + 1) & (s->nslot - 1);
	return i;
}

static void
grow(struct lg_ids *s)
{
	size_t size = s->size == 0 ? LINEAR : s->size * 2;
	uint64_t *v = LG_NEWS(s->arena, uint64_t, size);

	if (s->n > 0)
		memcpy(v, s->v, s->n * sizeof *v);
	s->v = v;
	s->size = size;
	if (size <= LINEAR)
		return;
	s->nslot = size * 2;
	s->slot = LG_NEWS(s->arena, uint32_t, s->nslot);
	for (size_t i = 0; i < s->n; i++)
		s->slot[slot_of(s, s->v[i])] = (uint32_t)i + 1;
}

bool
lg_ids_add(struct lg_ids *s, uint64_t id)
{
	if (s->n == s->size)
		grow(s);
	if (s->slot != NULL) {
		size_t i = slot_of(s, id);
		if (s->slot[i] != 0)
			return false;
		s->slot[i] = (uint32_t)s->n + 1;
	} else {
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i] == id)
				return false;
	}
	s->v[s->n++] = id;
	return true;
}

static int
compare_ids(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

void
lg_ids_sort(struct lg_ids *s)
{
	if (s->n > 1)
		qsort(s->v, s->n, sizeof *s->v, compare_ids);
	s->slot = NULL;
}

/* ---- upwards ------------------------------------------------------------------------------------------------------- */

static lg_err
add_groups(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t member, struct lg_ids *to)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(tenant, member);
	lg_str key, value;

	LG_TRY(lg_scan(cx, v, &lg_table_memberof, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value))
		if (lg_ids_add(to, lg_id_of(key)) && to->n > LG_GROUPS_MAX)
			return lg_fail(cx, LG_E_LIMIT, "an entry is in more than %d groups", LG_GROUPS_MAX);
	return LG_OK;
}

lg_err
lg_groups_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t member, bool nested, uint64_t stop, struct lg_ids *ret)
{
	LG_TRY(add_groups(cx, v, tenant, member, ret));
	if (!nested)
		return LG_OK;
	/* Breadth first: the set is its own queue, and a cycle ends where it meets itself. */
	for (size_t i = 0; i < ret->n; i++) {
		if (ret->v[i] == stop && stop != 0)
			return LG_OK;
		LG_TRY(add_groups(cx, v, tenant, ret->v[i], ret));
	}
	return LG_OK;
}

bool
lg_is_direct_member(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t group, uint64_t member)
{
	struct lg_dkey k = lg_key_pair(tenant, group, member);

	return lg_exists(cx, v, &lg_table_member, lg_dkey_str(&k));
}

bool
lg_has_members(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *group)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(group->tenant, group->id);
	lg_str key, value;

	if (lg_scan(cx, v, &lg_table_member, lg_dkey_str(&k), LG_NONE, &c) != LG_OK)
		return false;
	while (lg_cursor_next(&c, &key, &value))
		if (!lg_is_by_rule(value))
			return true;
	return false;
}

lg_err
lg_entry_groups(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, bool nested, uint64_t **ret, size_t *n)
{
	struct lg_ids ids = lg_ids_of(cx->arena);

	LG_TRY(lg_groups_of(cx, v, e->tenant, e->id, nested, 0, &ids));
	lg_ids_sort(&ids);
	*ret = ids.v;
	*n = ids.n;
	return LG_OK;
}

lg_err
lg_entry_is_member(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, const struct lg_entry *group, bool *ret)
{
	struct lg_ids ids = lg_ids_of(cx->arena);

	if (e->tenant != group->tenant) {
		*ret = false;
		return LG_OK;
	}
	*ret = lg_is_direct_member(cx, v, e->tenant, group->id, e->id);
	if (*ret)
		return LG_OK;
	LG_TRY(lg_groups_of(cx, v, e->tenant, e->id, true, group->id, &ids));
	for (size_t i = 0; i < ids.n; i++)
		if (ids.v[i] == group->id)
			*ret = true;
	return LG_OK;
}

lg_err
lg_is_member_through(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *member, uint64_t group, bool (*pass)(void *, uint64_t),
    void *arg, bool *ret)
{
	struct lg_ids ids = lg_ids_of(cx->arena);

	*ret = lg_is_direct_member(cx, v, member->tenant, group, member->id);
	LG_TRY(add_groups(cx, v, member->tenant, member->id, &ids));
	for (size_t i = 0; i < ids.n && !*ret; i++) {
		if (!pass(arg, ids.v[i]))
			continue;
		*ret = lg_is_direct_member(cx, v, member->tenant, group, ids.v[i]);
		LG_TRY(add_groups(cx, v, member->tenant, ids.v[i], &ids));
	}
	return LG_OK;
}

/* ---- downwards -------------------------------------------------------------------------------------------------------- */

lg_err
lg_group_members(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *group, uint64_t after, size_t limit, struct lg_entry **ret,
    size_t *n)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(group->tenant, group->id), from = lg_key_pair(group->tenant, group->id, after + 1);
	struct lg_entry *list;
	lg_str key, value;
	size_t count = 0;

	limit = limit == 0 || limit > LG_LIST_MAX ? LG_LIST_MAX : limit;
	list = LG_NEWS(cx->arena, struct lg_entry, limit);
	LG_TRY(lg_scan(cx, v, &lg_table_member, lg_dkey_str(&k), lg_dkey_str(&from), &c));
	while (count < limit && lg_cursor_next(&c, &key, &value))
		LG_TRY(lg_entry_by_id(cx, v, group->tenant, lg_id_of(key), &list[count++]));
	*ret = list;
	*n = count;
	return LG_OK;
}
