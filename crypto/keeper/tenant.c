/* tenant.c: the record of a tenant, and the tenant made of it. */
#include "crypto/keeper/tenant.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/hsm/uri.h"
#include "crypto/keeper/frame.h"
#include "crypto/keeper/hsm_key.h"
#include "crypto/local.h"

enum { FORMAT_NO_NETS = 2, FORMAT_NO_OCSP = 3, FORMAT = 4, TEXT_MAX = 255 };

/* ---- record --------------------------------------------------------------------------------------------------- */

void
lg_tenant_record_encode(const struct lg_tenant_record *r, struct lg_buf *out)
{
	lg_buf_byte(out, FORMAT);
	lg_buf_u32(out, r->id);
	lg_buf_str32(out, r->name);
	lg_put_ceiling(out, &r->ceiling);
	lg_buf_byte(out, (char)r->ocsp);
	lg_buf_u16(out, (uint16_t)r->nkeys);
	for (size_t i = 0; i < r->nkeys; i++) {
		lg_put_keeper_key(out, &r->key[i].pub);
		lg_buf_str32(out, r->key[i].secret);
	}
}

static bool
key_plausible(const struct lg_key_record *k, uint32_t tenant)
{
	const struct lg_keeper_key *p = &k->pub;

	return p->tenant == tenant && p->purpose >= LG_PURPOSE_ROOT && p->purpose < LG_PURPOSES
	    && p->state >= LG_KEY_NEXT && p->state <= LG_KEY_DISTRUSTED && p->alg < LG_ALGS;
}

lg_err
lg_tenant_record_decode(struct lg_ctx *cx, lg_str bytes, struct lg_tenant_record *ret)
{
	struct lg_rd rd = lg_rd_of(bytes);
	uint8_t format = lg_rd_u8(&rd);
	bool good = format >= FORMAT_NO_NETS && format <= FORMAT;

	ret->id = lg_rd_u32(&rd);
	ret->name = lg_rd_str32(&rd);
	good = good && lg_get_ceiling(&rd, format > FORMAT_NO_NETS, &ret->ceiling);
	ret->ocsp = format > FORMAT_NO_OCSP ? lg_rd_u8(&rd) : LG_OCSP_AUTO;
	good = good && ret->ocsp <= LG_OCSP_DELEGATED;
	ret->nkeys = lg_rd_u16(&rd);
	good = good && ret->nkeys <= LG_TENANT_KEYS;
	for (size_t i = 0; good && i < ret->nkeys; i++) {
		good = lg_get_keeper_key(&rd, &ret->key[i].pub);
		ret->key[i].secret = lg_rd_str32(&rd);
		good = good && key_plausible(&ret->key[i], ret->id);
	}
	if (!good || !lg_rd_done(&rd))
		return lg_fail(cx, LG_E_CORRUPT, "a tenant's key file does not decode");
	return LG_OK;
}

static bool
text_plausible(lg_str s)
{
	return s.n > 0 && s.n <= TEXT_MAX && lg_utf8_valid(s);
}

static bool
life_plausible(int64_t life, int64_t most)
{
	return life >= LG_SECOND && life <= most;
}

lg_err
lg_ceiling_check(struct lg_ctx *cx, const struct lg_ceiling *c)
{
	if (!text_plausible(c->issuer) || !lg_str_starts(c->issuer, LG_STR("https://")))
		return lg_fail(cx, LG_E_INVALID, "ceiling: issuer must be an https URL of at most %d octets", TEXT_MAX);
	if (!text_plausible(c->trust_domain) || memchr(c->trust_domain.p, '/', c->trust_domain.n) != NULL)
		return lg_fail(cx, LG_E_INVALID, "ceiling: no trust domain");
	for (size_t i = 0; i < c->ndns; i++)
		if (!text_plausible(c->dns_suffixes[i]) || c->dns_suffixes[i].p[0] == '.')
			return lg_fail(cx, LG_E_INVALID, "ceiling: a DNS suffix is empty, too long or begins with a dot");
	for (size_t i = 0; i < c->nnets; i++)
		if (c->nets[i].n != 8 && c->nets[i].n != 32)
			return lg_fail(cx, LG_E_INVALID, "ceiling: a range is an address and a mask");
	/* Access tokens at most 1 h, tickets 120 s; leaves of over 90 days are not short-lived. */
	if (!life_plausible(c->token_life, LG_HOUR) || !life_plausible(c->ticket_life, 120 * LG_SECOND)
	    || !life_plausible(c->leaf_life, 90 * LG_DAY))
		return lg_fail(cx, LG_E_INVALID, "ceiling: a life is out of bounds");
	return LG_OK;
}

/* ---- what a key may sign ---------------------------------------------------------------------------------------- */

static const lg_str typs[LG_PURPOSES][LG_KEY_TYPS] = {
	[LG_PURPOSE_TOKEN] = {
		LG_STR("at+jwt"), LG_STR("JWT"), LG_STR("logout+jwt"), LG_STR("token-introspection+jwt"), LG_STR("secevent+jwt"),
	},
	[LG_PURPOSE_TICKET] = { LG_STR("lg-ticket+jwt") },
	[LG_PURPOSE_BUNDLE] = { LG_STR("lg-bundle+jwt"), LG_STR("lg-bundle-key+jwt") },
};

int
lg_purpose_typ(enum lg_purpose purpose, lg_str typ)
{
	for (int i = 0; i < LG_KEY_TYPS && typs[purpose][i].n > 0; i++)
		if (lg_str_eq(typs[purpose][i], typ))
			return i;
	return -1;
}

static void
write_headers(struct lg_arena *a, struct lg_loaded_key *k)
{
	for (int i = 0; i < LG_KEY_TYPS && typs[k->pub.purpose][i].n > 0; i++) {
		LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_TOKEN_MAX);
		lg_jws_header(&b, k->pub.alg, typs[k->pub.purpose][i], k->pub.kid);
		lg_buf_byte(&b, '.');
		k->header[i] = lg_dup(a, lg_buf_view(&b));
	}
}

/* ---- CA certificates -------------------------------------------------------------------------------------------- */

/* As its certificate says: one that was made elsewhere may be named otherwise than ours. */
static lg_str
key_id_of(struct lg_arena *keep, lg_str cert)
{
	const unsigned char *p = (const unsigned char *)cert.p;
	X509 *x = d2i_X509(NULL, &p, (long)cert.n);
	const ASN1_OCTET_STRING *id = x == NULL ? NULL : X509_get0_subject_key_id(x);
	lg_str copy = LG_NONE;

	if (id != NULL)
		copy = lg_dup(keep, (lg_str){ (const char *)ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id) });
	X509_free(x);
	ERR_clear_error();
	return copy;
}

lg_err
lg_issuer_of(struct lg_ctx *cx, struct lg_arena *keep, lg_str cert, const struct lg_pubkey *key, struct lg_issuer *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf alg = LG_BUF(64);
	struct lg_der d = lg_der_of(cert), c = lg_der_enter(&d, LG_DER_SEQUENCE), tbs = lg_der_enter(&c, LG_DER_SEQUENCE);
	struct lg_key_id id = lg_x509_key_id(key);
	struct lg_der spki = lg_der_of(lg_pubkey_spki(key)), bits = lg_der_enter(&spki, LG_DER_SEQUENCE);

	lg_der_take(&tbs, LG_DER_EXPLICIT(0));
	lg_der_integer(&tbs);
	lg_der_take(&tbs, LG_DER_SEQUENCE);		/* signature */
	lg_der_take(&tbs, LG_DER_SEQUENCE);		/* issuer */
	struct lg_der validity = lg_der_enter(&tbs, LG_DER_SEQUENCE);
	(void)lg_der_time(&validity);
	ret->not_after = lg_der_time(&validity);
	ret->subject = lg_dup(keep, lg_der_whole(&tbs, LG_DER_SEQUENCE));
	if (validity.bad || tbs.bad)
		return lg_fail(cx, LG_E_CORRUPT, "a CA certificate of the keeper does not decode");
	ret->key_id = key_id_of(keep, cert);
	if (ret->key_id.n == 0)
		ret->key_id = lg_dup(keep, (lg_str){ id.b, sizeof id.b });
	lg_x509_put_sig_alg(&alg, lg_pubkey_default_alg(key));
	ret->sig_alg = lg_dup(keep, lg_buf_view(&alg));
	lg_der_take(&bits, LG_DER_SEQUENCE);
	lg_str raw = lg_der_bits(&bits);
	lg_crypto_must(EVP_Digest(raw.p, raw.n, ret->key_sha1, NULL, EVP_sha1(), NULL));
	return LG_OK;
}

/* ---- tenant ------------------------------------------------------------------------------------------------------ */

static struct lg_keeper_key
keep_public(struct lg_arena *a, const struct lg_keeper_key *k)
{
	struct lg_keeper_key copy = *k;

	copy.kid = lg_dup(a, k->kid);
	copy.spki = lg_dup(a, k->spki);
	copy.cert = lg_dup(a, k->cert);
	return copy;
}

static struct lg_ceiling
keep_ceiling(struct lg_arena *a, const struct lg_ceiling *c)
{
	struct lg_ceiling copy = *c;

	copy.issuer = lg_dup(a, c->issuer);
	copy.trust_domain = lg_dup(a, c->trust_domain);
	for (size_t i = 0; i < c->ndns; i++)
		copy.dns_suffixes[i] = lg_dup(a, c->dns_suffixes[i]);
	for (size_t i = 0; i < c->nnets; i++)
		copy.nets[i] = lg_dup(a, c->nets[i]);
	return copy;
}

lg_err
lg_key_record_open(struct lg_ctx *cx, struct lg_hsm_link *hsm, const struct lg_key_record *r, struct lg_key **ret)
{
	LG_AUTO(lg_key_free) struct lg_key *k = NULL;

	if (lg_hsm_uri_is(r->secret))
		return lg_hsm_key(cx, hsm, r->secret, r->pub.spki, ret);
	LG_TRY(lg_key_from_der(cx, r->secret, &k));
	if (!lg_str_eq(lg_pubkey_spki(lg_key_public(k)), r->pub.spki))
		return lg_fail(cx, LG_E_CORRUPT, "a private key is not that of its public key");
	*ret = k;
	k = NULL;
	return LG_OK;
}

/* The root's key has a file of its own. */
static lg_str
place_of(struct lg_arena *a, const struct lg_key_record *r)
{
	if (lg_hsm_uri_is(r->secret))
		return lg_dup(a, r->secret);
	return r->secret.n > 0 || r->pub.purpose == LG_PURPOSE_ROOT ? LG_STR("file") : LG_STR("-");
}

static lg_err
load_key(struct lg_ctx *cx, struct lg_arena *a, struct lg_hsm_link *hsm, const struct lg_key_record *r, struct lg_loaded_key *k)
{
	k->pub = keep_public(a, &r->pub);
	k->pub.place = place_of(a, r);
	if (r->secret.n == 0)
		return LG_OK;
	if (r->pub.purpose == LG_PURPOSE_DATA) {
		k->data = lg_secret_copy(r->secret);
		return LG_OK;
	}
	LG_TRY(lg_key_record_open(cx, hsm, r, &k->key));
	write_headers(a, k);
	if ((r->pub.purpose == LG_PURPOSE_ISSUER || r->pub.purpose == LG_PURPOSE_OCSP) && k->pub.cert.n > 0)	/* none yet: its root is elsewhere */
		return lg_issuer_of(cx, a, k->pub.cert, lg_key_public(k->key), &k->issuer);
	return LG_OK;
}

static lg_str
claims_begin(struct lg_arena *a, lg_str issuer)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8 * TEXT_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "iss", issuer);
	return lg_dup(a, lg_buf_view(&b));
}

lg_err
lg_tenant_load(struct lg_ctx *cx, struct lg_hsm_link *hsm, const struct lg_tenant_record *r, struct lg_tenant **ret)
{
	LG_AUTO(lg_tenant_unref) struct lg_tenant *t = calloc(1, sizeof *t);

	lg_crypto_must(t != NULL);
	atomic_init(&t->refs, 1);
	t->arena = lg_arena_new();
	t->id = r->id;
	t->name = lg_dup(t->arena, r->name);
	t->ceiling = keep_ceiling(t->arena, &r->ceiling);
	t->ocsp = r->ocsp;
	t->iss = claims_begin(t->arena, r->ceiling.issuer);
	for (size_t i = 0; i < r->nkeys; i++) {
		struct lg_loaded_key *k = &t->key[t->nkeys++];
		LG_TRY(load_key(cx, t->arena, hsm, &r->key[i], k));
		/* tokens have a key of each algorithm: a request says which */
		t->waits[k->pub.purpose] |= k->key != NULL && (k->key->ops->waits || (k->pub.purpose != LG_PURPOSE_TOKEN && lg_alg_slow(k->pub.alg)));
		if (k->pub.state == LG_KEY_ACTIVE)
			t->active[k->pub.purpose][k->pub.alg] = k;
	}
	*ret = t;
	t = NULL;
	return LG_OK;
}

struct lg_tenant *
lg_tenant_ref(struct lg_tenant *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void
lg_tenant_unref(struct lg_tenant **tp)
{
	struct lg_tenant *t = *tp;

	*tp = NULL;
	if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < t->nkeys; i++) {
		lg_key_free(&t->key[i].key);
		lg_secret_free(&t->key[i].data);
	}
	lg_arena_free(&t->arena);
	free(t);
}

const struct lg_loaded_key *
lg_tenant_active(const struct lg_tenant *t, enum lg_purpose purpose, enum lg_alg alg)
{
	if (purpose >= LG_PURPOSES || alg >= LG_ALGS)
		return NULL;
	if (alg != LG_ALG_NONE)
		return t->active[purpose][alg];
	if (t->active[purpose][LG_ALG_ES256] != NULL)
		return t->active[purpose][LG_ALG_ES256];
	for (size_t i = 0; i < LG_ALGS; i++)
		if (t->active[purpose][i] != NULL)
			return t->active[purpose][i];
	return NULL;
}
