#include "tests/sts/kit.h"

#define LIFE	(25 * LG_SECOND)

/* A small one: what holds for its 8,192 holds for more. */
static const struct sts_replay_size size = { 8192, LIFE };
static struct sts_replay *used;

static void
start(void)
{
	kit_start();
	cr_assert_eq(sts_replay_new(&kit.cx, &size, &used), LG_OK);
}

static void
end(void)
{
	sts_replay_free(&used);
	kit_end();
}

TestSuite(replay, .init = start, .fini = end);

static lg_err
use(const char *whose, unsigned id)
{
	return sts_replay_use(&kit.cx, used, TENANT, lg_str_of(whose), lg_print(kit.arena, "%s %u", whose, id), kit.cx.now + LIFE);
}

/* How many of n new ones are taken. */
static unsigned
take(const char *whose, unsigned from, unsigned n)
{
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++)
		good += use(whose, from + i) == LG_OK;
	return good;
}

Test(replay, an_id_is_good_once_and_again_when_its_time_is_over)
{
	cr_assert_eq(use("a", 1), LG_OK);
	cr_assert_eq(use("a", 1), LG_E_EXISTS);
	cr_assert_eq(use("b", 1), LG_OK);
	kit.cx.now += LIFE;
	cr_assert_eq(use("a", 1), LG_OK);
}

/* Four times as many as there is room for: about half of the room is what one who does that gets. */
Test(replay, whoever_floods_it_is_refused_and_nobody_else)
{
	const unsigned slots = (unsigned)size.slots;
	unsigned got = take("flooder", 0, 4 * slots);

	cr_assert(got > slots / 3 && got < slots * 2 / 3, "%u", got);
	cr_assert_lt(take("flooder", 4 * slots, 1000), 200);
	cr_assert_eq(use("flooder", 0), LG_E_EXISTS, "what was used stays used");
	cr_assert_eq(take("client a", 0, slots / 128), slots / 128, "a share is anybody's");
	cr_assert_eq(take("client b", 0, slots / 128), slots / 128);
	cr_assert_eq(use("client b", 1), LG_E_EXISTS);
	kit.cx.now += LIFE;
	cr_assert_eq(take("flooder", 0, 1000), 1000, "there is room again");
}
