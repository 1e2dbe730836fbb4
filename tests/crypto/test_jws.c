#include "tests/crypto/util.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/key.h"

#define RFC_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC_N "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-" \
	"pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6" \
	"65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyu" \
	"XpoQ"
#define ES_KEY "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ED_KEY "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"

static struct lg_keyset *
set_of(struct fixture *f, const char *jwk)
{
	struct lg_keyset *ks;

	assert_ok(*f, lg_keyset_from_jwks(&f->cx, lg_print(f->arena, "{\"keys\":[%s]}", jwk), &ks));
	return ks;
}

/* ---- RFC vectors ------------------------------------------------------------------------------------------------------ */

Test(jws, examples_of_rfc_7515_and_8037_verify)
{
	FIXTURE(f);
	static const struct {
		const char *key, *token;
	} cases[] = {
		{ "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AQAB\"}", "eyJhbGciOiJSUzI1NiJ9." RFC_PAYLOAD
		    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
		    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO-"
		    "-xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_I"
		    "oypGlUPQGe77Rw" },
		{ ES_KEY, "eyJhbGciOiJFUzI1NiJ9." RFC_PAYLOAD
		    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
		{ ED_KEY, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
		    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
	};
	struct lg_jws jws;

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = set_of(&f, cases[i].key);
		assert_ok(f, lg_jws_verify(&f.cx, lg_str_of(cases[i].token), ks, "", &jws));
	}
}

/* RFC 7515 A.4 (ES512) and A.5 (none): an algorithm that is not offered, and none at all. */
Test(jws, other_examples_of_rfc_7515_are_refused)
{
	static const char *const tokens[] = {
		"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xd"
		"tAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
		"eyJhbGciOiJub25lIn0." RFC_PAYLOAD ".",
	};
	FIXTURE(f);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = set_of(&f, ES_KEY ",{\"kty\":\"EC\",\"crv\":\"P-521\","
	    "\"x\":\"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk\","
	    "\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2\"}");
	struct lg_jws jws;

	for (size_t i = 0; i < LG_COUNT(tokens); i++)
		assert_err(f, LG_E_UNAUTHENTICATED, lg_jws_verify(&f.cx, lg_str_of(tokens[i]), ks, "", &jws));
}

Test(jws, the_hmac_example_of_rfc_7515_verifies_with_a_secret)
{
	FIXTURE(f);
	LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_copy(un64(&f.cx,
	    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
	lg_str token = LG_STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	struct lg_jws jws;

	assert_ok(f, lg_jws_verify_hs256(&f.cx, token, &key, "JWT", &jws));
	key.p[0] ^= 1;
	assert_err(f, LG_E_UNAUTHENTICATED, lg_jws_verify_hs256(&f.cx, token, &key, "JWT", &jws));
	key.n = 31;
	assert_err(f, LG_E_UNAUTHENTICATED, lg_jws_verify_hs256(&f.cx, token, &key, "JWT", &jws));
}

/* RFC 9449: the proofs of 4.1 and 7.1, the thumbprint of 6.1, the hash of 7.1's token. */
Test(jws, examples_of_rfc_9449_verify)
{
	static const char *const proofs[] = {
		"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnM"
		"iLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj"
		"oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvw"
		"nQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
		"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnM"
		"iLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj"
		"oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNT"
		"NFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
	};
	lg_sha256 token = lg_sha256_of(LG_STR("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"));
	FIXTURE(f);

	for (size_t i = 0; i < LG_COUNT(proofs); i++) {
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
		struct lg_jws jws;
		lg_sha256 h;

		assert_ok(f, lg_jws_verify_embedded(&f.cx, lg_str_of(proofs[i]), "dpop+jwt", &jws, &key));
		h = lg_pubkey_thumbprint(key);
		assert_str(lg_base64url(f.arena, lg_sha256_str(&h)), LG_STR("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
	}
	assert_str(lg_base64url(f.arena, lg_sha256_str(&token)), LG_STR("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));
}

/* RFC 7636 appendix B. */
Test(digest, the_challenge_of_rfc_7636)
{
	lg_sha256 h = lg_sha256_of(LG_STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
	FIXTURE(f);

	assert_str(lg_base64url(f.arena, lg_sha256_str(&h)), LG_STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
}

Test(jwk, thumbprints_of_rfc_7638_and_8037)
{
	FIXTURE(f);
	static const struct {
		const char *jwk, *thumbprint;
	} cases[] = {
		{ "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
		  "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9"
		  "c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
		  "kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
		  "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" },
		{ ED_KEY, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *k = NULL;
		assert_ok(f, lg_pubkey_from_jwk(&f.cx, lg_str_of(cases[i].jwk), &k));
		lg_sha256 t = lg_pubkey_thumbprint(k);
		assert_str(lg_base64url(f.arena, lg_sha256_str(&t)), lg_str_of(cases[i].thumbprint));
	}
}

/* ---- JWKs --------------------------------------------------------------------------------------------------------------- */

/* One in 64 would: of 600 keys that nobody looked at, at least one in all but 1 of 12,000 runs. */
Test(jwk, a_new_key_s_thumbprint_does_not_begin_like_an_option)
{
	FIXTURE(f);
	static const uint8_t firsts[] = { 0xf7, 0xf8, 0xfb, 0xfc };

	for (size_t i = 0; i < LG_COUNT(firsts); i++) {
		lg_sha256 h = { { firsts[i] } };
		cr_assert_eq(lg_kid_like_option(&h), lg_base64url(f.arena, lg_sha256_str(&h)).p[0] == '-');
	}
	for (int i = 0; i < 600; i++) {
		LG_AUTO(lg_key_free) struct lg_key *k = NULL;
		assert_ok(f, lg_key_generate(&f.cx, LG_KEY_P256, &k));
		lg_sha256 t = lg_pubkey_thumbprint(lg_key_public(k));
		cr_assert_neq(lg_base64url(f.arena, lg_sha256_str(&t)).p[0], '-');
	}
}

Test(jwk, keys_of_every_kind_come_back_from_their_jwk_and_spki)
{
	FIXTURE(f);
	static const enum lg_key_type types[] = { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048 };

	for (size_t i = 0; i < LG_COUNT(types); i++) {
		LG_AUTO(lg_key_free) struct lg_key *key = NULL, *again = NULL;
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *a = NULL, *b = NULL;
		LG_AUTO(lg_buf_free) struct lg_buf jwk = LG_BUF(4096);
		lg_str pem, sig;
		assert_ok(f, lg_key_generate(&f.cx, types[i], &key));
		enum lg_alg alg = lg_pubkey_default_alg(lg_key_public(key));
		lg_pubkey_jwk(lg_key_public(key), LG_STR("k\"1"), alg, &jwk);
		assert_ok(f, lg_pubkey_from_jwk(&f.cx, lg_buf_view(&jwk), &a));
		assert_ok(f, lg_pubkey_from_spki(&f.cx, lg_pubkey_spki(lg_key_public(key)), &b));
		assert_ok(f, lg_key_pem(&f.cx, key, &pem));
		assert_ok(f, lg_key_from_pem(&f.cx, pem, &again));
		assert_ok(f, lg_key_sign_jose(&f.cx, again, alg, LG_STR("x"), &sig));
		cr_assert(lg_verify_jose(a, alg, LG_STR("x"), sig) && lg_verify_jose(b, alg, LG_STR("x"), sig));
		cr_assert(!lg_verify_jose(a, alg, LG_STR("y"), sig));
		assert_ok(f, lg_key_sign_der(&f.cx, key, alg, LG_STR("x"), &sig));
		cr_assert(lg_verify_der(a, alg, LG_STR("x"), sig));
		assert_str(lg_pubkey_spki(a), lg_pubkey_spki(b));
	}
}

Test(jwk, what_is_not_a_sound_public_key_is_refused)
{
	FIXTURE(f);
	static const char *const bad[] = {
		"", "{}", "[]", "{\"kty\":\"EC\"}", "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
		/* private, not on the curve, short, padded, coordinate swapped for a compressed one */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\","
		    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"crv\":\"P-256\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AQ\"}", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"Ag\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AQAAAAAB\"}", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AAEAAQ\"}",
		"{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}", "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
	};

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_pubkey *k = NULL;
		cr_expect(lg_pubkey_from_jwk(&f.cx, lg_str_of(bad[i]), &k) != LG_OK, "%s", bad[i]);
	}
}

/* A modulus of so many octets, whose first and last are given, and an exponent: more of either is work for whoever verifies. */
Test(jwk, rsa_keys_have_2048_to_4096_bits_and_a_small_odd_exponent)
{
	FIXTURE(f);
	static const struct {
		size_t octets;
		unsigned char first, last;
		const char *exponent;
		lg_err want;
	} cases[] = {
		{ 256, 0x80, 1, "AQAB", LG_OK }, { 256, 0x7f, 1, "AQAB", LG_E_UNSUPPORTED }, { 128, 0x80, 1, "AQAB", LG_E_UNSUPPORTED },
		{ 512, 0xff, 1, "AQAB", LG_OK }, { 513, 0x01, 1, "AQAB", LG_E_UNSUPPORTED }, { 2048, 0x80, 1, "AQAB", LG_E_UNSUPPORTED },
		{ 256, 0x80, 2, "AQAB", LG_E_UNSUPPORTED }, { 256, 0x80, 1, "Aw", LG_OK }, { 256, 0x80, 1, "AQ", LG_E_UNSUPPORTED },
		{ 256, 0x80, 1, "AQAA", LG_E_UNSUPPORTED }, { 256, 0x80, 1, "_____w", LG_OK }, { 256, 0x80, 1, "AQAAAAE", LG_E_UNSUPPORTED },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *k = NULL;
		char *n = lg_alloc(f.arena, cases[i].octets);

		memset(n, 0, cases[i].octets);
		n[0] = (char)cases[i].first;
		n[cases[i].octets - 1] = (char)cases[i].last;
		lg_err e = lg_pubkey_from_jwk(&f.cx, lg_print(f.arena, "{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%s\"}",
		    LG_FMT(lg_base64url(f.arena, (lg_str){ n, cases[i].octets })), cases[i].exponent), &k);
		cr_expect(e == cases[i].want, "%zu: %s (%s)", i, lg_err_name(e), f.cx.error);
	}
}

Test(jwk, a_set_has_so_many_keys_and_no_more)
{
	FIXTURE(f);
	const char *keys = ES_KEY;
	struct lg_keyset *ks;

	for (int i = 1; i < 64; i++)
		keys = lg_print(f.arena, "%s,{\"kid\":\"%d\",%s", keys, i, &ES_KEY[1]).p;
	ks = set_of(&f, keys);
	lg_keyset_unref(&ks);
	assert_err(f, LG_E_LIMIT, lg_keyset_from_jwks(&f.cx, lg_print(f.arena, "{\"keys\":[%s,{\"kid\":\"64\",%s]}", keys, &ES_KEY[1]), &ks));
}

Test(jwk, a_set_passes_over_what_it_does_not_know_and_refuses_private_keys)
{
	FIXTURE(f);
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(4096);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = set_of(&f, "{\"kty\":\"oct\",\"k\":\"AA\"},{\"kty\":\"EC\",\"crv\":\"X\"},"
	    "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}," ES_KEY);
	struct lg_keyset *none;

	lg_keyset_jwks(ks, &out);
	cr_assert(memmem(out.p, out.n, "\"EC\"", 4) != NULL && memmem(out.p, out.n, "oct", 3) == NULL);
	assert_err(f, LG_E_INVALID, lg_keyset_from_jwks(&f.cx, LG_STR("{\"keys\":[{\"kty\":\"RSA\",\"d\":\"AA\"}]}"), &none));
	assert_err(f, LG_E_INVALID, lg_keyset_from_jwks(&f.cx, LG_STR("{}"), &none));
	assert_err(f, LG_E_INVALID, lg_keyset_from_jwks(&f.cx, LG_STR("{\"keys\":[{\"kty\":]}"), &none));
}

Test(jwk, a_set_has_a_largest_size)
{
	FIXTURE(f);
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 20);
	struct lg_keyset *ks = NULL;

	lg_buf_str(&b, LG_STR("{\"keys\":["));
	for (int i = 0; i < 70; i++)
		lg_buf_printf(&b, "%s{\"kid\":\"%d\",%s", i > 0 ? "," : "", i, &ED_KEY[1]);
	lg_buf_str(&b, LG_STR("]}"));
	assert_err(f, LG_E_LIMIT, lg_keyset_from_jwks(&f.cx, lg_buf_view(&b), &ks));
}

/* ---- attacks -------------------------------------------------------------------------------------------------------------- */

struct attacked {
	struct fixture f;
	struct lg_key *key;
	struct lg_keyset *ks;
};

static void
attacked_init(struct attacked *a)
{
	fixture_init(&a->f);
	assert_ok(a->f, lg_key_generate(&a->f.cx, LG_KEY_P256, &a->key));
	struct lg_keyset_key k = { LG_STR("k"), LG_ALG_ES256, lg_key_public(a->key) };
	a->ks = lg_keyset_new(&k, 1);
}

static void
attacked_end(struct attacked *a)
{
	lg_keyset_unref(&a->ks);
	lg_key_free(&a->key);
	fixture_end(&a->f);
}
#define ATTACKED(a) LG_AUTO(attacked_end) struct attacked a; attacked_init(&a)

static lg_str
forge(struct attacked *a, lg_str header, lg_str payload)
{
	lg_str h = lg_base64url(a->f.arena, header), p = lg_base64url(a->f.arena, payload), sig;
	lg_str text = lg_print(a->f.arena, "%.*s.%.*s", LG_FMT(h), LG_FMT(p));

	assert_ok(a->f, lg_key_sign_jose(&a->f.cx, a->key, LG_ALG_ES256, text, &sig));
	sig = lg_base64url(a->f.arena, sig);
	return lg_print(a->f.arena, "%.*s.%.*s", LG_FMT(text), LG_FMT(sig));
}

static lg_err
verify(struct attacked *a, lg_str token)
{
	struct lg_jws jws;

	return lg_jws_verify(&a->f.cx, token, a->ks, "at+jwt", &jws);
}

#define GOOD_HEADER "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}"

Test(attack, headers_that_are_validly_signed_and_must_be_refused)
{
	ATTACKED(a);
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"nOnE\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"alg\":\"NONE\",\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"alg\":null,\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":[\"ES256\"],\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"es256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"alg\":\"ES256 \",\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\",\"kid\":\"k\"}", "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\",\"typ\":\"text/at+jwt\",\"kid\":\"k\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\\u0000\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"../../dev/null\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k' OR '1'='1\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"K\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":7}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":null}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"kid\":\"x\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"\\u0061lg\":\"none\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"b64\":false,\"crit\":[\"b64\"]}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"jku\":\"https://evil/jwks\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"x5u\":\"https://evil/c\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"x5c\":[\"AAAA\"]}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"jwk\":" ES_KEY "}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"jwk\":" ES_KEY "}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"zip\":\"DEF\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"cty\":\"JWT\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",\"url\":\"https://a\",\"nonce\":\"n\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\"} {}", "[\"ES256\"]", "\"ES256\"", "{", "null",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\",}", "{'alg':'ES256','typ':'at+jwt','kid':'k'}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\xff\"}",
	};

	assert_ok(a.f, verify(&a, forge(&a, LG_STR(GOOD_HEADER), LG_STR("{}"))));
	for (size_t i = 0; i < LG_COUNT(headers); i++) {
		lg_err e = verify(&a, forge(&a, lg_str_of(headers[i]), LG_STR("{}")));
		cr_expect(e == LG_E_UNAUTHENTICATED, "%s: %s", headers[i], lg_err_name(e));
	}
}

Test(attack, types_that_mean_the_same_are_accepted)
{
	ATTACKED(a);
	struct lg_jws jws;

	assert_ok(a.f, verify(&a, forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"AT+JWT\",\"kid\":\"k\"}"), LG_STR("{}"))));
	assert_ok(a.f, verify(&a, forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\",\"kid\":\"k\"}"), LG_STR("{}"))));
	assert_ok(a.f, verify(&a, forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"), LG_STR("{}"))));
	assert_ok(a.f, verify(&a, forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"x5t\":\"q\"}"), LG_STR("{}"))));
	lg_str token = forge(&a, LG_STR("{\"alg\":\"ES256\"}"), LG_STR("{}"));
	assert_ok(a.f, lg_jws_verify(&a.f.cx, token, a.ks, "JWT", &jws));
	assert_ok(a.f, lg_jws_verify(&a.f.cx, token, a.ks, "", &jws));
	token = forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"JOSE\"}"), LG_STR("{}"));
	assert_ok(a.f, lg_jws_verify(&a.f.cx, token, a.ks, "JWT", &jws));
	assert_err(a.f, LG_E_UNAUTHENTICATED, lg_jws_verify(&a.f.cx, token, a.ks, "at+jwt", &jws));
	assert_err(a.f, LG_E_UNAUTHENTICATED, lg_jws_verify(&a.f.cx, token, a.ks, "", &jws));
}

Test(attack, without_kid_a_set_of_two_keys_verifies_nothing)
{
	ATTACKED(a);
	LG_AUTO(lg_key_free) struct lg_key *other = NULL;
	struct lg_jws jws;

	assert_ok(a.f, lg_key_generate(&a.f.cx, LG_KEY_P256, &other));
	struct lg_keyset_key k[] = {
		{ LG_NONE, LG_ALG_ES256, lg_key_public(a.key) }, { LG_STR("o"), LG_ALG_ES256, lg_key_public(other) },
	};
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = lg_keyset_new(k, 2);
	lg_str token = forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"), LG_STR("{}"));
	assert_err(a.f, LG_E_UNAUTHENTICATED, lg_jws_verify(&a.f.cx, token, ks, "at+jwt", &jws));
	token = forge(&a, LG_STR("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"o\"}"), LG_STR("{}"));
	assert_err(a.f, LG_E_UNAUTHENTICATED, lg_jws_verify(&a.f.cx, token, ks, "at+jwt", &jws));
}

Test(attack, no_other_text_of_a_token_verifies)
{
	ATTACKED(a);
	struct lg_arena *m = a.f.arena;
	lg_str good = forge(&a, LG_STR(GOOD_HEADER), LG_STR("{}")), h, p, s, rest;

	assert_ok(a.f, verify(&a, good));
	cr_assert(lg_str_cut(good, '.', &h, &rest) && lg_str_cut(rest, '.', &p, &s));
	lg_str zero = lg_base64url(m, (lg_str){ (char[64]){ 0 }, 64 });
	lg_str raw, der;
	cr_assert(lg_base64url_parse(m, s, &raw));
	assert_ok(a.f, lg_key_sign_der(&a.f.cx, a.key, LG_ALG_ES256, lg_str_sub(good, 0, h.n + 1 + p.n), &der));
	lg_str text[] = {
		LG_NONE, LG_STR("."), LG_STR(".."), LG_STR("..."), h,
		lg_print(m, "%.*s.%.*s", LG_FMT(h), LG_FMT(p)),				/* two segments */
		lg_print(m, "%.*s.%.*s.", LG_FMT(h), LG_FMT(p)),			/* empty signature */
		lg_print(m, ".%.*s.%.*s", LG_FMT(p), LG_FMT(s)),
		lg_print(m, "%.*s.", LG_FMT(good)), lg_print(m, "%.*s.x", LG_FMT(good)),	/* four */
		lg_print(m, "%.*s=", LG_FMT(good)), lg_print(m, "%.*s==", LG_FMT(good)), lg_print(m, "%.*s ", LG_FMT(good)),
		lg_print(m, " %.*s", LG_FMT(good)), lg_print(m, "%.*s\n", LG_FMT(good)),
		lg_print(m, "%.*s=.%.*s.%.*s", LG_FMT(h), LG_FMT(p), LG_FMT(s)),
		lg_print(m, "%.*s.%.*s=.%.*s", LG_FMT(h), LG_FMT(p), LG_FMT(s)),
		lg_print(m, "%.*s.%.*s.%.*s", LG_FMT(h), LG_FMT(p), LG_FMT(zero)),	/* r = s = 0 */
		lg_print(m, "%.*s.%.*s.%.*s", LG_FMT(h), LG_FMT(p), LG_FMT(lg_base64url(m, der))),
		lg_print(m, "%.*s.%.*s.%.*s", LG_FMT(h), LG_FMT(p), LG_FMT(lg_base64url(m, lg_cat(m, raw, LG_STR("\0"))))),
		lg_print(m, "%.*s.%.*s.%.*s", LG_FMT(h), LG_FMT(p), LG_FMT(lg_base64url(m, lg_str_sub(raw, 0, 63)))),
		lg_cat(m, good, LG_STR("\0")),
	};

	for (size_t i = 0; i < LG_COUNT(text); i++)
		cr_expect(verify(&a, text[i]) == LG_E_UNAUTHENTICATED, "%zu: %.*s", i, LG_FMT(text[i]));
	for (size_t i = 0; i < good.n; i++) {			/* one character changed, other last bits included */
		lg_str bad = lg_dup(m, good);
		char *at = (char *)(uintptr_t)bad.p + i;
		*at = *at == 'A' ? 'B' : *at == 'B' ? 'A' : (char)(*at ^ 1);
		cr_expect(verify(&a, bad) != LG_OK, "character %zu", i);
	}
}

Test(attack, long_tokens_are_refused_before_anything_else)
{
	ATTACKED(a);
	size_t n = 12u << 20;
	char *big = lg_alloc(a.f.arena, n);

	memset(big, 'A', n);
	size_t used = lg_arena_used(a.f.arena);
	assert_err(a.f, LG_E_UNAUTHENTICATED, verify(&a, (lg_str){ big, n }));
	assert_err(a.f, LG_E_UNAUTHENTICATED, verify(&a, (lg_str){ big, LG_TOKEN_MAX + 1 }));
	cr_assert(lg_arena_used(a.f.arena) == used, "memory was used for it");
}

Test(attack, a_public_key_is_no_shared_secret)
{
	ATTACKED(a);
	LG_AUTO(lg_buf_free) struct lg_buf jwk = LG_BUF(4096);
	lg_pubkey_jwk(lg_key_public(a.key), LG_STR("k"), LG_ALG_ES256, &jwk);
	lg_str forms[] = {
		lg_pubkey_spki(lg_key_public(a.key)), lg_pem(a.f.arena, LG_STR("PUBLIC KEY"), lg_pubkey_spki(lg_key_public(a.key))),
		lg_buf_view(&jwk), LG_STR(""), LG_STR("k"),
	};

	for (size_t i = 0; i < LG_COUNT(forms); i++) {
		LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_copy(forms[i]);
		lg_str h = lg_base64url(a.f.arena, LG_STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}"));
		lg_str text = lg_print(a.f.arena, "%.*s.e30", LG_FMT(h));
		lg_sha256 mac = lg_hmac_sha256(&key, text);
		lg_str sig = lg_base64url(a.f.arena, lg_sha256_str(&mac));
		cr_expect(verify(&a, lg_print(a.f.arena, "%.*s.%.*s", LG_FMT(text), LG_FMT(sig))) == LG_E_UNAUTHENTICATED);
	}
}

Test(attack, a_key_of_another_curve_does_not_verify)
{
	ATTACKED(a);
	LG_AUTO(lg_key_free) struct lg_key *p384 = NULL;
	lg_str sig;

	assert_ok(a.f, lg_key_generate(&a.f.cx, LG_KEY_P384, &p384));
	assert_err(a.f, LG_E_INVALID, lg_key_sign_jose(&a.f.cx, p384, LG_ALG_ES256, LG_STR("x"), &sig));
	assert_ok(a.f, lg_key_sign_jose(&a.f.cx, p384, LG_ALG_ES384, LG_STR("x"), &sig));
	cr_assert(!lg_verify_jose(lg_key_public(p384), LG_ALG_ES256, LG_STR("x"), sig));
	cr_assert(!lg_verify_jose(lg_key_public(a.key), LG_ALG_ES384, LG_STR("x"), sig));
	cr_assert(!lg_verify_jose(lg_key_public(a.key), LG_ALG_NONE, LG_STR("x"), sig));
}

Test(proof, brings_its_key_and_only_where_that_is_meant)
{
	ATTACKED(a);
	LG_AUTO(lg_buf_free) struct lg_buf jwk = LG_BUF(4096);
	LG_AUTO(lg_pubkey_unref) struct lg_pubkey *key = NULL;
	struct lg_jws jws;

	lg_pubkey_jwk(lg_key_public(a.key), LG_NONE, LG_ALG_NONE, &jwk);
	lg_str head = lg_print(a.f.arena, "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"jwk\":%.*s}", LG_FMT(lg_buf_view(&jwk)));
	lg_str token = forge(&a, head, LG_STR("{}"));
	assert_ok(a.f, lg_jws_verify_embedded(&a.f.cx, token, "dpop+jwt", &jws, &key));
	assert_str(lg_pubkey_spki(key), lg_pubkey_spki(lg_key_public(a.key)));
	struct lg_pubkey *none = NULL;
	assert_err(a.f, LG_E_INTERNAL, lg_jws_verify_embedded(&a.f.cx, token, "at+jwt", &jws, &none));
	assert_err(a.f, LG_E_UNAUTHENTICATED, lg_jws_verify_embedded(&a.f.cx, token, "", &jws, &none));
	static const char *const bad[] = {
		"{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}", "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"jwk\":\"x\"}", "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"jwk\":" ES_KEY "}",
		"{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}",
	};
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_expect(lg_jws_verify_embedded(&a.f.cx, forge(&a, lg_str_of(bad[i]), LG_STR("{}")), "dpop+jwt", &jws, &none)
		    == LG_E_UNAUTHENTICATED, "%s", bad[i]);
}

Test(proof, of_acme_carries_url_and_nonce)
{
	ATTACKED(a);
	struct lg_jws jws;

	lg_str token = forge(&a, LG_STR("{\"alg\":\"ES256\",\"kid\":\"k\",\"url\":\"https://a/b\",\"nonce\":\"n\"}"), LG_NONE);
	assert_ok(a.f, lg_jws_verify(&a.f.cx, token, a.ks, "", &jws));
	assert_str(jws.url, LG_STR("https://a/b"));
	assert_str(jws.nonce, LG_STR("n"));
	cr_assert(jws.payload.n == 0);
}

/* ---- Wycheproof ------------------------------------------------------------------------------------------------------------ */

static lg_err
verify_vector(struct fixture *f, json_t *group, lg_str token)
{
	json_t *jwk = json_object_get(group, "public");
	struct lg_jws jws;

	if (jwk == NULL) {		/* a shared secret */
		json_t *k = json_object_get(json_object_get(group, "private"), "k");
		lg_str raw;
		cr_assert(lg_base64url_parse(f->arena, lg_str_of(json_string_value(k)), &raw));
		LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_copy(raw);
		return lg_jws_verify_hs256(&f->cx, token, &key, "", &jws);
	}
	char *text = json_dumps(jwk, 0);
	LG_AUTO(lg_keyset_unref) struct lg_keyset *ks = set_of(f, text);
	free(text);
	return lg_jws_verify(&f->cx, token, ks, "", &jws);
}

/* Vectors whose label a strict verifier cannot share. */
static bool
is_exception(json_int_t id, bool valid)
{
	/* alg of the JWK differs from the header's, an algorithm "ES521", a character outside the alphabet */
	static const json_int_t refused[] = { 346, 347, 350, 351, 372, 373 };
	/* octet for octet the valid vector 357 */
	static const json_int_t accepted[] = { 367, 370 };
	const json_int_t *list = valid ? refused : accepted;
	size_t n = valid ? LG_COUNT(refused) : LG_COUNT(accepted);

	for (size_t i = 0; i < n; i++)
		if (list[i] == id)
			return true;
	return false;
}

static json_t *
corpus(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "../shared/corpus/jose/%s", name);
	json_t *all = json_load_file(path, 0, NULL);
	if (all == NULL) {
		printf("SKIP %s is not here\n", path);
		fflush(stdout);
	}
	return all;
}

Test(wycheproof, json_web_signature)
{
	json_t *all = corpus("json_web_signature_test.json"), *group, *test;
	size_t i, j, right[2] = { 0, 0 };

	if (all == NULL)
		return;
	json_array_foreach(json_object_get(all, "testGroups"), i, group) {
		json_array_foreach(json_object_get(group, "tests"), j, test) {
			FIXTURE(f);
			json_t *jws = json_object_get(test, "jws");
			json_int_t id = json_integer_value(json_object_get(test, "tcId"));
			bool valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
			bool exception = is_exception(id, valid);
			bool got = json_is_string(jws) && verify_vector(&f, group, lg_str_of(json_string_value(jws))) == LG_OK;
			cr_expect(got == (valid != exception), "vector %lld: %s", (long long)id, f.cx.error);
			right[valid] += got == valid;
		}
	}
	cr_assert(right[true] == 40 && right[false] == 353, "%zu valid accepted, %zu invalid refused", right[true], right[false]);
	json_decref(all);
}

Test(wycheproof, ecdsa_p256_in_der)
{
	json_t *all = corpus("ecdsa_secp256r1_sha256_test.json"), *group, *test;
	size_t i, j, n = 0;

	if (all == NULL)
		return;
	json_array_foreach(json_object_get(all, "testGroups"), i, group) {
		FIXTURE(f);
		LG_AUTO(lg_pubkey_unref) struct lg_pubkey *k = NULL;
		assert_ok(f, lg_pubkey_from_spki(&f.cx, unhex(&f.cx, json_string_value(json_object_get(group, "publicKeyDer"))), &k));
		json_array_foreach(json_object_get(group, "tests"), j, test) {
			lg_str msg = unhex(&f.cx, json_string_value(json_object_get(test, "msg")));
			lg_str sig = unhex(&f.cx, json_string_value(json_object_get(test, "sig")));
			bool valid = strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
			cr_expect(lg_verify_der(k, LG_ALG_ES256, msg, sig) == valid, "vector %lld",
			    (long long)json_integer_value(json_object_get(test, "tcId")));
			n++;
		}
	}
	cr_assert(n == 484);
	json_decref(all);
}
