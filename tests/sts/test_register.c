#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(registration, .init = kit_start, .fini = kit_end);

#define WEB "\"redirect_uris\":[\"" REDIRECT "\"]"

static struct answer
submit(const char *json, const char *authorization)
{
	return kit_send("POST", "/oauth2/register", LG_NONE, lg_str_of(json), "Content-Type", "application/json", "Authorization",
	    authorization == NULL ? "" : authorization, NULL);
}

static struct answer
manage(const char *method, const struct answer *of, const char *json, const char *token)
{
	return kit_send(method, kit_fmt("/oauth2/register/%.*s", LG_FMT(kit_member(of->body, "client_id"))), LG_NONE, lg_str_of(json),
	    "Authorization", kit_fmt("Bearer %s", token == NULL ? kit_c(kit_member(of->body, "registration_access_token")) : token), NULL);
}

static lg_str
admin_token(void)
{
	LG_AUTO(lg_secret_free) struct lg_secret s = lg_secret_copy(LG_STR("alice-password"));
	struct lg_peer peer = { .surface = LG_SURFACE_UNIX };
	struct lg_sts_session_token t;

	cr_assert_eq(lg_sts_issue_session_token(&kit.cx, kit.sts, TENANT, LG_STR("alice"), &s, LG_NONE, &peer, &t), LG_OK, "%s", kit.cx.error);
	return t.token;
}

static struct answer
registered(const char *json)
{
	struct answer a;

	kit.may_register = true;
	a = submit(json, NULL);
	assert_status(a, 201);
	return a;
}

Test(registration, policy_says_who_may)
{
	const char *json = "{" WEB "}";
	struct answer a = submit(json, NULL);

	assert_oauth(a, 401, "invalid_token");
	cr_assert(strstr(kit_header(&a, "WWW-Authenticate"), "Bearer") != NULL);
	assert_oauth(submit(json, "Bearer x.y.z"), 401, "invalid_token");
	assert_oauth(submit(json, "Basic eDp5"), 401, "invalid_token");
	a = submit(json, kit_fmt("Bearer %.*s", LG_FMT(admin_token())));
	assert_oauth(a, 403, "access_denied");
	kit.alice_may_register = true;
	a = submit(json, kit_fmt("Bearer %.*s", LG_FMT(admin_token())));
	assert_status(a, 201);
	assert_oauth(submit(json, NULL), 401, "invalid_token");
	kit.may_register = true;
	assert_status(submit(json, NULL), 201);
}

Test(registration, gives_what_the_client_needs_and_tells_its_metadata)
{
	struct answer a = registered("{" WEB ",\"client_name\":\"A shop\",\"contacts\":[\"ops@a.example\"],\"logo_uri\":\"https://a/l\","
	    "\"token_endpoint_auth_method\":\"client_secret_post\",\"grant_types\":[\"authorization_code\",\"refresh_token\"],"
	    "\"scope\":\"openid email wonders\",\"shoe_size\":44,\"client_name#de\":\"Laden\",\"tos_uri\":null}");
	struct answer code;
	const char *id = kit_c(kit_member(a.body, "client_id")), *secret = kit_c(kit_member(a.body, "client_secret"));

	cr_assert(kit_member(a.body, "client_id_issued_at").n > 9 && lg_str_eq(kit_member(a.body, "client_secret_expires_at"), LG_STR("0")));
	cr_assert(lg_str_eq(kit_member(a.body, "registration_client_uri"), lg_str_of(kit_fmt(ISSUER "/oauth2/register/%s", id))));
	cr_assert(lg_str_eq(kit_member(a.body, "client_name"), LG_STR("A shop")) && lg_str_eq(kit_member(a.body, "scope"), LG_STR("openid email")));
	cr_assert(lg_str_eq(kit_member(a.body, "token_endpoint_auth_method"), LG_STR("client_secret_post")));
	cr_assert(lg_str_eq(kit_member(a.body, "id_token_signed_response_alg"), LG_STR("RS256")));	/* the default, and there is a key */
	cr_assert_eq(kit_member(a.body, "shoe_size").n, 0);
	cr_assert_str_eq(kit_header(&a, "Cache-Control"), "no-store");
	/* Whoever registered itself gets nothing of a person who was not asked. */
	const char *cookie = kit_sign_in();
	const char *query = kit_fmt("response_type=code&client_id=%s&scope=openid&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb", id);
	code = kit_get("/oauth2/authorize", query, cookie);
	assert_status(code, 200);
	code = kit_allow(&code, query, cookie);
	code = kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb"
	    "&client_id=%s&client_secret=%s", LG_FMT(kit_parameter(kit_header(&code, "Location"), "code")), id, secret), NULL);
	assert_status(code, 200);
}

Test(registration, refuses_by_the_names_of_the_standard)
{
	static const struct {
		const char *members, *error;
	} cases[] = {
		{ "", "invalid_redirect_uri" }, { "\"redirect_uris\":[]", "invalid_redirect_uri" },
		{ "\"redirect_uris\":[\"https://a/#f\"]", "invalid_redirect_uri" }, { "\"redirect_uris\":[\"javascript:alert(1)\"]", "invalid_redirect_uri" },
		{ "\"redirect_uris\":[\"http://a/\"]", "invalid_redirect_uri" }, { "\"redirect_uris\":[\"myapp:/cb\"]", "invalid_redirect_uri" },
		{ WEB ",\"redirect_uris\":[]", "invalid_client_metadata" },
		{ WEB ",\"application_type\":\"toaster\"", "invalid_client_metadata" },
		{ WEB ",\"software_statement\":\"x.y.z\"", "unapproved_software_statement" },
		{ WEB ",\"grant_types\":[\"client_credentials\"]", "invalid_client_metadata" },
		{ WEB ",\"grant_types\":[\"password\"]", "invalid_client_metadata" }, { WEB ",\"grant_types\":[\"implicit\"]", "invalid_client_metadata" },
		{ WEB ",\"response_types\":[\"token\"]", "invalid_client_metadata" }, { WEB ",\"subject_type\":\"pairwise\"", "invalid_client_metadata" },
		{ WEB ",\"token_endpoint_auth_method\":\"client_secret_jwt\"", "invalid_client_metadata" },
		{ WEB ",\"token_endpoint_auth_method\":\"tls_client_auth\"", "invalid_client_metadata" },
		{ WEB ",\"tls_client_auth_san_dns\":\"a.example\"", "invalid_client_metadata" },
		{ WEB ",\"token_endpoint_auth_method\":\"tls_client_auth\",\"tls_client_auth_san_dns\":\"a\",\"tls_client_auth_san_ip\":\"::1\"",
			"invalid_client_metadata" },
		{ WEB ",\"token_endpoint_auth_method\":\"private_key_jwt\"", "invalid_client_metadata" },
		{ WEB ",\"id_token_signed_response_alg\":\"none\"", "invalid_client_metadata" },
		{ WEB ",\"userinfo_signed_response_alg\":\"HS256\"", "invalid_client_metadata" },
		{ WEB ",\"id_token_encrypted_response_alg\":\"RSA-OAEP\"", "invalid_client_metadata" },
		{ WEB ",\"jwks\":{\"keys\":[]},\"jwks_uri\":\"https://a/\"", "invalid_client_metadata" },
		{ WEB ",\"logo_uri\":\"javascript:x\"", "invalid_client_metadata" }, { WEB ",\"client_name\":7", "invalid_client_metadata" },
		{ WEB ",\"sector_identifier_uri\":\"https://nobody/\"", "invalid_client_metadata" },
	};

	kit.may_register = true;
	for (size_t i = 0; i < LG_COUNT(cases); i++)
		assert_oauth(submit(kit_fmt("{%s}", cases[i].members), NULL), 400, cases[i].error);
	assert_oauth(submit("[]", NULL), 400, "invalid_client_metadata");
	assert_oauth(submit("x", NULL), 400, "invalid_client_metadata");
	assert_status(submit("{\"application_type\":\"web\",\"token_endpoint_auth_method\":\"none\","
	    "\"redirect_uris\":[\"http://127.0.0.1/cb\",\"com.example.app:/cb\",\"https://a/cb\"]}", NULL), 201);
}

Test(registration, a_sector_lists_the_redirect_uris)
{
	kit.may_register = true;
	kit_web("https://app.example/sector", "[\"https://other/\",\"" REDIRECT "\"]", 0);
	assert_status(submit("{" WEB ",\"sector_identifier_uri\":\"https://app.example/sector\"}", NULL), 201);
	kit_web("https://app.example/sector", "[\"https://other/\"]", 0);
	assert_oauth(submit("{" WEB ",\"sector_identifier_uri\":\"https://app.example/sector\"}", NULL), 400, "invalid_client_metadata");
}

/* Else anybody could have things fetched, and keep workers waiting for servers that do not answer. */
Test(registration, nothing_is_fetched_for_whom_policy_refuses)
{
	kit_web("https://app.example/sector", "[\"" REDIRECT "\"]", 0);
	assert_oauth(submit("{" WEB ",\"sector_identifier_uri\":\"https://app.example/sector\"}", NULL), 401, "invalid_token");
	cr_assert_eq(atomic_load(&kit.asked), 0);
	kit.may_register = true;
	assert_status(submit("{" WEB ",\"sector_identifier_uri\":\"https://app.example/sector\"}", NULL), 201);
	cr_assert_eq(atomic_load(&kit.asked), 1);
}

Test(registration, so_many_wait_for_other_servers_and_no_more)
{
	kit.may_register = true;
	kit_web("https://app.example/sector", "[\"" REDIRECT "\"]", 0);
	kit.sts->outside_waiting = STS_OUTSIDE_AT_ONCE;
	assert_oauth(submit("{" WEB ",\"sector_identifier_uri\":\"https://app.example/sector\"}", NULL), 503, "temporarily_unavailable");
	cr_assert_eq(atomic_load(&kit.asked), 0);
	kit.sts->outside_waiting--;
	assert_status(submit("{" WEB ",\"sector_identifier_uri\":\"https://app.example/sector\"}", NULL), 201);
}

Test(registration, is_read_with_its_own_token_alone)
{
	struct answer a = registered("{" WEB ",\"client_name\":\"A shop\"}"), b = registered("{" WEB "}"), got;

	got = manage("GET", &a, "", NULL);
	assert_status(got, 200);
	cr_assert(lg_str_eq(kit_member(got.body, "client_name"), LG_STR("A shop")));
	cr_assert(lg_str_eq(kit_member(got.body, "registration_access_token"), kit_member(a.body, "registration_access_token")));
	cr_assert_eq(kit_member(got.body, "client_secret").n, 0);	/* nobody can tell it any more */
	assert_oauth(manage("GET", &a, "", kit_c(kit_member(b.body, "registration_access_token"))), 401, "invalid_token");
	assert_oauth(manage("GET", &a, "", ""), 401, "invalid_token");
	assert_oauth(kit_send("GET", "/oauth2/register/portal", LG_NONE, LG_NONE, "Authorization", "Bearer x", NULL), 401, "invalid_token");
	assert_oauth(kit_send("GET", "/oauth2/register/nobody", LG_NONE, LG_NONE, "Authorization", "Bearer x", NULL), 401, "invalid_token");
}

static struct answer
credentials(const char *id, const char *secret)
{
	return kit_post("/oauth2/introspect", "token=x", kit_basic(id, secret));
}

Test(registration, an_update_replaces_and_may_turn_the_secret)
{
	struct answer a = registered("{" WEB ",\"client_name\":\"A shop\"}"), b;
	const char *id = kit_c(kit_member(a.body, "client_id")), *secret = kit_c(kit_member(a.body, "client_secret"));

	assert_oauth(manage("PUT", &a, "{" WEB "}", NULL), 400, "invalid_client_metadata");
	assert_oauth(manage("PUT", &a, "{" WEB ",\"client_id\":\"portal\"}", NULL), 400, "invalid_client_metadata");
	assert_oauth(manage("PUT", &a, kit_fmt("{" WEB ",\"client_id\":\"%s\",\"client_secret\":\"x\"}", id), NULL), 400, "invalid_client_metadata");
	b = manage("PUT", &a, kit_fmt("{" WEB ",\"client_id\":\"%s\",\"client_secret\":\"%s\"}", id, secret), NULL);
	assert_status(b, 200);
	cr_assert(kit_member(b.body, "client_name").n == 0 && kit_member(b.body, "client_secret").n == 0);
	assert_status(credentials(id, secret), 200);
	b = manage("PUT", &a, kit_fmt("{" WEB ",\"client_id\":\"%s\"}", id), NULL);
	assert_status(b, 200);
	assert_status(credentials(id, secret), 401);
	assert_status(credentials(id, kit_c(kit_member(b.body, "client_secret"))), 200);
}

Test(registration, what_was_deleted_is_gone)
{
	struct answer a = registered("{" WEB "}");

	assert_status(manage("DELETE", &a, "", NULL), 204);
	cr_assert_eq(kit.clients_gone, 1);
	assert_oauth(manage("GET", &a, "", NULL), 401, "invalid_token");
	assert_status(credentials(kit_c(kit_member(a.body, "client_id")), kit_c(kit_member(a.body, "client_secret"))), 401);
}

Test(registration, clients_are_bounded)
{
	registered("{" WEB "}");
	kit_fill(&sts_clients, STS_CLIENTS - 1);
	registered("{" WEB "}");
	struct answer a = submit("{" WEB "}", NULL);
	cr_assert_eq(a.status, 503, "%d %.*s", a.status, LG_FMT(a.body));
	/* By an administrator's hand there may be more. */
	kit_client("{\"name\":\"more\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"]}", PORTAL_SECRET,
	    "c0000000-0000-4000-8000-000000000011");
}

/* RFC 8705 2.1.2: one of five, which is kept and told back. */
Test(registration, a_client_names_the_certificate_that_it_will_show)
{
	static const char *const names[][2] = {
		{ "tls_client_auth_subject_dn", "CN=a,O=b" }, { "tls_client_auth_san_dns", "a.example" }, { "tls_client_auth_san_ip", "10.0.0.7" },
		{ "tls_client_auth_san_uri", "spiffe://a.example/service/x" }, { "tls_client_auth_san_email", "a@b" },
	};

	kit.may_register = true;
	for (size_t i = 0; i < LG_COUNT(names); i++) {
		struct answer a = submit(kit_fmt("{" WEB ",\"token_endpoint_auth_method\":\"tls_client_auth\",\"%s\":\"%s\"}", names[i][0], names[i][1]), NULL);

		assert_status(a, 201);
		cr_assert(lg_str_eq(kit_member(a.body, names[i][0]), lg_str_of(names[i][1])), "%.*s", LG_FMT(a.body));
		cr_assert(lg_str_eq(kit_member(a.body, "token_endpoint_auth_method"), LG_STR("tls_client_auth")));
		cr_assert(kit_member(a.body, "client_secret").n == 0);
	}
}
