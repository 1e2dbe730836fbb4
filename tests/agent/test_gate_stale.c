/* test_gate_stale.c: the gate when nobody confirms the bundle any more: closed by the kernel, or open where that was asked for. */
#include "agent/gate/gate.h"

#include <sched.h>
#include <unistd.h>

#include "agent/gate/nft.h"
#include "base/clock.h"
#include "tests/agent/place.h"

#define STALE	1		/* second: max_stale of the bundle */

/* In a packet filter of the test's own, and open for as long as the bundle's contact allows. */
static struct lg_gate *
open_gate(struct place *p, struct lg_ctx *cx, bool stale_open)
{
	const struct lg_gate_settings s = { .state = test_folder(), .ranges = LG_STR("10.77.0.0/24"), .stale_open = stale_open };
	struct lg_gate *g;

	if (geteuid() != 0 || system("command -v nft >/dev/null") != 0) {
		printf("SKIP the gate when nobody confirms: needs root and nft\n");
		cr_skip_test("needs root and nft");
	}
	place_init(p, cx);
	p->w.max_stale = STALE;
	serve(p, 11);
	cr_assert_eq(lg_bundles_fetch(cx, p->b), LG_OK, "%s", cx->error);
	cr_assert_eq(unshare(CLONE_NEWNET), 0);		/* this thread and those that it starts: the service stays where it is */
	cr_assert_eq(lg_gate_open(cx, &s, p->b, &g), LG_OK, "%s", cx->error);
	return g;
}

static void
close_gate(struct place *p, struct lg_gate *g)
{
	lg_gate_free(&g);
	place_end(p);
}

/* Both of the sets that what is let through hangs on. */
static bool
is_open(void)
{
	return system("nft list set inet lightgate alive | grep -q expires && nft list set inet lightgate open | grep -q expires") == 0;
}

static bool
is_closed(void)
{
	return system("nft list set inet lightgate alive | grep -q expires || nft list set inet lightgate open | grep -q expires") != 0;
}

static bool
within(int64_t time, bool (*is)(void))
{
	int64_t until = lg_boottime() + time;

	while (!is())
		if (lg_boottime() > until)
			return false;
	return true;
}

Test(gate_stale, when_nobody_confirms_the_kernel_closes)
{
	TEST_CTX(cx);
	struct place p;
	struct lg_gate *g = open_gate(&p, cx, false);

	cr_expect(within(5 * LG_SECOND, is_open));
	test_clock += STALE * LG_SECOND;
	cr_expect(within(5 * LG_SECOND, is_closed), "while the agent lives");
	lg_gate_stop(g);
	close_gate(&p, g);
}

Test(gate_stale, told_to_stay_open_it_does_for_as_long_as_it_lives_and_says_so)
{
	TEST_CTX(cx);
	char said[] = "/tmp/lg-gate-said.XXXXXX", command[100];
	int fd = mkstemp(said);
	struct place p;
	struct lg_gate *g = open_gate(&p, cx, true);

	cr_assert(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	cr_expect(within(5 * LG_SECOND, is_open));
	snprintf(command, sizeof command, "test $(grep -c 'NOBODY CONFIRMS THE GATE.S POLICIES' %s) -ge 2", said);
	cr_expect_neq(system(command), 0, "it is fresh");
	test_clock += STALE * LG_SECOND;
	usleep(3 * STALE * 1000000);			/* by then it would have closed */
	cr_expect(within(5 * LG_SECOND, is_open));
	cr_expect_eq(system(command), 0, "loudly, more than once");
	lg_gate_stop(g);
	cr_expect(within(5 * LG_SECOND, is_closed), "nobody is there to hold it open");
	close_gate(&p, g);
	close(fd);
	unlink(said);
}
