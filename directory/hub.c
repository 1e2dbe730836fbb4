/* hub.c: see hub.h. */
#include "directory/hub.h"

#include <pthread.h>
#include <stdlib.h>

struct lg_ear {
	struct lg_note note;		/* first: the mailbox gives it back */
	struct lg_hub *hub;		/* NULL: freed, but the note is still under way */
	struct lg_mailbox *box;
	void (*changed)(void *arg);
	void *arg;
	bool posted;
	bool all;			/* every commit matters, not only those that brought doubts */
	uint64_t heard;			/* doubts so far */
	struct lg_ear *next;
};

struct lg_hub {
	struct lg_store *store;
	pthread_mutex_t lock;
	struct lg_ear *ears;
	struct lg_doubt ring[LG_DOUBTS];
	uint64_t head;			/* doubts ever published */
	struct lg_doubt staged[LG_DOUBTS];	/* of mutations that are not committed yet, or never will be: that does no harm */
	size_t nstaged;
	bool overflow;			/* of staged: as many as the ring holds, and more */
};

/* Was there anything to tell? */
static bool
publish(struct lg_hub *h)
{
	bool any = h->nstaged > 0;

	for (size_t i = 0; i < h->nstaged; i++)
		h->ring[h->head++ % LG_DOUBTS] = h->staged[i];
	if (h->overflow)
		h->head += LG_DOUBTS;	/* nobody has heard them all */
	h->nstaged = 0;
	h->overflow = false;
	return any;
}

static void
post(struct lg_ear *e)
{
	if (e->posted)
		return;
	e->posted = true;
	lg_mailbox_post(e->box, &e->note);
}

/* On the committing thread, after each record.  Most commits are of no interest to any loop, and none is woken for them. */
static void
committed(void *arg, struct lg_view *v, const struct lg_head *head, unsigned long domains)
{
	struct lg_hub *h = arg;
	bool doubts;

	(void)v, (void)head, (void)domains;
	pthread_mutex_lock(&h->lock);
	doubts = publish(h);
	for (struct lg_ear *e = h->ears; e != NULL; e = e->next)
		if (doubts || e->all)
			post(e);
	pthread_mutex_unlock(&h->lock);
}

struct lg_hub *
lg_hub_new(struct lg_store *st)
{
	struct lg_hub *h = calloc(1, sizeof *h);

	if (h == NULL)
		abort();
	h->store = st;
	pthread_mutex_init(&h->lock, NULL);
	lg_store_on_commit(st, committed, h);
	return h;
}

void
lg_hub_free(struct lg_hub **h)
{
	lg_store_off_commit((*h)->store, committed, *h);
	pthread_mutex_destroy(&(*h)->lock);
	free(*h);
	*h = NULL;
}

void
lg_hub_doubt(struct lg_hub *h, uint32_t tenant, uint64_t id)
{
	pthread_mutex_lock(&h->lock);
	if (h->nstaged == LG_DOUBTS)
		h->overflow = true;
	else
		h->staged[h->nstaged++] = (struct lg_doubt){ tenant, id };
	pthread_mutex_unlock(&h->lock);
}

/* ---- on a loop ------------------------------------------------------------------------------------------------------------ */

static void
hear(struct lg_note *note)
{
	struct lg_ear *e = (struct lg_ear *)(void *)note;

	if (e->hub == NULL) {
		free(e);
		return;
	}
	pthread_mutex_lock(&e->hub->lock);
	e->posted = false;
	pthread_mutex_unlock(&e->hub->lock);
	e->changed(e->arg);
}

struct lg_ear *
lg_ear_new(struct lg_hub *h, struct lg_mailbox *box, void (*changed)(void *arg), void *arg)
{
	struct lg_ear *e = calloc(1, sizeof *e);

	if (e == NULL)
		abort();
	*e = (struct lg_ear){ .note.run = hear, .hub = h, .box = box, .changed = changed, .arg = arg };
	pthread_mutex_lock(&h->lock);
	e->heard = h->head;
	e->next = h->ears;
	h->ears = e;
	pthread_mutex_unlock(&h->lock);
	return e;
}

void
lg_ear_free(struct lg_ear **ep)
{
	struct lg_ear *e = *ep, **at;
	struct lg_hub *h = e->hub;
	bool posted;

	pthread_mutex_lock(&h->lock);
	for (at = &h->ears; *at != e; at = &(*at)->next)
		;
	*at = e->next;
	posted = e->posted;
	e->hub = NULL;
	pthread_mutex_unlock(&h->lock);
	if (!posted)
		free(e);		/* else when it comes back */
	*ep = NULL;
}

void
lg_ear_hear_all(struct lg_ear *e, bool all)
{
	pthread_mutex_lock(&e->hub->lock);
	if (all && !e->all)
		post(e);
	e->all = all;
	pthread_mutex_unlock(&e->hub->lock);
}

size_t
lg_ear_doubts(struct lg_ear *e, struct lg_doubt ret[LG_DOUBTS], bool *all)
{
	struct lg_hub *h = e->hub;
	size_t n = 0;

	pthread_mutex_lock(&h->lock);
	*all = h->head - e->heard > LG_DOUBTS;
	for (; !*all && e->heard < h->head; e->heard++)
		ret[n++] = h->ring[e->heard % LG_DOUBTS];
	e->heard = h->head;
	pthread_mutex_unlock(&h->lock);
	return n;
}
