/* routes_foreign.c: foreign trust domains for administrators, their bundles for everybody, and a verdict on a certificate of theirs. */
#include "base/json.h"
#include "base/text.h"
#include "certs/foreign.h"
#include "certs/names.h"
#include "certs/routes.h"

/* ---- reading ------------------------------------------------------------------------------------------ */

static void
put_one(struct lg_http *ex, struct lg_jsonw *w, const struct lg_foreign *f, bool whole)
{
	struct lg_svid_bundle b = { .sequence = -1 };

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "trust_domain", f->domain);
	lg_jsonw_str_of(w, "profile", lg_foreign_profile_name(f->profile));
	if (f->url.n > 0)
		lg_jsonw_str_of(w, "url", f->url);
	if (f->endpoint_id.n > 0)
		lg_jsonw_str_of(w, "endpoint_spiffe_id", f->endpoint_id);
	if (f->ca.n > 0 && whole)
		lg_jsonw_str_of(w, "ca", f->ca);
	if (f->bundle.n > 0 && lg_svid_bundle_parse(ex->cx, f->domain, f->bundle, &b) == LG_OK) {
		lg_jsonw_time_of(w, "changed", f->fetched);
		lg_jsonw_int_of(w, "sequence", b.sequence);
		lg_jsonw_int_of(w, "roots", (int64_t)b.nroots);
	}
	if (f->error.n > 0)
		lg_jsonw_str_of(w, "error", f->error);
	if (whole && f->bundle.n > 0) {
		lg_jsonw_name(w, LG_STR("bundle"));
		lg_jsonw_raw(w, f->bundle);
	}
	lg_jsonw_object_end(w);
}

static lg_err
begin_reading(struct lg_certs *c, struct lg_http *ex, struct lg_view **v)
{
	struct lg_certs_caller caller;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, v));
	return lg_routes_may(ex->cx, c, *v, ex->tenant, &caller, "admin:read");
}

lg_err
lg_route_foreign_list(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_foreign *all;
	struct lg_jsonw w;
	size_t n;

	LG_TRY(begin_reading(self, ex, &v));
	LG_TRY(lg_foreign_all(ex->cx, v, ex->tenant, &all, &n));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < n; i++)
		put_one(ex, &w, &all[i], false);
	lg_jsonw_array_end(&w);
	return lg_routes_end(ex, &w);
}

static lg_err
no_domain(struct lg_ctx *cx, lg_err e, lg_str domain)
{
	return e == LG_E_NOT_FOUND ? lg_fail(cx, e, "no foreign trust domain \"%.*s\"", LG_FMT(lg_str_sub(domain, 0, 100))) : e;
}

lg_err
lg_route_foreign_get(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_jsonw w = lg_jsonw_of(&ex->out);
	struct lg_foreign f;

	LG_TRY(begin_reading(self, ex, &v));
	LG_TRY(no_domain(ex->cx, lg_foreign_get(ex->cx, v, ex->tenant, ex->tail, &f), ex->tail));
	lg_http_type(ex, "application/json");
	put_one(ex, &w, &f, true);
	return lg_buf_status(ex->cx, &ex->out);
}

/* SPIFFE Workload API 5: bundles by trust domain, ours among them.  Everything in them is meant for everybody. */
lg_err
lg_route_bundles(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(self);
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs *c = self;
	struct lg_foreign *all;
	const struct lg_ca *ca;
	struct lg_jsonw w;
	size_t n;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(lg_foreign_all(ex->cx, v, ex->tenant, &all, &n));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("trust_domains"));
	lg_jsonw_object(&w);
	lg_jsonw_name(&w, ca->au.trust_domain);
	LG_TRY(lg_routes_put_bundle(ex, &w, ca));
	for (size_t i = 0; i < n; i++)
		if (all[i].bundle.n > 0) {
			lg_jsonw_name(&w, all[i].domain);
			lg_jsonw_raw(&w, all[i].bundle);
		}
	lg_jsonw_object_end(&w);
	return lg_routes_end(ex, &w);
}

/* ---- changing ------------------------------------------------------------------------------------------- */

struct change {
	struct lg_certs *c;
	struct lg_http *ex;
	struct lg_certs_caller caller;
	struct lg_foreign f;
	bool created;
};

lg_err
lg_foreign_read(struct lg_http *ex, struct lg_foreign *f)
{
	lg_str profile = LG_NONE, name;
	struct lg_json js;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("profile")))
			profile = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("url")))
			f->url = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("endpoint_spiffe_id")))
			f->endpoint_id = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("ca")))
			f->ca = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("bundle")))
			f->bundle = lg_json_raw(&js);
		else
			lg_json_unknown(&js, name);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	if (!lg_foreign_profile_parse(profile, &f->profile))
		return lg_fail(ex->cx, LG_E_INVALID, "\"profile\" is manual, https_web or https_spiffe");
	return lg_foreign_check(ex->cx, f);
}

/* The bundle that is known stays until another is set or fetched. */
static lg_err
run_set(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *ch = arg;
	uint32_t tenant = ch->ex->tenant;
	struct lg_foreign was, *all;
	size_t n;
	lg_err e;

	LG_TRY(lg_routes_may(cx, ch->c, v, tenant, &ch->caller, "admin:write"));
	e = lg_foreign_get(cx, v, tenant, ch->f.domain, &was);
	ch->created = e == LG_E_NOT_FOUND;
	if (e != LG_OK && !ch->created)
		return e;
	LG_TRY(lg_foreign_all(cx, v, tenant, &all, &n));
	if (ch->created && n == LG_FOREIGN_DOMAINS)
		return lg_fail(cx, LG_E_LIMIT, "a tenant knows at most %d foreign trust domains", LG_FOREIGN_DOMAINS);
	if (ch->f.bundle.n > 0)
		ch->f.fetched = cx->now;
	else if (!ch->created) {
		ch->f.bundle = lg_dup(cx->arena, was.bundle);
		ch->f.fetched = was.fetched;
	}
	lg_audit(v, ch->f.domain, LG_NONE);
	return lg_foreign_put(cx, v, tenant, &ch->f);
}

/* Our own trust domains are not for others to speak for. */
static lg_err
check_not_ours(struct lg_certs *c, struct lg_http *ex)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);

	if (lg_trust_domain(t, ex->tail) != NULL)
		return lg_fail(ex->cx, LG_E_DENIED, "%.*s is a trust domain of this service", LG_FMT(ex->tail));
	return LG_OK;
}

lg_err
lg_route_foreign_put(void *self, struct lg_http *ex)
{
	struct change ch = { .c = self, .ex = ex, .f = { .domain = ex->tail } };

	LG_TRY(lg_routes_who(self, ex, &ch.caller));
	LG_TRY(check_not_ours(self, ex));
	LG_TRY(lg_foreign_read(ex, &ch.f));
	LG_TRY(lg_store_apply(ex->cx, ch.c->ports.store, ex->tenant, "federation.set", run_set, &ch, NULL));
	ex->status = ch.created ? 201 : 204;
	return LG_OK;
}

static lg_err
run_delete(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct change *ch = arg;

	LG_TRY(lg_routes_may(cx, ch->c, v, ch->ex->tenant, &ch->caller, "admin:write"));
	lg_audit(v, ch->f.domain, LG_NONE);
	return no_domain(cx, lg_foreign_del(cx, v, ch->ex->tenant, ch->f.domain), ch->f.domain);
}

lg_err
lg_route_foreign_delete(void *self, struct lg_http *ex)
{
	struct change ch = { .c = self, .ex = ex, .f = { .domain = ex->tail } };

	LG_TRY(lg_routes_who(self, ex, &ch.caller));
	LG_TRY(lg_store_apply(ex->cx, ch.c->ports.store, ex->tenant, "federation.delete", run_delete, &ch, NULL));
	ex->status = 204;
	return LG_OK;
}

/* ---- refreshing now, and a verdict ------------------------------------------------------------------------ */

static lg_err
find(struct lg_certs *c, struct lg_http *ex, lg_str domain, const char *action, struct lg_foreign **ret)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_caller caller;
	struct lg_foreign *all;
	size_t n;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	if (action != NULL)
		LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, action));
	LG_TRY(lg_foreign_all(ex->cx, v, ex->tenant, &all, &n));
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(all[i].domain, domain)) {
			*ret = &all[i];
			return LG_OK;
		}
	return no_domain(ex->cx, LG_E_NOT_FOUND, domain);
}

static lg_err
refresh(struct lg_certs *c, struct lg_http *ex, lg_str domain)
{
	struct lg_foreign *f;

	LG_TRY(find(c, ex, domain, "admin:write", &f));
	if (f->profile == LG_FOREIGN_MANUAL)
		return lg_fail(ex->cx, LG_E_CONFLICT, "the bundle of %.*s is set by hand", LG_FMT(domain));
	lg_store_turn(c->ports.store);
	LG_TRY(lg_foreign_fetch(ex->cx, c, ex->tenant, f));
	ex->status = 204;
	return LG_OK;
}

static lg_err
read_chain(struct lg_http *ex, lg_str chain[LG_SVID_CHAIN], size_t *n)
{
	lg_str pem = LG_NONE, rest;
	const struct lg_routes_field fields[] = { { "certificate", &pem, false } };

	LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	for (*n = 0; *n < LG_SVID_CHAIN && lg_pem_parse(ex->cx->arena, pem, LG_STR("CERTIFICATE"), &chain[*n], &rest); pem = rest)
		++*n;
	return *n > 0 ? LG_OK : lg_fail(ex->cx, LG_E_INVALID, "\"certificate\" is a chain in PEM, the leaf first");
}

/* For whoever has no library of its own: does this certificate belong to a trust domain that the tenant knows? */
static lg_err
verify(struct lg_certs *c, struct lg_http *ex)
{
	lg_str chain[LG_SVID_CHAIN], domain;
	struct lg_svid_bundle b;
	struct lg_foreign *f;
	struct lg_svid svid;
	struct lg_jsonw w;
	size_t n;

	LG_TRY(read_chain(ex, chain, &n));
	LG_TRY(lg_svid_domain(ex->cx, chain[0], &domain));
	LG_TRY(find(c, ex, domain, NULL, &f));
	LG_TRY(lg_svid_bundle_parse(ex->cx, f->domain, f->bundle, &b));
	LG_TRY(lg_svid_verify(ex->cx, f->domain, &b, chain, n, 0, &svid));
	w = lg_routes_begin(ex);
	lg_jsonw_str_of(&w, "spiffe_id", svid.id);
	lg_jsonw_time_of(&w, "expires", svid.expires);
	return lg_routes_end(ex, &w);
}

lg_err
lg_route_foreign_post(void *self, struct lg_http *ex)
{
	lg_str domain, verb;

	if (lg_str_eq(ex->tail, LG_STR("verify")))
		return verify(self, ex);
	if (!lg_str_cut(ex->tail, '/', &domain, &verb) || !lg_str_eq(verb, LG_STR("refresh")))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such resource");
	return refresh(self, ex, domain);
}
