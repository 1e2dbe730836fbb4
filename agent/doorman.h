/* doorman.h: the agent's socket: who may ask, in what form, and the loop that serves it. */
#ifndef LG_AGENT_DOORMAN_H
#define LG_AGENT_DOORMAN_H

#include "agent/door.h"

#define LG_DOORMAN_REQUEST	(1u << 20)	/* octets of a question: a state with its annotations */
#define LG_DOORMAN_THREADS	8
#define LG_DOORMAN_QUEUE	64		/* questions that wait; beyond, the caller is refused */

/*
 * A question is a verb, a line end and what the verb takes, ended by shutdown(2); the answer is "permit" or "deny", a line
 * end, and a text.  Only root or the agent's own user may ask, from the host's own pid and user namespaces.
 * Serves until SIGTERM or SIGINT, or SIGHUP: then *again is set, and the socket kept (lg_sockets_exec).
 */
LG_CHECKED lg_err lg_doorman_run(struct lg_ctx *cx, struct lg_door *door, const char *socket, bool *again);

/* One question on a connected socket, which stays open. */
void lg_doorman_serve(struct lg_door *door, int fd);

#endif
