/* Settings of webhooks: what is accepted is an https URL within its size, events that are known, and a time only where it is used. */
#include <stdlib.h>

#include "certs/hook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_http ex = { .body = { (const char *)data, size } };
	struct lg_hook h = { .name = LG_STR("x") };
	struct lg_ctx cx;

	lg_ctx_init(&cx, a);
	ex.cx = &cx;
	if (lg_hook_read(&ex, &h) != LG_OK)
		return 0;
	if (!lg_str_starts(h.url, LG_STR("https://")) || h.url.n > LG_WEB_URL || h.ca.n > LG_HOOK_CA)
		abort();
	if (h.events == 0 || h.events > (LG_HOOK_ISSUED | LG_HOOK_REVOKED | LG_HOOK_EXPIRING))
		abort();
	if (h.before < 0 || h.before > LG_HOOK_BEFORE * 1000000 || ((h.events & LG_HOOK_EXPIRING) != 0) != (h.before > 0))
		abort();
	return 0;
}
