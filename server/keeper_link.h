/*
 * keeper_link.h: the server's side of the keeper: one channel a loop, the signing port for components, and new channels when
 * the parent has started a new keeper.
 */
#ifndef LG_SERVER_KEEPER_LINK_H
#define LG_SERVER_KEEPER_LINK_H

#include "lightgate/certs.h"
#include "lightgate/keeper.h"
#include "server/loop.h"

#define LG_KEEPER_PATIENCE	(30 * LG_SECOND) /* a worker's wait */

struct lg_keeper_link;

/* loops must outlive the link, except that their threads may have returned before lg_keeper_link_free. */
LG_CHECKED lg_err lg_keeper_link_new(struct lg_ctx *cx, struct lg_loop *const *loops, size_t n, struct lg_keeper_link **ret);
void lg_keeper_link_free(struct lg_keeper_link **kl);
/* Gives loop i a channel, from any thread; one that it had is closed and what waits on it answered LG_E_UNAVAILABLE. */
void lg_keeper_link_connect(struct lg_keeper_link *kl, size_t i, int fd);
bool lg_keeper_link_up(struct lg_keeper_link *kl);	/* every loop has a living channel */

void lg_keeper_link_signer(struct lg_keeper_link *kl, struct lg_signer *ret);	/* fills the port */

/* The calling loop's channel for requests beyond the port; NULL while the keeper is away or off the loops. */
struct lg_keeper *lg_keeper_link_channel(struct lg_keeper_link *kl);
/* Any request, from a worker or the main thread: `ask` runs on a loop and queues it with done and done_arg; the reply is copied
 * into cx's arena.  On LG_E_* the keeper's sentence is in cx. */
typedef lg_err lg_keeper_ask(struct lg_keeper *k, void *arg, lg_keeper_done *done, void *done_arg);
LG_CHECKED lg_err lg_keeper_link_wait(struct lg_keeper_link *kl, struct lg_ctx *cx, lg_keeper_ask *ask, void *arg, lg_str *reply);

/* keeper_between.c: lg_certs_ports.between.  The two mutations' answers and the keeper's go from thread to thread without whoever asked,
 * who sleeps once instead of three times, or has gone away. */
LG_CHECKED lg_err lg_keeper_between(struct lg_keeper_link *kl, struct lg_store *st, struct lg_ctx *cx, struct lg_between *b);
/* One loop after the other, for requests that come from workers. */
struct lg_loop *lg_keeper_link_loop(struct lg_keeper_link *kl);

/* The tenant's data key, as sealed by the keeper (lg_keeper_wrap_new): unwrapped by the keeper and held for signer.data_key. Waits. */
LG_CHECKED lg_err lg_keeper_link_data_key(struct lg_keeper_link *kl, struct lg_ctx *cx, uint32_t tenant, lg_str wrapped);

#endif
