/*
 * elements.h: what the kernel's sets hold, as a list that can be compared: a container that starts among a hundred thousand allowed
 * connections costs what is different, not what is the same.
 */
#ifndef LG_AGENT_GATE_ELEMENTS_H
#define LG_AGENT_GATE_ELEMENTS_H

#include "agent/gate/batch.h"
#include "agent/gate/queue.h"
#include "agent/gate/table.h"

/* here: the guarded addresses of this host's containers; links: its ends of their interfaces; own: which address may come out of which. */
enum lg_gate_set { LG_GATE_KNOWN, LG_GATE_HERE, LG_GATE_PAIRS, LG_GATE_PROTOCOLS, LG_GATE_PORTS, LG_GATE_SPANS, LG_GATE_LINKS, LG_GATE_OWN, LG_GATE_SETS };

struct lg_gate_element {		/* compared octet by octet: nothing lies between the members */
	uint8_t set;			/* enum lg_gate_set */
	uint8_t six;			/* of IPv6 */
	uint8_t protocol;		/* IPPROTO_... */
	uint8_t ask;			/* to the queue, instead of accepted */
	uint16_t first, last;		/* ports */
	uint8_t from[16];		/* an address; of links and own an interface's number */
	uint8_t to[16];
};

struct lg_gate_elements {
	struct lg_gate_element *v;	/* sorted, each once */
	size_t n;
};

/* In the arena. */
struct lg_gate_elements lg_gate_elements_of(const struct lg_gate_table *t, const struct lg_places *ps, struct lg_arena *a);
struct lg_gate_change {
	size_t gone, new;
};
/* What makes the one of the other; how many elements that takes out and puts in. */
struct lg_gate_change lg_gate_write_change(const struct lg_gate_elements *before, const struct lg_gate_elements *after, struct lg_batch *out);

/* ---- what has a time, or is one ------------------------------------------------------------------------------ */

/* By which version of the policies the rest was made. */
void lg_gate_put_generation(uint64_t generation, struct lg_batch *out);
/* The dead man's elements; microseconds. */
void lg_gate_put_alive(int64_t left, struct lg_batch *out);
/* The queue's permit, for some seconds: of a port; of ICMP, whatever it says; of another protocol, nothing. */
void lg_gate_put_learned(const struct lg_queue_packet *p, int seconds, struct lg_batch *out);
void lg_gate_forget_learned(struct lg_batch *out);	/* what the queue answered before counts no more */

#endif
