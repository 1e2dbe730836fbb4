/*
 * signin.c: what follows when a method of signing in has succeeded: a further step if one is needed, the session, then whatever the
 * person came for.
 *
 * A method (password, second factor, passkey, another provider) only proves who somebody is and says how; it knows nothing of
 * sessions, clients and codes.  How well somebody has to be known follows from three things: the request (acr), policy (which
 * permits the token at a level and not below), and whether the person has a second factor at all: then it is asked for.
 */
#include "sts/consent.h"
#include "sts/factor.h"

#include "base/text.h"

/* A page of ours that wants somebody signed in, instead of an application's request; it becomes a Location. */
static bool
is_page(lg_str request)
{
	static const lg_str pages[] = { LG_STR("/device"), LG_STR("/account") };
	bool found = false;

	for (size_t i = 0; i < LG_COUNT(pages); i++)
		found |= lg_str_starts(request, pages[i]);
	for (size_t i = 0; i < request.n; i++)
		found &= request.p[i] > 0x20 && request.p[i] < 0x7f;
	return found;
}

lg_err
sts_signin_post(struct lg_sts *sts, struct lg_http *ex, sts_signin_run *run)
{
	struct sts_signin si = { .az = { .max_age = -1 } };
	struct sts_rq *rq;
	lg_err e;

	LG_TRY(sts_rq_new(sts, ex, &rq));
	e = run(rq, &si);
	return e == LG_OK ? LG_OK : sts_authorize_refuse(rq, &si.az, si.redirectable, e);
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

lg_err
sts_signin_read(struct sts_rq *rq, struct sts_signin *si, lg_uuid id)
{
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, id, false, &si->subject);
	if (e == LG_OK)
		sts_subject_keep(rq->cx->arena, &si->subject);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !si->subject.enabled))
		return lg_fail(rq->cx, LG_E_EXPIRED, "the account is gone or disabled");
	return e;
}

/* ---- is it enough? ------------------------------------------------------------------------------------------------------- */

/* Would policy permit the token to somebody known as they are, or were they known better?  *level: how well; that before when it never does. */
static lg_err
level_of_policy(struct sts_rq *rq, const struct sts_signin *si, struct sts_issue *is, int *level, bool *permit)
{
	int have = *level;

	is->how = (struct sts_signed_in){ sts_acr_of(si->amr), si->amr };
	LG_TRY(sts_issue_permitted(rq, is, permit));
	for (size_t i = (size_t)have; !*permit && i < LG_STS_LEVELS; i++) {
		is->how = (struct sts_signed_in){ lg_sts_levels[i].acr, lg_sts_levels[i].amr };
		LG_TRY(sts_issue_permitted(rq, is, permit));
		if (*permit)
			*level = sts_acr_level(is->how.acr);
	}
	return LG_OK;
}

/* What policy wants beyond what there is: a level, a sign-in of now (*anew), or both; nothing when it never permits, which is refused later. */
static lg_err
policy_wants(struct sts_rq *rq, const struct sts_signin *si, int *level, bool *anew)
{
	struct sts_issue *is = LG_NEW(rq->cx->arena, struct sts_issue);
	bool permit = false;

	*anew = false;
	if (si->az.redirect.n == 0)
		return LG_OK;
	*is = (struct sts_issue){ .subject = si->subject, .scope = si->az.scope, .naudience = si->az.naudience, .auth_time = si->auth_time };
	memcpy(is->audience, si->az.audience, sizeof is->audience);
	LG_TRY(level_of_policy(rq, si, is, level, &permit));
	if (permit)
		return LG_OK;
	is->auth_time = rq->cx->now;
	return level_of_policy(rq, si, is, level, anew);
}

static int
larger(int a, int b)
{
	return a > b ? a : b;
}

static lg_err
judge(struct sts_rq *rq, const struct sts_signin *si, enum sts_signin_lack *ret)
{
	struct sts_factor_set *set = LG_NEW(rq->cx->arena, struct sts_factor_set);
	int have = sts_acr_level(sts_acr_of(si->amr)), want = have, mfa = sts_acr_level(LG_STR(STS_ACR_MFA));
	bool anew;

	LG_TRY(sts_factor_set_of(rq->cx, rq->view, rq->tenant_id, si->subject.id, set));
	LG_TRY(policy_wants(rq, si, &want, &anew));
	want = larger(want, larger(sts_acr_least(si->az.acr_values), sts_acr_least(si->az.acr_essential)));
	if (sts_factor_set_second(set))
		want = larger(want, mfa);
	if (anew)
		*ret = STS_SIGNIN_OLD;
	else if (have >= want)
		*ret = STS_SIGNIN_COMPLETE;
	else if (want <= mfa)
		*ret = sts_factor_set_second(set) ? STS_SIGNIN_STEP : STS_SIGNIN_NO_FACTOR;
	else
		*ret = set->passkeys > 0 ? STS_SIGNIN_STEP : STS_SIGNIN_NO_PASSKEY;
	return LG_OK;
}

lg_err
sts_signin_lacks(struct sts_rq *rq, const struct sts_signin *si, enum sts_signin_lack *ret)
{
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = judge(rq, si, ret);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

lg_str
sts_request_path(struct sts_rq *rq, lg_str request)
{
	for (size_t i = 0; i < request.n; i++)
		if (request.p[i] <= 0x20 || request.p[i] >= 0x7f)
			return LG_STR("/account");
	if (request.n == 0)
		return LG_STR("/account");
	return is_page(request) ? request : lg_cat(rq->cx->arena, LG_STR("/oauth2/authorize?"), request);
}

/* ---- the session ----------------------------------------------------------------------------------------------------------- */

/* The session of this browser, if it is this person's; otherwise a new one. */
static void
find_session(struct sts_rq *rq, const struct sts_signin *si, struct sts_session *ret)
{
	lg_err e = sts_session_read(rq, ret);

	if (e == LG_OK && lg_uuid_eq(ret->subject, si->subject.id))
		return;
	*ret = (struct sts_session){
		.id = lg_uuid_new(), .subject = si->subject.id, .began = rq->cx->now,
		.address = lg_str_of(rq->ex->peer->address),
		.agent = lg_str_sub(rq->ex->header(rq->ex, "User-Agent"), 0, STS_AGENT_MAX),
	};
}

lg_err
sts_to_page(struct sts_rq *rq, lg_str path)
{
	rq->ex->status = 303;
	lg_http_header(rq->ex, "Location", lg_cat(rq->cx->arena, sts_base_path(rq), path));
	sts_no_store(rq->ex);
	return LG_OK;
}

static lg_err
go_on(struct sts_rq *rq, struct sts_signin *si, const struct sts_session *s, lg_str cookie)
{
	if (si->request.n == 0 || is_page(si->request))
		LG_TRY(sts_session_begin(rq, s));
	if (si->request.n == 0)
		return sts_message(rq, 200, "signed-in", LG_NONE);
	if (is_page(si->request))
		return sts_to_page(rq, si->request);
	if (!sts_authorize_satisfied(rq, &si->az, s, true))
		return sts_refuse(rq, STS_LOGIN_REQUIRED, "another account is signed in than the request wants");
	return sts_consent_or_grant(rq, si, s, cookie, true);
}

static lg_str
enrol_path(struct sts_rq *rq, enum sts_signin_lack lack, lg_str request)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);

	lg_buf_str(&b, lack == STS_SIGNIN_NO_PASSKEY ? LG_STR("/account/passkey?then=") : LG_STR("/account/totp?then="));
	lg_buf_percent(&b, request);
	return lg_dup(rq->cx->arena, lg_buf_view(&b));
}

lg_err
sts_signin_more(struct sts_rq *rq, const struct sts_signin *si, enum sts_signin_lack lack)
{
	if (lack == STS_SIGNIN_OLD)
		return sts_login_page(rq, &si->az, si->request, 200, NULL);
	if (lack == STS_SIGNIN_STEP)
		return sts_step_page(rq, si, 200, NULL);
	return sts_to_page(rq, enrol_path(rq, lack, si->request));
}

/* Whoever has nothing for the step that is wanted sets it up first, and then comes back with the request. */
static lg_err
finish(struct sts_rq *rq, struct sts_signin *si, enum sts_signin_lack lack)
{
	struct sts_session s;
	lg_str cookie;

	find_session(rq, si, &s);
	s.auth_time = si->auth_time;
	s.how = (struct sts_signed_in){ sts_acr_of(si->amr), si->amr };
	s.expires = rq->cx->now + LG_STS_SESSION_LIFE * LG_SECOND;
	/* A new cookie at every step: one that was planted before is worth nothing afterwards. */
	cookie = sts_session_cookie(rq, &s);
	if (lack == STS_SIGNIN_COMPLETE) {
		LG_TRY(go_on(rq, si, &s, cookie));
	} else {
		LG_TRY(sts_session_begin(rq, &s));
		LG_TRY(sts_signin_more(rq, si, lack));
	}
	sts_cookie_set(rq, "session", cookie, LG_STS_SESSION_LIFE);
	return sts_browser_remember(rq, si->subject.id);
}

lg_err
sts_signin_step(struct sts_rq *rq, struct sts_signin *si, lg_str amr)
{
	enum sts_signin_lack lack;

	si->amr = sts_amr_join(rq->cx->arena, si->amr, amr);
	if (si->auth_time == 0)
		si->auth_time = rq->cx->now;
	LG_TRY(sts_signin_lacks(rq, si, &lack));
	/* Between the steps the first one may have become too old. */
	return lack == STS_SIGNIN_STEP || lack == STS_SIGNIN_OLD ? sts_signin_more(rq, si, lack) : finish(rq, si, lack);
}
