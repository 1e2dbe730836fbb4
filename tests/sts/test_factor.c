#include <stdio.h>

#include "tests/sts/kit.h"

#include "base/text.h"
#include "sts/factor.h"

TestSuite(factor, .init = kit_start, .fini = kit_end);

#define QUERY	kit_authorize_query("spa", "")
#define FORM	"Content-Type", "application/x-www-form-urlencoded"

/* A browser: the cookies that it was given last. */
struct browser {
	const char *session, *login;
};

static const char *
field(const struct answer *a, const char *name)
{
	const char *at = strstr(kit_c(a->body), kit_fmt("name=\"%s\" value=\"", name));

	cr_assert(at != NULL, "no field %s in %.*s", name, LG_FMT(a->body));
	at = strstr(at, "value=\"") + 7;
	return kit_fmt("%.*s", (int)strcspn(at, "\""), at);
}

static bool
says(const struct answer *a, const char *text)
{
	return strstr(kit_c(a->body), text) != NULL;
}

static void
take_cookies(struct browser *b, const struct answer *a)
{
	for (size_t i = 0; i < a->ex->nheaders; i++) {
		const char *v = kit_c(a->ex->headers[i].value);

		if (!lg_str_eq(a->ex->headers[i].name, LG_STR("Set-Cookie")))
			continue;
		if (strncmp(v, "__Host-lg-session-", 18) == 0)
			b->session = kit_fmt("%.*s", (int)strcspn(v, ";"), v);
		if (strncmp(v, "__Host-lg-login-", 16) == 0)
			b->login = kit_fmt("%.*s", (int)strcspn(v, ";"), v);
	}
}

static const char *
cookies(const struct browser *b)
{
	return kit_fmt("%s; %s", b->session == NULL ? "" : b->session, b->login == NULL ? "" : b->login);
}

static struct answer
get(struct browser *b, const char *path, const char *query)
{
	struct answer a = kit_get(path, query, cookies(b));

	take_cookies(b, &a);
	return a;
}

static struct answer
post(struct browser *b, const char *path, const char *body)
{
	struct answer a = kit_send("POST", path, LG_NONE, lg_str_of(body), FORM, "Cookie", cookies(b), NULL);

	take_cookies(b, &a);
	return a;
}

/* The password, for a request: what comes after it. */
static struct answer
password(struct browser *b, const char *query)
{
	struct answer a = get(b, "/oauth2/authorize", query);

	assert_status(a, 200);
	return post(b, "/login", kit_fmt("username=alice&password=alice-password&csrf=%s&request=%s", field(&a, "csrf"), kit_percent(query)));
}

static struct answer
send_code(struct browser *b, const struct answer *page, const char *query, const char *code)
{
	return post(b, "/login/step", kit_fmt("code=%s&step=%s&request=%s", kit_percent(code), field(page, "step"), kit_percent(query)));
}

/* What the secret on the page makes at this time, `steps` from now. */
static const char *
code_at(const char *secret, int steps)
{
	LG_AUTO(lg_secret_free) struct lg_secret key = { NULL, 0 };
	struct lg_ctx cx;
	lg_str octets;

	lg_ctx_init(&cx, kit.arena);
	cr_assert(lg_base32_parse(kit.arena, lg_str_of(secret), &octets));
	key = lg_secret_copy(octets);
	return kit_fmt("%06u", lg_totp(&key, (uint64_t)((cx.now + kit.shift) / LG_SECOND / LG_TOTP_STEP + steps)));
}

static const char *
between(const struct answer *a, const char *from, const char *to)
{
	const char *text = kit_c(a->body), *at = strstr(text, from);

	cr_assert(at != NULL, "no %s in %s", from, text);
	at += strlen(from);
	return kit_fmt("%.*s", (int)(strstr(at, to) - at), at);
}

/* Signs in and sets up an application; gives its secret, and the page with the recovery codes. */
static const char *
enrol(struct browser *b, struct answer *codes)
{
	struct answer a;
	const char *secret;

	*b = (struct browser){ kit_sign_in(), NULL };
	a = get(b, "/account/totp", "");
	assert_status(a, 200);
	secret = between(&a, "class=\"secret\">", "<");
	cr_assert(says(&a, "<svg class=\"qr\""));
	*codes = post(b, "/account/totp", kit_fmt("csrf=%s&key=%s&then=&code=%s", field(&a, "csrf"), field(&a, "key"), code_at(secret, 0)));
	assert_status(*codes, 200);
	return secret;
}

static lg_str
claims_of(const struct answer *a)
{
	lg_str code = kit_parameter(kit_header(a, "Location"), "code");

	cr_assert(code.n > 0, "%d %s", a->status, kit_header(a, "Location"));
	return kit_payload(kit_member(kit_redeem("spa", code).body, "id_token"));
}

/* ---- the second step ---------------------------------------------------------------------------------------------------- */

Test(factor, whoever_has_an_application_is_asked_for_its_code)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, a;
	const char *secret = enrol(&b, &codes);

	a = password(&other, QUERY);
	assert_status(a, 200);
	cr_assert(says(&a, "One more step") && other.session == NULL);
	a = send_code(&other, &a, QUERY, code_at(secret, 1));
	assert_status(a, 303);
	lg_str claims = claims_of(&a);
	cr_assert(lg_str_eq(kit_member(claims, "acr"), LG_STR(STS_ACR_MFA)));
	cr_assert(lg_str_eq(kit_member(claims, "amr"), LG_STR("[\"pwd\",\"otp\",\"mfa\"]")), "%.*s", LG_FMT(claims));
}

Test(factor, a_code_is_good_once_and_so_is_every_one_before_it)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, page, a;
	const char *secret = enrol(&b, &codes);

	/* The one that showed at enrolment that the application has the key. */
	page = password(&other, QUERY);
	a = send_code(&other, &page, QUERY, code_at(secret, 0));
	assert_status(a, 422);
	cr_assert(says(&a, "The code is wrong, or it was used before."));
	assert_status(send_code(&other, &a, QUERY, code_at(secret, 1)), 303);
	page = password(&other, kit_authorize_query("spa", "&prompt=login"));
	assert_status(send_code(&other, &page, kit_authorize_query("spa", "&prompt=login"), code_at(secret, 1)), 422);
	assert_status(send_code(&other, &page, kit_authorize_query("spa", "&prompt=login"), code_at(secret, 0)), 422);
}

Test(factor, a_clock_may_be_one_step_off_and_not_two)
{
	struct browser b;
	struct answer codes;
	const char *secret = enrol(&b, &codes);
	static const struct {
		int off, status;
	} cases[] = { { 2, 422 }, { -2, 422 }, { -1, 303 }, { 1, 303 } };

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct browser other = { NULL, NULL };
		struct answer page;

		kit.shift += 10 * LG_MINUTE;
		page = password(&other, QUERY);
		assert_status(send_code(&other, &page, QUERY, code_at(secret, cases[i].off)), cases[i].status);
	}
}

Test(factor, what_is_carried_between_the_steps_is_of_one_browser_and_request)
{
	struct browser b, mine = { NULL, NULL }, other = { NULL, NULL };
	struct answer codes, page, a, others;
	const char *secret = enrol(&b, &codes);

	page = password(&mine, QUERY);
	others = password(&other, QUERY);
	(void)others;
	a = post(&other, "/login/step", kit_fmt("code=%s&step=%s&request=%s", code_at(secret, 1), field(&page, "step"), kit_percent(QUERY)));
	assert_status(a, 403);
	a = send_code(&mine, &page, kit_authorize_query("spa", "&prompt=login"), code_at(secret, 1));
	assert_status(a, 403);
	a = post(&mine, "/login/step", kit_fmt("code=%s&step=&request=%s", code_at(secret, 1), kit_percent(QUERY)));
	assert_status(a, 403);
	a = kit_send("POST", "/login/step", LG_NONE, lg_str_of(kit_fmt("code=%s&step=%s&request=%s", code_at(secret, 1), field(&page, "step"),
	    kit_percent(QUERY))), FORM, "Cookie", cookies(&mine), "Sec-Fetch-Site", "cross-site", NULL);
	assert_status(a, 403);
	kit.shift += 11 * LG_MINUTE;
	assert_status(send_code(&mine, &page, QUERY, code_at(secret, 0)), 403);
}

Test(factor, codes_cannot_be_guessed_without_waiting)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, page, a = { .status = 0 };
	const char *secret = enrol(&b, &codes);

	page = password(&other, QUERY);
	for (int i = 0; i < 7; i++)
		a = send_code(&other, &page, QUERY, "000000");
	assert_status(a, 429);
	/* Not even the right one, meanwhile; and the password alone still leads here. */
	assert_status(send_code(&other, &page, QUERY, code_at(secret, 1)), 429);
	assert_status(password(&other, QUERY), 200);
}

/* ---- recovery codes -------------------------------------------------------------------------------------------------------- */

Test(factor, each_recovery_code_is_good_once)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, page;
	const char *first;

	(void)enrol(&b, &codes);
	first = between(&codes, "<li>", "</li>");
	cr_assert_eq(strlen(first), 19);
	page = password(&other, QUERY);
	assert_status(send_code(&other, &page, QUERY, first), 303);
	page = password(&other, kit_authorize_query("spa", "&prompt=login"));
	assert_status(send_code(&other, &page, kit_authorize_query("spa", "&prompt=login"), first), 422);
	page = get(&b, "/account", "");
	cr_assert(says(&page, "9 left."), "%.*s", LG_FMT(page.body));
}

Test(factor, new_recovery_codes_end_the_old_ones)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, page, a;

	(void)enrol(&b, &codes);
	page = get(&b, "/account", "");
	a = post(&b, "/account/codes", kit_fmt("csrf=%s", field(&page, "csrf")));
	assert_status(a, 200);
	page = password(&other, QUERY);
	assert_status(send_code(&other, &page, QUERY, between(&codes, "<li>", "</li>")), 422);
	assert_status(send_code(&other, &page, QUERY, between(&a, "<li>", "</li>")), 303);
}

/* ---- secrets ------------------------------------------------------------------------------------------------------------------ */

struct search {
	lg_str needle;
	bool found;
};

static bool
look(void *arg, uint64_t seq, lg_str body)
{
	struct search *s = arg;

	(void)seq;
	s->found |= memmem(body.p, body.n, s->needle.p, s->needle.n) != NULL;
	return true;
}

Test(factor, neither_key_nor_codes_stand_in_the_log)
{
	struct browser b;
	struct answer codes;
	const char *secret = enrol(&b, &codes);
	lg_str octets, code;
	struct search s[3];
	lg_sha256 h;

	cr_assert(lg_base32_parse(kit.arena, lg_str_of(secret), &octets) && octets.n == LG_TOTP_KEY);
	cr_assert(lg_base32_parse(kit.arena, lg_str_of(between(&codes, "<li>", "</li>")), &code));
	h = lg_sha256_of(code);
	s[0] = (struct search){ octets, false };
	s[1] = (struct search){ code, false };
	s[2] = (struct search){ lg_sha256_str(&h), false };
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(lg_log_read(&kit.cx, kit.store, 1, look, &s[i]), LG_OK, "%s", kit.cx.error);
		cr_assert_not(s[i].found, "%zu", i);
	}
	/* It looks in the right place: the subject is there. */
	lg_uuid alice;
	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &alice));
	s[0] = (struct search){ { (const char *)alice.b, 16 }, false };
	cr_assert_eq(lg_log_read(&kit.cx, kit.store, 1, look, &s[0]), LG_OK);
	cr_assert(s[0].found);
}

/* ---- step-up --------------------------------------------------------------------------------------------------------------------- */

Test(factor, a_request_for_a_level_steps_up_and_keeps_the_session)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, a, page;
	const char *secret = enrol(&b, &codes), *wants = kit_authorize_query("spa", "&acr_values=urn%3Alightgate%3Aacr%3Amfa");
	const char *before;
	lg_str sid;

	kit.policy_acr = NULL;
	page = password(&other, QUERY);
	a = send_code(&other, &page, QUERY, code_at(secret, 1));
	sid = kit_member(claims_of(&a), "sid");
	before = other.session;
	/* Already good enough. */
	a = get(&other, "/oauth2/authorize", wants);
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_member(claims_of(&a), "sid"), sid));
	cr_assert_str_eq(before, other.session);
}

Test(factor, policy_may_want_a_level_and_whoever_lacks_it_sets_it_up)
{
	struct browser b = { NULL, NULL };
	struct answer a, page;
	const char *secret, *path, *old;
	lg_str claims, sid;

	a = password(&b, QUERY);
	assert_status(a, 303);
	sid = kit_member(claims_of(&a), "sid");
	old = b.session;
	kit.policy_acr = STS_ACR_MFA;
	a = get(&b, "/oauth2/authorize", QUERY);
	assert_status(a, 303);
	path = kit_header(&a, "Location");
	cr_assert(strncmp(path, "/account/totp?then=response_type%3Dcode", 35) == 0, "%s", path);
	page = get(&b, "/account/totp", path + strlen("/account/totp?"));
	assert_status(page, 200);
	cr_assert(says(&page, "asks for a second step"));
	secret = between(&page, "class=\"secret\">", "<");
	a = post(&b, "/account/totp", kit_fmt("csrf=%s&key=%s&then=%s&code=%s", field(&page, "csrf"), field(&page, "key"), kit_percent(QUERY),
	    code_at(secret, 0)));
	assert_status(a, 200);
	cr_assert(says(&a, "href=\"/oauth2/authorize?response_type=code&amp;client_id=spa"), "%.*s", LG_FMT(a.body));
	/* Now it goes through, in the same session under another cookie. */
	cr_assert_str_neq(old, b.session);
	a = get(&b, "/oauth2/authorize", QUERY);
	claims = claims_of(&a);
	cr_assert(lg_str_eq(kit_member(claims, "acr"), LG_STR(STS_ACR_MFA)));
	cr_assert(lg_str_eq(kit_member(claims, "sid"), sid));
	b.session = old;
	assert_status(get(&b, "/oauth2/authorize", QUERY), 200);	/* the old cookie opens nothing */
}

Test(factor, a_session_that_is_not_enough_answers_no_prompt_none)
{
	struct browser b = { kit_sign_in(), NULL };
	struct answer a;

	kit.policy_acr = STS_ACR_MFA;
	a = get(&b, "/oauth2/authorize", kit_authorize_query("spa", "&prompt=none"));
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("login_required")));
}

Test(factor, for_a_passkey_a_code_is_not_enough)
{
	struct browser b;
	struct answer codes, a;

	(void)enrol(&b, &codes);
	kit.policy_acr = STS_ACR_PASSKEY;
	a = get(&b, "/oauth2/authorize", QUERY);
	assert_status(a, 303);
	cr_assert(strncmp(kit_header(&a, "Location"), "/account/passkey?then=", 22) == 0);
}

Test(factor, policy_may_want_a_sign_in_of_now)
{
	struct browser b = { NULL, NULL };
	struct answer a = password(&b, QUERY);
	lg_str sid;

	assert_status(a, 303);
	sid = kit_member(claims_of(&a), "sid");
	kit.policy_age = 60;
	kit.shift += 50 * LG_SECOND;
	assert_status(get(&b, "/oauth2/authorize", QUERY), 303);
	kit.shift += 20 * LG_SECOND;
	a = get(&b, "/oauth2/authorize", QUERY);
	assert_status(a, 200);
	cr_assert(says(&a, "name=\"password\""));
	a = get(&b, "/oauth2/authorize", kit_authorize_query("spa", "&prompt=none"));
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("login_required")));
	/* Signed in anew, in the session of before. */
	a = password(&b, QUERY);
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_member(claims_of(&a), "sid"), sid));
}

Test(factor, a_sign_in_that_grew_old_between_its_steps_begins_anew)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, a, page;
	const char *secret = enrol(&b, &codes);

	kit.policy_age = 60;
	page = password(&other, QUERY);
	assert_status(page, 200);
	kit.shift += 61 * LG_SECOND;
	a = send_code(&other, &page, QUERY, code_at(secret, 0));
	assert_status(a, 200);
	cr_assert(says(&a, "name=\"password\""));
	page = password(&other, QUERY);
	assert_status(send_code(&other, &page, QUERY, code_at(secret, 1)), 303);
}

Test(factor, a_level_and_a_sign_in_of_now_are_wanted_one_after_the_other)
{
	struct browser b = { NULL, NULL };
	struct answer a = password(&b, QUERY);

	assert_status(a, 303);
	kit.policy_acr = STS_ACR_MFA;
	kit.policy_age = 60;
	kit.shift += 61 * LG_SECOND;
	a = get(&b, "/oauth2/authorize", QUERY);
	assert_status(a, 200);
	cr_assert(says(&a, "name=\"password\""));
	a = password(&b, QUERY);
	assert_status(a, 303);
	cr_assert(strncmp(kit_header(&a, "Location"), "/account/totp?then=", 19) == 0, "%s", kit_header(&a, "Location"));
}

Test(factor, a_policy_that_never_permits_refuses_at_the_client)
{
	struct browser b = { kit_sign_in(), NULL };
	struct answer a;

	kit.deny = true;
	kit.policy_acr = "urn:nobody";
	a = get(&b, "/oauth2/authorize", QUERY);
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("access_denied")));
}

/* ---- the account page -------------------------------------------------------------------------------------------------------------- */

Test(factor, changing_factors_wants_a_recent_and_full_sign_in)
{
	struct browser b, weak = { NULL, NULL };
	struct answer codes, a, page;

	(void)enrol(&b, &codes);
	page = get(&b, "/account", "");
	kit.shift += 11 * LG_MINUTE;
	static const char *const paths[] = { "/account/totp", "/account/passkey" };
	for (size_t i = 0; i < LG_COUNT(paths); i++) {
		a = get(&b, paths[i], "");
		cr_assert(says(&a, "Please sign in again"));
	}
	a = post(&b, "/account", kit_fmt("action=remove-factor&id=00000000-0000-0000-0000-000000000000&csrf=%s", field(&page, "csrf")));
	cr_assert(says(&a, "Please sign in again"));
	a = post(&b, "/account/codes", kit_fmt("csrf=%s", field(&page, "csrf")));
	cr_assert(says(&a, "Please sign in again"));
	a = password(&weak, QUERY);
	cr_assert(says(&a, "One more step") && weak.session == NULL);
}

Test(factor, an_application_that_is_removed_is_asked_for_no_more_and_its_codes_are_gone)
{
	struct browser b, other = { NULL, NULL };
	struct answer codes, page, a;

	(void)enrol(&b, &codes);
	page = get(&b, "/account", "");
	a = post(&b, "/account", kit_fmt("action=remove-factor&id=00000000-0000-0000-0000-000000000000&csrf=%s", field(&page, "csrf")));
	assert_status(a, 303);
	page = get(&b, "/account", "");
	cr_assert_not(says(&page, " left."));
	assert_status(password(&other, QUERY), 303);
}

static lg_err
add_passkeys(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct sts_factor f = { .kind = STS_FACTOR_PASSKEY, .name = LG_STR("key") };
	lg_uuid alice;

	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &alice));
	for (int i = 0; i < *(const int *)arg; i++) {
		lg_random(f.id.b, sizeof f.id.b);
		f.passkey.credential = lg_str_of(kit_fmt("credential %d", i));
		LG_TRY(sts_factor_put(cx, v, TENANT, alice, &f));
	}
	return LG_OK;
}

/* The application, its codes and passkeys. */
Test(factor, there_is_room_for_so_many)
{
	int others = STS_FACTORS - 3, one = 1;
	struct answer codes, page, a;
	struct browser b, other = { NULL, NULL };
	const char *secret = enrol(&b, &codes);

	kit_apply(add_passkeys, &others);
	page = get(&b, "/account/totp", "");
	const char *second = between(&page, "class=\"secret\">", "<");
	a = post(&b, "/account/totp", kit_fmt("csrf=%s&key=%s&then=&code=%s", field(&page, "csrf"), field(&page, "key"), code_at(second, 0)));
	assert_status(a, 303);
	kit_apply(add_passkeys, &one);
	page = get(&b, "/account/totp", "");
	secret = between(&page, "class=\"secret\">", "<");
	a = post(&b, "/account/totp", kit_fmt("csrf=%s&key=%s&then=&code=%s", field(&page, "csrf"), field(&page, "key"), code_at(secret, 0)));
	assert_status(a, 400);
	a = password(&other, QUERY);
	assert_status(send_code(&other, &a, QUERY, code_at(second, 1)), 303);
}

Test(factor, sessions_are_seen_and_ended_and_only_ones_own)
{
	struct browser b = { kit_sign_in(), NULL }, other = { kit_sign_in(), NULL };
	struct answer page = get(&b, "/account", ""), a;
	const char *csrf = field(&page, "csrf"), *at = strstr(kit_c(page.body), "value=\"end-session\"");
	const char *id;

	cr_assert(at != NULL && strstr(at + 1, "value=\"end-session\"") == NULL, "one besides this");
	at = strstr(at, "name=\"id\" value=\"") + 17;
	id = kit_fmt("%.36s", at);
	a = post(&b, "/account", kit_fmt("action=end-session&id=%s&csrf=%s", "99999999-9999-4999-8999-999999999999", csrf));
	assert_status(a, 422);
	assert_status(post(&b, "/account", kit_fmt("action=end-session&id=%s&csrf=%s", id, csrf)), 303);
	page = get(&other, "/account", "");
	cr_assert(says(&page, "<h1>Sign in</h1>"));
	page = get(&b, "/account", "");
	cr_assert(says(&page, "<h1>Your account</h1>"));
}

Test(factor, account_forms_of_others_are_refused)
{
	struct browser b = { kit_sign_in(), NULL }, other = { kit_sign_in(), NULL };
	struct answer mine = get(&b, "/account", ""), theirs = get(&other, "/account", ""), a;

	assert_status(post(&b, "/account", kit_fmt("action=end-others&csrf=%s", field(&theirs, "csrf"))), 403);
	assert_status(post(&b, "/account", "action=end-others"), 403);
	a = kit_send("POST", "/account", LG_NONE, lg_str_of(kit_fmt("action=end-others&csrf=%s", field(&mine, "csrf"))), FORM, "Cookie",
	    cookies(&b), "Sec-Fetch-Site", "same-site", NULL);
	assert_status(a, 403);
	cr_assert(says(&theirs, "Your account"));
	assert_status(post(&b, "/account", kit_fmt("action=end-others&csrf=%s", field(&mine, "csrf"))), 303);
	theirs = get(&other, "/account", "");
	cr_assert(says(&theirs, "<h1>Sign in</h1>"));
}

/* Who had the password may have opened more of them than a page shows. */
Test(factor, all_other_sessions_end_however_many)
{
	struct browser b, others[70];
	struct answer page;

	for (size_t i = 0; i < LG_COUNT(others); i++)
		others[i] = (struct browser){ kit_sign_in(), NULL };
	b = (struct browser){ kit_sign_in(), NULL };
	page = get(&b, "/account", "");
	assert_status(post(&b, "/account", kit_fmt("action=end-others&csrf=%s", field(&page, "csrf"))), 303);
	for (size_t i = 0; i < LG_COUNT(others); i++) {
		page = get(&others[i], "/account", "");
		cr_assert(says(&page, "<h1>Sign in</h1>"), "%zu", i);
	}
	page = get(&b, "/account", "");
	cr_assert(says(&page, "<h1>Your account</h1>"));
}

Test(factor, where_one_goes_on_to_is_never_another_site)
{
	static const char *const evil[] = { "https://evil.example/", "//evil.example", "/account%0d%0aSet-Cookie:%20x=1", "@evil.example", "\\\\evil" };
	struct browser b;
	struct answer codes;

	(void)enrol(&b, &codes);
	for (size_t i = 0; i < LG_COUNT(evil); i++) {
		struct answer page = get(&b, "/account", ""), a;

		a = post(&b, "/account/codes", kit_fmt("csrf=wrong&then=%s", evil[i]));
		assert_status(a, 303);
		cr_assert(strncmp(kit_header(&a, "Location"), "/oauth2/authorize?", 18) == 0
		    || strcmp(kit_header(&a, "Location"), "/account") == 0, "%s", kit_header(&a, "Location"));
		(void)page;
	}
}

static lg_err
forget_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_sts_forget(cx, v, TENANT, *(lg_uuid *)arg);
}

Test(factor, nothing_is_left_of_somebody_who_is_deleted)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct browser b;
	struct answer codes;
	lg_uuid alice;
	uint64_t n;

	(void)enrol(&b, &codes);
	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &alice));
	kit_apply(forget_run, &alice);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_table_count(&kit.cx, v, &sts_factors, &n), LG_OK);
	cr_assert_eq(n, 0);
}

static lg_err
sign_in_to_api(const char *code, struct lg_sts_session_token *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret p = lg_secret_copy(LG_STR("alice-password"));
	struct lg_peer peer = { .surface = LG_SURFACE_HTTPS, .address = "10.0.0.9:1" };
	lg_err e;

	e = lg_sts_issue_session_token(&kit.cx, kit.sts, TENANT, LG_STR("alice"), &p, lg_str_of(code), &peer, ret);
	lg_store_turn(kit.store);
	return e;
}

Test(factor, no_other_door_opens_with_the_password_alone)
{
	struct lg_sts_session_token t;
	struct browser b;
	struct answer codes;
	const char *secret;

	cr_assert_eq(sign_in_to_api("", &t), LG_OK);
	secret = enrol(&b, &codes);
	cr_assert_eq(sign_in_to_api("", &t), LG_E_DENIED);
	cr_assert_eq(sign_in_to_api("000000", &t), LG_E_UNAUTHENTICATED);
	cr_assert_eq(sign_in_to_api(code_at(secret, 1), &t), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_str_eq(kit_member(kit_payload(t.token), "acr"), LG_STR(STS_ACR_MFA)));
}
