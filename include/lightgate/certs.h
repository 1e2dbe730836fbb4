/*
 * certs.h: the certificate authority: issue, verify, revoke, join tokens, CRLs, and the routes that serve them.
 *
 * One struct lg_certs per process; threads share it.  What it needs from its neighbours comes through the ports below,
 * what it keeps is in the tables below, and private keys are never here: lg_signer leads to the keeper.
 * Names come from the directory entry; a certificate request proves a key and can only leave names out.
 */
#ifndef LIGHTGATE_CERTS_H
#define LIGHTGATE_CERTS_H

#include "base/decide.h"
#include "base/http.h"
#include "base/web.h"
#include "lightgate/crypto.h"
#include "lightgate/keeper.h"
#include "lightgate/store.h"

#define LG_CERT_SERIAL		17		/* octets: positive, 134 of its bits random (RFC 5280 4.1.2.2 allows 20) */
#define LG_CERT_SERIAL_TEXT	(2 * LG_CERT_SERIAL)	/* lower-case hex */
#define LG_CERT_MAX		(8u << 10)	/* octets of a leaf, as presented by a peer */
#define LG_CSR_MAX		(16u << 10)	/* octets of a request, DER */
#define LG_CERT_NAMES		16		/* names of each kind in one certificate */
#define LG_CERT_NAME		64		/* octets of an entry's name in a SPIFFE path segment */
#define LG_CERT_BACKDATE	(5 * INT64_C(60000000))		/* notBefore lies this long before the issue */
#define LG_CERT_REJOIN		(14 * INT64_C(86400000000))	/* a host may renew this long after expiry */
#define LG_ISSUERS		4		/* issuing certificates of one tenant: the active one and its predecessors */
#define LG_RESPONDERS		16		/* of these and of what comes after them */

typedef struct {
	uint8_t b[LG_CERT_SERIAL];
} lg_serial;

lg_str lg_serial_text(struct lg_arena *a, const lg_serial *s);
bool lg_serial_parse(lg_str text, lg_serial *ret);	/* exactly what lg_serial_text writes, either case */

/* ---- tables ------------------------------------------------------------------------------------- */

extern const struct lg_table *const lg_certs_tables[];
extern const size_t lg_certs_ntables;

/* ---- ports -------------------------------------------------------------------------------------- */

/* A directory entry that can hold a certificate. */
struct lg_cert_subject {
	lg_uuid id;
	lg_str type;			/* "User", "Service", "Host", "Workload" */
	lg_str name;
	lg_str project;			/* its name; Workload only */
	bool enabled;
	const lg_str *dns;		/* DNS names the entry holds, each below one of the tenant's suffixes */
	size_t ndns;
	const lg_str *ip;		/* its addresses, 4 or 16 octets each */
	size_t nip;
};

struct lg_cert_subjects {
	void *self;
	/* LG_E_NOT_FOUND without such an entry.  Slices live as long as cx's arena or the view. */
	lg_err (*by_name)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str type, lg_str name, struct lg_cert_subject *ret);
	lg_err (*by_id)(void *self, struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid id, struct lg_cert_subject *ret);
};

/* Who sent a request, proved by token, certificate or socket. */
struct lg_certs_caller {
	lg_uuid id;
	lg_str type, name;
	const char *proof;		/* subject_proof of the policy's context: "token", "self" */
};

/* What may happen so often in an hour (RFC 8555 6.6). */
enum lg_acme_limit {
	LG_ACME_ACCOUNTS_ADDRESS,	/* new accounts, of one address (IPv6: /64) */
	LG_ACME_ORDERS_ACCOUNT,		/* new orders, of one account */
	LG_ACME_ORDERS_NAME,		/* new orders for one name, of all accounts */
	LG_ACME_FAILED_ACCOUNT,		/* failed challenges, of one account */
	LG_ACME_FAILED_NAME,		/* of one account for one name */
	LG_ACME_LIMITS
};

/* How a server that asks for a certificate is looked at from outside (ACME, RFC 8555 8).  Called on workers, without a view; each call has a
 * deadline of its own.  LG_E_UNAVAILABLE: no connection; LG_E_NOT_FOUND: no such name or record; LG_E_IO: the DNS server fails;
 * LG_E_DENIED: an address that is not looked at; LG_E_INVALID: an answer that is none. */
#define LG_ACME_BODY	1024		/* octets of an http-01 answer */
#define LG_ACME_TXT	32		/* records of one name */
#define LG_ACME_CAA	32		/* likewise */
struct lg_acme_net {
	void *self;
	/* host: a DNS name or an address as text. */
	lg_err (*http)(void *self, struct lg_ctx *cx, lg_str host, lg_str path, lg_str *body);
	lg_err (*txt)(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n);	/* ret[LG_ACME_TXT] */
	/* The certificate, DER, shown to a handshake with this SNI whose only protocol is acme-tls/1. */
	lg_err (*alpn)(void *self, struct lg_ctx *cx, lg_str host, lg_str sni, lg_str *cert);
	/* CAA records of the closest of this name and its parents that has any (RFC 8659 3), their RDATA. */
	lg_err (*caa)(void *self, struct lg_ctx *cx, lg_str name, lg_str *ret, size_t *n);	/* ret[LG_ACME_CAA] */
};

/* A signature between two mutations: `before` is applied, the keeper signs, `take` looks at the certificate, `after` is applied. */
struct lg_between {
	uint32_t tenant;
	lg_str tbs;
	struct lg_job before, after;	/* run and operation are filled, the rest zero */
	lg_err (*take)(void *arg, struct lg_ctx *cx, lg_str der);	/* on another thread; der lives as long as the call */
	void *arg;
	/* NULL: whoever asks waits.  Else it is answered LG_PENDING, and this is called once, on any thread, which it must not keep. */
	void (*done)(struct lg_between *b, lg_err e);
	void *owner;			/* of whoever runs the steps */
};

struct lg_certs_ports {
	struct lg_store *store;
	struct lg_cert_subjects subjects;
	struct lg_decider decider;
	struct lg_signer signer;
	void *callers;
	/* Who asks, in ex->tenant; sets cx->actor.  audience: the path under the issuer that a token must be for ("/v1"). */
	lg_err (*authenticate)(void *callers, struct lg_http *ex, const char *audience, struct lg_certs_caller *ret);
	/* All four steps of a certificate while the caller, a worker, sleeps once, or goes away.  Ends the turn of a thread that waits.
	 * NULL: one after the other. */
	lg_err (*between)(void *callers, struct lg_ctx *cx, struct lg_between *b);
	/* Of the loop that carries an exchange: where the store answers, so that nobody sleeps meanwhile.  NULL: whoever asks waits. */
	struct lg_mailbox *(*mailbox)(void *callers, struct lg_http *ex);
	/* A service by its name and secret (HTTP Basic), in ex->tenant; sets cx->actor.  LG_E_UNAUTHENTICATED.  NULL: nobody can. */
	lg_err (*by_secret)(void *callers, struct lg_http *ex, lg_str name, lg_str secret, struct lg_certs_caller *ret);
	/* The tenant's ticket keys as a JWKS object, in cx's arena: told to hosts that join.  NULL: not told. */
	lg_err (*ticket_keys)(void *callers, struct lg_ctx *cx, uint32_t tenant, lg_str *ret);
	/* Heads of ledgers, by the keeper: the size that was signed last, and the next one, with the proof that it goes on from there.  The keys
	 * behind them, JWKS.  On workers.  NULL: none is signed. */
	lg_err (*ledger_mark)(void *callers, struct lg_ctx *cx, uint32_t tenant, uint64_t *size);
	lg_err (*ledger_sign)(void *callers, struct lg_ctx *cx, uint32_t tenant, uint64_t size, const lg_sha256 *root, lg_str path, lg_str *head);
	lg_err (*ledger_keys)(void *callers, struct lg_ctx *cx, lg_str *jwks);
	struct lg_acme_net net;		/* http NULL: no ACME */
	/* "Service/acme": whose certificates an ACME account without an external account key orders, in tenants that have this entry;
	 * empty: every account needs such a key. */
	lg_str acme_entry;
	unsigned acme_limits[LG_ACME_LIMITS];	/* 0: no limit */
	struct lg_web web;		/* where bundles of other trust domains come from; ask NULL: they are set by hand */
	lg_str caa_identity;		/* this authority in CAA records; empty: they are not asked for */
	lg_str mtls_url;		/* "https://host:8444", of the default tenant: told to hosts that join */
	lg_str join_address;		/* "host:8443": stands in join tokens */
};

/* One tenant's authority.  Everything is copied. */
struct lg_authority {
	uint32_t tenant;
	lg_uuid id;			/* the tenant's entryUUID: resource of certificate:revoke */
	lg_str issuer;			/* "https://host", as in tokens */
	lg_str trust_domain;
	lg_str root;			/* DER */
	lg_str old_roots[LG_ISSUERS];	/* DER: predecessors, which issuers may still stand below */
	size_t nold_roots;
	lg_str issuers[LG_ISSUERS];	/* DER; [0] signs, the others are still believed */
	size_t nissuers;
	lg_str next;			/* DER: will sign, and is told beforehand; empty: there is none */
	lg_str responders[LG_RESPONDERS];	/* DER: certificates of keys that answer OCSP for one of the issuers each */
	size_t nresponders;
	lg_str http_url;		/* "http://host:8080", the tenant's prefix included: CRL and AIA are below it */
	/* Where the tenant is reached, when that is below a path; empty: as the ports say. */
	lg_str join_address, mtls_url;
	lg_str service_root;		/* DER: behind the listeners' own certificates; empty: root */
	const lg_str *dns_suffixes;	/* leaves' DNS names are or end in one of these */
	size_t ndns_suffixes;
	lg_str ssh_user[LG_ISSUERS], ssh_host[LG_ISSUERS];	/* SubjectPublicKeyInfo; [0] signs, the others are still believed */
	size_t nssh_user, nssh_host;	/* 0: no SSH certificates */
	lg_str token_keys;		/* JWKS: behind its JWT-SVIDs, for the trust bundle; empty: they are not told */
	int64_t trust_since;		/* when one of these or a root came or went: the bundle's sequence number */
	const lg_str *nets;		/* leaves' addresses lie in one of these: address and mask */
	size_t nnets;
	bool loopback;			/* leaves may carry localhost, 127.0.0.1 and ::1 */
	int64_t leaf_life;		/* the keeper's ceiling */
};

struct lg_certs;
/* Slices of the ports must outlive it.  No tenant has an authority until lg_certs_trust is called. */
LG_CHECKED lg_err lg_certs_new(struct lg_ctx *cx, const struct lg_certs_ports *ports, struct lg_certs **ret);
void lg_certs_free(struct lg_certs **c);		/* safe on NULL; no thread may be inside */
/* Replaces all authorities at once (at start, after a rotation, for a new tenant).  Every issuer is checked against its root;
 * on failure the ones before stay. */
LG_CHECKED lg_err lg_certs_trust(struct lg_ctx *cx, struct lg_certs *c, const struct lg_authority *v, size_t n);

/* Would it be taken?  Nothing changes. */
LG_CHECKED lg_err lg_certs_trust_check(struct lg_ctx *cx, struct lg_certs *c, const struct lg_authority *au);

/* A turn of the tenant's webhooks: what they were not told yet.  On a worker, which waits for others' servers; after one that does not
 * answer the rest is the next turn's. */
LG_CHECKED lg_err lg_certs_hooks(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant);

/* Certificates in the last sixth of their life for which there is no later one: same entry, same profile, and without a SPIFFE id the same
 * names.  Those of people and workloads, who come and go, are not among them. */
#define LG_UNRENEWED		20		/* that are told one by one */
#define LG_RENEWED_LATEST	6
struct lg_unrenewed {
	struct lg_arena *arena;
	uint64_t count;
	struct lg_unrenewed_one {
		lg_serial serial;
		lg_str type, name, profile;
		int64_t expires;
	} v[LG_UNRENEWED];		/* the first to end */
};
/* Counts what is alive, for the metrics, and finds those; in cx's arena.  On a worker: a million certificates take a tenth of a
 * second, those in the last sixth of their life some microseconds each on top. */
LG_CHECKED lg_err lg_certs_census(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, struct lg_unrenewed *ret);

/* On any thread. */
void lg_certs_metrics(struct lg_certs *c, struct lg_buf *out);
struct lg_ca_end {
	uint32_t tenant;
	lg_str trust_domain, kid;
	const char *what;		/* "root", "issuing CA" */
	lg_sha256 sha256;		/* of the certificate */
	int64_t ends;
};
/* Slices live as long as the call. */
typedef void lg_ca_ending(void *arg, const struct lg_ca_end *end);
/* Roots, and issuing CAs that sign, whose time is over before `before`; tenant 0: of all. */
void lg_certs_ending(struct lg_certs *c, uint32_t tenant, int64_t before, lg_ca_ending *each, void *arg);

/* ---- issuing: on workers, because it waits for the store and the keeper ------------------------------ */

enum lg_san { LG_SAN_URI = 1, LG_SAN_DNS = 2, LG_SAN_IP = 4 };
enum lg_eku { LG_EKU_SERVER = 1, LG_EKU_CLIENT = 2, LG_EKU_OCSP = 4 };	/* OCSP: of the keeper's own profile alone */

#define LG_PROFILES		64		/* a tenant's own */
#define LG_PROFILE_NAME		32		/* octets */
#define LG_PROFILE_LIST		8		/* names or policies of one list */

enum lg_profile_kind {
	LG_PROFILE_LEAF,		/* lg_certs_issue */
	LG_PROFILE_CA,			/* made by the keeper: shown, never asked for */
	LG_PROFILE_SSH_USER,		/* SSH certificates: lg_certs_issue with an SSH key */
	LG_PROFILE_SSH_HOST
};

/* What kind of certificate.  Those of lg_cert_profiles are in every tenant; an administrator changes them and adds others.  Each
 * narrows the keeper's ceiling. */
struct lg_cert_profile {
	lg_str name;
	lg_str type;			/* of the entry; empty: names are not the entry's (lg_certs_issue_own, proved names) */
	enum lg_profile_kind kind;
	unsigned keys;			/* bit per enum lg_key_type */
	unsigned eku;
	unsigned san;
	int64_t life, longest;		/* the default and the limit, microseconds */
	lg_str permitted[LG_PROFILE_LIST], excluded[LG_PROFILE_LIST];	/* DNS names are below one of the first (if any), of the second none */
	size_t npermitted, nexcluded;
	lg_str policies[LG_PROFILE_LIST];	/* certificatePolicies, OIDs as text */
	size_t npolicies;
};
extern const struct lg_cert_profile lg_cert_profiles[];
extern const size_t lg_cert_nprofiles;
/* As the tenant has it, else as it is built in; its own: it differs from what is built in.  LG_E_INVALID: there is none. */
LG_CHECKED lg_err lg_cert_profile_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_str name, struct lg_cert_profile *ret, bool *own);

/* Names of a certificate; ip: 4 or 16 octets each. */
struct lg_cert_names {
	lg_str uri[LG_CERT_NAMES], dns[LG_CERT_NAMES], ip[LG_CERT_NAMES];
	size_t nuri, ndns, nip;
};

/* A checked PKCS#10 request: the self-signature proved possession of the key.  Slices point into the DER. */
struct lg_csr {
	lg_str spki;
	enum lg_key_type key;
	struct lg_cert_names names;	/* asked for; without any, the entry's names are taken */
	lg_str subject;			/* Name, whole; EST's renewals look at it (RFC 7030 4.2.2) */
	lg_str common_name;		/* of it, the last one, as it stands; only ACME counts it as a name (RFC 8555 7.4) */
};
LG_CHECKED lg_err lg_csr_parse(struct lg_ctx *cx, lg_str der, struct lg_csr *ret);
/* The kind of a SubjectPublicKeyInfo; LG_E_INVALID for malformed, weak or unknown keys. */
LG_CHECKED lg_err lg_spki_check(struct lg_ctx *cx, lg_str spki, enum lg_key_type *ret);

/* Its slices must outlive the call, which ends the thread's snapshot: copy what was read from a view. */
struct lg_cert_request {
	uint32_t tenant;
	lg_str profile;
	struct lg_entity_id asker;	/* the policy's principal */
	const char *proof;		/* subject_proof: "self", "token", "ticket" */
	lg_uuid entry;			/* whose certificate */
	lg_str spki;			/* DER; the caller has proof of possession */
	const struct lg_cert_names *only;	/* NULL: all names of the entry */
	/* Of tls-server alone: names whose control the entry has proved (ACME).  They are the certificate's, instead of the entry's. */
	const struct lg_cert_names *proved;
	bool ssh;			/* for an SSH certificate: the key's holder proves it at every use */
	const lg_str *principals;	/* asked for; none: the entry's */
	size_t nprincipals;
	int64_t life;			/* 0: the profile's; longer than the profile's limit: LG_E_DENIED */
	int64_t ends;			/* instead: notAfter itself, whole seconds, which it then has or it is LG_E_DENIED; 0: by life */
};

struct lg_issued {			/* in cx's arena */
	lg_serial serial;
	lg_str cert;			/* DER */
	lg_str chain;			/* the issuing certificate, DER; of SSH certificates empty, as is the root */
	lg_str root;			/* DER */
	int64_t expires;
};
LG_CHECKED lg_err lg_certs_issue(struct lg_ctx *cx, struct lg_certs *c, const struct lg_cert_request *rq, struct lg_issued *ret);
/* For the service's own listeners (profile tls-server): no entry and no policy, the actor must be LG_ACTOR_SYSTEM; names within
 * the tenant's suffixes and loopback, and spiffe://<trust domain>/lightgate, which opens none of them; recorded like any other. */
LG_CHECKED lg_err lg_certs_issue_own(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str spki,
    const struct lg_cert_names *names, int64_t life, struct lg_issued *ret);

/* ---- verifying: on any thread -------------------------------------------------------------------------- */

struct lg_certs_peer {			/* slices in cx's arena */
	uint32_t tenant;
	lg_uuid id;			/* entryUUID */
	lg_str type, name, project;
	lg_sha256 sha256;		/* of the leaf: cnf.x5t#S256 */
	lg_serial serial;
	int64_t expires;
};
/* What every listener asks about a client's certificate.  Holds it to the issuing CA of the tenant its SPIFFE URI names, to our own
 * profile of RFC 5280, to the inventory (issued by us for this entry, not revoked) and to the entry (there, enabled, same name).
 * Every refusal is LG_E_UNAUTHENTICATED or LG_E_EXPIRED with a sentence; anything else is the store's or directory's own failure. */
LG_CHECKED lg_err lg_certs_peer(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, lg_str der, struct lg_certs_peer *ret);

/* ---- revoking ------------------------------------------------------------------------------------------ */

/* RFC 5280 5.3.1, those that a leaf of ours can have; nothing is ever taken off hold. */
enum lg_revocation {
	LG_REVOKED_UNSPECIFIED = 0, LG_REVOKED_KEY_COMPROMISE = 1, LG_REVOKED_AFFILIATION_CHANGED = 3, LG_REVOKED_SUPERSEDED = 4,
	LG_REVOKED_CESSATION = 5, LG_REVOKED_PRIVILEGE_WITHDRAWN = 9
};
lg_str lg_revocation_name(enum lg_revocation r);	/* "keyCompromise" */
bool lg_revocation_parse(lg_str name, enum lg_revocation *ret);

/* On a worker.  Twice is fine: the first reason stays. */
LG_CHECKED lg_err lg_certs_revoke(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const lg_serial *serial, enum lg_revocation why);
/* Inside the caller's mutation: all unexpired certificates of an entry that is deleted or disabled for good. */
LG_CHECKED lg_err lg_certs_revoke_entry(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry, enum lg_revocation why, size_t *count);

/* All unexpired ones, in mutations of their own. */
LG_CHECKED lg_err lg_certs_give_up(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, const char *operation);
/* A certificate that the keeper signed and the inventory may not have. */
struct lg_cert_lost {
	bool ssh;
	lg_serial serial;		/* of X.509 */
	uint64_t number;		/* of SSH */
	int64_t signed_at, expires;
	lg_sha256 sha256;
	lg_str issuer;			/* the issuing certificate, DER; of SSH the key's SubjectPublicKeyInfo */
};
/* Inside the caller's mutation: recorded as revoked, unless the inventory has it. */
LG_CHECKED lg_err lg_certs_put_lost(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const struct lg_cert_lost *lost, bool *added);

/* What is revoked and has not expired by cx->now; false from the callback ends it. */
typedef bool lg_certs_revoked_each(void *arg, const lg_serial *serial);
LG_CHECKED lg_err lg_certs_revocations(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_certs_revoked_each *each, void *arg);

/* The newest CRL of an issuer, DER, in cx's arena; built and signed when trust changed or half its life is over.  On a worker. */
LG_CHECKED lg_err lg_certs_crl(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str kid, lg_str *ret);

#define LG_CERTS_PURGE 1600	/* rows of one kind that one call takes; a mutation has room for six times as many */
#define LG_CERTS_PENDING 20000	/* rows of what came to nothing that one call looks at */
/* Deletes certificates and join tokens that expired before `before` (at the latest LG_CERT_REJOIN ago, because rejoin needs the
 * row); gone: rows that went, added; *more says that there are others.  On a worker, from time to time.  The ledger stays. */
LG_CHECKED lg_err lg_certs_purge(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, int64_t before, size_t *gone, bool *more);

/* ---- other trust domains ------------------------------------------------------------------------------------ */

#define LG_FOREIGN_DOMAINS	64		/* that a tenant knows */

/* Bundles whose time has come are fetched again.  On one worker at a time, every minute. */
LG_CHECKED lg_err lg_certs_refresh_bundles(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant);

/* Those whose bundle is known.  Slices live as long as the view; false from the callback ends it. */
typedef bool lg_certs_domain_each(void *arg, lg_str domain, lg_str bundle);
LG_CHECKED lg_err lg_certs_domains(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_certs_domain_each *each, void *arg);

/* ---- inventory ------------------------------------------------------------------------------------------- */

enum lg_cert_state { LG_CERT_PENDING = 1, LG_CERT_ISSUED, LG_CERT_REVOKED };

struct lg_cert_row {
	lg_serial serial;
	enum lg_cert_state state;
	lg_uuid entry;			/* nil: the service itself */
	lg_uuid order;			/* ACME's that led to it; nil: none did */
	lg_str type, name, profile;
	int64_t not_before, expires, revoked;	/* revoked: 0 unless it is */
	enum lg_revocation why;
	lg_sha256 issuer;		/* of the issuing certificate */
	lg_sha256 spki, sha256;		/* of the public key; of the certificate, zero while pending */
	lg_str der;			/* empty while pending */
	uint64_t ledger[2];		/* places of its entries, of the issue and of the revocation, counted from 1; 0: none */
};
/* Slices live as long as the view. */
LG_CHECKED lg_err lg_cert_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, struct lg_cert_row *ret);
typedef bool lg_cert_each(void *arg, const struct lg_cert_row *row);	/* false ends it */
/* All of the tenant, by serial number, those that are pending behind the others; after NULL: from the first one. */
LG_CHECKED lg_err lg_cert_list(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *after, lg_cert_each *each, void *arg);
/* Of an entry those that end at ends_from or later, by their end; after: and of those that end just then the ones behind it. */
LG_CHECKED lg_err lg_cert_list_of(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry, int64_t ends_from,
    const lg_serial *after, lg_cert_each *each, void *arg);

/* ---- join tokens ------------------------------------------------------------------------------------------ */

#define LG_JOIN_LIFE		(INT64_C(3600) * 1000000)	/* default and longest */
#define LG_JOIN_TEXT_MAX	512

/* "lgj1.<server>.<SHA-256 of the root>.<secret>", each part base64url.  The caller has decided host:invite.  On a worker. */
LG_CHECKED lg_err lg_certs_invite(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_uuid host, int64_t life,
    lg_str *token, int64_t *expires);
struct lg_joined {
	struct lg_issued issued;
	struct lg_cert_subject host;
};
/* Redeems a token for the key of the request.  Same token and key: the same certificate; any other second use: LG_E_DENIED, audited. */
LG_CHECKED lg_err lg_certs_join(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str token, lg_str csr, struct lg_joined *ret);
/* A host whose certificate is valid or expired less than LG_CERT_REJOIN ago, proving the same key again. */
LG_CHECKED lg_err lg_certs_rejoin(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, lg_str cert, lg_str csr, struct lg_joined *ret);

/* ---- routes; self is the struct lg_certs ------------------------------------------------------------------- */

/* GET /crl/<kid>.crl, /ca/<kid>.cer, /spiffe/bundle, /spiffe/bundles, /ocsp/<base64>; POST /ocsp; POST /v1/join, /v1/rejoin; GET and POST /v1/certificates,
 * GET /v1/certificates/ending, POST /v1/certificates/<serial>/revoke; POST /v1/eab; ACME below /acme/ (RFC 8555, 8737, 8738, 9773);
 * EST below /.well-known/est/ (RFC 7030) */
extern const struct lg_route lg_certs_routes[];
extern const size_t lg_certs_nroutes;

#endif
