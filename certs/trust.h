/*
 * trust.h: the authorities of all tenants, built whole, frozen, and swapped by one pointer.
 * A thread holds the snapshot while it looks at it; the last one to let go frees it.
 */
#ifndef LG_CERTS_TRUST_H
#define LG_CERTS_TRUST_H

#include <pthread.h>
#include <stdatomic.h>

#include "certs/acme_nonce.h"
#include "certs/x509.h"

struct lg_ca_digests {			/* of its name and key: how OCSP speaks of an issuer (RFC 6960 4.1.1) */
	lg_sha256 name, key;
	uint8_t name_sha1[20], key_sha1[20];
};

struct lg_ca_responder {		/* answers OCSP for an issuer (RFC 6960 4.2.2.2) */
	lg_str der;			/* empty: the issuer answers itself */
	enum lg_alg alg;
	uint8_t key_sha1[20];
	int64_t not_after;
};

struct lg_ca_cert {
	struct lg_x509 x509;
	struct lg_pubkey *key;
	enum lg_alg alg;
	lg_str kid;			/* RFC 7638, base64url: names it in URLs */
	lg_sha256 sha256;
	struct lg_ca_digests digests;
	lg_str crl_url;			/* without its ending: ".crl", ".delta.crl", "/0.crl" */
	lg_str ca_url, ocsp_url;	/* ocsp_url empty: not offered */
	const struct lg_ca_cert *above;	/* of an issuer: the root that vouches for it */
	struct lg_ca_responder responder;
};

struct lg_ssh_ca_key {
	lg_str blob;			/* as SSH writes it */
	lg_sha256 sha256;		/* of that: names the issuer in the inventory */
};

struct lg_ssh_ca {
	struct lg_ssh_ca_key key[LG_ISSUERS];	/* [0] signs */
	size_t n;
};

struct lg_ca {				/* one tenant */
	struct lg_authority au;
	struct lg_ca_cert root, old_root[LG_ISSUERS], issuer[LG_ISSUERS];
	size_t nold_roots, nissuers;
	lg_str next_kid;		/* of au.next */
	struct lg_ssh_ca ssh_user, ssh_host;
};

struct lg_trust {
	atomic_uint refs;
	uint64_t number;		/* unique in the process: caches are keyed by it */
	struct lg_arena *arena;
	struct lg_ca *ca;
	size_t n;
};

/* Name constraints of the issuer and of its root. */
LG_CHECKED lg_err lg_ca_names_permitted(struct lg_ctx *cx, const struct lg_ca_cert *issuer, lg_str subject, const struct lg_cert_names *names);

struct lg_trust *lg_trust_hold(struct lg_certs *c);
void lg_trust_release(struct lg_trust **t);	/* for LG_AUTO; safe on NULL */

LG_CHECKED lg_err lg_trust_tenant(struct lg_ctx *cx, const struct lg_trust *t, uint32_t tenant, const struct lg_ca **ret);
const struct lg_ca *lg_trust_domain(const struct lg_trust *t, lg_str domain);	/* NULL if it is nobody's */
const struct lg_ca_cert *lg_ca_by_kid(const struct lg_ca *ca, lg_str kid, bool root_too);	/* NULL if there is none */

#define LG_CRLS 256			/* CRLs kept; beyond that they are signed again */

/* Counted: who reads one does so without a lock, because a copy of some megabytes would hold up all who look at the trust. */
struct lg_crl_der {
	atomic_uint refs;
	size_t n;
	char p[];
};
void lg_crl_der_unref(struct lg_crl_der **d);	/* safe on NULL */

struct lg_crl_kept {
	uint32_t tenant;
	lg_sha256 issuer;
	unsigned kind, part;
	uint64_t revision;		/* of trust, when it was made */
	int64_t made;
	struct lg_crl_der *der;
};

struct lg_certs {
	struct lg_certs_ports ports;
	pthread_mutex_t lock;		/* guards trust, census and crl; held for a few loads and stores */
	struct lg_trust *trust;
	struct lg_crl_kept crl[LG_CRLS];
	pthread_mutex_t crl_build;	/* one CRL is built at a time */
	struct lg_acme_nonces *nonces;
	struct lg_acme_keys *acme_keys;
	struct lg_acme_limits *acme_limits;
	struct lg_foreign_times *foreign_times;
	struct lg_census *census;
	struct lg_ledger_heads *ledger_heads;
};

#endif
