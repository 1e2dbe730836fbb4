/* process.h: which process a number means. */
#ifndef LG_BASE_PROCESS_H
#define LG_BASE_PROCESS_H

#include "lightgate/base.h"

/* When the process started, in clock ticks since boot (proc(5), field 22 of /proc/PID/stat): a number that comes again has another.
 * -1 when there is none. */
int64_t lg_process_started(struct lg_ctx *cx, int64_t pid);

#endif
