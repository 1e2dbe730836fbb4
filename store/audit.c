/*
 * audit.c: the audit trail.  A change's header in the log is the audit row; here is an index to it by tenant:
 * key = tenant u32, seq u64, index u32; value = offset of the header in the record's body, u32.
 */
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

struct found {
	struct lg_arena *arena;
	lg_str body;
};

static bool
take_body(void *arg, const struct lg_log_record *r)
{
	struct found *f = arg;

	f->body = r->body;
	return false;
}

static lg_err
one_change(struct lg_ctx *cx, struct lg_view *v, const MDB_val *k, const MDB_val *val, struct lg_change *ret)
{
	struct lg_rd key = lg_rd_of(lg_val_str(*k)), row = lg_rd_of(lg_val_str(*val));
	uint32_t tenant = lg_rd_u32(&key);
	uint64_t seq = lg_rd_u64(&key);
	uint32_t index = lg_rd_u32(&key), offset = lg_rd_u32(&row);
	struct found f = { cx->arena, LG_NONE };

	if (!lg_rd_done(&key) || !lg_rd_done(&row))
		return lg_fail(cx, LG_E_CORRUPT, "an audit index row does not decode");
	LG_TRY(v->st->log->engine->read(cx, v->st->log, v->txn, seq, seq, take_body, &f));
	if (f.body.p == NULL)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_record_change_at(cx, f.body, index, offset, ret));
	if (ret->tenant != tenant || ret->seq != seq)
		return lg_fail(cx, LG_E_CORRUPT, "an audit index row points to another change");
	return LG_OK;
}

/* Backwards from the last key below `end`, while the tenant is the same. */
static lg_err
walk(struct lg_ctx *cx, struct lg_view *v, MDB_cursor *cur, char end[KEY], lg_change_each *each, void *arg)
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
		LG_TRY(one_change(cx, v, &k, &val, &c));
		if (!each(arg, &c))
			return LG_OK;
	}
	return rc == MDB_NOTFOUND ? LG_OK : lg_lmdb_fail(cx, rc, "audit index");
}

lg_err
lg_changes(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t before, lg_change_each *each, void *arg)
{
	char end[KEY];
	MDB_cursor *cur;

	audit_key(end, tenant, before == 0 ? UINT64_MAX : before, before == 0 ? UINT32_MAX : 0);
	LG_TRY(lg_lmdb_fail(cx, mdb_cursor_open(v->txn, lg_dbi(v->st, &lg_table_audit), &cur), "audit index"));
	lg_err e = walk(cx, v, cur, end, each, arg);
	mdb_cursor_close(cur);
	return e;
}
