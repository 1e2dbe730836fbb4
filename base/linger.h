/*
 * linger.h: to ask a few times more before one sleeps, where the answer is usually a few microseconds away.
 *
 * A thread that sleeps lets its processor go idle, and in a virtual machine an idle processor is the hypervisor's: to wake it takes 20 to 30 us, more
 * than a decision does.  Whether asking pays is learnt from how it went, one state for each thing that is waited for: where it does not, one wait in
 * LG_LINGER_REST asks and the others sleep at once, so that the most it can cost is a microsecond a wait.  The processor is not offered to others in
 * between: one who has work takes it for a whole time slice, thousands of times what was to be gained; the scheduler takes what asking used off
 * the thread's share.
 */
#ifndef LG_BASE_LINGER_H
#define LG_BASE_LINGER_H

#include <stdbool.h>

#define LG_LINGER_NS	50000		/* asking is over then */
#define LG_LINGER_REST	63		/* waits that sleep at once after one that asked in vain, at most */

/* Zeroed to begin with.  Used by one thread at a time. */
struct lg_linger {
	unsigned pause;			/* waits that sleep at once after the next that asks in vain, about half */
	unsigned rest;			/* such waits still to come */
};

/* True as soon as ready is; false: sleep. */
bool lg_linger(struct lg_linger *l, bool (*ready)(void *arg), void *arg);

#endif
