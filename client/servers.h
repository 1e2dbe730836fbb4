/*
 * servers.h: one service at several addresses: the first that answers is asked until it does not.
 *
 * Another one is asked only when that is safe: nothing of the request has left, or the answer was "busy, nothing was done".
 */
#ifndef LG_CLIENT_SERVERS_H
#define LG_CLIENT_SERVERS_H

#include <stdatomic.h>

#include "client/http.h"

#define LG_SERVERS	8

struct lg_servers {
	struct lg_endpoint at[LG_SERVERS];
	struct lg_link *link[LG_SERVERS];
	size_t n;
	atomic_size_t first;		/* who answered last */
};

/* Addresses separated by blanks or commas, each like `like` otherwise.  Slices live as long as cx's arena. */
LG_CHECKED lg_err lg_servers_parse(struct lg_ctx *cx, lg_str list, const struct lg_endpoint *like, struct lg_servers *ret);
/* Links to all of them, with this certificate and key (may be empty).  Those that were there are closed. */
LG_CHECKED lg_err lg_servers_open(struct lg_ctx *cx, struct lg_servers *s, lg_str cert, lg_str key);
void lg_servers_close(struct lg_servers *s);	/* when no call is running */
/* As lg_api_call.  time: of all attempts together. */
LG_CHECKED lg_err lg_servers_call(struct lg_ctx *cx, struct lg_servers *s, const struct lg_call *call, struct lg_reply *ret);
void lg_servers_skip(struct lg_servers *s);	/* who is asked first was asked in vain, elsewhere than by these calls */
/* The same without waiting.  done is called by lg_calls_run, with the reply in the call's own arena.  s must outlive it; the call's slices need not. */
typedef void lg_call_done(void *arg, struct lg_ctx *cx, lg_err e, const struct lg_reply *reply);
LG_CHECKED lg_err lg_calls_add(struct lg_ctx *cx, struct lg_calls *c, struct lg_servers *s, const struct lg_call *call,
    lg_call_done *done, void *arg);

/* The call as it goes to one of them, with so many others to ask after it. */
struct lg_call lg_servers_attempt(const struct lg_call *call, int64_t until, size_t others);
/* Server `at` has answered, or not: is that the answer?  False: another may be asked. */
bool lg_servers_over(struct lg_servers *s, size_t at, lg_err e, const struct lg_reply *reply);

#endif
