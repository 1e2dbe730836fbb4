/* test_tally.c: decisions are counted by group, from any thread. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "server/tally.h"

Test(tally, an_action_belongs_to_the_group_before_its_colon)
{
	cr_assert_eq(lg_tally_group("container:start"), lg_tally_group("container:exec"));
	cr_assert_eq(lg_tally_group("connect"), lg_tally_group("connect"));
	cr_assert_neq(lg_tally_group("container:start"), lg_tally_group("image:pull"));
	cr_assert_eq(lg_tally_group("something:new"), lg_tally_group("else"), "what nobody knows is counted together");
}

static void *
count(void *arg)
{
	for (int i = 0; i < 10000; i++)
		lg_tally_add(arg, lg_tally_group("host:join"), i % 2 == 0);
	return NULL;
}

Test(tally, no_count_is_lost_between_threads)
{
	struct lg_tally *t = lg_tally_new();
	pthread_t thread[4];

	for (size_t i = 0; i < LG_COUNT(thread); i++)
		pthread_create(&thread[i], NULL, count, t);
	for (size_t i = 0; i < LG_COUNT(thread); i++)
		pthread_join(thread[i], NULL);
	cr_assert_eq(lg_tally_count(t, lg_tally_group("host:"), true), 20000);
	cr_assert_eq(lg_tally_count(t, lg_tally_group("host:"), false), 20000);
	lg_tally_free(&t);
}
