/* pem.c: textual encodings of PKIX structures (RFC 7468). */
#include "base/text.h"

enum { LINE = 64 };

lg_str
lg_pem(struct lg_arena *a, lg_str label, lg_str der)
{
	lg_str text = lg_base64(a, der);
	size_t lines = (text.n + LINE - 1) / LINE;
	size_t room = text.n + lines + 2 * label.n + sizeof "-----BEGIN -----\n-----END -----\n";
	char *start = lg_alloc(a, room);
	char *p = start;

	p = mempcpy(p, "-----BEGIN ", 11);
	p = mempcpy(p, label.p, label.n);
	p = mempcpy(p, "-----\n", 6);
	for (size_t i = 0; i < text.n; i += LINE) {
		lg_str line = lg_str_sub(text, i, LINE);
		p = mempcpy(p, line.p, line.n);
		*p++ = '\n';
	}
	p = mempcpy(p, "-----END ", 9);
	p = mempcpy(p, label.p, label.n);
	p = mempcpy(p, "-----\n", 6);
	return (lg_str){ start, (size_t)(p - start) };
}

/* Finds `mark` at the start of a line; what stands before it and after it. */
static bool
find_line(lg_str text, lg_str mark, lg_str *before, lg_str *after)
{
	lg_str at = text;

	while (at.n > 0) {
		const char *hit = memmem(at.p, at.n, mark.p, mark.n);
		if (hit == NULL)
			return false;
		size_t i = (size_t)(hit - text.p);
		if (i == 0 || text.p[i - 1] == '\n' || text.p[i - 1] == '\r') {
			*before = lg_str_sub(text, 0, i);
			*after = lg_str_sub(text, i + mark.n, text.n);
			return true;
		}
		at = lg_str_sub(text, i + 1, text.n);
	}
	return false;
}

/* RFC 7468 3: parsers should ignore whitespace; anything else that is not base64 is an error. */
static lg_str
without_blanks(struct lg_arena *a, lg_str s)
{
	char *p = lg_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != ' ' && s.p[i] != '\t')
			p[n++] = s.p[i];
	return (lg_str){ p, n };
}

bool
lg_pem_parse(struct lg_arena *a, lg_str text, lg_str label, lg_str *der, lg_str *rest)
{
	lg_str begin = lg_print(a, "-----BEGIN %.*s-----", LG_FMT(label));
	lg_str end = lg_print(a, "-----END %.*s-----", LG_FMT(label));
	lg_str before, body, after, bytes;

	if (!find_line(text, begin, &before, &after))
		return false;
	if (!find_line(after, end, &body, &after))
		return false;
	if (!lg_base64_parse(a, without_blanks(a, body), &bytes) || bytes.n == 0)
		return false;
	*der = bytes;
	if (rest != NULL)
		*rest = after;
	return true;
}
