/* export.c: entries as LDIF, in an order in which they can be loaded again. */
#include "base/text.h"
#include "directory/directory.h"
#include "directory/entry.h"
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/ldif.h"
#include "directory/tables.h"

/* ---- a subtree, entry by entry ------------------------------------------------------------------------------------------ */

/* The first child of `parent` whose row comes behind `from` (empty: any). */
static lg_err
child_behind(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t parent, lg_str from, struct lg_entry *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(tenant, parent);
	lg_str key, id;

	LG_TRY(lg_scan(cx, v, &lg_table_dn, lg_dkey_str(&k), from, &c));
	while (lg_cursor_next(&c, &key, &id))
		if (!lg_str_eq(key, from))
			return lg_entry_by_id(cx, v, tenant, lg_id_of(id), ret);
	return LG_E_NOT_FOUND;
}

lg_err
lg_tree_next(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *top, struct lg_entry *e)
{
	struct lg_entry at = *e;

	if (at.id == 0) {
		*e = *top;
		return LG_OK;
	}
	lg_err found = child_behind(cx, v, top->tenant, at.id, LG_NONE, e);
	/* Nothing below it: the next one beside it, or beside what is above it. */
	for (size_t n = 0; found == LG_E_NOT_FOUND && at.id != top->id; n++) {
		struct lg_dkey k = lg_key_dn(top->tenant, at.parent, at.rdn_normal);
		if (n == LG_TREE_DEPTH)
			return lg_fail(cx, LG_E_LIMIT, "an entry is more than %d levels deep", LG_TREE_DEPTH);
		found = child_behind(cx, v, top->tenant, at.parent, lg_dkey_str(&k), e);
		if (found == LG_E_NOT_FOUND)
			LG_TRY(lg_entry_by_id(cx, v, top->tenant, at.parent, &at));
	}
	return found;
}

/* ---- one entry --------------------------------------------------------------------------------------------------------------- */

static lg_err
put_values(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, struct lg_attr_values *av, bool secrets,
    struct lg_buf *out)
{
	lg_str name = lg_attr_name(av->attr), value, text;

	if ((av->attr->flags & LG_AF_SECRET) != 0) {
		if (!secrets)
			return LG_OK;
		LG_TRY(lg_entry_verifier(cx, dir, v, e, &text));
		lg_ldif_put(out, name, text);
		return LG_OK;
	}
	while (lg_value_next(av, &value)) {
		if ((av->attr->flags & LG_AF_REFERENCE) == 0)
			lg_ldif_put(out, name, value);
		else if (lg_dn_of_id(cx, v, e->tenant, lg_id_of(value), &text) == LG_OK)
			lg_ldif_put(out, name, text);		/* a reference to what is gone is no value any more */
	}
	return LG_OK;
}

static lg_err
put_members(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, struct lg_buf *out)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	lg_str key, value, dn;

	if (e->type != LG_TYPE_GROUP)
		return LG_OK;
	LG_TRY(lg_scan(cx, v, &lg_table_member, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (lg_is_by_rule(value))
			continue;
		LG_TRY(lg_dn_of_id(cx, v, e->tenant, lg_id_of(key), &dn));
		lg_ldif_put(out, LG_STR("member"), dn);
	}
	return LG_OK;
}

static void
put_own(struct lg_ctx *cx, const struct lg_entry *e, struct lg_buf *out)
{
	char uuid[LG_UUID_TEXT + 1];

	lg_uuid_text(e->uuid, uuid);
	lg_ldif_put(out, LG_STR("entryUUID"), lg_str_of(uuid));
	lg_ldif_put(out, LG_STR("createTimestamp"), lg_time_generalized(cx->arena, e->created));
	lg_ldif_put(out, LG_STR("modifyTimestamp"), lg_time_generalized(cx->arena, e->modified));
}

lg_err
lg_ldif_entry(struct lg_ctx *cx, struct lg_directory *dir, struct lg_view *v, const struct lg_entry *e, bool secrets, struct lg_buf *out)
{
	struct lg_attr_it it = lg_attr_it_of(e);
	struct lg_attr_values av;
	lg_str dn;

	LG_TRY(lg_entry_dn(cx, v, e, &dn));
	lg_ldif_put(out, LG_STR("dn"), dn);
	while (lg_attr_next(&it, &av))
		LG_TRY(put_values(cx, dir, v, e, &av, secrets, out));
	LG_TRY(put_members(cx, v, e, out));
	put_own(cx, e, out);
	lg_buf_byte(out, '\n');
	return lg_buf_status(cx, out);
}

lg_err
lg_ldif_entry_for(struct lg_ctx *cx, struct lg_access *ac, const struct lg_entry *e, lg_str dn, struct lg_buf *out)
{
	struct lg_attr_it it = lg_attr_it_of(e);
	struct lg_attr_values av;

	lg_ldif_put(out, LG_STR("dn"), dn);
	while (lg_attr_next(&it, &av))
		if ((av.attr->flags & LG_AF_SECRET) == 0 && lg_may(ac, LG_RIGHT_READ, e, dn, av.attr))
			LG_TRY(put_values(cx, ac->dir, ac->v, e, &av, false, out));
	if (lg_may(ac, LG_RIGHT_READ, e, dn, lg_attr_of(LG_A_MEMBER)))
		LG_TRY(put_members(cx, ac->v, e, out));
	if (lg_may(ac, LG_RIGHT_READ, e, dn, lg_attr_of(LG_A_ENTRY_UUID)))
		put_own(cx, e, out);
	lg_buf_byte(out, '\n');
	return lg_buf_status(cx, out);
}
