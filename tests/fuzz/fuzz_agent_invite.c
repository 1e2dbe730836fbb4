/* fuzz_agent_invite.c: a join token that is accepted names a server that can stand in a URL, and is sent as it came. */
#include <stdlib.h>

#include "agent/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lg_str text = { (const char *)data, size };
	struct lg_invite in;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_invite_parse(&cx, text, &in) == LG_OK &&
	    (!lg_invite_server_valid(in.server) || in.text.n > LG_INVITE_MAX || !lg_str_eq(in.text, lg_str_trim(text))))
		abort();
	lg_arena_free(&cx.arena);
	return 0;
}
