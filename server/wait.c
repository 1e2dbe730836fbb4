#include "server/wait.h"

#include <errno.h>
#include <time.h>
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

void
lg_waiter_init(struct lg_waiter *w)
{
	pthread_mutex_init(&w->lock, NULL);
	sem_init(&w->done, 0, 0);
}

void
lg_waiter_end(struct lg_waiter *w)
{
	sem_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
}

void
lg_waiter_done(struct lg_waiter *w)
{
	sem_post(&w->done);
}

void
lg_waiter_wait(struct lg_waiter *w)
{
	while (sem_wait(&w->done) != 0)
		;
}

bool
lg_waiter_wait_for(struct lg_waiter *w, int64_t us)
{
	struct timespec until;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &until);
	us += until.tv_nsec / 1000;
	until.tv_sec += us / 1000000;
	until.tv_nsec = us % 1000000 * 1000;
	do
		rc = sem_clockwait(&w->done, CLOCK_MONOTONIC, &until);
	while (rc != 0 && errno == EINTR);
#ifdef __SANITIZE_THREAD__			/* sem_post is known to it, sem_clockwait is not */
	if (rc == 0)
		__tsan_acquire(&w->done);
#endif
	return rc == 0;
}
