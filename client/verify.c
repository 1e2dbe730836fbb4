/* verify.c: access tokens checked here, with the issuer's keys fetched when they are needed. */
#include "base/clock.h"
#include "client/handle.h"

#define KEYS_FRESH	(5 * LG_MINUTE)		/* after that they are fetched again */
#define KEYS_KEPT	LG_HOUR			/* ... and used this long if they cannot be */
#define KEYS_PAUSE	(10 * LG_SECOND)	/* between fetches that a bad token causes */

struct lightgate_token {
	struct lg_arena *arena;
	struct lg_claims claims;
};

/* ---- keys ----------------------------------------------------------------------------------------------- */

static lg_err
fetch(struct lg_ctx *cx, struct lightgate *lg, struct lg_keyset **ret)
{
	struct lg_call call = { .method = "GET", .path = LG_STR("/oauth2/jwks"), .time = lg->deadline };
	struct lg_reply answer;

	LG_TRY(lg_servers_call(cx, &lg->public, &call, &answer));
	return lg_keyset_from_jwks(cx, answer.body, ret);
}

/* Whoever holds a bundle has the keys of this moment: nobody is asked, and one that was taken back is good no longer. */
static struct lg_keyset *
of_bundle(struct lightgate *lg)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *b = NULL;
	struct lg_follow_now now = { .fresh = false };

	if (lg->follow != NULL)
		lg_follow_now(lg->follow, &now);
	b = now.bundle;
	return now.fresh ? lg_keyset_ref((struct lg_keyset *)(uintptr_t)lg_bundle_token_keys(b)) : NULL;
}

/* Present keys and their age; NULL if there are none. */
static struct lg_keyset *
present(struct lightgate *lg, int64_t *age)
{
	pthread_mutex_lock(&lg->lock);
	struct lg_keyset *ks = lg->keys == NULL ? NULL : lg_keyset_ref(lg->keys);
	*age = lg_boottime() - lg->keys_at;
	pthread_mutex_unlock(&lg->lock);
	return ks;
}

static lg_err
replace(struct lg_ctx *cx, struct lightgate *lg, struct lg_keyset **ret)
{
	struct lg_keyset *fresh, *old;

	LG_TRY(fetch(cx, lg, &fresh));
	pthread_mutex_lock(&lg->lock);
	old = lg->keys;
	lg->keys = fresh;
	lg->keys_at = lg_boottime();
	*ret = lg_keyset_ref(fresh);
	pthread_mutex_unlock(&lg->lock);
	lg_keyset_unref(&old);
	return LG_OK;
}

static lg_err
keys(struct lg_ctx *cx, struct lightgate *lg, struct lg_keyset **ret)
{
	int64_t age;
	struct lg_keyset *ks = present(lg, &age);

	if (ks != NULL && age < KEYS_FRESH) {
		*ret = ks;
		return LG_OK;
	}
	lg_err e = replace(cx, lg, ret);
	if (e != LG_OK && ks != NULL && age < KEYS_KEPT) {
		*ret = ks;		/* the service is away for a while; its keys change slowly */
		return LG_OK;
	}
	lg_keyset_unref(&ks);
	return e;
}

/* ---- one token -------------------------------------------------------------------------------------------- */

/* A key that came into use a moment ago is not among ours: then one look for newer ones, not more often than every ten seconds. */
static lg_err
check_signature(struct lg_ctx *cx, struct lightgate *lg, lg_str token, struct lg_jws *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = of_bundle(lg);
	struct lg_keyset *newer;
	int64_t age;

	if (ks != NULL)
		return lg_jws_verify(cx, token, ks, "at+jwt", ret);
	LG_TRY(keys(cx, lg, &ks));
	lg_err e = lg_jws_verify(cx, token, ks, "at+jwt", ret);
	if (e == LG_OK)
		return e;
	newer = present(lg, &age);
	lg_keyset_unref(&newer);
	if (age < KEYS_PAUSE || replace(cx, lg, &newer) != LG_OK)
		return e;
	e = lg_jws_verify(cx, token, newer, "at+jwt", ret);
	lg_keyset_unref(&newer);
	return e;
}

/* Who holds a bundle knows what is revoked; one that nobody has confirmed for too long does not know. */
static lg_err
check_revoked(struct lg_ctx *cx, struct lightgate *lg, const struct lg_claims *c)
{
	LG_AUTO(lg_bundle_unref) struct lg_bundle *b = NULL;
	struct lg_follow_now now;

	if (lg->follow == NULL)
		return LG_OK;
	lg_follow_now(lg->follow, &now);
	b = now.bundle;
	if (b == NULL || !now.fresh)
		return lg_fail(cx, LG_E_UNAVAILABLE, "whether the token is revoked is not known: the bundle is not fresh");
	return lg_bundle_token_revoked(b, c) ? lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is revoked") : LG_OK;
}

lg_err
lg_handle_claims(struct lg_ctx *cx, struct lightgate *lg, const char *token, const char *audience, struct lg_claims *ret)
{
	struct lg_jws jws;

	if (lg->issuer.n == 0)
		return lg_fail(cx, LG_E_INVALID, "whose tokens? Set issuer or LIGHTGATE_ISSUER");
	if (token == NULL || audience == NULL || audience[0] == '\0')
		return lg_fail(cx, LG_E_INVALID, "a token and the audience it must be for are needed");
	LG_TRY(check_signature(cx, lg, lg_str_of(token), &jws));
	LG_TRY(lg_claims_parse(cx, jws.payload, ret));
	if (!lg_str_eq(ret->issuer, lg->issuer))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token was issued by somebody else: %.*s, not %.*s (LIGHTGATE_ISSUER)", LG_FMT(ret->issuer),
		    LG_FMT(lg->issuer));
	if (!lg_claims_for(ret, lg_str_of(audience)))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is for somebody else");
	LG_TRY(lg_claims_check_time(cx, ret));
	return check_revoked(cx, lg, ret);
}

lightgate_token *
lightgate_verify_bound(lightgate *lg, const char *token, const char *audience, const struct lightgate_proof *proof, char *why, size_t size)
{
	struct lightgate_proof p = LIGHTGATE_PROOF;
	struct lg_arena *a = lg_arena_new();
	struct lightgate_token *t = LG_NEW(a, struct lightgate_token);
	struct lg_ctx cx;

	if (proof != NULL)
		memcpy(&p, proof, proof->size < sizeof p ? proof->size : sizeof p);
	lg_ctx_init(&cx, a);
	t->arena = a;
	if (lg_handle_check(&cx, lg) == LG_OK && lg_handle_claims(&cx, lg, token, audience, &t->claims) == LG_OK && lg_proof_check(&cx, lg, token, &t->claims, &p) == LG_OK)
		return t;
	lg_handle_tell(&cx, why, size);
	lightgate_token_free(t);
	return NULL;
}

lightgate_token *
lightgate_verify(lightgate *lg, const char *token, const char *audience, const char *x5t, char *why, size_t size)
{
	struct lightgate_proof p = LIGHTGATE_PROOF;

	p.x5t = x5t;
	return lightgate_verify_bound(lg, token, audience, &p, why, size);
}

const char *
lightgate_token_claim(lightgate_token *t, const char *name)
{
	struct lg_ctx cx;

	if (t == NULL || name == NULL)
		return NULL;
	lg_ctx_init(&cx, t->arena);
	lg_str v = lg_api_member(&cx, t->claims.payload, name);
	return v.p == NULL ? NULL : lg_dup(t->arena, v).p;
}

int64_t
lightgate_token_expires(const lightgate_token *t)
{
	return t == NULL ? 0 : t->claims.expires / LG_SECOND;
}

void
lightgate_token_free(lightgate_token *t)
{
	if (t == NULL)
		return;
	struct lg_arena *a = t->arena;
	lg_arena_free(&a);
}
