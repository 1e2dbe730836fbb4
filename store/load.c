/*
 * load.c: bulk load.  Primary rows go in as they come, without effects; what they derive, and rows whose keys are in no order, wait in a
 * sorter and are written at the end from the first key to the last, so that pages are filled once.
 */
#include <stdlib.h>

#include "store/internal.h"
#include "store/sorter.h"

#define LG_LOAD_STEP	200000		/* rows a write transaction at the end */

struct lg_load {
	struct lg_store *st;
	struct lg_sorter *sorter;
	struct lg_arena *arena;
	const struct lg_table *table[LG_SORTER_TAGS];	/* by tag */
	size_t ntables;
	lg_sha256 digest;		/* of the rows: each digest with the row behind it */
	uint64_t rows;
	/* at the end */
	MDB_txn *txn;
	MDB_cursor *cursor;
	uint8_t tag;			/* of the table that the cursor is on */
	bool append;
	size_t step;
};

lg_err
lg_load_new(struct lg_ctx *cx, struct lg_store *st, struct lg_load **ret)
{
	struct lg_load *ld;

	if (!st->nosync)
		return lg_fail(cx, LG_E_CONFLICT, "a bulk load needs a store that nobody serves");
	ld = calloc(1, sizeof *ld);
	if (ld == NULL)
		abort();
	*ld = (struct lg_load){ .st = st, .sorter = lg_sorter_new(st->dir, 0), .arena = lg_arena_new() };
	*ret = ld;
	return LG_OK;
}

void
lg_load_free(struct lg_load **lp)
{
	struct lg_load *ld = *lp;

	if (ld == NULL)
		return;
	lg_sorter_free(&ld->sorter);
	lg_arena_free(&ld->arena);
	free(ld);
	*lp = NULL;
}

static lg_err
put_later(struct lg_ctx *cx, struct lg_load *ld, const struct lg_table *t, lg_str key, lg_str value)
{
	size_t i = 0;

	while (i < ld->ntables && ld->table[i] != t)
		i++;
	if (i == LG_SORTER_TAGS)
		return lg_fail(cx, LG_E_LIMIT, "a bulk load of more than %d tables", LG_SORTER_TAGS);
	if (i == ld->ntables)
		ld->table[ld->ntables++] = t;
	return lg_sorter_add(cx, ld->sorter, (uint8_t)i, key, value);
}

static lg_err
put_now(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str value)
{
	MDB_val k = lg_val(key), val = lg_val(value);
	int rc = mdb_put(v->txn, lg_dbi(v->st, t), &k, &val, MDB_APPEND);

	if (rc == MDB_KEYEXIST)		/* not the last: another tenant's come behind it */
		rc = mdb_put(v->txn, lg_dbi(v->st, t), &k, &val, MDB_NOOVERWRITE);
	return rc == 0 ? LG_OK : lg_scope_fault(cx, v, lg_lmdb_err(rc), "table %s: %s", t->name, mdb_strerror(rc));
}

static void
note(struct lg_load *ld, lg_str key, lg_str value)
{
	lg_sha256 row = lg_sha256_pair(key, value);

	ld->digest = lg_sha256_pair(lg_sha256_str(&ld->digest), lg_sha256_str(&row));
	ld->rows++;
}

lg_err
lg_load_put(struct lg_ctx *cx, struct lg_load *ld, struct lg_view *v, const struct lg_table *t, lg_str key, lg_str value, bool ascending)
{
	struct lg_derive d;

	if (v->scope == NULL || t->derived || t->id >= LG_TABLE_OWN || key.n < sizeof(uint32_t) || key.n > LG_KEY_MAX || value.n > LG_VALUE_MAX)
		return lg_fail(cx, LG_E_INTERNAL, "a row that is not for bulk loads");
	lg_arena_reset(ld->arena);
	LG_TRY(ascending ? put_now(cx, v, t, key, value) : put_later(cx, ld, t, key, value));
	LG_TRY(lg_revision_bump(cx, v, t, key));
	note(ld, key, value);
	if (t->derive == NULL)
		return LG_OK;
	LG_TRY(lg_derive_rows(cx, ld->st, ld->arena, t, key, &value, &d));
	for (size_t i = 0; i < d.n; i++)
		LG_TRY(put_later(cx, ld, d.v[i].index, d.v[i].key, d.v[i].value));
	return LG_OK;
}

lg_err
lg_load_blob(struct lg_ctx *cx, struct lg_load *ld, uint32_t tenant, lg_str sealed, lg_uuid *ret)
{
	lg_uuid id = lg_uuid_new();
	lg_sha256 h = lg_sha256_of(sealed);
	char key[sizeof tenant + sizeof id.b];

	if (sealed.n > LG_VALUE_MAX - sizeof h.b)
		return lg_fail(cx, LG_E_LIMIT, "a blob of %zu octets", sealed.n);
	lg_be32(key, tenant);
	memcpy(key + sizeof tenant, id.b, sizeof id.b);
	lg_arena_reset(ld->arena);
	LG_TRY(put_later(cx, ld, &lg_table_blob, (lg_str){ key, sizeof key }, lg_cat(ld->arena, lg_sha256_str(&h), sealed)));
	*ret = id;
	return LG_OK;
}

void
lg_load_tell(const struct lg_load *ld, uint64_t *rows, lg_sha256 *digest)
{
	*rows = ld->rows;
	*digest = ld->digest;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

static lg_err
step_begin(struct lg_ctx *cx, struct lg_load *ld)
{
	ld->step = 0;
	return lg_write_begin(cx, ld->st, &ld->txn);
}

static lg_err
step_end(struct lg_ctx *cx, struct lg_load *ld)
{
	MDB_txn *txn = ld->txn;

	if (ld->cursor != NULL)
		mdb_cursor_close(ld->cursor);
	ld->cursor = NULL;
	ld->txn = NULL;
	return lg_write_commit(cx, ld->st, txn, NULL, 0);
}

static lg_err
write_row(struct lg_ctx *cx, struct lg_load *ld, const struct lg_sorter_row *row)
{
	const struct lg_table *t = ld->table[row->tag];
	MDB_val k = lg_val(row->key), v = lg_val(row->value);
	int rc = 0;

	if (ld->cursor != NULL && ld->tag != row->tag) {
		mdb_cursor_close(ld->cursor);
		ld->cursor = NULL;
	}
	if (ld->cursor == NULL) {
		ld->tag = row->tag;
		ld->append = true;
		rc = mdb_cursor_open(ld->txn, lg_dbi(ld->st, t), &ld->cursor);
	}
	if (rc == 0 && ld->append)
		rc = mdb_cursor_put(ld->cursor, &k, &v, MDB_APPEND);
	if (rc == MDB_KEYEXIST || (rc == 0 && !ld->append)) {	/* rows of another tenant come behind these */
		ld->append = false;
		rc = mdb_cursor_put(ld->cursor, &k, &v, MDB_NOOVERWRITE);
	}
	if (rc != MDB_KEYEXIST)
		return lg_lmdb_fail(cx, rc, t->name);
	/* A row given twice is one row; v is what is there. */
	return lg_str_eq(lg_val_str(v), row->value) ? LG_OK : lg_fail(cx, LG_E_EXISTS, "table %s: a key twice", t->name);
}

static lg_err
write_rows(struct lg_ctx *cx, struct lg_load *ld, lg_err (*progress)(void *arg, uint64_t rows), void *arg)
{
	struct lg_sorter_row row;
	uint64_t n = 0;
	lg_err e;

	while ((e = lg_sorter_next(cx, ld->sorter, &row)) == LG_OK) {
		LG_TRY(write_row(cx, ld, &row));
		n++;
		if (++ld->step < LG_LOAD_STEP)
			continue;
		LG_TRY(step_end(cx, ld));
		LG_TRY(step_begin(cx, ld));
		if (progress != NULL)
			LG_TRY(progress(arg, n));
	}
	return e == LG_E_NOT_FOUND ? LG_OK : e;
}

lg_err
lg_load_end(struct lg_ctx *cx, struct lg_load *ld, lg_err (*progress)(void *arg, uint64_t rows), void *arg)
{
	LG_TRY(lg_sorter_finish(cx, ld->sorter));
	LG_TRY(step_begin(cx, ld));
	lg_err e = write_rows(cx, ld, progress, arg);
	if (e == LG_OK)
		return step_end(cx, ld);
	if (ld->cursor != NULL)
		mdb_cursor_close(ld->cursor);
	ld->cursor = NULL;
	if (ld->txn != NULL)
		lg_write_abort(ld->st, ld->txn);
	ld->txn = NULL;
	return e;
}
