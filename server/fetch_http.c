/* fetch_http.c: http-01's request (RFC 8555 8.3), with the redirects that it has to follow. */
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "server/fetch.h"

struct place {				/* where a request goes */
	bool tls;
	lg_str host;
	lg_str target;			/* path and query */
};

static lg_err
ask(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, const struct place *to, struct lg_fetch_reply *ret)
{
	struct lg_fetch_line l = { .deadline = deadline };
	bool six = memchr(to->host.p, ':', to->host.n) != NULL;
	lg_str request = lg_print(cx->arena, "GET %.*s HTTP/1.0\r\nHost: %s%.*s%s\r\nUser-Agent: lightgate\r\nAccept: */*\r\n"
	    "Connection: close\r\n\r\n", LG_FMT(to->target), six ? "[" : "", LG_FMT(to->host), six ? "]" : "");
	lg_err e = LG_OK;

	LG_TRY(lg_fetch_reach(cx, f, deadline, to->host, to->tls ? f->alpn_port : f->http_port, &l.fd));
	if (to->tls)
		e = lg_fetch_tls_begin(cx, l.fd, to->host, NULL, deadline, &l.tls);
	if (e == LG_OK)
		e = lg_fetch_exchange(cx, &l, request, LG_ACME_BODY, ret);
	lg_fetch_tls_end(&l.tls);
	close(l.fd);
	return e;
}

/* ---- redirects ---------------------------------------------------------------------------------------------- */

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
	if (to->host.n == 0 || memchr(text.p, '@', text.n) != NULL || !lg_fetch_text_valid(to->host))
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
	if (!lg_fetch_text_valid(location))
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
	struct lg_fetch_reply r = { .status = 0 };

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
	*body = r.body;
	return LG_OK;
}
