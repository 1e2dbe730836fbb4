#include "tests/sts/kit.h"

#include <pthread.h>

#include "base/text.h"

TestSuite(check, .init = kit_start, .fini = kit_end);

#define OWN ISSUER "/v1"

static void
assert_refused(lg_str token, lg_err want, const char *sentence)
{
	struct lg_sts_bearer b;

	cr_assert_eq(kit_check(token, OWN, &b), want, "%s", kit.cx.error);
	cr_assert(strstr(kit.cx.error, sentence) != NULL, "\"%s\" does not say \"%s\"", kit.cx.error, sentence);
}

static lg_str
good(const char *more)
{
	return kit_token("at+jwt", kit_c(kit_claims(more)));
}

Test(check, a_good_token_names_its_subject_as_the_directory_knows_it)
{
	struct lg_sts_bearer b;
	lg_str token = good("\"scope\":\"a b\",\"client_id\":\"portal\",");

	for (int i = 0; i < 2; i++) {		/* the second time from the cache */
		cr_assert_eq(kit_check(token, OWN, &b), LG_OK, "%s", kit.cx.error);
		cr_assert(lg_str_eq(b.subject.name, LG_STR("alice")));
		cr_assert(lg_str_eq(b.claims.scope, LG_STR("a b")));
		cr_assert(lg_str_eq(b.claims.client_id, LG_STR("portal")));
	}
}

Test(check, refuses_what_is_not_an_access_token_of_ours)
{
	struct lg_key *other = NULL;
	lg_str foreign;

	cr_assert_eq(lg_key_generate(&kit.cx, LG_KEY_P256, &other), LG_OK);
	cr_assert_eq(lg_jws_sign(&kit.cx, other, LG_ALG_ES256, "at+jwt", LG_STR("ec"), kit_claims(""), &foreign), LG_OK);
	assert_refused(foreign, LG_E_UNAUTHENTICATED, "signature");
	lg_key_free(&other);
	assert_refused(kit_token("JWT", kit_c(kit_claims(""))), LG_E_UNAUTHENTICATED, "typ");
	assert_refused(kit_token("lg-ticket+jwt", kit_c(kit_claims(""))), LG_E_UNAUTHENTICATED, "typ");
	assert_refused(LG_NONE, LG_E_UNAUTHENTICATED, "no token");
	assert_refused(LG_STR("a.b"), LG_E_UNAUTHENTICATED, "three segments");
}

/* Under a good signature's third segment, none, and one over the bytes as they are with the public key as a secret. */
Test(check, forged_headers_are_refused_with_every_signature)
{
	static const char *headers[] = {
		"{\"alg\":\"none\",\"typ\":\"at+jwt\"}", "{\"alg\":\"None\",\"typ\":\"at+jwt\"}", "{\"alg\":\"nOnE\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}",
		"{\"alg\":\"\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}", "{\"typ\":\"at+jwt\",\"kid\":\"ec\"}",
		"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}",
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"rsa\"}",
		"{\"alg\":\"es256\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}", "{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"../../dev/null\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"' or 1=1\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"ec\",\"jku\":\"https://evil.example/jwks\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"ec\",\"x5u\":\"https://evil.example/x\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"ec\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"ec\",\"b64\":false}", "{\"alg\":\"ES256\",\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"ec\"}",
		"{\"alg\":\"ES256\",\"kid\":\"ec\"}", "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"ec\"}", "[]", "", "\"at+jwt\"",
	};
	lg_str token = good(""), header, rest, payload, signature;
	struct lg_secret public_key = lg_secret_copy(lg_pubkey_spki(lg_key_public(kit.key)));

	cr_assert(lg_str_cut(token, '.', &header, &rest) && lg_str_cut(rest, '.', &payload, &signature));
	for (size_t i = 0; i < LG_COUNT(headers); i++) {
		lg_str front = lg_print(kit.arena, "%.*s.%.*s", LG_FMT(lg_base64url(kit.arena, lg_str_of(headers[i]))), LG_FMT(payload));
		lg_sha256 mac = lg_hmac_sha256(&public_key, front);
		lg_str forged[] = { signature, LG_NONE, lg_base64url(kit.arena, lg_sha256_str(&mac)) };

		for (size_t j = 0; j < LG_COUNT(forged); j++)
			assert_refused(lg_print(kit.arena, "%.*s.%.*s", LG_FMT(front), LG_FMT(forged[j])), LG_E_UNAUTHENTICATED, "");
	}
	lg_secret_free(&public_key);
}

Test(check, a_token_written_otherwise_is_another_token)
{
	lg_str token = good("");
	static const char *tails[] = { "=", " ", "\n", "A", ".", ".e30" };
	struct lg_sts_bearer b;

	cr_assert_eq(kit_check(token, OWN, &b), LG_OK);		/* it is in the cache now */
	for (size_t i = 0; i < LG_COUNT(tails); i++)
		assert_refused(lg_cat(kit.arena, token, lg_str_of(tails[i])), LG_E_UNAUTHENTICATED, "");
	assert_refused(lg_str_sub(token, 0, token.n - 1), LG_E_UNAUTHENTICATED, "");
	char *longer = lg_alloc(kit.arena, 12u << 20);
	memset(longer, 'a', 12u << 20);
	assert_refused((lg_str){ longer, 12u << 20 }, LG_E_UNAUTHENTICATED, "longer");
}

Test(check, refuses_other_issuers_audiences_and_times)
{
	struct lg_sts_bearer b;
	lg_str token = good("");

	assert_refused(kit_token("at+jwt", "{\"iss\":\"https://id.example/t/two\",\"sub\":\"" ALICE_ID "\",\"aud\":\"" OWN
	    "\",\"iat\":1,\"exp\":4000000000,\"jti\":\"j\"}"), LG_E_UNAUTHENTICATED, "issuer");
	cr_assert_eq(kit_check(token, ISSUER "/access/v1", &b), LG_E_UNAUTHENTICATED);
	cr_assert_eq(kit_check(token, OWN, &b), LG_OK);
	kit.shift = 400 * LG_SECOND;
	assert_refused(token, LG_E_EXPIRED, "");
}

Test(check, refuses_tokens_without_jti_or_with_a_subject_that_is_no_entry)
{
	long long now = (long long)(kit.cx.now / LG_SECOND);

	assert_refused(kit_token("at+jwt", kit_fmt("{\"iss\":\"" ISSUER "\",\"sub\":\"" ALICE_ID "\",\"aud\":\"" OWN
	    "\",\"iat\":%lld,\"exp\":%lld}", now, now + 60)), LG_E_UNAUTHENTICATED, "jti");
	assert_refused(kit_token("at+jwt", kit_fmt("{\"iss\":\"" ISSUER "\",\"sub\":\"alice\",\"aud\":\"" OWN
	    "\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"j\"}", now, now + 60)), LG_E_UNAUTHENTICATED, "subject");
}

Test(check, a_bound_token_counts_only_with_its_certificate)
{
	struct lg_sts_bearer b;
	lg_str cert = LG_STR("cert:somebody");
	lg_str token = good(kit_fmt("\"cnf\":{\"x5t#S256\":\"%.*s\"},", LG_FMT(sts_thumbprint(kit.arena, cert))));

	assert_refused(token, LG_E_UNAUTHENTICATED, "another certificate");
	kit.peer_cert = LG_STR("cert:else");
	assert_refused(token, LG_E_UNAUTHENTICATED, "another certificate");
	kit.peer_cert = cert;
	cr_assert_eq(kit_check(token, OWN, &b), LG_OK);
	assert_refused(good("\"cnf\":{\"jkt\":\"abc\"},"), LG_E_UNAUTHENTICATED, "DPoP");
}

Test(check, disabling_the_subject_ends_its_tokens_at_once)
{
	struct lg_sts_bearer b;
	lg_str token = good("");

	cr_assert_eq(kit_check(token, OWN, &b), LG_OK);
	kit.alice_disabled = true;
	assert_refused(token, LG_E_UNAUTHENTICATED, "disabled");
}

Test(check, new_keys_empty_the_cache)
{
	struct lg_sts_bearer b;
	lg_str token = good("");
	struct lg_keyset_key rsa = { .kid = LG_STR("rsa"), .alg = LG_ALG_RS256, .key = lg_key_public(kit.rsa) };

	cr_assert_eq(kit_check(token, OWN, &b), LG_OK);
	lg_keyset_unref(&kit.keys);
	kit.keys = lg_keyset_new(&rsa, 1);
	kit.keys_revision++;
	assert_refused(token, LG_E_UNAUTHENTICATED, "no such key");
}

Test(check, the_cache_is_bounded_and_never_mixes_tokens)
{
	struct lg_sts_bearer b;

	for (int i = 0; i < 40000; i++) {	/* more than there is room for */
		struct lg_claims c = { .jti = lg_print(kit.arena, "jti-%d", i), .audience = { LG_STR("x") }, .naudience = 1 }, got;
		lg_sha256 key = lg_sha256_of(c.jti);

		sts_cache_put(kit.sts, &kit.cx, TENANT, 1, &key, &c);
		cr_assert(sts_cache_get(kit.sts, &kit.cx, TENANT, 1, &key, &got));
		cr_assert(lg_str_eq(got.jti, c.jti) && lg_claims_for(&got, LG_STR("x")));
		cr_assert_not(sts_cache_get(kit.sts, &kit.cx, TENANT + 1, 1, &key, &got));
		cr_assert_not(sts_cache_get(kit.sts, &kit.cx, TENANT, 2, &key, &got));
	}
	cr_assert_eq(kit_check(good(""), OWN, &b), LG_OK);
}

/* Claims of a size and with slices of their own, all told from the number; their keys differ in the last octet: one set for all. */
static lg_sha256
numbered(struct lg_arena *a, int i, struct lg_claims *c)
{
	size_t n = 50 + (size_t)i * 97;
	char *payload = lg_alloc(a, n);

	memset(payload, 'a' + i, n);
	*c = (struct lg_claims){
		.payload = { payload, n }, .subject = { payload + 7, 20 }, .jti = lg_print(a, "jti-%d", i), .issued = i,
		.audience = { lg_print(a, "audience-%d", i) }, .naudience = 1,
	};
	return (lg_sha256){ .b = { [31] = (uint8_t)i } };
}

struct reader {
	pthread_t thread;
	size_t found;
};

static void *
write_and_read(void *arg)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct reader *r = arg;
	struct lg_ctx cx;

	for (int round = 0; round < 20000; round++) {
		struct lg_claims want, got;
		int i = round * 7 % 24;

		lg_arena_reset(a);
		lg_ctx_init(&cx, a);
		lg_sha256 key = numbered(a, i, &want);
		if (round % 8 == 0)
			sts_cache_put(kit.sts, &cx, TENANT, 1, &key, &want);
		if (!sts_cache_get(kit.sts, &cx, TENANT, 1, &key, &got))
			continue;
		r->found++;
		cr_assert(got.issued == i && lg_str_eq(got.payload, want.payload) && lg_str_eq(got.subject, want.subject));
		cr_assert(lg_str_eq(got.jti, want.jti) && lg_claims_for(&got, want.audience[0]));
	}
	return NULL;
}

Test(check, who_reads_while_others_write_gets_the_whole_or_nothing)
{
	struct reader r[4] = { { .found = 0 } };

	for (size_t i = 0; i < LG_COUNT(r); i++)
		cr_assert_eq(pthread_create(&r[i].thread, NULL, write_and_read, &r[i]), 0);
	for (size_t i = 0; i < LG_COUNT(r); i++) {
		pthread_join(r[i].thread, NULL);
		cr_assert_gt(r[i].found, 100);
	}
}

Test(check, the_bearer_scheme_is_read_in_any_case)
{
	cr_assert(lg_str_eq(lg_sts_bearer_of(LG_STR("Bearer abc")), LG_STR("abc")));
	cr_assert(lg_str_eq(lg_sts_bearer_of(LG_STR("bearer  abc ")), LG_STR("abc")));
	cr_assert_eq(lg_sts_bearer_of(LG_STR("Basic abc")).n, 0);
	cr_assert_eq(lg_sts_bearer_of(LG_STR("Bearer")).n, 0);
}

/* ---- revocation ------------------------------------------------------------------------------------------ */

struct revocation {
	enum lg_revoked kind;
	const char *id;
	int64_t not_before;
};

static lg_err
revoke(struct lg_ctx *cx, struct lg_view *v, void *arg)
{
	struct revocation *r = arg;

	return lg_sts_revoke(cx, v, TENANT, r->kind, lg_str_of(r->id), r->not_before);
}

Test(check, what_was_issued_between_two_revocations_of_one_second_ends_with_the_second)
{
	struct revocation r = { LG_REVOKED_SUBJECT, ALICE_ID, kit.cx.now };
	struct lg_sts_bearer b;

	kit_apply(revoke, &r);
	kit.cx.now += LG_SECOND;	/* as sts_issue_time dates it */
	lg_str token = good("\"sid\":\"session-1\",");
	cr_assert_eq(kit_check(token, OWN, &b), LG_OK, "%s", kit.cx.error);
	kit_apply(revoke, &r);
	assert_refused(token, LG_E_UNAUTHENTICATED, "revoked");
}

Test(check, each_kind_of_revocation_ends_a_token_that_is_in_the_cache)
{
	static const struct {
		enum lg_revoked kind;
		const char *id;
	} kinds[] = {
		{ LG_REVOKED_JTI, NULL },
		{ LG_REVOKED_SESSION, "session-1" },
		{ LG_REVOKED_SUBJECT, ALICE_ID },
		{ LG_REVOKED_TENANT, "" },
	};
	struct lg_sts_bearer b;

	for (size_t i = 0; i < LG_COUNT(kinds); i++) {
		/* Tokens carry whole seconds; each is made later than the revocation before it. */
		kit.cx.now += 2 * LG_SECOND;
		lg_str token = good("\"sid\":\"session-1\",");
		cr_assert_eq(kit_check(token, OWN, &b), LG_OK, "%s", kit.cx.error);
		struct revocation r = { kinds[i].kind, kinds[i].id, kit.cx.now };
		if (r.id == NULL)
			r.id = kit_c(b.claims.jti);
		kit_apply(revoke, &r);
		assert_refused(token, LG_E_UNAUTHENTICATED, "revoked");
	}
}

Test(check, what_was_issued_after_the_revocation_is_good)
{
	struct revocation r = { LG_REVOKED_SUBJECT, ALICE_ID, kit.cx.now - 2 * LG_SECOND };
	struct lg_sts_bearer b;

	kit_apply(revoke, &r);
	cr_assert_eq(kit_check(good(""), OWN, &b), LG_OK, "%s", kit.cx.error);
}

Test(check, a_revocation_never_moves_back)
{
	struct revocation late = { LG_REVOKED_SUBJECT, ALICE_ID, kit.cx.now }, early = { LG_REVOKED_SUBJECT, ALICE_ID, 1 };

	kit_apply(revoke, &late);
	kit_apply(revoke, &early);
	assert_refused(good(""), LG_E_UNAUTHENTICATED, "revoked");
}

static bool
count_revoked(void *arg, enum lg_revoked kind, lg_str id, int64_t not_before)
{
	cr_assert(kind == LG_REVOKED_JTI && lg_str_eq(id, LG_STR("j")) && not_before == 7);
	++*(int *)arg;
	return true;
}

Test(check, the_set_is_listed_for_bundles_and_refuses_ids_out_of_bounds)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	struct revocation r = { LG_REVOKED_JTI, "j", 7 };
	char longer[LG_REVOKED_ID_MAX + 2] = { 0 };
	int n = 0;

	kit_apply(revoke, &r);
	memset(longer, 'x', LG_REVOKED_ID_MAX + 1);
	r.id = longer;
	cr_assert_eq(lg_store_apply(&kit.cx, kit.store, TENANT, "test", revoke, &r, NULL), LG_E_INVALID);
	cr_assert_eq(lg_view_begin(&kit.cx, kit.store, &v), LG_OK);
	cr_assert_eq(lg_sts_revocations(&kit.cx, v, TENANT, count_revoked, &n), LG_OK);
	cr_assert_eq(n, 1);
}
