/* test_linger.c: asking goes on where it pays, and all but ends where it does not. */
#include "base/linger.h"

#include "base/clock.h"
#include "tests/base/base_test.h"

struct asked {
	unsigned times, comes_at;	/* 0: never */
};

static bool
look(void *arg)
{
	struct asked *a = arg;

	a->times++;
	return a->times == a->comes_at;
}

/* How many of `waits` asked at all. */
static unsigned
waits_that_ask(struct lg_linger *l, unsigned waits, unsigned comes_at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < waits; i++) {
		struct asked a = { 0, comes_at };
		bool came = lg_linger(l, look, &a);
		n += a.times > 0;
		cr_assert_eq(came, a.times > 0 && comes_at > 0);
	}
	return n;
}

Test(linger, what_comes_soon_is_always_asked_for)
{
	struct lg_linger l = { 0 };

	cr_assert_eq(waits_that_ask(&l, 1000, 1), 1000);
}

Test(linger, in_vain_is_one_wait_in_many)
{
	struct lg_linger l = { 0 };

	cr_assert_leq(waits_that_ask(&l, 64 * 100, 0), 100 + 6);
}

Test(linger, one_vain_wait_ends_in_its_time_and_spoils_little)
{
	struct lg_linger l = { 0 };
	struct asked never = { 0, 0 };
	int64_t from = lg_cpu_ns();

	cr_assert_not(lg_linger(&l, look, &never));
	cr_assert_lt(lg_cpu_ns() - from, 100 * LG_LINGER_NS);
	cr_assert_eq(waits_that_ask(&l, 1000, 1), 999);
}

Test(linger, it_begins_again_when_answers_become_quick)
{
	struct lg_linger l = { 0 };

	waits_that_ask(&l, 10000, 0);
	cr_assert_gt(waits_that_ask(&l, 10000, 1), 9900);
}
