/*
 * heirs.h: keys that follow the ones that a host has pinned.
 *
 * The service's keys grow old.  Each names the one after it before it stops signing: a JWS {"jwk"} of its own.  Whoever pinned one
 * follows from token to token to the one that signs today.
 */
#ifndef LG_CLIENT_HEIRS_H
#define LG_CLIENT_HEIRS_H

#include "base/json.h"
#include "lightgate/crypto.h"

#define LG_HEIRS	32		/* tokens looked at; further ones are passed over */
#define LG_HEIRS_JWKS	(64u << 10)	/* octets of the keys that are believed */

struct lg_heirs {
	lg_str token[LG_HEIRS];
	size_t n;
};

/* An array of tokens, which nobody has vouched for yet: they prove themselves.  What is no array fails js. */
void lg_heirs_read(struct lg_json *js, struct lg_heirs *h);
/* keys: a JWKS that is believed.  Returns it with the keys that these lead to by tokens of that `typ`, in cx's arena; the same text when
 * there are none.  Tokens that do not verify are nobody's failure. */
lg_str lg_heirs_follow(struct lg_ctx *cx, lg_str keys, const struct lg_heirs *h, const char *typ);
/* The JWK of that kid in a JWKS, or empty. */
lg_str lg_heirs_key(struct lg_ctx *cx, lg_str keys, lg_str kid);

#endif
