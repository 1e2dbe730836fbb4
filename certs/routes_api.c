/* routes_api.c: joining, certificates of one's own, and the inventory, as JSON (docs/api.md). */
#include "base/text.h"
#include "certs/acme.h"
#include "certs/ask.h"
#include "certs/ocsp.h"
#include "certs/revoke.h"
#include "certs/routes.h"

#define PAGE		100		/* items, unless asked otherwise */
#define PAGE_MAX	500

/* ---- requests: flat objects of strings --------------------------------------------------------------- */

struct field {
	const char *name;
	lg_str *value;
	bool optional;
};

static lg_err
read_body(struct lg_http *ex, const struct field *fields, size_t n)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, ex->cx->arena, ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		size_t i = 0;

		while (i < n && !lg_str_eq(name, lg_str_of(fields[i].name)))
			i++;
		if (i == n)
			lg_json_fault(&js, "unknown member");
		else
			*fields[i].value = lg_json_str(&js);
	}
	LG_TRY(lg_json_end(ex->cx, &js));
	for (size_t i = 0; i < n; i++)
		if (!fields[i].optional && fields[i].value->n == 0)
			return lg_fail(ex->cx, LG_E_INVALID, "\"%s\" is missing", fields[i].name);
	return LG_OK;
}

static lg_err
read_pem(struct lg_ctx *cx, lg_str text, lg_str label, lg_str *ret)
{
	if (!lg_pem_parse(cx->arena, text, label, ret, NULL))
		return lg_fail(cx, LG_E_INVALID, "no PEM block \"%.*s\"", LG_FMT(label));
	return LG_OK;
}

/* Those who have no token or certificate yet are known by their address alone. */
static void
act_unknown(struct lg_http *ex)
{
	struct lg_actor *a = LG_NEW(ex->cx->arena, struct lg_actor);

	*a = lg_anonymous;
	a->tenant = ex->tenant;
	a->address = lg_str_of(ex->peer->address);
	ex->cx->actor = a;
}

/* The name may be a slice of the snapshot it was read from, which ends with the first mutation. */
static lg_err
who(struct lg_certs *c, struct lg_http *ex, struct lg_certs_caller *ret)
{
	struct lg_certs_caller found;

	LG_TRY(c->ports.authenticate(c->ports.callers, ex, "/v1", &found));
	*ret = found;
	ret->type = lg_dup(ex->cx->arena, found.type);
	ret->name = lg_dup(ex->cx->arena, found.name);
	return LG_OK;
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static void
put_pem(struct lg_ctx *cx, struct lg_jsonw *w, const char *name, lg_str der)
{
	lg_jsonw_str_of(w, name, lg_pem(cx->arena, LG_STR("CERTIFICATE"), der));
}

static void
put_issued(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_issued *is)
{
	put_pem(cx, w, "certificate", is->cert);
	put_pem(cx, w, "chain", is->chain);
	put_pem(cx, w, "root", is->root);
	lg_jsonw_str_of(w, "serial", lg_serial_text(cx->arena, &is->serial));
	lg_jsonw_name(w, LG_STR("expires"));
	lg_jsonw_time(w, is->expires);
}

static struct lg_jsonw
begin(struct lg_http *ex)
{
	struct lg_jsonw w = lg_jsonw_of(&ex->out);

	lg_http_type(ex, "application/json");
	lg_jsonw_object(&w);
	return w;
}

static lg_err
end(struct lg_http *ex, struct lg_jsonw *w)
{
	lg_jsonw_object_end(w);
	return lg_buf_status(ex->cx, &ex->out);
}

static lg_err
answer_joined(struct lg_certs *c, struct lg_http *ex, const struct lg_joined *j)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	const struct lg_ca *ca;
	lg_str keys = LG_NONE;
	struct lg_jsonw w;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	if (c->ports.ticket_keys != NULL)
		LG_TRY(c->ports.ticket_keys(c->ports.callers, ex->cx, ex->tenant, &keys));
	w = begin(ex);
	put_issued(ex->cx, &w, &j->issued);
	lg_jsonw_name(&w, LG_STR("host"));
	lg_jsonw_object(&w);
	lg_jsonw_uuid_of(&w, "id", j->host.id);
	lg_jsonw_str_of(&w, "name", j->host.name);
	lg_jsonw_object_end(&w);
	lg_jsonw_name(&w, LG_STR("tenant"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "issuer", ca->au.issuer);
	lg_jsonw_str_of(&w, "trust_domain", ca->au.trust_domain);
	lg_jsonw_object_end(&w);
	lg_jsonw_str_of(&w, "mtls", ca->au.mtls_url.n > 0 ? ca->au.mtls_url : c->ports.mtls_url);
	put_pem(ex->cx, &w, "service_root", ca->au.service_root.n > 0 ? ca->au.service_root : ca->root.x509.der);
	if (keys.n > 0) {
		lg_jsonw_name(&w, LG_STR("ticket_keys"));
		lg_jsonw_raw(&w, keys);
	}
	return end(ex, &w);
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

lg_err
lg_route_join(void *self, struct lg_http *ex)
{
	lg_str token = LG_NONE, pem = LG_NONE, csr;
	const struct field fields[] = { { "token", &token, false }, { "csr", &pem, false } };
	struct lg_joined joined;

	act_unknown(ex);
	LG_TRY(read_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(read_pem(ex->cx, pem, LG_STR("CERTIFICATE REQUEST"), &csr));
	LG_TRY(lg_certs_join(ex->cx, self, ex->tenant, token, csr, &joined));
	return answer_joined(self, ex, &joined);
}

lg_err
lg_route_rejoin(void *self, struct lg_http *ex)
{
	lg_str old = LG_NONE, pem = LG_NONE, cert, csr;
	const struct field fields[] = { { "certificate", &old, false }, { "csr", &pem, false } };
	struct lg_joined joined;

	act_unknown(ex);
	LG_TRY(read_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(read_pem(ex->cx, old, LG_STR("CERTIFICATE"), &cert));
	LG_TRY(read_pem(ex->cx, pem, LG_STR("CERTIFICATE REQUEST"), &csr));
	LG_TRY(lg_certs_rejoin(ex->cx, self, ex->tenant, cert, csr, &joined));
	return answer_joined(self, ex, &joined);
}

/* ---- one's own certificate ------------------------------------------------------------------------------------ */

lg_err
lg_route_issue(void *self, struct lg_http *ex)
{
	lg_str pem = LG_NONE, profile = LG_NONE, der;
	const struct field fields[] = { { "csr", &pem, false }, { "profile", &profile, false } };
	struct lg_cert_request rq = { .tenant = ex->tenant };
	struct lg_certs_caller caller;
	struct lg_issued issued;
	struct lg_csr csr;
	struct lg_jsonw w;

	LG_TRY(who(self, ex, &caller));
	LG_TRY(read_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(read_pem(ex->cx, pem, LG_STR("CERTIFICATE REQUEST"), &der));
	LG_TRY(lg_csr_parse(ex->cx, der, &csr));
	rq.profile = lg_cert_profile_find(profile);
	if (rq.profile == NULL)
		return lg_fail(ex->cx, LG_E_INVALID, "no profile \"%.*s\"", LG_FMT(profile));
	rq.asker = (struct lg_entity_id){ .type = caller.type, .id = caller.id, .name = caller.name };
	rq.proof = caller.proof;
	rq.entry = caller.id;
	rq.spki = csr.spki;
	rq.only = &csr.names;
	LG_TRY(lg_certs_issue(ex->cx, self, &rq, &issued));
	w = begin(ex);
	put_issued(ex->cx, &w, &issued);
	return end(ex, &w);
}

/* ---- inventory --------------------------------------------------------------------------------------------------- */

static const char *const states[] = {
	[LG_CERT_PENDING] = "pending", [LG_CERT_ISSUED] = "issued", [LG_CERT_REVOKED] = "revoked",
};

static void
put_row(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_cert_row *row)
{
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "serial", lg_serial_text(cx->arena, &row->serial));
	lg_jsonw_str_of(w, "state", lg_str_of(states[row->state]));
	lg_jsonw_str_of(w, "profile", row->profile);
	lg_jsonw_name(w, LG_STR("subject"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", row->type);
	lg_jsonw_uuid_of(w, "id", row->entry);
	lg_jsonw_str_of(w, "name", row->name);
	lg_jsonw_object_end(w);
	lg_jsonw_name(w, LG_STR("not_before"));
	lg_jsonw_time(w, row->not_before);
	lg_jsonw_name(w, LG_STR("expires"));
	lg_jsonw_time(w, row->expires);
	if (row->state == LG_CERT_REVOKED) {
		lg_jsonw_name(w, LG_STR("revoked"));
		lg_jsonw_time(w, row->revoked);
		lg_jsonw_str_of(w, "reason", lg_revocation_name(row->why));
	}
	if (row->der.n > 0)
		put_pem(cx, w, "certificate", row->der);
	lg_jsonw_object_end(w);
}

struct page {
	struct lg_ctx *cx;
	struct lg_jsonw *w;
	size_t left;
	lg_serial last;
	bool more;
};

static bool
put_item(void *arg, const struct lg_cert_row *row)
{
	struct page *p = arg;

	if (p->left == 0) {
		p->more = true;
		return false;
	}
	p->left--;
	p->last = row->serial;
	put_row(p->cx, p->w, row);
	return true;
}

struct wish {
	lg_uuid entry;
	bool has_entry, has_serial, has_after;
	lg_serial serial, after;
	int64_t limit;
};

/* subject: an entryUUID, or "Host/node1". */
static lg_err
read_subject(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, lg_str text, struct wish *ret)
{
	const struct lg_cert_subjects *port = &c->ports.subjects;
	struct lg_cert_subject entry;
	lg_str type, name;

	ret->has_entry = true;
	if (lg_uuid_parse(text, &ret->entry))
		return LG_OK;
	if (!lg_str_cut(text, '/', &type, &name))
		return lg_fail(ex->cx, LG_E_INVALID, "\"subject\" is an entryUUID or Type/name");
	LG_TRY(port->by_name(port->self, ex->cx, v, ex->tenant, type, name, &entry));
	ret->entry = entry.id;
	return LG_OK;
}

static lg_err
read_wish(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, struct wish *ret)
{
	struct lg_form form;
	lg_str text;

	*ret = (struct wish){ .limit = PAGE };
	LG_TRY(lg_form_parse(ex->cx, ex->query, &form));
	if ((text = lg_form_get(&form, "serial")).n > 0 && !(ret->has_serial = lg_serial_parse(text, &ret->serial)))
		return lg_fail(ex->cx, LG_E_INVALID, "\"serial\" is not a serial number");
	if ((text = lg_form_get(&form, "after")).n > 0 && !(ret->has_after = lg_serial_parse(text, &ret->after)))
		return lg_fail(ex->cx, LG_E_INVALID, "\"after\" is not a serial number");
	if ((text = lg_form_get(&form, "limit")).n > 0 &&
	    (!lg_int_parse(text, &ret->limit) || ret->limit < 1 || ret->limit > PAGE_MAX))
		return lg_fail(ex->cx, LG_E_INVALID, "\"limit\" is 1 to %d", PAGE_MAX);
	if ((text = lg_form_get(&form, "subject")).n > 0)
		return read_subject(c, ex, v, text, ret);
	return LG_OK;
}

/* One's own certificates are no secret; all others need admin:read. */
static lg_err
may_read(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, const struct lg_certs_caller *caller, const struct wish *wish)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	const struct lg_ca *ca;

	if (wish->has_entry && lg_uuid_eq(wish->entry, caller->id))
		return LG_OK;
	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	return lg_certs_ask_on(ex->cx, c, v, ex->tenant, caller, "admin:read",
	    (struct lg_entity_id){ .type = LG_STR("Tenant"), .id = ca->au.id });
}

static lg_err
put_items(struct lg_http *ex, struct lg_view *v, const struct wish *wish, struct page *p)
{
	struct lg_cert_row row;
	lg_err e;

	if (!wish->has_serial)
		return lg_cert_list(ex->cx, v, ex->tenant, wish->has_entry ? &wish->entry : NULL,
		    wish->has_after ? &wish->after : NULL, put_item, p);
	e = lg_cert_find(ex->cx, v, ex->tenant, &wish->serial, &row);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;		/* an empty list */
	LG_TRY(e);
	if (!wish->has_entry || lg_uuid_eq(wish->entry, row.entry))
		put_item(p, &row);
	return LG_OK;
}

lg_err
lg_route_list(void *self, struct lg_http *ex)
{
	struct lg_certs *c = self;
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_caller caller;
	struct page p = { .cx = ex->cx };
	struct wish wish;
	struct lg_jsonw w;

	LG_TRY(who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(read_wish(c, ex, v, &wish));
	LG_TRY(may_read(c, ex, v, &caller, &wish));
	w = begin(ex);
	p.w = &w;
	p.left = (size_t)wish.limit;
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	LG_TRY(put_items(ex, v, &wish, &p));
	lg_jsonw_array_end(&w);
	if (p.more)
		lg_jsonw_str_of(&w, "next", lg_serial_text(ex->cx->arena, &p.last));
	return end(ex, &w);
}

/* "/v1/certificates/<serial>/revoke" */
lg_err
lg_route_revoke(void *self, struct lg_http *ex)
{
	lg_str reason = LG_NONE, serial_text, verb;
	const struct field fields[] = { { "reason", &reason, true } };
	enum lg_revocation why = LG_REVOKED_UNSPECIFIED;
	struct lg_certs_caller caller;
	lg_serial serial;

	if (!lg_str_cut(ex->tail, '/', &serial_text, &verb) || !lg_str_eq(verb, LG_STR("revoke")) ||
	    !lg_serial_parse(serial_text, &serial))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such certificate");
	LG_TRY(who(self, ex, &caller));
	if (ex->body.n > 0)
		LG_TRY(read_body(ex, fields, LG_COUNT(fields)));
	if (reason.n > 0 && !lg_revocation_parse(reason, &why))
		return lg_fail(ex->cx, LG_E_INVALID, "no reason \"%.*s\" (RFC 5280 5.3.1)", LG_FMT(reason));
	LG_TRY(lg_certs_revoke_for(ex->cx, self, ex->tenant, &serial, why, &caller));
	ex->status = 204;
	return LG_OK;
}

/* ---- the table ------------------------------------------------------------------------------------------------------ */

#define EST (LG_SURFACE_HTTPS | LG_SURFACE_MTLS)

const struct lg_route lg_certs_routes[] = {
	{ "GET",  "/crl/*",             LG_SURFACE_HTTP, LG_ON_WORKER, 0, lg_route_crl },
	{ "GET",  "/ca/*",              LG_SURFACE_HTTP, LG_ON_LOOP,   0, lg_route_ca },
	{ "GET",  "/spiffe/bundle",     LG_SURFACE_HTTP | LG_SURFACE_HTTPS, LG_ON_LOOP, 0, lg_route_bundle },
	{ "POST", "/ocsp",              LG_SURFACE_HTTP, LG_ON_WORKER, LG_OCSP_MAX, lg_route_ocsp_post },
	{ "GET",  "/ocsp/*",            LG_SURFACE_HTTP, LG_ON_WORKER, 0, lg_route_ocsp_get },
	{ "POST", "/v1/join",           LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_join },
	{ "POST", "/v1/rejoin",         LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_rejoin },
	{ "POST", "/v1/certificates",   LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_issue },
	{ "GET",  "/v1/certificates",   LG_SURFACE_API,  LG_ON_LOOP,   0, lg_route_list },
	{ "POST", "/v1/certificates/*", LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_revoke },
	{ "GET",  "/.well-known/est/cacerts",        EST, LG_ON_LOOP,   0, lg_route_est_cacerts },
	{ "GET",  "/.well-known/est/csrattrs",       EST, LG_ON_LOOP,   0, lg_route_est_csrattrs },
	{ "POST", "/.well-known/est/simpleenroll",   EST, LG_ON_WORKER, 0, lg_route_est_enroll },
	{ "POST", "/.well-known/est/simplereenroll", LG_SURFACE_MTLS, LG_ON_WORKER, 0, lg_route_est_reenroll },
	{ "POST", "/v1/eab",            LG_SURFACE_API,  LG_ON_WORKER, 0, lg_route_eab },
	{ "GET",  "/acme/directory",      LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_directory },
	{ "GET",  "/acme/new-nonce",      LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_new_nonce },
	{ "POST", "/acme/new-account",    LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_new_account },
	{ "POST", "/acme/account/*",      LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_account_route },
	{ "POST", "/acme/new-order",      LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_new_order },
	{ "POST", "/acme/order/*",        LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_order_route },
	{ "POST", "/acme/authz/*",        LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_authz_route },
	{ "POST", "/acme/challenge/*",    LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_challenge_route },
	{ "POST", "/acme/certificate/*",  LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_certificate_route },
	{ "POST", "/acme/revoke-cert",    LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_revoke_route },
	{ "POST", "/acme/key-change",     LG_SURFACE_HTTPS, LG_ON_WORKER, 0, lg_acme_key_change_route },
	{ "GET",  "/acme/renewal-info/*", LG_SURFACE_HTTPS, LG_ON_LOOP,   0, lg_acme_renewal_route },
};
const size_t lg_certs_nroutes = LG_COUNT(lg_certs_routes);
