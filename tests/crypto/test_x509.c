/* test_x509.c: what is read of a certificate without judging it: its key and its names. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/text.h"
#include "lightgate/crypto.h"

/* By openssl: subject DC=org, DC=example, O="Shop, Inc.", OU="Web "; subjectAltName=DNS:a.example,URI:spiffe://a.example/service/x,
 * URI:https://b.example/,IP:10.0.0.7,IP:2001:db8::1,email:ops@a.example; then basicConstraints=critical. */
static const char *const cert =
	"MIICaTCCAg+gAwIBAgIUU1WqBgk3riO4aNOa/fqP3lTdFlYwCgYIKoZIzj0EAwIwUjETMBEGCgmSJomT8ixkARkWA29yZzEXMBUGCgmSJomT8ixkARkWB2V4YW1wbGUxEzARBgNVBA"
	"oMClNob3AsIEluYy4xDTALBgNVBAsMBFdlYiAwIBcNMjYxMTIzMDgzMDI2WhgPMjEyNjEwMzAwODMwMjZaMFIxEzARBgoJkiaJk/IsZAEZFgNvcmcxFzAVBgoJkiaJk/IsZAEZFgdl"
	"eGFtcGxlMRMwEQYDVQQKDApTaG9wLCBJbmMuMQ0wCwYDVQQLDARXZWIgMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEBYXDj6oeI5EoHzkjWJY//QMIM7v80iGHitZ8uHjggO9JGD"
	"pVd1m3mbiwmoEKSXCRGgGoLIrDrGoL9KVQ4cPRpqOBwDCBvTAdBgNVHQ4EFgQUPEhRmhTvm2pojDfqBTVc2C2cyOIwHwYDVR0jBBgwFoAUPEhRmhTvm2pojDfqBTVc2C2cyOIwbQYD"
	"VR0RBGYwZIIJYS5leGFtcGxlhhxzcGlmZmU6Ly9hLmV4YW1wbGUvc2VydmljZS94hhJodHRwczovL2IuZXhhbXBsZS+HBAoAAAeHECABDbgAAAAAAAAAAAAAAAGBDW9wc0BhLmV4YW"
	"1wbGUwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiEA27Vgg/HtNJYnyChk55yMKAMCHg1VlxN36R+sVs74uMECIH53Tw6L69SxsMjZaN1kLJmQTs27ajzQV6LYunT041c6";

static struct lg_arena *a;
static struct lg_ctx cx;
static lg_str der;

static void
start(void)
{
	a = lg_arena_new();
	lg_ctx_init(&cx, a);
	cr_assert(lg_base64_parse(a, lg_str_of(cert), &der));
}

static void
end(void)
{
	lg_arena_free(&a);
}

TestSuite(x509, .init = start, .fini = end);

static bool
has(enum lg_cert_kind kind, const char *name)
{
	return lg_cert_has_name(der, kind, lg_str_of(name));
}

Test(x509, a_certificate_has_the_names_of_each_kind_and_no_others)
{
	cr_assert(has(LG_CERT_URI, "spiffe://a.example/service/x") && has(LG_CERT_URI, "https://b.example/"));
	cr_assert(has(LG_CERT_DNS, "a.example") && has(LG_CERT_DNS, "A.Example"));
	cr_assert(has(LG_CERT_IP, "10.0.0.7") && has(LG_CERT_IP, "2001:DB8:0::1"), "as octets");
	cr_assert(has(LG_CERT_EMAIL, "ops@a.example"));
	const struct {
		enum lg_cert_kind kind;
		const char *name;
	} others[] = {
		{ LG_CERT_URI, "spiffe://a.example/service/" }, { LG_CERT_URI, "spiffe://a.example/service/x/y" }, { LG_CERT_URI, "a.example" },
		{ LG_CERT_URI, "" }, { LG_CERT_DNS, "" }, { LG_CERT_DNS, "*.example" }, { LG_CERT_DNS, "b.a.example" }, { LG_CERT_DNS, "ops@a.example" },
		{ LG_CERT_IP, "10.0.0.8" }, { LG_CERT_IP, "10.0.0" }, { LG_CERT_IP, "::ffff:10.0.0.7" }, { LG_CERT_IP, "" },
		{ LG_CERT_EMAIL, "a.example" }, { LG_CERT_EMAIL, "Ops@a.example" },
	};
	for (size_t i = 0; i < LG_COUNT(others); i++)
		cr_assert_not(has(others[i].kind, others[i].name), "%s", others[i].name);
}

Test(x509, a_subject_is_compared_as_names_are)
{
	const char *const same[] = {
		"OU=Web,O=Shop\\, Inc.,DC=example,DC=org", "ou=web, o=shop\\2C  inc., dc=EXAMPLE, dc=org",
		"2.5.4.11=Web,2.5.4.10=Shop\\, Inc.,0.9.2342.19200300.100.1.25=example,DC=org",
	};
	const char *const others[] = {
		"DC=org,DC=example,O=Shop\\, Inc.,OU=Web", "OU=Web,O=Shop\\, Inc.,DC=example", "CN=Web,O=Shop\\, Inc.,DC=example,DC=org", "OU=Web",
	};
	const char *const none[] = {
		"OU=Web,O=Shop\\, Inc.,DC=example,DC=org,", "OU=Web+O=Shop\\, Inc.,DC=example,DC=org", "OU=Web,O=Shop, Inc.,DC=example,DC=org", "", ",", "OU", "OU=", "XX=Web", "OU=#0c03576562", "OU=Web\\", "OU=Web\\2", "C=Germany", "OU=\xff",
	};

	for (size_t i = 0; i < LG_COUNT(same); i++)
		cr_expect(has(LG_CERT_SUBJECT, same[i]) && lg_cert_name_valid(LG_CERT_SUBJECT, lg_str_of(same[i])), "%s", same[i]);
	for (size_t i = 0; i < LG_COUNT(others); i++)
		cr_expect_not(has(LG_CERT_SUBJECT, others[i]), "%s", others[i]);
	for (size_t i = 0; i < LG_COUNT(none); i++)
		cr_expect(!has(LG_CERT_SUBJECT, none[i]) && !lg_cert_name_valid(LG_CERT_SUBJECT, lg_str_of(none[i])), "%s", none[i]);
}

Test(x509, what_cannot_be_a_name_is_told)
{
	const char *const bad[LG_CERT_KINDS][4] = {
		[LG_CERT_SUBJECT] = { "x", "", "CN=a+CN=b", "CN=" }, [LG_CERT_DNS] = { "", "a b", "a\n", "\x80" },
		[LG_CERT_URI] = { "", "a", "a: b", "x" }, [LG_CERT_IP] = { "", "a", "1.2.3", "1::2::3" }, [LG_CERT_EMAIL] = { "", "a", "a @b", "a.b" },
	};

	for (int kind = 0; kind < LG_CERT_KINDS; kind++)
		for (size_t i = 0; i < 4; i++)
			cr_expect_not(lg_cert_name_valid((enum lg_cert_kind)kind, lg_str_of(bad[kind][i])), "%d %s", kind, bad[kind][i]);
	cr_expect(lg_cert_name_valid(LG_CERT_DNS, LG_STR("a.example")) && lg_cert_name_valid(LG_CERT_IP, LG_STR("::1")));
	cr_expect(lg_cert_name_valid(LG_CERT_URI, LG_STR("spiffe://a/b")) && lg_cert_name_valid(LG_CERT_EMAIL, LG_STR("a@b")));
}

Test(x509, what_is_cut_off_names_nothing_and_has_no_key)
{
	struct lg_pubkey *key = NULL;

	for (size_t n = 0; n < der.n; n++) {
		/* In memory of its own, so that a read beyond its end is seen. */
		char *copy = malloc(n + 1);

		memcpy(copy, der.p, n);
		cr_assert_not(lg_cert_has_name((lg_str){ copy, n }, LG_CERT_URI, LG_STR("spiffe://a.example/service/x")), "%zu", n);
		cr_assert_not(lg_cert_has_name((lg_str){ copy, n }, LG_CERT_SUBJECT, LG_STR("OU=Web,O=Shop\\, Inc.,DC=example,DC=org")), "%zu", n);
		cr_assert_neq(lg_pubkey_from_cert(&cx, (lg_str){ copy, n }, &key), LG_OK, "%zu", n);
		free(copy);
	}
	cr_assert_eq(lg_pubkey_from_cert(&cx, der, &key), LG_OK);
	lg_pubkey_unref(&key);
}
