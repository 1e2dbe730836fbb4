/* api_policies.c: versions of the tenant's policy set. */
#include "base/text.h"
#include "server/api.h"
#include "server/freshness.h"
#include "server/point.h"

static lg_err
admin(struct lg_app *app, struct lg_http *ex, const char *action, struct lg_caller *who)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	return lg_caller_admin(app, ex, v, action, who);
}

static void
write_version(struct lg_jsonw *w, const struct lg_policy_version *pv, bool source)
{
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "version", (int64_t)pv->version);
	lg_jsonw_bool_of(w, "active", pv->active);
	lg_jsonw_time_of(w, "time", pv->time);
	lg_jsonw_str_of(w, "author", pv->author);
	if (source)
		lg_jsonw_str_of(w, "source", pv->source);
	lg_jsonw_object_end(w);
}

static bool
list_one(void *arg, const struct lg_policy_version *pv)
{
	write_version(arg, pv, false);
	return true;
}

lg_err
lg_api_policies(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "policy:read", &who));
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	LG_TRY(lg_policy_versions(ex->cx, v, ex->tenant, list_one, &w));
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* /v1/policies/active or a number. */
lg_err
lg_api_policy(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_policy_version pv;
	struct lg_caller who;
	int64_t version = 0;

	if (!lg_str_eq(ex->tail, LG_STR("active")) && (!lg_int_parse(ex->tail, &version) || version < 1))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "a version is a number, or \"active\"");
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "policy:read", &who));
	lg_err e = lg_policy_version_get(ex->cx, v, ex->tenant, (uint64_t)version, &pv);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(ex->cx, e, "there is no policy version %lld", (long long)version);
	LG_TRY(e);
	struct lg_jsonw w = lg_api_json(ex);
	write_version(&w, &pv, true);
	return LG_OK;
}

/* RFC 9457 with all errors of the set, so that they can be mended at once. */
lg_err
lg_api_policy_faults(struct lg_http *ex, const struct lg_policy_faults *faults)
{
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	ex->status = 422;
	lg_http_type(ex, "application/problem+json");
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "title", LG_STR("The policies are not valid"));
	lg_jsonw_int_of(&w, "status", 422);
	lg_jsonw_str_of(&w, "code", LG_STR("invalid"));
	lg_jsonw_str_of(&w, "detail", lg_policy_faults_text(ex->cx->arena, faults));
	lg_jsonw_name(&w, LG_STR("errors"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < faults->n; i++) {
		lg_jsonw_object(&w);
		lg_jsonw_int_of(&w, "line", faults->v[i].line);
		lg_jsonw_int_of(&w, "column", faults->v[i].column);
		lg_jsonw_str_of(&w, "policy", faults->v[i].policy);
		lg_jsonw_str_of(&w, "message", faults->v[i].message);
		lg_jsonw_bool_of(&w, "warning", faults->v[i].warning);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

struct activator {
	struct lg_app *app;
	const struct lg_caller *who;
};

static lg_err
may_activate(void *arg, struct lg_ctx *cx, struct lg_view *v)
{
	const struct activator *a = arg;

	return lg_caller_may(a->app, cx, v, a->who, "policy:activate", lg_tenant_entity(a->who->tenant));
}

static lg_err
put_in_force(struct lg_app *app, struct lg_http *ex, const struct lg_caller *who, lg_str source, uint64_t replaces, const char *operation)
{
	struct activator by = { app, who };
	struct lg_policy_terms terms = { may_activate, &by, replaces };
	struct lg_policy_faults faults = { .n = 0 };
	uint64_t version;

	lg_err e = lg_policy_activate_if(ex->cx, app->point, ex->tenant, source, operation, &terms, &faults, &version);
	if (e == LG_E_INVALID && faults.n > 0)
		return lg_api_policy_faults(ex, &faults);
	LG_TRY(e);
	lg_fresh_tell(app, ex, NULL);
	struct lg_jsonw w = lg_api_json(ex);
	ex->status = 201;
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "version", (int64_t)version);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* ?dry_run=true: the same judgement, and nothing more. */
static lg_err
say_whether(struct lg_app *app, struct lg_http *ex, lg_str source)
{
	LG_AUTO(lg_policies_unref) struct lg_policies *set = NULL;
	struct lg_policy_faults faults = { .n = 0 };

	lg_err e = lg_policy_candidate(ex->cx, app->point, ex->tenant, source, &faults, &set);
	if (e == LG_E_INVALID && faults.n > 0)
		return lg_api_policy_faults(ex, &faults);
	LG_TRY(e);
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_bool_of(&w, "valid", true);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

lg_err
lg_api_activate(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	lg_str name, source = LG_NONE;
	int64_t replaces = 0;
	struct lg_form query;
	struct lg_caller who;
	struct lg_json js;

	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("source")))
			source = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("replaces")))
			replaces = lg_json_int(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	LG_TRY(admin(app, ex, "policy:activate", &who));
	if (lg_str_eq(lg_form_get(&query, "dry_run"), LG_STR("true")))
		return say_whether(app, ex, source);
	return put_in_force(app, ex, &who, source, (uint64_t)replaces, "policy.activate");
}

lg_err
lg_api_policy_source(struct lg_app *app, struct lg_http *ex, uint64_t version, lg_str *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_policy_version pv;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	lg_err e = lg_policy_version_get(ex->cx, v, ex->tenant, version, &pv);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(ex->cx, e, "there is no policy version %llu", (unsigned long long)version);
	LG_TRY(e);
	*ret = lg_dup(ex->cx->arena, pv.source);
	return LG_OK;
}

/* The old text becomes a new version: numbers only rise. */
lg_err
lg_api_rollback(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller who;
	int64_t version = 0;
	struct lg_json js;
	lg_str name, source;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("version")))
			version = lg_json_int(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (version < 1)
		return lg_fail(ex->cx, LG_E_INVALID, "version is missing");
	LG_TRY(admin(app, ex, "policy:activate", &who));
	LG_TRY(lg_api_policy_source(app, ex, (uint64_t)version, &source));
	return put_in_force(app, ex, &who, source, 0, "policy.rollback");
}
