/* fetch_web.c: requests to web servers that are believed: https alone, certificate verified, no redirects. */
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "server/fetch.h"

struct place {
	lg_str host, target;
	uint16_t port;
};

/* "https://host[:port]/path?query", nothing else: no user, no fragment. */
static lg_err
read_url(struct lg_ctx *cx, lg_str url, struct place *to)
{
	lg_str rest, authority, number = LG_NONE;
	int64_t port = 443;
	bool good = url.n <= LG_WEB_URL && lg_str_starts(url, LG_STR("https://")) && lg_fetch_text_valid(url);
	size_t n = 0;

	rest = good ? lg_str_sub(url, 8, url.n) : LG_NONE;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	authority = lg_str_sub(rest, 0, n);
	to->target = lg_cat(cx->arena, n < rest.n && rest.p[n] == '/' ? LG_NONE : LG_STR("/"), lg_str_sub(rest, n, rest.n));
	if (lg_str_starts(authority, LG_STR("["))) {
		good = lg_str_cut(lg_str_sub(authority, 1, authority.n), ']', &to->host, &number) && good;
		good = good && (number.n == 0 || number.p[0] == ':');
		number = lg_str_sub(number, 1, number.n);
	} else {
		(void)lg_str_cut(authority, ':', &to->host, &number);
	}
	if (number.n > 0)
		good = lg_int_parse(number, &port) && port > 0 && port <= 65535 && good;
	if (!good || to->host.n == 0 || memchr(authority.p, '@', authority.n) != NULL || memchr(rest.p, '#', rest.n) != NULL)
		return lg_fail(cx, LG_E_INVALID, "\"%.*s\" is no https URL", LG_FMT(lg_str_sub(url, 0, 200)));
	to->port = (uint16_t)port;
	return LG_OK;
}

static bool
field_valid(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] >= 0x7f)
			return false;
	return true;
}

static lg_err
write_request(struct lg_ctx *cx, const struct lg_web_request *rq, const struct place *to, lg_str *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_WEB_URL + LG_WEB_BODY + LG_FETCH_HEAD);
	bool six = memchr(to->host.p, ':', to->host.n) != NULL;

	if (!field_valid(rq->authorization) || !field_valid(rq->signature) || !field_valid(rq->type))
		return lg_fail(cx, LG_E_INVALID, "a field of the request holds what no field may");
	lg_buf_printf(&b, "%s %.*s HTTP/1.0\r\nHost: %s%.*s%s", rq->body.n > 0 ? "POST" : "GET", LG_FMT(to->target), six ? "[" : "",
	    LG_FMT(to->host), six ? "]" : "");
	if (to->port != 443)
		lg_buf_printf(&b, ":%u", to->port);
	lg_buf_printf(&b, "\r\nUser-Agent: lightgate\r\nAccept: application/json\r\nConnection: close\r\n");
	if (rq->authorization.n > 0)
		lg_buf_printf(&b, "Authorization: %.*s\r\n", LG_FMT(rq->authorization));
	if (rq->signature.n > 0)
		lg_buf_printf(&b, "Lightgate-Signature: %.*s\r\n", LG_FMT(rq->signature));
	if (rq->body.n > 0)
		lg_buf_printf(&b, "Content-Type: %.*s\r\nContent-Length: %zu\r\n", LG_FMT(rq->type), rq->body.n);
	lg_buf_printf(&b, "\r\n");
	lg_buf_str(&b, rq->body);
	LG_TRY(lg_buf_status(cx, &b));
	*ret = lg_dup(cx->arena, lg_buf_view(&b));
	return LG_OK;
}

static lg_err
judged(struct lg_ctx *cx, const struct lg_web_request *rq, const struct place *to, struct lg_fetch_line *l)
{
	lg_str chain[LG_FETCH_CHAIN];
	size_t n;

	LG_TRY(lg_fetch_tls_begin(cx, l->fd, to->host, NULL, l->deadline, &l->tls));
	LG_TRY(lg_fetch_tls_chain(cx, l->tls, chain, &n));
	return rq->judge(rq->judge_arg, cx, chain, n);
}

static lg_err
ask(void *self, struct lg_ctx *cx, const struct lg_web_request *rq, struct lg_web_reply *ret)
{
	struct lg_fetch_line l = { .deadline = lg_boottime() + LG_FETCH_TIME };
	const struct lg_fetch *f = self;
	size_t max = rq->max < LG_WEB_BODY ? rq->max : LG_WEB_BODY;
	struct lg_fetch_reply r = { .status = 0 };
	struct place to;
	lg_str request;
	lg_err e;

	LG_TRY(read_url(cx, rq->url, &to));
	LG_TRY(write_request(cx, rq, &to, &request));
	LG_TRY(lg_fetch_reach(cx, f, l.deadline, to.host, to.port, &l.fd));
	e = rq->judge == NULL ? lg_fetch_tls_trust(cx, l.fd, to.host, rq->ca, f->ca, l.deadline, &l.tls) : judged(cx, rq, &to, &l);
	if (e == LG_OK)
		e = lg_fetch_exchange(cx, &l, request, max, &r);
	lg_fetch_tls_end(&l.tls);
	close(l.fd);
	if (e != LG_OK)
		return lg_fail_in(cx, e, lg_dup(cx->arena, to.host).p);
	*ret = (struct lg_web_reply){ .status = r.status, .type = r.type, .body = r.body, .max_age = r.max_age };
	return LG_OK;
}

static bool
may_reach(void *self, const struct sockaddr *to)
{
	const struct lg_fetch *f = self;

	return f->private_too || lg_fetch_public(to);
}

struct lg_web
lg_fetch_web(struct lg_arena *a, const struct lg_settings *s)
{
	return (struct lg_web){ lg_fetch_new(a, s, s->outbound_private), ask, may_reach };
}
