/*
 * bundle.h: what a host was given to decide with (docs/api.md, "Bundles"): verified, read, and asked.
 *
 * A bundle is believed when its token is signed with a key that was pinned, or with one that leads back to it; is for this host,
 * of this tenant, not over; is not older than the one held; and is of exactly these octets.  It is immutable and counted: threads
 * share it.  Parsing happens here and nowhere else.
 */
#ifndef LG_CLIENT_BUNDLE_H
#define LG_CLIENT_BUNDLE_H

#include "base/map.h"
#include "client/cert.h"
#include "lightgate/crypto.h"
#include "lightgate/policy.h"

#define LG_BUNDLE_MAX		(64u << 20)	/* octets of a body */
#define LG_BUNDLE_ISSUERS	8
#define LG_BUNDLE_STALE_MAX	3600		/* seconds that max_stale may be, whatever a bundle says */

struct lg_bundle;

struct lg_bundle_pin {
	lg_str keys;			/* JWKS: bundle keys that are believed */
	lg_str issuer;			/* of the tenant */
	lg_str host;			/* this host's entryUUID, as text */
};

/* How far a host has come: it goes on from there, and never back. */
struct lg_bundle_mark {
	uint32_t epoch;
	uint64_t version;
	lg_sha256 digest;
};

/*
 * floor: of the one held, or NULL.  LG_E_UNAUTHENTICATED: signature, issuer or digest; LG_E_DENIED: for another host or tenant, or
 * an older one; LG_E_EXPIRED; LG_E_INVALID, LG_E_LIMIT: the body is not one.  The sentence says which.
 */
LG_CHECKED lg_err lg_bundle_open(struct lg_ctx *cx, const struct lg_bundle_pin *pin, lg_str token, lg_str body,
    const struct lg_bundle_mark *floor, struct lg_bundle **ret);
/* Of a token that was believed once, however old it is: what must not be gone behind. */
LG_CHECKED lg_err lg_bundle_mark_read(struct lg_ctx *cx, const struct lg_bundle_pin *pin, lg_str token, struct lg_bundle_mark *ret);
/* A newer token for the body that is held: the bundle of both, which shares what was read. */
LG_CHECKED lg_err lg_bundle_again(struct lg_ctx *cx, const struct lg_bundle_pin *pin, lg_str token, struct lg_bundle *held,
    struct lg_bundle **ret);
struct lg_bundle *lg_bundle_ref(const struct lg_bundle *b);
void lg_bundle_unref(struct lg_bundle **b);	/* safe on NULL */

/* What stands in it; slices live as long as the bundle. */
struct lg_bundle_about {
	struct lg_bundle_mark mark;
	int64_t issued, expires;	/* microseconds, wall clock */
	int64_t max_stale;		/* microseconds */
	lg_str tenant, issuer, trust_domain, host, host_id;
	uint64_t policy_version;
	size_t entities;
	bool whole;			/* no entity was left out for the size's sake */
	lg_str believed;		/* JWKS: the pinned keys and their heirs; pinned before this bundle is stored */
	lg_str keys;			/* those from its signer on: all that need be pinned when it is */
};
void lg_bundle_about(const struct lg_bundle *b, struct lg_bundle_about *ret);
const struct lg_keyset *lg_bundle_token_keys(const struct lg_bundle *b);

/* ---- whom it knows --------------------------------------------------------------------------------------------------- */

/* By entryUUID or name; NULL: unknown, which is not absent.  Lives as long as the bundle. */
const struct lg_euid *lg_bundle_find(const struct lg_bundle *b, lg_str type, lg_str id);
struct lg_entities lg_bundle_entities(const struct lg_bundle *b);

struct lg_bundle_admission {
	lg_str container, workload, project, image;
	lg_str requester_type, requester;	/* entryUUID */
};
bool lg_bundle_admission(const struct lg_bundle *b, lg_str container, struct lg_bundle_admission *ret);

/* ---- where workloads are ------------------------------------------------------------------------------------------------ */

#define LG_BUNDLE_RANGES	64
#define LG_BUNDLE_ADDRESSES	100000	/* a bundle with more of them is refused */

struct lg_bundle_address {
	lg_str octets, workload;	/* 4 or 16; a name */
};
/* Of workloads on the tenant's other hosts; lives as long as the bundle. */
size_t lg_bundle_addresses(const struct lg_bundle *b, const struct lg_bundle_address **ret);
bool lg_bundle_delegates(const struct lg_bundle *b);		/* any range of addresses, to this host */
/* May this host say whose the address is? */
bool lg_bundle_delegated(const struct lg_bundle *b, lg_str octets);

/* ---- what is over ----------------------------------------------------------------------------------------------------- */

/* Tokens: by jti, sid, subject or all of the tenant.  Certificates: by serial number, lower-case hex.  True too when the bundle
 * does not hold the whole list. */
bool lg_bundle_token_revoked(const struct lg_bundle *b, const struct lg_claims *c);
bool lg_bundle_certificate_revoked(const struct lg_bundle *b, lg_str serial);
bool lg_bundle_certificate_listed(const struct lg_bundle *b, lg_str serial);	/* it is in what the bundle holds: revoked beyond doubt */
/* The certificate, DER, is of the bundle's tenant, for clients, in time, not revoked, and its entry is not known to be disabled. */
LG_CHECKED lg_err lg_bundle_certificate(struct lg_ctx *cx, const struct lg_bundle *b, lg_str der, struct lg_cert *ret);

/* ---- connections ----------------------------------------------------------------------------------------------------------- */

#define LG_BUNDLE_PROTOCOLS	3

/*
 * Which of these workloads may connect to which, at what ports: the same that lg_bundle_decide says of each, and rows to ask it where the
 * time decides.  Rows name places in `workloads`.  LG_E_LIMIT.
 */
LG_CHECKED lg_err lg_bundle_connect(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_euid *workloads, size_t n,
    struct lg_connect_table *ret);

/* ---- decisions ----------------------------------------------------------------------------------------------------------- */

struct lg_bundle_question {
	lg_str subject_type, subject;	/* name or entryUUID */
	const char *proof;		/* "token", "ticket", "asserted", "self": how we know */
	lg_str action;
	lg_str resource_type, resource;
	lg_str image, host, protocol;	/* empty: not said */
	int port;			/* 0: not said */
	const struct lg_record *container;	/* facts of a container; NULL: none */
	const struct lg_claims *claims;	/* of the subject's token, to narrow; NULL without */
};

/*
 * Answers as the service would, for whom and what the bundle knows; LG_RULED_UNKNOWN for the rest.  Freshness is the caller's to
 * judge.  Slices of the answer live in cx's arena or the bundle.
 */
void lg_bundle_decide(struct lg_ctx *cx, const struct lg_bundle *b, const struct lg_bundle_question *q, struct lg_ruling *ret);

#endif
