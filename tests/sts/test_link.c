/* Links with which a password is set: how long, how often, for whom; and the pages. */
#include <stdio.h>

#include "tests/sts/kit.h"

#include "sts/mail.h"

TestSuite(link, .init = kit_start, .fini = kit_end);

#define CAROL	"ca401000-0000-4000-8000-000000000003"
#define FORM	"Content-Type", "application/x-www-form-urlencoded"
#define SETTINGS "{\"host\":\"smtp.example\",\"from\":\"id@example.org\"}"

static lg_uuid
id_of(const char *text)
{
	lg_uuid id;

	cr_assert(lg_uuid_parse(lg_str_of(text), &id));
	return id;
}

struct making {
	struct sts_link link;
	lg_str url;
};

static lg_err
make_run(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct making *m = arg;

	m->link.expires = lg_view_time(v) + LG_HOUR;
	return sts_link_make(cx, kit.sts, v, kit.tenant, &m->link, &m->url);
}

static lg_err
try_make(enum sts_link_kind kind, const char *subject, const char *mail, bool again, const char **token)
{
	struct making m = { .link = { .kind = kind, .subject = id_of(subject), .mail = lg_str_of(mail), .again = again } };
	lg_err e = kit_try(make_run, &m);

	if (e == LG_OK && token != NULL)
		*token = kit_c(kit_parameter(kit_c(m.url), "t"));
	return e;
}

static const char *
make(enum sts_link_kind kind, const char *mail)
{
	const char *token = NULL;

	cr_assert_eq(try_make(kind, ALICE_ID, mail, false, &token), LG_OK, "%s", kit.cx.error);
	return token;
}

static lg_err
opens(const char *token)
{
	struct lg_sts_subject who;
	struct lg_view *v = NULL;
	struct sts_link l;
	lg_err e;

	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	kit.cx.now += kit.shift;
	e = sts_link_open(&kit.cx, kit.sts, v, kit.tenant, lg_str_of(token), &l, &who);
	kit.cx.now -= kit.shift;
	lg_view_end(&v);
	lg_store_turn(kit.store);
	return e;
}

/* ---- tokens ---------------------------------------------------------------------------------------------------------- */

Test(link, names_the_issuer_and_holds_256_bits)
{
	struct making m = { .link = { .kind = STS_LINK_GIVEN, .subject = id_of(ALICE_ID) } };

	kit_apply(make_run, &m);
	cr_assert(lg_str_starts(m.url, LG_STR(ISSUER "/login/link?t=")), "%.*s", LG_FMT(m.url));
	cr_assert_eq(kit_parameter(kit_c(m.url), "t").n, 22 + 1 + LG_TOKEN_TEXT);
}

Test(link, opens_until_its_time_is_over)
{
	const char *token = make(STS_LINK_GIVEN, "");

	cr_assert_eq(opens(token), LG_OK);
	cr_assert_eq(opens(token), LG_OK, "looking does not spend it");
	kit.shift = LG_HOUR + LG_MINUTE;
	cr_assert_eq(opens(token), LG_E_EXPIRED);
}

Test(link, is_void_when_the_password_has_changed)
{
	const char *token = make(STS_LINK_GIVEN, "");

	(void)snprintf(kit.alice_verifier, sizeof kit.alice_verifier, "plain:another one");
	cr_assert_eq(opens(token), LG_E_EXPIRED);
}

Test(link, is_for_one_tenant)
{
	const char *token = make(STS_LINK_GIVEN, "");

	kit.tenant = TENANT + 1;
	cr_assert_eq(opens(token), LG_E_EXPIRED);
}

Test(link, is_not_for_the_disabled)
{
	const char *token = make(STS_LINK_GIVEN, "");

	kit.alice_disabled = true;
	cr_assert_eq(opens(token), LG_E_EXPIRED);
}

Test(link, a_newer_one_replaces_those_of_its_kind)
{
	const char *first = make(STS_LINK_GIVEN, ""), *second = make(STS_LINK_GIVEN, ""), *asked = make(STS_LINK_ASKED, "");

	cr_assert_eq(opens(first), LG_E_EXPIRED);
	cr_assert_eq(opens(second), LG_OK, "what somebody asks for does not end what an administrator gave");
	cr_assert_eq(opens(asked), LG_OK);
}

Test(link, what_is_no_token_opens_nothing)
{
	const char *token = make(STS_LINK_GIVEN, "");
	const char *bad[] = { "", ".", "x", kit_fmt("%sA", token), kit_fmt("%.*s", 65, token), kit_fmt("%.22s.%043d", token, 0),
		kit_fmt("AAAAAAAAAAAAAAAAAAAAAA%s", token + 22), kit_fmt("%.65s%c", token, token[65] == 'A' ? 'B' : 'A'), kit_fmt("%05000d", 0) };

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(opens(bad[i]), LG_E_EXPIRED, "%.100s", bad[i]);
	cr_assert_eq(opens(token), LG_OK);
}

Test(link, an_account_is_sent_three_an_hour)
{
	cr_assert_eq(try_make(STS_LINK_ASKED, ALICE_ID, "", false, NULL), LG_OK);
	cr_assert_eq(try_make(STS_LINK_ASKED, ALICE_ID, "", false, NULL), LG_E_LIMIT, "a moment ago");
	cr_assert_eq(try_make(STS_LINK_ASKED, ALICE_ID, "", true, NULL), LG_OK, "another attempt is not counted");
	cr_assert_eq(try_make(STS_LINK_ASKED, CAROL, "", false, NULL), LG_OK, "nor what another account was sent");
	cr_assert_eq(try_make(STS_LINK_GIVEN, ALICE_ID, "", false, NULL), LG_OK, "nor what an administrator gives");
}

/* Rows of an account that was sent three, at the given times. */
struct aging {
	int64_t made, window;
	uint32_t sent;
};

static lg_err
age(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct aging *ag = arg;
	struct sts_link l = { .kind = STS_LINK_ASKED, .subject = id_of(ALICE_ID), .made = lg_view_time(v) - ag->made,
		.window = lg_view_time(v) - ag->window, .sent = ag->sent, .expires = lg_view_time(v) };

	return sts_link_spend(cx, v, kit.tenant, &l);
}

Test(link, the_fourth_waits_for_the_hour_to_end)
{
	kit_apply(age, &(struct aging){ 3 * LG_MINUTE, 50 * LG_MINUTE, 3 });
	cr_assert_eq(try_make(STS_LINK_ASKED, ALICE_ID, "", false, NULL), LG_E_LIMIT);
	kit_apply(age, &(struct aging){ 3 * LG_MINUTE, 50 * LG_MINUTE, 2 });
	cr_assert_eq(try_make(STS_LINK_ASKED, ALICE_ID, "", false, NULL), LG_OK);
	kit_apply(age, &(struct aging){ 3 * LG_MINUTE, 61 * LG_MINUTE, 3 });
	cr_assert_eq(try_make(STS_LINK_ASKED, ALICE_ID, "", false, NULL), LG_OK);
}

/* ---- the page ------------------------------------------------------------------------------------------------------------ */

static struct answer
set_password(const char *token, const char *password, const char *again)
{
	struct answer page = kit_get("/login/link", kit_fmt("t=%s", token), NULL);
	const char *cookie = kit_set_cookie(&page, "login");

	if (page.status != 200)
		return page;
	return kit_send("POST", "/login/link", LG_NONE, lg_str_of(kit_fmt("csrf=%s&t=%s&password=%s&again=%s", kit_field(page.body, "csrf"), token,
	    password, again)), FORM, "Cookie", kit_fmt("%.*s", (int)strcspn(cookie, ";"), cookie), NULL);
}

Test(link, sets_a_password_once_and_ends_what_was)
{
	const char *session = kit_sign_in(), *token = make(STS_LINK_GIVEN, "");
	struct answer a = set_password(token, "a-new-password", "a-new-password");

	assert_status(a, 200);
	cr_assert_str_eq(kit.alice_verifier, "plain:a-new-password");
	cr_assert(kit.by_link, "policy is told of the link");
	a = set_password(token, "another-password", "another-password");
	assert_status(a, 410);
	cr_assert_str_eq(kit.alice_verifier, "plain:a-new-password");
	a = kit_get("/account", NULL, session);
	cr_assert(strstr(kit_c(a.body), "name=\"password\"") != NULL, "whoever was signed in is not any more");
}

static int
sign_in(const char *browser)
{
	struct answer page = kit_get("/login", "", NULL);
	const char *cookie = kit_set_cookie(&page, "login");

	return kit_send("POST", "/login", LG_NONE, lg_str_of(kit_fmt("username=alice&password=a-new-password&request=&csrf=%s",
	    kit_field(page.body, "csrf"))), FORM, "Cookie", kit_fmt("%.*s; %.*s", (int)strcspn(cookie, ";"), cookie, (int)strcspn(browser, ";"),
	    browser), NULL).status;
}

Test(link, makes_its_browser_one_that_waits_for_no_guesser)
{
	struct answer a = set_password(make(STS_LINK_GIVEN, ""), "a-new-password", "a-new-password");
	const char *browser = kit_set_cookie(&a, "browser");

	assert_status(a, 200);
	for (int i = 0; i < STS_GUESSES; i++)
		cr_assert_eq(sts_throttle_enter(&kit.cx, kit.sts->throttle, &(struct sts_attempt){ .tenant = TENANT,
		    .address = lg_str_of(kit_fmt("10.1.%d.%d:1", i / 200, i % 200)), .account = LG_STR(ALICE_ID) }), LG_OK);
	kit.address = "192.0.2.1:1";
	cr_assert_eq(sign_in(""), 429);
	cr_assert_eq(sign_in(browser), 200);
}

Test(link, says_what_is_wrong_and_stays_good)
{
	const char *token = make(STS_LINK_GIVEN, "");
	struct answer a = set_password(token, "a-new-password", "a-new-passwort");

	assert_status(a, 422);
	a = set_password(token, "short", "short");
	assert_status(a, 422);
	cr_assert(strstr(kit_c(a.body), "at least 8 characters") != NULL);
	kit.deny = true;
	a = set_password(token, "a-new-password", "a-new-password");
	assert_status(a, 422);
	kit.deny = false;
	cr_assert_eq(kit.alice_verifier[0], '\0');
	a = set_password(token, "a-new-password", "a-new-password");
	assert_status(a, 200);
}

Test(link, its_form_is_of_this_browser_and_site)
{
	const char *token = make(STS_LINK_GIVEN, ""), *body;
	struct answer page = kit_get("/login/link", kit_fmt("t=%s", token), NULL), a;
	const char *cookie = kit_set_cookie(&page, "login");

	body = kit_fmt("csrf=%s&t=%s&password=a-new-password&again=a-new-password", kit_field(page.body, "csrf"), token);
	cookie = kit_fmt("%.*s", (int)strcspn(cookie, ";"), cookie);
	a = kit_send("POST", "/login/link", LG_NONE, lg_str_of(body), FORM, NULL);
	assert_status(a, 403);
	a = kit_send("POST", "/login/link", LG_NONE, lg_str_of(body), FORM, "Cookie", cookie, "Sec-Fetch-Site", "cross-site", NULL);
	assert_status(a, 403);
	cr_assert_eq(kit.alice_verifier[0], '\0');
	a = kit_send("POST", "/login/link", LG_NONE, lg_str_of(body), FORM, "Cookie", cookie, "Sec-Fetch-Site", "same-origin", NULL);
	assert_status(a, 200);
}

/* ---- addresses that were proved --------------------------------------------------------------------------------------------- */

static bool
is_proved(const char *mail)
{
	struct lg_view *v = NULL;
	bool proved;

	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	proved = lg_sts_mail_is_proved(&kit.cx, v, kit.tenant, id_of(ALICE_ID), lg_str_of(mail));
	lg_view_end(&v);
	lg_store_turn(kit.store);
	return proved;
}

Test(link, that_was_mailed_proves_the_address)
{
	struct answer a = set_password(make(STS_LINK_GIVEN, "alice@example.org"), "a-new-password", "a-new-password");

	assert_status(a, 200);
	cr_assert(is_proved("alice@example.org") && is_proved("Alice@Example.ORG"));
	cr_assert_not(is_proved("alice@example.com"), "another address is another one to prove");
	cr_assert_not(is_proved(""));
}

Test(link, that_was_shown_proves_nothing)
{
	struct answer a = set_password(make(STS_LINK_GIVEN, ""), "a-new-password", "a-new-password");

	assert_status(a, 200);
	cr_assert_not(is_proved("alice@example.org"));
}

Test(link, proves_no_address_that_was_changed_meanwhile)
{
	const char *token = make(STS_LINK_GIVEN, "alice@example.org");

	kit.alice_mail = "new@example.org";
	struct answer a = set_password(token, "a-new-password", "a-new-password");
	assert_status(a, 200);
	cr_assert_not(is_proved("alice@example.org") || is_proved("new@example.org"));
}

/* ---- asking for one ------------------------------------------------------------------------------------------------------------ */

static struct answer
ask(const char *name)
{
	struct answer page = kit_get("/login/forgot", NULL, NULL);
	const char *cookie = kit_set_cookie(&page, "login");

	assert_status(page, 200);
	return kit_send("POST", "/login/forgot", LG_NONE, lg_str_of(kit_fmt("csrf=%s&username=%s", kit_field(page.body, "csrf"), name)),
	    FORM, "Cookie", kit_fmt("%.*s", (int)strcspn(cookie, ";"), cookie), NULL);
}

Test(link, asking_tells_nothing)
{
	struct answer known, unknown, a;

	cr_assert_eq(kit_mail(SETTINGS), LG_OK);
	known = ask("alice");
	unknown = ask("nobody");
	assert_status(known, 200);
	assert_status(unknown, 200);
	cr_assert(lg_str_eq(known.body, unknown.body));
	cr_assert_eq(known.ex->nheaders, unknown.ex->nheaders);
	a = kit_send("POST", "/login/forgot", LG_NONE, LG_STR("csrf=x&username=alice"), FORM, NULL);
	assert_status(a, 403);
}

Test(link, asking_is_not_offered_everywhere)
{
	struct answer a = kit_get("/login/forgot", NULL, NULL);

	assert_status(a, 404);
	cr_assert_eq(kit_mail("{\"host\":\"smtp.example\",\"from\":\"id@example.org\",\"self_service\":false}"), LG_OK);
	a = kit_get("/login/forgot", NULL, NULL);
	assert_status(a, 404);
	a = kit_get("/login", NULL, NULL);
	cr_assert(strstr(kit_c(a.body), "/login/forgot") == NULL);
}

Test(link, an_address_that_asks_often_waits_and_no_other)
{
	struct answer a;

	cr_assert_eq(kit_mail(SETTINGS), LG_OK);
	for (int i = 0; i < 10; i++) {
		a = ask(kit_fmt("name%d", i));
		assert_status(a, 200);
	}
	a = ask("alice");
	assert_status(a, 429);
	kit.address = "10.0.0.8:1";
	a = ask("alice");
	assert_status(a, 200);
}
