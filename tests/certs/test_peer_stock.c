/*
 * test_peer_stock.c: certificates of clients that OpenSSL's X509_verify_cert lets through, under X509_V_FLAG_X509_STRICT and for the
 * purpose of a TLS client, and that must be refused here.  OpenSSL's verdict is asked for in the test, so that each row shows both.
 */
#include <criterion/criterion.h>
#include <openssl/dsa.h>
#include <openssl/x509v3.h>

#include "tests/certs/world.h"

static void
dsa(struct world *w, struct craft *c)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	EVP_PKEY *params = NULL;

	(void)w;
	cr_assert(EVP_PKEY_paramgen_init(ctx) > 0 && EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, 1024) > 0 && EVP_PKEY_paramgen(ctx, &params) > 0);
	EVP_PKEY_CTX_free(ctx);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL);
	cr_assert(EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_keygen(ctx, &c->key) > 0);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(params);
}

static const struct {
	const char *what, *says;
	struct craft_fault fault;
	bool lax;			/* accepted by OpenSSL only without X509_V_FLAG_X509_STRICT */
} cases[] = {
	{ "no extended key usage", "4.2.1.12", EXT("extendedKeyUsage", NULL), false },
	{ "any extended key usage", "4.2.1.12", EXT("extendedKeyUsage", "anyExtendedKeyUsage,clientAuth"), false },
	{ "the usage of an OCSP responder", "4.2.1.12", EXT("extendedKeyUsage", "clientAuth,OCSPSigning"), false },
	{ "no subjectAltName", "4.2.1.6", EXT("subjectAltName", NULL), false },
	{ "two URIs", "at most one URI", SAN("URI:spiffe://a.example/host/node1,URI:spiffe://b.example/host/node1"), false },
	{ "a mail address", "4.2.1.6", SAN("URI:spiffe://a.example/host/node1,email:root@a.example"), false },
	{ "another kind of name", "4.2.1.6", SAN("URI:spiffe://a.example/host/node1,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:root"), false },
	{ "a wildcard beside an identity", "4.2.1.6", SAN("URI:spiffe://a.example/host/node1,DNS:*.a.example"), false },
	{ "another tenant's name", "does not speak for trust domain b.example", SAN("URI:spiffe://b.example/host/node1"), false },
	{ "name constraints in a leaf", "4.2.1.10", EXT("nameConstraints", "permitted;DNS:a.example"), false },
	{ "critical name constraints in a leaf", "4.2.1.10", EXT("nameConstraints", "critical,permitted;DNS:a.example"), false },
	{ "policy constraints in a leaf", "4.2.1.11", EXT("policyConstraints", "requireExplicitPolicy:3"), false },
	{ "serial number 0", "4.1.2.2", { .serial_kind = 1 }, false },
	{ "a negative serial number", "4.1.2.2", { .serial_kind = 2 }, false },
	{ "a serial number of 21 octets", "4.1.2.2", { .serial_kind = 3 }, false },
	{ "a P-192 key", "4.1.2.7", { .curve = "P-192" }, false },
	{ "a P-224 key", "4.1.2.7", { .curve = "P-224" }, false },
	{ "a secp256k1 key", "4.1.2.7", { .curve = "secp256k1" }, false },
	{ "an RSA key of 1024 bits", "4.1.2.7", { .rsa_bits = 1024 }, false },
	{ "a DSA key", "4.1.2.7", { .make = dsa }, false },
	{ "a signature with SHA-1", "4.1.2.3", { .digest = EVP_sha1 }, false },
	{ "a signature with SHA-224", "4.1.2.3", { .digest = EVP_sha224 }, false },
	{ "version 1", "4.1.2.1", { .v1 = true }, true },
	{ "a CA", "4.2.1.9", EXT("basicConstraints", "critical,CA:TRUE"), true },
	{ "no basic constraints", "4.2.1.9", EXT("basicConstraints", NULL), false },
	{ "no key usage", "4.2.1.3", EXT("keyUsage", NULL), false },
	{ "key encipherment", "4.2.1.3", EXT("keyUsage", "critical,digitalSignature,keyEncipherment"), false },
};

static bool
stock_accepts(struct world *w, X509 *issuer, lg_str der, bool strict)
{
	STACK_OF(X509) *untrusted = sk_X509_new_null();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = X509_STORE_new();
	X509 *leaf = x509_of(der);
	bool ok;

	X509_STORE_add_cert(store, w->keys[TENANT_A].root);
	sk_X509_push(untrusted, issuer);
	cr_assert(X509_STORE_CTX_init(ctx, store, leaf, untrusted) == 1);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	if (strict)
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	ok = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(leaf);
	sk_X509_free(untrusted);
	return ok;
}

Test(peer_stock, what_openssl_lets_through_is_refused_for_its_own_reason)
{
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(cases); i++) {
		struct craft c = craft_good(w, TENANT_A);
		struct lg_certs_peer p;
		lg_str der;

		craft_spoil(w, &c, &cases[i].fault);
		der = craft_der(w, &c);
		cr_expect(stock_accepts(w, w->keys[TENANT_A].issuer, der, !cases[i].lax), "OpenSSL refuses %s by itself", cases[i].what);
		world_record(w, TENANT_A, w->host, "Host", "node1", der);
		cr_expect_eq(world_peer(w, der, &p), LG_E_UNAUTHENTICATED, "%s", cases[i].what);
		cr_expect_not_null(strstr(w->cx.error, cases[i].says), "%s: %s", cases[i].what, w->cx.error);
		EVP_PKEY_free(c.key);
	}
	world_free(w);
}

/* ---- CA certificates: looked at when they are given to the service ------------------------------------------------- */

static const struct {
	const char *what, *says, *ext, *value;
} authorities[] = {
	{ "name constraints that are not critical", "4.2.1.10", "nameConstraints", "permitted;DNS:a.example" },
	{ "basic constraints that are not critical", "4.2.1.9", "basicConstraints", "CA:TRUE,pathlen:0" },
	{ "no key usage", "4.2.1.3", "keyUsage", NULL },
	{ "critical constraints on policies", "4.2)", "policyConstraints", "critical,requireExplicitPolicy:0" },
};

static bool
stock_accepts_below(struct world *w, lg_str ca, EVP_PKEY *key)
{
	struct craft leaf = craft_good(w, TENANT_A);
	bool ok;

	leaf.issuer = x509_of(ca);
	leaf.signer = key;
	ok = stock_accepts(w, leaf.issuer, craft_der(w, &leaf), false);
	X509_free(leaf.issuer);
	return ok;
}

Test(peer_stock, a_ca_that_openssl_lets_through_is_refused_as_an_issuer)
{
	struct world *w = world_new();

	for (size_t i = 0; i < LG_COUNT(authorities); i++) {
		struct craft c = craft_good(w, TENANT_A);
		struct lg_authority au = { .tenant = TENANT_A, .trust_domain = LG_STR("a.example"), .root = w->keys[TENANT_A].root_der,
			.nissuers = 1, .leaf_life = LG_DAY };

		c.key = EVP_EC_gen("P-256");
		c.signer = w->keys[TENANT_A].root_key;
		c.issuer = w->keys[TENANT_A].root;
		craft_ext(&c, "extendedKeyUsage", NULL);
		craft_ext(&c, "subjectAltName", NULL);
		craft_ext(&c, "basicConstraints", "critical,CA:TRUE,pathlen:0");
		craft_ext(&c, "keyUsage", "critical,keyCertSign,cRLSign");
		au.issuers[0] = craft_der(w, &c);
		cr_assert_eq(lg_certs_trust(&w->cx, w->certs, &au, 1), LG_OK, "%s", w->cx.error);
		craft_ext(&c, authorities[i].ext, authorities[i].value);
		au.issuers[0] = craft_der(w, &c);
		cr_expect(stock_accepts_below(w, au.issuers[0], c.key), "OpenSSL refuses %s by itself", authorities[i].what);
		cr_expect_neq(lg_certs_trust(&w->cx, w->certs, &au, 1), LG_OK, "%s", authorities[i].what);
		cr_expect_not_null(strstr(w->cx.error, authorities[i].says), "%s: %s", authorities[i].what, w->cx.error);
		EVP_PKEY_free(c.key);
	}
	world_free(w);
}
