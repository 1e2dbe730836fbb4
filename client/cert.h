/* cert.h: as much of X.509 as those need who are not the authority: whose key, how long, for what, named how, signed by whom. */
#ifndef LG_CLIENT_CERT_H
#define LG_CLIENT_CERT_H

#include "lightgate/crypto.h"

#define LG_CERT_CHAIN	4		/* certificates in a PEM text that is looked at */

struct lg_cert {
	lg_str der, tbs, spki, signature;	/* slices of what was parsed */
	lg_str serial;				/* octets as they stand */
	int64_t not_before, not_after;		/* microseconds */
	bool ca;				/* may sign others */
	bool client;				/* clientAuth is among its purposes */
	bool strange;				/* a critical extension that is not known here, or unique ids */
	lg_str uri;				/* of subjectAltName, if it is the only one; empty otherwise */
	size_t nuri;
};

#define LG_CERT_EXTENSIONS	24		/* of one certificate */

LG_CHECKED lg_err lg_cert_parse(struct lg_ctx *cx, lg_str der, struct lg_cert *ret);
/* Is `child` signed with the key of `parent`?  By the algorithm that belongs to that key. */
bool lg_cert_signed_by(struct lg_ctx *cx, const struct lg_cert *child, const struct lg_cert *parent);
/* The certificate (PEM) is for this key and leads over `chain` (PEM, one or more) to `root` (DER). */
LG_CHECKED lg_err lg_cert_check(struct lg_ctx *cx, lg_str pem, lg_str chain, lg_str root, const struct lg_pubkey *key, struct lg_cert *ret);

/* "spiffe://<domain>/host/<name>", /service/, /user/, /project/<project>/workload/<name>.  False for anything else. */
struct lg_cert_name {
	lg_str domain, type, project, name;	/* type as in the directory: "Host" */
};
bool lg_cert_name_parse(lg_str uri, struct lg_cert_name *ret);

#endif
