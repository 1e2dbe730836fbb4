/* search_page.c: paged results (RFC 2696).  Nothing is kept between pages: the cookie says where the last one ended. */
#include "base/map.h"
#include "directory/search.h"

struct cookie {
	uint64_t last, tag;
};

/* Bound to the request, the asker and this process: a cookie made up or taken elsewhere does not fit. */
static uint64_t
cookie_tag(const struct lg_op *op, uint64_t last)
{
	uint64_t parts[2] = { lg_hash(op->body), last };
	const uint64_t key[2] = { lg_hash((lg_str){ (const char *)op->actor.id.b, sizeof op->actor.id.b }), lg_hash(LG_STR("paged cookie")) };

	return lg_hash_keyed(key, (lg_str){ (const char *)parts, sizeof parts });
}

bool
lg_page_resume(struct lg_op *op)
{
	struct lg_search *s = op->state;
	struct cookie c;

	if (op->controls.cookie.n == 0)
		return true;
	if (op->controls.cookie.n != sizeof c)
		return false;
	memcpy(&c, op->controls.cookie.p, sizeof c);
	s->last = c.last;
	return c.tag == cookie_tag(op, c.last);
}

void
lg_page_reply(struct lg_op *op, bool more)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(64);
	const struct lg_search *s = op->state;
	struct cookie c = { s->last, cookie_tag(op, s->last) };
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, 0);		/* no estimate */
	lg_berw_str(&w, LG_BER_OCTETS, more ? (lg_str){ (const char *)&c, sizeof c } : LG_NONE);
	lg_berw_close(&w);
	lg_op_reply(op, LG_CONTROL_PAGED, lg_buf_view(&value));
}
