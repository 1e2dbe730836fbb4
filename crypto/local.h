/*
 * local.h: OpenSSL's working objects, one set a thread, and the algorithms fetched once.
 *
 * In OpenSSL 3.0 a fetch by name and a fresh context cost as much as a small digest; what a thread has
 * is reused.  The sets are freed when their thread ends.
 */
#ifndef LG_CRYPTO_LOCAL_H
#define LG_CRYPTO_LOCAL_H

#include <openssl/evp.h>

struct lg_local {
	EVP_MD_CTX *digest;
	EVP_MD_CTX *sign;		/* target of copies of a key's template */
	EVP_MAC_CTX *hmac;		/* HMAC-SHA-256, without key */
	EVP_CIPHER_CTX *cipher;
	BN_CTX *bn;
};

/* Aborts when OpenSSL has no memory or lacks an algorithm: nothing of ours could go on. */
struct lg_local *lg_local(void);

const EVP_MD *lg_md_sha256(void);
const EVP_MD *lg_md_named(const char *name);	/* "SHA1", "SHA256", "SHA384" or "SHA512" */
const EVP_CIPHER *lg_aes_256_gcm(void);

/* For calls that can fail only by lack of memory or a broken library. */
_Noreturn void lg_crypto_die(void);
static inline void
lg_crypto_must(int ok)
{
	if (ok <= 0)
		lg_crypto_die();
}

#endif
