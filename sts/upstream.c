/*
 * upstream.c: "sign in with ...": to another provider and back, on workers.
 *
 * What a sign-in was begun with (state, nonce, PKCE's verifier, what the person came for) is sealed in a cookie: an answer counts only in
 * the browser that asked for it, once, for ten minutes, and only from the provider that was asked (RFC 9207 where it is spoken).  Nothing
 * is stored for somebody who only follows a link.
 */
#include "sts/upstream.h"

#include "base/text.h"

#define ERRAND_LIFE	(10 * LG_MINUTE)
#define ERRAND_MAX	3600		/* octets of the cookie: browsers keep 4096 */
#define REQUEST_MAX	2048		/* of what the person came for */

lg_str
sts_upstream_redirect(const struct sts_rq *rq)
{
	return lg_cat(rq->cx->arena, rq->tenant.issuer, LG_STR("/login/callback"));
}

/* ---- the cookie ---------------------------------------------------------------------------------------------------------- */

static lg_err
seal_errand(struct sts_rq *rq, const struct sts_errand *er, lg_str *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(ERRAND_MAX);
	const struct lg_secret *key;
	lg_str sealed;

	lg_buf_u64(&b, (uint64_t)er->until);
	lg_buf_str32(&b, er->source);
	lg_buf_str32(&b, er->state);
	lg_buf_str32(&b, er->nonce);
	lg_buf_str32(&b, er->verifier);
	lg_buf_str32(&b, er->request);
	LG_TRY(lg_buf_status(rq->cx, &b));
	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	LG_TRY(lg_seal(rq->cx, key, LG_STR("lightgate errand"), lg_buf_view(&b), &sealed));
	*ret = lg_base64url(rq->cx->arena, sealed);
	return ret->n <= ERRAND_MAX ? LG_OK : lg_fail(rq->cx, LG_E_LIMIT, "the request is too long for signing in with a provider");
}

static bool
read_errand(lg_str plain, struct sts_errand *ret)
{
	struct lg_rd rd = lg_rd_of(plain);

	ret->until = (int64_t)lg_rd_u64(&rd);
	ret->source = lg_rd_str32(&rd);
	ret->state = lg_rd_str32(&rd);
	ret->nonce = lg_rd_str32(&rd);
	ret->verifier = lg_rd_str32(&rd);
	ret->request = lg_rd_str32(&rd);
	return lg_rd_done(&rd);
}

static lg_err
open_errand(struct sts_rq *rq, struct sts_errand *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	const struct lg_secret *key;
	lg_str sealed, cookie = sts_cookie_read(rq, "errand", 1, ERRAND_MAX);
	lg_str state = lg_form_get(&rq->form, "state");

	if (cookie.n == 0 || !lg_base64url_parse(rq->cx->arena, cookie, &sealed))
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "this browser has begun no sign-in with a provider");
	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	if (lg_unseal(rq->cx, key, LG_STR("lightgate errand"), sealed, &plain) != LG_OK
	    || !read_errand(lg_dup(rq->cx->arena, (lg_str){ (const char *)plain.p, plain.n }), ret) || ret->until < rq->cx->now)
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "the sign-in with a provider was begun too long ago");
	if (state.n != ret->state.n || !lg_equal_bytes(state.p, ret->state.p, state.n))
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "the answer is to another sign-in");
	return LG_OK;
}

/* ---- there ------------------------------------------------------------------------------------------------------------------ */

static lg_err
find_provider(struct sts_rq *rq, lg_str name, struct sts_source *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &v));
	e = sts_source_get(rq->cx, v, rq->tenant_id, name, ret);
	lg_view_end(&v);
	lg_store_turn(rq->sts->store);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && (ret->kind != STS_SOURCE_OIDC || !ret->enabled)))
		return sts_refuse(rq, STS_INVALID_REQUEST, "there is no such provider");
	return e;
}

static lg_err
send_there(struct sts_rq *rq, const struct sts_source *s, const struct sts_endpoints *ends, const struct sts_errand *er)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8192);
	lg_sha256 challenge = lg_sha256_of(er->verifier);

	if (!lg_str_starts(ends->authorization, LG_STR("https://")))
		return sts_refuse(rq, STS_UNAVAILABLE, "the provider has no address that can be gone to");
	lg_buf_str(&b, ends->authorization);
	lg_url_put(&b, LG_STR("response_type"), LG_STR("code"));
	lg_url_put(&b, LG_STR("client_id"), s->client_id);
	lg_url_put(&b, LG_STR("redirect_uri"), sts_upstream_redirect(rq));
	lg_url_put(&b, LG_STR("scope"), sts_scope_join(rq->cx->arena, s->scopes.v, s->scopes.n));
	lg_url_put(&b, LG_STR("state"), er->state);
	lg_url_put(&b, LG_STR("nonce"), er->nonce);
	lg_url_put(&b, LG_STR("code_challenge"), lg_base64url(rq->cx->arena, lg_sha256_str(&challenge)));
	lg_url_put(&b, LG_STR("code_challenge_method"), LG_STR("S256"));
	LG_TRY(lg_buf_status(rq->cx, &b));
	rq->ex->status = 303;
	lg_http_header(rq->ex, "Location", lg_buf_view(&b));
	sts_no_store(rq->ex);
	return LG_OK;
}

static lg_err
begin(struct sts_rq *rq)
{
	struct sts_source *s = LG_NEW(rq->cx->arena, struct sts_source);
	struct sts_endpoints ends;
	struct sts_errand er = { .until = rq->cx->now + ERRAND_LIFE };
	lg_str cookie;

	LG_TRY(lg_form_parse(rq->cx, rq->ex->query, &rq->form));
	er.request = lg_form_get(&rq->form, "request");
	if (er.request.n > REQUEST_MAX)
		return sts_refuse(rq, STS_INVALID_REQUEST, "the request is too long for signing in with a provider");
	LG_TRY(find_provider(rq, lg_form_get(&rq->form, "source"), s));
	er.source = s->name;
	if (sts_foreign_endpoints(rq->cx, rq->sts, s, &ends) != LG_OK) {
		LG_TRY(sts_foreign_fetch(rq->cx, rq->sts, s, LG_NONE));
		LG_TRY(sts_foreign_endpoints(rq->cx, rq->sts, s, &ends));
	}
	er.state = lg_token_new(rq->cx->arena);
	er.nonce = lg_token_new(rq->cx->arena);
	er.verifier = lg_token_new(rq->cx->arena);
	LG_TRY(seal_errand(rq, &er, &cookie));
	sts_cookie_set(rq, "errand", cookie, ERRAND_LIFE / LG_SECOND);
	return send_there(rq, s, &ends, &er);
}

lg_err
sts_http_upstream(void *self, struct lg_http *ex)
{
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &rq));
	e = begin(rq);
	if (e == LG_OK)
		return LG_OK;
	return sts_message(rq, sts_error_status(sts_error_of(rq, e)), "refused", sts_error_text(rq, sts_error_of(rq, e)));
}

/* ---- and back ------------------------------------------------------------------------------------------------------------------ */

/* RFC 9207 2.4: an answer of another provider than the one that was asked is a mix-up. */
static lg_err
check_issuer(struct sts_rq *rq, const struct sts_source *s, lg_str iss)
{
	struct sts_endpoints ends = { .iss_parameter = false };

	(void)(sts_foreign_endpoints(rq->cx, rq->sts, s, &ends) == LG_OK);
	if (iss.n > 0 ? !lg_str_eq(iss, s->issuer) : ends.iss_parameter)
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "the answer is of another provider than the one that was asked");
	return LG_OK;
}

static lg_err
believe(struct sts_rq *rq, struct sts_signin *si, const struct sts_errand *er, lg_str *amr)
{
	struct sts_source *s = LG_NEW(rq->cx->arena, struct sts_source);
	struct lg_sts_person p;
	/* What the person came for becomes rq's form soon. */
	lg_str code = lg_form_get(&rq->form, "code"), iss = lg_form_get(&rq->form, "iss");

	LG_TRY(sts_signin_open(rq, si));
	LG_TRY(find_provider(rq, er->source, s));
	LG_TRY(check_issuer(rq, s, iss));
	if (code.n == 0)
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "the provider gave no code");
	LG_TRY(sts_upstream_redeem(rq, s, er, code, &p, amr));
	return sts_source_person(rq->cx, rq->sts, rq->tenant_id, s, &p, &si->subject);
}

/* What no browser asked for is answered and not recorded: anybody can send it, as often as they like. */
static lg_err
come_back(struct sts_rq *rq, struct sts_signin *si)
{
	struct sts_errand er;
	lg_str amr;
	lg_err e;

	LG_TRY(open_errand(rq, &er));
	si->request = er.request;
	rq->resumed = true;
	e = believe(rq, si, &er, &amr);
	if (e != LG_OK)
		sts_signin_refused(rq->cx, rq->sts, rq->tenant_id, &si->subject, lg_print(rq->cx->arena, "source %.*s: %s", LG_FMT(er.source), rq->cx->error));
	LG_TRY(e);
	sts_act_as(rq->cx, rq->tenant_id, si->subject.id, si->subject.type, si->subject.name);
	return sts_signin_step(rq, si, amr);
}

static const struct {
	lg_err e;
	int status;
	const char *problem;
} refusals[] = {
	{ LG_E_UNAUTHENTICATED, 422, "problem.provider" },
	{ LG_E_DENIED, 403, "problem.not-known" },
	{ LG_E_UNAVAILABLE, 503, "problem.not-now" },
};

lg_err
sts_http_upstream_back(void *self, struct lg_http *ex)
{
	struct sts_signin si = { .az = { .max_age = -1 } };
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &rq));
	e = lg_form_parse(rq->cx, ex->query, &rq->form);
	if (e == LG_OK)
		e = come_back(rq, &si);
	/* Good or bad, it was an answer: there is no second one. */
	sts_cookie_set(rq, "errand", LG_NONE, 0);
	if (e == LG_OK)
		return LG_OK;
	for (size_t i = 0; i < LG_COUNT(refusals); i++)
		if (refusals[i].e == e && rq->error == STS_NO_ERROR)
			return sts_login_page(rq, &si.az, si.request, refusals[i].status, refusals[i].problem);
	return sts_authorize_refuse(rq, &si.az, si.redirectable, e);
}
