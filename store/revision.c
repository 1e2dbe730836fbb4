/* revision.c: per tenant and domain the sequence number of the last record that touched it; what caches are keyed by. */
#include "store/internal.h"

const struct lg_table lg_table_revision = { .name = "lg.revision", .id = LG_TABLE_OWN + 4 };

enum { KEY = 5 };

static void
revision_key(char key[KEY], uint32_t tenant, enum lg_domain d)
{
	lg_be32(key, tenant);
	key[4] = (char)d;
}

uint64_t
lg_revision(struct lg_view *v, uint32_t tenant, enum lg_domain d)
{
	char key[KEY];
	MDB_val k = { sizeof key, key }, val;

	revision_key(key, tenant, d);
	if (mdb_get(v->txn, lg_dbi(v->st, &lg_table_revision), &k, &val) != 0)
		return 0;
	struct lg_rd r = lg_rd_of(lg_val_str(val));
	return lg_rd_u64(&r);
}

lg_err
lg_revision_bump(struct lg_ctx *cx, struct lg_view *v, const struct lg_table *t, lg_str key)
{
	struct lg_rd r = lg_rd_of(key);
	uint32_t tenant = t->service ? 0 : lg_rd_u32(&r);
	uint64_t seq = v->scope->batch->head.seq;
	char row[KEY], at[8];

	if (t->domain == LG_DOMAIN_NONE)
		return LG_OK;
	v->scope->domains |= 1ul << t->domain;
	if (lg_revision(v, tenant, t->domain) == seq)	/* a job of this batch was here before */
		return LG_OK;
	revision_key(row, tenant, t->domain);
	lg_be64(at, seq);
	MDB_val k = { sizeof row, row }, val = { sizeof at, at };
	int rc = mdb_put(v->txn, lg_dbi(v->st, &lg_table_revision), &k, &val, 0);
	return rc == 0 ? LG_OK : lg_scope_fault(cx, v, lg_lmdb_err(rc), "revision: %s", mdb_strerror(rc));
}
