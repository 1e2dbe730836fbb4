/* oid.c: object identifiers in dotted form, from and to their content octets (X.690 8.19). */
#include "base/der.h"
#include "base/text.h"

/* The next arc off the front; false if it passes 64 bits. */
static bool
take_arc(lg_str *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	do {
		if (v >> 57 != 0)
			return false;
		v = v << 7 | ((uint8_t)s->p[i] & 0x7f);
	} while ((s->p[i++] & 0x80) != 0);
	*ret = v;
	*s = lg_str_sub(*s, i, s->n);
	return true;
}

lg_str
lg_oid_text(struct lg_arena *a, lg_str oid)
{
	uint64_t v;
	lg_str text;

	if (!lg_der_oid_valid(oid) || !take_arc(&oid, &v))
		return LG_NONE;
	uint64_t first = v < 80 ? v / 40 : 2;		/* the first two arcs share a number */
	text = lg_print(a, "%llu.%llu", (unsigned long long)first, (unsigned long long)(v - first * 40));
	for (int arcs = 2; oid.n > 0; arcs++) {
		if (arcs == LG_OID_ARCS || !take_arc(&oid, &v))
			return LG_NONE;
		text = lg_print(a, "%.*s.%llu", LG_FMT(text), (unsigned long long)v);
	}
	return text;
}

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
