/* join.h: the text of a join token. */
#ifndef LG_CERTS_JOIN_H
#define LG_CERTS_JOIN_H

#include "lightgate/certs.h"

struct lg_join_token {
	lg_str server;			/* "host:8443" */
	lg_sha256 root;			/* of the tenant's root certificate */
	lg_sha256 secret;		/* of the secret: all that is stored */
};
/* LG_E_INVALID: not a join token. */
LG_CHECKED lg_err lg_join_token_parse(struct lg_ctx *cx, lg_str text, struct lg_join_token *ret);

#endif
