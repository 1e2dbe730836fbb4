/* app.c: joins the components at start, keeps them fresh, and takes them apart at the end. */
#include "server/app.h"

#include <stdio.h>

#include "base/yaml.h"
#include "lightgate/store.h"
#include "server/app_own.h"
#include "server/bootstrap.h"
#include "server/bundle.h"
#include "server/embedded.h"
#include "server/heads.h"
#include "server/operator.h"
#include "server/point.h"
#include "server/storage.h"
#include "server/tenants.h"
#include "server/whereabouts.h"

/* ---- opening -------------------------------------------------------------------------------------------------- */

static lg_err
open_store(struct lg_ctx *cx, struct lg_app *app)
{
	LG_TRY(lg_storage_open(cx, app->settings, app->folders->store, app->folders->archive, &app->store));
	lg_clock_guard(&lg_own(app)->guard, app->store, &app->signer);
	return lg_segments_open(cx, app->folders->log, (size_t)app->settings->segment_buffer, &app->segments);
}

static lg_err
open_point(struct lg_ctx *cx, struct lg_app *app)
{
	const struct lg_embedded *schema = lg_embedded_get("conf/lightgate.cedarschema");
	const struct lg_embedded *system = lg_embedded_get("conf/policies/system.cedar");

	if (schema == NULL || system == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "the schema or the system's policies are not part of this program");
	LG_TRY(lg_point_new(cx, app->store, schema->data, system->data, &app->point));
	lg_point_log(app->point, app->segments);
	lg_point_decider(app->point, &lg_own(app)->wiring.decider);
	return LG_OK;
}

/* ---- start, reload, stop --------------------------------------------------------------------------------------------- */

static lg_err
add_routes(struct lg_ctx *cx, struct lg_app *app)
{
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_access_routes, lg_api_access_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_search_routes, lg_api_search_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_admission_routes, lg_api_admission_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_told_routes, lg_api_told_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_whereabouts_routes, lg_api_whereabouts_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_door_routes, lg_api_door_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_proxy_routes, lg_api_proxy_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_kubernetes_routes, lg_api_kubernetes_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_bundle_routes, lg_api_bundle_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_watch_routes, lg_watch_nroutes, app));
	LG_TRY(lg_http_routes_add(cx, app->http, lg_api_operator_routes, lg_api_operator_nroutes, app));
	return lg_http_routes_add(cx, app->http, lg_api_admin_routes, lg_api_admin_nroutes, app);
}

static lg_err
wire_all(struct lg_ctx *cx, struct lg_app *app)
{
	struct lg_app_own *own = lg_own(app);

	LG_TRY(lg_tenants_load(cx, app, &app->tenants));
	LG_TRY(lg_wire_certs(cx, app, &own->wiring));
	LG_TRY(lg_wire_sts(cx, app, &own->wiring));
	LG_TRY(add_routes(cx, app));
	LG_TRY(lg_app_metrics_add(cx, app));
	lg_wire_http(app);
	LG_TRY(lg_wire_ldap(cx, app, &own->wiring));
	LG_TRY(lg_point_load(cx, app->point));
	return lg_own_identity_renew(cx, app);
}

static lg_err
load_state(struct lg_ctx *cx, struct lg_app *app)
{
	LG_AUTO(lg_buf_free) struct lg_buf json = LG_BUF(LG_HTTP_BODY_LARGEST), report = LG_BUF(LG_HTTP_RESPONSE_MAX);
	struct lg_yaml *tree;

	if (app->load.n == 0)
		return LG_OK;
	LG_TRY(lg_yaml_parse(cx, app->load, &tree));
	lg_yaml_to_json(tree, &json);
	LG_TRY(lg_buf_status(cx, &json));
	cx->actor = &lg_system;
	LG_TRY(lg_state_apply(cx, app, LG_DEFAULT_TENANT, NULL, lg_buf_view(&json), LG_STATE_APPLY, &report));
	struct lg_json js;
	lg_str name;
	lg_json_init(&js, app->arena, lg_dup(app->arena, lg_buf_view(&report)));
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str value = lg_json_raw(&js);
		if (lg_str_eq(name, LG_STR("credentials")))
			lg_own(app)->credentials = value;
	}
	return lg_json_end(cx, &js);
}

lg_err
lg_app_start(struct lg_ctx *cx, struct lg_app *app)
{
	struct lg_app_own *own = LG_NEW(app->arena, struct lg_app_own);

	app->own = own;
	pthread_mutex_init(&own->heads.lock, NULL);
	for (size_t i = 0; i < app->nloops; i++)
		own->answers[i] = lg_answers_new();
	LG_TRY(open_store(cx, app));
	lg_backup_sweep(app->folders->archive);
	LG_TRY(lg_heads_check(cx, app));
	LG_TRY(open_point(cx, app));
	LG_TRY(lg_wire_directory(cx, app, &own->wiring));
	LG_TRY(lg_bootstrap(cx, app, &own->password));
	LG_TRY(lg_data_keys_open(cx, app));
	LG_TRY(wire_all(cx, app));
	LG_TRY(lg_own_roots_write(cx, app));
	LG_TRY(load_state(cx, app));
	lg_maintenance_heads(cx, app);		/* hosts hear of them in their first line */
	own->watches = lg_watches_new(app);
	lg_maintenance_start(app);
	return LG_OK;
}

lg_err
lg_app_reload(struct lg_ctx *cx, struct lg_app *app)
{
	LG_TRY(lg_tenants_renew(cx, app));
	LG_TRY(lg_own_roots_write(cx, app));
	return lg_own_identity_renew(cx, app);
}

void
lg_app_quiesce(struct lg_app *app)
{
	lg_operated_end(app);
	lg_maintenance_end(app);
}

void
lg_app_stop(struct lg_app *app)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_unwire_ldap(app, &lg_own(app)->wiring);
	lg_ctx_init(&cx, arena);
	if (app->segments != NULL)
		lg_maintenance_heads(&cx, app);
	lg_arena_free(&arena);
	lg_sts_free(&app->sts);
	lg_certs_free(&app->certs);
	lg_directory_close(&app->directory);
	lg_breached_close(&app->breached);
	lg_point_free(&app->point);
	lg_segments_close(&app->segments);
	lg_store_close(&app->store);
	lg_watches_free(&lg_own(app)->watches);
	lg_tenants_free(&app->tenants);
	for (size_t i = 0; i < app->nloops; i++)
		lg_answers_free(&lg_own(app)->answers[i]);
}

lg_err
lg_app_healthy(struct lg_ctx *cx, struct lg_app *app)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_tenant t;

	LG_TRY(lg_view_begin(cx, app->store, &v));
	LG_TRY(lg_tenant_get(cx, v, LG_DEFAULT_TENANT, &t));
	if (!lg_point_ready(app->point, LG_DEFAULT_TENANT))
		return lg_fail(cx, LG_E_UNAVAILABLE, "no policy is in force");
	return LG_OK;
}

/* ---- the ready line ------------------------------------------------------------------------------------------------------ */

static lg_str
member_before(struct lg_ctx *cx, lg_str before, const char *member)
{
	struct lg_json js;
	lg_str name, found = LG_NONE;

	if (before.n == 0)
		return LG_NONE;
	lg_json_init(&js, cx->arena, before);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str value = lg_json_raw(&js);
		if (lg_str_eq(name, lg_str_of(member)))
			found = value;
	}
	return lg_json_end(cx, &js) == LG_OK ? found : LG_NONE;
}

static void
repeat(struct lg_ctx *cx, lg_str before, const char *member, struct lg_jsonw *w)
{
	lg_str was = member_before(cx, before, member);

	if (was.n == 0)
		return;
	lg_jsonw_name(w, lg_str_of(member));
	lg_jsonw_raw(w, was);
}

void
lg_app_ready(struct lg_ctx *cx, struct lg_app *app, lg_str before, struct lg_jsonw *w)
{
	struct lg_app_own *own = lg_own(app);

	lg_jsonw_str_of(w, "ca_file", lg_str_of(own->ca_file));
	if (own->password.n > 0) {
		lg_jsonw_name(w, LG_STR("admin"));
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "username", app->settings->admin);
		lg_jsonw_str_of(w, "password", own->password);
		lg_jsonw_object_end(w);
	} else {
		repeat(cx, before, "admin", w);
	}
	if (own->credentials.n > 2) {
		lg_jsonw_name(w, LG_STR("credentials"));
		lg_jsonw_raw(w, own->credentials);
	} else {
		repeat(cx, before, "credentials", w);
	}
}
