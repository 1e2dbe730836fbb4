/* percent.c: percent-encoding (RFC 3986 2.1), HTML escapes and decimal integers. */
#include "base/text.h"

/* How much of the text's beginning stands for itself. */
static size_t
plain_part(lg_str text, bool plus_is_blank)
{
	const char *percent = text.n == 0 ? NULL : memchr(text.p, '%', text.n);
	size_t n = percent == NULL ? text.n : (size_t)(percent - text.p);
	const char *plus = n == 0 || !plus_is_blank ? NULL : memchr(text.p, '+', n);

	return plus == NULL ? n : (size_t)(plus - text.p);
}

bool
lg_percent_parse(struct lg_arena *a, lg_str text, bool plus_is_blank, lg_str *ret)
{
	char *p = lg_alloc(a, text.n + 1);
	size_t n = plain_part(text, plus_is_blank);

	if (n > 0)
		memcpy(p, text.p, n);
	for (size_t i = n; i < text.n; i++) {
		char c = text.p[i];
		if (c == '%') {
			int high = i + 2 < text.n ? lg_hex_digit(text.p[i + 1]) : -1;
			int low = i + 2 < text.n ? lg_hex_digit(text.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		p[n++] = c;
	}
	*ret = (lg_str){ p, n };
	return true;
}

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
lg_str_only(lg_str s, const char *more)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr(more, s.p[i]) == NULL))
			return false;
	return s.n > 0;
}

static bool
unreserved(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void
lg_buf_percent(struct lg_buf *b, lg_str s)
{
	static const char digits[] = "0123456789ABCDEF";	/* RFC 3986 2.1: upper case */

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (unreserved(s.p[i]))
			lg_buf_byte(b, s.p[i]);
		else
			lg_buf_bytes(b, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
	}
}

static lg_str
html_escape(char c)
{
	switch (c) {
	case '&':
		return LG_STR("&amp;");
	case '<':
		return LG_STR("&lt;");
	case '>':
		return LG_STR("&gt;");
	case '"':
		return LG_STR("&quot;");
	case '\'':
		return LG_STR("&#39;");
	default:
		return LG_NONE;
	}
}

void
lg_buf_html(struct lg_buf *b, lg_str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		lg_str escape = html_escape(s.p[i]);
		if (escape.n == 0)
			continue;
		lg_buf_str(b, lg_str_sub(s, from, i - from));
		lg_buf_str(b, escape);
		from = i + 1;
	}
	lg_buf_str(b, lg_str_sub(s, from, s.n));
}

bool
lg_int_parse(lg_str s, int64_t *ret)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	lg_str digits = lg_str_sub(s, minus, s.n);
	int64_t v = 0;

	if (digits.n == 0 || (digits.p[0] == '0' && s.n > 1))	/* "-0" falls here too */
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		int d = digits.p[i] - '0';
		if (d < 0 || d > 9)
			return false;
		/* counted downwards, since INT64_MIN has no positive twin */
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
			return false;
	}
	if (!minus && v == INT64_MIN)
		return false;
	*ret = minus ? v : -v;
	return true;
}
