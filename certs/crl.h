/* crl.h: the lists of one issuer: all of it, what is new, and sixteen parts by the last bits of the serial number. */
#ifndef LG_CERTS_CRL_H
#define LG_CERTS_CRL_H

#include "certs/trust.h"

#define LG_CRL_PARTS	16		/* a leaf's URL names its part for ever: a power of two that never changes */

enum lg_crl_kind { LG_CRL_FULL, LG_CRL_DELTA, LG_CRL_PART };

struct lg_crl_name {
	enum lg_crl_kind kind;
	unsigned part;
	lg_str kid;
};

/* "<kid>.crl", "<kid>.delta.crl", "<kid>/<hex digit>.crl"; false: no list is called so. */
bool lg_crl_name_parse(lg_str text, struct lg_crl_name *ret);
/* The URL that a leaf of this serial number carries. */
lg_str lg_crl_part_url(struct lg_arena *a, const struct lg_ca_cert *issuer, const lg_serial *serial);

/* Built and signed when trust changed or half its life is over.  On a worker. */
LG_CHECKED lg_err lg_crl_get(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_crl_name *name, lg_str *ret);

#endif
