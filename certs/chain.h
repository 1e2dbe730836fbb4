/* chain.h: one link of a certification path (RFC 5280 6.1.3): does this issuer vouch for this certificate, now? */
#ifndef LG_CERTS_CHAIN_H
#define LG_CERTS_CHAIN_H

#include "certs/x509.h"

/* Signature, names, key identifiers, validity.  LG_E_EXPIRED outside its time, otherwise LG_E_UNAUTHENTICATED. */
LG_CHECKED lg_err lg_x509_link(struct lg_ctx *cx, const struct lg_x509 *issuer, const struct lg_pubkey *issuer_key,
    const struct lg_x509 *cert, int64_t now);
LG_CHECKED lg_err lg_x509_valid_at(struct lg_ctx *cx, const struct lg_x509 *x, int64_t now);	/* LG_E_EXPIRED */
/* May it sign certificates, with `below` further CA certificates under it?  LG_E_INVALID. */
LG_CHECKED lg_err lg_x509_is_ca(struct lg_ctx *cx, const struct lg_x509 *x, int64_t below);

#endif
