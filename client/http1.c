/* http1.c: see http1.h. */
#include "client/http1.h"

#include "base/text.h"

#define SIZE_LINE	64		/* octets of a chunk's size line, extensions included */
#define TRAILER		4096		/* octets of a trailer line */

size_t
lg_head_size(lg_str text)
{
	const char *end = text.n == 0 ? NULL : memmem(text.p, text.n, "\r\n\r\n", 4);

	return end == NULL ? 0 : (size_t)(end - text.p) + 4;
}

static bool
is_visible(lg_str s, const char *also)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' ? s.p[i] == '\0' || strchr(also, s.p[i]) == NULL : s.p[i] == 0x7f)
			return false;
	return true;
}

/* The next line without its CRLF; a bare LF or CR is no line end and may not stand in one. */
static bool
next_line(lg_str *rest, lg_str *line)
{
	const char *end = rest->n == 0 ? NULL : memmem(rest->p, rest->n, "\r\n", 2);

	if (end == NULL)
		return false;
	*line = (lg_str){ rest->p, (size_t)(end - rest->p) };
	*rest = lg_str_sub(*rest, line->n + 2, rest->n);
	return memchr(line->p, '\n', line->n) == NULL && memchr(line->p, '\r', line->n) == NULL;
}

static lg_err
parse_request_line(struct lg_ctx *cx, lg_str line, struct lg_head *ret)
{
	lg_str rest, version;

	if (!lg_str_cut(line, ' ', &ret->method, &rest) || !lg_str_cut(rest, ' ', &ret->target, &version))
		return lg_fail(cx, LG_E_INVALID, "no request line");
	if (!lg_str_eq(version, LG_STR("HTTP/1.1")))
		return lg_fail(cx, LG_E_INVALID, "only HTTP/1.1 is spoken here");
	if (!lg_http_token(ret->method) || !lg_str_starts(ret->target, LG_STR("/")) || !is_visible(ret->target, ""))
		return lg_fail(cx, LG_E_INVALID, "the request line is malformed");
	return LG_OK;
}

static bool
is_single(lg_str name)
{
	static const lg_str singles[] = { LG_STR("Content-Length"), LG_STR("Transfer-Encoding"), LG_STR("Content-Type"), LG_STR("Host"),
		LG_STR("Connection"), LG_STR("Upgrade"), LG_STR("Authorization") };

	for (size_t i = 0; i < LG_COUNT(singles); i++)
		if (lg_str_eq_fold(name, singles[i]))
			return true;
	return false;
}

lg_str
lg_head_get(const struct lg_head *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (lg_str_eq_fold(h->field[i].name, lg_str_of(name)))
			return h->field[i].value;
	return LG_NONE;
}

static lg_err
parse_field(struct lg_ctx *cx, lg_str line, struct lg_head *ret)
{
	struct lg_pair f;

	if (!lg_str_cut(line, ':', &f.name, &f.value) || !lg_http_token(f.name))
		return lg_fail(cx, LG_E_INVALID, "a header field is malformed");
	f.value = lg_str_trim(f.value);
	if (!is_visible(f.value, " \t"))
		return lg_fail(cx, LG_E_INVALID, "a header field has a control character");
	if (ret->n == LG_HEAD_FIELDS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d header fields", LG_HEAD_FIELDS);
	if (is_single(f.name) && lg_head_get(ret, lg_print(cx->arena, "%.*s", LG_FMT(f.name)).p).p != NULL)
		return lg_fail(cx, LG_E_INVALID, "%.*s stands there twice", LG_FMT(f.name));
	ret->field[ret->n++] = f;
	return LG_OK;
}

/* One way to say how long the body is, and only ways that everybody reads alike (RFC 9112 6.3). */
static lg_err
frame(struct lg_ctx *cx, struct lg_head *ret)
{
	lg_str length = lg_head_get(ret, "Content-Length"), coding = lg_head_get(ret, "Transfer-Encoding");

	if (length.p != NULL && coding.p != NULL)
		return lg_fail(cx, LG_E_INVALID, "Content-Length and Transfer-Encoding together");
	if (coding.p != NULL && !lg_str_eq_fold(coding, LG_STR("chunked")))
		return lg_fail(cx, LG_E_UNSUPPORTED, "a transfer coding other than chunked");
	if (length.p != NULL && (!lg_int_parse(length, &ret->length) || ret->length < 0))
		return lg_fail(cx, LG_E_INVALID, "Content-Length is not a number");
	ret->chunked = coding.p != NULL;
	ret->upgrade = lg_head_get(ret, "Upgrade").n > 0;
	return LG_OK;
}

static lg_err
parse_head(struct lg_ctx *cx, lg_str text, lg_err (*parse_first)(struct lg_ctx *, lg_str, struct lg_head *), struct lg_head *ret)
{
	lg_str rest = text, line;

	*ret = (struct lg_head){ .n = 0 };
	if (!next_line(&rest, &line))
		return lg_fail(cx, LG_E_INVALID, "no first line");
	LG_TRY(parse_first(cx, line, ret));
	while (next_line(&rest, &line) && line.n > 0)
		LG_TRY(parse_field(cx, line, ret));
	if (line.n > 0 || rest.n > 0)
		return lg_fail(cx, LG_E_INVALID, "the head does not end where it should");
	return frame(cx, ret);
}

lg_err
lg_head_parse(struct lg_ctx *cx, lg_str text, struct lg_head *ret)
{
	return parse_head(cx, text, parse_request_line, ret);
}

/* "HTTP/1.1 200 OK"; the reason may be empty and is not looked at. */
static lg_err
parse_status_line(struct lg_ctx *cx, lg_str line, struct lg_head *ret)
{
	lg_str version, rest, status = LG_NONE, reason;
	int64_t n = 0;

	if (lg_str_cut(line, ' ', &version, &rest))
		(void)lg_str_cut(rest, ' ', &status, &reason);
	if (!lg_str_eq(version, LG_STR("HTTP/1.1")) || status.n != 3 || !lg_int_parse(status, &n) || n < 100)
		return lg_fail(cx, LG_E_INVALID, "the status line is malformed");
	ret->status = (int)n;
	return LG_OK;
}

lg_err
lg_head_parse_answer(struct lg_ctx *cx, lg_str text, struct lg_head *ret)
{
	LG_TRY(parse_head(cx, text, parse_status_line, ret));
	if (ret->status < 200 || ret->status == 204 || ret->status == 304) {	/* RFC 9112 6.3: no body, whatever the fields say */
		ret->length = 0;
		ret->chunked = false;
	} else if (!ret->chunked && lg_head_get(ret, "Content-Length").p == NULL) {
		ret->length = -1;
	}
	return LG_OK;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

enum { SIZE, SIZE_REST, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER_LINE, TRAILER_LF };

struct lg_body
lg_body_of(const struct lg_head *h)
{
	return (struct lg_body){ .left = h->length, .chunked = h->chunked, .done = !h->chunked && h->length == 0 };
}

static void
fail(struct lg_body *b)
{
	b->bad = b->done = true;
}

static void
take_size(struct lg_body *b, char c)
{
	int digit = lg_hex_digit(c);

	if (++b->line > SIZE_LINE || (digit < 0 && b->line == 1)) {
		fail(b);
	} else if (digit >= 0 && b->left < INT64_MAX >> 8) {
		b->left = b->left << 4 | digit;
	} else if (c == '\r') {
		b->state = SIZE_LF;
	} else if (c == ';') {
		b->state = SIZE_REST;
	} else {
		fail(b);
	}
}

static void
take_octet(struct lg_body *b, char c)
{
	switch (b->state) {
	case SIZE:
		take_size(b, c);
		return;
	case SIZE_REST:
		b->state = c == '\r' ? SIZE_LF : SIZE_REST;
		if (++b->line > SIZE_LINE || c == '\n')
			fail(b);
		return;
	case SIZE_LF:
	case DATA_LF:
		if (c != '\n')
			fail(b);
		b->line = 0;
		b->state = b->state == DATA_LF ? SIZE : b->left > 0 ? DATA : TRAILER_LINE;
		return;
	case DATA_CR:
		b->state = DATA_LF;
		if (c != '\r')
			fail(b);
		return;
	case TRAILER_LINE:
		if (c == '\r')
			b->state = TRAILER_LF;
		else if (++b->line > TRAILER || c == '\n')
			fail(b);
		return;
	default:
		if (c != '\n')
			fail(b);
		b->done = b->line == 0 || b->bad;
		b->line = 0;
		b->state = TRAILER_LINE;
	}
}

static size_t
take_data(struct lg_body *b, lg_str got, struct lg_buf *content)
{
	size_t n = (int64_t)got.n < b->left ? got.n : (size_t)b->left;

	if (content != NULL)
		lg_buf_bytes(content, got.p, n);
	b->left -= (int64_t)n;
	return n;
}

size_t
lg_body_take(struct lg_body *b, lg_str got, struct lg_buf *content)
{
	size_t at = 0;

	while (!b->done && at < got.n) {
		lg_str rest = lg_str_sub(got, at, got.n);
		if (b->chunked && b->state != DATA) {
			take_octet(b, *rest.p);
			at++;
			continue;
		}
		at += take_data(b, rest, content);
		if (b->left == 0 && b->chunked)
			b->state = DATA_CR;
		else if (b->left == 0)
			b->done = true;
	}
	return at;
}
