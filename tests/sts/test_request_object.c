#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(request_object, .init = kit_start, .fini = kit_end);

/* A client that has a secret, and keys to sign its requests with. */
static void
make_client(const char *more)
{
	kit_client(kit_fmt("{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],"
	    "\"audiences\":[\"https://a.example\",\"https://b.example\"],\"jwks\":%s%s}", kit_jwks(kit.client_key, "k1", ""), more), PORTAL_SECRET,
	    "c0000000-0000-4000-8000-000000000010");
}

#define PARAMETERS "\"response_type\":\"code\",\"redirect_uri\":\"" REDIRECT "\",\"scope\":\"openid email\",\"state\":\"inside\"," \
	"\"nonce\":\"n\",\"max_age\":600"

static const char *
sign(const struct lg_key *key, enum lg_alg alg, const char *typ, const char *claims)
{
	lg_str token = LG_NONE;

	cr_assert_eq(lg_jws_sign(&kit.cx, key, alg, typ, LG_STR("k1"), lg_str_of(claims), &token), LG_OK, "%s", kit.cx.error);
	return kit_c(token);
}

static const char *
claims(const char *head, long long from_now, const char *tail)
{
	return kit_fmt("{%s,\"exp\":%lld%s}", head, (long long)(kit.cx.now / LG_SECOND) + from_now, tail);
}

#define HEAD "\"iss\":\"portal\",\"aud\":\"" ISSUER "\",\"client_id\":\"portal\""

static const char *
good(void)
{
	return sign(kit.client_key, LG_ALG_ES256, "oauth-authz-req+jwt", claims(HEAD, 300, "," PARAMETERS));
}

static struct answer
ask(const char *object, const char *beside)
{
	return kit_get("/oauth2/authorize", kit_fmt("client_id=portal&request=%s%s", object, beside), kit_sign_in());
}

static const char *
error_of(const struct answer *a)
{
	return kit_c(kit_parameter(kit_header(a, "Location"), "error"));
}

Test(request_object, all_parameters_come_from_it)
{
	struct answer a;

	make_client("");
	a = ask(good(), "&state=outside&scope=openid%20groups&redirect_uri=https%3A%2F%2Fevil.example&nonce=evil");
	assert_status(a, 303);
	cr_assert(lg_str_starts(lg_str_of(kit_header(&a, "Location")), LG_STR(REDIRECT "?")));
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "state"), LG_STR("inside")));
	a = kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb",
	    LG_FMT(kit_parameter(kit_header(&a, "Location"), "code"))), kit_basic("portal", PORTAL_SECRET));
	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "scope"), LG_STR("openid email")));
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "id_token")), "nonce"), LG_STR("n")));
	/* Both names of the type are good (RFC 9101 10.8). */
	a = ask(sign(kit.client_key, LG_ALG_ES256, "JWT", claims(HEAD, 300, "," PARAMETERS)), "");
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
}

Test(request_object, its_members_may_be_more_than_texts)
{
	struct answer a;

	make_client("");
	a = ask(sign(kit.client_key, LG_ALG_ES256, "oauth-authz-req+jwt", claims(HEAD, 300, "," PARAMETERS
	    ",\"claims\":{\"id_token\":{\"given_name\":null}},\"resource\":[\"https://a.example\",\"https://b.example\"]")), "");
	assert_status(a, 303);
	a = kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb",
	    LG_FMT(kit_parameter(kit_header(&a, "Location"), "code"))), kit_basic("portal", PORTAL_SECRET));
	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "id_token")), "given_name"), LG_STR("Alice")));
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "aud"),
	    LG_STR("[\"https://a.example\",\"https://b.example\",\"" ISSUER "\"]")));
}

Test(request_object, what_is_not_wholly_right_is_refused)
{
	static const char *heads[] = {
		"\"aud\":\"" ISSUER "\",\"client_id\":\"portal\"", "\"iss\":\"spa\",\"aud\":\"" ISSUER "\",\"client_id\":\"portal\"",
		"\"iss\":\"portal\",\"client_id\":\"portal\"", "\"iss\":\"portal\",\"aud\":\"https://else\",\"client_id\":\"portal\"",
		"\"iss\":\"portal\",\"aud\":\"" ISSUER "\"", "\"iss\":\"portal\",\"aud\":\"" ISSUER "\",\"client_id\":\"spa\"",
		HEAD ",\"request\":\"x\"", HEAD ",\"request_uri\":\"https://a\"", HEAD ",\"nbf\":99999999999",
	};
	struct answer a;

	make_client("");
	for (size_t i = 0; i < LG_COUNT(heads); i++) {
		a = ask(sign(kit.client_key, LG_ALG_ES256, "oauth-authz-req+jwt", claims(heads[i], 300, "," PARAMETERS)), "&redirect_uri=" REDIRECT);
		cr_assert_str_eq(error_of(&a), "invalid_request_object", "%s", heads[i]);
	}
	static const long long lives[] = { -300, 3800 };
	for (size_t i = 0; i < LG_COUNT(lives); i++) {
		a = ask(sign(kit.client_key, LG_ALG_ES256, "oauth-authz-req+jwt", claims(HEAD, lives[i], "," PARAMETERS)), "&redirect_uri=" REDIRECT);
		cr_assert_str_eq(error_of(&a), "invalid_request_object", "%lld", lives[i]);
	}
	a = ask(sign(kit.client_key, LG_ALG_ES256, "oauth-authz-req+jwt", "{" HEAD "," PARAMETERS "}"), "&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "invalid_request_object", "no exp");
	a = ask(sign(kit.client_key, LG_ALG_ES256, "at+jwt", claims(HEAD, 300, "," PARAMETERS)), "&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "invalid_request_object", "typ");
	a = ask(sign(kit.key, LG_ALG_ES256, "oauth-authz-req+jwt", claims(HEAD, 300, "," PARAMETERS)), "&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "invalid_request_object", "another's key");
	a = ask(kit_fmt("%.*s.", (int)(strrchr(good(), '.') - good()), good()), "&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "invalid_request_object", "no signature");
}

/* {"alg":"none"} in front of the same claims; and an error is told only where it may be told. */
Test(request_object, without_a_signature_it_is_nothing)
{
	lg_str payload = lg_base64url(kit.arena, lg_str_of(claims(HEAD, 300, "," PARAMETERS)));
	static const char *headers[] = { "{\"alg\":\"none\"}", "{\"alg\":\"None\",\"kid\":\"k1\"}", "{\"alg\":\"nOnE\",\"typ\":\"oauth-authz-req+jwt\"}" };
	struct answer a;

	make_client("");
	for (size_t i = 0; i < LG_COUNT(headers); i++) {
		const char *object = kit_fmt("%.*s.%.*s.", LG_FMT(lg_base64url(kit.arena, lg_str_of(headers[i]))), LG_FMT(payload));

		a = ask(object, "&redirect_uri=" REDIRECT "&state=s");
		cr_assert_str_eq(error_of(&a), "invalid_request_object", "%s", headers[i]);
		cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "state"), LG_STR("s")));
		a = ask(object, "");
		assert_status(a, 400);
		cr_assert_str_eq(kit_header(&a, "Location"), "");
	}
}

Test(request_object, the_algorithm_is_the_registered_one)
{
	struct answer a;

	make_client(",\"request_object_alg\":\"PS256\"");
	a = ask(good(), "&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "invalid_request_object");
	make_client(",\"request_object_alg\":\"ES256\"");
	a = ask(good(), "&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "");
}

Test(request_object, a_client_without_keys_cannot_send_one)
{
	struct answer a = kit_get("/oauth2/authorize", kit_fmt("client_id=spa&request=%s&redirect_uri=" REDIRECT, good()), kit_sign_in());

	cr_assert_str_eq(error_of(&a), "invalid_request_object");
}

Test(request_object, a_client_that_has_to_sign_cannot_do_otherwise)
{
	struct answer a;

	make_client(",\"require_signed_request_object\":true");
	a = kit_get("/oauth2/authorize", kit_authorize_query("portal", ""), kit_sign_in());
	cr_assert_str_eq(error_of(&a), "invalid_request");
	assert_oauth(kit_post("/oauth2/par", kit_authorize_query("portal", ""), kit_basic("portal", PORTAL_SECRET)), 400, "invalid_request");
	a = ask(good(), "");
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
}

/* RFC 9126 3: judged when it is pushed; what comes of it then lives as long as a pushed request. */
Test(request_object, may_be_pushed)
{
	const char *uri;
	struct answer a;

	make_client(",\"require_signed_request_object\":true");
	a = kit_post("/oauth2/par", kit_fmt("request=%s&state=outside", sign(kit.client_key, LG_ALG_ES256, "oauth-authz-req+jwt",
	    claims(HEAD, -50, "," PARAMETERS))), kit_basic("portal", PORTAL_SECRET));
	assert_status(a, 201);
	uri = kit_c(kit_member(a.body, "request_uri"));
	kit.shift = 30 * LG_SECOND;		/* the object is over, the pushed request is not */
	a = kit_get("/oauth2/authorize", kit_fmt("client_id=portal&request_uri=%s", uri), kit_sign_in());
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "state"), LG_STR("inside")));
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
	kit.shift = 0;
	assert_oauth(kit_post("/oauth2/par", kit_fmt("request=%s", sign(kit.key, LG_ALG_ES256, "oauth-authz-req+jwt",
	    claims(HEAD, 300, "," PARAMETERS))), kit_basic("portal", PORTAL_SECRET)), 400, "invalid_request_object");
}

Test(request_object, and_request_uri_exclude_each_other)
{
	struct answer a;

	make_client("");
	a = ask(good(), "&request_uri=https%3A%2F%2Fa.example%2Fr&redirect_uri=" REDIRECT);
	cr_assert_str_eq(error_of(&a), "invalid_request");
}

/* ---- request_uri --------------------------------------------------------------------------------------------- */

#define URI "https://app.example/request"

static struct answer
come(const char *uri, const char *beside, const char *cookie)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);

	lg_buf_percent(&b, lg_str_of(uri));
	return kit_get("/oauth2/authorize", kit_fmt("client_id=portal&request_uri=%.*s%s", LG_FMT(lg_buf_view(&b)), beside), cookie);
}

Test(request_object, is_fetched_from_a_registered_address)
{
	const char *cookie = kit_sign_in();
	struct answer a;

	make_client(",\"request_uris\":[\"" URI "\"]");
	kit_web(URI, good(), 0);
	a = come(URI, "&state=outside", cookie);
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "state"), LG_STR("inside")));
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
	/* The sign-in page goes on with the object that was there. */
	a = come(URI, "", NULL);
	assert_status(a, 200);
	cr_assert(memmem(a.body.p, a.body.n, "request=", 8) != NULL && memmem(a.body.p, a.body.n, "request_uri=", 12) == NULL);
}

Test(request_object, an_address_that_was_not_registered_is_not_looked_at)
{
	static const char *others[] = { URI "2", "https://app.example/", URI "#x", "http://app.example/request", "https://evil.example/" };
	const char *cookie = kit_sign_in();
	unsigned before;

	make_client(",\"request_uris\":[\"" URI "\"]");
	before = atomic_load(&kit.asked);
	for (size_t i = 0; i < LG_COUNT(others); i++) {
		struct answer a = come(others[i], "&response_type=code&redirect_uri=" REDIRECT, cookie);

		cr_assert_str_eq(error_of(&a), "invalid_request_uri", "%s", others[i]);
	}
	cr_assert_eq(atomic_load(&kit.asked), before);
}

Test(request_object, behind_an_address_must_be_the_one_that_its_digest_says)
{
	const char *object = good(), *cookie = kit_sign_in();
	lg_sha256 h = lg_sha256_of(lg_str_of(object));
	const char *uri = kit_fmt(URI "#%.*s", LG_FMT(lg_base64url(kit.arena, lg_sha256_str(&h))));
	struct answer a;

	make_client(kit_fmt(",\"request_uris\":[\"%s\"]", uri));
	kit_web(URI, object, 0);
	a = come(uri, "", cookie);
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
	kit_web(URI, good(), 0);		/* another one: ES256 signatures differ */
	a = come(uri, "", cookie);
	assert_status(a, 400);
	atomic_store(&kit.web_fails, true);
	a = come(uri, "", cookie);
	assert_status(a, 400);
	cr_assert_str_eq(kit_header(&a, "Location"), "");
}

/* ---- jwks_uri ------------------------------------------------------------------------------------------------- */

#define JWKS "https://app.example/jwks"

static void
publishing_client(void)
{
	kit_client("{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],\"jwks_uri\":\"" JWKS "\"}",
	    PORTAL_SECRET, "c0000000-0000-4000-8000-000000000010");
}

Test(request_object, is_verified_by_published_keys)
{
	const char *cookie = kit_sign_in();
	struct answer a;

	publishing_client();
	kit_web(JWKS, kit_jwks(kit.client_key, "k1", ""), 300);
	a = kit_get("/oauth2/authorize", kit_fmt("client_id=portal&request=%s", good()), cookie);
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
	/* On a loop too: the request begins anew when they are there. */
	assert_status(kit_post("/oauth2/par", kit_fmt("request=%s", good()), kit_basic("portal", PORTAL_SECRET)), 201);
	cr_assert_eq(atomic_load(&kit.asked), 1u);
}

Test(request_object, of_a_client_whose_keys_cannot_be_had_is_refused)
{
	struct answer a;

	publishing_client();
	atomic_store(&kit.web_fails, true);
	a = kit_get("/oauth2/authorize", kit_fmt("client_id=portal&request=%s&redirect_uri=" REDIRECT, good()), kit_sign_in());
	cr_assert_str_eq(error_of(&a), "temporarily_unavailable");
	assert_oauth(kit_post("/oauth2/par", kit_fmt("request=%s", good()), kit_basic("portal", PORTAL_SECRET)), 503, "temporarily_unavailable");
}
