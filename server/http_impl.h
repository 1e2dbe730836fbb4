/* http_impl.h: what the http*.c files share; the only header that shows libmicrohttpd. */
#ifndef LG_SERVER_HTTP_IMPL_H
#define LG_SERVER_HTTP_IMPL_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "server/http.h"
#include "server/http_router.h"
#include "server/http_target.h"

#define HTTP_SURFACES	5
#define HTTP_SPARE	128		/* exchanges kept for reuse by a loop */
#define HTTP_KEEP	(64u << 10)	/* octets of buffer kept in a spare exchange */
#define HTTP_ACCEPTS	64		/* connections taken by one callback */
#define HTTP_STILL	8		/* runs in which nothing happens, before a rest */
#define HTTP_REST	2000		/* us */
#define HTTP_PIECES	8		/* of a record, sent by one call; the others by the next */
#define HTTP_RECORD	(17u << 10)	/* octets of a TLS record, with what is around it */

struct http_identity;

/* What a connection is allowed to take its time for; each has one duration, so that a list in order of setting is one in order of
 * falling due. */
enum http_due { DUE_REQUEST, DUE_IDLE, DUE_REPLY, DUE_NEVER };

struct http_link {
	struct http_link *next, *prev;
};

struct http_conn {
	struct http_link link;		/* in one list of deadlines, or by itself */
	struct lg_note note;		/* on its way to the loop that is to have it */
	struct http_daemon *daemon;
	int fd;
	enum http_due kind;
	int64_t due;
	struct sockaddr_storage from;
	socklen_t from_size;
	bool known;			/* the peer's certificate has been looked at */
	bool self_signed;		/* ... and is nobody's but its own */
	struct lg_peer peer;
	bool joins;			/* TLS: the next record is an answer's head, and its body follows */
	struct lg_buf head;		/* that record, until then */
};

struct http_daemon {
	struct lg_watch watch;		/* MHD's epoll descriptor */
	struct MHD_Daemon *mhd;		/* NULL: the surface is not offered */
	struct http_loop *hl;
	enum lg_surface surface;
	bool tls, wants_cert;
	bool due;			/* MHD has more to do than its descriptor says */
	struct http_conn *held;		/* whose head waits for its body */
	bool moved;			/* TLS: octets came or went, or a request got on, in the last run */
	unsigned still;			/* runs since then */
	struct lg_timer rest;		/* before the next one, when there were too many */
	unsigned waiting;		/* suspended requests */
	unsigned max_waiting;
};

struct http_listener {
	struct lg_watch watch;
	struct lg_timer rest;		/* after running out of descriptors */
	struct http_daemon *daemon;
	struct http_listener *next;
};

/* A component's jobs on workers, of one loop; what is beyond its share waits here, not in the pool's queue, where it would
 * stand before everybody else's. */
struct http_kind {
	unsigned running;
	struct http_x *first, **last;
};

struct http_loop {
	struct lg_http_server *hs;
	struct lg_loop *loop;
	struct http_daemon daemon[HTTP_SURFACES];
	struct http_listener *listeners;
	struct http_link due[DUE_NEVER];
	struct lg_timer reaper;
	struct lg_turn turn;
	struct http_conn *arriving;	/* while MHD is told of it */
	struct http_kind kind[LG_HTTP_KINDS];
	struct http_x *spare;
	unsigned nspare;
	size_t large;			/* octets that the large bodies may come to */
	struct http_link streams;	/* exchanges whose body is a stream */
	atomic_uint connections;
	atomic_uint live;
	uint64_t id_base, id_count;	/* request ids */
	struct lg_arena *verify;	/* for the judgement of certificates */
};

enum http_stage { STAGE_HEAD, STAGE_BODY, STAGE_RUN, STAGE_DONE };

/* One exchange; ex.server points back to it. */
struct http_x {
	struct lg_http ex;
	struct http_x *next;		/* spare, or waiting for a worker */
	struct MHD_Connection *mhd;
	struct http_conn *conn;
	struct lg_ctx cx;
	struct lg_buf body;
	struct lg_target target;
	struct lg_match match;
	lg_str raw;			/* request target as sent */
	enum http_stage stage;
	bool bad_frame;			/* the connection cannot be trusted to begin another request */
	bool has_body;
	bool head_only;			/* HEAD: of the answer's body nothing is sent */
	bool suspended;
	bool works;			/* counts as a worker's */
	bool too_large;
	int refusal;			/* status decided before the handler, 0: none */
	lg_err refusal_code;
	lg_err result;			/* a worker's */
	struct lg_note note;		/* its way back */
	char id[65];
	int64_t began;
	uint64_t content_length;	/* as announced */
	size_t large;			/* its part of the loop's */
	uint64_t taken;			/* octets of body that came */
	struct lg_http_stream stream;
	struct http_link stream_link;
};

struct lg_http_server {
	struct lg_http_options o;
	struct lg_arena *arena;
	struct lg_router router;
	bool frozen;
	struct lg_http_tenants tenants;
	struct lg_http_verifier verifier;
	_Atomic(struct http_identity *) identity;
	struct http_loop *loops[LG_LOOPS];
	size_t nloops;
	atomic_bool quiesced;
	atomic_bool log_requests;
	void *tickets;			/* http_tls.c: the key of session tickets */
};

static inline void
http_link_out(struct http_link *l)
{
	if (l->next != NULL) {
		l->next->prev = l->prev;
		l->prev->next = l->next;
		l->next = l->prev = NULL;
	}
}

static inline void
http_link_in(struct http_link *head, struct http_link *l)
{
	l->next = head;
	l->prev = head->prev;
	head->prev->next = l;
	head->prev = l;
}

/* http_conn.c: connections and their deadlines */
void http_conns_init(struct http_loop *hl);
void http_due_set(struct http_conn *c, enum http_due kind);
void http_listener_ready(struct lg_watch *w, uint32_t events);
void http_listener_rest(struct lg_timer *t);
void http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode code);
struct http_conn *http_conn_of(struct MHD_Connection *mhd);

/* http_daemon.c: MHD's daemons in the loop */
void http_daemon_due(struct http_daemon *d);

/* http_check.c: the head of a request, before anything believes it */
void http_check(struct http_x *x, const char *method, const char *url, const char *version);

/* http_exchange.c */
void *http_on_target(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *data, size_t *size, void **context);
void http_on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code);
void http_spare_free(struct http_loop *hl);

/* http_work.c */
lg_err http_work(struct http_x *x, enum lg_where where);	/* LG_PENDING: the answer comes later */
/* The handler's verdict becomes an answer: what it wrote, or the problem that its error is. */
void http_settle(struct http_x *x, lg_err e);

/* http_reply.c */
enum MHD_Result http_reply(struct http_x *x);
void http_streams_wake(struct http_loop *hl);

/* http_tls.c */
void http_tls_free(struct lg_http_server *hs);
size_t http_tls_options(struct http_daemon *d, struct MHD_OptionItem *op);	/* how many were written */
void http_tls_started(struct http_conn *c, struct MHD_Connection *mhd);
void http_tls_peer(struct http_conn *c, struct MHD_Connection *mhd);	/* fills peer.cert */
void http_tls_flush(struct http_daemon *d);		/* MHD has run: a head whose body did not come leaves alone */

#endif
