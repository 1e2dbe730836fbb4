/* http_daemon.c: MHD's daemons as guests of our loops, one a surface: external epoll, no listening sockets, no timeouts of its own. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lightgate/crypto.h"
#include "server/http_impl.h"

static const struct {
	enum lg_surface surface;
	bool tls, wants_cert;
	unsigned waiting;
} surfaces[HTTP_SURFACES] = {
	{ LG_SURFACE_HTTPS, true, false, LG_HTTP_WAITING },
	{ LG_SURFACE_MTLS, true, true, LG_HTTP_WAITING },
	{ LG_SURFACE_STREAM, true, true, LG_HTTP_STREAMS },
	{ LG_SURFACE_HTTP, false, false, LG_HTTP_WAITING },
	{ LG_SURFACE_UNIX, false, false, LG_HTTP_WAITING },
};

void
http_daemon_due(struct http_daemon *d)
{
	d->due = true;
	lg_loop_again(d->hl->loop);
}

static void
rested(struct lg_timer *t)
{
	http_daemon_due((struct http_daemon *)((char *)t - offsetof(struct http_daemon, rest)));
}

/*
 * libmicrohttpd 0.9.75 wants to be run again at once as long as a TLS handshake waits for its client: each would cost a core for as many
 * round trips as it takes, or until the client's time is over.  After some runs in which nothing happened it is let rest; its descriptor
 * tells of what comes.
 */
static void
run(struct http_daemon *d)
{
	MHD_UNSIGNED_LONG_LONG wait;

	d->due = d->moved = false;
	MHD_run(d->mhd);
	http_tls_flush(d);
	d->still = d->moved || !d->tls ? 0 : d->still + 1;
	if (MHD_get_timeout(d->mhd, &wait) != MHD_YES || wait > 0)
		return;
	if (d->still <= HTTP_STILL)
		http_daemon_due(d);
	else if (d->rest.at == 0)
		lg_timer_set(d->hl->loop, &d->rest, HTTP_REST);
}

static void
ready(struct lg_watch *w, uint32_t events)
{
	(void)events;
	run((struct http_daemon *)w);
}

/* What was resumed in this turn, and what MHD did not finish when its descriptor was ready. */
static void
turn(struct lg_turn *t)
{
	struct http_loop *hl = (struct http_loop *)((char *)t - offsetof(struct http_loop, turn));

	for (size_t i = 0; i < HTTP_SURFACES; i++)
		if (hl->daemon[i].due && hl->daemon[i].mhd != NULL)
			run(&hl->daemon[i]);
}

/* Paths and queries are decoded by us, from what was sent. */
static size_t
keep_escapes(void *cls, struct MHD_Connection *mhd, char *s)
{
	(void)cls, (void)mhd;
	return strlen(s);
}

static lg_err
start(struct lg_ctx *cx, struct http_daemon *d)
{
	struct MHD_OptionItem op[16];
	size_t n = 0;
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;

#define OPTION(k, v, p)	op[n++] = (struct MHD_OptionItem){ k, (intptr_t)(v), p }
	OPTION(MHD_OPTION_CONNECTION_MEMORY_LIMIT, LG_HTTP_HEAD_MAX, NULL);
	OPTION(MHD_OPTION_CONNECTION_LIMIT, LG_LIMITS_CONNECTIONS, NULL);
	OPTION(MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL);
	OPTION(MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL);
	OPTION(MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, d);
	OPTION(MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, d);
	OPTION(MHD_OPTION_URI_LOG_CALLBACK, http_on_target, d);
	OPTION(MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL);
	if (d->tls) {
		flags |= MHD_USE_TLS;
		n += http_tls_options(d, op + n);
	}
	OPTION(MHD_OPTION_END, 0, NULL);
#undef OPTION
	d->mhd = MHD_start_daemon(flags, 0, NULL, NULL, http_on_request, d, MHD_OPTION_ARRAY, op, MHD_OPTION_END);
	if (d->mhd == NULL)
		return lg_fail(cx, LG_E_INTERNAL, "libmicrohttpd would not start a daemon");
	d->watch = (struct lg_watch){ .fd = MHD_get_daemon_info(d->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .ready = ready };
	return lg_watch_add(cx, d->hl->loop, &d->watch, EPOLLIN);
}

static struct http_loop *
loop_new(struct lg_http_server *hs, struct lg_loop *l)
{
	struct http_loop *hl = calloc(1, sizeof *hl);

	if (hl == NULL)
		abort();
	hl->hs = hs;
	hl->loop = l;
	hl->verify = lg_arena_new();
	lg_random(&hl->id_base, sizeof hl->id_base);
	hl->turn = (struct lg_turn){ .run = turn, .place = LG_TURN_SERVE };
	http_conns_init(hl);
	for (size_t i = 0; i < LG_HTTP_KINDS; i++)
		hl->kind[i].last = &hl->kind[i].first;
	for (size_t i = 0; i < HTTP_SURFACES; i++)
		hl->daemon[i] = (struct http_daemon){ .hl = hl, .surface = surfaces[i].surface, .tls = surfaces[i].tls,
			.wants_cert = surfaces[i].wants_cert, .rest.run = rested, .max_waiting = surfaces[i].waiting };
	return hl;
}

lg_err
lg_http_attach(struct lg_ctx *cx, struct lg_http_server *hs, struct lg_loop *l, unsigned wanted)
{
	struct http_loop *hl;

	if (hs->nloops >= LG_LOOPS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d loops", LG_LOOPS);
	hs->frozen = true;
	hl = loop_new(hs, l);
	hs->loops[hs->nloops++] = hl;
	lg_turn_add(l, &hl->turn);
	for (size_t i = 0; i < HTTP_SURFACES; i++)
		if ((wanted & hl->daemon[i].surface) != 0)
			LG_TRY(start(cx, &hl->daemon[i]));
	return LG_OK;
}

/* ---- listening ---------------------------------------------------------------------------------------- */

struct open_call {
	struct lg_ctx *cx;
	struct http_loop *hl;
	int fd;
	enum lg_surface surface;
	lg_err e;
};

static void
open_on_loop(void *arg)
{
	struct open_call *call = arg;
	struct http_loop *hl = call->hl;
	struct http_listener *ls = calloc(1, sizeof *ls);

	if (ls == NULL)
		abort();
	for (size_t i = 0; i < HTTP_SURFACES; i++)
		if (hl->daemon[i].surface == call->surface)
			ls->daemon = &hl->daemon[i];
	ls->watch = (struct lg_watch){ .fd = call->fd, .ready = http_listener_ready };
	ls->rest.run = http_listener_rest;
	ls->next = hl->listeners;
	hl->listeners = ls;
	call->e = ls->daemon->mhd == NULL ?
	    lg_fail(call->cx, LG_E_INTERNAL, "the surface was not attached") :
	    lg_watch_add(call->cx, hl->loop, &ls->watch, EPOLLIN);
}

lg_err
lg_http_open(struct lg_ctx *cx, struct lg_http_server *hs, int fd, enum lg_surface surface)
{
	for (size_t i = 0; i < hs->nloops; i++) {
		struct open_call call = { .cx = cx, .hl = hs->loops[i], .fd = fd, .surface = surface };

		lg_loop_call(hs->loops[i]->loop, open_on_loop, &call);
		LG_TRY(call.e);
	}
	return LG_OK;
}

/* ---- closing -------------------------------------------------------------------------------------------- */

static void
quiesce_on_loop(void *arg)
{
	struct http_loop *hl = arg;

	for (struct http_listener *ls = hl->listeners; ls != NULL; ls = ls->next) {
		lg_watch_del(hl->loop, &ls->watch);
		lg_timer_unset(hl->loop, &ls->rest);
	}
	http_streams_wake(hl);
}

void
lg_http_quiesce(struct lg_http_server *hs)
{
	atomic_store(&hs->quiesced, true);
	for (size_t i = 0; i < hs->nloops; i++)
		lg_loop_call(hs->loops[i]->loop, quiesce_on_loop, hs->loops[i]);
}

unsigned
lg_http_live(struct lg_http_server *hs)
{
	unsigned n = 0;

	for (size_t i = 0; i < hs->nloops; i++)
		n += atomic_load(&hs->loops[i]->live);
	return n;
}

void
lg_http_detach(struct lg_http_server *hs, struct lg_loop *l)
{
	for (size_t i = 0; i < hs->nloops; i++) {
		struct http_loop *hl = hs->loops[i];

		if (hl->loop != l)
			continue;
		quiesce_on_loop(hl);
		lg_turn_del(l, &hl->turn);
		for (size_t k = 0; k < HTTP_SURFACES; k++) {
			lg_watch_del(l, &hl->daemon[k].watch);
			lg_timer_unset(l, &hl->daemon[k].rest);
			if (hl->daemon[k].mhd != NULL)
				MHD_stop_daemon(hl->daemon[k].mhd);
			hl->daemon[k].mhd = NULL;
		}
		lg_timer_unset(l, &hl->reaper);
	}
}

static void
loop_free(struct http_loop *hl)
{
	while (hl->listeners != NULL) {
		struct http_listener *ls = hl->listeners;

		hl->listeners = ls->next;
		free(ls);
	}
	http_spare_free(hl);
	lg_arena_free(&hl->verify);
	free(hl);
}

void
lg_http_free(struct lg_http_server **hs)
{
	if (*hs == NULL)
		return;
	for (size_t i = 0; i < (*hs)->nloops; i++)
		loop_free((*hs)->loops[i]);
	http_tls_free(*hs);
	lg_arena_free(&(*hs)->arena);
	free(*hs);
	*hs = NULL;
}
