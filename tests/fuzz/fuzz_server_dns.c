/* Replies of DNS servers: never a crash, never more records than asked for, addresses of their size. */
#include <stdlib.h>

#include "server/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum lg_dns_type types[] = { LG_DNS_A, LG_DNS_TXT, LG_DNS_AAAA, LG_DNS_CAA };
	LG_AUTO(lg_arena_free) struct lg_arena *a = lg_arena_new();
	struct lg_ctx cx;

	if (size < 19)			/* the query has the reply's first octets: its id, and a question of one letter */
		return 0;
	lg_ctx_init(&cx, a);
	for (size_t t = 0; t < LG_COUNT(types); t++) {
		lg_str got[4];
		size_t n = 0;

		if (lg_dns_parse(&cx, (lg_str){ (const char *)data, size }, (lg_str){ (const char *)data, 19 }, types[t], 4, got, &n) != LG_OK)
			continue;
		if (n == 0 || n > 4 || (types[t] == LG_DNS_A && got[0].n != 4) || (types[t] == LG_DNS_AAAA && got[0].n != 16))
			abort();
	}
	return 0;
}
