/*
 * mailbox.h: finished work on its way to an event loop.  Any thread posts; one thread, the consumer, drains.
 * A note is embedded in what it speaks of and belongs to the box from post until its run is called.
 */
#ifndef LG_BASE_MAILBOX_H
#define LG_BASE_MAILBOX_H

#include "lightgate/base.h"

struct lg_mailbox;

struct lg_note {
	struct lg_note *next;		/* the box's while it is posted */
	void (*run)(struct lg_note *note);	/* on the consumer's thread; may free the note or post it again */
};

LG_CHECKED lg_err lg_mailbox_new(struct lg_ctx *cx, struct lg_mailbox **ret);
void lg_mailbox_free(struct lg_mailbox **box);	/* when nobody posts any more, and drained; safe on NULL */
int lg_mailbox_fd(const struct lg_mailbox *box);	/* an eventfd: readable when something waits */
void lg_mailbox_post(struct lg_mailbox *box, struct lg_note *note);
/* A chain linked by next, ending in NULL, at the cost of one post; it is run in its order. */
void lg_mailbox_post_list(struct lg_mailbox *box, struct lg_note *first);
/* Runs what waits now, each producer's notes in the order they were posted; how many.  Notes posted
 * meanwhile make the fd readable again, so that one drain is bounded. */
size_t lg_mailbox_drain(struct lg_mailbox *box);

#endif
