/*
 * cursor.c: rows of a table in key order.
 *
 * A snapshot's cursor is LMDB's.  Inside a mutation each step seeks anew from the last key: the caller may put and delete
 * while he walks, and no LMDB cursor can outlive the nested transaction it was opened in.
 */
#include "store/internal.h"

lg_err
lg_scan(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str prefix, lg_str from, struct lg_cursor *ret)
{
	MDB_cursor *cur = NULL;

	if (lg_dbi(v->st, t) == 0)
		return lg_fail(cx, LG_E_INTERNAL, "table %s is not of this store", t->name);
	if (v->scope == NULL)
		LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(v->txn, lg_dbi(v->st, t), &cur), t->name));
	*ret = (struct lg_cursor){ .lmdb = cur, .prefix = prefix, .view = v, .table = t,
		.from = lg_str_cmp(from, prefix) > 0 ? from : prefix };
	return LG_OK;
}

static bool
first(MDB_cursor *cur, lg_str from, MDB_val *k, MDB_val *v)
{
	*k = lg_val(from);
	return mdb_cursor_get(cur, k, v, from.n > 0 ? MDB_SET_RANGE : MDB_FIRST) == 0;
}

static bool
step_snapshot(struct lg_cursor *c, MDB_val *k, MDB_val *v)
{
	if (c->started)
		return mdb_cursor_get(c->lmdb, k, v, MDB_NEXT) == 0;
	c->started = true;
	return c->from.n <= LG_KEY_MAX && first(c->lmdb, c->from, k, v);
}

static bool
step_scope(struct lg_cursor *c, MDB_val *k, MDB_val *v)
{
	struct lg_arena *a = c->view->scope->arena;
	MDB_cursor *cur;

	if (c->from.n > LG_KEY_MAX || mdb_cursor_open(c->view->txn, lg_dbi(c->view->st, c->table), &cur) != 0)
		return false;
	bool found = first(cur, c->from, k, v);
	if (found && c->started && lg_str_eq(lg_val_str(*k), c->from))
		found = mdb_cursor_get(cur, k, v, MDB_NEXT) == 0;
	c->started = true;
	if (found) {
		c->from = lg_dup(a, lg_val_str(*k));
		*k = lg_val(c->from);
		*v = lg_val(lg_dup(a, lg_val_str(*v)));
	}
	mdb_cursor_close(cur);
	return found;
}

bool
lg_cursor_next(struct lg_cursor *c, lg_str *key, lg_str *value)
{
	MDB_val k, v;

	if (c->view == NULL)
		return false;
	bool found = c->view->scope != NULL ? step_scope(c, &k, &v) : step_snapshot(c, &k, &v);
	if (!found || !lg_str_starts(lg_val_str(k), c->prefix)) {
		lg_cursor_end(c);
		return false;
	}
	*key = lg_val_str(k);
	*value = lg_val_str(v);
	return true;
}

void
lg_cursor_end(struct lg_cursor *c)
{
	if (c->lmdb != NULL)
		mdb_cursor_close(c->lmdb);
	c->lmdb = NULL;
	c->view = NULL;
}
