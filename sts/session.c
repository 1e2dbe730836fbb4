/* session.c: browser sessions: cookies, and forms that only the page we made can send. */
#include "sts/sts.h"

#include "base/text.h"

#define COOKIE_MAX	66	/* octets of a value: an id, a dot, a token */

/* A browser keeps __Host- cookies only with Secure, Path=/ and no Domain; tenants share a host, so each has its own name. */
static lg_str
cookie_name(const struct sts_rq *rq, const char *what)
{
	return lg_print(rq->cx->arena, "__Host-lg-%s-%u", what, rq->tenant_id);
}

lg_str
sts_cookie_read(const struct sts_rq *rq, const char *what, size_t min, size_t max)
{
	lg_str value = lg_cookie_get(rq->ex->header(rq->ex, "Cookie"), cookie_name(rq, what));

	return value.n >= min && value.n <= max ? value : LG_NONE;
}

lg_str
sts_cookie_of(const struct sts_rq *rq, const char *what)
{
	return sts_cookie_read(rq, what, LG_TOKEN_TEXT, COOKIE_MAX);
}

void
sts_cookie_set(struct sts_rq *rq, const char *what, lg_str value, int64_t seconds)
{
	lg_str name = cookie_name(rq, what);

	lg_http_header(rq->ex, "Set-Cookie", lg_print(rq->cx->arena, "%.*s=%.*s; Path=/; Max-Age=%lld; Secure; HttpOnly; SameSite=Lax",
	    LG_FMT(name), LG_FMT(value), (long long)seconds));
}

/* The id goes into ID tokens; the secret half of the cookie cannot be told from it. */
lg_str
sts_session_cookie(struct sts_rq *rq, struct sts_session *s)
{
	lg_str cookie = sts_refresh_new(rq->cx->arena, s->id);

	s->cookie = lg_sha256_of(cookie);
	return cookie;
}

lg_err
sts_session_of(struct sts_rq *rq, struct sts_session *ret)
{
	lg_str cookie = sts_cookie_of(rq, "session");
	lg_sha256 h = lg_sha256_of(cookie);
	struct sts_session s;
	lg_uuid id;

	if (!sts_refresh_parse(rq->cx->arena, cookie, &id))
		return lg_fail(rq->cx, LG_E_NOT_FOUND, "nobody is signed in");
	LG_TRY(sts_session_live(rq->cx, rq->view, rq->tenant_id, id, &s));
	if (!lg_equal_bytes(s.cookie.b, h.b, sizeof h.b))
		return lg_fail(rq->cx, LG_E_NOT_FOUND, "the cookie is an old one of the session");
	*ret = s;
	return LG_OK;
}

lg_err
sts_session_read(struct sts_rq *rq, struct sts_session *ret)
{
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_session_of(rq, ret);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

/* ---- forms --------------------------------------------------------------------------------------------- */

/* HMAC under a key of the tenant: every node makes the same, and a start anew forgets none. */
lg_err
sts_csrf_make(struct sts_rq *rq, lg_str cookie, lg_str what, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret own = { NULL, 0 };
	const struct lg_secret *key;
	lg_sha256 bound = lg_sha256_pair(cookie, what), mac;

	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	own = lg_hkdf_sha256(key, LG_NONE, LG_STR("lightgate form"), sizeof(lg_sha256));
	mac = lg_hmac_sha256(&own, lg_sha256_str(&bound));
	*ret = lg_base64url(rq->cx->arena, lg_sha256_str(&mac));
	return LG_OK;
}

bool
sts_csrf_ok(struct sts_rq *rq, lg_str cookie, lg_str what, lg_str given)
{
	lg_str want;

	return cookie.n > 0 && sts_csrf_make(rq, cookie, what, &want) == LG_OK && want.n == given.n
	    && lg_equal_bytes(want.p, given.p, given.n);
}

bool
sts_origin_ok(const struct sts_rq *rq)
{
	lg_str site = rq->ex->header(rq->ex, "Sec-Fetch-Site");

	/* What the browser itself says of where a form came from. */
	return site.n == 0 || lg_str_eq(site, LG_STR("same-origin")) || lg_str_eq(site, LG_STR("none"));
}
