/*
 * replay.c: somebody's record, applied as it is: restore from a log, a replica, a test.  Nothing is decided again; the
 * record must follow the head, and the same derive functions give the same index rows.
 */
#include "store/internal.h"

#include <inttypes.h>

struct replay {
	struct lg_ctx *cx;
	struct lg_view view;
	struct lg_batch batch;
	struct lg_scope scope;
	lg_replay_blob *blob;
	void *arg;
};

static lg_err
follows(struct lg_ctx *cx, const struct lg_head *head, const struct lg_record_head *h)
{
	if (h->seq != head->seq + 1)
		return lg_fail(cx, LG_E_CONFLICT, "record %" PRIu64 " does not follow %" PRIu64, h->seq, head->seq);
	if (memcmp(&h->prev, &head->hash, sizeof h->prev) != 0)
		return lg_fail(cx, LG_E_CORRUPT, "record %" PRIu64 " follows another %" PRIu64 " than ours", h->seq, head->seq);
	if (h->epoch < head->epoch || h->time <= head->time)
		return lg_fail(cx, LG_E_CORRUPT, "record %" PRIu64 " steps back in epoch or time", h->seq);
	return LG_OK;
}

static lg_err
spliced(struct replay *r, const struct lg_effect *e, const lg_str *old, lg_str *ret)
{
	if (old == NULL || e->at > old->n || e->cut > old->n - e->at)
		return lg_fail(r->cx, LG_E_CORRUPT, "a splice does not fit the value it changes");
	lg_str front = lg_str_sub(*old, 0, e->at), back = lg_str_sub(*old, (size_t)e->at + e->cut, old->n);
	*ret = lg_cat(r->scope.arena, lg_cat(r->scope.arena, front, e->value), back);
	return LG_OK;
}

/* A blob that was erased meanwhile is not an error: its absence is what erasing means. */
static lg_err
replay_blob(struct replay *r, const struct lg_effect *e, const lg_str *old)
{
	lg_str sealed;

	if (e->op == LG_EFFECT_BLOB_DEL)
		return old == NULL ? LG_OK : lg_row_change(r->cx, &r->view, &lg_table_blob, e->key, old, NULL);
	lg_err got = r->blob == NULL ? LG_E_NOT_FOUND : r->blob(r->arg, e->key, &sealed);
	if (got == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(got);
	lg_sha256 digest = lg_sha256_of(sealed);
	if (!lg_str_eq(lg_sha256_str(&digest), e->value))
		return lg_fail(r->cx, LG_E_CORRUPT, "a blob does not have the digest its record names");
	lg_str row = lg_cat(r->scope.arena, e->value, sealed);
	return lg_row_change(r->cx, &r->view, &lg_table_blob, e->key, old, &row);
}

static lg_err
replay_effect(struct replay *r, const struct lg_effect *e)
{
	const struct lg_table *t = r->view.st->by_id[e->table];
	bool blob = e->op == LG_EFFECT_BLOB_PUT || e->op == LG_EFFECT_BLOB_DEL;
	lg_str row, value = e->value;

	if (t == NULL)
		return lg_fail(r->cx, LG_E_UNSUPPORTED, "table %u is not known to this program", e->table);
	if (blob != (t == &lg_table_blob) || t->derived || (!blob && t->id >= LG_TABLE_OWN) || (!t->service && e->key.n < 4))
		return lg_fail(r->cx, LG_E_CORRUPT, "an effect on table %s that no mutation has", t->name);
	lg_err got = lg_get(r->cx, &r->view, t, e->key, &row);
	if (got != LG_OK && got != LG_E_NOT_FOUND)
		return got;
	const lg_str *old = got == LG_OK ? &row : NULL;
	if (blob)
		return replay_blob(r, e, old);
	if (e->op == LG_EFFECT_DEL)
		return old == NULL ? lg_fail(r->cx, LG_E_CORRUPT, "a row is deleted that is not there")
		    : lg_row_change(r->cx, &r->view, t, e->key, old, NULL);
	if (e->op == LG_EFFECT_SPLICE)
		LG_TRY(spliced(r, e, old, &value));
	return lg_row_change(r->cx, &r->view, t, e->key, old, &value);
}

static lg_err
replay_changes(struct replay *r, struct lg_record *rec)
{
	struct lg_record_change c;
	struct lg_effect e;

	while (lg_record_next(rec, &c)) {
		lg_scope_reset(&r->scope, &r->batch, r->cx);
		while (lg_effect_next(&c.effects, &e))
			LG_TRY(replay_effect(r, &e));
		r->batch.domains |= r->scope.domains;
	}
	return LG_OK;
}

static lg_err
replay_record(struct replay *r, lg_str body, struct lg_head *ret)
{
	struct lg_store *st = r->view.st;
	struct lg_record rec;
	lg_err why = LG_OK;

	LG_TRY(lg_record_decode(r->cx, body, &rec));
	LG_TRY(st->log->engine->head(r->cx, st->log, r->batch.txn, &r->batch.prev));
	LG_TRY(follows(r->cx, &r->batch.prev, &rec.head));
	r->batch.head = rec.head;
	LG_TRY(replay_changes(r, &rec));
	LG_TRY(lg_meta_u64_put(r->cx, st, r->batch.txn, "nonce", rec.head.nonce));
	LG_TRY(lg_audit_index(r->cx, st, r->batch.txn, body));
	lg_sha256 digest = lg_sha256_of(body);
	struct lg_log_record lr = { rec.head.seq, lg_record_hash(&rec.head.prev, &digest), body };
	if (st->log->engine->append(r->cx, st->log, r->batch.txn, &r->batch.prev, &lr, &why) != LG_APPENDED)
		return why == LG_OK ? lg_fail(r->cx, LG_E_RETRY, "the log moved meanwhile") : why;
	*ret = (struct lg_head){ rec.head.epoch, rec.head.seq, lr.hash, rec.head.time };
	return LG_OK;
}

lg_err
lg_store_replay(struct lg_ctx *cx, struct lg_store *st, lg_str body, lg_replay_blob *blob, void *arg)
{
	struct replay r = { .cx = cx, .view = { .st = st }, .blob = blob, .arg = arg };
	struct lg_head head;

	LG_TRY(lg_write_begin(cx, st, &r.batch.txn));
	r.view.txn = r.batch.txn;
	r.view.scope = &r.scope;
	lg_scope_reset(&r.scope, &r.batch, cx);
	lg_err e = replay_record(&r, body, &head);
	lg_scope_free(&r.scope);
	if (e == LG_OK)
		return lg_write_commit(cx, st, r.batch.txn, &head, r.batch.domains);
	lg_write_abort(st, r.batch.txn);
	return e;
}
