/* authorize.c: GET and POST /oauth2/authorize: a code, a sign-in page, or an error, on a worker. */
#include "sts/consent.h"

#include "base/text.h"

#define LOCATION_MAX	(16u << 10)

/* ---- the way back: redirect URI, its own query kept, our parameters added ------------------------------- */

/* RFC 9700 4.12: 303, so that no form with a password is sent on.  RFC 9207: iss, always. */
static lg_err
redirect(struct sts_rq *rq, const struct sts_authorize *az, struct lg_buf *b)
{
	if (az->state.n > 0)
		lg_url_put(b, LG_STR("state"), az->state);
	lg_url_put(b, LG_STR("iss"), rq->tenant.issuer);
	LG_TRY(lg_buf_status(rq->cx, b));
	rq->ex->status = 303;
	lg_http_header(rq->ex, "Location", lg_buf_view(b));
	lg_http_header(rq->ex, "Referrer-Policy", LG_STR("no-referrer"));
	sts_no_store(rq->ex);
	return LG_OK;
}

lg_err
sts_refused_page(struct sts_rq *rq, lg_err e)
{
	enum sts_error error = sts_error_of(rq, e);

	return sts_message(rq, sts_error_status(error), "refused", sts_error_text(rq, error));
}

lg_err
sts_page_run(struct lg_sts *sts, struct lg_http *ex, lg_err (*page)(struct sts_rq *))
{
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(sts, ex, &rq));
	e = page(rq);
	return e == LG_OK ? LG_OK : sts_refused_page(rq, e);
}

lg_err
sts_authorize_refuse(struct sts_rq *rq, const struct sts_authorize *az, bool redirectable, lg_err e)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LOCATION_MAX);
	enum sts_error error;
	lg_str text;

	if (!redirectable)
		return sts_refused_page(rq, e);
	error = sts_error_of(rq, e);
	text = sts_error_text(rq, error);
	lg_buf_str(&b, az->redirect);
	lg_url_put(&b, LG_STR("error"), lg_str_of(sts_error_name(error)));
	if (text.n > 0)
		lg_url_put(&b, LG_STR("error_description"), text);
	return redirect(rq, az, &b);
}

/* ---- a code ------------------------------------------------------------------------------------------------ */

struct granting {
	struct sts_rq *rq;
	const struct sts_session *session;
	bool new_session;
	lg_str key;			/* of the code; empty: only the session */
	lg_str pushed;			/* of the request, which ends here */
	struct sts_code code;
};

/* Whoever was signed in before on this browser, if it was somebody else, is no longer. */
static lg_err
end_other_session(struct lg_ctx *cx, struct lg_view *v, const struct granting *g)
{
	struct sts_session old;
	lg_uuid id;

	if (!sts_refresh_parse(cx->arena, sts_cookie_of(g->rq, "session"), &id) || lg_uuid_eq(id, g->session->id)
	    || sts_session_get(cx, v, g->rq->tenant_id, id, &old) != LG_OK)
		return LG_OK;
	return sts_session_end(cx, v, g->rq->tenant_id, old.id);
}

static lg_err
grant_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct granting *g = arg;

	sts_audit_person(cx, g->rq->sts, v, g->rq->tenant_id, g->session->subject, LG_NONE);
	if (g->new_session) {
		LG_TRY(end_other_session(cx, v, g));
		LG_TRY(sts_session_put(cx, v, g->rq->tenant_id, g->session));
	}
	if (g->pushed.n > 0) {
		lg_err e = lg_del(cx, v, &sts_pushed, g->pushed);

		if (e == LG_E_NOT_FOUND)
			return sts_refuse(g->rq, STS_INVALID_REQUEST, "the request was used before");
		LG_TRY(e);
	}
	return g->key.n == 0 ? LG_OK : sts_code_put(cx, v, g->key, &g->code);
}

lg_err
sts_session_begin(struct sts_rq *rq, const struct sts_session *s)
{
	struct granting g = { .rq = rq, .session = s, .new_session = true };

	return lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "session.begin", grant_run, &g, NULL);
}

/* The subject as it is now, and whether policy lets it have this token: asked here so that a refusal reaches the client
 * before a code exists, and again, for the token, at its redemption. */
static lg_err
decide(struct sts_rq *rq, const struct sts_authorize *az, const struct sts_session *s)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	struct sts_issue is = { .scope = az->scope, .naudience = az->naudience, .auth_time = s->auth_time, .how = s->how };
	lg_err e;

	memcpy(is.audience, az->audience, sizeof is.audience);
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, s->subject, false, &is.subject);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !is.subject.enabled))
		e = sts_refuse(rq, STS_ACCESS_DENIED, "the account is gone or disabled");
	if (e == LG_OK) {
		sts_act_as(rq->cx, rq->tenant_id, is.subject.id, is.subject.type, is.subject.name);
		e = sts_issue_decide(rq, &is);
	}
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

lg_err
sts_authorize_grant(struct sts_rq *rq, struct sts_authorize *az, const struct sts_session *s, bool new_session)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LOCATION_MAX);
	struct granting g = { .rq = rq, .session = s, .new_session = new_session, .pushed = az->pushed };
	lg_str code = lg_token_new(rq->cx->arena);
	lg_sha256 h = lg_sha256_of(code);

	LG_TRY(decide(rq, az, s));
	g.key = sts_key(rq->cx->arena, rq->tenant_id, lg_sha256_str(&h));
	g.code = (struct sts_code){
		.client = az->client.id, .redirect = az->redirect, .nonce = az->nonce, .scope = az->scope,
		.challenge = az->challenge, .jkt = az->jkt, .naudience = az->naudience, .subject = s->subject, .session = s->id,
		.auth_time = s->auth_time, .how = s->how, .wanted = az->wanted,
		.expires = rq->cx->now + LG_STS_CODE_LIFE * LG_SECOND,
	};
	memcpy(g.code.audience, az->audience, sizeof g.code.audience);
	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "token.authorize", grant_run, &g, NULL));
	lg_buf_str(&b, az->redirect);
	lg_url_put(&b, LG_STR("code"), code);
	return redirect(rq, az, &b);
}

/* ---- the endpoint ------------------------------------------------------------------------------------------- */

bool
sts_authorize_satisfied(const struct sts_rq *rq, const struct sts_authorize *az, const struct sts_session *s, bool fresh)
{
	if (!lg_uuid_is_nil(az->hinted) && !lg_uuid_eq(az->hinted, s->subject))
		return false;
	if (fresh)
		return true;
	return !az->prompt_login && (az->max_age < 0 || rq->cx->now - s->auth_time <= az->max_age * LG_SECOND);
}

/* What was asked, and who asks; the snapshot ends here. */
static lg_err
read_request(struct sts_rq *rq, struct sts_signin *si, struct sts_session *s, bool *signed_in)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_err e;

	*signed_in = false;
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_authorize_parse(rq, si->request, &si->az, &si->redirectable);
	if (e == LG_OK)
		*signed_in = sts_session_of(rq, s) == LG_OK && sts_authorize_satisfied(rq, &si->az, s, false);
	if (*signed_in) {
		if (p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, s->subject, false, &si->subject) != LG_OK
		    || !si->subject.enabled)
			e = sts_refuse(rq, STS_ACCESS_DENIED, "the account is gone or disabled");
		sts_subject_keep(rq->cx->arena, &si->subject);
		si->amr = s->how.amr;
		si->auth_time = s->auth_time;
	}
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

/* Somebody is signed in, but perhaps not as well as it has to be. */
static lg_err
with_session(struct sts_rq *rq, struct sts_signin *si, const struct sts_session *s)
{
	enum sts_signin_lack lack;

	LG_TRY(sts_signin_lacks(rq, si, &lack));
	if (lack == STS_SIGNIN_COMPLETE)
		return sts_consent_or_grant(rq, si, s, sts_cookie_of(rq, "session"), false);
	if (si->az.prompt_none)
		return sts_refuse(rq, STS_LOGIN_REQUIRED, "nobody is signed in as the request wants it");
	return sts_signin_more(rq, si, lack);
}

lg_err
sts_http_authorize(void *self, struct lg_http *ex)
{
	struct sts_signin si = {
		.request = lg_str_eq(ex->method, LG_STR("POST")) ? ex->body : ex->query, .az = { .max_age = -1 },
	};
	struct sts_session s;
	struct sts_rq *rq;
	bool signed_in;
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &rq));
	signed_in = false;
	e = sts_request_prepare(rq, &si.request);
	if (e == LG_OK)
		e = read_request(rq, &si, &s, &signed_in);
	if (e == LG_OK && !signed_in && !si.az.prompt_none)
		return sts_login_page(rq, &si.az, si.request, 200, NULL);
	if (e == LG_OK && !signed_in)
		e = sts_refuse(rq, STS_LOGIN_REQUIRED, "nobody is signed in as the request wants it");
	if (e == LG_OK)
		e = with_session(rq, &si, &s);
	return e == LG_OK ? LG_OK : sts_authorize_refuse(rq, &si.az, si.redirectable, e);
}
