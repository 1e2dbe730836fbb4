/* tenant.h: rows of the tenant table. */
#ifndef LG_DIRECTORY_TENANT_H
#define LG_DIRECTORY_TENANT_H

#include "directory/schema.h"

#define LG_SUFFIX_MAX	240		/* octets of a suffix and of its normal form, which is a key */

struct lg_tenant_row {
	lg_str name, suffix, normal;
	lg_uuid uuid;
	uint64_t entry;			/* id of the suffix entry */
};

bool lg_tenant_decode(lg_str value, struct lg_tenant_row *ret);
LG_CHECKED lg_err lg_tenant_row(struct lg_ctx *cx, struct lg_view *v, uint32_t id, struct lg_tenant_row *ret);

#endif
