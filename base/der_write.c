/* der_write.c: DER into a buffer.  Lengths are put in when they are known, by moving the content. */
#include "base/der.h"

#include <stdio.h>

#include "base/text.h"

/* The length octets of n (X.690 10.1) at `to`; how many. */
static size_t
encode_length(size_t n, uint8_t to[1 + sizeof(size_t)])
{
	size_t octets = 0;

	if (n < 0x80) {
		to[0] = (uint8_t)n;
		return 1;
	}
	for (size_t rest = n; rest > 0; rest >>= 8)
		octets++;
	to[0] = (uint8_t)(0x80 | octets);
	for (size_t i = octets; i > 0; i--, n >>= 8)
		to[i] = (uint8_t)n;
	return 1 + octets;
}

size_t
lg_derw_begin(struct lg_buf *b, uint8_t tag)
{
	lg_buf_byte(b, (char)tag);
	lg_buf_byte(b, 0);		/* enough for contents below 128 bytes, which most are */
	return b->n;
}

void
lg_derw_end(struct lg_buf *b, size_t begun)
{
	uint8_t length[1 + sizeof(size_t)];

	if (b->full)
		return;
	size_t n = b->n - begun;
	size_t octets = encode_length(n, length);
	if (!lg_buf_reserve(b, octets - 1))
		return;
	char *content = b->p + begun;
	memmove(content + octets - 1, content, n);
	memcpy(content - 1, length, octets);
	b->n += octets - 1;
}

void
lg_derw_raw(struct lg_buf *b, lg_str der)
{
	lg_buf_str(b, der);
}

static void
put_header(struct lg_buf *b, uint8_t tag, size_t n)
{
	uint8_t length[1 + sizeof(size_t)];

	lg_buf_byte(b, (char)tag);
	lg_buf_bytes(b, length, encode_length(n, length));
}

void
lg_derw_element(struct lg_buf *b, uint8_t tag, lg_str body)
{
	put_header(b, tag, body.n);
	lg_buf_str(b, body);
}

void
lg_derw_boolean(struct lg_buf *b, bool v)
{
	lg_derw_element(b, LG_DER_BOOLEAN, v ? LG_STR("\xff") : LG_STR("\0"));
}

void
lg_derw_null(struct lg_buf *b)
{
	lg_derw_element(b, LG_DER_NULL, LG_NONE);
}

static void
put_int(struct lg_buf *b, uint8_t tag, int64_t v)
{
	char octets[8];
	size_t skip = 0;

	for (int i = 0; i < 8; i++)
		octets[i] = (char)((uint64_t)v >> (56 - 8 * i));
	while (skip < 7 && !lg_der_integer_valid((lg_str){ octets + skip, 8 - skip }))
		skip++;
	lg_derw_element(b, tag, (lg_str){ octets + skip, 8 - skip });
}

void
lg_derw_int(struct lg_buf *b, int64_t v)
{
	put_int(b, LG_DER_INTEGER, v);
}

void
lg_derw_enumerated(struct lg_buf *b, int64_t v)
{
	put_int(b, LG_DER_ENUMERATED, v);
}

void
lg_derw_unsigned(struct lg_buf *b, lg_str m)
{
	while (m.n > 0 && m.p[0] == 0)
		m = lg_str_sub(m, 1, m.n);
	bool zero_first = m.n == 0 || (m.p[0] & 0x80) != 0;
	put_header(b, LG_DER_INTEGER, m.n + zero_first);
	if (zero_first)
		lg_buf_byte(b, 0);
	lg_buf_str(b, m);
}

void
lg_derw_oid(struct lg_buf *b, lg_str oid)
{
	lg_derw_element(b, LG_DER_OID, oid);
}

void
lg_derw_octets(struct lg_buf *b, lg_str s)
{
	lg_derw_element(b, LG_DER_OCTET_STRING, s);
}

void
lg_derw_utf8(struct lg_buf *b, lg_str s)
{
	lg_derw_element(b, LG_DER_UTF8, s);
}

void
lg_derw_bits(struct lg_buf *b, lg_str s)
{
	put_header(b, LG_DER_BIT_STRING, s.n + 1);
	lg_buf_byte(b, 0);
	lg_buf_str(b, s);
}

void
lg_derw_named_bits(struct lg_buf *b, uint8_t tag, uint32_t bits)
{
	uint8_t body[5] = { 0 };
	size_t last = 0;

	if (bits == 0) {
		lg_derw_element(b, tag, LG_STR("\0"));
		return;
	}
	for (size_t i = 0; i < 32; i++) {
		if ((bits >> i & 1) == 0)
			continue;
		body[1 + i / 8] |= (uint8_t)(0x80 >> i % 8);
		last = i;
	}
	body[0] = (uint8_t)(7 - last % 8);
	lg_derw_element(b, tag, (lg_str){ (const char *)body, 2 + last / 8 });
}

static void
put_time(struct lg_buf *b, int64_t us, bool two_digit_year)
{
	char text[40];
	int t[6];

	lg_time_split(us, t);
	int year = two_digit_year ? t[0] % 100 : t[0];
	int n = snprintf(text, sizeof text, "%0*d%02d%02d%02d%02d%02dZ", two_digit_year ? 2 : 4, year, t[1],
	    t[2], t[3], t[4], t[5]);
	lg_derw_element(b, two_digit_year ? LG_DER_UTC_TIME : LG_DER_TIME, (lg_str){ text, (size_t)n });
}

void
lg_derw_time(struct lg_buf *b, int64_t us)
{
	int t[6];

	lg_time_split(us, t);
	put_time(b, us, t[0] >= 1950 && t[0] < 2050);
}

void
lg_derw_generalized(struct lg_buf *b, int64_t us)
{
	put_time(b, us, false);
}
