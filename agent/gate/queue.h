/* queue.h: first packets on which the time or the context decides: asked here, one by one. */
#ifndef LG_AGENT_GATE_QUEUE_H
#define LG_AGENT_GATE_QUEUE_H

#include "agent/gate/places.h"

#define LG_QUEUE_PACKET	128		/* octets of a packet that are looked at: its headers */
#define LG_QUEUE_LENGTH	4096		/* packets that wait; beyond, the kernel drops */
#define LG_QUEUE_READ	64		/* of them, answered at once */
#define LG_QUEUES_MAX	16		/* that share the processors among them */

struct lg_queue_packet {
	struct lg_address from, to;
	int protocol;
	uint16_t port;			/* destination's; 0 for protocols without */
};

/* The headers of an IP packet.  False: cut short, a fragment, or with what cannot be read; such a packet is refused. */
bool lg_queue_parse(const uint8_t *p, size_t n, struct lg_queue_packet *ret);

struct lg_queue_asked {
	bool (*permits)(void *arg, const struct lg_queue_packet *p);
	void (*answered)(void *arg);	/* the kernel has the verdicts of all that was asked since the last time; after each `permits`, soon */
	void *arg;
};

/* One of `of` queues, each for the packets that arise on its processors: its thread stays on those, so that asking wakes no other one. */
struct lg_queue_share {
	uint16_t number;		/* the kernel's; the first one's and `nth` */
	unsigned nth, of;
};

struct lg_queue;
/* Asks about each packet, on a thread of its own. */
LG_CHECKED lg_err lg_queue_open(struct lg_ctx *cx, const struct lg_queue_share *share, const struct lg_queue_asked *asked, struct lg_queue **ret);
void lg_queue_close(struct lg_queue **q);	/* safe on NULL */

#endif
