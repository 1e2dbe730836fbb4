/*
 * ledger.h: the log of what was issued and revoked: append-only, a Merkle tree (RFC 9162 2.1) a tenant.
 *
 * Every entry is written in the mutation that it tells of.  Of whole subtrees the hashes are kept, so that a proof reads some dozens of
 * rows, whatever the size.
 */
#ifndef LG_CERTS_LEDGER_H
#define LG_CERTS_LEDGER_H

#include "certs/rows.h"
#include "crypto/merkle.h"

enum lg_ledger_kind { LG_LEDGER_ISSUED = 1, LG_LEDGER_REVOKED = 2 };

struct lg_ledger_entry {
	uint64_t index;
	enum lg_ledger_kind kind;
	int64_t time;
	enum lg_revocation why;		/* of REVOKED */
	lg_serial serial;
	lg_sha256 sha256;		/* of the certificate */
};
/* The octets that are hashed: u8 version 1, u8 kind, u64 time (microseconds), u8 reason, serial number, SHA-256. */
#define LG_LEDGER_OCTETS	(1 + 1 + 8 + 1 + LG_CERT_SERIAL + 32)
void lg_ledger_octets(const struct lg_ledger_entry *e, struct lg_buf *out);

extern const struct lg_table lg_ledger_rows, lg_ledger_head, lg_ledger_places;

/* Inside a mutation.  The row learns the entry's place; whoever calls writes it. */
LG_CHECKED lg_err lg_ledger_append(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, enum lg_ledger_kind kind, struct lg_cert_row *row);
/* Inside the mutation that takes the certificate's row away: its entries are found all the same. */
LG_CHECKED lg_err lg_ledger_keep_places(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial);

LG_CHECKED lg_err lg_ledger_size(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t *ret);
LG_CHECKED lg_err lg_ledger_get(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t index, struct lg_ledger_entry *ret);
/* Where a certificate's entries are: its issue, and its revocation if there is one. */
LG_CHECKED lg_err lg_ledger_find(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, const lg_serial *serial, uint64_t index[2], size_t *n);

/* size: of the tree that is spoken of, at most the ledger's. */
LG_CHECKED lg_err lg_ledger_root(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t size, lg_sha256 *ret);
LG_CHECKED lg_err lg_ledger_inclusion(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t index, uint64_t size,
    lg_sha256 path[LG_MERKLE_PATH], size_t *n);
LG_CHECKED lg_err lg_ledger_consistency(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, uint64_t first, uint64_t second,
    lg_sha256 path[LG_MERKLE_PATH], size_t *n);

#endif
