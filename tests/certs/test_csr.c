/* test_csr.c: requests that are good, odd and hostile; the odd ones made by OpenSSL. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "base/der.h"
#include "tests/certs/world.h"

Test(csr, our_own_requests_of_every_key_type_are_read)
{
	static const enum lg_key_type types[] = { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048, LG_KEY_RSA3072 };
	static const lg_str dns[] = { LG_STR("a.example"), LG_STR("b.example") }, uri[] = { LG_STR("spiffe://a.example/host/x") };
	const struct lg_csr_names names = { .common_name = LG_STR("x"), .dns = dns, .ndns = 2, .uri = uri, .nuri = 1 };
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(types); i++) {
		LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, types[i]);
		struct lg_csr csr;

		cr_assert_eq(lg_csr_parse(&w->cx, world_csr(w, k, &names), &csr), LG_OK, "%s", w->cx.error);
		cr_assert_eq(csr.key, types[i]);
		cr_assert(lg_str_eq(csr.spki, lg_pubkey_spki(lg_key_public(k))));
		cr_assert_eq(csr.names.ndns, 2);
		cr_assert_eq(csr.names.nuri, 1);
		cr_assert(lg_str_eq(csr.names.dns[1], dns[1]));
		cr_assert_eq(lg_csr_parse(&w->cx, world_csr(w, k, NULL), &csr), LG_OK, "%s", w->cx.error);
		cr_assert_eq(csr.names.ndns + csr.names.nuri + csr.names.nip, 0);
	}
	world_free(w);
}

/* ---- by OpenSSL ------------------------------------------------------------------------------------ */

struct odd {
	const char *what;
	const char *ext[3][2];
	const char *digest;		/* NULL: SHA-256 */
	EVP_PKEY *(*key)(void);		/* NULL: P-256 */
	void (*change)(X509_REQ *r);
	lg_err expect;
	const char *says;
};

static EVP_PKEY *
p384(void)
{
	return EVP_EC_gen("P-384");
}

static EVP_PKEY *
p521(void)
{
	return EVP_EC_gen("P-521");
}

static EVP_PKEY *
rsa2048(void)
{
	return EVP_RSA_gen(2048);
}

static EVP_PKEY *
rsa1024(void)
{
	return EVP_RSA_gen(1024);
}

/* RFC 8017 allows it, we do not. */
static EVP_PKEY *
rsa_e3(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *k = NULL;
	BIGNUM *e = BN_new();

	BN_set_word(e, 3);
	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048);
	EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e);
	EVP_PKEY_generate(ctx, &k);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	return k;
}

static void
version_2(X509_REQ *r)
{
	X509_REQ_set_version(r, 1);
}

static void
many_attributes(X509_REQ *r)
{
	char oid[32];

	for (int i = 0; i < 12; i++) {
		snprintf(oid, sizeof oid, "1.3.6.1.4.1.99999.%d", i + 1);
		X509_REQ_add1_attr_by_txt(r, oid, V_ASN1_UTF8STRING, (const unsigned char *)"x", 1);
	}
}

static void
another_attribute(X509_REQ *r)
{
	X509_REQ_add1_attr_by_txt(r, "challengePassword", MBSTRING_ASC, (const unsigned char *)"secret", 6);
}

#define MANY "DNS:a1,DNS:a2,DNS:a3,DNS:a4,DNS:a5,DNS:a6,DNS:a7,DNS:a8,DNS:a9,DNS:b1,DNS:b2,DNS:b3,DNS:b4,DNS:b5,DNS:b6,DNS:b7"
static const struct odd odds[] = {
	{ "plain", { { NULL } }, NULL, NULL, NULL, LG_OK, "" },
	{ "P-384 with SHA-256", { { NULL } }, NULL, p384, NULL, LG_OK, "" },
	{ "P-256 with SHA-384", { { NULL } }, "SHA384", NULL, NULL, LG_OK, "" },
	{ "RSA with SHA-512", { { NULL } }, "SHA512", rsa2048, NULL, LG_OK, "" },
	{ "sixteen names", { { "subjectAltName", MANY } }, NULL, NULL, NULL, LG_OK, "" },
	{ "a challenge password", { { "subjectAltName", "DNS:a" } }, NULL, NULL, another_attribute, LG_OK, "" },
	{ "other extensions", { { "keyUsage", "digitalSignature" }, { "extendedKeyUsage", "anyExtendedKeyUsage" } }, NULL, NULL, NULL,
	    LG_OK, "" },
	{ "seventeen names", { { "subjectAltName", MANY ",DNS:b8" } }, NULL, NULL, NULL, LG_E_INVALID, "malformed" },
	{ "asks for a CA", { { "basicConstraints", "critical,CA:TRUE" } }, NULL, NULL, NULL, LG_E_INVALID, "CA" },
	{ "e-mail", { { "subjectAltName", "email:a@a.example" } }, NULL, NULL, NULL, LG_E_INVALID, "kind" },
	{ "other name", { { "subjectAltName", "otherName:1.2.3.4;UTF8:x" } }, NULL, NULL, NULL, LG_E_INVALID, "kind" },
	{ "SHA-1", { { NULL } }, "SHA1", NULL, NULL, LG_E_UNSUPPORTED, "algorithm" },
	{ "P-521", { { NULL } }, NULL, p521, NULL, LG_E_INVALID, "kind" },
	{ "RSA-1024", { { NULL } }, NULL, rsa1024, NULL, LG_E_INVALID, "2048" },
	{ "RSA with e = 3", { { NULL } }, NULL, rsa_e3, NULL, LG_E_INVALID, "65537" },
	{ "version 2", { { NULL } }, NULL, NULL, version_2, LG_E_INVALID, "malformed" },
	{ "twelve attributes", { { NULL } }, NULL, NULL, many_attributes, LG_E_LIMIT, "attributes" },
	{ "the same extension twice", { { "subjectAltName", "DNS:a" }, { "subjectAltName", "DNS:b" } }, NULL, NULL, NULL,
	    LG_E_INVALID, "extensions" },
};

static lg_str
make_odd(struct world *w, const struct odd *o)
{
	EVP_PKEY *key = o->key == NULL ? EVP_EC_gen("P-256") : o->key();
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	X509_REQ *r = X509_REQ_new();
	unsigned char *p = NULL;
	lg_str der;
	int n;

	X509_REQ_set_pubkey(r, key);
	for (size_t i = 0; i < LG_COUNT(o->ext) && o->ext[i][0] != NULL; i++) {
		X509_EXTENSION *e = X509V3_EXT_nconf(NULL, NULL, o->ext[i][0], o->ext[i][1]);

		cr_assert_not_null(e, "%s", o->what);
		sk_X509_EXTENSION_push(exts, e);
	}
	if (sk_X509_EXTENSION_num(exts) > 0)
		X509_REQ_add_extensions(r, exts);
	if (o->change != NULL)
		o->change(r);
	cr_assert(X509_REQ_sign(r, key, EVP_get_digestbyname(o->digest == NULL ? "SHA256" : o->digest)) > 0, "%s", o->what);
	n = i2d_X509_REQ(r, &p);
	der = lg_dup(w->arena, (lg_str){ (char *)p, (size_t)n });
	OPENSSL_free(p);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	return der;
}

Test(csr, odd_and_hostile_requests)
{
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(odds); i++) {
		struct lg_csr csr;

		w->cx.error[0] = 0;
		cr_assert_eq(lg_csr_parse(&w->cx, make_odd(w, &odds[i]), &csr), odds[i].expect, "%s: %s", odds[i].what, w->cx.error);
		cr_assert_not_null(strstr(w->cx.error, odds[i].says), "%s: %s", odds[i].what, w->cx.error);
	}
	world_free(w);
}

/* ---- damaged ------------------------------------------------------------------------------------------ */

Test(csr, a_request_changed_anywhere_or_cut_is_refused)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	lg_str good = world_csr(w, k, NULL);
	struct lg_csr csr;

	for (size_t i = 0; i < good.n; i++) {
		lg_str bad = lg_dup(w->arena, good);

		((char *)(uintptr_t)bad.p)[i] ^= 1;
		cr_assert_neq(lg_csr_parse(&w->cx, bad, &csr), LG_OK, "octet %zu", i);
		cr_assert_neq(lg_csr_parse(&w->cx, lg_str_sub(good, 0, i), &csr), LG_OK);
	}
	cr_assert_neq(lg_csr_parse(&w->cx, lg_cat(w->arena, good, LG_STR("\0")), &csr), LG_OK);
	cr_assert_eq(lg_csr_parse(&w->cx, good, &csr), LG_OK);
	world_free(w);
}

Test(csr, a_request_for_somebody_elses_key_is_no_proof)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *mine = world_key(w, LG_KEY_P256);
	LG_AUTO(lg_key_free) struct lg_key *theirs = world_key(w, LG_KEY_P256);
	lg_str der = lg_dup(w->arena, world_csr(w, mine, NULL)), from = lg_pubkey_spki(lg_key_public(mine)),
	    to = lg_pubkey_spki(lg_key_public(theirs));
	char *at = memmem(der.p, der.n, from.p, from.n);
	struct lg_csr csr;

	cr_assert_not_null(at);
	memcpy(at, to.p, to.n);
	cr_assert_eq(lg_csr_parse(&w->cx, der, &csr), LG_E_INVALID);
	cr_assert_not_null(strstr(w->cx.error, "possession"), "%s", w->cx.error);
	world_free(w);
}

Test(csr, a_request_over_the_limit_is_not_looked_at)
{
	struct world *w = world_new();
	struct lg_csr csr;
	lg_str big = { lg_alloc(w->arena, LG_CSR_MAX + 1), LG_CSR_MAX + 1 };

	cr_assert_eq(lg_csr_parse(&w->cx, big, &csr), LG_E_LIMIT);
	cr_assert_eq(lg_csr_parse(&w->cx, LG_NONE, &csr), LG_E_INVALID);
	world_free(w);
}

/* By hand, because OpenSSL does not make such a thing: the same attribute `n` times, each asking for a name. */
static lg_str
with_attributes(struct world *w, const struct lg_key *k, int n)
{
	static const lg_str request = LG_STR("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e");
	/* SEQUENCE { SEQUENCE { subjectAltName, OCTET STRING { SEQUENCE { dNSName "a" } } } } */
	static const lg_str extensions = LG_STR("\x30\x0e\x30\x0c\x06\x03\x55\x1d\x11\x04\x05\x30\x03\x82\x01" "a");
	LG_AUTO(lg_buf_free) struct lg_buf info = LG_BUF(4096);
	LG_AUTO(lg_buf_free) struct lg_buf csr = LG_BUF(4096);
	size_t seq = lg_derw_begin(&info, LG_DER_SEQUENCE), attributes;
	lg_str sig;

	lg_derw_int(&info, 0);
	lg_derw_end(&info, lg_derw_begin(&info, LG_DER_SEQUENCE));
	lg_derw_raw(&info, lg_pubkey_spki(lg_key_public(k)));
	attributes = lg_derw_begin(&info, LG_DER_EXPLICIT(0));
	for (int i = 0; i < n; i++) {
		size_t attribute = lg_derw_begin(&info, LG_DER_SEQUENCE), set;

		lg_derw_oid(&info, request);
		set = lg_derw_begin(&info, LG_DER_SET);
		lg_derw_raw(&info, extensions);
		lg_derw_end(&info, set);
		lg_derw_end(&info, attribute);
	}
	lg_derw_end(&info, attributes);
	lg_derw_end(&info, seq);
	cr_assert_eq(lg_key_sign_der(&w->cx, k, LG_ALG_ES256, lg_buf_view(&info), &sig), LG_OK, "%s", w->cx.error);
	seq = lg_derw_begin(&csr, LG_DER_SEQUENCE);
	lg_derw_raw(&csr, lg_buf_view(&info));
	lg_derw_raw(&csr, lg_x509_alg(LG_ALG_ES256));
	lg_derw_bits(&csr, sig);
	lg_derw_end(&csr, seq);
	return lg_dup(w->arena, lg_buf_view(&csr));
}

Test(csr, extensions_are_asked_for_once)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	struct lg_csr csr;

	cr_assert_eq(lg_csr_parse(&w->cx, with_attributes(w, k, 0), &csr), LG_OK, "%s", w->cx.error);
	cr_assert_eq(lg_csr_parse(&w->cx, with_attributes(w, k, 1), &csr), LG_OK, "%s", w->cx.error);
	cr_assert_eq(csr.names.ndns, 1);
	cr_assert_eq(lg_csr_parse(&w->cx, with_attributes(w, k, 2), &csr), LG_E_INVALID);
	world_free(w);
}

/* A name with an embedded NUL reads as another one in C (CVE-2009-2408). */
Test(csr, an_embedded_nul_in_a_name_is_refused)
{
	struct world *w = world_new();
	LG_AUTO(lg_key_free) struct lg_key *k = world_key(w, LG_KEY_P256);
	static const lg_str dns[] = { LG_STR("node1.a.example\0.evil.org") };
	const struct lg_csr_names names = { .dns = dns, .ndns = 1 };
	struct lg_csr csr;
	lg_str der;

	if (lg_csr_make(&w->cx, k, &names, &der) == LG_OK)	/* which may refuse it already */
		cr_assert_eq(lg_csr_parse(&w->cx, der, &csr), LG_E_INVALID);
	world_free(w);
}
