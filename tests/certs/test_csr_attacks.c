/*
 * test_csr_attacks.c: requests that try to get a name which is not theirs.  Each is made by OpenSSL, rightly signed, and tried at two
s: a host asks for its own certificate, and an ACME account ends an order for www.a.example.  Neither may sign anything.
 * Broken proofs of possession and absurd sizes are in test_csr.c.
 */
#include <openssl/x509v3.h>

#include "base/der.h"
#include "base/text.h"
#include "tests/certs/acme_client.h"

#define DNS(s)	{ 0x82, LG_STR(s) }
#define IP(s)	{ 0x87, LG_STR(s) }
#define URI(s)	{ 0x86, LG_STR(s) }
#define MAIL(s)	{ 0x81, LG_STR(s) }

static const struct attack {
	const char *what;
	struct {
		uint8_t tag;
		lg_str value;
	} san[2];
	const char *ext[2];
} attacks[] = {
	{ "NUL behind the name", { DNS("www.a.example\0") }, { NULL } },
	{ "NUL within the name", { DNS("www.a.example\0.evil.example") }, { NULL } },
	{ "another name", { DNS("other.a.example") }, { NULL } },
	{ "another's name beside", { DNS("www.a.example"), DNS("node2.hosts.a.example") }, { NULL } },
	{ "a wildcard over the name", { DNS("*.a.example") }, { NULL } },
	{ "a wildcard within a label", { DNS("ww*.a.example") }, { NULL } },
	{ "a bare wildcard", { DNS("*") }, { NULL } },
	{ "a dot behind the name", { DNS("www.a.example.") }, { NULL } },
	{ "a dot before the name", { DNS(".a.example") }, { NULL } },
	{ "an empty name", { DNS("") }, { NULL } },
	{ "a space behind the name", { DNS("www.a.example ") }, { NULL } },
	{ "a newline behind the name", { DNS("www.a.example\n") }, { NULL } },
	{ "UTF-8 in the name", { DNS("b\303\274cher.a.example") }, { NULL } },
	{ "a Cyrillic letter that looks the same", { DNS("www.\320\260.example") }, { NULL } },
	{ "its punycode", { DNS("www.xn--80a.example") }, { NULL } },
	{ "an address as a DNS name", { DNS("127.0.0.1") }, { NULL } },
	{ "an address of 6 as a DNS name", { DNS("::1") }, { NULL } },
	{ "an address", { IP("\12\0\0\1") }, { NULL } },
	{ "an address of five octets", { IP("\12\0\0\1\1") }, { NULL } },
	{ "an address with a mask", { IP("\12\0\0\1\377\0\0\0") }, { NULL } },
	{ "a URL as a DNS name", { DNS("https://www.a.example") }, { NULL } },
	{ "a name with a port", { DNS("www.a.example:443") }, { NULL } },
	{ "another's identity", { URI("spiffe://a.example/host/node2") }, { NULL } },
	{ "an identity of another trust domain", { URI("spiffe://b.example/host/node1") }, { NULL } },
	{ "its own identity with a user", { URI("spiffe://u@a.example/host/node1") }, { NULL } },
	{ "its own identity, percent-encoded", { URI("spiffe://a.example/host/%6eode1") }, { NULL } },
	{ "its own identity beside another", { URI("spiffe://a.example/host/node1"), URI("spiffe://a.example/host/node2") }, { NULL } },
	{ "a mail address", { MAIL("root@a.example") }, { NULL } },
	{ "a CA certificate", { DNS("www.a.example") }, { "basicConstraints", "critical,CA:TRUE" } },
	{ "a CA certificate, not critical", { DNS("www.a.example") }, { "basicConstraints", "CA:TRUE,pathlen:0" } },
	{ "a key that signs certificates", { DNS("www.a.example") }, { "keyUsage", "critical,keyCertSign" } },
	{ "a key that signs CRLs", { DNS("www.a.example") }, { "keyUsage", "cRLSign,digitalSignature" } },
	{ "an unknown critical extension", { DNS("www.a.example") }, { "1.3.6.1.4.1.99999.7", "critical,DER:0500" } },
	{ "a name of absurd length", { { 0x82, { NULL, 3000 } } }, { NULL } },
};

static X509_EXTENSION *
san_of(struct world *w, const struct attack *t)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	size_t seq = lg_derw_begin(&b, LG_DER_SEQUENCE);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	lg_str der;

	for (size_t i = 0; i < LG_COUNT(t->san) && t->san[i].tag != 0; i++) {
		lg_str v = t->san[i].value;

		if (v.p == NULL)
			v.p = memset(lg_alloc(w->arena, v.n), 'a', v.n);
		lg_derw_element(&b, t->san[i].tag, v);
	}
	lg_derw_end(&b, seq);
	der = lg_buf_view(&b);
	ASN1_OCTET_STRING_set(s, (const unsigned char *)der.p, (int)der.n);
	e = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, s);
	ASN1_OCTET_STRING_free(s);
	return e;
}

static lg_str
request_of(struct world *w, const struct attack *t)
{
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *r = X509_REQ_new();
	unsigned char *p = NULL;
	lg_str der;
	int n;

	X509_REQ_set_pubkey(r, key);
	sk_X509_EXTENSION_push(exts, san_of(w, t));
	if (t->ext[0] != NULL)
		sk_X509_EXTENSION_push(exts, X509V3_EXT_nconf(NULL, NULL, t->ext[0], t->ext[1]));
	X509_REQ_add_extensions(r, exts);
	cr_assert(X509_REQ_sign(r, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(r, &p);
	der = lg_dup(w->arena, (lg_str){ (char *)p, (size_t)n });
	OPENSSL_free(p);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(r);
	EVP_PKEY_free(key);
	return der;
}

static lg_err
as_host(struct world *w, lg_str der)
{
	struct lg_issued issued;
	struct lg_cert_request rq = { .tenant = TENANT_A, .profile = LG_STR("host"), .proof = "self", .entry = w->host,
		.asker = { .type = LG_STR("Host"), .id = w->host, .name = LG_STR("node1") } };
	struct lg_csr csr;

	LG_TRY(lg_csr_parse(&w->cx, der, &csr));
	rq.spki = csr.spki;
	rq.only = &csr.names;
	return lg_certs_issue(&w->cx, w->certs, &rq, &issued);
}

Test(csr_attacks, get_no_certificate_at_either_door)
{
	struct acme_client c = acme_client_new(world_new());
	struct acme_order o = acme_order(&c, WWW);

	acme_prove(&c, &o);
	for (size_t i = 0; i < LG_COUNT(attacks); i++) {
		lg_str der = request_of(c.w, &attacks[i]), text = lg_base64url(c.w->arena, der);
		lg_err e = as_host(c.w, der);

		cr_assert(e == LG_E_DENIED || e == LG_E_INVALID, "%s: %d %s", attacks[i].what, e, c.w->cx.error);
		acme_post(&c, o.finalize, lg_print(c.w->arena, "{\"csr\":\"%.*s\"}", LG_FMT(text)));
		cr_assert(c.status == 400 && acme_shows(&c, "error:badCSR"), "%s: %d %.*s", attacks[i].what, c.status, LG_FMT(c.body));
	}
	cr_assert_eq(c.w->signed_certs, 0);
	acme_client_free(&c);
}
