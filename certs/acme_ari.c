/* acme_ari.c: when to renew (RFC 9773): spread over the last third of a life, at once for what is revoked. */
#include "base/clock.h"
#include "base/text.h"
#include "certs/acme.h"

/* "<AKI>.<serial>" of RFC 9773 4.1. */
static lg_str
ari_id(struct lg_arena *a, const struct lg_ca_cert *issuer, const lg_serial *serial)
{
	return lg_print(a, "%.*s.%.*s", LG_FMT(lg_base64url(a, issuer->x509.exts.ski)),
	    LG_FMT(lg_base64url(a, (lg_str){ (const char *)serial->b, sizeof serial->b })));
}

lg_err
lg_acme_ari_find(struct lg_acme *q, struct lg_view *v, lg_str id, struct lg_cert_row *ret)
{
	lg_str aki, serial_text, raw;
	lg_serial serial;
	lg_err e = LG_E_NOT_FOUND;

	if (id.n > 128 || !lg_str_cut(id, '.', &aki, &serial_text) || !lg_base64url_parse(q->cx->arena, serial_text, &raw))
		return lg_acme_fail(q, 400, "malformed", "not the id of a certificate");
	if (raw.n == sizeof serial.b) {
		memcpy(serial.b, raw.p, raw.n);
		e = lg_cert_find(q->cx, v, q->ex->tenant, &serial, ret);
	}
	for (size_t i = 0; e == LG_OK && i < q->ca->nissuers; i++)
		if (memcmp(q->ca->issuer[i].sha256.b, ret->issuer.b, sizeof ret->issuer.b) == 0 &&
		    lg_str_eq(ari_id(q->cx->arena, &q->ca->issuer[i], &serial), id) && ret->der.n > 0)
			return LG_OK;
	return e != LG_OK && e != LG_E_NOT_FOUND ? e : lg_fail(q->cx, LG_E_NOT_FOUND, "no such certificate");
}

static lg_err
run_renewal(struct lg_acme *q)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct lg_cert_row row;
	int64_t life, begins, ends;
	struct lg_jsonw w;

	LG_TRY(lg_view_begin(q->cx, q->c->ports.store, &v));
	LG_TRY(lg_acme_ari_find(q, v, q->ex->tail, &row));
	life = row.expires - row.not_before;
	begins = row.expires - life / 3;
	ends = row.expires - life / 6;
	if (row.state == LG_CERT_REVOKED) {
		begins = row.revoked - LG_SECOND;
		ends = row.revoked;
	}
	w = lg_acme_begin(q, 200);
	lg_http_header(q->ex, "Retry-After", LG_STR("3600"));
	lg_jsonw_name(&w, LG_STR("suggestedWindow"));
	lg_jsonw_object(&w);
	lg_jsonw_time_of(&w, "start", begins);
	lg_jsonw_time_of(&w, "end", ends);
	lg_jsonw_object_end(&w);
	return lg_acme_end(q, &w);
}

lg_err
lg_acme_renewal_route(void *self, struct lg_http *ex)
{
	return lg_acme_serve(self, ex, LG_ACME_NOBODY, run_renewal);
}
