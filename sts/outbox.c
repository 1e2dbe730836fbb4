/* outbox.c: rows of things to be told, in the order in which they are due; several lanes share the work by the rows' ids. */
#include "sts/sts.h"

lg_str
sts_outbox_key(struct lg_arena *a, uint32_t tenant, int64_t due, lg_uuid id)
{
	char rest[8 + sizeof id.b];

	for (int i = 0; i < 8; i++)
		rest[i] = (char)((uint64_t)due >> (56 - 8 * i));
	memcpy(rest + 8, id.b, sizeof id.b);
	return sts_key(a, tenant, (lg_str){ rest, sizeof rest });
}

bool
sts_outbox_place(lg_str key, uint32_t *tenant, int64_t *due, lg_uuid *id)
{
	struct lg_rd at = lg_rd_of(key);

	*tenant = lg_rd_u32(&at);
	*due = (int64_t)lg_rd_u64(&at);
	*id = lg_rd_uuid(&at);
	return lg_rd_done(&at);
}

lg_err
sts_outbox_due(struct lg_ctx *cx, struct lg_sts *sts, const struct lg_table *t, unsigned lane, unsigned lanes, struct sts_outbox *ret)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { .started = false };
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_str key, row;
	uint32_t tenant;
	int64_t due;
	lg_uuid id;
	lg_err e;

	ret->n = 0;
	LG_TRY(lg_view_begin(cx, sts->store, &v));
	e = lg_scan(cx, v, t, LG_NONE, LG_NONE, &c);
	while (e == LG_OK && ret->n < STS_OUTBOX_TURN && lg_cursor_next(&c, &key, &row)) {
		if (!sts_outbox_place(key, &tenant, &due, &id) || due > cx->now || id.b[0] % lanes != lane)
			continue;
		ret->key[ret->n] = lg_dup(cx->arena, key);
		ret->row[ret->n++] = lg_dup(cx->arena, row);
	}
	lg_cursor_end(&c);
	lg_view_end(&v);
	lg_store_turn(sts->store);
	return e;
}

int64_t
sts_outbox_pause(unsigned attempts)
{
	static const int64_t pauses[] = { 5 * LG_SECOND, 30 * LG_SECOND, 3 * LG_MINUTE, 15 * LG_MINUTE };

	return attempts < LG_COUNT(pauses) ? pauses[attempts] : 0;
}
