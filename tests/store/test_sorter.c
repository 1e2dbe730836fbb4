/* test_sorter.c: rows come back in order, from memory and from files. */
#include <stdio.h>
#include <stdlib.h>

#include "store/sorter.h"
#include "tests/store/fixture.h"

static lg_str
key_of(struct lg_arena *a, unsigned i)
{
	/* Many begin alike, some are the beginning of others. */
	return lg_print(a, "tnt1%s%.*s", i % 3 == 0 ? "" : i % 3 == 1 ? "common prefix " : "c", (int)(i % 11), "aaaaabbbbbb");
}

static void
check_order(size_t chunk, unsigned n)
{
	struct fixture f;
	struct lg_sorter_row row;
	char before[600] = "";
	size_t before_n = 0, seen = 0;
	uint64_t order = 0;
	int tag = -1;
	lg_err e;

	fixture_init(&f);
	struct lg_sorter *s = lg_sorter_new(f.dir, chunk);
	srand(1);
	for (unsigned i = 0; i < n; i++) {
		lg_str value = lg_print(f.arena, "%08u%.*s", i, rand() % 40, "........................................");
		assert_ok(&f, lg_sorter_add(&f.cx, s, (uint8_t)(rand() % 3), key_of(f.arena, (unsigned)rand()), value));
	}
	assert_ok(&f, lg_sorter_finish(&f.cx, s));
	while ((e = lg_sorter_next(&f.cx, s, &row)) == LG_OK) {
		uint64_t at = strtoull(lg_dup(f.arena, lg_str_sub(row.value, 0, 8)).p, NULL, 10);
		int c = row.tag != tag ? row.tag - tag : lg_str_cmp(row.key, (lg_str){ before, before_n });
		cr_assert(c > 0 || (c == 0 && at > order), "row %zu: %.*s", seen, LG_FMT(row.key));
		memcpy(before, row.key.p, before_n = row.key.n);
		tag = row.tag;
		order = at;
		seen++;
	}
	cr_assert_eq(e, LG_E_NOT_FOUND);
	cr_assert_eq(seen, n);
	lg_sorter_free(&s);
	fixture_end(&f);
}

Test(sorter, rows_of_one_chunk_come_in_order)
{
	check_order(0, 5000);
}

Test(sorter, rows_of_many_chunks_come_in_order)
{
	check_order(2000, 20000);
	check_order(1, 200);		/* a chunk each */
}

Test(sorter, nothing_gives_nothing)
{
	check_order(0, 0);
}

Test(sorter, keys_of_two_tenants_are_refused)
{
	struct fixture f;

	fixture_init(&f);
	struct lg_sorter *s = lg_sorter_new(f.dir, 0);
	assert_ok(&f, lg_sorter_add(&f.cx, s, 0, LG_STR("tnt1a"), LG_NONE));
	assert_err(&f, LG_E_INTERNAL, lg_sorter_add(&f.cx, s, 0, LG_STR("tnt2a"), LG_NONE));
	assert_err(&f, LG_E_INTERNAL, lg_sorter_add(&f.cx, s, 0, LG_STR("tnt"), LG_NONE));
	lg_sorter_free(&s);
	fixture_end(&f);
}

Test(sorter, a_folder_that_cannot_be_written_is_an_error)
{
	struct fixture f;

	fixture_init(&f);
	struct lg_sorter *s = lg_sorter_new("/nonexistent", 0);
	assert_ok(&f, lg_sorter_add(&f.cx, s, 0, LG_STR("tnt1a"), LG_NONE));
	assert_err(&f, LG_E_IO, lg_sorter_finish(&f.cx, s));
	lg_sorter_free(&s);
	fixture_end(&f);
}
