/* op_delete.c: delete (RFC 4511 4.8), with the subtree control of everything below too, in one change. */
#include "directory/find.h"
#include "directory/groups.h"
#include "directory/op_write.h"
#include "directory/tables.h"

static lg_err
delete_one(struct lg_ctx *cx, struct lg_edit *ed, struct lg_access *ac, const struct lg_entry *e)
{
	lg_str dn;

	LG_TRY(lg_entry_dn(cx, ed->v, e, &dn));
	LG_TRY(lg_write_may(cx, ed, ac, LG_RIGHT_DELETE, e, dn, NULL));
	return lg_entry_delete(cx, ed, e);
}

/* Appends the children's ids; what is above the limit is not looked at. */
static lg_err
add_children(struct lg_ctx *cx, struct lg_edit *ed, uint64_t id, struct lg_ids *to)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_id(ed->tenant, id);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_dn, lg_dkey_str(&k), LG_NONE, &c));
	while (to->n <= LG_TREE_DELETE && lg_cursor_next(&c, &key, &value))
		lg_ids_add(to, lg_id_of(value));
	return LG_OK;
}

/* Level by level downwards, then deleted from the end: no entry goes before what is below it.  One that may not be deleted keeps all. */
static lg_err
delete_below(struct lg_ctx *cx, struct lg_edit *ed, struct lg_access *ac, const struct lg_entry *top)
{
	struct lg_ids ids = lg_ids_of(cx->arena);
	struct lg_entry e;

	LG_TRY(add_children(cx, ed, top->id, &ids));
	for (size_t i = 0; i < ids.n; i++)
		LG_TRY(add_children(cx, ed, ids.v[i], &ids));
	if (ids.n > LG_TREE_DELETE)
		return lg_refuse(cx, ed, LG_LDAP_ADMIN_LIMIT_EXCEEDED, "more than %d entries are below it", LG_TREE_DELETE);
	while (ids.n > 0) {
		LG_TRY(lg_entry_by_id(cx, ed->v, ed->tenant, ids.v[--ids.n], &e));
		LG_TRY(delete_one(cx, ed, ac, &e));
	}
	return LG_OK;
}

static lg_err
edit_delete(struct lg_ctx *cx, struct lg_edit *ed, struct lg_write *w)
{
	struct lg_access ac;
	struct lg_entry e;
	lg_str dn;

	LG_TRY(lg_write_find(cx, ed, w->dn, &ac, &e, &dn));
	LG_TRY(lg_write_may(cx, ed, &ac, LG_RIGHT_DELETE, &e, dn, NULL));
	LG_TRY(lg_write_before(cx, ed, w, &ac, &e, dn));
	if (w->op->controls.tree_delete)
		LG_TRY(delete_below(cx, ed, &ac, &e));
	return lg_entry_delete(cx, ed, &e);
}

/* The request is the DN, without a tag of its own. */
void
lg_op_delete(struct lg_op *op, struct lg_ber *body)
{
	(void)body;
	lg_write_submit(op, lg_write_new(op, op->body, edit_delete), "entry.delete", NULL);
}
