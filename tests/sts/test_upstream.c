/* test_upstream.c: signing in with another provider: what a careful relying party refuses (OpenID's oidcc-client-test plan). */
#include "tests/sts/kit.h"

#include "base/text.h"
#include "sts/source.h"

TestSuite(upstream, .init = kit_start, .fini = kit_end);

#define UP	"https://up.example"
#define METADATA(more) "{\"issuer\":\"" UP "\",\"jwks_uri\":\"" UP "/keys\",\"authorization_endpoint\":\"" UP "/auth\"," more \
	"\"token_endpoint\":\"" UP "/token\",\"userinfo_endpoint\":\"" UP "/me\"}"
#define SOURCE(more) "{\"name\":\"up\",\"kind\":\"oidc\",\"issuer\":\"" UP "\",\"client_id\":\"us\",\"client_secret\":\"s+1\",\"label\":\"Up & Co\"," more \
	"\"create\":true}"

static void
begin_all(const char *source, const char *metadata)
{
	kit_source(source);
	kit_web(UP "/.well-known/openid-configuration", metadata, 0);
	kit_web(UP "/keys", kit_jwks(kit.client_key, "k1", ""), 0);
	kit_web(UP "/me", "{\"sub\":\"up-alice\",\"email\":\"alice@up.example\",\"email_verified\":true,\"name\":\"Alice Up\"}", 0);
}

struct errand {
	const char *cookie;		/* a Cookie header */
	lg_str state, nonce;
};

static struct errand
go(const char *request)
{
	struct answer a = kit_get("/login/with", kit_fmt("source=up&request=%s", request), NULL);
	const char *to = kit_header(&a, "Location"), *set = kit_header(&a, "Set-Cookie");

	assert_status(a, 303);
	cr_assert(lg_str_starts(lg_str_of(to), LG_STR(UP "/auth?response_type=code&client_id=us&redirect_uri=https%3A%2F%2Fid.example%2Flogin%2Fcallback")), "%s", to);
	cr_assert_str_eq(kit_c(kit_parameter(to, "code_challenge_method")), "S256");
	return (struct errand){ kit_fmt("%.*s", (int)strcspn(set, ";"), set), kit_parameter(to, "state"), kit_parameter(to, "nonce") };
}

/* The provider's answer to the code: an ID token of these claims. */
static void
answers(const struct lg_key *k, const char *kid, const char *claims)
{
	lg_str token;

	cr_assert_eq(lg_jws_sign(&kit.cx, k, LG_ALG_ES256, "JWT", lg_str_of(kid), lg_str_of(claims), &token), LG_OK, "%s", kit.cx.error);
	kit_web(UP "/token", kit_fmt("{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":\"%.*s\"}", LG_FMT(token)), 0);
}

static const char *
claims(const struct errand *e, const char *iss, const char *sub, const char *aud, const char *more)
{
	long long now = (long long)((lg_wall() + kit.shift) / LG_SECOND);

	return kit_fmt("{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":%s,\"iat\":%lld,\"exp\":%lld,%s\"nonce\":\"%.*s\"}", iss, sub, aud, now, now + 60, more,
	    LG_FMT(e->nonce));
}

static const char *
good(const struct errand *e)
{
	return claims(e, UP, "up-alice", "\"us\"", "");
}

static struct answer
back(const struct errand *e, const char *more)
{
	return kit_get("/login/callback", kit_fmt("code=c%%20d&state=%.*s%s", LG_FMT(e->state), more), e->cookie);
}

#define IN(a)	assert_status(a, 200); cr_assert(memmem((a).body.p, (a).body.n, "signed in", 9) != NULL, "%.*s", LG_FMT((a).body))
#define OUT(a)	do { struct answer x_ = (a); cr_assert(x_.status == 422 || x_.status == 403, "%d %.*s", x_.status, LG_FMT(x_.body)); } while (0)

Test(upstream, somebody_signs_in_and_the_code_is_redeemed_as_the_client)
{
	begin_all(SOURCE(""), METADATA(""));
	struct errand e = go("");

	answers(kit.client_key, "k1", good(&e));
	struct answer a = back(&e, "");
	IN(a);
	cr_assert(strstr(kit.web_post, "grant_type=authorization_code&code=c%20d&redirect_uri=https%3A%2F%2Fid.example%2Flogin%2Fcallback&code_verifier=")
	    == kit.web_post, "%s", kit.web_post);
	cr_assert(lg_str_eq(kit.person.mail, LG_STR("alice@up.example")) && kit.person.mail_verified, "userinfo was asked");
	cr_assert(!kit.person_known);
	e = go("");
	answers(kit.client_key, "k1", good(&e));
	IN(back(&e, ""));
	cr_assert(kit.person_known, "the second time they are found again");
}

/* "up-alice" there is somebody else. */
Test(upstream, another_issuer_of_the_same_name_finds_nobody_again)
{
	begin_all(SOURCE(""), METADATA(""));
	struct errand e = go("");
	struct answer a;

	answers(kit.client_key, "k1", good(&e));
	a = back(&e, "");
	IN(a);
	kit_source("{\"name\":\"up\",\"kind\":\"oidc\",\"issuer\":\"https://new.example\",\"client_id\":\"us\",\"client_secret\":\"s\"}");
	kit_source(SOURCE(""));
	e = go("");
	answers(kit.client_key, "k1", good(&e));
	a = back(&e, "");
	IN(a);
	cr_assert(!kit.person_known);
}

Test(upstream, the_page_offers_it_and_the_request_survives_the_way)
{
	begin_all(SOURCE(""), METADATA(""));
	const char *query = kit_authorize_query("portal", "");
	struct answer page = kit_get("/oauth2/authorize", query, NULL);
	struct lg_buf b = LG_BUF(8192);

	cr_assert(memmem(page.body.p, page.body.n, "<title>Sign in \342\200\223 ", 19) != NULL, "%.*s", LG_FMT(page.body));
	cr_assert(memmem(page.body.p, page.body.n, "Sign in with Up &amp; Co", 24) != NULL, "%.*s", LG_FMT(page.body));
	lg_buf_percent(&b, lg_str_of(query));
	struct errand e = go(kit_c(lg_buf_view(&b)));
	lg_buf_free(&b);
	answers(kit.client_key, "k1", good(&e));
	struct answer a = back(&e, "");
	assert_status(a, 303);
	cr_assert(lg_str_starts(lg_str_of(kit_header(&a, "Location")), LG_STR(REDIRECT "?")), "%s", kit_header(&a, "Location"));
	cr_assert_str_eq(kit_c(kit_parameter(kit_header(&a, "Location"), "state")), "s 1");
	cr_assert_eq(kit_redeem("portal", kit_parameter(kit_header(&a, "Location"), "code")).status, 200);
}

Test(upstream, id_tokens_that_are_not_exactly_right_are_refused)
{
	begin_all(SOURCE(""), METADATA(""));
	static const struct {
		const char *iss, *sub, *aud, *more;
	} rows[] = {
		{ "https://other.example", "up-alice", "\"us\"", "" },
		{ UP "/", "up-alice", "\"us\"", "" },
		{ UP, "", "\"us\"", "" },
		{ UP, "up-alice", "\"them\"", "" },
		{ UP, "up-alice", "[\"us\",\"them\"]", "" },
		{ UP, "up-alice", "[\"us\",\"them\"]", "\"azp\":\"them\"," },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct errand e = go("");

		answers(kit.client_key, "k1", claims(&e, rows[i].iss, rows[i].sub, rows[i].aud, rows[i].more));
		struct answer a = back(&e, "");
		cr_assert_eq(a.status, 422, "%zu: %d", i, a.status);
	}
	struct errand e = go("");
	answers(kit.client_key, "k1", claims(&e, UP, "up-alice", "[\"us\",\"them\"]", "\"azp\":\"us\","));
	IN(back(&e, ""));
}

Test(upstream, signatures_nonces_and_times_count)
{
	begin_all(SOURCE(""), METADATA(""));
	struct errand e = go(""), other = go("");

	answers(kit.key, "k1", good(&e));
	OUT(back(&e, ""));
	answers(kit.client_key, "unknown", good(&e));
	OUT(back(&e, ""));
	answers(kit.client_key, "k1", good(&other));
	OUT(back(&e, ""));
	answers(kit.client_key, "k1", kit_fmt("{\"iss\":\"" UP "\",\"sub\":\"up-alice\",\"aud\":\"us\",\"exp\":%lld,\"nonce\":\"%.*s\"}",
	    (long long)(lg_wall() / LG_SECOND) + 60, LG_FMT(e.nonce)));
	OUT(back(&e, ""));	/* no iat */
	answers(kit.client_key, "k1", kit_fmt("{\"iss\":\"" UP "\",\"sub\":\"up-alice\",\"aud\":\"us\",\"iat\":1,\"exp\":2,\"nonce\":\"%.*s\"}", LG_FMT(e.nonce)));
	OUT(back(&e, ""));
	kit_web(UP "/token", "{\"access_token\":\"at\"}", 0);
	OUT(back(&e, ""));
	kit_web(UP "/token", "{\"id_token\":\"eyJhbGciOiJub25lIn0.e30.\"}", 0);
	OUT(back(&e, ""));
}

Test(upstream, an_answer_counts_only_in_the_browser_that_asked)
{
	begin_all(SOURCE(""), METADATA(""));
	struct errand e = go(""), other = go("");

	answers(kit.client_key, "k1", good(&e));
	OUT(kit_get("/login/callback", kit_fmt("code=c&state=%.*s", LG_FMT(e.state)), NULL));
	OUT(kit_get("/login/callback", kit_fmt("code=c&state=%.*s", LG_FMT(e.state)), other.cookie));
	OUT(kit_get("/login/callback", "code=c&state=", e.cookie));
	OUT(kit_get("/login/callback", "code=c", e.cookie));
	cr_assert_eq(kit.refusals, 0u, "what nobody asked for is not on record");
	OUT(kit_get("/login/callback", kit_fmt("state=%.*s", LG_FMT(e.state)), e.cookie));
	OUT(kit_get("/login/callback", kit_fmt("error=access_denied&state=%.*s", LG_FMT(e.state)), e.cookie));
	cr_assert_eq(kit.web_post[0], '\0', "no code was redeemed for any of them");
	cr_assert_eq(kit.refusals, 2u, "answers of the provider are");
	IN(back(&e, ""));
	kit.shift = 11 * LG_MINUTE;
	OUT(back(&e, ""));
}

Test(upstream, a_mix_up_is_noticed)
{
	begin_all(SOURCE(""), METADATA("\"authorization_response_iss_parameter_supported\":true,"));
	struct errand e = go("");

	answers(kit.client_key, "k1", good(&e));
	OUT(back(&e, ""));
	OUT(back(&e, "&iss=https%3A%2F%2Fevil.example"));
	cr_assert_eq(kit.web_post[0], '\0', "the code went to nobody");
	cr_assert(kit.refusals == 2 && lg_str_starts(kit.refused_why, LG_STR("source up: the answer is of another provider")), "%.*s",
	    LG_FMT(kit.refused_why));
	IN(back(&e, "&iss=https%3A%2F%2Fup.example"));
}

Test(upstream, userinfo_about_another_is_refused)
{
	begin_all(SOURCE(""), METADATA(""));
	struct errand e = go("");

	kit_web(UP "/me", "{\"sub\":\"up-mallory\",\"email\":\"alice@up.example\",\"email_verified\":true}", 0);
	answers(kit.client_key, "k1", good(&e));
	OUT(back(&e, ""));
}

Test(upstream, only_verified_addresses_of_wanted_domains)
{
	static const struct {
		const char *more;
		bool in;
	} rows[] = {
		{ "\"preferred_username\":\"a\",\"email\":\"alice@up.example\",\"email_verified\":true,", true },
		{ "\"preferred_username\":\"a\",\"email\":\"alice@UP.example\",\"email_verified\":true,", true },
		{ "\"preferred_username\":\"a\",\"email\":\"alice@up.example\",\"email_verified\":false,", false },
		{ "\"preferred_username\":\"a\",\"email\":\"alice@up.example\",", false },
		{ "\"preferred_username\":\"a\",\"email\":\"alice@up.example.evil\",\"email_verified\":true,", false },
		{ "\"preferred_username\":\"a\",\"email\":\"x@evil@up.example\",\"email_verified\":true,", false },
	};

	begin_all(SOURCE("\"domains\":[\"up.example\"],"), METADATA(""));
	kit_web(UP "/me", "{\"sub\":\"up-alice\"}", 0);
	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct errand e = go("");

		answers(kit.client_key, "k1", claims(&e, UP, "up-alice", "\"us\"", rows[i].more));
		struct answer a = back(&e, "");
		cr_assert_eq(a.status, rows[i].in ? 200 : 403, "%s: %d", rows[i].more, a.status);
	}
}

Test(upstream, whom_the_directory_does_not_take_is_told_so)
{
	begin_all(SOURCE(""), METADATA(""));
	struct errand e = go("");

	kit_web(UP "/me", "{\"sub\":\"up-bob\"}", 0);
	answers(kit.client_key, "k1", claims(&e, UP, "up-bob", "\"us\"", ""));
	assert_status(back(&e, ""), 403);
}

Test(upstream, groups_are_those_that_the_source_maps)
{
	begin_all(SOURCE("\"groups\":{\"/admins\":\"staff\",\"/other\":\"rest\"},"), METADATA(""));
	struct errand e = go("");

	answers(kit.client_key, "k1", claims(&e, UP, "up-alice", "\"us\"", "\"groups\":[\"/admins\",\"administrators\",7],"));
	IN(back(&e, ""));
	cr_assert(kit.person.ngroups == 1 && kit.person.nmanaged == 2);
}

Test(upstream, only_providers_that_are_there_and_on)
{
	begin_all(SOURCE(""), METADATA(""));
	assert_status(kit_get("/login/with", "source=none", NULL), 400);
	kit_source(SOURCE("\"enabled\":false,"));
	assert_status(kit_get("/login/with", "source=up", NULL), 400);
	kit_source("{\"name\":\"up\",\"kind\":\"ldap\",\"urls\":[\"ldaps://a\"]}");
	assert_status(kit_get("/login/with", "source=up", NULL), 400);
	begin_all(SOURCE(""), "{\"issuer\":\"" UP "\",\"jwks_uri\":\"" UP "/keys\",\"authorization_endpoint\":\"javascript:alert(1)\",\"token_endpoint\":\"" UP "/token\"}");
	kit.shift = LG_MINUTE;
	assert_status(kit_get("/login/with", "source=up", NULL), 503);
	assert_status(kit_get("/login/with", kit_fmt("source=up&request=%02100d", 1), NULL), 400);
}
