/*
 * tenant.h: a tenant's keys and ceiling, in two shapes.
 *
 * A record is what is sealed in the tenant's file: slices, private keys among them, short-lived.  A tenant is what
 * the lanes work with: immutable, counted, keys ready to sign.  A change decodes the record, alters it, writes it
 * and makes a new tenant of it.
 */
#ifndef LG_KEEPER_TENANT_H
#define LG_KEEPER_TENANT_H

#include "crypto/key.h"
#include "crypto/x509.h"
#include "lightgate/keeper.h"

#define LG_TENANT_KEYS	64		/* of one tenant, retired ones included */
#define LG_TENANT_NAME	64		/* octets */
#define LG_TENANT_MAX	(256u << 10)	/* octets of its record */
#define LG_PURPOSES	(LG_PURPOSE_OCSP + 1)
#define LG_ALGS		(LG_ALG_PS512 + 1)
#define LG_KEY_TYPS	6		/* of one purpose */

struct lg_key_record {
	struct lg_keeper_key pub;
	lg_str secret;			/* PKCS#8, or the URI of a key in a token; of DATA the key itself; empty: kept elsewhere (ROOT) or
					 * given up (retired) */
};

struct lg_tenant_record {
	uint32_t id;
	lg_str name;
	struct lg_ceiling ceiling;
	enum lg_ocsp_by ocsp;
	size_t nkeys;
	struct lg_key_record key[LG_TENANT_KEYS];
};

void lg_tenant_record_encode(const struct lg_tenant_record *r, struct lg_buf *out);
LG_CHECKED lg_err lg_tenant_record_decode(struct lg_ctx *cx, lg_str bytes, struct lg_tenant_record *ret);
/* Lengths, UTF-8, lives: what an operator may have got wrong. */
LG_CHECKED lg_err lg_ceiling_check(struct lg_ctx *cx, const struct lg_ceiling *c);

/* What a CA certificate says of itself, as it must stand in what it signs. */
struct lg_issuer {
	lg_str subject;			/* Name, DER */
	lg_str key_id;
	lg_str sig_alg;			/* AlgorithmIdentifier, DER */
	int64_t not_after;
	uint8_t key_sha1[20];		/* RFC 6960 4.2.1 KeyHash */
};
LG_CHECKED lg_err lg_issuer_of(struct lg_ctx *cx, struct lg_arena *keep, lg_str cert, const struct lg_pubkey *key,
    struct lg_issuer *ret);

struct lg_loaded_key {
	struct lg_keeper_key pub;
	struct lg_key *key;		/* NULL: not loaded */
	struct lg_secret data;		/* of DATA */
	struct lg_issuer issuer;	/* of ISSUER and OCSP */
	lg_str header[LG_KEY_TYPS];	/* of those that sign tokens, one a typ of the purpose */
};

struct lg_tenant {
	atomic_uint refs;
	struct lg_arena *arena;
	uint32_t id;
	lg_str name;
	struct lg_ceiling ceiling;
	enum lg_ocsp_by ocsp;
	bool waits[LG_PURPOSES];	/* a key of this purpose is in a token, or slow: not for a lane */
	lg_str iss;			/* {"iss":"...": how every claims text of it begins */
	size_t nkeys;
	struct lg_loaded_key key[LG_TENANT_KEYS];
	const struct lg_loaded_key *active[LG_PURPOSES][LG_ALGS];
};

struct lg_hsm_link;
/* The key of a record whose private half is kept. */
LG_CHECKED lg_err lg_key_record_open(struct lg_ctx *cx, struct lg_hsm_link *hsm, const struct lg_key_record *r, struct lg_key **ret);
LG_CHECKED lg_err lg_tenant_load(struct lg_ctx *cx, struct lg_hsm_link *hsm, const struct lg_tenant_record *r, struct lg_tenant **ret);
struct lg_tenant *lg_tenant_ref(struct lg_tenant *t);
void lg_tenant_unref(struct lg_tenant **t);
/* LG_ALG_NONE: ES256 if there is one, else any.  NULL if there is none. */
const struct lg_loaded_key *lg_tenant_active(const struct lg_tenant *t, enum lg_purpose purpose, enum lg_alg alg);

/* The typ values that keys of a purpose may sign; the index is that of lg_loaded_key.header.  -1 if it may not. */
int lg_purpose_typ(enum lg_purpose purpose, lg_str typ);

#endif
