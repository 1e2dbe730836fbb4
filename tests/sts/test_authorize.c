#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(authorize, .init = kit_start, .fini = kit_end);

Test(authorize, a_client_whose_algorithm_has_no_key_yet_is_told_to_come_later)
{
	const char *cookie = kit_sign_in();

	kit.no_rs256 = true;
	struct answer a = kit_get("/oauth2/authorize", kit_authorize_query("spa", ""), cookie);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("temporarily_unavailable")));
	cr_assert(memmem(kit_header(&a, "Location"), strlen(kit_header(&a, "Location")), "RS256", 5) != NULL);
	a = kit_get("/oauth2/authorize", kit_authorize_query("portal", ""), cookie);
	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
}

#define GOOD "response_type=code&client_id=spa&scope=openid&state=xyz&code_challenge_method=S256&code_challenge=" CHALLENGE \
	"&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"

static struct answer
authorize(const char *query, const char *cookie)
{
	return kit_get("/oauth2/authorize", query, cookie);
}

static const char *
location(const struct answer *a)
{
	return kit_header(a, "Location");
}

static void
assert_shown(const struct answer *a)
{
	cr_assert_eq(a->status, 400, "%d %s", a->status, location(a));
	cr_assert_str_eq(location(a), "");
	cr_assert(strstr(kit_header(a, "Content-Security-Policy"), "frame-ancestors 'none'") != NULL);
}

static void
assert_redirected(const struct answer *a, const char *error)
{
	cr_assert_eq(a->status, 303, "%d: %.*s", a->status, LG_FMT(a->body));
	cr_assert(strncmp(location(a), REDIRECT "?", sizeof REDIRECT) == 0, "%s", location(a));
	cr_assert(lg_str_eq(kit_parameter(location(a), "error"), lg_str_of(error)), "%s, not %s", location(a), error);
	cr_assert(lg_str_eq(kit_parameter(location(a), "iss"), LG_STR(ISSUER)));
	cr_assert(lg_str_eq(kit_parameter(location(a), "state"), LG_STR("xyz")));
	cr_assert_eq(kit_parameter(location(a), "code").n, 0);
}

/* ---- answers ------------------------------------------------------------------------------------------ */

Test(authorize, a_code_goes_back_with_state_and_issuer_and_nothing_else)
{
	struct answer a = authorize(GOOD, kit_sign_in());
	struct lg_form f;

	cr_assert_eq(a.status, 303);
	cr_assert_eq(lg_form_parse(&kit.cx, lg_str_of(strchr(location(&a), '?') + 1), &f), LG_OK);
	cr_assert_eq(f.n, 3);
	cr_assert_eq(lg_form_get(&f, "code").n, LG_TOKEN_TEXT);
	cr_assert(lg_str_eq(lg_form_get(&f, "state"), LG_STR("xyz")));
	cr_assert(lg_str_eq(lg_form_get(&f, "iss"), LG_STR(ISSUER)));
	cr_assert_str_eq(kit_header(&a, "Cache-Control"), "no-store");
	cr_assert_str_eq(kit_header(&a, "Referrer-Policy"), "no-referrer");
}

Test(authorize, a_post_is_as_good)
{
	struct answer a = kit_send("POST", "/oauth2/authorize", LG_NONE, LG_STR(GOOD), "Content-Type",
	    "application/x-www-form-urlencoded", "Cookie", kit_sign_in(), NULL);

	cr_assert_eq(kit_parameter(location(&a), "code").n, LG_TOKEN_TEXT);
}

Test(authorize, the_redirect_uris_own_query_is_kept)
{
	struct answer a = authorize("response_type=code&client_id=portal&scope=openid"
	    "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fx%3D1", kit_sign_in());

	cr_assert(strncmp(location(&a), REDIRECT "?x=1&code=", sizeof REDIRECT "?x=1&code=" - 1) == 0, "%s", location(&a));
}

Test(authorize, unknown_parameters_and_scopes_are_ignored)
{
	struct answer a = authorize("response_type=code&client_id=portal&scope=openid+no-such-scope&ui_locales=de&claims_locales=de"
	    "&display=popup&acr_values=1&foo=bar&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", kit_sign_in());

	cr_assert_eq(a.status, 303);
}

/* ---- errors: to the client, or shown ------------------------------------------------------------------------ */

Test(authorize, errors_go_to_a_good_redirect_uri)
{
	static const struct {
		const char *query, *error;
	} cases[] = {
		{ "client_id=spa&state=xyz&scope=openid", "invalid_request" },
		{ "response_type=token&client_id=spa&state=xyz&scope=openid", "unsupported_response_type" },
		{ "response_type=code%20id_token&client_id=spa&state=xyz&scope=openid", "unsupported_response_type" },
		{ "response_type=code&client_id=spa&state=xyz&scope=openid", "invalid_request" },
		{ "response_type=code&client_id=spa&state=xyz&scope=openid&code_challenge=" CHALLENGE, "invalid_request" },
		{ "response_type=code&client_id=spa&state=xyz&scope=openid&code_challenge_method=plain&code_challenge=" CHALLENGE,
		    "invalid_request" },
		{ "response_type=code&client_id=spa&state=xyz&scope=openid&code_challenge_method=S256&code_challenge=short",
		    "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&code_challenge_method=S256", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=%22", "invalid_scope" },
		{ "response_type=code&client_id=portal&state=xyz&scope=admin", "invalid_scope" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&prompt=none%20login", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&prompt=maybe", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&max_age=-1", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&max_age=soon", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&response_mode=fragment", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&request=x.y.z", "invalid_request_object" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&request_uri=urn%3Ax", "invalid_request_uri" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&id_token_hint=x", "invalid_request" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&resource=https%3A%2F%2Felse", "invalid_target" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&resource=https%3A%2F%2Felse%23part", "invalid_target" },
		{ "response_type=code&client_id=portal&state=xyz&scope=openid&prompt=none", "login_required" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct answer a = authorize(kit_fmt("%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb", cases[i].query), NULL);
		assert_redirected(&a, cases[i].error);
	}
}

/* RFC 9700 4.1: nothing that is not the registered URI, octet by octet, is ever redirected to. */
Test(authorize, redirect_attacks_are_shown_and_never_followed)
{
	static const char *attacks[] = {
		"", "https://app.example/cb/", "https://app.example/cb?x=2", "https://app.example/cb#f", "https://app.example/cb%0d%0aX: y",
		"https://app.example/CB", "https://APP.example/cb", "HTTPS://app.example/cb", "http://app.example/cb",
		"https://app.example:443/cb", "https://app.example:8443/cb", "https://app.example.evil.example/cb",
		"https://app.example@evil.example/cb", "https://evil.example/https://app.example/cb", "https://evil.example#https://app.example/cb",
		"https://app.example/cb/../evil", "https://app.example/%63b", "https://app.example%2fcb", "//app.example/cb", "/cb", "cb",
		"javascript:alert(1)//https://app.example/cb", "data:text/html,x", " https://app.example/cb", "https://app.example/cb ",
		"https://app.example\\@evil.example/cb", "https://app.example/cb;x", "https://xapp.example/cb", "https://app.example./cb",
		"https://localhost/cb", "http://localhost/cb", "http://127.0.0.1/cb/x", "http://127.0.0.1:80@evil.example/cb",
		"http://127.0.0.1:99999999/cb", "http://127.0.0.1:/cb", "http://127.0.0.1.evil.example/cb", "http://127.0.0.2/cb",
		"http://127.1/cb", "http://2130706433/cb", "http://[::1]/cb", "https://127.0.0.1/cb", "http://127.0.0.1:80/cb?x",
		"http://127.0.0.1:80/cb#x", "http://user@127.0.0.1/cb", "http://127.0.0.1:8a/cb", "http://127.0.0.1:80:81/cb",
	};
	const char *cookie = kit_sign_in();

	for (size_t i = 0; i < LG_COUNT(attacks); i++) {
		struct lg_buf b = LG_BUF(1024);

		lg_buf_percent(&b, lg_str_of(attacks[i]));
		struct answer a = authorize(kit_fmt("response_type=code&client_id=spa&scope=openid&state=xyz&code_challenge_method=S256"
		    "&code_challenge=" CHALLENGE "&redirect_uri=%.*s", LG_FMT(lg_buf_view(&b))), cookie);
		lg_buf_free(&b);
		cr_assert_eq(a.status, 400, "%s was followed", attacks[i]);
		assert_shown(&a);
	}
}

Test(authorize, only_the_port_of_a_loopback_address_may_differ)
{
	const char *cookie = kit_sign_in();

	for (int port = 1; port < 65536; port = port * 7 + 1) {
		struct answer a = authorize(kit_fmt("response_type=code&client_id=spa&scope=openid&code_challenge_method=S256"
		    "&code_challenge=" CHALLENGE "&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A%d%%2Fcb", port), cookie);
		cr_assert(strncmp(location(&a), kit_fmt("http://127.0.0.1:%d/cb?code=", port), 24) == 0, "%s", location(&a));
	}
}

Test(authorize, unknown_disabled_and_doubled_clients_are_shown)
{
	struct answer a = authorize("response_type=code&client_id=nobody&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", NULL);

	assert_shown(&a);
	a = authorize("response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", NULL);
	assert_shown(&a);
	a = authorize(GOOD "&state=again", NULL);
	assert_shown(&a);
	a = authorize(GOOD "&x=%ff", NULL);
	assert_shown(&a);
	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],\"enabled\":false}", NULL,
	    "c0000000-0000-4000-8000-000000000011");
	a = authorize(GOOD, NULL);
	assert_shown(&a);
}

Test(authorize, a_state_that_could_break_lines_is_escaped)
{
	struct answer a = authorize("response_type=code&client_id=portal&scope=openid&state=a%0d%0aSet-Cookie%3a%20x%26code%3dy"
	    "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", kit_sign_in());

	cr_assert(strpbrk(location(&a), "\r\n ") == NULL);
	cr_assert(lg_str_eq(kit_parameter(location(&a), "state"), LG_STR("a\r\nSet-Cookie: x&code=y")));
	cr_assert_eq(kit_parameter(location(&a), "code").n, LG_TOKEN_TEXT);
}

Test(authorize, state_nonce_levels_and_scope_are_bounded)
{
	char longer[STS_STATE_MAX + 2];
	struct answer a;

	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	a = authorize(kit_fmt("response_type=code&client_id=portal&scope=openid&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&state=%s",
	    longer), NULL);
	cr_assert(lg_str_eq(kit_parameter(location(&a), "error"), LG_STR("invalid_request")));
	a = authorize(kit_fmt("response_type=code&client_id=portal&scope=openid&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&state=xyz"
	    "&nonce=%s", longer), NULL);
	assert_redirected(&a, "invalid_request");
	longer[STS_SCOPE_MAX + 1] = '\0';
	a = authorize(kit_fmt("response_type=code&client_id=portal&scope=openid&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&state=xyz"
	    "&acr_values=%s", longer), NULL);
	assert_redirected(&a, "invalid_request");
	a = authorize(kit_fmt("response_type=code&client_id=portal&scope=openid+%s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&state=xyz",
	    longer), NULL);
	assert_redirected(&a, "invalid_scope");
}

/* ---- who is signed in ------------------------------------------------------------------------------------------ */

Test(authorize, without_a_session_the_sign_in_page_is_shown)
{
	struct answer a = authorize(GOOD "&login_hint=alice%22%3E%3Cscript%3E", NULL);

	assert_status(a, 200);
	cr_assert(strstr(kit_c(a.body), "to continue to spa") != NULL);
	cr_assert(strstr(kit_c(a.body), "value=\"alice&quot;&gt;&lt;script&gt;\"") != NULL
	    || strstr(kit_c(a.body), "value=\"alice&#34;&gt;&lt;script&gt;\"") != NULL);
	/* One script there is, and it has the nonce. */
	cr_assert(strstr(kit_c(a.body), "<script>") == NULL && strstr(kit_c(a.body), "<script nonce=\"") != NULL);
}

Test(authorize, prompt_and_max_age_ask_for_a_new_sign_in)
{
	const char *cookie = kit_sign_in();

	assert_status(authorize(GOOD "&prompt=login", cookie), 200);
	assert_status(authorize(GOOD "&prompt=select_account", cookie), 200);
	assert_status(authorize(GOOD "&prompt=none", cookie), 303);
	assert_status(authorize(GOOD "&prompt=consent", cookie), 200);
	assert_status(authorize(GOOD "&max_age=10000", cookie), 303);
	kit.shift = 20 * LG_SECOND;
	assert_status(authorize(GOOD "&max_age=10", cookie), 200);
	struct answer a = authorize(GOOD "&max_age=10&prompt=none", cookie);
	assert_redirected(&a, "login_required");
}

Test(authorize, an_id_token_hint_must_name_who_is_signed_in)
{
	const char *cookie = kit_sign_in();
	long long now = (long long)(kit.cx.now / LG_SECOND);
	lg_str alice = kit_member(kit_redeem("portal", kit_code("portal", "", cookie)).body, "id_token");
	lg_str carol = kit_token("JWT", kit_fmt("{\"iss\":\"" ISSUER "\",\"sub\":\"ca401000-0000-4000-8000-000000000003\","
	    "\"aud\":\"portal\",\"iat\":%lld,\"exp\":%lld}", now - 9000, now - 8000));
	struct answer a = authorize(kit_fmt("%s&prompt=none&id_token_hint=%.*s", GOOD, LG_FMT(alice)), cookie);

	cr_assert_eq(kit_parameter(location(&a), "code").n, LG_TOKEN_TEXT);
	a = authorize(kit_fmt("%s&prompt=none&id_token_hint=%.*s", GOOD, LG_FMT(carol)), cookie);
	assert_redirected(&a, "login_required");
	assert_status(authorize(kit_fmt("%s&id_token_hint=%.*s", GOOD, LG_FMT(carol)), cookie), 200);
}

Test(authorize, a_refusal_by_policy_reaches_the_client)
{
	const char *cookie = kit_sign_in();

	kit.deny = true;
	struct answer a = authorize(GOOD, cookie);
	assert_redirected(&a, "access_denied");
}

Test(authorize, cookies_that_are_no_session_count_for_nothing)
{
	static const char *cookies[] = {
		"", "__Host-lg-session-1=", "__Host-lg-session-1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x=y; z",
	};

	for (size_t i = 0; i < LG_COUNT(cookies); i++) {
		struct answer a = authorize(GOOD "&prompt=none", cookies[i]);
		assert_redirected(&a, "login_required");
	}
}

Test(authorize, a_person_disabled_meanwhile_gets_no_code)
{
	const char *cookie = kit_sign_in();

	kit.alice_disabled = true;
	struct answer a = authorize(GOOD, cookie);
	assert_redirected(&a, "access_denied");
}

Test(authorize, an_expired_session_is_none)
{
	const char *cookie = kit_sign_in();

	kit.shift = (LG_STS_SESSION_LIFE + 1) * LG_SECOND;
	struct answer a = authorize(GOOD "&prompt=none", cookie);
	assert_redirected(&a, "login_required");
}
