/*
 * seal.c: authenticated encryption of what is stored: version 1, 12-octet random nonce, ciphertext, 16-octet tag.
 * A key seals far fewer than 2^32 values in its life, so random nonces are sound (SP 800-38D 8.3).
 */
#include "lightgate/crypto.h"

#include "crypto/local.h"

enum { VERSION = 1, NONCE = 12, TAG = 16, HEAD = 1 + NONCE, KEY = 32 };

#define SEAL_MAX	(64u << 20)	/* octets of a plain text; OpenSSL counts them in an int */

static lg_err
check_sizes(struct lg_ctx *cx, const struct lg_secret *key, size_t n, size_t naad)
{
	if (key->n != KEY)
		return lg_fail(cx, LG_E_INTERNAL, "a sealing key of %zu octets", key->n);
	if (n > SEAL_MAX || naad > SEAL_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %u octets to seal", SEAL_MAX);
	return LG_OK;
}

lg_err
lg_seal(struct lg_ctx *cx, const struct lg_secret *key, lg_str aad, lg_str plain, lg_str *ret)
{
	EVP_CIPHER_CTX *c = lg_local()->cipher;
	int n = 0;

	LG_TRY(check_sizes(cx, key, plain.n, aad.n));
	uint8_t *out = lg_alloc(cx->arena, HEAD + plain.n + TAG);
	uint8_t *tag = out + HEAD + plain.n;
	out[0] = VERSION;
	lg_random(out + 1, NONCE);
	lg_crypto_must(EVP_EncryptInit_ex2(c, lg_aes_256_gcm(), key->p, out + 1, NULL));
	lg_crypto_must(EVP_EncryptUpdate(c, NULL, &n, out, 1));		/* the version is bound too */
	if (aad.n > 0)
		lg_crypto_must(EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)aad.p, (int)aad.n));
	if (plain.n > 0)
		lg_crypto_must(EVP_EncryptUpdate(c, out + HEAD, &n, (const uint8_t *)plain.p, (int)plain.n));
	lg_crypto_must(EVP_EncryptFinal_ex(c, tag, &n));
	lg_crypto_must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag));
	EVP_CIPHER_CTX_reset(c);
	*ret = (lg_str){ (const char *)out, HEAD + plain.n + TAG };
	return LG_OK;
}

static bool
open_into(const struct lg_secret *key, lg_str aad, const uint8_t *p, uint8_t *out, size_t n)
{
	EVP_CIPHER_CTX *c = lg_local()->cipher;
	uint8_t tag[TAG];
	int got = 0;

	memcpy(tag, p + HEAD + n, TAG);
	lg_crypto_must(EVP_DecryptInit_ex2(c, lg_aes_256_gcm(), key->p, p + 1, NULL));
	lg_crypto_must(EVP_DecryptUpdate(c, NULL, &got, p, 1));
	if (aad.n > 0)
		lg_crypto_must(EVP_DecryptUpdate(c, NULL, &got, (const uint8_t *)aad.p, (int)aad.n));
	if (n > 0)
		lg_crypto_must(EVP_DecryptUpdate(c, out, &got, p + HEAD, (int)n));
	lg_crypto_must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag));
	bool ok = EVP_DecryptFinal_ex(c, out + n, &got) > 0;
	EVP_CIPHER_CTX_reset(c);
	return ok;
}

lg_err
lg_unseal(struct lg_ctx *cx, const struct lg_secret *key, lg_str aad, lg_str sealed, struct lg_secret *ret)
{
	const uint8_t *p = (const uint8_t *)sealed.p;

	LG_TRY(check_sizes(cx, key, sealed.n, aad.n));
	if (sealed.n < HEAD + TAG || p[0] != VERSION)
		return lg_fail(cx, LG_E_CORRUPT, "not a sealed value");
	size_t n = sealed.n - HEAD - TAG;
	struct lg_secret plain = lg_secret_new(n + TAG);	/* room for what OpenSSL might write at the end */
	if (!open_into(key, aad, p, plain.p, n)) {
		lg_secret_free(&plain);
		return lg_fail(cx, LG_E_CORRUPT, "a sealed value does not open with this key");
	}
	plain.n = n;
	*ret = plain;
	return LG_OK;
}
