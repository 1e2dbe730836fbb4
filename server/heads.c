/* heads.c: keeps the keeper's marks of the chains up to date. */
#include "server/heads.h"

#include <stdlib.h>

#include "base/clock.h"
#include "lightgate/store.h"

#define DIGESTS_MAX 1920		/* sent at once: within the keeper's frame */

static lg_err
ask_mark(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	return lg_keeper_mark(k, *(const uint32_t *)arg, done, done_arg);
}

lg_err
lg_heads_mark(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, struct lg_mark *ret)
{
	uint32_t number = (uint32_t)chain;
	lg_str reply;

	*ret = (struct lg_mark){ .seq = 0 };
	lg_err e = lg_keeper_link_wait(app->keeper, cx, ask_mark, &number, &reply);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	struct lg_rd r = lg_rd_of(reply);
	ret->epoch = lg_rd_u32(&r);
	ret->seq = lg_rd_u64(&r);
	lg_str hash = lg_rd_bytes(&r, sizeof ret->hash.b);
	if (!lg_rd_done(&r))
		return lg_fail(cx, LG_E_INTERNAL, "the keeper's mark does not decode");
	memcpy(ret->hash.b, hash.p, sizeof ret->hash.b);
	return LG_OK;
}

struct extension {
	uint32_t chain, epoch;
	uint64_t from;
	lg_str digests;
};

static lg_err
ask_head(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg)
{
	const struct extension *ex = arg;

	return lg_keeper_head(k, ex->chain, ex->epoch, ex->from, ex->digests, done, done_arg);
}

struct collected {
	struct lg_buf digests;
	uint64_t from;
	size_t n;
};

static bool
collect(void *arg, uint64_t seq, const lg_sha256 *body, const lg_sha256 *hash)
{
	struct collected *c = arg;

	(void)hash;
	if (seq >= c->from && c->n < DIGESTS_MAX) {
		lg_buf_bytes(&c->digests, body->b, sizeof body->b);
		c->n++;
	}
	return c->n < DIGESTS_MAX;
}

static lg_err
change_digests(struct lg_ctx *cx, struct lg_app *app, uint64_t from, lg_str *ret)
{
	struct collected c = { LG_BUF(DIGESTS_MAX * 32), from, 0 };
	struct lg_head head;

	lg_err e = lg_log_verify(cx, app->store, from, collect, &c, &head);
	*ret = lg_dup(cx->arena, lg_buf_view(&c.digests));
	lg_buf_free(&c.digests);
	return e;
}

lg_err
lg_heads_extend(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, lg_str *signed_head)
{
	struct lg_head head = chain == LG_CHAIN_CHANGES ? lg_store_head(app->store) : lg_segments_head(app->segments);
	struct lg_mark mark;

	*signed_head = LG_NONE;
	LG_TRY(lg_heads_mark(cx, app, chain, &mark));
	while (mark.seq < head.seq) {
		struct extension ex = { (uint32_t)chain, head.epoch, mark.seq + 1, LG_NONE };
		LG_TRY(chain == LG_CHAIN_CHANGES ? change_digests(cx, app, ex.from, &ex.digests)
						 : lg_segments_digests(cx, app->segments, mark.seq, DIGESTS_MAX, &ex.digests));
		if (ex.digests.n == 0)
			break;
		LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_head, &ex, signed_head));
		mark.seq += ex.digests.n / 32;
	}
	return LG_OK;
}

static lg_err
check_one(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, const struct lg_head *head, const char *what)
{
	struct lg_mark mark;

	LG_TRY(lg_heads_mark(cx, app, chain, &mark));
	if (mark.seq > head->seq)
		return lg_fail(cx, LG_E_CORRUPT, "the %s ends at record %llu, but the keeper has signed up to %llu: something was lost; "
		    "see `lightgated tool restore`", what, (unsigned long long)head->seq, (unsigned long long)mark.seq);
	if (mark.seq == head->seq && mark.seq > 0 && !lg_equal_bytes(mark.hash.b, head->hash.b, sizeof mark.hash.b))
		return lg_fail(cx, LG_E_CORRUPT, "the %s at record %llu is not the one that the keeper has signed", what,
		    (unsigned long long)head->seq);
	return LG_OK;
}

lg_err
lg_heads_check(struct lg_ctx *cx, struct lg_app *app)
{
	struct lg_head changes = lg_store_head(app->store), decisions = lg_segments_head(app->segments);

	LG_TRY(check_one(cx, app, LG_CHAIN_CHANGES, &changes, "change log"));
	return check_one(cx, app, LG_CHAIN_DECISIONS, &decisions, "decision log");
}
