#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(exchange, .init = kit_start, .fini = kit_end);
TestSuite(federated, .init = kit_start, .fini = kit_end);

#define GRANT	"grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE	"urn:ietf:params:oauth:token-type:access_token"
#define WORKER_ID "50000000-0000-4000-8000-000000000012"
#define ROBOT_ID "50000000-0000-4000-8000-000000000013"

/* The worker is called with alice's tokens for https://api.example, and calls https://inner.example in turn. */
static void
make_worker(void)
{
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"grants\":[\"client_credentials\","
	    "\"urn:ietf:params:oauth:grant-type:token-exchange\"],\"scopes\":[\"openid\",\"profile\"],"
	    "\"audiences\":[\"https://api.example\",\"https://inner.example\"]}", WORKER_SECRET, WORKER_ID);
}

static lg_str
alices(void)
{
	return kit_member(kit_redeem("portal", kit_code("portal", "&resource=https%3A%2F%2Fapi.example", kit_sign_in())).body, "access_token");
}

static struct answer
exchange(lg_str token, const char *more)
{
	return kit_post("/oauth2/token", kit_fmt(GRANT "&subject_token=%.*s&subject_token_type=" TYPE "%s", LG_FMT(token), more),
	    kit_basic("worker", WORKER_SECRET));
}

Test(exchange, gives_the_subjects_token_with_who_acts)
{
	make_worker();
	struct answer a = exchange(alices(), "&scope=profile&resource=https%3A%2F%2Finner.example");
	lg_str token = kit_member(a.body, "access_token"), claims = kit_payload(token);
	struct lg_sts_bearer b;

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "issued_token_type"), LG_STR("urn:ietf:params:oauth:token-type:access_token")));
	cr_assert(lg_str_eq(kit_member(claims, "sub"), LG_STR(ALICE_ID)));
	cr_assert(lg_str_eq(kit_member(claims, "act"), LG_STR("{\"sub\":\"" WORKER_ID "\"}")));
	cr_assert(lg_str_eq(kit_member(claims, "aud"), LG_STR("[\"https://inner.example\"]")));
	cr_assert(lg_str_eq(kit_member(claims, "scope"), LG_STR("profile")));
	cr_assert_eq(kit_check(token, "https://inner.example", &b), LG_OK, "%s", kit.cx.error);
	cr_assert(lg_str_eq(b.claims.act_sub, LG_STR(WORKER_ID)));
}

Test(exchange, keeps_the_hands_it_went_through_and_counts_them)
{
	make_worker();
	lg_str token = alices();

	for (int i = 0; i < 4; i++) {
		struct answer a = exchange(token, "");

		assert_status(a, 200);
		token = kit_member(a.body, "access_token");
	}
	cr_assert(memmem(kit_payload(token).p, kit_payload(token).n, WORKER_ID "\",\"act\":", sizeof WORKER_ID - 1 + 8) != NULL);
	assert_oauth(exchange(token, ""), 400, "invalid_request");
}

Test(exchange, never_lives_longer_than_what_it_came_from)
{
	make_worker();
	lg_str token = alices();

	kit.shift = 200 * LG_SECOND;
	struct answer a = exchange(token, "");
	int64_t life = 0;
	assert_status(a, 200);
	cr_assert(lg_int_parse(kit_member(a.body, "expires_in"), &life) && life <= 100, "%lld", (long long)life);
}

Test(exchange, refuses_wider_scopes_other_targets_and_strange_tokens)
{
	make_worker();
	lg_str token = alices();
	static const struct {
		const char *more, *error;
	} rows[] = {
		{ "&scope=write", "invalid_scope" }, { "&scope=email", "invalid_scope" },
		{ "&audience=https%3A%2F%2Felse.example", "invalid_target" }, { "&resource=https%3A%2F%2Felse.example", "invalid_target" },
		{ "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token", "invalid_request" },
		{ "&actor_token=x", "invalid_request" }, { "&actor_token_type=" TYPE, "invalid_request" },
		{ "&actor_token=x&actor_token_type=" TYPE, "invalid_request" },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++)
		assert_oauth(exchange(token, rows[i].more), 400, rows[i].error);
	assert_oauth(exchange(LG_STR("x"), ""), 400, "invalid_request");
	assert_oauth(exchange(LG_NONE, ""), 400, "invalid_request");
	assert_oauth(kit_post("/oauth2/token", kit_fmt(GRANT "&subject_token=%.*s&subject_token_type=saml2", LG_FMT(token)),
	    kit_basic("worker", WORKER_SECRET)), 400, "invalid_request");
	/* One that is for somebody else. */
	assert_oauth(exchange(kit_token("at+jwt", kit_c(kit_claims(""))), ""), 400, "invalid_request");
	kit.alice_disabled = true;
	assert_oauth(exchange(token, ""), 400, "invalid_request");
}

/* Who showed a service its token did not let it administer in its name. */
Test(exchange, reaches_the_services_own_apis_only_where_they_are_registered)
{
	static const char *const own[] = { "&resource=https%3A%2F%2Fid.example%2Fv1", "&audience=https%3A%2F%2Fid.example%2Fv1", "&audience=https%3A%2F%2Fid.example%2Faccess%2Fv1",
		"&audience=https%3A%2F%2Fid.example" };

	make_worker();
	for (size_t i = 0; i < LG_COUNT(own); i++)
		assert_oauth(exchange(alices(), own[i]), 400, "invalid_target");
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"grants\":[\"urn:ietf:params:oauth:grant-type:token-exchange\"],"
	    "\"scopes\":[\"openid\",\"profile\"],\"audiences\":[\"https://api.example\",\"https://id.example/v1\"]}", WORKER_SECRET, WORKER_ID);
	assert_status(exchange(alices(), own[0]), 200);
}

/* One place is the issuer's own, for userinfo. */
Test(exchange, is_for_so_many_targets_and_no_more)
{
	lg_str list = LG_STR("\"https://api.example\""), asked = LG_STR("");

	for (int i = 0; i < LG_CLIENT_AUDIENCES - 1; i++) {
		list = lg_print(kit.arena, "%.*s,\"https://r%d.example\"", LG_FMT(list), i);
		asked = i == 0 ? asked : lg_print(kit.arena, "%.*s&resource=https%%3A%%2F%%2Fr%d.example", LG_FMT(asked), i);
	}
	kit_client(kit_fmt("{\"name\":\"worker\",\"type\":\"service\",\"grants\":[\"urn:ietf:params:oauth:grant-type:token-exchange\"],"
	    "\"scopes\":[\"openid\",\"profile\"],\"audiences\":[%.*s]}", LG_FMT(list)), WORKER_SECRET, WORKER_ID);
	lg_str token = alices();

	assert_status(exchange(token, kit_fmt("%.*s&audience=https%%3A%%2F%%2Fr0.example", LG_FMT(asked))), 200);
	assert_status(exchange(token, kit_fmt("%.*s&resource=https%%3A%%2F%%2Fr0.example", LG_FMT(asked))), 200);
	assert_oauth(exchange(token, kit_fmt("%.*s&resource=https%%3A%%2F%%2Fr0.example&audience=https%%3A%%2F%%2Fapi.example", LG_FMT(asked))), 400,
	    "invalid_target");
	assert_oauth(exchange(token, kit_fmt("%.*s&resource=https%%3A%%2F%%2Fr0.example&resource=https%%3A%%2F%%2Fapi.example", LG_FMT(asked))), 400,
	    "invalid_target");
}

/* RFC 8693 2.1: several audiences, in any mixture with resources. */
Test(exchange, audiences_may_be_several)
{
	make_worker();
	struct answer a = exchange(alices(), "&audience=https%3A%2F%2Finner.example&audience=https%3A%2F%2Fapi.example");

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "aud"),
	    LG_STR("[\"https://inner.example\",\"https://api.example\"]")));
	assert_oauth(exchange(alices(), "&audience=https%3A%2F%2Finner.example&audience=https%3A%2F%2Felse.example"), 400, "invalid_target");
	assert_oauth(exchange(alices(), "&audience=a%20b"), 400, "invalid_target");
}

Test(exchange, gives_what_was_asked_for_or_nothing)
{
	make_worker();
	const char *jwt = "urn:ietf:params:oauth:token-type:jwt";
	struct answer a = exchange(alices(), "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt");

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "issued_token_type"), lg_str_of(jwt)));
	cr_assert(lg_str_eq(kit_member(a.body, "token_type"), LG_STR("Bearer")));
	assert_oauth(exchange(alices(), "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"), 400, "invalid_request");
	assert_oauth(exchange(alices(), "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Arefresh_token"), 400, "invalid_request");
}

Test(exchange, without_an_actor_only_where_policy_says_so)
{
	make_worker();
	lg_str token = alices();

	assert_oauth(exchange(token, "&impersonate=true"), 400, "invalid_request");
	kit.impersonation = true;
	struct answer a = exchange(token, "&impersonate=true");
	lg_str claims = kit_payload(kit_member(a.body, "access_token"));
	assert_status(a, 200);
	cr_assert(kit_member(claims, "act").n == 0, "%.*s", LG_FMT(claims));
	cr_assert(lg_str_eq(kit_member(claims, "client_id"), LG_STR("worker")), "who got it can still be told");
	assert_oauth(exchange(token, "&impersonate=yes"), 400, "invalid_request");
	assert_oauth(exchange(token, kit_fmt("&impersonate=true&actor_token=%.*s&actor_token_type=" TYPE, LG_FMT(token))), 400, "invalid_request");
	/* Whoever acted before is not forgotten. */
	token = kit_member(exchange(token, "").body, "access_token");
	claims = kit_payload(kit_member(exchange(token, "&impersonate=true").body, "access_token"));
	cr_assert(lg_str_eq(kit_member(claims, "act"), LG_STR("{\"sub\":\"" WORKER_ID "\"}")), "%.*s", LG_FMT(claims));
}

Test(exchange, another_may_act_whose_token_the_client_shows)
{
	make_worker();
	lg_str actor = kit_member(kit_post("/oauth2/token", "grant_type=client_credentials", kit_basic("worker", WORKER_SECRET)).body, "access_token");
	struct answer a = exchange(alices(), kit_fmt("&actor_token=%.*s&actor_token_type=" TYPE, LG_FMT(actor)));

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "act"), LG_STR("{\"sub\":\"" WORKER_ID "\"}")));
}

#define JWT_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"
#define ID_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"

static struct answer
exchange_typed(const char *token, const char *type, const char *who, const char *secret)
{
	return kit_post("/oauth2/token", kit_fmt(GRANT "&subject_token=%s&subject_token_type=%s", token, type), kit_basic(who, secret));
}

/* The portal itself exchanges the ID token of who signed in at it. */
Test(exchange, an_id_token_is_for_its_own_client_alone)
{
	kit_client("{\"name\":\"portal\",\"type\":\"confidential\",\"redirect_uris\":[\"" REDIRECT "\"],\"audiences\":[\"https://api.example\"],"
	    "\"grants\":[\"authorization_code\",\"urn:ietf:params:oauth:grant-type:token-exchange\"]}", PORTAL_SECRET,
	    "c0000000-0000-4000-8000-000000000010");
	make_worker();
	struct answer got = kit_redeem("portal", kit_code("portal", "", kit_sign_in()));
	const char *id = kit_c(kit_member(got.body, "id_token"));
	struct answer a = exchange_typed(id, ID_TYPE, "portal", PORTAL_SECRET);

	assert_status(a, 200);
	cr_assert(kit_member(a.body, "scope").n == 0, "a sign-in allows nothing by itself");
	assert_oauth(exchange_typed(id, ID_TYPE, "worker", WORKER_SECRET), 400, "invalid_request");
	assert_oauth(exchange_typed(kit_c(kit_member(got.body, "access_token")), ID_TYPE, "portal", PORTAL_SECRET), 400, "invalid_request");
	assert_oauth(exchange_typed(id, TYPE, "portal", PORTAL_SECRET), 400, "invalid_request");
	kit.shift = 2 * LG_HOUR;
	assert_oauth(exchange_typed(id, ID_TYPE, "portal", PORTAL_SECRET), 400, "invalid_request");
}

/* RFC 8693 4.4 */
Test(exchange, whom_the_token_names_may_act_and_nobody_else)
{
	static const struct {
		const char *may_act;
		int status;
	} cases[] = {
		{ "{\"iss\":\"" ISSUER "\",\"sub\":\"" WORKER_ID "\"}", 200 }, { "{\"client_id\":\"worker\"}", 200 },
		{ "{\"iss\":\"" ISSUER "\",\"sub\":\"" WORKER_ID "\",\"client_id\":\"worker\"}", 200 },
		{ "{\"sub\":\"" WORKER_ID "\"}", 400 }, { "{\"iss\":\"" ISSUER "\",\"sub\":\"" ALICE_ID "\"}", 400 }, { "{\"client_id\":\"portal\"}", 400 },
		{ "{\"iss\":\"" ISSUER "\",\"sub\":\"" WORKER_ID "\",\"email\":\"a@b\"}", 400 }, { "{}", 400 }, { "null", 400 }, { "[]", 400 },
	};
	long long now = (long long)(lg_wall() / LG_SECOND);

	make_worker();
	kit_source("{\"name\":\"ci\",\"kind\":\"jwt\",\"issuer\":\"https://ci.example\",\"jwks_uri\":\"https://ci.example/keys\",\"scopes\":[\"profile\"],"
	    "\"rules\":[{\"match\":{\"sub\":\"job:*\"},\"entry\":\"cn={sub#1},ou=services\"}]}");
	kit_web("https://ci.example/keys", kit_jwks(kit.client_key, "k1", ""), 0);
	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		lg_str token;

		cr_assert_eq(lg_jws_sign(&kit.cx, kit.client_key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_str_of(kit_fmt("{\"iss\":\"https://ci.example\","
		    "\"aud\":\"" ISSUER "\",\"sub\":\"job:robot\",\"iat\":%lld,\"exp\":%lld,\"may_act\":%s}", now, now + 300, cases[i].may_act)), &token), LG_OK);
		struct answer a = exchange_typed(kit_c(token), JWT_TYPE, "worker", WORKER_SECRET);
		cr_expect_eq(a.status, cases[i].status, "%s: %.*s", cases[i].may_act, LG_FMT(a.body));
	}
}

Test(exchange, a_workloads_token_of_another_issuer_is_taken_by_its_source)
{
	const char *claims = "{\"iss\":\"https://ci.example\",\"aud\":\"" ISSUER "\",\"sub\":\"job:robot\",\"iat\":%lld,\"exp\":%lld}";
	long long now = (long long)(lg_wall() / LG_SECOND);
	lg_str token, strange;

	make_worker();
	kit_source("{\"name\":\"ci\",\"kind\":\"jwt\",\"issuer\":\"https://ci.example\",\"jwks_uri\":\"https://ci.example/keys\",\"scopes\":[\"profile\"],"
	    "\"rules\":[{\"match\":{\"sub\":\"job:*\"},\"entry\":\"cn={sub#1},ou=services\"}]}");
	kit_web("https://ci.example/keys", kit_jwks(kit.client_key, "k1", ""), 0);
	cr_assert_eq(lg_jws_sign(&kit.cx, kit.client_key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_str_of(kit_fmt(claims, now, now + 300)), &token), LG_OK);
	cr_assert_eq(lg_jws_sign(&kit.cx, kit.key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_str_of(kit_fmt(claims, now, now + 300)), &strange), LG_OK);
	struct answer a = exchange_typed(kit_c(token), JWT_TYPE, "worker", WORKER_SECRET);
	lg_str got = kit_payload(kit_member(a.body, "access_token"));

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(got, "sub"), LG_STR(ROBOT_ID)) && lg_str_eq(kit_member(got, "act"), LG_STR("{\"sub\":\"" WORKER_ID "\"}")));
	cr_assert(lg_str_eq(kit_member(got, "scope"), LG_STR("profile")), "%.*s", LG_FMT(got));
	cr_assert(lg_str_eq(kit.question_proof, LG_STR("federated")));
	assert_oauth(exchange_typed(kit_c(strange), JWT_TYPE, "worker", WORKER_SECRET), 400, "invalid_request");
	assert_oauth(exchange_typed(kit_c(token), TYPE, "worker", WORKER_SECRET), 400, "invalid_request");
}

Test(exchange, policy_may_forbid_it)
{
	make_worker();
	lg_str token = alices();

	kit.deny = true;
	assert_oauth(exchange(token, ""), 400, "invalid_request");
}

Test(exchange, a_bound_token_is_not_for_who_cannot_prove_its_key)
{
	make_worker();
	lg_str claims = kit_claims("\"client_id\":\"worker\",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"},");

	assert_oauth(exchange(kit_token("at+jwt", kit_c(claims)), ""), 400, "invalid_request");
	claims = kit_claims("\"client_id\":\"worker\",\"cnf\":{\"x5t#S256\":\"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2\"},");
	assert_oauth(exchange(kit_token("at+jwt", kit_c(claims)), ""), 400, "invalid_request");
}

Test(exchange, only_for_clients_that_were_given_it)
{
	assert_oauth(exchange(alices(), ""), 400, "unauthorized_client");
}

/* ---- services known by another issuer's tokens ---------------------------------------------------------------------- */

#define CLUSTER "https://kubernetes.default.svc"
#define ACCOUNT "system:serviceaccount:shop:robot"

static void
make_robot(const char *grants)
{
	struct lg_buf b = LG_BUF(4096);

	lg_pubkey_jwk(lg_key_public(kit.client_key), LG_STR("k1"), LG_ALG_ES256, &b);
	kit_client(kit_fmt("{\"name\":\"robot\",\"type\":\"service\",\"auth\":\"federated_jwt\",\"issuer\":\"" CLUSTER "\",\"subject\":\"" ACCOUNT
	    "\",\"grants\":[%s],\"jwks\":{\"keys\":[%.*s]}}", grants, LG_FMT(lg_buf_view(&b))), NULL, ROBOT_ID);
	lg_buf_free(&b);
}

static const char *
account_token(const char *iss, const char *sub, const char *aud, long long life)
{
	long long now = (long long)(lg_wall() / LG_SECOND);
	lg_str token;

	cr_assert_eq(lg_jws_sign(&kit.cx, kit.client_key, LG_ALG_ES256, "JWT", LG_STR("k1"), lg_str_of(kit_fmt("{\"iss\":\"%s\",\"sub\":\"%s\","
	    "\"aud\":%s,\"iat\":%lld,\"exp\":%lld,\"kubernetes.io\":{\"namespace\":\"shop\"}}", iss, sub, aud, now, now + life)), &token), LG_OK);
	return kit_c(token);
}

static struct answer
as_grant(const char *token)
{
	return kit_post("/oauth2/token", kit_fmt("grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&client_id=robot"
	    "&assertion=%s", token), NULL);
}

static struct answer
as_client(const char *token)
{
	return kit_post("/oauth2/token", kit_fmt("grant_type=client_credentials&client_id=robot&client_assertion_type="
	    "urn%%3Aietf%%3Aparams%%3Aoauth%%3Aclient-assertion-type%%3Ajwt-bearer&client_assertion=%s", token), NULL);
}

#define BOTH "\"client_credentials\",\"urn:ietf:params:oauth:grant-type:jwt-bearer\""

Test(federated, a_cluster_speaks_for_its_service_again_and_again)
{
	make_robot(BOTH);
	const char *token = account_token(CLUSTER, ACCOUNT, "[\"" ISSUER "\"]", 3600);

	for (int i = 0; i < 2; i++) {
		struct answer a = as_grant(token);

		assert_status(a, 200);
		cr_assert(lg_str_eq(kit_member(kit_payload(kit_member(a.body, "access_token")), "sub"), LG_STR(ROBOT_ID)));
		assert_status(as_client(token), 200);
	}
}

Test(federated, what_is_not_exactly_trusted_is_refused)
{
	make_robot(BOTH);
	const char *bad[] = {
		account_token("https://other.example", ACCOUNT, "\"" ISSUER "\"", 300),
		account_token(CLUSTER, "system:serviceaccount:shop:other", "\"" ISSUER "\"", 300),
		account_token(CLUSTER, ACCOUNT, "\"https://other.example\"", 300),
		account_token(CLUSTER, ACCOUNT, "[\"" ISSUER "\",\"https://other.example\"]", 300),
		account_token(CLUSTER, ACCOUNT, "\"" ISSUER "\"", -300),
		account_token(CLUSTER, ACCOUNT, "\"" ISSUER "\"", 200000),
		kit_c(kit_token("JWT", kit_c(kit_claims("")))), "x.y.z", "",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		assert_oauth(as_grant(bad[i]), 401, "invalid_client");
		assert_oauth(as_client(bad[i]), 401, "invalid_client");
	}
}

Test(federated, the_grant_is_only_for_clients_that_were_given_it)
{
	make_robot("\"client_credentials\"");
	assert_oauth(as_grant(account_token(CLUSTER, ACCOUNT, "\"" ISSUER "\"", 300)), 400, "unauthorized_client");
}

Test(federated, a_registration_must_be_whole)
{
	static const char *bad[] = {
		"{\"name\":\"x\",\"type\":\"service\",\"auth\":\"federated_jwt\",\"issuer\":\"a\",\"jwks\":{\"keys\":[]}}",
		"{\"name\":\"x\",\"type\":\"service\",\"issuer\":\"a\",\"subject\":\"b\"}",
		"{\"name\":\"x\",\"type\":\"service\",\"grants\":[\"urn:ietf:params:oauth:grant-type:jwt-bearer\"]}",
		("{\"name\":\"x\",\"type\":\"public\",\"redirect_uris\":[\"https://a.example\"],"
		 "\"grants\":[\"urn:ietf:params:oauth:grant-type:token-exchange\"]}"),
	};
	struct lg_sts_client c;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_sts_client_read(&kit.cx, lg_str_of(bad[i]), NULL, &c), LG_E_INVALID, "%s", bad[i]);
}
