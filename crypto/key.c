/* key.c: private keys: made, read, written; those of this process sign from a template that is copied for each signature. */
#include "crypto/key.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/ecdsa.h"
#include "crypto/local.h"

enum { PKCS8_MAX = 4096 };

void
lg_key_free(struct lg_key **k)
{
	if (*k == NULL)
		return;
	lg_pubkey_unref(&(*k)->pub);
	(*k)->ops->free(*k);
	*k = NULL;
}

/* ---- keys in this process --------------------------------------------------------------------------------- */

static void
local_free(struct lg_key *k)
{
	EVP_MD_CTX_free(k->sign);
	lg_ecdsa_key_free(k->ec);
	EVP_PKEY_free(k->pkey);
	free(k);
}

static lg_err
failed(struct lg_ctx *cx, const struct lg_alg_row *row)
{
	ERR_clear_error();
	return lg_fail(cx, LG_E_INTERNAL, "signing with %.*s failed", LG_FMT(row->name));
}

static lg_err
local_sign(struct lg_ctx *cx, const struct lg_key *k, const struct lg_alg_row *row, lg_str bytes, uint8_t *ret, size_t *n)
{
	EVP_MD_CTX *ctx = lg_local()->sign;
	bool ready;

	if (row->alg == lg_pubkey_default_alg(k->pub))
		ready = EVP_MD_CTX_copy_ex(ctx, k->sign) > 0;
	else
		ready = EVP_MD_CTX_reset(ctx) > 0 && lg_sign_init(ctx, k->pkey, row, false);
	*n = LG_SIG_MAX;
	if (!ready || EVP_DigestSign(ctx, ret, n, (const unsigned char *)bytes.p, bytes.n) <= 0)
		return failed(cx, row);
	return LG_OK;
}

static lg_err
local_sign_digest(struct lg_ctx *cx, const struct lg_key *k, const struct lg_alg_row *row, lg_str digest, uint8_t *ret, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	bool ready = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 && lg_digest_params(ctx, row);

	*n = LG_SIG_MAX;
	bool ok = ready && EVP_PKEY_sign(ctx, ret, n, (const unsigned char *)digest.p, digest.n) > 0;
	EVP_PKEY_CTX_free(ctx);
	return ok ? LG_OK : failed(cx, row);
}

static const struct lg_key_ops local_ops = { local_sign, local_sign_digest, local_free, false };

/* Takes pkey over, also when it fails. */
static lg_err
wrap(struct lg_ctx *cx, EVP_PKEY *pkey, struct lg_key **ret)
{
	LG_AUTO(lg_key_free) struct lg_key *k = calloc(1, sizeof *k);
	unsigned char *spki = NULL;

	lg_crypto_must(k != NULL);
	k->ops = &local_ops;
	k->pkey = pkey;
	k->sign = EVP_MD_CTX_new();
	int n = i2d_PUBKEY(pkey, &spki);
	if (n <= 0 || k->sign == NULL)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the public half of this key does not encode");
	lg_err e = lg_pubkey_from_spki(cx, (lg_str){ (char *)spki, (size_t)n }, &k->pub);
	OPENSSL_free(spki);
	LG_TRY(e);
	if (!lg_sign_init(k->sign, pkey, lg_alg_row(lg_pubkey_default_alg(k->pub)), false))
		return lg_fail(cx, LG_E_INVALID, "this key cannot sign");
	k->ec = lg_ecdsa_key(pkey);
	*ret = k;
	k = NULL;
	return LG_OK;
}

static lg_err
generate(struct lg_ctx *cx, enum lg_key_type type, struct lg_key **ret)
{
	static const struct {
		const char *name, *curve;
		size_t bits;
	} types[] = {
		[LG_KEY_P256] = { "EC", "P-256", 0 },
		[LG_KEY_P384] = { "EC", "P-384", 0 },
		[LG_KEY_ED25519] = { "ED25519", NULL, 0 },
		[LG_KEY_RSA2048] = { "RSA", NULL, 2048 },
		[LG_KEY_RSA3072] = { "RSA", NULL, 3072 },
		[LG_KEY_RSA4096] = { "RSA", NULL, 4096 },
	};
	const char *name = types[type].name;
	EVP_PKEY *pkey = types[type].curve != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, name, types[type].curve)
	    : types[type].bits != 0 ? EVP_PKEY_Q_keygen(NULL, NULL, name, types[type].bits)
	    : EVP_PKEY_Q_keygen(NULL, NULL, name);

	if (pkey == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "a %s key could not be made", name);
	return wrap(cx, pkey, ret);
}

bool
lg_kid_like_option(const lg_sha256 *h)
{
	return h->b[0] >> 2 == 62;	/* RFC 4648 table 2 */
}

lg_err
lg_key_generate(struct lg_ctx *cx, enum lg_key_type type, struct lg_key **ret)
{
	LG_AUTO(lg_key_free) struct lg_key *k = NULL;

	do {
		lg_key_free(&k);
		LG_TRY(generate(cx, type, &k));
	} while (lg_kid_like_option(&k->pub->thumbprint));
	*ret = k;
	k = NULL;
	return LG_OK;
}

lg_err
lg_key_from_der(struct lg_ctx *cx, lg_str pkcs8, struct lg_key **ret)
{
	const unsigned char *p = (const unsigned char *)pkcs8.p;

	if (pkcs8.n > PKCS8_MAX)
		return lg_fail(cx, LG_E_LIMIT, "a private key of more than %d octets", PKCS8_MAX);
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)pkcs8.n);
	bool whole = info != NULL && p == (const unsigned char *)pkcs8.p + pkcs8.n;
	EVP_PKEY *pkey = whole ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	if (pkey == NULL) {
		ERR_clear_error();
		return lg_fail(cx, LG_E_INVALID, "not a PKCS#8 private key");
	}
	return wrap(cx, pkey, ret);
}

lg_err
lg_key_from_pem(struct lg_ctx *cx, lg_str pem, struct lg_key **ret)
{
	lg_str der;

	if (!lg_pem_parse(cx->arena, pem, LG_STR("PRIVATE KEY"), &der, NULL))
		return lg_fail(cx, LG_E_INVALID, "no PEM block \"PRIVATE KEY\" (PKCS#8)");
	return lg_key_from_der(cx, der, ret);
}

lg_err
lg_key_der(struct lg_ctx *cx, const struct lg_key *k, struct lg_secret *ret)
{
	PKCS8_PRIV_KEY_INFO *info = k->pkey == NULL ? NULL : EVP_PKEY2PKCS8(k->pkey);	/* NULL: it never leaves its token */
	unsigned char *p = NULL;
	int n = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &p);

	PKCS8_PRIV_KEY_INFO_free(info);
	if (n <= 0)
		return lg_fail(cx, LG_E_INTERNAL, "a private key does not encode");
	*ret = lg_secret_copy((lg_str){ (char *)p, (size_t)n });
	OPENSSL_clear_free(p, (size_t)n);
	return LG_OK;
}

lg_err
lg_key_pem(struct lg_ctx *cx, const struct lg_key *k, lg_str *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret der = { NULL, 0 };

	LG_TRY(lg_key_der(cx, k, &der));
	*ret = lg_pem(cx->arena, LG_STR("PRIVATE KEY"), (lg_str){ (char *)der.p, der.n });
	return LG_OK;
}

struct lg_pubkey *
lg_key_public(const struct lg_key *k)
{
	return k->pub;
}

/* ---- signing ---------------------------------------------------------------------------------------------- */

static lg_err
row_of(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, const struct lg_alg_row **ret)
{
	*ret = lg_alg_row(alg);
	if (*ret == NULL || (*ret)->kind != k->pub->parts.kind)
		return lg_fail(cx, LG_E_INVALID, "this key does not sign with %.*s", LG_FMT(lg_alg_name(alg)));
	return LG_OK;
}

lg_err
lg_key_sign(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, bool jose, lg_str bytes, uint8_t *ret, size_t *n)
{
	const struct lg_alg_row *row;
	uint8_t der[LG_SIG_MAX];
	size_t nder;

	LG_TRY(row_of(cx, k, alg, &row));
	if (!jose || row->half == 0)
		return k->ops->sign(cx, k, row, bytes, ret, n);
	LG_TRY(k->ops->sign(cx, k, row, bytes, der, &nder));
	*n = 2 * row->half;
	return lg_ecdsa_from_der(der, nder, row->half, ret) ? LG_OK : lg_fail(cx, LG_E_INTERNAL, "an ECDSA signature that is none");
}

lg_err
lg_key_sign_digest(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, lg_str digest, uint8_t *ret, size_t *n)
{
	const struct lg_alg_row *row;

	LG_TRY(row_of(cx, k, alg, &row));
	if (row->digest == NULL)
		return lg_fail(cx, LG_E_UNSUPPORTED, "%.*s signs no digests", LG_FMT(row->name));
	return k->ops->sign_digest(cx, k, row, digest, ret, n);
}

static lg_err
sign(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, bool jose, lg_str bytes, lg_str *ret)
{
	uint8_t sig[LG_SIG_MAX];
	size_t n;

	LG_TRY(lg_key_sign(cx, k, alg, jose, bytes, sig, &n));
	*ret = lg_dup(cx->arena, (lg_str){ (char *)sig, n });
	return LG_OK;
}

lg_err
lg_key_sign_jose(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, lg_str bytes, lg_str *ret)
{
	return sign(cx, k, alg, true, bytes, ret);
}

lg_err
lg_key_sign_der(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, lg_str bytes, lg_str *ret)
{
	return sign(cx, k, alg, false, bytes, ret);
}
