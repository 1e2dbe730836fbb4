/*
 * signed.h: the keeper's own record of what it signed, so that a signature without an audit record can be found.
 *
 * An append-only file of rows, and per tenant and purpose a count and a hash chain.  Rows reach the kernel before the
 * reply leaves and the disk once a second.
 */
#ifndef LG_KEEPER_SIGNED_H
#define LG_KEEPER_SIGNED_H

#include "lightgate/keeper.h"

struct lg_signed;

/* Tokens are counted in the lane and handed over once a turn, for one tenant at a time. */
struct lg_tally {
	uint32_t tenant;
	enum lg_purpose purpose;
	uint64_t n;
	lg_sha256 digest;
};

LG_CHECKED lg_err lg_signed_open(struct lg_ctx *cx, const char *dir, struct lg_signed **ret);
void lg_signed_close(struct lg_signed **sg);		/* writes what waits; safe on NULL */
/* Any thread. */
void lg_signed_add(struct lg_signed *sg, enum lg_purpose purpose, uint32_t tenant, const lg_sha256 *digest);
/* A certificate: what CRLs will have to say of it if nobody else remembers it. */
struct lg_signed_leaf {
	lg_str serial;			/* at most LG_SIGNED_SERIAL octets */
	int64_t ends;
	lg_str kid;
};
void lg_signed_add_leaf(struct lg_signed *sg, enum lg_purpose purpose, uint32_t tenant, const lg_sha256 *digest, const struct lg_signed_leaf *leaf);
void lg_tally_token(struct lg_signed *sg, struct lg_tally *t, uint32_t tenant, enum lg_purpose purpose, lg_str signature);
void lg_tally_hand_over(struct lg_signed *sg, struct lg_tally *t);
/* To the kernel.  What the disk refuses waits, and until it is written lg_signed_ok is false: nothing more is signed. */
void lg_signed_write(struct lg_signed *sg);
bool lg_signed_ok(struct lg_signed *sg);
void lg_signed_tick(struct lg_signed *sg);		/* once a second: tokens' rows, fdatasync */
void lg_signed_rows(struct lg_signed *sg, struct lg_buf *out);
/* At most `rows` rows from number `from` on, fewer at the end of a file; none at the end of all.  LG_E_NOT_FOUND if somebody took the
 * file that was put aside with them. */
LG_CHECKED lg_err lg_signed_read(struct lg_ctx *cx, struct lg_signed *sg, uint64_t from, size_t rows, struct lg_buf *out);

#endif
