/*
 * writer.c: the writer thread.  It takes the jobs that wait, makes one record of them, syncs once, lets the snapshots be
 * published and then answers, a batch at a time per mailbox.
 */
#include <assert.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "store/internal.h"

#define LG_GATHER_MOST	(2 * LG_SECOND / 1000)	/* us: how long a batch ever waits for those of the last one */

struct lg_writer {
	struct lg_store *st;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct lg_job *first, **end;
	size_t n;
	size_t want;			/* wake the writer when so many wait; 0: it is at work */
	bool stop;

	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_batch batch;
	struct lg_scope scope;
	size_t last;			/* jobs in the last batch */
	int64_t took;			/* us of its commit */
};

static _Thread_local bool on_loop, on_writer;

/* ---- the queue ------------------------------------------------------------------------------------ */

lg_err
lg_store_submit(struct lg_store *st, struct lg_job *job)
{
	struct lg_writer *w = st->writer;
	lg_err e = LG_OK;
	bool enough = false;

	job->next = NULL;
	job->result = LG_PENDING;
	job->seq = 0;
	pthread_mutex_lock(&w->lock);
	if (w->stop) {
		e = LG_E_UNAVAILABLE;
	} else if (w->n == LG_STORE_QUEUE) {
		e = LG_E_BUSY;
	} else {
		*w->end = job;
		w->end = &job->next;
		w->n++;
		enough = w->want != 0 && w->n >= w->want;
	}
	pthread_mutex_unlock(&w->lock);
	if (enough)
		pthread_cond_signal(&w->wake);	/* without the lock, which the writer takes first */
	return e;
}

/*
 * Those who were answered a moment ago are likely to come again: without a short wait the first of them would have a sync
 * alone while the others queue behind it.  Bounded by half of what a commit takes.
 */
static void
gather(struct lg_writer *w)
{
	int64_t most = w->took / 2 < LG_GATHER_MOST ? w->took / 2 : LG_GATHER_MOST;
	struct timespec until;

	if (w->last <= w->n || w->stop)
		return;
	int64_t t = lg_monotonic_ns() + most * 1000;
	until = (struct timespec){ t / 1000000000, t % 1000000000 };
	w->want = w->last;
	while (w->n < w->want && !w->stop)
		if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
			return;
}

/* Waits for jobs and takes up to max of them; 0: the store closes and the queue is empty. */
static size_t
take(struct lg_writer *w, struct lg_job **v, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&w->lock);
	w->want = 1;
	while (w->n == 0 && !w->stop)
		pthread_cond_wait(&w->wake, &w->lock);
	gather(w);
	w->want = 0;
	while (n < max && w->first != NULL) {
		v[n++] = w->first;
		w->first = w->first->next;
	}
	w->n -= n;
	if (w->first == NULL)
		w->end = &w->first;
	pthread_mutex_unlock(&w->lock);
	return n;
}

/* ---- one batch -------------------------------------------------------------------------------------- */

static void
fail_all(struct lg_writer *w, struct lg_job **v, size_t n, lg_err e)
{
	for (size_t i = 0; i < n; i++) {
		v[i]->seq = 0;
		v[i]->result = lg_fail(v[i]->cx, e, "%s", w->cx.error);
	}
}

/* Runs jobs from v while the record has room and commits them; how many were run. */
static size_t
run_batch(struct lg_writer *w, struct lg_job **v, size_t n)
{
	struct lg_head head;
	size_t done = 0;
	lg_err e;

	lg_arena_reset(w->arena);
	lg_ctx_init(&w->cx, w->arena);
	if ((e = lg_batch_begin(&w->cx, w->st, &w->batch)) != LG_OK) {
		fail_all(w, v, n, e);
		return n;
	}
	while (done < n && (done == 0 || lg_batch_has_room(&w->batch))) {
		v[done]->result = lg_batch_run(w->st, &w->batch, &w->scope, v[done]);
		done++;
	}
	int64_t start = lg_monotonic_ns();
	if ((e = lg_batch_commit(&w->cx, w->st, &w->batch, &head)) == LG_OK) {
		w->took = (lg_monotonic_ns() - start) / 1000;
		w->last = done;
		return done;
	}
	/* Failures count too: a job may have failed because of what another did that is now undone. */
	fail_all(w, v, done, e);
	if ((e == LG_E_FULL || e == LG_E_LIMIT) && done > 1)	/* alone, one that is small or frees space still has its chance */
		for (size_t i = 0; i < done; i++)
			run_batch(w, &v[i], 1);
	return done;
}

/* Jobs of one mailbox go back as one chain.  After the post they belong to their owners. */
static void
answer(struct lg_job **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct lg_mailbox *box = v[i] == NULL ? NULL : v[i]->reply;
		struct lg_note *first = NULL, **end = &first;
		if (v[i] == NULL)
			continue;
		if (box == NULL) {
			v[i]->note.run(&v[i]->note);
			continue;
		}
		for (size_t j = i; j < n; j++) {
			if (v[j] == NULL || v[j]->reply != box)
				continue;
			*end = &v[j]->note;
			end = &v[j]->note.next;
			v[j] = NULL;
		}
		*end = NULL;
		lg_mailbox_post_list(box, first);
	}
}

static void *
writer_main(void *arg)
{
	struct lg_writer *w = arg;
	struct lg_job *v[LG_BATCH_JOBS];
	size_t n;

	on_writer = true;
	prctl(PR_SET_NAME, "lg-writer");
	while ((n = take(w, v, LG_COUNT(v))) > 0)
		for (size_t done = 0, ran; done < n; done += ran) {
			ran = run_batch(w, v + done, n - done);
			answer(v + done, ran);
			lg_room_ahead(w->st);
		}
	return NULL;
}

lg_err
lg_writer_start(struct lg_ctx *cx, struct lg_store *st)
{
	struct lg_writer *w = calloc(1, sizeof *w);
	pthread_condattr_t attr;

	if (w == NULL)
		return lg_fail(cx, LG_E_LIMIT, "no memory for the writer");
	w->st = st;
	w->end = &w->first;
	w->arena = lg_arena_new();
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	st->writer = w;
	if (pthread_create(&w->thread, NULL, writer_main, w) == 0)
		return LG_OK;
	w->st = NULL;	/* nothing to join */
	return lg_fail(cx, LG_E_LIMIT, "the writer thread does not start");
}

void
lg_writer_stop(struct lg_store *st)
{
	struct lg_writer *w = st->writer;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (w->st != NULL)
		pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	lg_scope_free(&w->scope);
	lg_batch_free(&w->batch);
	lg_arena_free(&w->arena);
	free(w);
	st->writer = NULL;
}

/* ---- submit and wait --------------------------------------------------------------------------------- */

struct waiting {
	struct lg_job job;		/* first: its note is ours */
	lg_mutation *run;
	void *arg;
	sem_t done;
};

static lg_err
not_submitted(struct lg_ctx *cx, lg_err e)
{
	return lg_fail(cx, e, e == LG_E_BUSY ? "too many changes wait" : "the store is closing");
}

static lg_err
run_waiting(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct waiting *x = (struct waiting *)job;

	return x->run(cx, v, x->arg);
}

static void
wake_waiting(struct lg_note *note)
{
	struct waiting *x = (struct waiting *)((char *)note - offsetof(struct waiting, job.note));

	sem_post(&x->done);
}

static lg_err
apply_once(struct lg_store *st, struct waiting *x)
{
	lg_err e = lg_store_submit(st, &x->job);

	if (e != LG_OK)
		return not_submitted(x->job.cx, e);
	while (sem_wait(&x->done) != 0)	/* EINTR */
		;
	return x->job.result;
}

lg_err
lg_store_apply(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, const char *operation, lg_mutation *run, void *arg,
    uint64_t *seq)
{
	struct waiting x = { .run = run, .arg = arg };
	lg_err e;

	assert(!on_loop && !on_writer);
	x.job = (struct lg_job){ .run = run_waiting, .cx = cx, .tenant = tenant, .operation = operation };
	x.job.note.run = wake_waiting;
	sem_init(&x.done, 0, 0);
	int tries = 0;
	do
		e = apply_once(st, &x);
	while (e == LG_E_RETRY && tries++ < LG_RETRIES);
	sem_destroy(&x.done);
	lg_store_turn(st);	/* what this thread reads next shows its change */
	if (e == LG_OK && seq != NULL)
		*seq = x.job.seq;
	return e;
}

/* ---- submit and be called ----------------------------------------------------------------------------- */

struct later {
	struct lg_job job;		/* first: its note is ours */
	struct lg_store *st;
	lg_mutation *run;
	void (*then)(void *arg, lg_err e);
	void *arg;
	int tries;
};

static lg_err
run_later(struct lg_ctx *cx, struct lg_view *v, struct lg_job *job)
{
	struct later *x = (struct later *)job;

	return x->run(cx, v, x->arg);
}

static void
came_back(struct lg_note *note)
{
	struct later *x = (struct later *)((char *)note - offsetof(struct later, job.note));
	lg_err e = x->job.result;

	if (e == LG_E_RETRY && x->tries++ < LG_RETRIES) {
		if ((e = lg_store_submit(x->st, &x->job)) == LG_OK)
			return;
		e = not_submitted(x->job.cx, e);
	}
	x->then(x->arg, e);
}

lg_err
lg_store_later(struct lg_ctx *cx, struct lg_store *st, uint32_t tenant, const char *operation, lg_mutation *run,
    void (*then)(void *arg, lg_err e), void *arg, struct lg_mailbox *reply)
{
	struct later *x = LG_NEW(cx->arena, struct later);

	*x = (struct later){ .st = st, .run = run, .then = then, .arg = arg };
	x->job = (struct lg_job){ .run = run_later, .reply = reply, .cx = cx, .tenant = tenant, .operation = operation };
	x->job.note.run = came_back;
	lg_err e = lg_store_submit(st, &x->job);
	return e == LG_OK ? LG_PENDING : not_submitted(cx, e);
}

void
lg_store_loop_thread(void)
{
	on_loop = true;
}
