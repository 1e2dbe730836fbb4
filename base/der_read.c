/* der_read.c: the DER cursor and its values.  What is not the one encoding that DER allows is a fault. */
#include "base/der.h"
#include "base/text.h"

struct lg_der
lg_der_of(lg_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	return (struct lg_der){ p, p == NULL ? NULL : p + s.n, false };
}

bool
lg_der_more(const struct lg_der *d)
{
	return !d->bad && d->p != d->end;
}

uint8_t
lg_der_peek(const struct lg_der *d)
{
	return lg_der_more(d) ? *d->p : 0;
}

void
lg_der_fault(struct lg_der *d)
{
	d->bad = true;
}

/* X.690 10.1: definite form, and as short as it can be. */
static bool
take_length(const uint8_t **p, const uint8_t *end, size_t *ret)
{
	if (*p == end)
		return false;
	size_t n = *(*p)++;
	if (n >= 0x80) {
		size_t octets = n & 0x7f;
		if (octets == 0 || octets > 4 || octets > (size_t)(end - *p) || **p == 0)
			return false;
		for (n = 0; octets > 0; octets--)
			n = n << 8 | *(*p)++;
		if (n < 0x80)
			return false;
	}
	*ret = n;
	return n <= (size_t)(end - *p);
}

bool
lg_der_next(struct lg_der *d, struct lg_der_item *ret)
{
	size_t n;

	if (!lg_der_more(d))
		return false;
	const uint8_t *start = d->p, *p = start + 1;
	/* X.690 8.1.2.4: tag numbers from 31 on do not occur in what we read; tag 0 ends indefinite lengths */
	if ((*start & 0x1f) == 0x1f || *start == 0 || !take_length(&p, d->end, &n)) {
		d->bad = true;
		return false;
	}
	d->p = p + n;
	ret->tag = *start;
	ret->whole = (lg_str){ (const char *)start, (size_t)(d->p - start) };
	ret->body = (lg_str){ (const char *)p, n };
	return true;
}

static bool
take_item(struct lg_der *d, uint8_t tag, struct lg_der_item *ret)
{
	if (lg_der_peek(d) == tag && lg_der_next(d, ret))
		return true;
	d->bad = true;
	return false;
}

lg_str
lg_der_take(struct lg_der *d, uint8_t tag)
{
	struct lg_der_item item;

	return take_item(d, tag, &item) ? item.body : LG_NONE;
}

lg_str
lg_der_whole(struct lg_der *d, uint8_t tag)
{
	struct lg_der_item item;

	return take_item(d, tag, &item) ? item.whole : LG_NONE;
}

bool
lg_der_optional(struct lg_der *d, uint8_t tag, lg_str *ret)
{
	*ret = LG_NONE;
	if (lg_der_peek(d) != tag)
		return false;
	*ret = lg_der_take(d, tag);
	return !d->bad;
}

struct lg_der
lg_der_enter(struct lg_der *d, uint8_t tag)
{
	struct lg_der inner = lg_der_of(lg_der_take(d, tag));

	inner.bad = d->bad;
	return inner;
}

void
lg_der_leave(struct lg_der *outer, const struct lg_der *inner)
{
	if (inner->bad || inner->p != inner->end)
		outer->bad = true;
}

lg_err
lg_der_end(struct lg_ctx *cx, const struct lg_der *d, const char *what)
{
	if (d->bad || d->p != d->end)
		return lg_fail(cx, LG_E_INVALID, "malformed %s", what);
	return LG_OK;
}

/* ---- values ----------------------------------------------------------------------------------- */

bool
lg_der_boolean(struct lg_der *d)
{
	lg_str s = lg_der_take(d, LG_DER_BOOLEAN);
	uint8_t v = s.n == 1 ? (uint8_t)s.p[0] : 1;

	if (v != 0 && v != 0xff)		/* X.690 11.1 */
		d->bad = true;
	return v == 0xff;
}

void
lg_der_null(struct lg_der *d)
{
	if (lg_der_take(d, LG_DER_NULL).n != 0)
		d->bad = true;
}

/* X.690 8.3.2: at least one octet; the first nine bits are not all alike. */
bool
lg_der_integer_valid(lg_str s)
{
	if (s.n < 2)
		return s.n == 1;
	bool second_high = (s.p[1] & 0x80) != 0;
	return (uint8_t)s.p[0] != (second_high ? 0xff : 0);
}

lg_str
lg_der_integer(struct lg_der *d)
{
	lg_str s = lg_der_take(d, LG_DER_INTEGER);

	if (lg_der_integer_valid(s))
		return s;
	d->bad = true;
	return LG_NONE;
}

lg_str
lg_der_unsigned(struct lg_der *d)
{
	lg_str s = lg_der_integer(d);

	if (s.n > 0 && (s.p[0] & 0x80) != 0) {
		d->bad = true;
		return LG_NONE;
	}
	return s.n > 1 && s.p[0] == 0 ? lg_str_sub(s, 1, s.n) : s;
}

int64_t
lg_der_int(struct lg_der *d)
{
	lg_str s = lg_der_integer(d);

	if (s.n == 0 || s.n > 8) {
		d->bad = true;
		return 0;
	}
	uint64_t v = (s.p[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (uint8_t)s.p[i];
	return (int64_t)v;
}

/* X.690 8.19: each arc without leading zero groups (0x80), the last one complete. */
bool
lg_der_oid_valid(lg_str s)
{
	bool first_of_arc = true;

	for (size_t i = 0; i < s.n; i++) {
		if (first_of_arc && (uint8_t)s.p[i] == 0x80)
			return false;
		first_of_arc = (s.p[i] & 0x80) == 0;
	}
	return s.n > 0 && first_of_arc;
}

lg_str
lg_der_oid(struct lg_der *d)
{
	lg_str s = lg_der_take(d, LG_DER_OID);

	if (lg_der_oid_valid(s))
		return s;
	d->bad = true;
	return LG_NONE;
}

static bool
bits_of(lg_str s, lg_str *ret)
{
	if (s.n == 0 || s.p[0] != 0)
		return false;
	*ret = lg_str_sub(s, 1, s.n);
	return true;
}

lg_str
lg_der_bits(struct lg_der *d)
{
	lg_str bits;

	if (bits_of(lg_der_take(d, LG_DER_BIT_STRING), &bits))
		return bits;
	d->bad = true;
	return LG_NONE;
}

/* X.690 11.2.2: a named bit list ends with a one, and unused bits are zero. */
static bool
named_bits_of(lg_str s, uint32_t *ret)
{
	uint32_t bits = 0;

	if (s.n == 0 || s.n > 5)
		return false;
	unsigned unused = (uint8_t)s.p[0];
	if (s.n == 1) {
		*ret = 0;
		return unused == 0;
	}
	uint8_t last = (uint8_t)s.p[s.n - 1];
	if (unused > 7 || (last & ((1u << unused) - 1)) != 0 || (last >> unused & 1) == 0)
		return false;
	for (size_t i = 0; i < (s.n - 1) * 8; i++)
		if (((uint8_t)s.p[1 + i / 8] >> (7 - i % 8) & 1) != 0)
			bits |= UINT32_C(1) << i;
	*ret = bits;
	return true;
}

uint32_t
lg_der_named_bits(struct lg_der *d)
{
	uint32_t bits = 0;

	if (!named_bits_of(lg_der_take(d, LG_DER_BIT_STRING), &bits))
		d->bad = true;
	return bits;
}

lg_str
lg_der_octets(struct lg_der *d)
{
	return lg_der_take(d, LG_DER_OCTET_STRING);
}

/* RFC 5280 4.1.2.5: seconds are there, the zone is Z, no fractions; YY means 1950 to 2049. */
bool
lg_der_time_of(uint8_t tag, lg_str s, int64_t *ret)
{
	size_t year_digits = tag == LG_DER_UTC_TIME ? 2 : 4;
	int t[6] = { 0 };

	if ((tag != LG_DER_UTC_TIME && tag != LG_DER_TIME) || s.n != year_digits + 11 || s.p[s.n - 1] != 'Z')
		return false;
	for (size_t i = 0; i < s.n - 1; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		int *field = i < year_digits ? &t[0] : &t[1 + (i - year_digits) / 2];
		*field = *field * 10 + (s.p[i] - '0');
	}
	if (tag == LG_DER_UTC_TIME)
		t[0] += t[0] < 50 ? 2000 : 1900;
	return lg_time_of(t, ret);
}

int64_t
lg_der_time(struct lg_der *d)
{
	struct lg_der_item item;
	int64_t us = 0;

	if (!lg_der_next(d, &item) || !lg_der_time_of(item.tag, item.body, &us))
		d->bad = true;
	return us;
}

/* ---- whole structures ------------------------------------------------------------------------- */

static bool
well_formed(struct lg_der *d, unsigned depth)
{
	struct lg_der_item item;

	while (lg_der_next(d, &item)) {
		if ((item.tag & 0x20) == 0)
			continue;
		struct lg_der inner = lg_der_of(item.body);
		if (depth == LG_DER_DEPTH || !well_formed(&inner, depth + 1))
			return false;
	}
	return !d->bad;
}

bool
lg_der_valid(lg_str s)
{
	struct lg_der d = lg_der_of(s);
	struct lg_der_item item;

	if (!lg_der_next(&d, &item) || lg_der_more(&d))
		return false;
	d = lg_der_of(s);
	return well_formed(&d, 0);
}
