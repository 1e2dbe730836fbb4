/*
 * step.c: the second step of signing in: the page that asks for it, its form, and what is carried from one step to the next.
 *
 * Nothing is stored between steps.  Who it was and what was proved travels through the page, sealed for this browser's cookie and this
 * request, for a few minutes.
 */
#include "sts/factor.h"
#include "sts/webauthn.h"

#include "base/text.h"

#define STEP_LIFE	(10 * LG_MINUTE)
#define STEP_MAX	1024

/* ---- from one step to the next ----------------------------------------------------------------------------------------- */

static lg_str
bound_to(struct sts_rq *rq, const char *what, lg_str cookie, lg_str request)
{
	lg_sha256 h = lg_sha256_pair(cookie, request);
	lg_str hex = lg_hex(rq->cx->arena, lg_sha256_str(&h));

	return lg_print(rq->cx->arena, "%s/%u/%.*s", what, rq->tenant_id, LG_FMT(hex));
}

lg_err
sts_step_seal(struct sts_rq *rq, const struct sts_signin *si, const char *what, lg_str cookie, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(STEP_MAX);
	const struct lg_secret *key;
	lg_str sealed;

	lg_buf_uuid(&b, si->subject.id);
	lg_buf_u64(&b, (uint64_t)si->auth_time);
	lg_buf_u64(&b, (uint64_t)(rq->cx->now + STEP_LIFE));
	lg_buf_str32(&b, si->amr);
	LG_TRY(lg_buf_status(rq->cx, &b));
	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	LG_TRY(lg_seal(rq->cx, key, bound_to(rq, what, cookie, si->request), lg_buf_view(&b), &sealed));
	*ret = lg_base64url(rq->cx->arena, sealed);
	return LG_OK;
}

static lg_err
step_open(struct sts_rq *rq, const char *what, lg_str cookie, lg_str text, struct sts_signin *si)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	const struct lg_secret *key;
	lg_str sealed;

	if (cookie.n == 0 || text.n > 2 * STEP_MAX || !lg_base64url_parse(rq->cx->arena, text, &sealed))
		return lg_fail(rq->cx, LG_E_EXPIRED, "no step came before this one");
	LG_TRY(rq->sts->signer.data_key(rq->sts->signer.self, rq->cx, rq->tenant_id, &key));
	if (lg_unseal(rq->cx, key, bound_to(rq, what, cookie, si->request), sealed, &plain) != LG_OK)
		return lg_fail(rq->cx, LG_E_EXPIRED, "the step before belongs to another page");
	struct lg_rd rd = lg_rd_of((lg_str){ (const char *)plain.p, plain.n });
	lg_uuid subject = lg_rd_uuid(&rd);
	si->auth_time = (int64_t)lg_rd_u64(&rd);
	int64_t until = (int64_t)lg_rd_u64(&rd);
	si->amr = lg_dup(rq->cx->arena, lg_rd_str32(&rd));
	if (!lg_rd_done(&rd) || until <= rq->cx->now)
		return lg_fail(rq->cx, LG_E_EXPIRED, "the step before is too long ago");
	return sts_signin_read(rq, si, subject);
}

/* ---- the page ------------------------------------------------------------------------------------------------------------ */

lg_err
sts_step_page(struct sts_rq *rq, const struct sts_signin *si, int status, const char *problem)
{
	struct sts_factor_set *set = LG_NEW(rq->cx->arena, struct sts_factor_set);
	lg_str cookie = sts_cookie_of(rq, "login"), step, passkey = LG_NONE;
	lg_str to = si->az.redirect.n > 0 ? sts_redirect_origin(si->az.redirect) : LG_NONE;
	bool code = !sts_scope_has(si->amr, LG_STR("otp"));	/* another code would prove nothing more */
	lg_err e;

	if (cookie.n == 0)
		cookie = lg_token_new(rq->cx->arena);
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_factor_set_of(rq->cx, rq->view, rq->tenant_id, si->subject.id, set);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	LG_TRY(e);
	LG_TRY(sts_step_seal(rq, si, "step", cookie, &step));
	if (set->passkeys > 0)
		LG_TRY(sts_passkey_ask(rq, cookie, set, &passkey));
	const struct sts_slot slots[] = {
		{ .name = "problem", .value = sts_text(rq, problem) },
		{ .name = "name", .value = si->subject.display.n > 0 ? si->subject.display : si->subject.name },
		{ .name = "request", .value = si->request },
		{ .name = "step", .value = step },
		{ .name = "app", .value = code && set->totp ? LG_STR("1") : LG_NONE },
		{ .name = "recovery", .value = code && set->codes > 0 ? LG_STR("1") : LG_NONE },
		{ .name = "code", .value = code && (set->totp || set->codes > 0) ? LG_STR("1") : LG_NONE },
		{ .name = "passkey", .value = passkey },
		{ .name = "script", .value = passkey.n > 0 ? LG_STR("1") : LG_NONE },
	};
	sts_cookie_set(rq, "login", cookie, LG_STS_SESSION_LIFE);
	if (status == 429)
		lg_http_header(rq->ex, "Retry-After", LG_STR("60"));
	return sts_page(rq, status, "step", slots, LG_COUNT(slots), to);
}

/* ---- its form ------------------------------------------------------------------------------------------------------------ */

static lg_err
prove(struct sts_rq *rq, struct sts_signin *si, lg_str cookie, lg_str *amr)
{
	struct sts_attempt from = { .tenant = rq->tenant_id, .address = lg_str_of(rq->ex->peer->address) };
	struct sts_browser browser = sts_browser_of(rq);
	lg_str answer = lg_form_get(&rq->form, "passkey");

	if (answer.n > 0)
		return sts_passkey_answer(rq, cookie, answer, &si->subject, amr);
	*amr = LG_STR("otp");
	if (lg_uuid_eq(browser.subject, si->subject.id))
		from.device = browser.id;
	return sts_code_check(rq->cx, rq->sts, &from, si->subject.id, lg_form_get(&rq->form, "code"));
}

lg_err
sts_step_form(struct sts_rq *rq, struct sts_signin *si, const char *what, bool *old)
{
	lg_str step;
	lg_err e;

	LG_TRY(sts_rq_form(rq));
	si->request = lg_form_get(&rq->form, "request");
	step = lg_form_get(&rq->form, "step");
	struct lg_form form = rq->form;
	rq->resumed = true;
	LG_TRY(sts_signin_open(rq, si));
	rq->form = form;		/* the step's own, no longer the request's */
	e = sts_origin_ok(rq) ? step_open(rq, what, sts_cookie_of(rq, "login"), step, si) : LG_E_EXPIRED;
	*old = e == LG_E_EXPIRED;
	if (e == LG_OK)
		sts_act_as(rq->cx, rq->tenant_id, si->subject.id, si->subject.type, si->subject.name);
	return *old ? LG_OK : e;
}

static lg_err
run(struct sts_rq *rq, struct sts_signin *si)
{
	lg_str amr;
	bool old;
	lg_err e;

	LG_TRY(sts_step_form(rq, si, "step", &old));
	if (old)
		return sts_login_page(rq, &si->az, si->request, 403, "problem.old-page");
	e = prove(rq, si, sts_cookie_of(rq, "login"), &amr);
	if (e == LG_OK)
		return sts_signin_step(rq, si, amr);
	if (e == LG_E_UNAUTHENTICATED) {
		sts_signin_refused(rq->cx, rq->sts, rq->tenant_id, &si->subject, lg_str_of(rq->cx->error));
		return sts_step_page(rq, si, 422, "problem.wrong-code");
	}
	return e == LG_E_LIMIT ? sts_step_page(rq, si, 429, "problem.too-many") : e;
}

lg_err
sts_http_login_step(void *self, struct lg_http *ex)
{
	return sts_signin_post(self, ex, run);
}
