/*
 * login.c: the sign-in page and its form, on a worker.
 *
 * The authorization request travels through the page as text and is judged anew when it comes back, so a form can
 * change nothing that the request itself could not have said.
 */
#include "sts/consent.h"
#include "sts/source.h"
#include "sts/webauthn.h"

#include "base/text.h"

/* A link for each provider that people of this tenant may sign in with. */
static lg_err
providers(struct sts_rq *rq, lg_str query, struct sts_rows *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct sts_slot *slots;
	struct sts_source *s;
	size_t n;

	*ret = (struct sts_rows){ .per = 2 };
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &v));
	LG_TRY(sts_source_list(rq->cx, v, rq->tenant_id, STS_SOURCE_OIDC, &s, &n));
	slots = LG_NEWS(rq->cx->arena, struct sts_slot, 2 * n);
	for (size_t i = 0; i < n; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16384);

		lg_buf_printf(&b, "%.*s/login/with?source=%.*s&request=", LG_FMT(sts_base_path(rq)), LG_FMT(s[i].name));
		lg_buf_percent(&b, query);
		LG_TRY(lg_buf_status(rq->cx, &b));
		slots[2 * i] = (struct sts_slot){ .name = "label", .value = s[i].label };
		slots[2 * i + 1] = (struct sts_slot){ .name = "href", .value = lg_dup(rq->cx->arena, lg_buf_view(&b)) };
	}
	*ret = (struct sts_rows){ slots, 2, n };
	return LG_OK;
}

lg_err
sts_login_page(struct sts_rq *rq, const struct sts_authorize *az, lg_str query, int status, const char *problem)
{
	lg_str cookie = sts_cookie_of(rq, "login"), csrf, passkey;
	struct sts_rows rows;
	bool forgot;
	lg_str to = az->redirect.n > 0 ? sts_redirect_origin(az->redirect) : LG_NONE;

	if (cookie.n == 0)
		cookie = lg_token_new(rq->cx->arena);
	LG_TRY(sts_csrf_make(rq, cookie, query, &csrf));
	LG_TRY(providers(rq, query, &rows));
	LG_TRY(sts_passkey_ask(rq, cookie, NULL, &passkey));
	LG_TRY(sts_forgot_offered(rq, &forgot));
	const struct sts_slot slots[] = {
		{ .name = "forgot", .value = forgot ? LG_STR("1") : LG_NONE },
		{ .name = "providers", .rows = &rows }, { .name = "others", .value = rows.n > 0 ? LG_STR("1") : LG_NONE },
		{ .name = "problem", .value = sts_text(rq, problem) },
		{ .name = "client", .value = sts_client_called(rq->cx->arena, &az->client) },
		{ .name = "request", .value = query },
		{ .name = "csrf", .value = csrf },
		{ .name = "username", .value = az->login_hint },
		{ .name = "passkey", .value = passkey },
		{ .name = "script", .value = LG_STR("1") },
	};
	sts_cookie_set(rq, "login", cookie, LG_STS_SESSION_LIFE);
	if (status == 429)
		lg_http_header(rq->ex, "Retry-After", LG_STR("60"));
	return sts_page(rq, status, "login", slots, LG_COUNT(slots), to);
}

lg_err
sts_http_login_get(void *self, struct lg_http *ex)
{
	struct sts_authorize none = { .max_age = -1 };
	struct sts_rq *rq;

	LG_TRY(sts_rq_new(self, ex, &rq));
	return sts_login_page(rq, &none, LG_NONE, 200, NULL);
}

/* ---- the form ---------------------------------------------------------------------------------------------- */

struct login {
	lg_str username, passkey;
	struct lg_secret password;
	struct sts_signin in;
};

static void
login_free(struct login *l)
{
	lg_secret_free(&l->password);
}

static const struct {
	lg_err e;
	int status;
	const char *problem;
} refusals[] = {
	{ LG_E_UNAUTHENTICATED, 422, NULL },
	{ LG_E_LIMIT, 429, "problem.too-many" },
};

/* wrong: the message when it was not right. */
static lg_err
show_again(struct sts_rq *rq, struct login *l, lg_err e, const char *wrong)
{
	l->in.az.login_hint = l->username;
	for (size_t i = 0; i < LG_COUNT(refusals); i++)
		if (refusals[i].e == e)
			return sts_login_page(rq, &l->in.az, l->in.request, refusals[i].status,
			    refusals[i].problem == NULL ? wrong : refusals[i].problem);
	return sts_login_page(rq, &l->in.az, l->in.request, 503, "problem.not-now");
}

/* The form's request, judged anew; *old: the form is not of a page that this browser was shown. */
static lg_err
open_form(struct sts_rq *rq, struct login *l, bool *old)
{
	lg_str csrf;

	LG_TRY(sts_rq_form(rq));
	l->username = lg_form_get(&rq->form, "username");
	l->passkey = lg_form_get(&rq->form, "passkey");
	l->in.request = lg_form_get(&rq->form, "request");
	l->password = lg_secret_copy(lg_form_get(&rq->form, "password"));
	csrf = lg_form_get(&rq->form, "csrf");
	*old = !sts_origin_ok(rq) || !sts_csrf_ok(rq, sts_cookie_of(rq, "login"), l->in.request, csrf);
	rq->resumed = !*old;
	return sts_signin_open(rq, &l->in);
}

static lg_err
by_password(struct sts_rq *rq, struct login *l)
{
	struct sts_browser browser = sts_browser_of(rq);
	bool old;
	lg_err e;

	LG_TRY(open_form(rq, l, &old));
	if (old)
		return sts_login_page(rq, &l->in.az, l->in.request, 403, "problem.old-page");
	e = sts_password_check(rq->cx, rq->sts, rq->tenant_id, l->username, &l->password, &browser, rq->ex->peer, &l->in.subject);
	/* Right, but to be changed: it proves who changes it. */
	if (e == LG_E_EXPIRED)
		return sts_change_page(rq, &l->in, 200, LG_NONE);
	return e == LG_OK ? sts_signin_step(rq, &l->in, LG_STR("pwd")) : show_again(rq, l, e, "problem.wrong-password");
}

/* A discoverable credential says itself whose it is. */
static lg_err
by_passkey(struct sts_rq *rq, struct login *l)
{
	lg_str amr;
	bool old;
	lg_err e;

	LG_TRY(open_form(rq, l, &old));
	if (old)
		return sts_login_page(rq, &l->in.az, l->in.request, 403, "problem.old-page");
	e = sts_passkey_answer(rq, sts_cookie_of(rq, "login"), l->passkey, &l->in.subject, &amr);
	if (e == LG_OK)
		return sts_signin_step(rq, &l->in, amr);
	/* What is no passkey of anybody here is answered and not recorded: anybody can send it, as often as they like. */
	if (!lg_uuid_is_nil(l->in.subject.id))
		sts_signin_refused(rq->cx, rq->sts, rq->tenant_id, &l->in.subject, lg_str_of(rq->cx->error));
	return show_again(rq, l, e, "problem.passkey");
}

static lg_err
post(struct lg_sts *sts, struct lg_http *ex, lg_err (*run)(struct sts_rq *, struct login *))
{
	LG_AUTO(login_free) struct login l = { .in = { .az = { .max_age = -1 } } };
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(sts, ex, &rq));
	e = run(rq, &l);
	return e == LG_OK ? LG_OK : sts_authorize_refuse(rq, &l.in.az, l.in.redirectable, e);
}

lg_err
sts_http_login_post(void *self, struct lg_http *ex)
{
	return post(self, ex, by_password);
}

lg_err
sts_http_login_passkey(void *self, struct lg_http *ex)
{
	return post(self, ex, by_passkey);
}
