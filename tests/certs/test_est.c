/* test_est.c: EST (RFC 7030); answers are read by OpenSSL's PKCS#7. */
#include <criterion/criterion.h>
#include <openssl/pkcs7.h>

#include "base/text.h"
#include "certs/routes.h"
#include "tests/certs/world.h"

static lg_str authorization, challenge;

static lg_str
header(const struct lg_http *ex, const char *name)
{
	(void)ex;
	return strcmp(name, "Authorization") == 0 ? authorization : LG_NONE;
}

static lg_err
call(struct world *w, lg_err (*run)(void *, struct lg_http *), lg_str body, lg_str *ret)
{
	static const struct lg_peer peer = { .surface = LG_SURFACE_MTLS, .address = "10.0.0.7:4711", .uid = -1, .gid = -1, .pid = -1 };
	struct lg_http ex = { .cx = &w->cx, .peer = &peer, .tenant = TENANT_A, .body = body, .header = header, .out = LG_BUF(LG_HTTP_RESPONSE_MAX) };
	lg_err e;

	lg_store_turn(w->store);
	w->cx.actor = &lg_anonymous;
	e = run(w->certs, &ex);
	*ret = lg_dup(w->arena, lg_buf_view(&ex.out));
	challenge = LG_NONE;
	for (size_t i = 0; i < ex.nheaders; i++)
		if (lg_str_eq_fold(ex.headers[i].name, LG_STR("WWW-Authenticate")))
			challenge = lg_dup(w->arena, ex.headers[i].value);
	lg_buf_free(&ex.out);
	lg_store_turn(w->store);
	return e;
}

/* The n-th certificate of an answer; its count is checked. */
static lg_str
certificate(struct world *w, lg_str text, int n, int count)
{
	const unsigned char *p;
	lg_str der, cert;
	PKCS7 *p7;

	cr_assert(lg_base64_parse(w->arena, text, &der), "%.*s", LG_FMT(text));
	p = (const unsigned char *)der.p;
	p7 = d2i_PKCS7(NULL, &p, (long)der.n);
	cr_assert(p7 != NULL && PKCS7_type_is_signed(p7));
	cr_assert_eq(sk_X509_num(p7->d.sign->cert), count);
	cert = der_of(w, sk_X509_value(p7->d.sign->cert, n));
	PKCS7_free(p7);
	return cert;
}

static lg_str
csr(struct world *w, const struct lg_key *k)
{
	return lg_base64(w->arena, world_csr(w, k, NULL));
}

static lg_str
basic(struct world *w, lg_str password)
{
	return lg_cat(w->arena, LG_STR("Basic "), lg_base64(w->arena, lg_cat(w->arena, LG_STR("node1:"), password)));
}

Test(est, cacerts_are_the_root_and_the_issuer)
{
	struct world *w = world_new();
	lg_str text;

	cr_assert_eq(call(w, lg_route_est_cacerts, LG_NONE, &text), LG_OK);
	cr_assert(lg_str_eq(certificate(w, text, 0, 2), w->keys[TENANT_A].root_der));
	cr_assert(lg_str_eq(certificate(w, text, 1, 2), w->keys[TENANT_A].issuer_der));
	cr_assert_null(memchr(text.p, '\n', text.n), "strongSwan refuses line breaks");
	world_free(w);
}

Test(est, a_join_token_is_a_password_once)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_key_free) struct lg_key *other = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	int64_t expires;
	lg_str token, text;

	w->nobody = true;
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, 0, &token, &expires), LG_OK);
	authorization = basic(w, token);
	cr_assert_eq(call(w, lg_route_est_enroll, csr(w, k), &text), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, certificate(w, text, 0, 1), &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(p.id, w->host));
	cr_assert_eq(call(w, lg_route_est_enroll, csr(w, other), &text), LG_E_DENIED);
	authorization = basic(w, LG_STR("guess"));
	cr_assert_neq(call(w, lg_route_est_enroll, csr(w, k), &text), LG_OK);
	world_free(w);
}

Test(est, a_certificate_renews_itself)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_RSA2048);
	struct lg_certs_peer p;
	lg_str text;

	cr_assert_eq(call(w, lg_route_est_reenroll, csr(w, k), &text), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, certificate(w, text, 0, 1), &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(p.id, w->host));
	cr_assert(lg_str_eq(w->last_profile, LG_STR("host")));
	w->nobody = true;
	cr_assert_eq(call(w, lg_route_est_reenroll, csr(w, k), &text), LG_E_UNAUTHENTICATED);
	cr_assert(lg_str_starts(challenge, LG_STR("Basic ")));
	world_free(w);
}

Test(est, bodies_are_base64_with_or_without_line_breaks)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str body = csr(w, k), text;

	cr_assert_eq(call(w, lg_route_est_enroll, lg_print(w->arena, "%.*s\r\n%.*s\n", 64, body.p, (int)body.n - 64, body.p + 64), &text), LG_OK, "%s",
	    w->cx.error);
	cr_assert_eq(call(w, lg_route_est_enroll, LG_STR("not base64"), &text), LG_E_INVALID);
	cr_assert_eq(call(w, lg_route_est_enroll, LG_STR("AAAA"), &text), LG_E_INVALID);
	cr_assert_eq(call(w, lg_route_est_enroll, LG_NONE, &text), LG_E_INVALID);
	world_free(w);
}
