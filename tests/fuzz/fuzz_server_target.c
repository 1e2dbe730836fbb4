/* A target that parses has a path that begins with '/', without dots, and parses to itself. */
#include <stdlib.h>

#include "server/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct lg_target *t)
{
	if (t->path.n == 0 || t->path.p[0] != '/' || t->slash > t->path.n || t->tenant.n > LG_TENANT_NAME)
		abort();
	if (memmem(t->path.p, t->path.n, "/../", 4) != NULL || memchr(t->path.p, '\0', t->path.n) != NULL)
		abort();
	if (t->slash == t->path.n && memmem(t->path.p, t->path.n, "//", 2) != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_target t;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_target_parse(&cx, (lg_str){ (const char *)data, size }, &t) == LG_OK)
		check(&t);
	lg_arena_free(&a);
	return 0;
}
