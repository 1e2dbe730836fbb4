/*
 * segment_writer.c: the thread that owns the decision segments.  Whoever appends copies his record into a bounded queue and
 * goes on; the thread takes all that waits, chains it, writes one block and syncs, at once while anybody waits for it and
 * otherwise within 100 ms.  If the log cannot be written, those who wait are told so and the rest is kept until it can.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "store/segment_queue.h"

#define LG_SEGMENT_LAZY		(LG_SECOND / 12)	/* with the sync itself within 100 ms */
#define LG_SEGMENT_AGAIN	LG_SECOND		/* after a failed write */
#define LG_SEGMENT_AHEAD	(256u << 10)		/* bytes that are written as zeros before they are needed */
#define LG_SEGMENT_EAGER	(1u << 20)		/* bytes that are written without waiting longer */
#define LG_SEGMENT_KEPT		(3u << 19)		/* of the block's memory, which is touched as far as blocks were long */

struct lg_segments {
	char *dir;
	int dirfd;
	uint64_t size;			/* of a segment */
	size_t buffer;			/* most bytes that may wait */
	pthread_t thread;
	bool running;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct lg_queue queue;
	struct lg_queue_spare spare;
	size_t late;			/* of the waiters: will be hurried for */
	struct lg_head head;		/* of what is synced */
	struct lg_buf recent;		/* digests of the last records up to the head */
	bool stop, failed;

	struct lg_segment_file file;	/* from here on the thread's own */
	uint64_t at;			/* where the next block goes */
	uint64_t zeroed;		/* up to here the file's blocks have been written */
	bool dirty;			/* something half written may stand there */
	struct lg_buf block, digests;	/* of the block */
	struct lg_ctx cx;
	struct lg_arena *arena;
};

/* ---- appending --------------------------------------------------------------------------------------------- */

lg_err
lg_segments_append(struct lg_segments *sg, struct lg_decision *d)
{
	if (d->body.n == 0 || d->body.n > LG_DECISION_MAX)
		return LG_E_LIMIT;
	d->result = LG_PENDING;
	bool wanted = false;
	pthread_mutex_lock(&sg->lock);
	bool busy = sg->stop || (sg->failed && d->wait) || sg->queue.bytes + LG_DECISION_HEADER + d->body.n > sg->buffer;
	if (!busy) {
		bool first = sg->queue.first == NULL, late = d->wait && d->later;
		lg_queue_add(&sg->queue, &sg->spare, d);
		sg->late += late;
		wanted = !late && (d->wait || first || sg->queue.bytes > LG_SEGMENT_EAGER);
	}
	pthread_mutex_unlock(&sg->lock);
	if (wanted)
		pthread_cond_signal(&sg->wake);	/* without the lock, which its thread takes first */
	return busy ? LG_E_BUSY : LG_OK;
}

void
lg_segments_hurry(struct lg_segments *sg)
{
	pthread_mutex_lock(&sg->lock);
	bool wanted = sg->late > 0;
	sg->late = 0;
	pthread_mutex_unlock(&sg->lock);
	if (wanted)
		pthread_cond_signal(&sg->wake);
}

struct waiting {
	struct lg_decision d;
	sem_t done;
};

static void
wake_waiting(struct lg_note *note)
{
	struct waiting *x = (struct waiting *)((char *)note - offsetof(struct waiting, d.note));

	sem_post(&x->done);
}

lg_err
lg_segments_apply(struct lg_ctx *cx, struct lg_segments *sg, uint32_t tenant, lg_str body)
{
	struct waiting x = { .d = { .tenant = tenant, .time = lg_wall(), .body = body, .wait = true } };

	x.d.note.run = wake_waiting;
	sem_init(&x.done, 0, 0);
	lg_err e = lg_segments_append(sg, &x.d);
	if (e == LG_OK) {
		while (sem_wait(&x.done) != 0)	/* EINTR */
			;
		e = x.d.result;
	}
	sem_destroy(&x.done);
	return e == LG_OK ? LG_OK : lg_fail(cx, e, "the decision log does not take the record: %s", lg_err_name(e));
}

struct lg_head
lg_segments_head(struct lg_segments *sg)
{
	pthread_mutex_lock(&sg->lock);
	struct lg_head h = sg->head;
	pthread_mutex_unlock(&sg->lock);
	return h;
}

/* ---- digests for the keeper, remembered so that the files need not be read again ------------------------------- */

static void
forget(struct lg_buf *recent, size_t bytes)
{
	recent->n -= bytes;
	memmove(recent->p, recent->p + bytes, recent->n);
}

/* With the lock held.  Too many: the older ones are to be read from the files. */
static void
remember(struct lg_segments *sg)
{
	if (sg->recent.n + sg->digests.n > sg->recent.max)
		lg_buf_clear(&sg->recent);
	if (sg->digests.n <= sg->recent.max)
		lg_buf_str(&sg->recent, lg_buf_view(&sg->digests));
}

/* With the lock held.  False if some of them are remembered no more; those up to `from` are asked for no more. */
static bool
recall(struct lg_ctx *cx, struct lg_segments *sg, uint64_t from, size_t max, lg_str *ret)
{
	uint64_t kept = sg->recent.n / sizeof(lg_sha256), before = sg->head.seq - kept;

	if (from < before)
		return false;
	forget(&sg->recent, (from - before) * sizeof(lg_sha256));
	*ret = lg_dup(cx->arena, lg_str_sub(lg_buf_view(&sg->recent), 0, max * sizeof(lg_sha256)));
	return true;
}

lg_err
lg_segments_digests(struct lg_ctx *cx, struct lg_segments *sg, uint64_t from, size_t max, lg_str *ret)
{
	pthread_mutex_lock(&sg->lock);
	uint64_t head = sg->head.seq;
	bool known = from >= head || max == 0;
	*ret = LG_NONE;
	known = known || recall(cx, sg, from, max, ret);
	pthread_mutex_unlock(&sg->lock);
	if (known)
		return LG_OK;
	return lg_segments_digests_in(cx, sg->dir, from, head - from > max ? from + max : head, ret);
}

/* ---- the thread ---------------------------------------------------------------------------------------------- */

/* The next segment begins where this one ends; this one keeps only what it holds. */
static lg_err
rotate(struct lg_segments *sg)
{
	struct lg_segment_head h = { sg->head.epoch, sg->head.seq + 1, sg->head.hash, lg_wall() };
	struct lg_segment_file next;

	if (sg->file.fd >= 0 && (ftruncate(sg->file.fd, (off_t)sg->at) != 0 || fsync(sg->file.fd) != 0))
		return lg_fail(&sg->cx, LG_E_IO, "%s: %s", sg->file.path, strerror(errno));
	LG_TRY(lg_segment_create(&sg->cx, sg->dir, sg->size, &h, &next));
	lg_segment_close(&sg->file);
	sg->file = next;
	sg->at = LG_SEGMENT_HEADER;
	sg->zeroed = 0;
	return LG_OK;
}

/* Chains the records into sg->block. */
static struct lg_head
make_block(struct lg_segments *sg, const struct lg_queue *l)
{
	struct lg_head chain = sg->head;
	struct lg_block_head h = { .first = chain.seq + 1 };

	lg_buf_clear(&sg->block);
	lg_buf_clear(&sg->digests);
	(void)lg_buf_reserve(&sg->block, sg->block.max);
	lg_block_head_put(&sg->block, &h);	/* its place */
	const struct lg_queue_chunk *at = NULL;
	for (const struct lg_queued *p = NULL; (p = lg_queue_next(l, &at, p)) != NULL;) {
		int64_t time = p->time > chain.time ? p->time : chain.time;
		lg_sha256 digest = lg_segment_record_put(&sg->block, &chain, p->tenant, time, (lg_str){ p->body, p->n });
		lg_buf_bytes(&sg->digests, digest.b, sizeof digest.b);
		h.count++;
	}
	h.size = (uint32_t)(sg->block.n - LG_BLOCK_HEADER);
	struct lg_buf head = { sg->block.p, 0, LG_BLOCK_HEADER, LG_BLOCK_HEADER, false };
	lg_block_head_put(&head, &h);
	return chain;
}

/* After a failed write: what was half written must not follow the next block. */
static lg_err
mend(struct lg_segments *sg)
{
	if (sg->dirty && sg->file.fd >= 0)
		LG_TRY(lg_segment_wipe(&sg->cx, sg->file.fd, sg->at, sg->size));
	if (sg->dirty)
		sg->zeroed = 0;
	sg->dirty = false;
	return LG_OK;
}

static lg_err
put(struct lg_segments *sg, const char *p, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pwrite(sg->file.fd, p + done, n - done, (off_t)(at + done));
		if (r < 0 && errno != EINTR)
			return lg_fail(&sg->cx, errno == ENOSPC ? LG_E_FULL : LG_E_IO, "%s: %s", sg->file.path, strerror(errno));
		done += r > 0 ? (size_t)r : 0;
	}
	return LG_OK;
}

/*
 * A first write into preallocated blocks changes the file's map of them, which makes of each sync two writes, or a journal's
 * commit.  So zeros go ahead, many blocks' worth at a time.
 */
static lg_err
put_ahead(struct lg_segments *sg)
{
	static const char zeros[LG_SEGMENT_AHEAD];
	uint64_t end = sg->at + sg->block.n;

	if (end <= sg->zeroed || end >= sg->size)
		return LG_OK;
	size_t n = sg->size - end < sizeof zeros ? (size_t)(sg->size - end) : sizeof zeros;
	LG_TRY(put(sg, zeros, n, end));
	sg->zeroed = end + n;
	return LG_OK;
}

static lg_err
write_block(struct lg_segments *sg, const struct lg_queue *l)
{
	lg_arena_reset(sg->arena);
	LG_TRY(mend(sg));
	if (l->first == NULL)
		return LG_OK;
	struct lg_head chain = make_block(sg, l);
	LG_TRY(lg_buf_status(&sg->cx, &sg->block));
	if (sg->file.fd < 0 || sg->at + sg->block.n > sg->size)
		LG_TRY(rotate(sg));
	LG_TRY(put_ahead(sg));
	LG_TRY(put(sg, sg->block.p, sg->block.n, sg->at));
	if (fdatasync(sg->file.fd) != 0)
		return lg_fail(&sg->cx, LG_E_IO, "%s: %s", sg->file.path, strerror(errno));
	sg->at += sg->block.n;
	pthread_mutex_lock(&sg->lock);
	sg->head = chain;
	remember(sg);
	pthread_mutex_unlock(&sg->lock);
	if (sg->block.n > LG_SEGMENT_KEPT)
		lg_buf_free(&sg->block);
	return LG_OK;
}

/*
 * Waits until something has to be written, and takes as much as goes into a block.  After a failure it comes back with an
 * empty list too, so that the log recovers even if nothing but waiters come, who are turned away.
 */
static bool
next_list(struct lg_segments *sg, struct lg_queue *ret)
{
	struct timespec until;

	pthread_mutex_lock(&sg->lock);
	while (sg->queue.first == NULL && !sg->stop && !sg->failed)
		pthread_cond_wait(&sg->wake, &sg->lock);
	int64_t t = lg_monotonic_ns() + (sg->failed ? LG_SEGMENT_AGAIN : LG_SEGMENT_LAZY) * 1000;
	until = (struct timespec){ t / 1000000000, t % 1000000000 };
	while (!sg->stop && (sg->failed || (sg->queue.waiters == sg->late && sg->queue.bytes <= LG_SEGMENT_EAGER)))
		if (pthread_cond_timedwait(&sg->wake, &sg->lock, &until) != 0)
			break;
	*ret = (struct lg_queue){ .first = NULL };
	lg_queue_take(&sg->queue, LG_BLOCK_MAX, ret);
	if (sg->late > sg->queue.waiters)
		sg->late = sg->queue.waiters;
	bool more = ret->first != NULL || !sg->stop;
	pthread_mutex_unlock(&sg->lock);
	return more;
}

static void
tell(struct lg_decision *d, lg_err e)
{
	d->result = e;
	if (d->reply == NULL)
		d->note.run(&d->note);
	else
		lg_mailbox_post(d->reply, &d->note);
}

/* Waiters hear; what nobody waits for is done with, or goes back in front of the queue. */
static void
settle(struct lg_segments *sg, struct lg_queue *l, lg_err e)
{
	const struct lg_queue_chunk *at = NULL;

	for (const struct lg_queued *p = NULL; l->waiters > 0 && (p = lg_queue_next(l, &at, p)) != NULL;)
		if (p->waiter != NULL)
			tell(p->waiter, e);
	if (e != LG_OK)
		lg_queue_drop_waiters(l);
	pthread_mutex_lock(&sg->lock);
	if (e == LG_OK || l->bytes == 0)
		lg_queue_clear(l, &sg->spare);
	else
		lg_queue_back(&sg->queue, l);
	pthread_mutex_unlock(&sg->lock);
}

static void *
thread_main(void *arg)
{
	struct lg_segments *sg = arg;
	struct lg_queue l;

	prctl(PR_SET_NAME, "lg-decisions");
	while (next_list(sg, &l)) {
		lg_err e = write_block(sg, &l);
		sg->dirty = e != LG_OK;
		pthread_mutex_lock(&sg->lock);
		bool stop = sg->stop;
		sg->failed = e != LG_OK;
		pthread_mutex_unlock(&sg->lock);
		settle(sg, &l, e);
		if (e != LG_OK && stop)
			break;
	}
	return NULL;
}

/* ---- opening and closing ------------------------------------------------------------------------------------ */

static lg_err
open_newest(struct lg_ctx *cx, struct lg_segments *sg)
{
	struct lg_segment_end end;
	uint64_t *first;
	size_t n;

	sg->head = (struct lg_head){ .epoch = 1 };
	LG_TRY(lg_segment_list(cx, sg->dir, &first, &n));
	if (n == 0)
		return LG_OK;
	LG_TRY(lg_segment_open(cx, sg->dir, first[n - 1], O_RDWR, &sg->file));
	const struct lg_segment_head *h = &sg->file.head;
	sg->head = (struct lg_head){ h->epoch, h->first - 1, h->prev, h->created };
	LG_TRY(lg_segment_walk(cx, &sg->file, &sg->head, NULL, NULL, &end));
	if (!end.clean && !end.torn)
		return lg_fail(cx, LG_E_CORRUPT, "%s: record %" PRIu64 " does not fit, and later ones were synced", sg->file.path,
		    sg->head.seq + 1);
	if (!end.clean || sg->file.size < sg->size)
		LG_TRY(lg_segment_repair(cx, &sg->file, sg->size, &end));
	sg->at = end.block != 0 && end.good.count == 0 ? end.block : end.at;
	return LG_OK;
}

static lg_err
open_dir(struct lg_ctx *cx, struct lg_segments *sg)
{
	LG_TRY(lg_dir_make(cx, sg->dir, 0700));
	sg->dirfd = open(sg->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sg->dirfd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", sg->dir, strerror(errno));
	if (flock(sg->dirfd, LOCK_EX | LOCK_NB) != 0)
		return lg_fail(cx, LG_E_CONFLICT, "%s is in use by another process", sg->dir);
	return open_newest(cx, sg);
}

static struct lg_segments *
new_segments(const char *dir, size_t buffer, uint64_t size)
{
	struct lg_segments *sg = calloc(1, sizeof *sg);
	pthread_condattr_t attr;

	if (sg == NULL || (sg->dir = strdup(dir)) == NULL)
		abort();
	sg->dirfd = sg->file.fd = -1;
	sg->size = size;
	sg->buffer = buffer;
	sg->arena = lg_arena_new();
	lg_ctx_init(&sg->cx, sg->arena);
	sg->block = LG_BUF(LG_BLOCK_MAX + LG_DECISION_MAX + LG_BLOCK_HEADER);
	sg->digests = LG_BUF((LG_BLOCK_MAX / LG_DECISION_HEADER + 1) * sizeof(lg_sha256));
	sg->recent = LG_BUF(LG_SEGMENT_RECENT * sizeof(lg_sha256));
	(void)lg_buf_reserve(&sg->recent, sg->recent.max);
	pthread_mutex_init(&sg->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sg->wake, &attr);
	pthread_condattr_destroy(&attr);
	return sg;
}

lg_err
lg_segments_open_sized(struct lg_ctx *cx, const char *dir, size_t buffer, uint64_t size, struct lg_segments **ret)
{
	LG_AUTO(lg_segments_close) struct lg_segments *sg = new_segments(dir, buffer, size);

	LG_TRY(open_dir(cx, sg));
	if (pthread_create(&sg->thread, NULL, thread_main, sg) != 0)
		return lg_fail(cx, LG_E_LIMIT, "the decision log's thread does not start");
	sg->running = true;
	*ret = sg;
	sg = NULL;
	return LG_OK;
}

lg_err
lg_segments_open(struct lg_ctx *cx, const char *dir, size_t buffer, struct lg_segments **ret)
{
	return lg_segments_open_sized(cx, dir, buffer, LG_SEGMENT_SIZE, ret);
}

lg_err
lg_segments_new_epoch(struct lg_ctx *cx, const char *dir)
{
	LG_AUTO(lg_segments_close) struct lg_segments *sg = new_segments(dir, 0, LG_SEGMENT_SIZE);

	LG_TRY(open_dir(cx, sg));
	sg->head.epoch++;
	lg_err e = rotate(sg);
	return e == LG_OK ? LG_OK : lg_fail(cx, e, "%s", sg->cx.error);
}

/* What waits is written first, if it can be. */
void
lg_segments_close(struct lg_segments **sp)
{
	struct lg_segments *sg = *sp;

	if (sg == NULL)
		return;
	pthread_mutex_lock(&sg->lock);
	sg->stop = true;
	pthread_cond_signal(&sg->wake);
	pthread_mutex_unlock(&sg->lock);
	if (sg->running)
		pthread_join(sg->thread, NULL);
	lg_queue_free(&sg->queue, &sg->spare);
	lg_segment_close(&sg->file);
	if (sg->dirfd >= 0)
		close(sg->dirfd);
	pthread_cond_destroy(&sg->wake);
	pthread_mutex_destroy(&sg->lock);
	lg_buf_free(&sg->block);
	lg_buf_free(&sg->digests);
	lg_buf_free(&sg->recent);
	lg_arena_free(&sg->arena);
	free(sg->dir);
	free(sg);
	*sp = NULL;
}
