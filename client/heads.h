/*
 * heads.h: how far the service's two logs had come when this host last heard of it (docs/api.md, "The watch stream"): signed by the
 * keeper, kept in STATE/heads.json.  A service whose logs end before that, or go on from something else, has lost what it had
 * acknowledged, or hides it: it is not believed.
 */
#ifndef LG_CLIENT_HEADS_H
#define LG_CLIENT_HEADS_H

#include "lightgate/keeper.h"

#define LG_HEADS_CHAINS	2		/* changes and decisions */
#define LG_HEADS_TEXT	512		/* octets of a signed head */

struct lg_heads {
	struct lg_signed_head last[LG_HEADS_CHAINS];
	char text[LG_HEADS_CHAINS][LG_HEADS_TEXT];	/* as it was signed; empty: none yet */
};

/* json: an array of signed heads.  *newer: *h has changed.  LG_E_UNAUTHENTICATED: no audit key signed one; LG_E_DENIED: one that does not
 * go on from the last; LG_E_INVALID.  *h is as it was then. */
LG_CHECKED lg_err lg_heads_take(struct lg_ctx *cx, const struct lg_keyset *audit, lg_str json, struct lg_heads *h, bool *newer);
/* From STATE/heads.json, with the same errors; without the file, none.  What lies there is only believed as it was signed. */
LG_CHECKED lg_err lg_heads_load(struct lg_ctx *cx, const char *state, const struct lg_keyset *audit, struct lg_heads *ret);
LG_CHECKED lg_err lg_heads_save(struct lg_ctx *cx, const char *state, const struct lg_heads *h);

#endif
