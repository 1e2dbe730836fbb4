/*
 * audit.c: the audit trail.  A change's header in the log is the audit row; here is an index to it by tenant:
 * key = tenant u32, seq u64, index u32; value = offset of the header in the record's body, u32.
 */
#include "store/archive.h"
#include "store/internal.h"

const struct lg_table lg_table_audit = { .name = "lg.audit", .id = LG_TABLE_OWN + 2, .derived = true };

enum { KEY = 16 };

static void
audit_key(char key[KEY], uint32_t tenant, uint64_t seq, uint32_t index)
{
	lg_be32(key, tenant);
	lg_be64(key + 4, seq);
	lg_be32(key + 12, index);
}

lg_err
lg_audit_index(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, lg_str body)
{
	struct lg_record_change c;
	struct lg_record rec;
	char key[KEY], at[4];

	LG_TRY(lg_record_decode(cx, body, &rec));
	for (;;) {
		lg_be32(at, (uint32_t)lg_record_offset(&rec));
		if (!lg_record_next(&rec, &c))
			return LG_OK;
		audit_key(key, c.change.tenant, c.change.seq, c.change.index);
		MDB_val k = { sizeof key, key }, v = { sizeof at, at };
		LG_TRY(lg_lmdb_fail(cx, mdb_put(txn, lg_dbi(st, &lg_table_audit), &k, &v, 0), "audit index"));
	}
}

struct trail {
	struct lg_view *view;
	struct lg_archive archive;
	bool archived;			/* it is open */
	lg_str body;			/* of the record that was looked for last */
};

static bool
take_body(void *arg, const struct lg_log_record *r)
{
	struct trail *t = arg;

	t->body = r->body;
	return false;
}

/* In the log, or else in the archive; an empty body if the archive was thinned out. */
static lg_err
find_record(struct lg_ctx *cx, struct trail *t, uint64_t seq)
{
	struct lg_store *st = t->view->st;
	bool stopped;

	t->body = LG_NONE;
	LG_TRY(st->log->engine->read(cx, st->log, t->view->txn, seq, seq, take_body, t));
	if (t->body.p != NULL)
		return LG_OK;
	if (!t->archived)
		LG_TRY(lg_archive_open(cx, st->archive, &t->archive));
	t->archived = true;
	return lg_archive_read(cx, &t->archive, seq, seq, take_body, t, &stopped);
}

static lg_err
one_change(struct lg_ctx *cx, struct trail *t, const MDB_val *k, const MDB_val *val, struct lg_change *ret)
{
	struct lg_rd key = lg_rd_of(lg_val_str(*k)), row = lg_rd_of(lg_val_str(*val));
	uint32_t tenant = lg_rd_u32(&key);
	uint64_t seq = lg_rd_u64(&key);
	uint32_t index = lg_rd_u32(&key), offset = lg_rd_u32(&row);

	if (!lg_rd_done(&key) || !lg_rd_done(&row))
		return lg_fail(cx, LG_E_CORRUPT, "an audit index row does not decode");
	LG_TRY(find_record(cx, t, seq));
	if (t->body.p == NULL)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_record_change_at(cx, t->body, index, offset, ret));
	if (ret->tenant != tenant || ret->seq != seq)
		return lg_fail(cx, LG_E_CORRUPT, "an audit index row points to another change");
	return LG_OK;
}

/* Backwards from the last key below `end`, while the tenant is the same. */
static lg_err
walk(struct lg_ctx *cx, struct trail *t, MDB_cursor *cur, char end[KEY], lg_change_each *each, void *arg)
{
	MDB_val k = { KEY, end }, val;
	struct lg_change c;
	char tenant[4];

	memcpy(tenant, end, sizeof tenant);
	int rc = mdb_cursor_get(cur, &k, &val, MDB_SET_RANGE);
	rc = mdb_cursor_get(cur, &k, &val, rc == 0 ? MDB_PREV : MDB_LAST);
	for (; rc == 0; rc = mdb_cursor_get(cur, &k, &val, MDB_PREV)) {
		if (!lg_str_starts(lg_val_str(k), (lg_str){ tenant, sizeof tenant }))
			return LG_OK;
		lg_err e = one_change(cx, t, &k, &val, &c);
		if (e == LG_E_NOT_FOUND)	/* what is older was taken out of the archive */
			return LG_OK;
		LG_TRY(e);
		if (!each(arg, &c))
			return LG_OK;
	}
	return rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, "audit index");
}

lg_err
lg_changes(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t before, lg_change_each *each, void *arg)
{
	struct trail t = { .view = v };
	char end[KEY];
	MDB_cursor *cur;

	audit_key(end, tenant, before == 0 ? UINT64_MAX : before, before == 0 ? UINT32_MAX : 0);
	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(v->txn, lg_dbi(v->st, &lg_table_audit), &cur), "audit index"));
	lg_err e = walk(cx, &t, cur, end, each, arg);
	mdb_cursor_close(cur);
	if (t.archived)
		lg_archive_close(&t.archive);
	return e;
}

/* Index rows of records from `from` on; what is older may have left the archive. */
lg_err
lg_audit_count(struct lg_ctx *cx, struct lg_view *v, uint64_t from, uint64_t *ret)
{
	MDB_cursor *cur;
	MDB_val k, val;
	uint64_t n = 0;
	int rc;

	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(v->txn, lg_dbi(v->st, &lg_table_audit), &cur), "audit index"));
	while ((rc = mdb_cursor_get(cur, &k, &val, MDB_NEXT)) == 0) {
		struct lg_rd key = lg_rd_of(lg_val_str(k));
		lg_rd_u32(&key);
		n += lg_rd_u64(&key) >= from;
	}
	mdb_cursor_close(cur);
	*ret = n;
	return rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, "audit index");
}
