/* api_clients.c: POST /v1/clients/<name>/secret and /v1/services/<name>/secret: another secret, told once; the one before is good no more. */
#include "server/api.h"
#include "server/app_own.h"
#include "server/caller.h"
#include "server/freshness.h"

struct turning {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct lg_api_path path;
	lg_sha256 hash;
};

static lg_err
turn(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct turning *t = arg;
	struct lg_sts_client c;
	enum lg_sts_change did;
	struct lg_entry e;

	LG_TRY(lg_api_entry_to_change(t->app, t->ex, v, &t->who, &t->path, &e));
	LG_TRY(lg_sts_client_get(cx, v, t->ex->tenant, e.name, &c));
	if (c.auth != LG_CLIENT_SECRET)
		return lg_fail(cx, LG_E_INVALID, "%.*s has no secret: it authenticates otherwise", LG_FMT(e.name));
	lg_audit(v, e.name, LG_NONE);
	return lg_sts_client_put(cx, v, t->ex->tenant, &c, &t->hash, &did);
}

lg_err
lg_api_post_client(void *self, struct lg_http *ex)
{
	struct turning t = { .app = self, .ex = ex };
	lg_str secret = lg_token_new(ex->cx->arena);

	LG_TRY(lg_api_path(ex, &t.path));
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, t.app->store, &v));
		LG_TRY(lg_caller_admin(t.app, ex, v, "admin:write", &t.who));
	}
	t.hash = lg_sha256_of(secret);
	LG_TRY(lg_store_apply(ex->cx, t.app->store, ex->tenant, "client.secret", turn, &t, NULL));
	lg_fresh_tell(t.app, ex, NULL);
	struct lg_jsonw w = lg_api_json(ex);
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "name", t.path.segment[1]);
	lg_jsonw_str_of(&w, "secret", secret);
	lg_jsonw_object_end(&w);
	return LG_OK;
}
