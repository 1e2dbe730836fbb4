/* acme_nonce.h: ACME's replay nonces (RFC 8555 6.5): numbers in order, authenticated, each good once. */
#ifndef LG_CERTS_ACME_NONCE_H
#define LG_CERTS_ACME_NONCE_H

#include "lightgate/base.h"

#define LG_ACME_NONCES	(1u << 20)	/* the newest that are still good: one bit of memory each */

struct lg_acme_nonces;

struct lg_acme_nonces *lg_acme_nonces_new(void);
void lg_acme_nonces_free(struct lg_acme_nonces **n);	/* safe on NULL */
lg_str lg_acme_nonce_new(struct lg_acme_nonces *n, struct lg_arena *a);
/* True once for each that was given out, while it is among the newest; after a restart all are unknown. */
bool lg_acme_nonce_use(struct lg_acme_nonces *n, struct lg_arena *a, lg_str text);

#endif
