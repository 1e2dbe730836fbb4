/*
 * http.h: requests to the service: where it is, as whom, one call and its answer.  http.c alone knows libcurl.
 *
 * A link is one endpoint with a pool of kept-alive connections; threads share it.  Environment proxies are never
 * used and redirects never followed: what is asked goes to the named service or nowhere.
 */
#ifndef LG_CLIENT_HTTP_H
#define LG_CLIENT_HTTP_H

#include <pthread.h>

#include "lightgate/base.h"

#define LG_LINK_IDLE	16			/* connections kept for later; more may be open at once */
#define LG_ANSWER_MAX	(16u << 20)		/* octets of an answer that is kept in memory */
#define LG_CALL_HEADERS	4
#define LG_CALL_TIME	INT64_C(10000000)	/* microseconds, unless the call says otherwise */

struct lg_endpoint {
	lg_str url;			/* "https://host:8443", perhaps with a path; no '/' at the end */
	lg_str socket;			/* path of the UNIX socket that is used in place of the url's host; empty: none */
	lg_str ca;			/* PEM: the only roots trusted; empty: the system's */
	lg_str cert, key;		/* PEM: the client's certificate with its chain, and key; empty: none */
	bool unverified;		/* to see who answers; such a link sends neither token nor certificate */
};

struct lg_link;

/* The endpoint is copied. */
LG_CHECKED lg_err lg_link_new(struct lg_ctx *cx, const struct lg_endpoint *at, struct lg_link **ret);
void lg_link_free(struct lg_link **link);	/* when no call is running; safe on NULL */

/* Ends a call from another thread: its connection is cut, now or as soon as it has one.  Stays cut. */
struct lg_cut {
	pthread_mutex_t lock;
	int fd;				/* -1: no call has a connection */
	bool done;
};
void lg_cut_init(struct lg_cut *c);
void lg_cut_now(struct lg_cut *c);
void lg_cut_end(struct lg_cut *c);	/* when no call uses it */

struct lg_call_header {
	const char *name;
	lg_str value;
};

struct lg_call {
	const char *method;
	lg_str path;			/* below the url, percent-encoded, with its query */
	lg_str body;
	const char *type;		/* of the body; NULL: application/json */
	lg_str token;			/* bearer; empty: none */
	struct lg_call_header headers[LG_CALL_HEADERS];	/* those with a name */
	int64_t time;			/* microseconds for all of it; 0: LG_CALL_TIME */
	int64_t connect;		/* of them, at most so many until there is a connection, with TLS; 0: no limit of its own.  Not over sockets */
	/* When given, the body of a 200 goes here piece by piece; false stops the call. */
	bool (*sink)(void *arg, lg_str piece);
	void *arg;
	int64_t silence;		/* microseconds without an octet after which a long call is over; 0: no such limit */
	struct lg_cut *cut;		/* NULL: nobody ends it */
};

struct lg_reply {
	int status;
	lg_str type, body;		/* in cx's arena */
	lg_str chain;			/* PEM of what the server presented; only of an unverified link */
	bool unsent;			/* after an error: nothing of the request has left, so that another server may be asked */
};

/* Any status is LG_OK.  LG_E_UNAVAILABLE: no answer (in time); LG_E_UNAUTHENTICATED: the server did not prove who it is.  *ret is set
 * on failure too: unsent. */
LG_CHECKED lg_err lg_link_call(struct lg_ctx *cx, struct lg_link *link, const struct lg_call *call, struct lg_reply *ret);

/* ---- many at once, without threads of one's own --------------------------------------------------------------------- */

struct lg_calls;			/* used by one thread at a time */

struct lg_calls *lg_calls_new(void);
void lg_calls_free(struct lg_calls **c);	/* what is under way is dropped without a word; safe on NULL */
int lg_calls_fd(const struct lg_calls *c);	/* readable when lg_calls_run has something to do */
void lg_calls_run(struct lg_calls *c);
void lg_calls_wake(struct lg_calls *c);		/* makes the descriptor readable, for what the caller has to do itself */

#endif
