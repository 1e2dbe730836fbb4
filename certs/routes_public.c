/* routes_public.c: what everybody may read over plain HTTP: everything here is signed, or is a certificate. */
#include "base/clock.h"
#include "base/text.h"
#include "certs/crl.h"
#include "certs/ocsp.h"
#include "certs/routes.h"

#define FRESH_SECONDS 300	/* how long caches may keep what they got here */

/* "<kid>.<ending>" */
static lg_err
kid_of(struct lg_http *ex, lg_str ending, lg_str *ret)
{
	if (!lg_str_ends(ex->tail, ending) || ex->tail.n == ending.n)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such file");
	*ret = lg_str_sub(ex->tail, 0, ex->tail.n - ending.n);
	return LG_OK;
}

static lg_err
answer(struct lg_http *ex, const char *type, lg_str body)
{
	lg_http_type(ex, type);
	lg_http_header(ex, "Cache-Control", lg_print(ex->cx->arena, "public, max-age=%d", FRESH_SECONDS));
	lg_buf_str(&ex->out, body);
	return lg_buf_status(ex->cx, &ex->out);
}

lg_err
lg_route_crl(void *self, struct lg_http *ex)
{
	struct lg_crl_name name;
	lg_str crl;

	if (!lg_crl_name_parse(ex->tail, &name))
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such file");
	LG_TRY(lg_crl_get(ex->cx, self, ex->tenant, &name, &crl));
	return answer(ex, "application/pkix-crl", crl);		/* RFC 2585 4.2 */
}

lg_err
lg_route_ca(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(self);
	const struct lg_ca_cert *cert;
	const struct lg_ca *ca;
	lg_str kid;

	LG_TRY(kid_of(ex, LG_STR(".cer"), &kid));
	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	cert = lg_ca_by_kid(ca, kid, true);
	if (cert == NULL && ca->au.next.n > 0 && lg_str_eq(kid, ca->next_kid))
		return answer(ex, "application/pkix-cert", ca->au.next);
	if (cert == NULL)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "no such authority");
	return answer(ex, "application/pkix-cert", cert->x509.der);	/* RFC 2585 4.1 */
}

/* SPIFFE Trust Domain and Bundle 4.2: the JWK of a key, of another use. */
static lg_err
put_key(struct lg_ctx *cx, struct lg_jsonw *w, lg_str jwk, const char *use, bool named)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, jwk);
	lg_jsonw_str_of(w, "use", lg_str_of(use));
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		lg_str value = lg_json_raw(&js);

		if (lg_str_eq(name, LG_STR("use")) || (!named && (lg_str_eq(name, LG_STR("alg")) || lg_str_eq(name, LG_STR("kid")))))
			continue;
		lg_jsonw_name(w, name);
		lg_jsonw_raw(w, value);
	}
	return lg_json_end(cx, &js);
}

/* 4.2.2: x509-svid, with exactly one certificate. */
static lg_err
put_root(struct lg_ctx *cx, struct lg_jsonw *w, const struct lg_ca_cert *root)
{
	LG_AUTO(lg_buf_free) struct lg_buf jwk = LG_BUF(8u << 10);

	lg_pubkey_jwk(root->key, root->kid, root->alg, &jwk);
	lg_jsonw_object(w);
	LG_TRY(put_key(cx, w, lg_buf_view(&jwk), "x509-svid", false));
	lg_jsonw_name(w, LG_STR("x5c"));
	lg_jsonw_array(w);
	lg_jsonw_str(w, lg_base64(cx->arena, root->x509.der));
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
	return LG_OK;
}

/* 4.2.3: jwt-svid, named by kid. */
static lg_err
put_token_keys(struct lg_ctx *cx, struct lg_jsonw *w, lg_str jwks)
{
	struct lg_json js;
	lg_str name;

	if (jwks.n == 0)
		return LG_OK;
	lg_json_init(&js, cx->arena, jwks);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {	/* "keys" alone: lg_keyset_jwks */
		lg_json_array(&js);
		while (lg_json_item(&js)) {
			lg_jsonw_object(w);
			LG_TRY(put_key(cx, w, lg_json_raw(&js), "jwt-svid", true));
			lg_jsonw_object_end(w);
		}
	}
	return lg_json_end(cx, &js);
}

/* It rises with every newer root and with every change of keys (4.1.1). */
static int64_t
sequence_of(const struct lg_ca *ca)
{
	int64_t root = ca->root.x509.not_before, since = ca->au.trust_since;

	return (since > root ? since : root) / LG_SECOND;
}

lg_err
lg_routes_put_bundle(struct lg_http *ex, struct lg_jsonw *w, const struct lg_ca *ca)
{
	lg_jsonw_object(w);
	lg_jsonw_int_of(w, "spiffe_sequence", sequence_of(ca));
	lg_jsonw_int_of(w, "spiffe_refresh_hint", FRESH_SECONDS);
	lg_jsonw_name(w, LG_STR("keys"));
	lg_jsonw_array(w);
	LG_TRY(put_root(ex->cx, w, &ca->root));
	for (size_t i = 0; i < ca->nold_roots; i++)
		LG_TRY(put_root(ex->cx, w, &ca->old_root[i]));
	LG_TRY(put_token_keys(ex->cx, w, ca->au.token_keys));
	lg_jsonw_array_end(w);
	lg_jsonw_object_end(w);
	return LG_OK;
}

lg_err
lg_route_bundle(void *self, struct lg_http *ex)
{
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(self);
	struct lg_jsonw w = lg_jsonw_of(&ex->out);
	const struct lg_ca *ca;

	LG_TRY(lg_trust_tenant(ex->cx, t, ex->tenant, &ca));
	lg_http_type(ex, "application/json");
	lg_http_header(ex, "Cache-Control", lg_print(ex->cx->arena, "public, max-age=%d", FRESH_SECONDS));
	LG_TRY(lg_routes_put_bundle(ex, &w, ca));
	return lg_buf_status(ex->cx, &ex->out);
}

/* ---- OCSP over HTTP (RFC 6960 appendix A, RFC 5019) ---------------------------------------------------- */

struct ocsp_asking {
	struct lg_http *ex;
	bool by_url;
	bool later;
};

/* Only what was signed may be kept by caches, and only when it is named by its URL (RFC 5019 6.2). */
static void
ocsp_answered(void *arg, const struct lg_ocsp_answer *a)
{
	struct ocsp_asking *asking = arg;
	struct lg_http *ex = asking->ex;

	if (asking->by_url && a->status == LG_OCSP_SUCCESSFUL)
		lg_http_header(ex, "Cache-Control", lg_print(ex->cx->arena, "public, max-age=%d", FRESH_SECONDS));
	else
		lg_http_header(ex, "Cache-Control", LG_STR("no-store"));
	lg_http_type(ex, "application/ocsp-response");
	lg_buf_str(&ex->out, a->der);
	if (asking->later)
		lg_http_done(ex);
}

static lg_err
answer_ocsp(struct lg_certs *c, struct lg_http *ex, lg_str request, bool by_url)
{
	struct ocsp_asking *asking = LG_NEW(ex->cx->arena, struct ocsp_asking);
	lg_err e;

	if (c->ports.signer.ocsp == NULL)
		return lg_fail(ex->cx, LG_E_NOT_FOUND, "OCSP is not offered here");
	*asking = (struct ocsp_asking){ ex, by_url, false };
	e = lg_certs_ocsp(ex->cx, c, ex->tenant, request, ocsp_answered, asking);
	asking->later = e == LG_PENDING;
	return e == LG_OK ? lg_buf_status(ex->cx, &ex->out) : e;
}

lg_err
lg_route_ocsp_post(void *self, struct lg_http *ex)
{
	return answer_ocsp(self, ex, ex->body, false);
}

/* The request is the rest of the path, base64 with its '+', '/' and '='; the server has undone the percent signs. */
lg_err
lg_route_ocsp_get(void *self, struct lg_http *ex)
{
	lg_str request;

	if (ex->tail.n > 2 * LG_OCSP_MAX || !lg_base64_parse(ex->cx->arena, ex->tail, &request))
		return lg_fail(ex->cx, LG_E_INVALID, "not a request in base64");
	return answer_ocsp(self, ex, request, true);
}
