/*
 * api_change.c: one entry at a time: POST /v1/<kind>, PATCH /v1/<kind>/<name>, and what is done to it: rename, lock, unlock, password.
 * Creating and changing are documents of one item for the state's own reader, so that there is one way to write a field.
 */
#include "server/api.h"
#include "server/freshness.h"
#include "server/point.h"

#include "base/clock.h"
#include "lightgate/store.h"
#include "server/bootstrap.h"
#include "server/wire_sts.h"

lg_err
lg_api_may_write(struct lg_app *app, struct lg_http *ex, struct lg_caller *who)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	return lg_caller_admin(app, ex, v, "admin:write", who);
}

/* ---- creating, changing ----------------------------------------------------------------------------------------------- */

static lg_err
name_in(struct lg_http *ex, lg_str *ret)
{
	struct lg_json js;
	lg_str name;

	*ret = LG_NONE;
	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("name")))
			*ret = lg_json_str(&js);
		else
			lg_json_skip(&js);
	}
	return lg_json_end(ex->cx, &js);
}

static lg_err
exists(struct lg_app *app, struct lg_http *ex, const struct lg_state_kind *kind, lg_str name, bool *ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_entry e;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	lg_err found = lg_entry_by_name(ex->cx, v, ex->tenant, kind->type, name, &e);
	*ret = found == LG_OK;
	return found == LG_E_NOT_FOUND ? LG_OK : found;
}

/* The body as the one item of a document; `name` in front of it when the path says it. */
static lg_str
document(struct lg_http *ex, const struct lg_state_kind *kind, lg_str name)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HTTP_BODY_LARGEST);
	lg_str rest = lg_str_trim(ex->body);
	struct lg_jsonw w = lg_jsonw_of(&b);

	if (name.n == 0)
		return lg_print(ex->cx->arena, "{\"%s\":[%.*s]}", kind->list, LG_FMT(rest));
	lg_jsonw_str(&w, name);
	rest = lg_str_trim(lg_str_sub(rest, 1, rest.n));
	return lg_print(ex->cx->arena, "{\"%s\":[{\"name\":%.*s%s%.*s]}", kind->list, LG_FMT(lg_buf_view(&b)),
	    lg_str_starts(rest, LG_STR("}")) ? "" : ",", LG_FMT(rest));
}

static lg_err
apply(struct lg_app *app, struct lg_http *ex, const struct lg_caller *who, lg_str json, enum lg_state_mode mode)
{
	lg_http_type(ex, "application/json");
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	LG_TRY(lg_state_apply(ex->cx, app, ex->tenant, who, json, mode, &ex->out));
	lg_fresh_tell(app, ex, NULL);
	return LG_OK;
}

lg_err
lg_api_create(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller who;
	struct lg_api_path path;
	bool there;
	lg_str name;

	LG_TRY(lg_api_path(ex, &path));
	LG_TRY(lg_api_may_write(app, ex, &who));
	LG_TRY(name_in(ex, &name));
	const struct lg_state_kind *kind = lg_state_kind_find(path.segment[0]);
	lg_str type = lg_type_name(kind->type);
	LG_TRY(exists(app, ex, kind, name, &there));
	if (there)
		return lg_fail(ex->cx, LG_E_EXISTS, "there is a %.*s \"%.*s\" already", LG_FMT(type), LG_FMT(name));
	LG_TRY(apply(app, ex, &who, document(ex, kind, LG_NONE), LG_STATE_APPLY));
	ex->status = 201;
	return LG_OK;
}

lg_err
lg_api_patch(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller who;
	struct lg_api_path path;
	bool there;
	lg_str name;

	LG_TRY(lg_api_path(ex, &path));
	LG_TRY(lg_api_may_write(app, ex, &who));
	if (path.n != 2)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	LG_TRY(name_in(ex, &name));
	if (name.n > 0)
		return lg_fail(ex->cx, LG_E_INVALID, "a name is changed at /v1/%.*s/%.*s/rename", LG_FMT(path.segment[0]), LG_FMT(path.segment[1]));
	const struct lg_state_kind *kind = lg_state_kind_find(path.segment[0]);
	lg_str type = lg_type_name(kind->type);
	LG_TRY(exists(app, ex, kind, path.segment[1], &there));
	if (!there)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is no %.*s \"%.*s\"", LG_FMT(type), LG_FMT(path.segment[1]));
	return apply(app, ex, &who, document(ex, kind, path.segment[1]), LG_STATE_PATCH);
}

/* ---- renaming, locking ---------------------------------------------------------------------------------------------------- */

struct deed {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_caller who;
	struct lg_api_path path;
	lg_str name;
};

static lg_err
rename_entry(struct lg_ctx *cx, struct lg_edit *ed, struct deed *d, struct lg_entry *e)
{
	const char *naming = e->type == LG_TYPE_USER ? "uid" : "cn";

	if (d->name.n == 0)
		return lg_fail(cx, LG_E_INVALID, "the new name is needed");
	return lg_entry_rename(cx, ed, e, lg_print(cx->arena, "%s=%.*s", naming, LG_FMT(lg_dn_escaped(cx->arena, d->name))), true, NULL);
}

static lg_err
modify_one(struct lg_ctx *cx, struct lg_edit *ed, struct lg_entry *e, const char *attribute, const char *value)
{
	lg_str v = lg_str_of(value == NULL ? "" : value);
	struct lg_modification mod = { LG_MODIFY_REPLACE, { lg_str_of(attribute), &v, value == NULL ? 0 : 1 } };

	return lg_entry_modify(cx, ed, e, &mod, 1, NULL);
}

static lg_err
lock_entry(struct lg_ctx *cx, struct lg_edit *ed, struct deed *d, struct lg_entry *e)
{
	(void)d;
	return modify_one(cx, ed, e, "pwdAccountLockedTime", "000001010000Z");
}

static lg_err
unlock_entry(struct lg_ctx *cx, struct lg_edit *ed, struct deed *d, struct lg_entry *e)
{
	lg_sts_forgive(cx, d->app->sts, e->tenant, e->uuid);
	return modify_one(cx, ed, e, "pwdAccountLockedTime", NULL);
}

static lg_err
expire_entry(struct lg_ctx *cx, struct lg_edit *ed, struct deed *d, struct lg_entry *e)
{
	(void)d;
	return modify_one(cx, ed, e, "pwdReset", "TRUE");
}

/* POST /v1/<kind>/<name>/<verb> */
static const struct {
	const char *verb, *operation;
	bool people;			/* users alone have passwords to lock */
	lg_err (*run)(struct lg_ctx *cx, struct lg_edit *ed, struct deed *d, struct lg_entry *e);
} deeds[] = {
	{ "rename", "entry.rename", false, rename_entry },
	{ "lock", "user.lock", true, lock_entry },
	{ "unlock", "user.unlock", true, unlock_entry },
	{ "expire-password", "user.expire-password", true, expire_entry },
};

static lg_err
run_deed(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct deed *d = arg;
	struct lg_edit ed = lg_edit_of(d->app->directory, v, d->ex->tenant);
	struct lg_entry e;

	LG_TRY(lg_api_entry_to_change(d->app, d->ex, v, &d->who, &d->path, &e));
	for (size_t i = 0; i < LG_COUNT(deeds); i++)
		if (lg_str_eq(d->path.segment[2], lg_str_of(deeds[i].verb)))
			return deeds[i].run(cx, &ed, d, &e);
	return LG_E_NOT_FOUND;
}

static lg_err
deed_body(struct lg_http *ex, struct deed *d)
{
	if (ex->body.n == 0)
		return LG_OK;
	return name_in(ex, &d->name);
}

lg_err
lg_api_deed(void *self, struct lg_http *ex)
{
	struct deed d = { .app = self, .ex = ex };

	LG_TRY(lg_api_path(ex, &d.path));
	if (d.path.n == 3 && lg_str_eq(d.path.segment[0], LG_STR("users")) && lg_str_eq(d.path.segment[2], LG_STR("password")))
		return lg_api_post_user(self, ex);
	if (d.path.n == 3 && lg_str_eq(d.path.segment[0], LG_STR("users")) && lg_str_eq(d.path.segment[2], LG_STR("link")))
		return lg_api_user_link(self, ex);
	if (d.path.n == 3 && lg_str_eq(d.path.segment[0], LG_STR("hosts")) && lg_str_eq(d.path.segment[2], LG_STR("join-tokens")))
		return lg_api_post_host(self, ex);
	if (d.path.n == 3 && (lg_str_eq(d.path.segment[0], LG_STR("clients")) || lg_str_eq(d.path.segment[0], LG_STR("services"))) &&
	    lg_str_eq(d.path.segment[2], LG_STR("secret")))
		return lg_api_post_client(self, ex);
	for (size_t i = 0; d.path.n == 3 && i < LG_COUNT(deeds); i++) {
		bool fits = !deeds[i].people || lg_str_eq(d.path.segment[0], LG_STR("users"));
		if (!fits || !lg_str_eq(d.path.segment[2], lg_str_of(deeds[i].verb)))
			continue;
		LG_TRY(lg_api_may_write(d.app, ex, &d.who));
		LG_TRY(deed_body(ex, &d));
		LG_TRY(lg_store_apply(ex->cx, d.app->store, ex->tenant, deeds[i].operation, run_deed, &d, NULL));
		lg_fresh_tell(d.app, ex, NULL);
		ex->status = 204;
		return LG_OK;
	}
	return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
}

/* ---- POST /v1/password: one's own ------------------------------------------------------------------------------------------------ */

struct own {
	struct lg_app *app;
	uint32_t tenant;
	lg_uuid id;
	lg_str verifier;
};

static lg_err
set_own(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct own *o = arg;
	struct lg_entry e;

	LG_TRY(lg_entry_by_uuid(cx, v, o->tenant, o->id, &e));
	lg_audit(v, lg_print(cx->arena, "User/%.*s", LG_FMT(e.name)), LG_NONE);
	return lg_wire_own_password(o->app, cx, v, o->tenant, o->id, o->verifier, false);
}

lg_err
lg_api_own_password(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	lg_str name, username = LG_NONE, old = LG_NONE, new = LG_NONE;
	struct lg_sts_subject subject;
	struct lg_json js;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str *to = lg_str_eq(name, LG_STR("username")) ? &username : lg_str_eq(name, LG_STR("old_password")) ? &old :
		    lg_str_eq(name, LG_STR("password")) ? &new : NULL;
		if (to != NULL)
			*to = lg_json_str(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (username.n == 0 || old.n == 0 || new.n == 0)
		return lg_fail(ex->cx, LG_E_INVALID, "username, old_password and password are needed");
	LG_AUTO(lg_secret_free) struct lg_secret was = lg_secret_copy(old), is = lg_secret_copy(new);
	/* An expired password still proves who wants to change it. */
	lg_err e = lg_sts_password_check(ex->cx, app->sts, ex->tenant, username, &was, ex->peer, &subject);
	if (e != LG_OK && e != LG_E_EXPIRED)
		return e;
	struct own o = { .app = app, .tenant = ex->tenant, .id = subject.id };
	LG_TRY(lg_password_make(ex->cx, app->directory, ex->tenant, subject.id, &is, true, &o.verifier));
	LG_TRY(lg_store_apply(ex->cx, app->store, ex->tenant, "user.change-password", set_own, &o, NULL));
	ex->status = 204;
	return LG_OK;
}
