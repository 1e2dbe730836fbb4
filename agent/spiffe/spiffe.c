/* spiffe.c: see spiffe.h.  One thread a connection: there are few, they are long, and what they ask may have to be fetched. */
#include "agent/spiffe/spiffe.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/listener.h"
#include "agent/records.h"
#include "agent/spiffe/answers.h"
#include "agent/spiffe/grpc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/peer.h"

#define STRANGER	"?"		/* as what those count who are in no container: they are answered, and refused */
#define LOOK_MS		500		/* between looks at whether an identity has changed */
#define PATIENCE	(5 * LG_SECOND)	/* for the service's answer */

/* A container that is talking to us, and what it may still ask for. */
struct guest {
	char id[LG_CONTAINER_ID + 1];
	unsigned connections;		/* 0: the place is free */
	int64_t tokens_since;		/* CLOCK_BOOTTIME: the bucket is full LG_SPIFFE_TOKENS * LG_SPIFFE_TOKEN_EVERY after it */
};

struct lg_spiffe {
	struct lg_svids *svids;
	struct lg_door *door;
	struct lg_listener *listener;
	pthread_mutex_t lock;		/* over the guests */
	struct guest guests[LG_SPIFFE_CONNECTIONS];
};

struct visit {
	struct lg_spiffe *s;
	int fd, pinned;
	pid_t pid;
	struct guest *guest;
	lg_str container;
};

/* ---- guests ------------------------------------------------------------------------------------------------------ */

static struct guest *
guest_enter(struct lg_spiffe *s, lg_str id)
{
	struct guest *mine = NULL, *spare = NULL;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < LG_SPIFFE_CONNECTIONS; i++) {
		struct guest *g = &s->guests[i];
		if (lg_str_eq(lg_str_of(g->id), id))
			mine = g;
		else if (g->connections == 0 && (spare == NULL || g->tokens_since < spare->tokens_since))
			spare = g;		/* whoever asked least lately is forgotten first */
	}
	if (mine == NULL && spare != NULL) {
		mine = spare;
		*mine = (struct guest){ .connections = 0 };
		snprintf(mine->id, sizeof mine->id, "%.*s", LG_FMT(id));
	}
	if (mine != NULL && mine->connections == LG_SPIFFE_OF_ONE)
		mine = NULL;
	if (mine != NULL)
		mine->connections++;
	pthread_mutex_unlock(&s->lock);
	return mine;
}

static void
guest_leave(struct lg_spiffe *s, struct guest *g)
{
	pthread_mutex_lock(&s->lock);
	g->connections--;
	pthread_mutex_unlock(&s->lock);
}

static bool
guest_may(struct lg_spiffe *s, struct guest *g)
{
	int64_t now = lg_boottime(), full = now - LG_SPIFFE_TOKENS * LG_SPIFFE_TOKEN_EVERY;

	pthread_mutex_lock(&s->lock);
	int64_t since = g->tokens_since < full ? full : g->tokens_since;
	bool may = since + LG_SPIFFE_TOKEN_EVERY <= now;
	if (may)
		g->tokens_since = since + LG_SPIFFE_TOKEN_EVERY;
	pthread_mutex_unlock(&s->lock);
	return may;
}

/* ---- the five methods ------------------------------------------------------------------------------------------------ */

/* The socket may have been handed on, the process moved, the container ended: so each time anew. */
static lg_err
still_there(struct lg_ctx *cx, const struct visit *v)
{
	lg_str container;

	LG_TRY(lg_svids_caller(cx, v->s->svids, v->pid, &container));
	if (!lg_peer_lives(v->pinned) || !lg_str_eq(container, v->container))
		return lg_fail(cx, LG_E_DENIED, "whoever opened the connection has gone");
	return LG_OK;
}

static lg_err
fetch_token(struct lg_ctx *cx, const struct visit *v, const struct lg_svid *svid, lg_str message, struct lg_buf *out)
{
	LG_AUTO(lg_upstream_unref) struct lg_upstream *up = lg_door_upstream(v->s->door);
	lg_str audience[LG_SPIFFE_AUDIENCES], token;
	size_t n;

	LG_TRY(lg_spiffe_jwt_read(cx, svid, message, audience, &n));
	if (!guest_may(v->s, v->guest))
		return lg_fail(cx, LG_E_LIMIT, "tokens are asked for too often");
	LG_TRY(lg_svid_token(cx, up, v->container, audience, n, PATIENCE, &token));
	return lg_spiffe_jwt(cx, svid, token, out);
}

static lg_err
run_x509(struct lg_ctx *cx, const struct visit *v, const struct lg_svid *svid, lg_str message, struct lg_buf *out)
{
	(void)v;
	(void)message;
	return lg_spiffe_x509(cx, svid, out);
}

static lg_err
run_x509_bundles(struct lg_ctx *cx, const struct visit *v, const struct lg_svid *svid, lg_str message, struct lg_buf *out)
{
	(void)v;
	(void)message;
	return lg_spiffe_x509_bundles(cx, svid, out);
}

static lg_err
run_jwt_bundles(struct lg_ctx *cx, const struct visit *v, const struct lg_svid *svid, lg_str message, struct lg_buf *out)
{
	(void)v;
	(void)message;
	return lg_spiffe_jwt_bundles(cx, svid, out);
}

static lg_err
run_validate(struct lg_ctx *cx, const struct visit *v, const struct lg_svid *svid, lg_str message, struct lg_buf *out)
{
	(void)v;
	return lg_spiffe_validate(cx, svid, message, out);
}

static const struct {
	lg_str name;
	bool stream;
	lg_err (*run)(struct lg_ctx *, const struct visit *, const struct lg_svid *, lg_str message, struct lg_buf *);
} methods[] = {
	{ LG_STR("SpiffeWorkloadAPI/FetchX509SVID"), true, run_x509 },
	{ LG_STR("SpiffeWorkloadAPI/FetchX509Bundles"), true, run_x509_bundles },
	{ LG_STR("SpiffeWorkloadAPI/FetchJWTSVID"), false, fetch_token },
	{ LG_STR("SpiffeWorkloadAPI/FetchJWTBundles"), true, run_jwt_bundles },
	{ LG_STR("SpiffeWorkloadAPI/ValidateJWTSVID"), false, run_validate },
};

static lg_err
answer(void *self, struct lg_ctx *cx, lg_str method, lg_str message, struct lg_buf *out, bool *stream)
{
	LG_AUTO(lg_svid_unref) struct lg_svid *svid = NULL;
	const struct visit *v = self;
	size_t i = 0;

	while (i < LG_COUNT(methods) && !lg_str_eq(method, methods[i].name))
		i++;
	if (i == LG_COUNT(methods))
		return lg_fail(cx, LG_E_UNSUPPORTED, "the Workload API has no such method");
	*stream = methods[i].stream;
	LG_TRY(still_there(cx, v));
	LG_TRY(lg_svids_get(cx, v->s->svids, v->container, &svid));
	return methods[i].run(cx, v, svid, message, out);
}

/* ---- a connection -------------------------------------------------------------------------------------------------------- */

static lg_err
send_all(struct lg_ctx *cx, struct lg_grpc *g, int fd)
{
	lg_str octets;

	do {
		LG_TRY(lg_grpc_next(cx, g, &octets));
		for (size_t done = 0; done < octets.n; ) {
			ssize_t n = send(fd, octets.p + done, octets.n - done, MSG_NOSIGNAL);
			if (n <= 0)
				return lg_fail(cx, LG_E_IO, "the caller does not read");
			done += (size_t)n;
		}
	} while (octets.n > 0);
	return LG_OK;
}

/* LG_E_IO: it is over. */
static lg_err
receive(struct lg_ctx *cx, struct lg_grpc *g, int fd)
{
	char piece[16384];
	ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LG_OK;
	if (n <= 0)
		return lg_fail(cx, LG_E_IO, "the caller has gone");
	return lg_grpc_feed(cx, g, (lg_str){ piece, (size_t)n });
}

static void
converse(struct visit *v, struct lg_grpc *g)
{
	uint64_t seen = lg_svids_revision(v->s->svids);
	int64_t busy = lg_boottime();
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	while (send_all(&cx, g, v->fd) == LG_OK && !lg_grpc_over(g)) {
		struct pollfd at = { .fd = v->fd, .events = POLLIN };
		if (poll(&at, 1, LOOK_MS) > 0 && receive(&cx, g, v->fd) != LG_OK)
			break;
		uint64_t now = lg_svids_revision(v->s->svids);
		if (now != seen)
			lg_grpc_renew(g);
		seen = now;
		if (lg_grpc_calls(g) > 0)
			busy = lg_boottime();
		else if (lg_boottime() - busy > LG_SPIFFE_IDLE)
			break;
		lg_arena_reset(cx.arena);
	}
	lg_arena_free(&cx.arena);
}

static lg_err
recognise(struct lg_ctx *cx, struct visit *v)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(v->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || peer.pid <= 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the caller is not known");
	v->pid = peer.pid;
	v->pinned = lg_peer_pin(v->fd, peer.pid);
	if (lg_svids_caller(cx, v->s->svids, v->pid, &v->container) != LG_OK)
		v->container = LG_STR(STRANGER);
	if (!lg_peer_lives(v->pinned))
		return lg_fail(cx, LG_E_DENIED, "the caller has gone");
	v->guest = guest_enter(v->s, v->container);
	return v->guest != NULL ? LG_OK : lg_fail(cx, LG_E_LIMIT, "container %.*s has too many connections", LG_FMT(v->container));
}

static void
end_visit(struct visit *v)
{
	if (v->guest != NULL)
		guest_leave(v->s, v->guest);
	lg_fd_close(&v->pinned);
}

static void
serve(void *arg, int fd)
{
	LG_AUTO(end_visit) struct visit v = { .s = arg, .fd = fd, .pinned = -1 };
	struct lg_grpc_service service = { .self = &v, .header = "workload.spiffe.io", .answer = answer };
	struct timeval patience = { .tv_sec = 5 };
	LG_AUTO(lg_grpc_free) struct lg_grpc *g = NULL;
	struct lg_ctx cx;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	lg_ctx_init(&cx, lg_arena_new());
	lg_err e = recognise(&cx, &v);
	if (e == LG_OK)
		e = lg_grpc_new(&cx, &service, &g);
	if (e == LG_OK)
		converse(&v, g);
	else
		lg_log(LG_INFO, "the Workload API turns away process %d: %s", (int)v.pid, cx.error);
	lg_arena_free(&cx.arena);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

lg_err
lg_spiffe_open(struct lg_ctx *cx, const char *socket, struct lg_svids *svids, struct lg_door *door, struct lg_spiffe **ret)
{
	struct lg_spiffe *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	s->svids = svids;
	s->door = door;
	pthread_mutex_init(&s->lock, NULL);
	lg_err e = lg_listener_open(cx, socket, 0666, LG_SPIFFE_CONNECTIONS, serve, s, &s->listener);
	if (e != LG_OK) {
		pthread_mutex_destroy(&s->lock);
		free(s);
		return e;
	}
	*ret = s;
	return LG_OK;
}

void
lg_spiffe_close(struct lg_spiffe **spiffe, bool keep)
{
	struct lg_spiffe *s = *spiffe;

	*spiffe = NULL;
	if (s == NULL)
		return;
	lg_listener_close(&s->listener, keep);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
