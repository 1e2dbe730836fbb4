/* embedded.h: the files that the daemon carries inside: pages, default policies, schemas.  Made by scripts/embed. */
#ifndef LG_SERVER_EMBEDDED_H
#define LG_SERVER_EMBEDDED_H

#include "lightgate/base.h"

struct lg_embedded {
	const char *name;		/* as in the source tree: "conf/policies/tenant.cedar" */
	lg_str data;
};
extern const struct lg_embedded lg_embedded[];
extern const size_t lg_embedded_count;

/* NULL if there is none of that name. */
const struct lg_embedded *lg_embedded_get(const char *name);

#endif
