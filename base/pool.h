/* pool.h: threads for what may block: a bounded queue and a fixed number of workers. */
#ifndef LG_BASE_POOL_H
#define LG_BASE_POOL_H

#include "lightgate/base.h"

#define LG_POOL_THREADS_MAX	256
#define LG_POOL_QUEUE_MAX	65536

struct lg_pool;

/*
 * `nice` is added to the threads' own priority (19: only what others leave).  `stack_size` 0 is the system's.
 * Workers take no signals.  LG_E_UNAVAILABLE if a thread cannot be started; none is left running then.
 */
LG_CHECKED lg_err lg_pool_new(struct lg_ctx *cx, unsigned threads, unsigned queue_max, int nice, size_t stack_size,
    struct lg_pool **ret);
/* Any thread.  LG_E_BUSY when queue_max jobs wait; the job is not taken then. */
LG_CHECKED lg_err lg_pool_submit(struct lg_pool *pool, void (*run)(void *arg), void *arg);
size_t lg_pool_waiting(struct lg_pool *pool);		/* for metrics */
/* Runs what was submitted, joins the threads.  Nobody may submit any more, jobs included.  Safe on NULL. */
void lg_pool_free(struct lg_pool **pool);

#endif
