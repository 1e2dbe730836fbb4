/*
 * crypto.h: secrets, digests, sealing, passwords, keys and tokens; all over OpenSSL 3, hidden here.
 * Long-term private keys are not here but in the keeper (lightgate/keeper.h).
 */
#ifndef LIGHTGATE_CRYPTO_H
#define LIGHTGATE_CRYPTO_H

#include "lightgate/base.h"

#define LG_TENANTS	4096		/* of one service: in its directory, and in its keeper */

/* ---- secrets: a type of their own, wiped when freed, compared in constant time ---------------- */

struct lg_secret {
	uint8_t *p;
	size_t n;
};

void lg_random(void *p, size_t n);			/* getrandom(2); aborts rather than fail */
struct lg_secret lg_secret_new(size_t n);		/* zeroed, to be filled in place */
struct lg_secret lg_secret_random(size_t n);
struct lg_secret lg_secret_copy(lg_str bytes);
void lg_secret_free(struct lg_secret *s);		/* safe on a zeroed one; use with LG_AUTO */
bool lg_secret_eq(const struct lg_secret *a, const struct lg_secret *b);
bool lg_equal_bytes(const void *a, const void *b, size_t n);	/* constant time in n */

/* A new 256-bit random token as 43 characters of base64url, and what is stored of it. */
#define LG_TOKEN_TEXT 43
lg_str lg_token_new(struct lg_arena *a);

/* ---- digests ---------------------------------------------------------------------------------- */

typedef struct {
	uint8_t b[32];
} lg_sha256;

lg_sha256 lg_sha256_of(lg_str s);
lg_sha256 lg_sha256_pair(lg_str x, lg_str y);		/* of the concatenation */
static inline lg_str
lg_sha256_str(const lg_sha256 *h)
{
	return (lg_str){ (const char *)h->b, sizeof h->b };
}
lg_sha256 lg_sha512_half(lg_str s);			/* the first 32 octets of SHA-512 */
lg_sha256 lg_hmac_sha256(const struct lg_secret *key, lg_str s);
/* RFC 5869; info is a fixed label of ours. */
struct lg_secret lg_hkdf_sha256(const struct lg_secret *key, lg_str salt, lg_str info, size_t n);

/* ---- sealing: AES-256-GCM, one version byte, random nonce; the key has 32 bytes ---------------- */

LG_CHECKED lg_err lg_seal(struct lg_ctx *cx, const struct lg_secret *key, lg_str aad, lg_str plain, lg_str *ret);
LG_CHECKED lg_err lg_unseal(struct lg_ctx *cx, const struct lg_secret *key, lg_str aad, lg_str sealed,
    struct lg_secret *ret);				/* LG_E_CORRUPT when it does not open */

/* ---- passwords --------------------------------------------------------------------------------- */

#define LG_PASSWORD_MAX 1024		/* octets of a password; longer is refused before hashing */

struct lg_password_cost {
	uint32_t passes, kib, lanes;	/* Argon2id t, m, p */
};
extern const struct lg_password_cost lg_password_default;	/* t=2 m=19456 p=1 */

/* "{ARGON2}$argon2id$v=19$m=..,t=..,p=..$salt$hash".  Takes 20 ms and 19 MiB: never on a loop. */
LG_CHECKED lg_err lg_password_hash(struct lg_ctx *cx, const struct lg_secret *password,
    const struct lg_password_cost *cost, lg_str *ret);
/* The first line of stored counts.  match is false for a wrong password; upgrade says that `stored` is weaker than cost. An unknown scheme is LG_E_UNSUPPORTED. */
LG_CHECKED lg_err lg_password_verify(struct lg_ctx *cx, lg_str stored, const struct lg_secret *password,
    const struct lg_password_cost *cost, bool *match, bool *upgrade);
/* Is it of a scheme that costs no more than a digest?  Such a one may be verified on a loop. */
bool lg_password_cheap(lg_str stored);
/* A file of known passwords: their SHA-1 in hexadecimal, sorted, a line each ("HASH" or "HASH:COUNT").  Threads share it. */
struct lg_breached;
LG_CHECKED lg_err lg_breached_open(struct lg_ctx *cx, const char *path, struct lg_breached **ret);
bool lg_breached_has(const struct lg_breached *b, lg_str password);	/* b NULL: no list */
void lg_breached_close(struct lg_breached **b);				/* safe on NULL */
bool lg_password_known(lg_str stored);		/* "{SCHEME}value" of a scheme that can be verified */
/* Costs what a verification costs and never matches: for names that do not exist. */
void lg_password_waste(struct lg_ctx *cx, const struct lg_secret *password, const struct lg_password_cost *cost);

/* ---- SCRAM-SHA-256 (RFC 5802, RFC 7677): kept beside a verifier where a tenant wants it --------------- */

#define LG_SCRAM_ITERATIONS 16384

struct lg_scram {
	uint32_t iterations;
	lg_str salt;
	uint8_t stored[32], server[32];		/* StoredKey, ServerKey */
};
/* "{SCRAM-SHA-256}iterations$salt$StoredKey$ServerKey".  Never on a loop. */
LG_CHECKED lg_err lg_scram_make(struct lg_ctx *cx, const struct lg_secret *password, lg_str salt, uint32_t iterations, lg_str *ret);
bool lg_scram_parse(struct lg_arena *a, lg_str text, struct lg_scram *ret);
/* Does the proof fit the AuthMessage?  server_signature: what proves the server to the client. */
bool lg_scram_verify(const struct lg_scram *s, lg_str message, lg_str proof, lg_sha256 *server_signature);

/* ---- one-time passwords (RFC 6238: HMAC-SHA-1, six digits) ------------------------------------------- */

#define LG_TOTP_STEP	30			/* seconds */
#define LG_TOTP_KEY	20			/* octets: RFC 4226 4 recommends 160 bits */
uint32_t lg_totp(const struct lg_secret *key, uint64_t step);	/* below 1000000; step: seconds since 1970 / LG_TOTP_STEP */

/* ---- public keys: parsed once, immutable, counted ------------------------------------------------ */

enum lg_alg {
	LG_ALG_NONE = 0,		/* never a valid answer */
	LG_ALG_ES256, LG_ALG_EDDSA, LG_ALG_RS256, LG_ALG_PS256, LG_ALG_ES384,
	LG_ALG_RS384, LG_ALG_RS512, LG_ALG_PS384, LG_ALG_PS512	/* only in keys of others */
};
lg_str lg_alg_name(enum lg_alg a);		/* "ES256" */
enum lg_alg lg_alg_parse(lg_str s);		/* LG_ALG_NONE if unknown */

struct lg_pubkey;
LG_CHECKED lg_err lg_pubkey_from_spki(struct lg_ctx *cx, lg_str der, struct lg_pubkey **ret);
/* Of an X.509 certificate, which is not looked at otherwise. */
LG_CHECKED lg_err lg_pubkey_from_cert(struct lg_ctx *cx, lg_str der, struct lg_pubkey **ret);
/* Whether it has this name, likewise: its subject (RFC 4514), or one of its SubjectAltName, as text.  And whether a name of this kind can be
 * so at all: LG_CERT_NAME_MAX octets, of a subject one attribute a step. */
#define LG_CERT_NAME_MAX 512
enum lg_cert_kind { LG_CERT_SUBJECT, LG_CERT_DNS, LG_CERT_URI, LG_CERT_IP, LG_CERT_EMAIL, LG_CERT_KINDS };
bool lg_cert_has_name(lg_str der, enum lg_cert_kind kind, lg_str name);
bool lg_cert_name_valid(enum lg_cert_kind kind, lg_str name);
LG_CHECKED lg_err lg_pubkey_from_jwk(struct lg_ctx *cx, lg_str json, struct lg_pubkey **ret);	/* private members refused */
struct lg_pubkey *lg_pubkey_ref(struct lg_pubkey *k);
void lg_pubkey_unref(struct lg_pubkey **k);
lg_str lg_pubkey_spki(const struct lg_pubkey *k);			/* DER, as long as k */
enum lg_alg lg_pubkey_default_alg(const struct lg_pubkey *k);	/* P-256 ES256, Ed25519 EdDSA, RSA RS256, P-384 ES384 */
lg_sha256 lg_pubkey_thumbprint(const struct lg_pubkey *k);		/* RFC 7638 */
void lg_pubkey_jwk(const struct lg_pubkey *k, lg_str kid, enum lg_alg alg, struct lg_buf *out);	/* public JWK, use "sig" */
/* JOSE form: raw r||s for ECDSA.  False for anything that does not verify. */
bool lg_verify_jose(const struct lg_pubkey *k, enum lg_alg alg, lg_str signed_bytes, lg_str sig);
/* X.509 form: DER ECDSA-Sig-Value. */
bool lg_verify_der(const struct lg_pubkey *k, enum lg_alg alg, lg_str signed_bytes, lg_str sig);

/* ---- private keys of our own short-lived identities (TLS leaves, hosts, workloads, tests) --------- */

struct lg_key;
enum lg_key_type { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048, LG_KEY_RSA3072, LG_KEY_RSA4096 };
/* Its thumbprint in base64url, which is a key's id, does not begin with "-". */
LG_CHECKED lg_err lg_key_generate(struct lg_ctx *cx, enum lg_key_type type, struct lg_key **ret);
LG_CHECKED lg_err lg_key_from_pem(struct lg_ctx *cx, lg_str pem, struct lg_key **ret);	/* PKCS#8 */
LG_CHECKED lg_err lg_key_pem(struct lg_ctx *cx, const struct lg_key *k, lg_str *ret);	/* into cx's arena, which is wiped */
void lg_key_free(struct lg_key **k);
struct lg_pubkey *lg_key_public(const struct lg_key *k);		/* as long as k */
LG_CHECKED lg_err lg_key_sign_jose(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, lg_str bytes, lg_str *ret);
LG_CHECKED lg_err lg_key_sign_der(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, lg_str bytes, lg_str *ret);
/* PKCS#10 (RFC 2986): common name and subject alternative names, each optional. */
struct lg_csr_names {
	lg_str common_name;
	const lg_str *dns;
	size_t ndns;
	const lg_str *uri;
	size_t nuri;
};
LG_CHECKED lg_err lg_csr_make(struct lg_ctx *cx, const struct lg_key *k, const struct lg_csr_names *names, lg_str *der);

/* ---- tokens (JWS compact, RFC 7515; JWT, RFC 7519) ------------------------------------------------
 * The algorithm belongs to the key, never to the token.
 */

#define LG_TOKEN_MAX	(16u << 10)	/* octets of a token; longer is refused before anything else */
#define LG_AUDIENCES	8
#define LG_CLAIM_AMR	24		/* methods that a token may name */

struct lg_keyset;			/* immutable, counted: published by pointer */
struct lg_keyset_key {
	lg_str kid;
	enum lg_alg alg;
	struct lg_pubkey *key;		/* the set takes a reference */
};
struct lg_keyset *lg_keyset_new(const struct lg_keyset_key *keys, size_t n);
struct lg_keyset *lg_keyset_ref(struct lg_keyset *ks);
void lg_keyset_unref(struct lg_keyset **ks);
LG_CHECKED lg_err lg_keyset_from_jwks(struct lg_ctx *cx, lg_str json, struct lg_keyset **ret);	/* keys of other kinds are passed over */
bool lg_keyset_has(const struct lg_keyset *ks, lg_str kid);
bool lg_keyset_has_key(const struct lg_keyset *ks, const struct lg_pubkey *k);
void lg_keyset_jwks(const struct lg_keyset *ks, struct lg_buf *out);	/* {"keys":[...]} */

struct lg_jws {
	lg_str kid, typ;
	lg_str url, nonce;		/* RFC 8555 6.2; empty unless typ was "" */
	lg_str payload;			/* decoded, in cx's arena */
	enum lg_alg alg;
};
/* typ: exactly what the header must say ("at+jwt"), compared without case and without "application/".  "JWT" is met by
 * a header without typ too (RFC 7519 5.1), and by "JOSE".  "" wants a header without typ, and allows ACME's url and nonce.  A token without
 * kid is verified only by a set of one key.  Every refusal is LG_E_UNAUTHENTICATED with a sentence. */
LG_CHECKED lg_err lg_jws_verify(struct lg_ctx *cx, lg_str token, const struct lg_keyset *ks, const char *typ, struct lg_jws *ret);
/* HS256 with a shared secret of at least 32 octets (ACME external account binding): another function for another type of
 * key, so that no public key can ever be taken for a secret. */
LG_CHECKED lg_err lg_jws_verify_hs256(struct lg_ctx *cx, lg_str token, const struct lg_secret *key, const char *typ, struct lg_jws *ret);
/* For proofs that carry their own key: typ is dpop+jwt, or "" (ACME newAccount); the key is returned with a reference. */
LG_CHECKED lg_err lg_jws_verify_embedded(struct lg_ctx *cx, lg_str token, const char *typ, struct lg_jws *ret, struct lg_pubkey **key);
/* Signs with a key of ours: client assertions, proofs, tests. */
LG_CHECKED lg_err lg_jws_sign(struct lg_ctx *cx, const struct lg_key *k, enum lg_alg alg, const char *typ, lg_str kid,
    lg_str payload, lg_str *ret);

/* The registered claims, and all of it as text for those who need more. */
struct lg_claims {
	lg_str issuer, subject, jti, client_id, scope, act_sub, sid;
	lg_str audience[LG_AUDIENCES];
	size_t naudience;
	int64_t issued, not_before, expires;	/* microseconds; 0 if absent */
	int64_t auth_time;
	lg_str acr, amr[LG_CLAIM_AMR];		/* RFC 9068 2.2.1, RFC 8176 */
	size_t namr;
	lg_str cnf_x5t;				/* cnf.x5t#S256, base64url */
	lg_str cnf_jkt;
	lg_str payload;
};
LG_CHECKED lg_err lg_claims_parse(struct lg_ctx *cx, lg_str payload, struct lg_claims *ret);
bool lg_claims_for(const struct lg_claims *c, lg_str audience);
/* exp, nbf, iat against cx->now with 60 s of tolerance: LG_E_EXPIRED or LG_E_UNAUTHENTICATED. exp is required. */
LG_CHECKED lg_err lg_claims_check_time(struct lg_ctx *cx, const struct lg_claims *c);

#endif
