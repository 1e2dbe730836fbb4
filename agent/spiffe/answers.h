/* answers.h: what the SPIFFE Workload API answers, as protobuf, from an identity.  answers.c alone knows protobuf-c. */
#ifndef LG_AGENT_SPIFFE_ANSWERS_H
#define LG_AGENT_SPIFFE_ANSWERS_H

#include "agent/svid.h"

#define LG_SPIFFE_AUDIENCES LG_AUDIENCES

LG_CHECKED lg_err lg_spiffe_x509(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out);		/* X509SVIDResponse */
LG_CHECKED lg_err lg_spiffe_x509_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out);
LG_CHECKED lg_err lg_spiffe_jwt_bundles(struct lg_ctx *cx, const struct lg_svid *s, struct lg_buf *out);	/* LG_E_UNAVAILABLE: not known yet */

/* Reads a JWTSVIDRequest: whom the token is for, and that it is asked for in the caller's own name. */
LG_CHECKED lg_err lg_spiffe_jwt_read(struct lg_ctx *cx, const struct lg_svid *s, lg_str message, lg_str audience[LG_SPIFFE_AUDIENCES], size_t *n);
LG_CHECKED lg_err lg_spiffe_jwt(struct lg_ctx *cx, const struct lg_svid *s, lg_str token, struct lg_buf *out);
/* Verifies the token of a ValidateJWTSVIDRequest: signature, time, audience; by the keys of its subject's trust domain, which is
 * the caller's or one that it sees.  LG_E_UNAUTHENTICATED. */
LG_CHECKED lg_err lg_spiffe_validate(struct lg_ctx *cx, const struct lg_svid *s, lg_str message, struct lg_buf *out);

#endif
