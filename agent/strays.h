/*
 * strays.h: what runs on this host, beside what was admitted to it.
 *
 * Every few seconds the agent reads the state folders of the OCI runtimes.  A container that runs without an admission has got round
 * the door: it is reported, and killed where that is wanted.  An admission whose container does not exist any more is ended:
 * the runtime's own word (poststop) says only that it stopped, which an engine does between two starts of one container.
 */
#ifndef LG_AGENT_STRAYS_H
#define LG_AGENT_STRAYS_H

#include "agent/oci.h"
#include "agent/records.h"

#define LG_STRAYS_EVERY		(5 * INT64_C(1000000))	/* microseconds between two sweeps, at most */
#define LG_STRAYS_ROOTS		8	/* state folders beside the usual ones */
#define LG_STRAYS_CONTAINERS	4096	/* containers looked at in one sweep */

struct lg_running {
	lg_str id;
	int64_t pid;			/* of its first process, which lives */
};

/* extra: further state folders, ended by NULL.  `each` hears of every running container once. */
void lg_running_each(struct lg_ctx *cx, const char *const *extra, void (*each)(void *arg, const struct lg_running *r), void *arg);
/* Does any runtime still keep a state for it, running or not? */
bool lg_running_known(struct lg_ctx *cx, const char *const *extra, lg_str id);
/* A path that is there for as long as the engine keeps the container: where its files are mounted from, or its root. */
lg_str lg_running_home(struct lg_ctx *cx, const struct lg_oci *oci, lg_str id);
/* Kills the first process, and with it the container, if it is still the one that was looked at. */
void lg_running_kill(const struct lg_running *r);

#endif
