/* lint.h: is this a leaf as we make them?  Asked of every TBSCertificate before it is signed and of every peer's certificate. */
#ifndef LG_CERTS_LINT_H
#define LG_CERTS_LINT_H

#include "certs/x509.h"

/* LG_E_INVALID with the clause and the claim that does not hold. */
LG_CHECKED lg_err lg_x509_lint(struct lg_ctx *cx, const struct lg_x509 *x);

struct lg_lint {
	const char *clause, *claim;
	bool (*holds)(struct lg_ctx *cx, const struct lg_x509 *x);
};
extern const struct lg_lint lg_lints[];
extern const size_t lg_nlints;

#endif
