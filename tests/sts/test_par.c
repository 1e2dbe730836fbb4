#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(par, .init = kit_start, .fini = kit_end);
TestSuite(resource, .init = kit_start, .fini = kit_end);

static const char *
portal(void)
{
	return kit_basic("portal", PORTAL_SECRET);
}

static struct answer
push(const char *client, const char *more)
{
	return kit_post("/oauth2/par", kit_authorize_query(client, more), strcmp(client, "portal") == 0 ? portal() : NULL);
}

static const char *
uri_of(struct answer a)
{
	struct lg_buf b = LG_BUF(1024);
	const char *uri;

	assert_status(a, 201);
	lg_buf_percent(&b, kit_member(a.body, "request_uri"));
	uri = kit_c(lg_buf_view(&b));
	lg_buf_free(&b);
	return uri;
}

static struct answer
come(const char *client, const char *uri, const char *cookie)
{
	return kit_get("/oauth2/authorize", kit_fmt("client_id=%s&request_uri=%s", client, uri), cookie);
}

Test(par, a_pushed_request_ends_in_tokens)
{
	const char *cookie = kit_sign_in(), *uri = uri_of(push("portal", ""));
	struct answer a = come("portal", uri, cookie);

	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "state"), LG_STR("s 1")));
	assert_status(kit_redeem("portal", kit_parameter(kit_header(&a, "Location"), "code")), 200);
}

Test(par, a_request_is_good_until_its_sign_in_is_complete_and_never_after)
{
	const char *cookie = kit_sign_in(), *uri = uri_of(push("spa", ""));

	assert_status(come("spa", uri, NULL), 200);		/* the sign-in page, twice */
	assert_status(come("spa", uri, NULL), 200);
	assert_status(come("spa", uri, cookie), 303);
	assert_status(come("spa", uri, cookie), 400);
}

Test(par, a_request_belongs_to_its_client_and_to_its_minute)
{
	const char *cookie = kit_sign_in(), *uri = uri_of(push("spa", ""));
	struct answer a = come("portal", uri, cookie);

	assert_status(a, 400);
	cr_assert_str_eq(kit_header(&a, "Location"), "");
	assert_status(come("spa", "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax", cookie), 400);
	kit.shift = 61 * LG_SECOND;
	assert_status(come("spa", uri, cookie), 400);
}

Test(par, what_stands_beside_the_request_counts_for_nothing)
{
	const char *cookie = kit_sign_in(), *uri = uri_of(push("spa", ""));
	struct answer a = kit_get("/oauth2/authorize", kit_fmt("client_id=spa&state=evil&redirect_uri=https%%3A%%2F%%2Fevil.example"
	    "&request_uri=%s", uri), cookie);

	assert_status(a, 303);
	cr_assert(lg_str_starts(lg_str_of(kit_header(&a, "Location")), LG_STR(REDIRECT)));
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "state"), LG_STR("s 1")));
}

Test(par, refuses_at_once_what_could_not_be_authorized)
{
	const char *query = kit_authorize_query("portal", "");

	assert_oauth(kit_post("/oauth2/par", query, kit_basic("portal", "wrong")), 401, "invalid_client");
	assert_oauth(kit_post("/oauth2/par", query, NULL), 401, "invalid_client");
	assert_oauth(push("portal", "&request_uri=urn:ietf:params:oauth:request_uri:x"), 400, "invalid_request");
	assert_oauth(push("portal", "&request=e30.e30."), 400, "invalid_request_object");
	assert_oauth(push("portal", "&state=again"), 400, "invalid_request");
	assert_oauth(push("portal", "&resource=https%3A%2F%2Fother.example"), 400, "invalid_target");
	assert_oauth(kit_post("/oauth2/par", "response_type=code&client_id=spa&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", NULL), 400,
	    "invalid_request");
	assert_oauth(kit_post("/oauth2/par", "response_type=token&client_id=spa&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", NULL), 400,
	    "unsupported_response_type");
	assert_oauth(kit_post("/oauth2/par", "response_type=code&client_id=spa&redirect_uri=https%3A%2F%2Fevil.example", NULL), 400,
	    "invalid_request");
	char *longer = lg_alloc(kit.arena, 9000);
	memset(longer, 'a', 8999);
	longer[8999] = '\0';
	assert_oauth(push("portal", kit_fmt("&x=%s", longer)), 400, "invalid_request");
}

Test(par, a_client_that_has_to_push_cannot_do_otherwise)
{
	const char *cookie = kit_sign_in();

	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],"
	    "\"require_pushed_authorization_requests\":true}", NULL, "c0000000-0000-4000-8000-000000000011");
	struct answer a = kit_get("/oauth2/authorize", kit_authorize_query("spa", ""), cookie);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("invalid_request")));
	a = come("spa", uri_of(push("spa", "")), cookie);
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
}

/* ---- resources (RFC 8707) ------------------------------------------------------------------------------------- */

static void
two_resources(void)
{
	kit_client("{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],"
	    "\"audiences\":[\"https://a.example\",\"https://b.example\"]}", PORTAL_SECRET, "c0000000-0000-4000-8000-000000000010");
}

Test(resource, may_be_repeated_and_narrowed)
{
	two_resources();
	lg_str code = kit_code("portal", "&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example", kit_sign_in());
	struct answer a = kit_redeem("portal", code);
	lg_str refresh = kit_member(a.body, "refresh_token");

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "aud"),
	    LG_STR("[\"https://a.example\",\"https://b.example\",\"" ISSUER "\"]")));
	a = kit_refresh("portal", refresh, "&resource=https%3A%2F%2Fc.example");
	assert_oauth(a, 400, "invalid_target");
	a = kit_refresh("portal", refresh, "&resource=https%3A%2F%2Fb.example");
	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "aud"), LG_STR("[\"https://b.example\"]")));
}

Test(resource, what_is_malformed_or_too_much_is_refused)
{
	static const char *bad[] = {
		"&resource=https%3A%2F%2Fapi.example%23x", "&resource=a%20b", "&resource=%00", "&resource=%zz",
		"&resource=a&resource=a&resource=a&resource=a&resource=a&resource=a&resource=a&resource=a",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials%s", bad[i]), kit_basic("worker", WORKER_SECRET)),
		    400, "invalid_target");
	assert_status(kit_post("/oauth2/token", "grant_type=client_credentials&resource=", kit_basic("worker", WORKER_SECRET)), 200);
}
