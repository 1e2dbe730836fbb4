/* row_key.c: see row_key.h. */
#include "server/row_key.h"

lg_str
lg_row_key(struct lg_arena *a, uint32_t tenant, lg_str x, lg_str y)
{
	uint32_t t = __builtin_bswap32(tenant);

	return lg_cat(a, (lg_str){ (const char *)&t, sizeof t }, lg_cat(a, x, y));
}
