/* api_session.c: signing in for the CLI, and who one is. */
#include "server/api.h"
#include "server/freshness.h"

static void
write_entity(struct lg_jsonw *w, lg_uuid id, lg_str type, lg_str name)
{
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_uuid_of(w, "id", id);
	lg_jsonw_str_of(w, "name", name);
}

lg_err
lg_api_login(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	lg_str name, username = LG_NONE, password = LG_NONE, code = LG_NONE;
	struct lg_sts_session_token token;
	struct lg_json js;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("username")))
			username = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("password")))
			password = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("code")))
			code = lg_json_str(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (username.n == 0 || password.n == 0)
		return lg_fail(ex->cx, LG_E_INVALID, "username and password are needed");
	LG_AUTO(lg_secret_free) struct lg_secret secret = lg_secret_copy(password);
	lg_err e = lg_sts_issue_session_token(ex->cx, app->sts, ex->tenant, username, &secret, code, ex->peer, &token);
	if (e == LG_E_LIMIT) {		/* RFC 6585 4 */
		lg_http_header(ex, "Retry-After", LG_STR("60"));
		lg_problem_status(ex, 429, "limit", lg_str_of(ex->cx->error));
		return LG_OK;
	}
	LG_TRY(e);
	struct lg_jsonw w = lg_api_json(ex);
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "access_token", token.token);
	lg_jsonw_str_of(&w, "token_type", LG_STR("Bearer"));
	lg_jsonw_int_of(&w, "expires_in", token.expires_in);
	lg_jsonw_name(&w, LG_STR("subject"));
	lg_jsonw_object(&w);
	write_entity(&w, token.subject.id, token.subject.type, token.subject.name);
	lg_jsonw_object_end(&w);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

lg_err
lg_api_whoami(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_caller_find(app, ex, v, "/v1", &who));
	struct lg_jsonw w = lg_api_json(ex);
	lg_jsonw_object(&w);
	write_entity(&w, who.entity.id, who.entity.type, who.entity.name);
	lg_jsonw_str_of(&w, "tenant", who.tenant->name);
	lg_jsonw_str_of(&w, "address", who.actor.address);
	lg_jsonw_object_end(&w);
	return LG_OK;
}

lg_err
lg_api_apply(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct lg_caller who;
	struct lg_form query;

	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, app->store, &v));
		LG_TRY(lg_caller_admin(app, ex, v, "admin:write", &who));
	}
	lg_http_type(ex, "application/json");
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_err e = lg_state_apply(ex->cx, app, ex->tenant, &who, ex->body,
	    lg_str_eq(lg_form_get(&query, "dry_run"), LG_STR("true")) ? LG_STATE_REHEARSE : LG_STATE_APPLY, &ex->out);
	if (e == LG_E_DENIED) {		/* with policies it takes more than was asked above */
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;
		LG_TRY(lg_view_begin(ex->cx, app->store, &v));
		LG_TRY(lg_caller_may_better(app, ex, v, &who, "policy:activate", lg_tenant_entity(who.tenant)));
	}
	LG_TRY(e);
	lg_fresh_tell(app, ex, NULL);
	return LG_OK;
}
