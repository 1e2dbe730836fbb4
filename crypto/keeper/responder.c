/*
 * responder.c: keys that answer OCSP for an issuing CA (RFC 6960 4.2.2.2), so that its own key, perhaps in a token that is slow
 * or away, is not needed for every answer.  They live for days and follow one another by themselves.
 */
#include "base/der.h"
#include "crypto/hsm/uri.h"
#include "crypto/keeper/ca.h"

static bool
wanted(const struct lg_ctx *cx, const struct lg_tenant_record *r, const struct lg_key_record *k)
{
	if (k->pub.purpose != LG_PURPOSE_ISSUER || k->pub.state == LG_KEY_DISTRUSTED || k->pub.cert.n == 0 || k->secret.n == 0
	    || k->pub.created + LG_ISSUER_LIFE < cx->now)
		return false;
	return r->ocsp == LG_OCSP_DELEGATED || (r->ocsp == LG_OCSP_AUTO && lg_hsm_uri_is(k->secret));
}

/* Issuer and end of a responder's certificate. */
static lg_str
issuer_name(lg_str cert, int64_t *end)
{
	struct lg_der d = lg_der_of(cert), c = lg_der_enter(&d, LG_DER_SEQUENCE), tbs = lg_der_enter(&c, LG_DER_SEQUENCE);

	lg_der_take(&tbs, LG_DER_EXPLICIT(0));
	lg_der_integer(&tbs);
	lg_der_take(&tbs, LG_DER_SEQUENCE);
	lg_str name = lg_der_whole(&tbs, LG_DER_SEQUENCE);
	struct lg_der validity = lg_der_enter(&tbs, LG_DER_SEQUENCE);
	(void)lg_der_time(&validity);
	*end = lg_der_time(&validity);
	return name;
}

static lg_err
subject_of(struct lg_ctx *cx, const struct lg_key_record *issuer, lg_str *ret)
{
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	struct lg_issuer name;

	LG_TRY(lg_pubkey_from_spki(cx, issuer->pub.spki, &key));
	LG_TRY(lg_issuer_of(cx, cx->arena, issuer->pub.cert, key, &name));
	*ret = name.subject;
	return LG_OK;
}

static void
drop(struct lg_tenant_record *r, size_t at)
{
	r->nkeys--;
	memmove(&r->key[at], &r->key[at + 1], (r->nkeys - at) * sizeof r->key[0]);
}

/* The one before stays until the next turn: the server may be answering with it. */
static bool
has_fresh(const struct lg_ctx *cx, struct lg_tenant_record *r, lg_str issuer)
{
	bool fresh = false;
	int64_t end;

	for (size_t i = 0; i < r->nkeys; i++) {
		struct lg_keeper_key *k = &r->key[i].pub;
		if (k->purpose != LG_PURPOSE_OCSP || k->state != LG_KEY_ACTIVE || !lg_str_eq(issuer_name(k->cert, &end), issuer))
			continue;
		if (end - cx->now > LG_KEEPER_RESPONDER / 3) {
			fresh = true;
		} else {
			k->state = LG_KEY_RETIRED;
			k->since = cx->now;
		}
	}
	return fresh;
}

/* Retired ones of an earlier turn, those whose time is over, and all of a tenant that wants none. */
static size_t
clear(const struct lg_ctx *cx, struct lg_tenant_record *r)
{
	bool none = true;
	size_t n = 0;

	for (size_t i = 0; i < r->nkeys; i++)
		none = none && !wanted(cx, r, &r->key[i]);

	for (size_t i = r->nkeys; i-- > 0;) {
		const struct lg_keeper_key *k = &r->key[i].pub;
		int64_t end = 0;

		if (k->purpose != LG_PURPOSE_OCSP)
			continue;
		(void)issuer_name(k->cert, &end);
		if (none || k->state == LG_KEY_RETIRED || end <= cx->now) {
			drop(r, i);
			n++;
		}
	}
	return n;
}

static lg_err
refresh(struct lg_call *c, struct lg_tenant_record *r, uint32_t *made)
{
	size_t n = r->nkeys;
	lg_str name;

	*made = 0;
	for (size_t i = 0; i < n; i++) {
		if (!wanted(c->cx, r, &r->key[i]))
			continue;
		LG_TRY(subject_of(c->cx, &r->key[i], &name));
		if (has_fresh(c->cx, r, name))
			continue;
		if (r->nkeys == LG_TENANT_KEYS)
			return lg_fail(c->cx, LG_E_LIMIT, "tenant %u has %d keys", r->id, LG_TENANT_KEYS);
		LG_TRY(lg_kp_new_responder(c->cx, c->kp, r, &r->key[i], &r->key[r->nkeys]));
		r->nkeys++;
		++*made;
	}
	return LG_OK;
}

static lg_err
store(struct lg_call *c, struct lg_tenant_record *r)
{
	size_t dropped = clear(c->cx, r);
	uint32_t made;

	LG_TRY(refresh(c, r, &made));
	lg_buf_u32(c->out, made + (uint32_t)dropped);
	return made + dropped == 0 ? LG_OK : lg_kp_tenant_store(c->cx, c->kp, r);
}

/* body: u32 tenant.  reply: u32, how many were made or dropped. */
lg_err
lg_kp_responders(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	if (!lg_rd_done(&c->rd) || id == 0)
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	return store(c, &r);
}

/* body: u32 tenant, u8 enum lg_ocsp_by. */
lg_err
lg_kp_set_ocsp(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret plain = { NULL, 0 };
	struct lg_tenant_record r;

	uint32_t id = lg_rd_u32(&c->rd);
	enum lg_ocsp_by by = lg_rd_u8(&c->rd);
	if (!lg_rd_done(&c->rd) || id == 0 || by > LG_OCSP_DELEGATED)
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	LG_TRY(lg_kp_tenant_read(c->cx, c->kp, id, &plain, &r));
	r.ocsp = by;
	LG_TRY(lg_kp_tenant_store(c->cx, c->kp, &r));
	return store(c, &r);
}
