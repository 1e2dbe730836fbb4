/* spki.h: SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 5480, RFC 8410, RFC 8017) in its one canonical form. */
#ifndef LG_CRYPTO_SPKI_H
#define LG_CRYPTO_SPKI_H

#include "crypto/key.h"

/* The slices of ret lie in der.  Key sizes are checked, points are not. */
LG_CHECKED lg_err lg_spki_parse(struct lg_ctx *cx, lg_str der, struct lg_pubkey_parts *ret);
void lg_spki_write(const struct lg_pubkey_parts *p, struct lg_buf *out);

#endif
