/* constraints.h: name constraints of a CA certificate (RFC 5280 4.2.1.10), against names as we issue them. */
#ifndef LG_CERTS_CONSTRAINTS_H
#define LG_CERTS_CONSTRAINTS_H

#include "certs/x509.h"

#define LG_SUBTREES	64		/* of one CA certificate */

/* May a certificate below this CA carry these names and this subject (Name, whole)?  LG_E_DENIED: a name is not permitted, or excluded;
 * LG_E_INVALID: the constraints are malformed, or of a kind that we cannot judge. */
LG_CHECKED lg_err lg_x509_names_permitted(struct lg_ctx *cx, const struct lg_x509 *ca, lg_str subject, const struct lg_cert_names *names);

#endif
