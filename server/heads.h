/*
 * heads.h: the keeper's marks of the two chains: the change log and the decision segments.
 * The server sends digests of what is synced; the keeper extends its own mark and signs it.  A store that is behind a mark
 * has lost something that was acknowledged: the service does not start on it.
 */
#ifndef LG_SERVER_HEADS_H
#define LG_SERVER_HEADS_H

#include "server/app.h"

#define LG_HEADS_EVERY	LG_SECOND

enum lg_chain { LG_CHAIN_CHANGES = 0, LG_CHAIN_DECISIONS = 1, LG_CHAINS };

struct lg_mark {
	uint32_t epoch;
	uint64_t seq;
	lg_sha256 hash;
};

/* seq 0 when nothing was signed yet.  On a worker or the main thread. */
LG_CHECKED lg_err lg_heads_mark(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, struct lg_mark *ret);
/* Sends what is new; signed_head: the keeper's JSON, empty when nothing was new.  On a worker. */
LG_CHECKED lg_err lg_heads_extend(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, lg_str *signed_head);
/* LG_E_CORRUPT: the store is behind or beside the keeper's mark. */
LG_CHECKED lg_err lg_heads_check(struct lg_ctx *cx, struct lg_app *app);

#endif
