/* str.c: slices. */
#include "lightgate/base.h"

int
lg_str_cmp(lg_str a, lg_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
lg_str_eq_fold(lg_str a, lg_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
lg_str_starts(lg_str s, lg_str prefix)
{
	return s.n >= prefix.n && lg_str_eq(lg_str_sub(s, 0, prefix.n), prefix);
}

bool
lg_str_ends(lg_str s, lg_str suffix)
{
	return s.n >= suffix.n && lg_str_eq(lg_str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

lg_str
lg_str_sub(lg_str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (lg_str){ s.p == NULL ? NULL : s.p + from, n };
}

static bool
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

lg_str
lg_str_trim(lg_str s)
{
	while (s.n > 0 && blank(s.p[0]))
		s = lg_str_sub(s, 1, s.n);
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
lg_str_cut(lg_str s, char sep, lg_str *head, lg_str *tail)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, sep, s.n);

	if (at == NULL) {
		*head = s;
		*tail = lg_str_sub(s, s.n, 0);
		return false;
	}
	size_t i = (size_t)(at - s.p);
	*head = lg_str_sub(s, 0, i);
	*tail = lg_str_sub(s, i + 1, s.n);
	return true;
}
