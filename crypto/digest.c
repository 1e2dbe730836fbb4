/* digest.c: SHA-256, half of SHA-512, HMAC (RFC 2104) and HKDF (RFC 5869). */
#include "lightgate/crypto.h"

#include "crypto/local.h"

lg_sha256
lg_sha256_pair(lg_str x, lg_str y)
{
	EVP_MD_CTX *md = lg_local()->digest;
	lg_sha256 h;

	lg_crypto_must(EVP_DigestInit_ex2(md, lg_md_sha256(), NULL));
	if (x.n > 0)
		lg_crypto_must(EVP_DigestUpdate(md, x.p, x.n));
	if (y.n > 0)
		lg_crypto_must(EVP_DigestUpdate(md, y.p, y.n));
	lg_crypto_must(EVP_DigestFinal_ex(md, h.b, NULL));
	return h;
}

lg_sha256
lg_sha256_of(lg_str s)
{
	return lg_sha256_pair(s, LG_NONE);
}

lg_sha256
lg_sha512_half(lg_str s)
{
	unsigned char whole[64];
	lg_sha256 h;

	lg_crypto_must(EVP_Q_digest(NULL, "SHA512", NULL, s.p, s.n, whole, NULL));
	memcpy(h.b, whole, sizeof h.b);
	return h;
}

/* HMAC over up to three parts, so that HKDF needs no buffer of its own. */
static lg_sha256
hmac(const void *key, size_t nkey, const lg_str *part, size_t nparts)
{
	static const unsigned char none[1];
	EVP_MAC_CTX *mac = lg_local()->hmac;
	lg_sha256 h;
	size_t n;

	/* A NULL key would mean "the key of before" to OpenSSL. */
	lg_crypto_must(EVP_MAC_init(mac, nkey == 0 ? none : key, nkey, NULL));
	for (size_t i = 0; i < nparts; i++)
		if (part[i].n > 0)
			lg_crypto_must(EVP_MAC_update(mac, (const unsigned char *)part[i].p, part[i].n));
	lg_crypto_must(EVP_MAC_final(mac, h.b, &n, sizeof h.b));
	return h;
}

lg_sha256
lg_hmac_sha256(const struct lg_secret *key, lg_str s)
{
	return hmac(key->p, key->n, &s, 1);
}

struct lg_secret
lg_hkdf_sha256(const struct lg_secret *key, lg_str salt, lg_str info, size_t n)
{
	lg_str ikm = { (const char *)key->p, key->n };
	lg_sha256 prk = hmac(salt.p, salt.n, &ikm, 1);		/* 2.2: no salt is the empty key */
	struct lg_secret out = lg_secret_new(n);
	lg_sha256 t = { { 0 } };
	size_t done = 0;

	lg_crypto_must(n <= 255 * sizeof t.b);
	for (unsigned char i = 1; done < n; i++) {
		lg_str part[] = { { (const char *)t.b, i == 1 ? 0 : sizeof t.b }, info, { (char *)&i, 1 } };
		t = hmac(prk.b, sizeof prk.b, part, LG_COUNT(part));
		size_t take = n - done < sizeof t.b ? n - done : sizeof t.b;
		memcpy(out.p + done, t.b, take);
		done += take;
	}
	explicit_bzero(&t, sizeof t);
	explicit_bzero(&prk, sizeof prk);
	return out;
}
