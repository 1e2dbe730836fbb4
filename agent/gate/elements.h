/*
 * elements.h: what the kernel's sets hold, as a list that can be compared: a container that starts among a hundred thousand allowed
 * connections costs what is different, not what is the same.
 */
#ifndef LG_AGENT_GATE_ELEMENTS_H
#define LG_AGENT_GATE_ELEMENTS_H

#include "agent/gate/table.h"

/* links: this host's ends of the containers' interfaces; own: the addresses that may come out of one. */
enum lg_gate_set { LG_GATE_KNOWN, LG_GATE_PAIRS, LG_GATE_PROTOCOLS, LG_GATE_PORTS, LG_GATE_SPANS, LG_GATE_LINKS, LG_GATE_OWN, LG_GATE_SETS };

struct lg_gate_element {		/* compared octet by octet: nothing lies between the members */
	uint8_t set;			/* enum lg_gate_set */
	uint8_t six;			/* of IPv6 */
	uint8_t protocol;		/* IPPROTO_... */
	uint8_t ask;			/* to the queue, instead of accepted */
	uint16_t first, last;		/* ports */
	uint8_t from[16];		/* an address; of links and own a name */
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
/* The nft(8) commands that make the one of the other; how many elements they take out and put in. */
struct lg_gate_change lg_gate_write_change(const struct lg_gate_elements *before, const struct lg_gate_elements *after, struct lg_buf *out);

#endif
