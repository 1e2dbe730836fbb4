/* fetch_http.c: http-01's request (RFC 8555 8.3), with the redirects that it has to follow. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "server/fetch.h"

struct place {				/* where a request goes */
	bool tls;
	lg_str host;
	lg_str target;			/* path and query */
};

struct reply {
	int status;
	lg_str location, body;
};

/* ---- one exchange ---------------------------------------------------------------------------------------- */

struct line {
	int fd;
	lg_fetch_tls *tls;		/* NULL: none */
	int64_t deadline;
};

static ssize_t
line_write(struct line *l, lg_str s)
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
line_read(struct line *l, void *p, size_t size)
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
send_all(struct line *l, lg_str s)
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
whole_size(lg_str so_far)
{
	const char *end = so_far.n == 0 ? NULL : memmem(so_far.p, so_far.n, "\r\n\r\n", 4);
	int64_t length;

	if (end == NULL || !lg_int_parse(field(lg_str_sub(so_far, 0, (size_t)(end - so_far.p)), LG_STR("Content-Length")), &length) ||
	    length < 0 || length > LG_ACME_BODY)
		return SIZE_MAX;
	return (size_t)(end - so_far.p) + 4 + (size_t)length;
}

/* Until its length, the end of the connection (HTTP/1.0's own end), or more than anybody needs. */
static bool
read_all(struct line *l, struct lg_buf *b)
{
	char part[2048];

	while (!b->full && lg_buf_view(b).n < whole_size(lg_buf_view(b))) {
		ssize_t n = line_read(l, part, sizeof part);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		lg_buf_bytes(b, part, (size_t)n);
	}
	return true;
}

static lg_err
read_reply(struct lg_ctx *cx, lg_str text, struct reply *ret)
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
	ret->body = lg_dup(cx->arena, lg_str_sub(text, head.n + 4, text.n));
	return LG_OK;
}

static lg_err
exchange(struct lg_ctx *cx, struct line *l, const struct place *to, struct reply *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_FETCH_HEAD + LG_ACME_BODY + 2048);
	bool six = memchr(to->host.p, ':', to->host.n) != NULL;
	lg_str request = lg_print(cx->arena, "GET %.*s HTTP/1.0\r\nHost: %s%.*s%s\r\nUser-Agent: lightgate\r\nAccept: */*\r\n"
	    "Connection: close\r\n\r\n", LG_FMT(to->target), six ? "[" : "", LG_FMT(to->host), six ? "]" : "");

	if (!send_all(l, request) || !read_all(l, &b))
		return lg_fail(cx, LG_E_UNAVAILABLE, "%.*s did not answer in time", LG_FMT(to->host));
	return read_reply(cx, lg_buf_view(&b), ret);
}

static lg_err
ask(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, const struct place *to, struct reply *ret)
{
	struct line l = { .deadline = deadline };
	lg_err e = LG_OK;

	LG_TRY(lg_fetch_reach(cx, f, deadline, to->host, to->tls ? f->alpn_port : f->http_port, &l.fd));
	if (to->tls)
		e = lg_fetch_tls_begin(cx, l.fd, to->host, NULL, deadline, &l.tls);
	if (e == LG_OK)
		e = exchange(cx, &l, to, ret);
	lg_fetch_tls_end(&l.tls);
	close(l.fd);
	return e;
}

/* ---- redirects ---------------------------------------------------------------------------------------------- */

static bool
target_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

/* "host[:port]": only the two ports that challenges are looked at on, or whoever asks for a certificate could knock at any. */
static lg_err
read_authority(struct lg_ctx *cx, const struct lg_fetch *f, lg_str text, struct place *to)
{
	int64_t port, ours = to->tls ? f->alpn_port : f->http_port;
	lg_str number;
	bool has_port;

	if (lg_str_starts(text, LG_STR("["))) {
		has_port = lg_str_cut(lg_str_sub(text, 1, text.n), ']', &to->host, &number) && lg_str_starts(number, LG_STR(":"));
		number = lg_str_sub(number, 1, number.n);
	} else {
		has_port = lg_str_cut(text, ':', &to->host, &number);
	}
	if (to->host.n == 0 || memchr(text.p, '@', text.n) != NULL || !target_valid(to->host))
		return lg_fail(cx, LG_E_INVALID, "the redirect leads to no host");
	if (has_port && (!lg_int_parse(number, &port) || port != ours))
		return lg_fail(cx, LG_E_DENIED, "the redirect leads to a port that is not looked at");
	return LG_OK;
}

/* RFC 3986 4.2: an absolute http or https URL, or an absolute path; nothing else is used for challenges. */
static lg_err
follow(struct lg_ctx *cx, const struct lg_fetch *f, lg_str location, struct place *to)
{
	lg_str fragment, rest, authority;

	lg_str_cut(location, '#', &location, &fragment);
	if (!target_valid(location))
		return lg_fail(cx, LG_E_INVALID, "the redirect's target is none");
	if (lg_str_starts(location, LG_STR("/")) && !lg_str_starts(location, LG_STR("//"))) {
		to->target = location;
		return LG_OK;
	}
	if (!lg_str_starts(location, LG_STR("http://")) && !lg_str_starts(location, LG_STR("https://")))
		return lg_fail(cx, LG_E_INVALID, "the redirect leads to no http or https URL");
	to->tls = location.p[4] == 's';
	rest = lg_str_sub(location, to->tls ? 8 : 7, location.n);
	size_t n = 0;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	authority = lg_str_sub(rest, 0, n);
	to->target = lg_cat(cx->arena, n < rest.n && rest.p[n] == '/' ? LG_NONE : LG_STR("/"), lg_str_sub(rest, n, rest.n));
	return read_authority(cx, f, authority, to);
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

lg_err
lg_fetch_http(void *self, struct lg_ctx *cx, lg_str host, lg_str path, lg_str *body)
{
	const struct lg_fetch *f = self;
	int64_t deadline = lg_boottime() + LG_FETCH_TIME;
	struct place to = { .host = host, .target = path };
	struct reply r = { .status = 0 };

	for (int i = 0; i <= LG_FETCH_REDIRECTS; i++) {
		LG_TRY(ask(cx, f, deadline, &to, &r));
		if (!is_redirect(r.status))
			break;
		LG_TRY(follow(cx, f, r.location, &to));
	}
	if (is_redirect(r.status))
		return lg_fail(cx, LG_E_INVALID, "more than %d redirects", LG_FETCH_REDIRECTS);
	if (r.status != 200)
		return lg_fail(cx, LG_E_INVALID, "the answer's status is %d", r.status);
	if (r.body.n > LG_ACME_BODY)
		return lg_fail(cx, LG_E_INVALID, "the answer has more than %d octets", LG_ACME_BODY);
	*body = r.body;
	return LG_OK;
}
