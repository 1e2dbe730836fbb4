/* events.c: see events.h. */
#include "directory/events.h"

#include "base/text.h"
#include "directory/find.h"

enum { GONE_VERSION = 1, BOUNDS_VERSION = 1 };

struct lg_moment
lg_moment_now(const struct lg_view *v)
{
	return (struct lg_moment){ lg_view_time(v), lg_view_seq(v) };
}

lg_str
lg_csn_print(struct lg_arena *a, struct lg_moment m, unsigned mark)
{
	int t[6];

	lg_time_split(m.time, t);
	return lg_print(a, "%04d%02d%02d%02d%02d%02d.%06dZ#%06x#000#%06x", t[0], t[1], t[2], t[3], t[4], t[5], (int)(m.time % 1000000),
	    (unsigned)LG_MOMENT_SEQ(m.seq), mark & 0xffffff);
}

static bool
read_hex(lg_str s, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		*ret = *ret << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

bool
lg_csn_parse(lg_str s, struct lg_moment *ret, unsigned *mark)
{
	uint64_t low;

	if (s.n != LG_CSN_TEXT || s.p[14] != '.' || s.p[22] != '#' || s.p[29] != '#' || s.p[33] != '#' ||
	    !lg_time_generalized_parse(lg_str_sub(s, 0, 22), &ret->time) || !read_hex(lg_str_sub(s, 23, 6), &ret->seq) ||
	    !read_hex(lg_str_sub(s, 34, 6), &low))
		return false;
	*mark = (unsigned)low;
	return true;
}

/* ---- the bounds of what is remembered -------------------------------------------------------------------------------- */

lg_err
lg_event_bounds(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_event_bounds *ret)
{
	struct lg_dkey k = lg_key_tenant(tenant);
	lg_str row;
	lg_err e = lg_get(cx, v, &lg_table_bounds, lg_dkey_str(&k), &row);
	struct lg_rd rd;

	*ret = (struct lg_event_bounds){ .marks = 0 };
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	rd = lg_rd_of(row);
	if (lg_rd_u8(&rd) != BOUNDS_VERSION)
		return lg_fail(cx, LG_E_CORRUPT, "the bounds of tenant %u's events do not decode", tenant);
	ret->marks = lg_rd_u64(&rd);
	ret->forgotten.time = (int64_t)lg_rd_u64(&rd);
	ret->forgotten.seq = lg_rd_u64(&rd);
	ret->reload.time = (int64_t)lg_rd_u64(&rd);
	ret->reload.seq = lg_rd_u64(&rd);
	return LG_OK;
}

static lg_err
put_bounds(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_event_bounds *b)
{
	struct lg_dkey k = lg_key_tenant(ed->tenant);
	struct lg_buf row = LG_BUF(64);
	lg_err e;

	lg_buf_byte(&row, BOUNDS_VERSION);
	lg_buf_u64(&row, b->marks);
	lg_buf_u64(&row, (uint64_t)b->forgotten.time);
	lg_buf_u64(&row, b->forgotten.seq);
	lg_buf_u64(&row, (uint64_t)b->reload.time);
	lg_buf_u64(&row, b->reload.seq);
	e = lg_put(cx, ed->v, &lg_table_bounds, lg_dkey_str(&k), lg_buf_view(&row));
	lg_buf_free(&row);
	return e;
}

static uint64_t
stamp_of_key(lg_str key)
{
	return lg_id_of(lg_str_sub(key, 12, 8));
}

static struct lg_moment
moment_of_key(lg_str key)
{
	return lg_moment_of((int64_t)lg_id_of(lg_str_sub(key, 4, 8)), stamp_of_key(key));
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static lg_err
forget_oldest(struct lg_ctx *cx, struct lg_edit *ed, struct lg_event_bounds *b)
{
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_dkey k = lg_key_tenant(ed->tenant);
	lg_str key, value;

	LG_TRY(lg_scan(cx, ed->v, &lg_table_gone, lg_dkey_str(&k), LG_NONE, &c));
	if (!lg_cursor_next(&c, &key, &value))
		return LG_OK;
	b->forgotten = moment_of_key(key);
	b->marks--;
	return lg_del(cx, ed->v, &lg_table_gone, lg_dup(cx->arena, key));
}

static lg_err
put_mark(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool moved)
{
	struct lg_dkey k = lg_key_event(ed->tenant, lg_view_time(ed->v), lg_view_new_id(ed->v));
	struct lg_buf row = LG_BUF(LG_ENTRY_BYTES);
	lg_str dn;
	lg_err err;

	LG_TRY(lg_entry_dn(cx, ed->v, e, &dn));
	lg_buf_byte(&row, GONE_VERSION);
	lg_buf_byte(&row, (char)e->type);
	lg_buf_byte(&row, moved ? 1 : 0);
	lg_buf_uuid(&row, e->uuid);
	lg_buf_str(&row, dn);
	err = lg_put(cx, ed->v, &lg_table_gone, lg_dkey_str(&k), lg_buf_view(&row));
	lg_buf_free(&row);
	return err;
}

lg_err
lg_event_gone(struct lg_ctx *cx, struct lg_edit *ed, const struct lg_entry *e, bool moved)
{
	struct lg_event_bounds b;

	LG_TRY(lg_event_bounds(cx, ed->v, ed->tenant, &b));
	LG_TRY(put_mark(cx, ed, e, moved));
	if (++b.marks > LG_GONE_MAX)
		LG_TRY(forget_oldest(cx, ed, &b));
	return put_bounds(cx, ed, &b);
}

lg_err
lg_event_reload(struct lg_ctx *cx, struct lg_edit *ed)
{
	struct lg_event_bounds b;

	LG_TRY(lg_event_bounds(cx, ed->v, ed->tenant, &b));
	b.reload = lg_moment_of(lg_view_time(ed->v), lg_view_new_id(ed->v));
	return put_bounds(cx, ed, &b);
}

/* ---- reading -------------------------------------------------------------------------------------------------------------- */

static void
next_written(struct lg_events *ev)
{
	ev->more_written = lg_cursor_next(&ev->written, &ev->wkey, &ev->wvalue);
}

static void
next_gone(struct lg_events *ev)
{
	ev->more_gone = lg_cursor_next(&ev->gone, &ev->gkey, &ev->gvalue);
}

static bool
is_behind(lg_str key, struct lg_moment m)
{
	return lg_moment_before(m, moment_of_key(key));
}

lg_err
lg_events_begin(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_moment behind, struct lg_events *ret)
{
	*ret = (struct lg_events){ .from = lg_key_event(tenant, behind.time, 0) };
	LG_TRY(lg_scan(cx, v, &lg_table_changed, (lg_str){ ret->from.b, 4 }, lg_dkey_str(&ret->from), &ret->written));
	LG_TRY(lg_scan(cx, v, &lg_table_gone, (lg_str){ ret->from.b, 4 }, lg_dkey_str(&ret->from), &ret->gone));
	for (next_written(ret); ret->more_written && !is_behind(ret->wkey, behind); next_written(ret))
		;
	for (next_gone(ret); ret->more_gone && !is_behind(ret->gkey, behind); next_gone(ret))
		;
	return LG_OK;
}

static void
read_gone(struct lg_events *ev, struct lg_event *ret)
{
	struct lg_rd rd = lg_rd_of(ev->gvalue);

	lg_rd_u8(&rd);
	*ret = (struct lg_event){ .at = moment_of_key(ev->gkey), .stamp = stamp_of_key(ev->gkey), .type = (enum lg_entry_type)lg_rd_u8(&rd) };
	ret->moved = lg_rd_u8(&rd) != 0;
	ret->uuid = lg_rd_uuid(&rd);
	ret->dn = (lg_str){ (const char *)rd.p, (size_t)(rd.end - rd.p) };
}

bool
lg_events_next(struct lg_events *ev, struct lg_event *ret)
{
	if (!ev->more_written && !ev->more_gone)
		return false;
	if (ev->more_gone && (!ev->more_written || lg_str_cmp(ev->gkey, ev->wkey) < 0)) {
		read_gone(ev, ret);
		next_gone(ev);
		return true;
	}
	*ret = (struct lg_event){ .at = moment_of_key(ev->wkey), .stamp = stamp_of_key(ev->wkey), .id = lg_id_of(ev->wkey) };
	next_written(ev);
	return true;
}

void
lg_events_end(struct lg_events *ev)
{
	lg_cursor_end(&ev->written);
	lg_cursor_end(&ev->gone);
}
