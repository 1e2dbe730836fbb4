/* check.c: index tables against the primary rows they follow from: counted (check) or made anew (rebuild). */
#include "store/internal.h"

struct tally {
	uint64_t rows, emitted, missing, wrong;
};

typedef lg_err row_fn(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_derive *d, struct tally *sum);

/* Calls fn with what each row of a primary table derives. */
static lg_err
walk_table(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_table *t, MDB_cursor *cur, row_fn *fn,
    struct tally *sum)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_derive d;
	MDB_val k, v;
	int rc;

	while ((rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) == 0) {
		lg_str value = lg_val_str(v);
		sum->rows++;
		if (t->derive == NULL)
			continue;
		lg_arena_reset(a);
		LG_TRY(lg_derive_rows(cx, st, a, t, lg_val_str(k), &value, &d));
		LG_TRY(fn(cx, st, txn, &d, sum));
	}
	return rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, t->name);
}

static lg_err
walk_all(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, row_fn *fn, struct tally *sum)
{
	for (size_t i = 0; i < st->ntables; i++) {
		const struct lg_table *t = st->tables[i];
		MDB_cursor *cur;
		if (t->derived)
			continue;
		LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(txn, lg_dbi(st, t), &cur), t->name));
		lg_err e = walk_table(cx, st, txn, t, cur, fn, sum);
		mdb_cursor_close(cur);
		LG_TRY(e);
	}
	return LG_OK;
}

/* ---- rebuild --------------------------------------------------------------------------------------- */

static lg_err
put_derived(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_derive *d, struct tally *sum)
{
	(void)sum;
	for (size_t i = 0; i < d->n; i++) {
		MDB_val k = lg_val(d->v[i].key), v = lg_val(d->v[i].value);
		int rc = mdb_put(txn, lg_dbi(st, d->v[i].index), &k, &v, 0);
		LG_TRY(lg_lmdb_fail(cx, rc, d->v[i].index->name));
	}
	return LG_OK;
}

struct audit_walk {
	struct lg_ctx *cx;
	struct lg_store *st;
	MDB_txn *txn;
	uint64_t changes, first;
	lg_err e;
};

static bool
index_record(void *arg, const struct lg_log_record *r)
{
	struct audit_walk *w = arg;

	w->e = lg_audit_index(w->cx, w->st, w->txn, r->body);
	return w->e == LG_OK;
}

static lg_err
rebuild(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn)
{
	struct audit_walk w = { .cx = cx, .st = st, .txn = txn };
	struct tally sum = { 0 };

	for (size_t i = 0; i < st->ntables; i++)
		if (st->tables[i]->derived)
			LG_TRY(lg_lmdb_fail(cx, mdb_drop(txn, lg_dbi(st, st->tables[i]), 0), st->tables[i]->name));
	LG_TRY(walk_all(cx, st, txn, put_derived, &sum));
	LG_TRY(lg_lmdb_fail(cx, mdb_drop(txn, lg_dbi(st, &lg_table_audit), 0), "audit index"));
	LG_TRY(lg_log_walk(cx, st, txn, 1, index_record, &w));
	return w.e;
}

lg_err
lg_store_rebuild(struct lg_ctx *cx, struct lg_store *st)
{
	MDB_txn *txn;

	LG_TRY(lg_write_begin(cx, st, &txn));
	lg_err e = rebuild(cx, st, txn);
	if (e == LG_OK)
		return lg_write_commit(cx, st, txn, NULL, 0);
	lg_write_abort(st, txn);
	return e;
}

/* ---- check ------------------------------------------------------------------------------------------- */

static lg_err
look_up(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const struct lg_derive *d, struct tally *sum)
{
	for (size_t i = 0; i < d->n; i++) {
		MDB_val k = lg_val(d->v[i].key), v;
		int rc = mdb_get(txn, lg_dbi(st, d->v[i].index), &k, &v);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return lg_lmdb_fail(cx, rc, d->v[i].index->name);
		sum->emitted++;
		if (rc == MDB_NOTFOUND)
			sum->missing++;
		else if (!lg_str_eq(lg_val_str(v), d->v[i].value))
			sum->wrong++;
	}
	return LG_OK;
}

static bool
count_changes(void *arg, const struct lg_log_record *r)
{
	struct audit_walk *w = arg;
	struct lg_record_head h;

	w->e = lg_record_decode_head(w->cx, r->body, &h);
	w->changes += w->e == LG_OK ? h.changes : 0;
	if (w->first == 0)
		w->first = r->seq;
	return w->e == LG_OK;
}

static uint64_t
distance(uint64_t x, uint64_t y)
{
	return x > y ? x - y : y - x;
}

static lg_err
audit_faults(struct lg_ctx *cx, struct lg_view *v, uint64_t *ret)
{
	struct audit_walk w = { .cx = cx, .st = v->st, .txn = v->txn };
	uint64_t entries;

	LG_TRY(lg_log_walk(cx, v->st, v->txn, 1, count_changes, &w));
	LG_TRY(w.e);
	LG_TRY(lg_audit_count(cx, v, w.first, &entries));
	*ret = distance(entries, w.changes);
	return LG_OK;
}

/* An index row has one primary row, so that counting finds what is too much: entries that nothing emitted. */
lg_err
lg_store_check(struct lg_ctx *cx, struct lg_store *st, uint64_t *rows, uint64_t *faults)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	uint64_t entries = 0, n, audit;
	struct tally sum = { 0 };

	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(walk_all(cx, st, v->txn, look_up, &sum));
	for (size_t i = 0; i < st->ntables; i++) {
		if (!st->tables[i]->derived)
			continue;
		LG_TRY(lg_table_count(cx, v, st->tables[i], &n));
		entries += n;
	}
	LG_TRY(audit_faults(cx, v, &audit));
	*rows = sum.rows + entries;
	*faults = sum.missing + sum.wrong + distance(entries, sum.emitted - sum.missing) + audit;
	return LG_OK;
}
