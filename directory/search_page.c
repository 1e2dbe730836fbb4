/* search_page.c: paged results (RFC 2696).  Nothing is kept between pages: the cookie says where the last one ended. */
#include "base/map.h"
#include "directory/search.h"

#define SORTED	(1ull << 63)		/* the number is of entries that were sent, not the last one's */

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
	struct lg_sort *sort = op->controls.sort;
	struct cookie c;

	if (op->controls.cookie.n == 0)
		return true;
	if (op->controls.cookie.n != sizeof c)
		return false;
	memcpy(&c, op->controls.cookie.p, sizeof c);
	s->last = c.last & ~SORTED;
	if (c.tag != cookie_tag(op, c.last) || ((c.last & SORTED) != 0 && (sort == NULL || sort->fault != 0)))
		return false;
	if ((c.last & SORTED) == 0 && sort != NULL && sort->fault == 0)
		sort->fault = LG_LDAP_ADMIN_LIMIT_EXCEEDED;	/* it was given up on the first page */
	return true;
}

void
lg_page_reply(struct lg_op *op, bool more)
{
	LG_AUTO(lg_buf_free) struct lg_buf value = LG_BUF(64);
	const struct lg_search *s = op->state;
	uint64_t last = s->last | (s->sorted != NULL ? SORTED : 0);
	struct cookie c = { last, cookie_tag(op, last) };
	struct lg_berw w = lg_berw_of(&value);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, 0);		/* no estimate */
	lg_berw_str(&w, LG_BER_OCTETS, more ? (lg_str){ (const char *)&c, sizeof c } : LG_NONE);
	lg_berw_close(&w);
	lg_op_reply(op, LG_CONTROL_PAGED, lg_buf_view(&value));
}
