/* csr.h: proof of possession, as requests carry it. */
#ifndef LG_CERTS_CSR_H
#define LG_CERTS_CSR_H

#include "lightgate/certs.h"

#define LG_CSR_ATTRIBUTES 8

/* As lg_csr_parse, but the signature is not looked at: for requests that ask for a key (RFC 7030 4.4.1).  LG_E_UNSUPPORTED: the key is to
 * be encrypted for somebody (RFC 7030 4.4.1.1, 4.4.1.2). */
LG_CHECKED lg_err lg_csr_wish(struct lg_ctx *cx, lg_str der, struct lg_csr *ret);

/* Does sig prove that the key signed these bytes?  Any digest that goes with the kind of key. */
bool lg_csr_proof_valid(const struct lg_pubkey *k, enum lg_alg alg, lg_str bytes, lg_str sig);

#endif
