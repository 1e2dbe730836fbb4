/* test_scram.c: RFC 7677's exchange, and verifiers that are none. */
#include <criterion/criterion.h>

#include "base/text.h"
#include "lightgate/crypto.h"

#define CLIENT_FIRST "n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SERVER_FIRST "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define WITHOUT_PROOF "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static struct lg_arena *a;
static struct lg_ctx cx;

static void
start(void)
{
	a = lg_arena_new();
	lg_ctx_init(&cx, a);
}

static void
end(void)
{
	lg_arena_free(&a);
}

TestSuite(scram, .init = start, .fini = end);

static lg_str
make(const char *password, const char *salt)
{
	struct lg_secret p = { (uint8_t *)(uintptr_t)password, strlen(password) };
	lg_str raw, text;

	cr_assert(lg_base64_parse(a, lg_str_of(salt), &raw));
	cr_assert_eq(lg_scram_make(&cx, &p, raw, 4096, &text), LG_OK);
	return text;
}

Test(scram, the_exchange_of_rfc_7677)
{
	struct lg_scram s;
	lg_sha256 signature;
	lg_str proof;

	cr_assert(lg_scram_parse(a, make("pencil", "W22ZaJ0SNY7soEsUEjb6gQ=="), &s));
	cr_assert_eq(s.iterations, 4096);
	cr_assert(lg_base64_parse(a, LG_STR(PROOF), &proof));
	cr_assert(lg_scram_verify(&s, LG_STR(CLIENT_FIRST "," SERVER_FIRST "," WITHOUT_PROOF), proof, &signature));
	cr_assert(lg_str_eq(lg_base64(a, lg_sha256_str(&signature)), LG_STR(SIGNATURE)));
}

Test(scram, another_password_message_or_proof_does_not_fit)
{
	lg_str message = LG_STR(CLIENT_FIRST "," SERVER_FIRST "," WITHOUT_PROOF), proof;
	struct lg_scram s, other;
	lg_sha256 signature;

	cr_assert(lg_scram_parse(a, make("pencil", "W22ZaJ0SNY7soEsUEjb6gQ=="), &s));
	cr_assert(lg_scram_parse(a, make("Pencil", "W22ZaJ0SNY7soEsUEjb6gQ=="), &other));
	cr_assert(lg_base64_parse(a, LG_STR(PROOF), &proof));
	cr_assert_not(lg_scram_verify(&other, message, proof, &signature));
	cr_assert_not(lg_scram_verify(&s, lg_str_sub(message, 0, message.n - 1), proof, &signature));
	cr_assert_not(lg_scram_verify(&s, message, lg_str_sub(proof, 0, 31), &signature));
	cr_assert_not(lg_scram_verify(&s, message, LG_STR(""), &signature));
}

Test(scram, what_is_no_verifier_is_refused)
{
	static const char *const bad[] = {
		"", "{SCRAM-SHA-256}", "{SCRAM-SHA-256}4096", "{SCRAM-SHA-1}4096$QUJD$QUJD$QUJD", "{SCRAM-SHA-256}4096$QUJD$QUJD$QUJD",
		"{SCRAM-SHA-256}x$QUJD$QUJD$QUJD", "{SCRAM-SHA-256}4096$!$QUJD$QUJD",
	};
	struct lg_scram s;
	lg_str good = make("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==");

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_not(lg_scram_parse(a, lg_str_of(bad[i]), &s), "%s", bad[i]);
	for (size_t n = 0; n < good.n; n++)
		cr_assert_not(lg_scram_parse(a, lg_str_sub(good, 0, n), &s), "%zu", n);
	cr_assert_not(lg_scram_parse(a, lg_print(a, "{SCRAM-SHA-256}1%.*s", LG_FMT(lg_str_sub(good, 19, good.n))), &s), "too few iterations");
}

Test(scram, a_verifier_with_more_lines_is_compared_by_its_first)
{
	static const struct lg_password_cost cheap = { 1, 64, 1 };
	struct lg_secret right = { (uint8_t *)(uintptr_t)"pencil", 6 }, wrong = { (uint8_t *)(uintptr_t)"Pencil", 6 };
	lg_str first, both;
	bool match, upgrade;

	cr_assert_eq(lg_password_hash(&cx, &right, &cheap, &first), LG_OK);
	both = lg_print(a, "%.*s\n%.*s", LG_FMT(first), LG_FMT(make("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==")));
	cr_assert_eq(lg_password_verify(&cx, both, &right, &cheap, &match, &upgrade), LG_OK, "%s", cx.error);
	cr_assert(match && !upgrade);
	cr_assert_eq(lg_password_verify(&cx, both, &wrong, &cheap, &match, &upgrade), LG_OK);
	cr_assert_not(match);
}
