/*
 * signin.c: what follows when a method of signing in has succeeded: the session, then whatever the person came for.
 *
 * A method (password, second factor, passkey, another provider) only proves who somebody is and says how; it knows nothing of
 * sessions, clients and codes.
 */
#include "sts/sts.h"

#include "base/text.h"

/* A page of ours that wants somebody signed in, instead of an application's request. */
static bool
is_page(lg_str request)
{
	return lg_str_starts(request, LG_STR("/device"));
}

lg_err
sts_signin_open(struct sts_rq *rq, struct sts_signin *si)
{
	lg_err e;

	if (si->request.n == 0 || is_page(si->request))
		return LG_OK;
	LG_TRY(sts_request_prepare(rq, &si->request));
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_authorize_parse(rq, si->request, &si->az, &si->redirectable);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

/* The session of this browser, if it is this person's; otherwise a new one. */
static void
find_session(struct sts_rq *rq, const struct sts_signin *si, struct sts_session *ret)
{
	lg_err e = lg_view_begin(rq->cx, rq->sts->store, &rq->view);

	if (e == LG_OK)
		e = sts_session_of(rq, ret);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	if (e == LG_OK && lg_uuid_eq(ret->subject, si->subject.id))
		return;
	*ret = (struct sts_session){
		.id = lg_uuid_new(), .subject = si->subject.id, .began = rq->cx->now,
		.address = lg_str_of(rq->ex->peer->address),
		.agent = lg_str_sub(rq->ex->header(rq->ex, "User-Agent"), 0, STS_AGENT_MAX),
	};
}

static lg_err
to_page(struct sts_rq *rq, lg_str path)
{
	rq->ex->status = 303;
	lg_http_header(rq->ex, "Location", lg_cat(rq->cx->arena, sts_base_path(rq), path));
	sts_no_store(rq->ex);
	return LG_OK;
}

static lg_err
go_on(struct sts_rq *rq, struct sts_signin *si, const struct sts_session *s)
{
	if (si->request.n == 0 || is_page(si->request))
		LG_TRY(sts_session_begin(rq, s));
	if (si->request.n == 0)
		return sts_message(rq, 200, "signed-in", LG_NONE);
	if (is_page(si->request))
		return to_page(rq, si->request);
	if (!sts_authorize_satisfied(rq, &si->az, s, true))
		return sts_refuse(rq, STS_LOGIN_REQUIRED, "another account is signed in than the request wants");
	return sts_authorize_grant(rq, &si->az, s, true);
}

lg_err
sts_signin_step(struct sts_rq *rq, struct sts_signin *si, lg_str amr)
{
	struct sts_session s;
	lg_str cookie;

	si->amr = sts_amr_join(rq->cx->arena, si->amr, amr);
	if (si->auth_time == 0)
		si->auth_time = rq->cx->now;
	find_session(rq, si, &s);
	s.auth_time = si->auth_time;
	s.how = (struct sts_signed_in){ sts_acr_of(si->amr), si->amr };
	s.expires = rq->cx->now + LG_STS_SESSION_LIFE * LG_SECOND;
	/* A new cookie at every step: one that was planted before is worth nothing afterwards. */
	cookie = sts_session_cookie(rq, &s);
	LG_TRY(go_on(rq, si, &s));
	sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
	return LG_OK;
}
