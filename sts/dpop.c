/*
 * dpop.c: proofs of possession (RFC 9449): a fresh JWS over method and URL of one request, by the key that it carries.
 *
 * At the token endpoint a proof also carries a nonce of ours (8): one that was made in advance, by somebody who could use
 * the key for a moment, is then worth nothing.  At resources a nonce may be there, and must then be good.
 */
#include "sts/sts.h"

#include "base/text.h"

/* Clocks that differ by 10 s are good; whole seconds and the way take up to two more. */
#define WINDOW		(12 * LG_SECOND)
#define NONCE_STEP	(2 * LG_MINUTE)	/* a nonce is good in its own step, the one before and the one after */
#define NONCE_SIZE	16
#define JTI_MAX		255
#define URL_MAX		2048

struct proof {
	lg_str jti, htm, htu, ath, nonce;
	int64_t issued, not_before, expires;	/* microseconds; 0: absent */
	bool has_ath, has_nonce;
};

static lg_err
bad(struct lg_ctx *cx, const char *why)
{
	return lg_fail(cx, LG_E_UNAUTHENTICATED, "DPoP proof: %s", why);
}

/* ---- the nonce (8) --------------------------------------------------------------------------------------- */

static lg_err
nonce_at(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, int64_t step, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret own = { NULL, 0 };
	const struct lg_secret *key;
	lg_sha256 mac;

	LG_TRY(sts->signer.data_key(sts->signer.self, cx, tenant, &key));
	own = lg_hkdf_sha256(key, LG_NONE, LG_STR("lightgate dpop nonce"), sizeof mac);
	mac = lg_hmac_sha256(&own, lg_print(cx->arena, "%u %lld", tenant, (long long)step));
	*ret = lg_base64url(cx->arena, (lg_str){ (const char *)mac.b, NONCE_SIZE });
	return LG_OK;
}

lg_err
sts_dpop_nonce(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str *ret)
{
	return nonce_at(cx, sts, tenant, cx->now / NONCE_STEP, ret);
}

static bool
nonce_good(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str given)
{
	lg_str want;

	for (int64_t i = -1; i <= 1; i++)
		if (nonce_at(cx, sts, tenant, cx->now / NONCE_STEP + i, &want) == LG_OK && want.n == given.n
		    && lg_equal_bytes(want.p, given.p, given.n))
			return true;
	return false;
}

/* ---- what the proof says (4.2) ----------------------------------------------------------------------------- */

static int64_t
read_time(struct lg_json *js)
{
	double v = lg_json_double(js);

	if (!(v > 0) || v > 253402300799.0)
		lg_json_fault(js, "a date out of range");
	return js->fault != NULL ? 0 : (int64_t)(v * (double)LG_SECOND);
}

static void
read_claim(struct lg_json *js, lg_str name, struct proof *p)
{
	const struct {
		lg_str name;
		lg_str *text;
		int64_t *time;
		bool *has;
	} known[] = {
		{ LG_STR("jti"), &p->jti, NULL, NULL }, { LG_STR("htm"), &p->htm, NULL, NULL },
		{ LG_STR("htu"), &p->htu, NULL, NULL }, { LG_STR("ath"), &p->ath, NULL, &p->has_ath },
		{ LG_STR("nonce"), &p->nonce, NULL, &p->has_nonce }, { LG_STR("iat"), NULL, &p->issued, NULL },
		{ LG_STR("nbf"), NULL, &p->not_before, NULL }, { LG_STR("exp"), NULL, &p->expires, NULL },
	};

	for (size_t i = 0; i < LG_COUNT(known); i++) {
		if (!lg_str_eq(name, known[i].name))
			continue;
		if (known[i].has != NULL)
			*known[i].has = true;
		if (known[i].text != NULL)
			*known[i].text = lg_json_str(js);
		else
			*known[i].time = read_time(js);
		return;
	}
	lg_json_skip(js);
}

static lg_err
parse(struct lg_ctx *cx, lg_str payload, struct proof *p)
{
	struct lg_json js;
	lg_str name;

	*p = (struct proof){ .issued = 0 };
	lg_json_init(&js, cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		read_claim(&js, name, p);
	return lg_json_end(cx, &js) == LG_OK ? LG_OK : bad(cx, "its claims do not parse");
}

/* ---- the URL (4.3, check 9): RFC 3986 6.2.2 and 6.2.3, without query and fragment ---------------------------- */

struct url {
	lg_str scheme, authority, path;
};

static bool
split_url(struct lg_arena *a, lg_str s, struct url *u)
{
	lg_str rest, port;
	size_t n = 0;

	if (s.n > URL_MAX || !lg_str_cut(s, ':', &u->scheme, &rest) || !lg_str_starts(rest, LG_STR("//")))
		return false;
	rest = lg_str_sub(rest, 2, rest.n);
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
		n++;
	u->authority = lg_str_sub(rest, 0, n);
	port = lg_str_eq_fold(u->scheme, LG_STR("https")) ? LG_STR(":443") : LG_STR(":80");
	if (lg_str_ends(u->authority, port))
		u->authority.n -= port.n;
	rest = lg_str_sub(rest, n, rest.n);
	for (n = 0; n < rest.n && rest.p[n] != '?' && rest.p[n] != '#';)
		n++;
	rest = n == 0 ? LG_STR("/") : lg_str_sub(rest, 0, n);
	return u->authority.n > 0 && lg_percent_parse(a, rest, false, &u->path);
}

static bool
same_url(struct lg_arena *a, lg_str base, lg_str path, const struct url *given)
{
	struct url own;

	/* The path of the request was decoded already: it stands beside the base, not in it. */
	if (base.n == 0 || !split_url(a, base, &own))
		return false;
	if (lg_str_eq(own.path, LG_STR("/")))
		own.path = LG_NONE;
	return lg_str_eq_fold(own.scheme, given->scheme) && lg_str_eq_fold(own.authority, given->authority)
	    && lg_str_eq(lg_cat(a, own.path, path), given->path);
}

/* ---- all checks (4.3) ---------------------------------------------------------------------------------------- */

static lg_err
check_key(struct lg_ctx *cx, const struct lg_jws *jws)
{
	static const enum lg_alg good[] = { LG_ALG_ES256, LG_ALG_EDDSA, LG_ALG_PS256, LG_ALG_ES384 };

	for (size_t i = 0; i < LG_COUNT(good); i++)
		if (jws->alg == good[i])
			return LG_OK;
	return bad(cx, "its algorithm is not one that is taken here");
}

static lg_err
check_time(struct lg_ctx *cx, struct lg_sts *sts, const struct proof *p)
{
	if (p->issued == 0)
		return bad(cx, "iat is missing");
	if (p->issued < cx->now - WINDOW || p->issued > cx->now + WINDOW || p->not_before > cx->now + WINDOW
	    || (p->expires != 0 && p->expires < cx->now - WINDOW))
		return bad(cx, "it is not fresh");
	if (p->issued + LG_SECOND <= sts_replay_started(sts->proofs))
		return bad(cx, "it was made before the service started");
	return LG_OK;
}

static lg_err
check_request(struct lg_ctx *cx, const struct lg_sts_tenant *t, const struct sts_proved *r, const struct proof *p)
{
	struct url u;

	if (!lg_str_eq(p->htm, r->method))
		return bad(cx, "htm is not the method of the request");
	if (!split_url(cx->arena, p->htu, &u)
	    || (!same_url(cx->arena, t->issuer, r->path, &u) && !same_url(cx->arena, t->mtls, r->path, &u)))
		return bad(cx, "htu is not the URL of the request");
	return LG_OK;
}

static lg_err
check_token(struct lg_ctx *cx, const struct sts_proved *r, const struct proof *p)
{
	lg_sha256 h = lg_sha256_of(r->token);

	if (r->token.n > 0 && (!p->has_ath || !lg_str_eq(p->ath, lg_base64url(cx->arena, lg_sha256_str(&h)))))
		return bad(cx, "ath is not the hash of the token");
	return LG_OK;
}

static lg_err
check_nonce(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct sts_proved *r, const struct proof *p,
    bool *wants_nonce)
{
	*wants_nonce = p->has_nonce ? !nonce_good(cx, sts, tenant, p->nonce) : r->token.n == 0;
	return *wants_nonce ? bad(cx, "it has to carry the nonce of DPoP-Nonce") : LG_OK;
}

static lg_err
use_once(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, lg_str whose, lg_str jkt, const struct proof *p)
{
	lg_err e;

	if (p->jti.n == 0 || p->jti.n > JTI_MAX)
		return bad(cx, "it has no usable jti");
	e = sts_replay_use(cx, sts->proofs, tenant, whose, lg_print(cx->arena, "%u %.*s %.*s", tenant, LG_FMT(jkt), LG_FMT(p->jti)),
	    p->issued + WINDOW + LG_SECOND);
	return e == LG_E_EXISTS ? bad(cx, "it was used before") : e;
}

lg_err
sts_dpop_check(struct lg_ctx *cx, struct lg_sts *sts, uint32_t tenant, const struct lg_sts_tenant *t,
    const struct sts_proved *r, lg_str *jkt, bool *wants_nonce)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	lg_sha256 thumbprint;
	struct lg_jws jws;
	struct proof p;

	*wants_nonce = false;
	if (r->proof.n == 0)
		return bad(cx, "there is none");
	if (lg_jws_verify_embedded(cx, r->proof, "dpop+jwt", &jws, &key) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "DPoP proof");
	LG_TRY(check_key(cx, &jws));
	LG_TRY(parse(cx, jws.payload, &p));
	LG_TRY(check_request(cx, t, r, &p));
	LG_TRY(check_time(cx, sts, &p));
	LG_TRY(check_token(cx, r, &p));
	LG_TRY(check_nonce(cx, sts, tenant, r, &p, wants_nonce));
	thumbprint = lg_pubkey_thumbprint(key);
	*jkt = lg_base64url(cx->arena, lg_sha256_str(&thumbprint));
	return use_once(cx, sts, tenant, r->whose, *jkt, &p);
}

lg_err
sts_dpop_of(struct sts_rq *rq)
{
	struct sts_proved r = { .method = rq->ex->method, .path = rq->ex->path, .proof = rq->ex->header(rq->ex, "DPoP") };
	bool wants_nonce;
	lg_err e;

	if (r.proof.n == 0)
		return LG_OK;
	r.whose = sts_share_whose(rq);
	e = sts_dpop_check(rq->cx, rq->sts, rq->tenant_id, &rq->tenant, &r, &rq->jkt, &wants_nonce);
	if (e == LG_E_UNAUTHENTICATED)
		rq->error = wants_nonce ? STS_USE_DPOP_NONCE : STS_INVALID_DPOP_PROOF;
	return e;
}
