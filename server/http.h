/*
 * http.h: HTTP/1.1 over the listeners.  http*.c alone know libmicrohttpd and GnuTLS; everybody else sees base/http.h.
 *
 * One lg_http_server per process, one daemon per loop and surface.  Routes, the tenant and certificate ports and the TLS
 * identity are given before lg_http_open; the identity may be swapped at any time.
 */
#ifndef LG_SERVER_HTTP_H
#define LG_SERVER_HTTP_H

#include "base/http.h"
#include "base/json.h"
#include "base/pool.h"
#include "lightgate/base.h"
#include "server/limits.h"
#include "server/loop.h"
#include "server/metrics.h"

#define LG_HTTP_ROUTES		512
#define LG_HTTP_KINDS		32		/* components that offer routes */
#define LG_HTTP_TARGET_MAX	8192		/* octets of a request target; longer: 414 */
#define LG_HTTP_HEAD_MAX	32768		/* request line and headers; longer: 431 */
#define LG_HTTP_HEADERS		100		/* header lines; more: 431 */
#define LG_HTTP_LARGE		(64u << 20)	/* octets of bodies over LG_HTTP_BODY_MAX, of all together; beyond it 503 */
#define LG_HTTP_WAITING		256		/* suspended requests of one daemon; beyond it 503 */
#define LG_HTTP_STREAMS		4096		/* of a daemon of the stream surface */
#define LG_HTTP_BODY_LARGEST	(256u << 20)	/* no route may ask for more */
#define LG_TLS_CHAIN		8		/* certificates that a peer may send */

struct lg_http_server;

/* Which tenant a request belongs to: called before its handler, on the loop.  name: what followed /t/, or empty.  Two sources
 * that disagree (path and the peer's CA) are an error.  Without this port every request is tenant 0. */
struct lg_http_tenants {
	void *self;
	lg_err (*find)(void *self, struct lg_ctx *cx, const struct lg_peer *peer, lg_str name, uint32_t *tenant);
};

/* Judges a client's certificate inside the handshake, on the loop: must not block.  chain[0] is the peer's own, DER; anything but
 * LG_OK ends the handshake.  Without this port no handshake succeeds on surfaces that want a certificate. */
struct lg_http_verifier {
	void *self;
	lg_err (*verify)(void *self, struct lg_ctx *cx, const lg_str *chain, size_t n);
};

struct lg_http_options {
	int64_t request_time;		/* microseconds for a whole request to arrive, TLS handshake included */
	int64_t idle_time;		/* between requests */
	int64_t reply_time;		/* for the peer to take the whole reply */
	struct lg_limits *limits;	/* connections, in all and of one address; a new one beyond them is closed at once */
	struct lg_pool *workers;	/* for LG_ON_WORKER; may be NULL if no route wants one */
	struct lg_pool *cores;		/* for LG_ON_CORE, likewise */
	unsigned share;			/* workers that one component (one `self`) may hold at a time; its others wait. 0: all */
	void (*after_work)(void *arg);	/* on the worker or core, when a handler has returned (lg_store_turn); may be NULL */
	void *after_arg;
	struct lg_metrics *metrics;	/* may be NULL */
	bool log_requests;		/* a line for each, not only for those answered 5xx (503 apart) */
};

LG_CHECKED lg_err lg_http_new(struct lg_ctx *cx, const struct lg_http_options *o, struct lg_http_server **ret);
void lg_http_free(struct lg_http_server **hs);	/* after the loops have stopped; safe on NULL */

/* Offers routes; `self` goes to their handlers.  The table must outlive the server.  LG_E_EXISTS: method and path are taken on
 * one of the surfaces.  A GET route answers HEAD too. */
LG_CHECKED lg_err lg_http_routes_add(struct lg_ctx *cx, struct lg_http_server *hs, const struct lg_route *routes, size_t n,
    void *self);
void lg_http_tenants_set(struct lg_http_server *hs, const struct lg_http_tenants *port);
void lg_http_verifier_set(struct lg_http_server *hs, const struct lg_http_verifier *port);

/* The certificate that all TLS surfaces show, leaf first, PEM; key PKCS#8 PEM.  Any thread, any time: handshakes that begin
 * afterwards use it. */
LG_CHECKED lg_err lg_http_identity_set(struct lg_ctx *cx, struct lg_http_server *hs, lg_str chain, lg_str key);

/* Makes the daemons of one loop: on its thread, or before it runs.  The surfaces' routes are frozen by the first call. */
LG_CHECKED lg_err lg_http_attach(struct lg_ctx *cx, struct lg_http_server *hs, struct lg_loop *l, unsigned surfaces);
/* Accepts on a listening, non-blocking socket in every attached loop; new connections go to the loop with the fewest.
 * The socket stays the caller's, who closes it after lg_http_quiesce. */
LG_CHECKED lg_err lg_http_open(struct lg_ctx *cx, struct lg_http_server *hs, int fd, enum lg_surface surface);

void lg_http_log_requests(struct lg_http_server *hs, bool yes);	/* any thread */

/* Drain.  Quiesce stops accepting and makes every further reply close its connection; live counts requests between their
 * first byte and their last.  detach ends the daemons of a loop, on its thread. */
void lg_http_quiesce(struct lg_http_server *hs);
unsigned lg_http_live(struct lg_http_server *hs);
void lg_http_detach(struct lg_http_server *hs, struct lg_loop *l);

/* ---- for handlers --------------------------------------------------------------------------------------- */

/* The loop that carries the exchange: where to post to, whose keeper channel and mailbox to use. */
struct lg_loop *lg_http_loop(const struct lg_http *ex);

/* A body that comes in pieces, for streams: set before returning LG_OK from the handler.  next appends up to `max` octets to `out` and
 * returns LG_OK; LG_PENDING means nothing now (call lg_http_wake when there is), LG_E_NOT_FOUND the end.  All on the loop. */
struct lg_http_stream {
	lg_err (*next)(void *self, struct lg_buf *out, size_t max);
	void (*end)(void *self);	/* always called, once: the peer left or next said so */
	void *self;
};
void lg_http_stream(struct lg_http *ex, const struct lg_http_stream *s);
void lg_http_wake(struct lg_http *ex);

/* problem.c: RFC 9457 from a code and cx->error; the status that belongs to a code. */
void lg_problem(struct lg_http *ex, lg_err e);
/* The same with a status and title of one's own: 413, 405, ... */
void lg_problem_status(struct lg_http *ex, int status, const char *code, lg_str detail);
/* The same with members of its own, whose writer ends the object; headers are the caller's. */
void lg_problem_begin(struct lg_http *ex, struct lg_jsonw *w, int status, const char *code, lg_str detail);
int lg_problem_status_of(lg_err e);

#endif
