/*
 * filter_text.c: filters as text (RFC 4515), for tools and tests.  The text is turned into the wire's form, which has one reader.
 */
#include "base/text.h"
#include "directory/filter.h"

struct text {
	struct lg_ctx *cx;
	const char *p, *end;
	struct lg_berw w;
};

static lg_err
bad(struct text *t)
{
	return lg_fail(t->cx, LG_E_INVALID, "malformed filter text, %zu octets before its end", (size_t)(t->end - t->p));
}

/* Up to one of `stops` (or the end), escapes undone. */
static lg_err
take_value(struct text *t, const char *stops, lg_str *ret)
{
	char *out = lg_alloc(t->cx->arena, (size_t)(t->end - t->p) + 1);
	size_t n = 0;

	while (t->p < t->end && strchr(stops, *t->p) == NULL) {
		char c = *t->p++;
		if (c == '(' || c == '\0')
			return bad(t);
		if (c == '\\') {
			int high = t->p < t->end ? lg_hex_digit(t->p[0]) : -1, low = t->p + 1 < t->end ? lg_hex_digit(t->p[1]) : -1;
			if (high < 0 || low < 0)
				return bad(t);
			c = (char)(high << 4 | low);
			t->p += 2;
		}
		out[n++] = c;
	}
	*ret = (lg_str){ out, n };
	return LG_OK;
}

static lg_err
write_pieces(struct text *t, lg_str first)
{
	bool initial = true;
	lg_str piece = first;

	lg_berw_open(&t->w, LG_BER_SEQUENCE);
	for (;;) {
		bool final = t->p == t->end || *t->p == ')';
		if (piece.n > 0)
			lg_berw_str(&t->w, LG_BER_CONTEXT(initial ? 0 : final ? 2 : 1), piece);
		else if (!initial && !final)
			return bad(t);		/* "**" */
		if (final)
			break;
		t->p++;
		initial = false;
		LG_TRY(take_value(t, "*)", &piece));
	}
	lg_berw_close(&t->w);
	return LG_OK;
}

/* attr=value, attr=*, attr=a*b */
static lg_err
write_equal(struct text *t, lg_str attr)
{
	lg_str value;

	LG_TRY(take_value(t, "*)", &value));
	if (t->p < t->end && *t->p == '*') {
		if (value.n == 0 && t->p + 1 < t->end && t->p[1] == ')') {
			t->p++;
			lg_berw_str(&t->w, LG_BER_CONTEXT(LG_FILTER_PRESENT), attr);
			return LG_OK;
		}
		lg_berw_open(&t->w, LG_BER_CONTEXT_SET(LG_FILTER_SUBSTRINGS));
		lg_berw_str(&t->w, LG_BER_OCTETS, attr);
		LG_TRY(write_pieces(t, value));
		lg_berw_close(&t->w);
		return LG_OK;
	}
	lg_berw_open(&t->w, LG_BER_CONTEXT_SET(LG_FILTER_EQUAL));
	lg_berw_str(&t->w, LG_BER_OCTETS, attr);
	lg_berw_str(&t->w, LG_BER_OCTETS, value);
	lg_berw_close(&t->w);
	return LG_OK;
}

static lg_err
write_ordered(struct text *t, lg_str attr, enum lg_filter_kind kind)
{
	lg_str value;

	if (t->p == t->end || *t->p++ != '=')
		return bad(t);
	LG_TRY(take_value(t, ")", &value));
	lg_berw_open(&t->w, LG_BER_CONTEXT_SET(kind));
	lg_berw_str(&t->w, LG_BER_OCTETS, attr);
	lg_berw_str(&t->w, LG_BER_OCTETS, value);
	lg_berw_close(&t->w);
	return LG_OK;
}

/* attr[:dn][:rule]:=value */
static lg_err
write_extensible(struct text *t, lg_str attr)
{
	lg_str part, rule = LG_NONE, value;
	bool dn = false;

	while (t->p + 1 < t->end && t->p[0] == ':' && t->p[1] != '=') {
		t->p++;
		LG_TRY(take_value(t, ":)", &part));
		if (lg_str_eq_fold(part, LG_STR("dn")) && !dn)
			dn = true;
		else if (rule.n == 0)
			rule = part;
		else
			return bad(t);
	}
	if (t->end - t->p < 2 || t->p[0] != ':' || t->p[1] != '=')
		return bad(t);
	t->p += 2;
	LG_TRY(take_value(t, ")", &value));
	lg_berw_open(&t->w, LG_BER_CONTEXT_SET(LG_FILTER_EXTENSIBLE));
	if (rule.n > 0)
		lg_berw_str(&t->w, LG_BER_CONTEXT(1), rule);
	if (attr.n > 0)
		lg_berw_str(&t->w, LG_BER_CONTEXT(2), attr);
	lg_berw_str(&t->w, LG_BER_CONTEXT(3), value);
	if (dn)
		lg_berw_bool(&t->w, LG_BER_CONTEXT(4), true);
	lg_berw_close(&t->w);
	return LG_OK;
}

static lg_err
write_term(struct text *t)
{
	lg_str attr;

	LG_TRY(take_value(t, "=:<>~)", &attr));
	if (t->p == t->end)
		return bad(t);
	switch (*t->p++) {
	case '=':
		return write_equal(t, attr);
	case '>':
		return write_ordered(t, attr, LG_FILTER_GREATER);
	case '<':
		return write_ordered(t, attr, LG_FILTER_LESS);
	case '~':
		return write_ordered(t, attr, LG_FILTER_APPROX);
	case ':':
		t->p--;
		return write_extensible(t, attr);
	}
	return bad(t);
}

static lg_err
write_filter(struct text *t, unsigned depth)
{
	static const char sets[] = "&|!";
	const char *set;

	if (depth > LG_FILTER_DEPTH)
		return lg_fail(t->cx, LG_E_LIMIT, "a filter is at most %d deep", LG_FILTER_DEPTH);
	if (t->end - t->p < 2 || *t->p++ != '(')
		return bad(t);
	set = *t->p == '\0' ? NULL : strchr(sets, *t->p);
	if (set == NULL) {
		LG_TRY(write_term(t));
	} else {
		/* The writer's stack of open elements is shallow; a set is closed by hand. */
		struct lg_berw outer = t->w;
		t->p++;
		t->w = lg_berw_of(outer.out);
		lg_berw_open(&t->w, LG_BER_CONTEXT_SET((int)(set - sets)));
		struct lg_berw own = t->w;
		while (t->p < t->end && *t->p == '(') {
			t->w = lg_berw_of(outer.out);
			LG_TRY(write_filter(t, depth + 1));
		}
		lg_berw_close(&own);
		t->w = outer;
	}
	if (t->p == t->end || *t->p++ != ')')
		return bad(t);
	return LG_OK;
}

lg_err
lg_filter_encode(struct lg_ctx *cx, lg_str text, struct lg_buf *out)
{
	lg_str whole = text.n == 0 ? LG_STR("") : text;
	struct text t = { cx, whole.p, whole.p + whole.n, lg_berw_of(out) };

	LG_TRY(write_filter(&t, 1));
	return t.p == t.end ? lg_buf_status(cx, out) : bad(&t);
}

lg_err
lg_filter_parse(struct lg_ctx *cx, lg_str text, struct lg_filter **ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(LG_LDAP_PDU_BOUND);
	struct lg_ber b;

	LG_TRY(lg_filter_encode(cx, text, &out));
	b = lg_ber_of(lg_dup(cx->arena, lg_buf_view(&out)));
	return lg_filter_read(cx, &b, ret);
}
