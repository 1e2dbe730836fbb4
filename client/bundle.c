/* bundle.c: is this bundle to be believed? */
#include "client/bundle_own.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "client/api.h"

#define TOKEN_TYP	"lg-bundle+jwt"
#define HEIR_TYP	"lg-bundle-key+jwt"

/* ---- keys ------------------------------------------------------------------------------------------------------------- */

/* Whoever signs now and whom that leads to: the keys before it are done with, and whoever has one of them signs for nobody. */
static lg_str
from_signer(struct lg_ctx *cx, lg_str keys, lg_str kid, const struct lg_bundle_body *body)
{
	lg_str jwk = lg_heirs_key(cx, keys, kid);

	if (jwk.n == 0)
		return keys;
	return lg_heirs_follow(cx, lg_print(cx->arena, "{\"keys\":[%.*s]}", LG_FMT(jwk)), &body->heirs, HEIR_TYP);
}

/* ---- the token --------------------------------------------------------------------------------------------------------- */

struct claims {
	struct lg_bundle_mark mark;
	int64_t issued, expires;
};

static lg_err
verify(struct lg_ctx *cx, lg_str token, lg_str keys, struct lg_jws *ret)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = NULL;

	LG_TRY(lg_keyset_from_jwks(cx, keys, &ks));
	if (lg_jws_verify(cx, token, ks, TOKEN_TYP, ret) != LG_OK)
		return lg_fail_in(cx, LG_E_UNAUTHENTICATED, "the bundle is not signed with a key that is trusted");
	return LG_OK;
}

static lg_err
read_own(struct lg_ctx *cx, lg_str payload, struct claims *ret)
{
	int64_t epoch = -1, version = -1;
	struct lg_json js;
	lg_str name, digest = LG_NONE;

	lg_json_init(&js, cx->arena, payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("epoch")))
			epoch = lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("version")))
			version = lg_json_int(&js);
		else if (lg_str_eq(name, LG_STR("sha256")))
			digest = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	if (epoch < 0 || epoch > UINT32_MAX || version < 0 || !lg_base64url_parse(cx->arena, digest, &digest) ||
	    digest.n != sizeof ret->mark.digest.b)
		return lg_fail(cx, LG_E_INVALID, "the bundle's token lacks epoch, version or digest");
	ret->mark.epoch = (uint32_t)epoch;
	ret->mark.version = (uint64_t)version;
	memcpy(ret->mark.digest.b, digest.p, digest.n);
	return LG_OK;
}

static lg_err
read_claims(struct lg_ctx *cx, const struct lg_bundle_pin *pin, const struct lg_jws *jws, struct claims *ret)
{
	struct lg_claims c;

	LG_TRY(lg_claims_parse(cx, jws->payload, &c));
	if (!lg_str_eq(c.issuer, pin->issuer))
		return lg_fail(cx, LG_E_DENIED, "the bundle is of another tenant: %.*s", LG_FMT(c.issuer));
	if (c.naudience != 1 || !lg_claims_for(&c, pin->host))
		return lg_fail(cx, LG_E_DENIED, "the bundle is for another host");
	if (lg_claims_check_time(cx, &c) != LG_OK)
		return lg_fail_in(cx, LG_E_EXPIRED, "the bundle");
	LG_TRY(read_own(cx, jws->payload, ret));
	ret->issued = c.issued;
	ret->expires = c.expires;
	return LG_OK;
}

/* Only a higher pair; the same pair again must say the same. */
static lg_err
check_order(struct lg_ctx *cx, const struct lg_bundle_mark *m, const struct lg_bundle_mark *floor)
{
	if (floor == NULL)
		return LG_OK;
	if (m->epoch < floor->epoch || (m->epoch == floor->epoch && m->version < floor->version))
		return lg_fail(cx, LG_E_DENIED, "the bundle (%u, %llu) is older than the one held (%u, %llu)", m->epoch,
		    (unsigned long long)m->version, floor->epoch, (unsigned long long)floor->version);
	if (m->epoch == floor->epoch && m->version == floor->version && memcmp(&m->digest, &floor->digest, sizeof m->digest) != 0)
		return lg_fail(cx, LG_E_DENIED, "two bundles of one version (%u, %llu) differ", m->epoch, (unsigned long long)m->version);
	return LG_OK;
}

/* ---- making -------------------------------------------------------------------------------------------------------------- */

/* believed: the keys by one of which the token is. */
static struct lg_bundle *
make(struct lg_ctx *cx, const struct claims *c, struct lg_bundle_body *body, lg_str believed, lg_str kid)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_bundle *b = LG_NEW(a, struct lg_bundle);

	atomic_init(&b->refs, 1);
	b->arena = a;
	b->body = body;
	b->about = (struct lg_bundle_about){
		.mark = c->mark, .issued = c->issued, .expires = c->expires, .max_stale = body->max_stale, .tenant = body->tenant, .issuer = body->issuer, .trust_domain = body->trust_domain,
		.host = body->host, .host_id = body->host_id, .policy_version = body->policy_version,
		.entities = lg_entity_store_count(body->entities), .whole = body->whole, .believed = lg_dup(a, believed),
		.keys = lg_dup(a, from_signer(cx, believed, kid, body)),
	};
	return b;
}

static lg_err
check_names(struct lg_ctx *cx, const struct lg_bundle_pin *pin, const struct lg_bundle_body *body)
{
	if (!lg_str_eq(body->issuer, pin->issuer) || !lg_str_eq(body->host_id, pin->host))
		return lg_fail(cx, LG_E_DENIED, "the bundle's body names another host or tenant than its token");
	return LG_OK;
}

lg_err
lg_bundle_open(struct lg_ctx *cx, const struct lg_bundle_pin *pin, lg_str token, lg_str body, const struct lg_bundle_mark *floor,
    struct lg_bundle **ret)
{
	LG_AUTO(lg_bundle_body_unref) struct lg_bundle_body *b = NULL;
	struct lg_heirs heirs = { .n = 0 };
	lg_str keys;
	struct claims c;
	struct lg_jws jws;

	if (body.n > LG_BUNDLE_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a bundle has at most %u octets", LG_BUNDLE_MAX);
	lg_bundle_heirs_read(cx, body, &heirs);
	keys = lg_heirs_follow(cx, pin->keys, &heirs, HEIR_TYP);
	LG_TRY(verify(cx, token, keys, &jws));
	LG_TRY(read_claims(cx, pin, &jws, &c));
	LG_TRY(check_order(cx, &c.mark, floor));
	lg_sha256 digest = lg_sha256_of(body);
	if (memcmp(&digest, &c.mark.digest, sizeof digest) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the bundle is not what was signed");
	LG_TRY(lg_bundle_body_read(cx, body, &b));
	LG_TRY(check_names(cx, pin, b));
	b->digest = digest;
	*ret = make(cx, &c, b, keys, jws.kid);
	b = NULL;			/* the bundle's */
	return LG_OK;
}

lg_err
lg_bundle_again(struct lg_ctx *cx, const struct lg_bundle_pin *pin, lg_str token, struct lg_bundle *held, struct lg_bundle **ret)
{
	struct claims c;
	struct lg_jws jws;

	LG_TRY(verify(cx, token, held->about.keys, &jws));
	LG_TRY(read_claims(cx, pin, &jws, &c));
	LG_TRY(check_order(cx, &c.mark, &held->about.mark));
	if (memcmp(&c.mark.digest, &held->about.mark.digest, sizeof c.mark.digest) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the token is of another bundle");
	atomic_fetch_add(&held->body->refs, 1);
	*ret = make(cx, &c, held->body, held->about.keys, jws.kid);
	return LG_OK;
}

lg_err
lg_bundle_mark_read(struct lg_ctx *cx, const struct lg_bundle_pin *pin, lg_str token, struct lg_bundle_mark *ret)
{
	struct claims c;
	struct lg_jws jws;

	LG_TRY(verify(cx, token, pin->keys, &jws));
	LG_TRY(read_own(cx, jws.payload, &c));
	*ret = c.mark;
	return LG_OK;
}

struct lg_bundle *
lg_bundle_ref(const struct lg_bundle *b)
{
	struct lg_bundle *own = (struct lg_bundle *)(uintptr_t)b;

	atomic_fetch_add(&own->refs, 1);
	return own;
}

void
lg_bundle_unref(struct lg_bundle **b)
{
	struct lg_bundle *own = *b;

	*b = NULL;
	if (own == NULL || atomic_fetch_sub(&own->refs, 1) != 1)
		return;
	lg_bundle_body_unref(&own->body);
	struct lg_arena *a = own->arena;
	lg_arena_free(&a);
}

void
lg_bundle_about(const struct lg_bundle *b, struct lg_bundle_about *ret)
{
	*ret = b->about;
}
