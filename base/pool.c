/* pool.c: a ring of jobs under one lock; workers sleep on a condition. */
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

struct lg_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;		/* a job waits, or closing */
	struct job *ring;
	size_t room, first, n;
	bool closing;
	int nice;
	unsigned threads;		/* started so far */
	pthread_t thread[LG_POOL_THREADS_MAX];
};

/* Waits for a job; false when the pool closes and nothing is left. */
static bool
take(struct lg_pool *p, struct job *ret)
{
	pthread_mutex_lock(&p->lock);
	while (p->n == 0 && !p->closing)
		pthread_cond_wait(&p->work, &p->lock);
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
	struct job job;

	/* On Linux a nice value belongs to a thread.  Raising it needs no privilege; a refusal would cost fairness alone. */
	if (p->nice != 0)
		setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, (id_t)gettid()) + p->nice);
	prctl(PR_SET_NAME, "lg-worker");
	while (take(p, &job))
		job.run(job.arg);
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
	pthread_cond_init(&p->work, NULL);
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
	lg_err e = LG_E_BUSY;

	pthread_mutex_lock(&p->lock);
	assert(!p->closing);
	if (p->n < p->room) {
		p->ring[(p->first + p->n++) % p->room] = (struct job){ run, arg };
		e = LG_OK;
		/* inside the lock: once it is released, the job may end and the pool be freed */
		pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->lock);
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
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p->ring);
	free(p);
	*pool = NULL;
}
