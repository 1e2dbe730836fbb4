/* test_spiffe_bundles.c: bundles of other trust domains, taken apart for the Workload API. */
#include <criterion/criterion.h>

#include "agent/spiffe/bundles.h"
#include "base/text.h"

static lg_err
take(struct lg_ctx *cx, const char *json, struct lg_spiffe_bundle ret[LG_SPIFFE_DOMAINS], size_t *n)
{
	struct lg_svid s = { .federated = lg_str_of(json) };

	return lg_spiffe_bundles(cx, &s, ret, n);
}

Test(spiffe_bundles, roots_and_token_keys_are_told_apart)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_spiffe_bundle b[LG_SPIFFE_DOMAINS];
	struct lg_ctx cx;
	size_t n;

	lg_ctx_init(&cx, a);
	cr_assert_eq(take(&cx, "{\"a.example\":{\"spiffe_sequence\":1,\"keys\":[{\"use\":\"x509-svid\",\"kty\":\"EC\",\"x5c\":[\"AQI=\"]},"
	    "{\"use\":\"jwt-svid\",\"kid\":\"k\",\"kty\":\"EC\"},{\"use\":\"x509-svid\",\"x5c\":[\"Aw==\"]},{\"use\":\"other\"}]},"
	    "\"b.example\":{\"keys\":[]}}", b, &n), LG_OK, "%s", cx.error);
	cr_assert_eq(n, 2);
	cr_assert(lg_str_eq(b[0].id, LG_STR("spiffe://a.example")));
	cr_assert(lg_str_eq(b[0].roots, LG_STR("\1\2\3")));
	cr_assert(lg_str_eq(b[0].token_keys, LG_STR("{\"keys\":[{\"kid\":\"k\",\"kty\":\"EC\"}]}")), "%.*s", LG_FMT(b[0].token_keys));
	cr_assert_eq(b[1].roots.n, 0);
	cr_assert_eq(take(&cx, "", b, &n), LG_OK);
	cr_assert_eq(n, 0, "not known yet");
}

Test(spiffe_bundles, what_is_no_bundle_fails)
{
	static const char *const bad[] = { "[]", "{\"a\":1}", "{\"a\":{\"keys\":{}}}", "{\"a\":{\"keys\":[{\"use\":\"x509-svid\",\"x5c\":[\"%\"]}]}}",
		"{\"a\":{\"keys\":[1]}}", "{\"a\":{\"keys\":[]}" };
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_spiffe_bundle b[LG_SPIFFE_DOMAINS];
	struct lg_ctx cx;
	size_t n;

	lg_ctx_init(&cx, a);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_neq(take(&cx, bad[i], b, &n), LG_OK, "%s", bad[i]);
}

Test(spiffe_bundles, there_are_at_most_so_many)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_spiffe_bundle ret[LG_SPIFFE_DOMAINS];
	struct lg_ctx cx;
	size_t n;

	lg_ctx_init(&cx, a);
	for (int i = 0; i <= LG_SPIFFE_DOMAINS; i++)
		lg_buf_printf(&b, "%s\"d%d.example\":{\"keys\":[]}", i == 0 ? "{" : ",", i);
	lg_buf_byte(&b, '}');
	lg_buf_byte(&b, '\0');
	cr_assert_eq(take(&cx, b.p, ret, &n), LG_E_LIMIT);
}
