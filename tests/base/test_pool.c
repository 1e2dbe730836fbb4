/* test_pool.c: the queue's bound, every job once, the threads' niceness. */
#include "tests/base/base_test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/pool.h"

static void
count(void *arg)
{
	atomic_fetch_add((atomic_int *)arg, 1);
}

Test(pool, every_job_runs_once_even_when_freed_at_once)
{
	TEST_CTX(cx);
	struct lg_pool *pool;
	atomic_int ran = 0;
	int taken = 0;

	cr_assert_eq(lg_pool_new(cx, 4, 100, 0, 256 << 10, &pool), LG_OK, "%s", cx->error);
	while (taken < 20000) {
		lg_err e = lg_pool_submit(pool, count, &ran);
		cr_assert(e == LG_OK || e == LG_E_BUSY);
		taken += e == LG_OK;
		if (e != LG_OK)
			sched_yield();
	}
	lg_pool_free(&pool);
	cr_assert_null(pool);
	cr_assert_eq(ran, 20000);
	lg_pool_free(&pool);
}

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	int inside;
};

static void
wait_at_gate(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	g->inside++;
	pthread_cond_broadcast(&g->changed);
	while (!g->open)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

Test(pool, a_full_queue_is_busy)
{
	TEST_CTX(cx);
	struct gate g = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0 };
	struct lg_pool *pool;
	atomic_int ran = 0;

	cr_assert_eq(lg_pool_new(cx, 1, 2, 0, 0, &pool), LG_OK);
	cr_assert_eq(lg_pool_submit(pool, wait_at_gate, &g), LG_OK);
	pthread_mutex_lock(&g.lock);
	while (g.inside == 0)
		pthread_cond_wait(&g.changed, &g.lock);
	pthread_mutex_unlock(&g.lock);
	cr_assert_eq(lg_pool_submit(pool, count, &ran), LG_OK);
	cr_assert_eq(lg_pool_submit(pool, count, &ran), LG_OK);
	cr_assert_eq(lg_pool_waiting(pool), 2);
	cr_assert_eq(lg_pool_submit(pool, count, &ran), LG_E_BUSY);
	pthread_mutex_lock(&g.lock);
	g.open = true;
	pthread_cond_broadcast(&g.changed);
	pthread_mutex_unlock(&g.lock);
	lg_pool_free(&pool);
	cr_assert_eq(ran, 2);
}

struct look {
	int nice;
	bool takes_term;
};

static void
look_around(void *arg)
{
	struct look *l = arg;
	sigset_t blocked;

	l->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	l->takes_term = !sigismember(&blocked, SIGTERM);
}

Test(pool, workers_are_nice_and_take_no_signals)
{
	TEST_CTX(cx);
	struct lg_pool *pool;
	struct look l = { 0 };
	int mine = getpriority(PRIO_PROCESS, 0);

	cr_assert_eq(lg_pool_new(cx, 1, 1, 7, 0, &pool), LG_OK);
	cr_assert_eq(lg_pool_submit(pool, look_around, &l), LG_OK);
	lg_pool_free(&pool);
	cr_assert_eq(l.nice, mine + 7 > 19 ? 19 : mine + 7);
	cr_assert_not(l.takes_term);
	cr_assert_eq(getpriority(PRIO_PROCESS, 0), mine);
}

Test(pool, a_stack_that_cannot_be_is_refused)
{
	TEST_CTX(cx);
	struct lg_pool *pool = NULL;

	cr_assert_eq(lg_pool_new(cx, 2, 2, 0, 1, &pool), LG_E_UNAVAILABLE);
	cr_assert_null(pool);
}

struct who {
	atomic_int done;
	pid_t tid;
};

static void
note_thread(void *arg)
{
	struct who *w = arg;

	w->tid = gettid();
	atomic_store(&w->done, 1);
}

Test(pool, one_job_at_a_time_needs_few_of_the_threads)
{
	TEST_CTX(cx);
	struct lg_pool *pool;
	pid_t seen[32];
	size_t nseen = 0;

	cr_assert_eq(lg_pool_new(cx, 32, 100, 0, 256 << 10, &pool), LG_OK, "%s", cx->error);
	for (int i = 0; i < 300; i++) {
		struct who w = { .done = 0 };
		size_t k = 0;

		cr_assert_eq(lg_pool_submit(pool, note_thread, &w), LG_OK);
		while (!atomic_load(&w.done))
			sched_yield();
		while (k < nseen && seen[k] != w.tid)
			k++;
		if (k == nseen)
			seen[nseen++] = w.tid;
	}
	cr_assert_lt(nseen, 16, "%zu of 32", nseen);
	lg_pool_free(&pool);
}
