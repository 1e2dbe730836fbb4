/*
 * device_page.c: GET and POST /device (RFC 8628 3.3): a signed-in person types the code that a device shows, sees who asks for
 * what, and allows or refuses it.  Guessing codes is throttled, by person and by address.
 */
#include "sts/consent.h"

static lg_str
path_of(struct sts_rq *rq, lg_str code)
{
	return code.n == 0 ? LG_STR("/device")
	    : lg_print(rq->cx->arena, "/device?user_code=%.*s", LG_FMT(sts_user_code_show(rq->cx->arena, code)));
}

static lg_err
ask_code(struct sts_rq *rq, int status, lg_str code, const char *problem)
{
	lg_str csrf;

	LG_TRY(sts_csrf_make(rq, sts_cookie_of(rq, "session"), LG_STR("device"), &csrf));
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = csrf }, { .name = "problem", .value = sts_text(rq, problem) },
		{ .name = "code", .value = code.n == 0 ? LG_NONE : sts_user_code_show(rq->cx->arena, code) },
	};
	if (status == 429)
		lg_http_header(rq->ex, "Retry-After", LG_STR("60"));
	return sts_page(rq, status, "device", slots, LG_COUNT(slots), LG_NONE);
}

/* What the form of the second page is bound to: this code and no other. */
static lg_str
bound(struct sts_rq *rq, lg_str code)
{
	return lg_cat(rq->cx->arena, LG_STR("device "), code);
}

static lg_err
ask_consent(struct sts_rq *rq, lg_str code, const struct sts_device *d, lg_str client)
{
	lg_str csrf;

	LG_TRY(sts_csrf_make(rq, sts_cookie_of(rq, "session"), bound(rq, code), &csrf));
	const struct sts_slot slots[] = {
		{ .name = "csrf", .value = csrf }, { .name = "code", .value = sts_user_code_show(rq->cx->arena, code) },
		{ .name = "client", .value = client }, { .name = "scope", .value = sts_meanings(rq, d->code.scope) },
	};
	return sts_page(rq, 200, "confirm", slots, LG_COUNT(slots), LG_NONE);
}

/* ---- the two forms ------------------------------------------------------------------------------------------------------- */

/* client: as people read of the one that the device runs. */
static bool
find(struct sts_rq *rq, lg_str code, struct sts_device *d, lg_str *client)
{
	bool found;

	if (code.n == 0 || lg_view_begin(rq->cx, rq->sts->store, &rq->view) != LG_OK)
		return false;
	found = sts_device_get(rq->cx, rq->view, rq->tenant_id, code, d) == LG_OK && d->state == STS_DEVICE_WAITING
	    && d->code.expires > rq->cx->now;
	if (found)
		*client = sts_client_called_by_id(rq, d->code.client);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return found;
}

static lg_err
look_up(struct sts_rq *rq, const struct sts_session *s, lg_str code)
{
	struct sts_attempt at = { .tenant = rq->tenant_id, .address = lg_str_of(rq->ex->peer->address) };
	struct sts_browser browser = sts_browser_of(rq);
	struct sts_device d;
	char subject[LG_UUID_TEXT + 1];
	lg_str client;

	lg_uuid_text(s->subject, subject);
	at.account = lg_cat(rq->cx->arena, LG_STR("device "), lg_str_of(subject));
	if (lg_uuid_eq(browser.subject, s->subject))
		at.device = browser.id;
	if (sts_throttle_enter(rq->cx, rq->sts->throttle, &at) != LG_OK)
		return ask_code(rq, 429, LG_NONE, "problem.too-many");
	if (!find(rq, code, &d, &client))
		return ask_code(rq, 422, LG_NONE, "problem.no-device");
	sts_throttle_good(rq->cx, rq->sts->throttle, &at);
	return ask_consent(rq, code, &d, client);
}

struct answering {
	struct sts_rq *rq;
	lg_str code;
	const struct sts_session *session;
	bool allow, late;
};

static lg_err
answer_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct answering *an = arg;
	struct sts_device d;
	lg_err e = sts_device_get(cx, v, an->rq->tenant_id, an->code, &d);

	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	an->late = e != LG_OK || d.state != STS_DEVICE_WAITING || d.code.expires <= cx->now;
	if (an->late)
		return LG_OK;
	d.state = an->allow ? STS_DEVICE_ALLOWED : STS_DEVICE_REFUSED;
	d.code.subject = an->session->subject;
	d.code.session = an->session->id;
	d.code.auth_time = an->session->auth_time;
	d.code.how = an->session->how;
	sts_audit_person(cx, an->rq->sts, v, an->rq->tenant_id, an->session->subject, LG_NONE);
	return sts_device_put(cx, v, an->rq->tenant_id, an->code, &d);
}

static lg_err
answer(struct sts_rq *rq, const struct sts_session *s, lg_str code, bool allow)
{
	struct answering an = { .rq = rq, .code = code, .session = s, .allow = allow };

	LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "device.answer", answer_run, &an, NULL));
	if (an.late)
		return sts_message(rq, 410, "device-late", LG_NONE);
	if (!allow)
		return sts_message(rq, 200, "device-refused", LG_NONE);
	return sts_message(rq, 200, "device-connected", LG_NONE);
}

static lg_err
post(struct sts_rq *rq, const struct sts_session *s, lg_str code)
{
	lg_str said = lg_form_get(&rq->form, "answer"), csrf = lg_form_get(&rq->form, "csrf");
	lg_str what = said.n == 0 ? LG_STR("device") : bound(rq, code);

	if (!sts_origin_ok(rq) || !sts_csrf_ok(rq, sts_cookie_of(rq, "session"), what, csrf))
		return ask_code(rq, 403, code, "problem.old-page");
	return said.n == 0 ? look_up(rq, s, code) : answer(rq, s, code, lg_str_eq(said, LG_STR("allow")));
}

static lg_err
run(struct sts_rq *rq)
{
	struct sts_authorize none = { .max_age = -1 };
	bool posted = lg_str_eq(rq->ex->method, LG_STR("POST"));
	struct sts_session s;
	lg_str code;
	lg_err e;

	if (posted)
		LG_TRY(sts_rq_form(rq));
	else
		LG_TRY(sts_form_read(rq, rq->ex->query));
	code = sts_user_code_read(rq->cx->arena, lg_form_get(&rq->form, "user_code"));
	e = sts_session_read(rq, &s);
	if (e != LG_OK)
		return sts_login_page(rq, &none, path_of(rq, code), 200, NULL);
	return posted ? post(rq, &s, code) : ask_code(rq, 200, code, NULL);
}

lg_err
sts_http_device(void *self, struct lg_http *ex)
{
	return sts_page_run(self, ex, run);
}
