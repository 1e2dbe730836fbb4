/* revoke.h: revocation inside a mutation. */
#ifndef LG_CERTS_REVOKE_H
#define LG_CERTS_REVOKE_H

#include "certs/rows.h"

/* Sets row's state and writes both rows; der and sha256 as they stand in row.  Nothing if it is revoked already. */
LG_CHECKED lg_err lg_cert_row_revoke(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_cert_row *row, enum lg_revocation why);

/* lg_certs_revoke for a caller: certificate:revoke is decided inside the mutation. */
LG_CHECKED lg_err lg_certs_revoke_for(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const lg_serial *serial,
    enum lg_revocation why, const struct lg_certs_caller *by);

#endif
