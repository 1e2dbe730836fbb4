/* acme_revoke.c: revocation (RFC 8555 7.6), by the account that ordered a certificate or by whoever holds its key. */
#include "base/text.h"
#include "certs/acme.h"

static lg_err
read_wish(struct lg_acme *q, lg_str *der, enum lg_revocation *why)
{
	static const enum lg_revocation reasons[] = { LG_REVOKED_UNSPECIFIED, LG_REVOKED_KEY_COMPROMISE, LG_REVOKED_AFFILIATION_CHANGED,
		LG_REVOKED_SUPERSEDED, LG_REVOKED_CESSATION, LG_REVOKED_PRIVILEGE_WITHDRAWN };
	lg_str text = LG_NONE, name;
	int64_t code = 0;
	struct lg_json js;

	lg_json_init(&js, q->cx->arena, q->jws.payload);
	lg_json_object(&js);
	while (lg_json_member(&js, &name))
		if (lg_str_eq(name, LG_STR("certificate")))
			text = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("reason")))
			code = lg_json_int(&js);
		else
			lg_json_skip(&js);
	LG_TRY(lg_json_end(q->cx, &js));
	if (!lg_base64url_parse(q->cx->arena, text, der) || der->n == 0 || der->n > LG_CERT_MAX)
		return lg_acme_fail(q, 400, "malformed", "\"certificate\" is none");
	for (size_t i = 0; i < LG_COUNT(reasons); i++)
		if ((int64_t)reasons[i] == code) {
			*why = reasons[i];
			return LG_OK;
		}
	return lg_acme_fail(q, 400, "badRevocationReason", "no reason %lld for a certificate of ours", (long long)code);
}

/* ---- who may ---------------------------------------------------------------------------------------------- */

static bool
proved(const struct lg_acme_order *o, bool ip, lg_str name, struct lg_arena *a)
{
	for (size_t i = 0; i < o->nnames; i++) {
		const struct lg_acme_name *n = &o->name[i];
		lg_str raw;

		if (n->status != LG_ACME_VALID || n->ip != ip)
			continue;
		if (ip ? lg_acme_address(n->name, &raw, a) == LG_OK && lg_str_eq(raw, name) : lg_str_eq_fold(n->name, name))
			return true;
	}
	return false;
}

struct missing {			/* bits of a certificate's names that the account has not proved yet */
	uint32_t dns, ip;
};

static void
strike(struct missing *m, const struct lg_acme_order *o, const struct lg_cert_names *names, struct lg_arena *a)
{
	for (size_t i = 0; i < names->ndns; i++)
		if (proved(o, false, names->dns[i], a))
			m->dns &= ~(1u << i);
	for (size_t i = 0; i < names->nip; i++)
		if (proved(o, true, names->ip[i], a))
			m->ip &= ~(1u << i);
}

/* RFC 8555 7.6: an account that holds authorizations for all identifiers in the certificate. */
static lg_err
holds_all(struct lg_acme *q, struct lg_view *v, const struct lg_cert_names *names, bool *ret)
{
	struct missing m = { (1u << names->ndns) - 1, (1u << names->nip) - 1 };
	struct lg_acme_order *o = LG_NEW(q->cx->arena, struct lg_acme_order);
	struct lg_certs_key prefix = lg_certs_key_of(q->ex->tenant);
	LG_AUTO(lg_cursor_end) struct lg_cursor c = { 0 };
	lg_str key, value;
	lg_uuid id;

	lg_certs_key_add(&prefix, q->account.id.b, sizeof q->account.id.b);
	LG_TRY(lg_scan(q->cx, v, &lg_acme_by_account, lg_certs_key_str(&prefix), LG_NONE, &c));
	for (int n = 0; n < LG_ACME_SCAN && (m.dns | m.ip) != 0 && lg_cursor_next(&c, &key, &value); n++) {
		memcpy(id.b, key.p + prefix.n, sizeof id.b);
		LG_TRY(lg_acme_order_get(q->cx, v, q->ex->tenant, id, o));
		if (q->cx->now <= o->expires)
			strike(&m, o, names, q->cx->arena);
	}
	*ret = (m.dns | m.ip) == 0 && names->nuri == 0;
	return LG_OK;
}

static lg_err
may_revoke(struct lg_acme *q, struct lg_view *v, const struct lg_cert_row *row, const struct lg_cert_names *names, bool *ret)
{
	struct lg_acme_order *o = LG_NEW(q->cx->arena, struct lg_acme_order);
	lg_sha256 key = lg_sha256_of(lg_pubkey_spki(q->key));
	lg_err e;

	if (lg_uuid_is_nil(q->account.id)) {
		*ret = memcmp(row->spki.b, key.b, sizeof key.b) == 0;
		return LG_OK;
	}
	e = lg_acme_order_get(q->cx, v, q->ex->tenant, row->order, o);
	if (e != LG_OK && e != LG_E_NOT_FOUND)
		return e;
	*ret = e == LG_OK && lg_uuid_eq(o->account, q->account.id);
	return *ret ? LG_OK : holds_all(q, v, names, ret);
}

/* ---- the certificate ---------------------------------------------------------------------------------------- */

/* The very certificate of the inventory; the caller's key is its own or its account's. */
static lg_err
find(struct lg_acme *q, lg_str der, lg_serial *serial)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	lg_sha256 sha256 = lg_sha256_of(der);
	lg_err e = LG_E_NOT_FOUND;
	struct lg_cert_row row;
	struct lg_x509 x;
	bool may;

	LG_TRY(lg_x509_parse(q->cx, der, &x));
	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	if (x.serial.n == sizeof serial->b) {
		memcpy(serial->b, x.serial.p, x.serial.n);
		e = lg_cert_find(q->cx, v, q->ex->tenant, serial, &row);
	}
	if (e == LG_E_NOT_FOUND || (e == LG_OK && memcmp(row.sha256.b, sha256.b, sizeof sha256.b) != 0))
		return lg_fail(q->cx, LG_E_NOT_FOUND, "the certificate is not one of ours");
	LG_TRY(e);
	LG_TRY(may_revoke(q, v, &row, &x.exts.names, &may));
	if (!may)
		return lg_acme_fail(q, 403, "unauthorized", "neither the account's certificate nor this key's");
	if (row.state == LG_CERT_REVOKED)
		return lg_acme_fail(q, 400, "alreadyRevoked", "it is revoked");
	return LG_OK;
}

static lg_err
run_revoke(struct lg_acme *q)
{
	enum lg_revocation why = LG_REVOKED_UNSPECIFIED;
	lg_serial serial;
	lg_str der;

	LG_TRY(read_wish(q, &der, &why));
	LG_TRY(find(q, der, &serial));
	LG_TRY(lg_certs_revoke(q->cx, q->c, q->ex->tenant, &serial, why));
	q->ex->status = 200;
	return LG_OK;
}

lg_err
lg_acme_revoke_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_EITHER, run_revoke);
}
