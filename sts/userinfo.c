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

/* OpenID Connect Core 5.4: a scope stands for claims. */
static void
write_claims(struct sts_rq *rq, lg_str scope, const struct lg_sts_subject *s)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);

	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "sub", s->id);
	if (sts_scope_has(scope, LG_STR("profile"))) {
		lg_jsonw_str_of(&w, "name", s->display.n > 0 ? s->display : s->name);
		lg_jsonw_str_of(&w, "preferred_username", s->name);
	}
	if (sts_scope_has(scope, LG_STR("email")) && s->mail.n > 0)
		lg_jsonw_str_of(&w, "email", s->mail);
	if (sts_scope_has(scope, LG_STR("groups")))
		sts_groups(&w, s);
	lg_jsonw_object_end(&w);
	sts_json(rq->ex);
	sts_no_store(rq->ex);
}

static lg_err
run(struct sts_rq *rq, lg_str token, bool dpop)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	struct lg_sts_bearer b;
	struct lg_sts_subject s;

	LG_TRY(sts_request_check(rq, rq->view, token, dpop, rq->tenant.issuer, &b));
	if (!sts_scope_has(b.claims.scope, LG_STR("openid")))
		return sts_refuse(rq, STS_INSUFFICIENT_SCOPE, "the token has no openid scope");
	s = b.subject;
	if (sts_scope_has(b.claims.scope, LG_STR("groups")))
		LG_TRY(p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, s.id, true, &s));
	write_claims(rq, b.claims.scope, &s);
	return LG_OK;
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
	return e == LG_OK ? LG_OK : sts_answer_bearer_error(rq, e);
}
