/*
 * gate.h: the way between containers on this host, guarded in the kernel.
 *
 * A thread of its own knows which address is which admitted container, compiles what the bundle's policies say of their connections into
 * a table of the packet filter, replaces it in one transaction when either changes, and ends the flows that are not allowed any more.
 * What the time decides goes to a queue, where each first packet is decided, and the answer kept for a few seconds.  Everything the
 * table lets through depends on an element that ends with the bundle's freshness: the kernel closes by itself when nobody confirms.
 */
#ifndef LG_AGENT_GATE_H
#define LG_AGENT_GATE_H

#include "agent/svid.h"

#define LG_GATE_QUEUE		27207		/* of packets: the first of as many as there are processors */
#define LG_GATE_LEARNED_FOR	10		/* seconds that the queue's permit is kept */

struct lg_gate;

struct lg_gate_settings {
	const char *state;		/* the agent's folder */
	lg_str ranges;			/* "10.77.0.0/16,fd77::/64": addresses that only admitted containers may have */
	struct lg_tally *tally;		/* of what it decides and refuses */
	struct lg_svids *svids;		/* whose certificate is revoked is nobody; NULL: they have none */
	bool stale_open;		/* let through what was allowed when nobody confirms it any more */
};

/* Installs the table, closed, and starts the thread.  The settings' strings are kept; before lg_bundles_start. */
LG_CHECKED lg_err lg_gate_open(struct lg_ctx *cx, const struct lg_gate_settings *s, struct lg_bundles *bundles, struct lg_gate **ret);
/* The threads end, the table stays: the kernel guards on, and closes when its time is over.  Safe on NULL. */
void lg_gate_stop(struct lg_gate *g);
void lg_gate_free(struct lg_gate **g);	/* after lg_gate_stop, and when the bundles tell nobody any more; safe on NULL */
/* Takes the table away, which opens the way.  For a host that leaves. */
LG_CHECKED lg_err lg_gate_remove(struct lg_ctx *cx);

/* A container was admitted; its process has its network now or will have it soon.  On any thread. */
void lg_gate_started(struct lg_gate *g, lg_str container, lg_str workload, pid_t pid);
void lg_gate_ended(struct lg_gate *g, lg_str container);
/* What the service is to know of this host's addresses, when that is not *version any more (0 at first).  On any thread. */
bool lg_gate_whereabouts_since(struct lg_gate *g, struct lg_arena *a, uint64_t *version, lg_str *ret);

#endif
