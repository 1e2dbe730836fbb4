/*
 * world.h: two tenants with real keys, a real store, a directory that is a table of that store, a policy that is a flag, and a
 * keeper that signs with the keys here after the real keeper's own checks.
 * Authorities and odd certificates are made by OpenSSL's own X509 code, which shares nothing with ours.
 */
#ifndef LG_TESTS_CERTS_WORLD_H
#define LG_TESTS_CERTS_WORLD_H

#include <openssl/x509.h>

#include "base/clock.h"
#include "certs/trust.h"

#define TENANT_A 1
#define TENANT_B 2

struct authority_keys {
	EVP_PKEY *root_key, *issuer_key;
	X509 *root, *issuer;
	lg_str root_der, issuer_der;
};

struct world {
	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_store *store;
	struct lg_certs *certs;
	struct authority_keys keys[3];		/* by tenant */
	lg_uuid host, service, user, workload, other_host;	/* of tenant A */
	lg_uuid host_b;				/* of tenant B, also "node1" */
	/* what the fakes do */
	const char *deny;			/* this action */
	bool unstable;				/* answers depend on time */
	int asked;				/* how often */
	char last_action[64], last_proof[16];
	lg_str last_profile;
	size_t last_ndns, last_nprincipals;
	int64_t last_life;			/* seconds */
	void (*while_signing)(struct world *w);	/* between pending and complete */
	bool keeper_gone;
	/* what a look outside finds: the answer of http-01, the TXT record, the certificate of tls-alpn-01; empty: nobody there */
	lg_str net_http, net_txt, net_cert, net_asked;
	lg_err net_error;			/* of every look; LG_OK: as above */
	/* CAA: the name that has these records; caa_fails: the DNS server does not answer for this name */
	const char *caa_name, *caa_fails;
	lg_str caa[4];
	size_t ncaa;
	int caa_asked;
	bool keeper_late;			/* it takes a request for OCSP and then goes */
	/* what a bundle endpoint answers, and the chain that it shows to who wants to judge it */
	lg_str web_body, web_url, web_sent, web_chain[4];
	size_t web_nchain;
	int web_status;
	int signed_certs, signed_crls, signed_ocsp;
	struct lg_certs_caller caller;		/* of the next request */
	bool nobody;				/* the next request is unauthenticated */
};

struct world *world_new(void);
struct world *world_open(const char *acme_entry);	/* accounts without a key order for this entry */
struct world *world_limited(const unsigned acme_limits[LG_ACME_LIMITS]);
void world_free(struct world *w);
/* After a mutation this thread's snapshot is old. */
struct lg_view *world_view(struct world *w);

void world_entry(struct world *w, uint32_t tenant, lg_uuid id, const char *type, const char *name, const char *project, bool enabled);
void world_entry_gone(struct world *w, uint32_t tenant, lg_uuid id);

/* A key and a request for it; names may be NULL. */
struct lg_key *world_key(struct world *w, enum lg_key_type type);
lg_str world_csr(struct world *w, const struct lg_key *k, const struct lg_csr_names *names);
/* A certificate for the entry through lg_certs_issue. */
lg_err world_issue(struct world *w, uint32_t tenant, lg_uuid entry, const char *profile, const struct lg_key *k,
    const struct lg_cert_names *only, struct lg_issued *ret);
/* For tenant A, with a new key; it must succeed. */
struct lg_issued world_issued(struct world *w, lg_uuid entry, const char *profile);
/* So many more rows like this one, of serial numbers of their own. */
void world_copies(struct world *w, const lg_serial *of, unsigned n);
lg_err world_peer(struct world *w, lg_str der, struct lg_certs_peer *ret);

/* An odd certificate, made by OpenSSL and signed with `signer`.  Extensions as in openssl.cnf ("subjectAltName", "URI:x"). */
struct craft {
	EVP_PKEY *signer;
	X509 *issuer;			/* name and key identifier */
	EVP_PKEY *key;			/* subject's; NULL: a new P-256 key */
	const EVP_MD *digest;		/* NULL: SHA-256 */
	int version;			/* as encoded; 2 unless said otherwise by v1 */
	bool v1;
	int64_t begins, ends;		/* seconds from now */
	int serial_kind;		/* 0 as ours, 1 zero, 2 negative, 3 too long */
	const char *ext[12][2];
};
struct craft craft_good(struct world *w, uint32_t tenant);
lg_str craft_der(struct world *w, const struct craft *c);
void craft_ext(struct craft *c, const char *name, const char *value);	/* replaces or adds; NULL removes */
/* One fault of a certificate that is good else: what is not set stays. */
struct craft_fault {
	const char *ext, *value;	/* as craft_ext */
	void (*make)(struct world *w, struct craft *c);
	int serial_kind, rsa_bits;
	const char *curve;
	const EVP_MD *(*digest)(void);
	bool v1;
	int64_t begins, ends;
};
#define EXT(name, v) { .ext = (name), .value = (v) }
#define SAN(v) EXT("subjectAltName", v)
void craft_spoil(struct world *w, struct craft *c, const struct craft_fault *f);	/* c->key is the caller's to free */
/* Puts it into the inventory, as if we had issued it. */
void world_record(struct world *w, uint32_t tenant, lg_uuid entry, const char *type, const char *name, lg_str der);

X509 *x509_of(lg_str der);
lg_str der_of(struct world *w, X509 *x);

#endif
