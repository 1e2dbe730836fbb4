/* http.c: the server's ports and routes, and what handlers may ask of their exchange. */
#include "server/http_impl.h"

#include <stdlib.h>

lg_err
lg_http_new(struct lg_ctx *cx, const struct lg_http_options *o, struct lg_http_server **ret)
{
	struct lg_http_server *hs;

	if (o->request_time <= 0 || o->idle_time <= 0 || o->reply_time <= 0)
		return lg_fail(cx, LG_E_INVALID, "HTTP needs its deadlines");
	hs = calloc(1, sizeof *hs);
	if (hs == NULL)
		abort();
	hs->o = *o;
	atomic_init(&hs->log_requests, o->log_requests);
	hs->arena = lg_arena_new();
	lg_router_init(&hs->router, hs->arena, LG_HTTP_ROUTES, LG_HTTP_KINDS);
	*ret = hs;
	return LG_OK;
}

lg_err
lg_http_routes_add(struct lg_ctx *cx, struct lg_http_server *hs, const struct lg_route *routes, size_t n, void *self)
{
	if (hs->frozen)
		return lg_fail(cx, LG_E_CONFLICT, "routes are added before the loops are attached");
	for (size_t i = 0; i < n; i++) {
		if (routes[i].max_body > LG_HTTP_BODY_LARGEST)
			return lg_fail(cx, LG_E_LIMIT, "%s wants bodies of %zu octets", routes[i].path, routes[i].max_body);
		LG_TRY(lg_router_add(cx, &hs->router, &routes[i], self));
		if (hs->o.metrics != NULL)
			LG_TRY(lg_metrics_route_add(cx, hs->o.metrics, routes[i].method, routes[i].path));
	}
	return LG_OK;
}

void
lg_http_tenants_set(struct lg_http_server *hs, const struct lg_http_tenants *port)
{
	hs->tenants = *port;
}

void
lg_http_verifier_set(struct lg_http_server *hs, const struct lg_http_verifier *port)
{
	hs->verifier = *port;
}

void
lg_http_log_requests(struct lg_http_server *hs, bool yes)
{
	atomic_store_explicit(&hs->log_requests, yes, memory_order_relaxed);
}

struct lg_loop *
lg_http_loop(const struct lg_http *ex)
{
	return ((const struct http_x *)ex->server)->conn->daemon->hl->loop;
}
