/* Clients as JSON: what is accepted is within its bounds, and reads the same after it was written. */
#include <stdlib.h>

#include "sts/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_client(struct lg_buf *b, const struct lg_sts_client *c)
{
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_sts_client_write(&w, c);
}

static void
check(struct lg_ctx *cx, const struct lg_sts_client *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf one = LG_BUF(1u << 20), two = LG_BUF(1u << 20);
	struct lg_sts_client again;

	for (size_t i = 0; i < c->nredirects; i++)
		if (sts_redirect_origin(c->redirects[i]).n == 0 || !sts_redirect_matches(c->redirects[i], c->redirects[i]))
			abort();
	write_client(&one, c);
	if (one.full || lg_sts_client_read(cx, lg_buf_view(&one), NULL, &again) != LG_OK)
		abort();
	write_client(&two, &again);
	if (!lg_str_eq(lg_buf_view(&one), lg_buf_view(&two)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_sts_client c;
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	if (lg_sts_client_read(&cx, (lg_str){ (const char *)data, size }, NULL, &c) == LG_OK)
		check(&cx, &c);
	lg_arena_free(&arena);
	return 0;
}
