/* revoke.c: a revocation is two rows: the inventory's, which tells the story, and one of lg_certs_revoked, which changes trust. */
#include "certs/revoke.h"

#include "base/json.h"
#include "certs/ask.h"
#include "certs/ledger.h"
#include "certs/trust.h"

lg_err
lg_cert_row_revoke(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, struct lg_cert_row *row, enum lg_revocation why)
{
	struct lg_revoked_row r = { .serial = row->serial, .time = lg_view_time(v), .expires = row->expires, .why = why,
		.issuer = row->issuer, .seq = lg_view_seq(v) + 1 };

	if (row->state == LG_CERT_REVOKED)
		return LG_OK;
	row->state = LG_CERT_REVOKED;
	row->revoked = r.time;
	row->why = why;
	LG_TRY(lg_ledger_append(cx, v, tenant, LG_LEDGER_REVOKED, row));
	LG_TRY(lg_cert_row_put(cx, v, tenant, row));
	return lg_revoked_row_put(cx, v, tenant, &r);
}

lg_err
lg_certs_revocations(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_certs_revoked_each *each, void *arg)
{
	struct lg_certs_key prefix = lg_certs_key_of(tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	struct lg_revoked_row row;
	lg_str key, value;
	lg_serial serial;

	LG_TRY(lg_scan(cx, v, &lg_certs_revoked, lg_certs_key_str(&prefix), LG_NONE, &c));
	while (lg_cursor_next(&c, &key, &value)) {
		if (key.n != prefix.n + sizeof serial.b)
			return lg_fail(cx, LG_E_CORRUPT, "a key of revocations has the wrong length");
		memcpy(serial.b, key.p + prefix.n, sizeof serial.b);
		LG_TRY(lg_revoked_row_decode(cx, &serial, value, &row));
		if (row.expires > cx->now && !each(arg, &serial))
			break;
	}
	return LG_OK;
}

struct revocation {
	struct lg_certs *c;
	const struct lg_ca *ca;
	uint32_t tenant;
	lg_serial serial;
	enum lg_revocation why;
	const struct lg_certs_caller *by;	/* NULL: the caller of the library has decided */
};

static lg_err
audit(struct lg_ctx *cx, struct lg_view *v, const struct revocation *r, const struct lg_cert_row *row)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "type", row->type);
	lg_jsonw_str_of(&w, "name", row->name);
	lg_jsonw_str_of(&w, "reason", lg_revocation_name(r->why));
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(cx, &b));
	lg_audit(v, lg_serial_text(cx->arena, &r->serial), lg_dup(cx->arena, lg_buf_view(&b)));
	return LG_OK;
}

/* A host's certificate is the host's business, any other the tenant's (conf/lightgate.cedarschema). */
static lg_err
decide(struct lg_ctx *cx, struct lg_view *v, const struct revocation *r, const struct lg_cert_row *row)
{
	struct lg_entity_id resource = { .type = LG_STR("Tenant"), .id = r->ca->au.id };

	if (r->by == NULL)
		return LG_OK;
	if (lg_str_eq(row->type, LG_STR("Host")))
		resource = (struct lg_entity_id){ .type = row->type, .id = row->entry, .name = row->name };
	return lg_certs_ask_on(cx, r->c, v, r->tenant, r->by, "certificate:revoke", resource);
}

static lg_err
run_revoke(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct revocation *r = arg;
	struct lg_cert_row row;
	lg_err e = lg_cert_find(cx, v, r->tenant, &r->serial, &row);

	if (e == LG_E_NOT_FOUND)
		return lg_fail(cx, e, "no certificate with this serial number");
	LG_TRY(e);
	LG_TRY(decide(cx, v, r, &row));
	LG_TRY(audit(cx, v, r, &row));
	return lg_cert_row_revoke(cx, v, r->tenant, &row, r->why);
}

lg_err
lg_certs_revoke_for(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const lg_serial *serial, enum lg_revocation why,
    const struct lg_certs_caller *by)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(c);
	struct revocation r = { .c = c, .tenant = tenant, .serial = *serial, .why = why, .by = by };

	LG_TRY(lg_trust_tenant(cx, t, tenant, &r.ca));
	return lg_store_apply(cx, c->ports.store, tenant, "certificate.revoke", run_revoke, &r, NULL);
}

lg_err
lg_certs_revoke(struct lg_ctx *cx, struct lg_certs *c, uint32_t tenant, const lg_serial *serial, enum lg_revocation why)
{
	return lg_certs_revoke_for(cx, c, tenant, serial, why, NULL);
}

/* ---- all of an entry ------------------------------------------------------------------------------ */

struct of_entry {
	int64_t now;
	lg_serial *serial;
	size_t n;
};

static bool
collect(void *arg, const struct lg_cert_row *row)
{
	struct of_entry *o = arg;

	if (row->state != LG_CERT_REVOKED && row->expires > o->now)
		o->serial[o->n++] = row->serial;
	return o->n <= LG_REVOKED_AT_ONCE;
}

lg_err
lg_certs_revoke_entry(struct lg_ctx *cx, struct lg_view *v, uint32_t tenant, lg_uuid entry, enum lg_revocation why, size_t *count)
{
	struct of_entry o = { .now = lg_view_time(v), .serial = LG_NEWS(cx->arena, lg_serial, LG_REVOKED_AT_ONCE + 1) };

	LG_TRY(lg_cert_list_of(cx, v, tenant, entry, o.now, NULL, collect, &o));
	if (o.n > LG_REVOKED_AT_ONCE)
		return lg_fail(cx, LG_E_LIMIT, "it has more than %d live certificates: disable it, so that it gets no more of them, and revoke them first (certificate revoke --subject)",
		    LG_REVOKED_AT_ONCE);
	for (size_t i = 0; i < o.n; i++) {
		struct lg_cert_row row;

		LG_TRY(lg_cert_find(cx, v, tenant, &o.serial[i], &row));
		LG_TRY(lg_cert_row_revoke(cx, v, tenant, &row, why));
	}
	*count = o.n;
	return LG_OK;
}
