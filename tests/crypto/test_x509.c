/* test_x509.c: what is read of a certificate without judging it: its key, and whether it names a URI. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/text.h"
#include "lightgate/crypto.h"

/* By openssl: subjectAltName=DNS:a.example,URI:spiffe://a.example/service/x,URI:https://b.example/, then basicConstraints=critical. */
static const char *const cert =
	"MIIBtjCCAVygAwIBAgIUaVDD7EzqpbVQ7SbXSgr17QITJ3swCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYzAgFw0yNjExMjMwNTIyMTZaGA8yMTI2MTAzMDA1MjIxNlowDDEKMAgG"
	"A1UEAwwBYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJPztvDKmCGNPOt3+Qp7LRV39kEkPZwPq5Ve+kLevVGIzWVeh4WCeKVqVWKS8a/Cf9Kq9/YejKWxpPAjbCRhm/ujgZkw"
	"gZYwHQYDVR0OBBYEFNOI0ezjXNA7ezBetDrCLKJ4ktFQMB8GA1UdIwQYMBaAFNOI0ezjXNA7ezBetDrCLKJ4ktFQMEYGA1UdEQQ/MD2CCWEuZXhhbXBsZYYcc3BpZmZlOi8vYS5l"
	"eGFtcGxlL3NlcnZpY2UveIYSaHR0cHM6Ly9iLmV4YW1wbGUvMAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSAAwRQIhAM/p0FcHQIGCjGxZBTmxUhROuYSflrxOEFtrhfi6saJz"
	"AiAA521RqVs4gJZB6Tv20Z99xaLIAns8cP6GdzM6FjuHVQ==";

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

Test(x509, a_certificate_names_the_uris_of_its_alternative_name_and_nothing_else)
{
	cr_assert(lg_cert_names_uri(der, LG_STR("spiffe://a.example/service/x")));
	cr_assert(lg_cert_names_uri(der, LG_STR("https://b.example/")));
	cr_assert_not(lg_cert_names_uri(der, LG_STR("spiffe://a.example/service/")));
	cr_assert_not(lg_cert_names_uri(der, LG_STR("spiffe://a.example/service/x/y")));
	cr_assert_not(lg_cert_names_uri(der, LG_STR("a.example")));	/* a DNS name */
	cr_assert_not(lg_cert_names_uri(der, LG_STR("c")));		/* the common name */
	cr_assert_not(lg_cert_names_uri(der, LG_STR("")));
}

Test(x509, what_is_cut_off_names_nothing_and_has_no_key)
{
	struct lg_pubkey *key = NULL;

	for (size_t n = 0; n < der.n; n++) {
		/* In memory of its own, so that a read beyond its end is seen. */
		char *copy = malloc(n + 1);

		memcpy(copy, der.p, n);
		cr_assert_not(lg_cert_names_uri((lg_str){ copy, n }, LG_STR("spiffe://a.example/service/x")), "%zu", n);
		cr_assert_neq(lg_pubkey_from_cert(&cx, (lg_str){ copy, n }, &key), LG_OK, "%zu", n);
		free(copy);
	}
	cr_assert_eq(lg_pubkey_from_cert(&cx, der, &key), LG_OK);
	lg_pubkey_unref(&key);
}
