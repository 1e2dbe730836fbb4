/* api_members.c: group membership, people's passwords, hosts' join tokens. */
#include "base/clock.h"
#include "server/api.h"
#include "server/bootstrap.h"
#include "server/freshness.h"

#include "lightgate/store.h"

/* ---- PUT and DELETE /v1/groups/<group>/members/<type>/<member> --------------------------------------------------- */

struct membership {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct lg_api_path path;
	bool add;
};

/* A name may hold quotes: it came over LDAP. */
static lg_str
member_detail(struct lg_ctx *cx, const struct lg_entry *member)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HTTP_BODY_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str type = lg_type_name(member->type);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "member", lg_print(cx->arena, "%.*s/%.*s", LG_FMT(type), LG_FMT(member->name)));
	lg_jsonw_object_end(&w);
	return lg_dup(cx->arena, lg_buf_view(&b));
}

static lg_err
change_member(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct membership *m = arg;
	struct lg_edit ed = lg_edit_of(m->app->directory, v, m->ex->tenant);
	struct lg_entry group, member;
	enum lg_entry_type type;

	LG_TRY(lg_caller_may(m->app, cx, v, &m->who, "admin:write", lg_tenant_entity(m->who.tenant)));
	LG_TRY(lg_api_entry(m->ex, v, &m->path, &group));
	if (!lg_type_parse(m->path.segment[3], &type))
		return lg_fail(cx, LG_E_INVALID, "%.*s is not a type of entry", LG_FMT(m->path.segment[3]));
	lg_err e = lg_entry_by_name(cx, v, m->ex->tenant, type, m->path.segment[4], &member);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "there is no %.*s \"%.*s\"", LG_FMT(m->path.segment[3]), LG_FMT(m->path.segment[4]));
	LG_TRY(e);
	lg_audit(v, lg_print(cx->arena, "Group/%.*s", LG_FMT(group.name)), member_detail(cx, &member));
	return m->add ? lg_member_add(cx, &ed, &group, &member) : lg_member_del(cx, &ed, &group, &member);
}

static lg_err
run_membership(struct membership *m)
{
	struct lg_http *ex = m->ex;

	if (m->path.n != 5 || !lg_str_eq(m->path.segment[0], LG_STR("groups")) || !lg_str_eq(m->path.segment[2], LG_STR("members")))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, m->app->store, &v));
		LG_TRY(lg_caller_admin(m->app, ex, v, "admin:write", &m->who));
	}
	lg_err e = lg_store_apply(ex->cx, m->app->store, ex->tenant, m->add ? "group.add-member" : "group.remove-member", change_member, m,
	    NULL);
	if (e == LG_OK || (m->add && e == LG_E_EXISTS)) {
		lg_fresh_tell(m->app, ex, NULL);
		ex->status = 204;
		return LG_OK;
	}
	return e;
}

lg_err
lg_api_put_member(void *self, struct lg_http *ex)
{
	struct membership m = { .app = self, .ex = ex, .add = true };

	LG_TRY(lg_api_path(ex, &m.path));
	return run_membership(&m);
}

lg_err
lg_api_del_member(struct lg_app *app, struct lg_http *ex, const struct lg_api_path *path)
{
	struct membership m = { .app = app, .ex = ex, .path = *path };

	return run_membership(&m);
}

/* ---- POST /v1/users/<name>/password -------------------------------------------------------------------------------- */

struct password {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct lg_api_path path;
	lg_str verifier;
};

static lg_err
set_password(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct password *p = arg;
	struct lg_edit ed = lg_edit_of(p->app->directory, v, p->ex->tenant);
	struct lg_entry e;

	LG_TRY(lg_api_entry_to_change(p->app, p->ex, v, &p->who, &p->path, &e));
	return lg_entry_set_verifier(cx, &ed, &e, p->verifier);
}

static lg_err
read_password(struct lg_http *ex, lg_str *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = LG_NONE;
	lg_json_init(&js, ex->cx->arena, ex->body.n == 0 ? LG_STR("{}") : ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("password")))
			*ret = lg_json_str(&js);
		else
			lg_json_unknown(&js, name);
	}
	return lg_json_end(ex->cx, &js);
}

lg_err
lg_api_post_user(void *self, struct lg_http *ex)
{
	struct password p = { .app = self, .ex = ex };
	struct lg_entry e;
	lg_uuid id;
	lg_str text;

	LG_TRY(lg_api_path(ex, &p.path));
	if (p.path.n != 3 || !lg_str_eq(p.path.segment[2], LG_STR("password")))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	LG_TRY(read_password(ex, &text));
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, p.app->store, &v));
		LG_TRY(lg_caller_admin(p.app, ex, v, "admin:write", &p.who));
		LG_TRY(lg_api_entry(ex, v, &p.path, &e));
		id = e.uuid;
	}
	bool made = text.n == 0;
	if (made)
		text = lg_password_new(ex->cx->arena);
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(text);
	lg_store_turn(p.app->store);	/* no snapshot is held while the hash waits its turn */
	if (made)
		LG_TRY(p.app->hasher.hash_wait(p.app->hasher.self, ex->cx, &secret, &p.verifier));
	else
		LG_TRY(lg_password_make(ex->cx, p.app->directory, ex->tenant, id, &secret, true, &p.verifier));
	LG_TRY(lg_store_apply(ex->cx, p.app->store, ex->tenant, "user.set-password", set_password, &p, NULL));
	lg_fresh_tell(p.app, ex, NULL);
	struct lg_jsonw w = lg_api_json(ex);
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "name", p.path.segment[1]);
	if (made)
		lg_jsonw_str_of(&w, "password", text);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

/* ---- POST /v1/hosts/<name>/join-tokens --------------------------------------------------------------------------------- */

static lg_err
read_life(struct lg_http *ex, int64_t *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = LG_JOIN_LIFE;
	lg_json_init(&js, ex->cx->arena, ex->body.n == 0 ? LG_STR("{}") : ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (!lg_str_eq(name, LG_STR("life_seconds"))) {
			lg_json_unknown(&js, name);
			continue;
		}
		int64_t seconds = lg_json_int(&js);
		if (seconds < 1 || seconds > LG_JOIN_LIFE / LG_SECOND)
			lg_json_fault(&js, "life_seconds must be between 1 and 3600");
		*ret = seconds * LG_SECOND;
	}
	return lg_json_end(ex->cx, &js);
}

static lg_err
find_host(struct lg_app *app, struct lg_http *ex, const struct lg_api_path *path, struct lg_entry *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_find(app, ex, v, "/v1", &who));
	LG_TRY(lg_api_entry(ex, v, path, ret));
	return lg_caller_may_better(app, ex, v, &who, "host:invite", lg_entry_entity(ret));
}

lg_err
lg_api_post_host(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_api_path path;
	struct lg_entry host;
	int64_t life, expires;
	lg_str token;

	LG_TRY(lg_api_path(ex, &path));
	if (path.n != 3 || !lg_str_eq(path.segment[2], LG_STR("join-tokens")))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	LG_TRY(read_life(ex, &life));
	LG_TRY(find_host(app, ex, &path, &host));
	LG_TRY(lg_certs_invite(ex->cx, app->certs, ex->tenant, host.uuid, life, &token, &expires));
	struct lg_jsonw w = lg_api_json(ex);
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	ex->status = 201;
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "token", token);
	lg_jsonw_time_of(&w, "expires", expires);
	lg_jsonw_object_end(&w);
	return LG_OK;
}
