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
	lg_str username;
	struct lg_secret password;
	struct sts_signin in;
};

static void
login_free(struct login *l)
{
	lg_secret_free(&l->password);
}

static lg_err
show_again(struct sts_rq *rq, struct login *l, lg_err e)
{
	l->in.az.login_hint = l->username;
	if (e == LG_E_UNAUTHENTICATED)
		return sts_login_page(rq, &l->in.az, l->in.request, 422, LG_STR("The user name or the password is wrong."));
	if (e == LG_E_EXPIRED)
		return sts_login_page(rq, &l->in.az, l->in.request, 403, LG_STR("The password must be changed before you can sign in: lightgate user "
		    "change-password, or ldappasswd."));
	if (e == LG_E_LIMIT)
		return sts_login_page(rq, &l->in.az, l->in.request, 429, LG_STR("Too many attempts. Wait a minute, then try again."));
	return sts_login_page(rq, &l->in.az, l->in.request, 503, LG_STR("Signing in does not work at the moment. Try again soon."));
}

static lg_err
run(struct sts_rq *rq, struct login *l)
{
	lg_err e;

	LG_TRY(sts_rq_form(rq));
	l->username = lg_form_get(&rq->form, "username");
	l->in.request = lg_form_get(&rq->form, "request");
	l->password = lg_secret_copy(lg_form_get(&rq->form, "password"));
	if (!sts_origin_ok(rq) || !sts_csrf_ok(rq, sts_cookie_of(rq, "login"), l->in.request, lg_form_get(&rq->form, "csrf"))) {
		LG_TRY(sts_signin_open(rq, &l->in));
		return sts_login_page(rq, &l->in.az, l->in.request, 403, LG_STR("The page was too old. Please try again."));
	}
	rq->resumed = true;
	LG_TRY(sts_signin_open(rq, &l->in));
	e = lg_sts_password_check(rq->cx, rq->sts, rq->tenant_id, l->username, &l->password, rq->ex->peer, &l->in.subject);
	return e == LG_OK ? sts_signin_step(rq, &l->in, LG_STR("pwd")) : show_again(rq, l, e);
}

lg_err
sts_http_login_post(void *self, struct lg_http *ex)
{
	LG_AUTO(login_free) struct login l = { .in = { .az = { .max_age = -1 } } };
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(self, ex, &rq));
	e = run(rq, &l);
	return e == LG_OK ? LG_OK : sts_authorize_refuse(rq, &l.in.az, l.in.redirectable, e);
}
