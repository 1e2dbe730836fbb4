/* tbs.h: a TBSCertificate as we issue them (RFC 5280 4.1), written straight into DER. */
#ifndef LG_CERTS_TBS_H
#define LG_CERTS_TBS_H

#include "certs/x509.h"

#define LG_TBS_MAX LG_CERT_MAX

struct lg_tbs {
	lg_serial serial;
	enum lg_alg alg;		/* of the signature to come */
	lg_str issuer;			/* Name, whole, as in the issuing certificate */
	lg_str issuer_key_id;
	int64_t not_before, not_after;	/* cut to seconds */
	lg_str common_name;		/* empty: an empty subject */
	lg_str spki;
	const struct lg_cert_names *names;
	unsigned eku;
	const lg_str *policies;		/* OIDs as text */
	size_t npolicies;
	lg_str crl_url, ca_url, ocsp_url;	/* ocsp_url may be empty */
};
LG_CHECKED lg_err lg_tbs_write(struct lg_ctx *cx, const struct lg_tbs *t, lg_str *ret);

#endif
