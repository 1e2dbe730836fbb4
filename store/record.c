/* record.c: change records to bytes and back.  The decoder trusts nothing: records come from backups and other nodes too. */
#include "store/record.h"

#include <endian.h>
#include <inttypes.h>

static const char magic[4] = { 'L', 'G', 'R', '1' };

static void
put_hash(struct lg_buf *b, const lg_sha256 *h)
{
	lg_buf_bytes(b, h->b, sizeof h->b);
}

static void
put_str16(struct lg_buf *b, lg_str s)
{
	lg_buf_u16(b, (uint16_t)s.n);
	lg_buf_str(b, s);
}

static lg_str
rd_str16(struct lg_rd *r)
{
	return lg_rd_bytes(r, lg_rd_u16(r));
}

static void
rd_fixed(struct lg_rd *r, void *ret, size_t n)
{
	lg_str s = lg_rd_bytes(r, n);

	if (s.n == n)
		memcpy(ret, s.p, n);
}

void
lg_record_put_head(struct lg_buf *b, const struct lg_record_head *h)
{
	lg_buf_bytes(b, magic, sizeof magic);
	lg_buf_u32(b, h->epoch);
	lg_buf_u64(b, h->nonce);
	lg_buf_u64(b, h->seq);
	put_hash(b, &h->prev);
	put_str16(b, h->node);
	lg_buf_u64(b, h->incarnation);
	lg_buf_u64(b, h->batch);
	lg_buf_u64(b, (uint64_t)h->time);
	lg_buf_u16(b, h->level);
	lg_buf_u32(b, h->changes);
}

void
lg_record_set_count(struct lg_buf *body, size_t header_end, uint32_t count)
{
	uint32_t be = htobe32(count);

	memcpy(body->p + header_end - sizeof be, &be, sizeof be);
}

void
lg_record_put_change(struct lg_buf *b, const struct lg_change *c, uint32_t neffects, lg_str effects)
{
	lg_buf_u32(b, c->tenant);
	lg_buf_byte(b, (char)c->kind);
	lg_buf_bytes(b, c->actor.b, sizeof c->actor.b);
	lg_buf_str32(b, c->actor_type);
	lg_buf_str32(b, c->actor_name);
	lg_buf_str32(b, c->address);
	lg_buf_str32(b, c->operation);
	lg_buf_str32(b, c->target);
	lg_buf_str32(b, c->detail);
	lg_buf_u32(b, neffects);
	lg_buf_str(b, effects);
}

void
lg_effect_put(struct lg_buf *b, const struct lg_effect *e)
{
	lg_buf_byte(b, (char)e->op);
	lg_buf_u16(b, e->table);
	put_str16(b, e->key);
	switch (e->op) {
	case LG_EFFECT_PUT:
		lg_buf_str32(b, e->value);
		break;
	case LG_EFFECT_SPLICE:
		lg_buf_u32(b, e->at);
		lg_buf_u32(b, e->cut);
		lg_buf_str32(b, e->value);
		break;
	case LG_EFFECT_BLOB_PUT:
		lg_buf_str(b, e->value);
		break;
	case LG_EFFECT_DEL:
	case LG_EFFECT_BLOB_DEL:
		break;
	}
}

lg_sha256
lg_record_hash(const lg_sha256 *prev, const lg_sha256 *body)
{
	return lg_sha256_pair(lg_sha256_str(prev), lg_sha256_str(body));
}

/* ---- decoding --------------------------------------------------------------------------------- */

static bool
rd_effect(struct lg_rd *r, struct lg_effect *e)
{
	*e = (struct lg_effect){ .op = lg_rd_u8(r) };
	e->table = lg_rd_u16(r);
	e->key = rd_str16(r);
	switch (e->op) {
	case LG_EFFECT_PUT:
		e->value = lg_rd_str32(r);
		break;
	case LG_EFFECT_SPLICE:
		e->at = lg_rd_u32(r);
		e->cut = lg_rd_u32(r);
		e->value = lg_rd_str32(r);
		break;
	case LG_EFFECT_BLOB_PUT:
		e->value = lg_rd_bytes(r, sizeof(lg_sha256));
		break;
	case LG_EFFECT_DEL:
	case LG_EFFECT_BLOB_DEL:
		break;
	default:
		r->bad = true;
	}
	if (e->key.n == 0 || e->key.n > LG_KEY_MAX || e->value.n > LG_VALUE_MAX ||
	    e->at > LG_VALUE_MAX || e->cut > LG_VALUE_MAX)
		r->bad = true;
	return !r->bad;
}

static bool
rd_change_head(struct lg_rd *r, struct lg_change *c, uint32_t *neffects)
{
	c->tenant = lg_rd_u32(r);
	c->kind = lg_rd_u8(r);
	rd_fixed(r, c->actor.b, sizeof c->actor.b);
	c->actor_type = lg_rd_str32(r);
	c->actor_name = lg_rd_str32(r);
	c->address = lg_rd_str32(r);
	c->operation = lg_rd_str32(r);
	c->target = lg_rd_str32(r);
	c->detail = lg_rd_str32(r);
	*neffects = lg_rd_u32(r);
	if (c->kind > LG_ACTOR_RECOVER)
		r->bad = true;
	return !r->bad;
}

static bool
rd_change(struct lg_rd *r, struct lg_record_change *c)
{
	struct lg_effect e;

	if (!rd_change_head(r, &c->change, &c->neffects))
		return false;
	const char *from = (const char *)r->p;
	for (uint32_t i = 0; i < c->neffects; i++)
		if (!rd_effect(r, &e))
			return false;
	c->effects = (lg_str){ from, (size_t)((const char *)r->p - from) };
	return true;
}

static void
rd_head(struct lg_rd *r, struct lg_record_head *h)
{
	char m[sizeof magic] = { 0 };

	rd_fixed(r, m, sizeof m);
	if (memcmp(m, magic, sizeof magic) != 0)
		r->bad = true;
	h->epoch = lg_rd_u32(r);
	h->nonce = lg_rd_u64(r);
	h->seq = lg_rd_u64(r);
	rd_fixed(r, h->prev.b, sizeof h->prev.b);
	h->node = rd_str16(r);
	h->incarnation = lg_rd_u64(r);
	h->batch = lg_rd_u64(r);
	h->time = (int64_t)lg_rd_u64(r);
	h->level = lg_rd_u16(r);
	h->changes = lg_rd_u32(r);
	if (h->node.n > LG_NODE_MAX || h->changes == 0 || h->changes > LG_RECORD_CHANGES)
		r->bad = true;
}

lg_err
lg_record_decode_head(struct lg_ctx *cx, lg_str body, struct lg_record_head *ret)
{
	struct lg_rd r = lg_rd_of(body);
	struct lg_record_head h;

	rd_head(&r, &h);
	if (r.bad)
		return lg_fail(cx, LG_E_CORRUPT, "the header of a change record does not decode");
	*ret = h;
	return LG_OK;
}

lg_err
lg_record_decode(struct lg_ctx *cx, lg_str body, struct lg_record *ret)
{
	struct lg_record rec = { .body = body, .at = lg_rd_of(body) };
	struct lg_record_change c;

	rd_head(&rec.at, &rec.head);
	if (rec.at.bad)
		return lg_fail(cx, LG_E_CORRUPT, "the header of a change record does not decode");
	if (rec.head.level > LG_RECORD_LEVEL)
		return lg_fail(cx, LG_E_UNSUPPORTED, "record %" PRIu64 " has level %u, this program knows %d", rec.head.seq,
		    rec.head.level, LG_RECORD_LEVEL);
	struct lg_rd r = rec.at;
	for (uint32_t i = 0; i < rec.head.changes; i++)
		if (!rd_change(&r, &c))
			return lg_fail(cx, LG_E_CORRUPT, "record %" PRIu64 ": change %" PRIu32 " does not decode", rec.head.seq, i);
	if (!lg_rd_done(&r))
		return lg_fail(cx, LG_E_CORRUPT, "record %" PRIu64 ": bytes after the last change", rec.head.seq);
	*ret = rec;
	return LG_OK;
}

bool
lg_record_next(struct lg_record *r, struct lg_record_change *ret)
{
	if (r->index == r->head.changes || !rd_change(&r->at, ret))
		return false;
	ret->change.seq = r->head.seq;
	ret->change.time = r->head.time;
	ret->change.index = r->index++;
	return true;
}

bool
lg_effect_next(lg_str *effects, struct lg_effect *ret)
{
	struct lg_rd r = lg_rd_of(*effects);

	if (effects->n == 0 || !rd_effect(&r, ret))
		return false;
	*effects = (lg_str){ (const char *)r.p, (size_t)(r.end - r.p) };
	return true;
}

size_t
lg_record_offset(const struct lg_record *r)
{
	return (size_t)((const char *)r->at.p - r->body.p);
}

lg_err
lg_record_change_at(struct lg_ctx *cx, lg_str body, uint32_t index, size_t offset, struct lg_change *ret)
{
	struct lg_rd r = lg_rd_of(body);
	struct lg_record_head h;
	uint32_t neffects;

	rd_head(&r, &h);
	if (r.bad || index >= h.changes || offset < (size_t)((const char *)r.p - body.p) || offset > body.n)
		return lg_fail(cx, LG_E_CORRUPT, "an audit row points outside its record");
	r = lg_rd_of((lg_str){ body.p + offset, body.n - offset });
	struct lg_change c = { .seq = h.seq, .index = index, .time = h.time };
	if (!rd_change_head(&r, &c, &neffects))
		return lg_fail(cx, LG_E_CORRUPT, "record %" PRIu64 ": change %" PRIu32 " does not decode", h.seq, index);
	*ret = c;
	return LG_OK;
}
