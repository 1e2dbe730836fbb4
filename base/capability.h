/* capability.h: Linux capabilities (capabilities(7)), as what they let a container do. */
#ifndef LG_BASE_CAPABILITY_H
#define LG_BASE_CAPABILITY_H

#include "lightgate/base.h"

/* "sys_admin", "SYS_ADMIN" and "CAP_SYS_ADMIN", which engines take for the same: the last; in the arena. */
lg_str lg_capability_name(struct lg_arena *a, lg_str name);

bool lg_capability_owns_host(lg_str name);	/* "CAP_SYS_ADMIN": with it the container's root is the host's */

#endif
