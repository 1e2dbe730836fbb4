/* test_acme.c: the ACME server as a client sees it: RFC 8555, 8737, 8738, 9773. */
#include "base/text.h"
#include "tests/certs/acme_client.h"
#include "tests/certs/http.h"

/* ---- claims ------------------------------------------------------------------------------------------------- */

Test(acme, an_order_leads_to_a_certificate_with_exactly_the_proved_names)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	lg_str der = acme_obtain(&c, k);
	struct lg_certs_peer p;
	struct lg_x509 x;

	cr_assert_eq(lg_x509_parse(&c.w->cx, der, &x), LG_OK);
	cr_assert_eq(x.exts.names.ndns, 1);
	cr_assert_eq(x.exts.names.nuri + x.exts.names.nip, 0);
	cr_assert(lg_str_eq(x.exts.names.dns[0], LG_STR("www.a.example")));
	cr_assert_eq(x.exts.eku, LG_EKU_SERVER);
	cr_assert_str_eq(c.w->last_proof, "acme");
	cr_assert(lg_str_eq(c.w->last_profile, LG_STR("tls-server")));
	cr_assert_eq(world_peer(c.w, der, &p), LG_E_UNAUTHENTICATED, "a server's certificate is nobody's identity");
	acme_client_free(&c);
}

Test(acme, policy_has_the_last_word)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o = acme_order(&c, WWW);

	acme_prove(&c, &o);
	c.w->deny = "certificate:issue";
	acme_finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "unauthorized");
	cr_assert_eq(c.w->signed_certs, 0);
	c.w->deny = NULL;
	cr_assert_eq(acme_finalize(&c, &o, k, "www.a.example"), 200, "the order is still ready");
	acme_client_free(&c);
}

Test(acme, a_keeper_that_fails_ends_the_order)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o = acme_order(&c, WWW);

	acme_prove(&c, &o);
	c.w->keeper_gone = true;
	acme_finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 503, "serverInternal");
	c.w->keeper_gone = false;
	acme_finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "orderNotReady");
	acme_client_free(&c);
}

Test(acme, finalize_wants_a_ready_order_and_a_request_for_its_names)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o = acme_order(&c, WWW);

	acme_finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "orderNotReady");
	acme_prove(&c, &o);
	acme_finalize(&c, &o, k, "other.a.example");
	assert_problem(&c, 400, "badCSR");
	acme_post(&c, o.finalize, LG_STR("{\"csr\":\"AAAA\"}"));
	assert_problem(&c, 400, "badCSR");
	acme_finalize(&c, &o, c.key, "www.a.example");
	assert_problem(&c, 400, "badCSR");
	cr_assert_eq(acme_finalize(&c, &o, k, "www.a.example"), 200);
	acme_finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 403, "orderNotReady");
	acme_client_free(&c);
}

Test(acme, a_challenge_that_fails_ends_its_authorization)
{
	struct acme_client c = acme_client_new(world_new());
	struct acme_order o = acme_order(&c, WWW);
	lg_str url = acme_challenge(&c, &o, 0, &c.w->net_http);

	c.w->net_http = LG_STR("something else");
	cr_assert_eq(acme_post(&c, url, LG_STR("{}")), 200);
	cr_assert(acme_shows(&c, "\"status\":\"invalid\"") && acme_shows(&c, "error:unauthorized"), "%.*s", LG_FMT(c.body));
	acme_post(&c, o.url, LG_NONE);
	cr_assert(acme_shows(&c, "\"status\":\"invalid\""));
	o = acme_order(&c, WWW);
	url = acme_challenge(&c, &o, 0, &c.w->net_http);
	c.w->net_http = LG_NONE;
	acme_post(&c, url, LG_STR("{}"));
	cr_assert(acme_shows(&c, "error:connection"), "%.*s", LG_FMT(c.body));
	acme_client_free(&c);
}

Test(acme, dns_01_looks_for_the_digest)
{
	struct acme_client c = acme_client_new(world_new());
	struct acme_order o = acme_order(&c, WWW);
	lg_str expected, url = acme_challenge(&c, &o, 1, &expected);
	lg_sha256 h = lg_sha256_of(expected);

	c.w->net_txt = lg_base64url(c.w->arena, lg_sha256_str(&h));
	acme_post(&c, url, LG_STR("{}"));
	cr_assert(acme_shows(&c, "\"type\":\"dns-01\"") && acme_shows(&c, "\"status\":\"valid\""), "%.*s", LG_FMT(c.body));
	cr_assert(lg_str_eq(c.w->net_asked, LG_STR("_acme-challenge.www.a.example")));
	acme_client_free(&c);
}

static lg_str
alpn_certificate(struct world *w, const char *san, lg_str expected, const char *critical)
{
	struct craft cr = craft_good(w, TENANT_A);
	lg_sha256 h = lg_sha256_of(expected);

	craft_ext(&cr, "subjectAltName", san);
	craft_ext(&cr, "1.3.6.1.5.5.7.1.31", lg_print(w->arena, "%sDER:0420%.*s", critical, LG_FMT(lg_hex(w->arena, lg_sha256_str(&h)))).p);
	return craft_der(w, &cr);
}

Test(acme, tls_alpn_01_wants_the_critical_digest_for_this_name_alone)
{
	static const struct {
		const char *san, *critical;
		bool valid;
	} cases[] = {
		{ "DNS:www.a.example", "critical,", true }, { "DNS:www.a.example", "", false },
		{ "DNS:other.a.example", "critical,", false }, { "DNS:www.a.example,DNS:other.a.example", "critical,", false },
	};
	struct acme_client c = acme_client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct acme_order o = acme_order(&c, WWW);
		lg_str expected, url = acme_challenge(&c, &o, 2, &expected);

		c.w->net_cert = alpn_certificate(c.w, cases[i].san, expected, cases[i].critical);
		acme_post(&c, url, LG_STR("{}"));
		cr_assert_eq(acme_shows(&c, "\"status\":\"valid\""), cases[i].valid, "%zu: %.*s", i, LG_FMT(c.body));
	}
	acme_client_free(&c);
}

Test(acme, addresses_are_identifiers_of_their_own_type)
{
	struct acme_client c = acme_client_new(world_new());
	struct acme_order o = acme_order(&c, "[{\"type\":\"ip\",\"value\":\"127.0.0.1\"}]");
	lg_str expected, url = acme_challenge(&c, &o, 1, &expected);

	cr_assert(acme_shows(&c, "tls-alpn-01") && !acme_shows(&c, "dns-01"));
	c.w->net_cert = alpn_certificate(c.w, "IP:127.0.0.1", expected, "critical,");
	acme_post(&c, url, LG_STR("{}"));
	cr_assert(acme_shows(&c, "\"status\":\"valid\""), "%.*s", LG_FMT(c.body));
	cr_assert(lg_str_eq(c.w->net_asked, LG_STR("1.0.0.127.in-addr.arpa")));
	acme_client_free(&c);
}

Test(acme, identifiers_outside_the_authority_are_rejected)
{
	static const char *const bad[][2] = {
		{ "[{\"type\":\"dns\",\"value\":\"www.b.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"*.b.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"*.*.a.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"*\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"*a.a.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"www.*.a.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"*.localhost\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"w\\u0000.a.example\"}]", "malformed" },
		{ "[{\"type\":\"dns\",\"value\":\"b\u00fccher.a.example\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"127.0.0.1\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"dns\",\"value\":\"www.a.example.\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"ip\",\"value\":\"10.0.0.1\"}]", "rejectedIdentifier" },
		{ "[{\"type\":\"ip\",\"value\":\"www.a.example\"}]", "malformed" },
		{ "[{\"type\":\"email\",\"value\":\"x@a.example\"}]", "unsupportedIdentifier" },
		{ "[]", "malformed" }, { "[1]", "malformed" }, { "{}", "malformed" },
	};
	struct acme_client c = acme_client_new(world_new());

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		acme_post(&c, LG_STR("/acme/new-order"), lg_print(c.w->arena, "{\"identifiers\":%s}", bad[i][0]));
		cr_assert_geq(c.status, 400, "%s", bad[i][0]);
		cr_assert(acme_shows(&c, bad[i][1]), "%s: %.*s", bad[i][0], LG_FMT(c.body));
	}
	acme_client_free(&c);
}

Test(acme, an_external_account_key_is_good_once_and_for_one_key)
{
	struct acme_client c = { .w = world_new() };
	LG_AUTO(lg_key_free) struct lg_key *other = world_key(c.w, LG_KEY_P256);
	lg_str kid, secret, wrong = LG_STR("0123456789abcdef0123456789abcdef");

	c.key = world_key(c.w, LG_KEY_RSA2048);
	acme_eab(&c, &kid, &secret);
	acme_post_to(&c, "/acme/new-account", "{}");
	assert_problem(&c, 403, "externalAccountRequired");
	acme_register_with(&c, acme_binding(&c, kid, wrong, c.key, ISSUER "/acme/new-account"));
	assert_problem(&c, 403, "unauthorized");
	acme_register_with(&c, acme_binding(&c, kid, secret, other, ISSUER "/acme/new-account"));
	assert_problem(&c, 403, "unauthorized");
	acme_register_with(&c, acme_binding(&c, kid, secret, c.key, ISSUER "/acme/new-order"));
	assert_problem(&c, 403, "unauthorized");
	cr_assert_eq(acme_register_with(&c, acme_binding(&c, kid, secret, c.key, ISSUER "/acme/new-account")), 201, "%.*s", LG_FMT(c.body));
	cr_assert_eq(acme_register_with(&c, LG_STR("{}")), 200, "the key has its account");
	lg_key_free(&c.key);
	c.key = world_key(c.w, LG_KEY_P256);
	acme_register_with(&c, acme_binding(&c, kid, secret, c.key, ISSUER "/acme/new-account"));
	assert_problem(&c, 403, "unauthorized");
	c.w->deny = "admin:write";
	acme_call(&c, "POST", LG_STR("/v1/eab"), LG_STR("{\"entry\":\"Host/node1\"}"));
	cr_assert_eq(c.e, LG_E_DENIED);
	acme_client_free(&c);
}

Test(acme, a_request_counts_once_and_for_its_url)
{
	struct acme_client c = acme_client_new(world_new());
	lg_str nonce = c.nonce, url = LG_STR(ISSUER "/acme/new-order"), body = acme_jws(&c, c.key, url, nonce, c.kid, LG_STR("{\"identifiers\":" WWW "}"));

	acme_call(&c, "POST", acme_path_of(url), body);
	cr_assert_eq(c.status, 201);
	acme_call(&c, "POST", acme_path_of(url), body);
	assert_problem(&c, 400, "badNonce");
	acme_call(&c, "POST", acme_path_of(url), acme_jws(&c, c.key, LG_STR(ISSUER "/acme/key-change"), c.nonce, c.kid, LG_STR("{}")));
	assert_problem(&c, 403, "unauthorized");
	acme_call(&c, "POST", acme_path_of(url), acme_jws(&c, c.key, url, LG_STR("AAAA"), c.kid, LG_STR("{}")));
	assert_problem(&c, 400, "badNonce");
	acme_call(&c, "POST", acme_path_of(url), acme_jws(&c, c.key, url, c.nonce, LG_NONE, LG_STR("{}")));
	assert_problem(&c, 400, "malformed");
	acme_call(&c, "POST", acme_path_of(url), acme_jws(&c, c.key, url, c.nonce, LG_STR(ISSUER "/acme/account/AAAAAAAAAAAAAAAAAAAAAA"), LG_STR("{}")));
	assert_problem(&c, 400, "accountDoesNotExist");
	acme_call(&c, "POST", acme_path_of(url), LG_STR("{}"));
	cr_assert_geq(c.status, 400);
	acme_content_type = LG_STR("application/json");
	acme_post(&c, url, LG_STR("{}"));
	assert_problem(&c, 415, "malformed");
	acme_content_type = LG_STR("application/jose+json");
	acme_client_free(&c);
}

Test(acme, an_account_sees_nothing_of_another)
{
	struct acme_client a = acme_client_new(world_new()), b = { .w = a.w, .key = world_key(a.w, LG_KEY_P256) };
	struct acme_order o = acme_order(&a, WWW);
	lg_str kid, secret;

	acme_eab(&b, &kid, &secret);
	cr_assert_eq(acme_register_with(&b, acme_binding(&b, kid, secret, b.key, ISSUER "/acme/new-account")), 201);
	cr_assert_eq(acme_post(&b, o.url, LG_NONE), 404);
	cr_assert_eq(acme_post(&b, o.authz, LG_NONE), 404);
	cr_assert_eq(acme_post(&b, a.kid, LG_NONE), 403);
	lg_key_free(&b.key);
	acme_client_free(&a);
}

Test(acme, certificates_are_revoked_by_account_or_by_their_key)
{
	struct acme_client c = acme_client_new(world_new()), holder = { .w = c.w };
	lg_str der, body;

	holder.key = world_key(c.w, LG_KEY_P256);
	der = acme_obtain(&c, holder.key);
	body = lg_print(c.w->arena, "{\"certificate\":\"%.*s\",\"reason\":4}", LG_FMT(lg_base64url(c.w->arena, der)));
	acme_post(&c, LG_STR("/acme/revoke-cert"), lg_print(c.w->arena, "{\"certificate\":\"%.*s\",\"reason\":6}", LG_FMT(lg_base64url(c.w->arena, der))));
	assert_problem(&c, 400, "badRevocationReason");
	cr_assert_eq(acme_post(&c, LG_STR("/acme/revoke-cert"), body), 200, "%.*s", LG_FMT(c.body));
	acme_post(&c, LG_STR("/acme/revoke-cert"), body);
	assert_problem(&c, 400, "alreadyRevoked");
	der = acme_obtain(&c, holder.key);
	body = lg_print(c.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(c.w->arena, der)));
	cr_assert_eq(acme_post(&holder, LG_STR("/acme/revoke-cert"), body), 200, "%.*s", LG_FMT(holder.body));
	der = acme_obtain(&c, holder.key);
	lg_key_free(&holder.key);
	holder.key = world_key(c.w, LG_KEY_P256);
	acme_post(&holder, LG_STR("/acme/revoke-cert"), lg_print(c.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(c.w->arena, der))));
	assert_problem(&holder, 403, "unauthorized");
	lg_key_free(&holder.key);
	acme_client_free(&c);
}

Test(acme, an_account_changes_its_key)
{
	struct acme_client c = acme_client_new(world_new());
	struct lg_key *fresh = world_key(c.w, LG_KEY_RSA2048);
	lg_str url = LG_STR(ISSUER "/acme/key-change"), inner = lg_print(c.w->arena, "{\"account\":\"%.*s\",\"oldKey\":%.*s}", LG_FMT(c.kid),
	    LG_FMT(acme_jwk_of(c.w, c.key)));

	acme_post(&c, url, acme_jws(&c, fresh, LG_STR(ISSUER "/acme/new-order"), LG_NONE, LG_NONE, inner));
	assert_problem(&c, 400, "malformed");
	cr_assert_eq(acme_post(&c, url, acme_jws(&c, fresh, url, LG_NONE, LG_NONE, inner)), 200, "%.*s", LG_FMT(c.body));
	acme_post(&c, c.kid, LG_NONE);
	cr_assert_eq(c.status, 403, "the old key is nobody's");
	lg_key_free(&c.key);
	c.key = fresh;
	cr_assert_eq(acme_post(&c, c.kid, LG_NONE), 200);
	acme_client_free(&c);
}

Test(acme, a_deactivated_account_or_a_disabled_entry_orders_nothing)
{
	struct acme_client c = acme_client_new(world_new());

	world_entry(c.w, TENANT_A, c.w->service, "Service", "controller", "", false);
	cr_assert_eq(acme_post(&c, LG_STR("/acme/new-order"), LG_STR("{\"identifiers\":" WWW "}")), 403);
	world_entry(c.w, TENANT_A, c.w->service, "Service", "controller", "", true);
	cr_assert_eq(acme_post(&c, c.kid, LG_STR("{\"status\":\"deactivated\"}")), 200);
	cr_assert_eq(acme_post(&c, LG_STR("/acme/new-order"), LG_STR("{\"identifiers\":" WWW "}")), 401);
	acme_client_free(&c);
}

Test(acme, orders_are_listed_in_pages)
{
	struct acme_client c = acme_client_new(world_new());
	lg_str list = lg_cat(c.w->arena, c.kid, LG_STR("/orders"));

	for (size_t i = 0; i < LG_ACME_PAGE + 1; i++)
		acme_order(&c, WWW);
	cr_assert_eq(acme_post(&c, list, LG_NONE), 200);
	cr_assert_not_null(memmem(c.link.p, c.link.n, "after=", 6), "%.*s", LG_FMT(c.link));
	acme_client_free(&c);
}

Test(acme, renewal_information_names_a_window_and_moves_it_for_the_revoked)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	lg_str der = acme_obtain(&c, k), id;
	struct lg_x509 x;
	int64_t start;

	cr_assert_eq(lg_x509_parse(&c.w->cx, der, &x), LG_OK);
	id = lg_print(c.w->arena, "%.*s.%.*s", LG_FMT(lg_base64url(c.w->arena, x.exts.aki)), LG_FMT(lg_base64url(c.w->arena, x.serial)));
	acme_call(&c, "GET", lg_cat(c.w->arena, LG_STR("/acme/renewal-info/"), id), LG_NONE);
	cr_assert_eq(c.status, 200, "%.*s", LG_FMT(c.body));
	cr_assert(lg_time_parse(acme_member(&c, "start", 0), &start));
	cr_assert(start > c.w->cx.now && start < x.not_after);
	acme_post(&c, LG_STR("/acme/new-order"), lg_print(c.w->arena, "{\"identifiers\":" WWW ",\"replaces\":\"%.*s\"}", LG_FMT(id)));
	cr_assert_eq(c.status, 201, "%.*s", LG_FMT(c.body));
	acme_post_to(&c, "/acme/new-order", "{\"identifiers\":" WWW ",\"replaces\":\"AAAA.AAAA\"}");
	assert_problem(&c, 400, "malformed");
	acme_post(&c, LG_STR("/acme/revoke-cert"), lg_print(c.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(c.w->arena, der))));
	acme_call(&c, "GET", lg_cat(c.w->arena, LG_STR("/acme/renewal-info/"), id), LG_NONE);
	cr_assert(lg_time_parse(acme_member(&c, "start", 0), &start));
	cr_assert(start <= c.w->cx.now + LG_MINUTE);
	acme_call(&c, "GET", LG_STR("/acme/renewal-info/AAAA.AAAA"), LG_NONE);
	cr_assert_eq(c.status, 404);
	acme_client_free(&c);
}

Test(acme, the_directory_and_nonces_need_no_account)
{
	struct acme_client c = { .w = world_new() };

	acme_call(&c, "GET", LG_STR("/acme/directory"), LG_NONE);
	cr_assert_eq(c.status, 200);
	cr_assert(lg_str_eq(c.type, LG_STR("application/json")));
	cr_assert(acme_shows(&c, "\"newNonce\":\"" ISSUER "/acme/new-nonce\"") && acme_shows(&c, "\"externalAccountRequired\":true"));
	acme_call(&c, "GET", LG_STR("/acme/new-nonce"), LG_NONE);
	cr_assert_eq(c.status, 204);
	acme_call(&c, "HEAD", LG_STR("/acme/new-nonce"), LG_NONE);
	cr_assert_eq(c.status, 200);
	cr_assert_gt(c.nonce.n, 0);
	world_free(c.w);
}

#define WILD "[{\"type\":\"dns\",\"value\":\"*.A.example\"},{\"type\":\"dns\",\"value\":\"a.example\"}]"

Test(acme, wildcards_are_proved_by_dns_alone)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o = acme_order(&c, WILD);
	const lg_str dns[] = { LG_STR("*.a.example"), LG_STR("a.example") };
	lg_str expected, url = acme_challenge(&c, &o, 0, &expected), der;
	lg_sha256 h = lg_sha256_of(expected);
	struct lg_x509 x;

	cr_assert(acme_shows(&c, "\"wildcard\":true") && acme_shows(&c, "\"value\":\"a.example\"") && acme_shows(&c, "dns-01"));
	cr_assert(!acme_shows(&c, "http-01") && !acme_shows(&c, "tls-alpn-01"), "%.*s", LG_FMT(c.body));
	cr_assert_eq(acme_post(&c, lg_print(c.w->arena, "%.*s/http-01", (int)url.n - 7, url.p), LG_STR("{}")), 404);
	c.w->net_txt = lg_base64url(c.w->arena, lg_sha256_str(&h));
	acme_post(&c, url, LG_STR("{}"));
	cr_assert(acme_shows(&c, "\"status\":\"valid\""), "%.*s", LG_FMT(c.body));
	cr_assert(lg_str_eq(c.w->net_asked, LG_STR("_acme-challenge.a.example")));
	o.authz = lg_print(c.w->arena, "%.*s1", (int)o.authz.n - 1, o.authz.p);
	acme_prove(&c, &o);
	der = lg_base64url(c.w->arena, world_csr(c.w, k, &(struct lg_csr_names){ .dns = dns, .ndns = 2 }));
	cr_assert_eq(acme_post(&c, o.finalize, lg_print(c.w->arena, "{\"csr\":\"%.*s\"}", LG_FMT(der))), 200, "%.*s", LG_FMT(c.body));
	acme_post(&c, acme_member(&c, "certificate", 0), LG_NONE);
	cr_assert(lg_pem_parse(c.w->arena, c.body, LG_STR("CERTIFICATE"), &der, NULL));
	cr_assert_eq(lg_x509_parse(&c.w->cx, der, &x), LG_OK);
	cr_assert(x.exts.names.ndns == 2 && lg_str_eq(x.exts.names.dns[0], LG_STR("*.a.example")));
	acme_client_free(&c);
}

Test(acme, a_name_may_stand_in_the_common_name_and_must_be_the_orders)
{
	static const lg_str www[] = { LG_STR("WWW.a.example"), LG_STR("other.a.example") };
	static const struct {
		lg_str cn;
		size_t ndns;
		bool fine;
	} cases[] = {
		{ LG_STR("www.A.example"), 0, true }, { LG_STR("www.a.example"), 1, true }, { LG_STR("evil.a.example"), 1, false },
		{ LG_STR(""), 0, false }, { LG_STR(""), 2, false }, { LG_STR("www.a.example\0.evil"), 1, false }, { LG_STR("other.a.example"), 0, false },
	};
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct acme_order o = acme_order(&c, WWW);
		struct lg_csr_names names = { .common_name = cases[i].cn, .dns = www, .ndns = cases[i].ndns };
		lg_str csr = lg_base64url(c.w->arena, world_csr(c.w, k, &names));

		acme_prove(&c, &o);
		acme_post(&c, o.finalize, lg_print(c.w->arena, "{\"csr\":\"%.*s\"}", LG_FMT(csr)));
		cr_assert_eq(c.status, cases[i].fine ? 200 : 400, "%zu: %.*s", i, LG_FMT(c.body));
		cr_assert(cases[i].fine || acme_shows(&c, "error:badCSR"));
	}
	acme_client_free(&c);
}

Test(acme, accounts_without_a_key_are_the_settings_choice)
{
	struct acme_client c = { .w = world_open("Service/controller") }, b = { .w = c.w };
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	lg_str kid, secret;

	acme_call(&c, "GET", LG_STR("/acme/directory"), LG_NONE);
	cr_assert(acme_shows(&c, "\"externalAccountRequired\":false"), "%.*s", LG_FMT(c.body));
	c.key = world_key(c.w, LG_KEY_ED25519);
	b.key = world_key(c.w, LG_KEY_P384);
	cr_assert_eq(acme_post_to(&c, "/acme/new-account", "{}"), 201, "%.*s", LG_FMT(c.body));
	c.kid = c.location;
	acme_obtain(&c, k);
	acme_eab(&b, &kid, &secret);
	cr_assert_eq(acme_register_with(&b, acme_binding(&b, kid, LG_STR("0123456789abcdef0123456789abcdef"), b.key, ISSUER "/acme/new-account")), 403,
	    "a wrong binding is not passed over");
	cr_assert_eq(acme_register_with(&b, acme_binding(&b, kid, secret, b.key, ISSUER "/acme/new-account")), 201, "%.*s", LG_FMT(b.body));
	lg_key_free(&b.key);
	acme_client_free(&c);
	c.w = world_open("Service/nobody");
	acme_call(&c, "GET", LG_STR("/acme/directory"), LG_NONE);
	cr_assert(acme_shows(&c, "\"externalAccountRequired\":true"), "there is no such entry");
	world_free(c.w);
}

Test(acme, accounts_of_one_entry_do_not_share_their_certificates)
{
	struct acme_client a = acme_client_new(world_new()), b = { .w = a.w, .key = world_key(a.w, LG_KEY_P256) };
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(a.w, LG_KEY_P256);
	lg_str der = acme_obtain(&a, k), kid, secret, body = lg_print(a.w->arena, "{\"certificate\":\"%.*s\"}", LG_FMT(lg_base64url(a.w->arena, der)));
	struct lg_x509 x;
	lg_serial serial;

	acme_eab(&b, &kid, &secret);
	cr_assert_eq(acme_register_with(&b, acme_binding(&b, kid, secret, b.key, ISSUER "/acme/new-account")), 201);
	cr_assert_eq(lg_x509_parse(&a.w->cx, der, &x), LG_OK);
	memcpy(serial.b, x.serial.p, sizeof serial.b);
	cr_assert_eq(acme_post(&b, lg_cat(a.w->arena, LG_STR("/acme/certificate/"), lg_serial_text(a.w->arena, &serial)), LG_NONE), 404);
	acme_post(&b, LG_STR("/acme/revoke-cert"), body);
	assert_problem(&b, 403, "unauthorized");
	acme_obtain(&b, k);
	cr_assert_eq(acme_post(&b, LG_STR("/acme/revoke-cert"), body), 200, "it holds authorizations for all its names: %.*s", LG_FMT(b.body));
	lg_key_free(&b.key);
	acme_client_free(&a);
}

static lg_str
ari_id(struct acme_client *c, lg_str der)
{
	struct lg_x509 x;

	cr_assert_eq(lg_x509_parse(&c->w->cx, der, &x), LG_OK);
	return lg_print(c->w->arena, "%.*s.%.*s", LG_FMT(lg_base64url(c->w->arena, x.exts.aki)), LG_FMT(lg_base64url(c->w->arena, x.serial)));
}

Test(acme, a_certificate_is_replaced_by_one_order_of_its_account_for_its_names)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	lg_str id = ari_id(&c, acme_obtain(&c, k)), wish = lg_print(c.w->arena, "{\"identifiers\":" WWW ",\"replaces\":\"%.*s\"}", LG_FMT(id)), url;

	acme_post(&c, LG_STR("/acme/new-order"), lg_print(c.w->arena, "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"x.a.example\"}],"
	    "\"replaces\":\"%.*s\"}", LG_FMT(id)));
	assert_problem(&c, 400, "malformed");
	cr_assert_eq(acme_post(&c, LG_STR("/acme/new-order"), wish), 201, "%.*s", LG_FMT(c.body));
	cr_assert(acme_shows(&c, "\"replaces\":\""));
	url = lg_print(c.w->arena, "/acme/authz/%.*s/0", 22, c.location.p + sizeof ISSUER "/acme/order/" - 1);
	acme_post(&c, LG_STR("/acme/new-order"), wish);
	assert_problem(&c, 409, "alreadyReplaced");
	cr_assert_eq(acme_post(&c, url, LG_STR("{\"status\":\"deactivated\"}")), 200);
	cr_assert_eq(acme_post(&c, LG_STR("/acme/new-order"), wish), 201, "the first one is invalid now");
	acme_client_free(&c);
}

Test(acme, the_list_leaves_out_orders_that_failed)
{
	struct acme_client c = acme_client_new(world_new());
	struct acme_order bad = acme_order(&c, WWW), good = acme_order(&c, WWW);

	cr_assert_eq(acme_post(&c, bad.authz, LG_STR("{\"status\":\"deactivated\"}")), 200);
	cr_assert_eq(acme_post(&c, lg_cat(c.w->arena, c.kid, LG_STR("/orders")), LG_NONE), 200);
	cr_assert(acme_shows(&c, lg_dup(c.w->arena, good.url).p) && !acme_shows(&c, lg_dup(c.w->arena, bad.url).p), "%.*s", LG_FMT(c.body));
	acme_client_free(&c);
}

Test(acme_nonce, each_is_good_once_and_only_while_it_is_new)
{
	struct lg_acme_nonces *n = lg_acme_nonces_new(), *other = lg_acme_nonces_new();
	struct lg_arena *a = lg_arena_new();
	lg_str first = lg_dup(a, lg_acme_nonce_new(n, a)), second = lg_acme_nonce_new(n, a);
	struct lg_arena *scratch = lg_arena_new();

	cr_assert(!lg_acme_nonce_use(other, a, second), "another process's");
	cr_assert(lg_acme_nonce_use(n, a, second));
	cr_assert(!lg_acme_nonce_use(n, a, second));
	cr_assert(!lg_acme_nonce_use(n, a, LG_STR("")));
	for (unsigned i = 0; i < LG_ACME_NONCES; i++) {
		lg_acme_nonce_new(n, scratch);
		if (i % 4096 == 0)
			lg_arena_reset(scratch);
	}
	cr_assert(!lg_acme_nonce_use(n, a, first), "never used, but too old");
	lg_arena_free(&scratch);
	lg_arena_free(&a);
	lg_acme_nonces_free(&n);
	lg_acme_nonces_free(&other);
}

#define BRIEF "{\"keys\":[\"P-256\"],\"usages\":[\"serverAuth\"],\"names\":[\"dns\"],\"life_seconds\":600,\"longest_seconds\":600}"

/* draft-ietf-acme-profiles */
Test(acme, a_client_chooses_among_the_profiles_of_the_directory)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o;
	struct lg_x509 x;

	cr_assert_eq(world_call(c.w, "PUT", "/v1/profiles/brief", NULL, LG_STR(BRIEF)).e, LG_OK, "%s", c.w->cx.error);
	acme_call(&c, "GET", LG_STR("/acme/directory"), LG_NONE);
	cr_assert(acme_shows(&c, "\"profiles\":{\"tls-server\":\"") && acme_shows(&c, "\"brief\":\""), "%.*s", LG_FMT(c.body));
	cr_assert(!acme_shows(&c, "\"host\""), "names of entries are not proved");

	acme_post_to(&c, "/acme/new-order", "{\"identifiers\":" WWW ",\"profile\":\"host\"}");
	assert_problem(&c, 400, "invalidProfile");
	acme_post_to(&c, "/acme/new-order", "{\"identifiers\":" WWW ",\"profile\":\"none\"}");
	assert_problem(&c, 400, "invalidProfile");
	o = acme_order(&c, WWW ",\"profile\":\"brief\"");
	cr_assert(acme_shows(&c, "\"profile\":\"brief\""));
	acme_prove(&c, &o);
	cr_assert_eq(acme_finalize(&c, &o, k, "www.a.example"), 200, "%.*s", LG_FMT(c.body));
	cr_assert_eq(acme_post(&c, acme_member(&c, "certificate", 0), LG_NONE), 200);
	cr_assert(lg_pem_parse(c.w->arena, c.body, LG_STR("CERTIFICATE"), &x.der, NULL));
	cr_assert_eq(lg_x509_parse(&c.w->cx, x.der, &x), LG_OK);
	cr_assert_leq(x.not_after, c.w->cx.now + 10 * LG_MINUTE);
	cr_assert(lg_str_eq(c.w->last_profile, LG_STR("brief")), "policy was asked of it");
	acme_client_free(&c);
}

/* RFC 8555 7.4: as it was asked for, or not at all. */
Test(acme, a_certificate_ends_when_its_order_says)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	int64_t now = c.w->cx.now - c.w->cx.now % LG_SECOND, ends = now + 90 * LG_MINUTE;
	lg_str text = lg_time_text(c.w->arena, ends);
	struct acme_order o = acme_order(&c, lg_print(c.w->arena, WWW ",\"notAfter\":\"%.*s\"", LG_FMT(text)).p);
	struct lg_x509 x;

	cr_assert(acme_shows(&c, lg_print(c.w->arena, "\"notAfter\":\"%.*s\"", LG_FMT(text)).p), "%.*s", LG_FMT(c.body));
	acme_prove(&c, &o);
	c.w->cx.now += 11 * LG_MINUTE + 7;
	cr_assert_eq(acme_finalize(&c, &o, k, "www.a.example"), 200, "%.*s", LG_FMT(c.body));
	cr_assert_eq(c.w->last_life, 79 * 60, "what policy decided on");
	cr_assert_eq(acme_post(&c, acme_member(&c, "certificate", 0), LG_NONE), 200);
	cr_assert(lg_pem_parse(c.w->arena, c.body, LG_STR("CERTIFICATE"), &x.der, NULL));
	cr_assert_eq(lg_x509_parse(&c.w->cx, x.der, &x), LG_OK);
	cr_assert_eq(x.not_after, ends);

	acme_post(&c, LG_STR("/acme/new-order"), lg_print(c.w->arena, "{\"identifiers\":" WWW ",\"notAfter\":\"%.*s\"}",
	    LG_FMT(lg_time_text(c.w->arena, ends + 1))));
	assert_problem(&c, 400, "malformed");
	o = acme_order(&c, lg_print(c.w->arena, WWW ",\"notAfter\":\"%.*s\"", LG_FMT(text)).p);
	acme_prove(&c, &o);
	c.w->cx.now = ends + LG_SECOND;
	cr_assert_eq(acme_post(&c, o.url, LG_NONE), 200);
	cr_assert(acme_shows(&c, "\"status\":\"invalid\""), "it waited too long: %.*s", LG_FMT(c.body));
	acme_client_free(&c);
}

static lg_err
run_age(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct lg_certs_key key = lg_certs_key_of(TENANT_A);
	const lg_uuid *id = arg;
	lg_str row;
	char *old;

	lg_certs_key_add(&key, id->b, sizeof id->b);
	LG_TRY(lg_get(cx, v, &lg_acme_order, lg_certs_key_str(&key), &row));
	old = lg_alloc(cx->arena, row.n);
	memcpy(old, row.p, row.n);
	old[0] = 3;
	return lg_put(cx, v, &lg_acme_order, lg_certs_key_str(&key), (lg_str){ old, row.n - 8 });
}

Test(acme, an_order_of_before_the_end_could_be_asked_for_goes_on)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o = acme_order(&c, WWW);
	lg_uuid id;

	cr_assert(lg_acme_id_parse(c.w->arena, lg_str_sub(o.url, o.url.n - 22, o.url.n), &id));
	acme_prove(&c, &o);
	lg_store_turn(c.w->store);
	cr_assert_eq(lg_store_apply(&c.w->cx, c.w->store, TENANT_A, "test", run_age, &id, NULL), LG_OK, "%s", c.w->cx.error);
	cr_assert_eq(acme_finalize(&c, &o, k, "www.a.example"), 200, "%.*s", LG_FMT(c.body));
	acme_client_free(&c);
}

Test(acme, a_profile_that_went_meanwhile_ends_no_order)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order o;

	cr_assert_eq(world_call(c.w, "PUT", "/v1/profiles/brief", NULL, LG_STR(BRIEF)).e, LG_OK);
	o = acme_order(&c, WWW ",\"profile\":\"brief\"");
	acme_prove(&c, &o);
	cr_assert_eq(world_call(c.w, "DELETE", "/v1/profiles/brief", NULL, LG_NONE).e, LG_OK);
	acme_finalize(&c, &o, k, "www.a.example");
	assert_problem(&c, 400, "invalidProfile");
	acme_client_free(&c);
}
