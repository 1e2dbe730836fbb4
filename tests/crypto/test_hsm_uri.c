#include "crypto/hsm/uri.h"

#include <criterion/criterion.h>

#include "tests/crypto/util.h"

Test(hsm_uri, says_token_and_key)
{
	FIXTURE(f);
	struct lg_hsm_uri u;

	assert_ok(f, lg_hsm_uri_parse(&f.cx, LG_STR("pkcs11:token=my%20ca;object=a%3Bb;id=%00%01;serial=7;type=private"), &u));
	assert_str(u.token, LG_STR("my ca"));
	assert_str(u.object, LG_STR("a;b"));
	assert_str(u.id, LG_STR("\0\x01"));
	assert_str(u.serial, LG_STR("7"));
}

Test(hsm_uri, is_printed_as_it_is_read)
{
	FIXTURE(f);
	struct lg_hsm_uri u = { .token = LG_STR("a;=%b"), .object = LG_STR("o"), .id = LG_STR("\xff\0") }, again;

	assert_ok(f, lg_hsm_uri_parse(&f.cx, lg_hsm_uri_print(f.arena, &u), &again));
	assert_str(again.token, u.token);
	assert_str(again.object, u.object);
	assert_str(again.id, u.id);
	cr_assert_eq(again.serial.n, 0);
}

Test(hsm_uri, what_cannot_name_a_key_is_refused)
{
	static const char *const bad[] = {
		"", "pkcs11", "pkcs11:", "pkcs11:token=a", "pkcs11:object=o", "pkcs11:token=;object=o", "pkcs11:token=a;object", "PKCS11:token=a;object=o",
		"pkcs11:token=a;token=b;object=o", "pkcs11:token=a;object=o;type=public", "pkcs11:token=a;object=o;slot-id=1",
		"pkcs11:token=a;object=o?pin-value=1", "pkcs11:token=a;object=o?module-path=/x.so", "pkcs11:token=a;object=%4",
		"pkcs11:token=012345678901234567890123456789012;object=o", "http://token=a;object=o",
	};
	FIXTURE(f);
	struct lg_hsm_uri u;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_hsm_uri_parse(&f.cx, lg_str_of(bad[i]), &u), LG_E_INVALID, "%s", bad[i]);
	char *longest = memset(lg_alloc(f.arena, LG_HSM_URI_MAX + 1), ';', LG_HSM_URI_MAX + 1);
	memcpy(longest, "pkcs11:", 7);
	cr_assert_eq(lg_hsm_uri_parse(&f.cx, (lg_str){ longest, LG_HSM_URI_MAX + 1 }, &u), LG_E_INVALID);
}
