/*
 * browser.c: a browser that somebody signed in with before (OWASP: device cookies).
 *
 * Its cookie names the person and the browser, sealed by the tenant's data key.  It opens nothing: whoever brings it has their attempts
 * counted by themselves, so that nobody elsewhere can keep them from signing in (throttle.c).
 */
#include "sts/sts.h"

#include "base/clock.h"
#include "base/text.h"

#define LIFE		(180 * LG_DAY)
#define PLAIN		(2 * sizeof(lg_uuid) + sizeof(int64_t))
#define COOKIE_MAX	128		/* octets; sealed and in base64url it has 92 */

static lg_str
bound_to(const struct sts_rq *rq)
{
	return lg_print(rq->cx->arena, "browser/%u", rq->tenant_id);
}

lg_err
sts_browser_remember(struct sts_rq *rq, lg_uuid subject)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PLAIN);
	const struct lg_secret *key;
	lg_str sealed;

	lg_buf_uuid(&b, subject);
	lg_buf_uuid(&b, lg_uuid_new());
	lg_buf_u64(&b, (uint64_t)(rq->cx->now + LIFE));
	LG_TRY(lg_buf_status(rq->cx, &b));
	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	LG_TRY(lg_seal(rq->cx, key, bound_to(rq), lg_buf_view(&b), &sealed));
	sts_cookie_set(rq, "browser", lg_base64url(rq->cx->arena, sealed), LIFE / LG_SECOND);
	return LG_OK;
}

struct sts_browser
sts_browser_of(struct sts_rq *rq)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	lg_str cookie = sts_cookie_read(rq, "browser", 1, COOKIE_MAX), sealed;
	const struct sts_browser unknown = { .id = { { 0 } } };
	const struct lg_secret *key;
	struct sts_browser b;

	if (!lg_base64url_parse(rq->cx->arena, cookie, &sealed)
	    || rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key) != LG_OK
	    || lg_unseal(rq->cx, key, bound_to(rq), sealed, &plain) != LG_OK)
		return unknown;
	struct lg_rd rd = lg_rd_of((lg_str){ (const char *)plain.p, plain.n });
	b.subject = lg_rd_uuid(&rd);
	b.id = lg_rd_uuid(&rd);
	int64_t until = (int64_t)lg_rd_u64(&rd);
	return lg_rd_done(&rd) && until > rq->cx->now ? b : unknown;
}
