/*
 * segment_queue.h: decisions on their way to the log, in the order in which they came.
 *
 * They lie behind each other in chunks that come from the system and go back to it: what a slow disk lets wait is megabytes within
 * a second, and of as many small blocks of malloc's the heap would keep the holes.  No lock here: the queue's user has one.
 */
#ifndef LG_STORE_SEGMENT_QUEUE_H
#define LG_STORE_SEGMENT_QUEUE_H

#include "store/segment.h"

#define LG_QUEUE_CHUNK	(256u << 10)	/* a record goes into one whole */
#define LG_QUEUE_SPARE	4		/* empty chunks that are kept: as many as fill while others are written */

struct lg_queued {
	struct lg_decision *waiter;	/* NULL: nobody waits */
	int64_t time;
	uint32_t tenant, n;
	char body[];
};

struct lg_queue_chunk;
struct lg_queue {
	struct lg_queue_chunk *first, *last;
	size_t bytes;			/* that its records take in a block */
	size_t waiters;
};

struct lg_queue_spare {
	struct lg_queue_chunk *first;
	size_t n;
};

/* Copies the record.  Its place, and so the record, stays where it is until the queue is emptied. */
void lg_queue_add(struct lg_queue *q, struct lg_queue_spare *spare, const struct lg_decision *d);
/* Moves whole chunks from the front of q to the end of `to`, as many as go into a block of `max` octets. */
void lg_queue_take(struct lg_queue *q, size_t max, struct lg_queue *to);
/* All of `front` stands before what is in q. */
void lg_queue_back(struct lg_queue *q, struct lg_queue *front);
/* NULL after the last one; *at is NULL at the beginning. */
const struct lg_queued *lg_queue_next(const struct lg_queue *q, const struct lg_queue_chunk **at, const struct lg_queued *of);
/* Those that somebody waits for go, once they have been told. */
void lg_queue_drop_waiters(struct lg_queue *q);
void lg_queue_clear(struct lg_queue *q, struct lg_queue_spare *spare);
void lg_queue_free(struct lg_queue *q, struct lg_queue_spare *spare);

#endif
