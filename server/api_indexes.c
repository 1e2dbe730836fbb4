/* api_indexes.c: GET, POST /v1/indexes and DELETE /v1/indexes/<attribute>/<kind>; and the worker that builds what was chosen. */
#include "server/api.h"

#include <unistd.h>

#include "base/log.h"
#include "lightgate/store.h"
#include "server/indexing.h"

static const char *const states[] = {
	[LG_INDEX_ALWAYS] = "always", [LG_INDEX_BUILDING] = "building", [LG_INDEX_USED] = "used", [LG_INDEX_DROPPED] = "being removed",
};

/* ---- building ------------------------------------------------------------------------------------------------------------ */

/* One step at a time, with a breath between them: whoever serves requests comes first. */
static void
build(void *arg)
{
	struct lg_app *app = arg;
	struct lg_app_own *own = lg_own(app);
	bool more = true;

	while (more && !__atomic_load_n(&own->stopping, __ATOMIC_ACQUIRE)) {
		LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
		struct lg_ctx cx;
		lg_ctx_init(&cx, a);
		cx.actor = &lg_system;
		if (lg_index_work(&cx, app->directory, &more) != LG_OK) {
			lg_log(LG_ERROR, "building an index: %s", cx.error);
			break;
		}
		usleep(500);
	}
	__atomic_store_n(&own->indexing, false, __ATOMIC_RELEASE);
}

void
lg_indexing_start(struct lg_app *app)
{
	struct lg_app_own *own = lg_own(app);

	if (__atomic_exchange_n(&own->indexing, true, __ATOMIC_ACQ_REL))
		return;
	if (lg_pool_submit(app->workers, build, app) != LG_OK)
		__atomic_store_n(&own->indexing, false, __ATOMIC_RELEASE);	/* the next round of maintenance begins it */
}

/* ---- the routes ---------------------------------------------------------------------------------------------------------------- */

lg_err
lg_api_indexes(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_index *list = NULL;
	struct lg_caller who;
	size_t n = 0;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	LG_TRY(lg_index_list(ex->cx, v, ex->tenant, &list, &n));
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++) {
		lg_jsonw_object(&w);
		lg_jsonw_str_of(&w, "attribute", list[i].attribute);
		lg_jsonw_str_of(&w, "kind", lg_str_of(list[i].kind));
		lg_jsonw_str_of(&w, "state", lg_str_of(states[list[i].state]));
		if (list[i].done > 0)
			lg_jsonw_int_of(&w, "done_up_to", (int64_t)(list[i].done & INT64_MAX));
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

struct choice {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	lg_str attribute, kind;
	bool on;
};

static lg_err
choose(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct choice *c = arg;
	struct lg_edit ed = lg_edit_of(c->app->directory, v, c->ex->tenant);

	LG_TRY(lg_caller_may(c->app, cx, v, &c->who, "admin:write", lg_tenant_entity(c->who.tenant)));
	LG_TRY(lg_index_choose(cx, &ed, c->attribute, c->kind, c->on));
	lg_audit(v, lg_print(cx->arena, "Index/%.*s/%.*s", LG_FMT(c->attribute), LG_FMT(c->kind)), LG_NONE);
	return LG_OK;
}

static lg_err
change(struct choice *c)
{
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(c->ex->cx, c->app->store, &v));
		LG_TRY(lg_caller_admin(c->app, c->ex, v, "admin:write", &c->who));
	}
	LG_TRY(lg_store_apply(c->ex->cx, c->app->store, c->ex->tenant, c->on ? "index.create" : "index.drop", choose, c, NULL));
	lg_indexing_start(c->app);
	return LG_OK;
}

lg_err
lg_api_create_index(void *self, struct lg_http *ex)
{
	struct choice c = { .app = self, .ex = ex, .on = true };
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("attribute")))
			c.attribute = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("kind")))
			c.kind = lg_json_str(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	LG_TRY(change(&c));
	ex->status = 202;
	return lg_api_indexes(self, ex);
}

lg_err
lg_api_drop_index(void *self, struct lg_http *ex)
{
	struct choice c = { .app = self, .ex = ex };
	struct lg_api_path path;

	LG_TRY(lg_api_path(ex, &path));
	if (path.n != 3)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	c.attribute = path.segment[1];
	c.kind = path.segment[2];
	LG_TRY(change(&c));
	ex->status = 204;
	return LG_OK;
}
