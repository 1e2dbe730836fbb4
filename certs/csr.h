/* csr.h: proof of possession, as requests carry it. */
#ifndef LG_CERTS_CSR_H
#define LG_CERTS_CSR_H

#include "lightgate/certs.h"

#define LG_CSR_ATTRIBUTES 8

/* Does sig prove that the key signed these bytes?  Any digest that goes with the kind of key. */
bool lg_csr_proof_valid(const struct lg_pubkey *k, enum lg_alg alg, lg_str bytes, lg_str sig);

#endif
