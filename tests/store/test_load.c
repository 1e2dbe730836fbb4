/* test_load.c: bulk load: rows and index rows as by mutations, without effects. */
#include <stdio.h>

#include "tests/store/fixture.h"

struct batch {
	struct fixture *f;
	struct lg_load *ld;
	unsigned from, to;
	const char *value;
};

static void
open_unsynced(struct fixture *f)
{
	struct lg_store_options o = { .tables = t_all, .ntables = LG_COUNT(t_all), .node = LG_STR("n1"), .nosync = true };

	fixture_init(f);
	o.dir = f->store;
	o.archive = f->archive;
	assert_ok(f, lg_store_open(&f->cx, &o, &f->st));
}

static lg_err
put_batch(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct batch *b = arg;

	for (unsigned i = b->from; i < b->to; i++) {
		lg_str key = fx_key(cx->arena, 1, lg_print(cx->arena, "row%06u", i).p);
		lg_str other = fx_key(cx->arena, 1, lg_print(cx->arena, "%06u", i * 7919 % 1000003).p);
		LG_TRY(lg_load_put(cx, b->ld, v, &t_people, key, lg_str_of(b->value), true));
		LG_TRY(lg_load_put(cx, b->ld, v, &t_notes, other, LG_STR("note"), false));
	}
	lg_audit(v, LG_STR("load"), LG_NONE);
	return LG_OK;
}

Test(load, gives_what_mutations_give)
{
	struct fixture f;
	uint64_t rows, faults;
	lg_sha256 digest;
	struct lg_view *v;

	open_unsynced(&f);
	assert_ok(&f, fx_put(&f, &t_people, "aaa", "there,before"));
	struct batch b = { &f, NULL, 0, 3000, "red,green,blue" };
	assert_ok(&f, lg_load_new(&f.cx, f.st, &b.ld));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "load", put_batch, &b, NULL));
	b.from = 3000, b.to = 5000;
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "load", put_batch, &b, NULL));
	lg_load_tell(b.ld, &rows, &digest);
	cr_assert_eq(rows, 10000);
	assert_ok(&f, lg_load_end(&f.cx, b.ld, NULL, NULL));
	lg_load_free(&b.ld);
	cr_assert_eq(fx_count(&f, &t_people), 5001);
	cr_assert_eq(fx_count(&f, &t_notes), 5000);
	cr_assert_eq(fx_count(&f, &t_by_value), 2 + 3 * 5000);
	cr_assert_str_eq(fx_get(&f, &t_people, "row004999"), "red,green,blue");
	assert_ok(&f, lg_store_check(&f.cx, f.st, &rows, &faults));
	cr_assert_eq(faults, 0);
	assert_ok(&f, lg_view_begin(&f.cx, f.st, &v));
	cr_assert_eq(lg_revision(v, 1, LG_DOMAIN_ENTRY), 3, "caches see that something changed");
	lg_view_end(&v);
	/* and the store goes on as any other */
	assert_ok(&f, fx_put(&f, &t_people, "row000000", "red"));
	cr_assert_eq(fx_count(&f, &t_by_value), 2 + 3 * 5000 - 2);
	fixture_end(&f);
}

Test(load, a_row_that_is_there_is_refused)
{
	struct fixture f;

	open_unsynced(&f);
	assert_ok(&f, fx_put(&f, &t_people, "row000001", "there"));
	struct batch b = { &f, NULL, 0, 3, "x" };
	assert_ok(&f, lg_load_new(&f.cx, f.st, &b.ld));
	cr_assert_neq(lg_store_apply(&f.cx, f.st, 1, "load", put_batch, &b, NULL), LG_OK);
	lg_load_free(&b.ld);
	cr_assert_str_eq(fx_get(&f, &t_people, "row000001"), "there");
	cr_assert_null(fx_get(&f, &t_people, "row000000"));
	fixture_end(&f);
}

static lg_err
put_twice(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct batch *b = arg;

	LG_TRY(lg_load_put(cx, b->ld, v, &t_notes, fx_key(cx->arena, 1, "one"), LG_STR("a"), false));
	return lg_load_put(cx, b->ld, v, &t_notes, fx_key(cx->arena, 1, "one"), lg_str_of(b->value), false);
}

static void
check_twice(const char *value, lg_err want)
{
	struct fixture f;

	open_unsynced(&f);
	struct batch b = { &f, NULL, 0, 0, value };
	assert_ok(&f, lg_load_new(&f.cx, f.st, &b.ld));
	assert_ok(&f, lg_store_apply(&f.cx, f.st, 1, "load", put_twice, &b, NULL));
	assert_err(&f, want, lg_load_end(&f.cx, b.ld, NULL, NULL));
	lg_load_free(&b.ld);
	fixture_end(&f);
}

Test(load, a_row_given_twice_is_one_row_and_another_under_its_key_is_refused)
{
	check_twice("a", LG_OK);
	check_twice("b", LG_E_EXISTS);
}

Test(load, a_store_in_service_takes_none)
{
	struct fixture f;
	struct lg_load *ld;

	fixture_start(&f);
	assert_err(&f, LG_E_CONFLICT, lg_load_new(&f.cx, f.st, &ld));
	fixture_end(&f);
}
