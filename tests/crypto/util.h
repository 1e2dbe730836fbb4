/* util.h: what the tests of this folder share. */
#ifndef LG_TESTS_CRYPTO_UTIL_H
#define LG_TESTS_CRYPTO_UTIL_H

#include "lightgate/crypto.h"

#include <criterion/criterion.h>

/* A context with an arena of its own, freed at the end of the block. */
struct fixture {
	struct lg_arena *arena;
	struct lg_ctx cx;
};
void fixture_init(struct fixture *f);
void fixture_end(struct fixture *f);
#define FIXTURE(f) LG_AUTO(fixture_end) struct fixture f; fixture_init(&f)

lg_str unhex(struct lg_ctx *cx, const char *hex);
lg_str un64(struct lg_ctx *cx, const char *base64url);

#define assert_ok(f, call) do { \
	lg_err assert_e = (call); \
	cr_assert(assert_e == LG_OK, "%s: %s (%s)", #call, lg_err_name(assert_e), (f).cx.error); \
} while (0)
#define assert_err(f, want, call) do { \
	lg_err assert_e = (call); \
	cr_assert(assert_e == (want), "%s: %s, wanted %s (%s)", #call, lg_err_name(assert_e), lg_err_name(want), (f).cx.error); \
} while (0)
#define assert_str(got, want) do { \
	lg_str assert_g = (got), assert_w = (want); \
	cr_assert(lg_str_eq(assert_g, assert_w), "\"%.*s\", wanted \"%.*s\"", LG_FMT(assert_g), LG_FMT(assert_w)); \
} while (0)

#endif
