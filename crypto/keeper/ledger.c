/*
 * ledger.c: heads of the tenants' ledgers of what was issued.
 *
 * The keeper signs a head only if the tree that it stands for goes on from the one it signed last: it checks the proof of consistency
 * (RFC 9162 2.1.4.2) itself, so that a server that somebody else controls cannot show two ledgers.  A restored backup may be shorter;
 * that it was restored is the operator's word alone, the epoch of the change log's chain.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "crypto/keeper/process.h"
#include "crypto/merkle.h"

#define FORMAT		1
#define FILE_MAX	(LG_TENANTS * 48 + 16)

void
lg_kp_ledgers_free(struct lg_kproc *kp)
{
	free(kp->ledger);
	kp->ledger = NULL;
}

lg_err
lg_kp_ledgers_read(struct lg_ctx *cx, struct lg_kproc *kp)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_rd rd;
	bool good;
	lg_err e;

	kp->ledger = calloc(LG_TENANTS, sizeof *kp->ledger);
	if (kp->ledger == NULL)
		abort();
	e = lg_kp_file_read(cx, kp, "ledgers", &plain);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	rd = lg_rd_of((lg_str){ (char *)plain.p, plain.n });
	good = lg_rd_u8(&rd) == FORMAT;
	kp->nledgers = lg_rd_u16(&rd);
	good = good && kp->nledgers <= LG_TENANTS;
	for (size_t i = 0; good && i < kp->nledgers; i++) {
		struct lg_ledger_mark *m = &kp->ledger[i];

		m->tenant = lg_rd_u32(&rd);
		m->epoch = lg_rd_u32(&rd);
		m->size = lg_rd_u64(&rd);
		lg_rd_fixed(&rd, m->root.b, sizeof m->root.b);
		good = !rd.bad;
	}
	return good && lg_rd_done(&rd) ? LG_OK : lg_fail(cx, LG_E_CORRUPT, "the keeper's heads of ledgers do not decode");
}

static lg_err
write_all(struct lg_call *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(FILE_MAX);

	lg_buf_byte(&b, FORMAT);
	lg_buf_u16(&b, (uint16_t)c->kp->nledgers);
	for (size_t i = 0; i < c->kp->nledgers; i++) {
		const struct lg_ledger_mark *m = &c->kp->ledger[i];

		lg_buf_u32(&b, m->tenant);
		lg_buf_u32(&b, m->epoch);
		lg_buf_u64(&b, m->size);
		lg_buf_str(&b, lg_sha256_str(&m->root));
	}
	LG_TRY(lg_buf_status(c->cx, &b));
	return lg_kp_file_write(c->cx, c->kp, "ledgers", lg_buf_view(&b));
}

static struct lg_ledger_mark *
find(struct lg_kproc *kp, uint32_t tenant)
{
	for (size_t i = 0; i < kp->nledgers; i++)
		if (kp->ledger[i].tenant == tenant)
			return &kp->ledger[i];
	return NULL;
}

/* On disk before it is signed; as it was if that fails. */
static lg_err
set(struct lg_call *c, const struct lg_ledger_mark *new)
{
	struct lg_ledger_mark *m = find(c->kp, new->tenant), before = { .tenant = new->tenant };
	bool fresh = m == NULL;
	lg_err e;

	if (fresh && c->kp->nledgers == LG_TENANTS)
		return lg_fail(c->cx, LG_E_LIMIT, "more than %d ledgers", LG_TENANTS);
	if (fresh)
		m = &c->kp->ledger[c->kp->nledgers++];
	else
		before = *m;
	*m = *new;
	e = write_all(c);
	if (e != LG_OK) {
		*m = before;
		c->kp->nledgers -= fresh ? 1 : 0;
	}
	return e;
}

/* What the operator's last word is: the epoch that the keeper itself holds for the change log. */
static uint32_t
epoch_of(const struct lg_kproc *kp)
{
	for (size_t i = 0; i < kp->nmarks; i++)
		if (kp->mark[i].chain == 0)
			return kp->mark[i].epoch;
	return 0;
}

static lg_err
goes_on(struct lg_call *c, const struct lg_ledger_mark *before, const struct lg_ledger_mark *now, lg_str path)
{
	lg_sha256 hashes[LG_MERKLE_PATH];
	size_t n = path.n / sizeof hashes[0];

	if (before == NULL || before->size == 0 || now->epoch > before->epoch)
		return LG_OK;
	if (path.n % sizeof hashes[0] != 0 || n > LG_MERKLE_PATH)
		return lg_fail(c->cx, LG_E_INVALID, "malformed proof");
	if (path.n > 0)
		memcpy(hashes, path.p, path.n);
	if (now->size < before->size || !lg_merkle_consistent(before->size, &before->root, now->size, &now->root, hashes, n))
		return lg_fail(c->cx, LG_E_CONFLICT, "the ledger of %llu entries does not go on from the one of %llu that was signed",
		    (unsigned long long)now->size, (unsigned long long)before->size);
	return LG_OK;
}

static lg_err
reply_head(struct lg_call *c, const struct lg_tenant *of, const struct lg_ledger_mark *m)
{
	struct lg_jsonw w = lg_jsonw_of(c->scratch);
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	uint8_t sig[LG_SIG_MAX];
	lg_sha256 digest;
	lg_str text;
	size_t n;

	LG_TRY(lg_kp_active(c, 0, LG_PURPOSE_AUDIT, LG_ALG_NONE, &t, &k));
	lg_buf_clear(c->scratch);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "ledger", of->ceiling.trust_domain);
	lg_jsonw_int_of(&w, "epoch", m->epoch);
	lg_jsonw_int_of(&w, "size", (int64_t)m->size);
	lg_jsonw_str_of(&w, "root", lg_hex(c->cx->arena, lg_sha256_str(&m->root)));
	lg_jsonw_time_of(&w, "time", c->cx->now);
	lg_jsonw_str_of(&w, "kid", k->pub.kid);
	LG_TRY(lg_buf_status(c->cx, c->scratch));
	text = lg_buf_view(c->scratch);
	LG_TRY(lg_key_sign(c->cx, k->key, k->pub.alg, true, text, sig, &n));
	lg_buf_str(c->out, text);
	lg_buf_str(c->out, LG_STR(",\"sig\":\""));
	lg_buf_base64url(c->out, (lg_str){ (char *)sig, n });
	lg_buf_str(c->out, LG_STR("\"}"));
	digest = lg_sha256_of(text);
	lg_signed_add(c->kp->record, LG_PURPOSE_AUDIT, 0, &digest);
	return LG_OK;
}

lg_err
lg_kp_ledger(struct lg_call *c)
{
	struct lg_ledger_mark m = { .tenant = lg_rd_u32(&c->rd), .epoch = epoch_of(c->kp) };
	const struct lg_ledger_mark *before = find(c->kp, m.tenant);
	const struct lg_tenant *of;
	lg_str path;

	m.size = lg_rd_u64(&c->rd);
	lg_rd_fixed(&c->rd, m.root.b, sizeof m.root.b);
	path = lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
	if (!lg_rd_done(&c->rd) || m.size > INT64_MAX)
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	LG_TRY(lg_kp_tenant(c, m.tenant, &of));
	LG_TRY(goes_on(c, before, &m, path));
	if (before == NULL || before->size != m.size || before->epoch != m.epoch)
		LG_TRY(set(c, &m));
	return reply_head(c, of, &m);
}

/* Of the same epoch: after a restore the next head stands on nothing that was signed before. */
lg_err
lg_kp_ledger_mark(struct lg_call *c)
{
	const struct lg_ledger_mark *m = find(c->kp, lg_rd_u32(&c->rd));

	if (!lg_rd_done(&c->rd))
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	lg_buf_u64(c->out, m == NULL || m->epoch != epoch_of(c->kp) ? 0 : m->size);
	return LG_OK;
}
