/*
 * cache.c: tokens whose signature has been verified, among what is kept (kept.c).
 *
 * Key is SHA-256(token), so that a token text that was not itself verified is never found.  A value is good for one tenant and one
 * revision of its keys; what can change meanwhile (time, revocation, audience, sender, subject) is not in it.
 */
#include "sts/sts.h"

#define SLICES (11 + LG_AUDIENCES + LG_CLAIM_AMR)

/* The text is behind it; slices are offsets from the beginning. */
struct packed {
	uint64_t keys_revision;
	uint32_t tenant;
	struct lg_claims claims;
};

static size_t
slices_of(struct lg_claims *c, lg_str *ret[SLICES])
{
	lg_str *const named[] = {
		&c->issuer, &c->subject, &c->jti, &c->client_id, &c->scope, &c->act_sub, &c->sid, &c->acr, &c->cnf_x5t,
		&c->cnf_jkt, &c->payload,
	};
	size_t n = LG_COUNT(named);

	_Static_assert(LG_COUNT(named) + LG_AUDIENCES + LG_CLAIM_AMR == SLICES, "every slice has a place");
	memcpy(ret, named, sizeof named);
	for (size_t i = 0; i < c->naudience; i++)
		ret[n++] = &c->audience[i];
	for (size_t i = 0; i < c->namr; i++)
		ret[n++] = &c->amr[i];
	return n;
}

/* Most strings of a token stand in its payload as they are: those are kept once. */
static bool
within(lg_str outer, lg_str s)
{
	return outer.n > 0 && (uintptr_t)s.p >= (uintptr_t)outer.p && (uintptr_t)s.p + s.n <= (uintptr_t)outer.p + outer.n;
}

static lg_str
pack(struct lg_arena *a, struct packed p)
{
	lg_str *slice[SLICES], payload = p.claims.payload;
	size_t n = slices_of(&p.claims, slice), size = sizeof p + payload.n;

	for (size_t i = 0; i < n; i++)
		size += within(payload, *slice[i]) ? 0 : slice[i]->n;
	char *to = lg_alloc(a, size), *end = to + sizeof p + payload.n;

	if (payload.n > 0)
		memcpy(to + sizeof p, payload.p, payload.n);
	for (size_t i = 0; i < n; i++) {
		char *at = end;

		if (within(payload, *slice[i]))
			at = to + sizeof p + (slice[i]->p - payload.p);
		else if (slice[i]->n > 0)
			end = mempcpy(end, slice[i]->p, slice[i]->n);
		slice[i]->p = (const char *)(uintptr_t)(at - to);
	}
	memcpy(to, &p, sizeof p);
	return (lg_str){ to, size };
}

bool
sts_cache_get(struct lg_sts *sts, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token, struct lg_claims *ret)
{
	lg_str *slice[SLICES], bytes;
	struct packed p;

	if (!sts_kept_get(sts->tokens, cx, token, &bytes))
		return false;
	memcpy(&p, bytes.p, sizeof p);
	if (p.tenant != tenant || p.keys_revision != keys_revision)
		return false;
	*ret = p.claims;
	for (size_t i = 0, n = slices_of(ret, slice); i < n; i++)
		slice[i]->p = bytes.p + (uintptr_t)slice[i]->p;
	return true;
}

void
sts_cache_put(struct lg_sts *sts, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    const struct lg_claims *claims)
{
	sts_kept_put(sts->tokens, cx, token, pack(cx->arena, (struct packed){ keys_revision, tenant, *claims }));
}
