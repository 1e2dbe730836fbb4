/*
 * pubkey.c: public keys, parsed by us and given to OpenSSL as numbers.
 *
 * OpenSSL's own decoders cost 100-400 us a key, EVP_PKEY_fromdata of an elliptic curve 18, because it sets the curve up again each time;
 * a copy of a key without a point that is given its point costs 4.6.  Only DER in its one canonical form is taken:
 * named curves by name, uncompressed points, so that equal keys have equal bytes.
 */
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/local.h"
#include "crypto/spki.h"

/* ---- to OpenSSL ---------------------------------------------------------------------------------------- */

static EVP_PKEY *
from_params(const char *type, int selection, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0
	    || EVP_PKEY_fromdata(ctx, &pkey, selection, params) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* Keys that have a curve and no point; made once and never freed. */
static EVP_PKEY *curve_p256, *curve_p384;

static EVP_PKEY *
curve_of(const char *name)
{
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)name, 0),
		OSSL_PARAM_construct_end() };

	return from_params("EC", EVP_PKEY_KEY_PARAMETERS, params);
}

static void
make_curves(void)
{
	curve_p256 = curve_of("P-256");
	curve_p384 = curve_of("P-384");
}

/* The provider refuses a point that is not on the curve. */
static EVP_PKEY *
ec_pkey(EVP_PKEY *const *curve, lg_str point)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_PKEY *pkey;

	pthread_once(&once, make_curves);
	pkey = *curve == NULL ? NULL : EVP_PKEY_dup(*curve);
	if (pkey != NULL && EVP_PKEY_set1_encoded_public_key(pkey, (const unsigned char *)point.p, point.n) == 1)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static EVP_PKEY *
rsa_pkey(lg_str n, lg_str e)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn = BN_bin2bn((const unsigned char *)n.p, (int)n.n, NULL);
	BIGNUM *be = BN_bin2bn((const unsigned char *)e.p, (int)e.n, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;

	if (bld != NULL && bn != NULL && be != NULL && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn)
	    && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be))
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params != NULL)
		pkey = from_params("RSA", EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	BN_free(be);
	return pkey;
}

static EVP_PKEY *
pkey_of(const struct lg_pubkey *k)
{
	switch (k->parts.kind) {
	case LG_KIND_P256:
		return ec_pkey(&curve_p256, lg_str_sub(k->spki, k->spki.n - 65, 65));
	case LG_KIND_P384:
		return ec_pkey(&curve_p384, lg_str_sub(k->spki, k->spki.n - 97, 97));
	case LG_KIND_ED25519:
		return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
		    (const unsigned char *)k->parts.x.p, k->parts.x.n);
	case LG_KIND_RSA:
		return rsa_pkey(k->parts.n, k->parts.e);
	}
	return NULL;
}

/* RFC 7518 3.5: the salt is as long as the digest. */
static bool
pss_params(EVP_PKEY_CTX *ctx, const struct lg_alg_row *row)
{
	return !row->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0
	    && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

bool
lg_sign_init(EVP_MD_CTX *ctx, EVP_PKEY *pkey, const struct lg_alg_row *row, bool verify)
{
	EVP_PKEY_CTX *pctx = NULL;
	int ok = verify ? EVP_DigestVerifyInit_ex(ctx, &pctx, row->digest, NULL, NULL, pkey, NULL)
	    : EVP_DigestSignInit_ex(ctx, &pctx, row->digest, NULL, NULL, pkey, NULL);

	return ok > 0 && pss_params(pctx, row);
}

bool
lg_digest_params(EVP_PKEY_CTX *ctx, const struct lg_alg_row *row)
{
	return pss_params(ctx, row) && EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(row->digest)) > 0;
}

/* ---- making and counting ------------------------------------------------------------------------------- */

static enum lg_alg
default_alg(enum lg_kind kind)
{
	static const enum lg_alg of[] = {
		[LG_KIND_P256] = LG_ALG_ES256, [LG_KIND_P384] = LG_ALG_ES384,
		[LG_KIND_ED25519] = LG_ALG_EDDSA, [LG_KIND_RSA] = LG_ALG_RS256,
	};

	return of[kind];
}

enum lg_alg
lg_pubkey_default_alg(const struct lg_pubkey *k)
{
	return default_alg(k->parts.kind);
}

static lg_sha256
thumbprint(const struct lg_pubkey_parts *p)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * LG_SPKI_MAX);

	lg_pubkey_canonical_jwk(p, &b);
	return lg_sha256_of(lg_buf_view(&b));
}

static void
pubkey_free(struct lg_pubkey *k)
{
	EVP_MD_CTX_free(k->verify);
	EVP_PKEY_free(k->pkey);
	free(k);
}

static lg_err
fill(struct lg_ctx *cx, struct lg_pubkey *k)
{
	LG_TRY(lg_spki_parse(cx, k->spki, &k->parts));
	k->pkey = pkey_of(k);
	k->verify = EVP_MD_CTX_new();
	if (k->pkey == NULL || k->verify == NULL
	    || !lg_sign_init(k->verify, k->pkey, lg_alg_row(default_alg(k->parts.kind)), true)) {
		ERR_clear_error();
		return lg_fail(cx, LG_E_INVALID, "not a valid public key");
	}
	k->thumbprint = thumbprint(&k->parts);
	return LG_OK;
}

lg_err
lg_pubkey_from_spki(struct lg_ctx *cx, lg_str der, struct lg_pubkey **ret)
{
	struct lg_pubkey *k = calloc(1, sizeof *k + der.n);

	lg_crypto_must(k != NULL);
	atomic_init(&k->refs, 1);
	if (der.n > 0)
		memcpy(k->spki_bytes, der.p, der.n);
	k->spki = (lg_str){ k->spki_bytes, der.n };
	lg_err e = fill(cx, k);
	if (e != LG_OK) {
		pubkey_free(k);
		return e;
	}
	*ret = k;
	return LG_OK;
}

lg_err
lg_pubkey_from_parts(struct lg_ctx *cx, const struct lg_pubkey_parts *p, struct lg_pubkey **ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf spki = LG_BUF(LG_SPKI_MAX);

	lg_spki_write(p, &spki);
	LG_TRY(lg_buf_status(cx, &spki));
	return lg_pubkey_from_spki(cx, lg_buf_view(&spki), ret);
}

lg_err
lg_pubkey_from_jwk(struct lg_ctx *cx, lg_str json, struct lg_pubkey **ret)
{
	struct lg_jwk jwk;

	LG_TRY(lg_jwk_parse(cx, json, &jwk));
	if (!jwk.usable)
		return lg_fail(cx, LG_E_UNSUPPORTED, "this JWK is not for verifying signatures of a kind we know");
	return lg_pubkey_from_parts(cx, &jwk.parts, ret);
}

struct lg_pubkey *
lg_pubkey_ref(struct lg_pubkey *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void
lg_pubkey_unref(struct lg_pubkey **k)
{
	if (*k != NULL && atomic_fetch_sub_explicit(&(*k)->refs, 1, memory_order_acq_rel) == 1)
		pubkey_free(*k);
	*k = NULL;
}

lg_str
lg_pubkey_spki(const struct lg_pubkey *k)
{
	return k->spki;
}

lg_sha256
lg_pubkey_thumbprint(const struct lg_pubkey *k)
{
	return k->thumbprint;
}

/* ---- verifying ------------------------------------------------------------------------------------------- */

bool
lg_verify_der(const struct lg_pubkey *k, enum lg_alg alg, lg_str signed_bytes, lg_str sig)
{
	const struct lg_alg_row *row = lg_alg_row(alg);
	EVP_MD_CTX *ctx = lg_local()->sign;

	if (row == NULL || row->kind != k->parts.kind || sig.n > LG_SIG_MAX)
		return false;
	bool ready;
	if (alg == default_alg(k->parts.kind)) {
		ready = EVP_MD_CTX_copy_ex(ctx, k->verify) > 0;
	} else {
		/* Without the reset, a used context keeps the key it had before. */
		ready = EVP_MD_CTX_reset(ctx) > 0 && lg_sign_init(ctx, k->pkey, row, true);
	}
	bool ok = ready && EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n,
	    (const unsigned char *)signed_bytes.p, signed_bytes.n) == 1;
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
lg_verify_jose(const struct lg_pubkey *k, enum lg_alg alg, lg_str signed_bytes, lg_str sig)
{
	const struct lg_alg_row *row = lg_alg_row(alg);
	uint8_t der[2 * 48 + 10];

	if (row == NULL || row->half == 0)
		return lg_verify_der(k, alg, signed_bytes, sig);
	if (sig.n != 2 * row->half)
		return false;
	size_t n = lg_ecdsa_to_der((const uint8_t *)sig.p, row->half, der);
	return lg_verify_der(k, alg, signed_bytes, (lg_str){ (const char *)der, n });
}
