/* bundle.c: the body of a bundle. */
#include "server/bundle.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "server/embedded.h"
#include "server/slice.h"
#include "server/whereabouts.h"

lg_err
lg_bundle_state(struct lg_app *app, struct lg_view *v, uint32_t tenant, char ret[LG_BUNDLE_STATE])
{
	const struct lg_tenant_view *t = lg_tenants_get(app->tenants, tenant);

	if (t == NULL)
		return LG_E_NOT_FOUND;
	snprintf(ret, LG_BUNDLE_STATE, "%u-%llx-%llx-%llx-%llx-%llx-%llx", lg_store_head(app->store).epoch,
	    (unsigned long long)lg_revision(v, tenant, LG_DOMAIN_POLICY), (unsigned long long)lg_revision(v, tenant, LG_DOMAIN_ENTRY),
	    (unsigned long long)lg_revision(v, tenant, LG_DOMAIN_MEMBERSHIP), (unsigned long long)lg_revision(v, tenant, LG_DOMAIN_TRUST),
	    (unsigned long long)lg_revision(v, tenant, LG_DOMAIN_WHEREABOUTS),
	    (unsigned long long)t->sts.keys_revision);
	return LG_OK;
}

lg_str
lg_bundle_stream(struct lg_arena *a, const struct lg_app *app, const struct lg_tenant_view *t)
{
	if (t->id == LG_DEFAULT_TENANT)
		return app->at->stream;
	return lg_print(a, "%.*s/t/%.*s", LG_FMT(app->at->stream), LG_FMT(t->name));
}

/* ---- who, and by what rules ----------------------------------------------------------------------------------------- */

static void
put_names(struct lg_jsonw *w, const struct lg_tenant_view *t, const struct lg_entry *host)
{
	lg_jsonw_name(w, LG_STR("tenant"));
	lg_jsonw_object(w);
	lg_jsonw_uuid_of(w, "id", t->uuid);
	lg_jsonw_str_of(w, "name", t->name);
	lg_jsonw_str_of(w, "issuer", t->sts.issuer);
	lg_jsonw_str_of(w, "trust_domain", t->trust_domain);
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("host"));
	lg_jsonw_object(w);
	lg_jsonw_uuid_of(w, "id", host->uuid);
	lg_jsonw_str_of(w, "name", host->name);
	lg_jsonw_object_end(w);
}

struct rules {
	struct lg_policy_version pv;
	const struct lg_policy_name *name;
	size_t n;
};

static void
put_policies(struct lg_jsonw *w, const struct rules *r)
{
	lg_jsonw_name(w, LG_STR("policies"));
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "version", (int64_t)r->pv.version);
	lg_jsonw_str_of(w, "schema", lg_embedded_get("conf/lightgate.cedarschema")->data);
	lg_jsonw_str_of(w, "system", lg_embedded_get("conf/policies/system.cedar")->data);
	lg_jsonw_str_of(w, "tenant", r->pv.source);
	lg_jsonw_name(w, LG_STR("names"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < r->n; i++) {
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "type", r->name[i].type);
		lg_jsonw_str_of(w, "name", r->name[i].name);
		lg_jsonw_str_of(w, "id", r->name[i].id);
		lg_jsonw_object_end(w);
	}
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
}

/* ---- trust --------------------------------------------------------------------------------------------------------------- */

static void
put_trust(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_tenant_view *t)
{
	lg_jsonw_name(w, LG_STR("trust"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "root", lg_pem(cx->arena, LG_STR("CERTIFICATE"), t->root));
	lg_jsonw_name(w, LG_STR("issuers"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < t->nissuers; i++)
		lg_jsonw_str(w, lg_pem(cx->arena, LG_STR("CERTIFICATE"), t->issuers[i]));
	lg_jsonw_array_end(w);
	lg_jsonw_name(w, LG_STR("token_keys"));
	lg_keyset_jwks(t->sts.keys, w->out);
	w->comma = true;
	lg_jsonw_name(w, LG_STR("ticket_keys"));
	lg_keyset_jwks(t->tickets, w->out);
	w->comma = true;
	lg_jsonw_name(w, LG_STR("bundle_heirs"));
	lg_jsonw_array(w);
	for (size_t i = 0; i < t->nbundle_heirs; i++)
		lg_jsonw_str(w, t->bundle_heirs[i]);
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
}

struct revoked {
	struct lg_ctx *cx;
	struct lg_jsonw *w;
	size_t n;
};

static bool
put_certificate(void *arg, const lg_serial *serial)
{
	struct revoked *r = arg;

	lg_jsonw_str(r->w, lg_serial_text(r->cx->arena, serial));
	return ++r->n < LG_BUNDLE_REVOKED;
}

static bool
put_token(void *arg, enum lg_revoked kind, lg_str id, int64_t not_before)
{
	static const char *const kinds[] = {
		[LG_REVOKED_JTI] = "jti", [LG_REVOKED_SESSION] = "sid", [LG_REVOKED_SUBJECT] = "sub", [LG_REVOKED_TENANT] = "all",
	};
	struct revoked *r = arg;

	lg_jsonw_object(r->w);
	lg_jsonw_str_of(r->w, "kind", lg_str_of(kinds[kind]));
	lg_jsonw_str_of(r->w, "id", id);
	lg_jsonw_int_of(r->w, "not_before", not_before);
	lg_jsonw_object_end(r->w);
	return ++r->n < LG_BUNDLE_REVOKED;
}

static lg_err
put_revoked(struct lg_ctx *cx, struct lg_view *v, struct lg_jsonw *w, uint32_t tenant)
{
	struct revoked certificates = { cx, w, 0 }, tokens = { cx, w, 0 };

	lg_jsonw_name(w, LG_STR("revoked"));
	lg_jsonw_object(w);
	lg_jsonw_name(w, LG_STR("certificates"));
	lg_jsonw_array(w);
	LG_TRY(lg_certs_revocations(cx, v, tenant, put_certificate, &certificates));
	lg_jsonw_array_end(w);
	lg_jsonw_name(w, LG_STR("tokens"));
	lg_jsonw_array(w);
	LG_TRY(lg_sts_revocations(cx, v, tenant, put_token, &tokens));
	lg_jsonw_array_end(w);
	/* without all of them nothing can be called good */
	lg_jsonw_bool_of(w, "whole", certificates.n < LG_BUNDLE_REVOKED && tokens.n < LG_BUNDLE_REVOKED);
	lg_jsonw_object_end(w);
	return LG_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------- */

lg_err
lg_bundle_write(struct lg_ctx *cx, struct lg_app *app, struct lg_view *v, const struct lg_tenant_view *t, lg_uuid host, struct lg_buf *out)
{
	LG_AUTO(lg_buf_free) struct lg_buf admissions = LG_BUF(LG_SLICE_BYTES);
	struct lg_slice slice = { .tenant = t->id };
	struct lg_jsonw w = lg_jsonw_of(out);
	struct rules r = { .n = 0 };
	lg_err e = LG_OK;

	LG_TRY(lg_entry_by_uuid(cx, v, t->id, host, &slice.host));
	LG_TRY(lg_policy_in_force(cx, v, t->id, &r.pv, &r.name, &r.n));
	slice.named = r.name;
	slice.nnamed = r.n;
	slice.mail = lg_point_may_read(app->point, t->id, r.pv.version, LG_STR("mail"));
	slice.admissions = admissions;
	lg_jsonw_object(&w);
	lg_jsonw_int_of(&w, "format", 1);
	put_names(&w, t, &slice.host);
	lg_jsonw_int_of(&w, "max_stale", app->settings->max_stale / LG_SECOND);
	put_policies(&w, &r);
	put_trust(cx, &w, t);
	LG_TRY(put_revoked(cx, v, &w, t->id));
	lg_jsonw_name(&w, LG_STR("entities"));
	e = lg_slice_write(cx, v, &slice, out);
	admissions = slice.admissions;		/* it may have grown */
	LG_TRY(e);
	w.comma = true;
	lg_jsonw_bool_of(&w, "whole", slice.whole);
	lg_jsonw_name(&w, LG_STR("admissions"));
	lg_jsonw_array(&w);
	lg_buf_str(out, lg_buf_view(&admissions));
	lg_jsonw_array_end(&w);
	LG_TRY(lg_whereabouts_write(cx, v, &slice.host, &w));
	lg_jsonw_object_end(&w);
	return lg_buf_status(cx, out);
}
