/* fetch_exchange.c: one HTTP request and its answer over a connection, in clear or within TLS. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"
#include "server/fetch.h"

bool
lg_fetch_text_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

static ssize_t
line_write(struct lg_fetch_line *l, lg_str s)
{
	ssize_t n;

	if (l->tls != NULL)
		return lg_fetch_tls_write(l->tls, s.p, s.n, l->deadline);
	while ((n = send(l->fd, s.p, s.n, MSG_NOSIGNAL)) < 0 && errno == EAGAIN)
		if (!lg_fetch_wait(l->fd, POLLOUT, l->deadline))
			return -1;
	return n;
}

static ssize_t
line_read(struct lg_fetch_line *l, void *p, size_t size)
{
	ssize_t n;

	if (l->tls != NULL)
		return lg_fetch_tls_read(l->tls, p, size, l->deadline);
	while ((n = recv(l->fd, p, size, 0)) < 0 && errno == EAGAIN)
		if (!lg_fetch_wait(l->fd, POLLIN, l->deadline))
			return -1;
	return n;
}

static bool
send_all(struct lg_fetch_line *l, lg_str s)
{
	while (s.n > 0) {
		ssize_t n = line_write(l, s);

		if (n <= 0)
			return false;
		s = lg_str_sub(s, (size_t)n, s.n);
	}
	return true;
}

/* The value of a header field, the first one of that name; empty if there is none. */
static lg_str
field(lg_str head, lg_str name)
{
	lg_str one, key, value, rest = head;

	while (rest.n > 0) {
		lg_str_cut(rest, '\n', &one, &rest);
		if (lg_str_cut(one, ':', &key, &value) && lg_str_eq_fold(key, name))
			return lg_str_trim(value);
	}
	return LG_NONE;
}

/* The octets that a whole answer has, if its head says so; SIZE_MAX: until the connection ends. */
static size_t
whole_size(lg_str so_far, size_t max_body)
{
	const char *end = so_far.n == 0 ? NULL : memmem(so_far.p, so_far.n, "\r\n\r\n", 4);
	int64_t length;

	if (end != NULL && lg_str_eq(lg_str_sub(so_far, 9, 3), LG_STR("204")))	/* RFC 9110 6.4.1: it has no content, nor a length */
		return (size_t)(end - so_far.p) + 4;
	if (end == NULL || !lg_int_parse(field(lg_str_sub(so_far, 0, (size_t)(end - so_far.p)), LG_STR("Content-Length")), &length) ||
	    length < 0 || (uint64_t)length > max_body)
		return SIZE_MAX;
	return (size_t)(end - so_far.p) + 4 + (size_t)length;
}

/* RFC 9112 9.8: what has no length and was cut off is not whole, unless nothing was to come: a webhook's "200" is worth as much. */
static bool
is_bare_head(lg_str so_far)
{
	const char *end = so_far.n == 0 ? NULL : memmem(so_far.p, so_far.n, "\r\n\r\n", 4);

	return end != NULL && end + 4 == so_far.p + so_far.n && field(lg_str_sub(so_far, 0, so_far.n - 4), LG_STR("Content-Length")).n == 0;
}

/* Until its length, the end of the connection (HTTP/1.0's own end), or more than anybody needs. */
static bool
read_all(struct lg_fetch_line *l, size_t max_body, struct lg_buf *b)
{
	char part[2048];

	while (!b->full && lg_buf_view(b).n < whole_size(lg_buf_view(b), max_body)) {
		ssize_t n = line_read(l, part, sizeof part);

		if (n < 0)
			return n == LG_FETCH_CUT && is_bare_head(lg_buf_view(b));
		if (n == 0)
			return true;
		lg_buf_bytes(b, part, (size_t)n);
	}
	return true;
}

/* RFC 9111 5.2.2.1; 0: it is not said, or must not be kept. */
static int64_t
max_age(lg_str control)
{
	lg_str one, name, value;
	int64_t seconds, found = 0;

	while (control.n > 0) {
		lg_str_cut(control, ',', &one, &control);
		one = lg_str_trim(one);
		if (lg_str_eq_fold(one, LG_STR("no-store")) || lg_str_eq_fold(one, LG_STR("no-cache")))
			return 0;
		if (lg_str_cut(one, '=', &name, &value) && lg_str_eq_fold(name, LG_STR("max-age")) && lg_int_parse(value, &seconds) && seconds > 0)
			found = seconds;
	}
	return found;
}

static lg_err
read_reply(struct lg_ctx *cx, lg_str text, struct lg_fetch_reply *ret)
{
	const char *end = text.n == 0 ? NULL : memmem(text.p, text.n, "\r\n\r\n", 4);
	lg_str head;
	int64_t status;

	if (end == NULL || !lg_str_starts(text, LG_STR("HTTP/1.")) || text.n < 12 || text.p[8] != ' ' ||
	    !lg_int_parse(lg_str_sub(text, 9, 3), &status) || status < 100)
		return lg_fail(cx, LG_E_INVALID, "the answer is not HTTP/1");
	head = lg_str_sub(text, 0, (size_t)(end - text.p));
	ret->status = (int)status;
	ret->location = lg_dup(cx->arena, field(head, LG_STR("Location")));
	ret->type = lg_dup(cx->arena, field(head, LG_STR("Content-Type")));
	ret->max_age = max_age(field(head, LG_STR("Cache-Control")));
	ret->body = lg_dup(cx->arena, lg_str_sub(text, head.n + 4, text.n));
	return LG_OK;
}

lg_err
lg_fetch_exchange(struct lg_ctx *cx, struct lg_fetch_line *l, lg_str request, size_t max_body, struct lg_fetch_reply *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_FETCH_HEAD + max_body + 2048);

	if (!send_all(l, request) || !read_all(l, max_body, &b))
		return lg_fail(cx, LG_E_UNAVAILABLE, "no answer in time, or not a whole one");
	LG_TRY(read_reply(cx, lg_buf_view(&b), ret));
	return ret->body.n <= max_body ? LG_OK : lg_fail(cx, LG_E_INVALID, "the answer has more than %zu octets", max_body);
}
