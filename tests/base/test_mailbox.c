/* test_mailbox.c: nothing lost, nothing twice, each producer's order kept, one ring for an empty box. */
#include "tests/base/base_test.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/mailbox.h"

enum { PRODUCERS = 4, EACH = 20000 };

struct parcel {
	struct lg_note note;	/* first */
	int producer, number;
};

static int last[PRODUCERS];	/* the consumer's */
static int disorder;

static void
receive(struct lg_note *note)
{
	struct parcel *p = (struct parcel *)note;

	disorder += p->number != last[p->producer] + 1;
	last[p->producer] = p->number;
	free(p);
}

struct producer {
	struct lg_mailbox *box;
	int index;
};

static struct parcel *
parcel_new(const struct producer *me, int number)
{
	struct parcel *p = calloc(1, sizeof *p);

	*p = (struct parcel){ { NULL, receive }, me->index, number };
	return p;
}

/* Singles and chains of three in turn. */
static void *
produce(void *arg)
{
	const struct producer *me = arg;

	for (int n = 1; n <= EACH;) {
		if (n % 2 == 0 || n + 2 > EACH) {
			lg_mailbox_post(me->box, &parcel_new(me, n++)->note);
			continue;
		}
		struct parcel *a = parcel_new(me, n), *b = parcel_new(me, n + 1), *c = parcel_new(me, n + 2);
		a->note.next = &b->note;
		b->note.next = &c->note;
		lg_mailbox_post_list(me->box, &a->note);
		n += 3;
	}
	return NULL;
}

static bool
readable(const struct lg_mailbox *box, int timeout)
{
	struct pollfd p = { .fd = lg_mailbox_fd(box), .events = POLLIN };

	return poll(&p, 1, timeout) == 1;
}

Test(mailbox, many_producers_lose_nothing_and_keep_their_order)
{
	TEST_CTX(cx);
	struct lg_mailbox *box;
	struct producer producers[PRODUCERS];
	pthread_t thread[PRODUCERS];
	size_t got = 0;

	cr_assert_eq(lg_mailbox_new(cx, &box), LG_OK);
	for (int i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){ box, i };
		pthread_create(&thread[i], NULL, produce, &producers[i]);
	}
	while (got < PRODUCERS * EACH) {
		cr_assert(readable(box, 20000), "the bell was lost after %zu", got);
		got += lg_mailbox_drain(box);
	}
	for (int i = 0; i < PRODUCERS; i++) {
		pthread_join(thread[i], NULL);
		cr_assert_eq(last[i], EACH);
	}
	cr_assert_eq(got, PRODUCERS * EACH);
	cr_assert_eq(disorder, 0);
	lg_mailbox_free(&box);
	cr_assert_null(box);
}

static struct lg_mailbox *echo_box;
static int echoes;

static void
echo(struct lg_note *note)
{
	if (++echoes < 3)
		lg_mailbox_post(echo_box, note);
}

Test(mailbox, a_note_posted_by_a_note_waits_for_the_next_drain)
{
	TEST_CTX(cx);
	struct lg_note note = { NULL, echo };

	cr_assert_eq(lg_mailbox_new(cx, &echo_box), LG_OK);
	cr_assert_not(readable(echo_box, 0));
	cr_assert_eq(lg_mailbox_drain(echo_box), 0);
	lg_mailbox_post(echo_box, &note);
	for (int i = 1; i <= 3; i++) {
		cr_assert(readable(echo_box, 0));
		cr_assert_eq(lg_mailbox_drain(echo_box), 1);
		cr_assert_eq(echoes, i);
	}
	cr_assert_not(readable(echo_box, 0));
	lg_mailbox_free(&echo_box);
	lg_mailbox_free(&echo_box);
}

Test(mailbox, only_the_first_post_rings)
{
	TEST_CTX(cx);
	struct lg_mailbox *box;
	struct lg_note note[5];
	eventfd_t rings;

	cr_assert_eq(lg_mailbox_new(cx, &box), LG_OK);
	lg_mailbox_post_list(box, NULL);
	cr_assert_not(readable(box, 0));
	for (size_t i = 0; i < LG_COUNT(note); i++) {
		note[i] = (struct lg_note){ NULL, echo };
		lg_mailbox_post(box, &note[i]);
	}
	cr_assert_eq(eventfd_read(lg_mailbox_fd(box), &rings), 0);
	cr_assert_eq(rings, 1);
	lg_mailbox_free(&box);
}
