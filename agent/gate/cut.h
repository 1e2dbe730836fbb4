/* cut.h: flows that the kernel knows and that are not allowed any more. */
#ifndef LG_AGENT_GATE_CUT_H
#define LG_AGENT_GATE_CUT_H

#include "agent/gate/table.h"

/*
 * Forgets every tracked flow between guarded addresses that the table does not permit; with `asked`, those too that are to be asked about
 * again.  Its next packet is a first one, and is answered as such; a connection that is not permitted ends in the containers here, too:
 * whoever only waits sends no packet.  *cut: how many.
 */
LG_CHECKED lg_err lg_cut_flows(struct lg_ctx *cx, const struct lg_gate_table *t, const struct lg_places *ps, bool asked, size_t *cut);

#endif
