/* account_open.c: who may see an account page, and who has to sign in (again) first. */
#include "sts/account.h"

#include "base/text.h"

#define PATH_MAX_OCTETS	(64u << 10)

static lg_err
read_account(struct sts_account *ac)
{
	struct sts_rq *rq = ac->rq;
	struct lg_sts_ports *p = &rq->sts->ports;
	lg_str verifier;

	LG_TRY(sts_session_of(rq, &ac->session));
	LG_TRY(p->subject_by_id(p->self, rq->cx, rq->view, rq->tenant_id, ac->session.subject, false, &ac->subject));
	if (!ac->subject.enabled)
		return lg_fail(rq->cx, LG_E_NOT_FOUND, "the account is disabled");
	sts_subject_keep(rq->cx->arena, &ac->subject);
	ac->password = p->verifier(p->self, rq->cx, rq->view, rq->tenant_id, ac->subject.id, &verifier) == LG_OK;
	return sts_factor_set_of(rq->cx, rq->view, rq->tenant_id, ac->subject.id, &ac->set);
}

static bool
is_proven(const struct sts_account *ac)
{
	int want = sts_acr_level(sts_factor_set_second(&ac->set) ? LG_STR(STS_ACR_MFA) : LG_STR(STS_ACR_PASSWORD));

	return sts_acr_level(ac->session.how.acr) >= want && ac->rq->cx->now - ac->session.auth_time <= STS_ACCOUNT_FRESH;
}

/* Back to the page, once somebody has signed in. */
static lg_err
sign_in_first(struct sts_account *ac, const char *path, const char *problem)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PATH_MAX_OCTETS);
	struct sts_authorize none = { .max_age = -1, .login_hint = ac->subject.name };

	lg_buf_str(&b, lg_str_of(path));
	if (ac->then.n > 0) {
		lg_buf_str(&b, LG_STR("?then="));
		lg_buf_percent(&b, ac->then);
	}
	LG_TRY(lg_buf_status(ac->rq->cx, &b));
	return sts_login_page(ac->rq, &none, lg_dup(ac->rq->cx->arena, lg_buf_view(&b)), 200, problem);
}

static lg_err
open_account(struct sts_account *ac, const char *path, enum sts_account_need need, lg_err (*run)(struct sts_account *))
{
	struct sts_rq *rq = ac->rq;
	lg_err e;

	if (lg_str_eq(rq->ex->method, LG_STR("POST")))
		LG_TRY(sts_rq_form(rq));
	else
		LG_TRY(sts_form_read(rq, rq->ex->query));
	ac->then = lg_form_get(&rq->form, "then");
	LG_TRY(lg_view_begin(rq->cx, rq->sts->store, &rq->view));
	e = read_account(ac);
	lg_view_end(&rq->view);
	lg_store_turn(rq->sts->store);
	if (e == LG_E_NOT_FOUND)
		return sign_in_first(ac, path, NULL);
	LG_TRY(e);
	sts_act_as(rq->cx, rq->tenant_id, ac->subject.id, ac->subject.type, ac->subject.name);
	if (need == STS_ACCOUNT_PROVEN && !is_proven(ac))
		return sign_in_first(ac, path, "problem.prove-yourself");
	ac->cookie = sts_cookie_of(rq, "session");
	LG_TRY(sts_csrf_make(rq, ac->cookie, LG_STR("account"), &ac->csrf));
	return run(ac);
}

lg_err
sts_account_run(struct lg_sts *sts, struct lg_http *ex, const char *path, enum sts_account_need need,
    lg_err (*run)(struct sts_account *))
{
	struct sts_account *ac = LG_NEW(ex->cx->arena, struct sts_account);
	lg_err e;

	LG_TRY(sts_rq_new(sts, ex, &ac->rq));
	e = open_account(ac, path, need, run);
	return e == LG_OK ? LG_OK : sts_refused_page(ac->rq, e);
}

bool
sts_account_form_ok(struct sts_account *ac)
{
	return sts_origin_ok(ac->rq) && sts_csrf_ok(ac->rq, ac->cookie, LG_STR("account"), lg_form_get(&ac->rq->form, "csrf"));
}

lg_err
sts_account_go_on(struct sts_account *ac)
{
	return sts_to_page(ac->rq, sts_request_path(ac->rq, ac->then));
}
