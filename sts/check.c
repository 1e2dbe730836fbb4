/* check.c: access tokens of ours, judged (RFC 9068 4, RFC 8705 3). */
#include "sts/sts.h"

#include "base/text.h"

lg_str
lg_sts_bearer_of(lg_str authorization)
{
	lg_str scheme, token;

	if (!lg_str_cut(authorization, ' ', &scheme, &token) || !lg_str_eq_fold(scheme, LG_STR("Bearer")))
		return LG_NONE;
	return lg_str_trim(token);
}

/* RFC 9449 7.1: the scheme says whether the token is bound to a key. */
bool
sts_read_scheme(lg_str authorization, lg_str *token, bool *dpop)
{
	lg_str scheme;

	if (!lg_str_cut(authorization, ' ', &scheme, token))
		return false;
	*token = lg_str_trim(*token);
	*dpop = lg_str_eq_fold(scheme, LG_STR("DPoP"));
	return *dpop || lg_str_eq_fold(scheme, LG_STR("Bearer"));
}

bool
sts_token_meant_for(const struct sts_rq *rq, const struct lg_claims *c)
{
	if (lg_str_eq(c->client_id, rq->client.id) || lg_claims_for(c, rq->client.id))
		return true;
	for (size_t i = 0; i < rq->client.naudiences; i++)
		if (lg_claims_for(c, rq->client.audiences[i]))
			return true;
	return false;
}

lg_str
sts_thumbprint(struct lg_arena *a, lg_str cert)
{
	lg_sha256 h = lg_sha256_of(cert);

	return lg_base64url(a, lg_sha256_str(&h));
}

/* RFC 8705 3: what a token is bound to need not be believed by anybody. */
lg_str
sts_peer_cert(const struct lg_peer *peer)
{
	return peer->cert.n > 0 ? peer->cert : peer->shown;
}

lg_err
sts_sender_check(struct lg_ctx *cx, const struct lg_claims *c, lg_str peer_cert, lg_str jkt)
{
	if (c->cnf_jkt.n > 0 && jkt.n == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token wants a DPoP proof");
	/* A token without a key is no DPoP token either: a proof beside it would prove nothing. */
	if (!lg_str_eq(c->cnf_jkt, jkt))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token belongs to another key than was proved");
	if (c->cnf_x5t.n == 0)
		return LG_OK;
	if (peer_cert.n == 0 || !lg_str_eq(sts_thumbprint(cx->arena, peer_cert), c->cnf_x5t))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token belongs to another certificate");
	return LG_OK;
}

static lg_err
check_signature(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_tenant *t, lg_str token,
    struct lg_claims *ret)
{
	lg_sha256 key;
	struct lg_jws jws;

	if (token.n == 0 || token.n > LG_TOKEN_MAX)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "no token, or one longer than allowed");
	key = lg_sha256_of(token);
	if (sts_cache_get(sts, cx, tenant, t->keys_revision, &key, ret))
		return LG_OK;
	LG_TRY(lg_jws_verify(cx, token, t->keys, "at+jwt", &jws));
	if (lg_claims_parse(cx, jws.payload, ret) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "token");
	sts_cache_put(sts, cx, tenant, t->keys_revision, &key, ret);
	return LG_OK;
}

lg_err
sts_token_verify(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_tenant *t, lg_str token,
    struct lg_claims *ret)
{
	LG_TRY(check_signature(cx, sts, tenant, t, token, ret));
	/* The key is this tenant's; the name must be too. */
	if (!lg_str_eq(ret->issuer, t->issuer))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is of another issuer");
	if (ret->jti.n == 0 || ret->jti.n > LG_REVOKED_ID_MAX || ret->sid.n > LG_REVOKED_ID_MAX || ret->issued == 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token has no usable jti or iat");
	return lg_claims_check_time(cx, ret);
}

void
sts_subject_keep(struct lg_arena *a, struct lg_sts_subject *s)
{
	lg_str *groups = LG_NEWS(a, lg_str, s->ngroups);

	s->type = lg_dup(a, s->type);
	s->name = lg_dup(a, s->name);
	s->display = lg_dup(a, s->display);
	s->mail = lg_dup(a, s->mail);
	for (size_t i = 0; i < s->ngroups; i++)
		groups[i] = lg_dup(a, s->groups[i]);
	s->groups = groups;
}

static lg_err
find_subject(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_str sub,
    struct lg_sts_subject *ret)
{
	lg_uuid id;
	lg_err e;

	if (!lg_uuid_parse(sub, &id))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token's subject is none of ours");
	e = sts->ports.subject_by_id(sts->ports.self, cx, v, tenant, id, false, ret);
	if (e == LG_E_NOT_FOUND || (e == LG_OK && !ret->enabled))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token's subject is gone or disabled");
	LG_TRY(e);
	sts_subject_keep(cx->arena, ret);
	return LG_OK;
}

/* A token, and what its bearer proved. */
struct shown {
	lg_str token, peer_cert, jkt;
};

static lg_err
check_token(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, const struct lg_sts_tenant *t,
    const struct shown *s, lg_str audience, struct lg_sts_bearer *ret)
{
	struct lg_sts_bearer b = { .subject = { .enabled = false } };

	LG_TRY(sts_token_verify(cx, sts, tenant, t, s->token, &b.claims));
	if (!lg_claims_for(&b.claims, audience))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is for another audience");
	LG_TRY(sts_sender_check(cx, &b.claims, s->peer_cert, s->jkt));
	if (sts_token_revoked(cx, v, tenant, &b.claims))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is revoked");
	LG_TRY(find_subject(cx, sts, v, tenant, b.claims.subject, &b.subject));
	*ret = b;
	return LG_OK;
}

lg_err
lg_sts_token_check(struct lg_ctx *cx, struct lg_sts *sts, struct lg_view *v, uint32_t tenant, lg_str token, lg_str audience,
    lg_str peer_cert, struct lg_sts_bearer *ret)
{
	struct lg_sts_tenant t;

	LG_TRY(sts->ports.tenant(sts->ports.self, cx, tenant, &t));
	return check_token(cx, sts, v, tenant, &t, &(struct shown){ token, peer_cert, LG_NONE }, audience, ret);
}

lg_err
sts_request_check(struct sts_rq *rq, struct lg_view *v, lg_str token, bool dpop, lg_str audience, struct lg_sts_bearer *ret)
{
	struct shown s = { token, sts_peer_cert(rq->ex->peer), LG_NONE };
	struct sts_proved r = {
		.method = rq->ex->method, .path = rq->ex->path, .proof = rq->ex->header(rq->ex, "DPoP"), .token = token,
	};
	struct lg_claims c;
	bool wants_nonce;

	if (dpop) {
		/* A proof costs a verification and a place among those that were used: who has no token gets neither. */
		LG_TRY(sts_token_verify(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, token, &c));
		r.whose = lg_print(rq->cx->arena, "token %.*s %.*s", LG_FMT(c.client_id), LG_FMT(c.subject));
		lg_err e = sts_dpop_check(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, &r, &s.jkt, &wants_nonce);

		if (e == LG_E_UNAUTHENTICATED)
			rq->error = wants_nonce ? STS_USE_DPOP_NONCE : STS_INVALID_DPOP_PROOF;
		LG_TRY(e);
	}
	return check_token(rq->cx, rq->sts, v, rq->tenant_id, &rq->tenant, &s, audience, ret);
}

lg_err
lg_sts_request_check(struct lg_http *ex, struct lg_sts *sts, struct lg_view *v, lg_str audience, struct lg_sts_bearer *ret)
{
	struct sts_rq *rq;
	lg_str token;
	bool dpop;
	lg_err e;

	if (!sts_read_scheme(ex->header(ex, "Authorization"), &token, &dpop))
		return lg_fail(ex->cx, LG_E_UNAUTHENTICATED, "only Bearer and DPoP tokens are taken here");
	LG_TRY(sts_rq_new(sts, ex, &rq));
	e = sts_request_check(rq, v, token, dpop, audience, ret);
	if (e != LG_OK)
		sts_challenge(rq, e);
	return e;
}
