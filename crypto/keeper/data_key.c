/*
 * data_key.c: a tenant's data keys, made and opened here; stored by the server, sealed.
 * A wrapped key is the first 8 octets of the wrapping key's id, then the sealed 32 octets.
 */
#include "crypto/keeper/process.h"

enum { DATA_KEY = 32, ID = 8 };

static lg_str
aad_of(struct lg_call *c, uint32_t tenant)
{
	return lg_print(c->cx->arena, "lightgate data key of tenant %u", tenant);
}

lg_err
lg_kp_wrap_new(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_random(DATA_KEY);
	const struct lg_loaded_key *k;
	const struct lg_tenant *t;
	lg_str sealed;

	uint32_t tenant = lg_rd_u32(&c->rd);
	if (!lg_rd_done(&c->rd))
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	LG_TRY(lg_kp_active(c, tenant, LG_PURPOSE_DATA, LG_ALG_NONE, &t, &k));
	LG_TRY(lg_seal(c->cx, &k->data, aad_of(c, tenant), (lg_str){ (char *)key.p, key.n }, &sealed));
	lg_buf_str(c->out, lg_str_sub(k->pub.kid, 0, ID));
	lg_buf_str(c->out, sealed);
	return LG_OK;
}

lg_err
lg_kp_unwrap(struct lg_call *c)
{
	LG_AUTO(lg_secret_free) struct lg_secret key = { NULL, 0 };
	const struct lg_tenant *t;

	uint32_t tenant = lg_rd_u32(&c->rd);
	lg_str id = lg_rd_bytes(&c->rd, ID);
	lg_str sealed = lg_rd_bytes(&c->rd, (size_t)(c->rd.end - c->rd.p));
	if (!lg_rd_done(&c->rd))
		return lg_fail(c->cx, LG_E_INVALID, "malformed request to the keeper");
	LG_TRY(lg_kp_tenant(c, tenant, &t));
	for (size_t i = 0; i < t->nkeys; i++) {
		const struct lg_loaded_key *k = &t->key[i];
		if (k->pub.purpose != LG_PURPOSE_DATA || !lg_str_eq(lg_str_sub(k->pub.kid, 0, ID), id))
			continue;
		LG_TRY(lg_unseal(c->cx, &k->data, aad_of(c, tenant), sealed, &key));
		lg_buf_bytes(c->out, key.p, key.n);
		return LG_OK;
	}
	return lg_fail(c->cx, LG_E_CORRUPT, "a data key that no key of tenant %u has wrapped", tenant);
}
