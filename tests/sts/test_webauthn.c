#include <criterion/criterion.h>

#include "base/file.h"
#include "sts/webauthn.h"

/* The seeds of tests/fuzz: an octet, then what a browser brings. */
static lg_str
seed(struct lg_ctx *cx, const char *path)
{
	lg_str text;

	cr_assert_eq(lg_file_read(cx, path, 1u << 16, &text), LG_OK, "%s", cx->error);
	return lg_str_sub(text, 1, text.n);
}

static lg_err
create(struct lg_ctx *cx, const char *rp, lg_str attestation, struct sts_passkey *key)
{
	bool verified;

	return sts_webauthn_create(cx, lg_str_of(rp), LG_STR("{}"), attestation, key, &verified);
}

Test(webauthn, an_attestation_is_of_one_site_and_whole)
{
	struct lg_arena *a = lg_arena_new();
	struct sts_passkey key;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	lg_str none = seed(&cx, "tests/fuzz/seeds/sts_webauthn/attestation"), packed = seed(&cx, "tests/fuzz/seeds/sts_webauthn/packed");
	cr_assert_eq(create(&cx, "id.example", none, &key), LG_OK, "%s", cx.error);
	cr_assert(key.alg == -7 && key.credential.n == 16 && key.key.n == 64 && !key.synced);
	cr_assert_eq(create(&cx, "evil.example", none, &key), LG_E_UNAUTHENTICATED);
	cr_assert_eq(create(&cx, "id.example", packed, &key), LG_E_UNAUTHENTICATED);	/* its signature is none */
	for (size_t n = 0; n < none.n; n++)
		cr_assert_neq(create(&cx, "id.example", lg_str_sub(none, 0, n), &key), LG_OK, "%zu octets", n);
	lg_arena_free(&a);
}

Test(webauthn, client_data_is_for_one_page_and_no_frame)
{
	static const char *const bad[] = {
		"{\"type\":\"webauthn.create\",\"challenge\":\"YWJj\",\"origin\":\"https://id.example\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"YWJj\",\"origin\":\"https://id.example.evil.example\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"YWJj\",\"origin\":\"http://id.example\"}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"YWJj\",\"origin\":\"https://id.example\",\"crossOrigin\":true}",
		"{\"type\":\"webauthn.get\",\"challenge\":\"YWJ=\",\"origin\":\"https://id.example\"}",
		"{\"type\":\"webauthn.get\",\"type\":\"webauthn.get\",\"challenge\":\"YWJj\",\"origin\":\"https://id.example\"}",
		"", "[]",
	};
	struct lg_arena *a = lg_arena_new();
	lg_str challenge;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	cr_assert_eq(sts_client_data_read(&cx, seed(&cx, "tests/fuzz/seeds/sts_webauthn/client"), "webauthn.get", LG_STR("https://id.example"),
	    &challenge), LG_OK, "%s", cx.error);
	cr_assert(lg_str_eq(challenge, LG_STR("abc")));
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_neq(sts_client_data_read(&cx, lg_str_of(bad[i]), "webauthn.get", LG_STR("https://id.example"), &challenge), LG_OK, "%zu", i);
	lg_arena_free(&a);
}
