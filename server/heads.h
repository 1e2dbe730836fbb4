/*
 * heads.h: the keeper's marks of the two chains: the change log and the decision segments.
 * The server sends digests of what is synced; the keeper extends its own mark and signs it.  A store that is behind a mark
 * has lost something that was acknowledged: the service does not start on it.
 */
#ifndef LG_SERVER_HEADS_H
#define LG_SERVER_HEADS_H

#include <pthread.h>

#include "base/json.h"
#include "lightgate/store.h"
#include "server/app.h"

#define LG_HEADS_EVERY	LG_SECOND

enum lg_chain { LG_CHAIN_CHANGES = 0, LG_CHAIN_DECISIONS = 1, LG_CHAINS };

struct lg_mark {
	uint32_t epoch;
	uint64_t seq;
	lg_sha256 hash;
};

/* Body digests of the records from `from` on, some at a time; empty: no more. */
typedef lg_err lg_digests(void *arg, struct lg_ctx *cx, uint64_t from, lg_str *ret);
lg_err lg_digests_changes(void *store, struct lg_ctx *cx, uint64_t from, lg_str *ret);
lg_err lg_digests_decisions(void *segments, struct lg_ctx *cx, uint64_t from, lg_str *ret);
/* Does the chain that ends in head go on from the mark?  LG_E_CORRUPT: it is shorter, of another epoch, or another one. */
LG_CHECKED lg_err lg_mark_check(struct lg_ctx *cx, const struct lg_mark *mark, const struct lg_head *head, lg_digests *digests, void *arg,
    const char *what);
LG_CHECKED lg_err lg_mark_decode(struct lg_ctx *cx, lg_str reply, struct lg_mark *ret);	/* lg_keeper_mark's reply */

#define LG_HEAD_TEXT	512		/* octets of a head as the keeper signs it */

/* The newest signed head of each chain. */
struct lg_signed_heads {
	pthread_mutex_t lock;
	uint64_t version;		/* rises with each of them; 0: none yet */
	char text[LG_CHAINS][LG_HEAD_TEXT];
};

/* seq 0 when nothing was signed yet.  On a worker or the main thread. */
LG_CHECKED lg_err lg_heads_mark(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, struct lg_mark *ret);
/* Sends what is new; signed_head: the newest, the keeper's JSON.  On a worker or the main thread. */
LG_CHECKED lg_err lg_heads_extend(struct lg_ctx *cx, struct lg_app *app, enum lg_chain chain, lg_str *signed_head);
/* The members "audit_heirs" and "heads", if there are newer heads than `than`; returns their version. */
uint64_t lg_heads_put(struct lg_app *app, uint64_t than, struct lg_jsonw *w);
/* JWKS: the keys that sign heads. */
LG_CHECKED lg_err lg_heads_keys(struct lg_ctx *cx, struct lg_app *app, lg_str *jwks);
/* LG_E_CORRUPT: the store is behind or beside the keeper's mark. */
LG_CHECKED lg_err lg_heads_check(struct lg_ctx *cx, struct lg_app *app);

#endif
