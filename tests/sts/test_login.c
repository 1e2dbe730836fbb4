#include <stdio.h>

#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(login, .init = kit_start, .fini = kit_end);

#define QUERY "response_type=code&client_id=spa&scope=openid&state=xyz&code_challenge_method=S256&code_challenge=" CHALLENGE \
	"&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"

struct form {
	const char *cookie, *csrf, *request;
};

static struct form
open_form(const char *query)
{
	struct answer a = kit_get("/oauth2/authorize", query, NULL);
	const char *cookie = kit_set_cookie(&a, "login");

	assert_status(a, 200);
	return (struct form){ kit_fmt("%.*s", (int)strcspn(cookie, ";"), cookie), kit_field(a.body, "csrf"), query };
}

static struct answer
submit(const struct form *f, const char *username, const char *password)
{
	return kit_send("POST", "/login", LG_NONE, lg_str_of(kit_fmt("username=%s&password=%s&csrf=%s&request=%s",
	    kit_percent(username), kit_percent(password), f->csrf, kit_percent(f->request))),
	    "Content-Type", "application/x-www-form-urlencoded", "Cookie", f->cookie, NULL);
}

Test(login, goes_straight_back_to_the_client_with_a_code)
{
	struct form f = open_form(QUERY);
	struct answer a = submit(&f, "alice", "alice-password");

	assert_status(a, 303);
	lg_str code = kit_parameter(kit_header(&a, "Location"), "code");
	assert_status(kit_redeem("spa", code), 200);
	const char *cookie = kit_set_cookie(&a, "session");
	cr_assert(strstr(cookie, "__Host-lg-session-1=") == cookie, "%s", cookie);
	cr_assert(strstr(cookie, "; Path=/;") && strstr(cookie, "; Secure") && strstr(cookie, "; HttpOnly")
	    && strstr(cookie, "; SameSite=Lax") && strstr(cookie, "Domain") == NULL, "%s", cookie);
}

Test(login, wrong_name_and_wrong_password_look_and_cost_the_same)
{
	static const struct {
		const char *name, *password;
	} cases[] = {
		{ "alice", "wrong" }, { "nobody", "wrong" }, { "bob", "bob-password" }, { "worker", "wrong" },
	};
	struct form f = open_form(QUERY);

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct answer a = submit(&f, cases[i].name, cases[i].password);
		assert_status(a, 422);
		cr_assert(strstr(kit_c(a.body), "The user name or the password is wrong.") != NULL);
		cr_assert_str_eq(kit_set_cookie(&a, "session"), "");
		cr_assert_eq(kit.hashes, i + 1);
	}
	cr_assert_eq(kit.wasted_hashes, 3);
	/* The page can be used again, as it came back. */
	assert_status(submit(&f, "alice", "alice-password"), 303);
}

Test(login, forms_from_elsewhere_are_refused_before_any_hash)
{
	struct form f = open_form(QUERY), other = open_form(QUERY), bad;

	bad = (struct form){ "", f.csrf, QUERY };
	assert_status(submit(&bad, "alice", "alice-password"), 403);
	bad = (struct form){ other.cookie, f.csrf, QUERY };
	assert_status(submit(&bad, "alice", "alice-password"), 403);
	bad = (struct form){ f.cookie, "", QUERY };
	assert_status(submit(&bad, "alice", "alice-password"), 403);
	bad = (struct form){ f.cookie, f.csrf, QUERY "&prompt=none" };		/* another request than the page's */
	assert_status(submit(&bad, "alice", "alice-password"), 403);
	struct answer a = kit_send("POST", "/login", LG_NONE, lg_str_of(kit_fmt("username=alice&password=alice-password&csrf=%s"
	    "&request=%s", f.csrf, kit_percent(QUERY))), "Content-Type", "application/x-www-form-urlencoded", "Cookie", f.cookie,
	    "Sec-Fetch-Site", "cross-site", NULL);
	assert_status(a, 403);
	cr_assert_eq(kit.hashes, 0);
}

Test(login, a_changed_request_in_the_form_opens_no_redirect)
{
	struct answer page = kit_get("/login", "", NULL);
	const char *cookie = kit_fmt("%.*s", (int)strcspn(kit_set_cookie(&page, "login"), ";"), kit_set_cookie(&page, "login"));
	const char *evil = "response_type=code&client_id=spa&scope=openid&redirect_uri=https%3A%2F%2Fevil.example%2F";
	lg_str csrf;
	struct lg_ctx cx;
	struct lg_http ex = { .cx = &cx };
	struct sts_rq rq = { .sts = kit.sts, .ex = &ex, .cx = &cx, .tenant_id = TENANT };

	/* Even with a good proof: the request is judged again. */
	lg_ctx_init(&cx, kit.arena);
	cr_assert_eq(sts_csrf_make(&rq, lg_str_sub(lg_str_of(cookie), strlen(cookie) - LG_TOKEN_TEXT, LG_TOKEN_TEXT),
	    lg_str_of(evil), &csrf), LG_OK);
	struct form f = { cookie, kit_c(csrf), evil };
	struct answer a = submit(&f, "alice", "alice-password");
	assert_status(a, 400);
	cr_assert_str_eq(kit_header(&a, "Location"), "");
}

Test(login, every_sign_in_has_a_session_of_its_own)
{
	struct form f = open_form(QUERY);
	struct answer a, b;

	/* A cookie that was planted before is worth nothing afterwards. */
	f.cookie = kit_fmt("%s; __Host-lg-session-1=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", f.cookie);
	a = submit(&f, "alice", "alice-password");
	b = submit(&f, "alice", "alice-password");
	cr_assert(strstr(kit_set_cookie(&a, "session"), "AAAAAAAA") == NULL);
	cr_assert_str_neq(kit_set_cookie(&a, "session"), kit_set_cookie(&b, "session"));
}

Test(login, another_person_on_the_same_browser_ends_the_first_session)
{
	const char *alice = kit_sign_in();
	struct form f = open_form(QUERY);

	f.cookie = kit_fmt("%s; %s", f.cookie, alice);
	assert_status(submit(&f, "carol", "carol-password"), 303);
	struct answer a = kit_get("/oauth2/authorize", QUERY "&prompt=none", alice);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("login_required")));
}

Test(login, prompt_login_is_satisfied_by_the_sign_in)
{
	struct form f = open_form(QUERY "&prompt=login&max_age=0");
	struct answer a = submit(&f, "alice", "alice-password");

	cr_assert_eq(kit_parameter(kit_header(&a, "Location"), "code").n, LG_TOKEN_TEXT);
}

Test(login, an_account_waits_where_it_failed_five_times_and_nowhere_else)
{
	struct form f = open_form(QUERY);

	for (int i = 0; i < 5; i++)
		assert_status(submit(&f, "alice", "wrong"), 422);
	struct answer a = submit(&f, "alice", "alice-password");
	assert_status(a, 429);
	cr_assert_str_eq(kit_header(&a, "Retry-After"), "60");
	cr_assert_eq(kit.hashes, 5);
	assert_status(submit(&f, "carol", "carol-password"), 303);
	kit.address = "10.9.9.9:1";
	assert_status(submit(&f, "alice", "alice-password"), 303);
}

Test(login, writing_the_name_otherwise_gives_no_more_attempts)
{
	static const char *names[] = { "alice", "Alice", "ALICE", "aLICE", "alicE" };
	struct form f = open_form(QUERY);

	for (size_t i = 0; i < LG_COUNT(names); i++)
		assert_status(submit(&f, names[i], "wrong"), 422);
	assert_status(submit(&f, "aliCe", "alice-password"), 429);
}

Test(login, an_address_waits_after_twenty_failures_whatever_the_names_and_ports)
{
	struct form f = open_form(QUERY);

	for (int i = 0; i < 20; i++) {
		kit.address = kit_fmt("10.0.0.7:%d", 4000 + i);
		assert_status(submit(&f, kit_fmt("name%d", i), "wrong"), 422);
	}
	assert_status(submit(&f, "alice", "alice-password"), 429);
	kit.address = "10.0.0.8:1";
	assert_status(submit(&f, "alice", "alice-password"), 303);
}

/* What this browser's jar is after it signed in: the page's cookie, and the one by which it is known. */
static struct form
known_browser(const char *who, const char *password)
{
	struct form f = open_form(QUERY);
	struct answer a = submit(&f, who, password);
	const char *browser = kit_set_cookie(&a, "browser");

	assert_status(a, 303);
	cr_assert(strstr(browser, "; Secure; HttpOnly; SameSite=Lax") != NULL, "%s", browser);
	f.cookie = kit_fmt("%s; %.*s", f.cookie, (int)strcspn(browser, ";"), browser);
	return f;
}

static void
guess(const struct form *f, const char *who, int times)
{
	for (int i = 0; i < times; i++) {
		struct answer a = submit(f, who, "wrong");
		cr_assert(a.status == 422 || a.status == 429, "%d", a.status);
	}
}

/* From so many addresses, four from each. */
static void
guess_from(const struct form *f, const char *who, int addresses)
{
	for (int i = 0; i < addresses; i++) {
		kit.address = kit_fmt("10.%d.%d.7:1", i % 50, i / 50);
		guess(f, who, 4);
	}
}

Test(login, a_thousand_guesses_from_elsewhere_keep_no_new_browser_waiting)
{
	struct form attacker = open_form(QUERY), new, hasty;

	guess_from(&attacker, "alice", 250);
	kit.address = "192.0.2.1:1";
	new = open_form(QUERY);
	assert_status(submit(&new, "alice", "alice-password"), 303);
	/* Nor one that mistypes: it has its own five. */
	kit.address = "192.0.2.2:1";
	hasty = open_form(QUERY);
	for (int i = 0; i < 4; i++)
		assert_status(submit(&hasty, "alice", "alice-pasword"), 422);
	assert_status(submit(&hasty, "alice", "alice-password"), 303);
}

Test(login, whoever_guesses_from_one_address_gets_few_answers)
{
	struct form attacker = open_form(QUERY);
	unsigned before = kit.hashes;

	guess(&attacker, "alice", 1000);
	cr_assert_lt(kit.hashes - before, 10, "%u were looked at", kit.hashes - before);
}

Test(login, after_two_thousand_guesses_strangers_wait_and_who_is_known_does_not)
{
	struct form own = known_browser("alice", "alice-password"), attacker = open_form(QUERY), new;
	const char *home = kit.address;
	unsigned before = kit.hashes;

	guess_from(&attacker, "alice", 600);
	cr_assert(kit.hashes - before >= STS_GUESSES && kit.hashes - before < STS_GUESSES + 10, "%u were looked at", kit.hashes - before);
	kit.address = "192.0.2.1:1";
	new = open_form(QUERY);
	assert_status(submit(&new, "alice", "alice-password"), 429);
	assert_status(submit(&new, "carol", "carol-password"), 303);
	/* Her own browser, anywhere; and any browser where she was before. */
	assert_status(submit(&own, "alice", "alice-password"), 303);
	kit.address = home;
	assert_status(submit(&new, "alice", "alice-password"), 303);
}

Test(login, a_hundred_guesses_at_an_account_are_forgotten_in_an_hour)
{
	int64_t counted = 1000;

	cr_assert_eq(sts_guesses_left(STS_GUESSES, &counted, 1000 + LG_HOUR), STS_GUESSES - 100);
	cr_assert_eq(counted, 1000 + LG_HOUR);
	/* What is not a whole one yet is not lost. */
	cr_assert_eq(sts_guesses_left(7, &counted, counted + STS_GUESS_FORGET - 1), 7);
	cr_assert_eq(counted, 1000 + LG_HOUR);
	cr_assert_eq(sts_guesses_left(7, &counted, counted + STS_GUESS_FORGET + 1), 6);
	cr_assert_eq(sts_guesses_left(7, &counted, counted + LG_HOUR), 0);
}

Test(login, a_known_browser_is_not_kept_out_where_the_guesses_come_from)
{
	struct form own = known_browser("alice", "alice-password"), attacker = open_form(QUERY);

	guess(&attacker, "alice", 30);
	assert_status(submit(&attacker, "alice", "alice-password"), 429);
	assert_status(submit(&own, "alice", "alice-password"), 303);
}

Test(login, a_known_browser_waits_for_its_own_failures_and_keeps_nobody_else_waiting)
{
	struct form own = known_browser("alice", "alice-password"), other = known_browser("alice", "alice-password");

	guess(&own, "alice", 5);
	assert_status(submit(&own, "alice", "alice-password"), 429);
	assert_status(submit(&other, "alice", "alice-password"), 303);
	kit.address = "10.9.9.9:1";
	struct form strange = open_form(QUERY);
	assert_status(submit(&strange, "alice", "alice-password"), 303);
}

Test(login, whom_the_operator_forgives_waits_neither_as_a_stranger_nor_where_known)
{
	struct form own = known_browser("alice", "alice-password"), place = open_form(QUERY), strange;
	const char *here = kit.address;
	lg_uuid alice;

	cr_assert(lg_uuid_parse(LG_STR(ALICE_ID), &alice));
	guess(&own, "alice", 5);
	guess(&place, "alice", 5);
	assert_status(submit(&place, "alice", "alice-password"), 429);
	kit.address = "10.9.9.9:1";
	strange = open_form(QUERY);
	guess(&strange, "alice", 5);
	assert_status(submit(&strange, "alice", "alice-password"), 429);
	assert_status(submit(&own, "alice", "alice-password"), 429);
	lg_sts_forgive(&kit.cx, kit.sts, TENANT, alice);
	assert_status(submit(&strange, "alice", "alice-password"), 303);
	assert_status(submit(&own, "alice", "alice-password"), 303);
	kit.address = here;
	assert_status(submit(&place, "alice", "alice-password"), 303);
}

Test(login, a_browser_is_known_to_the_account_that_signed_in_with_it_and_to_no_other)
{
	struct form own = known_browser("alice", "alice-password"), strange = open_form(QUERY);

	guess(&own, "carol", 5);
	assert_status(submit(&own, "carol", "carol-password"), 429);
	assert_status(submit(&strange, "carol", "carol-password"), 429);
	assert_status(submit(&own, "alice", "alice-password"), 303);
}

Test(login, what_a_browser_makes_up_itself_makes_it_no_known_one)
{
	struct form own = known_browser("alice", "alice-password"), bad = own;
	char *changed = (char *)kit_fmt("%s", own.cookie);

	changed[strlen(changed) - 2] = changed[strlen(changed) - 2] == 'A' ? 'B' : 'A';
	bad.cookie = changed;
	kit.address = "10.9.9.9:1";
	guess(&bad, "alice", 5);
	assert_status(submit(&bad, "alice", "alice-password"), 429);
	assert_status(submit(&own, "alice", "alice-password"), 303);
	kit.address = "10.9.9.8:1";
	guess(&bad, "alice", 5);
	kit.shift = 181 * LG_DAY;
	assert_status(submit(&own, "alice", "alice-password"), 429);
}

Test(login, one_guesser_does_not_keep_an_office_out)
{
	struct form f = open_form(QUERY);

	assert_status(submit(&f, "alice", "alice-password"), 303);
	for (int i = 0; i < 20; i++)
		assert_status(submit(&f, kit_fmt("name%d", i), "wrong"), 422);
	/* Her password was right here before; his never was. */
	assert_status(submit(&f, "alice", "alice-password"), 303);
	assert_status(submit(&f, "carol", "carol-password"), 429);
	guess(&f, "alice", 5);
	assert_status(submit(&f, "alice", "alice-password"), 429);
}

Test(login, all_addresses_of_one_network_are_one)
{
	struct form f = open_form(QUERY);

	for (int i = 0; i < 20; i++) {
		kit.address = kit_fmt("[2001:db8:0:7::%x]:%d", i, 4000 + i);
		assert_status(submit(&f, kit_fmt("name%d", i), "wrong"), 422);
	}
	kit.address = "[2001:db8:0:7:ffff::1]:1";
	assert_status(submit(&f, "alice", "alice-password"), 429);
	kit.address = "[2001:db8:0:8::1]:1";
	assert_status(submit(&f, "alice", "alice-password"), 303);
}

Test(login, oversized_credentials_are_refused_before_the_hash)
{
	struct form f = open_form(QUERY);
	char longer[LG_PASSWORD_MAX + 2];

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_status(submit(&f, "alice", longer), 422);
	assert_status(submit(&f, longer, "x"), 422);
	assert_status(submit(&f, "", ""), 422);
	cr_assert_eq(kit.hashes, 0);
}

Test(login, what_was_typed_is_escaped_in_the_page)
{
	struct form f = open_form(QUERY);
	struct answer a = submit(&f, "\"><script>alert(1)</script>", "x");

	assert_status(a, 422);
	cr_assert(strstr(kit_c(a.body), "<script>") == NULL && strstr(kit_c(a.body), "alert(1)</script>") == NULL);
	cr_assert(strstr(kit_header(&a, "Content-Security-Policy"), "default-src 'none'") != NULL);
	cr_assert(strstr(kit_header(&a, "Content-Security-Policy"), "form-action 'self' https://app.example;") != NULL);
	cr_assert_str_eq(kit_header(&a, "X-Frame-Options"), "DENY");
}

Test(login, the_style_sheet_is_the_one_that_the_policy_names)
{
	struct answer a = kit_get("/login", "", NULL);
	const char *at = strstr(kit_c(a.body), "<style>") + 7;
	lg_sha256 h = lg_sha256_of((lg_str){ at, (size_t)(strstr(at, "</style>") - at) });
	lg_str text = lg_base64(kit.arena, lg_sha256_str(&h));

	cr_assert(strstr(kit_header(&a, "Content-Security-Policy"), kit_fmt("style-src 'sha256-%.*s'", LG_FMT(text))) != NULL);
}

/* ---- sign-out ----------------------------------------------------------------------------------------------- */

static bool
signed_in(const char *cookie)
{
	struct answer a = kit_get("/oauth2/authorize", QUERY "&prompt=none", cookie);

	return kit_parameter(kit_header(&a, "Location"), "code").n > 0;
}

Test(login, sign_out_asks_first_and_then_ends_session_and_tokens)
{
	const char *cookie = kit_sign_in();
	lg_str token = kit_member(kit_redeem("spa", kit_code("spa", "", cookie)).body, "access_token");
	struct answer ask = kit_get("/logout", "", cookie), a;
	struct lg_sts_bearer b;

	assert_status(ask, 200);
	cr_assert(signed_in(cookie));
	a = kit_send("POST", "/logout", LG_NONE, lg_str_of("request=&csrf=wrong"), "Content-Type",
	    "application/x-www-form-urlencoded", "Cookie", cookie, NULL);
	cr_assert(signed_in(cookie));
	a = kit_send("POST", "/logout", LG_NONE, lg_str_of(kit_fmt("request=&csrf=%s", kit_field(ask.body, "csrf"))), "Content-Type",
	    "application/x-www-form-urlencoded", "Cookie", cookie, NULL);
	assert_status(a, 200);
	cr_assert(strstr(kit_set_cookie(&a, "session"), "Max-Age=0") != NULL);
	cr_assert_not(signed_in(cookie));
	cr_assert_eq(kit_check(token, ISSUER, &b), LG_E_UNAUTHENTICATED);
}

Test(login, an_id_token_of_the_session_signs_out_and_returns)
{
	const char *cookie = kit_sign_in();
	lg_str id = kit_member(kit_redeem("portal", kit_code("portal", "", cookie)).body, "id_token");
	struct answer a = kit_get("/logout", kit_fmt("id_token_hint=%.*s&state=s%%201&post_logout_redirect_uri="
	    "https%%3A%%2F%%2Fapp.example%%2Fbye", LG_FMT(id)), cookie);

	assert_status(a, 303);
	cr_assert_str_eq(kit_header(&a, "Location"), "https://app.example/bye?state=s%201");
	cr_assert_not(signed_in(cookie));
}

Test(login, an_applications_form_without_our_cookie_signs_out_by_its_id_token)
{
	const char *cookie = kit_sign_in();
	lg_str id = kit_member(kit_redeem("portal", kit_code("portal", "", cookie)).body, "id_token");

	assert_status(kit_post("/logout", kit_fmt("id_token_hint=%.*s", LG_FMT(id)), NULL), 200);
	cr_assert_not(signed_in(cookie));
}

static bool
is_sign_in(void *arg, const struct lg_change *c)
{
	bool *found = arg;

	if (!lg_str_eq(c->operation, LG_STR("session.begin")))
		return true;
	cr_assert(lg_str_eq(c->actor_name, LG_STR("alice")) && lg_str_eq(c->address, LG_STR("10.0.0.7:4711")));
	*found = true;
	return false;
}

Test(login, the_audit_names_who_signed_in)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	bool found = false;

	(void)kit_sign_in();
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_changes(&kit.cx, v, TENANT, 0, is_sign_in, &found), LG_OK, "%s", kit.cx.error);
	cr_assert(found);
}

Test(login, sign_out_never_redirects_to_what_is_not_registered)
{
	const char *cookie = kit_sign_in();
	lg_str id = kit_member(kit_redeem("portal", kit_code("portal", "", cookie)).body, "id_token");
	const char *cases[] = {
		kit_fmt("id_token_hint=%.*s&post_logout_redirect_uri=https%%3A%%2F%%2Fevil.example%%2F", LG_FMT(id)),
		kit_fmt("id_token_hint=%.*s&post_logout_redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fbye%%3Fx", LG_FMT(id)),
		kit_fmt("id_token_hint=%.*s&client_id=spa", LG_FMT(id)),
		kit_fmt("id_token_hint=%.*sx", LG_FMT(id)),
		"post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye",
		"client_id=nobody&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye",
		"state=a&state=b",
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct answer a = kit_get("/logout", cases[i], cookie);
		cr_assert_eq(a.status, 400, "%s: %d", cases[i], a.status);
		cr_assert_str_eq(kit_header(&a, "Location"), "");
	}
	cr_assert(signed_in(cookie));
}

Test(login, somebody_elses_id_token_only_asks)
{
	const char *one = kit_sign_in(), *two = kit_sign_in();
	lg_str id = kit_member(kit_redeem("portal", kit_code("portal", "", one)).body, "id_token");

	assert_status(kit_get("/logout", kit_fmt("id_token_hint=%.*s", LG_FMT(id)), two), 200);
	cr_assert(signed_in(two));
}

/* ---- POST /v1/login -------------------------------------------------------------------------------------------- */

static lg_err
session_token(const char *name, const char *password, struct lg_sts_session_token *ret)
{
	LG_AUTO(lg_secret_free) struct lg_secret p = lg_secret_copy(lg_str_of(password));
	struct lg_peer peer = { .surface = LG_SURFACE_UNIX };

	(void)snprintf(peer.address, sizeof peer.address, "uid=0 pid=12");
	return lg_sts_issue_session_token(&kit.cx, kit.sts, TENANT, lg_str_of(name), &p, LG_NONE, &peer, ret);
}

Test(login, a_session_token_opens_the_admin_and_decision_apis_only)
{
	struct lg_sts_session_token t;
	struct lg_sts_bearer b;

	cr_assert_eq(session_token("alice", "alice-password", &t), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(t.expires_in, LG_STS_SESSION_TOKEN_LIFE);
	cr_assert(lg_str_eq(t.subject.name, LG_STR("alice")));
	cr_assert_eq(kit_check(t.token, ISSUER "/v1", &b), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(kit_check(t.token, ISSUER "/access/v1", &b), LG_OK);
	cr_assert_eq(kit_check(t.token, ISSUER, &b), LG_E_UNAUTHENTICATED);
}

Test(login, a_session_token_is_refused_for_bad_passwords_and_by_policy)
{
	struct lg_sts_session_token t;

	cr_assert_eq(session_token("alice", "wrong", &t), LG_E_UNAUTHENTICATED);
	cr_assert_eq(session_token("nobody", "wrong", &t), LG_E_UNAUTHENTICATED);
	cr_assert_eq(session_token("bob", "bob-password", &t), LG_E_UNAUTHENTICATED);
	kit.deny = true;
	cr_assert_eq(session_token("alice", "alice-password", &t), LG_E_DENIED);
	cr_assert_eq(kit.signed_tokens, 0);
}

Test(login, who_is_refused_is_on_record_but_no_name_that_nobody_has)
{
	LG_AUTO(lg_secret_free) struct lg_secret wrong = lg_secret_copy(LG_STR("wrong")), right = lg_secret_copy(LG_STR("alice-password"));
	struct lg_peer peer = { .address = "10.0.0.7:1", .uid = -1, .gid = -1, .pid = -1 };
	struct lg_sts_subject who;

	cr_assert_eq(lg_sts_password_check(&kit.cx, kit.sts, TENANT, LG_STR("alice"), &wrong, &peer, &who), LG_E_UNAUTHENTICATED);
	cr_assert(kit.refusals == 1 && lg_str_eq(kit.refused, LG_STR("alice")), "%u %.*s", kit.refusals, LG_FMT(kit.refused));
	cr_assert(lg_str_eq(kit.refused_why, LG_STR("wrong user name or password")), "%.*s", LG_FMT(kit.refused_why));
	cr_assert_eq(lg_sts_password_check(&kit.cx, kit.sts, TENANT, LG_STR("my own password"), &wrong, &peer, &who), LG_E_UNAUTHENTICATED);
	cr_assert(kit.refusals == 2 && kit.refused.n == 0, "%.*s", LG_FMT(kit.refused));
	cr_assert_eq(lg_sts_password_check(&kit.cx, kit.sts, TENANT, LG_STR("alice"), &right, &peer, &who), LG_OK);
	cr_assert_eq(kit.refusals, 2u);
}
