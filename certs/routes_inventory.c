/* routes_inventory.c: what was issued: lists, and revocation. */
#include "base/text.h"
#include "certs/ask.h"
#include "certs/revoke.h"
#include "certs/routes.h"
#include "certs/search.h"
#include "certs/ssh.h"
#include "crypto/ssh.h"

#define PAGE		100		/* items, unless asked otherwise */
#define PAGE_MAX	500

static const char *const states[] = {
	[LG_CERT_PENDING] = "pending", [LG_CERT_ISSUED] = "issued", [LG_CERT_REVOKED] = "revoked",
};

static void
put_row(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_cert_row *row)
{
	uint64_t number;

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
	lg_jsonw_str_of(w, "key", lg_hex(cx->arena, lg_sha256_str(&row->spki)));
	lg_jsonw_str_of(w, "issuer", lg_hex(cx->arena, lg_sha256_str(&row->issuer)));
	lg_jsonw_time_of(w, "not_before", row->not_before);
	lg_jsonw_time_of(w, "expires", row->expires);
	if (row->state == LG_CERT_REVOKED) {
		lg_jsonw_time_of(w, "revoked", row->revoked);
		lg_jsonw_str_of(w, "reason", lg_revocation_name(row->why));
	}
	if (row->der.n > 0 && lg_ssh_serial(&row->serial, &number))
		lg_jsonw_str_of(w, "certificate", lg_ssh_line(cx->arena, row->der, row->name));
	else if (row->der.n > 0)
		lg_routes_put_pem(cx, w, "certificate", row->der);
	lg_jsonw_object_end(w);
}

struct page {
	struct lg_ctx *cx;
	struct lg_jsonw *w;
};

static bool
put_item(void *arg, const struct lg_cert_row *row)
{
	struct page *p = arg;

	put_row(p->cx, p->w, row);
	return true;
}

/* An entryUUID, or "Host/node1". */
static lg_err
read_subject(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, lg_str text, struct lg_cert_subject *ret)
{
	const struct lg_cert_subjects *port = &c->ports.subjects;
	lg_str type, name;
	lg_err e;

	*ret = (struct lg_cert_subject){ .enabled = false };
	if (lg_uuid_parse(text, &ret->id))
		return LG_OK;
	if (!lg_str_cut(text, '/', &type, &name))
		return lg_fail(ex->cx, LG_E_INVALID, "\"subject\" is an entryUUID or Type/name");
	e = port->by_name(port->self, ex->cx, v, ex->tenant, type, name, ret);
	return e == LG_E_NOT_FOUND ? lg_fail(ex->cx, e, "there is no %.*s", LG_FMT(text)) : e;
}

static lg_err
read_digest(struct lg_ctx *cx, lg_str text, lg_sha256 *ret)
{
	lg_str octets;

	if (!lg_hex_parse(cx->arena, text, &octets) || octets.n != sizeof ret->b)
		return lg_fail(cx, LG_E_INVALID, "a key is the SHA-256 of its SubjectPublicKeyInfo, in hex");
	memcpy(ret->b, octets.p, octets.n);
	return LG_OK;
}

/* The kid of an issuing CA that is believed, or the SHA-256 of the certificate of any. */
static lg_err
read_issuer(struct lg_certs *c, struct lg_http *ex, lg_str text, lg_sha256 *ret)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	const struct lg_ca_cert *issuer;
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	issuer = lg_ca_by_kid(ca, text, false);
	if (issuer != NULL)
		*ret = issuer->sha256;
	else if (text.n != 2 * sizeof ret->b || read_digest(ex->cx, text, ret) != LG_OK)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no issuer has the key \"%.*s\"", LG_FMT(text));
	return LG_OK;
}

static lg_err
read_state(struct lg_ctx *cx, lg_str text, enum lg_cert_state *ret)
{
	for (size_t i = LG_CERT_PENDING; i < LG_COUNT(states); i++)
		if (lg_str_eq(text, lg_str_of(states[i]))) {
			*ret = (enum lg_cert_state)i;
			return LG_OK;
		}
	return lg_fail(cx, LG_E_INVALID, "\"state\" is pending, issued or revoked");
}

static lg_err
read_times(struct lg_ctx *cx, const struct lg_form *form, struct lg_cert_query *q)
{
	const struct {
		const char *name;
		int64_t *at;
	} times[] = { { "expires_after", &q->expires_from }, { "expires_before", &q->expires_to } };

	for (size_t i = 0; i < LG_COUNT(times); i++) {
		lg_str text = lg_form_get(form, times[i].name);
		if (text.n > 0 && (!lg_time_parse(text, times[i].at) || *times[i].at <= 0))
			return lg_fail(cx, LG_E_INVALID, "\"%s\" is no time (RFC 3339)", times[i].name);
	}
	return LG_OK;
}

static lg_err
read_query(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, struct lg_cert_query *q)
{
	struct lg_cert_subject subject;
	int64_t limit = PAGE;
	struct lg_form form;
	lg_str text;

	*q = (struct lg_cert_query){ .has_serial = false };
	LG_TRY(lg_form_parse(ex->cx, ex->query, &form));
	if ((text = lg_form_get(&form, "serial")).n > 0 && !(q->has_serial = lg_serial_parse(text, &q->serial)))
		return lg_fail(ex->cx, LG_E_INVALID, "\"serial\" is not a serial number");
	if ((text = lg_form_get(&form, "limit")).n > 0 && (!lg_int_parse(text, &limit) || limit < 1 || limit > PAGE_MAX))
		return lg_fail(ex->cx, LG_E_INVALID, "\"limit\" is 1 to %d", PAGE_MAX);
	if ((q->has_key = (text = lg_form_get(&form, "key")).n > 0))
		LG_TRY(read_digest(ex->cx, text, &q->key));
	if ((q->has_issuer = (text = lg_form_get(&form, "issuer")).n > 0))
		LG_TRY(read_issuer(c, ex, text, &q->issuer));
	if ((text = lg_form_get(&form, "state")).n > 0)
		LG_TRY(read_state(ex->cx, text, &q->state));
	LG_TRY(read_times(ex->cx, &form, q));
	q->name = lg_form_get(&form, "name");
	q->type = lg_form_get(&form, "type");
	q->profile = lg_form_get(&form, "profile");
	q->after = lg_form_get(&form, "after");
	q->limit = (size_t)limit;
	if ((q->has_entry = (text = lg_form_get(&form, "subject")).n > 0)) {
		LG_TRY(read_subject(c, ex, v, text, &subject));
		q->entry = subject.id;
	}
	return LG_OK;
}

/* One's own certificates are no secret; all others need admin:read. */
static lg_err
may_read(struct lg_certs *c, struct lg_http *ex, struct lg_view *v, const struct lg_certs_caller *caller, const struct lg_cert_query *q)
{
	if (q->has_entry && lg_uuid_eq(q->entry, caller->id))
		return LG_OK;
	return lg_routes_may(ex->cx, c, v, ex->tenant, caller, "admin:read");
}

lg_err
lg_route_list(void *self, struct lg_http *ex)
{
	struct lg_certs *c = self;
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_certs_caller caller;
	struct page p = { .cx = ex->cx };
	struct lg_cert_query q;
	struct lg_jsonw w;
	lg_str next;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(read_query(c, ex, v, &q));
	LG_TRY(may_read(c, ex, v, &caller, &q));
	w = lg_routes_begin(ex);
	p.w = &w;
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	LG_TRY(lg_cert_search(ex->cx, v, ex->tenant, &q, put_item, &p, &next));
	lg_jsonw_array_end(&w);
	if (next.n > 0)
		lg_jsonw_str_of(&w, "next", next);
	return lg_routes_end(ex, &w);
}

/* ---- revoking ------------------------------------------------------------------------------------------- */

static lg_err
read_reason(struct lg_ctx *cx, lg_str text, enum lg_revocation *ret)
{
	if (text.n > 0 && !lg_revocation_parse(text, ret))
		return lg_fail(cx, LG_E_INVALID, "no reason \"%.*s\" (RFC 5280 5.3.1)", LG_FMT(text));
	return LG_OK;
}

/* "/v1/certificates/<serial>/revoke" */
lg_err
lg_route_revoke(void *self, struct lg_http *ex)
{
	lg_str reason = LG_NONE, serial_text, verb;
	const struct lg_routes_field fields[] = { { "reason", &reason, true } };
	enum lg_revocation why = LG_REVOKED_UNSPECIFIED;
	struct lg_certs_caller caller;
	lg_serial serial;

	if (!lg_str_cut(ex->tail, '/', &serial_text, &verb) || !lg_str_eq(verb, LG_STR("revoke")) ||
	    !lg_serial_parse(serial_text, &serial))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no certificate: a serial number has %d hex digits, as lightgate certificate list shows them", LG_CERT_SERIAL_TEXT);
	LG_TRY(lg_routes_who(self, ex, &caller));
	if (ex->body.n > 0)
		LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(read_reason(ex->cx, reason, &why));
	LG_TRY(lg_certs_revoke_for(ex->cx, self, ex->tenant, &serial, why, &caller));
	ex->status = 204;
	return LG_OK;
}

static lg_err
find_subject(struct lg_certs *c, struct lg_http *ex, lg_str text, struct lg_revoke_many *rm)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_cert_subject subject;

	LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
	LG_TRY(read_subject(c, ex, v, text, &subject));
	rm->by = LG_REVOKE_ENTRY;
	rm->entry = subject.id;
	rm->type = lg_dup(ex->cx->arena, subject.type);
	rm->name = lg_dup(ex->cx->arena, subject.name);
	return LG_OK;
}

/* "/v1/certificates/revoke": exactly one of subject, key and issuer. */
lg_err
lg_route_revoke_many(void *self, struct lg_http *ex)
{
	lg_str subject = LG_NONE, key = LG_NONE, issuer = LG_NONE, reason = LG_NONE;
	const struct lg_routes_field fields[] = { { "subject", &subject, true }, { "key", &key, true }, { "issuer", &issuer, true },
		{ "reason", &reason, true } };
	struct lg_revoke_many rm = { .why = LG_REVOKED_UNSPECIFIED };
	struct lg_certs_caller caller;
	struct lg_jsonw w;
	size_t count;

	LG_TRY(lg_routes_who(self, ex, &caller));
	LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	LG_TRY(read_reason(ex->cx, reason, &rm.why));
	if ((subject.n > 0) + (key.n > 0) + (issuer.n > 0) != 1)
		return lg_fail(ex->cx, LG_E_INVALID, "one of \"subject\", \"key\" and \"issuer\" says which certificates");
	rm.by = issuer.n > 0 ? LG_REVOKE_ISSUER : LG_REVOKE_KEY;
	if (subject.n > 0)
		LG_TRY(find_subject(self, ex, subject, &rm));
	else if (issuer.n > 0)
		LG_TRY(read_issuer(self, ex, issuer, &rm.digest));
	else
		LG_TRY(read_digest(ex->cx, key, &rm.digest));
	rm.target = subject.n > 0 ? subject : issuer.n > 0 ? issuer : key;
	rm.caller = &caller;
	LG_TRY(lg_certs_revoke_many(ex->cx, self, ex->tenant, &rm, &count));
	w = lg_routes_begin(ex);
	lg_jsonw_int_of(&w, "revoked", (int64_t)count);
	return lg_routes_end(ex, &w);
}

/* ---- purge ---------------------------------------------------------------------------------------------- */

/* Sooner than the settings would; what ended less than LG_CERT_REJOIN ago stays. */
lg_err
lg_route_purge(void *self, struct lg_http *ex)
{
	lg_str before = LG_NONE;
	const struct lg_routes_field fields[] = { { "expired_before", &before, false } };
	struct lg_certs *c = self;
	struct lg_certs_caller caller;
	struct lg_jsonw w;
	bool more = true;
	size_t gone = 0;
	int64_t time;

	LG_TRY(lg_routes_who(c, ex, &caller));
	LG_TRY(lg_routes_body(ex, fields, LG_COUNT(fields)));
	if (!lg_time_parse(before, &time))
		return lg_fail(ex->cx, LG_E_INVALID, "\"expired_before\" is a time (RFC 3339)");
	{
		LG_AUTO(lg_view_end) struct lg_view *v = NULL;

		LG_TRY(lg_view_begin(ex->cx, c->ports.store, &v));
		LG_TRY(lg_routes_may(ex->cx, c, v, ex->tenant, &caller, "admin:write"));
	}
	while (more)
		LG_TRY(lg_certs_purge(ex->cx, c, ex->tenant, time, &gone, &more));
	w = lg_routes_begin(ex);
	lg_jsonw_int_of(&w, "purged", (int64_t)gone);
	return lg_routes_end(ex, &w);
}
