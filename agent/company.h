/*
 * company.h: who else lives in the namespaces that a container was made to join.  A pod's containers share theirs, and an engine may make one
 * before its container: neither is a way into somebody else's.
 */
#ifndef LG_AGENT_COMPANY_H
#define LG_AGENT_COMPANY_H

#include "agent/door.h"
#include "agent/oci.h"

#define LG_COMPANY_MAX	256		/* containers of one workload on one host that are told apart from strangers */

/*
 * joined: bits of enum lg_namespace.  False only when each is a network, IPC, host name or process namespace in which, but for the process itself,
 * nobody lives, or nobody but containers that were admitted here as the same workload.
 */
bool lg_company_is_strange(struct lg_ctx *cx, pid_t pid, unsigned joined, struct lg_door *door, lg_str workload);

#endif
