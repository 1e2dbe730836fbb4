/*
 * trail.h: what the gate decided about connections, for this host's log and the service's record.
 *
 * What its queue decides is counted one by one (tally.h).  What the kernel refuses by its maps it tells of itself, so many packets a second
 * (refused.h), and counts the rest: that is told as a number.
 */
#ifndef LG_AGENT_GATE_TRAIL_H
#define LG_AGENT_GATE_TRAIL_H

#include "agent/bundle.h"
#include "agent/gate/queue.h"
#include "agent/gate/table.h"
#include "agent/tally.h"

#define LG_TRAIL_SAID	10		/* refusals a second that the log tells one by one */

struct lg_trail;			/* threads share it */

struct lg_trail *lg_trail_new(struct lg_bundles *bundles, struct lg_tally *tally);
void lg_trail_free(struct lg_trail **r);	/* safe on NULL */

/* Asked of the bundle, and recorded. */
bool lg_trail_decide(struct lg_ctx *cx, struct lg_trail *r, const struct lg_queue_packet *p, lg_str source, lg_str destination);
/* The kernel refused it by this table. */
void lg_trail_refused(struct lg_ctx *cx, struct lg_trail *r, const struct lg_gate_table *t, const struct lg_queue_packet *p);
/* It dropped or refused so many of which nothing more is known than this. */
void lg_trail_dropped(struct lg_trail *r, const char *why, uint64_t n, int64_t now);
/* How many were refused, by the queue or as the kernel told of them. */
uint64_t lg_trail_refusals(struct lg_trail *r);

#endif
