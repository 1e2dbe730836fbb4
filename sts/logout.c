/*
 * logout.c: GET and POST /logout (OpenID Connect RP-Initiated Logout 1.0), on a worker.
 *
 * With an ID token of the session that is to end, it ends at once; without, the person is asked, since anybody can make a
 * link.  One is sent on only to an address that the named client registered.
 */
#include "sts/sts.h"

#include "base/text.h"

#define FRAMES_SECONDS	2		/* that applications' pages get before the browser goes on */

struct logout {
	lg_str query;
	struct lg_sts_client client;
	bool has_client, hinted;
	lg_str to, state;
	lg_uuid hinted_session, hinted_subject;
	struct sts_session session;
	bool has_session;
	lg_str frames[STS_VISITS];	/* pages of applications that the browser has to open */
	size_t nframes;
};

lg_err
sts_hint_verify(struct sts_rq *rq, lg_str token, struct lg_claims *ret)
{
	struct lg_jws jws;

	LG_TRY(lg_jws_verify(rq->cx, token, rq->tenant.keys, "JWT", &jws));
	LG_TRY(lg_claims_parse(rq->cx, jws.payload, ret));
	if (!lg_str_eq(ret->issuer, rq->tenant.issuer) || ret->naudience != 1)
		return lg_fail(rq->cx, LG_E_UNAUTHENTICATED, "the ID token is of another issuer");
	return LG_OK;
}

static lg_err
read_hint(struct sts_rq *rq, struct logout *lo, lg_str *client_id)
{
	lg_str token = lg_form_get(&rq->form, "id_token_hint");
	struct lg_claims c;

	*client_id = lg_form_get(&rq->form, "client_id");
	if (token.n == 0)
		return LG_OK;
	if (sts_hint_verify(rq, token, &c) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "The ID token is not one of ours.");
	if (client_id->n > 0 && !lg_str_eq(*client_id, c.audience[0]))
		return sts_refuse(rq, STS_INVALID_REQUEST, "The ID token was given to another application.");
	*client_id = c.audience[0];
	lo->hinted = lg_uuid_parse(c.sid, &lo->hinted_session) && lg_uuid_parse(c.subject, &lo->hinted_subject);
	return LG_OK;
}

static lg_err
read_target(struct sts_rq *rq, struct logout *lo)
{
	lg_str to = lg_form_get(&rq->form, "post_logout_redirect_uri");

	lo->state = lg_form_get(&rq->form, "state");
	if (to.n == 0)
		return LG_OK;
	if (lo->state.n > STS_STATE_MAX)
		return sts_refuse(rq, STS_INVALID_REQUEST, "The state is too long.");
	for (size_t i = 0; lo->has_client && i < lo->client.nlogouts; i++)
		if (sts_redirect_matches(lo->client.logouts[i], to)) {
			lo->to = to;
			return LG_OK;
		}
	return sts_refuse(rq, STS_INVALID_REQUEST, "The address to return to is not one that the application registered.");
}

/* Front-Channel Logout 1.0 2: with iss and sid for those who need them. */
static lg_err
read_frames(struct sts_rq *rq, struct logout *lo)
{
	lg_str id[STS_VISITS];
	char sid[LG_UUID_TEXT + 1];
	size_t n;

	lg_uuid_text(lo->session.id, sid);
	LG_TRY(sts_visits_list(rq->cx, rq->view, rq->tenant_id, lo->session.id, id, &n));
	for (size_t i = 0; i < n; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8u << 10);
		struct lg_sts_client c;

		if (sts_client_load(rq, id[i], &c) != LG_OK || c.frontchannel.n == 0)
			continue;
		lg_buf_str(&b, c.frontchannel);
		if (c.frontchannel_session) {
			lg_buf_str(&b, memchr(b.p, '?', b.n) == NULL ? LG_STR("?iss=") : LG_STR("&iss="));
			lg_buf_percent(&b, rq->tenant.issuer);
			lg_buf_printf(&b, "&sid=%s", sid);
		}
		LG_TRY(lg_buf_status(rq->cx, &b));
		lo->frames[lo->nframes++] = lg_dup(rq->cx->arena, lg_buf_view(&b));
	}
	return LG_OK;
}

static lg_err
read_request(struct sts_rq *rq, struct logout *lo)
{
	lg_str client_id;

	if (lg_form_parse(rq->cx, lo->query, &rq->form) != LG_OK)
		return sts_refuse(rq, STS_INVALID_REQUEST, "The request is malformed.");
	LG_TRY(read_hint(rq, lo, &client_id));
	lo->has_client = sts_client_load(rq, client_id, &lo->client) == LG_OK;
	LG_TRY(read_target(rq, lo));
	lo->has_session = sts_session_of(rq, &lo->session) == LG_OK;
	/* A form sent by the application brings no cookie of ours; its ID token says which session is meant. */
	if (!lo->has_session && lo->hinted)
		lo->has_session = sts_session_live(rq->cx, rq->view, rq->tenant_id, lo->hinted_session, &lo->session) == LG_OK;
	return lo->has_session ? read_frames(rq, lo) : LG_OK;
}

/* ---- the end of a session ----------------------------------------------------------------------------------- */

static lg_err
end_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_rq *rq = arg;
	struct logout *lo = rq->grant;

	sts_audit_person(cx, rq->sts, v, rq->tenant_id, lo->session.subject, LG_NONE);
	return sts_session_end(cx, v, rq->tenant_id, lo->session.id);
}

/* Where one is sent on to, with the state; empty: nowhere. */
static lg_err
target(struct sts_rq *rq, const struct logout *lo, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16u << 10);

	lg_buf_str(&b, lo->to);
	if (lo->to.n > 0 && lo->state.n > 0) {
		lg_buf_str(&b, memchr(lo->to.p, '?', lo->to.n) == NULL ? LG_STR("?state=") : LG_STR("&state="));
		lg_buf_percent(&b, lo->state);
	}
	LG_TRY(lg_buf_status(rq->cx, &b));
	*ret = lg_dup(rq->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* Front-Channel Logout 1.0: the browser opens each application's page, which forgets its own session; then it goes on. */
static lg_err
show_frames(struct sts_rq *rq, const struct logout *lo, lg_str to)
{
	struct sts_slot *src = LG_NEWS(rq->cx->arena, struct sts_slot, lo->nframes);
	const struct sts_rows rows = { src, 1, lo->nframes };
	const struct sts_slot slots[] = { { .name = "frames", .rows = &rows }, { .name = "to", .value = to } };
	lg_str origins = LG_NONE;

	for (size_t i = 0; i < lo->nframes; i++) {
		src[i] = (struct sts_slot){ .name = "src", .value = lo->frames[i] };
		origins = lg_print(rq->cx->arena, "%.*s %.*s", LG_FMT(origins), LG_FMT(sts_redirect_origin(lo->frames[i])));
	}
	if (to.n > 0)
		lg_http_header(rq->ex, "Refresh", lg_print(rq->cx->arena, "%d; url=%.*s", FRAMES_SECONDS, LG_FMT(to)));
	return sts_page_framing(rq, "frames", slots, LG_COUNT(slots), lg_str_trim(origins));
}

static lg_err
finish(struct sts_rq *rq, struct logout *lo)
{
	lg_str to;

	LG_TRY(target(rq, lo, &to));
	if (lo->has_session) {
		rq->grant = lo;
		LG_TRY(lg_store_apply(rq->cx, rq->sts->store, rq->tenant_id, "session.end", end_run, rq, NULL));
	}
	sts_cookie_set(rq, "session", LG_NONE, 0);
	if (lo->nframes > 0)
		return show_frames(rq, lo, to);
	if (to.n == 0)
		return sts_message(rq, 200, "signed-out", LG_NONE);
	rq->ex->status = 303;
	lg_http_header(rq->ex, "Location", to);
	sts_no_store(rq->ex);
	return LG_OK;
}

static lg_err
ask(struct sts_rq *rq, struct logout *lo)
{
	lg_str csrf;

	LG_TRY(sts_csrf_make(rq, sts_cookie_of(rq, "session"), lo->query, &csrf));
	const struct sts_slot slots[] = {
		{ .name = "request", .value = lo->query }, { .name = "csrf", .value = csrf },
	};
	return sts_page(rq, 200, "logout", slots, LG_COUNT(slots),
	    lo->to.n > 0 ? sts_redirect_origin(lo->to) : LG_NONE);
}

/* Whether the person, or an ID token of this very session, says that it shall end. */
static bool
is_wanted(struct sts_rq *rq, const struct logout *lo, lg_str confirm)
{
	if (!lo->has_session)
		return true;
	if (confirm.n > 0)
		return sts_origin_ok(rq) && sts_csrf_ok(rq, sts_cookie_of(rq, "session"), lo->query, confirm);
	return lo->hinted && lg_uuid_eq(lo->hinted_session, lo->session.id)
	    && lg_uuid_eq(lo->hinted_subject, lo->session.subject);
}

static lg_err
run(struct sts_rq *rq)
{
	struct logout *lo = LG_NEW(rq->cx->arena, struct logout);
	lg_str confirm = LG_NONE;
	lg_err e;

	lo->query = rq->ex->query;
	if (lg_str_eq(rq->ex->method, LG_STR("POST"))) {
		LG_TRY(sts_rq_form(rq));
		confirm = lg_form_get(&rq->form, "csrf");
		lo->query = confirm.n > 0 ? lg_form_get(&rq->form, "request") : rq->ex->body;
	}
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = read_request(rq, lo);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	LG_TRY(e);
	return is_wanted(rq, lo, confirm) ? finish(rq, lo) : ask(rq, lo);
}

lg_err
sts_http_logout(void *self, struct lg_http *ex)
{
	return sts_page_run(self, ex, run);
}
