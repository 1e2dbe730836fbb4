/* inside.h: what a container's network namespace holds: its addresses, which ends of its interfaces are ours, and its connections. */
#ifndef LG_AGENT_GATE_INSIDE_H
#define LG_AGENT_GATE_INSIDE_H

#include "agent/gate/places.h"

struct lg_inside {
	struct lg_address address[LG_PLACE_ADDRESSES];
	size_t naddress;
	uint32_t peer[LG_PLACE_LINKS];	/* numbers in our own namespace */
	size_t npeer;
};

/* Of the namespace that the calling thread is in; own: ours.  What cannot be read is not there. */
void lg_inside_read(int own, struct lg_inside *ret);
/* Ends connections in the namespace that the calling thread is in; a socket that listens is none. */
void lg_inside_end(const struct lg_connection *const v[], size_t n);

#endif
