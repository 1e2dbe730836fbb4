/* revoke.h: revocation inside a mutation. */
#ifndef LG_CERTS_REVOKE_H
#define LG_CERTS_REVOKE_H

#include "certs/rows.h"
#include "certs/trust.h"

/* Of an entry.  Each writes five rows, three of them the ledger's, and LG_MUTATION_ROWS are for all that ends with the entry. */
#define LG_REVOKED_AT_ONCE 1600

/* Sets row's state and writes both rows; der and sha256 as they stand in row.  Nothing if it is revoked already. */
LG_CHECKED lg_err lg_cert_row_revoke(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_cert_row *row, enum lg_revocation why);

/* lg_certs_revoke for a caller: certificate:revoke is decided inside the mutation. */
LG_CHECKED lg_err lg_certs_revoke_for(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const lg_serial *serial,
    enum lg_revocation why, const struct lg_certs_caller *by);

enum lg_revoke_by { LG_REVOKE_ENTRY, LG_REVOKE_KEY, LG_REVOKE_ISSUER };
struct lg_revoke_many {
	enum lg_revoke_by by;
	lg_uuid entry;			/* ENTRY, with its type and name for the decision */
	lg_str type, name;
	lg_sha256 digest;		/* KEY: of the SubjectPublicKeyInfo; ISSUER: of the issuing certificate */
	lg_str target;			/* for the record: "Host/node1" */
	enum lg_revocation why;
	const struct lg_certs_caller *caller;
};
/* All unexpired ones; certificate:revoke is decided inside every mutation.  On a worker. */
LG_CHECKED lg_err lg_certs_revoke_many(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const struct lg_revoke_many *rm, size_t *count);
/* LG_E_DENIED: a certificate for this key was revoked with keyCompromise, and is still in the inventory. */
LG_CHECKED lg_err lg_certs_key_sound(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_sha256 *spki);

#endif
