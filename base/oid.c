/* oid.c: object identifiers in dotted form, to their content octets (X.690 8.19). */
#include "base/der.h"
#include "base/text.h"

static char *
put_arc(char *to, uint64_t v)
{
	int groups = 1;

	for (uint64_t rest = v >> 7; rest > 0; rest >>= 7)
		groups++;
	for (int i = groups - 1; i >= 0; i--)
		*to++ = (char)((v >> (7 * i) & 0x7f) | (i > 0 ? 0x80 : 0));
	return to;
}

bool
lg_oid_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	char *start = lg_alloc(a, LG_OID_ARCS * 10);	/* an arc of 64 bits has at most 10 octets */
	char *to = start;
	int64_t v, first = 0;
	int arcs = 0;
	bool more = true;

	for (lg_str arc; more; arcs++) {
		more = lg_str_cut(text, '.', &arc, &text);
		if (arcs == LG_OID_ARCS || !lg_int_parse(arc, &v) || v < 0)
			return false;
		if (arcs == 0) {
			first = v;
			continue;
		}
		if (arcs == 1 && (first > 2 || (first < 2 && v > 39)))
			return false;
		to = put_arc(to, (uint64_t)v + (arcs == 1 ? (uint64_t)first * 40 : 0));
	}
	*ret = (lg_str){ start, (size_t)(to - start) };
	return arcs >= 2;
}
