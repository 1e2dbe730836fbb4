/*
 * migrate.c: from one store format to the next, one step at a time, all in the transaction of the open that needs them, so
 * that a store is wholly of one format or wholly of the other.  A store from a newer Lightgate is left alone.
 */
#include "store/internal.h"

#include <inttypes.h>

/* Format 1 wrote entries otherwise, formats 2 to 4 certificates and their ledger; none was released: there is
 * nothing to come from.  The row that ends the table is never a step. */
const struct lg_migration lg_migrations[] = { { 0, NULL } };
const size_t lg_nmigrations = LG_COUNT(lg_migrations) - 1;

static const struct lg_migration *
step_from(const struct lg_migration *steps, size_t n, uint64_t format)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].from == format)
			return &steps[i];
	return NULL;
}

lg_err
lg_store_migrate(struct lg_ctx *cx, struct lg_store *st, MDB_txn *txn, uint64_t target,
    const struct lg_migration *steps, size_t n)
{
	uint64_t format;

	LG_TRY(lg_meta_u64(cx, st, txn, "format", 0, &format));
	if (format == 0)	/* new and empty */
		return lg_meta_u64_put(cx, st, txn, "format", target);
	if (format > target)
		return lg_fail(cx, LG_E_UNSUPPORTED, "the store has format %" PRIu64 ", this program knows %" PRIu64,
		    format, target);
	for (; format < target; format++) {
		const struct lg_migration *step = step_from(steps, n, format);
		if (step == NULL)
			return lg_fail(cx, LG_E_UNSUPPORTED, "no way from store format %" PRIu64, format);
		LG_TRY(step->run(cx, st, txn));
		LG_TRY(lg_meta_u64_put(cx, st, txn, "format", format + 1));
	}
	return LG_OK;
}
