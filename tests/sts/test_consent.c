#include <stdio.h>

#include "tests/sts/kit.h"

#include "base/text.h"
#include "sts/consent.h"

TestSuite(consent, .init = kit_start, .fini = kit_end);

#define CLIENT	"{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],\"id_token_alg\":\"RS256\",\"consent\":true}"

static void
asks(void)
{
	kit_client(CLIENT, NULL, "c0000000-0000-4000-8000-000000000011");
}

static const char *
csrf_of(const struct answer *a)
{
	const char *at = strstr(kit_c(a->body), "name=\"csrf\" value=\"");

	cr_assert(at != NULL, "%.*s", LG_FMT(a->body));
	return kit_fmt("%.43s", at + 19);
}

static struct answer
say(const struct answer *page, const char *query, const char *answer, const char *cookie)
{
	return kit_send("POST", "/oauth2/consent", LG_NONE, lg_str_of(kit_fmt("csrf=%s&request=%s&answer=%s", csrf_of(page), kit_percent(query),
	    answer)), "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie, NULL);
}

static struct answer
ask(const char *query, const char *cookie)
{
	return kit_get("/oauth2/authorize", query, cookie);
}

Test(consent, is_asked_once_for_the_same_scopes)
{
	const char *cookie = kit_sign_in(), *query = kit_authorize_query("spa", "");
	struct answer a;

	asks();
	a = ask(query, cookie);
	assert_status(a, 200);
	cr_assert(strstr(kit_c(a.body), "Allow spa?") != NULL && strstr(kit_c(a.body), "see your mail address") != NULL);
	a = say(&a, query, "allow", cookie);
	assert_status(a, 303);
	assert_status(kit_redeem("spa", kit_parameter(kit_header(&a, "Location"), "code")), 200);
	assert_status(ask(query, cookie), 303);
	/* More is another question, and so is being told to ask. */
	assert_status(ask(kit_fmt("%s&prompt=consent", query), cookie), 200);
}

static lg_err
drop(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	return lg_sts_client_del(cx, v, TENANT, lg_str_of(arg));
}

static void
made_anew(const char *entry)
{
	kit_apply(drop, (void *)(uintptr_t)"spa");
	kit_client(CLIENT, NULL, entry);
}

/* What was allowed, and what came of it, was for the client that had the name then. */
Test(consent, another_client_of_the_same_name_is_asked_about_anew)
{
	const char *cookie = kit_sign_in(), *query = kit_authorize_query("spa", "");
	struct answer a;
	lg_str token;

	asks();
	a = ask(query, cookie);
	a = say(&a, query, "allow", cookie);
	a = kit_redeem("spa", kit_parameter(kit_header(&a, "Location"), "code"));
	assert_status(a, 200);
	token = kit_member(a.body, "refresh_token");
	made_anew("c0000000-0000-4000-8000-0000000000ff");
	assert_oauth(kit_refresh("spa", token, ""), 400, "invalid_grant");
	a = ask(query, cookie);
	assert_status(a, 200);
	assert_status(say(&a, query, "allow", cookie), 303);
	assert_status(ask(query, cookie), 303);
	made_anew("c0000000-0000-4000-8000-0000000000fe");
	assert_status(ask(query, cookie), 200);
}

Test(consent, shows_what_the_application_says_of_itself_and_who_it_is_here)
{
	const char *cookie = kit_sign_in(), *query = kit_authorize_query("spa", "");

	kit_client("{\"name\":\"spa\",\"type\":\"public\",\"redirect_uris\":[\"" REDIRECT "\"],\"consent\":true,\"display\":\"<b>Shop\","
	    "\"policy_uri\":\"https://shop.example/privacy?a=1&b\",\"tos_uri\":\"https://shop.example/terms\",\"client_uri\":\"https://shop.example/\"}",
	    NULL, "c0000000-0000-4000-8000-000000000011");
	struct answer page = ask(query, cookie);
	const char *text = kit_c(page.body);
	cr_assert(strstr(text, "Allow &lt;b&gt;Shop (spa)?") != NULL && strstr(text, "<b>Shop") == NULL);
	cr_assert(strstr(text, "<a href=\"https://shop.example/privacy?a=1&amp;b\" rel=\"noreferrer\">Privacy policy of &lt;b&gt;Shop") != NULL);
	cr_assert(strstr(text, "<a href=\"https://shop.example/terms\"") != NULL && strstr(text, "<a href=\"https://shop.example/\"") != NULL);
}

Test(consent, a_refusal_goes_to_the_application)
{
	const char *cookie = kit_sign_in(), *query = kit_authorize_query("spa", "");
	struct answer a;

	asks();
	a = ask(query, cookie);
	a = say(&a, query, "deny", cookie);
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("access_denied")));
	assert_status(ask(query, cookie), 200);		/* nothing was remembered */
}

Test(consent, without_a_page_it_is_missing)
{
	struct answer a;

	asks();
	a = ask(kit_authorize_query("spa", "&prompt=none"), kit_sign_in());
	assert_status(a, 303);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("consent_required")));
}

Test(consent, its_form_is_of_one_session_and_request)
{
	const char *cookie = kit_sign_in(), *other = kit_sign_in(), *query = kit_authorize_query("spa", "");
	struct answer page, a;

	asks();
	page = ask(query, cookie);
	a = say(&page, query, "allow", other);
	assert_status(a, 403);
	a = say(&page, kit_authorize_query("spa", "&prompt=consent"), "allow", cookie);
	assert_status(a, 403);
	cr_assert_str_eq(kit_header(&a, "Location"), "");
}

Test(consent, taking_it_back_ends_what_the_application_holds)
{
	const char *cookie = kit_sign_in(), *query = kit_authorize_query("spa", "");
	struct answer a, tokens, page;

	asks();
	a = ask(query, cookie);
	a = say(&a, query, "allow", cookie);
	tokens = kit_redeem("spa", kit_parameter(kit_header(&a, "Location"), "code"));
	page = kit_get("/account", "", cookie);
	cr_assert(strstr(kit_c(page.body), "name=\"client\" value=\"spa\"") != NULL);
	a = kit_send("POST", "/account", LG_NONE, lg_str_of(kit_fmt("action=withdraw&client=spa&csrf=%s", csrf_of(&page))),
	    "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie, NULL);
	assert_status(a, 303);
	assert_oauth(kit_refresh("spa", kit_member(tokens.body, "refresh_token"), ""), 400, "invalid_grant");
	struct lg_sts_bearer b;
	cr_assert_neq(kit_check(kit_member(tokens.body, "access_token"), ISSUER, &b), LG_OK);
	assert_status(ask(query, cookie), 200);
}

Test(consent, taking_it_back_ends_all_that_the_application_holds_however_much)
{
	const char *cookie = kit_sign_in(), *query = kit_authorize_query("spa", "");
	struct answer a, tokens[STS_CONSENTS + 2], page;

	asks();
	a = ask(query, cookie);
	a = say(&a, query, "allow", cookie);
	for (size_t i = 0; i < LG_COUNT(tokens); i++) {
		tokens[i] = kit_redeem("spa", kit_parameter(kit_header(&a, "Location"), "code"));
		assert_status(tokens[i], 200);
		a = ask(query, cookie);
	}
	page = kit_get("/account", "", cookie);
	a = kit_send("POST", "/account", LG_NONE, lg_str_of(kit_fmt("action=withdraw&client=spa&csrf=%s", csrf_of(&page))),
	    "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie, NULL);
	assert_status(a, 303);
	for (size_t i = 0; i < LG_COUNT(tokens); i++)
		assert_oauth(kit_refresh("spa", kit_member(tokens[i].body, "refresh_token"), ""), 400, "invalid_grant");
}
