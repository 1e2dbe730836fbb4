/*
 * spiffe.h: the SPIFFE Workload API: programs in containers ask on a socket who they are (SPIFFE_Workload_API.md).
 *
 * Anybody may connect; who it is, the kernel says: the process at the other end (SO_PEERCRED, pinned by a pidfd) is in the cgroup of a
 * container, and the container was admitted as a workload.  Nothing that the caller says counts.
 */
#ifndef LG_AGENT_SPIFFE_H
#define LG_AGENT_SPIFFE_H

#include "agent/door.h"
#include "agent/svid.h"

#define LG_SPIFFE_CONNECTIONS	256		/* of all callers */
#define LG_SPIFFE_OF_ONE	16		/* of one container */
#define LG_SPIFFE_TOKENS	20		/* that one container gets at once; then one more each: */
#define LG_SPIFFE_TOKEN_EVERY	(INT64_C(1000000) / 4)	/* microseconds */
#define LG_SPIFFE_IDLE		(60 * INT64_C(1000000))	/* microseconds without a call, after which a connection is closed */

struct lg_spiffe;

/* socket: absolute; its folder is what containers see.  svids and door must outlive it. */
LG_CHECKED lg_err lg_spiffe_open(struct lg_ctx *cx, const char *socket, struct lg_svids *svids, struct lg_door *door, struct lg_spiffe **ret);
void lg_spiffe_close(struct lg_spiffe **s, bool keep);	/* as lg_listener_close; safe on NULL */

#endif
