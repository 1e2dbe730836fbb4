/*
 * api_operator.c: what /v1 does not do, and says so.  New tenants and wider ceilings are the local operator's: who controls this
 * process must not be able to make them.
 */
#include "server/api.h"

static lg_err
only_there(struct lg_http *ex, const char *command)
{
	return lg_fail(ex->cx, LG_E_DENIED, "this is done on the service's own machine, by its owner or root: %s", command);
}

static lg_err
tenants(void *self, struct lg_http *ex)
{
	(void)self;
	if (lg_str_eq(ex->method, LG_STR("GET")))
		return only_there(ex, "lightgate tenant list");
	return only_there(ex, "lightgate tenant create NAME --suffix dc=...");
}

static lg_err
keeper(void *self, struct lg_http *ex)
{
	(void)self;
	return only_there(ex, "lightgate keeper list, ceiling, rotate or reconcile");
}

const struct lg_route lg_api_operator_routes[] = {
	{ "GET", "/v1/tenants", LG_SURFACE_API, LG_ON_WORKER, 0, tenants },
	{ "POST", "/v1/tenants", LG_SURFACE_API, LG_ON_WORKER, 4096, tenants },
	{ "GET", "/v1/keeper/*", LG_SURFACE_API, LG_ON_WORKER, 0, keeper },
	{ "POST", "/v1/keeper/*", LG_SURFACE_API, LG_ON_WORKER, 4096, keeper },
};
const size_t lg_api_operator_nroutes = LG_COUNT(lg_api_operator_routes);
