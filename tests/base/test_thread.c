/* test_thread.c: a thread's signals, its stack, and what it keeps for itself. */
#include "tests/base/base_test.h"

#include <pthread.h>
#include <signal.h>

#include "base/thread.h"

static void *
own_mask(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, arg);
	return NULL;
}

Test(thread, takes_only_the_signals_of_its_own_faults_and_leaves_the_starters_alone)
{
	sigset_t theirs, before, after;
	pthread_t t;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	cr_assert(lg_thread_start(&t, 64 << 10, own_mask, &theirs));
	pthread_join(t, NULL);
	cr_expect(sigismember(&theirs, SIGTERM) == 1 && sigismember(&theirs, SIGHUP) == 1 && sigismember(&theirs, SIGPIPE) == 1);
	cr_expect(sigismember(&theirs, SIGSEGV) == 0 && sigismember(&theirs, SIGABRT) == 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int s = 1; s < 32; s++)
		cr_expect_eq(sigismember(&before, s), sigismember(&after, s), "signal %d", s);
}

Test(thread, a_stack_that_the_system_refuses_starts_none)
{
	sigset_t mask;
	pthread_t t;

	cr_expect_not(lg_thread_start(&t, 1, own_mask, &mask));
}

/* Freed at its end: the leak checker of the check build sees to that. */
static void *
keep_some(void *arg)
{
	bool *good = arg;

	*good = true;
	for (size_t n = 1; n < 1000; n += 37) {
		unsigned char *p = lg_thread_alloc(n);
		if (p == NULL || (uintptr_t)p % _Alignof(max_align_t) != 0)
			*good = false;
		for (size_t i = 0; p != NULL && i < n; i++) {
			*good &= p[i] == 0;
			p[i] = 0xff;
		}
	}
	return NULL;
}

Test(thread, what_it_keeps_is_zeroed_aligned_and_goes_with_it)
{
	bool good = false;
	pthread_t t;

	cr_assert(lg_thread_start(&t, 0, keep_some, &good));
	pthread_join(t, NULL);
	cr_expect(good);
}
