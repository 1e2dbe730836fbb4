/* hasher.h: password work on threads of its own at nice 19, so that it takes what others leave; bounded, LG_E_BUSY beyond. */
#ifndef LG_SERVER_HASHER_H
#define LG_SERVER_HASHER_H

#include "base/pool.h"
#include "lightgate/keeper.h"

#define LG_HASHER_QUEUE	256

struct lg_hash_threads;

/* renew: verifiers weaker than cost ask to be replaced. */
LG_CHECKED lg_err lg_hash_threads_new(struct lg_ctx *cx, unsigned threads, const struct lg_password_cost *cost, bool renew,
    struct lg_hash_threads **ret);
void lg_hash_threads_free(struct lg_hash_threads **ht);	/* waits for what is queued */
void lg_hash_threads_port(struct lg_hash_threads *ht, struct lg_hasher *ret);

#endif
