/*
 * ecdsa.h: ECDSA signatures with P-256 (FIPS 186-5 6.4.1), made together.
 *
 * A signature by itself takes OpenSSL 18 us, 8 of them for two inversions: of the nonce, and of the coordinate by which k*G becomes
 * affine.  Of many numbers the inverses come by one inversion and three multiplications each, so that of eight signatures each takes 12 us.
 */
#ifndef LG_CRYPTO_ECDSA_H
#define LG_CRYPTO_ECDSA_H

#include <openssl/types.h>

#include "lightgate/crypto.h"

#define LG_ECDSA_BATCH	64		/* signatures made together, at most */
#define LG_ECDSA_RAW	64		/* octets of one: r and s, as JOSE has them (RFC 7518 3.4) */

struct lg_ecdsa_item {
	const EC_KEY *key;
	lg_sha256 digest;
	uint8_t sig[LG_ECDSA_RAW];
};

/* Signs them all, n <= LG_ECDSA_BATCH.  False: no randomness, or no memory; then none is to be used. */
LG_CHECKED bool lg_ecdsa_sign(struct lg_ecdsa_item *v, size_t n);

/* The P-256 key of a pkey as lg_ecdsa_sign takes it; NULL if it is none, or elsewhere. */
EC_KEY *lg_ecdsa_key(const EVP_PKEY *pkey);
void lg_ecdsa_key_free(EC_KEY *k);	/* safe on NULL */

#endif
