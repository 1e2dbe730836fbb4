/* upstream_token.c: what another provider says of somebody: the code redeemed, the ID token judged, userinfo where it has to be asked. */
#include "sts/upstream.h"

#include "base/text.h"

#define ANSWER_MAX	(64u << 10)
#define GROUPS_MAX	256		/* of one person's that are looked at */

struct redeeming {
	struct sts_rq *rq;
	const struct sts_source *s;
	const struct sts_errand *er;
	struct sts_endpoints ends;
	lg_str id_token, access_token;
	struct lg_claims c;
	lg_str userinfo;		/* JSON; empty: it was not needed, or there is none */
};

static lg_err
bad(struct redeeming *r, const char *why)
{
	return lg_fail(r->rq->cx, LG_E_UNAUTHENTICATED, "provider %.*s: %s", LG_FMT(r->s->name), why);
}

/* ---- the code --------------------------------------------------------------------------------------------------------- */

/* RFC 6749 2.3.1: Basic, form-encoded; a provider that gave no secret gets the client_id in the form. */
static lg_err
authenticate(struct redeeming *r, struct lg_buf *form, lg_str *authorization)
{
	LG_AUTO(lg_secret_free) struct lg_secret secret = { NULL, 0 };
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(8192);
	struct sts_rq *rq = r->rq;

	*authorization = LG_NONE;
	LG_TRY(sts_source_secret(rq->cx, rq->sts, rq->tenant_id, r->s, &secret));
	if (secret.n == 0) {
		lg_form_put(form, LG_STR("client_id"), r->s->client_id);
		return LG_OK;
	}
	lg_buf_percent(&b, r->s->client_id);
	lg_buf_byte(&b, ':');
	lg_buf_percent(&b, (lg_str){ (const char *)secret.p, secret.n });
	*authorization = lg_cat(rq->cx->arena, LG_STR("Basic "), lg_base64(rq->cx->arena, lg_buf_view(&b)));
	return LG_OK;
}

static lg_err
read_answer(struct redeeming *r, lg_str json)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, r->rq->cx->arena, json);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("id_token")))
			r->id_token = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("access_token")))
			r->access_token = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	if (lg_json_end(r->rq->cx, &js) != LG_OK || r->id_token.n == 0)
		return bad(r, "its answer has no ID token");
	return LG_OK;
}

static lg_err
redeem(struct redeeming *r, lg_str code)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf form = LG_BUF(16384);
	const struct lg_web *web = &r->rq->sts->outside;
	struct lg_web_request q = { .url = r->ends.token, .ca = r->s->ca, .type = LG_STR("application/x-www-form-urlencoded"), .max = ANSWER_MAX };
	struct lg_web_reply a;

	lg_form_put(&form, LG_STR("grant_type"), LG_STR("authorization_code"));
	lg_form_put(&form, LG_STR("code"), code);
	lg_form_put(&form, LG_STR("redirect_uri"), sts_upstream_redirect(r->rq));
	lg_form_put(&form, LG_STR("code_verifier"), r->er->verifier);
	LG_TRY(authenticate(r, &form, &q.authorization));
	LG_TRY(lg_buf_status(r->rq->cx, &form));
	q.body = lg_buf_view(&form);
	LG_TRY(web->ask(web->self, r->rq->cx, &q, &a));
	return a.status == 200 ? read_answer(r, a.body) : bad(r, "it does not redeem its code");
}

/* ---- the ID token (OpenID Connect Core 3.1.3.7) ---------------------------------------------------------------------------- */

static lg_err
keys_for(struct redeeming *r, struct lg_keyset **ret)
{
	struct sts_rq *rq = r->rq;
	lg_str kid = sts_token_kid(rq->cx->arena, r->id_token);
	lg_err e = sts_foreign_keys(rq->cx, rq->sts, r->s, kid, ret);

	if (e != LG_PENDING)
		return e;
	LG_TRY(sts_foreign_fetch(rq->cx, rq->sts, r->s, kid));
	e = sts_foreign_keys(rq->cx, rq->sts, r->s, kid, ret);
	return e == LG_PENDING ? lg_fail(rq->cx, LG_E_UNAVAILABLE, "the provider's keys cannot be had") : e;
}

static const char *
fault_of(struct redeeming *r)
{
	const struct lg_claims *c = &r->c;
	lg_str nonce = LG_NONE, azp = LG_NONE;

	if (!lg_str_eq(c->issuer, r->s->issuer))
		return "its ID token is of another issuer";
	if (c->subject.n == 0 || c->subject.n > 255)
		return "its ID token is about nobody";
	if (!lg_claims_for(c, r->s->client_id))
		return "its ID token is for somebody else";
	if (c->naudience > 1 && (!sts_claim_at(r->rq->cx->arena, c->payload, LG_STR("azp"), &azp) || !lg_str_eq(azp, r->s->client_id)))
		return "its ID token is for several, and was not asked for here";
	if (c->issued == 0)
		return "its ID token does not say when it was made";
	if (!sts_claim_at(r->rq->cx->arena, c->payload, LG_STR("nonce"), &nonce) || !lg_str_eq(nonce, r->er->nonce))
		return "its ID token answers another sign-in";
	return NULL;
}

static lg_err
check_id_token(struct redeeming *r)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *keys = NULL;
	struct lg_ctx *cx = r->rq->cx;
	const char *fault;
	struct lg_jws jws;

	LG_TRY(keys_for(r, &keys));
	if (lg_jws_verify(cx, r->id_token, keys, "JWT", &jws) != LG_OK || lg_claims_parse(cx, jws.payload, &r->c) != LG_OK
	    || lg_claims_check_time(cx, &r->c) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "ID token");
	fault = fault_of(r);
	return fault == NULL ? LG_OK : bad(r, fault);
}

/* ---- who it is ---------------------------------------------------------------------------------------------------------------- */

/* 5.3.2: it must be about the same person. */
static lg_err
ask_userinfo(struct redeeming *r)
{
	const struct lg_web *web = &r->rq->sts->outside;
	struct lg_web_request q = { .url = r->ends.userinfo, .ca = r->s->ca, .max = ANSWER_MAX };
	struct lg_web_reply a;
	lg_str sub;

	if (r->ends.userinfo.n == 0 || r->access_token.n == 0)
		return LG_OK;
	q.authorization = lg_cat(r->rq->cx->arena, LG_STR("Bearer "), r->access_token);
	LG_TRY(web->ask(web->self, r->rq->cx, &q, &a));
	if (a.status != 200)
		return bad(r, "it does not tell who its person is");
	if (!sts_claim_at(r->rq->cx->arena, a.body, LG_STR("sub"), &sub) || !lg_str_eq(sub, r->c.subject))
		return bad(r, "its userinfo is about another person");
	r->userinfo = a.body;
	return LG_OK;
}

static lg_str
claim(const struct redeeming *r, lg_str name)
{
	lg_str v = LG_NONE;

	if (!sts_claim_at(r->rq->cx->arena, r->c.payload, name, &v) && r->userinfo.n > 0)
		(void)sts_claim_at(r->rq->cx->arena, r->userinfo, name, &v);
	return v.n <= STS_VALUE ? v : LG_NONE;
}

/* The items of an array of strings that is a member of the object. */
static size_t
array_of(struct lg_arena *a, lg_str object, lg_str want, lg_str *ret, size_t max)
{
	struct lg_json js;
	lg_str name;
	size_t n = 0;

	lg_json_init(&js, a, object);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (!lg_str_eq(name, want) || lg_json_peek(&js) != LG_JSON_ARRAY) {
			lg_json_skip(&js);
			continue;
		}
		lg_json_array(&js);
		while (lg_json_item(&js)) {
			lg_str one = lg_json_peek(&js) == LG_JSON_STRING ? lg_json_str(&js) : (lg_json_skip(&js), LG_NONE);

			if (one.n > 0 && n < max)
				ret[n++] = one;
		}
	}
	return js.fault == NULL ? n : 0;
}

/* Does the ID token lack anything that userinfo may have? */
static bool
incomplete(const struct redeeming *r)
{
	lg_str one;

	return claim(r, r->s->name_claim).n == 0 || claim(r, LG_STR("email")).n == 0
	    || (r->s->ngroups > 0 && array_of(r->rq->cx->arena, r->c.payload, r->s->groups_claim, &one, 1) == 0);
}

static void
read_groups(const struct redeeming *r, struct lg_sts_person *p)
{
	struct lg_arena *a = r->rq->cx->arena;
	lg_str *theirs = LG_NEWS(a, lg_str, GROUPS_MAX), *ours = LG_NEWS(a, lg_str, STS_SOURCE_GROUPS), *all = LG_NEWS(a, lg_str, STS_SOURCE_GROUPS);
	size_t n = array_of(a, r->c.payload, r->s->groups_claim, theirs, GROUPS_MAX);

	if (n == 0 && r->userinfo.n > 0)
		n = array_of(a, r->userinfo, r->s->groups_claim, theirs, GROUPS_MAX);
	for (size_t g = 0; g < r->s->ngroups; g++) {
		all[g] = r->s->group[g].value;
		for (size_t i = 0; i < n; i++)
			if (lg_str_eq(theirs[i], r->s->group[g].name)) {
				ours[p->ngroups++] = all[g];
				break;
			}
	}
	p->groups = ours;
	p->managed = all;
	p->nmanaged = r->s->ngroups;
}

static bool
domain_wanted(const struct sts_source *s, lg_str mail)
{
	lg_str user, domain;

	if (s->domains.n == 0)
		return true;
	if (!lg_str_cut(mail, '@', &user, &domain) || memchr(domain.p, '@', domain.n) != NULL)
		return false;
	for (size_t i = 0; i < s->domains.n; i++)
		if (lg_str_eq_fold(domain, s->domains.v[i]))
			return true;
	return false;
}

static lg_err
read_person(struct redeeming *r, struct lg_sts_person *ret)
{
	*ret = (struct lg_sts_person){ .source = r->s->name, .create = r->s->create, .link = r->s->link, .id = r->c.subject,
		.name = claim(r, r->s->name_claim), .display = claim(r, LG_STR("name")), .mail = claim(r, LG_STR("email")) };
	ret->mail_verified = ret->mail.n > 0 && lg_str_eq(claim(r, LG_STR("email_verified")), LG_STR("true"));
	if (ret->name.n == 0)
		ret->name = ret->mail;
	if (r->s->domains.n > 0 && (!ret->mail_verified || !domain_wanted(r->s, ret->mail)))
		return lg_fail(r->rq->cx, LG_E_DENIED, "provider %.*s: nobody of a domain that is wanted", LG_FMT(r->s->name));
	read_groups(r, ret);
	return LG_OK;
}

/* The methods that it names, as RFC 8176 does; without any, its word. */
static lg_str
methods_of(struct redeeming *r)
{
	static const lg_str known[] = { LG_STR("pwd"), LG_STR("otp"), LG_STR("hwk"), LG_STR("swk"), LG_STR("mfa"), LG_STR("pin"), LG_STR("fpt") };
	lg_str theirs[8], out = LG_STR("fed");
	size_t n = array_of(r->rq->cx->arena, r->c.payload, LG_STR("amr"), theirs, LG_COUNT(theirs));

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; r->s->trust_amr && k < LG_COUNT(known); k++)
			if (lg_str_eq(theirs[i], known[k]))
				out = lg_print(r->rq->cx->arena, "%.*s %.*s", LG_FMT(out), LG_FMT(theirs[i]));
	return out;
}

lg_err
sts_upstream_redeem(struct sts_rq *rq, const struct sts_source *s, const struct sts_errand *er, lg_str code,
    struct lg_sts_person *ret, lg_str *amr)
{
	struct redeeming *r = LG_NEW(rq->cx->arena, struct redeeming);

	*r = (struct redeeming){ .rq = rq, .s = s, .er = er };
	if (sts_foreign_endpoints(rq->cx, rq->sts, s, &r->ends) != LG_OK) {
		LG_TRY(sts_foreign_fetch(rq->cx, rq->sts, s, LG_NONE));
		LG_TRY(sts_foreign_endpoints(rq->cx, rq->sts, s, &r->ends));
	}
	LG_TRY(redeem(r, code));
	LG_TRY(check_id_token(r));
	if (incomplete(r))
		LG_TRY(ask_userinfo(r));
	*amr = methods_of(r);
	return read_person(r, ret);
}
