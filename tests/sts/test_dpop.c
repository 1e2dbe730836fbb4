#include "tests/sts/kit.h"

#include "base/text.h"

TestSuite(dpop, .init = kit_start, .fini = kit_end);

#define TOKEN_URL	ISSUER "/oauth2/token"
#define USERINFO_URL	ISSUER "/oauth2/userinfo"
#define FORM		"application/x-www-form-urlencoded"

static struct lg_key *key_of_client, *other_key;

static void
make_keys(void)
{
	cr_assert_eq(lg_key_generate(&kit.cx, LG_KEY_P256, &key_of_client), LG_OK);
	cr_assert_eq(lg_key_generate(&kit.cx, LG_KEY_P256, &other_key), LG_OK);
}

static void
free_keys(void)
{
	lg_key_free(&key_of_client);
	lg_key_free(&other_key);
}

static const char *
jkt_of(struct lg_key *k)
{
	lg_sha256 h = lg_pubkey_thumbprint(lg_key_public(k));

	return kit_c(lg_base64url(kit.arena, lg_sha256_str(&h)));
}

static const char *
jwk_of(struct lg_key *k, enum lg_alg alg)
{
	struct lg_buf b = LG_BUF(4096);
	const char *text;

	lg_pubkey_jwk(lg_key_public(k), LG_STR("k"), alg, &b);
	text = kit_c(lg_buf_view(&b));
	lg_buf_free(&b);
	return text;
}

static const char *
nonce_now(void)
{
	lg_str nonce;

	kit.cx.now = lg_wall() + kit.shift;
	cr_assert_eq(sts_dpop_nonce(&kit.cx, kit.sts, TENANT, &nonce), LG_OK);
	return kit_c(nonce);
}

/* header: NULL for the usual one of this key. */
static const char *
sign(struct lg_key *k, enum lg_alg alg, const char *header, const char *payload)
{
	lg_str front, signature;

	if (header == NULL)
		header = kit_fmt("{\"typ\":\"dpop+jwt\",\"alg\":\"%.*s\",\"jwk\":%s}", LG_FMT(lg_alg_name(alg)), jwk_of(k, alg));
	front = lg_print(kit.arena, "%.*s.%.*s", LG_FMT(lg_base64url(kit.arena, lg_str_of(header))),
	    LG_FMT(lg_base64url(kit.arena, lg_str_of(payload))));
	cr_assert_eq(lg_key_sign_jose(&kit.cx, k, alg, front, &signature), LG_OK);
	return kit_fmt("%.*s.%.*s", LG_FMT(front), LG_FMT(lg_base64url(kit.arena, signature)));
}

static const char *
claims(const char *htm, const char *htu, long long age, const char *more)
{
	return kit_fmt("{\"jti\":\"%.*s\",\"htm\":\"%s\",\"htu\":\"%s\",\"iat\":%lld%s}", LG_FMT(lg_token_new(kit.arena)), htm, htu,
	    (long long)((lg_wall() + kit.shift) / LG_SECOND) - age, more);
}

static const char *
proof(struct lg_key *k, const char *htm, const char *htu, const char *more)
{
	return sign(k, LG_ALG_ES256, NULL, claims(htm, htu, 0, more));
}

static const char *
token_proof(struct lg_key *k)
{
	return proof(k, "POST", TOKEN_URL, kit_fmt(",\"nonce\":\"%s\"", nonce_now()));
}

static struct answer
post(const char *body, const char *authorization, const char *proof_)
{
	return kit_send("POST", "/oauth2/token", LG_NONE, lg_str_of(body), "Content-Type", FORM, "Authorization",
	    authorization == NULL ? "" : authorization, "DPoP", proof_, NULL);
}

static struct answer
as_worker(const char *proof_)
{
	return post("grant_type=client_credentials", kit_basic("worker", WORKER_SECRET), proof_);
}

static struct answer
redeem(lg_str code, const char *proof_)
{
	return post(kit_fmt("grant_type=authorization_code&code=%.*s&redirect_uri=https%%3A%%2F%%2Fapp.example%%2Fcb&client_id=spa"
	    "&code_verifier=" VERIFIER, LG_FMT(code)), NULL, proof_);
}

static struct answer
userinfo(const char *scheme, lg_str token, const char *proof_)
{
	return kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", kit_fmt("%s %.*s", scheme, LG_FMT(token)),
	    "DPoP", proof_, NULL);
}

/* ---- the token endpoint ------------------------------------------------------------------------------------ */

Test(dpop, binds_the_token_to_the_key)
{
	make_keys();
	struct answer a = as_worker(token_proof(key_of_client));
	lg_str token = kit_member(a.body, "access_token"), cnf;

	assert_status(a, 200);
	cr_assert(lg_str_eq(kit_member(a.body, "token_type"), LG_STR("DPoP")));
	cnf = kit_member(kit_payload(token), "cnf");
	cr_assert(lg_str_eq(kit_member(cnf, "jkt"), lg_str_of(jkt_of(key_of_client))));
	cr_assert_str_eq(kit_header(&a, "DPoP-Nonce"), nonce_now());
	a = kit_post("/oauth2/introspect", kit_fmt("token=%.*s", LG_FMT(token)), kit_basic("worker", WORKER_SECRET));
	cr_assert(lg_str_eq(kit_member(a.body, "token_type"), LG_STR("DPoP")));
	free_keys();
}

Test(dpop, a_proof_without_a_nonce_is_told_one)
{
	make_keys();
	struct answer a = as_worker(proof(key_of_client, "POST", TOKEN_URL, ""));

	assert_oauth(a, 400, "use_dpop_nonce");
	a = as_worker(proof(key_of_client, "POST", TOKEN_URL, kit_fmt(",\"nonce\":\"%s\"", kit_header(&a, "DPoP-Nonce"))));
	assert_status(a, 200);
	a = as_worker(proof(key_of_client, "POST", TOKEN_URL, ",\"nonce\":\"stale\""));
	assert_oauth(a, 400, "use_dpop_nonce");
	free_keys();
}

Test(dpop, a_nonce_grows_old)
{
	make_keys();
	const char *nonce = kit_fmt(",\"nonce\":\"%s\"", nonce_now());

	kit.shift = 119 * LG_SECOND;
	assert_status(as_worker(proof(key_of_client, "POST", TOKEN_URL, nonce)), 200);
	kit.shift = 300 * LG_SECOND;
	assert_oauth(as_worker(proof(key_of_client, "POST", TOKEN_URL, nonce)), 400, "use_dpop_nonce");
	free_keys();
}

Test(dpop, a_client_that_must_prove_a_key_gets_nothing_without)
{
	kit_client("{\"name\":\"worker\",\"type\":\"service\",\"dpop_bound_access_tokens\":true}", WORKER_SECRET,
	    "50000000-0000-4000-8000-000000000012");
	assert_oauth(as_worker(""), 400, "invalid_dpop_proof");
}

/* ---- what is wrong with a proof ------------------------------------------------------------------------------ */

struct row {
	const char *what;
	const char *(*make)(const char *ath);
	bool good;
};

static const char *
with(const char *ath, const char *htm, const char *htu, long long age)
{
	return sign(key_of_client, LG_ALG_ES256, NULL, claims(htm, htu, age, kit_fmt(",\"ath\":\"%s\"", ath)));
}

static const char *
under(const char *ath, const char *header)
{
	return sign(key_of_client, LG_ALG_ES256, header, claims("GET", USERINFO_URL, 0, kit_fmt(",\"ath\":\"%s\"", ath)));
}

/* A header with these members before the client's key. */
static const char *
own_key(const char *front)
{
	return kit_fmt("{%s\"jwk\":%s}", front, jwk_of(key_of_client, LG_ALG_ES256));
}

static const char *
without(const char *ath, const char *claim)
{
	const char *parts[][2] = {
		{ "jti", kit_fmt("\"jti\":\"%.*s\"", LG_FMT(lg_token_new(kit.arena))) }, { "htm", "\"htm\":\"GET\"" },
		{ "htu", "\"htu\":\"" USERINFO_URL "\"" }, { "iat", kit_fmt("\"iat\":%lld", (long long)(lg_wall() / LG_SECOND)) },
		{ "ath", kit_fmt("\"ath\":\"%s\"", ath) },
	};
	const char *text = "\"x\":1";

	for (size_t i = 0; i < LG_COUNT(parts); i++)
		if (strcmp(parts[i][0], claim) != 0)
			text = kit_fmt("%s,%s", text, parts[i][1]);
	return sign(key_of_client, LG_ALG_ES256, NULL, kit_fmt("{%s}", text));
}

static const char *no_jwt(const char *ath) { (void)ath; return "not-a-jwt"; }
static const char *no_typ(const char *ath) { return under(ath, own_key("\"alg\":\"ES256\",")); }
static const char *no_alg(const char *ath) { return under(ath, own_key("\"typ\":\"dpop+jwt\",")); }
static const char *no_jwk(const char *ath) { return under(ath, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}"); }
static const char *no_jti(const char *ath) { return without(ath, "jti"); }
static const char *no_htm(const char *ath) { return without(ath, "htm"); }
static const char *no_htu(const char *ath) { return without(ath, "htu"); }
static const char *no_iat(const char *ath) { return without(ath, "iat"); }
static const char *no_ath(const char *ath) { return without(ath, "ath"); }
static const char *nothing_missing(const char *ath) { return without(ath, ""); }
static const char *bad_typ(const char *ath) { return under(ath, own_key("\"typ\":\"JWT\",\"alg\":\"ES256\",")); }
static const char *alg_none(const char *ath) { return under(ath, own_key("\"typ\":\"dpop+jwt\",\"alg\":\"none\",")); }
static const char *with_crit(const char *ath) { return under(ath, own_key("\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"crit\":[\"x\"],")); }
static const char *bad_htm(const char *ath) { return with(ath, "POST", USERINFO_URL, 0); }
static const char *low_htm(const char *ath) { return with(ath, "get", USERINFO_URL, 0); }
static const char *htu_query(const char *ath) { return with(ath, "GET", USERINFO_URL "?a=b#c", 0); }
static const char *htu_other(const char *ath) { return with(ath, "GET", ISSUER "/oauth2/token", 0); }
static const char *htu_host(const char *ath) { return with(ath, "GET", "https://id.example.evil/oauth2/userinfo", 0); }
static const char *htu_user(const char *ath) { return with(ath, "GET", "https://x@id.example/oauth2/userinfo", 0); }
static const char *htu_upper(const char *ath) { return with(ath, "GET", "HTTPS://ID.EXAMPLE/oauth2/userinfo", 0); }
static const char *htu_path_upper(const char *ath) { return with(ath, "GET", ISSUER "/OAuth2/userinfo", 0); }
static const char *htu_port(const char *ath) { return with(ath, "GET", "https://id.example:443/oauth2/userinfo", 0); }
static const char *htu_other_port(const char *ath) { return with(ath, "GET", "https://id.example:80/oauth2/userinfo", 0); }
static const char *htu_escaped(const char *ath) { return with(ath, "GET", ISSUER "/oauth2/user%69nfo", 0); }
static const char *htu_mtls(const char *ath) { return with(ath, "GET", ISSUER ":8444/oauth2/userinfo", 0); }
static const char *htu_relative(const char *ath) { return with(ath, "GET", "/oauth2/userinfo", 0); }
static const char *iat_before(const char *ath) { return with(ath, "GET", USERINFO_URL, 10); }
static const char *iat_after(const char *ath) { return with(ath, "GET", USERINFO_URL, -10); }
static const char *iat_hour_before(const char *ath) { return with(ath, "GET", USERINFO_URL, 3600); }
static const char *iat_hour_after(const char *ath) { return with(ath, "GET", USERINFO_URL, -3600); }
static const char *bad_ath(const char *ath) { (void)ath; return with("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", "GET", USERINFO_URL, 0); }

static const char *
with_rs256(const char *ath)
{
	return sign(kit.rsa, LG_ALG_RS256, NULL, claims("GET", USERINFO_URL, 0, kit_fmt(",\"ath\":\"%s\"", ath)));
}

static const char *
with_other_key(const char *ath)
{
	return sign(other_key, LG_ALG_ES256, NULL, claims("GET", USERINFO_URL, 0, kit_fmt(",\"ath\":\"%s\"", ath)));
}

static const char *
bad_signature(const char *ath)
{
	return sign(other_key, LG_ALG_ES256, own_key("\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","),
	    claims("GET", USERINFO_URL, 0, kit_fmt(",\"ath\":\"%s\"", ath)));
}

static const char *
private_key(const char *ath)
{
	lg_str jwk = lg_str_of(jwk_of(key_of_client, LG_ALG_ES256));

	return under(ath, kit_fmt("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%.*s,\"d\":\"AAAA\"}}", (int)jwk.n - 1, jwk.p));
}

static const char *
extra_claims(const char *ath)
{
	return proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\",\"sub\":\"x\",\"aud\":[\"y\"],\"z\":{\"a\":[1]}", ath));
}

static const char *
bad_nonce(const char *ath)
{
	return proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\",\"nonce\":\"x\"", ath));
}

static const char *
expired(const char *ath)
{
	return proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\",\"exp\":1000", ath));
}

static const char *
not_yet(const char *ath)
{
	return proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\",\"nbf\":4000000000", ath));
}

static const char *
twice(const char *ath)
{
	return proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\",\"htm\":\"GET\"", ath));
}

static const char *
under_id_of(const char *ath, int octets)
{
	return sign(key_of_client, LG_ALG_ES256, NULL, kit_fmt("{\"jti\":\"%0*d\",\"htm\":\"GET\",\"htu\":\"" USERINFO_URL "\",\"iat\":%lld,\"ath\":\"%s\"}", octets, 0,
	    (long long)((lg_wall() + kit.shift) / LG_SECOND), ath));
}

static const char *jti_at_the_limit(const char *ath) { return under_id_of(ath, 255); }
static const char *jti_over_it(const char *ath) { return under_id_of(ath, 256); }

static const struct row rows[] = {
	{ "not a JWT", no_jwt, false }, { "no typ", no_typ, false }, { "no alg", no_alg, false }, { "no jwk", no_jwk, false },
	{ "no jti", no_jti, false }, { "no htm", no_htm, false }, { "no htu", no_htu, false }, { "no iat", no_iat, false },
	{ "no ath", no_ath, false }, { "nothing missing", nothing_missing, true }, { "wrong typ", bad_typ, false },
	{ "RS256", with_rs256, false }, { "none", alg_none, false }, { "crit", with_crit, false },
	{ "bad signature", bad_signature, false }, { "private key in jwk", private_key, false },
	{ "wrong htm", bad_htm, false }, { "htm in lower case", low_htm, false },
	{ "htu with query", htu_query, true }, { "htu of another endpoint", htu_other, false },
	{ "htu of another host", htu_host, false }, { "htu with a user", htu_user, false },
	{ "htu, scheme and host in upper case", htu_upper, true }, { "htu, path in upper case", htu_path_upper, false },
	{ "htu with default port", htu_port, true }, { "htu with another port", htu_other_port, false },
	{ "htu with an escape", htu_escaped, true }, { "htu where certificates are asked for", htu_mtls, true },
	{ "htu without a host", htu_relative, false }, { "iat ten seconds ago", iat_before, true },
	{ "iat in ten seconds", iat_after, true }, { "iat an hour ago", iat_hour_before, false },
	{ "iat in an hour", iat_hour_after, false }, { "wrong ath", bad_ath, false }, { "another key", with_other_key, false },
	{ "extra claims", extra_claims, true }, { "a nonce that is none of ours", bad_nonce, false },
	{ "a jti of 255 octets", jti_at_the_limit, true }, { "a jti of 256", jti_over_it, false },
	{ "expired", expired, false }, { "not yet", not_yet, false }, { "a claim twice", twice, false },
};

static lg_str
bound_token(void)
{
	struct answer a = redeem(kit_code("spa", "", kit_sign_in()), token_proof(key_of_client));

	assert_status(a, 200);
	return kit_member(a.body, "access_token");
}

static const char *
ath_of(lg_str token)
{
	lg_sha256 h = lg_sha256_of(token);

	return kit_c(lg_base64url(kit.arena, lg_sha256_str(&h)));
}

Test(dpop, the_table_of_proofs)
{
	make_keys();
	lg_str token = bound_token();
	const char *ath = ath_of(token);

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct answer a = userinfo("DPoP", token, rows[i].make(ath));

		cr_assert_eq(a.status, rows[i].good ? 200 : 401, "%s: %d %.*s", rows[i].what, a.status, LG_FMT(a.body));
		cr_assert(rows[i].good || strncmp(kit_header(&a, "WWW-Authenticate"), "DPoP ", 5) == 0, "%s", rows[i].what);
	}
	free_keys();
}

Test(dpop, a_proof_is_good_once)
{
	make_keys();
	lg_str token = bound_token();
	const char *p = proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\"", ath_of(token)));

	assert_status(userinfo("DPoP", token, p), 200);
	assert_oauth(userinfo("DPoP", token, p), 401, "invalid_dpop_proof");
	free_keys();
}

Test(dpop, a_bound_token_is_no_bearer_token_and_the_reverse)
{
	make_keys();
	lg_str token = bound_token();
	const char *p = proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\"", ath_of(token)));

	assert_oauth(userinfo("Bearer", token, p), 401, "invalid_token");
	assert_oauth(userinfo("Bearer", token, ""), 401, "invalid_token");
	assert_status(userinfo("DPoP", token, ""), 401);
	assert_status(userinfo("dpop", token, proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\"", ath_of(token)))), 200);
	token = kit_member(kit_redeem("spa", kit_code("spa", "", kit_sign_in())).body, "access_token");
	p = proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\"", ath_of(token)));
	struct answer a = userinfo("DPoP", token, p);
	assert_oauth(a, 401, "invalid_token");
	free_keys();
}

Test(dpop, a_proof_is_not_looked_at_without_a_token)
{
	make_keys();
	lg_str token = bound_token();
	const char *p = proof(key_of_client, "GET", USERINFO_URL, kit_fmt(",\"ath\":\"%s\"", ath_of(token)));
	struct answer a = userinfo("DPoP", LG_STR("x.y.z"), p);

	assert_oauth(a, 401, "invalid_token");
	assert_status(userinfo("DPoP", token, p), 200);		/* it was not used up */
	free_keys();
}

/* ---- codes and refresh tokens ----------------------------------------------------------------------------------- */

Test(dpop, a_code_belongs_to_the_key_of_its_request)
{
	make_keys();
	const char *cookie = kit_sign_in(), *more = kit_fmt("&dpop_jkt=%s", jkt_of(key_of_client));

	assert_oauth(redeem(kit_code("spa", more, cookie), token_proof(other_key)), 400, "invalid_grant");
	assert_oauth(redeem(kit_code("spa", more, cookie), ""), 400, "invalid_grant");
	assert_status(redeem(kit_code("spa", more, cookie), token_proof(key_of_client)), 200);
	struct answer a = kit_get("/oauth2/authorize", kit_authorize_query("spa", "&dpop_jkt=short"), cookie);
	cr_assert(lg_str_eq(kit_parameter(kit_header(&a, "Location"), "error"), LG_STR("invalid_request")));
	free_keys();
}

Test(dpop, a_public_clients_refresh_token_belongs_to_its_key_and_stays)
{
	make_keys();
	struct answer a = redeem(kit_code("spa", "", kit_sign_in()), token_proof(key_of_client));
	lg_str refresh = kit_member(a.body, "refresh_token");
	const char *body = kit_fmt("grant_type=refresh_token&client_id=spa&refresh_token=%.*s", LG_FMT(refresh));

	assert_oauth(post(body, NULL, ""), 400, "invalid_grant");
	assert_oauth(post(body, NULL, token_proof(other_key)), 400, "invalid_grant");
	for (int i = 0; i < 2; i++) {
		a = post(body, NULL, token_proof(key_of_client));
		assert_status(a, 200);
		cr_assert(lg_str_eq(kit_member(a.body, "token_type"), LG_STR("DPoP")));
		cr_assert_eq(kit_member(a.body, "refresh_token").n, 0);
	}
	free_keys();
}

Test(dpop, other_doors_take_bound_tokens_with_the_same_checks)
{
	make_keys();
	lg_str token = kit_member(as_worker(token_proof(key_of_client)).body, "access_token");
	struct lg_sts_bearer b;

	cr_assert_eq(kit_check(token, ISSUER "/v1", &b), LG_E_UNAUTHENTICATED);
	cr_assert(strstr(kit.cx.error, "DPoP") != NULL);
	free_keys();
}

Test(dpop, whoever_brings_such_a_token_without_a_proof_is_told_the_scheme)
{
	make_keys();
	lg_str token = kit_member(redeem(kit_code("spa", "", kit_sign_in()), token_proof(key_of_client)).body, "access_token");
	struct answer a = kit_send("GET", "/oauth2/userinfo", LG_NONE, LG_NONE, "Authorization", kit_fmt("DPoP %.*s", LG_FMT(token)), NULL);

	assert_oauth(a, 401, "invalid_dpop_proof");
	cr_assert(strncmp(kit_header(&a, "WWW-Authenticate"), "DPoP realm=", 11) == 0 && strstr(kit_header(&a, "WWW-Authenticate"), "algs=") != NULL);
	free_keys();
}

/* ---- many of them ------------------------------------------------------------------------------------------------ */

/* The same through the endpoint: by whom a proof comes, decides who waits. */
Test(dpop, one_client_does_not_keep_others_from_proving_their_keys)
{
	static const struct sts_replay_size small = { 8192, 25 * LG_SECOND };
	lg_str whose = LG_STR("client worker");
	unsigned busy = 0;

	make_keys();
	kit_client("{\"name\":\"other\",\"type\":\"service\"}", "other secret", "50000000-0000-4000-8000-000000000013");
	sts_replay_free(&kit.sts->proofs);
	cr_assert_eq(sts_replay_new(&kit.cx, &small, &kit.sts->proofs), LG_OK);
	for (size_t i = 0; i < 4 * small.slots; i++)
		(void)!sts_replay_use(&kit.cx, kit.sts->proofs, TENANT, whose, lg_print(kit.arena, "%zu", i), kit.cx.now + LG_MINUTE);
	for (int i = 0; i < 20; i++) {
		struct answer a = as_worker(token_proof(key_of_client));

		if (a.status == 503) {
			busy++;
			assert_oauth(a, 503, "temporarily_unavailable");
			cr_assert_str_eq(kit_header(&a, "Retry-After"), "1");
		}
		assert_status(post("grant_type=client_credentials", kit_basic("other", "other secret"), token_proof(other_key)), 200);
	}
	cr_assert_geq(busy, 10);
	free_keys();
}
