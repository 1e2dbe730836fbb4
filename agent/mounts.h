/*
 * mounts.h: what was bind-mounted, not what a path led to a moment before or after.
 *
 * Runtimes mount before they ask their hooks, and a source below a folder that another container can write may be a
 * link that it turns about.  So each source is opened, judged by where it really is, and compared with what the
 * container's mount namespace shows at the destination.
 */
#ifndef LG_AGENT_MOUNTS_H
#define LG_AGENT_MOUNTS_H

#include <sys/types.h>

#include "agent/oci.h"

/*
 * pid: of the container's first process, stopped before it changes its root.  Marks the mount as sensitive when a source is;
 * LG_E_DENIED when something else is mounted than its source, or it cannot be told.
 */
LG_CHECKED lg_err lg_mounts_check(struct lg_ctx *cx, pid_t pid, struct lg_oci *oci);

#endif
