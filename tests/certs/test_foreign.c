/*
 * test_foreign.c: other trust domains: bundles that are none, certificates held to their own domain's bundle and no other, bundles
 * fetched by both profiles of SPIFFE Federation and by hand.  Tenant B of the world is the foreign domain, its bundle written here.
 */
#include <criterion/criterion.h>

#include "base/json.h"
#include "base/text.h"
#include "certs/foreign.h"
#include "tests/certs/http.h"

static lg_str
bundle_of(struct world *w, int sequence, lg_str der)
{
	return lg_print(w->arena, "{\"keys\":[{\"kty\":\"EC\",\"use\":\"jwt-svid\",\"kid\":\"t\"},{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"%.*s\"]}],"
	    "\"spiffe_sequence\":%d,\"spiffe_refresh_hint\":300}", LG_FMT(lg_base64(w->arena, der)), sequence);
}

static struct lg_svid_bundle
bundle_b(struct world *w)
{
	struct lg_svid_bundle b;

	cr_assert_eq(lg_svid_bundle_parse(&w->cx, LG_STR("b.example"), bundle_of(w, 1, w->keys[TENANT_B].root_der), &b), LG_OK, "%s", w->cx.error);
	cr_assert(b.nroots == 1 && b.sequence == 1 && b.refresh == 300 * LG_SECOND);
	return b;
}

/* ---- bundles -------------------------------------------------------------------------------------------- */

Test(foreign, what_is_no_bundle_is_refused)
{
	struct world *w = world_new();
	struct lg_key *pair = world_key(w, LG_KEY_P256);
	struct craft c = craft_good(w, TENANT_B);
	lg_str leaf = lg_base64(w->arena, craft_der(w, &c));
	const lg_str bad[] = {
		LG_STR(""), LG_STR("[]"), LG_STR("{}"), LG_STR("{\"keys\":{}}"), LG_STR("{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[\"AA==\"]}]}"),
		LG_STR("{\"keys\":[],\"spiffe_sequence\":\"1\"}"), LG_STR("{\"keys\":[],\"keys\":[]}"),
		LG_STR("{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":{}}]}"), LG_STR("{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[1]}]}"),
		lg_print(w->arena, "{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[\"%.*s\"]}]}", LG_FMT(leaf)),
	};
	struct lg_svid_bundle b;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_neq(lg_svid_bundle_parse(&w->cx, LG_STR("b.example"), bad[i], &b), LG_OK, "%zu: %.*s", i, LG_FMT(bad[i]));
	cr_assert_eq(lg_svid_bundle_parse(&w->cx, LG_STR("b.example"), LG_STR("{\"keys\":[]}"), &b), LG_OK, "it believes nobody any more");
	cr_assert(b.nroots == 0 && b.sequence == -1);
	lg_key_free(&pair);
	world_free(w);
}

/* X509-SVID 6.2 */
Test(foreign, keys_without_a_certificate_are_passed_over_and_of_several_the_first_counts)
{
	struct world *w = world_new();
	lg_str root = lg_base64(w->arena, w->keys[TENANT_B].root_der), other = lg_base64(w->arena, w->keys[TENANT_A].root_der);
	lg_str json = lg_print(w->arena, "{\"keys\":[{\"use\":\"x509-svid\"},{\"use\":\"x509-svid\",\"x5c\":[]},"
	    "{\"use\":\"x509-svid\",\"x5c\":[\"%.*s\",\"%.*s\"]}]}", LG_FMT(root), LG_FMT(other));
	struct lg_svid_bundle b;

	cr_assert_eq(lg_svid_bundle_parse(&w->cx, LG_STR("b.example"), json, &b), LG_OK, "%s", w->cx.error);
	cr_assert_eq(b.nroots, 1);
	cr_assert(lg_str_eq(b.root[0], w->keys[TENANT_B].root_der));
	world_free(w);
}

Test(foreign, a_bundle_has_so_many_roots_and_no_more)
{
	struct world *w = world_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1u << 20);
	struct lg_svid_bundle ret;

	lg_buf_str(&b, LG_STR("{\"keys\":["));
	for (int i = 0; i <= LG_SVID_ROOTS; i++)
		lg_buf_printf(&b, "%s{\"use\":\"x509-svid\",\"x5c\":[\"%.*s\"]}", i == 0 ? "" : ",", LG_FMT(lg_base64(w->arena, w->keys[TENANT_B].root_der)));
	lg_buf_str(&b, LG_STR("]}"));
	cr_assert_eq(lg_svid_bundle_parse(&w->cx, LG_STR("b.example"), lg_buf_view(&b), &ret), LG_E_INVALID);
	world_free(w);
}

/* ---- certificates ------------------------------------------------------------------------------------------- */

static void
other_shape(struct world *w, struct craft *c)
{
	(void)w;
	craft_ext(c, "subjectAltName", "URI:spiffe://b.example/ns/prod/sa/web");
	craft_ext(c, "extendedKeyUsage", NULL);
}

static void
signed_by_us(struct world *w, struct craft *c)
{
	c->signer = w->keys[TENANT_A].issuer_key;
	c->issuer = w->keys[TENANT_A].issuer;
}

static const struct {
	const char *what;
	struct craft_fault fault;
	lg_err e;
} svids[] = {
	{ "one of B", { .ext = NULL }, LG_OK },
	{ "with a path of another shape, no extended key usage", { .make = other_shape }, LG_OK },
	{ "A's name signed by B", SAN("URI:spiffe://a.example/host/node1"), LG_E_UNAUTHENTICATED },
	{ "B's name signed by A", { .make = signed_by_us }, LG_E_UNAUTHENTICATED },
	{ "a CA", EXT("basicConstraints", "critical,CA:TRUE"), LG_E_UNAUTHENTICATED },
	{ "a leaf that may sign", EXT("keyUsage", "critical,digitalSignature,keyCertSign"), LG_E_UNAUTHENTICATED },
	{ "two names", SAN("URI:spiffe://b.example/x,URI:spiffe://b.example/y"), LG_E_UNAUTHENTICATED },
	{ "no name", SAN("DNS:b.example"), LG_E_UNAUTHENTICATED },
	{ "the domain alone", SAN("URI:spiffe://b.example"), LG_E_UNAUTHENTICATED },
	{ "a path with ..", SAN("URI:spiffe://b.example/x/../y"), LG_E_UNAUTHENTICATED },
	{ "for servers alone", EXT("extendedKeyUsage", "serverAuth"), LG_E_UNAUTHENTICATED },
	{ "expired", { .begins = -7200, .ends = -2 }, LG_E_EXPIRED },
	{ "a weak key", { .curve = "P-224" }, LG_E_UNAUTHENTICATED },
};

Test(foreign, a_certificate_is_held_to_its_own_domains_bundle)
{
	struct world *w = world_new();
	struct lg_svid_bundle b = bundle_b(w);

	for (size_t i = 0; i < LG_COUNT(svids); i++) {
		struct craft c = craft_good(w, TENANT_B);
		struct lg_svid svid;
		lg_str chain[2];

		craft_spoil(w, &c, &svids[i].fault);
		chain[0] = craft_der(w, &c);
		chain[1] = svids[i].fault.make == signed_by_us ? w->keys[TENANT_A].issuer_der : w->keys[TENANT_B].issuer_der;
		cr_expect_eq(lg_svid_verify(&w->cx, LG_STR("b.example"), &b, chain, 2, LG_EKU_CLIENT, &svid), svids[i].e, "%s: %s", svids[i].what,
		    w->cx.error);
		cr_expect_neq(lg_svid_verify(&w->cx, LG_STR("b.example"), &b, chain, 1, LG_EKU_CLIENT, &svid), LG_OK, "without the CA between");
		EVP_PKEY_free(c.key);
	}
	world_free(w);
}

/* ---- fetching ------------------------------------------------------------------------------------------------- */

#define WEB "{\"profile\":\"https_web\",\"url\":\"https://ca.b.example/bundle\"}"

static struct lg_foreign
row(struct world *w)
{
	struct lg_view *v = world_view(w);
	struct lg_foreign *all;
	size_t n;

	cr_assert_eq(lg_foreign_all(&w->cx, v, TENANT_A, &all, &n), LG_OK, "%s", w->cx.error);
	cr_assert_eq(n, 1);
	lg_view_end(&v);
	return all[0];
}

static lg_err
call(struct world *w, const char *method, const char *path, lg_str body)
{
	struct answer a = world_call(w, method, path, "", body);

	return a.e;
}

/* The world's tenants are one service's, so the foreign one is called c.example in its rows. */
static lg_str
foreign_bundle(struct world *w, int sequence)
{
	return bundle_of(w, sequence, w->keys[TENANT_B].root_der);
}

Test(foreign, a_bundle_is_fetched_and_never_goes_back)
{
	struct world *w = world_new();

	cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", LG_STR(WEB)), LG_OK, "%s", w->cx.error);
	cr_assert_eq(row(w).bundle.n, 0);
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_E_UNAVAILABLE);
	cr_assert(lg_str_eq(row(w).error, LG_STR("no connection")));
	w->web_status = 200;
	w->web_body = foreign_bundle(w, 7);
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(w->web_url, LG_STR("https://ca.b.example/bundle")));
	cr_assert(row(w).error.n == 0 && row(w).fetched == w->cx.now);
	w->web_body = foreign_bundle(w, 6);
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_E_CONFLICT);
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 7)), "the bundle stays");
	w->web_body = LG_STR("<html>");
	cr_assert_neq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_OK);
	w->web_status = 404;
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_E_UNAVAILABLE);
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 7)));
	world_free(w);
}

Test(foreign, bundles_are_fetched_again_when_they_say_and_what_is_the_same_leaves_no_record)
{
	struct world *w = world_new();
	uint64_t seq;

	w->web_status = 200;
	w->web_body = foreign_bundle(w, 1);
	cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", LG_STR(WEB)), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_certs_refresh_bundles(&w->cx, w->certs, TENANT_A), LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 1)));
	seq = lg_store_head(w->store).seq;
	w->web_body = foreign_bundle(w, 2);
	w->cx.now += 299 * LG_SECOND;
	cr_assert_eq(lg_certs_refresh_bundles(&w->cx, w->certs, TENANT_A), LG_OK);
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 1)), "not yet");
	w->web_body = foreign_bundle(w, 1);
	w->cx.now += LG_SECOND;
	cr_assert_eq(lg_certs_refresh_bundles(&w->cx, w->certs, TENANT_A), LG_OK);
	cr_assert_eq(lg_store_head(w->store).seq, seq);
	w->web_body = foreign_bundle(w, 2);
	w->cx.now += 300 * LG_SECOND;
	cr_assert_eq(lg_certs_refresh_bundles(&w->cx, w->certs, TENANT_A), LG_OK);
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 2)));
	world_free(w);
}

Test(foreign, an_endpoint_of_the_spiffe_profile_shows_a_certificate_of_its_own_domain)
{
	struct world *w = world_new();
	struct craft c = craft_good(w, TENANT_B);
	lg_str body = lg_print(w->arena, "{\"profile\":\"https_spiffe\",\"url\":\"https://ca.b.example/bundle\","
	    "\"endpoint_spiffe_id\":\"spiffe://c.example/ca\",\"bundle\":%.*s}", LG_FMT(foreign_bundle(w, 1)));

	w->web_status = 200;
	w->web_body = foreign_bundle(w, 2);
	cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", body), LG_OK, "%s", w->cx.error);
	craft_ext(&c, "subjectAltName", "URI:spiffe://c.example/impostor");
	w->web_chain[0] = craft_der(w, &c);
	w->web_chain[1] = w->keys[TENANT_B].issuer_der;
	w->web_nchain = 2;
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_E_UNAUTHENTICATED, "another of that domain");
	craft_ext(&c, "subjectAltName", "URI:spiffe://c.example/ca");
	w->web_chain[0] = craft_der(w, &c);
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 2)));
	signed_by_us(w, &c);
	w->web_chain[0] = craft_der(w, &c);
	w->web_chain[1] = w->keys[TENANT_A].issuer_der;
	w->web_body = foreign_bundle(w, 3);
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_E_UNAUTHENTICATED, "by a CA of ours");
	cr_assert(lg_str_eq(row(w).bundle, foreign_bundle(w, 2)));
	world_free(w);
}

/* SPIFFE Federation 5.2.2.2: the endpoint belongs to c.example and serves the bundle of d.example. */
Test(foreign, an_endpoint_of_another_domain_is_believed_by_that_domains_bundle)
{
	struct world *w = world_new();
	struct craft c = craft_good(w, TENANT_B);
	lg_str manual = lg_print(w->arena, "{\"profile\":\"manual\",\"bundle\":%.*s}", LG_FMT(foreign_bundle(w, 1)));
	const lg_str body = LG_STR("{\"profile\":\"https_spiffe\",\"url\":\"https://ca.b.example/d/bundle\",\"endpoint_spiffe_id\":\"spiffe://c.example/ca\"}");
	struct answer a;

	w->web_status = 200;
	w->web_body = bundle_of(w, 5, w->keys[TENANT_A].root_der);
	craft_ext(&c, "subjectAltName", "URI:spiffe://c.example/ca");
	w->web_chain[0] = craft_der(w, &c);
	w->web_chain[1] = w->keys[TENANT_B].issuer_der;
	w->web_nchain = 2;
	cr_assert_eq(call(w, "PUT", "/v1/federation/d.example", body), LG_OK, "%s", w->cx.error);
	cr_assert_eq(call(w, "POST", "/v1/federation/d.example/refresh", LG_NONE), LG_E_UNAUTHENTICATED, "nobody knows c.example yet");
	cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", manual), LG_OK, "%s", w->cx.error);
	cr_assert_eq(call(w, "POST", "/v1/federation/d.example/refresh", LG_NONE), LG_OK, "%s", w->cx.error);
	a = world_call(w, "GET", "/v1/federation/d.example", "", LG_NONE);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"sequence\":5", 12), "%.*s", LG_FMT(a.body));
	/* what d.example's own CA signs does not make it the endpoint */
	signed_by_us(w, &c);
	w->web_chain[0] = craft_der(w, &c);
	w->web_chain[1] = w->keys[TENANT_A].issuer_der;
	cr_assert_eq(call(w, "POST", "/v1/federation/d.example/refresh", LG_NONE), LG_E_UNAUTHENTICATED);
	world_free(w);
}

/* ---- by hand, and what is said about it ------------------------------------------------------------------------- */

Test(foreign, settings_that_make_no_sense_and_our_own_domains_are_refused)
{
	struct world *w = world_new();
	lg_str manual = lg_print(w->arena, "{\"profile\":\"manual\",\"bundle\":%.*s}", LG_FMT(foreign_bundle(w, 1)));
	static const char *const bad[] = {
		"{}", "{\"profile\":\"ftp\"}", "{\"profile\":\"manual\"}", "{\"profile\":\"https_web\"}",
		"{\"profile\":\"https_web\",\"url\":\"http://x/\"}", "{\"profile\":\"https_web\",\"url\":\"https://x/\",\"endpoint_spiffe_id\":\"spiffe://c.example/ca\"}",
		"{\"profile\":\"https_spiffe\",\"url\":\"https://x/\",\"endpoint_spiffe_id\":\"spiffe://c.example/ca\"}",
		"{\"profile\":\"https_web\",\"url\":\"https://x/\",\"more\":1}",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", lg_str_of(bad[i])), LG_E_INVALID, "%s", bad[i]);
	cr_assert_eq(call(w, "PUT", "/v1/federation/C.example", manual), LG_E_INVALID);
	cr_assert_eq(call(w, "PUT", "/v1/federation/b.example", manual), LG_E_DENIED, "another tenant's");
	cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", manual), LG_OK, "%s", w->cx.error);
	cr_assert_eq(call(w, "POST", "/v1/federation/c.example/refresh", LG_NONE), LG_E_CONFLICT);
	w->deny = "admin:write";
	cr_assert_eq(call(w, "DELETE", "/v1/federation/c.example", LG_NONE), LG_E_DENIED);
	w->deny = NULL;
	cr_assert_eq(call(w, "DELETE", "/v1/federation/c.example", LG_NONE), LG_OK);
	cr_assert_eq(call(w, "GET", "/v1/federation/c.example", LG_NONE), LG_E_NOT_FOUND);
	world_free(w);
}

Test(foreign, a_tenant_knows_so_many_and_no_more)
{
	struct world *w = world_new();
	lg_str manual = lg_print(w->arena, "{\"profile\":\"manual\",\"bundle\":%.*s}", LG_FMT(foreign_bundle(w, 1)));

	for (int i = 0; i < LG_FOREIGN_DOMAINS; i++)
		cr_assert_eq(call(w, "PUT", lg_print(w->arena, "/v1/federation/d%d.example", i).p, manual), LG_OK, "%s", w->cx.error);
	cr_assert_eq(call(w, "PUT", "/v1/federation/more.example", manual), LG_E_LIMIT);
	cr_assert_eq(call(w, "GET", "/v1/federation/more.example", LG_NONE), LG_E_NOT_FOUND);
	cr_assert_eq(call(w, "PUT", "/v1/federation/d0.example", manual), LG_OK, "one that is known is changed");
	cr_assert_eq(call(w, "DELETE", "/v1/federation/d0.example", LG_NONE), LG_OK);
	cr_assert_eq(call(w, "PUT", "/v1/federation/more.example", manual), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(foreign, bundles_by_domain_are_for_everybody_and_a_verdict_is_by_one_of_them)
{
	struct world *w = world_new();
	struct craft c = craft_good(w, TENANT_B);
	lg_str manual = lg_print(w->arena, "{\"profile\":\"manual\",\"bundle\":%.*s}", LG_FMT(foreign_bundle(w, 1)));
	struct answer a;
	lg_str chain;

	cr_assert_eq(call(w, "PUT", "/v1/federation/c.example", manual), LG_OK, "%s", w->cx.error);
	a = world_call(w, "GET", "/spiffe/bundles", "", LG_NONE);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"a.example\":{", 13), "%.*s", LG_FMT(a.body));
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"c.example\":{", 13));
	craft_ext(&c, "subjectAltName", "URI:spiffe://c.example/web");
	chain = lg_cat(w->arena, lg_pem(w->arena, LG_STR("CERTIFICATE"), craft_der(w, &c)),
	    lg_pem(w->arena, LG_STR("CERTIFICATE"), w->keys[TENANT_B].issuer_der));
	struct lg_buf b = LG_BUF(64u << 10);
	struct lg_jsonw j = lg_jsonw_of(&b);
	lg_jsonw_object(&j);
	lg_jsonw_str_of(&j, "certificate", chain);
	lg_jsonw_object_end(&j);
	a = world_call(w, "POST", "/v1/federation/verify", "", lg_buf_view(&b));
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_not_null(memmem(a.body.p, a.body.n, "spiffe://c.example/web", 22));
	lg_buf_free(&b);
	world_free(w);
}
