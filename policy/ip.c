/* ip.c: the ipaddr extension: addresses with a prefix; host bits count in equality. */
#include "policy/value.h"

#define IP_TEXT_MAX 43		/* "ffff:...:ffff/128": no longer text can be one */

/* 1 to `max` decimal digits without a leading zero, at most `top`. */
static bool
decimal_part(lg_str s, size_t max, unsigned top, uint8_t *ret)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > max || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(s.p[i] - '0');
	}
	*ret = (uint8_t)v;
	return v <= top;
}

static bool
v4_parse(lg_str s, uint8_t b[16])
{
	for (int i = 0; i < 4; i++) {
		lg_str head, tail;
		bool more = lg_str_cut(s, '.', &head, &tail);

		if (more != (i < 3) || !decimal_part(head, 3, 255, &b[i]))
			return false;
		s = tail;
	}
	return true;
}

static bool
group_parse(lg_str s, uint8_t *b)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + (unsigned)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
	return true;
}

/* Groups between colons into b; -1 if malformed, else their number.  Empty text is no group. */
static int
groups_parse(lg_str s, uint8_t b[16])
{
	bool more = s.n > 0;
	int n = 0;

	while (more) {
		lg_str head;

		more = lg_str_cut(s, ':', &head, &s);
		if (n == 8 || !group_parse(head, b + 2 * n))
			return -1;
		n++;
	}
	return n;
}

static bool
v6_parse(lg_str s, uint8_t b[16])
{
	uint8_t tail[16] = { 0 };
	const char *gap = memmem(s.p, s.n, "::", 2);
	int before, after;

	if (gap == NULL)
		return groups_parse(s, b) == 8;
	before = groups_parse((lg_str){ s.p, (size_t)(gap - s.p) }, b);
	after = groups_parse((lg_str){ gap + 2, s.n - (size_t)(gap + 2 - s.p) }, tail);
	if (before < 0 || after < 0 || before + after > 7)
		return false;
	memset(b + 2 * before, 0, (size_t)(16 - 2 * before));
	memcpy(b + 16 - 2 * after, tail, (size_t)(2 * after));
	return true;
}

bool
lg_ip_parse(lg_str s, struct lg_ip *ret)
{
	struct lg_ip ip = { { 0 }, 0, false };
	lg_str address, prefix;
	bool cut = lg_str_cut(s, '/', &address, &prefix);

	if (s.n == 0 || s.n > IP_TEXT_MAX)
		return false;
	ip.v6 = memchr(address.p, ':', address.n) != NULL;
	if (!(ip.v6 ? v6_parse(address, ip.b) : v4_parse(address, ip.b)))
		return false;
	ip.prefix = ip.v6 ? 128 : 32;
	if (cut && !decimal_part(prefix, ip.v6 ? 3 : 2, ip.prefix, &ip.prefix))
		return false;
	*ret = ip;
	return true;
}

/* a is inside b if b's prefix is no longer and all its bits agree. */
bool
lg_ip_in_range(const struct lg_ip *a, const struct lg_ip *b)
{
	unsigned whole = b->prefix / 8u, bits = b->prefix % 8u;

	if (a->v6 != b->v6 || a->prefix < b->prefix || memcmp(a->b, b->b, whole) != 0)
		return false;
	return bits == 0 || ((a->b[whole] ^ b->b[whole]) >> (8 - bits)) == 0;
}

bool
lg_ip_is_loopback(const struct lg_ip *a)
{
	static const struct lg_ip v4 = { { 127 }, 8, false };
	static const struct lg_ip v6 = { { [15] = 1 }, 128, true };

	return lg_ip_in_range(a, a->v6 ? &v6 : &v4);
}

bool
lg_ip_is_multicast(const struct lg_ip *a)
{
	static const struct lg_ip v4 = { { 224 }, 4, false };
	static const struct lg_ip v6 = { { 0xff }, 8, true };

	return lg_ip_in_range(a, a->v6 ? &v6 : &v4);
}

lg_str
lg_ip_text(struct lg_arena *a, const struct lg_ip *ip)
{
	const uint8_t *b = ip->b;

	if (!ip->v6)
		return lg_print(a, "%u.%u.%u.%u/%u", b[0], b[1], b[2], b[3], ip->prefix);
	return lg_print(a, "%x:%x:%x:%x:%x:%x:%x:%x/%u", b[0] << 8 | b[1], b[2] << 8 | b[3], b[4] << 8 | b[5],
	    b[6] << 8 | b[7], b[8] << 8 | b[9], b[10] << 8 | b[11], b[12] << 8 | b[13], b[14] << 8 | b[15], ip->prefix);
}
