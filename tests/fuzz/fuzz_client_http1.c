/* fuzz_client_http1.c: a head that is accepted is framed in one way; a body ends at the same octet however it comes in pieces. */
#include <stdlib.h>

#include "client/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
body_end(const struct lg_head *h, lg_str text, size_t step, bool *bad)
{
	struct lg_body b = lg_body_of(h);
	size_t at = 0, n = 1;

	while (!b.done && at < text.n && n > 0) {
		n = lg_body_take(&b, lg_str_sub(text, at, step), NULL);
		at += n;
	}
	*bad = b.bad;
	return at;
}

static void
check(const struct lg_head *h, lg_str rest, int64_t least)
{
	bool whole, pieces;

	if (h->length < least || (h->chunked && h->length != 0) || h->n > LG_HEAD_FIELDS)
		abort();
	if (h->length >= 0 && (body_end(h, rest, rest.n, &whole) != body_end(h, rest, 1, &pieces) || whole != pieces))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lg_str text = { (const char *)data, size };
	size_t head = lg_head_size(text);
	struct lg_head h;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (head > 0 && lg_head_parse(&cx, lg_str_sub(text, 0, head), &h) == LG_OK)
		check(&h, lg_str_sub(text, head, size), 0);
	if (head > 0 && lg_head_parse_answer(&cx, lg_str_sub(text, 0, head), &h) == LG_OK)
		check(&h, lg_str_sub(text, head, size), -1);
	lg_arena_free(&cx.arena);
	return 0;
}
