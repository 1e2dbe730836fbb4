/* test_members.c: a member is a row of its own: what is written for one does not depend on how many there are. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "directory/tables.h"
#include "tests/directory/world.h"

#define STAFF "cn=staff,ou=groups," SUFFIX
#define ADMINS "cn=admins,ou=groups," SUFFIX

enum { MANY = 100000, AT_ONCE = 5000 };		/* LG_MEMBERS says how many instead */

static struct world w;

struct filling {
	uint64_t group;
	size_t from;
};

static lg_err
fill(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct filling *f = arg;

	for (size_t i = f->from; i < f->from + AT_ONCE; i++) {
		struct lg_dkey k = lg_key_pair(1, f->group, UINT64_C(1) << 40 | i);
		LG_TRY(lg_put(cx, v, &lg_table_member, lg_dkey_str(&k), LG_NONE));
	}
	return LG_OK;
}

static bool
size_of(void *arg, uint64_t seq, lg_str body)
{
	(void)seq;
	*(size_t *)arg = body.n;
	return true;
}

/* Octets of the record that one more member makes, and its microseconds. */
static size_t
one_more(const char *group, double *us)
{
	uint64_t seq = lg_store_head(w.store).seq;
	size_t octets = 0;
	int64_t began = lg_monotonic_ns();

	assert_ok(&w, world_member(&w, group, "uid=carol,ou=people," SUFFIX, true));
	*us = (double)(lg_monotonic_ns() - began) / 1000;
	world_unview(&w);
	assert_ok(&w, lg_log_read(&w.cx, w.store, seq + 1, size_of, &octets));
	return octets;
}

Test(members, one_more_writes_the_same_to_a_large_group_as_to_a_small_one)
{
	double small_us, large_us;
	size_t small, large, many = getenv("LG_MEMBERS") == NULL ? MANY : strtoul(getenv("LG_MEMBERS"), NULL, 10);
	struct lg_entry e;

	world_start(&w);
	world_people(&w);
	assert_ok(&w, world_create(&w, LG_TYPE_USER, "carol", "", &e));
	struct filling f = { world_entry(&w, STAFF).id, 0 };
	world_unview(&w);
	for (; f.from < many; f.from += AT_ONCE)
		assert_ok(&w, lg_store_apply(&w.cx, w.store, 1, "test", fill, &f, NULL));
	small = one_more(ADMINS, &small_us);
	large = one_more(STAFF, &large_us);
	printf("one more member: %zu octets of log and %.0f us for a few, %zu and %.0f for %zu\n", small, small_us, large, large_us, many);
	cr_assert_lt(large, small + 16, "%zu octets, %zu for a small group", large, small);
	world_end(&w);
}
