/* userinfo.c: GET and POST /oauth2/userinfo (OpenID Connect Core 5.3). */
#include "sts/sts.h"

/* RFC 6750 2: in the header, or in a form; not in both. */
static lg_err
find_token(struct sts_rq *rq, lg_str *ret, bool *dpop)
{
	lg_str header = rq->ex->header(rq->ex, "Authorization"), body = LG_NONE;

	if (rq->ex->body.n > 0) {
		LG_TRY(sts_rq_form(rq));
		body = lg_form_get(&rq->form, "access_token");
	}
	*ret = body;
	if (header.n > 0 && !sts_read_scheme(header, ret, dpop))
		*ret = LG_NONE;
	if (header.n > 0 && body.n > 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "more than one token");
	return LG_OK;
}

static lg_err
answer_json(struct sts_rq *rq, lg_str scope, lg_str names, const struct sts_said *said)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);

	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "sub", said->subject.id);
	sts_claims_write(&w, scope, names, said);
	lg_jsonw_object_end(&w);
	sts_json(rq->ex);
	sts_no_store(rq->ex);
	return lg_buf_status(rq->cx, &rq->ex->out);
}

static lg_err
answer_token(struct sts_rq *rq, const struct lg_claims *c, lg_str names, const struct sts_said *said)
{
	LG_AUTO(lg_buf_free) struct lg_buf claims = LG_BUF(LG_HTTP_RESPONSE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&claims);
	struct sts_signed s = {
		.alg = rq->client.userinfo_alg, .typ = LG_STR("JWT"), .subject = c->subject, .audience = rq->client.id,
		.type = "application/jwt",
	};

	sts_claims_write(&w, c->scope, names, said);
	LG_TRY(lg_buf_status(rq->cx, &claims));
	s.claims = lg_dup(rq->cx->arena, lg_buf_view(&claims));
	return sts_answer_signed(rq, &s);
}

static lg_err
run(struct sts_rq *rq, lg_str token, bool dpop)
{
	struct lg_sts_bearer b;
	struct sts_again again;
	struct sts_said said;
	lg_str names;

	if (sts_again(rq, "userinfo", &again))
		return lg_buf_status(rq->cx, &rq->ex->out);
	LG_TRY(sts_request_check(rq, rq->view, token, dpop, rq->tenant.issuer, &b));
	if (!sts_scope_has(b.claims.scope, LG_STR("openid")))
		return sts_refuse(rq, STS_INSUFFICIENT_SCOPE, "the token has no openid scope");
	names = sts_claims_carried(rq->cx->arena, b.claims.payload);
	LG_TRY(sts_claims_of(rq, &b.subject, b.claims.scope, names, &said));
	/* A client that is gone meanwhile has no wishes. */
	if (sts_client_load(rq, b.claims.client_id, &rq->client) != LG_OK || rq->client.userinfo_alg == LG_ALG_NONE) {
		LG_TRY(answer_json(rq, b.claims.scope, names, &said));
		sts_again_keep(rq, &again, &b.claims);
		return LG_OK;
	}
	return answer_token(rq, &b.claims, names, &said);
}

lg_err
sts_http_userinfo(void *self, struct lg_http *ex)
{
	struct lg_sts *sts = self;
	struct sts_rq *rq;
	lg_str token = LG_NONE;
	bool dpop = false;
	lg_err e;

	LG_TRY(sts_rq_new(sts, ex, &rq));
	e = find_token(rq, &token, &dpop);
	if (e == LG_OK && token.n == 0) {
		/* RFC 6750 3.1: who brings nothing is told the scheme only. */
		ex->status = 401;
		lg_http_header(ex, "WWW-Authenticate", LG_STR("Bearer realm=\"lightgate\""));
		sts_no_store(ex);
		return LG_OK;
	}
	if (e == LG_OK)
		e = lg_view_begin(rq->cx, sts->store, &rq->view);
	if (e == LG_OK)
		e = run(rq, token, dpop);
	lg_view_end(&rq->view);
	return e == LG_OK || e == LG_PENDING ? e : sts_answer_bearer_error(rq, e);
}
