/*
 * ecdsa.c: many signatures with shared inversions.
 *
 * All that makes a signature safe stays OpenSSL's: the nonce, drawn for this one message from its digest, the private key and randomness
 * (BN_generate_dsa_nonce), so that neither a bad generator nor a restored snapshot of the machine signs two messages with one; k*G; and
 * s.  Between them stand r and the nonce's inverse, which the older interface takes, and that alone.  Nothing is made ahead and kept.
 *
 * What is multiplied is in Montgomery's form, which takes the same time for all numbers.  BN_mod_inverse does not: it sees only products
 * with a random factor, which says nothing of them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED	/* EC_KEY, and ECDSA_do_sign_ex above all */
#include "crypto/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <pthread.h>

#include "crypto/local.h"

enum { TOGETHER = 4 };			/* fewer cost more so than each by itself */

/* Of the field's prime, and of the group's order. */
struct modulus {
	BIGNUM *m;
	BN_MONT_CTX *form;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EC_GROUP *group;
static struct modulus field, order;

static void
modulus_init(struct modulus *m)
{
	m->form = BN_MONT_CTX_new();
	lg_crypto_must(m->form != NULL && BN_MONT_CTX_set(m->form, m->m, lg_local()->bn));
}

static void
init(void)
{
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	field.m = BN_new();
	lg_crypto_must(group != NULL && field.m != NULL && EC_GROUP_get_curve(group, field.m, NULL, NULL, NULL));
	order.m = BN_dup(EC_GROUP_get0_order(group));
	lg_crypto_must(order.m != NULL);
	modulus_init(&field);
	modulus_init(&order);
}

/* ---- keys --------------------------------------------------------------------------------------------------------- */

EC_KEY *
lg_ecdsa_key(const EVP_PKEY *pkey)
{
	EC_KEY *k = EVP_PKEY_is_a(pkey, "EC") ? EVP_PKEY_get1_EC_KEY((EVP_PKEY *)(uintptr_t)pkey) : NULL;

	if (k == NULL || EC_KEY_get0_private_key(k) == NULL || EC_GROUP_get_curve_name(EC_KEY_get0_group(k)) != NID_X9_62_prime256v1) {
		EC_KEY_free(k);
		ERR_clear_error();
		return NULL;
	}
	return k;
}

void
lg_ecdsa_key_free(EC_KEY *k)
{
	EC_KEY_free(k);
}

/* ---- inversion ------------------------------------------------------------------------------------------------------ */

static bool
multiply(BIGNUM *ret, const BIGNUM *a, const BIGNUM *b, const struct modulus *m, BN_CTX *bn)
{
	return BN_mod_mul_montgomery(ret, a, b, m->form, bn) > 0;
}

static bool
invert_blind(BIGNUM *ret, const BIGNUM *v, BIGNUM *factor, BIGNUM *t, const struct modulus *m, BN_CTX *bn)
{
	return BN_priv_rand_range(factor, m->m) > 0 && multiply(t, v, factor, m, bn) && BN_from_montgomery(t, t, m->form, bn) > 0
	    && BN_mod_inverse(t, t, m->m, bn) != NULL && BN_to_montgomery(t, t, m->form, bn) > 0 && multiply(ret, t, factor, m, bn);
}

static bool
invert(BIGNUM *ret, const BIGNUM *v, const struct modulus *m, BN_CTX *bn)
{
	BN_CTX_start(bn);
	BIGNUM *factor = BN_CTX_get(bn), *t = BN_CTX_get(bn);
	bool ok = t != NULL && invert_blind(ret, v, factor, t, m, bn);
	if (t != NULL) {
		BN_clear(factor);
		BN_clear(t);
	}
	BN_CTX_end(bn);
	return ok;
}

/* Montgomery's trick: the inverse of v[0]*...*v[i] times v[0]*...*v[i-1] is that of v[i], and times v[i] that of one fewer. */
static bool
invert_all(BIGNUM **ret, BIGNUM *const *v, size_t n, BIGNUM *left, const struct modulus *m, BN_CTX *bn)
{
	bool ok = BN_copy(ret[0], v[0]) != NULL;

	for (size_t i = 1; i < n && ok; i++)
		ok = multiply(ret[i], ret[i - 1], v[i], m, bn);
	ok = ok && invert(left, ret[n - 1], m, bn);
	for (size_t i = n - 1; i > 0 && ok; i--)
		ok = multiply(ret[i], left, ret[i - 1], m, bn) && multiply(left, left, v[i], m, bn);
	return ok && BN_copy(ret[0], left) != NULL;
}

/* ---- signing --------------------------------------------------------------------------------------------------------- */

static bool
take(struct lg_ecdsa_item *v, ECDSA_SIG *sig)
{
	const BIGNUM *r, *s;

	if (sig == NULL)
		return false;
	ECDSA_SIG_get0(sig, &r, &s);
	bool ok = BN_bn2binpad(r, v->sig, LG_ECDSA_RAW / 2) > 0 && BN_bn2binpad(s, v->sig + LG_ECDSA_RAW / 2, LG_ECDSA_RAW / 2) > 0;
	ECDSA_SIG_free(sig);
	return ok;
}

static bool
sign_alone(struct lg_ecdsa_item *v)
{
	return take(v, ECDSA_do_sign(v->digest.b, sizeof v->digest.b, (EC_KEY *)(uintptr_t)v->key));
}

/* Numbers of a batch, an array each. */
struct batch {
	BIGNUM *nonce[LG_ECDSA_BATCH], *z[LG_ECDSA_BATCH];	/* in Montgomery's form */
	BIGNUM *nonce_inverse[LG_ECDSA_BATCH], *z_inverse[LG_ECDSA_BATCH];
	BIGNUM *x[LG_ECDSA_BATCH];
	BIGNUM *left;
	EC_POINT *point;
};

static bool
get(struct batch *b, size_t n, BN_CTX *bn)
{
	b->point = EC_POINT_new(group);
	b->left = BN_CTX_get(bn);
	for (size_t i = 0; i < n; i++) {
		b->nonce[i] = BN_CTX_get(bn);
		b->z[i] = BN_CTX_get(bn);
		b->nonce_inverse[i] = BN_CTX_get(bn);
		b->z_inverse[i] = BN_CTX_get(bn);
		b->x[i] = BN_CTX_get(bn);	/* NULL if any before it is */
	}
	return b->point != NULL && b->x[n - 1] != NULL;
}

static void
wipe(struct batch *b, size_t n)
{
	BN_clear(b->left);
	for (size_t i = 0; i < n; i++) {
		BN_clear(b->nonce[i]);
		BN_clear(b->z[i]);
		BN_clear(b->nonce_inverse[i]);
		BN_clear(b->z_inverse[i]);
		BN_clear(b->x[i]);
	}
}

static bool
draw(struct batch *b, size_t i, const struct lg_ecdsa_item *v, BN_CTX *bn)
{
	BIGNUM *k = b->nonce[i];

	if (BN_generate_dsa_nonce(k, order.m, EC_KEY_get0_private_key(v->key), v->digest.b, sizeof v->digest.b, bn) <= 0)
		return false;
	BN_set_flags(k, BN_FLG_CONSTTIME);
	return EC_POINT_mul(group, b->point, k, NULL, NULL, bn) > 0
	    && EC_POINT_get_Jprojective_coordinates_GFp(group, b->point, b->x[i], NULL, b->z[i], bn) > 0
	    && BN_to_montgomery(b->z[i], b->z[i], field.form, bn) > 0 && BN_to_montgomery(k, k, order.form, bn) > 0;
}

/* r is X/Z^2 mod n: X is as it is and 1/Z in Montgomery's form, so the product is as it is. */
static bool
finish(struct batch *b, size_t i, struct lg_ecdsa_item *v, BN_CTX *bn)
{
	BIGNUM *r = b->x[i], *inverse = b->nonce_inverse[i], *z = b->z_inverse[i];

	return multiply(z, z, z, &field, bn) && multiply(r, r, z, &field, bn) && BN_nnmod(r, r, order.m, bn) > 0 && !BN_is_zero(r)
	    && BN_from_montgomery(inverse, inverse, order.form, bn) > 0
	    && take(v, ECDSA_do_sign_ex(v->digest.b, sizeof v->digest.b, inverse, r, (EC_KEY *)(uintptr_t)v->key));
}

static bool
sign_together(struct batch *b, struct lg_ecdsa_item *v, size_t n, BN_CTX *bn)
{
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = draw(b, i, &v[i], bn);
	ok = ok && invert_all(b->z_inverse, b->z, n, b->left, &field, bn) && invert_all(b->nonce_inverse, b->nonce, n, b->left, &order, bn);
	for (size_t i = 0; i < n && ok; i++)
		ok = finish(b, i, &v[i], bn);
	return ok;
}

static bool
sign_batch(struct lg_ecdsa_item *v, size_t n)
{
	BN_CTX *bn = lg_local()->bn;
	struct batch b = { .point = NULL };

	pthread_once(&once, init);
	BN_CTX_start(bn);
	bool got = get(&b, n, bn);
	bool ok = got && sign_together(&b, v, n, bn);
	if (got)
		wipe(&b, n);
	EC_POINT_clear_free(b.point);
	BN_CTX_end(bn);
	return ok;
}

bool
lg_ecdsa_sign(struct lg_ecdsa_item *v, size_t n)
{
	bool ok = true;

	if (n >= TOGETHER)
		ok = sign_batch(v, n);
	else
		for (size_t i = 0; i < n && ok; i++)
			ok = sign_alone(&v[i]);
	if (!ok)
		ERR_clear_error();
	return ok;
}
