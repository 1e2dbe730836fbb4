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

void
lg_servers_skip(struct lg_servers *s)
{
	atomic_store(&s->first, (atomic_load(&s->first) + 1) % s->n);
}

bool
lg_servers_over(struct lg_servers *s, size_t at, lg_err e, const struct lg_reply *reply)
{
	if (e != LG_OK && (reply->unsent || reply->status == 503))
		return false;
	/* who was asked and says nothing (in time) is not the first to be asked again */
	atomic_store(&s->first, e == LG_E_UNAVAILABLE ? (at + 1) % s->n : at);
	return true;
}

/* Who does not even take connections has no more than a share of the time. */
struct lg_call
lg_servers_attempt(const struct lg_call *call, int64_t until, size_t others)
{
	struct lg_call one = *call;

	one.time = until - lg_boottime();
	one.connect = one.time / (int64_t)(others + 1);
	return one;
}

lg_err
lg_servers_call(struct lg_ctx *cx, struct lg_servers *s, const struct lg_call *call, struct lg_reply *ret)
{
	int64_t until = lg_boottime() + (call->time == 0 ? LG_CALL_TIME : call->time);
	size_t first = atomic_load(&s->first);
	lg_err e = LG_OK;

	for (size_t i = 0; i < s->n; i++) {
		struct lg_call one = lg_servers_attempt(call, until, s->n - 1 - i);
		size_t at = (first + i) % s->n;
		if (one.time < 1000)
			break;
		e = lg_api_call(cx, s->link[at], &one, ret);
		if (lg_servers_over(s, at, e, ret))
			return e;
	}
	return e;
}
