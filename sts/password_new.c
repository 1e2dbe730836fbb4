/*
 * password_new.c: a person sets a new password of their own: on the account page with the old one, by a link that proves who they are, or
 * at sign-in when the old one has to be changed.  Whatever the way, one function makes and stores it, and what was obtained with the old
 * one ends with it.
 */
#include "sts/account.h"
#include "sts/mail.h"

/* ---- the one way ---------------------------------------------------------------------------------------------------------- */

struct renewal {
	struct sts_rq *rq;
	const struct sts_new_password *np;
	lg_str verifier;
};

static lg_err
renew_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct renewal *r = arg;
	struct lg_sts_ports *p = &r->rq->sts->ports;

	lg_audit(v, sts_subject_called(cx->arena, r->np->subject), LG_NONE);
	if (r->np->run != NULL)
		LG_TRY(r->np->run(cx, v, r->np->arg));
	LG_TRY(p->password_set(p->self, cx, v, r->rq->tenant_id, r->np->subject->id, r->verifier, r->np->link));
	return r->np->after == NULL ? LG_OK : r->np->after(cx, v, r->np->arg);
}

/* A rule's sentence, where the language has it: "rule.<its words in English>". */
static lg_str
rule_text(struct sts_rq *rq, lg_str why)
{
	static const struct {
		const char *begins, *key;
		bool number;
	} rules[] = {
		{ "a password has at least ", "rule.short", true }, { "a password has at most ", "rule.long", true },
		{ "the password holds the account's name", "rule.name", false }, { "the password is in a list", "rule.known", false },
		{ "the password was used before", "rule.used", false }, { "the password was changed a short while", "rule.young", false },
		{ "users do not change their passwords", "rule.never", false }, { "the account is locked", "rule.locked", false },
		{ "the password is kept elsewhere", "rule.elsewhere", false },
	};

	for (size_t i = 0; i < LG_COUNT(rules); i++) {
		lg_str begins = lg_str_of(rules[i].begins), number, rest, text;

		if (!lg_str_starts(why, begins))
			continue;
		(void)lg_str_cut(lg_str_sub(why, begins.n, SIZE_MAX), ' ', &number, &rest);
		const struct sts_slot slot = { .name = "n", .value = rules[i].number ? number : LG_NONE };
		if (sts_plain(rq, sts_text(rq, rules[i].key), &slot, 1, &text) == LG_OK)
			return text;
	}
	return why;
}

lg_err
sts_password_renew(struct sts_rq *rq, const struct sts_new_password *np, lg_str *problem)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(lg_form_get(&rq->form, "password"));
	struct renewal r = { .rq = rq, .np = np };
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_err e = LG_OK;

	if (secret.n == 0 || secret.n > LG_PASSWORD_MAX || !lg_str_eq(lg_form_get(&rq->form, "password"), lg_form_get(&rq->form, "again"))) {
		*problem = sts_text(rq, secret.n > LG_PASSWORD_MAX ? "problem.too-long" : "problem.differ");
		return lg_fail(rq->cx, LG_E_INVALID, "the new password was not typed twice");
	}
	e = p->password_make(p->self, rq->cx, rq->tenant_id, np->subject->id, &secret, &r.verifier);
	if (e == LG_OK)
		e = lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, np->operation, renew_run, &r, NULL);
	if (e == LG_E_INVALID || e == LG_E_DENIED)
		*problem = rule_text(rq, lg_dup(rq->cx->arena, lg_str_of(rq->cx->error)));
	return e;
}

lg_err
sts_password_page(struct sts_rq *rq, const struct sts_password_page *p, int status, lg_str problem)
{
	const struct lg_sts_subject *s = p->subject;
	const struct sts_slot who[] = {
		{ .name = "username", .value = s->name }, { .name = "display", .value = s->display.n > 0 ? s->display : s->name },
	};
	struct lg_sts_ports *ports = &rq->sts->ports;
	lg_str title, text;
	int64_t least;

	LG_TRY(ports->password_least(ports->self, rq->cx, rq->tenant_id, s->id, &least));
	LG_TRY(sts_plain(rq, lg_print(rq->cx->arena, "{{%s.title}}", p->what), who, LG_COUNT(who), &title));
	LG_TRY(sts_plain(rq, lg_print(rq->cx->arena, "{{%s.text}}", p->what), who, LG_COUNT(who), &text));
	const struct sts_slot slots[] = {
		{ .name = "title", .value = title }, { .name = "text", .value = text }, { .name = "problem", .value = problem },
		{ .name = "action", .value = lg_str_of(p->action) }, { .name = "username", .value = s->name },
		{ .name = "bound_name", .value = lg_str_of(p->bound_name) }, { .name = "bound", .value = p->bound },
		{ .name = "proof_name", .value = lg_str_of(p->proof_name) }, { .name = "proof", .value = p->proof },
		{ .name = "old", .value = p->old ? LG_STR("1") : LG_NONE },
		{ .name = "least", .value = least > 1 ? lg_print(rq->cx->arena, "%lld", (long long)least) : LG_NONE },
	};
	return sts_page(rq, status, "new-password", slots, LG_COUNT(slots), p->leave);
}

/* ---- at sign-in -------------------------------------------------------------------------------------------------------------- */

lg_err
sts_change_page(struct sts_rq *rq, const struct sts_signin *si, int status, lg_str problem)
{
	lg_str cookie = sts_cookie_of(rq, "login"), step;

	if (cookie.n == 0)
		cookie = lg_token_new(rq->cx->arena);
	LG_TRY(sts_step_seal(rq, si, "change", cookie, &step));
	sts_cookie_set(rq, "login", cookie, LG_STS_SESSION_LIFE);
	const struct sts_password_page page = { .what = "change", .action = "/login/change", .bound_name = "request", .bound = si->request,
		.proof_name = "step", .proof = step, .subject = &si->subject,
		.leave = si->az.redirect.n > 0 ? sts_redirect_origin(si->az.redirect) : LG_NONE };
	return sts_password_page(rq, &page, status, problem);
}

/* What ended with the old password ended at this time: what follows begins after it. */
static lg_err
begin_after(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_signin *si = arg;

	(void)cx;
	si->auth_time = lg_view_time(v) + 1;
	return LG_OK;
}

static lg_err
change(struct sts_rq *rq, struct sts_signin *si)
{
	struct sts_new_password np = { .subject = &si->subject, .operation = "user.change-password", .after = begin_after, .arg = si };
	lg_str problem;
	bool old;
	lg_err e;

	LG_TRY(sts_step_form(rq, si, "change", &old));
	if (old)
		return sts_login_page(rq, &si->az, si->request, 403, "problem.old-page");
	e = sts_password_renew(rq, &np, &problem);
	if (e == LG_E_INVALID || e == LG_E_DENIED)
		return sts_change_page(rq, si, 422, problem);
	LG_TRY(e);
	if (rq->cx->now < si->auth_time)
		rq->cx->now = si->auth_time;
	return sts_signin_step(rq, si, LG_STR("pwd"));
}

lg_err
sts_http_login_change(void *self, struct lg_http *ex)
{
	return sts_signin_post(self, ex, change);
}

/* ---- on the account page -------------------------------------------------------------------------------------------------------- */

static lg_err
password_page(struct sts_account *ac, int status, lg_str problem)
{
	const struct sts_password_page page = { .what = "password", .action = "/account/password", .bound_name = "csrf", .bound = ac->csrf,
		.proof_name = "then", .proof = ac->then, .subject = &ac->subject, .old = true };

	return sts_password_page(ac->rq, &page, status, problem);
}

/* All sessions have ended with the old password; this one goes on, under a new cookie. */
static lg_err
keep_session(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_account *ac = arg;

	ac->session.auth_time = lg_view_time(v) + 1;
	return sts_session_put(cx, v, ac->rq->tenant_id, &ac->session);
}

static lg_err
check_old(struct sts_account *ac)
{
	LG_AUTO(lg_secret_free) struct lg_secret old = lg_secret_copy(lg_form_get(&ac->rq->form, "old"));
	struct sts_browser browser = sts_browser_of(ac->rq);
	struct lg_sts_subject who;
	lg_err e = sts_password_check(ac->rq->cx, ac->rq->sts, ac->rq->tenant_id, ac->subject.name, &old, &browser, ac->rq->ex->peer, &who);

	if (e != LG_OK && e != LG_E_EXPIRED)
		return e;
	return lg_uuid_eq(who.id, ac->subject.id) ? LG_OK : LG_E_UNAUTHENTICATED;
}

static lg_err
password(struct sts_account *ac)
{
	struct sts_new_password np = { .subject = &ac->subject, .operation = "user.change-password", .after = keep_session, .arg = ac };
	struct sts_rq *rq = ac->rq;
	lg_str problem, cookie;
	lg_err e;

	if (!ac->password)
		return sts_message(rq, 404, "elsewhere", LG_NONE);
	if (!lg_str_eq(rq->ex->method, LG_STR("POST")))
		return password_page(ac, 200, LG_NONE);
	if (!sts_account_form_ok(ac))
		return password_page(ac, 403, sts_text(rq, "problem.old-page"));
	e = check_old(ac);
	if (e == LG_E_UNAUTHENTICATED || e == LG_E_LIMIT)
		return password_page(ac, e == LG_E_LIMIT ? 429 : 422, sts_text(rq, e == LG_E_LIMIT ? "problem.too-many" : "problem.wrong-old"));
	LG_TRY(e);
	/* The old session's row ends in the change: another takes its place. */
	ac->session.id = lg_uuid_new();
	cookie = sts_session_cookie(rq, &ac->session);
	e = sts_password_renew(rq, &np, &problem);
	if (e == LG_E_INVALID || e == LG_E_DENIED)
		return password_page(ac, 422, problem);
	LG_TRY(e);
	sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
	return sts_to_page(rq, LG_STR("/account?done=password"));
}

lg_err
sts_http_account_password(void *self, struct lg_http *ex)
{
	return sts_account_run(self, ex, "/account/password", STS_ACCOUNT_PROVEN, password);
}
