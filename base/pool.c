/*
 * pool.c: a ring of jobs under one lock.  Who went to sleep last is woken first: a few workers do what a few can, with warm
 * caches, and the memory that a thread takes at its first job is not taken by all of them.
 */
#include "base/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/thread.h"

struct job {
	void (*run)(void *);
	void *arg;
};

struct sleeper {
	struct sleeper *below;
	pthread_cond_t woken;		/* a job waits, or closing */
	bool up;
};

struct lg_pool {
	pthread_mutex_t lock;
	struct sleeper *asleep;		/* the last one first */
	struct job *ring;
	size_t room, first, n;
	bool closing;
	int nice;
	unsigned threads;		/* started so far */
	pthread_t thread[LG_POOL_THREADS_MAX];
};

/* With the lock held, which is given back meanwhile. */
static void
fall_asleep(struct lg_pool *p, struct sleeper *s)
{
	s->up = false;
	s->below = p->asleep;
	p->asleep = s;
	while (!s->up)
		pthread_cond_wait(&s->woken, &p->lock);
}

/* With the lock held; the condition to signal, NULL if nobody sleeps. */
static pthread_cond_t *
rouse(struct lg_pool *p)
{
	struct sleeper *s = p->asleep;

	if (s == NULL)
		return NULL;
	p->asleep = s->below;
	s->up = true;
	return &s->woken;
}

/* Waits for a job; false when the pool closes and nothing is left. */
static bool
take(struct lg_pool *p, struct sleeper *s, struct job *ret)
{
	pthread_mutex_lock(&p->lock);
	while (p->n == 0 && !p->closing)
		fall_asleep(p, s);
	bool got = p->n > 0;
	if (got) {
		*ret = p->ring[p->first];
		p->first = (p->first + 1) % p->room;
		p->n--;
	}
	pthread_mutex_unlock(&p->lock);
	return got;
}

static void *
worker(void *arg)
{
	struct lg_pool *p = arg;
	struct sleeper s = { .woken = PTHREAD_COND_INITIALIZER };
	struct job job;

	/* On Linux a nice value belongs to a thread.  Raising it needs no privilege; a refusal would cost fairness alone. */
	if (p->nice != 0)
		setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, (id_t)gettid()) + p->nice);
	prctl(PR_SET_NAME, "lg-worker");
	while (take(p, &s, &job))
		job.run(job.arg);
	pthread_cond_destroy(&s.woken);
	return NULL;
}

static bool
start_threads(struct lg_pool *p, unsigned threads, size_t stack_size)
{
	while (p->threads < threads && lg_thread_start(&p->thread[p->threads], stack_size, worker, p))
		p->threads++;
	return p->threads == threads;
}

lg_err
lg_pool_new(struct lg_ctx *cx, unsigned threads, unsigned queue_max, int nice, size_t stack_size,
    struct lg_pool **ret)
{
	assert(threads > 0 && threads <= LG_POOL_THREADS_MAX);
	assert(queue_max > 0 && queue_max <= LG_POOL_QUEUE_MAX);
	struct lg_pool *p = calloc(1, sizeof *p);
	struct job *ring = calloc(queue_max, sizeof *ring);
	if (p == NULL || ring == NULL) {
		fputs("lightgate: out of memory\n", stderr);
		abort();
	}
	p->ring = ring;
	p->room = queue_max;
	p->nice = nice;
	pthread_mutex_init(&p->lock, NULL);
	if (!start_threads(p, threads, stack_size)) {
		lg_pool_free(&p);
		return lg_fail(cx, LG_E_UNAVAILABLE, "cannot start %u threads", threads);
	}
	*ret = p;
	return LG_OK;
}

lg_err
lg_pool_submit(struct lg_pool *p, void (*run)(void *), void *arg)
{
	pthread_cond_t *woken = NULL;
	lg_err e = LG_E_BUSY;

	pthread_mutex_lock(&p->lock);
	assert(!p->closing);
	if (p->n < p->room) {
		p->ring[(p->first + p->n++) % p->room] = (struct job){ run, arg };
		e = LG_OK;
		woken = rouse(p);
	}
	pthread_mutex_unlock(&p->lock);
	/* Without the lock, which the worker takes first.  It cannot go away: nobody closes a pool that is still given jobs. */
	if (woken != NULL)
		pthread_cond_signal(woken);
	return e;
}

size_t
lg_pool_waiting(struct lg_pool *p)
{
	pthread_mutex_lock(&p->lock);
	size_t n = p->n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void
lg_pool_free(struct lg_pool **pool)
{
	struct lg_pool *p = *pool;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	while (p->asleep != NULL)
		pthread_cond_signal(rouse(p));	/* with it: who is up without a signal may be gone at once */
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_mutex_destroy(&p->lock);
	free(p->ring);
	free(p);
	*pool = NULL;
}
