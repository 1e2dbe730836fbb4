/* Records as bytes: what is written is read, and nothing else is. */
#include <stdio.h>

#include "fixture.h"
#include "store/record.h"

struct made {
	struct lg_arena *arena;
	struct lg_ctx cx;
	struct lg_buf body, effects;
};

static void
make(struct made *m)
{
	static const struct lg_effect effects[] = {
		{ .op = LG_EFFECT_PUT, .table = 1, .key = { "\0\0\0\1a", 5 }, .value = { "one", 3 } },
		{ .op = LG_EFFECT_DEL, .table = 1, .key = { "\0\0\0\1b", 5 } },
		{ .op = LG_EFFECT_SPLICE, .table = 2, .key = { "\0\0\0\1c", 5 }, .value = { "mid", 3 }, .at = 7, .cut = 2 },
		{ .op = LG_EFFECT_BLOB_PUT, .table = 3, .key = { "\0\0\0\1d", 5 }, .value = { "0123456789abcdef0123456789abcdef", 32 } },
		{ .op = LG_EFFECT_BLOB_DEL, .table = 3, .key = { "\0\0\0\1e", 5 } },
	};
	struct lg_record_head h = { .epoch = 3, .nonce = 99, .seq = 7, .prev = { { 1, 2 } }, .node = LG_STR("n1"),
		.incarnation = 4, .batch = 5, .time = 123456789, .level = 1 };
	struct lg_change c = { .tenant = 1, .kind = LG_ACTOR_ENTRY, .actor = { { 9 } }, .actor_type = LG_STR("User"),
		.actor_name = LG_STR("alice"), .address = LG_STR("10.0.0.7:1"), .operation = LG_STR("user.create"),
		.target = LG_STR("t"), .detail = LG_STR("{}") };

	*m = (struct made){ .arena = lg_arena_new(), .body = LG_BUF(1 << 16), .effects = LG_BUF(1 << 16) };
	lg_ctx_init(&m->cx, m->arena);
	for (size_t i = 0; i < LG_COUNT(effects); i++)
		lg_effect_put(&m->effects, &effects[i]);
	lg_record_put_head(&m->body, &h);
	size_t end = m->body.n;
	lg_record_put_change(&m->body, &c, LG_COUNT(effects), lg_buf_view(&m->effects));
	c.tenant = 2;
	lg_record_put_change(&m->body, &c, 0, LG_NONE);
	lg_record_set_count(&m->body, end, 2);
}

static void
end(struct made *m)
{
	lg_buf_free(&m->body);
	lg_buf_free(&m->effects);
	lg_arena_free(&m->arena);
}

Test(record, what_is_encoded_is_decoded)
{
	struct made m;
	struct lg_record r;
	struct lg_record_change c;
	struct lg_effect e;
	int n = 0;

	make(&m);
	cr_assert_eq(lg_record_decode(&m.cx, lg_buf_view(&m.body), &r), LG_OK, "%s", m.cx.error);
	cr_assert_eq(r.head.epoch, 3);
	cr_assert_eq(r.head.nonce, 99);
	cr_assert_eq(r.head.seq, 7);
	cr_assert_eq(r.head.incarnation, 4);
	cr_assert_eq(r.head.batch, 5);
	cr_assert_eq(r.head.time, 123456789);
	cr_assert(lg_str_eq(r.head.node, LG_STR("n1")));
	size_t at = lg_record_offset(&r);
	cr_assert(lg_record_next(&r, &c));
	cr_assert_eq(c.neffects, 5);
	cr_assert(lg_str_eq(c.change.operation, LG_STR("user.create")));
	for (lg_str rest = c.effects; lg_effect_next(&rest, &e); n++)
		if (e.op == LG_EFFECT_SPLICE)
			cr_assert(e.at == 7 && e.cut == 2 && lg_str_eq(e.value, LG_STR("mid")));
	cr_assert_eq(n, 5);
	cr_assert(lg_record_next(&r, &c));
	cr_assert_eq(c.change.tenant, 2);
	cr_assert_eq(c.change.index, 1);
	cr_assert_not(lg_record_next(&r, &c));
	struct lg_change one;
	cr_assert_eq(lg_record_change_at(&m.cx, lg_buf_view(&m.body), 0, at, &one), LG_OK);
	cr_assert(lg_str_eq(one.actor_name, LG_STR("alice")));
	end(&m);
}

Test(record, every_shorter_or_longer_one_is_refused)
{
	struct made m;
	struct lg_record r;

	make(&m);
	for (size_t n = 0; n < m.body.n; n++) {
		lg_str part = lg_dup(m.arena, lg_str_sub(lg_buf_view(&m.body), 0, n));
		cr_assert_eq(lg_record_decode(&m.cx, part, &r), LG_E_CORRUPT, "%zu octets", n);
	}
	lg_buf_byte(&m.body, 0);
	cr_assert_eq(lg_record_decode(&m.cx, lg_buf_view(&m.body), &r), LG_E_CORRUPT);
	end(&m);
}

Test(record, no_changed_octet_makes_the_decoder_read_past_the_end)
{
	struct made m;
	struct lg_record r;
	struct lg_record_change c;
	struct lg_effect e;

	make(&m);
	for (size_t i = 0; i < m.body.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			lg_str bad = lg_dup(m.arena, lg_buf_view(&m.body));
			((char *)(uintptr_t)bad.p)[i] ^= (char)(1 << bit);
			if (lg_record_decode(&m.cx, bad, &r) != LG_OK)
				continue;
			while (lg_record_next(&r, &c))
				while (lg_effect_next(&c.effects, &e))
					;
		}
	end(&m);
}

Test(record, an_audit_row_that_points_outside_is_refused)
{
	struct made m;
	struct lg_change one;

	make(&m);
	lg_str body = lg_buf_view(&m.body);
	cr_assert_eq(lg_record_change_at(&m.cx, body, 2, 100, &one), LG_E_CORRUPT);	/* there are two */
	cr_assert_eq(lg_record_change_at(&m.cx, body, 0, 3, &one), LG_E_CORRUPT);
	cr_assert_eq(lg_record_change_at(&m.cx, body, 0, body.n + 1, &one), LG_E_CORRUPT);
	cr_assert_eq(lg_record_change_at(&m.cx, body, 0, body.n, &one), LG_E_CORRUPT);
	end(&m);
}

Test(record, a_higher_level_is_unsupported_not_corrupt)
{
	struct made m;
	struct lg_record r;
	struct lg_record_head h = { .epoch = 1, .seq = 1, .level = LG_RECORD_LEVEL + 1, .changes = 1 };

	make(&m);
	lg_buf_clear(&m.body);
	lg_record_put_head(&m.body, &h);
	lg_record_put_change(&m.body, &(struct lg_change){ .tenant = 1 }, 0, LG_NONE);
	cr_assert_eq(lg_record_decode(&m.cx, lg_buf_view(&m.body), &r), LG_E_UNSUPPORTED);
	end(&m);
}
