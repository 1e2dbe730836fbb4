/* Signatures that are made together. */
#include "crypto/ecdsa.h"

#include <pthread.h>
#include <stdlib.h>

#include "crypto/key.h"
#include "tests/crypto/util.h"

enum { KEYS = 3 };

static void
keys_init(struct fixture *f, struct lg_key **k)
{
	for (size_t i = 0; i < KEYS; i++)
		assert_ok(*f, lg_key_generate(&f->cx, LG_KEY_P256, &k[i]));
}

static void
keys_free(struct lg_key **k)
{
	for (size_t i = 0; i < KEYS; i++)
		lg_key_free(&k[i]);
}

static lg_str
message(size_t i)
{
	static const char text[] = "what is signed, from the first letter on or from a later one, so that all of them differ";

	return (lg_str){ text + i, sizeof text - 1 - i };
}

static bool
verifies(const struct lg_key *k, size_t i, const struct lg_ecdsa_item *it)
{
	return lg_verify_jose(lg_key_public(k), LG_ALG_ES256, message(i), (lg_str){ (const char *)it->sig, sizeof it->sig });
}

Test(ecdsa, each_of_a_batch_verifies_whatever_its_size)
{
	FIXTURE(f);
	struct lg_key *k[KEYS];
	struct lg_ecdsa_item v[LG_ECDSA_BATCH];

	keys_init(&f, k);
	for (size_t n = 0; n <= LG_ECDSA_BATCH; n = n < 9 ? n + 1 : n * 2 > LG_ECDSA_BATCH && n < LG_ECDSA_BATCH ? LG_ECDSA_BATCH : n * 2) {
		for (size_t i = 0; i < n; i++)
			v[i] = (struct lg_ecdsa_item){ .key = k[i % KEYS]->ec, .digest = lg_sha256_of(message(i)) };
		cr_assert(lg_ecdsa_sign(v, n));
		for (size_t i = 0; i < n; i++)
			cr_assert(verifies(k[i % KEYS], i, &v[i]), "%zu of %zu", i, n);
	}
	cr_assert(!verifies(k[1], 0, &v[0]) && !verifies(k[0], 1, &v[0]));
	keys_free(k);
}

static int
by_r(const void *a, const void *b)
{
	return memcmp(((const struct lg_ecdsa_item *)a)->sig, ((const struct lg_ecdsa_item *)b)->sig, LG_ECDSA_RAW / 2);
}

static void
assert_all_differ(struct lg_ecdsa_item *v, size_t n)
{
	qsort(v, n, sizeof *v, by_r);
	for (size_t i = 1; i < n; i++)
		cr_assert(by_r(&v[i - 1], &v[i]) != 0);
}

/* Two signatures with one nonce tell the key. */
Test(ecdsa, no_two_signatures_share_a_nonce_even_of_one_message)
{
	FIXTURE(f);
	struct lg_key *k[KEYS];
	struct lg_ecdsa_item v[10 * LG_ECDSA_BATCH];

	keys_init(&f, k);
	for (size_t i = 0; i < LG_COUNT(v); i++)
		v[i] = (struct lg_ecdsa_item){ .key = k[0]->ec, .digest = lg_sha256_of(message(0)) };
	for (size_t i = 0; i < LG_COUNT(v); i += LG_ECDSA_BATCH)
		cr_assert(lg_ecdsa_sign(v + i, LG_ECDSA_BATCH));
	assert_all_differ(v, LG_COUNT(v));
	keys_free(k);
}

struct signer {
	const struct lg_key *key;
	struct lg_ecdsa_item v[LG_ECDSA_BATCH];
	bool ok;
};

static void *
sign(void *arg)
{
	struct signer *s = arg;

	for (size_t i = 0; i < LG_ECDSA_BATCH; i++)
		s->v[i] = (struct lg_ecdsa_item){ .key = s->key->ec, .digest = lg_sha256_of(message(i)) };
	s->ok = lg_ecdsa_sign(s->v, LG_ECDSA_BATCH);
	return NULL;
}

Test(ecdsa, threads_sign_with_one_key_at_once)
{
	FIXTURE(f);
	struct lg_key *k[KEYS];
	struct lg_ecdsa_item all[4 * LG_ECDSA_BATCH];
	struct signer s[4];
	pthread_t t[4];

	keys_init(&f, k);
	for (size_t i = 0; i < LG_COUNT(t); i++) {
		s[i].key = k[0];
		cr_assert(pthread_create(&t[i], NULL, sign, &s[i]) == 0);
	}
	for (size_t i = 0; i < LG_COUNT(t); i++) {
		pthread_join(t[i], NULL);
		cr_assert(s[i].ok);
		for (size_t j = 0; j < LG_ECDSA_BATCH; j += 9)
			cr_assert(verifies(k[0], j, &s[i].v[j]));
		memcpy(all + i * LG_ECDSA_BATCH, s[i].v, sizeof s[i].v);
	}
	assert_all_differ(all, LG_COUNT(all));
	keys_free(k);
}

Test(ecdsa, only_p256_keys_sign_so)
{
	FIXTURE(f);
	static const enum lg_key_type others[] = { LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048 };

	for (size_t i = 0; i < LG_COUNT(others); i++) {
		LG_AUTO(lg_key_free) struct lg_key *k = NULL;
		assert_ok(f, lg_key_generate(&f.cx, others[i], &k));
		cr_assert_null(k->ec);
	}
}
