/* verify.c: walks the change log from its oldest record to its head, and says where it does not fit. */
#include "store/archive.h"
#include "store/internal.h"

#include <inttypes.h>
#include <stdio.h>

struct chain {
	struct lg_ctx *cx;
	struct lg_head at;		/* of the last record that fitted */
	lg_record_each *each;
	void *arg;
	lg_err e;
};

static bool
take_seq(void *arg, const struct lg_log_record *r)
{
	*(uint64_t *)arg = r->seq;
	return false;
}

lg_err
lg_log_first(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, uint64_t *ret)
{
	*ret = UINT64_MAX;
	return st->log->engine->read(cx, st->log, txn, 0, UINT64_MAX, take_seq, ret);
}

lg_err
lg_log_walk(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, uint64_t from, lg_log_each *each, void *arg)
{
	struct lg_archive a;
	uint64_t first;
	bool stopped = false;

	LG_TRY(lg_log_first(cx, st, txn, &first));
	if (from < first) {
		LG_TRY(lg_archive_open(cx, st->archive, &a));
		lg_err e = lg_archive_read(cx, &a, from, first - 1, each, arg, &stopped);
		lg_archive_close(&a);
		if (e != LG_OK || stopped)
			return e;
	}
	return st->log->engine->read(cx, st->log, txn, from, UINT64_MAX, each, arg);
}

struct bodies {
	lg_record_read *each;
	void *arg;
};

static bool
give_body(void *arg, const struct lg_log_record *r)
{
	struct bodies *b = arg;

	return b->each(b->arg, r->seq, r->body);
}

lg_err
lg_log_read(struct lg_ctx *cx, struct lg_store *st, uint64_t from, lg_record_read *each, void *arg)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct bodies b = { each, arg };

	LG_TRY(lg_view_begin(cx, st, &v));
	return lg_log_walk(cx, st, v->txn, from, give_body, &b);
}

static const char *
misfit(const struct chain *c, const struct lg_log_record *r, const struct lg_record_head *h)
{
	if (h->seq != r->seq)
		return "it stands under another number";
	if (c->at.seq == 0)	/* the first that is looked at: nothing to compare with, unless it is the first of all */
		return h->seq == 1 && memcmp(&h->prev, &(lg_sha256){ 0 }, sizeof h->prev) != 0 ? "it has a predecessor" : NULL;
	if (h->seq != c->at.seq + 1)
		return "its predecessor is missing";
	if (memcmp(&h->prev, &c->at.hash, sizeof h->prev) != 0)
		return "it follows another record";
	if (h->epoch < c->at.epoch || h->epoch > c->at.epoch + 1)
		return "its epoch does not follow";
	return h->time <= c->at.time ? "its time does not rise" : NULL;
}

/* The hash before the rest: what was changed is corrupt, not of another version. */
static lg_err
fits(struct chain *c, const struct lg_log_record *r, lg_sha256 *digest)
{
	struct lg_record_head h;
	struct lg_record rec;

	LG_TRY(lg_record_decode_head(c->cx, r->body, &h));
	const char *why = misfit(c, r, &h);
	*digest = lg_sha256_of(r->body);
	lg_sha256 hash = lg_record_hash(&h.prev, digest);
	if (why == NULL && memcmp(&hash, &r->hash, sizeof hash) != 0)
		why = "its hash is another";
	if (why != NULL)
		return lg_fail(c->cx, LG_E_CORRUPT, "%s", why);
	LG_TRY(lg_record_decode(c->cx, r->body, &rec));
	c->at = (struct lg_head){ h.epoch, r->seq, r->hash, h.time };
	return LG_OK;
}

static bool
visit(void *arg, const struct lg_log_record *r)
{
	struct chain *c = arg;
	char what[40];
	lg_sha256 digest;

	c->e = fits(c, r, &digest);
	if (c->e != LG_OK) {
		snprintf(what, sizeof what, "record %" PRIu64, r->seq);
		lg_fail_in(c->cx, c->e, what);
		return false;
	}
	return c->each == NULL || c->each(c->arg, r->seq, &digest, &r->hash);
}

lg_err
lg_log_verify(struct lg_ctx *cx, struct lg_store *st, uint64_t from, lg_record_each *each, void *arg, struct lg_head *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct chain c = { .cx = cx, .each = each, .arg = arg };

	LG_TRY(lg_view_begin(cx, st, &v));
	LG_TRY(lg_log_walk(cx, st, v->txn, from, visit, &c));
	LG_TRY(c.e);
	*ret = c.at;
	return LG_OK;
}
