/* svid_issue.c: identities as the service gives them; believed when they are for our key, of the name it says, and lead to a root. */
#include "agent/svid.h"

#include "base/json.h"
#include "base/text.h"
#include "client/api.h"
#include "client/cert.h"

#define REQUEST_MAX	(64u << 10)

/* ---- life ------------------------------------------------------------------------------------------------------- */

static struct lg_svid *
svid_new(void)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_svid *s = LG_NEW(a, struct lg_svid);

	s->arena = a;
	atomic_init(&s->refs, 1);
	return s;
}

struct lg_svid *
lg_svid_ref(struct lg_svid *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
lg_svid_unref(struct lg_svid **svid)
{
	struct lg_svid *s = *svid;

	*svid = NULL;
	if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	struct lg_arena *a = s->arena;		/* wiped: the key is in it */
	lg_arena_free(&a);
}

/* The texts of `from`, or of `now` where that has none. */
static struct lg_svid *
svid_with(const struct lg_svid *from, const struct lg_svid *now)
{
	static const struct lg_svid none = { .arena = NULL };
	struct lg_svid *s = svid_new();
	const struct lg_svid *old = now == NULL ? &none : now, *certified = from->certificate.n > 0 ? from : old,
	    *tokenised = from->token.n > 0 ? from : old;

	s->spiffe_id = lg_dup(s->arena, from->spiffe_id);
	s->roots = lg_dup(s->arena, from->roots);
	s->token_keys = lg_dup(s->arena, from->token_keys);
	s->federated = lg_dup(s->arena, from->federated);
	s->certificate = lg_dup(s->arena, certified->certificate);
	s->chain = lg_dup(s->arena, certified->chain);
	s->key = lg_dup(s->arena, certified->key);
	s->serial = lg_dup(s->arena, certified->serial);
	s->issued = certified->issued;
	s->expires = certified->expires;
	s->token = lg_dup(s->arena, tokenised->token);
	s->token_issued = tokenised->token_issued;
	s->token_expires = tokenised->token_expires;
	return s;
}

/* ---- what is asked, what comes back ---------------------------------------------------------------------------------- */

static void
put_audience(struct lg_jsonw *w, const lg_str *audience, size_t n)
{
	lg_jsonw_name(w, LG_STR("audience"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++)
		lg_jsonw_str(w, audience[i]);
	lg_jsonw_array_end(w);
}

static lg_err
take_token(struct lg_ctx *cx, lg_str answer, struct lg_svid *ret)
{
	ret->token = lg_api_member(cx, answer, "token");
	ret->token_issued = cx->now;
	if (ret->token.n == 0 || !lg_time_parse(lg_api_member(cx, answer, "expires"), &ret->token_expires))
		return lg_fail(cx, LG_E_INVALID, "the service answered without a token");
	return LG_OK;
}

/* ---- certificates -------------------------------------------------------------------------------------------------- */

/* Any of the roots: while one takes over from another, both are believed. */
static lg_err
check(struct lg_ctx *cx, const struct lg_svid *s, const struct lg_pubkey *key, struct lg_cert *ret)
{
	lg_err e = lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate came without a root");
	lg_str root, rest = s->roots;

	while (e != LG_OK && lg_pem_parse(cx->arena, rest, LG_STR("CERTIFICATE"), &root, &rest))
		e = lg_cert_check(cx, s->certificate, s->chain, root, key, ret);
	LG_TRY(e);
	if (ret->not_after <= cx->now)
		return lg_fail(cx, LG_E_EXPIRED, "the certificate's time is over");
	return LG_OK;
}

static lg_err
post(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const char *what, lg_str body, int64_t time, struct lg_svid *ret, lg_str *answer)
{
	struct lg_call call = { .method = "POST", .body = body, .time = time,
		.path = lg_api_path(cx, (const lg_str[]){ LG_STR("v1"), LG_STR("admissions"), container, lg_str_of(what) }, 4) };
	struct lg_reply reply;

	LG_TRY(lg_api_call(cx, up->link, &call, &reply));
	*answer = reply.body;
	ret->spiffe_id = lg_api_member(cx, reply.body, "spiffe_id");
	ret->roots = lg_api_member(cx, reply.body, "roots");
	ret->token_keys = lg_api_raw(cx, reply.body, "token_keys");
	ret->federated = lg_api_raw(cx, reply.body, "federated");
	if (ret->spiffe_id.n == 0 || ret->roots.n == 0 || ret->token_keys.n == 0)
		return lg_fail(cx, LG_E_INVALID, "the service's answer lacks a name, roots or keys");
	return LG_OK;
}

lg_err
lg_svid_certify(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const struct lg_svid *now, int64_t time,
    struct lg_svid **ret)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(REQUEST_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_svid s = { .arena = cx->arena };
	struct lg_cert cert;
	lg_str csr, answer;

	LG_TRY(lg_key_generate(cx, LG_KEY_P256, &key));
	LG_TRY(lg_csr_make(cx, key, &(struct lg_csr_names){ .common_name = LG_NONE }, &csr));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "csr", lg_pem(cx->arena, LG_STR("CERTIFICATE REQUEST"), csr));
	put_audience(&w, &up->id.issuer, 1);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(post(cx, up, container, "certificate", lg_buf_view(&b), time, &s, &answer));
	s.certificate = lg_api_member(cx, answer, "certificate");
	s.chain = lg_api_member(cx, answer, "chain");
	LG_TRY(check(cx, &s, lg_key_public(key), &cert));
	if (!lg_str_eq(cert.uri, s.spiffe_id))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the certificate is not for %.*s", LG_FMT(s.spiffe_id));
	LG_TRY(lg_key_pem(cx, key, &s.key));
	s.serial = lg_hex(cx->arena, cert.serial);
	s.issued = cx->now;
	s.expires = cert.not_after;
	if (lg_api_member(cx, answer, "token").n > 0)
		LG_TRY(take_token(cx, answer, &s));
	*ret = svid_with(&s, now);
	return LG_OK;
}

lg_err
lg_svid_of(struct lg_ctx *cx, lg_str certificate, lg_str key_text, lg_str roots, struct lg_svid **ret)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	struct lg_svid s = { .key = key_text, .roots = roots };
	struct lg_cert cert;
	lg_str der;

	if (!lg_pem_parse(cx->arena, certificate, LG_STR("CERTIFICATE"), &der, &s.chain))
		return lg_fail(cx, LG_E_CORRUPT, "a workload's certificate does not decode");
	s.certificate = lg_pem(cx->arena, LG_STR("CERTIFICATE"), der);
	if (lg_str_starts(s.chain, LG_STR("\n")))
		s.chain = lg_str_sub(s.chain, 1, s.chain.n);
	LG_TRY(lg_key_from_pem(cx, key_text, &key));
	LG_TRY(check(cx, &s, lg_key_public(key), &cert));
	s.spiffe_id = cert.uri;
	s.serial = lg_hex(cx->arena, cert.serial);
	s.issued = cert.not_before;		/* at the earliest: then it is renewed too soon rather than too late */
	s.expires = cert.not_after;
	*ret = svid_with(&s, NULL);
	return LG_OK;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------------- */

static lg_err
ask_token(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const lg_str *audience, size_t n, int64_t time, struct lg_svid *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(REQUEST_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str answer;

	lg_jsonw_object(&w);
	put_audience(&w, audience, n);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	LG_TRY(post(cx, up, container, "token", lg_buf_view(&b), time, ret, &answer));
	return take_token(cx, answer, ret);
}

lg_err
lg_svid_tokenise(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const struct lg_svid *now, int64_t time,
    struct lg_svid **ret)
{
	struct lg_svid s = { .arena = cx->arena };

	LG_TRY(ask_token(cx, up, container, &up->id.issuer, 1, time, &s));
	*ret = svid_with(&s, now);
	return LG_OK;
}

lg_err
lg_svid_token(struct lg_ctx *cx, struct lg_upstream *up, lg_str container, const lg_str *audience, size_t n, int64_t time, lg_str *ret)
{
	struct lg_svid s = { .arena = cx->arena };

	LG_TRY(ask_token(cx, up, container, audience, n, time, &s));
	*ret = s.token;
	return LG_OK;
}
