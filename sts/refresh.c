/*
 * refresh.c: refresh tokens: "<grant id>.<secret>".  Of a grant only the SHA-256 of its living token and of the one before
 * is stored.
 *
 * A successor is derived: HKDF(the tenant's data key, salt SHA-256(predecessor)).  Whoever presents the predecessor again
 * within the grace window gets the same successor, and nothing has to be kept of it, sealed or not; without the
 * data key nobody can tell the successor of a stolen token.
 */
#include "sts/sts.h"

#include "base/text.h"

#define SECRET	32
#define ID_TEXT	22			/* 16 octets in base64url */

static lg_str
compose(struct lg_arena *a, lg_uuid grant, lg_str secret)
{
	lg_str id = lg_base64url(a, sts_uuid_str(&grant));

	return lg_print(a, "%.*s.%.*s", LG_FMT(id), LG_FMT(secret));
}

lg_str
sts_refresh_new(struct lg_arena *a, lg_uuid grant)
{
	return compose(a, grant, lg_token_new(a));
}

bool
sts_refresh_parse(struct lg_arena *a, lg_str token, lg_uuid *grant)
{
	lg_str id, secret, bytes;

	if (token.n != ID_TEXT + 1 + LG_TOKEN_TEXT || !lg_str_cut(token, '.', &id, &secret)
	    || !lg_base64url_parse(a, id, &bytes) || bytes.n != sizeof grant->b)
		return false;
	memcpy(grant->b, bytes.p, bytes.n);
	return true;
}

lg_err
sts_refresh_next(struct sts_rq *rq, lg_uuid grant, lg_str token, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret next = { NULL, 0 };
	const struct lg_secret *key;
	lg_sha256 salt = lg_sha256_of(token);

	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	next = lg_hkdf_sha256(key, lg_sha256_str(&salt), LG_STR("lightgate refresh token"), SECRET);
	*ret = compose(rq->cx->arena, grant, lg_base64url(rq->cx->arena, (lg_str){ (const char *)next.p, next.n }));
	return LG_OK;
}

lg_err
sts_grant_kill(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_grant *g)
{
	char sid[LG_UUID_TEXT + 1];

	LG_TRY(lg_del(cx, v, &sts_grants, sts_key(cx->arena, tenant, sts_uuid_str(&g->id))));
	/* Its access tokens name their session.  Other grants of the session lose theirs too, and refresh them. */
	lg_uuid_text(g->session, sid);
	return lg_sts_revoke(cx, v, tenant, LG_REVOKED_SESSION, lg_str_of(sid), lg_view_time(v));
}

bool
sts_grant_good(struct sts_rq *rq, const struct sts_grant *g)
{
	char sub[LG_UUID_TEXT + 1];
	struct sts_session session;

	lg_uuid_text(g->subject, sub);
	if (g->expires <= rq->cx->now
	    || sts_is_revoked(rq->cx, rq->view, rq->tenant_id, LG_REVOKED_SUBJECT, lg_str_of(sub), g->auth_time)
	    || sts_is_revoked(rq->cx, rq->view, rq->tenant_id, LG_REVOKED_TENANT, LG_NONE, g->auth_time))
		return false;
	return g->offline || sts_session_live(rq->cx, rq->view, rq->tenant_id, g->session, &session) == LG_OK;
}
