/* api_ldif.c: POST /v1/import takes a piece of LDIF, GET /v1/export gives the next one; who calls goes on where the last one ended. */
#include "server/api.h"
#include "server/freshness.h"

#include "lightgate/store.h"

struct piece {
	lg_str rest;
};

static lg_err
read_piece(void *arg, struct lg_ctx *cx, char *to, size_t size, size_t *n)
{
	struct piece *p = arg;

	(void)cx;
	*n = p->rest.n < size ? p->rest.n : size;
	if (*n > 0)
		memcpy(to, p->rest.p, *n);
	p->rest = lg_str_sub(p->rest, *n, p->rest.n);
	return LG_OK;
}

static lg_err
may(struct lg_app *app, struct lg_http *ex, const char *action)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_caller who;

	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	return lg_caller_admin(app, ex, v, action, &who);
}

static void
write_taken(struct lg_http *ex, const struct lg_ldif_taken *t)
{
	struct lg_jsonw w = lg_api_json(ex);

	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "entries", (int64_t)t->entries);
	lg_jsonw_int_of(&w, "there", (int64_t)t->there);
	lg_jsonw_int_of(&w, "hashed", (int64_t)t->hashed);
	lg_jsonw_name(&w, LG_STR("later"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < t->nlater; i++)
		lg_jsonw_int(&w, (int64_t)t->later[i]);
	lg_jsonw_array_end(&w);
	lg_jsonw_name(&w, LG_STR("faults"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < t->nfaults; i++) {
		lg_jsonw_object(&w);
		lg_jsonw_int_of(&w, "line", (int64_t)t->fault[i].line);
		lg_jsonw_str_of(&w, "error", t->fault[i].why);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
}

lg_err
lg_api_import(void *self, struct lg_http *ex)
{
	struct lg_app *app = self;
	struct piece p = { ex->body };
	struct lg_ldif_options o = { .tenant = ex->tenant, .origin = LG_LDIF_OPENLDAP, .arg = &p, .read = read_piece };
	struct lg_ldif_taken taken;
	struct lg_form query;

	LG_TRY(may(app, ex, "admin:write"));
	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	if (lg_form_has(&query, "from") && !lg_ldif_origin_parse(lg_form_get(&query, "from"), &o.origin))
		return lg_fail(ex->cx, LG_E_INVALID, "from is openldap, ad or lightgate");
	o.keep = lg_str_eq(lg_form_get(&query, "keep"), LG_STR("true"));
	LG_TRY(lg_ldif_take(ex->cx, app->directory, &o, lg_str_eq(lg_form_get(&query, "last"), LG_STR("true")), &taken));
	write_taken(ex, &taken);
	lg_fresh_tell(app, ex, NULL);
	return LG_OK;
}

/* The last line of a page says where the next one begins: "# after UUID". */
lg_err
lg_api_export(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_app *app = self;
	struct lg_form query;
	char text[LG_UUID_TEXT + 1];
	lg_uuid at = { { 0 } };

	LG_TRY(may(app, ex, "admin:read"));
	LG_TRY(lg_form_parse(ex->cx, ex->query, &query));
	if (lg_form_has(&query, "after") && !lg_uuid_parse(lg_form_get(&query, "after"), &at))
		return lg_fail(ex->cx, LG_E_INVALID, "after is an entryUUID");
	lg_http_type(ex, "text/ldif");
	lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	LG_TRY(lg_ldif_page(ex->cx, app->directory, v, ex->tenant, lg_form_get(&query, "base"), &at, &ex->out));
	if (lg_uuid_is_nil(at))
		return LG_OK;
	lg_uuid_text(at, text);
	lg_buf_printf(&ex->out, "# after %s\n", text);
	return lg_buf_status(ex->cx, &ex->out);
}
