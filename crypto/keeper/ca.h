/* ca.h: the CA certificates that the keeper makes, and the first keys of a tenant. */
#ifndef LG_KEEPER_CA_H
#define LG_KEEPER_CA_H

#include "crypto/keeper/process.h"

#define LG_ROOT_LIFE	(INT64_C(3653) * 86400 * 1000000)	/* 10 years */
#define LG_ISSUER_LIFE	(INT64_C(731) * 86400 * 1000000)	/* 2 years */

struct lg_ca_spec {
	lg_str issuer;			/* Name, DER; empty: self-signed */
	lg_str subject;			/* Name, DER */
	const struct lg_key *key;
	const struct lg_key *signer;
	lg_str signer_id;		/* as the signer's certificate says; empty: of its key */
	int64_t not_before, not_after;
	int path_len;			/* -1: no CA, an OCSP responder */
	const struct lg_ceiling *within;	/* NULL, or what the names below are constrained to */
};
LG_CHECKED lg_err lg_ca_make(struct lg_ctx *cx, const struct lg_ca_spec *spec, lg_str *der);

/* Where a key is, or is to be made. */
struct lg_key_place {
	lg_str uri;			/* empty: where keys of its purpose are made */
	enum lg_key_type type;
};

/* A new key of a purpose as a record in cx's arena (wiped with it); with its certificate, and ROOT's key in its own file. */
LG_CHECKED lg_err lg_kp_new_key(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t,
    enum lg_purpose purpose, enum lg_alg alg, enum lg_key_state state, struct lg_key_record *ret);
/* A new issuing CA's key in state NEXT, or a root's, ACTIVE. */
LG_CHECKED lg_err lg_kp_new_ca(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t, enum lg_ca_new kind,
    const struct lg_key_place *at, struct lg_key_record *ret);
/* A responder for an issuing CA of this tenant, ACTIVE. */
LG_CHECKED lg_err lg_kp_new_responder(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *t,
    const struct lg_key_record *issuer, struct lg_key_record *ret);
/* Tenant 0: the service's own audit and data keys. */
LG_CHECKED lg_err lg_kp_create_system(struct lg_ctx *cx, struct lg_kproc *kp);

#endif
