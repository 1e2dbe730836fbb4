/* ber.c: reading and writing BER as LDAP uses it. */
#include "directory/ber.h"

#include <assert.h>

/* ---- reading --------------------------------------------------------------------------------------------------- */

/* Octets of the length field; its value in *ret.  0: not all there yet, -1: refused. */
static int
read_length(const uint8_t *p, size_t n, size_t *ret)
{
	unsigned octets;
	size_t v = 0;

	if (n == 0)
		return 0;
	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	octets = p[0] & 0x7f;		/* 0 is the indefinite form */
	if (octets == 0 || octets > 4)
		return -1;
	if (n < 1 + octets)
		return 0;
	for (unsigned i = 1; i <= octets; i++)
		v = v << 8 | p[i];
	*ret = v;
	return 1 + (int)octets;
}

int64_t
lg_ber_frame(lg_str s, size_t max)
{
	size_t length = 0;
	int head;

	if (s.n == 0)
		return 0;
	if ((unsigned char)s.p[0] != LG_BER_SEQUENCE)
		return -1;
	head = read_length((const uint8_t *)s.p + 1, s.n - 1, &length);
	if (head <= 0)
		return head;
	if (length == 0 || length > max)
		return -1;
	return (int64_t)(1 + (size_t)head + length);
}

struct lg_ber
lg_ber_of(lg_str s)
{
	const uint8_t *p = s.p == NULL ? (const uint8_t *)"" : (const uint8_t *)s.p;

	return (struct lg_ber){ p, p + s.n, false };
}

bool
lg_ber_more(const struct lg_ber *b)
{
	return !b->bad && b->p < b->end;
}

int
lg_ber_peek(const struct lg_ber *b)
{
	return lg_ber_more(b) ? b->p[0] : -1;
}

static lg_str
fault(struct lg_ber *b)
{
	b->bad = true;
	b->p = b->end;
	return LG_STR("");
}

lg_str
lg_ber_any(struct lg_ber *b, int *tag)
{
	size_t left, length = 0;
	int head;
	lg_str content;

	*tag = lg_ber_peek(b);
	if (*tag < 0 || (*tag & 0x1f) == 0x1f)
		return fault(b);
	left = (size_t)(b->end - b->p) - 1;
	head = read_length(b->p + 1, left, &length);
	if (head <= 0 || length > left - (size_t)head)
		return fault(b);
	content = (lg_str){ (const char *)b->p + 1 + head, length };
	b->p += 1 + (size_t)head + length;
	return content;
}

lg_str
lg_ber_str(struct lg_ber *b, int tag)
{
	int got;
	lg_str s = lg_ber_any(b, &got);

	return got == tag ? s : fault(b);
}

struct lg_ber
lg_ber_enter(struct lg_ber *b, int tag)
{
	struct lg_ber inner = lg_ber_of(lg_ber_str(b, tag));

	inner.bad = b->bad;
	return inner;
}

int64_t
lg_ber_int(struct lg_ber *b, int tag)
{
	lg_str s = lg_ber_str(b, tag);
	uint64_t v;

	if (s.n == 0 || s.n > 8) {
		fault(b);
		return 0;
	}
	v = (s.p[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (unsigned char)s.p[i];
	return (int64_t)v;
}

bool
lg_ber_bool(struct lg_ber *b, int tag)
{
	lg_str s = lg_ber_str(b, tag);

	if (s.n != 1)
		fault(b);
	return s.n == 1 && s.p[0] != 0;
}

size_t
lg_ber_count(const struct lg_ber *b)
{
	struct lg_ber copy = *b;
	size_t n = 0;
	int tag;

	while (lg_ber_more(&copy)) {
		lg_ber_any(&copy, &tag);
		n++;
	}
	return n;
}

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

struct lg_berw
lg_berw_of(struct lg_buf *out)
{
	return (struct lg_berw){ .out = out };
}

/* Octets of the long form behind its first one; 0 for the short form. */
static unsigned
length_octets(size_t n)
{
	return n < 0x80 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : n < 0x1000000 ? 3 : 4;
}

static void
put_length(char *p, size_t n, unsigned octets)
{
	p[0] = (char)(octets == 0 ? n : 0x80u | octets);
	for (unsigned i = 0; i < octets; i++)
		p[1 + i] = (char)(n >> (8 * (octets - 1 - i)));
}

void
lg_berw_open(struct lg_berw *w, int tag)
{
	assert(w->n < LG_BER_OPEN);
	lg_buf_byte(w->out, (char)tag);
	lg_buf_byte(w->out, 0);
	w->open[w->n++] = w->out->n;
}

/* One octet was kept for the length; longer content moves up. */
void
lg_berw_close(struct lg_berw *w)
{
	size_t at, n;
	unsigned octets;

	assert(w->n > 0);
	at = w->open[--w->n];
	if (w->out->full)
		return;
	n = w->out->n - at;
	octets = length_octets(n);
	if (octets > 0) {
		lg_buf_bytes(w->out, "\0\0\0\0", octets);
		if (w->out->full)
			return;
		memmove(w->out->p + at + octets, w->out->p + at, n);
	}
	put_length(w->out->p + at - 1, n, octets);
}

void
lg_berw_str(struct lg_berw *w, int tag, lg_str s)
{
	char head[6] = { (char)tag };
	unsigned octets = length_octets(s.n);

	put_length(head + 1, s.n, octets);
	lg_buf_bytes(w->out, head, 2 + octets);
	lg_buf_str(w->out, s);
}

void
lg_berw_int(struct lg_berw *w, int tag, int64_t v)
{
	char b[8];
	unsigned from = 0;

	for (unsigned i = 0; i < 8; i++)
		b[i] = (char)((uint64_t)v >> (8 * (7 - i)));
	while (from < 7 && ((b[from] == 0 && (b[from + 1] & 0x80) == 0) || ((unsigned char)b[from] == 0xff && (b[from + 1] & 0x80) != 0)))
		from++;
	lg_berw_str(w, tag, (lg_str){ b + from, 8 - from });
}

void
lg_berw_bool(struct lg_berw *w, int tag, bool v)
{
	lg_berw_str(w, tag, v ? LG_STR("\xff") : LG_STR("\0"));
}
