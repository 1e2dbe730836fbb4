/*
 * mailbox.c: a stack that producers push on and the consumer takes whole and reverses.  There is no
 * single pop, so a note that comes back at the same address (ABA) does no harm.
 */
#include "base/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lg_mailbox {
	_Atomic(struct lg_note *) newest;
	int fd;
};

lg_err
lg_mailbox_new(struct lg_ctx *cx, struct lg_mailbox **ret)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return lg_fail(cx, LG_E_IO, "eventfd: %s", strerrordesc_np(errno));
	struct lg_mailbox *box = calloc(1, sizeof *box);
	if (box == NULL) {
		fputs("lightgate: out of memory\n", stderr);
		abort();
	}
	box->fd = fd;
	*ret = box;
	return LG_OK;
}

void
lg_mailbox_free(struct lg_mailbox **box)
{
	if (*box == NULL)
		return;
	close((*box)->fd);
	free(*box);
	*box = NULL;
}

int
lg_mailbox_fd(const struct lg_mailbox *box)
{
	return box->fd;
}

/* Turns the chain round: its first note becomes the last. */
static struct lg_note *
reverse(struct lg_note *first)
{
	struct lg_note *head = NULL;

	while (first != NULL) {
		struct lg_note *next = first->next;
		first->next = head;
		head = first;
		first = next;
	}
	return head;
}

/* Pushes a chain, newest first, that ends in `oldest`.  Only who finds the box empty rings. */
static void
push(struct lg_mailbox *box, struct lg_note *newest, struct lg_note *oldest)
{
	struct lg_note *was = atomic_load_explicit(&box->newest, memory_order_relaxed);

	do
		oldest->next = was;
	while (!atomic_compare_exchange_weak_explicit(&box->newest, &was, newest, memory_order_release,
	    memory_order_relaxed));
	if (was == NULL)
		eventfd_write(box->fd, 1);	/* fails only when the counter is near 2^64 */
}

void
lg_mailbox_post(struct lg_mailbox *box, struct lg_note *note)
{
	push(box, note, note);
}

void
lg_mailbox_post_list(struct lg_mailbox *box, struct lg_note *first)
{
	if (first != NULL)
		push(box, reverse(first), first);
}

size_t
lg_mailbox_drain(struct lg_mailbox *box)
{
	eventfd_t rings;
	size_t n = 0;

	/* The bell first, then the box: who posts in between rings again or is taken along. */
	eventfd_read(box->fd, &rings);
	struct lg_note *note = reverse(atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire));
	for (struct lg_note *next; note != NULL; note = next, n++) {
		next = note->next;
		note->run(note);
	}
	return n;
}
