#include <criterion/criterion.h>

#include "base/file.h"
#include "sts/cbor.h"
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

Test(webauthn, an_item_of_cbor_holds_what_it_claims)
{
	static const struct { lg_str text; size_t used; } good[] = {
		{ LG_STR("\x00"), 1 }, { LG_STR("\x18\xff"), 2 }, { LG_STR("\x43" "abc" "x"), 4 }, { LG_STR("\x80\x00"), 1 },
		{ LG_STR("\x82\x01\x81\x02\x03"), 4 }, { LG_STR("\xa1\x61" "a" "\xa0"), 4 }, { LG_STR("\xc1\x1a\x00\x00\x00\x01"), 6 },
		{ LG_STR("\xfb\x00\x00\x00\x00\x00\x00\x00\x00"), 9 }, { LG_STR("\x9b\x00\x00\x00\x00\x00\x00\x00\x01\xf6"), 10 },
	};
	static const lg_str bad[] = {
		LG_STR(""), LG_STR("\x18"), LG_STR("\x43" "ab"), LG_STR("\x81"), LG_STR("\x82\x00"), LG_STR("\xa1\x00"), LG_STR("\xa2\x00\x00\x00"),
		LG_STR("\xc1"), LG_STR("\x1c"), LG_STR("\x9f\xff"), LG_STR("\xbf\xff"), LG_STR("\x5f\xff"),
		LG_STR("\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), LG_STR("\xbb\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		LG_STR("\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
	};

	for (size_t i = 0; i < LG_COUNT(good); i++) {
		lg_str rest = good[i].text;
		cr_assert(sts_cbor_item(&rest), "good %zu", i);
		cr_assert_eq(good[i].text.n - rest.n, good[i].used, "good %zu", i);
	}
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		lg_str rest = bad[i];
		cr_assert(!sts_cbor_item(&rest) && rest.n == bad[i].n, "bad %zu", i);
	}
}

/* A map of 2^40 pairs: libcbor would ask for 16 TiB. */
#define HUGE_MAP LG_STR("\xbb\x00\x00\x01\x00\x00\x00\x00\x00")

Test(webauthn, what_claims_more_than_it_holds_takes_no_memory)
{
	struct lg_arena *a = lg_arena_new();
	struct sts_passkey key = { .alg = -7, .key = { (const char[64]){ 4, 1 }, 64 } };
	struct lg_ctx cx;
	uint32_t count;
	bool verified;

	lg_ctx_init(&cx, a);
	cr_assert_eq(create(&cx, "id.example", HUGE_MAP, &key), LG_E_UNAUTHENTICATED);
	lg_sha256 site = lg_sha256_of(LG_STR("id.example"));
	lg_str head = lg_cat(a, (lg_str){ (const char *)site.b, sizeof site.b }, LG_STR("\x81\x00\x00\x00\x01"));	/* somebody was there; extensions */
	cr_assert_eq(sts_webauthn_get(&cx, LG_STR("id.example"), LG_STR("{}"), lg_cat(a, head, HUGE_MAP), LG_STR("x"), &key, &count, &verified),
	    LG_E_UNAUTHENTICATED);
	/* in the key of an attestation, or behind it: its statement is empty, its data are all that is left */
	for (int behind = 0; behind < 2; behind++) {
		lg_str flags = behind ? LG_STR("\xc1\x00\x00\x00\x01") : LG_STR("\x41\x00\x00\x00\x01");
		lg_str data = lg_cat(a, lg_cat(a, (lg_str){ (const char *)site.b, sizeof site.b }, flags), (lg_str){ (const char[19]){ [17] = 1 }, 19 });
		data = lg_cat(a, data, behind ? LG_STR("\xa0") : LG_NONE);
		data = lg_cat(a, data, HUGE_MAP);
		lg_str at = lg_print(a, "\xa3\x63" "fmt" "\x64" "none" "\x67" "attStmt" "\xa0\x68" "authData" "\x58%c", (int)data.n);
		cr_assert_eq(create(&cx, "id.example", lg_cat(a, at, data), &key), LG_E_UNAUTHENTICATED);
		cr_assert(strstr(cx.error, "data are malformed") != NULL, "%s", cx.error);
	}
	lg_arena_free(&a);
}
