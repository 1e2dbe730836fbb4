/* move.c: renaming, moving and deleting entries (RFC 4511 4.8, 4.9). */
#include "directory/directory.h"
#include "directory/dynamic.h"
#include "directory/edit.h"
#include "directory/events.h"
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/hub.h"
#include "directory/tables.h"

/* ---- rename ------------------------------------------------------------------------------------------------------ */

static bool
rdn_has(const struct lg_rdn *rdn, const struct lg_ava *ava)
{
	for (size_t i = 0; i < rdn->n; i++)
		if (rdn->ava[i].attr == ava->attr && lg_str_eq(rdn->ava[i].normal, ava->normal))
			return true;
	return false;
}

static void
drop_value(struct lg_ctx *cx, struct lg_draft *d, const struct lg_ava *ava)
{
	struct lg_draft_attr *da = lg_draft_find(d, ava->attr);
	lg_str normal;

	for (size_t i = 0; da != NULL && i < da->n; i++)
		if (lg_stored_normal(cx->arena, ava->attr, da->v[i], &normal) && lg_str_eq(normal, ava->normal)) {
			da->v[i] = da->v[--da->n];
			return;
		}
}

static void
change_rdn(struct lg_ctx *cx, struct lg_draft *d, const struct lg_rdn *rdn, bool delete_old)
{
	for (size_t i = 0; delete_old && i < d->rdn.n; i++)
		if (!rdn_has(rdn, &d->rdn.ava[i]))
			drop_value(cx, d, &d->rdn.ava[i]);
	lg_draft_name(cx, d, rdn);
	d->rdn = *rdn;
	d->e.rdn = lg_rdn_text(cx->arena, rdn);
	d->e.rdn_normal = rdn->normal;
}

/* ---- what else shows the DN --------------------------------------------------------------------------------------------- */

/* Does an entry name this one in lgProject or the like? */
static bool
is_referenced(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	lg_str id = lg_id_str(cx->arena, e->id), key, value;

	for (size_t i = 0; i < lg_nattrs; i++) {
		LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
		struct lg_dkey k = lg_key_equal(e->tenant, lg_attrs[i].id, id);
		if ((lg_attrs[i].flags & LG_AF_REFERENCE) != 0 && lg_scan(cx, ed->v, &lg_table_equal, lg_dkey_str(&k), LG_NONE, &c) == LG_OK &&
		    lg_cursor_next(&c, &key, &value))
			return true;
	}
	return false;
}

/* The groups that hold it directly, however many: given, or by rule. */
static lg_err
find_holders(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool by_rule, struct lg_ids *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_memberof, lg_dkey_str(&k), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value))
		if (lg_is_by_rule(value) == by_rule)
			lg_ids_add(ret, lg_id_of(key));
	return LG_OK;
}

static lg_err
touch_groups(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	struct lg_ids ids = lg_ids_of(cx->arena);

	LG_TRY(find_holders(cx, ed, e, false, &ids));
	for (size_t i = 0; i < ids.n; i++)
		LG_TRY(lg_group_touch(cx, ed, ids.v[i]));
	return LG_OK;
}

/* Entries below and references get other DNs without a change of their rows: those who follow the tree read it again. */
static lg_err
tell_rename(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool elsewhere)
{
	if (elsewhere)
		LG_TRY(lg_event_reload(cx, ed));
	LG_TRY(lg_event_gone(cx, ed, e, true));
	return touch_groups(cx, ed, e);
}

static lg_err
check_superior(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_entry *superior)
{
	bool under;

	if (superior->tenant != e->tenant)
		return lg_refuse(cx, ed, LG_LDAP_AFFECTS_MULTIPLE_DSAS, "entries do not move between tenants");
	LG_TRY(lg_entry_is_under(cx, ed->v, e->tenant, superior->id, e->id, &under));
	if (under)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "an entry cannot be put below itself");
	return lg_parent_check(cx, ed, superior->id);
}

lg_err
lg_entry_rename(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, lg_str text, bool delete_old, const struct lg_entry *superior)
{
	struct lg_dynamic_places *places;
	struct lg_draft d;
	struct lg_rdn rdn;
	uint64_t there;
	lg_err found;

	if (e->parent == 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "a suffix is not renamed");
	if (!lg_rdn_parse(cx->arena, text, &rdn))
		return lg_refuse(cx, ed, LG_LDAP_INVALID_DN, "invalid new RDN");
	if (!lg_rdn_known(&rdn))
		return lg_refuse(cx, ed, LG_LDAP_UNDEFINED_TYPE, "naming attribute type undefined");
	lg_draft_open(cx, e, &d);
	d.has_members = e->type == LG_TYPE_GROUP && lg_has_members(cx, ed->v, e);
	if (superior != NULL) {
		LG_TRY(check_superior(cx, ed, e, superior));
		d.e.parent = superior->id;
	}
	found = lg_child_find(cx, ed->v, e->tenant, d.e.parent, rdn.normal, &there);
	if (found == LG_OK && there != e->id)
		return lg_refuse(cx, ed, LG_LDAP_ENTRY_EXISTS, "there is an entry of that name already");
	if (found != LG_OK && found != LG_E_NOT_FOUND)
		return found;
	change_rdn(cx, &d, &rdn, delete_old);
	LG_TRY(lg_draft_check(cx, ed, &d));
	bool elsewhere = lg_has_children(cx, ed->v, e) || is_referenced(cx, ed, e);
	LG_TRY(tell_rename(cx, ed, e, elsewhere));
	LG_TRY(lg_dynamic_places(cx, ed, e, &places));
	LG_TRY(lg_draft_write(cx, ed, &d, e));
	return lg_dynamic_moved(cx, ed, e, places, elsewhere);
}

/* ---- delete --------------------------------------------------------------------------------------------------------- */

static lg_err
leave_groups(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool by_rule)
{
	struct lg_ids groups = lg_ids_of(cx->arena);

	LG_TRY(find_holders(cx, ed, e, by_rule, &groups));
	for (size_t i = 0; i < groups.n; i++) {
		struct lg_dkey row = lg_key_pair(e->tenant, groups.v[i], e->id);
		LG_TRY(lg_del(cx, ed->v, &lg_table_member, lg_dkey_str(&row)));
		if (!by_rule)
			LG_TRY(lg_group_touch(cx, ed, groups.v[i]));
	}
	return LG_OK;
}

/* Both sides of its memberships. */
static lg_err
drop_memberships(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor members = { 0 };
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_member, lg_dkey_str(&k), LG_NONE, &members));
	while (lg_cursor_next(&members, &key, &value))
		LG_TRY(lg_del(cx, ed->v, &lg_table_member, key));
	LG_TRY(leave_groups(cx, ed, e, false));
	return leave_groups(cx, ed, e, true);
}

lg_err
lg_entry_delete(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	bool could = e->type == LG_TYPE_GROUP || lg_entry_has_verifier(e);

	if (e->parent == 0)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "a suffix is not deleted");
	if (lg_has_children(cx, ed->v, e))
		return lg_refuse(cx, ed, LG_LDAP_NOT_ON_NONLEAF, "it has entries below it");
	LG_TRY(lg_event_gone(cx, ed, e, false));
	bool referenced = is_referenced(cx, ed, e);
	if (referenced)
		LG_TRY(lg_event_reload(cx, ed));
	LG_TRY(drop_memberships(cx, ed, e));
	LG_TRY(lg_secret_drop(cx, ed, e, true));
	LG_TRY(lg_del(cx, ed->v, &lg_table_entry, lg_dkey_str(&k)));
	lg_hub_doubt(ed->dir->hub, e->tenant, e->id);
	if (referenced)
		LG_TRY(lg_dynamic_dangling(cx, ed));
	return could ? lg_rights_taken(cx, ed) : LG_OK;
}
