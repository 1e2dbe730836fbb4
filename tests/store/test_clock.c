/* Record time: it rises, it does not run away, and a strange wall clock is shown. */
#include "base/clock.h"
#include "fixture.h"
#include "store/internal.h"

static const int64_t T = INT64_C(1790000000) * LG_SECOND;

Test(clock, record_time_rises_even_when_the_wall_clock_does_not)
{
	struct lg_anchor a = { T, 0 };

	cr_assert_eq(lg_clock_next(&a, T + 10, 10, T), T + 10);
	cr_assert_eq(lg_clock_next(&a, T + 10, 10, T + 10), T + 11);
	cr_assert_eq(lg_clock_next(&a, T - LG_HOUR, 10, T + 11), T + 12);
}

Test(clock, record_time_runs_ahead_of_boot_time_by_five_minutes_at_most)
{
	struct lg_anchor a = { T, 0 };

	cr_assert_eq(lg_clock_next(&a, T + LG_DAY, LG_MINUTE, T), T + 6 * LG_MINUTE);
	cr_assert_eq(lg_clock_next(&a, T + LG_DAY, LG_MINUTE, T + 6 * LG_MINUTE), T + 6 * LG_MINUTE + 1);
	cr_assert_eq(lg_clock_judge(&a, T + LG_DAY, LG_MINUTE, T), LG_CLOCK_AHEAD);
	cr_assert_eq(lg_clock_judge(&a, T + 2 * LG_MINUTE, LG_MINUTE, T), LG_CLOCK_FINE);
	cr_assert_eq(lg_clock_judge(&a, T - 6 * LG_MINUTE, LG_MINUTE, T), LG_CLOCK_BACK);
}

Test(clock, between_boots_a_month_is_too_much)
{
	struct lg_anchor near = lg_clock_start(T + 29 * LG_DAY, 5, T), far = lg_clock_start(T + 31 * LG_DAY, 5, T);

	cr_assert_eq(lg_clock_judge(&near, T + 29 * LG_DAY, 5, T), LG_CLOCK_FINE);
	cr_assert_eq(lg_clock_judge(&far, T + 31 * LG_DAY, 5, T), LG_CLOCK_AHEAD);
	cr_assert_eq(lg_clock_next(&far, T + 31 * LG_DAY, 5, T), T + 5 * LG_MINUTE);
	struct lg_anchor fresh = lg_clock_start(T, 5, 0);
	cr_assert_eq(lg_clock_judge(&fresh, T, 5, 0), LG_CLOCK_FINE);
}

Test(clock, accepting_ties_record_time_to_the_wall_clock_again)
{
	struct fixture f;

	fixture_start(&f);
	cr_assert_eq(lg_store_clock(f.st), LG_CLOCK_FINE);
	f.st->anchor.wall -= LG_DAY;	/* as if the clock had jumped a day since */
	cr_assert_eq(lg_store_clock(f.st), LG_CLOCK_AHEAD);
	assert_ok(&f, lg_store_clock_accept(&f.cx, f.st));
	cr_assert_eq(lg_store_clock(f.st), LG_CLOCK_FINE);
	assert_ok(&f, fx_put(&f, &t_notes, "a", "1"));
	cr_assert_lt(lg_wall() - lg_store_head(f.st).time, LG_MINUTE);
	fixture_close(&f);
	assert_ok(&f, fixture_open(&f));	/* the same boot: the anchor is kept */
	cr_assert_eq(lg_store_clock(f.st), LG_CLOCK_FINE);
	fixture_end(&f);
}
