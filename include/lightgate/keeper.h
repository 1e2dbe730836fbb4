/*
 * keeper.h: the process that holds long-term private keys, and the channel to it.
 *
 * The keeper takes typed requests and holds every key to a ceiling that only the local operator changes.  It writes token
 * headers and registered claims itself and reads every TBSCertificate it is asked to sign.  One channel (a socketpair)
 * belongs to one thread: requests of a turn leave in one write, replies call back.
 */
#ifndef LIGHTGATE_KEEPER_H
#define LIGHTGATE_KEEPER_H

#include "lightgate/crypto.h"

#define LG_KEEPER_FRAME		(64u << 10)	/* octets of a request; longer CRLs travel in parts */
#define LG_KEEPER_REPLY		(8u << 20)	/* octets of a reply: the list of all keys is the longest */
#define LG_KEEPER_CRL		(32u << 20)	/* octets of a TBSCertList */
#define LG_KEEPER_PENDING	4096		/* requests on one channel; beyond it LG_E_BUSY */

enum lg_purpose {
	LG_PURPOSE_ROOT = 1,	/* signs issuing CAs; not loaded in normal operation */
	LG_PURPOSE_ISSUER,	/* signs leaves */
	LG_PURPOSE_CRL,		/* the issuer's key again, for CRLs: ceiling says which */
	LG_PURPOSE_TOKEN,
	LG_PURPOSE_TICKET,
	LG_PURPOSE_BUNDLE,
	LG_PURPOSE_AUDIT,	/* tenant 0: heads of the chains */
	LG_PURPOSE_DATA,	/* wraps the tenant's data key */
	LG_PURPOSE_SSH_USER,	/* signs SSH certificates of people */
	LG_PURPOSE_SSH_HOST,	/* ... of hosts */
	LG_PURPOSE_OCSP		/* answers for one issuing CA (RFC 6960 4.2.2.2): cert is by that CA, and made anew by lg_keeper_responders */
};
lg_str lg_purpose_name(enum lg_purpose p);		/* "issuer", as operators say it */
enum lg_purpose lg_purpose_parse(lg_str name);		/* 0 if it is none */

/* DISTRUSTED: an issuing CA whose certificates are not believed any more; the operator's word alone. */
enum lg_key_state { LG_KEY_NEXT = 1, LG_KEY_ACTIVE, LG_KEY_RETIRED, LG_KEY_DISTRUSTED };

/* The public side of a key, as the server learns it.  Slices live as long as the answer's arena. */
struct lg_keeper_key {
	uint32_t tenant;
	enum lg_purpose purpose;
	enum lg_key_state state;
	enum lg_alg alg;
	lg_str kid;		/* RFC 7638 thumbprint, base64url */
	lg_str spki;		/* DER */
	lg_str cert;		/* DER, for ROOT, ISSUER and OCSP; for BUNDLE and AUDIT the token by which its predecessor names it, or empty */
	int64_t created, since;	/* since: when it came into this state */
	lg_str place;		/* of the private half, in answers: "file", the URI of a token (RFC 7512), "elsewhere" */
};

/* What a new tenant's keys may ever do; written at creation, widened only by the operator. */
struct lg_ceiling {
	lg_str issuer;			/* "https://host" */
	lg_str trust_domain;		/* SPIFFE */
	lg_str dns_suffixes[8];		/* leaves' DNS names end in one of these; "localhost" and IP addresses only in --dev */
	size_t ndns;
	lg_str nets[8];			/* and their IP addresses lie in one of these: address and mask, 8 or 32 octets */
	size_t nnets;
	bool loopback;			/* leaves may carry 127.0.0.1, ::1 and localhost */
	int64_t token_life, ticket_life, leaf_life;	/* longest, microseconds */
};

/* Who signs OCSP answers: the issuing CA itself, or a key that it certifies for this.  AUTO: a CA whose key is in a token is spared. */
enum lg_ocsp_by { LG_OCSP_AUTO, LG_OCSP_DIRECT, LG_OCSP_DELEGATED };

/* A tenant as the keeper knows it: the ceiling is what its keys may do, whatever the server believes. */
struct lg_keeper_tenant {
	uint32_t id;
	lg_str name;
	struct lg_ceiling ceiling;
	enum lg_ocsp_by ocsp;
};

struct lg_keeper;		/* one end of a channel */
typedef void lg_keeper_done(void *arg, lg_err e, lg_str reply);	/* reply: the result, or the error's sentence */

struct lg_keeper *lg_keeper_new(int fd);	/* takes the non-blocking socket over */
void lg_keeper_free(struct lg_keeper **k);	/* what is outstanding is answered LG_E_UNAVAILABLE */
int lg_keeper_fd(const struct lg_keeper *k);
/* Sends what was asked since the last call, in one write.  LG_E_UNAVAILABLE: the keeper is gone. */
lg_err lg_keeper_flush(struct lg_keeper *k);
bool lg_keeper_wants_write(const struct lg_keeper *k);
/* Reads replies and runs their callbacks.  LG_E_UNAVAILABLE: the keeper is gone, and all callbacks were told so. */
lg_err lg_keeper_read(struct lg_keeper *k);
/* For a thread that owns the channel and may block (parent, tools, tests): flush and read until nothing is outstanding. */
lg_err lg_keeper_wait(struct lg_keeper *k);
/* One answer that is waited for: lg_keeper_await(&t, lg_keeper_keys(t.keeper, lg_keeper_told, &t), &reply).  The reply lives in
 * the context's arena.  LG_E_UNAVAILABLE: the keeper ended; otherwise what it says is wrong. */
struct lg_keeper_told {
	struct lg_keeper *keeper;
	struct lg_ctx *cx;
	lg_err e;
	lg_str reply;
};
void lg_keeper_told(void *told, lg_err e, lg_str reply);
LG_CHECKED lg_err lg_keeper_await(struct lg_keeper_told *t, lg_err queued, lg_str *reply);

/* ---- requests: each is queued and answered by callback; LG_E_BUSY at once when too many wait ------- */

struct lg_token_request {
	uint32_t tenant;
	enum lg_purpose purpose;	/* TOKEN or TICKET */
	enum lg_alg alg;		/* which active key; LG_ALG_NONE: the default (ES256) */
	lg_str typ;			/* "at+jwt", "JWT" (ID token), "lg-ticket+jwt", "logout+jwt": the ceiling lists them */
	lg_str subject;
	lg_str audience[LG_AUDIENCES];
	size_t naudience;
	int64_t issued, life;		/* microseconds; iss, iat, exp and jti are written by the keeper */
	lg_str jti;			/* empty: the keeper draws one */
	lg_str extra;			/* further members as JSON text: "\"scope\":\"a b\",\"cnf\":{...}"; registered names refused */
};
/* reply: the token */
LG_CHECKED lg_err lg_keeper_token(struct lg_keeper *k, const struct lg_token_request *rq, lg_keeper_done *done, void *arg);
/* reply: the whole certificate, DER */
LG_CHECKED lg_err lg_keeper_certificate(struct lg_keeper *k, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg);
/* purpose: SSH_USER or SSH_HOST; tbs: the certificate up to the authority's key (crypto/ssh.h).  reply: the whole of it */
LG_CHECKED lg_err lg_keeper_ssh(struct lg_keeper *k, uint32_t tenant, enum lg_purpose purpose, lg_str tbs, lg_keeper_done *done, void *arg);
/* tbs: TBSCertList of the active or a retired issuer, at most LG_KEEPER_CRL octets.  reply: signature, DER */
LG_CHECKED lg_err lg_keeper_crl(struct lg_keeper *k, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg);
/* tbs: ResponseData (RFC 6960 4.2.1) of the active or a retired issuer, or of a responder of theirs.  reply: signature, DER */
LG_CHECKED lg_err lg_keeper_ocsp(struct lg_keeper *k, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg);

struct lg_bundle_request {
	uint32_t tenant;
	lg_str audience;		/* the host's entryUUID */
	uint32_t epoch;
	uint64_t version;		/* (epoch, version) of a tenant never falls */
	int64_t issued, life;		/* microseconds; at most LG_BUNDLE_LIFE */
	lg_sha256 digest;		/* of the bundle's bytes */
};
#define LG_BUNDLE_LIFE	INT64_C(86400000000)
/* reply: a token, typ "lg-bundle+jwt", claims iss aud iat exp epoch version sha256 (base64url) */
LG_CHECKED lg_err lg_keeper_bundle(struct lg_keeper *k, const struct lg_bundle_request *rq, lg_keeper_done *done, void *arg);

/* Extends chain `chain` (0 change log, 1 decision segments) by records from_seq..; the digests are their body hashes, 32 octets each.
 * The first record of a chain has number 1 and the predecessor 32 zero octets; no digests: the mark is signed as it stands.
 * LG_E_CONFLICT for a record that is not the next one, or another epoch.
 * reply: JSON {"chain","epoch","seq","hash","time","kid","sig"}; lg_head_verify reads it */
LG_CHECKED lg_err lg_keeper_head(struct lg_keeper *k, uint32_t chain, uint32_t epoch, uint64_t from_seq, lg_str digests,
    lg_keeper_done *done, void *arg);
struct lg_signed_head {
	uint32_t chain, epoch;
	uint64_t seq;
	lg_sha256 hash;
	int64_t time;
};
/* LG_E_UNAUTHENTICATED unless one of the audit keys signed it. */
LG_CHECKED lg_err lg_head_verify(struct lg_ctx *cx, lg_str json, const struct lg_keyset *audit, struct lg_signed_head *ret);
/* The head of a tenant's ledger (RFC 9162): signed when the tree goes on from the one whose head was signed last, which path proves
 * (consistency, 32 octets a hash); after a restore by the operator, from whatever there is.  LG_E_CONFLICT.
 * reply: JSON {"ledger": trust domain, "epoch", "size", "root", "time", "kid", "sig"}; lg_ledger_head_verify reads it */
LG_CHECKED lg_err lg_keeper_ledger(struct lg_keeper *k, uint32_t tenant, uint64_t size, const lg_sha256 *root, lg_str path,
    lg_keeper_done *done, void *arg);
/* reply: u64, the size whose head was signed last; 0: the next one needs no proof */
LG_CHECKED lg_err lg_keeper_ledger_mark(struct lg_keeper *k, uint32_t tenant, lg_keeper_done *done, void *arg);
struct lg_ledger_signed {	/* slices in cx's arena or the text */
	lg_str domain;
	uint32_t epoch;
	uint64_t size;
	lg_sha256 root;
	int64_t time;
};
/* LG_E_UNAUTHENTICATED unless one of the audit keys signed it. */
LG_CHECKED lg_err lg_ledger_head_verify(struct lg_ctx *cx, lg_str json, const struct lg_keyset *audit, struct lg_ledger_signed *ret);
/* The keeper's mark of a chain without extending it.  reply: u32 epoch, u64 seq, 32 octets hash; LG_E_NOT_FOUND if none. */
LG_CHECKED lg_err lg_keeper_mark(struct lg_keeper *k, uint32_t chain, lg_keeper_done *done, void *arg);
/* reply: the data key sealed for storage, and (unwrap) 32 octets of key */
LG_CHECKED lg_err lg_keeper_wrap_new(struct lg_keeper *k, uint32_t tenant, lg_keeper_done *done, void *arg);
LG_CHECKED lg_err lg_keeper_unwrap(struct lg_keeper *k, uint32_t tenant, lg_str wrapped, lg_keeper_done *done, void *arg);
/* reply: list for lg_keeper_keys_parse */
LG_CHECKED lg_err lg_keeper_keys(struct lg_keeper *k, lg_keeper_done *done, void *arg);
LG_CHECKED lg_err lg_keeper_keys_parse(struct lg_ctx *cx, lg_str reply, struct lg_keeper_key **keys, size_t *n);
/* reply: list for lg_keeper_tenants_parse; the service's own tenant 0 is not in it */
LG_CHECKED lg_err lg_keeper_tenants(struct lg_keeper *k, lg_keeper_done *done, void *arg);
LG_CHECKED lg_err lg_keeper_tenants_parse(struct lg_ctx *cx, lg_str reply, struct lg_keeper_tenant **tenants, size_t *n);
/* A new key of the same purpose and ceiling, in state NEXT; activating retires the one before.  alg: LG_ALG_NONE: an issuing CA's like the
 * one before, others' ES256.  reply: its kid */
LG_CHECKED lg_err lg_keeper_successor(struct lg_keeper *k, uint32_t tenant, enum lg_purpose purpose, enum lg_alg alg,
    lg_keeper_done *done, void *arg);
LG_CHECKED lg_err lg_keeper_activate(struct lg_keeper *k, uint32_t tenant, lg_str kid, lg_keeper_done *done, void *arg);

#define LG_KEEPER_RESPONDER (INT64_C(3) * 86400 * 1000000)	/* life of a responder's certificate: it says that nobody need ask about it */
/* OCSP responders (lg_ocsp_by) whose certificate is past two thirds of its life, or missing, get a new key and certificate.
 * reply: u32, how many */
LG_CHECKED lg_err lg_keeper_responders(struct lg_keeper *k, uint32_t tenant, lg_keeper_done *done, void *arg);

/* Only on the parent's channel; LG_E_DENIED on any other.  create_tenant's reply: the root certificate, DER. */
LG_CHECKED lg_err lg_keeper_create_tenant(struct lg_keeper *k, uint32_t tenant, lg_str name, const struct lg_ceiling *ceiling,
    lg_keeper_done *done, void *arg);
LG_CHECKED lg_err lg_keeper_set_ceiling(struct lg_keeper *k, uint32_t tenant, const struct lg_ceiling *ceiling,
    lg_keeper_done *done, void *arg);
LG_CHECKED lg_err lg_keeper_set_ocsp(struct lg_keeper *k, uint32_t tenant, enum lg_ocsp_by by, lg_keeper_done *done, void *arg);
/* A new issuing CA in state NEXT: with a certificate by the tenant's own root (CONSTRAINED: its name constraints are the ceiling's), or
 * without one.  reply: the kid; for REQUEST the request for a root elsewhere (PKCS#10, DER), the same one until its certificate is
 * imported.  ROOT: a new root, active at once, beside the one before.  uri: the key in a token (RFC 7512), made there when there is none of
 * that name; empty: where keys of this purpose are made.  type: of a key that is made, LG_KEY_P256 by default; no Ed25519 in a token. */
enum lg_ca_new { LG_CA_REQUEST, LG_CA_CONSTRAINED, LG_CA_ISSUER, LG_CA_ROOT };
LG_CHECKED lg_err lg_keeper_ca_new(struct lg_keeper *k, uint32_t tenant, enum lg_ca_new kind, enum lg_key_type type, lg_str uri,
    lg_keeper_done *done, void *arg);
/* The certificate for that request, and the root above it when it is another than the tenant's: then that is the tenant's root from now on,
 * beside the one before.  reply: the kid */
LG_CHECKED lg_err lg_keeper_ca_import(struct lg_keeper *k, uint32_t tenant, lg_str cert, lg_str root, lg_keeper_done *done, void *arg);
/* ACTIVATE: NEXT or RETIRED signs from now on; CANCEL: NEXT is forgotten; DISTRUST: RETIRED is not believed, TRUST: again. */
enum lg_ca_move { LG_CA_ACTIVATE, LG_CA_CANCEL, LG_CA_DISTRUST, LG_CA_TRUST };
LG_CHECKED lg_err lg_keeper_ca_move(struct lg_keeper *k, uint32_t tenant, enum lg_ca_move move, lg_str kid, lg_keeper_done *done, void *arg);
/* `restore --accept-loss`: sets a chain's mark, in a higher epoch only.  reply: empty */
LG_CHECKED lg_err lg_keeper_new_epoch(struct lg_keeper *k, uint32_t chain, uint32_t epoch, uint64_t seq, const lg_sha256 *hash,
    lg_keeper_done *done, void *arg);
/* How much was signed since the beginning. reply: rows {u8 purpose, u32 tenant, u64 count, 32 hash}, hash_n = SHA-256(hash_{n-1} || digest_n) */
LG_CHECKED lg_err lg_keeper_signed(struct lg_keeper *k, lg_keeper_done *done, void *arg);
/* For reconcile: what was signed, one by one (tokens: one row for those of a second), from row `from` (0: the first) on.
 * reply: rows {u64 time, u8 purpose, u32 tenant, u64 count so far, 32 digest}, as many as a frame holds; empty: no more.
 * digest: SHA-256 of the certificate, the TBSCertList, the ResponseData, the bundle token, the head without its signature. */
#define LG_SIGNED_ROW	53
/* Behind a certificate's row stands another, with LG_SIGNED_LEAF in its purpose: its digest is LG_SIGNED_SERIAL octets of serial number (of
 * SSH 8), zeros before it, and the beginning of the kid that signed; its count is when the certificate ends. */
#define LG_SIGNED_LEAF		0x80
#define LG_SIGNED_SERIAL	20
#define LG_SIGNED_KID		12
struct lg_signed_row {
	int64_t time;			/* 0: no signature, and nothing for who reads */
	uint8_t purpose;
	uint32_t tenant;
	uint64_t count;
	lg_sha256 digest;
};
struct lg_signed_row lg_signed_row_read(struct lg_rd *rd);
LG_CHECKED lg_err lg_keeper_signed_log(struct lg_keeper *k, uint64_t from, lg_keeper_done *done, void *arg);

/* ---- the port through which components sign; filled by server/ ---------------------------------------- */

struct lg_signer {
	void *self;
	/* On a loop: answered by callback on the same thread, a turn's requests in one write. */
	lg_err (*token)(void *self, const struct lg_token_request *rq, lg_keeper_done *done, void *arg);
	lg_err (*ocsp)(void *self, uint32_t tenant, lg_str tbs, lg_keeper_done *done, void *arg);	/* NULL: no OCSP is offered */
	/* On a worker: these wait.  Results live in cx's arena. */
	lg_err (*token_wait)(void *self, struct lg_ctx *cx, const struct lg_token_request *rq, lg_str *token);
	lg_err (*certificate_wait)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *der);
	lg_err (*crl_wait)(void *self, struct lg_ctx *cx, uint32_t tenant, lg_str tbs, lg_str *sig);
	lg_err (*ssh_wait)(void *self, struct lg_ctx *cx, uint32_t tenant, enum lg_purpose purpose, lg_str tbs, lg_str *cert);
	/* The data key under which the tenant's secret blobs are sealed (32 octets, unwrapped by the keeper at start). */
	lg_err (*data_key)(void *self, struct lg_ctx *cx, uint32_t tenant, const struct lg_secret **ret);
};

/* Password work: threads of its own, a bounded queue, LG_E_BUSY beyond it. */
typedef void lg_hash_done(void *arg, lg_err e, bool match, bool upgrade);
/* stored is valid during the call: the verifier, and on a second line a SCRAM-SHA-256 verifier of the same password. */
typedef void lg_hash_made(void *arg, lg_err e, lg_str stored);
#define LG_HASH_USED 32
struct lg_hasher {
	void *self;
	/* On a loop.  stored empty: nobody of that name; costs the same and never matches.  Both are copied. */
	lg_err (*verify)(void *self, lg_str stored, const struct lg_secret *password, lg_hash_done *done, void *arg);
	/* On a loop, at once, where that costs no more than a digest; false: it does not, and verify is to be asked.  NULL: never. */
	bool (*verify_now)(void *self, struct lg_ctx *cx, lg_str stored, const struct lg_secret *password, bool *match, bool *upgrade);
	/* On a worker. */
	lg_err (*verify_wait)(void *self, struct lg_ctx *cx, lg_str stored, const struct lg_secret *password, bool *match, bool *upgrade);
	lg_err (*hash_wait)(void *self, struct lg_ctx *cx, const struct lg_secret *password, lg_str *stored);
	/* On a loop: the verifier of a new password.  The password is copied. */
	lg_err (*hash)(void *self, const struct lg_secret *password, lg_hash_made *done, void *arg);
	/* The same for a password that must be none of those before: LG_E_EXISTS when one of the n verifiers (at most LG_HASH_USED) is
	 * its own.  On a loop, and on a worker. */
	lg_err (*renew)(void *self, const lg_str *used, size_t n, const struct lg_secret *password, lg_hash_made *done, void *arg);
	lg_err (*renew_wait)(void *self, struct lg_ctx *cx, const lg_str *used, size_t n, const struct lg_secret *password, lg_str *stored);
};

/* ---- the process ------------------------------------------------------------------------------------ */

struct lg_keeper_options {
	const char *dir;		/* DATA/keeper */
	int control;			/* the parent's channel: may create tenants and change ceilings */
	const int *channels;		/* the server's: may sign */
	size_t nchannels;
	int secret_fd;			/* pipe from which the sealing secret (32 octets) is read, then closed */
	bool confine;			/* Landlock, seccomp, no dumps */
	unsigned threads;		/* 0: one a core */
	const int *hsm;			/* channels to the process with the PKCS#11 module (crypto/hsm/hsm.h) */
	size_t nhsm;			/* 0: there is none */
	lg_str hsm_token;		/* label of the token in which keys are made ... */
	uint32_t hsm_purposes;		/* ... of these purposes, bit 1 << enum lg_purpose */
};
/* Runs until the control channel closes.  Returns the exit status. */
int lg_keeper_main(const struct lg_keeper_options *o);

#endif
