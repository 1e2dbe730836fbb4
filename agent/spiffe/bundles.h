/* bundles.h: bundles of other trust domains (SPIFFE Trust Domain and Bundle 4), as the Workload API hands them on. */
#ifndef LG_AGENT_SPIFFE_BUNDLES_H
#define LG_AGENT_SPIFFE_BUNDLES_H

#include "agent/svid.h"

#define LG_SPIFFE_DOMAINS 64		/* others that one workload sees */

struct lg_spiffe_bundle {		/* in cx's arena */
	lg_str id;			/* "spiffe://example.net" */
	lg_str roots;			/* DER, one after another; empty: it has none */
	lg_str token_keys;		/* JWKS of its jwt-svid keys, without their use */
};
/* Those of an identity; what is in no bundle's form fails. */
LG_CHECKED lg_err lg_spiffe_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_spiffe_bundle ret[LG_SPIFFE_DOMAINS], size_t *n);

#endif
