/* utf8.c: UTF-8 as RFC 3629 has it: shortest forms, no surrogates, up to U+10FFFF. */
#include "base/text.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* One row for each form of the first byte; the second byte's range shuts out overlong forms and surrogates. */
static const struct {
	uint8_t first, last;
	uint8_t length;
	uint8_t second_min, second_max;
} forms[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static size_t
decode_long(const uint8_t *p, size_t n, uint32_t *code_point)
{
	for (size_t i = 0; i < LG_COUNT(forms); i++) {
		if (p[0] < forms[i].first || p[0] > forms[i].last)
			continue;
		size_t length = forms[i].length;
		if (n < length || p[1] < forms[i].second_min || p[1] > forms[i].second_max)
			return 0;
		uint32_t c = p[0] & (0x7fu >> length);
		for (size_t k = 1; k < length; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[k] & 0x3fu);
		}
		*code_point = c;
		return length;
	}
	return 0;
}

size_t
lg_utf8_decode(lg_str s, uint32_t *code_point)
{
	const uint8_t *p = (const uint8_t *)s.p;

	if (s.n == 0)
		return 0;
	if (p[0] >= 0x80)
		return decode_long(p, s.n, code_point);
	*code_point = p[0];
	return 1;
}

bool
lg_utf8_valid(lg_str s)
{
	uint64_t eight;
	uint32_t c;

	while (s.n > 0) {
		while (s.n >= 8 && (memcpy(&eight, s.p, 8), (eight & HIGH_BITS) == 0))
			s = (lg_str){ s.p + 8, s.n - 8 };
		if (s.n == 0)
			break;
		size_t used = lg_utf8_decode(s, &c);
		if (used == 0)
			return false;
		s = (lg_str){ s.p + used, s.n - used };
	}
	return true;
}

uint32_t
lg_utf8_next(lg_str *s)
{
	uint32_t c = 0;
	size_t used = lg_utf8_decode(*s, &c);

	*s = used == 0 ? LG_NONE : lg_str_sub(*s, used, s->n);
	return c;
}

size_t
lg_utf8_encode(uint32_t c, char ret[4])
{
	if (c < 0x80) {
		ret[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		ret[i] = (char)(0x80 | (c & 0x3f));
	ret[0] = (char)(0xf00u >> n | c);	/* as many ones as there are bytes, then a zero */
	return n;
}

void
lg_buf_utf8(struct lg_buf *b, uint32_t c)
{
	char u[4];

	lg_buf_bytes(b, u, lg_utf8_encode(c, u));
}
