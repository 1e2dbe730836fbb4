/*
 * login.c: the sign-in page and its form, on a worker.
 *
 * The authorization request travels through the page as text and is judged anew when it comes back, so a form can
 * change nothing that the request itself could not have said.
 */
#include "sts/sts.h"

lg_err
sts_login_page(struct sts_rq *rq, const struct sts_authorize *az, lg_str query, int status, lg_str problem)
{
	lg_str cookie = sts_cookie_of(rq, "login"), base = sts_base_path(rq), csrf;
	lg_str to = az->redirect.n > 0 ? sts_redirect_origin(az->redirect) : LG_NONE;

	if (cookie.n == 0)
		cookie = lg_token_new(rq->cx->arena);
	LG_TRY(sts_csrf_make(rq, cookie, query, &csrf));
	const struct sts_slot slots[] = {
		{ "style", rq->sts->style_css },
		{ "base", base },
		{ "problem", problem },
		{ "client", az->client.id.n > 0 ? az->client.id : LG_STR("Lightgate") },
		{ "request", query },
		{ "csrf", csrf },
		{ "username", az->login_hint },
	};
	sts_cookie_set(rq, "login", cookie, LG_STS_SESSION_LIFE);
	if (status == 429)
		lg_http_header(rq->ex, "Retry-After", LG_STR("60"));
	return sts_page(rq, status, rq->sts->login_html, slots, LG_COUNT(slots), to);
}

lg_err
sts_http_login_get(void *self, struct lg_http *ex)
{
	struct sts_authorize none = { .max_age = -1 };
	struct sts_rq *rq;

	LG_TRY(sts_rq_new(self, ex, &rq));
	return sts_login_page(rq, &none, LG_NONE, 200, LG_NONE);
}

/* ---- the form ---------------------------------------------------------------------------------------------- */

struct login {
	lg_str username, query;
	struct lg_secret password;
	struct sts_authorize az;
	bool redirectable;
	struct lg_sts_subject subject;
};

static void
login_free(struct login *l)
{
	lg_secret_free(&l->password);
}

/* A page of ours that wants somebody signed in, instead of an application's request. */
static bool
is_page(lg_str query)
{
	return lg_str_starts(query, LG_STR("/device"));
}

static lg_err
parse_request(struct sts_rq *rq, struct login *l)
{
	lg_err e;

	if (l->query.n == 0 || is_page(l->query))
		return LG_OK;
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_authorize_parse(rq, l->query, &l->az, &l->redirectable);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

static lg_err
show_again(struct sts_rq *rq, struct login *l, lg_err e)
{
	l->az.login_hint = l->username;
	if (e == LG_E_UNAUTHENTICATED)
		return sts_login_page(rq, &l->az, l->query, 422, LG_STR("The user name or the password is wrong."));
	if (e == LG_E_EXPIRED)
		return sts_login_page(rq, &l->az, l->query, 403, LG_STR("The password must be changed before you can sign in: lightgate user "
		    "change-password, or ldappasswd."));
	if (e == LG_E_LIMIT)
		return sts_login_page(rq, &l->az, l->query, 429, LG_STR("Too many attempts. Wait a minute, then try again."));
	return sts_login_page(rq, &l->az, l->query, 503, LG_STR("Signing in does not work at the moment. Try again soon."));
}

static lg_err
signed_in(struct sts_rq *rq, struct login *l)
{
	lg_str cookie = lg_token_new(rq->cx->arena);
	struct sts_session s = {
		.id = sts_session_id(cookie), .subject = l->subject.id, .auth_time = rq->cx->now,
		.how = { LG_STR(STS_ACR_PASSWORD), LG_STR("pwd") },
		.expires = rq->cx->now + LG_STS_SESSION_LIFE * LG_SECOND,
	};

	/* A new cookie at every sign-in: one that was planted before is worth nothing afterwards. */
	if (l->query.n == 0) {
		LG_TRY(sts_session_begin(rq, &s));
		sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
		return sts_message(rq, 200, LG_STR("You are signed in"), LG_STR("You can close this page."));
	}
	if (is_page(l->query)) {
		LG_TRY(sts_session_begin(rq, &s));
		sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
		rq->ex->status = 303;
		lg_http_header(rq->ex, "Location", lg_cat(rq->cx->arena, sts_base_path(rq), l->query));
		sts_no_store(rq->ex);
		return LG_OK;
	}
	if (!sts_authorize_satisfied(rq, &l->az, &s, true))
		return sts_refuse(rq, STS_LOGIN_REQUIRED, "another account is signed in than the request wants");
	LG_TRY(sts_authorize_grant(rq, &l->az, &s, true));
	sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
	return LG_OK;
}

static lg_err
run(struct sts_rq *rq, struct login *l)
{
	lg_err e;

	LG_TRY(sts_rq_form(rq));
	l->username = lg_form_get(&rq->form, "username");
	l->query = lg_form_get(&rq->form, "request");
	l->password = lg_secret_copy(lg_form_get(&rq->form, "password"));
	if (!sts_origin_ok(rq) || !sts_csrf_ok(rq, sts_cookie_of(rq, "login"), l->query, lg_form_get(&rq->form, "csrf"))) {
		LG_TRY(parse_request(rq, l));
		return sts_login_page(rq, &l->az, l->query, 403, LG_STR("The page was too old. Please try again."));
	}
	rq->resumed = true;
	LG_TRY(parse_request(rq, l));
	e = lg_sts_password_check(rq->cx, rq->sts, rq->tenant_id, l->username, &l->password, rq->ex->peer, &l->subject);
	return e == LG_OK ? signed_in(rq, l) : show_again(rq, l, e);
}

lg_err
sts_http_login_post(void *self, struct lg_http *ex)
{
	LG_AUTO(login_free) struct login l = { .az = { .max_age = -1 } };
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &rq));
	e = run(rq, &l);
	return e == LG_OK ? LG_OK : sts_authorize_refuse(rq, &l.az, l.redirectable, e);
}
