/* api_admin.c: the routes of /v1, and what their handlers share. */
#include "base/text.h"
#include "server/api.h"

lg_err
lg_api_path(struct lg_http *ex, struct lg_api_path *ret)
{
	lg_str rest = lg_str_sub(ex->path, sizeof "/v1/" - 1, SIZE_MAX);
	bool more = true;

	*ret = (struct lg_api_path){ .n = 0 };
	while (more) {
		if (ret->n == LG_API_SEGMENTS)
			return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
		more = lg_str_cut(rest, '/', &ret->segment[ret->n++], &rest);
	}
	return LG_OK;
}

struct lg_jsonw
lg_api_json(struct lg_http *ex)
{
	lg_http_type(ex, "application/json");
	return lg_jsonw_of(&ex->out);
}

lg_err
lg_api_limit(struct lg_http *ex, const struct lg_form *query, size_t *ret)
{
	lg_str text = lg_form_get(query, "limit");
	int64_t n = LG_API_PAGE;

	if (text.n > 0 && (!lg_int_parse(text, &n) || n < 1 || n > LG_API_PAGE_MAX))
		return lg_fail(ex->cx, LG_E_INVALID, "limit must be between 1 and %d", LG_API_PAGE_MAX);
	*ret = (size_t)n;
	return LG_OK;
}

lg_err
lg_api_entry(struct lg_http *ex, struct lg_view *v, const struct lg_api_path *path, struct lg_entry *ret)
{
	const struct lg_state_kind *kind = lg_state_kind_find(path->segment[0]);

	if (kind == NULL || path->n < 2)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "there is nothing at this path");
	lg_err e = lg_entry_by_name(ex->cx, v, ex->tenant, kind->type, path->segment[1], ret);
	lg_str type = lg_type_name(kind->type);
	if (e == LG_E_NOT_FOUND)
		return lg_fail(ex->cx, e, "there is no %.*s \"%.*s\"", LG_FMT(type), LG_FMT(path->segment[1]));
	return e;
}

lg_err
lg_api_entry_to_change(struct lg_app *app, struct lg_http *ex, struct lg_view *v, const struct lg_caller *who, const struct lg_api_path *path,
    struct lg_entry *ret)
{
	LG_TRY(lg_caller_may(app, ex->cx, v, who, "admin:write", lg_tenant_entity(who->tenant)));
	LG_TRY(lg_api_entry(ex, v, path, ret));
	lg_str type = lg_type_name(ret->type);
	lg_audit(v, lg_print(ex->cx->arena, "%.*s/%.*s", LG_FMT(type), LG_FMT(ret->name)), LG_NONE);
	return LG_OK;
}

/* DELETE /v1/groups/<name>/members/<type>/<member> takes a member out, /v1/users/<name>/factors/<id> a factor away; a shorter path deletes
 * the entry. */
static lg_err
delete_below(void *self, struct lg_http *ex)
{
	struct lg_api_path path;

	LG_TRY(lg_api_path(ex, &path));
	if (path.n > 2 && lg_str_eq(path.segment[0], LG_STR("users")))
		return lg_api_user_end(self, ex, &path);
	return path.n == 2 ? lg_api_delete(self, ex) : lg_api_del_member(self, ex, &path);
}

#define KIND(name) \
	{ "GET", "/v1/" name, LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_list }, \
	{ "GET", "/v1/" name "/*", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_show }, \
	{ "POST", "/v1/" name, LG_SURFACE_API, LG_ON_WORKER, 64u << 10, lg_api_create }, \
	{ "PATCH", "/v1/" name "/*", LG_SURFACE_API, LG_ON_WORKER, 64u << 10, lg_api_patch }, \
	{ "POST", "/v1/" name "/*", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_deed }, \
	{ "DELETE", "/v1/" name "/*", LG_SURFACE_API, LG_ON_WORKER, 0, delete_below }

const struct lg_route lg_api_admin_routes[] = {
	{ "POST", "/v1/login", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_login },
	{ "GET", "/v1/whoami", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_whoami },
	{ "POST", "/v1/apply", LG_SURFACE_API, LG_ON_WORKER, 4u << 20, lg_api_apply },
	KIND("users"), KIND("groups"), KIND("services"), KIND("hosts"), KIND("projects"), KIND("workloads"), KIND("images"),
	KIND("networks"), KIND("clients"),
	{ "PUT", "/v1/groups/*", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_put_member },
	{ "POST", "/v1/import", LG_SURFACE_API, LG_ON_WORKER, 8u << 20, lg_api_import },
	{ "GET", "/v1/export", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_export },
	{ "GET", "/v1/indexes", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_indexes },
	{ "POST", "/v1/indexes", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_create_index },
	{ "DELETE", "/v1/indexes/*", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_drop_index },
	{ "GET", "/v1/sources", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_sources },
	{ "GET", "/v1/sources/*", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_source },
	{ "PUT", "/v1/sources/*", LG_SURFACE_API, LG_ON_WORKER, LG_SOURCE_MAX, lg_api_put_source },
	{ "POST", "/v1/sources/*", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_try_source },
	{ "DELETE", "/v1/sources/*", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_del_source },
	{ "GET", "/v1/mail", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_mail },
	{ "PUT", "/v1/mail", LG_SURFACE_API, LG_ON_WORKER, LG_MAIL_SETTINGS_MAX, lg_api_put_mail },
	{ "POST", "/v1/mail", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_try_mail },
	{ "DELETE", "/v1/mail", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_del_mail },
	{ "GET", "/v1/password-policy", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_password_policy },
	{ "PATCH", "/v1/password-policy", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_patch_password_policy },
	{ "POST", "/v1/password", LG_SURFACE_API, LG_ON_WORKER, 8192, lg_api_own_password },
	{ "GET", "/v1/policies", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_policies },
	{ "GET", "/v1/policies/*", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_policy },
	{ "POST", "/v1/policies", LG_SURFACE_API, LG_ON_WORKER, 8u << 20, lg_api_activate },
	{ "POST", "/v1/policies/simulate", LG_SURFACE_API, LG_ON_WORKER, 8u << 20, lg_api_replay },
	{ "POST", "/v1/policies/rollback", LG_SURFACE_API, LG_ON_WORKER, 4096, lg_api_rollback },
	{ "GET", "/v1/audit", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_audit },
	{ "GET", "/v1/audit/verify", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_audit_verify },
	{ "GET", "/v1/backup", LG_SURFACE_API, LG_ON_WORKER, 0, lg_api_backup },
};
const size_t lg_api_admin_nroutes = LG_COUNT(lg_api_admin_routes);
