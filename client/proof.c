/*
 * proof.c: tokens that are bound: to a certificate (RFC 8705 3) or to a key that signs each request (RFC 9449).
 *
 * At a resource the token names the key, the proof carries it, signs the request, and is good once.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "client/handle.h"

#define WINDOW	(12 * LG_SECOND)	/* clocks that differ by 10 s, and the way */
#define JTI_MAX	255

struct proof {
	lg_str jti, method, url, token_hash;
	int64_t issued;			/* microseconds */
};

static lg_err
bad(struct lg_ctx *cx, const char *why)
{
	return lg_fail(cx, LG_E_UNAUTHENTICATED, "DPoP proof: %s", why);
}

static lg_err
read_proof(struct lg_ctx *cx, lg_str payload, struct proof *p)
{
	struct lg_json js;
	lg_str name;

	*p = (struct proof){ .issued = 0 };
	lg_json_init(&js, cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("jti")))
			p->jti = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("htm")))
			p->method = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("htu")))
			p->url = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("ath")))
			p->token_hash = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("iat")))
			p->issued = lg_json_int(&js);
		else
			lg_json_skip(&js);
	}
	if (lg_json_end(cx, &js) != LG_OK || p->issued <= 0 || p->issued > INT64_MAX / LG_SECOND)
		return bad(cx, "its claims do not parse");
	p->issued *= LG_SECOND;
	return LG_OK;
}

/* 4.3, check 9: without query and fragment. */
static lg_str
bare(lg_str url)
{
	size_t n = 0;

	while (n < url.n && url.p[n] != '?' && url.p[n] != '#')
		n++;
	return lg_str_sub(url, 0, n);
}

static lg_err
check_claims(struct lg_ctx *cx, const struct proof *p, const char *token, const struct lightgate_proof *with)
{
	lg_sha256 hash = lg_sha256_of(lg_str_of(token));

	if (p->jti.n == 0 || p->jti.n > JTI_MAX)
		return bad(cx, "it has no usable jti");
	if (!lg_str_eq(p->method, lg_str_of(with->method)))
		return bad(cx, "it is for another method");
	if (!lg_str_eq(bare(p->url), bare(lg_str_of(with->url))))
		return bad(cx, "it is for another URL");
	if (!lg_str_eq(p->token_hash, lg_base64url(cx->arena, lg_sha256_str(&hash))))
		return bad(cx, "it is for another token");
	if (p->issued < cx->now - WINDOW || p->issued > cx->now + WINDOW)
		return bad(cx, "it is too old, or of the future");
	return LG_OK;
}

/* The set is full of proofs that are still good: then no other is taken, since none could be known for new. */
static lg_err
use_once(struct lg_ctx *cx, struct lightgate *lg, const lg_sha256 *thumb, lg_str jti)
{
	lg_sha256 id = lg_sha256_pair(lg_sha256_str(thumb), jti);
	int64_t now = lg_boottime();
	struct lg_proof_seen *room = NULL;
	lg_err e = LG_OK;

	pthread_mutex_lock(&lg->lock);
	if (lg->proofs == NULL && (lg->proofs = calloc(LG_PROOFS, sizeof *lg->proofs)) == NULL)
		abort();
	for (size_t i = 0; i < LG_PROOFS && e == LG_OK; i++) {
		struct lg_proof_seen *s = &lg->proofs[i];
		if (s->until > now && memcmp(&s->id, &id, sizeof id) == 0)
			e = bad(cx, "it was used before");
		if (s->until <= now)
			room = s;
	}
	if (e == LG_OK && room == NULL)
		e = lg_fail(cx, LG_E_BUSY, "more than %d DPoP proofs within %d s", LG_PROOFS, (int)(2 * WINDOW / LG_SECOND));
	if (e == LG_OK)
		*room = (struct lg_proof_seen){ id, now + 2 * WINDOW };
	pthread_mutex_unlock(&lg->lock);
	return e;
}

static lg_err
check_dpop(struct lg_ctx *cx, struct lightgate *lg, const char *token, const struct lg_claims *c, const struct lightgate_proof *with)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	struct lg_jws jws;
	struct proof p;

	if (with->dpop == NULL || with->method == NULL || with->url == NULL)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is bound to a key that was not proved (DPoP)");
	if (lg_jws_verify_embedded(cx, lg_str_of(with->dpop), "dpop+jwt", &jws, &key) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "DPoP proof");
	lg_sha256 thumb = lg_pubkey_thumbprint(key);
	if (!lg_str_eq(c->cnf_jkt, lg_base64url(cx->arena, lg_sha256_str(&thumb))))
		return bad(cx, "the token is bound to another key");
	LG_TRY(read_proof(cx, jws.payload, &p));
	LG_TRY(check_claims(cx, &p, token, with));
	return use_once(cx, lg, &thumb, p.jti);
}

lg_err
lg_proof_check(struct lg_ctx *cx, struct lightgate *lg, const char *token, const struct lg_claims *c, const struct lightgate_proof *p)
{
	/* RFC 8705 3: a bound token is its holder's only on the connection of the holder's certificate. */
	if (c->cnf_x5t.n > 0 && !lg_str_eq(c->cnf_x5t, lg_str_of(p->x5t)))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is bound to another certificate");
	return c->cnf_jkt.n > 0 ? check_dpop(cx, lg, token, c, p) : LG_OK;
}
