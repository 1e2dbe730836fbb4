/* Formats: one step at a time, wholly or not at all. */
#include "fixture.h"
#include "store/internal.h"

static lg_err
note_step(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn)
{
	uint64_t n;

	LG_TRY(lg_meta_u64(cx, st, txn, "steps", 0, &n));
	return lg_meta_u64_put(cx, st, txn, "steps", n * 10 + 1);
}

static lg_err
note_other(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn)
{
	uint64_t n;

	LG_TRY(lg_meta_u64(cx, st, txn, "steps", 0, &n));
	return lg_meta_u64_put(cx, st, txn, "steps", n * 10 + 2);
}

static lg_err
fail_step(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn)
{
	LG_TRY(note_step(cx, st, txn));
	return lg_fail(cx, LG_E_CORRUPT, "a row does not decode");
}

static lg_err
migrate(struct fixture *f, uint64_t target, const struct lg_migration *steps, size_t n, uint64_t *format, uint64_t *seen)
{
	MDB_txn *txn;

	assert_ok(f, lg_write_begin(&f->cx, f->st, &txn));
	lg_err e = lg_store_migrate(&f->cx, f->st, txn, target, steps, n);
	if (e != LG_OK)
		lg_write_abort(f->st, txn);
	else
		assert_ok(f, lg_write_commit(&f->cx, f->st, txn, NULL, 0));
	assert_ok(f, lg_write_begin(&f->cx, f->st, &txn));
	assert_ok(f, lg_meta_u64(&f->cx, f->st, txn, "format", 0, format));
	assert_ok(f, lg_meta_u64(&f->cx, f->st, txn, "steps", 0, seen));
	lg_write_abort(f->st, txn);
	return e;
}

/* A store whose format says 1. */
static void
start(struct fixture *f)
{
	MDB_txn *txn;

	fixture_start(f);
	assert_ok(f, lg_write_begin(&f->cx, f->st, &txn));
	assert_ok(f, lg_meta_u64_put(&f->cx, f->st, txn, "format", 1));
	assert_ok(f, lg_write_commit(&f->cx, f->st, txn, NULL, 0));
}

Test(migrate, steps_run_in_order_up_to_the_target)
{
	static const struct lg_migration steps[] = { { 2, note_other }, { 1, note_step } };
	struct fixture f;
	uint64_t format, seen;

	start(&f);
	assert_ok(&f, migrate(&f, 3, steps, 2, &format, &seen));
	cr_assert_eq(format, 3);
	cr_assert_eq(seen, 12);
	assert_ok(&f, migrate(&f, 3, steps, 2, &format, &seen));	/* nothing left to do */
	cr_assert_eq(seen, 12);
	fixture_end(&f);
}

Test(migrate, a_failing_step_leaves_the_old_format)
{
	static const struct lg_migration steps[] = { { 1, note_step }, { 2, fail_step } };
	struct fixture f;
	uint64_t format, seen;

	start(&f);
	assert_err(&f, LG_E_CORRUPT, migrate(&f, 3, steps, 2, &format, &seen));
	cr_assert_eq(format, 1);
	cr_assert_eq(seen, 0);
	fixture_end(&f);
}

Test(migrate, a_missing_step_is_said)
{
	static const struct lg_migration steps[] = { { 1, note_step } };
	struct fixture f;
	uint64_t format, seen;

	start(&f);
	assert_err(&f, LG_E_UNSUPPORTED, migrate(&f, 3, steps, 1, &format, &seen));
	cr_assert_eq(format, 1);
	fixture_end(&f);
}
