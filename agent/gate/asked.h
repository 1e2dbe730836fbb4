/* asked.h: first packets on which the time or the context decides: asked of the host's bundle, and the permit kept in the kernel. */
#ifndef LG_AGENT_GATE_ASKED_H
#define LG_AGENT_GATE_ASKED_H

#include "agent/gate/batch.h"
#include "agent/gate/queue.h"
#include "agent/gate/table.h"
#include "agent/gate/trail.h"

struct lg_asked;

unsigned lg_asked_queues(void);			/* how many queues it reads: one a processor, up to LG_QUEUES_MAX */
/* From `queue` on.  Nothing passes before it has a table. */
LG_CHECKED lg_err lg_asked_open(struct lg_ctx *cx, uint16_t queue, struct lg_trail *trail, struct lg_asked **ret);
void lg_asked_stop(struct lg_asked *a);		/* its threads end; safe on NULL */
void lg_asked_close(struct lg_asked **a);	/* safe on NULL */
/* In force from now on, until another is; the table stays the caller's.  When it returns the kernel has all answers by the one before, and has
 * been told to keep what they allowed: who wants that forgotten does it then. */
void lg_asked_use(struct lg_asked *a, const struct lg_gate_table *t);
size_t lg_asked_ports(const struct lg_asked *a, uint32_t ret[LG_QUEUES_MAX]);	/* as whom it changes the packet filter (lg_batch_port) */

#endif
