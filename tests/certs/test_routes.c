/* test_routes.c: the routes as a server would call them. */
#include <criterion/criterion.h>

#include "base/json.h"
#include "base/text.h"
#include "certs/hook.h"
#include "tests/certs/http.h"

/* The value of a string member anywhere in the text. */
static lg_str
member(struct world *w, lg_str json, const char *name)
{
	lg_str key = lg_print(w->arena, "\"%s\":\"", name), text, ret;
	const char *at = memmem(json.p, json.n, key.p, key.n);
	struct lg_json js;

	cr_assert_not_null(at, "no %s in %.*s", name, LG_FMT(json));
	text = lg_str_sub(json, (size_t)(at - json.p) + key.n - 1, json.n);
	text.n = (size_t)((const char *)memchr(text.p + 1, '"', text.n - 1) - text.p) + 1;
	lg_json_init(&js, w->arena, text);
	ret = lg_json_str(&js);
	cr_assert_eq(lg_json_end(&w->cx, &js), LG_OK, "%s", w->cx.error);
	return ret;
}

static lg_str
json_of(struct world *w, const char *n1, lg_str v1, const char *n2, lg_str v2)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_HTTP_BODY_MAX);
	struct lg_jsonw j = lg_jsonw_of(&b);

	lg_jsonw_object(&j);
	lg_jsonw_str_of(&j, n1, v1);
	if (n2 != NULL)
		lg_jsonw_str_of(&j, n2, v2);
	lg_jsonw_object_end(&j);
	return lg_dup(w->arena, lg_buf_view(&b));
}

static lg_str
csr_pem(struct world *w, const struct lg_key *k)
{
	return lg_pem(w->arena, LG_STR("CERTIFICATE REQUEST"), world_csr(w, k, NULL));
}

static lg_str
unpem(struct world *w, lg_str pem)
{
	lg_str der;

	cr_assert(lg_pem_parse(w->arena, pem, LG_STR("CERTIFICATE"), &der, NULL));
	return der;
}

Test(routes, a_host_joins_and_learns_what_it_needs)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	struct answer a;
	int64_t expires;
	lg_str token, cert;

	cr_assert_eq(lg_certs_invite(&w->cx, w->certs, TENANT_A, w->host, 0, &token, &expires), LG_OK);
	a = world_call(w, "POST", "/v1/join", "", json_of(w, "token", token, "csr", csr_pem(w, k)));
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_str_eq(a.type, "application/json");
	cert = unpem(w, member(w, a.body, "certificate"));
	cr_assert(lg_str_eq(unpem(w, member(w, a.body, "chain")), w->keys[TENANT_A].issuer_der));
	cr_assert(lg_str_eq(unpem(w, member(w, a.body, "root")), w->keys[TENANT_A].root_der));
	cr_assert(lg_str_eq(member(w, a.body, "name"), LG_STR("node1")));
	cr_assert(lg_str_eq(member(w, a.body, "issuer"), LG_STR("https://a.example")));
	cr_assert(lg_str_eq(member(w, a.body, "trust_domain"), LG_STR("a.example")));
	cr_assert(lg_str_eq(member(w, a.body, "mtls"), LG_STR("https://a.example:8444")));
	cr_assert_not_null(memmem(a.body.p, a.body.n, "\"ticket_keys\":{\"keys\":[]}", 25));
	cr_assert_eq(world_peer(w, cert, &p), LG_OK, "%s", w->cx.error);
	/* The same key renews by what it got. */
	w->cx.now += 2 * LG_DAY;
	a = world_call(w, "POST", "/v1/rejoin", "", json_of(w, "certificate", lg_pem(w->arena, LG_STR("CERTIFICATE"), cert), "csr", csr_pem(w, k)));
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, unpem(w, member(w, a.body, "certificate")), &p), LG_OK, "%s", w->cx.error);
	world_free(w);
}

Test(routes, malformed_bodies_are_refused)
{
	static const char *const bodies[] = {
		"", "[]", "{}", "{\"token\":\"x\"}", "{\"token\":1,\"csr\":\"x\"}", "{\"token\":\"x\",\"csr\":\"no pem\"}",
		"{\"token\":\"x\",\"csr\":\"x\",\"more\":1}", "{\"token\":\"x\",\"token\":\"x\",\"csr\":\"x\"}",
		"{\"token\":\"\",\"csr\":\"\"}",
		"{\"token\":\"x\",\"csr\":\"-----BEGIN CERTIFICATE REQUEST-----\\nAAAA\\n-----END CERTIFICATE REQUEST-----\\n\"}",
	};
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(bodies); i++)
		cr_assert_eq(world_call(w, "POST", "/v1/join", "", lg_str_of(bodies[i])).e, LG_E_INVALID, "%s", bodies[i]);
	world_free(w);
}

Test(routes, callers_get_certificates_for_their_own_entry_only)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	struct answer a;
	lg_str body = json_of(w, "csr", csr_pem(w, k), "profile", LG_STR("host"));

	a = world_call(w, "POST", "/v1/certificates", "", body);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_peer(w, unpem(w, member(w, a.body, "certificate")), &p), LG_OK, "%s", w->cx.error);
	cr_assert(lg_uuid_eq(p.id, w->host));
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", json_of(w, "csr", csr_pem(w, k), "profile", LG_STR("service"))).e, LG_E_DENIED);
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", json_of(w, "csr", csr_pem(w, k), "profile", LG_STR("root"))).e, LG_E_INVALID);
	w->deny = "certificate:issue";
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", body).e, LG_E_DENIED);
	w->nobody = true;
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", body).e, LG_E_UNAUTHENTICATED);
	world_free(w);
}

Test(routes, who_asks_for_a_shorter_life_gets_it_and_nobody_a_longer_one)
{
	static const char *const bad[] = { "0", "-1", "1.5", "\"600\"", "7776001", "9223372036854775807" };
	struct world *w = world_new();
	struct lg_x509 x;
	struct answer a = world_call(w, "POST", "/v1/certificates", "", LG_STR("{\"key\":\"P-256\",\"profile\":\"host\",\"life_seconds\":600}"));

	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_x509_parse(&w->cx, unpem(w, member(w, a.body, "certificate")), &x), LG_OK);
	cr_assert_eq(x.not_after, w->cx.now - w->cx.now % LG_SECOND + 600 * LG_SECOND);
	cr_assert_eq(w->last_life, 600, "policy decides on the life that it gets");
	a = world_call(w, "POST", "/v1/certificates", "", LG_STR("{\"key\":\"P-256\",\"profile\":\"host\",\"life_seconds\":86401}"));
	cr_assert_eq(a.e, LG_E_DENIED);
	cr_assert_not_null(strstr(w->cx.error, "1 to 86400 seconds"), "%s", w->cx.error);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", lg_print(w->arena, "{\"key\":\"P-256\",\"profile\":\"host\",\"life_seconds\":%s}",
		    bad[i])).e, LG_E_INVALID, "%s", bad[i]);
	cr_assert_eq(world_call(w, "POST", "/v1/join", "", LG_STR("{\"token\":\"x\",\"csr\":\"x\",\"life_seconds\":1}")).e, LG_E_INVALID);
	world_free(w);
}

Test(routes, a_key_that_is_made_here_is_handed_out_with_its_certificate)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *made = NULL;
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct answer a = world_call(w, "POST", "/v1/certificates", "", json_of(w, "key", LG_STR("P-384"), "profile", LG_STR("host")));
	struct lg_x509 x;

	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_key_from_pem(&w->cx, member(w, a.body, "private_key"), &made), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_x509_parse(&w->cx, unpem(w, member(w, a.body, "certificate")), &x), LG_OK);
	cr_assert(lg_str_eq(x.spki, lg_pubkey_spki(lg_key_public(made))));
	a = world_call(w, "POST", "/v1/certificates", "", json_of(w, "csr", csr_pem(w, k), "profile", LG_STR("host")));
	cr_assert_null(memmem(a.body.p, a.body.n, "private_key", 11), "whoever proves a key gets none");
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", json_of(w, "key", LG_STR("DSA"), "profile", LG_STR("host"))).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", json_of(w, "key", LG_STR("P-256"), "csr", csr_pem(w, k))).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "POST", "/v1/certificates", "", LG_STR("{\"profile\":\"host\"}")).e, LG_E_INVALID);
	w->deny = "certificate:issue";
	a = world_call(w, "POST", "/v1/certificates", "", json_of(w, "key", LG_STR("P-256"), "profile", LG_STR("host")));
	cr_assert(a.e == LG_E_DENIED && a.body.n == 0, "no certificate, no key");
	world_free(w);
}

Test(routes, the_inventory_is_listed_by_page_subject_and_serial)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	char id[LG_UUID_TEXT + 1];
	struct lg_issued is;
	lg_str seen[5], next = LG_NONE;
	struct answer a;

	for (int i = 0; i < 4; i++)
		cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK);
	cr_assert_eq(world_issue(w, TENANT_A, w->user, "user", k, NULL, &is), LG_OK);
	for (size_t i = 0; i < 5; i++) {
		lg_str query = next.n == 0 ? LG_STR("limit=1") : lg_print(w->arena, "limit=1&after=%.*s", LG_FMT(next));

		a = world_call(w, "GET", "/v1/certificates", query.p, LG_NONE);
		cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
		seen[i] = member(w, a.body, "serial");
		cr_assert(i == 0 || lg_str_cmp(seen[i - 1], seen[i]) < 0);
		if (i < 4)
			next = member(w, a.body, "next");
	}
	cr_assert_null(memmem(a.body.p, a.body.n, "next", 4));
	a = world_call(w, "GET", "/v1/certificates", "subject=User/alice", LG_NONE);
	cr_assert(lg_str_eq(member(w, a.body, "serial"), lg_serial_text(w->arena, &is.serial)));
	lg_uuid_text(w->user, id);
	cr_assert(lg_str_eq(world_call(w, "GET", "/v1/certificates", lg_print(w->arena, "subject=%s", id).p, LG_NONE).body, a.body));
	a = world_call(w, "GET", "/v1/certificates", lg_print(w->arena, "serial=%.*s", LG_FMT(seen[0])).p, LG_NONE);
	cr_assert(lg_str_eq(member(w, a.body, "serial"), seen[0]));
	cr_assert(lg_str_eq(member(w, a.body, "state"), LG_STR("issued")));
	a = world_call(w, "GET", "/v1/certificates", "serial=41000000000000000000000000000000ff", LG_NONE);
	cr_assert(lg_str_eq(a.body, LG_STR("{\"items\":[]}")), "%.*s", LG_FMT(a.body));
	world_free(w);
}

Test(routes, senseless_queries_are_refused)
{
	static const char *const queries[] = { "serial=1", "serial=zz", "limit=0", "limit=501", "limit=x", "after=1", "subject=alice",
		"limit=1&limit=2" };
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(queries); i++)
		cr_assert_eq(world_call(w, "GET", "/v1/certificates", queries[i], LG_NONE).e, LG_E_INVALID, "%s", queries[i]);
	cr_assert_eq(world_call(w, "GET", "/v1/certificates", "subject=User/nobody", LG_NONE).e, LG_E_NOT_FOUND);
	world_free(w);
}

Test(routes, others_certificates_need_admin_read)
{
	struct world *w = world_new();
	char id[LG_UUID_TEXT + 1];

	w->deny = "admin:read";
	cr_assert_eq(world_call(w, "GET", "/v1/certificates", "", LG_NONE).e, LG_E_DENIED);
	cr_assert_eq(world_call(w, "GET", "/v1/certificates", "subject=User/alice", LG_NONE).e, LG_E_DENIED);
	lg_uuid_text(w->host, id);
	cr_assert_eq(world_call(w, "GET", "/v1/certificates", lg_print(w->arena, "subject=%s", id).p, LG_NONE).e, LG_OK);
	w->nobody = true;
	cr_assert_eq(world_call(w, "GET", "/v1/certificates", "", LG_NONE).e, LG_E_UNAUTHENTICATED);
	world_free(w);
}

Test(routes, revocation_is_decided_inside_its_mutation)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_certs_peer p;
	struct lg_issued is;
	lg_str path;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK);
	path = lg_print(w->arena, "/v1/certificates/%.*s/revoke", LG_FMT(lg_serial_text(w->arena, &is.serial)));
	w->deny = "certificate:revoke";
	cr_assert_eq(world_call(w, "POST", path.p, "", LG_NONE).e, LG_E_DENIED);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_OK, "%s", w->cx.error);
	w->deny = NULL;
	cr_assert_eq(world_call(w, "POST", path.p, "", LG_STR("{\"reason\":\"certificateHold\"}")).e, LG_E_INVALID);
	cr_assert_eq(world_call(w, "POST", "/v1/certificates/12/revoke", "", LG_NONE).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "POST", lg_print(w->arena, "%ss", path.p).p, "", LG_NONE).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "POST", path.p, "", LG_STR("{\"reason\":\"keyCompromise\"}")).status, 204);
	cr_assert_eq(world_peer(w, is.cert, &p), LG_E_UNAUTHENTICATED);
	world_free(w);
}

Test(routes, public_files_are_served_by_key_id)
{
	struct world *w = world_new();
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	lg_str issuer = t->ca[0].issuer[0].kid, root = t->ca[0].root.kid, other = t->ca[1].issuer[0].kid;
	struct answer a;

	a = world_call(w, "GET", lg_print(w->arena, "/crl/%.*s.crl", LG_FMT(issuer)).p, "", LG_NONE);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_str_eq(a.type, "application/pkix-crl");
	a = world_call(w, "GET", lg_print(w->arena, "/ca/%.*s.cer", LG_FMT(issuer)).p, "", LG_NONE);
	cr_assert(lg_str_eq(a.body, w->keys[TENANT_A].issuer_der));
	a = world_call(w, "GET", lg_print(w->arena, "/ca/%.*s.cer", LG_FMT(root)).p, "", LG_NONE);
	cr_assert(lg_str_eq(a.body, w->keys[TENANT_A].root_der));
	cr_assert_eq(world_call(w, "GET", lg_print(w->arena, "/crl/%.*s.crl", LG_FMT(root)).p, "", LG_NONE).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "GET", lg_print(w->arena, "/ca/%.*s.cer", LG_FMT(other)).p, "", LG_NONE).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "GET", lg_print(w->arena, "/ca/%.*s", LG_FMT(issuer)).p, "", LG_NONE).e, LG_E_NOT_FOUND);
	cr_assert_eq(world_call(w, "GET", "/crl/.crl", "", LG_NONE).e, LG_E_NOT_FOUND);
	world_free(w);
}

Test(routes, the_spiffe_bundle_holds_the_root)
{
	struct world *w = world_new();
	struct answer a = world_call(w, "GET", "/spiffe/bundle", "", LG_NONE);
	lg_str x5c;

	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(member(w, a.body, "use"), LG_STR("x509-svid")));
	cr_assert(lg_str_eq(member(w, a.body, "kty"), LG_STR("EC")));
	cr_assert(lg_str_eq(member(w, a.body, "crv"), LG_STR("P-256")));
	x5c = lg_print(w->arena, "\"x5c\":[\"%.*s\"]", LG_FMT(lg_base64(w->arena, w->keys[TENANT_A].root_der)));
	cr_assert_not_null(memmem(a.body.p, a.body.n, x5c.p, x5c.n), "%.*s", LG_FMT(a.body));
	world_free(w);
}

Test(routes, ocsp_is_served_by_post_and_get)
{
	/* A request for serial number 41 of nobody: answered, unsigned, and kept by no cache. */
	static const lg_str request = LG_STR("\x30\x42\x30\x40\x30\x3e\x30\x3c\x30\x3a\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"
	    "\x04\x14" "aaaaaaaaaaaaaaaaaaaa" "\x04\x14" "bbbbbbbbbbbbbbbbbbbb" "\x02\x01\x41");
	struct world *w = world_new();
	struct answer a;

	a = world_call(w, "POST", "/ocsp", "", request);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert_str_eq(a.type, "application/ocsp-response");
	cr_assert(lg_str_eq(a.body, LG_STR("\x30\x03\x0a\x01\x06")));		/* unauthorized */
	a = world_call(w, "GET", lg_print(w->arena, "/ocsp/%.*s", LG_FMT(lg_base64(w->arena, request))).p, "", LG_NONE);
	cr_assert_eq(a.e, LG_OK, "%s", w->cx.error);
	cr_assert(lg_str_eq(a.body, LG_STR("\x30\x03\x0a\x01\x06")));
	cr_assert(lg_str_eq(world_call(w, "POST", "/ocsp", "", LG_STR("x")).body, LG_STR("\x30\x03\x0a\x01\x01")));	/* malformed */
	cr_assert_eq(world_call(w, "GET", "/ocsp/%%%", "", LG_NONE).e, LG_E_INVALID);
	world_free(w);
}

/* The URLs inside a leaf are the ones these routes answer. */
Test(routes, a_leaf_points_to_its_list_and_issuer)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_trust_release) struct lg_trust *t = lg_trust_hold(w->certs);
	lg_str crl = lg_print(w->arena, "http://a.example:8080/crl/%.*s/", LG_FMT(t->ca[0].issuer[0].kid));
	lg_str ca = lg_print(w->arena, "http://a.example:8080/ca/%.*s.cer", LG_FMT(t->ca[0].issuer[0].kid));
	struct lg_issued is;

	cr_assert_eq(world_issue(w, TENANT_A, w->host, "host", k, NULL, &is), LG_OK);
	const char *at = memmem(is.cert.p, is.cert.n, crl.p, crl.n);
	cr_assert_not_null(at);
	/* The part that its serial number belongs to. */
	cr_assert_eq(at[crl.n], "0123456789abcdef"[is.serial.b[LG_CERT_SERIAL - 1] & 15]);
	cr_assert_eq(memcmp(at + crl.n + 1, ".crl", 4), 0);
	cr_assert_not_null(memmem(is.cert.p, is.cert.n, ca.p, ca.n));
	cr_assert_not_null(memmem(is.cert.p, is.cert.n, "http://a.example:8080/ocsp", 26));
	world_free(w);
}

Test(routes, a_tenant_has_so_many_webhooks_and_no_more)
{
	struct world *w = world_new();
	lg_str hook = LG_STR("{\"url\":\"https://x.example/\",\"events\":[\"issued\"]}");

	for (int i = 0; i < LG_HOOKS; i++)
		cr_assert_eq(world_call(w, "PUT", lg_print(w->arena, "/v1/webhooks/h%d", i).p, "", hook).e, LG_OK, "%s", w->cx.error);
	cr_assert_eq(world_call(w, "PUT", "/v1/webhooks/more", "", hook).e, LG_E_LIMIT);
	cr_assert_eq(world_call(w, "PUT", "/v1/webhooks/h0", "", hook).e, LG_OK, "one that is there is changed");
	cr_assert_eq(world_call(w, "DELETE", "/v1/webhooks/h0", "", LG_NONE).e, LG_OK);
	cr_assert_eq(world_call(w, "PUT", "/v1/webhooks/more", "", hook).e, LG_OK, "%s", w->cx.error);
	world_free(w);
}
