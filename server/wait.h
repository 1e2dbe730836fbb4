/* wait.h: one thread waits for one event that another brings about. */
#ifndef LG_SERVER_WAIT_H
#define LG_SERVER_WAIT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

/* A semaphore, because whoever waits must not run into a lock that is still held; the lock is for what the two share beside it. */
struct lg_waiter {
	pthread_mutex_t lock;
	sem_t done;
};

void lg_waiter_init(struct lg_waiter *w);
void lg_waiter_end(struct lg_waiter *w);
void lg_waiter_done(struct lg_waiter *w);	/* the last touch by the thread that calls it */
/* One of them, once. */
void lg_waiter_wait(struct lg_waiter *w);
bool lg_waiter_wait_for(struct lg_waiter *w, int64_t us);	/* false: not done in that time */

#endif
