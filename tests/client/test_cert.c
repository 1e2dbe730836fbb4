/* test_cert.c: a certificate is believed if it is for our key and leads to our root. */
#include "client/cert.h"

#include "base/text.h"
#include "tests/client/pem.h"
#include "tests/base/base_test.h"

static lg_str
der(struct lg_ctx *cx, const char *pem)
{
	lg_str d;

	cr_assert(lg_pem_parse(cx->arena, lg_str_of(pem), LG_STR("CERTIFICATE"), &d, NULL));
	return d;
}

Test(cert, our_key_and_our_root)
{
	TEST_CTX(cx);
	LG_AUTO(lg_key_free) struct lg_key *key = NULL, *other = NULL;
	struct lg_cert c;

	cr_assert_eq(lg_key_from_pem(cx, LG_STR(TEST_KEY), &key), LG_OK, "%s", cx->error);
	cr_assert_eq(lg_key_generate(cx, LG_KEY_P256, &other), LG_OK);
	const struct lg_pubkey *pub = lg_key_public(key);
	cr_assert_eq(lg_cert_check(cx, LG_STR(TEST_CERT), LG_NONE, der(cx, TEST_ROOT), pub, &c), LG_OK, "%s", cx->error);
	cr_assert(c.not_after > c.not_before);
	cr_assert_eq(lg_cert_check(cx, LG_STR(TEST_CERT), LG_STR(TEST_ROOT), der(cx, TEST_ROOT), pub, &c), LG_OK);
	cr_assert_eq(lg_cert_check(cx, LG_STR(TEST_CERT), LG_NONE, der(cx, TEST_ROOT), lg_key_public(other), &c), LG_E_INVALID);
	cr_assert_eq(lg_cert_check(cx, LG_STR(TEST_CERT), LG_STR(TEST_CERT), der(cx, TEST_ROOT), pub, &c), LG_E_INVALID);
	cr_assert_eq(lg_cert_check(cx, LG_STR(TEST_CERT), LG_NONE, der(cx, TEST_CERT), pub, &c), LG_E_INVALID);
	cr_assert_eq(lg_cert_check(cx, LG_STR("no"), LG_NONE, der(cx, TEST_ROOT), pub, &c), LG_E_INVALID);
}

Test(cert, no_cut_or_changed_octet_crashes_or_verifies)
{
	TEST_CTX(cx);
	lg_str whole = lg_dup(cx->arena, der(cx, TEST_CERT));
	struct lg_cert c, root;

	cr_assert_eq(lg_cert_parse(cx, der(cx, TEST_ROOT), &root), LG_OK);
	for (size_t n = 0; n < whole.n; n++)
		cr_assert_eq(lg_cert_parse(cx, lg_str_sub(whole, 0, n), &c), LG_E_INVALID);
	for (size_t i = 0; i < whole.n; i += 3) {
		char *p = (char *)(uintptr_t)lg_dup(cx->arena, whole).p;
		p[i] ^= 1;
		if (lg_cert_parse(cx, (lg_str){ p, whole.n }, &c) == LG_OK && lg_str_eq(c.tbs, LG_NONE))
			cr_assert_fail("an empty certificate");
	}
	cr_assert_eq(lg_cert_parse(cx, whole, &c), LG_OK);
	cr_assert(lg_cert_signed_by(cx, &c, &root));
	cr_assert_not(lg_cert_signed_by(cx, &root, &c));
}
