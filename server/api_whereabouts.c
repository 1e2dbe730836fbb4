/* api_whereabouts.c: PUT /v1/whereabouts: a host says which addresses its containers have. */
#include "base/ipnet.h"
#include "server/admissions.h"
#include "server/app_own.h"
#include "server/caller.h"
#include "server/whereabouts.h"

struct said {
	struct lg_app *app;
	struct lg_caller host;
	struct lg_whereabout *all;
	size_t n;
};

static void
read_one(struct lg_http *ex, struct lg_json *js, struct lg_whereabout *w)
{
	lg_str name, text = LG_NONE;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("address")))
			text = lg_json_str(js);
		else if (lg_str_eq(name, LG_STR("container")))
			w->container = lg_json_str(js);
		else
			lg_json_skip(js);
	}
	if (!lg_ip_octets_parse(ex->cx->arena, text, &w->address))
		lg_json_fault(js, "\"address\" must be an IPv4 or IPv6 address");
	else if (lg_container_id_check(ex->cx, w->container) != LG_OK)
		lg_json_fault(js, "\"container\" must be a container's id");
}

static lg_err
read_said(struct lg_http *ex, struct said *s)
{
	struct lg_json js;
	lg_str name;

	s->all = LG_NEWS(ex->cx->arena, struct lg_whereabout, LG_WHEREABOUTS_MAX);
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (!lg_str_eq(name, LG_STR("addresses"))) {
			lg_json_skip(&js);
			continue;
		}
		lg_json_array(&js);
		while (lg_json_item(&js)) {
			if (s->n == LG_WHEREABOUTS_MAX)
				return lg_fail(ex->cx, LG_E_LIMIT, "more than %d addresses of one host", LG_WHEREABOUTS_MAX);
			read_one(ex, &js, &s->all[s->n++]);
		}
	}
	return lg_json_end(ex->cx, &js);
}

static lg_err
set(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct said *s = arg;
	struct lg_entry host;

	LG_TRY(lg_entry_by_uuid(cx, v, s->host.tenant->id, s->host.entity.id, &host));
	return lg_whereabouts_set(cx, v, &host, s->all, s->n);
}

/* The same again is no change. */
static bool
is_known(const struct said *s, const struct lg_whereabout *was, size_t n)
{
	bool same = n == s->n;

	for (size_t i = 0; same && i < n; i++)
		same = lg_str_eq(was[i].address, s->all[i].address) && lg_str_eq(was[i].container, s->all[i].container);
	return same;
}

static lg_err
find(struct lg_http *ex, struct said *s, bool *known)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_whereabout *was = NULL;
	size_t n;

	LG_TRY(lg_view_begin(ex->cx, s->app->store, &v));
	LG_TRY(lg_caller_host(s->app, ex, v, &s->host));
	LG_TRY(read_said(ex, s));
	LG_TRY(lg_whereabouts_get(ex->cx, v, s->host.tenant->id, s->host.entity.id, &was, &n));
	*known = is_known(s, was, n);
	return LG_OK;
}

static lg_err
say(void *self, struct lg_http *ex)
{
	struct said s = { .app = self };
	bool known;

	LG_TRY(find(ex, &s, &known));
	if (!known)
		LG_TRY(lg_store_apply(ex->cx, s.app->store, s.host.tenant->id, "host.whereabouts", set, &s, NULL));
	ex->status = 204;
	return LG_OK;
}

const struct lg_route lg_api_whereabouts_routes[] = {
	{ "PUT", "/v1/whereabouts", LG_SURFACE_MTLS, LG_ON_WORKER, 1u << 20, say },
};
const size_t lg_api_whereabouts_nroutes = LG_COUNT(lg_api_whereabouts_routes);
