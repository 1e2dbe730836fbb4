#include "tests/server/reads.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "directory/access.h"

enum { TENANT = 1, RESET = 500 };

unsigned
reads_permitted(struct lg_directory *dir, struct lg_store *st, const struct lg_actor *actor, const char *attribute,
    struct lg_memo *memo, unsigned n)
{
	const struct lg_attr *at = lg_attr_find(lg_str_of(attribute));
	struct lg_arena *arena = lg_arena_new();
	struct lg_view *v = NULL;
	unsigned permits = 0;
	struct lg_ctx cx;

	cr_assert_not_null(at, "%s", attribute);
	lg_ctx_init(&cx, arena);
	cx.actor = actor;
	cr_assert_eq(lg_view_begin(&cx, st, &v), LG_OK, "%s", cx.error);
	struct lg_access ac = lg_access_of(dir, &cx, v, TENANT, memo);
	for (unsigned i = 0; i < n; i++) {
		struct lg_entry e = { .type = LG_TYPE_USER, .tenant = TENANT, .uuid = { { 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } } };
		char dn[64];

		snprintf(dn, sizeof dn, "uid=u%u,ou=people,dc=example,dc=org", i);
		permits += lg_may(&ac, LG_RIGHT_READ, &e, lg_str_of(dn), at);
		if (i % RESET == RESET - 1)
			lg_arena_reset(arena);
	}
	lg_view_end(&v);
	lg_arena_free(&arena);
	return permits;
}
