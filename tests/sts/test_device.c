#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(device, .init = kit_start, .fini = kit_end);

#define FORM	"application/x-www-form-urlencoded"

static void
make_spa(void)
{
	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],"
	    "\"grants\":[\"authorization_code\",\"refresh_token\","
	    "\"urn:ietf:params:oauth:grant-type:device_code\"]}", NULL, "c0000000-0000-4000-8000-000000000011");
}

static struct answer
start(void)
{
	struct answer a;

	make_spa();
	a = kit_post("/oauth2/device_authorization", "client_id=spa&scope=openid%20profile", NULL);
	assert_status(a, 200);
	return a;
}

static struct answer
poll_(const struct answer *started)
{
	return kit_post("/oauth2/token", kit_fmt("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Adevice_code&client_id=spa"
	    "&device_code=%.*s", LG_FMT(kit_member(started->body, "device_code"))), NULL);
}

static struct answer
send_form(const char *cookie, const char *body)
{
	return kit_send("POST", "/device", LG_NONE, lg_str_of(body), "Content-Type", FORM, "Cookie", cookie, NULL);
}

static struct answer
type_code(const char *cookie, const char *code)
{
	struct answer a = kit_get("/device", "", cookie);

	assert_status(a, 200);
	return send_form(cookie, kit_fmt("csrf=%s&user_code=%s", kit_field(a.body, "csrf"), code));
}

static struct answer
answer_(const char *cookie, const char *code, const char *said)
{
	struct answer a = type_code(cookie, code);

	assert_status(a, 200);
	return send_form(cookie, kit_fmt("csrf=%s&user_code=%s&answer=%s", kit_field(a.body, "csrf"), code, said));
}

Test(device, gets_the_persons_tokens_once_they_allowed_it)
{
	struct answer s = start(), a = poll_(&s);
	const char *cookie = kit_sign_in(), *code = kit_c(kit_member(s.body, "user_code"));

	cr_assert(lg_str_eq(kit_member(s.body, "verification_uri"), LG_STR(ISSUER "/device")));
	cr_assert(lg_str_eq(kit_member(s.body, "expires_in"), LG_STR("600")) && lg_str_eq(kit_member(s.body, "interval"), LG_STR("5")));
	assert_oauth(a, 400, "authorization_pending");
	a = answer_(cookie, code, "allow");
	assert_status(a, 200);
	a = poll_(&s);
	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "sub"), LG_STR(ALICE_ID)));
	cr_assert(kit_member(a.body, "refresh_token").n > 0);
	/* They signed in for it: with what, the tokens say as a browser's do. */
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "acr"), LG_STR(STS_ACR_PASSWORD)));
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "id_token")), "acr"), LG_STR(STS_ACR_PASSWORD)));
	a = poll_(&s);
	assert_oauth(a, 400, "invalid_grant");
}

Test(device, that_asks_too_often_is_told_so)
{
	struct answer s = start(), a = poll_(&s);

	a = poll_(&s);
	assert_oauth(a, 400, "slow_down");
	kit.shift = 6 * LG_SECOND;
	a = poll_(&s);
	assert_oauth(a, 400, "authorization_pending");
}

Test(device, gets_nothing_when_refused_or_too_late)
{
	struct answer s = start(), late = start(), a;
	const char *cookie = kit_sign_in();

	a = answer_(cookie, kit_c(kit_member(s.body, "user_code")), "deny");
	assert_status(a, 200);
	a = poll_(&s);
	assert_oauth(a, 400, "access_denied");
	kit.shift = 601 * LG_SECOND;
	a = poll_(&late);
	assert_oauth(a, 400, "expired_token");
	a = type_code(cookie, kit_c(kit_member(late.body, "user_code")));
	assert_status(a, 422);
}

Test(device, codes_are_the_clients_own)
{
	struct answer s = start(), a;
	lg_str code = kit_member(s.body, "device_code");

	a = kit_post("/oauth2/token", kit_fmt("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Adevice_code&client_id=spa"
	    "&device_code=%.8s.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", code.p), NULL);
	assert_oauth(a, 400, "invalid_grant");
	a = kit_post("/oauth2/token", kit_fmt("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Adevice_code"
	    "&device_code=%.*s", LG_FMT(code)), kit_basic("portal", PORTAL_SECRET));
	assert_oauth(a, 400, "unauthorized_client");
	a = kit_post("/oauth2/device_authorization", "scope=openid", kit_basic("portal", PORTAL_SECRET));
	assert_oauth(a, 400, "unauthorized_client");
	a = kit_post("/oauth2/device_authorization", "client_id=nobody", NULL);
	assert_oauth(a, 401, "invalid_client");
	a = kit_post("/oauth2/device_authorization", "client_id=spa&scope=nothing", NULL);
	assert_oauth(a, 400, "invalid_scope");
}

Test(device, the_page_wants_somebody_signed_in_and_then_leads_back)
{
	struct answer s = start(), page = kit_get("/device", kit_fmt("user_code=%s", kit_c(kit_member(s.body, "user_code"))), NULL), a;
	const char *login = kit_fmt("%.*s", (int)strcspn(kit_header(&page, "Set-Cookie"), ";"), kit_header(&page, "Set-Cookie"));

	assert_status(page, 200);
	a = send_form("", "user_code=BCDFGHJK&answer=allow");
	assert_status(a, 200);		/* the sign-in page */
	a = kit_send("POST", "/login", LG_NONE, lg_str_of(kit_fmt("username=alice&password=alice-password&request=%s&csrf=%s",
	    kit_field(page.body, "request"), kit_field(page.body, "csrf"))), "Content-Type", FORM, "Cookie", login, NULL);
	assert_status(a, 303);
	cr_assert_str_eq(kit_header(&a, "Location"), kit_fmt("/device?user_code=%s", kit_c(kit_member(s.body, "user_code"))));
}

Test(device, forms_are_only_those_of_our_pages)
{
	struct answer s = start(), a;
	const char *cookie = kit_sign_in(), *code = kit_c(kit_member(s.body, "user_code"));

	a = send_form(cookie, kit_fmt("user_code=%s&answer=allow", code));
	assert_status(a, 403);
	a = kit_get("/device", "", cookie);
	/* The first form's proof does not open the second. */
	a = send_form(cookie, kit_fmt("csrf=%s&user_code=%s&answer=allow", kit_field(a.body, "csrf"), code));
	assert_status(a, 403);
	a = poll_(&s);
	assert_oauth(a, 400, "authorization_pending");
}

Test(device, guessing_codes_is_slow)
{
	const char *cookie = kit_sign_in();
	struct answer a;

	for (int i = 0; i < 5; i++) {
		a = type_code(cookie, "BCDF-GHJK");
		assert_status(a, 422);
	}
	a = type_code(cookie, "BCDF-GHJK");
	assert_status(a, 429);
	cr_assert_str_eq(kit_header(&a, "Retry-After"), "60");
}

Test(device, a_code_may_be_typed_in_any_way)
{
	cr_assert(lg_str_eq(sts_user_code_read(kit.arena, LG_STR("bcdf ghjk")), LG_STR("BCDFGHJK")));
	cr_assert(lg_str_eq(sts_user_code_read(kit.arena, LG_STR("BC-DF-GH-JK")), LG_STR("BCDFGHJK")));
	static const char *bad[] = { "", "BCDFGHJ", "BCDFGHJKL", "ABCDEFGH", "BCDFGHJ<", "BCDF\nGHJ" };
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(sts_user_code_read(kit.arena, lg_str_of(bad[i])).n, 0, "%s", bad[i]);
}
