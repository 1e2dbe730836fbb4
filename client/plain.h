/*
 * plain.h: HTTP/1.1 over a UNIX socket without libcurl, for calls that wait: one write for the question, and a short while of asking before the
 * thread sleeps (base/linger.h).  What libcurl does for each call costs more than the service's decision.
 */
#ifndef LG_CLIENT_PLAIN_H
#define LG_CLIENT_PLAIN_H

#include "base/linger.h"
#include "client/http.h"

/* One connection, lent to one call at a time. */
struct lg_plain {
	int fd;
	struct lg_linger linger;
};

/* Where connections wait for the next call.  Zeroed, with its lock initialised, it is empty. */
struct lg_plain_pool {
	const char *path;		/* of the socket; NULL: there is none */
	lg_str host;			/* what to call it */
	lg_str base;			/* path that every target begins with, perhaps empty */
	pthread_mutex_t lock;		/* over the two below */
	struct lg_plain idle[LG_LINK_IDLE];
	size_t nidle;
};

/* url: "http://host[/path]". */
void lg_plain_init(struct lg_plain_pool *pool, const char *path, lg_str url);
void lg_plain_end(struct lg_plain_pool *pool);
/* True for a call that lg_plain_call can do: a whole answer, over a socket. */
bool lg_plain_can(const struct lg_plain_pool *pool, const struct lg_call *call);
/* As lg_link_call. */
LG_CHECKED lg_err lg_plain_call(struct lg_ctx *cx, struct lg_plain_pool *pool, const struct lg_call *call, struct lg_reply *ret);

#endif
