#include "server/health.h"

static lg_err
healthz(void *self, struct lg_http *ex)
{
	(void)self;
	lg_http_type(ex, "text/plain");
	lg_buf_str(&ex->out, LG_STR("ok\n"));
	return LG_OK;
}

static lg_err
readyz(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;

	if (!lg_keeper_link_up(app->keeper))
		return lg_fail(ex->cx, LG_E_UNAVAILABLE, "the keeper is away");
	LG_TRY(lg_app_healthy(ex->cx, app));
	lg_http_type(ex, "text/plain");
	lg_buf_str(&ex->out, LG_STR("ready\n"));
	return LG_OK;
}

static lg_err
metrics(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;

	lg_http_type(ex, "application/openmetrics-text; version=1.0.0; charset=utf-8");
	lg_metrics_print(app->metrics, &ex->out);
	return LG_OK;
}

const struct lg_route lg_health_routes[] = {
	{ "GET", "/healthz", LG_SURFACE_API, LG_ON_LOOP, 0, healthz },
	{ "GET", "/readyz", LG_SURFACE_API, LG_ON_LOOP, 0, readyz },
	{ "GET", "/metrics", LG_SURFACE_API, LG_ON_LOOP, 0, metrics },
};
const size_t lg_health_nroutes = LG_COUNT(lg_health_routes);

static void
process_metrics(void *self, struct lg_buf *out)
{
	struct lg_app *app = self;
	uint64_t turns = 0;

	for (size_t i = 0; i < app->nloops; i++)
		turns += lg_loop_turns(app->loops[i]);
	lg_metrics_counter(out, "lightgate_loop_turns", "Turns of the event loops.", turns);
	lg_metrics_gauge(out, "lightgate_http_live", "Requests between their first byte and their last.", lg_http_live(app->http));
	lg_metrics_gauge(out, "lightgate_workers_waiting", "Jobs waiting for a worker.", (int64_t)lg_pool_waiting(app->workers));
	lg_metrics_gauge(out, "lightgate_connections", "Open connections.", lg_limits_count(app->limits));
	lg_metrics_counter(out, "lightgate_connections_refused", "Connections closed because of a limit.", lg_limits_refused(app->limits));
	lg_metrics_gauge(out, "lightgate_keeper_up", "Every loop has a channel to the keeper.", lg_keeper_link_up(app->keeper));
}

lg_err
lg_health_add(struct lg_ctx *cx, struct lg_app *app)
{
	LG_TRY(lg_metrics_source_add(cx, app->metrics, process_metrics, app));
	return lg_http_routes_add(cx, app->http, lg_health_routes, lg_health_nroutes, app);
}
