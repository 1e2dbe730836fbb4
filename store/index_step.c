/*
 * index_step.c: index rows made or removed a few at a time, while the service runs.  Each step is a write transaction of its own, with
 * the mark of how far it came in it, so that a process that dies goes on from there.
 */
#include "store/internal.h"

#include <errno.h>

/* ---- marks: this node's own, in no record ----------------------------------------------------------------------------- */

lg_err
lg_store_mark(struct lg_ctx *cx, struct lg_view *v, const char *name, uint64_t *ret)
{
	return lg_meta_u64(cx, v->st, v->txn, name, 0, ret);
}

static lg_err
end(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, lg_err e)
{
	if (e == LG_OK)
		return lg_write_commit(cx, st, txn, NULL, 0);
	lg_write_abort(st, txn);
	return e;
}

/* ---- removing ------------------------------------------------------------------------------------------------------------- */

static lg_err
purge(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_table *index, lg_str prefix, size_t most, bool *done)
{
	MDB_val k = lg_val(prefix), v;
	MDB_cursor *cur;
	int rc;

	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(txn, lg_dbi(st, index), &cur), index->name));
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	for (size_t n = 0; rc == 0 && n < most && lg_str_starts(lg_val_str(k), prefix); n++) {
		rc = mdb_cursor_del(cur, 0);
		if (rc == 0)
			rc = mdb_cursor_get(cur, &k, &v, MDB_GET_CURRENT);
		if (rc == EINVAL)		/* it was the last of the table */
			rc = MDB_NOTFOUND;
	}
	*done = rc == MDB_NOTFOUND || (rc == 0 && !lg_str_starts(lg_val_str(k), prefix));
	mdb_cursor_close(cur);
	return rc == 0 || rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, index->name);
}

lg_err
lg_store_purge_step(struct lg_ctx *cx, struct lg_store *st, const struct lg_table *index, lg_str prefix, size_t most, const char *mark, bool *done)
{
	MDB_txn *txn;

	LG_TRY(lg_write_begin(cx, st, &txn));
	lg_err e = purge(cx, st, txn, index, prefix, most, done);
	if (e == LG_OK && *done && mark != NULL)
		e = lg_meta_u64_put(cx, st, txn, mark, 1);
	return end(cx, st, txn, e);
}

/* ---- making --------------------------------------------------------------------------------------------------------------- */

static lg_err
put_missing(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_derive *d, const struct lg_table *index, lg_str prefix)
{
	for (size_t i = 0; i < d->n; i++) {
		MDB_val k = lg_val(d->v[i].key), v = lg_val(d->v[i].value), there;
		if (d->v[i].index != index || !lg_str_starts(d->v[i].key, prefix))
			continue;
		int rc = mdb_get(txn, lg_dbi(st, index), &k, &there);
		if (rc == MDB_NOTFOUND)
			rc = mdb_put(txn, lg_dbi(st, index), &k, &v, 0);
		LG_TRY(lg_lmdb_fail(cx, rc, index->name));
	}
	return LG_OK;
}

static lg_err
derive(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_index_step *s, MDB_cursor *cur, uint64_t *last, bool *done)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_derive d;
	char from[LG_KEY_MAX];
	MDB_val k, v;
	int rc;

	memcpy(from, s->rows.p, s->rows.n);
	for (int i = 0; i < 8; i++)
		from[s->rows.n + (size_t)i] = (char)(*last >> (8 * (7 - i)));
	k = lg_val((lg_str){ from, s->rows.n + 8 });
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	for (size_t n = 0; rc == 0 && n < s->most && lg_str_starts(lg_val_str(k), s->rows); n++) {
		lg_str key = lg_val_str(k), value = lg_val_str(v);
		lg_arena_reset(a);
		LG_TRY(lg_derive_rows(cx, st, a, s->table, key, &value, &d));
		LG_TRY(put_missing(cx, st, txn, &d, s->index, s->prefix));
		*last = 0;
		for (size_t i = key.n - 8; i < key.n; i++)
			*last = *last << 8 | (unsigned char)key.p[i];
		++*last;
		rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
	}
	*done = rc == MDB_NOTFOUND || (rc == 0 && !lg_str_starts(lg_val_str(k), s->rows));
	return rc == 0 || rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, s->table->name);
}

static lg_err
step(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_index_step *s, bool *done)
{
	MDB_cursor *cur;
	uint64_t last;

	LG_TRY(lg_meta_u64(cx, st, txn, s->mark, 1, &last));
	last -= last > 0;		/* the mark is one more, so that 0 says nothing was begun */
	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(txn, lg_dbi(st, s->table), &cur), s->table->name));
	lg_err e = derive(cx, st, txn, s, cur, &last, done);
	mdb_cursor_close(cur);
	LG_TRY(e);
	return lg_meta_u64_put(cx, st, txn, s->mark, *done ? LG_MARK_DONE : last + 1);
}

lg_err
lg_store_derive_step(struct lg_ctx *cx, struct lg_store *st, const struct lg_index_step *s, bool *done)
{
	MDB_txn *txn;

	LG_TRY(lg_write_begin(cx, st, &txn));
	return end(cx, st, txn, step(cx, st, txn, s, done));
}
