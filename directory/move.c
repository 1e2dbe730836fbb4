/* move.c: renaming, moving and deleting entries (RFC 4511 4.8, 4.9). */
#include "directory/directory.h"
#include "directory/edit.h"
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

static lg_err
check_superior(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, const struct lg_entry *superior)
{
	bool under;

	if (superior->tenant != e->tenant)
		return lg_refuse(cx, ed, LG_LDAP_AFFECTS_MULTIPLE_DSAS, "entries do not move between tenants");
	LG_TRY(lg_entry_is_under(cx, ed->v, e->tenant, superior->id, e->id, &under));
	if (under)
		return lg_refuse(cx, ed, LG_LDAP_UNWILLING, "an entry cannot be put below itself");
	return LG_OK;
}

lg_err
lg_entry_rename(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, lg_str text, bool delete_old, const struct lg_entry *superior)
{
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
	return lg_draft_write(cx, ed, &d, e);
}

/* ---- delete --------------------------------------------------------------------------------------------------------- */

/* Both sides of its memberships. */
static lg_err
drop_memberships(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor members = { 0 }, groups = { 0 };
	struct lg_dkey k = lg_key_id(e->tenant, e->id);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_member, lg_dkey_str(&k), LG_NONE, &members));
	while (lg_cursor_next(&members, &key, &value))
		LG_TRY(lg_del(cx, ed->v, &lg_table_member, key));
	LG_TRY(lg_scan(cx, ed->v, &lg_table_memberof, lg_dkey_str(&k), LG_NONE, &groups));
	while (lg_cursor_next(&groups, &key, &value)) {
		struct lg_dkey row = lg_key_pair(e->tenant, lg_id_of(key), e->id);
		LG_TRY(lg_del(cx, ed->v, &lg_table_member, lg_dkey_str(&row)));
	}
	return LG_OK;
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
	LG_TRY(drop_memberships(cx, ed, e));
	LG_TRY(lg_secret_drop(cx, ed, e, true));
	LG_TRY(lg_del(cx, ed->v, &lg_table_entry, lg_dkey_str(&k)));
	lg_hub_doubt(ed->dir->hub, e->tenant, e->id);
	return could ? lg_rights_taken(cx, ed) : LG_OK;
}
