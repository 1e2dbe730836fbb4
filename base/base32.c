/* base32.c: octets as people copy them by hand (RFC 4648 6). */
#include "base/text.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

lg_str
lg_base32(struct lg_arena *a, lg_str bytes)
{
	char *p = lg_alloc(a, (bytes.n * 8 + 4) / 5 + 1);
	size_t n = 0, bits = 0;
	uint32_t held = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		held = held << 8 | (uint8_t)bytes.p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			p[n++] = alphabet[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		p[n++] = alphabet[held << (5 - bits) & 31];
	return (lg_str){ p, n };
}

static int
value_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool
lg_base32_parse(struct lg_arena *a, lg_str text, lg_str *ret)
{
	char *p = lg_alloc(a, text.n + 1);
	size_t n = 0, bits = 0;
	uint32_t held = 0;

	for (size_t i = 0; i < text.n; i++) {
		int v = value_of(text.p[i]);

		if (text.p[i] == ' ' || text.p[i] == '-')
			continue;
		if (v < 0)
			return false;
		held = held << 5 | (uint32_t)v;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			p[n++] = (char)(held >> bits);
		}
	}
	/* Canonical: no whole character too many, and no bits in what is left. */
	if (bits >= 5 || (held & ((1u << bits) - 1)) != 0)
		return false;
	*ret = (lg_str){ p, n };
	return true;
}
