/* manage.c: tenants created, ceilings changed, keys followed by successors.  All of it under `change`, on the slow lane. */
#include "base/text.h"
#include "crypto/keeper/ca.h"
#include "crypto/keeper/process.h"

#define RETIRED_KEPT	8		/* of one purpose: their public halves, for what they signed */

/* ---- creating --------------------------------------------------------------------------------------------------- */

static const struct {
	enum lg_purpose purpose;
	enum lg_alg alg;
	bool of_system, of_tenant;
} first_keys[] = {
	/* The root comes first: the issuer's certificate is signed by it. */
	{ LG_PURPOSE_ROOT,   LG_ALG_ES256, false, true },
	{ LG_PURPOSE_ISSUER, LG_ALG_ES256, false, true },
	{ LG_PURPOSE_TOKEN,  LG_ALG_ES256, false, true },
	{ LG_PURPOSE_TICKET, LG_ALG_ES256, false, true },
	{ LG_PURPOSE_BUNDLE, LG_ALG_ES256, false, true },
	{ LG_PURPOSE_AUDIT,  LG_ALG_ES256, true,  false },
	{ LG_PURPOSE_DATA,   LG_ALG_NONE,  true,  true },
	{ LG_PURPOSE_SSH_USER, LG_ALG_ES256, false, true },
	{ LG_PURPOSE_SSH_HOST, LG_ALG_ES256, false, true },
};

static lg_err
create(struct lg_ctx *cx, struct lg_kproc *kp, struct lg_tenant_record *r)
{
	for (size_t i = 0; i < LG_COUNT(first_keys); i++) {
		if (!(r->id == 0 ? first_keys[i].of_system : first_keys[i].of_tenant))
			continue;
		LG_TRY(lg_kp_new_key(cx, kp, r, first_keys[i].purpose, first_keys[i].alg, LG_KEY_ACTIVE, &r->key[r->nkeys]));
		r->nkeys++;
	}
	return lg_kp_tenant_store(cx, kp, r);
}

static bool
has_purpose(const struct lg_tenant_record *r, enum lg_purpose purpose)
{
	for (size_t i = 0; i < r->nkeys; i++)
		if (r->key[i].pub.purpose == purpose)
			return true;
	return false;
}

lg_err
lg_kp_complete(struct lg_ctx *cx, struct lg_kproc *kp, struct lg_tenant_record *r)
{
	size_t before = r->nkeys;

	for (size_t i = 0; i < LG_COUNT(first_keys); i++) {
		if (!(r->id == 0 ? first_keys[i].of_system : first_keys[i].of_tenant) || has_purpose(r, first_keys[i].purpose))
			continue;
		if (r->nkeys == LG_TENANT_KEYS)
			return lg_fail(cx, LG_E_LIMIT, "tenant %u has %d keys", r->id, LG_TENANT_KEYS);
		LG_TRY(lg_kp_new_key(cx, kp, r, first_keys[i].purpose, first_keys[i].alg, LG_KEY_ACTIVE, &r->key[r->nkeys]));
		r->nkeys++;
	}
	return r->nkeys == before ? LG_OK : lg_kp_tenant_store(cx, kp, r);
}

lg_err
lg_kp_create_system(struct lg_ctx *cx, struct lg_kproc *kp)
{
	struct lg_tenant_record r = { .id = 0, .name = LG_STR("system") };

	return create(cx, kp, &r);
}

static bool
name_plausible(lg_str name)
{
	return name.n > 0 && name.n <= LG_TENANT_NAME && lg_utf8_valid(name);
}

static lg_err
create_tenant(struct lg_call *c, struct lg_tenant_record *r)
{
	const struct lg_tenant *there;

	if (r->id == 0 || lg_kp_tenant(c, r->id, &there) == LG_OK)
		return lg_fail(c->cx, LG_E_EXISTS, "tenant %u exists", r->id);
	if (c->tenants->n >= LG_TENANTS)
		return lg_fail(c->cx, LG_E_LIMIT, "more than %d tenants", LG_TENANTS);
	if (!name_plausible(r->name))
		return lg_fail(c->cx, LG_E_INVALID, "a tenant's name has 1 to %d octets", LG_TENANT_NAME);
	LG_TRY(lg_ceiling_check(c->cx, &r->ceiling));
	LG_TRY(create(c->cx, c->kp, r));
	lg_buf_str(c->out, r->key[0].pub.cert);
	return LG_OK;
}

static lg_err
malformed(struct lg_call *c)
{
	return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
}

lg_err
lg_kp_create_tenant(struct lg_call *c)
{
	struct lg_tenant_record r = { .nkeys = 0 };

	r.id = lg_rd_u32(&c->rd);
	r.name = lg_rd_str32(&c->rd);
	if (!lg_get_ceiling(&c->rd, true, &r.ceiling) || !lg_rd_done(&c->rd))
		return malformed(c);
	return create_tenant(c, &r);
}

lg_err
lg_kp_set_ceiling(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;
	struct lg_ceiling ceiling;

	uint32_t id = lg_rd_u32(&c->rd);
	(void)lg_rd_str32(&c->rd);
	if (id == 0 || !lg_get_ceiling(&c->rd, true, &ceiling) || !lg_rd_done(&c->rd))
		return malformed(c);
	LG_TRY(lg_ceiling_check(c->cx, &ceiling));
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	r.ceiling = ceiling;
	return lg_kp_tenant_store(c->cx, c->kp, &r);
}

/* ---- successors -------------------------------------------------------------------------------------------------- */

/* Tokens have one active key an algorithm, everything else one. */
static bool
same_place(const struct lg_keeper_key *a, enum lg_purpose purpose, enum lg_alg alg)
{
	return a->purpose == purpose && (purpose != LG_PURPOSE_TOKEN || a->alg == alg);
}

static lg_err
may_follow(struct lg_call *c, uint32_t tenant, enum lg_purpose purpose, enum lg_alg alg)
{
	bool system = purpose == LG_PURPOSE_AUDIT || purpose == LG_PURPOSE_DATA;

	for (size_t i = 0; i < LG_COUNT(first_keys); i++) {
		if (first_keys[i].purpose != purpose || (tenant == 0 && !system))
			continue;
		/* Verifiers of everything but tokens and certificates know ES256 alone; CAs are of the kinds that ca create makes. */
		if (purpose == LG_PURPOSE_ISSUER ? alg != LG_ALG_ES256 && alg != LG_ALG_ES384 && alg != LG_ALG_EDDSA && alg != LG_ALG_RS256
		    : purpose != LG_PURPOSE_TOKEN && alg != first_keys[i].alg)
			break;
		return LG_OK;
	}
	return lg_fail(c->cx, LG_E_UNSUPPORTED, "no such key can follow");
}

/* CA keys are needed as long as what they signed may be asked about, data keys for ever. */
static int64_t
needed_until(const struct lg_keeper_key *k)
{
	switch (k->purpose) {
	case LG_PURPOSE_DATA:
		return INT64_MAX;
	case LG_PURPOSE_ROOT:
		return k->created + LG_ROOT_LIFE;
	case LG_PURPOSE_ISSUER:
		return k->created + LG_ISSUER_LIFE;
	default:
		return 0;
	}
}

/* The oldest retired one of this purpose makes room. */
static void
forget_oldest(struct lg_tenant_record *r, const struct lg_keeper_key *like, int64_t now)
{
	size_t oldest = r->nkeys, n = 0;

	for (size_t i = 0; i < r->nkeys; i++) {
		const struct lg_keeper_key *k = &r->key[i].pub;
		if (k->state != LG_KEY_RETIRED || !same_place(k, like->purpose, like->alg))
			continue;
		n++;
		if (oldest == r->nkeys || k->created < r->key[oldest].pub.created)
			oldest = i;
	}
	if (n <= RETIRED_KEPT || now < needed_until(&r->key[oldest].pub))
		return;
	r->nkeys--;
	memmove(&r->key[oldest], &r->key[oldest + 1], (r->nkeys - oldest) * sizeof r->key[0]);
}

/* Of a kind that nobody asked for: a CA's like the one before, the others' are ES256. */
static enum lg_alg
alg_like(const struct lg_tenant_record *r, enum lg_purpose purpose)
{
	for (size_t i = 0; purpose == LG_PURPOSE_ISSUER && i < r->nkeys; i++)
		if (r->key[i].pub.purpose == purpose && r->key[i].pub.state == LG_KEY_ACTIVE)
			return r->key[i].pub.alg;
	return purpose == LG_PURPOSE_DATA ? LG_ALG_NONE : LG_ALG_ES256;
}

lg_err
lg_kp_successor(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	enum lg_purpose purpose = lg_rd_u8(&c->rd);
	enum lg_alg alg = lg_rd_u8(&c->rd);
	if (!lg_rd_done(&c->rd))
		return malformed(c);
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	if (alg == LG_ALG_NONE)
		alg = alg_like(&r, purpose);
	LG_TRY(may_follow(c, id, purpose, alg));
	for (size_t i = 0; i < r.nkeys; i++)
		if (r.key[i].pub.state == LG_KEY_NEXT && same_place(&r.key[i].pub, purpose, alg)) {
			lg_buf_str(c->out, r.key[i].pub.kid);	/* asked before: one successor at a time */
			return LG_OK;
		}
	if (r.nkeys == LG_TENANT_KEYS)
		return lg_fail(c->cx, LG_E_LIMIT, "tenant %u has %d keys", id, LG_TENANT_KEYS);
	struct lg_key_record *next = &r.key[r.nkeys++];
	*next = (struct lg_key_record){ .pub.state = 0 };
	LG_TRY(lg_kp_new_key(c->cx, c->kp, &r, purpose, alg, LG_KEY_NEXT, next));
	lg_str kid = next->pub.kid;
	LG_TRY(lg_kp_tenant_store(c->cx, c->kp, &r));
	lg_buf_str(c->out, kid);
	return LG_OK;
}

/* What a retired key need not sign any more is given up; issuers go on signing CRLs, data keys go on opening. */
static void
retire(struct lg_key_record *k, int64_t now)
{
	k->pub.state = LG_KEY_RETIRED;
	k->pub.since = now;
	if (k->pub.purpose != LG_PURPOSE_ISSUER && k->pub.purpose != LG_PURPOSE_DATA)
		k->secret = LG_NONE;
}

static void
activate(struct lg_tenant_record *r, size_t which, int64_t now)
{
	struct lg_keeper_key like = r->key[which].pub;

	for (size_t i = 0; i < r->nkeys; i++)
		if (r->key[i].pub.state == LG_KEY_ACTIVE && same_place(&r->key[i].pub, like.purpose, like.alg))
			retire(&r->key[i], now);
	r->key[which].pub.state = LG_KEY_ACTIVE;
	r->key[which].pub.since = now;
	forget_oldest(r, &like, now);
}

lg_err
lg_kp_activate(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	lg_str kid = lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
	if (!lg_rd_done(&c->rd))
		return malformed(c);
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	for (size_t i = 0; i < r.nkeys; i++) {
		if (!lg_str_eq(r.key[i].pub.kid, kid))
			continue;
		if (r.key[i].pub.state == LG_KEY_RETIRED)
			return lg_fail(c->cx, LG_E_CONFLICT, "a retired key does not come back");
		if (r.key[i].pub.state == LG_KEY_DISTRUSTED || (r.key[i].pub.purpose == LG_PURPOSE_ISSUER && r.key[i].pub.cert.n == 0))
			return lg_fail(c->cx, LG_E_CONFLICT, "an issuing CA without a certificate, or one that is not trusted");
		lg_buf_str(c->out, kid);
		if (r.key[i].pub.state == LG_KEY_ACTIVE)
			return LG_OK;
		activate(&r, i, c->cx->now);
		return lg_kp_tenant_store(c->cx, c->kp, &r);
	}
	return lg_fail(c->cx, LG_E_NOT_FOUND, "tenant %u has no such key", id);
}
