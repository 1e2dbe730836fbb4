#include "tests/crypto/util.h"

#include <pthread.h>

#include "base/text.h"

static void
assert_hex(struct fixture *f, const void *p, size_t n, const char *want)
{
	assert_str(lg_hex(f->arena, (lg_str){ p, n }), lg_str_of(want));
}

Test(digest, sha256_of_fips_180_examples)
{
	FIXTURE(f);
	lg_sha256 h = lg_sha256_of(LG_STR("abc"));
	assert_hex(&f, h.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	h = lg_sha256_of(LG_NONE);
	assert_hex(&f, h.b, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	h = lg_sha256_pair(LG_STR("a"), LG_STR("bc"));
	assert_hex(&f, h.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static struct lg_secret
key_of(struct fixture *f, const char *hex)
{
	return lg_secret_copy(unhex(&f->cx, hex));
}

/* RFC 4231 4.2, 4.3, 4.7. */
Test(digest, hmac_of_rfc_4231)
{
	FIXTURE(f);
	static const struct {
		const char *key, *data, *mac;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		LG_AUTO(lg_secret_free) struct lg_secret key = key_of(&f, cases[i].key);
		lg_sha256 mac = lg_hmac_sha256(&key, unhex(&f.cx, cases[i].data));
		assert_hex(&f, mac.b, 32, cases[i].mac);
	}
}

Test(digest, hmac_with_an_empty_key_is_not_the_key_of_before)
{
	FIXTURE(f);
	LG_AUTO(lg_secret_free) struct lg_secret key = key_of(&f, "4a656665"), none = lg_secret_new(0);

	(void)lg_hmac_sha256(&key, LG_STR("x"));
	lg_sha256 mac = lg_hmac_sha256(&none, LG_NONE);
	assert_hex(&f, mac.b, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 5869 A.1, A.2, A.3. */
Test(digest, hkdf_of_rfc_5869)
{
	FIXTURE(f);
	static const struct {
		const char *ikm, *salt, *info, *okm;
		size_t n;
	} cases[] = {
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865", 42 },
		{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
		  "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
		  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
		  "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
		  "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
		  "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87", 82 },
		{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8", 42 },
	};

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		LG_AUTO(lg_secret_free) struct lg_secret ikm = key_of(&f, cases[i].ikm);
		LG_AUTO(lg_secret_free) struct lg_secret okm = lg_hkdf_sha256(&ikm, unhex(&f.cx, cases[i].salt),
		    unhex(&f.cx, cases[i].info), cases[i].n);
		assert_hex(&f, okm.p, okm.n, cases[i].okm);
	}
}

static void *
hash_in_a_thread(void *arg)
{
	*(lg_sha256 *)arg = lg_sha256_of(LG_STR("abc"));
	return NULL;
}

Test(digest, threads_have_contexts_of_their_own)
{
	pthread_t t[4];
	lg_sha256 h[4], want = lg_sha256_of(LG_STR("abc"));

	for (size_t i = 0; i < 4; i++)
		cr_assert(pthread_create(&t[i], NULL, hash_in_a_thread, &h[i]) == 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		cr_assert(memcmp(&h[i], &want, sizeof want) == 0);
	}
}

Test(secret, equal_only_with_the_same_length_and_bytes)
{
	LG_AUTO(lg_secret_free) struct lg_secret a = lg_secret_copy(LG_STR("same")), b = lg_secret_copy(LG_STR("same")),
	    c = lg_secret_copy(LG_STR("sam")), d = lg_secret_copy(LG_STR("samE"));

	cr_assert(lg_secret_eq(&a, &b));
	cr_assert(!lg_secret_eq(&a, &c));
	cr_assert(!lg_secret_eq(&a, &d));
}

Test(secret, a_token_is_43_characters_of_base64url_and_never_the_same)
{
	FIXTURE(f);
	lg_str a = lg_token_new(f.arena), b = lg_token_new(f.arena), raw;

	cr_assert(a.n == LG_TOKEN_TEXT && lg_base64url_parse(f.arena, a, &raw) && raw.n == 32);
	cr_assert(!lg_str_eq(a, b));
}

Test(seal, opens_only_with_the_same_key_aad_and_bytes)
{
	FIXTURE(f);
	LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_random(32), other = lg_secret_random(32);
	LG_AUTO(lg_secret_free) struct lg_secret got = { NULL, 0 };
	lg_str sealed;

	assert_ok(f, lg_seal(&f.cx, &key, LG_STR("t1"), LG_STR("hello"), &sealed));
	assert_ok(f, lg_unseal(&f.cx, &key, LG_STR("t1"), sealed, &got));
	assert_str(((lg_str){ (char *)got.p, got.n }), LG_STR("hello"));
	lg_secret_free(&got);
	assert_err(f, LG_E_CORRUPT, lg_unseal(&f.cx, &other, LG_STR("t1"), sealed, &got));
	assert_err(f, LG_E_CORRUPT, lg_unseal(&f.cx, &key, LG_STR("t2"), sealed, &got));
	for (size_t i = 0; i < sealed.n; i++) {
		lg_str bad = lg_dup(f.arena, sealed);
		((char *)(uintptr_t)bad.p)[i] ^= 1;
		assert_err(f, LG_E_CORRUPT, lg_unseal(&f.cx, &key, LG_STR("t1"), bad, &got));
		assert_err(f, LG_E_CORRUPT, lg_unseal(&f.cx, &key, LG_STR("t1"), lg_str_sub(sealed, 0, i), &got));
	}
}

Test(seal, nothing_is_sealed_too_and_no_nonce_comes_twice)
{
	FIXTURE(f);
	LG_AUTO(lg_secret_free) struct lg_secret key = lg_secret_random(32), got = { NULL, 0 };
	lg_str a, b;

	assert_ok(f, lg_seal(&f.cx, &key, LG_NONE, LG_NONE, &a));
	assert_ok(f, lg_seal(&f.cx, &key, LG_NONE, LG_NONE, &b));
	cr_assert(!lg_str_eq(a, b));
	assert_ok(f, lg_unseal(&f.cx, &key, LG_NONE, a, &got));
	cr_assert(got.n == 0);
}
