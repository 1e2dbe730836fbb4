/*
 * operator_reconcile.c: what the keeper signed against what the server recorded.
 *
 * The inventory has a row for a certificate before it is handed out, so a signature without a row was asked for by somebody who
 * did not want it seen.  Rows go when a certificate has been expired for LG_RECONCILE_KEPT; what is older than that cannot be
 * told any more, and is counted apart.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "server/operator.h"

#define LG_RECONCILE_ROWS	(1u << 20)		/* certificates */
#define LG_RECONCILE_KEPT	(90 * LG_DAY)

enum { INVENTORY_ROW = 4 + 32 };			/* tenant, SHA-256 */

struct reconcile {
	struct lg_operator *op;
	struct lg_buf rows;		/* struct lg_signed_row */
	uint64_t next;			/* row of the keeper's record */
	size_t got;			/* of the last answer */
};

static void
take_rows(void *arg, lg_err e, lg_str reply)
{
	struct reconcile *rc = arg;
	struct lg_rd rd = lg_rd_of(reply);

	lg_keeper_told(&rc->op->told, e, e == LG_OK ? LG_NONE : reply);
	if (e != LG_OK)
		return;
	rc->got = reply.n / LG_SIGNED_ROW;
	for (size_t i = 0; i < rc->got; i++) {
		struct lg_signed_row row = lg_signed_row_read(&rd);
		if (row.time == 0)		/* carried over from the file before */
			continue;
		if (row.purpose == LG_PURPOSE_ISSUER || row.purpose == LG_PURPOSE_SSH_USER || row.purpose == LG_PURPOSE_SSH_HOST)
			lg_buf_str(&rc->rows, (lg_str){ (char *)&row, sizeof row });
	}
}

static lg_err
read_signed(struct reconcile *rc)
{
	lg_str none;

	do {
		rc->got = 0;
		LG_TRY(lg_keeper_await(&rc->op->told, lg_keeper_signed_log(rc->op->keeper, rc->next, take_rows, rc), &none));
		rc->next += rc->got;
	} while (rc->got > 0);
	return lg_buf_status(&rc->op->cx, &rc->rows);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, INVENTORY_ROW);
}

static bool
recorded(const struct lg_signed_row *row, lg_str inventory)
{
	LG_AUTO(lg_buf_free) struct lg_buf key = LG_BUF(INVENTORY_ROW);

	lg_buf_u32(&key, row->tenant);
	lg_buf_str(&key, lg_sha256_str(&row->digest));
	return inventory.n > 0 && bsearch(key.p, inventory.p, inventory.n / INVENTORY_ROW, INVENTORY_ROW, compare) != NULL;
}

static void
write_row(struct lg_operator *op, struct lg_jsonw *w, const struct lg_signed_row *row)
{
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "tenant", row->tenant);
	lg_jsonw_time_of(w, "time", row->time);
	lg_jsonw_str_of(w, "sha256", lg_hex(op->cx.arena, lg_sha256_str(&row->digest)));
	lg_jsonw_object_end(w);
}

static void
write_result(struct reconcile *rc, lg_str inventory)
{
	struct lg_jsonw w = lg_jsonw_of(&rc->op->out);
	size_t n = rc->rows.n / sizeof(struct lg_signed_row), old = 0;

	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "signed", (int64_t)n);
	lg_jsonw_name(&w, LG_STR("unrecorded"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++) {
		struct lg_signed_row row;
		memcpy(&row, rc->rows.p + i * sizeof row, sizeof row);
		if (recorded(&row, inventory))
			continue;
		if (row.time < rc->op->cx.now - LG_RECONCILE_KEPT)
			old++;
		else
			write_row(rc->op, &w, &row);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_int_of(&w, "too_old_to_tell", (int64_t)old);
	lg_jsonw_object_end(&w);
}

lg_err
lg_operator_reconcile(struct lg_operator *op)
{
	struct reconcile rc = { .op = op, .rows = LG_BUF((size_t)LG_RECONCILE_ROWS * sizeof(struct lg_signed_row)) };
	struct lg_operator_words w = { { LG_STR("certificates") }, 1 };
	lg_str inventory;

	/* The keeper first: what is issued meanwhile is then in the inventory, though not in the list. */
	lg_err e = read_signed(&rc);
	if (e == LG_OK)
		e = lg_operator_server(op, &w, &inventory);
	if (e == LG_OK) {
		inventory = lg_dup(op->cx.arena, inventory);
		if (inventory.n > 0)
			qsort((void *)(uintptr_t)inventory.p, inventory.n / INVENTORY_ROW, INVENTORY_ROW, compare);
		write_result(&rc, inventory);
	}
	lg_buf_free(&rc.rows);
	return e;
}
