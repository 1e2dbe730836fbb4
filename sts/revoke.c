/* revoke.c: POST /oauth2/revoke (RFC 7009): a client gives back a token of its own. */
#include "sts/sts.h"

struct revoke {
	lg_str jti;			/* an access token's; empty: the grant */
	struct sts_grant grant;
};

static lg_err
revoke_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct revoke *rv = rq->grant;
	struct sts_grant g;
	lg_err e;

	lg_audit(v, rq->client.id, LG_NONE);
	if (rv->jti.n > 0)
		return lg_sts_revoke(cx, v, rq->tenant_id, LG_REVOKED_JTI, rv->jti, lg_view_time(v));
	e = sts_grant_get(cx, v, rq->tenant_id, rv->grant.id, &g);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	return sts_grant_kill(cx, v, rq->tenant_id, &g);
}

/* RFC 7009 2.2: the same answer whether there was something to revoke or not. */
static lg_err
revoke_finish(struct sts_rq *rq, void *arg)
{
	(void)arg;
	sts_no_store(rq->ex);
	return LG_OK;
}

static lg_err
submit(struct sts_rq *rq, struct revoke *rv)
{
	rq->grant = rv;
	return sts_submit(rq, "token.revoke", revoke_run, revoke_finish, rq);
}

static lg_err
not_yours(struct sts_rq *rq)
{
	return sts_refuse(rq, STS_UNAUTHORIZED_CLIENT, "the token was given to another client");
}

static lg_err
run(struct sts_rq *rq)
{
	struct revoke *rv = LG_NEW(rq->cx->arena, struct revoke);
	struct lg_claims c;
	lg_str token;
	lg_uuid id;

	LG_TRY(sts_rq_form(rq));
	LG_TRY(sts_client_authenticate(rq));
	token = lg_form_get(&rq->form, "token");
	if (token.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "token is missing");
	if (sts_refresh_parse(rq->cx->arena, token, &id)) {
		if (sts_grant_get(rq->cx, rq->view, rq->tenant_id, id, &rv->grant) != LG_OK)
			return revoke_finish(rq, NULL);
		return lg_str_eq(rv->grant.client, rq->client.id) ? submit(rq, rv) : not_yours(rq);
	}
	if (sts_token_verify(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, token, &c) != LG_OK)
		return revoke_finish(rq, NULL);
	rv->jti = c.jti;
	return lg_str_eq(c.client_id, rq->client.id) ? submit(rq, rv) : not_yours(rq);
}

lg_err
sts_http_revoke(void *self, struct lg_http *ex)
{
	return sts_rq_run(self, ex, run);
}
