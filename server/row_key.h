/* row_key.h: keys of this folder's rows: the tenant first (big endian), then what distinguishes them within it. */
#ifndef LG_SERVER_ROW_KEY_H
#define LG_SERVER_ROW_KEY_H

#include "lightgate/base.h"

/* In the arena; x and y as they are, one behind the other. */
lg_str lg_row_key(struct lg_arena *a, uint32_t tenant, lg_str x, lg_str y);
static inline lg_str
lg_uuid_octets(const lg_uuid *id)
{
	return (lg_str){ (const char *)id->b, sizeof id->b };
}

#endif
