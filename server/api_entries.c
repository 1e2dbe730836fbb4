/* api_entries.c: entries as JSON: list, show, delete. */
#include "base/text.h"
#include "server/api.h"
#include "server/freshness.h"

#include "lightgate/store.h"

#define MEMBERS_SHOWN 1000

static void
write_strings(struct lg_jsonw *w, const char *name, const struct lg_entry *e, const char *attribute)
{
	lg_str value;

	lg_jsonw_name(w, lg_str_of(name));
	lg_jsonw_array(w);
	for (size_t i = 0; lg_entry_value(e, lg_str_of(attribute), i, &value); i++)
		lg_jsonw_str(w, value);
	lg_jsonw_array_end(w);
}

static lg_err
write_references(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_entry *e, const struct lg_state_field *f)
{
	struct lg_entry other;
	lg_err err = LG_OK;

	lg_jsonw_name(w, lg_str_of(f->name));
	if (f->kind == LG_FIELD_REF) {
		err = lg_entry_reference(cx, v, e, lg_str_of(f->attribute), 0, &other);
		if (err == LG_OK)
			lg_jsonw_str(w, other.name);
		else
			lg_jsonw_null(w);
		return err == LG_E_NOT_FOUND ? LG_OK : err;
	}
	lg_jsonw_array(w);
	for (size_t i = 0; err == LG_OK; i++) {
		err = lg_entry_reference(cx, v, e, lg_str_of(f->attribute), i, &other);
		if (err == LG_OK)
			lg_jsonw_str(w, other.name);
	}
	lg_jsonw_array_end(w);
	return err == LG_E_NOT_FOUND ? LG_OK : err;
}

static lg_err
write_groups(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_entry *e)
{
	uint64_t *ids = NULL;
	struct lg_entry group;
	size_t n = 0;

	LG_TRY(lg_entry_groups(cx, v, e, false, &ids, &n));
	lg_jsonw_name(w, LG_STR("groups"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++) {
		LG_TRY(lg_entry_by_id(cx, v, e->tenant, ids[i], &group));
		lg_jsonw_str(w, group.name);
	}
	lg_jsonw_array_end(w);
	return LG_OK;
}

static lg_err
write_members(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_entry *group)
{
	struct lg_entry *member = NULL;
	size_t n = 0;

	LG_TRY(lg_group_members(cx, v, group, 0, MEMBERS_SHOWN, &member, &n));
	lg_jsonw_name(w, LG_STR("members"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < n; i++) {
		lg_str type = lg_type_name(member[i].type);
		lg_jsonw_str(w, lg_print(cx->arena, "%.*s/%.*s", LG_FMT(type), LG_FMT(member[i].name)));
	}
	lg_jsonw_array_end(w);
	return LG_OK;
}

static lg_err
write_field(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_entry *e, const struct lg_state_field *f)
{
	lg_str value;
	int64_t number;

	switch (f->kind) {
	case LG_FIELD_STR:
		if (lg_entry_value(e, lg_str_of(f->attribute), 0, &value))
			lg_jsonw_str_of(w, f->name, value);
		return LG_OK;
	case LG_FIELD_BOOL:
		if (lg_entry_value(e, lg_str_of(f->attribute), 0, &value))
			lg_jsonw_bool_of(w, f->name, lg_str_eq(value, LG_STR("TRUE")));
		return LG_OK;
	case LG_FIELD_INT:
		if (lg_entry_value(e, lg_str_of(f->attribute), 0, &value) && lg_int_parse(value, &number))
			lg_jsonw_int_of(w, f->name, number);
		return LG_OK;
	case LG_FIELD_LIST:
		write_strings(w, f->name, e, f->attribute);
		return LG_OK;
	case LG_FIELD_REF:
	case LG_FIELD_REFS:
		return write_references(cx, w, v, e, f);
	case LG_FIELD_GROUPS:
		return write_groups(cx, w, v, e);
	case LG_FIELD_MEMBERS:
		return write_members(cx, w, v, e);
	}
	return LG_OK;
}

static void
write_when(struct lg_jsonw *w, const char *name, int64_t t)
{
	lg_jsonw_name(w, lg_str_of(name));
	if (t > 0)
		lg_jsonw_time(w, t);
	else
		lg_jsonw_null(w);
}

static lg_err
write_password(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_entry *e)
{
	struct lg_password_facts f;

	LG_TRY(lg_password_facts(cx, v, e, &f));
	lg_jsonw_bool_of(w, "locked", f.locked != 0);
	lg_jsonw_name(w, LG_STR("password"));
	lg_jsonw_object(w);
	lg_jsonw_bool_of(w, "set", lg_entry_has_verifier(e));
	lg_jsonw_bool_of(w, "must_change", f.reset);
	write_when(w, "changed", f.changed);
	write_when(w, "expires", f.expires);
	lg_jsonw_object_end(w);
	return LG_OK;
}

static lg_err
write_client(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_entry *e)
{
	struct lg_sts_client c;
	lg_err err = lg_sts_client_get(cx, v, e->tenant, e->name, &c);

	if (err == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(err);
	lg_jsonw_name(w, LG_STR("client"));
	lg_sts_client_write(w, &c);
	return LG_OK;
}

static lg_err
write_entry(struct lg_ctx *cx, struct lg_jsonw *w, struct lg_view *v, const struct lg_state_kind *kind, const struct lg_entry *e)
{
	lg_str dn;

	LG_TRY(lg_entry_dn(cx, v, e, &dn));
	lg_jsonw_object(w);
	lg_jsonw_uuid_of(w, "id", e->uuid);
	lg_jsonw_str_of(w, "type", lg_type_name(e->type));
	lg_jsonw_str_of(w, "name", e->name);
	lg_jsonw_str_of(w, "dn", dn);
	for (size_t i = 0; i < kind->nfields; i++)
		LG_TRY(write_field(cx, w, v, e, &kind->fields[i]));
	if (kind->type == LG_TYPE_USER)
		LG_TRY(write_password(cx, w, v, e));
	if (kind->type == LG_TYPE_CLIENT)
		LG_TRY(write_client(cx, w, v, e));
	lg_jsonw_time_of(w, "created", e->created);
	lg_jsonw_time_of(w, "modified", e->modified);
	lg_jsonw_object_end(w);
	return LG_OK;
}

lg_err
lg_api_list(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_entry *e = NULL;
	struct lg_caller who;
	struct lg_api_path path;
	struct lg_form query;
	size_t limit, n = 0;
	bool more = false;

	LG_TRY(lg_api_path(ex, &path));
	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	LG_TRY(lg_api_limit(ex, &query, &limit));
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	const struct lg_state_kind *kind = lg_state_kind_find(path.segment[0]);
	LG_TRY(lg_entry_list(ex->cx, v, ex->tenant, kind->type, lg_form_get(&query, "prefix"), lg_form_get(&query, "after"), limit, &e,
	    &n, &more));
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++)
		LG_TRY(write_entry(ex->cx, &w, v, kind, &e[i]));
	lg_jsonw_array_end(&w);
	if (more)
		lg_jsonw_str_of(&w, "next", e[n - 1].name);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

lg_err
lg_api_show(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;
	struct lg_api_path path;
	struct lg_entry e;

	LG_TRY(lg_api_path(ex, &path));
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_admin(app, ex, v, "admin:read", &who));
	if (path.n == 3 && lg_str_eq(path.segment[0], LG_STR("users")))
		return lg_api_user_list(app, ex, v, &path);
	if (path.n != 2)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	LG_TRY(lg_api_entry(ex, v, &path, &e));
	struct lg_jsonw w = lg_api_json(ex);
	return write_entry(ex->cx, &w, v, lg_state_kind_find(path.segment[0]), &e);
}

/* ---- deleting: what speaks for the entry goes with it, see credential_ended ------------------------------------------------ */

struct deletion {
	struct lg_app *app;
	struct lg_caller who;
	struct lg_http *ex;
	struct lg_api_path path;
};

static lg_err
delete_entry(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct deletion *d = arg;
	struct lg_edit ed = lg_edit_of(d->app->directory, v, d->ex->tenant);
	struct lg_entry e;

	LG_TRY(lg_api_entry_to_change(d->app, d->ex, v, &d->who, &d->path, &e));
	return lg_entry_delete(cx, &ed, &e);
}

lg_err
lg_api_delete(void *self, struct lg_http *ex)
{
	struct deletion d = { .app = self, .ex = ex };

	LG_TRY(lg_api_path(ex, &d.path));
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, d.app->store, &v));
		LG_TRY(lg_caller_admin(d.app, ex, v, "admin:write", &d.who));
	}
	LG_TRY(lg_store_apply(ex->cx, d.app->store, ex->tenant, "entry.delete", delete_entry, &d, NULL));
	lg_fresh_tell(d.app, ex, NULL);
	ex->status = 204;
	return LG_OK;
}
