/* cert.h: as much of X.509 as a host needs of its own certificates: whose key, how long, signed by whom. */
#ifndef LG_AGENT_CERT_H
#define LG_AGENT_CERT_H

#include "lightgate/crypto.h"

#define LG_CERT_CHAIN	4		/* certificates in a PEM text that is looked at */

struct lg_cert {
	lg_str der, tbs, spki, signature;	/* slices of what was parsed */
	int64_t not_before, not_after;		/* microseconds */
};

LG_CHECKED lg_err lg_cert_parse(struct lg_ctx *cx, lg_str der, struct lg_cert *ret);
/* Is `child` signed with the key of `parent`?  By the algorithm that belongs to that key. */
bool lg_cert_signed_by(struct lg_ctx *cx, const struct lg_cert *child, const struct lg_cert *parent);
/* The certificate (PEM) is for this key and leads over `chain` (PEM, one or more) to `root` (DER). */
LG_CHECKED lg_err lg_cert_check(struct lg_ctx *cx, lg_str pem, lg_str chain, lg_str root, const struct lg_pubkey *key, struct lg_cert *ret);

#endif
