/* thread.c: see thread.h. */
#include "base/thread.h"

#include <signal.h>
#include <stdlib.h>

#include "lightgate/base.h"

/* ---- starting ---------------------------------------------------------------------------------------------- */

/* All signals but those that a thread raises by its own fault. */
static sigset_t
signals_of_others(void)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < LG_COUNT(own); i++)
		sigdelset(&set, own[i]);
	return set;
}

bool
lg_thread_start(pthread_t *ret, size_t stack_size, void *(*run)(void *arg), void *arg)
{
	sigset_t others = signals_of_others(), was;
	pthread_attr_t attr;
	int failed = 0;

	pthread_attr_init(&attr);
	if (stack_size != 0)
		failed = pthread_attr_setstacksize(&attr, stack_size);
	pthread_sigmask(SIG_SETMASK, &others, &was);	/* the new thread inherits it */
	if (!failed)
		failed = pthread_create(ret, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
	return failed == 0;
}

/* ---- what a thread keeps ----------------------------------------------------------------------------------- */

struct piece {
	struct piece *next;
	_Alignas(max_align_t) char data[];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t pieces;

static void
free_pieces(void *first)
{
	for (struct piece *p = first, *next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
}

static void
make_key(void)
{
	if (pthread_key_create(&pieces, free_pieces) != 0)
		abort();
}

void *
lg_thread_alloc(size_t n)
{
	struct piece *p = calloc(1, sizeof *p + n);

	if (p == NULL)
		return NULL;
	pthread_once(&once, make_key);
	p->next = pthread_getspecific(pieces);
	if (pthread_setspecific(pieces, p) != 0) {
		free(p);
		return NULL;
	}
	return p->data;
}
