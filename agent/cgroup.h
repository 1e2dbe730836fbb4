/* cgroup.h: the place of a process in the kernel's cgroup hierarchies: what tells which container it is in, whatever it says itself. */
#ifndef LG_AGENT_CGROUP_H
#define LG_AGENT_CGROUP_H

#include <sys/types.h>

#include "lightgate/base.h"

#define LG_CGROUP_PATH	512		/* octets of one that is taken */

/*
 * "<controllers>:<path>" of the first hierarchy in which the process is apart from us: not where we are, nor above.  LG_E_DENIED: it is apart in
 * none; LG_E_NOT_FOUND: there is no such process.
 */
LG_CHECKED lg_err lg_cgroup_apart(struct lg_ctx *cx, pid_t pid, lg_str *ret);
/* As /proc/<pid>/cgroup (cgroups(7)); in cx's arena. */
LG_CHECKED lg_err lg_cgroup_text(struct lg_ctx *cx, pid_t pid, lg_str *ret);
/* Does the text (lg_cgroup_text's) say that its process is in this place, or below it? */
bool lg_cgroup_within(lg_str text, lg_str place);

#endif
