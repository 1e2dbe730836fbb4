/*
 * places.h: which address on this host is which workload.  It is read from the containers' own network namespaces, of processes that the
 * door admitted; what packets say counts for nothing.
 */
#ifndef LG_AGENT_GATE_PLACES_H
#define LG_AGENT_GATE_PLACES_H

#include <sys/types.h>

#include "agent/records.h"

#define LG_PLACES_MAX		4096	/* containers on this host */
#define LG_PLACE_ADDRESSES	8	/* of one container; more are not used, and then get no traffic */
#define LG_PLACE_LINKS		4

struct lg_address {
	int family;			/* AF_INET, AF_INET6 */
	uint8_t a[16];
};

struct lg_place {
	char container[LG_CONTAINER_ID + 1], workload[LG_CONTAINER_ID + 1];
	pid_t pid;
	bool nobody;			/* its certificate is revoked, and it has no other yet; the gate's to say */
	int64_t started;		/* of the process, in clock ticks since boot: a number that comes again has another */
	struct lg_address address[LG_PLACE_ADDRESSES];
	size_t naddress;
	uint32_t link[LG_PLACE_LINKS];	/* this host's ends of its interfaces, by number */
	size_t nlink;

	/* places.c's own; -1 without one */
	uint64_t number;
	int life;			/* pidfd */
	int ns, events;			/* its network namespace, and what changes there (rtnetlink) */
	bool ended, look;
};

struct lg_connection {			/* of TCP, as one of its ends sees it; ports as they are on the wire */
	struct lg_address own, peer;
	uint16_t own_port, peer_port;
};

struct lg_places {
	const char *state;		/* folder: STATE/gate has a file for each */
	struct lg_place *v;
	size_t n;
	int own;			/* our network namespace */
	int wait;			/* epoll: readable when a refresh would see something new */
	uint64_t numbers;
};

/* Those of the last run whose processes live still. */
LG_CHECKED lg_err lg_places_open(struct lg_ctx *cx, const char *state, struct lg_places *ret);
void lg_places_close(struct lg_places *ps);
/* LG_E_LIMIT, LG_E_NOT_FOUND: the process has ended. */
LG_CHECKED lg_err lg_places_add(struct lg_ctx *cx, struct lg_places *ps, lg_str container, lg_str workload, pid_t pid);
void lg_places_remove(struct lg_ctx *cx, struct lg_places *ps, lg_str container);
/* Takes up what `wait` has seen: processes that ended go, addresses that changed are read.  True when something is not as it was. */
bool lg_places_refresh(struct lg_ctx *cx, struct lg_places *ps);

/* Ends those that are containers' of this host, in whatever order: the programs hear of it (ECONNABORTED), whether they were about to say
 * something or wait. */
void lg_places_end(struct lg_ctx *cx, const struct lg_places *ps, const struct lg_connection *v, size_t n);

lg_str lg_address_key(const struct lg_address *at);	/* for maps: its octets, where it is */
void lg_address_put(struct lg_buf *b, const struct lg_address *at);	/* "10.0.0.1", "fd77::1" */

#endif
