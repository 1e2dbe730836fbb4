/* fuzz_client_cert.c: whatever a client shows is taken apart without a crash, and what was read lies within it. */
#include <stdlib.h>

#include "client/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_within(lg_str whole, lg_str part)
{
	if (part.n > 0 && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lg_str der = { (const char *)data, size };
	struct lg_cert_name name;
	struct lg_cert c;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_cert_parse(&cx, der, &c) == LG_OK) {
		check_within(der, c.tbs);
		check_within(der, c.spki);
		check_within(der, c.serial);
		check_within(der, c.uri);
		if (c.nuri != 1 && c.uri.n > 0)
			abort();
		if (lg_cert_name_parse(c.uri, &name))
			check_within(der, name.name);
	}
	(void)lg_cert_name_parse(der, &name);
	lg_arena_free(&cx.arena);
	return 0;
}
