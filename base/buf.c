/* buf.c: growing buffers and the reading cursor. */
#include "lightgate/base.h"

#include <stdio.h>
#include <stdlib.h>

void
lg_buf_free(struct lg_buf *b)
{
	free(b->p);
	*b = LG_BUF(b->max);
}

void
lg_buf_wipe(struct lg_buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->size);
	lg_buf_free(b);
}

void
lg_buf_clear(struct lg_buf *b)
{
	b->n = 0;
	b->full = false;
}

bool
lg_buf_grow(struct lg_buf *b, size_t more)
{
	if (b->full || more > b->max - b->n) {
		b->full = true;
		return false;
	}
	if (b->n + more <= b->size)
		return true;
	size_t size = b->size < 128 ? 128 : b->size;
	while (size < b->n + more)
		size *= 2;
	char *p = realloc(b->p, size);
	if (p == NULL) {
		fputs("lightgate: out of memory\n", stderr);
		abort();
	}
	b->p = p;
	b->size = size;
	return true;
}

void
lg_buf_bytes(struct lg_buf *b, const void *p, size_t n)
{
	if (n == 0 || !lg_buf_reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void
lg_buf_str(struct lg_buf *b, lg_str s)
{
	lg_buf_bytes(b, s.p, s.n);
}

void
lg_buf_u16(struct lg_buf *b, uint16_t v)
{
	uint8_t w[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	lg_buf_bytes(b, w, sizeof w);
}

void
lg_buf_u32(struct lg_buf *b, uint32_t v)
{
	uint32_t w = __builtin_bswap32(v);

	lg_buf_bytes(b, &w, sizeof w);
}

void
lg_buf_u64(struct lg_buf *b, uint64_t v)
{
	uint64_t w = __builtin_bswap64(v);

	lg_buf_bytes(b, &w, sizeof w);
}

void
lg_buf_varint(struct lg_buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		lg_buf_byte(b, (char)(v | 0x80));
	lg_buf_byte(b, (char)v);
}

size_t
lg_varint_size(uint64_t v)
{
	size_t n = 1;

	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}

void
lg_buf_varstr(struct lg_buf *b, lg_str s)
{
	lg_buf_varint(b, s.n);
	lg_buf_str(b, s);
}

void
lg_buf_str32(struct lg_buf *b, lg_str s)
{
	if (s.n > UINT32_MAX) {
		b->full = true;
		return;
	}
	lg_buf_u32(b, (uint32_t)s.n);
	lg_buf_str(b, s);
}

void
lg_buf_uuid(struct lg_buf *b, lg_uuid u)
{
	lg_buf_bytes(b, u.b, sizeof u.b);
}

void
lg_buf_printf(struct lg_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	/* one more for the NUL that vsnprintf writes and we do not count */
	if (n < 0 || !lg_buf_reserve(b, (size_t)n + 1))
		return;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void
lg_buf_drop(struct lg_buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n > 0 && n < b->n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

lg_err
lg_buf_status(struct lg_ctx *cx, const struct lg_buf *b)
{
	if (b->full)
		return lg_fail(cx, LG_E_LIMIT, "larger than the %zu bytes allowed here", b->max);
	return LG_OK;
}

struct lg_rd
lg_rd_of(lg_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	return (struct lg_rd){ p, p == NULL ? NULL : p + s.n, false };
}

lg_str
lg_rd_bytes(struct lg_rd *r, size_t n)
{
	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return LG_NONE;
	}
	lg_str s = { (const char *)r->p, n };
	r->p += n;
	return s;
}

static uint64_t
big_endian(struct lg_rd *r, size_t n)
{
	lg_str s = lg_rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (uint8_t)s.p[i];
	return v;
}

uint8_t
lg_rd_u8(struct lg_rd *r)
{
	return (uint8_t)big_endian(r, 1);
}

uint16_t
lg_rd_u16(struct lg_rd *r)
{
	return (uint16_t)big_endian(r, 2);
}

uint32_t
lg_rd_u32(struct lg_rd *r)
{
	return (uint32_t)big_endian(r, 4);
}

uint64_t
lg_rd_u64(struct lg_rd *r)
{
	return big_endian(r, 8);
}

lg_str
lg_rd_str32(struct lg_rd *r)
{
	return lg_rd_bytes(r, lg_rd_u32(r));
}

void
lg_rd_fixed(struct lg_rd *r, void *ret, size_t n)
{
	lg_str s = lg_rd_bytes(r, n);

	if (s.n == n && n > 0)
		memcpy(ret, s.p, n);
}

uint64_t
lg_rd_varint_long(struct lg_rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && !r->bad && r->p < r->end; shift += 7) {
		uint64_t bits = *r->p & 0x7f;
		if (bits << shift >> shift != bits)
			break;
		v |= bits << shift;
		if (*r->p++ < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

lg_uuid
lg_rd_uuid(struct lg_rd *r)
{
	lg_uuid u = { { 0 } };

	lg_rd_fixed(r, u.b, sizeof u.b);
	return u;
}
