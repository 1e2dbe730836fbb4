/*
 * introspect.c: POST /oauth2/introspect (RFC 7662): what a token is worth at this moment.
 * An authenticated client learns about its own tokens and those meant for it; with `introspect`, about all.
 */
#include "sts/sts.h"

#include "base/text.h"

#define TOKEN_TYPE "application/token-introspection+jwt"

static void
answer_inactive(struct sts_rq *rq)
{
	lg_buf_str(&rq->ex->out, LG_STR("{\"active\":false}"));
}

static bool
may_see(const struct sts_rq *rq, const struct lg_claims *c)
{
	return rq->client.introspect || sts_token_meant_for(rq, c);
}

static bool
find_subject(struct sts_rq *rq, lg_uuid id, struct lg_sts_subject *ret)
{
	struct lg_sts_ports *p = &rq->sts->ports;

	return p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, id, false, ret) == LG_OK && ret->enabled;
}

/* The claims as they were signed, after what only we know. */
static bool
access_token(struct sts_rq *rq, lg_str token, struct lg_claims *ret)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);
	struct lg_sts_subject s;
	lg_uuid sub;

	if (sts_token_verify(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, token, ret) != LG_OK
	    || sts_token_revoked(rq->cx, rq->view, rq->tenant_id, ret) || !may_see(rq, ret)
	    || !lg_uuid_parse(ret->subject, &sub) || !find_subject(rq, sub, &s) || !lg_str_starts(ret->payload, LG_STR("{")))
		return false;
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "active", true);
	lg_jsonw_str_of(&w, "token_type", ret->cnf_jkt.n > 0 ? LG_STR("DPoP") : LG_STR("Bearer"));
	lg_jsonw_str_of(&w, "username", s.name);
	lg_buf_byte(w.out, ',');
	lg_buf_str(w.out, lg_str_sub(ret->payload, 1, ret->payload.n));
	return true;
}

static bool
refresh_token(struct sts_rq *rq, lg_str token)
{
	struct lg_jsonw w = lg_jsonw_of(&rq->ex->out);
	struct lg_sts_subject s;
	struct sts_grant g;
	lg_sha256 h;
	lg_uuid id;

	if (!sts_refresh_parse(rq->cx->arena, token, &id))
		return false;
	h = lg_sha256_of(token);
	if (sts_grant_get(rq->cx, rq->view, rq->tenant_id, id, &g) != LG_OK
	    || !lg_equal_bytes(h.b, g.current.b, sizeof h.b) || !sts_grant_good(rq, &g)
	    || !(rq->client.introspect || lg_str_eq(g.client, rq->client.id)) || !find_subject(rq, g.subject, &s))
		return false;
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "active", true);
	lg_jsonw_str_of(&w, "username", s.name);
	lg_jsonw_str_of(&w, "client_id", g.client);
	lg_jsonw_str_of(&w, "scope", g.scope);
	lg_jsonw_uuid_of(&w, "sub", g.subject);
	lg_jsonw_int_of(&w, "exp", g.expires / LG_SECOND);
	lg_jsonw_str_of(&w, "iss", rq->tenant.issuer);
	lg_jsonw_object_end(&w);
	return true;
}

/* RFC 9701 4: whoever asks for a token gets one. */
static bool
wants_token(const struct sts_rq *rq)
{
	lg_str one, weight, rest = rq->ex->header(rq->ex, "Accept");

	while (rest.n > 0) {
		(void)lg_str_cut(rest, ',', &one, &rest);
		(void)lg_str_cut(one, ';', &one, &weight);
		if (lg_str_eq_fold(lg_str_trim(one), LG_STR(TOKEN_TYPE)))
			return true;
	}
	return false;
}

static lg_err
answer_token(struct sts_rq *rq)
{
	struct sts_signed s = {
		.alg = rq->client.introspection_alg, .typ = LG_STR("token-introspection+jwt"), .audience = rq->client.id, .type = TOKEN_TYPE,
	};

	s.claims = lg_cat(rq->cx->arena, LG_STR("\"token_introspection\":"), lg_buf_view(&rq->ex->out));
	return sts_answer_signed(rq, &s);
}

/* Who asks has proved itself by what the question says: an assertion is good once. */
static bool
may_be_kept(const struct sts_rq *rq)
{
	return rq->client.auth == LG_CLIENT_SECRET;
}

static lg_err
run(struct sts_rq *rq)
{
	struct sts_again again;
	struct lg_claims c;
	lg_str token;
	bool about_access;

	if (sts_again(rq, "introspect", &again))
		return lg_buf_status(rq->cx, &rq->ex->out);
	LG_TRY(sts_rq_form(rq));
	LG_TRY(sts_client_authenticate(rq));
	/* RFC 7662 2.1: who has no credentials could only guess tokens. */
	if (rq->client.auth == LG_CLIENT_NONE)
		return sts_refuse(rq, STS_INVALID_CLIENT, "a public client may not introspect");
	token = lg_form_get(&rq->form, "token");
	if (token.n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "token is missing");
	about_access = !refresh_token(rq, token) && access_token(rq, token, &c);
	if (rq->ex->out.n == 0)
		answer_inactive(rq);
	if (wants_token(rq))
		return answer_token(rq);
	sts_json(rq->ex);
	sts_no_store(rq->ex);
	LG_TRY(lg_buf_status(rq->cx, &rq->ex->out));
	if (about_access && may_be_kept(rq))
		sts_again_keep(rq, &again, &c);
	return LG_OK;
}

lg_err
sts_http_introspect(void *self, struct lg_http *ex)
{
	return sts_rq_run(self, ex, run);
}
