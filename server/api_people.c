/* api_people.c: what an administrator does for a person: links with which they set a password; their second factors and sessions. */
#include "lightgate/store.h"
#include "server/api.h"

/* ---- POST /v1/users/<name>/link {"send": true} --------------------------------------------------------------------------- */

struct linking {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct lg_api_path path;
	bool send;
	struct lg_sts_link link;
};

static lg_err
make_link(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct linking *l = arg;
	struct lg_entry e;

	LG_TRY(lg_api_entry_to_change(l->app, l->ex, v, &l->who, &l->path, &e));
	if (!e.enabled)
		return lg_fail(cx, LG_E_CONFLICT, "the account is disabled");
	if (l->send)
		return lg_sts_link_mail(cx, l->app->sts, v, l->ex->tenant, e.uuid);
	return lg_sts_link_new(cx, l->app->sts, v, l->ex->tenant, e.uuid, &l->link);
}

static lg_err
read_send(struct lg_http *ex, bool *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = false;
	lg_json_init(&js, ex->cx->arena, ex->body.n == 0 ? LG_STR("{}") : ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("send")))
			*ret = lg_json_bool(&js);
		else
			lg_json_unknown(&js, name);
	}
	return lg_json_end(ex->cx, &js);
}

lg_err
lg_api_user_link(void *self, struct lg_http *ex)
{
	struct linking l = { .app = self, .ex = ex };

	LG_TRY(lg_api_path(ex, &l.path));
	LG_TRY(lg_api_may_write(l.app, ex, &l.who));
	LG_TRY(read_send(ex, &l.send));
	LG_TRY(lg_store_apply(ex->cx, l.app->store, ex->tenant, l.send ? "user.send-link" : "user.show-link", make_link, &l, NULL));
	struct lg_jsonw w = lg_api_json(ex);
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	ex->status = l.send ? 202 : 201;
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "name", l.path.segment[1]);
	if (!l.send) {
		lg_jsonw_str_of(&w, "link", l.link.url);
		lg_jsonw_time_of(&w, "expires", l.link.expires);
	}
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* ---- GET and DELETE /v1/users/<name>/factors, /sessions ------------------------------------------------------------------------ */

static lg_err
end_factor(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str id)
{
	return lg_sts_factor_del(cx, v, e->tenant, e->uuid, id);
}

static lg_err
end_session(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str id)
{
	lg_uuid session;

	if (!lg_uuid_parse(id, &session))
		return lg_fail(cx, LG_E_NOT_FOUND, "there is no such session of theirs");
	return lg_sts_session_del(cx, v, e->tenant, e->uuid, session);
}

/* Every session, and the tokens and refresh families that came of them or without one. */
static lg_err
end_all(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e)
{
	char id[LG_UUID_TEXT + 1];

	lg_uuid_text(e->uuid, id);
	return lg_sts_revoke(cx, v, e->tenant, LG_REVOKED_SUBJECT, lg_str_of(id), lg_view_time(v));
}

static const struct having {
	lg_str name;
	const char *operation;
	lg_err (*write)(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid subject, struct lg_jsonw *w);
	lg_err (*end)(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e, lg_str id);
	lg_err (*end_all)(struct lg_ctx *cx, struct lg_view *v, const struct lg_entry *e);	/* NULL: one by one */
} havings[] = {
	{ LG_STR("factors"), "factor.remove", lg_sts_factors_write, end_factor, NULL },
	{ LG_STR("sessions"), "session.end", lg_sts_sessions_write, end_session, end_all },
};

static const struct having *
find(const struct lg_api_path *path)
{
	for (size_t i = 0; i < LG_COUNT(havings); i++)
		if (lg_str_eq(path->segment[2], havings[i].name))
			return &havings[i];
	return NULL;
}

lg_err
lg_api_user_list(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_api_path *path)
{
	const struct having *h = find(path);
	struct lg_entry e;

	(void)app;
	if (h == NULL)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	LG_TRY(lg_api_entry(ex, v, path, &e));
	struct lg_jsonw w = lg_api_json(ex);
	return h->write(ex->cx, v, ex->tenant, e.uuid, &w);
}

struct ending {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	const struct lg_api_path *path;
	const struct having *what;
};

static lg_err
end_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct ending *en = arg;
	struct lg_entry e;

	LG_TRY(lg_api_entry_to_change(en->app, en->ex, v, &en->who, en->path, &e));
	return en->path->n == 4 ? en->what->end(cx, v, &e, en->path->segment[3]) : en->what->end_all(cx, v, &e);
}

lg_err
lg_api_user_end(struct lg_app *app, struct lg_http *ex, const struct lg_api_path *path)
{
	struct ending en = { .app = app, .ex = ex, .path = path, .what = find(path) };

	if (en.what == NULL || path->n > 4 || (path->n == 3 && en.what->end_all == NULL))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	LG_TRY(lg_api_may_write(app, ex, &en.who));
	LG_TRY(lg_store_apply(ex->cx, app->store, ex->tenant, en.what->operation, end_run, &en, NULL));
	ex->status = 204;
	return LG_OK;
}
