/* servers.c: see servers.h. */
#include "client/servers.h"

#include "base/clock.h"
#include "client/api.h"

lg_err
lg_servers_parse(struct lg_ctx *cx, lg_str list, const struct lg_endpoint *like, struct lg_servers *ret)
{
	size_t at = 0;

	ret->n = 0;
	while (at < list.n) {
		size_t from = at;
		while (at < list.n && strchr(" ,\t\n", list.p[at]) == NULL)
			at++;
		lg_str url = lg_str_sub(list, from, at - from);
		at++;
		if (url.n == 0)
			continue;
		if (ret->n == LG_SERVERS)
			return lg_fail(cx, LG_E_LIMIT, "at most %d addresses of the service", LG_SERVERS);
		ret->at[ret->n] = *like;
		ret->at[ret->n++].url = lg_dup(cx->arena, url);
	}
	return ret->n > 0 ? LG_OK : lg_fail(cx, LG_E_INVALID, "there is no address of the service");
}

void
lg_servers_close(struct lg_servers *s)
{
	for (size_t i = 0; i < LG_SERVERS; i++)
		lg_link_free(&s->link[i]);
}

lg_err
lg_servers_open(struct lg_ctx *cx, struct lg_servers *s, lg_str cert, lg_str key)
{
	struct lg_link *fresh[LG_SERVERS] = { NULL };
	lg_err e = LG_OK;

	for (size_t i = 0; i < s->n && e == LG_OK; i++) {
		struct lg_endpoint at = s->at[i];
		at.cert = cert;
		at.key = key;
		e = lg_link_new(cx, &at, &fresh[i]);
	}
	for (size_t i = 0; e != LG_OK && i < s->n; i++)
		lg_link_free(&fresh[i]);
	LG_TRY(e);
	lg_servers_close(s);
	memcpy(s->link, fresh, sizeof s->link);
	return LG_OK;
}

struct lg_link *
lg_servers_link(struct lg_servers *s)
{
	return s->link[atomic_load(&s->first)];
}

lg_err
lg_servers_call(struct lg_ctx *cx, struct lg_servers *s, const struct lg_call *call, struct lg_reply *ret)
{
	int64_t until = lg_boottime() + (call->time == 0 ? LG_CALL_TIME : call->time);
	size_t first = atomic_load(&s->first);
	struct lg_call one = *call;
	lg_err e = LG_OK;

	for (size_t i = 0; i < s->n; i++) {
		size_t at = (first + i) % s->n;
		one.time = until - lg_boottime();
		if (one.time < 1000)
			break;
		e = lg_api_call(cx, s->link[at], &one, ret);
		if (e == LG_OK || !(ret->unsent || ret->status == 503)) {
			atomic_store(&s->first, at);
			return e;
		}
	}
	return e;
}
