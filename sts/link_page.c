/*
 * link_page.c: GET and POST /login/forgot: somebody wants a link to set a new password; /login/link: whoever has one sets it.
 *
 * Whether there is an account of that name is not told, neither by what is answered nor by how long it takes: the name goes into the
 * outbox as it is.  A link that is only looked at, by a mail scanner for instance, is not spent.
 */
#include "sts/mail.h"

#define TOKEN_MAX	128

/* ---- asking ------------------------------------------------------------------------------------------------------------------ */

lg_err
sts_forgot_offered(struct sts_rq *rq, bool *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct sts_mail_settings s;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &v));
	LG_TRY(sts_mail_settings(rq->cx, v, rq->tenant_id, &s));
	lg_view_end(&v);
	lg_store_turn(rq->sts->store);
	*ret = s.enabled && s.self_service;
	return LG_OK;
}

/* The cookie of the sign-in page, which its forms are bound to. */
static lg_str
cookie_of(struct sts_rq *rq)
{
	lg_str cookie = sts_cookie_of(rq, "login");

	if (cookie.n == 0)
		cookie = lg_token_new(rq->cx->arena);
	sts_cookie_set(rq, "login", cookie, LG_STS_SESSION_LIFE);
	return cookie;
}

static lg_err
forgot_page(struct sts_rq *rq, int status, const char *problem)
{
	lg_str csrf;

	LG_TRY(sts_csrf_make(rq, cookie_of(rq), LG_STR("forgot"), &csrf));
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = csrf }, { .name = "problem", .value = sts_text(rq, problem) },
	};
	if (status == 429)
		lg_http_header(rq->ex, "Retry-After", LG_STR("600"));
	return sts_page(rq, status, "forgot", slots, LG_COUNT(slots), LG_NONE);
}

struct asking {
	struct sts_rq *rq;
	lg_str name;
};

static lg_err
ask_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct asking *as = arg;
	const struct sts_mail m = { .tenant = as->rq->tenant_id, .due = lg_view_time(v), .id = lg_uuid_new(), .kind = STS_MAIL_ASKED,
		.text = as->name, .address = sts_address_host(cx->actor->address), .language = sts_language(as->rq), .since = lg_view_time(v) };

	lg_audit(v, LG_NONE, LG_NONE);
	return sts_mail_put(cx, v, &m);
}

static lg_err
ask(struct sts_rq *rq)
{
	struct asking as = { rq, lg_str_trim(lg_form_get(&rq->form, "username")) };
	lg_err e;

	if (as.name.n == 0 || as.name.n > STS_LOGIN_MAX || !sts_origin_ok(rq)
	    || !sts_csrf_ok(rq, sts_cookie_of(rq, "login"), LG_STR("forgot"), lg_form_get(&rq->form, "csrf")))
		return forgot_page(rq, 403, "problem.old-page");
	e = sts_throttle_link(rq->cx, rq->sts->throttle, rq->tenant_id, lg_str_of(rq->ex->peer->address));
	if (e == LG_OK)
		e = lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "password.ask", ask_run, &as, NULL);
	if (e == LG_E_LIMIT)
		return forgot_page(rq, 429, "problem.too-many-links");
	LG_TRY(e);
	return sts_message(rq, 200, "link-asked", LG_NONE);
}

static lg_err
forgot(struct sts_rq *rq)
{
	bool offered;

	LG_TRY(sts_forgot_offered(rq, &offered));
	if (!offered)
		return sts_message(rq, 404, "no-links", LG_NONE);
	if (!lg_str_eq(rq->ex->method, LG_STR("POST")))
		return forgot_page(rq, 200, NULL);
	LG_TRY(sts_rq_form(rq));
	return ask(rq);
}

lg_err
sts_http_forgot(void *self, struct lg_http *ex)
{
	return sts_page_run(self, ex, forgot);
}

/* ---- using ------------------------------------------------------------------------------------------------------------------ */

struct using {
	struct sts_rq *rq;
	lg_str token;
	struct sts_link link;
	struct lg_sts_subject subject;
};

static lg_err
open_link(struct using *u)
{
	struct sts_rq *rq = u->rq;
	lg_err e = LG_E_EXPIRED;

	if (u->token.n > TOKEN_MAX)
		return e;
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_link_open(rq->cx, rq->sts, rq->view, rq->tenant_id, u->token, &u->link, &u->subject);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

static lg_err
link_page(struct using *u, int status, lg_str problem)
{
	lg_str csrf;

	LG_TRY(sts_csrf_make(u->rq, cookie_of(u->rq), lg_cat(u->rq->cx->arena, LG_STR("link "), u->token), &csrf));
	const struct sts_password_page page = { .what = "link", .action = "/login/link", .bound_name = "csrf", .bound = csrf,
		.proof_name = "t", .proof = u->token, .subject = &u->subject };
	return sts_password_page(u->rq, &page, status, problem);
}

/* In the change itself: of two that use a link at once, one does. */
static lg_err
spend(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct using *u = arg;

	LG_TRY(sts_link_open(cx, u->rq->sts, v, u->rq->tenant_id, u->token, &u->link, &u->subject));
	/* The address may be another one by now. */
	if (!lg_str_eq_fold(u->link.mail, u->subject.mail))
		u->link.mail = LG_NONE;
	return sts_link_spend(cx, v, u->rq->tenant_id, &u->link);
}

static lg_err
set_password(struct using *u)
{
	struct sts_new_password np = { .subject = &u->subject, .operation = "user.reset-password", .link = true, .run = spend, .arg = u };
	struct sts_rq *rq = u->rq;
	lg_str problem;
	lg_err e;

	sts_act_as(rq->cx, rq->tenant_id, u->subject.id, u->subject.type, u->subject.name);
	e = sts_password_renew(rq, &np, &problem);
	if (e == LG_E_INVALID || e == LG_E_DENIED)
		return link_page(u, 422, problem);
	LG_TRY(e);
	lg_sts_forgive(rq->cx, rq->sts, rq->tenant_id, u->subject.id);
	/* Whoever guesses at the account meanwhile does not keep the new password waiting. */
	LG_TRY(sts_browser_remember(rq, u->subject.id));
	const struct sts_slot slots[] = { { .name = "next", .value = LG_STR("/account") } };
	return sts_page(rq, 200, "password-set", slots, LG_COUNT(slots), LG_NONE);
}

static lg_err
use_link(struct sts_rq *rq)
{
	struct using *u = LG_NEW(rq->cx->arena, struct using);
	bool post = lg_str_eq(rq->ex->method, LG_STR("POST"));
	lg_err e;

	LG_TRY(post ? sts_rq_form(rq) : sts_form_read(rq, rq->ex->query));
	*u = (struct using){ .rq = rq, .token = lg_form_get(&rq->form, "t") };
	e = open_link(u);
	if (e == LG_OK && !post)
		return link_page(u, 200, LG_NONE);
	if (e == LG_OK && (!sts_origin_ok(rq) || !sts_csrf_ok(rq, sts_cookie_of(rq, "login"), lg_cat(rq->cx->arena, LG_STR("link "), u->token),
	    lg_form_get(&rq->form, "csrf"))))
		return link_page(u, 403, sts_text(rq, "problem.old-page"));
	if (e == LG_OK)
		e = set_password(u);
	return e == LG_E_EXPIRED ? sts_message(rq, 410, "link-over", LG_NONE) : e;
}

lg_err
sts_http_link(void *self, struct lg_http *ex)
{
	return sts_page_run(self, ex, use_link);
}
