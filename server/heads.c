/* heads.c: keeps the keeper's marks of the chains up to date. */
#include "server/heads.h"

#include "base/clock.h"
#include "base/text.h"
#include "server/app_own.h"
#include "server/tenants.h"

#define DIGESTS_MAX 1920		/* sent at once: within the keeper's frame */

lg_err
lg_mark_decode(struct lg_ctx *cx, lg_str reply, struct lg_mark *ret)
{
	struct lg_rd r = lg_rd_of(reply);

	ret->epoch = lg_rd_u32(&r);
	ret->seq = lg_rd_u64(&r);
	lg_rd_fixed(&r, ret->hash.b, sizeof ret->hash.b);
	if (!lg_rd_done(&r))
		return lg_fail(cx, LG_E_INTERNAL, "the keeper's mark does not decode");
	return LG_OK;
}

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
	return lg_mark_decode(cx, reply, ret);
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

lg_err
lg_digests_changes(void *store, struct lg_ctx *cx, uint64_t from, lg_str *ret)
{
	struct collected c = { LG_BUF(DIGESTS_MAX * 32), from, 0 };
	struct lg_head head;

	lg_err e = lg_log_verify(cx, store, from, collect, &c, &head);
	*ret = lg_dup(cx->arena, lg_buf_view(&c.digests));
	lg_buf_free(&c.digests);
	return e;
}

lg_err
lg_digests_decisions(void *segments, struct lg_ctx *cx, uint64_t from, lg_str *ret)
{
	return lg_segments_digests(cx, segments, from - 1, DIGESTS_MAX, ret);
}

/* No digests: the keeper signs what it holds, as it stands. */
static lg_err
extend(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, lg_str *signed_head)
{
	struct lg_head head = chain == LG_CHAIN_CHANGES ? lg_store_head(app->store) : lg_segments_head(app->segments);
	struct lg_mark mark;

	LG_TRY(lg_heads_mark(cx, app, chain, &mark));
	while (mark.seq < head.seq || signed_head->n == 0) {
		struct extension ex = { (uint32_t)chain, head.epoch, mark.seq + 1, LG_NONE };
		if (mark.seq < head.seq)
			LG_TRY(chain == LG_CHAIN_CHANGES ? lg_digests_changes(app->store, cx, ex.from, &ex.digests)
							 : lg_digests_decisions(app->segments, cx, ex.from, &ex.digests));
		if (ex.digests.n == 0 && signed_head->n > 0)
			break;
		LG_TRY(lg_keeper_link_wait(app->keeper, cx, ask_head, &ex, signed_head));
		mark.seq += ex.digests.n / 32;
	}
	return LG_OK;
}

static void
keep(struct lg_signed_heads *h, enum lg_chain chain, lg_str text)
{
	if (text.n >= LG_HEAD_TEXT || lg_str_eq(text, lg_str_of(h->text[chain])))
		return;
	memcpy(h->text[chain], text.p, text.n);
	h->text[chain][text.n] = '\0';
	h->version++;
}

/* One at a time: two that start from the same mark would have the second refused by the keeper as a fork. */
lg_err
lg_heads_extend(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, lg_str *signed_head)
{
	static pthread_mutex_t extending = PTHREAD_MUTEX_INITIALIZER;
	struct lg_signed_heads *h = &lg_own(app)->heads;

	pthread_mutex_lock(&extending);
	*signed_head = lg_dup(cx->arena, lg_str_of(h->text[chain]));
	lg_err e = extend(cx, app, chain, signed_head);
	pthread_mutex_lock(&h->lock);
	if (e == LG_OK)
		keep(h, chain, *signed_head);
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_unlock(&extending);
	return e;
}

static void
put(struct lg_jsonw *w, const struct lg_signed_heads *h, lg_str heirs)
{
	lg_jsonw_name(w, LG_STR("audit_heirs"));
	lg_jsonw_raw(w, heirs);
	lg_jsonw_name(w, LG_STR("heads"));
	lg_jsonw_array(w);
	for (int chain = 0; chain < LG_CHAINS; chain++)
		if (h->text[chain][0] != '\0')
			lg_jsonw_raw(w, lg_str_of(h->text[chain]));
	lg_jsonw_array_end(w);
}

uint64_t
lg_heads_put(struct lg_app *app, uint64_t than, struct lg_jsonw *w)
{
	struct lg_signed_heads *h = &lg_own(app)->heads;

	pthread_mutex_lock(&h->lock);
	uint64_t version = h->version;
	if (version > than)
		put(w, h, lg_tenants_audit_heirs(app->tenants));
	pthread_mutex_unlock(&h->lock);
	return version;
}

lg_err
lg_heads_keys(struct lg_ctx *cx, struct lg_app *app, lg_str *jwks)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HTTP_BODY_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_keeper_key *key;
	size_t n;

	LG_TRY(lg_tenants_keys(cx, app, &key, &n));
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("keys"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++) {
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *pub = NULL;
		LG_AUTO(lg_buf_free) struct lg_buf jwk = LG_BUF(4096);

		if (key[i].tenant != 0 || key[i].purpose != LG_PURPOSE_AUDIT)
			continue;
		LG_TRY(lg_pubkey_from_spki(cx, key[i].spki, &pub));
		lg_pubkey_jwk(pub, key[i].kid, key[i].alg, &jwk);
		lg_jsonw_raw(&w, lg_buf_view(&jwk));
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	*jwks = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* What the chain's end would be, going on from the mark. */
static lg_err
follow(struct lg_ctx *cx, const struct lg_mark *mark, const struct lg_head *head, lg_digests *digests, void *arg, lg_sha256 *ret)
{
	uint64_t seq = mark->seq;

	*ret = mark->hash;
	while (seq < head->seq) {
		lg_str d;
		LG_TRY(digests(arg, cx, seq + 1, &d));
		if (d.n == 0)
			return lg_fail(cx, LG_E_CORRUPT, "record %llu is missing", (unsigned long long)seq + 1);
		for (size_t at = 0; at < d.n && seq < head->seq; at += sizeof ret->b, seq++)
			*ret = lg_sha256_pair(lg_sha256_str(ret), lg_str_sub(d, at, sizeof ret->b));
	}
	return LG_OK;
}

lg_err
lg_mark_check(struct lg_ctx *cx, const struct lg_mark *mark, const struct lg_head *head, lg_digests *digests, void *arg,
    const char *what)
{
	lg_sha256 end;

	if (mark->seq == 0)
		return LG_OK;
	if (mark->epoch != head->epoch)
		return lg_fail(cx, LG_E_CORRUPT, "the %s is of epoch %u, the keeper's mark of epoch %u; see `lightgated tool restore`", what,
		    head->epoch, mark->epoch);
	if (mark->seq > head->seq)
		return lg_fail(cx, LG_E_CORRUPT, "the %s ends at record %llu, but the keeper has signed up to %llu: something was lost; "
		    "see `lightgated tool restore`", what, (unsigned long long)head->seq, (unsigned long long)mark->seq);
	lg_err e = follow(cx, mark, head, digests, arg, &end);
	if (e != LG_OK)
		return lg_fail_in(cx, e, what);
	if (!lg_equal_bytes(end.b, head->hash.b, sizeof end.b))
		return lg_fail(cx, LG_E_CORRUPT, "the %s up to record %llu is not the one that the keeper has signed", what,
		    (unsigned long long)mark->seq);
	return LG_OK;
}

lg_err
lg_heads_check(struct lg_ctx *cx, struct lg_app *app)
{
	struct lg_head changes = lg_store_head(app->store), decisions = lg_segments_head(app->segments);
	struct lg_mark mark;

	LG_TRY(lg_heads_mark(cx, app, LG_CHAIN_CHANGES, &mark));
	LG_TRY(lg_mark_check(cx, &mark, &changes, lg_digests_changes, app->store, "change log"));
	LG_TRY(lg_heads_mark(cx, app, LG_CHAIN_DECISIONS, &mark));
	return lg_mark_check(cx, &mark, &decisions, lg_digests_decisions, app->segments, "decision log");
}
