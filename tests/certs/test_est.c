/* test_est.c: EST (RFC 7030); answers are read by OpenSSL's PKCS#7. */
#include <criterion/criterion.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "certs/routes.h"
#include "tests/certs/http.h"

static lg_str authorization, challenge, presented;	/* presented: the client's certificate */

static lg_str
header(const struct lg_http *ex, const char *name)
{
	(void)ex;
	return strcmp(name, "Authorization") == 0 ? authorization : LG_NONE;
}

static lg_err
call(struct world *w, lg_err (*run)(void *, struct lg_http *), lg_str body, lg_str *ret)
{
	const struct lg_peer peer = { .surface = LG_SURFACE_MTLS, .address = "10.0.0.7:4711", .cert = presented, .uid = -1, .gid = -1, .pid = -1 };
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
	authorization = basic(w, LG_STR("lgj1.guess"));
	cr_assert_neq(call(w, lg_route_est_enroll, csr(w, k), &text), LG_OK);
	world_free(w);
}

static lg_str
csr_named(struct world *w, const struct lg_key *k, struct lg_csr_names names)
{
	return lg_base64(w->arena, world_csr(w, k, &names));
}

Test(est, a_certificate_renews_itself)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_RSA2048);
	struct lg_certs_peer p;
	lg_str text, body = csr_named(w, k, (struct lg_csr_names){ .common_name = LG_STR("node1") });

	presented = world_issued(w, w->host, "host").cert;
	cr_assert_eq(call(w, lg_route_est_reenroll, body, &text), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, certificate(w, text, 0, 1), &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(p.id, w->host));
	cr_assert(lg_str_eq(w->last_profile, LG_STR("host")));
	authorization = basic(w, LG_STR("sesame"));
	cr_assert_eq(call(w, lg_route_est_reenroll, body, &text), LG_E_INVALID, "by itself alone");
	authorization = LG_NONE;
	w->nobody = true;
	cr_assert_eq(call(w, lg_route_est_reenroll, body, &text), LG_E_UNAUTHENTICATED);
	cr_assert(lg_str_starts(challenge, LG_STR("Basic ")));
	world_free(w);
}

/* RFC 7030 4.2.2 */
Test(est, a_renewal_has_the_subject_and_names_of_what_it_renews)
{
	static const lg_str one[] = { LG_STR("node1.alias.a.example") }, other[] = { LG_STR("node1.hosts.a.example") },
	    both[] = { LG_STR("node1.alias.a.example"), LG_STR("node1.hosts.a.example") }, same_twice[] = { LG_STR("node1.alias.a.example"), LG_STR("node1.alias.a.example") },
	    uri[] = { LG_STR("spiffe://a.example/host/node1") }, node2[] = { LG_STR("spiffe://a.example/host/node2") };
	static const struct {
		const char *what;
		struct lg_csr_names names;
		lg_err e;
	} rows[] = {
		{ "the same", { LG_STR("node1"), one, 1, uri, 1 }, LG_OK },
		{ "no names", { .common_name = LG_STR("node1") }, LG_OK },
		{ "a name twice", { LG_STR("node1"), same_twice, 2, uri, 1 }, LG_OK },
		{ "no subject", { LG_NONE, one, 1, uri, 1 }, LG_E_INVALID },
		{ "another subject", { LG_STR("node2"), one, 1, uri, 1 }, LG_E_INVALID },
		{ "the subject's beginning", { LG_STR("node"), one, 1, uri, 1 }, LG_E_INVALID },
		{ "another name of the entry", { LG_STR("node1"), other, 1, uri, 1 }, LG_E_INVALID },
		{ "one more name of the entry", { LG_STR("node1"), both, 2, uri, 1 }, LG_E_INVALID },
		{ "no URI", { LG_STR("node1"), one, 1, NULL, 0 }, LG_E_INVALID },
		{ "another's URI", { LG_STR("node1"), one, 1, node2, 1 }, LG_E_INVALID },
	};
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	const struct lg_cert_names only = { .dns = { one[0] }, .ndns = 1 };
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, &only, &is), LG_OK, "%s", w->cx.error);
	presented = is.cert;
	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct lg_x509 x;
		lg_str text;

		cr_expect_eq(call(w, lg_route_est_reenroll, csr_named(w, k, rows[i].names), &text), rows[i].e, "%s: %s", rows[i].what, w->cx.error);
		if (rows[i].e != LG_OK)
			continue;
		cr_assert_eq(lg_x509_parse(&w->cx, certificate(w, text, 0, 1), &x), LG_OK);
		cr_expect(x.exts.names.ndns == 1 && lg_str_eq(x.exts.names.dns[0], one[0]), "%s: the entry's other name stays away", rows[i].what);
	}
	world_free(w);
}

Test(est, a_renewal_keeps_the_profile)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_x509 x;
	lg_str text;

	cr_assert_eq(world_call(w, "PUT", "/v1/profiles/quick", "", LG_STR("{\"subject\":\"Host\",\"keys\":[\"P-256\"],\"usages\":[\"clientAuth\"],"
	    "\"names\":[\"uri\"],\"life_seconds\":600,\"longest_seconds\":600}")).e, LG_OK, "%s", w->cx.error);
	presented = world_issued(w, w->host, "quick").cert;
	cr_assert_eq(call(w, lg_route_est_reenroll, csr_named(w, k, (struct lg_csr_names){ .common_name = LG_STR("node1") }), &text), LG_OK, "%s",
	    w->cx.error);
	cr_assert_eq(lg_x509_parse(&w->cx, certificate(w, text, 0, 1), &x), LG_OK);
	cr_assert(x.exts.eku == LG_EKU_CLIENT && x.exts.names.ndns == 0 && x.not_after <= w->cx.now + 600 * LG_SECOND);
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

static lg_str
basic_of(struct world *w, const char *text)
{
	return lg_cat(w->arena, LG_STR("Basic "), lg_base64(w->arena, lg_str_of(text)));
}

Test(est, a_service_enrolls_with_its_secret)
{
	static const char *const wrong[] = { "controller:guess", "controller:", "nobody:sesame", ":sesame", "controller", "" };
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	lg_str text;

	w->nobody = true;
	for (size_t i = 0; i < LG_COUNT(wrong); i++) {
		authorization = basic_of(w, wrong[i]);
		cr_assert_eq(call(w, lg_route_est_enroll, csr(w, k), &text), LG_E_UNAUTHENTICATED, "%s", wrong[i]);
		cr_assert(lg_str_starts(challenge, LG_STR("Basic ")), "%s", wrong[i]);
	}
	cr_assert_eq(w->signed_certs, 0);
	authorization = basic_of(w, "controller:sesame");
	cr_assert_eq(call(w, lg_route_est_enroll, csr(w, k), &text), LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, certificate(w, text, 0, 1), &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(p.id, w->service));
	cr_assert(lg_str_eq(w->last_profile, LG_STR("service")));
	world_free(w);
}

/* ---- keys that are made for the client (RFC 7030 4.4) ------------------------------------------------------------- */

/* The base64 of the n-th part, after its head. */
static lg_str
part(lg_str text, int n, const char *type)
{
	const char *at = text.p, *end;

	for (int i = 0; i <= n; i++) {
		at = memmem(at, text.n - (size_t)(at - text.p), "\r\n\r\n", 4);
		cr_assert_not_null(at, "%.*s", LG_FMT(text));
		at += 4;
	}
	cr_assert_not_null(memmem(text.p, (size_t)(at - text.p), type, strlen(type)));
	end = memmem(at, text.n - (size_t)(at - text.p), "\r\n--lightgate-est", 17);
	cr_assert_not_null(end);
	return (lg_str){ at, (size_t)(end - at) };
}

Test(est, a_key_is_made_with_the_certificate)
{
	static const enum lg_key_type types[] = { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048 };
	static const lg_str one[] = { LG_STR("controller.alias.a.example") };
	struct world *w = world_new();

	authorization = basic_of(w, "controller:sesame");
	for (size_t i = 0; i < LG_COUNT(types); i++) {
		LG_AUTO(lg_key_free) struct lg_key *asked = world_key(w, types[i]);
		LG_AUTO(lg_key_free) struct lg_key *made = NULL;
		lg_str body = lg_base64(w->arena, world_csr(w, asked, &(struct lg_csr_names){ .dns = one, .ndns = 1 })), text, der;
		struct lg_x509 x;

		cr_assert_eq(call(w, lg_route_est_serverkeygen, body, &text), LG_OK, "%s", w->cx.error);
		cr_assert(lg_base64_parse(w->arena, part(text, 0, "Content-Type: application/pkcs8\r\n"), &der));
		cr_assert_eq(lg_key_from_pem(&w->cx, lg_pem(w->arena, LG_STR("PRIVATE KEY"), der), &made), LG_OK, "%s", w->cx.error);
		der = certificate(w, part(text, 1, "Content-Type: application/pkcs7-mime; smime-type=certs-only\r\n"), 0, 1);
		cr_assert_eq(lg_x509_parse(&w->cx, der, &x), LG_OK);
		cr_assert(lg_str_eq(x.spki, lg_pubkey_spki(lg_key_public(made))), "the key is the certificate's");
		cr_assert(!lg_str_eq(x.spki, lg_pubkey_spki(lg_key_public(asked))), "and not the request's");
		cr_assert(x.exts.names.ndns == 1 && lg_str_eq(x.exts.names.dns[0], one[0]), "the request narrows");
	}
	authorization = LG_NONE;
	w->nobody = true;
	lg_str text;
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	cr_assert_eq(call(w, lg_route_est_serverkeygen, csr(w, k), &text), LG_E_UNAUTHENTICATED);
	cr_assert_eq(text.n, 0, "no key for nobody");
	world_free(w);
}

static lg_str
request_with(struct world *w, const char *attribute, const char *san)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *r = X509_REQ_new();
	unsigned char *p = NULL;
	lg_str der;
	int n;

	X509_REQ_set_pubkey(r, key);
	if (attribute != NULL)
		cr_assert(X509_REQ_add1_attr_by_txt(r, attribute, V_ASN1_OCTET_STRING, (const unsigned char *)"key", 3));
	if (san != NULL) {
		STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();

		sk_X509_EXTENSION_push(exts, X509V3_EXT_nconf(NULL, NULL, "subjectAltName", san));
		X509_REQ_add_extensions(r, exts);
		sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	}
	cr_assert(X509_REQ_sign(r, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(r, &p);
	p[n - 1] ^= 1;			/* RFC 7030 4.4.1: the signature must be ignored */
	der = lg_dup(w->arena, (lg_str){ (char *)p, (size_t)n });
	OPENSSL_free(p);
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	return lg_base64(w->arena, der);
}

Test(est, a_request_for_a_key_proves_none_and_asks_for_no_encryption)
{
	struct world *w = world_new();
	lg_str text;

	authorization = basic_of(w, "controller:sesame");
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, NULL, NULL), &text), LG_OK, "%s", w->cx.error);
	cr_assert_eq(call(w, lg_route_est_enroll, request_with(w, NULL, NULL), &text), LG_E_INVALID, "elsewhere the proof is needed");
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, "1.2.840.113549.1.9.16.2.37", NULL), &text), LG_E_UNSUPPORTED);
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, "1.2.840.113549.1.9.16.2.54", NULL), &text), LG_E_UNSUPPORTED);
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, NULL, "IP:10.0.0.1"), &text), LG_E_UNSUPPORTED);
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, NULL, "DNS:other.a.example"), &text), LG_E_DENIED);
	world_free(w);
}

Test(est, a_join_token_gets_a_key_once)
{
	struct world *w = world_new();
	int64_t expires;
	lg_str token, text;

	w->nobody = true;
	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, 0, &token, &expires), LG_OK);
	authorization = basic(w, token);
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, NULL, NULL), &text), LG_OK, "%s", w->cx.error);
	cr_assert_eq(call(w, lg_route_est_serverkeygen, request_with(w, NULL, NULL), &text), LG_E_DENIED);
	cr_assert_eq(text.n, 0);
	world_free(w);
}
