/* app.c: joins the components at start, keeps them fresh, and takes them apart at the end. */
#include "server/app.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/yaml.h"
#include "lightgate/store.h"
#include "server/admissions.h"
#include "server/app_own.h"
#include "server/bootstrap.h"
#include "server/bundle.h"
#include "server/embedded.h"
#include "server/heads.h"
#include "server/indexing.h"
#include "server/ldap_listener.h"
#include "server/operator.h"
#include "server/point.h"
#include "server/rotation.h"
#include "server/storage.h"
#include "server/tenants.h"
#include "server/warnings.h"
#include "server/whereabouts.h"

#define OWN_LIFE	(24 * LG_HOUR)		/* of the certificate that our listeners show */

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

/* ---- our own certificate ------------------------------------------------------------------------------------------ */

static lg_err
own_names(struct lg_ctx *cx, const struct lg_app *app, struct lg_cert_names *ret)
{
	static const char v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };

	(void)cx;
	*ret = (struct lg_cert_names){ .ndns = 0 };
	if (memchr(app->settings->host.p, '.', app->settings->host.n) != NULL || !app->settings->dev)
		if (!lg_str_eq(app->settings->host, LG_STR("127.0.0.1")))
			ret->dns[ret->ndns++] = app->settings->host;
	if (app->settings->dev) {
		ret->dns[ret->ndns++] = LG_STR("localhost");
		ret->ip[ret->nip++] = (lg_str){ v4, sizeof v4 };
		ret->ip[ret->nip++] = (lg_str){ v6, sizeof v6 };
	}
	return LG_OK;
}

/* A key that exists in this process alone, and a day's certificate for it. */
static lg_err
renew_identity(struct lg_ctx *cx, struct lg_app *app)
{
	const struct lg_actor *was = cx->actor;
	int64_t most = lg_tenants_get(app->tenants, LG_DEFAULT_TENANT)->leaf_life;
	struct lg_cert_names names;
	struct lg_issued issued;
	struct lg_key *key = NULL;
	lg_str pem;

	LG_TRY(own_names(cx, app, &names));
	LG_TRY(lg_key_generate(cx, LG_KEY_P256, &key));
	cx->actor = &lg_system;
	lg_err e = lg_certs_issue_own(cx, app->certs, LG_DEFAULT_TENANT, lg_pubkey_spki(lg_key_public(key)), &names,
	    most < OWN_LIFE ? most : OWN_LIFE, &issued);
	cx->actor = was;
	if (e == LG_OK)
		e = lg_key_pem(cx, key, &pem);
	lg_key_free(&key);
	LG_TRY(e);
	lg_str chain = lg_cat(cx->arena, lg_pem(cx->arena, LG_STR("CERTIFICATE"), issued.cert),
	    lg_pem(cx->arena, LG_STR("CERTIFICATE"), issued.chain));
	LG_TRY(lg_http_identity_set(cx, app->http, chain, pem));
	if (app->ldap != NULL)
		LG_TRY(lg_ldap_listener_identity(cx, app->ldap, chain, pem));
	__atomic_store_n(&lg_own(app)->identity_until, cx->now + (issued.expires - cx->now) * 2 / 3, __ATOMIC_RELEASE);
	return LG_OK;
}

static lg_err
write_ca_file(struct lg_ctx *cx, struct lg_app *app)
{
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, LG_DEFAULT_TENANT);
	struct lg_app_own *own = lg_own(app);

	lg_str roots = lg_pem(cx->arena, LG_STR("CERTIFICATE"), t->root);

	for (size_t i = 0; i < t->nold_roots; i++)
		roots = lg_cat(cx->arena, roots, lg_pem(cx->arena, LG_STR("CERTIFICATE"), t->old_roots[i]));
	snprintf(own->ca_file, sizeof own->ca_file, "%s/run/ca.pem", app->folders->data);
	return lg_file_update(cx, lg_print(cx->arena, "%s/ca.pem", app->folders->run).p, 0644, roots);
}

/* ---- maintenance: on a worker, started by a timer of the first loop ------------------------------------------------ */

static void
complain(struct lg_ctx *cx, const char *what, lg_err e)
{
	if (e != LG_OK)
		lg_log(LG_ERROR, "%s: %s: %s", what, lg_err_name(e), cx->error);
}

static lg_err
sweep_certificates(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more)
{
	size_t gone = 0;

	return lg_certs_purge(cx, app->certs, tenant, cx->now - app->settings->certificates_keep, &gone, more);
}

static lg_err
sweep_sts(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more)
{
	(void)tenant;
	return lg_sts_sweep(cx, app->sts, more);
}

/* Rows that have outlived their use, a thousand at a time. */
static const struct {
	const char *what;
	lg_err (*run)(struct lg_ctx *cx, struct lg_app *app, uint32_t tenant, bool *more);
	bool of_tenant;			/* once a tenant */
} sweeps[] = {
	{ "expired sessions and codes", sweep_sts, false },
	{ "redeemed tickets", lg_redeemed_sweep, true },
	{ "expired certificates", sweep_certificates, true },
};

static void
sweep(struct lg_ctx *cx, struct lg_app *app)
{
	for (size_t i = 0; i < LG_COUNT(sweeps); i++) {
		const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0);
		while (t != NULL) {
			bool more = false;
			complain(cx, sweeps[i].what, sweeps[i].run(cx, app, t->id, &more));
			if (!more)
				t = sweeps[i].of_tenant ? lg_tenants_after(app->tenants, t->id) : NULL;
		}
	}
}

/* Copying a large store takes long, so it is a job of its own: heads are signed meanwhile. */
static void
snapshot(void *arg)
{
	struct lg_app *app = arg;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	complain(&cx, "taking a snapshot of the store", lg_store_snapshot(&cx, app->store, false));
	lg_store_turn(app->store);
	lg_arena_free(&arena);
	__atomic_store_n(&lg_own(app)->copying, false, __ATOMIC_RELEASE);
}

/* Others' servers may take their time: likewise. */
static void
refresh_bundles(void *arg)
{
	struct lg_app *app = arg;
	struct lg_arena *arena = lg_arena_new();
	const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0);
	struct lg_ctx cx;

	for (; t != NULL; t = lg_tenants_after(app->tenants, t->id)) {
		lg_arena_reset(arena);
		lg_ctx_init(&cx, arena);
		cx.actor = &lg_system;
		complain(&cx, "bundles of other trust domains", lg_certs_refresh_bundles(&cx, app->certs, t->id));
		lg_store_turn(app->store);
	}
	lg_arena_free(&arena);
	__atomic_store_n(&lg_own(app)->refreshing, false, __ATOMIC_RELEASE);
}

/* Likewise. */
static void
tell_hooks(void *arg)
{
	struct lg_app *app = arg;
	struct lg_arena *arena = lg_arena_new();
	const struct lg_tenant_view *t = lg_tenants_after(app->tenants, 0);
	struct lg_ctx cx;

	for (; t != NULL && !__atomic_load_n(&lg_own(app)->stopping, __ATOMIC_ACQUIRE); t = lg_tenants_after(app->tenants, t->id)) {
		lg_arena_reset(arena);
		lg_ctx_init(&cx, arena);
		cx.actor = &lg_system;
		complain(&cx, "telling webhooks", lg_certs_hooks(&cx, app->certs, t->id));
		lg_store_turn(app->store);
	}
	lg_arena_free(&arena);
	__atomic_store_n(&lg_own(app)->hooking, false, __ATOMIC_RELEASE);
}

/* Submits the job unless it is already under way. */
static void
submit_once(struct lg_app *app, bool *busy, void (*run)(void *arg))
{
	if (!__atomic_exchange_n(busy, true, __ATOMIC_ACQ_REL) && lg_pool_submit(app->workers, run, app) != LG_OK)
		__atomic_store_n(busy, false, __ATOMIC_RELEASE);
}

/* What is freed beside it takes the top of this thread's arena along. */
static void
give_back_top(void *arg)
{
	void *volatile p = malloc(LG_HEAP_TOP);

	(void)arg;
	free(p);
}

/*
 * What a burst of requests left behind.  malloc_trim leaves the tops of threads' arenas alone: they go back from a threshold on, which is
 * high, since batch after batch needs them again, and low for this moment.
 */
static void
give_back(struct lg_app *app)
{
	(void)mallopt(M_TRIM_THRESHOLD, LG_HEAP_TOP);
	for (size_t i = 0; i < app->nloops; i++)
		lg_loop_call(app->loops[i], give_back_top, NULL);
	give_back_top(NULL);
	(void)mallopt(M_TRIM_THRESHOLD, LG_HEAP_TRIM);
	malloc_trim(0);
}

static void
every_minute(struct lg_ctx *cx, struct lg_app *app)
{
	lg_str clock = lg_clock_complaint(lg_store_clock(app->store));

	if (clock.n > 0)
		lg_log(LG_ERROR, "%.*s", LG_FMT(clock));
	lg_warn_authorities(cx, app);
	sweep(cx, app);
	give_back(app);
	submit_once(app, &lg_own(app)->copying, snapshot);
	submit_once(app, &lg_own(app)->refreshing, refresh_bundles);
	if (!__atomic_load_n(&lg_own(app)->counting, __ATOMIC_ACQUIRE) && lg_boottime() >= lg_own(app)->census_due)
		submit_once(app, &lg_own(app)->counting, lg_warn_certificates);
}

/* Applications and mail servers that do not answer keep a worker waiting: this has jobs of its own. */
static void
notify(void *arg)
{
	struct lg_notice_lane *lane = arg;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	if (lane->n < LG_STS_LANES)
		complain(&cx, "telling applications that a session has ended", lg_sts_notify(&cx, lane->app->sts, lane->n));
	else
		complain(&cx, "sending mail", lg_sts_mail(&cx, lane->app->sts, lane->n - LG_STS_LANES));
	lg_store_turn(lane->app->store);
	lg_arena_free(&arena);
	__atomic_store_n(&lane->busy, false, __ATOMIC_RELEASE);
}

static void
start_notices(struct lg_app *app)
{
	for (unsigned i = 0; i < LG_COUNT(lg_own(app)->lanes); i++) {
		struct lg_notice_lane *lane = &lg_own(app)->lanes[i];

		if (__atomic_exchange_n(&lane->busy, true, __ATOMIC_ACQ_REL))
			continue;
		lane->app = app;
		lane->n = i;
		if (lg_pool_submit(app->workers, notify, lane) != LG_OK)
			__atomic_store_n(&lane->busy, false, __ATOMIC_RELEASE);
	}
}

static void
maintain(void *arg)
{
	struct lg_app *app = arg;
	struct lg_app_own *own = lg_own(app);
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;
	lg_str head;

	lg_ctx_init(&cx, arena);
	cx.actor = &lg_system;
	for (int chain = 0; chain < LG_CHAINS; chain++)
		complain(&cx, "signing the head of a log", lg_heads_extend(&cx, app, (enum lg_chain)chain, &head));
	complain(&cx, "rotating keys", lg_rotation_run(&cx, app));
	submit_once(app, &own->hooking, tell_hooks);
	if (cx.now >= __atomic_load_n(&own->identity_until, __ATOMIC_ACQUIRE)) {
		complain(&cx, "renewing the service's certificate", renew_identity(&cx, app));
		complain(&cx, "writing the file of roots", write_ca_file(&cx, app));
	}
	if (cx.now - own->swept > LG_MINUTE) {
		own->swept = cx.now;
		every_minute(&cx, app);
	}
	lg_store_turn(app->store);
	lg_arena_free(&arena);
	__atomic_store_n(&own->working, false, __ATOMIC_RELEASE);
}

/* Heads are signed at least every LG_HEADS_EVERY; a successor's time may be shorter where keys are turned for a test. */
static int64_t
maintenance_pause(const struct lg_settings *s)
{
	return s->rotation_publish < LG_HEADS_EVERY ? s->rotation_publish : LG_HEADS_EVERY;
}

static void
tick(struct lg_timer *t)
{
	struct lg_app_own *own = (struct lg_app_own *)(void *)((char *)t - offsetof(struct lg_app_own, maintenance));
	struct lg_app *app = own->wiring.directory.self;

	if (__atomic_load_n(&own->stopping, __ATOMIC_ACQUIRE))
		return;
	submit_once(app, &own->working, maintain);
	start_notices(app);
	lg_indexing_start(app);
	lg_timer_set(lg_loop_self(), t, maintenance_pause(app->settings));
}

struct starter {
	struct lg_note note;
	struct lg_app_own *own;
};

static void
start_timer(struct lg_note *note)
{
	struct starter *s = (struct starter *)(void *)note;

	s->own->maintenance.run = tick;
	lg_timer_set(lg_loop_self(), &s->own->maintenance, LG_SECOND);
	free(s);
}

static void
start_maintenance(struct lg_app *app)
{
	struct starter *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	*s = (struct starter){ { NULL, start_timer }, lg_own(app) };
	lg_mailbox_post(lg_loop_mailbox(app->loops[0]), &s->note);
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
	return renew_identity(cx, app);
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
	LG_TRY(write_ca_file(cx, app));
	LG_TRY(load_state(cx, app));
	own->watches = lg_watches_new(app);
	start_maintenance(app);
	return LG_OK;
}

lg_err
lg_app_reload(struct lg_ctx *cx, struct lg_app *app)
{
	LG_TRY(lg_tenants_renew(cx, app));
	return renew_identity(cx, app);
}

static void
stop_timer(void *arg)
{
	struct lg_app_own *own = arg;

	__atomic_store_n(&own->stopping, true, __ATOMIC_RELEASE);
	lg_timer_unset(lg_loop_self(), &own->maintenance);
}

void
lg_app_quiesce(struct lg_app *app)
{
	lg_operated_end(app);
	lg_loop_call(app->loops[0], stop_timer, lg_own(app));
	/* A round of maintenance is a job that submits others. */
	while (__atomic_load_n(&lg_own(app)->working, __ATOMIC_ACQUIRE))
		usleep(1000);
}

void
lg_app_stop(struct lg_app *app)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;
	lg_str head;

	lg_unwire_ldap(app, &lg_own(app)->wiring);
	lg_ctx_init(&cx, arena);
	for (int chain = 0; app->segments != NULL && chain < LG_CHAINS; chain++)
		complain(&cx, "signing the head of a log", lg_heads_extend(&cx, app, (enum lg_chain)chain, &head));
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
