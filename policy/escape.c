/* escape.c: string literals (the escapes of Rust, which Cedar took over) and `like` patterns. */
#include "policy/lex.h"

#include "base/text.h"

/* \xHH, ASCII only: two digits, the first at most 7. */
static const char *
hex_escape(lg_str raw, size_t *i, struct lg_buf *out)
{
	int hi, lo;

	if (*i + 1 >= raw.n)
		return "\\x needs two hexadecimal digits";
	hi = lg_hex_digit(raw.p[*i]);
	lo = lg_hex_digit(raw.p[*i + 1]);
	if (hi < 0 || lo < 0)
		return "\\x needs two hexadecimal digits";
	if (hi > 7)
		return "\\x must be at most \\x7f";
	lg_buf_byte(out, (char)(hi * 16 + lo));
	*i += 2;
	return NULL;
}

/* \u{1F600}: one to six digits, underscores between them, no surrogate. */
static const char *
unicode_escape(lg_str raw, size_t *i, struct lg_buf *out)
{
	uint32_t v = 0;
	int digits = 0;

	if (*i >= raw.n || raw.p[*i] != '{')
		return "\\u needs braces: \\u{1F600}";
	for (++*i; *i < raw.n && raw.p[*i] != '}'; ++*i) {
		int d = lg_hex_digit(raw.p[*i]);

		if (raw.p[*i] == '_' && digits > 0)
			continue;
		if (d < 0 || ++digits > 6)
			return "\\u{} takes one to six hexadecimal digits";
		v = v * 16 + (uint32_t)d;
	}
	if (*i >= raw.n || digits == 0)
		return "\\u{} takes one to six hexadecimal digits";
	if (v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return "\\u{} names no Unicode character";
	++*i;
	lg_buf_utf8(out, v);
	return NULL;
}

static const char *
one_escape(lg_str raw, size_t *i, bool pattern, struct lg_buf *out)
{
	static const char from[] = "nrt0\\'\"", to[] = "\n\r\t\0\\'\"";
	const char *at;
	char c;

	if (*i >= raw.n)
		return "a lone backslash";
	c = raw.p[(*i)++];
	if (c == 'x')
		return hex_escape(raw, i, out);
	if (c == 'u')
		return unicode_escape(raw, i, out);
	if (c == '*' && pattern) {
		lg_buf_byte(out, '*');
		return NULL;
	}
	at = memchr(from, c, sizeof(from) - 1);
	if (at == NULL)
		return "unknown escape";
	lg_buf_byte(out, to[at - from]);
	return NULL;
}

const char *
lg_unescape(struct lg_arena *a, lg_str raw, bool pattern, lg_str *ret, size_t *where)
{
	struct lg_buf out = LG_BUF(LG_POLICY_SOURCE_MAX);
	const char *fault = NULL;
	size_t i = 0;

	if (raw.n == 0 || (memchr(raw.p, '\\', raw.n) == NULL && memchr(raw.p, '\r', raw.n) == NULL &&
	    (!pattern || memchr(raw.p, '*', raw.n) == NULL))) {
		*ret = raw;
		return NULL;
	}
	while (i < raw.n && fault == NULL) {
		char c = raw.p[i];

		*where = i++;
		if (c == '\\')
			fault = one_escape(raw, &i, pattern, &out);
		else if (c == '\r')
			fault = "a bare carriage return";
		else
			lg_buf_byte(&out, pattern && c == '*' ? (char)LG_PATTERN_STAR : c);
	}
	if (fault == NULL)
		*ret = lg_dup(a, lg_buf_view(&out));
	lg_buf_free(&out);
	return fault;
}

void
lg_escape(struct lg_buf *out, lg_str s, bool pattern)
{
	lg_buf_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		switch (c) {
		case '"': lg_buf_str(out, LG_STR("\\\"")); break;
		case '\\': lg_buf_str(out, LG_STR("\\\\")); break;
		case '\n': lg_buf_str(out, LG_STR("\\n")); break;
		case '\r': lg_buf_str(out, LG_STR("\\r")); break;
		case '\t': lg_buf_str(out, LG_STR("\\t")); break;
		case '\0': lg_buf_str(out, LG_STR("\\0")); break;
		case '*': lg_buf_str(out, pattern ? LG_STR("\\*") : LG_STR("*")); break;
		case LG_PATTERN_STAR: lg_buf_byte(out, '*'); break;
		default:
			if (c < 0x20 || c == 0x7f)
				lg_buf_printf(out, "\\u{%x}", c);
			else
				lg_buf_byte(out, (char)c);
		}
	}
	lg_buf_byte(out, '"');
}
