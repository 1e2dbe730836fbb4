/* api_sources.c: /v1/sources: identity sources of a tenant; what they are is the token service's business. */
#include "lightgate/store.h"
#include "server/api.h"

struct change {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	lg_str name;
	struct sts_source *source;	/* NULL: it is deleted */
	enum lg_sts_change did;
};

static lg_err
named(struct lg_http *ex, lg_str *ret)
{
	struct lg_api_path path;

	LG_TRY(lg_api_path(ex, &path));
	if (path.n != 2)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	*ret = path.segment[1];
	return LG_OK;
}

lg_err
lg_api_sources(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	LG_TRY(lg_sts_sources_write(ex->cx, v, ex->tenant, &w));
	lg_jsonw_object_end(&w);
	return LG_OK;
}

lg_err
lg_api_source(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;
	lg_str name;

	LG_TRY(named(ex, &name));
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	struct lg_jsonw w = lg_api_json(ex);
	return lg_sts_source_write(ex->cx, v, ex->tenant, name, &w);
}

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *c = arg;

	LG_TRY(lg_caller_may(c->app, cx, v, &c->who, "admin:write", lg_tenant_entity(c->who.tenant)));
	lg_audit(v, lg_cat(cx->arena, LG_STR("Source/"), c->name), LG_NONE);
	if (c->source == NULL)
		return lg_sts_source_del(cx, v, c->ex->tenant, c->name);
	return lg_sts_source_put(cx, v, c->ex->tenant, c->source, &c->did);
}

/* PUT /v1/sources/<name>: the whole document. */
lg_err
lg_api_put_source(void *self, struct lg_http *ex)
{
	struct change c = { .app = self, .ex = ex };

	LG_TRY(named(ex, &c.name));
	LG_TRY(lg_api_may_write(c.app, ex, &c.who));
	LG_TRY(lg_sts_source_read(ex->cx, c.app->sts, ex->tenant, ex->body, &c.source));
	if (!lg_str_eq(lg_sts_source_name(c.source), c.name))
		return lg_fail(ex->cx, LG_E_INVALID, "the document's name is not the path's");
	LG_TRY(lg_store_apply(ex->cx, c.app->store, ex->tenant, "source.put", put, &c, NULL));
	ex->status = c.did == LG_STS_CREATED ? 201 : 200;
	return lg_api_source(self, ex);
}

lg_err
lg_api_del_source(void *self, struct lg_http *ex)
{
	struct change c = { .app = self, .ex = ex };

	LG_TRY(named(ex, &c.name));
	LG_TRY(lg_api_may_write(c.app, ex, &c.who));
	LG_TRY(lg_store_apply(ex->cx, c.app->store, ex->tenant, "source.delete", put, &c, NULL));
	ex->status = 204;
	return LG_OK;
}

/* POST /v1/sources/<name>: is it there, and does it answer? */
lg_err
lg_api_try_source(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller who;
	lg_str name;

	LG_TRY(named(ex, &name));
	LG_TRY(lg_api_may_write(app, ex, &who));
	struct lg_jsonw w = lg_api_json(ex);
	return lg_sts_source_try(ex->cx, app->sts, ex->tenant, name, &w);
}
