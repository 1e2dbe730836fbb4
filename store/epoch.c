/*
 * epoch.c: a new epoch, opened when a restore accepts that records are lost.  It is a record like any other, with a higher
 * epoch and a fresh nonce: whoever stored a head of the old epoch sees that the log was set back, and two stores that
 * were restored from one backup do not have the same chain.
 */
#include "store/internal.h"

static lg_err
write_epoch(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b, lg_str why, uint64_t nonce)
{
	struct lg_change c = { .kind = cx->actor->kind, .actor = cx->actor->id, .actor_type = cx->actor->type,
		.actor_name = cx->actor->name, .address = cx->actor->address, .operation = LG_STR("store.epoch"),
		.target = why };
	struct lg_head head;

	b->head.epoch++;
	b->head.nonce = nonce;
	lg_buf_clear(&b->body);
	lg_record_put_head(&b->body, &b->head);
	lg_record_put_change(&b->body, &c, 0, LG_NONE);
	b->changes = 1;
	lg_err e = lg_meta_u64_put(cx, st, b->txn, "nonce", nonce);
	if (e != LG_OK) {
		lg_write_abort(st, b->txn);
		return e;
	}
	return lg_batch_commit(cx, st, b, &head);
}

lg_err
lg_store_new_epoch(struct lg_ctx *cx, struct lg_store *st, lg_str why)
{
	LG_AUTO(lg_batch_free) struct lg_batch b = { 0 };
	uint64_t nonce = lg_nonce_new();

	if (why.n > LG_ERROR_TEXT)
		return lg_fail(cx, LG_E_INVALID, "a reason of %zu octets", why.n);
	LG_TRY(lg_batch_begin(cx, st, &b));
	return write_epoch(cx, st, &b, why, nonce);
}
