/* test_source.c: workloads known by other issuers' tokens: keys that are fetched, rules, bounds, the end of trust. */
#include "tests/sts/kit.h"

#include "base/text.h"
#include "sts/source.h"

TestSuite(source, .init = kit_start, .fini = kit_end);

#define CLUSTER	"https://kubernetes.default.svc"
#define KEYS	CLUSTER "/openid/v1/jwks"
#define ROBOT_ID "50000000-0000-4000-8000-000000000013"
#define GRANT	"grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&assertion="
#define METADATA "{\"issuer\":\"" CLUSTER "\",\"jwks_uri\":\"" KEYS "\"}"

#define SOURCE(more) "{\"name\":\"cluster\",\"kind\":\"jwt\",\"issuer\":\"" CLUSTER "\"," more \
	"\"rules\":[{\"match\":{\"sub\":\"system:serviceaccount:shop:*\",\"kubernetes.io/namespace\":\"shop\"},\"entry\":\"cn={sub#1},ou=services\"}]}"

/* Claims of a service account's token; more: members in front. */
static const char *
signed_by(const struct lg_key *k, const char *kid, const char *more, const char *sub, long long life)
{
	long long now = (long long)((lg_wall() + kit.shift) / LG_SECOND);
	lg_str token;

	cr_assert_eq(lg_jws_sign(&kit.cx, k, LG_ALG_ES256, "JWT", lg_str_of(kid), lg_str_of(kit_fmt("{%s\"sub\":\"%s\",\"iat\":%lld,\"exp\":%lld,"
	    "\"kubernetes.io\":{\"namespace\":\"shop\",\"serviceaccount\":{\"name\":\"robot\"}}}", more, sub, now, now + life)), &token), LG_OK,
	    "%s", kit.cx.error);
	return kit_c(token);
}

#define FROM_CLUSTER "\"iss\":\"" CLUSTER "\",\"aud\":[\"" ISSUER "\"],"
#define ACCOUNT "system:serviceaccount:shop:robot"

static const char *
account(void)
{
	return signed_by(kit.client_key, "k1", FROM_CLUSTER, ACCOUNT, 600);
}

static struct answer
bring(const char *token)
{
	return kit_post("/oauth2/token", kit_fmt(GRANT "%s", token), NULL);
}

static void
publish(const struct lg_key *k, const char *kid, int64_t max_age)
{
	kit_web(CLUSTER "/.well-known/openid-configuration", METADATA, 0);
	kit_web(KEYS, kit_jwks(k, kid, ""), max_age);
}

Test(source, a_service_account_gets_a_token_by_a_rule_and_nobody_registered_it)
{
	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 0);
	struct answer a = bring(account());
	lg_str claims = kit_payload(kit_member(a.body, "access_token"));

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(claims, "sub"), LG_STR(ROBOT_ID)), "%.*s", LG_FMT(claims));
	cr_assert(lg_str_eq(kit.question_proof, LG_STR("federated")) && lg_str_eq(kit.question_source, LG_STR("cluster")));
	cr_assert_eq(atomic_load(&kit.asked), 2, "metadata and keys");
	assert_status(bring(account()), 200);
	cr_assert_eq(atomic_load(&kit.asked), 2, "both are remembered");
}

Test(source, an_assertion_is_also_a_clients_proof)
{
	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 0);
	assert_status(kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials&client_assertion_type="
	    "urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer&client_assertion=%s", account()), NULL), 200);
}

Test(source, what_the_issuer_did_not_say_is_refused)
{
	kit_source(SOURCE("\"max_life\":900,"));
	publish(kit.client_key, "k1", 0);
	const char *bad[] = {
		signed_by(kit.client_key, "k1", FROM_CLUSTER, "system:serviceaccount:other:robot", 600),
		signed_by(kit.client_key, "k1", FROM_CLUSTER, "system:serviceaccount:shop:robot:x", 600),
		signed_by(kit.client_key, "k1", FROM_CLUSTER, "system:serviceaccount:shop:nobody", 600),
		signed_by(kit.client_key, "k1", FROM_CLUSTER, "system:serviceaccount:shop:alice", 600),	/* a person */
		signed_by(kit.client_key, "k1", FROM_CLUSTER, ACCOUNT, 901),
		signed_by(kit.client_key, "k1", FROM_CLUSTER, ACCOUNT, -120),
		signed_by(kit.client_key, "k1", "\"iss\":\"https://other.example\",\"aud\":\"" ISSUER "\",", ACCOUNT, 600),
		signed_by(kit.client_key, "k1", "\"iss\":\"" CLUSTER "\",\"aud\":\"https://other.example\",", ACCOUNT, 600),
		signed_by(kit.client_key, "k1", "\"iss\":\"" CLUSTER "\",\"aud\":[\"" ISSUER "\",\"https://other.example\"],", ACCOUNT, 600),
		signed_by(kit.client_key, "k1", "\"iss\":\"" CLUSTER "\",", ACCOUNT, 600),
		signed_by(kit.key, "k1", FROM_CLUSTER, ACCOUNT, 600),		/* another's signature */
		signed_by(kit.key, "k2", FROM_CLUSTER, ACCOUNT, 600),		/* another's key */
		"x.y.z", "",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		assert_oauth(bring(bad[i]), 401, "invalid_client");
	assert_status(bring(account()), 200);
}

Test(source, an_unknown_kid_is_looked_for_once_in_a_while)
{
	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 3600);
	assert_status(bring(account()), 200);
	cr_assert_eq(atomic_load(&kit.asked), 2);
	for (int i = 0; i < 5; i++)
		assert_oauth(bring(signed_by(kit.key, "k2", FROM_CLUSTER, ACCOUNT, 600)), 401, "invalid_client");
	cr_assert_eq(atomic_load(&kit.asked), 2, "a moment after the keys were fetched nobody looks again");
	kit.shift = 11 * LG_SECOND;
	publish(kit.key, "k2", 3600);
	for (int i = 0; i < 5; i++)
		assert_oauth(bring(signed_by(kit.key, "k3", FROM_CLUSTER, ACCOUNT, 600)), 401, "invalid_client");
	cr_assert_eq(atomic_load(&kit.asked), 4, "one look for all of them");
	assert_status(bring(signed_by(kit.key, "k2", FROM_CLUSTER, ACCOUNT, 600)), 200);
}

Test(source, keys_are_fetched_anew_when_their_time_is_over)
{
	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 120);
	assert_status(bring(account()), 200);
	kit.shift = 119 * LG_SECOND;
	assert_status(bring(account()), 200);
	cr_assert_eq(atomic_load(&kit.asked), 2);
	kit.shift = 121 * LG_SECOND;
	publish(kit.key, "k1", 120);		/* the old one is not published any more */
	assert_oauth(bring(account()), 401, "invalid_client");
	cr_assert_eq(atomic_load(&kit.asked), 4);
}

Test(source, an_issuer_that_does_not_answer_is_believed_for_an_hour_more)
{
	kit_source(SOURCE(""));
	atomic_store(&kit.web_fails, true);
	assert_oauth(bring(account()), 503, "temporarily_unavailable");
	assert_oauth(bring(account()), 503, "temporarily_unavailable");
	cr_assert_eq(atomic_load(&kit.asked), 1, "who just failed is not asked again");
	atomic_store(&kit.web_fails, false);
	publish(kit.client_key, "k1", 60);
	kit.shift = 11 * LG_SECOND;
	assert_status(bring(account()), 200);
	atomic_store(&kit.web_fails, true);
	kit.shift = 30 * LG_MINUTE;
	assert_status(bring(account()), 200);
	kit.shift = 90 * LG_MINUTE;
	assert_oauth(bring(account()), 503, "temporarily_unavailable");
}

Test(source, metadata_of_another_issuer_are_none)
{
	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 0);
	kit_web(CLUSTER "/.well-known/openid-configuration", "{\"issuer\":\"https://other.example\",\"jwks_uri\":\"" KEYS "\"}", 0);
	assert_oauth(bring(account()), 503, "temporarily_unavailable");
	kit.shift = 11 * LG_SECOND;
	kit_web(CLUSTER "/.well-known/openid-configuration", "{\"issuer\":\"" CLUSTER "\"}", 0);
	assert_oauth(bring(account()), 503, "temporarily_unavailable");
}

Test(source, keys_may_be_pinned_or_have_a_place)
{
	kit_source(kit_fmt(SOURCE("\"jwks\":%s,"), kit_jwks(kit.client_key, "k1", "")));
	assert_status(bring(account()), 200);
	cr_assert_eq(atomic_load(&kit.asked), 0);
	kit_source(SOURCE("\"jwks_uri\":\"" KEYS "\","));
	kit_web(KEYS, kit_jwks(kit.client_key, "k1", ""), 0);
	assert_status(bring(account()), 200);
	cr_assert_eq(atomic_load(&kit.asked), 1);
}

#define TRUST "{\"name\":\"mesh\",\"kind\":\"jwt\",\"trust_domain\":\"mesh.example\",\"jwks_uri\":\"https://mesh.example/keys\"," \
	"\"rules\":[{\"match\":{\"sub\":\"spiffe://mesh.example/ns/*/sa/*\"},\"entry\":\"cn={sub#2},ou=services\"}]}"

Test(source, a_spiffe_trust_domain_needs_no_iss)
{
	const char *aud = "\"aud\":[\"" ISSUER "\"],";

	kit_source(TRUST);
	kit_web("https://mesh.example/keys", kit_jwks(kit.client_key, "k1", ""), 0);
	assert_status(bring(signed_by(kit.client_key, "k1", aud, "spiffe://mesh.example/ns/shop/sa/robot", 600)), 200);
	assert_status(bring(signed_by(kit.client_key, "k1", "\"iss\":\"https://spire\",\"aud\":\"" ISSUER "\",",
	    "spiffe://mesh.example/ns/shop/sa/robot", 600)), 200);
	assert_oauth(bring(signed_by(kit.client_key, "k1", aud, "spiffe://other.example/ns/shop/sa/robot", 600)), 401, "invalid_client");
	assert_oauth(bring(signed_by(kit.client_key, "k1", aud, "spiffe://mesh.example.evil/ns/shop/sa/robot", 600)), 401, "invalid_client");
	assert_oauth(bring(signed_by(kit.client_key, "k1", aud, "spiffe://mesh.example", 600)), 401, "invalid_client");
}

Test(source, spiffe_bundles_mark_their_keys_by_use)
{
	LG_AUTO(lg_keyset_unref) struct lg_keyset *svid = NULL, *x509 = NULL;
	lg_str jwks = lg_str_of(kit_jwks(kit.client_key, "k1", ""));
	const char *use = memmem(jwks.p, jwks.n, "\"sig\"", 5);

	cr_assert(use != NULL);
	lg_str front = lg_str_sub(jwks, 0, (size_t)(use - jwks.p)), back = lg_str_sub(jwks, front.n + 5, jwks.n);
	cr_assert_eq(lg_keyset_from_jwks(&kit.cx, lg_str_of(kit_fmt("%.*s\"jwt-svid\"%.*s", LG_FMT(front), LG_FMT(back))), &svid), LG_OK);
	cr_assert(lg_keyset_has(svid, LG_STR("k1")));
	cr_assert(lg_keyset_from_jwks(&kit.cx, lg_str_of(kit_fmt("%.*s\"x509-svid\"%.*s", LG_FMT(front), LG_FMT(back))), &x509) != LG_OK
	    || !lg_keyset_has(x509, LG_STR("k1")));
}

Test(source, a_ci_job_is_known_by_several_claims)
{
	kit_source(kit_fmt("{\"name\":\"ci\",\"kind\":\"jwt\",\"issuer\":\"https://token.actions.example\",\"audience\":\"lightgate\",\"jwks\":%s,"
	    "\"audiences\":[\"https://deploy.example\"],\"scopes\":[\"deploy\"],"
	    "\"rules\":[{\"match\":{\"repository\":\"shop/*\",\"ref\":\"refs/heads/main\",\"ref_protected\":\"true\"},\"entry\":\"cn={repository#1},ou=services\"}]}",
	    kit_jwks(kit.client_key, "k1", "")));
	static const struct {
		const char *claims;
		int status;
	} rows[] = {
		{ "\"ref\":\"refs/heads/main\",\"ref_protected\":\"true\",\"repository\":\"shop/robot\",", 200 },
		{ "\"ref\":\"refs/heads/main\",\"ref_protected\":true,\"repository\":\"shop/robot\",", 200 },
		{ "\"ref\":\"refs/heads/mine\",\"ref_protected\":\"true\",\"repository\":\"shop/robot\",", 401 },
		{ "\"ref\":\"refs/heads/main\",\"repository\":\"shop/robot\",", 401 },
		{ "\"ref\":\"refs/heads/main\",\"ref_protected\":\"true\",\"repository\":\"evil/robot\",", 401 },
		{ "\"ref\":\"refs/heads/main\",\"ref_protected\":\"true\",\"repository\":\"shop/robot/x\",", 401 },
		{ "\"ref\":[\"refs/heads/main\"],\"ref_protected\":\"true\",\"repository\":\"shop/robot\",", 401 },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct answer a = bring(signed_by(kit.client_key, "k1", kit_fmt("\"iss\":\"https://token.actions.example\",\"aud\":\"lightgate\",%s",
		    rows[i].claims), "repo:shop/robot:ref:refs/heads/main", 600));

		cr_assert_eq(a.status, rows[i].status, "%zu: %.*s", i, LG_FMT(a.body));
		if (a.status == 200) {
			lg_str claims = kit_payload(kit_member(a.body, "access_token"));
			cr_assert(lg_str_eq(kit_member(claims, "aud"), LG_STR("[\"https://deploy.example\"]")), "%.*s", LG_FMT(claims));
			cr_assert(lg_str_eq(kit_member(claims, "scope"), LG_STR("deploy")));
		}
	}
}

Test(source, a_token_never_outlives_the_assertion_it_came_of)
{
	int64_t life;

	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 0);
	struct answer a = bring(signed_by(kit.client_key, "k1", FROM_CLUSTER, ACCOUNT, 40));
	assert_status(a, 200);
	cr_assert(lg_int_parse(kit_member(a.body, "expires_in"), &life) && life <= 40);
	assert_oauth(bring(signed_by(kit.client_key, "k1", FROM_CLUSTER, ACCOUNT, -5)), 400, "invalid_request");
}

/* ---- the end of trust ---------------------------------------------------------------------------------------------------- */

static lg_err
delete_cluster(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	(void)arg;
	return lg_sts_source_del(cx, v, TENANT, LG_STR("cluster"));
}

static lg_str
one_token(void)
{
	lg_str token = kit_member(bring(account()).body, "access_token");
	struct lg_sts_bearer b;

	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_OK, "%s", kit.cx.error);
	return token;
}

Test(source, what_was_given_for_its_word_ends_with_it)
{
	struct lg_sts_bearer b;

	publish(kit.client_key, "k1", 0);
	kit_source(SOURCE(""));
	lg_str token = one_token();
	kit_source(SOURCE("\"audience\":\"" ISSUER "\","));
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_OK, "its keys and issuer are the same");
	kit_source(SOURCE("\"enabled\":false,"));
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
	assert_oauth(bring(account()), 401, "invalid_client");
	kit_source(SOURCE(""));
	token = one_token();
	kit_source(SOURCE("\"jwks_uri\":\"" KEYS "\","));
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_E_UNAUTHENTICATED, "another place for keys");
	token = one_token();
	kit_apply(delete_cluster, NULL);
	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
	assert_oauth(bring(account()), 401, "invalid_client");
}

Test(source, a_registered_client_may_lean_on_a_source_for_its_keys)
{
	kit_source(SOURCE(""));
	publish(kit.client_key, "k1", 0);
	kit_client("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"federated_jwt\",\"issuer\":\"" CLUSTER "\",\"subject\":\"" ACCOUNT
	    "\",\"grants\":[\"urn:ietf:params:oauth:grant-type:jwt-bearer\"]}", NULL, ROBOT_ID);
	assert_status(kit_post("/oauth2/token", kit_fmt(GRANT "%s&client_id=robot", account()), NULL), 200);
	kit_apply(delete_cluster, NULL);
	assert_oauth(kit_post("/oauth2/token", kit_fmt(GRANT "%s&client_id=robot", account()), NULL), 401, "invalid_client");
}

Test(source, a_clients_own_keys_may_have_a_place_too)
{
	const char *assertion;

	kit_web("https://robot.example/keys", kit_jwks(kit.client_key, "k1", ""), 0);
	kit_client("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"private_key_jwt\",\"jwks_uri\":\"https://robot.example/keys\"}", NULL, ROBOT_ID);
	for (int i = 0; i < 2; i++) {
		assertion = signed_by(kit.client_key, "k1", kit_fmt("\"iss\":\"robot\",\"aud\":\"" ISSUER "\",\"jti\":\"j%d\",", i), "robot", 60);
		assert_status(kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials&client_assertion_type="
		    "urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer&client_assertion=%s", assertion), NULL), 200);
		cr_assert_eq(atomic_load(&kit.asked), 1);
	}
}

/* ---- documents ---------------------------------------------------------------------------------------------------------------- */

Test(source, what_is_no_source_is_refused_with_its_member)
{
	static const struct {
		const char *json, *word;
	} bad[] = {
		{ "{\"kind\":\"jwt\"}", "name" }, { "{\"name\":\"A\",\"kind\":\"jwt\"}", "name" }, { "{\"name\":\"a\"}", "kind" },
		{ "{\"name\":\"a\",\"kind\":\"saml\"}", "kind" }, { "{\"name\":\"a\",\"kind\":\"jwt\",\"x\":1}", "member" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"urls\":[\"ldaps://a\"],\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a\"}]}", "urls" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"http://a\",\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a\"}]}", "keys" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\"}", "rules" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{},\"entry\":\"cn=a\"}]}", "claims" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{\"sub\":\"**a\"},\"entry\":\"cn=a\"}]}", "match" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn\"}]}", "entry" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a,\"}]}", "entry" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a+b=c\"}]}", "entry" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn={}\"}]}", "entry" },
		{ "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"max_life\":0}", "number" },
		{ "{\"name\":\"a\",\"kind\":\"ldap\",\"urls\":[\"http://a\"]}", "urls" },
		{ "{\"name\":\"a\",\"kind\":\"ldap\",\"urls\":[\"ldaps://a\"],\"filter\":\"(uid=x)\"}", "filter" },
		{ "{\"name\":\"a\",\"kind\":\"oidc\",\"issuer\":\"https://a\"}", "client_id" },
		{ "{\"name\":\"a\",\"kind\":\"oidc\",\"issuer\":\"https://a\",\"client_id\":\"c\",\"scopes\":[\"email\"]}", "scopes" },
	};
	struct sts_source *s;

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		cr_assert_eq(lg_sts_source_read(&kit.cx, kit.sts, TENANT, lg_str_of(bad[i].json), &s), LG_E_INVALID, "%s", bad[i].json);
		cr_assert(strstr(kit.cx.error, bad[i].word) != NULL, "%s: %s", bad[i].json, kit.cx.error);
	}
}

/* so many times the unit, whose # is its number */
static lg_str
repeated(const char *unit, size_t n)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1u << 20);
	lg_str before, after;
	bool numbered = lg_str_cut(lg_str_of(unit), '#', &before, &after);

	for (size_t i = 0; i < n; i++)
		if (numbered)
			lg_buf_printf(&b, "%s%.*s%zu%.*s", i > 0 ? "," : "", LG_FMT(before), i, LG_FMT(after));
		else
			lg_buf_str(&b, lg_str_of(unit));
	return lg_dup(kit.arena, lg_buf_view(&b));
}

Test(source, lists_and_lengths_are_bounded)
{
	static const char *const jwt = "{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",", *const ldap = "{\"name\":\"a\",\"kind\":\"ldap\",";
	static const char *const rule = "{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a\"}";
	const struct {
		const char *open, *unit, *close;
		size_t most;
	} lists[] = {
		{ kit_fmt("%s\"rules\":[{\"match\":{", jwt), "\"c#\":\"a\"", "},\"entry\":\"cn=a\"}]}", STS_MATCHES },
		{ kit_fmt("%s\"rules\":[", jwt), "{\"match\":{\"sub\":\"a#\"},\"entry\":\"cn=a\"}", "]}", STS_RULES },
		{ kit_fmt("%s\"rules\":[%s],\"audiences\":[", jwt, rule), "\"https://#\"", "]}", LG_AUDIENCES - 1 },
		{ "{\"name\":\"a\",\"kind\":\"oidc\",\"issuer\":\"https://a\",\"client_id\":\"c\",\"scopes\":[\"openid\",", "\"s#\"", "]}", STS_SOURCE_NAMES - 1 },
		{ kit_fmt("%s\"rules\":[{\"match\":{\"sub\":\"", jwt), "a", "\"},\"entry\":\"cn=a\"}]}", STS_PATTERN },
		{ kit_fmt("%s\"rules\":[{\"match\":{\"sub\":\"", jwt), "a*", "\"},\"entry\":\"cn=a\"}]}", STS_STARS },
		{ kit_fmt("%s\"urls\":[", ldap), "\"ldaps://#\"", "]}", STS_SOURCE_URLS },
		{ kit_fmt("%s\"urls\":[\"ldaps://a\"],\"groups\":{", ldap), "\"g#\":\"ours\"", "}}", STS_SOURCE_GROUPS },
	};
	struct sts_source *s;

	for (size_t i = 0; i < LG_COUNT(lists); i++)
		for (size_t more = 0; more < 2; more++) {
			lg_str json = lg_cat(kit.arena, lg_cat(kit.arena, lg_str_of(lists[i].open), repeated(lists[i].unit, lists[i].most + more)), lg_str_of(lists[i].close));
			lg_err e = lg_sts_source_read(&kit.cx, kit.sts, TENANT, json, &s);
			cr_expect_eq(e, more == 0 ? LG_OK : LG_E_INVALID, "%zu of %s: %s", lists[i].most + more, lists[i].unit, kit.cx.error);
		}
}

struct refused {
	const struct sts_source *source;
	lg_err e;
};

static lg_err
put_refused(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	const struct refused *r = arg;
	enum lg_sts_change did;

	cr_assert_eq(lg_sts_source_put(cx, v, TENANT, r->source, &did), r->e);
	return LG_OK;
}

Test(source, sources_of_a_tenant_are_bounded)
{
	struct sts_source *s;
	const char *json = NULL;

	for (int i = 0; i <= LG_SOURCES; i++) {
		json = kit_fmt("{\"name\":\"s%d\",\"kind\":\"jwt\",\"issuer\":\"https://a%d\",\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a\"}]}", i, i);
		if (i < LG_SOURCES)
			kit_source(json);
	}
	cr_assert_eq(lg_sts_source_read(&kit.cx, kit.sts, TENANT, lg_str_of(json), &s), LG_OK);
	kit_apply(put_refused, &(struct refused){ s, LG_E_LIMIT });
}

Test(source, an_issuer_is_one_source_alone)
{
	struct sts_source *s;

	kit_source(SOURCE(""));
	cr_assert_eq(lg_sts_source_read(&kit.cx, kit.sts, TENANT, LG_STR("{\"name\":\"again\",\"kind\":\"jwt\",\"issuer\":\"" CLUSTER "\","
	    "\"rules\":[{\"match\":{\"sub\":\"a\"},\"entry\":\"cn=a\"}]}"), &s), LG_OK);
	kit_apply(put_refused, &(struct refused){ s, LG_E_EXISTS });
}

Test(source, a_secret_is_sealed_kept_and_never_shown)
{
	struct lg_buf b = LG_BUF(1u << 16);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_view *v = NULL;
	struct sts_source s;
	struct lg_secret secret;

	kit_source("{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://dc\"],\"bind_dn\":\"cn=x\",\"bind_password\":\"hush-hush\"}");
	kit_source("{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://DC:6366\",\"ldap://dc\"],\"bind_dn\":\"cn=x\"}");
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_source_write(&kit.cx, v, TENANT, LG_STR("corp"), &w), LG_OK);
	cr_assert(memmem(b.p, b.n, "6366", 4) != NULL && memmem(b.p, b.n, "hush", 4) == NULL, "%.*s", LG_FMT(lg_buf_view(&b)));
	cr_assert_eq(sts_source_get(&kit.cx, v, TENANT, LG_STR("corp"), &s), LG_OK);
	cr_assert(memmem(s.sealed.p, s.sealed.n, "hush", 4) == NULL);
	cr_assert_eq(sts_source_secret(&kit.cx, kit.sts, TENANT, &s, &secret), LG_OK, "%s", kit.cx.error);
	cr_assert(secret.n == 9 && memcmp(secret.p, "hush-hush", 9) == 0);
	lg_secret_free(&secret);
	lg_view_end(&v);
	lg_buf_free(&b);
}

static lg_err
put_it(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	enum lg_sts_change did;

	return lg_sts_source_put(cx, v, TENANT, arg, &did);
}

static lg_err
changed(const char *json)
{
	struct sts_source *s;

	cr_assert_eq(lg_sts_source_read(&kit.cx, kit.sts, TENANT, lg_str_of(json), &s), LG_OK, "%s", kit.cx.error);
	return lg_store_apply(&kit.cx, kit.store, TENANT, "test", put_it, s, NULL);
}

/* Who may change a source must not thereby have its secret said to a server of theirs. */
Test(source, a_secret_does_not_follow_to_another_server)
{
	static const char *const elsewhere[] = {
		"{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://evil\"],\"bind_dn\":\"cn=x\"}",
		"{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://dc\",\"ldaps://dc.evil\"],\"bind_dn\":\"cn=x\"}",
		"{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://[2001:db8::2]:636\"],\"bind_dn\":\"cn=x\"}",
		"{\"name\":\"up\",\"kind\":\"oidc\",\"issuer\":\"https://evil.example\",\"client_id\":\"us\"}",
	};

	kit_source("{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldaps://dc\",\"ldaps://[2001:db8::1]\"],\"bind_dn\":\"cn=x\",\"bind_password\":\"hush-hush\"}");
	kit_source("{\"name\":\"up\",\"kind\":\"oidc\",\"issuer\":\"https://up.example\",\"client_id\":\"us\",\"client_secret\":\"hush-hush\"}");
	for (size_t i = 0; i < LG_COUNT(elsewhere); i++) {
		cr_expect_eq(changed(elsewhere[i]), LG_E_INVALID, "%s", elsewhere[i]);
		cr_expect(strstr(kit.cx.error, "must be said for another server") != NULL, "%s", kit.cx.error);
	}
	cr_expect_eq(changed("{\"name\":\"corp\",\"kind\":\"ldap\",\"urls\":[\"ldap://[2001:db8::1]:389\"],\"bind_dn\":\"cn=x\"}"), LG_OK, "%s", kit.cx.error);
	cr_expect_eq(changed("{\"name\":\"up\",\"kind\":\"oidc\",\"issuer\":\"https://other.example\",\"client_id\":\"us\",\"client_secret\":\"s\"}"), LG_OK);
}

/* ---- rules ------------------------------------------------------------------------------------------------------------------------ */

Test(source, a_star_ends_at_the_character_behind_it_and_at_separators)
{
	static const struct {
		const char *pattern, *text, *star;	/* star: the last one; NULL: it does not fit */
	} rows[] = {
		{ "abc", "abc", "" }, { "abc", "abcd", NULL }, { "abc", "ab", NULL }, { "*", "abc", "abc" }, { "*", "", NULL }, { "*", "a/b", NULL },
		{ "*", "a:b", NULL }, { "**", "a/b:c", "a/b:c" }, { "a:*:*", "a:b:c", "c" }, { "a:*:*", "a:b:c:d", NULL }, { "a/*/b", "a/x/b", "x" },
		{ "a/*/b", "a//b", NULL }, { "*-prod", "x-prod", "x" }, { "*-prod", "a-b-prod", NULL }, { "x**", "x", NULL }, { "x/**", "x/y/z", "y/z" },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		lg_str star[STS_STARS];
		size_t n = 0;
		bool fits = sts_pattern_fits(lg_str_of(rows[i].pattern), lg_str_of(rows[i].text), star, &n);

		cr_assert_eq(fits, rows[i].star != NULL, "%s %s", rows[i].pattern, rows[i].text);
		if (fits && rows[i].star[0] != '\0')
			cr_assert(n > 0 && lg_str_eq(star[n - 1], lg_str_of(rows[i].star)), "%s %s", rows[i].pattern, rows[i].text);
	}
}

Test(source, a_claim_has_a_path)
{
	lg_str claims = LG_STR("{\"a\":{\"b.c\":\"x\",\"d/e\":\"y\",\"~\":1},\"t\":true,\"l\":[\"z\"],\"o\":{}}"), v;

	cr_assert(sts_claim_at(kit.arena, claims, LG_STR("a/b.c"), &v) && lg_str_eq(v, LG_STR("x")));
	cr_assert(sts_claim_at(kit.arena, claims, LG_STR("a/d~1e"), &v) && lg_str_eq(v, LG_STR("y")));
	cr_assert(sts_claim_at(kit.arena, claims, LG_STR("a/~0"), &v) && lg_str_eq(v, LG_STR("1")));
	cr_assert(sts_claim_at(kit.arena, claims, LG_STR("t"), &v) && lg_str_eq(v, LG_STR("true")));
	cr_assert(!sts_claim_at(kit.arena, claims, LG_STR("l"), &v) && !sts_claim_at(kit.arena, claims, LG_STR("o"), &v)
	    && !sts_claim_at(kit.arena, claims, LG_STR("a/x"), &v) && !sts_claim_at(kit.arena, claims, LG_STR("t/x"), &v)
	    && !sts_claim_at(kit.arena, claims, LG_STR(""), &v));
}

Test(source, a_name_is_made_of_parts_and_its_values_are_only_values)
{
	struct sts_source s;
	struct lg_pair rdn[STS_RDNS];
	size_t n;

	cr_assert_eq(sts_source_parse(&kit.cx, LG_STR("{\"name\":\"a\",\"kind\":\"jwt\",\"issuer\":\"https://a\",\"rules\":[{\"match\":{\"sub\":\"x:**\"},"
	    "\"entry\":\"cn=w {sub#1} {ns},ou=services\"}]}"), &s), LG_OK, "%s", kit.cx.error);
	cr_assert_eq(sts_rules_apply(&kit.cx, &s, LG_STR("{\"sub\":\"x:a,ou=admins+cn=b\",\"ns\":\"{sub}\"}"), rdn, &n), LG_OK, "%s", kit.cx.error);
	cr_assert(n == 2 && lg_str_eq(rdn[0].name, LG_STR("cn")) && lg_str_eq(rdn[0].value, LG_STR("w a,ou=admins+cn=b {sub}"))
	    && lg_str_eq(rdn[1].value, LG_STR("services")), "%.*s", LG_FMT(rdn[0].value));
	cr_assert_eq(sts_rules_apply(&kit.cx, &s, LG_STR("{\"sub\":\"x:a\\u0001\",\"ns\":\"b\"}"), rdn, &n), LG_E_NOT_FOUND);
	cr_assert_eq(sts_rules_apply(&kit.cx, &s, LG_STR("{\"sub\":\"x:a\"}"), rdn, &n), LG_E_NOT_FOUND);
	cr_assert_eq(sts_rules_apply(&kit.cx, &s, LG_STR("{\"sub\":\"y:a\",\"ns\":\"b\"}"), rdn, &n), LG_E_NOT_FOUND);
}
