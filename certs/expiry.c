/* expiry.c: when the authorities end, for metrics and for warnings in time; the answer that brings both to an administrator. */
#include "certs/census.h"
#include "certs/routes.h"
#include "certs/trust.h"

static void
put_one(struct lg_buf *out, uint32_t tenant, const char *kind, const struct lg_ca_cert *cert)
{
	lg_buf_printf(out, "lightgate_ca_expires_timestamp_seconds{tenant=\"%u\",kind=\"%s\",kid=\"%.*s\"} %lld\n", tenant, kind,
	    LG_FMT(cert->kid), (long long)(cert->x509.not_after / 1000000));
}

void
lg_certs_metrics(struct lg_certs *c, struct lg_buf *out)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);

	lg_buf_str(out, LG_STR("# TYPE lightgate_ca_expires_timestamp_seconds gauge\n"
	    "# HELP lightgate_ca_expires_timestamp_seconds When a root or an issuing CA ends.\n"));
	for (size_t i = 0; i < t->n; i++) {
		put_one(out, t->ca[i].au.tenant, "root", &t->ca[i].root);
		for (size_t j = 0; j < t->ca[i].nissuers; j++)
			put_one(out, t->ca[i].au.tenant, j == 0 ? "issuer" : "retired", &t->ca[i].issuer[j]);
	}
	pthread_mutex_lock(&c->lock);
	lg_census_put(c->census, out);
	pthread_mutex_unlock(&c->lock);
}

static void
tell(const struct lg_ca *ca, const char *what, const struct lg_ca_cert *cert, int64_t before, lg_ca_ending *each, void *arg)
{
	struct lg_ca_end end = { .tenant = ca->au.tenant, .trust_domain = ca->au.trust_domain, .kid = cert->kid, .what = what,
		.sha256 = cert->sha256, .ends = cert->x509.not_after };

	if (end.ends < before)
		each(arg, &end);
}

void
lg_certs_ending(struct lg_certs *c, uint32_t tenant, int64_t before, lg_ca_ending *each, void *arg)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);

	for (size_t i = 0; i < t->n; i++) {
		const struct lg_ca *ca = &t->ca[i];
		if (tenant != 0 && ca->au.tenant != tenant)
			continue;
		tell(ca, "root", &ca->root, before, each, arg);
		if (ca->nissuers > 0)
			tell(ca, "issuing CA", &ca->issuer[0], before, each, arg);
	}
}

/* ---- GET /v1/certificates/ending ------------------------------------------------------------------------ */

static void
put_authority(void *arg, const struct lg_ca_end *end)
{
	struct lg_jsonw *w = arg;

	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "authority", lg_str_of(end->what));
	lg_jsonw_str_of(w, "kid", end->kid);
	lg_jsonw_time_of(w, "expires", end->ends);
	lg_jsonw_object_end(w);
}

static void
put_unrenewed(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_unrenewed_one *u)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "serial", lg_serial_text(cx->arena, &u->serial));
	lg_jsonw_str_of(w, "profile", u->profile);
	lg_routes_put_subject(w, u->type, u->name);
	lg_jsonw_time_of(w, "expires", u->expires);
	lg_jsonw_object_end(w);
}

static lg_err
may_look(struct lg_certs *c, struct lg_http *ex)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_caller caller;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	return lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:read");
}

/* All authorities with their ends, and what nobody renewed, counted now. */
lg_err
lg_route_ending(void *self, struct lg_http *ex)
{
	struct lg_unrenewed *u = LG_NEW(ex->cx->arena, struct lg_unrenewed);
	struct lg_jsonw w;

	LG_TRY(may_look(self, ex));
	LG_TRY(lg_certs_census(ex->cx, self, ex->tenant, u));
	w = lg_routes_begin(ex);
	lg_jsonw_name(&w, LG_STR("authorities"));
	lg_jsonw_array(&w);
	lg_certs_ending(self, ex->tenant, INT64_MAX, put_authority, &w);
	lg_jsonw_array_end(&w);
	lg_jsonw_int_of(&w, "unrenewed", (int64_t)u->count);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < u->count && i < LG_UNRENEWED; i++)
		put_unrenewed(ex->cx, &w, &u->v[i]);
	lg_jsonw_array_end(&w);
	return lg_routes_end(ex, &w);
}
