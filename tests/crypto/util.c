#include "tests/crypto/util.h"

#include "base/text.h"

void
fixture_init(struct fixture *f)
{
	f->arena = lg_arena_new();
	lg_ctx_init(&f->cx, f->arena);
}

void
fixture_end(struct fixture *f)
{
	lg_arena_free(&f->arena);
}

lg_str
unhex(struct lg_ctx *cx, const char *hex)
{
	lg_str ret;

	cr_assert(lg_hex_parse(cx->arena, lg_str_of(hex), &ret));
	return ret;
}

lg_str
un64(struct lg_ctx *cx, const char *base64url)
{
	lg_str ret;

	cr_assert(lg_base64url_parse(cx->arena, lg_str_of(base64url), &ret));
	return ret;
}
