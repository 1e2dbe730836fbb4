/* find.c: entries by id, uuid, name, DN, login and uid number; an entry's DN. */
#include "directory/find.h"

#include "directory/entry.h"
#include "directory/tables.h"
#include "directory/tenant.h"

lg_err
lg_entry_by_id(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, struct lg_entry *ret)
{
	struct lg_dkey k = lg_key_id(tenant, id);
	lg_str row;

	LG_TRY(lg_get(cx, v, &lg_table_entry, lg_dkey_str(&k), &row));
	if (!lg_entry_decode(lg_dkey_str(&k), row, ret))
		return lg_fail(cx, LG_E_CORRUPT, "entry %llu of tenant %u does not decode", (unsigned long long)id, tenant);
	return LG_OK;
}

/* The entry an index row points to. */
static lg_err
by_index(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_table *index, const struct lg_dkey *k, struct lg_entry *ret)
{
	lg_str id;

	LG_TRY(lg_get(cx, v, index, lg_dkey_str(k), &id));
	return lg_entry_by_id(cx, v, tenant, lg_id_of(id), ret);
}

lg_err
lg_entry_by_uuid(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid uuid, struct lg_entry *ret)
{
	struct lg_dkey k = lg_key_uuid(tenant, uuid);

	return by_index(cx, v, tenant, &lg_table_uuid, &k, ret);
}

lg_err
lg_entry_by_name(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str name, struct lg_entry *ret)
{
	struct lg_dkey k;
	lg_str normal;

	if (name.n == 0 || name.n > LG_DN_MAX || !lg_normal(cx->arena, LG_FORM_CASE_IGNORE, name, &normal))
		return LG_E_NOT_FOUND;
	k = lg_key_name(tenant, type, normal);
	return by_index(cx, v, tenant, &lg_table_name, &k, ret);
}

/* Exactly one person with that value. */
static lg_err
by_value(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, unsigned attr, lg_str value, bool people, struct lg_entry *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_entry e;
	struct lg_dkey k;
	lg_str normal, key, none;
	size_t found = 0;

	if (value.n > LG_DN_MAX || !lg_normal(cx->arena, lg_attr_form(lg_attr_of(attr)), value, &normal))
		return LG_E_NOT_FOUND;
	k = lg_key_equal(tenant, (uint16_t)attr, normal);
	LG_TRY(lg_scan(cx, v, &lg_table_equal, lg_dkey_str(&k), LG_NONE, &c));
	while (found < 2 && lg_cursor_next(&c, &key, &none)) {
		LG_TRY(lg_entry_by_id(cx, v, tenant, lg_id_of(key), &e));
		if (people && e.type != LG_TYPE_USER)
			continue;
		*ret = e;
		found++;
	}
	return found == 1 ? LG_OK : LG_E_NOT_FOUND;
}

lg_err
lg_entry_by_login(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str login, struct lg_entry *ret)
{
	lg_err e = lg_entry_by_name(cx, v, tenant, LG_TYPE_USER, login, ret);

	if (e != LG_E_NOT_FOUND || login.n == 0 || memchr(login.p, '@', login.n) == NULL)
		return e;
	return by_value(cx, v, tenant, LG_A_MAIL, login, true, ret);
}

lg_err
lg_entry_by_uid_number(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, int64_t number, struct lg_entry *ret)
{
	return by_value(cx, v, tenant, LG_A_UID_NUMBER, lg_print(cx->arena, "%lld", (long long)number), false, ret);
}

/* ---- DNs --------------------------------------------------------------------------------------------------------- */

/* The longest tail of the DN that is a suffix; *above is the number of RDNs in front of it. */
static lg_err
find_suffix(struct lg_ctx *cx, struct lg_view *v, const struct lg_dn *dn, struct lg_place *ret, size_t *above)
{
	struct lg_tenant_row row;
	lg_str key;

	for (size_t i = 0; i < dn->n; i++) {
		struct lg_dn tail = lg_dn_above(dn, i);
		lg_str normal = lg_dn_normal(cx->arena, &tail);
		if (normal.n > LG_SUFFIX_MAX)
			continue;
		lg_err e = lg_get(cx, v, &lg_table_suffix, normal, &key);
		if (e == LG_E_NOT_FOUND)
			continue;
		LG_TRY(e);
		ret->tenant = (uint32_t)lg_id_of(key);
		*above = i;
		LG_TRY(lg_tenant_row(cx, v, ret->tenant, &row));
		ret->id = row.entry;
		return LG_OK;
	}
	return LG_E_NOT_FOUND;
}

lg_err
lg_child_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t parent, lg_str rdn_normal, uint64_t *ret)
{
	struct lg_dkey k = lg_key_dn(tenant, parent, rdn_normal);
	lg_str id;

	LG_TRY(lg_get(cx, v, &lg_table_dn, lg_dkey_str(&k), &id));
	*ret = lg_id_of(id);
	return LG_OK;
}

lg_err
lg_dn_resolve(struct lg_ctx *cx, struct lg_view *v, const struct lg_dn *dn, struct lg_place *ret)
{
	size_t left = 0;
	lg_err e;

	*ret = (struct lg_place){ 0, 0, dn->n };
	e = find_suffix(cx, v, dn, ret, &left);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	for (ret->missing = left; ret->missing > 0; ret->missing--) {
		e = lg_child_find(cx, v, ret->tenant, ret->id, dn->rdn[ret->missing - 1].normal, &ret->id);
		if (e == LG_E_NOT_FOUND)
			return LG_OK;
		LG_TRY(e);
	}
	return LG_OK;
}

lg_err
lg_entry_by_dn(struct lg_ctx *cx, struct lg_view *v, lg_str text, struct lg_entry *ret)
{
	struct lg_dn dn;

	if (!lg_dn_parse(cx->arena, text, &dn))
		return lg_fail(cx, LG_E_INVALID, "'%.*s' is no DN", LG_FMT(lg_str_sub(text, 0, 200)));
	return lg_entry_at(cx, v, &dn, ret);
}

lg_err
lg_entry_at(struct lg_ctx *cx, struct lg_view *v, const struct lg_dn *dn, struct lg_entry *ret)
{
	struct lg_place place;

	LG_TRY(lg_dn_resolve(cx, v, dn, &place));
	return place.tenant == 0 || place.missing > 0 ? LG_E_NOT_FOUND : lg_entry_by_id(cx, v, place.tenant, place.id, ret);
}

lg_str
lg_dn_below(struct lg_arena *a, lg_str rdn, lg_str parent_dn)
{
	char *p;

	if (parent_dn.n == 0)
		return rdn;
	p = lg_alloc(a, rdn.n + 1 + parent_dn.n + 1);
	memcpy(p, rdn.p, rdn.n);
	p[rdn.n] = ',';
	memcpy(p + rdn.n + 1, parent_dn.p, parent_dn.n);
	return (lg_str){ p, rdn.n + 1 + parent_dn.n };
}

lg_err
lg_entry_dn(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str *ret)
{
	lg_str rdn[LG_TREE_DEPTH], dn = LG_NONE;
	struct lg_entry at = *e;
	size_t n = 0;

	for (;;) {
		if (n == LG_TREE_DEPTH)
			return lg_fail(cx, LG_E_LIMIT, "an entry is more than %d levels deep", LG_TREE_DEPTH);
		rdn[n++] = at.rdn;
		if (at.parent == 0)
			break;
		LG_TRY(lg_entry_by_id(cx, v, e->tenant, at.parent, &at));
	}
	while (n > 0)
		dn = lg_dn_below(cx->arena, rdn[--n], dn);
	*ret = dn;
	return LG_OK;
}

lg_err
lg_dn_of_id(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t id, lg_str *ret)
{
	struct lg_entry e;

	LG_TRY(lg_entry_by_id(cx, v, tenant, id, &e));
	return lg_entry_dn(cx, v, &e, ret);
}

lg_err
lg_entry_is_under(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t below, uint64_t above, bool *ret)
{
	struct lg_entry e;

	for (size_t n = 0; below != above && below != 0; n++) {
		if (n == LG_TREE_DEPTH)
			return lg_fail(cx, LG_E_LIMIT, "an entry is more than %d levels deep", LG_TREE_DEPTH);
		LG_TRY(lg_entry_by_id(cx, v, tenant, below, &e));
		below = e.parent;
	}
	*ret = below == above;
	return LG_OK;
}

bool
lg_has_children(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	lg_str key, value;

	return lg_scan(cx, v, &lg_table_dn, lg_dkey_str(&k), LG_NONE, &c) == LG_OK && lg_cursor_next(&c, &key, &value);
}

/* ---- lists and references ---------------------------------------------------------------------------------------------- */

lg_err
lg_entry_reference(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str attribute, size_t i, struct lg_entry *ret)
{
	const struct lg_attr *at = lg_attr_find(attribute);
	lg_str id;

	if (at == NULL || (at->flags & LG_AF_REFERENCE) == 0 || !lg_entry_value(e, attribute, i, &id))
		return LG_E_NOT_FOUND;
	return lg_entry_by_id(cx, v, e->tenant, lg_id_of(id), ret);
}

lg_err
lg_entry_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_entry_type type, lg_str prefix, lg_str after, size_t limit,
    struct lg_entry **ret, size_t *n, bool *more)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey from = { .n = 0 }, k;
	struct lg_entry *list;
	lg_str normal, key, id;
	size_t count = 0;

	limit = limit == 0 || limit > LG_LIST_MAX ? LG_LIST_MAX : limit;
	if (prefix.n > LG_SHORT_MAX || after.n > LG_SHORT_MAX || !lg_normal(cx->arena, LG_FORM_CASE_IGNORE, prefix, &normal))
		return lg_fail(cx, LG_E_INVALID, "no name begins like that");
	k = lg_key_name(tenant, type, normal);
	if (after.n > 0) {
		if (!lg_normal(cx->arena, LG_FORM_CASE_IGNORE, after, &normal))
			return lg_fail(cx, LG_E_INVALID, "no page ends like that");
		from = lg_key_name(tenant, type, normal);
		lg_dkey_u8(&from, 0);		/* the first key behind it */
	}
	list = LG_NEWS(cx->arena, struct lg_entry, limit);
	LG_TRY(lg_scan(cx, v, &lg_table_name, lg_dkey_str(&k), lg_dkey_str(&from), &c));
	*more = false;
	while (lg_cursor_next(&c, &key, &id)) {
		if (count == limit) {
			*more = true;
			break;
		}
		LG_TRY(lg_entry_by_id(cx, v, tenant, lg_id_of(id), &list[count++]));
	}
	*ret = list;
	*n = count;
	return LG_OK;
}
