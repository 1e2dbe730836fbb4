/* Bodies of ACME requests: flattened JSON becomes a compact JWS of three parts within the limit, and its header is told apart, or it is
 * refused; nothing of it is verified here. */
#include <stdlib.h>

#include "certs/acme.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_acme_head h = { .jwk = false };
	lg_str token, part, rest, raw;
	lg_uuid id;
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	if (lg_acme_compact(&cx, (lg_str){ (const char *)data, size }, &token) != LG_OK)
		return 0;
	if (token.n > LG_TOKEN_MAX + 2 || !lg_str_cut(token, '.', &part, &rest) || !lg_str_cut(rest, '.', &part, &rest))
		abort();
	if (lg_acme_peek(&cx, token, &h) != LG_OK)
		return 0;
	if (lg_acme_address(h.kid, &raw, a) == LG_OK && raw.n != 4 && raw.n != 16)
		abort();
	(void)lg_acme_id_parse(a, h.kid, &id);
	return 0;
}
