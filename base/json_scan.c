/* json_scan.c: the tokens of JSON: strings, numbers, words.  Strings are scanned eight bytes at a time. */
#include "base/json_scan.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/text.h"

void
lg_json_fault_at(struct lg_json *js, size_t at, const char *why)
{
	if (js->fault != NULL)
		return;			/* the first one is what matters */
	js->fault = why;
	js->fault_at = at;
}

/* ---- strings ---------------------------------------------------------------------------------- */

/* Finds the closing quote from `i` on; says whether there are escapes and bytes beyond ASCII on the way. */
static bool
find_quote(struct lg_json *js, size_t i, size_t *end, bool *escapes, bool *beyond_ascii)
{
	const char *p = js->text.p;
	size_t n = js->text.n;
	uint64_t eight, all = 0;

	*escapes = false;
	while (i < n) {
		if (n - i >= 8) {
			memcpy(&eight, p + i, 8);
			all |= eight;
			size_t plain = lg_json_bytes_before(lg_json_stops(eight));
			i += plain;
			if (plain == 8)
				continue;
		}
		unsigned char c = (unsigned char)p[i];
		if (c == '"') {
			*end = i;
			*beyond_ascii = (all & LG_EACH_BYTE(0x80)) != 0;
			return true;
		}
		if (c < 0x20) {
			lg_json_fault_at(js, i, "control character in a string");
			return false;
		}
		all |= c;
		*escapes |= c == '\\';
		i += c == '\\' ? 2 : 1;
	}
	lg_json_fault_at(js, n, "string without an end");
	return false;
}

/* Four hexadecimal digits, -1 if they are not there. */
static int32_t
unit16(lg_str s)
{
	int32_t v = 0;

	if (s.n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int digit = lg_hex_digit(s.p[i]);
		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/*
 * What follows "\u": a code point in UTF-8 at `to`, or why not.  RFC 8259 7: beyond U+FFFF as a surrogate
 * pair.  U+0000 is refused unless asked for, since sooner or later a C library would cut the string there.
 */
static const char *
unescape_u(const struct lg_json *js, lg_str *raw, char **to)
{
	int32_t c = unit16(*raw);

	if (c < 0)
		return "bad \\u escape";
	*raw = lg_str_sub(*raw, 4, raw->n);
	if (c == 0 && !js->nul)
		return "U+0000 in a string";
	if (c >= 0xdc00 && c <= 0xdfff)
		return "lone surrogate";
	if (c >= 0xd800 && c <= 0xdbff) {
		if (!lg_str_starts(*raw, LG_STR("\\u")))
			return "lone surrogate";
		int32_t low = unit16(lg_str_sub(*raw, 2, 4));
		if (low < 0xdc00 || low > 0xdfff)
			return "lone surrogate";
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*raw = lg_str_sub(*raw, 6, raw->n);
	}
	*to += lg_utf8_encode((uint32_t)c, *to);
	return NULL;
}

static lg_str
unescape(struct lg_json *js, size_t from, lg_str raw)
{
	static const char one[256] = {
		['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n',
		['r'] = '\r', ['t'] = '\t',
	};
	char *start = lg_alloc(js->arena, raw.n + 1);	/* no escape is shorter than what it stands for */
	char *to = start;
	lg_str plain, rest = raw;

	while (lg_str_cut(rest, '\\', &plain, &rest)) {
		to = mempcpy(to, plain.p, plain.n);
		char c = rest.p[0];			/* find_quote never ends on a backslash */
		const char *why = one[(unsigned char)c] == 0 && c != 'u' ? "unknown escape" : NULL;
		rest = lg_str_sub(rest, 1, rest.n);
		if (c == 'u')
			why = unescape_u(js, &rest, &to);
		if (why != NULL) {
			lg_json_fault_at(js, from + (size_t)(rest.p - raw.p), why);
			return LG_NONE;
		}
		if (c != 'u')
			*to++ = one[(unsigned char)c];
	}
	to = mempcpy(to, plain.p, plain.n);
	return (lg_str){ start, (size_t)(to - start) };
}

lg_str
lg_json_scan_string(struct lg_json *js)
{
	size_t from = js->at + 1, end;
	bool escapes, beyond_ascii;

	if (!find_quote(js, from, &end, &escapes, &beyond_ascii))
		return LG_NONE;
	lg_str raw = { js->text.p + from, end - from };
	if (beyond_ascii && !lg_utf8_valid(raw)) {
		lg_json_fault_at(js, from, "string is not UTF-8");
		return LG_NONE;
	}
	js->at = end + 1;
	return escapes ? unescape(js, from, raw) : raw;
}

/* ---- numbers and words ------------------------------------------------------------------------ */

static size_t
digits(lg_str s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

/* The length of the number at the front of s by the grammar of RFC 8259 6; 0 if there is none. */
static size_t
number_length(lg_str s, bool *integer)
{
	size_t from = s.n > 0 && s.p[0] == '-';
	size_t i = digits(s, from);

	*integer = true;
	if (i == from || (s.p[from] == '0' && i > from + 1))
		return 0;
	if (i < s.n && s.p[i] == '.') {
		*integer = false;
		from = i + 1;
		i = digits(s, from);
		if (i == from)
			return 0;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		*integer = false;
		from = i + 1;
		if (from < s.n && (s.p[from] == '+' || s.p[from] == '-'))
			from++;
		i = digits(s, from);
		if (i == from)
			return 0;
	}
	return i;
}

/* strtod in the C locale, whatever the process has chosen. */
static double
to_double(lg_str s)
{
	char text[LG_JSON_NUMBER_MAX + 1];
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);	/* glibc: the built-in one, no allocation */

	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	double d = strtod_l(text, NULL, c);
	freelocale(c);
	return d;
}

struct lg_json_number
lg_json_scan_number(struct lg_json *js)
{
	struct lg_json_number v = { false, 0, 0 };
	lg_str rest = lg_str_sub(js->text, js->at, js->text.n);
	lg_str text = lg_str_sub(rest, 0, number_length(rest, &v.integer));
	const char *why = NULL;

	if (text.n == 0)
		why = "malformed number";
	else if (text.n > LG_JSON_NUMBER_MAX)
		why = "number is too long";
	else if (!v.integer)
		why = isfinite(v.d = to_double(text)) ? NULL : "number is too large";
	else if (!lg_int_parse(text, &v.i) && !lg_str_eq(text, LG_STR("-0")))
		why = "number does not fit 64 bits";
	if (why != NULL) {
		lg_json_fault_at(js, js->at, why);
		return (struct lg_json_number){ false, 0, 0 };
	}
	js->at += text.n;
	if (v.integer)
		v.d = (double)v.i;
	return v;
}

bool
lg_json_scan_word(struct lg_json *js, lg_str word)
{
	if (lg_str_eq(lg_str_sub(js->text, js->at, word.n), word)) {
		js->at += word.n;
		return true;
	}
	lg_json_fault_at(js, js->at, "unknown word");
	return false;
}
