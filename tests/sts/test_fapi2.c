#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(fapi2, .init = kit_start, .fini = kit_end);
TestSuite(mtls, .init = kit_start, .fini = kit_end);

#define GOOD "\"type\":\"confidential\",\"fapi2\":true,\"redirect_uris\":[\"" REDIRECT "\"]"

static lg_err
read_client(const char *json)
{
	struct lg_sts_client c;

	return lg_sts_client_read(&kit.cx, lg_str_of(json), NULL, &c);
}

/* One case for each rule: what it refuses, and by which name. */
Test(fapi2, a_registration_that_breaks_a_rule_is_refused_by_its_name)
{
	static const struct {
		const char *members, *rule;
	} cases[] = {
		{ "\"type\":\"public\",\"fapi2\":true,\"redirect_uris\":[\"" REDIRECT "\"]", "fapi2 confidential (5.3.2.1)" },
		{ GOOD, "fapi2 client-authentication (5.3.2.1)" },
		{ GOOD ",\"auth\":\"private_key_jwt\",\"jwks_uri\":\"https://a/\",\"grants\":[\"password\",\"authorization_code\"]",
		    "fapi2 no-password (5.3.2.1)" },
		{ "\"type\":\"confidential\",\"fapi2\":true,\"auth\":\"tls_client_auth\",\"redirect_uris\":[\"http://127.0.0.1/cb\"]",
		    "fapi2 redirect-https (5.3.2.2)" },
		{ GOOD ",\"auth\":\"tls_client_auth\",\"id_token_alg\":\"RS256\"", "fapi2 algorithms (5.4.1)" },
		{ GOOD ",\"auth\":\"tls_client_auth\",\"request_object_alg\":\"RS256\"", "fapi2 algorithms (5.4.1)" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		cr_assert_eq(read_client(kit_fmt("{\"name\":\"a\",%s}", cases[i].members)), LG_E_INVALID, "%s", cases[i].members);
		cr_assert(strstr(kit.cx.error, cases[i].rule) != NULL, "%s, not %s", kit.cx.error, cases[i].rule);
	}
	static const char *good[] = {
		GOOD ",\"auth\":\"tls_client_auth\"", GOOD ",\"auth\":\"private_key_jwt\",\"jwks_uri\":\"https://a/\",\"id_token_alg\":\"PS256\"",
		GOOD ",\"auth\":\"self_signed_tls_client_auth\",\"jwks_uri\":\"https://a/\",\"id_token_alg\":\"EdDSA\"",
	};
	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_assert_eq(read_client(kit_fmt("{\"name\":\"a\",%s}", good[i])), LG_OK, "%s: %s", good[i], kit.cx.error);
}

/* ---- at work ------------------------------------------------------------------------------------------------------ */

static void
bank(void)
{
	kit_client(kit_fmt("{\"name\":\"robot\"," GOOD ",\"auth\":\"private_key_jwt\",\"jwks\":%s,\"grants\":[\"authorization_code\","
	    "\"refresh_token\",\"client_credentials\"]}", kit_jwks(kit.client_key, "k1", "")), NULL, "50000000-0000-4000-8000-000000000013");
}

static const char *
assertion(const char *audience)
{
	long long now = (long long)((kit.cx.now + kit.shift) / LG_SECOND);
	lg_str token = LG_NONE;

	cr_assert_eq(lg_jws_sign(&kit.cx, kit.client_key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_print(kit.arena,
	    "{\"iss\":\"robot\",\"sub\":\"robot\",\"aud\":%s,\"iat\":%lld,\"exp\":%lld,\"jti\":\"%.*s\"}", audience, now, now + 60,
	    LG_FMT(lg_token_new(kit.arena))), &token), LG_OK);
	return kit_fmt("&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer&client_assertion=%.*s",
	    LG_FMT(token));
}

#define ISSUER_TEXT "\"" ISSUER "\""

static bool
says(const struct answer *a, const char *rule)
{
	return memmem(a->body.p, a->body.n, rule, strlen(rule)) != NULL;
}

Test(fapi2, a_request_that_was_not_pushed_goes_back_with_the_rules_name)
{
	struct answer a;

	bank();
	a = kit_get("/oauth2/authorize", kit_authorize_query("robot", ""), kit_sign_in());
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("invalid_request")));
	cr_assert(lg_str_starts(kit_parameter(kit_header(&a, "Location"), "error_description"), LG_STR("fapi2 pushed-request (5.3.2.2)")));
}

Test(fapi2, a_pushed_request_needs_pkce)
{
	struct answer a;

	bank();
	a = kit_post("/oauth2/par", kit_fmt("response_type=code&scope=openid&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb%s",
	    assertion(ISSUER_TEXT)), NULL);
	assert_oauth(a, 400, "invalid_request");
	cr_assert(says(&a, "fapi2 pkce (5.3.2.2)"), "%.*s", LG_FMT(a.body));
}

Test(fapi2, assertions_are_for_the_issuer_as_one_text)
{
	static const char *bad[] = { "[\"" ISSUER "\"]", "\"" ISSUER "/oauth2/token\"", "\"" ISSUER "/oauth2/par\"", "[\"" ISSUER "\",\"x\"]" };

	bank();
	kit.peer_cert = LG_STR("cert:50000000-0000-4000-8000-000000000013");
	assert_status(kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials%s", assertion(ISSUER_TEXT)), NULL), 200);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials%s", assertion(bad[i])), NULL), 401, "invalid_client");
}

Test(fapi2, a_token_is_bound_to_its_sender_or_there_is_none)
{
	lg_str cert = LG_STR("cert:50000000-0000-4000-8000-000000000013");
	struct answer a;
	lg_str cnf;

	bank();
	a = kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials%s", assertion(ISSUER_TEXT)), NULL);
	assert_oauth(a, 400, "invalid_dpop_proof");
	cr_assert(says(&a, "fapi2 sender-constrained (5.3.2.1)"));
	kit.peer_cert = cert;
	a = kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials%s", assertion(ISSUER_TEXT)), NULL);
	assert_status(a, 200);
	cnf = kit_member(kit_payload(kit_member(a.body, "access_token")), "cnf");
	cr_assert(lg_str_eq(kit_member(cnf, "x5t#S256"), sts_thumbprint(kit.arena, cert)));
}

Test(fapi2, the_whole_flow_of_a_client_that_keeps_the_rules)
{
	const char *cookie = kit_sign_in(), *uri;
	struct answer a;

	bank();
	kit.peer_cert = LG_STR("cert:50000000-0000-4000-8000-000000000013");
	a = kit_post("/oauth2/par", kit_fmt("%s%s", kit_authorize_query("robot", ""), assertion(ISSUER_TEXT)), NULL);
	assert_status(a, 201);
	uri = kit_c(kit_member(a.body, "request_uri"));
	a = kit_get("/oauth2/authorize", kit_fmt("client_id=robot&request_uri=%s", uri), cookie);
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "iss"), LG_STR(ISSUER)));
	a = kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb"
	    "&code_verifier=" VERIFIER "%s", LG_FMT(kit_parameter(kit_header(&a, "Location"), "code")), assertion(ISSUER_TEXT)), NULL);
	assert_status(a, 200);
	lg_str refresh = kit_member(a.body, "refresh_token");
	a = kit_post("/oauth2/token", kit_fmt("grant_type=refresh_token&refresh_token=%.*s%s", LG_FMT(refresh), assertion(ISSUER_TEXT)), NULL);
	assert_status(a, 200);
	cr_assert_eq(kit_member(a.body, "refresh_token").n, 0);	/* no rotation */
}

/* ---- certificates (RFC 8705) ----------------------------------------------------------------------------------------- */

/* A self-signed certificate of a key, with just what is read of it. */
static lg_str
certificate(const struct lg_key *key)
{
	lg_str spki = lg_pubkey_spki(lg_key_public(key));
	char *p = lg_alloc(kit.arena, 256);
	static const char front[] = "\x02\x01\x01\x30\x00\x30\x00\x30\x00\x30\x00";	/* serial, algorithm, issuer, validity, subject */
	size_t n = sizeof front - 1 + spki.n;

	cr_assert(n < 120);
	p[0] = 0x30;
	p[1] = (char)(n + 2);
	p[2] = 0x30;
	p[3] = (char)n;
	memcpy(p + 4, front, sizeof front - 1);
	memcpy(p + 4 + sizeof front - 1, spki.p, spki.n);
	return (lg_str){ p, n + 4 };
}

static void
self_signed_client(const char *more)
{
	kit_client(kit_fmt("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"self_signed_tls_client_auth\"%s}", more), NULL,
	    "50000000-0000-4000-8000-000000000013");
}

Test(mtls, a_self_signed_certificate_of_a_registered_key_is_good)
{
	struct answer a;
	struct lg_sts_bearer b;
	lg_str token;

	self_signed_client(kit_fmt(",\"jwks\":%s", kit_jwks(kit.client_key, "k1", "")));
	kit.peer_shown = certificate(kit.client_key);
	a = kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot", NULL);
	assert_status(a, 200);
	token = kit_member(a.body, "access_token");
	cr_assert(lg_str_eq(kit_member(kit_member(kit_payload(token), "cnf"), "x5t#S256"), sts_thumbprint(kit.arena, kit.peer_shown)));
	/* Bound to it: nobody else's connection can use the token. */
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
	kit.peer_shown = certificate(kit.key);
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot", NULL), 401, "invalid_client");
	kit.peer_shown = LG_STR("no certificate");
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot", NULL), 401, "invalid_client");
	kit.peer_shown = LG_NONE;
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot", NULL), 401, "invalid_client");
	kit.peer_shown = certificate(kit.client_key);
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot&client_secret=x", NULL), 401, "invalid_client");
}

Test(mtls, the_keys_may_be_published)
{
	self_signed_client(",\"jwks_uri\":\"https://robot.example/jwks\"");
	kit.peer_shown = certificate(kit.client_key);
	kit_web("https://robot.example/jwks", kit_jwks(kit.client_key, "k1", ""), 300);
	assert_status(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot", NULL), 200);
	assert_status(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=robot", NULL), 200);
	cr_assert_eq(atomic_load(&kit.asked), 1u);
}

Test(mtls, a_certificate_that_nobody_verified_is_no_entrys)
{
	kit.peer_shown = LG_STR("cert:50000000-0000-4000-8000-000000000014");
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=bound", NULL), 401, "invalid_client");
	kit.peer_cert = LG_STR("cert:50000000-0000-4000-8000-000000000014");
	assert_status(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=bound", NULL), 200);
	kit.peer_cert = LG_STR("cert:50000000-0000-4000-8000-000000000013");
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials&client_id=bound", NULL), 401, "invalid_client");
}

Test(mtls, a_client_whose_tokens_are_bound_shows_its_certificate)
{
	struct answer a;

	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"tls_client_certificate_bound_access_tokens\":true}", WORKER_SECRET,
	    "50000000-0000-4000-8000-000000000012");
	assert_oauth(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("worker", WORKER_SECRET)), 400, "invalid_request");
	kit.peer_shown = certificate(kit.client_key);
	a = kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("worker", WORKER_SECRET));
	assert_status(a, 200);
	cr_assert(kit_member(kit_member(kit_payload(kit_member(a.body, "access_token")), "cnf"), "x5t#S256").n == 43);
}
