#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(claims, .init = kit_start, .fini = kit_end);

/* A client that may have every scope, and wants its userinfo signed. */
static void
make_clients(void)
{
	kit_client("{\"name\":\"worker\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],\"introspect\":true,"
	    "\"scopes\":[\"openid\",\"profile\",\"email\",\"phone\",\"address\",\"groups\"]}", WORKER_SECRET,
	    "50000000-0000-4000-8000-000000000012");
	kit_client("{\"name\":\"bound\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],\"userinfo_alg\":\"RS256\","
	    "\"introspection_alg\":\"RS256\"}", "s", "50000000-0000-4000-8000-000000000014");
}

static const char *
query(const char *client, const char *scope, const char *more)
{
	return kit_fmt("response_type=code&client_id=%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&scope=%s%s", client, scope, more);
}

static struct answer
tokens(const char *client, const char *secret, const char *scope, const char *more)
{
	struct answer a = kit_get("/oauth2/authorize", query(client, scope, more), kit_sign_in());

	assert_status(a, 303);
	a = kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb",
	    LG_FMT(kit_parameter(kit_header(&a, "Location"), "code"))), kit_basic(client, secret));
	assert_status(a, 200);
	return a;
}

static struct answer
userinfo(const struct answer *t)
{
	return kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization",
	    kit_fmt("Bearer %.*s", LG_FMT(kit_member(t->body, "access_token"))), NULL);
}

static const char *
claims_of(const char *json)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(32u << 10);

	lg_buf_percent(&b, lg_str_of(json));
	return kit_fmt("&claims=%.*s", LG_FMT(lg_buf_view(&b)));
}

static const char *
error_of(const char *claims, const char *more)
{
	struct answer a = kit_get("/oauth2/authorize", query("worker", "openid", kit_fmt("%s%s", claims_of(claims), more)), kit_sign_in());

	assert_status(a, 303);
	return kit_c(kit_parameter(kit_header(&a, "Location"), "error"));
}

Test(claims, every_scope_stands_for_its_claims)
{
	static const struct {
		const char *scope, *json;
	} cases[] = {
		{ "profile", "\"name\":\"Alice Example\",\"preferred_username\":\"alice\",\"given_name\":\"Alice\",\"family_name\":\"Example\","
		    "\"updated_at\":1700000000" },
		{ "email", "\"email\":\"alice@example.org\",\"email_verified\":false" },
		{ "phone", "\"phone_number\":\"+1 555 0100\"" },
		{ "address", "\"address\":{\"street_address\":\"1 Main Street\",\"locality\":\"Springfield\"}" },
		{ "groups", "\"groups\":[\"staff\",\"shop-operators\"]" },
	};

	make_clients();
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct answer t = tokens("worker", WORKER_SECRET, kit_fmt("openid%%20%s", cases[i].scope), "");
		struct answer a = userinfo(&t);

		assert_status(a, 200);
		cr_assert(lg_str_eq(a.body, lg_str_of(kit_fmt("{\"sub\":\"" ALICE_ID "\",%s}", cases[i].json))), "%.*s", LG_FMT(a.body));
	}
}

Test(claims, are_told_where_they_were_asked_for)
{
	struct answer t, a;
	lg_str id;

	make_clients();
	t = tokens("worker", WORKER_SECRET, "openid", claims_of("{\"userinfo\":{\"email\":{\"essential\":true},\"shoe_size\":null,"
	    "\"given_name\":{\"value\":\"Alice\"}},\"id_token\":{\"phone_number\":null,\"auth_time\":{\"essential\":true}},\"other\":{}}"));
	id = kit_payload(kit_member(t.body, "id_token"));
	cr_assert(lg_str_eq(kit_member(id, "phone_number"), LG_STR("+1 555 0100")) && kit_member(id, "auth_time").n > 0);
	cr_assert(kit_member(id, "email").n == 0 && kit_member(id, "given_name").n == 0 && kit_member(id, "name").n == 0);
	a = userinfo(&t);
	cr_assert(lg_str_eq(a.body, LG_STR("{\"sub\":\"" ALICE_ID "\",\"given_name\":\"Alice\",\"email\":\"alice@example.org\"}")), "%.*s",
	    LG_FMT(a.body));
}

Test(claims, are_told_again_after_a_refresh)
{
	struct answer t, a;

	make_clients();
	t = tokens("worker", WORKER_SECRET, "openid", claims_of("{\"userinfo\":{\"email\":null},\"id_token\":{\"given_name\":null}}"));
	t = kit_post("/oauth2/token", kit_fmt("grant_type=refresh_token&refresh_token=%.*s", LG_FMT(kit_member(t.body, "refresh_token"))),
	    kit_basic("worker", WORKER_SECRET));
	assert_status(t, 200);
	a = userinfo(&t);
	cr_assert(lg_str_eq(kit_member(a.body, "email"), LG_STR("alice@example.org")));
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(t.body, "id_token")), "given_name"), LG_STR("Alice")));
}

Test(claims, malformed_and_oversized_ones_are_refused)
{
	static const char *bad[] = {
		"x", "[]", "{\"userinfo\":1}", "{\"userinfo\":{\"email\":1}}", "{\"userinfo\":{\"email\":{\"essential\":\"yes\"}}}",
		"{\"id_token\":{\"acr\":{\"values\":\"x\"}}}", "{\"userinfo\":{},\"userinfo\":{}}",
	};
	char longer[5000];

	make_clients();
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_str_eq(error_of(bad[i], ""), "invalid_request", "%s", bad[i]);
	memset(longer, ' ', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	cr_assert_str_eq(error_of(kit_fmt("{%s}", longer), ""), "invalid_request");
}

Test(claims, a_sub_that_was_asked_for_must_be_who_is_signed_in)
{
	struct answer a;

	make_clients();
	cr_assert_str_eq(error_of("{\"id_token\":{\"sub\":{\"value\":\"" ALICE_ID "\"}}}", "&prompt=none"), "");
	cr_assert_str_eq(error_of("{\"id_token\":{\"sub\":{\"value\":\"ca401000-0000-4000-8000-000000000003\"}}}", "&prompt=none"), "login_required");
	cr_assert_str_eq(error_of("{\"id_token\":{\"sub\":{\"value\":\"somebody\"}}}", ""), "login_required");
	a = kit_get("/oauth2/authorize", query("worker", "openid", claims_of("{\"id_token\":{\"sub\":"
	    "{\"value\":\"ca401000-0000-4000-8000-000000000003\"}}}")), kit_sign_in());
	assert_status(a, 200);		/* the sign-in page: whoever comes may be the one */
}

Test(claims, an_essential_acr_is_met_or_there_is_no_answer)
{
	make_clients();
	cr_assert_str_eq(error_of("{\"id_token\":{\"acr\":{\"essential\":true,\"value\":\"urn:lightgate:acr:password\"}}}", "&prompt=none"), "");
	cr_assert_str_eq(error_of("{\"id_token\":{\"acr\":{\"essential\":true,\"values\":[\"gold\",\"urn:lightgate:acr:mfa\"]}}}", "&prompt=none"),
	    "login_required");
	cr_assert_str_eq(error_of("{\"id_token\":{\"acr\":{\"essential\":true,\"values\":[\"gold\"]}}}", "&prompt=none"), "unmet_authentication_requirements");
	/* A wish is none. */
	cr_assert_str_eq(error_of("{\"id_token\":{\"acr\":{\"values\":[\"gold\"]}}}", "&prompt=none"), "");
	cr_assert_str_eq(error_of("{}", "&prompt=none&acr_values=gold%20urn%3Alightgate%3Aacr%3Apassword"), "");
}

Test(claims, signed_userinfo_is_for_its_client)
{
	struct answer t, a;
	struct lg_jws jws;

	make_clients();
	t = tokens("bound", "s", "openid%20email", "");
	a = userinfo(&t);
	assert_status(a, 200);
	cr_assert_str_eq(kit_header(&a, "Content-Type"), "application/jwt");
	cr_assert_eq(lg_jws_verify(&kit.cx, a.body, kit.keys, "JWT", &jws), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(jws.alg, LG_ALG_RS256);
	cr_assert(lg_str_eq(kit_member(jws.payload, "sub"), LG_STR(ALICE_ID)) && lg_str_eq(kit_member(jws.payload, "iss"), LG_STR(ISSUER)));
	cr_assert(lg_str_eq(kit_member(jws.payload, "aud"), LG_STR("[\"bound\"]")));
	cr_assert(lg_str_eq(kit_member(jws.payload, "email"), LG_STR("alice@example.org")));
	kit.no_rs256 = true;
	assert_oauth(userinfo(&t), 503, "temporarily_unavailable");
}

static struct answer
introspect(lg_str token, const char *client, const char *secret, const char *accept)
{
	return kit_send("POST", "/oauth2/introspect", LG_NONE, lg_print(kit.arena, "token=%.*s", LG_FMT(token)), "Content-Type",
	    "application/x-www-form-urlencoded", "Authorization", kit_basic(client, secret), "Accept", accept, NULL);
}

Test(claims, introspection_is_signed_for_who_asks_for_it)
{
	struct answer t, a;
	struct lg_jws jws;
	lg_str inner;

	make_clients();
	t = tokens("bound", "s", "openid", "");
	a = introspect(kit_member(t.body, "access_token"), "bound", "s", "text/html, application/token-introspection+jwt");
	assert_status(a, 200);
	cr_assert_str_eq(kit_header(&a, "Content-Type"), "application/token-introspection+jwt");
	cr_assert_eq(lg_jws_verify(&kit.cx, a.body, kit.keys, "token-introspection+jwt", &jws), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(jws.alg, LG_ALG_RS256);
	cr_assert(lg_str_eq(kit_member(jws.payload, "aud"), LG_STR("[\"bound\"]")) && kit_member(jws.payload, "iat").n > 0);
	cr_assert(kit_member(jws.payload, "sub").n == 0 && kit_member(jws.payload, "exp").n == 0);
	inner = kit_member(jws.payload, "token_introspection");
	cr_assert(lg_str_eq(kit_member(inner, "active"), LG_STR("true")) && lg_str_eq(kit_member(inner, "sub"), LG_STR(ALICE_ID)));
	a = introspect(LG_STR("x.y.z"), "worker", WORKER_SECRET, "application/token-introspection+jwt");
	cr_assert_eq(lg_jws_verify(&kit.cx, a.body, kit.keys, "token-introspection+jwt", &jws), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(jws.alg, LG_ALG_ES256);
	cr_assert(lg_str_eq(kit_member(jws.payload, "token_introspection"), LG_STR("{\"active\":false}")));
	a = introspect(kit_member(t.body, "access_token"), "bound", "s", "application/json");
	cr_assert_str_eq(kit_header(&a, "Content-Type"), "application/json");
	assert_oauth(introspect(LG_STR("x"), "bound", "wrong", "application/token-introspection+jwt"), 401, "invalid_client");
}
