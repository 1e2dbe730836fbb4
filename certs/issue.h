/*
 * issue.h: one certificate on its way, step by step:
 *	prepare	on the worker, in a snapshot: entry, names, decision, serial number, TBS, lint
 *	pending	one mutation: the serial number is on record before anything is signed
 *	sign	the keeper
 *	complete	one mutation: decided again if anything changed; then issued, or recorded as revoked and never handed out
 */
#ifndef LG_CERTS_ISSUE_H
#define LG_CERTS_ISSUE_H

#include "certs/ask.h"
#include "certs/rows.h"

#define LG_SSH_PRINCIPALS 16

struct lg_ssh_names {
	lg_str v[LG_SSH_PRINCIPALS];
	size_t n;
};

struct lg_issuing {
	struct lg_certs *c;
	const struct lg_ca *ca;
	const struct lg_cert_request *rq;	/* NULL: lg_certs_issue_own */
	struct lg_cert_profile profile;
	struct lg_cert_subject entry;
	struct lg_cert_names names;
	struct lg_ssh_names principals;		/* of an SSH certificate, which has no other names */
	struct lg_decided decided;
	struct lg_cert_row row;
	lg_str tbs;
	lg_err refused;				/* of complete; LG_OK: it is issued */
	struct lg_issued issued;
	/* lg_issuing_start's: called once, on any thread, which it must not keep */
	void (*done)(struct lg_issuing *is, lg_err e);
	struct lg_ctx *cx;			/* until then */
	/* What a join token does in the same two mutations; NULL for others.  After an error of `pending` nothing was recorded;
	 * after one of `complete` the certificate is revoked. */
	lg_err (*pending)(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is);
	lg_err (*complete)(struct lg_ctx *cx, struct lg_view *v, struct lg_issuing *is);
	void *arg;
};

/* All steps.  is: c, ca, rq and the hooks are filled, the rest zero. */
LG_CHECKED lg_err lg_issuing_run(struct lg_ctx *cx, struct lg_issuing *is, struct lg_issued *ret);
/* Without waiting: LG_PENDING when is->done will be called; else it was not, and LG_OK means that is->issued is filled.  What `is` points to
 * must last until then. */
LG_CHECKED lg_err lg_issuing_start(struct lg_ctx *cx, struct lg_issuing *is);
/* How long a certificate of this profile can live here. */
int64_t lg_issuing_longest(const struct lg_ca *ca, const struct lg_cert_profile *profile);
/* What the inventory holds, as lg_certs_issue would have returned it. */
LG_CHECKED lg_err lg_issued_of(struct lg_ctx *cx, const struct lg_ca *ca, const struct lg_cert_row *row, struct lg_issued *ret);

/* The entry, which must be there and enabled; kept. */
LG_CHECKED lg_err lg_certs_entry(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, lg_uuid id,
    struct lg_cert_subject *ret);

#endif
