/*
 * head.c: the marks of the hash chains: how far each has come, as the keeper has seen it.
 *
 * The keeper extends a chain itself from the digests of the records, so that a head is signed only for what follows
 * the last one; a mark is on disk before it is signed.
 */
#include "base/json.h"
#include "base/text.h"
#include "crypto/keeper/process.h"

static struct lg_mark *
find(struct lg_kproc *kp, uint32_t chain)
{
	for (size_t i = 0; i < kp->nmarks; i++)
		if (kp->mark[i].chain == chain)
			return &kp->mark[i];
	return NULL;
}

/* Puts the mark in its place and on disk; as it was if that fails. */
static lg_err
set(struct lg_call *c, const struct lg_mark *new)
{
	struct lg_kproc *kp = c->kp;
	struct lg_mark *m = find(kp, new->chain), before = { .chain = new->chain };
	bool fresh = m == NULL;

	if (fresh && kp->nmarks == LG_CHAINS)
		return lg_fail(c->cx, LG_E_LIMIT, "more than %d chains", LG_CHAINS);
	if (fresh)
		m = &kp->mark[kp->nmarks++];
	else
		before = *m;
	*m = *new;
	lg_err e = lg_kp_marks_write(c->cx, kp);
	if (e != LG_OK) {
		*m = before;
		kp->nmarks -= fresh ? 1 : 0;
	}
	return e;
}

/* What is signed: everything but the signature. */
static void
put_head(struct lg_call *c, const struct lg_mark *m, lg_str kid, struct lg_buf *b)
{
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_buf_clear(b);
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "chain", m->chain);
	lg_jsonw_int_of(&w, "epoch", m->epoch);
	lg_jsonw_int_of(&w, "seq", (int64_t)m->seq);
	lg_jsonw_str_of(&w, "hash", lg_hex(c->cx->arena, lg_sha256_str(&m->hash)));
	lg_jsonw_time_of(&w, "time", c->cx->now);
	lg_jsonw_str_of(&w, "kid", kid);
}

static lg_err
reply_head(struct lg_call *c, const struct lg_mark *m)
{
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	uint8_t sig[LG_SIG_MAX];
	size_t n;

	LG_TRY(lg_kp_active(c, 0, LG_PURPOSE_AUDIT, LG_ALG_NONE, &t, &k));
	put_head(c, m, k->pub.kid, c->scratch);
	LG_TRY(lg_buf_status(c->cx, c->scratch));
	lg_str text = lg_buf_view(c->scratch);
	LG_TRY(lg_key_sign(c->cx, k->key, k->pub.alg, true, text, sig, &n));
	lg_buf_str(c->out, text);
	lg_buf_str(c->out, LG_STR(",\"sig\":\""));
	lg_buf_base64url(c->out, (lg_str){ (char *)sig, n });
	lg_buf_str(c->out, LG_STR("\"}"));
	lg_sha256 digest = lg_sha256_of(text);
	lg_signed_add(c->kp->record, LG_PURPOSE_AUDIT, 0, &digest);
	return LG_OK;
}

lg_err
lg_kp_head(struct lg_call *c)
{
	struct lg_mark m = { .chain = lg_rd_u32(&c->rd) };
	uint32_t epoch = lg_rd_u32(&c->rd);
	uint64_t from = lg_rd_u64(&c->rd);
	lg_str digests = lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
	const struct lg_mark *before = find(c->kp, m.chain);

	if (!lg_rd_done(&c->rd) || digests.n % sizeof(lg_sha256) != 0)
		return lg_fail(c->cx, LG_E_INVALID, "malformed digests");
	if (before != NULL)
		m = *before;
	else
		m.epoch = epoch;
	if (epoch != m.epoch || from != m.seq + 1)
		return lg_fail(c->cx, LG_E_CONFLICT, "chain %u is marked at (%u, %llu), not before (%u, %llu)", m.chain,
		    m.epoch, (unsigned long long)m.seq, epoch, (unsigned long long)from);
	for (size_t at = 0; at < digests.n; at += sizeof(lg_sha256), m.seq++)
		m.hash = lg_sha256_pair(lg_sha256_str(&m.hash), lg_str_sub(digests, at, sizeof(lg_sha256)));
	if (digests.n > 0)
		LG_TRY(set(c, &m));
	return reply_head(c, &m);
}

lg_err
lg_kp_mark(struct lg_call *c)
{
	const struct lg_mark *m = find(c->kp, lg_rd_u32(&c->rd));

	if (!lg_rd_done(&c->rd))
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	if (m == NULL)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "no mark of this chain");
	lg_buf_u32(c->out, m->epoch);
	lg_buf_u64(c->out, m->seq);
	lg_buf_str(c->out, lg_sha256_str(&m->hash));
	return LG_OK;
}

lg_err
lg_kp_new_epoch(struct lg_call *c)
{
	struct lg_mark m = { .chain = lg_rd_u32(&c->rd) };

	m.epoch = lg_rd_u32(&c->rd);
	m.seq = lg_rd_u64(&c->rd);
	lg_rd_fixed(&c->rd, m.hash.b, sizeof m.hash.b);
	if (!lg_rd_done(&c->rd))
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	const struct lg_mark *before = find(c->kp, m.chain);
	if (before != NULL && m.epoch <= before->epoch)
		return lg_fail(c->cx, LG_E_CONFLICT, "epoch %u does not follow epoch %u", m.epoch, before->epoch);
	return set(c, &m);
}
