/* base_test.h: what the tests of base/ share: a context with an arena, and comparing slices. */
#ifndef LG_TESTS_BASE_H
#define LG_TESTS_BASE_H

#include <criterion/criterion.h>

#include "lightgate/base.h"

/* A fresh context for one test; test_end gives its memory back. */
static inline struct lg_ctx *
test_begin(struct lg_ctx *cx)
{
	lg_ctx_init(cx, lg_arena_new());
	return cx;
}

static inline void
test_end(struct lg_ctx *cx)
{
	lg_arena_free(&cx->arena);
}

/* Declares `cx`, released at the end of the scope. */
#define TEST_CTX(cx) \
	LG_AUTO(test_end) struct lg_ctx cx##_storage; \
	struct lg_ctx *cx = test_begin(&cx##_storage)

#define assert_str(got, want) \
	do { \
		lg_str got_ = (got); \
		lg_str want_ = lg_str_of(want); \
		cr_assert(lg_str_eq(got_, want_), "%s: got \"%.*s\", want \"%.*s\"", #got, \
		    LG_FMT(got_), LG_FMT(want_)); \
	} while (0)

#endif
