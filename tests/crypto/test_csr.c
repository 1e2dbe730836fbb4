#include "tests/crypto/keeper_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

Test(csr, of_every_key_type_is_what_openssl_reads)
{
	FIXTURE(f);
	struct run r = { .pid = 0 };	/* only its folder is used */
	static const enum lg_key_type types[] = { LG_KEY_P256, LG_KEY_P384, LG_KEY_ED25519, LG_KEY_RSA2048 };
	static const lg_str dns[] = { LG_STR("a.example.org"), LG_STR("b.example.org") }, uri[] = { LG_STR("spiffe://d/host/h") };
	struct lg_csr_names names = { LG_STR("h\xc3\xa9"), dns, 2, uri, 1 };

	r.f = f;
	snprintf(r.dir, sizeof r.dir, "%s", getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	for (size_t i = 0; i < LG_COUNT(types); i++) {
		LG_AUTO(lg_key_free) struct lg_key *key = NULL;
		lg_str der;
		assert_ok(f, lg_key_generate(&f.cx, types[i], &key));
		assert_ok(f, lg_csr_make(&f.cx, key, &names, &der));
		const char *path = run_file(&r, "test.csr", lg_pem(f.arena, LG_STR("CERTIFICATE REQUEST"), der));
		cr_assert(run_shell(&r, "openssl req -in %s -verify -noout -text 2>&1 | tr -d '\\n' | "
		    "grep -q 'DNS:a.example.org, DNS:b.example.org, URI:spiffe://d/host/h'", path) == 0, "%zu", i);
		cr_assert(run_shell(&r, "openssl req -in %s -verify -noout >/dev/null 2>&1", path) == 0);
	}
}

Test(csr, names_with_control_characters_are_refused)
{
	FIXTURE(f);
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	static const lg_str bad[] = { LG_STR("a\nb"), LG_STR("a b"), LG_STR("\xc3\xa9"), LG_STR("a\0b") };
	lg_str der;

	assert_ok(f, lg_key_generate(&f.cx, LG_KEY_P256, &key));
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_csr_names names = { LG_NONE, &bad[i], 1, NULL, 0 };
		assert_err(f, LG_E_INVALID, lg_csr_make(&f.cx, key, &names, &der));
	}
	struct lg_csr_names none = { LG_NONE, NULL, 0, NULL, 0 };
	assert_ok(f, lg_csr_make(&f.cx, key, &none, &der));
}
