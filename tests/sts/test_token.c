#include "tests/sts/kit.h"

TestSuite(token, .init = kit_start, .fini = kit_end);

#define CREDENTIALS "grant_type=client_credentials"

static struct answer
as_worker(const char *body)
{
	return kit_post("/oauth2/token", body, kit_basic("worker", WORKER_SECRET));
}

Test(token, client_credentials_give_an_access_token_for_our_apis)
{
	struct answer a = as_worker(CREDENTIALS);
	struct lg_sts_bearer b;

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "token_type"), LG_STR("Bearer")));
	cr_assert(lg_str_eq(kit_member(a.body, "expires_in"), LG_STR("300")));
	cr_assert(lg_str_eq(kit_member(a.body, "scope"), LG_STR("read write")));
	cr_assert_eq(kit_member(a.body, "refresh_token").n, 0);
	cr_assert_str_eq(kit_header(&a, "Cache-Control"), "no-store");
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER "/v1", &b), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_str_eq(b.subject.name, LG_STR("worker")) && lg_str_eq(b.claims.client_id, LG_STR("worker")));
	cr_assert_eq(kit.signed_tokens, 1);
	cr_assert_eq(kit.decisions, 1);
}

Test(token, client_credentials_write_nothing)
{
	uint64_t before = lg_store_head(kit.store).seq;

	assert_status(as_worker(CREDENTIALS), 200);
	cr_assert_eq(lg_store_head(kit.store).seq, before);
}

Test(token, scope_is_narrowed_on_request_and_never_widened)
{
	struct answer a = as_worker(CREDENTIALS "&scope=read");

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "scope"), LG_STR("read")));
	assert_oauth(as_worker(CREDENTIALS "&scope=read+admin"), 400, "invalid_scope");
	assert_oauth(as_worker(CREDENTIALS "&scope=%22"), 400, "invalid_scope");
}

Test(token, resources_are_those_of_the_client_and_our_own)
{
	struct lg_sts_bearer b;
	struct answer a = as_worker(CREDENTIALS "&resource=https%3A%2F%2Fid.example%2Faccess%2Fv1");

	assert_status(a, 200);
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER "/access/v1", &b), LG_OK);
	assert_oauth(as_worker(CREDENTIALS "&resource=https%3A%2F%2Felse.example"), 400, "invalid_target");
}

Test(token, policy_may_refuse)
{
	kit.deny = true;
	struct answer a = as_worker(CREDENTIALS);
	assert_oauth(a, 400, "access_denied");
	cr_assert_eq(kit.signed_tokens, 0);
	/* RFC 6749 5.2: no quotation marks in error_description. */
	cr_assert(memchr(kit_member(a.body, "error_description").p, '"', kit_member(a.body, "error_description").n) == NULL);
}

#define HOW(age) "acr=urn:lightgate:acr:password;amr=pwd;auth_age=" age ";address=10.0.0.7:4711;"

/* Each name once: the decision point refuses a question that says something twice. */
static void
assert_question(const char *want)
{
	cr_assert_str_eq(kit.question, want);
}

Test(token, policy_is_told_who_asks_for_what_and_how)
{
	const char *cookie = kit_sign_in();
	struct answer a;

	(void)kit_post("/oauth2/token", "grant_type=client_credentials&scope=read", kit_basic("worker", WORKER_SECRET));
	assert_question("principal=worker;resource=worker;audience=" ISSUER "/v1," ISSUER "/access/v1;scopes=read;client=worker;"
	    "subject_proof=self;client=worker;scopes=read;grant=client_credentials;address=10.0.0.7:4711;");
	lg_str code = kit_code("portal", "", cookie);
	assert_question("principal=alice;resource=portal;audience=" ISSUER ";scopes=openid,profile,email,groups;client=portal;"
	    "subject_proof=self;client=portal;scopes=openid,profile,email,groups;grant=authorization_code;" HOW("0"));
	a = kit_redeem("portal", code);
	assert_question("principal=alice;resource=portal;audience=" ISSUER ";scopes=openid,profile,email,groups;client=portal;"
	    "subject_proof=self;client=portal;scopes=openid,profile,email,groups;grant=authorization_code;" HOW("0"));
	kit.shift += 75 * LG_SECOND;
	(void)kit_refresh("portal", kit_member(a.body, "refresh_token"), "&scope=openid");
	assert_question("principal=alice;resource=portal;audience=" ISSUER ";scopes=openid;client=portal;"
	    "subject_proof=self;client=portal;scopes=openid;grant=refresh_token;" HOW("75"));
}

Test(token, a_keeper_that_is_gone_is_told_as_unavailable)
{
	kit.signer_error = LG_E_UNAVAILABLE;
	struct answer a = as_worker(CREDENTIALS);
	assert_oauth(a, 503, "temporarily_unavailable");
	cr_assert_str_eq(kit_header(&a, "Retry-After"), "1");
}

Test(token, malformed_requests)
{
	static const struct {
		const char *body, *error;
	} cases[] = {
		{ "", "invalid_request" },
		{ "grant_type=", "invalid_request" },
		{ "grant_type=implicit&username=a&password=b", "unsupported_grant_type" },
		{ "grant_type=authorization_code&code=x", "unauthorized_client" },
		{ CREDENTIALS "&grant_type=client_credentials", "invalid_request" },
		{ "grant_type=%zz", "invalid_request" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++)
		assert_oauth(as_worker(cases[i].body), 400, cases[i].error);
	assert_oauth(kit_send("POST", "/oauth2/token", LG_NONE, LG_STR("{}"), "Content-Type", "application/json", NULL), 400,
	    "invalid_request");
}

Test(token, secrets_in_the_form_are_as_good_as_basic)
{
	assert_status(kit_post("/oauth2/token",
	    CREDENTIALS "&client_id=worker&client_secret=worker%20secret%2B%25", NULL), 200);
}

Test(token, bad_clients_get_401_with_the_scheme)
{
	static const char *bodies[] = {
		CREDENTIALS,
		CREDENTIALS "&client_id=nobody&client_secret=x",
		CREDENTIALS "&client_id=worker",
		CREDENTIALS "&client_id=worker&client_secret=",
		CREDENTIALS "&client_id=worker&client_secret=wrong",
		CREDENTIALS "&client_id=spa&client_secret=x",
		CREDENTIALS "&client_id=robot&client_secret=x",
		CREDENTIALS "&client_id=bound",
	};

	for (size_t i = 0; i < LG_COUNT(bodies); i++) {
		struct answer a = kit_post("/oauth2/token", bodies[i], NULL);
		assert_oauth(a, 401, "invalid_client");
		cr_assert(strncmp(kit_header(&a, "WWW-Authenticate"), "Basic ", 6) == 0);
	}
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS, kit_basic("worker", "wrong")), 401, "invalid_client");
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS, "Basic !!!"), 401, "invalid_client");
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS, "Bearer abc"), 401, "invalid_client");
}

/* RFC 6749 2.3.1: it may be left out; some relying parties send it all the same. */
Test(token, an_empty_secret_of_a_public_client_is_none)
{
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS, kit_basic("spa", "")), 400, "unauthorized_client");
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS "&client_id=spa&client_secret=", NULL), 400, "unauthorized_client");
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS, kit_basic("spa", "x")), 401, "invalid_client");
}

Test(token, one_way_of_client_authentication_only)
{
	assert_oauth(as_worker(CREDENTIALS "&client_secret=x"), 400, "invalid_request");
	assert_oauth(as_worker(CREDENTIALS "&client_id=portal"), 400, "invalid_request");
	assert_status(as_worker(CREDENTIALS "&client_id=worker"), 200);
}

Test(token, a_client_whose_entry_is_gone_or_disabled_gets_nothing)
{
	kit.worker_gone = true;
	assert_oauth(as_worker(CREDENTIALS), 401, "invalid_client");
	kit.worker_gone = false;
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"enabled\":false}", NULL, "50000000-0000-4000-8000-000000000012");
	assert_oauth(as_worker(CREDENTIALS), 401, "invalid_client");
}

Test(token, grants_are_the_clients)
{
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS, kit_basic("portal", PORTAL_SECRET)), 400, "unauthorized_client");
}

/* ---- certificates (RFC 8705) ---------------------------------------------------------------------------- */

Test(token, a_client_known_by_its_certificate_gets_bound_tokens)
{
	struct lg_sts_bearer b;

	kit.peer_cert = LG_STR("cert:50000000-0000-4000-8000-000000000014");
	struct answer a = kit_post("/oauth2/token", CREDENTIALS "&client_id=bound", NULL);
	assert_status(a, 200);
	lg_str token = kit_member(a.body, "access_token");
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_str_eq(b.claims.cnf_x5t, sts_thumbprint(kit.arena, kit.peer_cert)));
	kit.peer_cert = LG_NONE;
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
	kit.peer_cert = LG_STR("cert:50000000-0000-4000-8000-000000000012");
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS "&client_id=bound", NULL), 401, "invalid_client");
	kit.peer_cert = LG_STR("cert:nobody");
	assert_oauth(kit_post("/oauth2/token", CREDENTIALS "&client_id=bound", NULL), 401, "invalid_client");
}

/* ---- assertions (RFC 7523) --------------------------------------------------------------------------------- */

#define JWT_BEARER "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static lg_str
assertion(const char *iss, const char *aud, long long life, const char *jti)
{
	long long now = (long long)(kit.cx.now / LG_SECOND);
	lg_str token = LG_NONE;

	cr_assert_eq(lg_jws_sign(&kit.cx, kit.client_key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_str_of(kit_fmt(
	    "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":%s,\"iat\":%lld,\"exp\":%lld%s}", iss, iss, aud, now, now + life, jti)),
	    &token), LG_OK);
	return token;
}

static struct answer
as_robot(lg_str token)
{
	return kit_post("/oauth2/token", kit_fmt(CREDENTIALS JWT_BEARER "&client_assertion=%.*s", LG_FMT(token)), NULL);
}

Test(token, an_assertion_is_good_once)
{
	lg_str token = assertion("robot", "\"" ISSUER "\"", 60, ",\"jti\":\"1\"");

	assert_status(as_robot(token), 200);
	assert_oauth(as_robot(token), 401, "invalid_client");
	assert_status(as_robot(assertion("robot", "\"" ISSUER "/oauth2/token\"", 60, ",\"jti\":\"2\"")), 200);
}

Test(token, an_assertion_must_say_the_right_things)
{
	assert_oauth(as_robot(assertion("robot", "\"https://else.example\"", 60, ",\"jti\":\"1\"")), 401, "invalid_client");
	assert_oauth(as_robot(assertion("robot", "[\"" ISSUER "\",\"https://else.example\"]", 60, ",\"jti\":\"1\"")), 401,
	    "invalid_client");
	assert_oauth(as_robot(assertion("robot", "\"" ISSUER "\"", 3600, ",\"jti\":\"1\"")), 401, "invalid_client");
	assert_oauth(as_robot(assertion("robot", "\"" ISSUER "\"", -300, ",\"jti\":\"1\"")), 401, "invalid_client");
	assert_oauth(as_robot(assertion("robot", "\"" ISSUER "\"", 60, "")), 401, "invalid_client");
	assert_oauth(as_robot(assertion("worker", "\"" ISSUER "\"", 60, ",\"jti\":\"1\"")), 401, "invalid_client");
	assert_oauth(as_robot(assertion("nobody", "\"" ISSUER "\"", 60, ",\"jti\":\"1\"")), 401, "invalid_client");
	assert_oauth(as_robot(LG_STR("a.b.c")), 401, "invalid_client");
	lg_str forged = kit_token("JWT", kit_c(kit_claims("")));
	assert_oauth(as_robot(forged), 401, "invalid_client");
}

Test(token, an_assertion_made_before_the_service_started_is_refused)
{
	kit.cx.now -= 90 * LG_SECOND;
	assert_oauth(as_robot(assertion("robot", "\"" ISSUER "\"", 200, ",\"jti\":\"1\"")), 401, "invalid_client");
}

Test(token, the_assertion_type_is_checked)
{
	lg_str token = assertion("robot", "\"" ISSUER "\"", 60, ",\"jti\":\"1\"");

	assert_oauth(kit_post("/oauth2/token", kit_fmt(CREDENTIALS "&client_assertion_type=saml&client_assertion=%.*s",
	    LG_FMT(token)), NULL), 400, "invalid_request");
}

/* ---- what the issuer says of itself ---------------------------------------------------------------------------- */

Test(token, discovery_is_the_same_at_both_paths_and_names_every_endpoint)
{
	struct answer a = kit_get("/.well-known/openid-configuration", "", NULL);
	struct answer b = kit_get("/.well-known/oauth-authorization-server", "", NULL);

	assert_status(a, 200);
	cr_assert(lg_str_eq(a.body, b.body));
	cr_assert(lg_str_eq(kit_member(a.body, "issuer"), LG_STR(ISSUER)));
	cr_assert(lg_str_eq(kit_member(a.body, "token_endpoint"), LG_STR(ISSUER "/oauth2/token")));
	cr_assert(lg_str_eq(kit_member(a.body, "code_challenge_methods_supported"), LG_STR("[\"S256\"]")));
	cr_assert(lg_str_eq(kit_member(a.body, "authorization_response_iss_parameter_supported"), LG_STR("true")));
	cr_assert(lg_str_eq(kit_member(kit_member(a.body, "mtls_endpoint_aliases"), "token_endpoint"),
	    LG_STR(ISSUER ":8444/oauth2/token")));
	cr_assert_str_eq(kit_header(&a, "Content-Type"), "application/json");
}

Test(token, what_is_published_has_a_tag_and_is_not_sent_twice)
{
	static const char *const paths[] = { "/oauth2/jwks", "/.well-known/openid-configuration" };

	for (size_t i = 0; i < LG_COUNT(paths); i++) {
		struct answer first = kit_get(paths[i], "", NULL), second = kit_get(paths[i], "", NULL);
		const char *tag = kit_header(&first, "ETag");

		assert_status(first, 200);
		cr_assert(lg_str_eq(first.body, second.body));
		cr_assert_str_eq(kit_header(&second, "ETag"), tag);
		cr_assert_eq(strlen(tag), 22);
		struct answer a = kit_send("GET", paths[i], LG_NONE, LG_NONE, "If-None-Match", kit_fmt("\"other\", W/%s", tag), NULL);
		assert_status(a, 304);
		cr_assert_eq(a.body.n, 0);
		a = kit_send("GET", paths[i], LG_NONE, LG_NONE, "If-None-Match", "\"other\"", NULL);
		assert_status(a, 200);
	}
}

Test(token, what_is_published_follows_keys_clients_and_tenant)
{
	const char *discovery = "/.well-known/openid-configuration";
	struct lg_keyset_key rsa = { .kid = LG_STR("rsa"), .alg = LG_ALG_RS256, .key = lg_key_public(kit.rsa) };
	lg_str keys = kit_get("/oauth2/jwks", "", NULL).body, before = kit_get(discovery, "", NULL).body, one;

	kit_client("{\"name\":\"old\",\"type\":\"confidential\",\"grants\":[\"password\"]}", "s", SPARE_ID);
	cr_assert(memmem(before.p, before.n, "\"password\"", 10) == NULL);
	one = kit_get(discovery, "", NULL).body;
	cr_assert(memmem(one.p, one.n, "\"password\"", 10) != NULL);
	kit.tenant = TENANT + 1;
	one = kit_get(discovery, "", NULL).body;
	cr_assert(memmem(one.p, one.n, "\"password\"", 10) == NULL);
	kit.tenant = TENANT;
	lg_keyset_unref(&kit.keys);
	kit.keys = lg_keyset_new(&rsa, 1);
	kit.keys_revision++;
	one = kit_get("/oauth2/jwks", "", NULL).body;
	cr_assert(!lg_str_eq(one, keys) && memmem(one.p, one.n, "\"ec\"", 4) == NULL);
}

Test(token, jwks_holds_public_keys_only)
{
	struct answer a = kit_get("/oauth2/jwks", "", NULL);

	assert_status(a, 200);
	cr_assert(strstr(kit_c(a.body), "\"kid\":\"ec\"") != NULL && strstr(kit_c(a.body), "\"kid\":\"rsa\"") != NULL);
	cr_assert(strstr(kit_c(a.body), "\"d\"") == NULL);
}

/* ---- keys that a client publishes ---------------------------------------------------------------------------------- */

#define ROBOT_KEYS "https://robot.example/jwks"

static const char *
signed_by(const struct lg_key *key, const char *kid)
{
	long long now = (long long)((kit.cx.now + kit.shift) / LG_SECOND);
	lg_str token = LG_NONE;

	cr_assert_eq(lg_jws_sign(&kit.cx, key, LG_ALG_ES256, "JWT", lg_str_of(kid), lg_print(kit.arena, "{\"iss\":\"robot\",\"sub\":\"robot\","
	    "\"aud\":\"" ISSUER "\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"%.*s\"}", now, now + 60, LG_FMT(lg_token_new(kit.arena))), &token), LG_OK);
	return kit_fmt("grant_type=client_credentials&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer"
	    "&client_assertion=%.*s", LG_FMT(token));
}

Test(token, published_keys_are_fetched_once_and_again_for_a_kid_that_is_new)
{
	kit_client("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"jwks_uri\":\"" ROBOT_KEYS "\"}", NULL,
	    "50000000-0000-4000-8000-000000000013");
	kit_web(ROBOT_KEYS, kit_jwks(kit.client_key, "k1", ""), 300);
	assert_status(kit_post("/oauth2/token", signed_by(kit.client_key, "k1"), NULL), 200);
	assert_status(kit_post("/oauth2/token", signed_by(kit.client_key, "k1"), NULL), 200);
	cr_assert_eq(atomic_load(&kit.asked), 1u);
	/* A kid that nobody has heard of costs one look every ten seconds, whatever is sent. */
	assert_oauth(kit_post("/oauth2/token", signed_by(kit.key, "k2"), NULL), 401, "invalid_client");
	assert_oauth(kit_post("/oauth2/token", signed_by(kit.key, "k2"), NULL), 401, "invalid_client");
	cr_assert_eq(atomic_load(&kit.asked), 1u);
	kit.shift = 11 * LG_SECOND;
	kit_web(ROBOT_KEYS, kit_jwks(kit.key, "k2", ""), 300);
	assert_status(kit_post("/oauth2/token", signed_by(kit.key, "k2"), NULL), 200);
	cr_assert_eq(atomic_load(&kit.asked), 2u);
	assert_oauth(kit_post("/oauth2/token", signed_by(kit.client_key, "k1"), NULL), 401, "invalid_client");
}

Test(token, published_keys_that_cannot_be_had_are_no_fault_of_the_client)
{
	kit_client("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"jwks_uri\":\"" ROBOT_KEYS "\"}", NULL,
	    "50000000-0000-4000-8000-000000000013");
	assert_oauth(kit_post("/oauth2/token", signed_by(kit.client_key, "k1"), NULL), 503, "temporarily_unavailable");
}
