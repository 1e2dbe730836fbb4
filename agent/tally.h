/*
 * tally.h: decisions of this host that come by the thousand (the gate's, and those asked at the socket), counted on their way into the journal.
 *
 * Who scans ten thousand ports makes few lines of it.  What is decided alike between the same two is one line: written at once when it is new, and
 * once more when the window closes if it came again, with how often, the first time and the last.  Of ports, and of all that differs, only so
 * much is told apart; the rest is counted together.  Threads share it; nobody waits for a disk.
 */
#ifndef LG_AGENT_TALLY_H
#define LG_AGENT_TALLY_H

#include "agent/journal.h"

#define LG_TALLY_WINDOW	(60 * INT64_C(1000000))	/* microseconds */
#define LG_TALLY_LINES	512		/* that are told apart in one window */
#define LG_TALLY_PORTS	16		/* of one pair and protocol; further ones are one line without a port */

struct lg_tally;

struct lg_tally *lg_tally_new(void);
void lg_tally_free(struct lg_tally **t);	/* safe on NULL */

/* `n` times, just now.  Of the deed: without a container, facts, count and times; its words are copied.  On any thread. */
void lg_tally_add(struct lg_tally *t, const struct lg_deed *d, uint64_t n, int64_t now);
/*
 * Writes what is due into the journal: what is new, and when the window is over, or with `all`, the rest.  Called by one thread.  What the journal
 * has no room for (LG_E_BUSY) is counted on.
 */
LG_CHECKED lg_err lg_tally_write(struct lg_ctx *cx, struct lg_tally *t, struct lg_journal *j, bool all);

#endif
