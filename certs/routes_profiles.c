/* routes_profiles.c: a tenant's profiles: shown to administrators, added and changed by them. */
#include "base/text.h"
#include "certs/profiles.h"
#include "certs/routes.h"

/* ---- reading ------------------------------------------------------------------------------------------ */

static lg_err
put_one(struct lg_http *ex, struct lg_view *v, lg_str name, struct lg_jsonw *w)
{
	struct lg_cert_profile p;
	bool own;

	LG_TRY(lg_cert_profile_get(ex->cx, v, ex->tenant, name, &p, &own));
	lg_profile_write(w, &p, own);
	return LG_OK;
}

lg_err
lg_route_profiles(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	lg_str name[LG_PROFILES];
	struct lg_jsonw w;
	size_t n;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:read"));
	LG_TRY(lg_profile_added(ex->cx, v, ex->tenant, name, &n));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < lg_cert_nprofiles; i++)
		LG_TRY(put_one(ex, v, lg_cert_profiles[i].name, &w));
	for (size_t i = 0; i < n; i++)
		LG_TRY(put_one(ex, v, name[i], &w));
	lg_jsonw_array_end(&w);
	return lg_routes_end(ex, &w);
}

lg_err
lg_route_profile(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_cert_profile p;
	struct lg_jsonw w = lg_jsonw_of(&ex->out);
	bool own;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:read"));
	if (lg_cert_profile_get(ex->cx, v, ex->tenant, ex->tail, &p, &own) != LG_OK)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no profile \"%.*s\"", LG_FMT(ex->tail));
	lg_http_type(ex, "application/json");
	lg_profile_write(&w, &p, own);
	return lg_buf_status(ex->cx, &ex->out);
}

/* ---- changing ------------------------------------------------------------------------------------------- */

struct change {
	struct lg_certs *c;
	struct lg_http *ex;
	struct lg_certs_caller caller;
	lg_str name, json;		/* json empty: away with it */
	bool created;
};

static lg_err
put(struct lg_ctx *cx, struct lg_view *v, struct change *ch, const struct lg_certs_key *k)
{
	struct lg_cert_profile from = { .name = ch->name }, made;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str name[LG_PROFILES];
	size_t n;
	bool own;

	ch->created = !lg_exists(cx, v, &lg_certs_profile, lg_certs_key_str(k)) && !lg_profile_is_built_in(ch->name);
	if (!ch->created)
		LG_TRY(lg_cert_profile_get(cx, v, ch->ex->tenant, ch->name, &from, &own));
	LG_TRY(lg_profile_added(cx, v, ch->ex->tenant, name, &n));
	if (ch->created && n == LG_PROFILES)
		return lg_fail(cx, LG_E_LIMIT, "a tenant has at most %d profiles of its own", LG_PROFILES);
	LG_TRY(lg_profile_read(cx, ch->json, &from, &made));
	lg_profile_write(&w, &made, true);
	LG_TRY(lg_buf_status(cx, &b));
	lg_audit(v, ch->name, lg_dup(cx->arena, lg_buf_view(&b)));
	return lg_put(cx, v, &lg_certs_profile, lg_certs_key_str(k), lg_buf_view(&b));
}

static lg_err
run_change(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *ch = arg;
	struct lg_certs_key k = lg_certs_key_of(ch->ex->tenant);
	lg_err e;

	LG_TRY(lg_routes_may(cx, ch->c, v, ch->ex->tenant, &ch->caller, "admin:write"));
	if (ch->name.n > LG_PROFILE_NAME)
		return lg_fail(cx, LG_E_INVALID, "a profile's name has at most %d octets", LG_PROFILE_NAME);
	lg_certs_key_add(&k, ch->name.p, ch->name.n);
	if (ch->json.n > 0)
		return put(cx, v, ch, &k);
	lg_audit(v, ch->name, LG_NONE);
	e = lg_del(cx, v, &lg_certs_profile, lg_certs_key_str(&k));
	return e == LG_E_NOT_FOUND ? lg_fail(cx, e, "the tenant has no profile \"%.*s\" of its own", LG_FMT(ch->name)) : e;
}

static lg_err
change(struct lg_certs *c, struct lg_http *ex, lg_str json, bool *created)
{
	struct change ch = { .c = c, .ex = ex, .name = ex->tail, .json = json };

	LG_TRY(lg_routes_who(c, ex, &ch.caller));
	LG_TRY(lg_store_apply(ex->cx, c->ports.store, ex->tenant, json.n > 0 ? "profile.set" : "profile.delete", run_change, &ch, NULL));
	*created = ch.created;
	return LG_OK;
}

lg_err
lg_route_profile_put(void *self, struct lg_http *ex)
{
	bool created;

	if (ex->body.n == 0)
		return lg_fail(ex->cx, LG_E_INVALID, "a profile is a JSON object");
	LG_TRY(change(self, ex, ex->body, &created));
	ex->status = created ? 201 : 204;
	return LG_OK;
}

lg_err
lg_route_profile_delete(void *self, struct lg_http *ex)
{
	bool created;

	LG_TRY(change(self, ex, LG_NONE, &created));
	ex->status = 204;
	return LG_OK;
}
