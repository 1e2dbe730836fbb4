/*
 * batch.c: waiting jobs become one record.  Each runs in a transaction nested in the batch's, so that a failed one leaves
 * nothing; what the others did is committed with the record that says so.
 */
#include "base/clock.h"
#include "store/internal.h"

#define LG_ACTOR_TEXT	1024	/* of a name or address in an audit row */

void
lg_batch_free(struct lg_batch *b)
{
	lg_buf_free(&b->body);
}

static lg_err
first_header(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b)
{
	uint64_t nonce;

	LG_TRY(st->log->engine->head(cx, st->log, b->txn, &b->prev));
	LG_TRY(lg_meta_u64(cx, st, b->txn, "nonce", 0, &nonce));
	b->head = (struct lg_record_head){ .epoch = b->prev.seq == 0 ? 1 : b->prev.epoch, .nonce = nonce, .seq = b->prev.seq + 1,
		.prev = b->prev.hash, .node = lg_str_of(st->node), .incarnation = st->incarnation, .batch = ++st->batch,
		.time = lg_clock_next(&st->anchor, lg_wall(), lg_boottime(), b->prev.time), .level = LG_RECORD_LEVEL };
	return LG_OK;
}

lg_err
lg_batch_begin(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b)
{
	struct lg_buf body = b->body;
	MDB_txn *txn;

	LG_TRY(lg_write_begin(cx, st, &txn));
	body.max = LG_RECORD_MAX;
	lg_buf_clear(&body);
	*b = (struct lg_batch){ .txn = txn, .body = body };
	lg_err e = first_header(cx, st, b);
	if (e != LG_OK) {
		lg_write_abort(st, txn);
		return e;
	}
	lg_record_put_head(&b->body, &b->head);
	b->header = b->body.n;
	return LG_OK;
}

/* What the job did becomes one change of the record. */
static void
append_change(struct lg_batch *b, const struct lg_scope *sc, const struct lg_job *job)
{
	const struct lg_actor *who = job->cx->actor;
	struct lg_change c = { .tenant = job->tenant, .kind = who->kind, .actor = who->id, .actor_type = who->type,
		.actor_name = lg_str_sub(who->name, 0, LG_ACTOR_TEXT), .address = lg_str_sub(who->address, 0, LG_ACTOR_TEXT),
		.operation = lg_str_of(job->operation), .target = sc->target, .detail = sc->detail };

	lg_record_put_change(&b->body, &c, sc->neffects, lg_buf_view(&sc->effects));
	b->changes++;
	b->rows += sc->neffects + sc->derived;
	b->domains |= sc->domains;
}

static lg_err
finish(struct lg_batch *b, struct lg_scope *sc, struct lg_job *job, MDB_txn *txn)
{
	if (sc->neffects == 0 && !sc->audited) {
		mdb_txn_abort(txn);
		return LG_OK;
	}
	LG_TRY(lg_lmdb_fail(job->cx, mdb_txn_commit(txn), job->operation));
	append_change(b, sc, job);
	job->seq = b->head.seq;
	return LG_OK;
}

lg_err
lg_batch_run(struct lg_store *st, struct lg_batch *b, struct lg_scope *sc, struct lg_job *job)
{
	struct lg_view v = { .st = st, .scope = sc };

	job->seq = 0;
	lg_scope_reset(sc, b, job->cx);
	LG_TRY(lg_lmdb_fail(job->cx, mdb_txn_begin(st->env, b->txn, 0, &v.txn), job->operation));
	lg_err e = job->run(job->cx, &v, job);
	if (sc->fault != LG_OK)		/* also when the job overlooked it */
		e = sc->fault;
	if (e == LG_OK)
		return finish(b, sc, job, v.txn);
	mdb_txn_abort(v.txn);
	if (job->cx->error[0] == '\0' && sc->fault == LG_E_LIMIT)
		return lg_fail(job->cx, e, "%s passes a limit of the store", job->operation);
	return e;
}

bool
lg_batch_has_room(const struct lg_batch *b)
{
	return b->body.n < LG_BATCH_BYTES && b->ids + LG_MUTATION_ROWS <= LG_BATCH_IDS && b->rows < LG_DERIVED_ROWS;
}

static lg_err
append_record(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b, struct lg_head *ret)
{
	lg_err why = LG_OK;

	LG_TRY(lg_buf_status(cx, &b->body));
	lg_record_set_count(&b->body, b->header, b->changes);
	lg_str body = lg_buf_view(&b->body);
	LG_TRY(lg_audit_index(cx, st, b->txn, body));
	lg_sha256 digest = lg_sha256_of(body);
	struct lg_log_record rec = { b->head.seq, lg_record_hash(&b->prev.hash, &digest), body };
	switch (st->log->engine->append(cx, st->log, b->txn, &b->prev, &rec, &why)) {
	case LG_APPENDED:
		*ret = (struct lg_head){ b->head.epoch, b->head.seq, rec.hash, b->head.time };
		return LG_OK;
	case LG_APPEND_CONFLICT:
		return lg_fail(cx, LG_E_RETRY, "another node's record came first");
	case LG_APPEND_UNKNOWN:
		return lg_fail(cx, LG_E_UNAVAILABLE, "the log does not say whether it took the record");
	case LG_APPEND_UNAVAILABLE:
		break;
	}
	return why;
}

lg_err
lg_batch_commit(struct lg_ctx *cx, struct lg_store *st, struct lg_batch *b, struct lg_head *ret)
{
	struct lg_head head;

	if (b->changes == 0) {
		lg_write_abort(st, b->txn);
		return LG_OK;
	}
	lg_err e = append_record(cx, st, b, &head);
	if (e != LG_OK) {
		lg_write_abort(st, b->txn);
		return e;
	}
	LG_TRY(lg_write_commit(cx, st, b->txn, &head, b->domains));
	*ret = head;
	return LG_OK;
}
