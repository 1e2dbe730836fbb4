/* segment_queue.c: chunks of records, linked. */
#include "store/segment_queue.h"

#include <stdlib.h>
#include <sys/mman.h>

struct lg_queue_chunk {
	struct lg_queue_chunk *next;
	size_t used;			/* of data */
	size_t bytes, waiters;		/* as in lg_queue */
	_Alignas(struct lg_queued) char data[];
};

#define ROOM	(LG_QUEUE_CHUNK - sizeof(struct lg_queue_chunk))

_Static_assert(sizeof(struct lg_queued) + LG_DECISION_MAX + _Alignof(struct lg_queued) <= ROOM, "every record finds room in an empty chunk");

/* ---- chunks --------------------------------------------------------------------------------------------------- */

static struct lg_queue_chunk *
chunk_new(struct lg_queue_spare *spare)
{
	struct lg_queue_chunk *c = spare->first;

	if (c != NULL) {
		spare->first = c->next;
		spare->n--;
	} else if ((c = mmap(NULL, LG_QUEUE_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED) {
		abort();
	}
	c->next = NULL;
	c->used = c->bytes = c->waiters = 0;
	return c;
}

static void
chunk_done(struct lg_queue_chunk *c, struct lg_queue_spare *spare)
{
	if (spare->n >= LG_QUEUE_SPARE) {
		(void)munmap(c, LG_QUEUE_CHUNK);
		return;
	}
	c->next = spare->first;
	spare->first = c;
	spare->n++;
}

static void
link_chunk(struct lg_queue *q, struct lg_queue_chunk *c)
{
	*(q->last == NULL ? &q->first : &q->last->next) = c;
	q->last = c;
	q->bytes += c->bytes;
	q->waiters += c->waiters;
}

/* ---- records --------------------------------------------------------------------------------------------------- */

/* What it takes in its chunk. */
static size_t
size_of(size_t n)
{
	return (sizeof(struct lg_queued) + n + _Alignof(struct lg_queued) - 1) & ~(_Alignof(struct lg_queued) - 1);
}

static void
count(struct lg_queue_chunk *c, size_t n, bool waits)
{
	c->bytes += LG_DECISION_HEADER + n;
	c->waiters += waits;
}

void
lg_queue_add(struct lg_queue *q, struct lg_queue_spare *spare, const struct lg_decision *d)
{
	struct lg_queue_chunk *c = q->last;

	if (c == NULL || ROOM - c->used < size_of(d->body.n)) {
		c = chunk_new(spare);
		link_chunk(q, c);
	}
	struct lg_queued *x = (struct lg_queued *)(void *)(c->data + c->used);
	*x = (struct lg_queued){ .time = d->time, .tenant = d->tenant, .n = (uint32_t)d->body.n };
	x->waiter = d->wait ? (struct lg_decision *)(uintptr_t)d : NULL;
	memcpy(x->body, d->body.p, d->body.n);
	c->used += size_of(d->body.n);
	count(c, d->body.n, d->wait);
	q->bytes += LG_DECISION_HEADER + d->body.n;
	q->waiters += d->wait;
}

const struct lg_queued *
lg_queue_next(const struct lg_queue *q, const struct lg_queue_chunk **at, const struct lg_queued *of)
{
	const char *next;

	if (*at == NULL) {
		*at = q->first;
		next = *at == NULL ? NULL : (*at)->data;
	} else {
		next = (const char *)of + size_of(of->n);
	}
	while (*at != NULL && next == (*at)->data + (*at)->used) {
		*at = (*at)->next;
		next = *at == NULL ? NULL : (*at)->data;
	}
	return (const struct lg_queued *)(const void *)next;
}

void
lg_queue_drop_waiters(struct lg_queue *q)
{
	q->bytes = q->waiters = 0;
	for (struct lg_queue_chunk *c = q->first; c != NULL; c = c->next) {
		size_t end = c->used;

		c->used = c->bytes = c->waiters = 0;
		for (size_t at = 0, n; at < end; at += n) {
			struct lg_queued *x = (struct lg_queued *)(void *)(c->data + at);

			n = size_of(x->n);
			if (x->waiter != NULL)
				continue;
			count(c, x->n, false);
			memmove(c->data + c->used, x, n);
			c->used += n;
		}
		q->bytes += c->bytes;
	}
}

/* ---- whole queues ----------------------------------------------------------------------------------------------- */

void
lg_queue_take(struct lg_queue *q, size_t max, struct lg_queue *to)
{
	struct lg_queue_chunk *c;

	while ((c = q->first) != NULL && to->bytes + c->bytes <= max) {
		q->first = c->next;
		q->last = c->next == NULL ? NULL : q->last;
		q->bytes -= c->bytes;
		q->waiters -= c->waiters;
		c->next = NULL;
		link_chunk(to, c);
	}
}

void
lg_queue_back(struct lg_queue *q, struct lg_queue *front)
{
	lg_queue_take(q, SIZE_MAX / 2, front);
	*q = *front;
	*front = (struct lg_queue){ .first = NULL };
}

void
lg_queue_clear(struct lg_queue *q, struct lg_queue_spare *spare)
{
	for (struct lg_queue_chunk *c = q->first, *next; c != NULL; c = next) {
		next = c->next;
		chunk_done(c, spare);
	}
	*q = (struct lg_queue){ .first = NULL };
}

void
lg_queue_free(struct lg_queue *q, struct lg_queue_spare *spare)
{
	struct lg_queue_chunk *c;

	lg_queue_clear(q, spare);
	while ((c = spare->first) != NULL) {
		spare->first = c->next;
		(void)munmap(c, LG_QUEUE_CHUNK);
	}
	spare->n = 0;
}
