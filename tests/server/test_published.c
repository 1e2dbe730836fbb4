/* test_published.c: what a reader holds is not released under it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/published.h"

#define LIVE	0x11ffe11ffeu

struct thing {
	uint64_t state;
};

static atomic_int alive;

static struct thing *
thing_new(void)
{
	struct thing *t = malloc(sizeof *t);

	t->state = LIVE;
	atomic_fetch_add(&alive, 1);
	return t;
}

static void
release(void *value)
{
	struct thing *t = value;

	t->state = 0;
	free(t);
	atomic_fetch_sub(&alive, 1);
}

Test(published, a_new_value_is_what_readers_get)
{
	struct lg_published *p = lg_published_new(release);

	cr_assert_null(lg_published_begin(p));
	lg_published_end(p);
	lg_published_set(p, thing_new());
	struct thing *second = thing_new();
	lg_published_set(p, second);
	cr_assert_eq(lg_published_begin(p), second);
	lg_published_end(p);
	cr_assert_eq(atomic_load(&alive), 1);
	lg_published_free(&p);
	cr_assert_eq(atomic_load(&alive), 0);
}

Test(published, what_is_held_outlives_its_successor)
{
	struct lg_published *p = lg_published_new(release);

	lg_published_set(p, thing_new());
	struct thing *held = lg_published_begin(p);
	lg_published_set(p, thing_new());
	cr_assert_eq(held->state, LIVE);
	cr_assert_eq(atomic_load(&alive), 2);
	lg_published_end(p);
	lg_published_set(p, thing_new());
	cr_assert_eq(atomic_load(&alive), 1, "released by the next set");
	lg_published_free(&p);
}

static atomic_bool stop;
static atomic_ulong reads, bad;

static void *
read_all(void *arg)
{
	while (!atomic_load(&stop)) {
		const struct thing *t = lg_published_begin(arg);
		if (t != NULL && t->state != LIVE)
			atomic_fetch_add(&bad, 1);
		lg_published_end(arg);
		atomic_fetch_add(&reads, 1);
	}
	return NULL;
}

static void *
replace(void *arg)
{
	for (int i = 0; i < 3000; i++)
		lg_published_set(arg, thing_new());
	return NULL;
}

Test(published, readers_and_writers_at_once)
{
	struct lg_published *p = lg_published_new(release);
	pthread_t reader[4], writer[2];

	for (size_t i = 0; i < LG_COUNT(reader); i++)
		pthread_create(&reader[i], NULL, read_all, p);
	for (size_t i = 0; i < LG_COUNT(writer); i++)
		pthread_create(&writer[i], NULL, replace, p);
	for (size_t i = 0; i < LG_COUNT(writer); i++)
		pthread_join(writer[i], NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < LG_COUNT(reader); i++)
		pthread_join(reader[i], NULL);
	cr_assert_eq(atomic_load(&bad), 0);
	cr_assert_gt(atomic_load(&reads), 0);
	lg_published_set(p, NULL);
	lg_published_free(&p);
	cr_assert_eq(atomic_load(&alive), 0);
}
