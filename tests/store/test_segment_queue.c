/* Records on their way to the log: in order, whole chunks at a time, and nothing stays behind. */
#include <stdio.h>

#include "fixture.h"
#include "store/segment_queue.h"

struct world {
	struct lg_queue q, taken;
	struct lg_queue_spare spare;
	struct lg_decision waits;
};

static void
add(struct world *w, int n, size_t size, bool waits)
{
	static char body[LG_DECISION_MAX];

	for (int i = 0; i < n; i++) {
		snprintf(body, sizeof body, "%08d", i);
		w->waits = (struct lg_decision){ .tenant = 7, .time = i, .body = { body, size }, .wait = waits };
		lg_queue_add(&w->q, &w->spare, &w->waits);
	}
}

/* Records in order, from a number on; how many. */
static int
in_order(const struct lg_queue *q, int from)
{
	const struct lg_queue_chunk *at = NULL;
	int n = 0;

	for (const struct lg_queued *x = NULL; (x = lg_queue_next(q, &at, x)) != NULL; n++) {
		char want[9];

		snprintf(want, sizeof want, "%08d", from + n);
		cr_assert_eq(memcmp(x->body, want, 8), 0, "record %d", from + n);
		cr_assert_eq(x->time, from + n);
	}
	return n;
}

static void
end(struct world *w)
{
	lg_queue_free(&w->q, &w->spare);
	lg_queue_free(&w->taken, &w->spare);
	cr_assert_null(w->spare.first);
}

Test(segment_queue, records_come_out_in_the_order_in_which_they_came)
{
	struct world w = { .q = { .first = NULL } };

	add(&w, 2000, 1001, false);
	cr_assert_eq(in_order(&w.q, 0), 2000);
	cr_assert_eq(w.q.bytes, 2000u * (LG_DECISION_HEADER + 1001));
	end(&w);
}

Test(segment_queue, the_longest_records_find_room)
{
	struct world w = { .q = { .first = NULL } };

	add(&w, 9, LG_DECISION_MAX, false);
	cr_assert_eq(in_order(&w.q, 0), 9);
	end(&w);
}

Test(segment_queue, no_more_is_taken_than_goes_into_a_block)
{
	struct world w = { .q = { .first = NULL } };

	add(&w, 3000, 700, false);
	lg_queue_take(&w.q, 1u << 20, &w.taken);
	int n = in_order(&w.taken, 0);
	cr_assert(n > 1000 && n < 3000);
	cr_assert_leq(w.taken.bytes, 1u << 20);
	cr_assert_eq(in_order(&w.q, n), 3000 - n);
	cr_assert_eq(w.q.bytes + w.taken.bytes, 3000u * (LG_DECISION_HEADER + 700));
	end(&w);
}

Test(segment_queue, what_was_not_written_stands_in_front_again)
{
	struct world w = { .q = { .first = NULL } };

	add(&w, 1000, 700, false);
	lg_queue_take(&w.q, SIZE_MAX / 2, &w.taken);
	cr_assert_null(w.q.first);
	add(&w, 10, 30, false);
	lg_queue_back(&w.q, &w.taken);
	cr_assert_null(w.taken.first);
	const struct lg_queue_chunk *at = NULL;
	const struct lg_queued *x = lg_queue_next(&w.q, &at, NULL);
	cr_assert_eq(x->n, 700);
	cr_assert_eq(w.q.bytes, 1000u * (LG_DECISION_HEADER + 700) + 10u * (LG_DECISION_HEADER + 30));
	end(&w);
}

Test(segment_queue, of_a_failed_block_only_what_nobody_waits_for_stays)
{
	struct world w = { .q = { .first = NULL } };

	for (int i = 0; i < 700; i++) {
		add(&w, 1, 801, true);
		add(&w, 1, 333, false);
	}
	cr_assert_eq(w.q.waiters, 700);
	lg_queue_drop_waiters(&w.q);
	cr_assert_eq(w.q.waiters, 0);
	cr_assert_eq(w.q.bytes, 700u * (LG_DECISION_HEADER + 333));
	const struct lg_queue_chunk *at = NULL;
	int n = 0;
	for (const struct lg_queued *x = NULL; (x = lg_queue_next(&w.q, &at, x)) != NULL; n++)
		cr_assert(x->n == 333 && x->waiter == NULL);
	cr_assert_eq(n, 700);
	end(&w);
}

Test(segment_queue, a_queue_of_waiters_alone_is_empty_afterwards)
{
	struct world w = { .q = { .first = NULL } };

	add(&w, 500, 801, true);
	lg_queue_drop_waiters(&w.q);
	cr_assert_eq(w.q.bytes, 0);
	cr_assert_eq(in_order(&w.q, 0), 0);
	end(&w);
}

Test(segment_queue, a_burst_leaves_only_the_spare_chunks)
{
	struct world w = { .q = { .first = NULL } };

	add(&w, 20000, 700, false);
	lg_queue_clear(&w.q, &w.spare);
	cr_assert_eq(w.spare.n, LG_QUEUE_SPARE);
	cr_assert(w.q.first == NULL && w.q.bytes == 0);
	add(&w, 10, 700, false);
	cr_assert_eq(in_order(&w.q, 0), 10);
	cr_assert_eq(w.spare.n, LG_QUEUE_SPARE - 1);
	end(&w);
}
