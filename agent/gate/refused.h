/*
 * refused.h: what the kernel refuses and drops without asking: read from its log and its counters.
 *
 * A rule before the refusal hands so many refused packets a second to a group of the kernel's log (NFLOG), whose headers say who wanted what; what
 * is allowed does not come to that rule.  Counters, which stand in rules that drop, say how many there were in all.
 */
#ifndef LG_AGENT_GATE_REFUSED_H
#define LG_AGENT_GATE_REFUSED_H

#include "agent/gate/trail.h"

#define LG_REFUSED_GROUP	27207		/* of the kernel's log */
#define LG_REFUSED_RATE		100		/* packets a second that it tells of */
#define LG_REFUSED_EVERY	(60 * INT64_C(1000000))	/* microseconds between two looks at the counters */

struct lg_refused;			/* one thread's */

/* Where the kernel has no such log, or somebody else reads that group, our log says so, and all is only counted. */
struct lg_refused *lg_refused_open(struct lg_trail *trail);
void lg_refused_close(struct lg_refused **r);	/* safe on NULL */
void lg_refused_install(struct lg_ctx *cx, const struct lg_refused *r);	/* puts the rule into a table that was just made */
int lg_refused_fd(const struct lg_refused *r);	/* readable when there is something to read; -1: never */
/* On the trail goes what the kernel told, by the table in force (NULL: none), and when it is time, or with `all`, what else it counted. */
void lg_refused_read(struct lg_ctx *cx, struct lg_refused *r, const struct lg_gate_table *t, bool all);

#endif
