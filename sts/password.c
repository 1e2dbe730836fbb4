/* password.c: a person's name and password, on a worker; and the token for POST /v1/login. */
#include "sts/factor.h"
#include "sts/source.h"

#define LOGIN_CLIENT	"lightgate"	/* client_id of tokens that were not made for a client */
#define EXTRA_MAX	2048

struct account {
	bool known;
	struct lg_sts_subject subject;
	lg_str verifier;		/* empty: nobody, disabled, or without a password */
};

static lg_err
find_account(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username, struct account *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_sts_ports *p = &sts->ports;
	lg_err e;

	LG_TRY(lg_view_begin(cx, sts->store, &v));
	e = p->subject_by_login(p->self, cx, v, tenant, username, &ret->subject);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	/* What is kept must not point into a snapshot that ends with the hash. */
	sts_subject_keep(cx->arena, &ret->subject);
	if (!ret->subject.enabled)
		return LG_OK;
	e = p->verifier(p->self, cx, v, tenant, ret->subject.id, &ret->verifier);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	ret->verifier = lg_dup(cx->arena, ret->verifier);
	ret->known = true;
	return LG_OK;
}

/* Also when the password was wrong: the policy counts. */
static lg_err
settle(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct account *a, lg_str address, const struct lg_secret *password,
    bool match, bool upgrade)
{
	const struct lg_sts_ports *p = &sts->ports;

	if (p->password_settle != NULL)
		return p->password_settle(p->self, cx, tenant, a->subject.id, address, a->verifier, password, match, upgrade);
	return match ? LG_OK : lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong user name or password");
}

lg_err
sts_password_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username, const struct lg_secret *password,
    const struct sts_browser *browser, const struct lg_peer *peer, struct lg_sts_subject *ret)
{
	struct sts_attempt at = { .tenant = tenant, .address = lg_str_of(peer->address), .account = username };
	char id[LG_UUID_TEXT + 1];
	struct account a = { .known = false };
	bool match = false, upgrade = false;
	lg_err e;

	if (username.n == 0 || username.n > STS_LOGIN_MAX || password->n == 0 || password->n > LG_PASSWORD_MAX)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "wrong user name or password");
	sts_came_from(cx, tenant, peer);
	LG_TRY(find_account(cx, sts, tenant, username, &a));
	lg_store_turn(sts->store);
	/* An entry is one account, however its name is written. */
	lg_uuid_text(a.subject.id, id);
	if (!lg_uuid_is_nil(a.subject.id)) {
		at.account = lg_str_of(id);
		if (lg_uuid_eq(browser->subject, a.subject.id))
			at.device = browser->id;
	}
	LG_TRY(sts_throttle_enter(cx, sts->throttle, &at));
	/* An empty verifier costs the same and never matches. */
	LG_TRY(sts->hasher.verify_wait(sts->hasher.self, cx, a.verifier, password, &match, &upgrade));
	/* A password that is kept here is the only one; where none is, another directory may know it. */
	if (a.known)
		e = settle(cx, sts, tenant, &a, at.address, password, match, upgrade);
	else
		e = sts_source_password(cx, sts, tenant, username, password, &a.subject);
	if (e != LG_OK && e != LG_E_EXPIRED) {
		sts_signin_refused(cx, sts, tenant, &a.subject, lg_str_of(cx->error));
		return e;
	}
	sts_throttle_good(cx, sts->throttle, &at);
	sts_act_as(cx, tenant, a.subject.id, a.subject.type, a.subject.name);
	*ret = a.subject;
	return e;
}

lg_err
lg_sts_password_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username, const struct lg_secret *password,
    const struct lg_peer *peer, struct lg_sts_subject *ret)
{
	return sts_password_check(cx, sts, tenant, username, password, &(struct sts_browser){ .id = { { 0 } } }, peer, ret);
}

/* ---- POST /v1/login -------------------------------------------------------------------------------------- */

static lg_err
decide(struct sts_rq *rq, struct sts_issue *is)
{
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	sts_issue_time(rq, is);
	e = sts_issue_audience(rq, STS_REACH_APIS, is);
	if (e == LG_OK)
		e = sts_issue_decide(rq, is);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	return e;
}

static lg_err
sign(struct sts_rq *rq, const struct sts_issue *is, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf extra = LG_BUF(EXTRA_MAX);
	struct lg_jsonw w = lg_jsonw_of(&extra);
	char sub[LG_UUID_TEXT + 1];

	lg_jsonw_str_of(&w, "client_id", LG_STR(LOGIN_CLIENT));
	lg_jsonw_str_of(&w, "sub_type", is->subject.type);
	lg_jsonw_int_of(&w, "auth_time", is->auth_time / LG_SECOND);
	sts_acr_write(&w, &is->how);
	LG_TRY(lg_buf_status(rq->cx, &extra));
	struct lg_token_request tr = {
		.tenant = rq->tenant_id, .purpose = LG_PURPOSE_TOKEN, .typ = LG_STR("at+jwt"), .naudience = is->naudience,
		.issued = is->issued, .life = is->life,
		.extra = lg_buf_view(&extra),
	};

	lg_uuid_text(is->subject.id, sub);
	tr.subject = lg_str_of(sub);
	memcpy(tr.audience, is->audience, is->naudience * sizeof is->audience[0]);
	return rq->sts->signer.token_wait(rq->sts->signer.self, rq->cx, &tr, ret);
}

lg_err
lg_sts_signin_question(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, struct lg_question *ret)
{
	struct sts_rq *rq = LG_NEW(cx->arena, struct sts_rq);
	struct sts_issue *is = LG_NEW(cx->arena, struct sts_issue);

	*rq = (struct sts_rq){ .sts = sts, .cx = cx, .tenant_id = tenant, .client = { .id = LG_STR(LOGIN_CLIENT) } };
	LG_TRY(sts->ports.tenant(sts->ports.self, cx, tenant, &rq->tenant));
	LG_TRY(sts_issue_audience(rq, STS_REACH_APIS, is));
	/* Whoever has no second factor can set one up, and anybody can sign in now. */
	is->auth_time = cx->now;
	is->how = (struct sts_signed_in){ LG_STR(STS_ACR_MFA), LG_STR("pwd otp mfa") };
	*ret = (struct lg_question){ .tenant = tenant };
	sts_issue_question(rq, is, ret);
	return LG_OK;
}

/* Whoever has a second factor is asked for it here as on the page. */
static lg_err
second_step(struct sts_rq *rq, const struct lg_sts_subject *subject, lg_str code, const struct lg_peer *peer, struct sts_signed_in *ret)
{
	struct sts_factor_set *set = LG_NEW(rq->cx->arena, struct sts_factor_set);
	lg_str amr = LG_STR("pwd");
	lg_err e;

	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = sts_factor_set_of(rq->cx, rq->view, rq->tenant_id, subject->id, set);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	LG_TRY(e);
	if (sts_factor_set_second(set)) {
		if (code.n == 0)
			return lg_fail(rq->cx, LG_E_DENIED, "a code of the second step is needed too: of the authenticator app, or for recovery");
		e = sts_code_check(rq->cx, rq->sts, &(struct sts_attempt){ .tenant = rq->tenant_id,
		    .address = lg_str_of(peer->address) }, subject->id, code);
		if (e == LG_E_UNAUTHENTICATED)
			sts_signin_refused(rq->cx, rq->sts, rq->tenant_id, subject, lg_str_of(rq->cx->error));
		LG_TRY(e);
		amr = sts_amr_join(rq->cx->arena, amr, LG_STR("otp"));
	}
	*ret = (struct sts_signed_in){ sts_acr_of(amr), amr };
	return LG_OK;
}

lg_err
lg_sts_issue_session_token(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str username,
    const struct lg_secret *password, lg_str code, const struct lg_peer *peer, struct lg_sts_session_token *ret)
{
	struct sts_rq *rq = LG_NEW(cx->arena, struct sts_rq);
	struct sts_issue is = { .life = LG_STS_SESSION_TOKEN_LIFE * LG_SECOND };
	struct lg_sts_session_token out = { .expires_in = LG_STS_SESSION_TOKEN_LIFE };

	*rq = (struct sts_rq){ .sts = sts, .cx = cx, .tenant_id = tenant, .client = { .id = LG_STR(LOGIN_CLIENT) } };
	LG_TRY(sts->ports.tenant(sts->ports.self, cx, tenant, &rq->tenant));
	rq->tenant.issuer = lg_dup(cx->arena, rq->tenant.issuer);
	LG_TRY(lg_sts_password_check(cx, sts, tenant, username, password, peer, &is.subject));
	is.auth_time = cx->now;
	LG_TRY(second_step(rq, &is.subject, code, peer, &is.how));
	LG_TRY(decide(rq, &is));
	LG_TRY(sign(rq, &is, &out.token));
	out.subject = is.subject;
	*ret = out;
	return LG_OK;
}
