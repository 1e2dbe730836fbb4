/* spki.c: which public keys we certify, and requests signed with them. */
#include "crypto/spki.h"

#include <openssl/err.h>

#include "certs/csr.h"

/* RFC 8017 allows e = 3; everybody's keys have 65537, and small exponents have been behind forged signatures. */
#define RSA_EXPONENT_MIN_OCTETS 3

static enum lg_key_type
rsa_type(size_t modulus)
{
	return modulus >= 512 ? LG_KEY_RSA4096 : modulus >= 384 ? LG_KEY_RSA3072 : LG_KEY_RSA2048;
}

lg_err
lg_spki_check(struct lg_ctx *cx, lg_str spki, enum lg_key_type *ret)
{
	struct lg_pubkey_parts p;

	if (lg_spki_parse(cx, spki, &p) != LG_OK)
		return LG_E_INVALID;
	switch (p.kind) {
	case LG_KIND_P256:
		*ret = LG_KEY_P256;
		return LG_OK;
	case LG_KIND_P384:
		*ret = LG_KEY_P384;
		return LG_OK;
	case LG_KIND_ED25519:
		*ret = LG_KEY_ED25519;
		return LG_OK;
	case LG_KIND_RSA:
		break;
	}
	if (p.e.n < RSA_EXPONENT_MIN_OCTETS)
		return lg_fail(cx, LG_E_INVALID, "the exponent of an RSA key must be at least 65537");
	*ret = rsa_type(p.n.n);
	return LG_OK;
}

/* Stock tools sign a P-384 request with SHA-256.  JOSE knows no such pair, a request's proof may use it all the same. */
static bool
verify_mixed(const struct lg_pubkey *k, const char *digest, lg_str bytes, lg_str sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, k->pkey, NULL) > 0 &&
	    EVP_DigestVerify(ctx, (const unsigned char *)sig.p, sig.n, (const unsigned char *)bytes.p, bytes.n) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		ERR_clear_error();
	return ok;
}

bool
lg_csr_proof_valid(const struct lg_pubkey *k, enum lg_alg alg, lg_str bytes, lg_str sig)
{
	enum lg_kind kind = k->parts.kind;

	if (kind == LG_KIND_P384 && alg == LG_ALG_ES256)
		return verify_mixed(k, "SHA2-256", bytes, sig);
	if (kind == LG_KIND_P256 && alg == LG_ALG_ES384)
		return verify_mixed(k, "SHA2-384", bytes, sig);
	return lg_verify_der(k, alg, bytes, sig);
}
