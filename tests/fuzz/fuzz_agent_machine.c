/* fuzz_agent_machine.c: whatever stands in a domain's XML: what is accepted has an id and facts; nothing runs away. */
#include <stdlib.h>

#include "agent/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lg_buf b = LG_BUF(2 * LG_OCI_MAX);
	struct lg_oci oci;
	struct lg_ctx cx;
	lg_uuid uuid;
	lg_str id;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_machine_parse(&cx, (lg_str){ (const char *)data, size }, &id, &oci) == LG_OK) {
		lg_oci_facts(&oci, &b);
		if (!lg_uuid_parse(id, &uuid) || b.full)
			abort();
	}
	lg_buf_free(&b);
	lg_arena_free(&cx.arena);
	return 0;
}
