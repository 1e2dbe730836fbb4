/*
 * log_lmdb.c: the embedded engine.  A record is a row of the transaction that carries its effects: key seq, value hash and
 * body.  Its blobs are rows of the same transaction, and nobody else appends.
 */
#include "store/internal.h"

#include <inttypes.h>
#include <stdlib.h>

const struct lg_table lg_table_log = { .name = "lg.log", .id = LG_TABLE_OWN + 1, .service = true };

enum { HASH = sizeof(lg_sha256), KEY = sizeof(uint64_t) };

static lg_err
engine_open(struct lg_ctx *cx, struct lg_store *st, struct lg_log **ret)
{
	struct lg_log *log = calloc(1, sizeof *log);

	if (log == NULL)
		return lg_fail(cx, LG_E_LIMIT, "no memory for the log");
	*log = (struct lg_log){ &lg_log_lmdb, st };
	*ret = log;
	return LG_OK;
}

static lg_err
split_row(struct lg_ctx *cx, const MDB_val *k, const MDB_val *v, struct lg_log_record *ret)
{
	struct lg_rd r = lg_rd_of(lg_val_str(*k));
	uint64_t seq = lg_rd_u64(&r);

	if (!lg_rd_done(&r) || v->mv_size <= HASH)
		return lg_fail(cx, LG_E_CORRUPT, "a row of the log has no record");
	ret->seq = seq;
	memcpy(ret->hash.b, v->mv_data, HASH);
	ret->body = lg_str_sub(lg_val_str(*v), HASH, v->mv_size);
	return LG_OK;
}

static lg_err
last_row(struct lg_ctx *cx, MDB_cursor *cur, struct lg_head *ret)
{
	struct lg_log_record rec;
	struct lg_record_head h;
	MDB_val k, v;
	int rc = mdb_cursor_get(cur, &k, &v, MDB_LAST);

	if (rc == MDB_NOTFOUND) {
		*ret = (struct lg_head){ 0 };
		return LG_OK;
	}
	LG_TRY(lg_lmdb_fail(cx, rc, "the log's head"));
	LG_TRY(split_row(cx, &k, &v, &rec));
	LG_TRY(lg_record_decode_head(cx, rec.body, &h));
	if (h.seq != rec.seq)
		return lg_fail(cx, LG_E_CORRUPT, "the log's head %" PRIu64 " says that it is %" PRIu64, rec.seq, h.seq);
	*ret = (struct lg_head){ h.epoch, h.seq, rec.hash, h.time };
	return LG_OK;
}

static lg_err
engine_head(struct lg_ctx *cx, struct lg_log *log, MDB_txn *txn, struct lg_head *ret)
{
	MDB_cursor *cur;

	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(txn, lg_dbi(log->st, &lg_table_log), &cur), "the log"));
	lg_err e = last_row(cx, cur, ret);
	mdb_cursor_close(cur);
	return e;
}

static enum lg_appended
engine_append(struct lg_ctx *cx, struct lg_log *log, MDB_txn *txn, const struct lg_head *expected,
    const struct lg_log_record *rec, lg_err *why)
{
	struct lg_head head;
	char key[KEY];

	*why = engine_head(cx, log, txn, &head);
	if (*why != LG_OK)
		return LG_APPEND_UNAVAILABLE;
	if (head.seq != expected->seq || memcmp(head.hash.b, expected->hash.b, HASH) != 0)
		return LG_APPEND_CONFLICT;
	lg_be64(key, rec->seq);
	MDB_val k = { sizeof key, key }, v = { HASH + rec->body.n, NULL };
	int rc = mdb_put(txn, lg_dbi(log->st, &lg_table_log), &k, &v, MDB_APPEND | MDB_RESERVE);
	if (rc != 0) {
		*why = lg_lmdb_fail(cx, rc, "appending to the log");
		return LG_APPEND_UNAVAILABLE;
	}
	memcpy(v.mv_data, rec->hash.b, HASH);
	memcpy((char *)v.mv_data + HASH, rec->body.p, rec->body.n);
	return LG_APPENDED;
}

static lg_err
walk(struct lg_ctx *cx, MDB_cursor *cur, uint64_t from, uint64_t to, lg_log_each *each, void *arg)
{
	struct lg_log_record rec;
	char key[KEY];

	lg_be64(key, from);
	MDB_val k = { sizeof key, key }, v;
	int rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	for (; rc == 0; rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT)) {
		LG_TRY(split_row(cx, &k, &v, &rec));
		if (rec.seq > to || !each(arg, &rec))
			return LG_OK;
	}
	return rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, "reading the log");
}

static lg_err
engine_read(struct lg_ctx *cx, struct lg_log *log, MDB_txn *txn, uint64_t from, uint64_t to, lg_log_each *each, void *arg)
{
	MDB_cursor *cur;

	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(txn, lg_dbi(log->st, &lg_table_log), &cur), "the log"));
	lg_err e = walk(cx, cur, from, to, each, arg);
	mdb_cursor_close(cur);
	return e;
}

static lg_err
engine_tail(struct lg_ctx *cx, struct lg_log *log, lg_log_each *each, void *arg)
{
	(void)cx, (void)log, (void)each, (void)arg;
	return LG_OK;	/* whatever is appended is appended here */
}

/* The newest record stays: the head is read from it. */
static lg_err
engine_truncate(struct lg_ctx *cx, struct lg_log *log, MDB_txn *txn, uint64_t below, size_t *removed)
{
	MDB_dbi dbi = lg_dbi(log->st, &lg_table_log);
	struct lg_head head;
	MDB_cursor *cur;
	MDB_val k, v;
	size_t n = 0;
	int rc;

	LG_TRY(engine_head(cx, log, txn, &head));
	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(txn, dbi, &cur), "the log"));
	while ((rc = mdb_cursor_get(cur, &k, &v, MDB_FIRST)) == 0) {
		struct lg_rd r = lg_rd_of(lg_val_str(k));
		uint64_t seq = lg_rd_u64(&r);
		if (seq >= below || seq >= head.seq || n == *removed)
			break;
		if ((rc = mdb_cursor_del(cur, 0)) != 0)
			break;
		n++;
	}
	mdb_cursor_close(cur);
	*removed = n;
	return rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, "truncating the log");
}

static lg_err
engine_members(struct lg_ctx *cx, struct lg_log *log, struct lg_log_member *ret, size_t max, size_t *n)
{
	(void)cx;
	*n = max > 0 ? 1 : 0;
	if (max > 0)
		*ret = (struct lg_log_member){ lg_str_of(log->st->node), log->st->incarnation, lg_store_head(log->st).seq };
	return LG_OK;
}

static void
engine_close(struct lg_log **log)
{
	free(*log);
	*log = NULL;
}

/* A blob that a record names is here since that record is: nothing has to be fetched. */
static lg_err
engine_blob_get(struct lg_ctx *cx, struct lg_log *log, MDB_txn *txn, lg_str key, lg_str *ret)
{
	MDB_val k = lg_val(key), v;
	int rc = mdb_get(txn, lg_dbi(log->st, &lg_table_blob), &k, &v);

	if (rc == MDB_NOTFOUND)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_lmdb_fail(cx, rc, "reading a blob"));
	*ret = lg_val_str(v);
	return LG_OK;
}

const struct lg_log_engine lg_log_lmdb = {
	.name = "lmdb",
	.open = engine_open,
	.head = engine_head,
	.append = engine_append,
	.read = engine_read,
	.tail = engine_tail,
	.truncate = engine_truncate,
	.blob_get = engine_blob_get,
	.members = engine_members,
	.close = engine_close,
};
