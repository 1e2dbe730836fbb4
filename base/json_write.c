/* json_write.c: JSON into a buffer. */
#include "base/json_scan.h"
#include "base/text.h"

struct lg_jsonw
lg_jsonw_of(struct lg_buf *out)
{
	return (struct lg_jsonw){ out, false };
}

/* Before a value or a name: the comma, if something stands before it on this level. */
static void
begin(struct lg_jsonw *w)
{
	if (w->comma)
		lg_buf_byte(w->out, ',');
	w->comma = true;
}

void
lg_jsonw_object(struct lg_jsonw *w)
{
	begin(w);
	lg_buf_byte(w->out, '{');
	w->comma = false;
}

void
lg_jsonw_object_end(struct lg_jsonw *w)
{
	lg_buf_byte(w->out, '}');
	w->comma = true;
}

void
lg_jsonw_array(struct lg_jsonw *w)
{
	begin(w);
	lg_buf_byte(w->out, '[');
	w->comma = false;
}

void
lg_jsonw_array_end(struct lg_jsonw *w)
{
	lg_buf_byte(w->out, ']');
	w->comma = true;
}

/* What must not stand in a string as it is (RFC 8259 7), and DEL, which upsets terminals. */
static bool
needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

static void
put_escape(struct lg_buf *b, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	static const char one[128] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\',
	};

	if (one[c] != 0)
		lg_buf_bytes(b, (char[]){ '\\', one[c] }, 2);
	else
		lg_buf_bytes(b, (char[]){ '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] }, 6);
}

/* How many of eight bytes, from the first on, are ASCII and need no escape. */
static size_t
plain_of(uint64_t eight)
{
	return lg_json_bytes_before(lg_json_stops(eight) | (eight & LG_EACH_BYTE(0x80)) | lg_json_bytes_below(eight ^ LG_EACH_BYTE(0x7f), 1));
}

/* From i on, past what is ASCII and needs no escape, eight bytes at a time; the last of them together with some that were looked at. */
static size_t
skip_plain(lg_str s, size_t i)
{
	uint64_t eight;
	size_t plain = 8;

	for (; plain == 8 && s.n - i >= 8; i += plain) {
		memcpy(&eight, s.p + i, 8);
		plain = plain_of(eight);
	}
	if (plain == 8 && i >= 8 && i < s.n) {
		memcpy(&eight, s.p + s.n - 8, 8);
		plain = plain_of(eight);
		i = s.n - 8 + plain > i ? s.n - 8 + plain : i;
	}
	return i;
}

/* Bytes at i that stand for themselves: 1 of ASCII, a whole UTF-8 sequence, or 0. */
static size_t
as_it_is(lg_str s, size_t i)
{
	uint32_t code;

	if ((unsigned char)s.p[i] < 0x80)
		return !needs_escape((unsigned char)s.p[i]);
	return lg_utf8_decode(lg_str_sub(s, i, 4), &code);
}

static void
put_quoted(struct lg_buf *b, lg_str s)
{
	if (!lg_buf_reserve(b, s.n + 2))
		return;
	b->p[b->n] = '"';
	if (s.n > 0)
		memcpy(b->p + b->n + 1, s.p, s.n);
	b->p[b->n + 1 + s.n] = '"';
	b->n += s.n + 2;
}

/* Past what stands for itself. */
static size_t
skip_good(lg_str s, size_t i)
{
	for (size_t used; i < s.n && (used = as_it_is(s, i)) > 0; )
		i += used;
	return i;
}

static void
put_string(struct lg_buf *b, lg_str s)
{
	size_t from = 0, i = skip_good(s, skip_plain(s, 0));

	if (i == s.n) {		/* nearly all are so */
		put_quoted(b, s);
		return;
	}
	lg_buf_byte(b, '"');
	while (i < s.n) {
		lg_buf_str(b, lg_str_sub(s, from, i - from));
		if ((unsigned char)s.p[i] < 0x80)
			put_escape(b, (unsigned char)s.p[i]);
		else
			lg_buf_str(b, LG_STR("\xef\xbf\xbd"));	/* U+FFFD */
		from = i + 1;
		i = skip_good(s, skip_plain(s, from));
	}
	lg_buf_str(b, lg_str_sub(s, from, s.n));
	lg_buf_byte(b, '"');
}

void
lg_jsonw_name(struct lg_jsonw *w, lg_str name)
{
	begin(w);
	put_string(w->out, name);
	lg_buf_byte(w->out, ':');
	w->comma = false;
}

void
lg_jsonw_str(struct lg_jsonw *w, lg_str s)
{
	begin(w);
	put_string(w->out, s);
}

void
lg_jsonw_raw(struct lg_jsonw *w, lg_str json)
{
	begin(w);
	lg_buf_str(w->out, json);
}

void
lg_jsonw_int(struct lg_jsonw *w, int64_t v)
{
	char text[24], *end = text + sizeof text, *p = end;
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (v < 0)
		*--p = '-';
	lg_jsonw_raw(w, (lg_str){ p, (size_t)(end - p) });
}

void
lg_jsonw_bool(struct lg_jsonw *w, bool v)
{
	lg_jsonw_raw(w, v ? LG_STR("true") : LG_STR("false"));
}

void
lg_jsonw_null(struct lg_jsonw *w)
{
	lg_jsonw_raw(w, LG_STR("null"));
}

void
lg_jsonw_time(struct lg_jsonw *w, int64_t us)
{
	char text[LG_TIME_TEXT + 1];

	lg_time_put(us, text);
	lg_jsonw_str(w, (lg_str){ text, LG_TIME_TEXT });
}

static void
put_uuid(struct lg_jsonw *w, lg_uuid u)
{
	char text[LG_UUID_TEXT + 1];

	lg_uuid_text(u, text);
	lg_jsonw_str(w, (lg_str){ text, LG_UUID_TEXT });
}

void
lg_jsonw_str_of(struct lg_jsonw *w, const char *name, lg_str s)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_str(w, s);
}

void
lg_jsonw_int_of(struct lg_jsonw *w, const char *name, int64_t v)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_int(w, v);
}

void
lg_jsonw_bool_of(struct lg_jsonw *w, const char *name, bool v)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_bool(w, v);
}

void
lg_jsonw_uuid_of(struct lg_jsonw *w, const char *name, lg_uuid u)
{
	lg_jsonw_name(w, lg_str_of(name));
	put_uuid(w, u);
}

void
lg_jsonw_time_of(struct lg_jsonw *w, const char *name, int64_t us)
{
	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_time(w, us);
}
