/*
 * process.h: the keeper's inside.
 *
 * Lanes (threads) own channels and do what is fast: EC signatures.  What is slow or changes files runs on the slow lane,
 * a pool; whoever changes anything holds `change`.  The lanes read the set of tenants through a counted snapshot.
 */
#ifndef LG_KEEPER_PROCESS_H
#define LG_KEEPER_PROCESS_H

#include <pthread.h>

#include "crypto/ecdsa.h"
#include "crypto/keeper/frame.h"
#include "crypto/keeper/hsm_key.h"
#include "crypto/keeper/signed.h"
#include "crypto/keeper/tenant.h"

#define LG_CHAINS	16
#define LG_SLOW_QUEUE	1024
#define LG_CRL_ISSUER	1024		/* octets of a CA's name */

struct lg_tenants {
	atomic_uint refs;
	size_t n;
	struct lg_tenant *tenant[];	/* by id */
};

struct lg_mark {
	uint32_t chain, epoch;
	uint64_t seq;
	lg_sha256 hash;
};

struct lg_kproc {
	const char *dir;
	struct lg_secret file_key;
	pthread_mutex_t tenants_lock;	/* for the pointer alone */
	struct lg_tenants *tenants;
	pthread_mutex_t change;		/* files, marks, bundle versions */
	struct lg_mark mark[LG_CHAINS];
	size_t nmarks;
	struct lg_ledger_mark *ledger;	/* per tenant, the newest head signed */
	size_t nledgers;
	struct lg_bundle_mark *bundle;	/* per tenant, the newest signed */
	size_t nbundles;
	struct lg_signed *record;	/* of what was signed */
	struct lg_hsm_link hsm;
};

/* A CRL that is coming in, in parts; one a channel at a time. */
struct lg_crl_parts {
	bool open;
	lg_err failed;
	char why[LG_ERROR_TEXT];
	uint32_t id;
	size_t n, declared;
	char issuer[LG_CRL_ISSUER];	/* Name, DER */
	size_t nissuer;
	enum lg_alg alg;		/* the issuer's key's */
	EVP_MD_CTX *hash;		/* of that algorithm; the signature is over this */
	struct lg_buf whole;		/* of an algorithm that hashes for itself, and reads twice (RFC 8032 5.1.6): the list */
	EVP_MD_CTX *digest;		/* for the record */
};

/* Tokens of a turn whose signatures are made together at its end; places for them are left in the replies. */
struct lg_unsigned {
	size_t n;
	struct lg_ecdsa_item item[LG_ECDSA_BATCH];
	struct {
		size_t at;		/* of the reply buffer */
		uint32_t tenant;
		enum lg_purpose purpose;
	} place[LG_ECDSA_BATCH];
};

/* One request being answered. */
struct lg_call {
	struct lg_ctx *cx;
	struct lg_kproc *kp;
	const struct lg_tenants *tenants;
	struct lg_rd rd;
	struct lg_buf *out;		/* the reply's body goes here */
	struct lg_buf *scratch;
	struct lg_tally *tally;		/* tokens signed in this turn */
	struct lg_unsigned *later;	/* NULL: sign at once */
	struct lg_crl_parts *crl;	/* of the channel; on the slow lane of the job */
	uint32_t id;
};
/* LG_PENDING: no reply to this frame. */
typedef lg_err lg_handler(struct lg_call *c);

lg_handler lg_kp_token, lg_kp_certificate, lg_kp_crl, lg_kp_ocsp, lg_kp_bundle, lg_kp_head, lg_kp_mark, lg_kp_wrap_new,
    lg_kp_unwrap, lg_kp_keys, lg_kp_successor, lg_kp_activate, lg_kp_create_tenant, lg_kp_set_ceiling, lg_kp_new_epoch,
    lg_kp_signed, lg_kp_signed_log, lg_kp_list_tenants, lg_kp_ssh, lg_kp_ca_new,
    lg_kp_ca_import, lg_kp_ca_move, lg_kp_responders, lg_kp_set_ocsp, lg_kp_ledger, lg_kp_ledger_mark;

/* Signs what the call's handlers put off.  False: no reply that it waits in may leave. */
LG_CHECKED bool lg_kp_sign_later(struct lg_call *c);

LG_CHECKED lg_err lg_kp_open(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_keeper_options *o, const struct lg_secret *sealing);
void lg_kp_close(struct lg_kproc *kp);

struct lg_tenants *lg_kp_tenants(struct lg_kproc *kp);	/* with a reference */
void lg_tenants_unref(struct lg_tenants **ts);
LG_CHECKED lg_err lg_kp_tenant(const struct lg_call *c, uint32_t id, const struct lg_tenant **ret);
LG_CHECKED lg_err lg_kp_active(const struct lg_call *c, uint32_t tenant, enum lg_purpose purpose, enum lg_alg alg,
    const struct lg_tenant **t, const struct lg_loaded_key **ret);

/* ---- files: sealed under the file key, bound to their name ------------------------------------------------------- */

LG_CHECKED lg_err lg_kp_file_read(struct lg_ctx *cx, const struct lg_kproc *kp, const char *name, struct lg_secret *ret);
LG_CHECKED lg_err lg_kp_file_write(struct lg_ctx *cx, const struct lg_kproc *kp, const char *name, lg_str plain);
/* Under `change`: the tenant as it is on disk, for altering.  *plain holds what the record's slices point into. */
LG_CHECKED lg_err lg_kp_tenant_read(struct lg_ctx *cx, const struct lg_kproc *kp, uint32_t id, struct lg_secret *plain,
    struct lg_tenant_record *ret);
/* Makes the first keys that a tenant of an older version lacks.  Alone in the process. */
LG_CHECKED lg_err lg_kp_complete(struct lg_ctx *cx, struct lg_kproc *kp, struct lg_tenant_record *r);
/* Loads, writes, publishes; in this order, so that what does not load is never written. */
LG_CHECKED lg_err lg_kp_tenant_store(struct lg_ctx *cx, struct lg_kproc *kp, const struct lg_tenant_record *r);
LG_CHECKED lg_err lg_kp_marks_write(struct lg_ctx *cx, struct lg_kproc *kp);

LG_CHECKED lg_err lg_kp_ledgers_read(struct lg_ctx *cx, struct lg_kproc *kp);
void lg_kp_ledgers_free(struct lg_kproc *kp);

struct lg_ledger_mark {
	uint32_t tenant, epoch;
	uint64_t size;
	lg_sha256 root;
};

struct lg_bundle_mark {
	uint32_t tenant, epoch;
	uint64_t version;
};

#endif
