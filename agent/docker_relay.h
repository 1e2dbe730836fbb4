/*
 * docker_relay.h: octets between a client of the front and the engine, once the engine has shown its plugin who asks.  That may take days (a terminal,
 * logs that are followed); when the agent starts again a process of its own goes on with them.
 */
#ifndef LG_AGENT_DOCKER_RELAY_H
#define LG_AGENT_DOCKER_RELAY_H

#include "client/http1.h"

#define LG_RELAY_PIECE	16384

/* One direction. */
struct lg_way {
	int from, to;
	char piece[LG_RELAY_PIECE];
	size_t at, n;			/* octets that wait to be written */
	bool ended;			/* `from` has no more, and `to` was told so */
};

struct lg_relay {
	int client, engine;		/* its own */
	struct lg_body body;		/* what is left of the request's */
	bool tunnel;			/* after the body, octets belong to whatever the connection becomes */
	struct lg_way up, down;
	struct lg_relay *next;
};

/* `in`: came with the head, at most LG_RELAY_PIECE octets.  client is the caller's, engine the relay's from now on. */
struct lg_relay *lg_relay_new(int client, int engine, const struct lg_body *body, bool tunnel, lg_str in);
void lg_relay_free(struct lg_relay *r);
/* Carries what there is to carry, waiting for it at most so many milliseconds (-1: for ever), or until `wake` can be read (-1: none); false at the end. */
bool lg_relay_turn(struct lg_relay *r, int wake, int patience);
/* Goes on with all of a list in a process of its own, which holds nothing else; here they are freed. */
LG_CHECKED lg_err lg_relay_leave(struct lg_ctx *cx, struct lg_relay **first);

#endif
