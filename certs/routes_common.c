/* routes_common.c: bodies, callers and answers of all routes of the API. */
#include "certs/routes.h"

#include "base/text.h"
#include "certs/ask.h"
#include "certs/profiles.h"

/* ---- requests: flat objects of strings --------------------------------------------------------------- */

lg_err
lg_routes_body(struct lg_http *ex, const struct lg_routes_field *fields, size_t n)
{
	return lg_routes_body_life(ex, fields, n, NULL);
}

lg_err
lg_routes_body_life(struct lg_http *ex, const struct lg_routes_field *fields, size_t n, int64_t *life)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;

		while (i < n && !lg_str_eq(name, lg_str_of(fields[i].name)))
			i++;
		if (life != NULL && lg_str_eq(name, LG_STR("life_seconds")))
			*life = lg_profile_read_life(&js);
		else if (i == n)
			lg_json_unknown(&js, name);
		else
			*fields[i].value = lg_json_str(&js);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	for (size_t i = 0; i < n; i++)
		if (!fields[i].optional && fields[i].value->n == 0)
			return lg_fail(ex->cx, LG_E_INVALID, "\"%s\" is missing", fields[i].name);
	return LG_OK;
}

lg_err
lg_routes_pem(struct lg_ctx *cx, lg_str text, lg_str label, lg_str *ret)
{
	if (!lg_pem_parse(cx->arena, text, label, ret, NULL))
		return lg_fail(cx, LG_E_INVALID, "no PEM block \"%.*s\"", LG_FMT(label));
	return LG_OK;
}

/* Those who have no token or certificate yet are known by their address alone. */
void
lg_routes_unknown(struct lg_http *ex)
{
	struct lg_actor *a = LG_NEW(ex->cx->arena, struct lg_actor);

	*a = lg_anonymous;
	a->tenant = ex->tenant;
	a->address = lg_str_of(ex->peer->address);
	ex->cx->actor = a;
}

/* The name may be a slice of the snapshot it was read from, which ends with the first mutation. */
lg_err
lg_routes_who(struct lg_certs *c, struct lg_http *ex, struct lg_certs_caller *ret)
{
	struct lg_certs_caller found;

	LG_TRY(c->ports.authenticate(c->ports.callers, ex, "/v1", &found));
	*ret = found;
	ret->type = lg_dup(ex->cx->arena, found.type);
	ret->name = lg_dup(ex->cx->arena, found.name);
	return LG_OK;
}

/* ---- answers --------------------------------------------------------------------------------------------- */

void
lg_routes_put_subject(struct lg_jsonw *w, lg_str type, lg_str name)
{
	lg_jsonw_name(w, LG_STR("subject"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_str_of(w, "name", name);
	lg_jsonw_object_end(w);
}

void
lg_routes_put_pem(struct lg_ctx *cx, struct lg_jsonw *w, const char *name, lg_str der)
{
	lg_jsonw_str_of(w, name, lg_pem(cx->arena, LG_STR("CERTIFICATE"), der));
}

void
lg_routes_put_issued(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_issued *is)
{
	lg_routes_put_pem(cx, w, "certificate", is->cert);
	lg_routes_put_pem(cx, w, "chain", is->chain);
	lg_routes_put_pem(cx, w, "root", is->root);
	lg_jsonw_str_of(w, "serial", lg_serial_text(cx->arena, &is->serial));
	lg_jsonw_time_of(w, "expires", is->expires);
}

struct lg_jsonw
lg_routes_begin(struct lg_http *ex)
{
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	lg_http_type(ex, "application/json");
	lg_jsonw_object(&w);
	return w;
}

lg_err
lg_routes_end(struct lg_http *ex, struct lg_jsonw *w)
{
	lg_jsonw_object_end(w);
	return lg_buf_status(ex->cx, &ex->out);
}

/* On the tenant itself. */
lg_err
lg_routes_may(struct lg_ctx *cx, struct lg_certs *c, struct lg_view *v, uint32_t tenant, const struct lg_certs_caller *caller,
    const char *action)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(cx, t, tenant, &ca));
	return lg_certs_ask_on(cx, c, v, tenant, caller, action, (struct lg_entity_id){ .type = LG_STR("Tenant"), .id = ca->au.id });
}
