/* meta.c: the rows a store keeps about itself: format, head, epoch's nonce, incarnation, the tables' names. */
#include "store/internal.h"

const struct lg_table lg_table_meta = { .name = "lg.meta", .id = LG_TABLE_OWN, .service = true };

lg_err
lg_meta_get(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, lg_str *ret)
{
	MDB_val k = lg_val(lg_str_of(name)), v;
	int rc = mdb_get(txn, lg_dbi(st, &lg_table_meta), &k, &v);

	if (rc == MDB_NOTFOUND)
		return LG_E_NOT_FOUND;
	LG_TRY(lg_lmdb_fail(cx, rc, name));
	*ret = lg_val_str(v);
	return LG_OK;
}

lg_err
lg_meta_put(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, lg_str value)
{
	MDB_val k = lg_val(lg_str_of(name)), v = lg_val(value);

	return lg_lmdb_fail(cx, mdb_put(txn, lg_dbi(st, &lg_table_meta), &k, &v, 0), name);
}

lg_err
lg_meta_u64(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, uint64_t fallback, uint64_t *ret)
{
	lg_str row;
	lg_err e = lg_meta_get(cx, st, txn, name, &row);

	if (e == LG_E_NOT_FOUND) {
		*ret = fallback;
		return LG_OK;
	}
	LG_TRY(e);
	struct lg_rd rd = lg_rd_of(row);
	uint64_t v = lg_rd_u64(&rd);
	if (!lg_rd_done(&rd))
		return lg_fail(cx, LG_E_CORRUPT, "%s: %zu octets, not 8", name, row.n);
	*ret = v;
	return LG_OK;
}

lg_err
lg_meta_u64_put(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, const char *name, uint64_t v)
{
	char b[8];

	lg_be64(b, v);
	return lg_meta_put(cx, st, txn, name, (lg_str){ b, sizeof b });
}
