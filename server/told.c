/* told.c: see told.h. */
#include "server/told.h"

#include "server/row_key.h"

/* (tenant, host) -> struct lg_told. */
const struct lg_table lg_told_table = { .name = "told", .id = 0x0606 };

lg_err
lg_told_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, struct lg_told *ret)
{
	lg_str row;
	lg_err e = lg_get(cx, v, &lg_told_table, lg_row_key(cx->arena, tenant, lg_uuid_octets(&host), LG_NONE), &row);

	*ret = (struct lg_told){ .taken = 0 };
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	struct lg_rd r = lg_rd_of(row);
	ret->journal = lg_rd_uuid(&r);
	ret->taken = lg_rd_u64(&r);
	lg_str hash = lg_rd_str32(&r);
	ret->upto = lg_rd_u64(&r);
	ret->from = lg_rd_u64(&r);
	if (!lg_rd_done(&r) || hash.n != sizeof ret->hash.b)
		return lg_fail(cx, LG_E_CORRUPT, "the mark of a host's journal does not decode");
	memcpy(ret->hash.b, hash.p, hash.n);
	return LG_OK;
}

lg_err
lg_told_put(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid host, const struct lg_told *t)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);

	lg_buf_uuid(&b, t->journal);
	lg_buf_u64(&b, t->taken);
	lg_buf_str32(&b, lg_sha256_str(&t->hash));
	lg_buf_u64(&b, t->upto);
	lg_buf_u64(&b, t->from);
	LG_TRY(lg_buf_status(cx, &b));
	return lg_put(cx, v, &lg_told_table, lg_row_key(cx->arena, tenant, lg_uuid_octets(&host), LG_NONE), lg_buf_view(&b));
}
