/* test_acme_caa.c: what the owners of domains say about authorities (RFC 8659, 8657), asked at the proof and again at the issue. */
#include <stdarg.h>

#include "base/clock.h"
#include "base/text.h"
#include "tests/certs/acme_client.h"

#define ISSUE(value)		LG_STR("\0\5issue" value)
#define ISSUE_WILD(value)	LG_STR("\0\11issuewild" value)
#define ALL			"[{\"type\":\"dns\",\"value\":\"*.www.a.example\"}]"

static void
records(struct world *w, const char *name, size_t n, ...)
{
	va_list ap;

	va_start(ap, n);
	w->caa_name = name;
	w->ncaa = n;
	for (size_t i = 0; i < n; i++)
		w->caa[i] = va_arg(ap, lg_str);
	va_end(ap);
}

/* The first challenge of a new order, answered rightly: is the authorization valid?  If not, the problem is of this type. */
static bool
proves(struct acme_client *c, const char *identifiers, const char *problem)
{
	struct acme_order o = acme_order(c, identifiers);
	lg_str expected, url = acme_challenge(c, &o, 0, &expected);
	lg_sha256 h = lg_sha256_of(expected);

	c->w->net_http = expected;
	c->w->net_txt = lg_base64url(c->w->arena, lg_sha256_str(&h));
	cr_assert_eq(acme_post(c, url, LG_STR("{}")), 200);
	if (acme_shows(c, "\"status\":\"valid\""))
		return true;
	cr_assert(acme_shows(c, lg_print(c->w->arena, "error:%s\"", problem).p), "%s: %.*s", problem, LG_FMT(c->body));
	return false;
}

Test(acme_caa, a_property_names_authority_account_and_proof)
{
	struct acme_client c = acme_client_new(world_new());
	lg_str mine = lg_print(c.w->arena, "ca.a.example; accounturi=%.*s", LG_FMT(c.kid));
	const struct {
		lg_str value;
		bool valid;
	} cases[] = {
		{ LG_STR("ca.a.example"), true }, { LG_STR(" CA.a.example "), true }, { LG_STR("ca.a.example; policy=x"), true },
		{ LG_STR("ca.a.example;validationmethods=dns-01,http-01"), true }, { LG_STR("ca.a.example;validationmethods=dns-01"), false },
		{ LG_STR("ca.a.example;validationmethods="), false }, { mine, true },
		{ LG_STR("ca.a.example; accounturi=" ISSUER "/acme/account/AAAAAAAAAAAAAAAAAAAAAA"), false },
		{ lg_cat(c.w->arena, mine, lg_cat(c.w->arena, LG_STR(";"), lg_str_sub(mine, 13, mine.n))), false },	/* twice */
		{ LG_STR("other.example"), false }, { LG_STR(";"), false }, { LG_STR(""), false }, { LG_STR("ca.a.example; what"), false },
		{ LG_STR("ca.a.example; policy=a b"), false },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		records(c.w, "www.a.example", 1, lg_cat(c.w->arena, LG_STR("\0\5issue"), cases[i].value));
		cr_assert_eq(proves(&c, WWW, "caa"), cases[i].valid, "%.*s", LG_FMT(cases[i].value));
	}
	acme_client_free(&c);
}

Test(acme_caa, one_property_that_fits_is_enough_and_a_critical_unknown_one_is_too_much)
{
	struct acme_client c = acme_client_new(world_new());

	records(c.w, "www.a.example", 2, ISSUE("other.example"), ISSUE("ca.a.example"));
	cr_assert(proves(&c, WWW, "caa"));
	records(c.w, "www.a.example", 2, LG_STR("\200\3tbsUnknown"), ISSUE("ca.a.example"));
	cr_assert(!proves(&c, WWW, "caa"));
	records(c.w, "www.a.example", 2, LG_STR("\0\3tbsUnknown"), LG_STR("\200\5iodefmailto:x@a.example"));
	cr_assert(proves(&c, WWW, "caa"), "no property about issuing");
	records(c.w, "www.a.example", 1, LG_STR("\0\11issue"));
	cr_assert(!proves(&c, WWW, "caa"), "malformed");
	acme_client_free(&c);
}

Test(acme_caa, wildcards_have_a_property_of_their_own)
{
	struct acme_client c = acme_client_new(world_new());

	records(c.w, "www.a.example", 2, ISSUE("ca.a.example"), ISSUE_WILD(";"));
	cr_assert(proves(&c, WWW, "caa"));
	cr_assert(!proves(&c, ALL, "caa"));
	records(c.w, "www.a.example", 2, ISSUE(";"), ISSUE_WILD("ca.a.example"));
	cr_assert(!proves(&c, WWW, "caa"));
	cr_assert(proves(&c, ALL, "caa"));
	records(c.w, "www.a.example", 1, ISSUE("ca.a.example;validationmethods=dns-01"));
	cr_assert(proves(&c, ALL, "caa"), "without issuewild, issue counts");
	acme_client_free(&c);
}

Test(acme_caa, the_nearest_parent_with_records_decides)
{
	struct acme_client c = acme_client_new(world_new());

	records(c.w, "example", 1, ISSUE("other.example"));
	cr_assert(!proves(&c, WWW, "caa"));
	c.w->caa_asked = 0;
	records(c.w, "a.example", 1, ISSUE("ca.a.example"));
	cr_assert(proves(&c, WWW, "caa"));
	cr_assert_eq(c.w->caa_asked, 1);
	c.w->caa_name = NULL;
	c.w->caa_fails = "example";
	cr_assert(!proves(&c, WWW, "dns"), "where the DNS server fails nothing is issued");
	c.w->caa_asked = 0;
	cr_assert(proves(&c, "[{\"type\":\"ip\",\"value\":\"127.0.0.1\"}]", "caa"));
	cr_assert(proves(&c, "[{\"type\":\"dns\",\"value\":\"localhost\"}]", "caa"));
	cr_assert_eq(c.w->caa_asked, 0, "addresses and localhost have no records");
	acme_client_free(&c);
}

Test(acme_caa, answers_older_than_eight_hours_are_asked_for_again_at_issue)
{
	struct acme_client c = acme_client_new(world_new());
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(c.w, LG_KEY_P256);
	struct acme_order first = acme_order(&c, WWW), second = acme_order(&c, WWW);

	acme_prove(&c, &first);
	acme_prove(&c, &second);
	records(c.w, "www.a.example", 1, ISSUE("other.example"));
	cr_assert_eq(acme_finalize(&c, &first, k, "www.a.example"), 200, "young enough: %.*s", LG_FMT(c.body));
	c.w->cx.now += LG_ACME_CAA_AGE + LG_SECOND;
	acme_finalize(&c, &second, k, "www.a.example");
	assert_problem(&c, 403, "caa");
	c.w->caa_name = NULL;
	cr_assert_eq(acme_finalize(&c, &second, k, "www.a.example"), 200, "%.*s", LG_FMT(c.body));
	acme_client_free(&c);
}
