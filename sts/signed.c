/*
 * signed.c: answers as tokens: userinfo (OpenID Connect Core 5.3.2) and introspection (RFC 9701), for clients that keep what they
 * were told, or show it to others.  The keeper signs; the answer follows on the same loop.
 */
#include "sts/sts.h"

#define EXTRA_MAX	(32u << 10)

static void
signed_done(void *arg, lg_err e, lg_str reply)
{
	struct sts_rq *rq = arg;

	if (e == LG_OK) {
		lg_buf_clear(&rq->ex->out);
		lg_buf_str(&rq->ex->out, reply);
		e = lg_buf_status(rq->cx, &rq->ex->out);
	} else {
		(void)lg_fail(rq->cx, e, "signed answer: %.*s", LG_FMT(reply));
	}
	if (e != LG_OK)
		(void)sts_answer_error(rq, e);
	lg_http_done(rq->ex);
}

lg_err
sts_answer_signed(struct sts_rq *rq, const struct sts_signed *s)
{
	struct lg_token_request tr = {
		.tenant = rq->tenant_id, .purpose = LG_PURPOSE_TOKEN, .alg = s->alg, .typ = s->typ, .subject = s->subject,
		.audience = { s->audience }, .naudience = 1, .issued = rq->cx->now, .life = LG_STS_ACCESS_LIFE * LG_SECOND, .extra = s->claims,
	};

	if (s->claims.n > EXTRA_MAX)
		return lg_fail(rq->cx, LG_E_LIMIT, "an answer of more than %u octets cannot be signed", EXTRA_MAX);
	if (s->alg != LG_ALG_NONE && (rq->tenant.algs & 1u << s->alg) == 0)
		return sts_refuse(rq, STS_UNAVAILABLE, "the issuer's key for %.*s is not in use yet", LG_FMT(lg_alg_name(s->alg)));
	lg_http_type(rq->ex, s->type);
	sts_no_store(rq->ex);
	LG_TRY(rq->sts->signer.token(rq->sts->signer.self, &tr, signed_done, rq));
	return LG_PENDING;
}
