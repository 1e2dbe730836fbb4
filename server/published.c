/* published.c: hazard pointers for snapshots that are read at every request and replaced now and then. */
#include "server/published.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct retired {
	struct retired *next;
	void *value;
};

struct lg_published {
	_Atomic(void *) value;
	_Atomic(void *) held[LG_PUBLISHED_THREADS];
	void (*release)(void *value);
	pthread_mutex_t writing;
	struct retired *retired;
};

static atomic_size_t threads;
static _Thread_local size_t slot;		/* from 1; 0 before the first use */

static size_t
own_slot(void)
{
	if (slot == 0)
		slot = atomic_fetch_add(&threads, 1) + 1;
	if (slot > LG_PUBLISHED_THREADS)
		abort();		/* pools are fixed in size: our own mistake */
	return slot - 1;
}

struct lg_published *
lg_published_new(void (*release)(void *value))
{
	struct lg_published *p = calloc(1, sizeof *p);

	if (p == NULL)
		abort();
	p->release = release;
	pthread_mutex_init(&p->writing, NULL);
	return p;
}

void *
lg_published_begin(struct lg_published *p)
{
	_Atomic(void *) *held = &p->held[own_slot()];
	void *v;

	/* Announce, then look again: a writer that replaced v in between may not have seen the announcement. */
	do {
		v = atomic_load_explicit(&p->value, memory_order_acquire);
		atomic_store(held, v);
	} while (v != atomic_load(&p->value));
	return v;
}

void
lg_published_end(struct lg_published *p)
{
	atomic_store_explicit(&p->held[own_slot()], NULL, memory_order_release);
}

static bool
is_held(struct lg_published *p, const void *value)
{
	for (size_t i = 0; i < LG_PUBLISHED_THREADS; i++)
		if (atomic_load(&p->held[i]) == value)
			return true;
	return false;
}

static void
release_unheld(struct lg_published *p)
{
	struct retired **at = &p->retired;

	while (*at != NULL) {
		struct retired *r = *at;
		if (is_held(p, r->value)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		p->release(r->value);
		free(r);
	}
}

void
lg_published_set(struct lg_published *p, void *value)
{
	pthread_mutex_lock(&p->writing);
	void *old = atomic_exchange(&p->value, value);
	if (old != NULL) {
		struct retired *r = malloc(sizeof *r);
		if (r == NULL)
			abort();
		*r = (struct retired){ p->retired, old };
		p->retired = r;
	}
	release_unheld(p);
	pthread_mutex_unlock(&p->writing);
}

void
lg_published_free(struct lg_published **pp)
{
	if (*pp == NULL)
		return;
	lg_published_set(*pp, NULL);
	pthread_mutex_destroy(&(*pp)->writing);
	free(*pp);
	*pp = NULL;
}
