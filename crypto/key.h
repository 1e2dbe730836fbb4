/* key.h: what the files of this folder know of a key. */
#ifndef LG_CRYPTO_KEY_H
#define LG_CRYPTO_KEY_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "lightgate/crypto.h"

enum lg_kind { LG_KIND_P256, LG_KIND_P384, LG_KIND_ED25519, LG_KIND_RSA };

#define LG_SIG_MAX	512		/* octets of a signature: RSA-4096 */
#define LG_RSA_BITS_MIN	2048
#define LG_RSA_BITS_MAX	4096
#define LG_SPKI_MAX	2400		/* octets: larger RSA keys than we take, so that they are refused by name */

/* One row an algorithm; NULL for LG_ALG_NONE. */
struct lg_alg_row {
	enum lg_alg alg;
	lg_str name;
	enum lg_kind kind;
	const char *digest;		/* NULL: the algorithm hashes for itself */
	bool pss;
	size_t half;			/* octets of r and of s; 0: one form of signature */
};
const struct lg_alg_row *lg_alg_row(enum lg_alg a);
/* Signing is nothing for a thread that others wait for: RSA, and P-384, which costs twice what RSA-2048 does. */
bool lg_alg_slow(enum lg_alg a);

/* The numbers of a public key; slices into its SPKI, or into what it is made from. */
struct lg_pubkey_parts {
	enum lg_kind kind;
	lg_str x, y;			/* EC coordinates, Ed25519 key in x */
	lg_str n, e;			/* RSA, no leading zeros */
};

struct lg_pubkey {
	atomic_uint refs;
	struct lg_pubkey_parts parts;
	EVP_PKEY *pkey;
	EVP_MD_CTX *verify;		/* template for the default algorithm; copied, never used */
	lg_sha256 thumbprint;
	lg_str spki;
	char spki_bytes[];
};

/*
 * How a private key signs.  Two fillings: OpenSSL in this process (key.c), and a PKCS#11 token, asked through the process
 * that has its module loaded (keeper/hsm_key.c).  Both write X.509's form into ret, which takes LG_SIG_MAX octets.
 */
struct lg_key_ops {
	lg_err (*sign)(struct lg_ctx *cx, const struct lg_key *k, const struct lg_alg_row *row, lg_str bytes, uint8_t *ret, size_t *n);
	/* The same of what was hashed with the algorithm's digest; not for algorithms that hash for themselves. */
	lg_err (*sign_digest)(struct lg_ctx *cx, const struct lg_key *k, const struct lg_alg_row *row, lg_str digest, uint8_t *ret,
	    size_t *n);
	void (*free)(struct lg_key *k);
	bool waits;			/* the caller waits for another process: nothing for an event loop */
};

struct lg_key {
	const struct lg_key_ops *ops;
	struct lg_pubkey *pub;
	EVP_PKEY *pkey;			/* of keys in this process */
	EVP_MD_CTX *sign;
	EC_KEY *ec;			/* of P-256 keys in this process: for signatures that are made together (ecdsa.h) */
};

LG_CHECKED lg_err lg_pubkey_from_parts(struct lg_ctx *cx, const struct lg_pubkey_parts *p, struct lg_pubkey **ret);

/* Would a key id, base64url of h, begin with "-"?  A command line and grep read that as an option: no new key is called so. */
bool lg_kid_like_option(const lg_sha256 *h);

/* A JWK of a set or a header: kid and alg may be missing. */
struct lg_jwk {
	lg_str kid;
	enum lg_alg alg;		/* LG_ALG_NONE: none said */
	bool usable;			/* for verifying signatures, with an algorithm and a key type we have */
	struct lg_pubkey_parts parts;
};
LG_CHECKED lg_err lg_jwk_parse(struct lg_ctx *cx, lg_str json, struct lg_jwk *ret);
void lg_pubkey_canonical_jwk(const struct lg_pubkey_parts *p, struct lg_buf *out);	/* RFC 7638 3.2 */

/* Prepares ctx for signing or verifying; ctx is fresh or reset. */
bool lg_sign_init(EVP_MD_CTX *ctx, EVP_PKEY *pkey, const struct lg_alg_row *row, bool verify);
/* The digest and padding of a signature over what is hashed already; ctx was initialised. */
bool lg_digest_params(EVP_PKEY_CTX *ctx, const struct lg_alg_row *row);

/* Signs without an arena.  ret takes LG_SIG_MAX octets.  jose: r||s, otherwise DER.  LG_E_UNAVAILABLE: a token is away. */
LG_CHECKED lg_err lg_key_sign(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, bool jose, lg_str bytes, uint8_t *ret,
    size_t *n);
/* DER; digest: by the algorithm's hash. */
LG_CHECKED lg_err lg_key_sign_digest(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, lg_str digest, uint8_t *ret,
    size_t *n);
LG_CHECKED lg_err lg_key_from_der(struct lg_ctx *cx, lg_str pkcs8, struct lg_key **ret);
LG_CHECKED lg_err lg_key_der(struct lg_ctx *cx, const struct lg_key *k, struct lg_secret *ret);

/* ECDSA's two forms.  raw has 2*half octets, der room for 2*half + 10; false if the form is wrong. */
size_t lg_ecdsa_to_der(const uint8_t *raw, size_t half, uint8_t *der);
bool lg_ecdsa_from_der(const uint8_t *der, size_t n, size_t half, uint8_t *raw);

struct lg_keyset {
	atomic_uint refs;
	size_t n;
	struct lg_keyset_key key[];
};
/* The header of a token of ours, base64url: {"alg":..,"typ":..,"kid":..}; empty members are left out. */
void lg_jws_header(struct lg_buf *out, enum lg_alg alg, lg_str typ, lg_str kid);

#endif
