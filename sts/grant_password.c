/*
 * grant_password.c: the password grant (RFC 6749 4.3), for programs that can do no better: a client has it only where an
 * administrator gave it, and policy sees `grant` (RFC 9700 2.4 is against it).
 *
 * The password is judged on a worker like every other, throttle and lockout included; the request then goes on where it was.
 * There is no session and no refresh token: whoever has the password needs none.
 */
#include "sts/factor.h"

#include "base/pool.h"

struct checking {
	struct lg_note note;
	struct lg_mailbox *reply;
	struct sts_rq *rq;
	struct lg_ctx cx;		/* the worker's */
	struct lg_secret password;
	lg_str username;
	lg_err result;
	struct lg_sts_subject subject;
};

/* ---- on a worker -------------------------------------------------------------------------------------------------- */

static void
resume(struct lg_note *note)
{
	struct checking *ck = (struct checking *)note;
	struct sts_rq *rq = ck->rq;

	sts_subject_keep(rq->cx->arena, &ck->subject);
	lg_secret_free(&ck->password);
	if (sts_rq_again(rq) != LG_PENDING)
		lg_http_done(rq->ex);
}

static void
check(void *arg)
{
	struct checking *ck = arg;
	struct sts_rq *rq = ck->rq;

	ck->result = lg_sts_password_check(&ck->cx, rq->sts, rq->tenant_id, ck->username, &ck->password, rq->ex->peer, &ck->subject);
	lg_store_turn(rq->sts->store);
	lg_mailbox_post(ck->reply, &ck->note);
}

static lg_err
submit(struct sts_rq *rq)
{
	struct checking *ck = LG_NEW(rq->cx->arena, struct checking);

	_Static_assert(offsetof(struct checking, note) == 0, "the note is the front");
	*ck = (struct checking){ .note = { .run = resume }, .reply = rq->sts->ports.mailbox(rq->sts->ports.self), .rq = rq };
	/* The request waits: nobody else touches its arena meanwhile. */
	lg_ctx_init(&ck->cx, rq->cx->arena);
	ck->cx.now = rq->cx->now;
	ck->cx.actor = rq->cx->actor;
	ck->username = lg_form_get(&rq->form, "username");
	ck->password = lg_secret_copy(lg_form_get(&rq->form, "password"));
	rq->grant = ck;
	if (lg_pool_submit(rq->sts->workers, check, ck) == LG_OK)
		return LG_PENDING;
	lg_secret_free(&ck->password);
	return lg_fail(rq->cx, LG_E_BUSY, "too many requests are waiting");
}

/* ---- on the loop ---------------------------------------------------------------------------------------------------- */

/* RFC 6749 5.2: one answer for every wrong pair. */
static lg_err
refuse(struct sts_rq *rq, lg_err e)
{
	switch (e) {
	case LG_E_UNAUTHENTICATED:
		return sts_refuse(rq, STS_INVALID_GRANT, "the user name or the password is wrong");
	case LG_E_EXPIRED:
		return sts_refuse(rq, STS_INVALID_GRANT, "the password must be changed first");
	case LG_E_LIMIT:
		return sts_refuse(rq, STS_INVALID_GRANT, "too many attempts: wait a minute");
	default:
		return e;
	}
}

/* Whoever set up a second factor is not known by a password alone. */
static lg_err
check_factors(struct sts_rq *rq, lg_uuid subject)
{
	struct sts_factor_set *set = LG_NEW(rq->cx->arena, struct sts_factor_set);

	LG_TRY(sts_factor_set_of(rq->cx, rq->view, rq->tenant_id, subject, set));
	if (sts_factor_set_second(set))
		return sts_refuse(rq, STS_INVALID_GRANT, "this account has a second factor, which this grant cannot ask for");
	return LG_OK;
}

static lg_err
issue(struct sts_rq *rq, const struct checking *ck)
{
	struct sts_issue *is = LG_NEW(rq->cx->arena, struct sts_issue);
	lg_str asked = lg_form_get(&rq->form, "scope");

	if (ck->result != LG_OK)
		return refuse(rq, ck->result);
	if (!sts_scope_valid(asked) || sts_scope_has(asked, LG_STR("offline_access")))
		return sts_refuse(rq, STS_INVALID_SCOPE, "scope is malformed, or has offline_access, which this grant does not give");
	is->scope = sts_scope_allowed(rq->cx->arena, &rq->client, asked);
	if (!sts_scope_within(asked, is->scope))
		return sts_refuse(rq, STS_INVALID_SCOPE, "the client may not have this scope");
	LG_TRY(check_factors(rq, ck->subject.id));
	LG_TRY(sts_issue_person(rq, ck->subject.id, is));
	LG_TRY(sts_issue_audience(rq, STS_REACH_USERINFO, is));
	is->auth_time = rq->cx->now;
	is->how = (struct sts_signed_in){ LG_STR(STS_ACR_PASSWORD), LG_STR("pwd") };
	is->id_token = sts_scope_has(is->scope, LG_STR("openid"));
	sts_issue_lifetime(rq, is);
	LG_TRY(sts_issue_decide(rq, is));
	return sts_issue_sign(rq, is);
}

lg_err
sts_grant_password(struct sts_rq *rq)
{
	if (rq->grant != NULL)
		return issue(rq, rq->grant);
	if (lg_form_get(&rq->form, "username").n == 0 || lg_form_get(&rq->form, "password").n == 0)
		return sts_refuse(rq, STS_INVALID_REQUEST, "username or password is missing");
	return submit(rq);
}
