/*
 * cache.c: tokens whose signature has been verified, among what is kept (kept.c).
 *
 * Key is SHA-256(token), so that a token text that was not itself verified is never found.  A value is good for one tenant and one
 * revision of its keys; what can change meanwhile (time, revocation, audience, sender, subject) is not in it.
 */
#include "sts/sts.h"

#define SLICES (11 + LG_AUDIENCES + LG_CLAIM_AMR)

/* Claims as they are kept: the slices that there are, then the text that they are of. */
struct packed {
	uint64_t keys_revision;
	int64_t issued, not_before, expires, auth_time;
	uint32_t tenant;
	uint16_t naudience, namr;
	struct {
		uint16_t at, n;
	} slice[];
};

static size_t
slices_of(struct lg_claims *c, lg_str *ret[SLICES])
{
	lg_str *const named[] = {
		&c->payload, &c->issuer, &c->subject, &c->jti, &c->client_id, &c->scope, &c->act_sub, &c->sid, &c->acr, &c->cnf_x5t,
		&c->cnf_jkt,
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
pack(struct lg_arena *a, const struct lg_claims *claims, uint32_t tenant, uint64_t keys_revision)
{
	struct lg_claims c = *claims;
	lg_str *slice[SLICES], payload = c.payload;
	size_t n = slices_of(&c, slice), size = 0, used = 0;

	for (size_t i = 0; i < n; i++)
		size += i > 0 && within(payload, *slice[i]) ? 0 : slice[i]->n;
	struct packed *p = lg_alloc(a, sizeof *p + n * sizeof p->slice[0] + size);
	char *text = (char *)&p->slice[n];

	if (size > STS_KEPT_MAX)
		return LG_NONE;
	*p = (struct packed){
		.keys_revision = keys_revision, .tenant = tenant, .issued = c.issued, .not_before = c.not_before, .expires = c.expires,
		.auth_time = c.auth_time, .naudience = (uint16_t)c.naudience, .namr = (uint16_t)c.namr,
	};
	for (size_t i = 0; i < n; i++) {
		bool inside = i > 0 && within(payload, *slice[i]);

		p->slice[i].at = (uint16_t)(inside ? (size_t)(slice[i]->p - payload.p) : used);
		p->slice[i].n = (uint16_t)slice[i]->n;
		if (inside || slice[i]->n == 0)
			continue;
		memcpy(text + used, slice[i]->p, slice[i]->n);
		used += slice[i]->n;
	}
	return (lg_str){ (const char *)p, (size_t)(text + used - (char *)p) };
}

static void
unpack(const struct packed *p, struct lg_claims *ret)
{
	lg_str *slice[SLICES];

	*ret = (struct lg_claims){
		.issued = p->issued, .not_before = p->not_before, .expires = p->expires, .auth_time = p->auth_time,
		.naudience = p->naudience, .namr = p->namr,
	};
	size_t n = slices_of(ret, slice);
	const char *text = (const char *)&p->slice[n];

	for (size_t i = 0; i < n; i++)
		*slice[i] = (lg_str){ text + p->slice[i].at, p->slice[i].n };
}

bool
sts_cache_get(struct lg_sts *sts, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token, struct lg_claims *ret)
{
	const struct packed *p;
	lg_str bytes;

	if (!sts_kept_get(sts->tokens, cx, token, &bytes))
		return false;
	p = (const void *)bytes.p;
	if (p->tenant != tenant || p->keys_revision != keys_revision)
		return false;
	unpack(p, ret);
	return true;
}

void
sts_cache_put(struct lg_sts *sts, struct lg_ctx *cx, uint32_t tenant, uint64_t keys_revision, const lg_sha256 *token,
    const struct lg_claims *claims)
{
	sts_kept_put(sts->tokens, cx, token, pack(cx->arena, claims, tenant, keys_revision));
}
