/*
 * grant_code.c: a code for tokens (RFC 6749 4.1.3, RFC 7636 4.5, RFC 9700 2.1.1).
 *
 * Everything about the request is checked against a snapshot; the mutation then only asks whether the code is still
 * unused.  A second use, by whoever could have made the first, ends what the first one gave out.
 */
#include "sts/sts.h"

#include "base/text.h"

struct redeem {
	lg_str key;
	struct sts_code code;
	struct sts_grant grant;
	bool reused;
	struct sts_issue is;
};

/* RFC 7636 4.1, 4.6. */
static bool
verifier_fits(struct sts_rq *rq, const struct sts_code *c)
{
	lg_str verifier = lg_form_get(&rq->form, "code_verifier");
	lg_sha256 h;

	if (c->challenge.n == 0)
		return verifier.n == 0;		/* no downgrade: RFC 9700 4.8.2 */
	if (verifier.n < 43 || verifier.n > 128)
		return false;
	h = lg_sha256_of(verifier);
	return lg_str_eq(lg_base64url(rq->cx->arena, lg_sha256_str(&h)), c->challenge);
}

static lg_err
check_code(struct sts_rq *rq, struct redeem *rd)
{
	lg_str code = lg_form_get(&rq->form, "code");
	lg_sha256 h = lg_sha256_of(code);
	lg_err e;

	if (code.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "code is missing");
	rd->key = sts_key(rq->cx->arena, rq->tenant_id, lg_sha256_str(&h));
	e = sts_code_get(rq->cx, rq->view, rd->key, &rd->code);
	if (e == LG_E_NOT_FOUND)
		e = sts_rq_look_again(rq);
	if (e == LG_E_NOT_FOUND)
		return sts_refuse(rq, STS_INVALID_GRANT, "no such code");
	LG_TRY(e);
	if (!lg_str_eq(rd->code.client, rq->client.id))
		return sts_refuse(rq, STS_INVALID_GRANT, "the code was given to another client");
	if (!lg_str_eq(rd->code.redirect, lg_form_get(&rq->form, "redirect_uri")))
		return sts_refuse(rq, STS_INVALID_GRANT, "redirect_uri is not the one of the authorization request");
	if (rd->code.jkt.n > 0 && !lg_str_eq(rd->code.jkt, rq->jkt))
		return sts_refuse(rq, STS_INVALID_GRANT, "the code belongs to another key than was proved");
	if (!verifier_fits(rq, &rd->code))
		return sts_refuse(rq, STS_INVALID_GRANT, "code_verifier does not fit the challenge");
	return LG_OK;
}

lg_err
sts_code_issue(struct sts_rq *rq, const struct sts_code *c, struct sts_issue *is)
{
	struct sts_session session;
	char sid[LG_UUID_TEXT + 1];

	if (sts_session_live(rq->cx, rq->view, rq->tenant_id, c->session, &session) != LG_OK)
		return sts_refuse(rq, STS_INVALID_GRANT, "the session has ended");
	is->scope = c->scope;
	is->wanted = c->wanted;
	LG_TRY(sts_issue_person(rq, c->subject, is));
	LG_TRY(sts_audience_narrow(rq, c->audience, c->naudience, is));
	lg_uuid_text(c->session, sid);
	is->sid = lg_dup(rq->cx->arena, lg_str_of(sid));
	is->auth_time = c->auth_time;
	is->how = c->how;
	is->nonce = c->nonce;
	is->id_token = sts_scope_has(is->scope, LG_STR("openid"));
	is->jti = lg_token_new(rq->cx->arena);
	sts_issue_lifetime(rq, is);
	return sts_issue_decide(rq, is);
}

void
sts_code_family(struct sts_rq *rq, const struct sts_code *c, struct sts_issue *is, struct sts_grant *g)
{
	if ((rq->client.grants & LG_GRANT_REFRESH) == 0)
		return;
	g->id = lg_uuid_new();
	g->client = c->client;
	g->client_entry = rq->client.entry;
	g->scope = c->scope;
	g->naudience = c->naudience;
	memcpy(g->audience, c->audience, g->naudience * sizeof g->audience[0]);
	g->subject = c->subject;
	g->session = c->session;
	g->auth_time = c->auth_time;
	g->how = c->how;
	g->wanted = c->wanted;
	g->offline = sts_scope_has(g->scope, LG_STR("offline_access"));
	g->expires = rq->cx->now + (g->offline ? LG_STS_OFFLINE_LIFE : LG_STS_SESSION_LIFE) * LG_SECOND;
	/* RFC 9449 5, RFC 8705 4: who has no credentials of its own is bound by its key; others keep the freedom to change it. */
	if (rq->client.auth == LG_CLIENT_NONE) {
		g->jkt = rq->jkt;
		g->x5t = is->cnf_x5t;
	}
	is->refresh = sts_refresh_new(rq->cx->arena, g->id);
	g->current = lg_sha256_of(is->refresh);
}

/* ---- the mutation ----------------------------------------------------------------------------------------- */

static lg_err
end_first_use(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct sts_code *c)
{
	struct sts_grant g;
	lg_err e;

	lg_audit(v, c->client, LG_STR("{\"reused\":true}"));
	LG_TRY(lg_sts_revoke(cx, v, tenant, LG_REVOKED_JTI, c->jti, lg_view_time(v)));
	e = sts_grant_get(cx, v, tenant, c->grant, &g);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	return sts_grant_kill(cx, v, tenant, &g);
}

static lg_err
redeem_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct redeem *rd = rq->grant;
	struct sts_code c;

	LG_TRY(sts_code_get(cx, v, rd->key, &c));
	rd->reused = c.used;
	if (c.used)
		return end_first_use(cx, v, rq->tenant_id, &c);
	c.used = true;
	c.grant = rd->grant.id;
	c.jti = rd->is.jti;
	lg_audit(v, c.client, LG_NONE);
	LG_TRY(sts_code_put(cx, v, rd->key, &c));
	LG_TRY(sts_visit_put(cx, v, rq->tenant_id, c.session, &rq->client));
	if (lg_uuid_is_nil(rd->grant.id))
		return LG_OK;
	return sts_grant_put(cx, v, rq->tenant_id, &rd->grant);
}

static lg_err
redeem_finish(struct sts_rq *rq, void *arg)
{
	struct redeem *rd = rq->grant;

	(void)arg;
	return rd->reused ? sts_refuse(rq, STS_INVALID_GRANT, "the code was used before") : LG_OK;
}

lg_err
sts_grant_code(struct sts_rq *rq)
{
	struct redeem *rd = LG_NEW(rq->cx->arena, struct redeem);

	rq->grant = rd;
	LG_TRY(check_code(rq, rd));
	if (rd->code.used)
		return sts_submit(rq, "token.code", redeem_run, redeem_finish, rq);
	if (rd->code.expires <= rq->cx->now)
		return sts_refuse(rq, STS_INVALID_GRANT, "the code has expired");
	LG_TRY(sts_code_issue(rq, &rd->code, &rd->is));
	sts_code_family(rq, &rd->code, &rd->is, &rd->grant);
	return sts_issue_stored(rq, &rd->is, "token.code", redeem_run, redeem_finish);
}
