#include "tests/sts/kit.h"

TestSuite(code, .init = kit_start, .fini = kit_end);

#define BODY "grant_type=authorization_code&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&code_verifier=" VERIFIER

Test(code, is_exchanged_for_tokens_of_the_person)
{
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	struct lg_sts_bearer b;

	assert_status(a, 200);
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER, &b), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_str_eq(b.subject.name, LG_STR("alice")));
	cr_assert(lg_str_eq(b.claims.scope, LG_STR("openid profile email groups")));
	cr_assert(kit_member(a.body, "refresh_token").n > 40);
	/* Not for the admin API unless the client was given it. */
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
}

Test(code, the_id_token_says_what_was_asked)
{
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	lg_str id = kit_member(a.body, "id_token"), claims = kit_payload(id);
	struct lg_jws jws;

	cr_assert_eq(lg_jws_verify(&kit.cx, id, kit.keys, "JWT", &jws), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(jws.alg, LG_ALG_RS256);	/* as this client wants it */
	cr_assert(lg_str_eq(kit_member(claims, "sub"), LG_STR(ALICE_ID)));
	cr_assert(lg_str_eq(kit_member(claims, "aud"), LG_STR("[\"spa\"]")));
	cr_assert(lg_str_eq(kit_member(claims, "nonce"), LG_STR("n1")));
	cr_assert(lg_str_eq(kit_member(claims, "groups"), LG_STR("[\"staff\",\"shop-operators\"]")));
	cr_assert(kit_member(claims, "auth_time").n > 0 && kit_member(claims, "sid").n == LG_UUID_TEXT);
	cr_assert_eq(kit_member(claims, "at_hash").n, 22);
}

Test(code, an_id_token_is_no_access_token)
{
	struct answer a = kit_redeem("portal", kit_code("portal", "", kit_sign_in()));
	struct lg_sts_bearer b;

	cr_assert_eq(kit_check(kit_member(a.body, "id_token"), "portal", &b), LG_E_UNAUTHENTICATED);
	cr_assert(strstr(kit.cx.error, "typ") != NULL);
}

Test(code, an_access_token_is_no_id_token_hint)
{
	const char *cookie = kit_sign_in();
	struct answer t = kit_redeem("spa", kit_code("spa", "", cookie));
	struct answer a = kit_get("/oauth2/authorize", kit_authorize_query("spa", kit_fmt("&id_token_hint=%.*s",
	    LG_FMT(kit_member(t.body, "access_token")))), cookie);

	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("invalid_request")));
}

Test(code, a_second_use_is_refused_and_ends_what_the_first_gave)
{
	lg_str code = kit_code("spa", "", kit_sign_in());
	struct answer first = kit_redeem("spa", code);
	struct lg_sts_bearer b;

	assert_status(first, 200);
	assert_oauth(kit_redeem("spa", code), 400, "invalid_grant");
	cr_assert_eq(kit_check(kit_member(first.body, "access_token"), ISSUER, &b), LG_E_UNAUTHENTICATED);
	cr_assert(strstr(kit.cx.error, "revoked") != NULL);
	assert_oauth(kit_refresh("spa", kit_member(first.body, "refresh_token"), ""), 400, "invalid_grant");
}

Test(code, of_two_uses_at_once_neither_keeps_its_tokens)
{
	lg_str code = kit_code("spa", "", kit_sign_in());
	struct lg_sts_bearer b;
	struct answer two[2];

	kit_post_two("/oauth2/token", kit_fmt(BODY "&client_id=spa&code=%.*s", LG_FMT(code)), two);
	assert_status(two[0], 200);
	assert_oauth(two[1], 400, "invalid_grant");
	/* The second one's were signed while the store still had to say no. */
	cr_assert_geq(kit.signed_tokens, 2);
	cr_assert_eq(kit_member(two[1].body, "access_token").n, 0);
	cr_assert_eq(kit_check(kit_member(two[0].body, "access_token"), ISSUER, &b), LG_E_UNAUTHENTICATED);
}

Test(code, whoever_lacks_the_verifier_cannot_end_the_tokens_of_the_first_use)
{
	lg_str code = kit_code("spa", "", kit_sign_in());
	struct answer first = kit_redeem("spa", code);
	struct lg_sts_bearer b;

	assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&client_id=spa&code=%.*s"
	    "&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb", LG_FMT(code)), NULL), 400, "invalid_grant");
	cr_assert_eq(kit_check(kit_member(first.body, "access_token"), ISSUER, &b), LG_OK);
}

Test(code, belongs_to_client_redirect_and_verifier)
{
	lg_str code = kit_code("spa", "", kit_sign_in());

	assert_oauth(kit_post("/oauth2/token", kit_fmt(BODY "&code=%.*s", LG_FMT(code)), kit_basic("portal", PORTAL_SECRET)),
	    400, "invalid_grant");
	assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&client_id=spa&code=%.*s&code_verifier="
	    VERIFIER "&redirect_uri=http%%3A%%2F%%2F127.0.0.1%%2Fcb", LG_FMT(code)), NULL), 400, "invalid_grant");
	assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&client_id=spa&code=%.*s"
	    "&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&code_verifier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    LG_FMT(code)), NULL), 400, "invalid_grant");
	assert_oauth(kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&client_id=spa&code=%.*s"
	    "&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&code_verifier=" CHALLENGE, LG_FMT(code)), NULL), 400, "invalid_grant");
	assert_oauth(kit_post("/oauth2/token", kit_fmt(BODY "&client_id=spa"), NULL), 400, "invalid_request");
	assert_oauth(kit_redeem("spa", LG_STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")), 400, "invalid_grant");
	/* None of that spoilt it for its owner. */
	assert_status(kit_redeem("spa", code), 200);
}

Test(code, a_verifier_without_a_challenge_is_refused)
{
	const char *cookie = kit_sign_in();
	struct answer a = kit_get("/oauth2/authorize", "response_type=code&client_id=portal&scope=openid"
	    "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", cookie);
	lg_str code = kit_parameter(kit_header(&a, "Location"), "code");

	assert_oauth(kit_redeem("portal", code), 400, "invalid_grant");
}

/* Two threads serve one application: what one has committed and answered is not in the snapshot that the other took before. */
Test(code, that_is_newer_than_the_turns_snapshot_is_found)
{
	const char *cookie = kit_sign_in();
	struct lg_view *v = NULL;

	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	lg_str code = kit_code("portal", "", cookie);
	lg_view_end(&v);
	struct answer a = kit_redeem("portal", code);
	assert_status(a, 200);
	assert_oauth(kit_redeem("portal", LG_STR("one-that-never-was")), 400, "invalid_grant");
}

Test(code, expires_after_a_minute)
{
	lg_str code = kit_code("spa", "", kit_sign_in());

	kit.shift = 61 * LG_SECOND;
	assert_oauth(kit_redeem("spa", code), 400, "invalid_grant");
}

Test(code, dies_with_its_session_and_its_subject)
{
	const char *cookie = kit_sign_in();
	lg_str one = kit_code("spa", "", cookie), two = kit_code("spa", "", cookie);

	kit.alice_disabled = true;
	assert_oauth(kit_redeem("spa", one), 400, "invalid_grant");
	kit.alice_disabled = false;
	struct answer ask = kit_get("/logout", "", cookie);
	const char *csrf = strstr(kit_c(ask.body), "csrf\" value=\"") + 13;
	assert_status(kit_send("POST", "/logout", LG_NONE, lg_str_of(kit_fmt("request=&csrf=%.43s", csrf)), "Content-Type",
	    "application/x-www-form-urlencoded", "Cookie", cookie, NULL), 200);
	assert_oauth(kit_redeem("spa", two), 400, "invalid_grant");
}

Test(code, a_resource_may_be_narrowed_but_not_changed)
{
	const char *cookie = kit_sign_in();
	struct lg_sts_bearer b;
	lg_str code = kit_code("portal", "&resource=https%3A%2F%2Fapi.example", cookie);
	struct answer a = kit_post("/oauth2/token", kit_fmt(BODY "&code=%.*s&resource=https%%3A%%2F%%2Fapi.example", LG_FMT(code)),
	    kit_basic("portal", PORTAL_SECRET));

	assert_status(a, 200);
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), "https://api.example", &b), LG_OK);
	cr_assert_eq(kit_check(kit_member(a.body, "access_token"), ISSUER, &b), LG_E_UNAUTHENTICATED);
	code = kit_code("portal", "", cookie);
	assert_oauth(kit_post("/oauth2/token", kit_fmt(BODY "&code=%.*s&resource=https%%3A%%2F%%2Fapi.example", LG_FMT(code)),
	    kit_basic("portal", PORTAL_SECRET)), 400, "invalid_target");
}

Test(code, policy_is_asked_at_the_redemption_too_and_spares_the_code)
{
	lg_str code = kit_code("spa", "", kit_sign_in());

	kit.deny = true;
	assert_oauth(kit_redeem("spa", code), 400, "access_denied");
	kit.deny = false;
	assert_status(kit_redeem("spa", code), 200);
}

/* ---- userinfo ------------------------------------------------------------------------------------------- */

static lg_str
access_token(const char *scope)
{
	struct answer a = kit_get("/oauth2/authorize", kit_fmt("response_type=code&client_id=portal&scope=%s"
	    "&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb", scope), kit_sign_in());
	lg_str code = kit_parameter(kit_header(&a, "Location"), "code");

	a = kit_post("/oauth2/token", kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri="
	    "https%%3A%%2F%%2Fapp.example%%2Fcb", LG_FMT(code)), kit_basic("portal", PORTAL_SECRET));
	assert_status(a, 200);
	return kit_member(a.body, "access_token");
}

Test(code, userinfo_answers_by_scope_and_by_every_way_of_asking)
{
	lg_str token = access_token("openid%20profile%20email%20groups");
	const char *bearer = kit_fmt("Bearer %.*s", LG_FMT(token));
	struct answer get = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", bearer, NULL);
	struct answer post = kit_post("/oauth2/userinfo", "", bearer);
	struct answer body = kit_post("/oauth2/userinfo", kit_fmt("access_token=%.*s", LG_FMT(token)), NULL);

	assert_status(get, 200);
	cr_assert(lg_str_eq(get.body, post.body) && lg_str_eq(get.body, body.body));
	cr_assert(lg_str_eq(kit_member(get.body, "sub"), LG_STR(ALICE_ID)));
	cr_assert(lg_str_eq(kit_member(get.body, "name"), LG_STR("Alice Example")));
	cr_assert(lg_str_eq(kit_member(get.body, "preferred_username"), LG_STR("alice")));
	cr_assert(lg_str_eq(kit_member(get.body, "email"), LG_STR("alice@example.org")));
	cr_assert(lg_str_eq(kit_member(get.body, "groups"), LG_STR("[\"staff\",\"shop-operators\"]")));
}

Test(code, userinfo_tells_only_what_the_scope_opens)
{
	const char *bearer = kit_fmt("Bearer %.*s", LG_FMT(access_token("openid")));
	struct answer a = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", bearer, NULL);

	cr_assert(lg_str_eq(a.body, LG_STR("{\"sub\":\"" ALICE_ID "\"}")));
	bearer = kit_fmt("Bearer %.*s", LG_FMT(access_token("profile")));
	a = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", bearer, NULL);
	assert_oauth(a, 403, "insufficient_scope");
}

Test(code, userinfo_refuses_with_the_bearer_scheme)
{
	struct answer none = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, NULL);
	struct answer bad = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", "Bearer x.y.z", NULL);

	assert_status(none, 401);
	cr_assert_str_eq(kit_header(&none, "WWW-Authenticate"), "Bearer realm=\"lightgate\"");
	assert_oauth(bad, 401, "invalid_token");
	cr_assert(strstr(kit_header(&bad, "WWW-Authenticate"), "error=\"invalid_token\"") != NULL);
	assert_oauth(kit_post("/oauth2/userinfo", "access_token=x", "Bearer y"), 400, "invalid_request");
}

/* ---- introspection and revocation -------------------------------------------------------------------------- */

static lg_str
introspect(lg_str token, const char *client, const char *secret)
{
	struct answer a = kit_post("/oauth2/introspect", kit_fmt("token=%.*s", LG_FMT(token)), kit_basic(client, secret));

	assert_status(a, 200);
	return a.body;
}

static bool
is_active(lg_str token)
{
	return lg_str_eq(kit_member(introspect(token, "worker", WORKER_SECRET), "active"), LG_STR("true"));
}

Test(code, introspection_follows_the_life_of_a_token)
{
	struct answer a = kit_redeem("portal", kit_code("portal", "", kit_sign_in()));
	lg_str access = kit_member(a.body, "access_token"), refresh = kit_member(a.body, "refresh_token");
	lg_str seen = introspect(access, "portal", PORTAL_SECRET);

	cr_assert(lg_str_eq(kit_member(seen, "active"), LG_STR("true")));
	cr_assert(lg_str_eq(kit_member(seen, "username"), LG_STR("alice")));
	cr_assert(lg_str_eq(kit_member(seen, "client_id"), LG_STR("portal")));
	cr_assert(is_active(refresh));
	cr_assert_not(is_active(kit_member(a.body, "id_token")));
	cr_assert_not(is_active(LG_STR("rubbish")));
	kit.alice_disabled = true;
	cr_assert_not(is_active(access));
	kit.alice_disabled = false;
	kit.shift = 600 * LG_SECOND;
	cr_assert_not(is_active(access));
}

Test(code, introspection_is_for_clients_with_credentials_and_a_reason)
{
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	lg_str access = kit_member(a.body, "access_token");

	cr_assert(lg_str_eq(introspect(access, "portal", PORTAL_SECRET), LG_STR("{\"active\":false}")));
	cr_assert(is_active(access));
	assert_oauth(kit_post("/oauth2/introspect", kit_fmt("token=%.*s&client_id=spa", LG_FMT(access)), NULL), 401,
	    "invalid_client");
	assert_oauth(kit_post("/oauth2/introspect", "", kit_basic("worker", WORKER_SECRET)), 400, "invalid_request");
}

Test(code, a_client_gives_back_its_own_tokens)
{
	struct answer a = kit_redeem("spa", kit_code("spa", "", kit_sign_in()));
	lg_str access = kit_member(a.body, "access_token"), refresh = kit_member(a.body, "refresh_token");

	assert_oauth(kit_post("/oauth2/revoke", kit_fmt("token=%.*s", LG_FMT(access)), kit_basic("portal", PORTAL_SECRET)), 400,
	    "unauthorized_client");
	cr_assert(is_active(access));
	assert_status(kit_post("/oauth2/revoke", kit_fmt("client_id=spa&token=%.*s", LG_FMT(access)), NULL), 200);
	cr_assert_not(is_active(access));
	cr_assert(is_active(refresh));
	assert_status(kit_post("/oauth2/revoke", kit_fmt("client_id=spa&token=%.*s", LG_FMT(refresh)), NULL), 200);
	assert_oauth(kit_refresh("spa", refresh, ""), 400, "invalid_grant");
	assert_status(kit_post("/oauth2/revoke", "client_id=spa&token=rubbish", NULL), 200);
	assert_oauth(kit_post("/oauth2/revoke", "client_id=spa", NULL), 400, "invalid_request");
}
