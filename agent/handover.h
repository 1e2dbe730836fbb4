/*
 * handover.h: what one run of the agent remembers for the one that takes its place (SIGHUP): parts, by their names, in a memory file that goes with
 * the sockets.  It is on no disk and in no folder.  One thread, before the others start or after they have ended.
 */
#ifndef LG_AGENT_HANDOVER_H
#define LG_AGENT_HANDOVER_H

#include "lightgate/base.h"

#define LG_HANDOVER_MAX	(2u << 20)		/* octets of all parts */
#define LG_HANDOVER_NAME 16

void lg_handover_put(const char *name, const void *part, size_t n);
/* The part, if one of that name and of just that size was handed over: another version's is none.  Each is taken once. */
bool lg_handover_take(const char *name, void *part, size_t n);
void lg_handover_end(void);		/* nothing more is taken: the rest is forgotten */
/* For the program that is started next: it inherits the file.  Nothing was put: nothing is done. */
LG_CHECKED lg_err lg_handover_send(struct lg_ctx *cx, int lowest_fd);

#endif
