/* base64.c: bytes as hexadecimal, base64 and base64url (RFC 4648), and back. */
#include "base/text.h"

static const char hex_digits[16] = "0123456789abcdef";
static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { BAD = 0xff };

/* The letters and digits, one more than their value; the last two differ between the alphabets. */
static const uint8_t alnum[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62,
};

lg_str
lg_hex(struct lg_arena *a, lg_str bytes)
{
	char *p = lg_alloc(a, bytes.n * 2 + 1);

	for (size_t i = 0; i < bytes.n; i++) {
		p[2 * i] = hex_digits[(uint8_t)bytes.p[i] >> 4];
		p[2 * i + 1] = hex_digits[(uint8_t)bytes.p[i] & 15];
	}
	return (lg_str){ p, bytes.n * 2 };
}

int
lg_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
lg_hex_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	if (text.n % 2 != 0)
		return false;
	char *p = lg_alloc(a, text.n / 2 + 1);
	for (size_t i = 0; i < text.n / 2; i++) {
		int high = lg_hex_digit(text.p[2 * i]);
		int low = lg_hex_digit(text.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		p[i] = (char)(high << 4 | low);
	}
	*ret = (lg_str){ p, text.n / 2 };
	return true;
}

static size_t
encoded_size(size_t n)		/* without padding */
{
	return n / 3 * 4 + (n % 3 == 0 ? 0 : n % 3 + 1);
}

static void
encode(const char set[64], lg_str bytes, char *to)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	size_t n = bytes.n;

	for (; n >= 3; n -= 3, p += 3) {
		*to++ = set[p[0] >> 2];
		*to++ = set[(p[0] & 3) << 4 | p[1] >> 4];
		*to++ = set[(p[1] & 15) << 2 | p[2] >> 6];
		*to++ = set[p[2] & 63];
	}
	if (n == 0)
		return;
	*to++ = set[p[0] >> 2];
	if (n == 1) {
		*to = set[(p[0] & 3) << 4];
		return;
	}
	*to++ = set[(p[0] & 3) << 4 | p[1] >> 4];
	*to = set[(p[1] & 15) << 2];
}

lg_str
lg_base64(struct lg_arena *a, lg_str bytes)
{
	size_t n = (bytes.n + 2) / 3 * 4;
	char *p = lg_alloc(a, n + 1);

	encode(alphabet, bytes, p);
	memset(p + encoded_size(bytes.n), '=', n - encoded_size(bytes.n));
	return (lg_str){ p, n };
}

lg_str
lg_base64url(struct lg_arena *a, lg_str bytes)
{
	size_t n = encoded_size(bytes.n);
	char *p = lg_alloc(a, n + 1);

	encode(alphabet_url, bytes, p);
	return (lg_str){ p, n };
}

void
lg_buf_base64url(struct lg_buf *b, lg_str bytes)
{
	size_t n = encoded_size(bytes.n);

	if (n == 0 || !lg_buf_reserve(b, n))
		return;
	encode(alphabet_url, bytes, b->p + b->n);
	b->n += n;
}

static uint32_t
value(const char set[64], char c)
{
	uint8_t v = alnum[(uint8_t)c];

	if (v != 0)
		return v - 1u;
	return c == set[62] ? 62 : c == set[63] ? 63 : BAD;
}

/* What is left after whole groups: 2 characters for one byte, 3 for two; unused bits must be zero (RFC 4648 3.5). */
static bool
decode_tail(const char set[64], lg_str text, char *to)
{
	if (text.n == 0)
		return true;
	if (text.n == 1)
		return false;
	uint32_t a = value(set, text.p[0]);
	uint32_t b = value(set, text.p[1]);
	uint32_t c = text.n == 3 ? value(set, text.p[2]) : 0;
	if (a == BAD || b == BAD || c == BAD)
		return false;
	uint32_t bits = a << 12 | b << 6 | c;
	to[0] = (char)(bits >> 10);
	if (text.n == 2)
		return (bits & 0x3ff) == 0;
	to[1] = (char)(bits >> 2);
	return (bits & 3) == 0;
}

static bool
decode(const char set[64], struct lg_arena *arena, lg_str text, lg_str *ret)
{
	size_t tail = text.n % 4;
	size_t n = text.n / 4 * 3 + (tail == 0 ? 0 : tail - 1);
	char *start = lg_alloc(arena, n + 1);
	char *to = start;

	for (size_t i = 0; i + 4 <= text.n; i += 4) {
		uint32_t a = value(set, text.p[i]);
		uint32_t b = value(set, text.p[i + 1]);
		uint32_t c = value(set, text.p[i + 2]);
		uint32_t d = value(set, text.p[i + 3]);
		if ((a | b | c | d) > 63)
			return false;
		*to++ = (char)(a << 2 | b >> 4);
		*to++ = (char)(b << 4 | c >> 2);
		*to++ = (char)(c << 6 | d);
	}
	if (!decode_tail(set, lg_str_sub(text, text.n - tail, tail), to))
		return false;
	*ret = (lg_str){ start, n };
	return true;
}

bool
lg_base64_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	if (text.n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && text.n > 0 && text.p[text.n - 1] == '='; i++)
		text.n--;
	return decode(alphabet, a, text, ret);
}

bool
lg_base64url_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	return decode(alphabet_url, a, text, ret);
}
