/* ldap_listener.c: listening sockets in every loop, and the end of it all. */
#include "server/ldap_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/peer.h"
#include "server/ldap_impl.h"

lg_err
lg_ldap_listener_new(struct lg_ctx *cx, const struct lg_ldap_listener_options *o, struct lg_ldap_listener **ret)
{
	struct lg_ldap_listener *ll;

	if (o->handshake_time <= 0)
		return lg_fail(cx, LG_E_INVALID, "LDAP needs a time for handshakes");
	ll = calloc(1, sizeof *ll);
	if (ll == NULL)
		abort();
	ll->o = *o;
	pthread_mutex_init(&ll->lock, NULL);
	*ret = ll;
	return LG_OK;
}

void
lg_ldap_listener_verifier(struct lg_ldap_listener *ll, const struct lg_http_verifier *port)
{
	ll->verifier = *port;
}

/* ---- arriving ------------------------------------------------------------------------------------------ */

static void
describe(int fd, const struct sockaddr_storage *from, struct lg_ldap_peer *p)
{
	char host[INET6_ADDRSTRLEN] = "?";

	p->uid = p->gid = p->pid = -1;
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)from;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(p->address, sizeof p->address, "%s:%u", host, ntohs(in->sin_port));
		p->loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
	} else if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)from;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		snprintf(p->address, sizeof p->address, "[%s]:%u", host, ntohs(in6->sin6_port));
		p->loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	} else if (from->ss_family == AF_UNIX) {
		struct lg_peer_who who = lg_peer_who(fd);

		p->uid = who.uid;
		p->gid = who.gid;
		p->pid = who.pid;
		p->loopback = true;
		snprintf(p->address, sizeof p->address, "uid=%lld pid=%lld", (long long)p->uid, (long long)p->pid);
	}
}

static struct ldap_loop *
lightest(struct ldap_loop *al)
{
	struct ldap_loop *best = al;

	for (size_t i = 0; i < al->ll->nloops; i++)
		if (atomic_load(&al->ll->loops[i]->connections) < atomic_load(&best->connections))
			best = al->ll->loops[i];
	return best;
}

static void
arrive(struct lg_note *note)
{
	ldap_conn_begin((struct ldap_conn *)((char *)note - offsetof(struct ldap_conn, note)));
}

static void
place(struct ldap_socket *s, int fd, const struct sockaddr_storage *from)
{
	struct ldap_conn *c = calloc(1, sizeof *c);
	int one = 1;

	if (c == NULL)
		abort();
	if (from->ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->al = lightest(s->al);
	c->watch.fd = fd;
	c->tls_at_once = s->tls;
	c->from = *from;
	describe(fd, from, &c->peer);
	atomic_fetch_add(&c->al->connections, 1);
	if (c->al == s->al) {
		ldap_conn_begin(c);
		return;
	}
	c->note.run = arrive;
	lg_mailbox_post(lg_loop_mailbox(c->al->loop), &c->note);
}

static void
rested(struct lg_timer *t)
{
	struct ldap_socket *s = (struct ldap_socket *)((char *)t - offsetof(struct ldap_socket, rest));

	lg_watch_set(s->al->loop, &s->watch, EPOLLIN);
}

static void
ready(struct lg_watch *w, uint32_t events)
{
	struct ldap_socket *s = (struct ldap_socket *)w;
	struct lg_limits *limits = s->al->ll->o.limits;

	(void)events;
	for (int i = 0; i < LDAP_ACCEPTS; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t size = sizeof from;
		int fd = accept4(w->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			lg_watch_set(s->al->loop, w, 0);
			lg_timer_set(s->al->loop, &s->rest, LG_SECOND / 10);
			return;
		}
		if (fd < 0 && (errno == EAGAIN || errno == EINVAL || errno == EBADF))
			return;
		if (fd < 0)
			continue;
		if (limits != NULL && !lg_limits_take(limits, (struct sockaddr *)&from))
			close(fd);
		else
			place(s, fd, &from);
	}
}

/* ---- on every loop ----------------------------------------------------------------------------------------- */

struct call {
	struct lg_ctx *cx;
	struct ldap_loop *al;
	int fd;
	bool tls;
	lg_err e;
};

static void
attach_on_loop(void *arg)
{
	struct ldap_loop *al = arg;

	lg_turn_add(al->loop, &al->turn);
}

lg_err
lg_ldap_listener_attach(struct lg_ctx *cx, struct lg_ldap_listener *ll, struct lg_loop *l, struct lg_ldap *ldap)
{
	struct ldap_loop *al;

	if (ll->nloops >= LG_LOOPS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d loops", LG_LOOPS);
	al = calloc(1, sizeof *al);
	if (al == NULL)
		abort();
	al->ll = ll;
	al->loop = l;
	al->ldap = ldap;
	al->queue_end = &al->queue;
	al->turn = (struct lg_turn){ .run = ldap_queue_run, .place = LG_TURN_SERVE };
	ll->loops[ll->nloops++] = al;
	lg_loop_call(l, attach_on_loop, al);
	return LG_OK;
}

static void
open_on_loop(void *arg)
{
	struct call *call = arg;
	struct ldap_socket *s = calloc(1, sizeof *s);

	if (s == NULL)
		abort();
	s->al = call->al;
	s->tls = call->tls;
	s->watch = (struct lg_watch){ .fd = call->fd, .ready = ready };
	s->rest.run = rested;
	s->next = call->al->sockets;
	call->al->sockets = s;
	call->e = lg_watch_add(call->cx, call->al->loop, &s->watch, EPOLLIN);
}

lg_err
lg_ldap_listener_open(struct lg_ctx *cx, struct lg_ldap_listener *ll, int fd, bool tls)
{
	for (size_t i = 0; i < ll->nloops; i++) {
		struct call call = { .cx = cx, .al = ll->loops[i], .fd = fd, .tls = tls };

		lg_loop_call(ll->loops[i]->loop, open_on_loop, &call);
		LG_TRY(call.e);
	}
	return LG_OK;
}

static void
close_sockets(struct ldap_loop *al)
{
	while (al->sockets != NULL) {
		struct ldap_socket *s = al->sockets;

		al->sockets = s->next;
		lg_watch_del(al->loop, &s->watch);
		lg_timer_unset(al->loop, &s->rest);
		free(s);
	}
}

static void
quiesce_on_loop(void *arg)
{
	struct ldap_loop *al = arg;
	struct ldap_conn *next;

	close_sockets(al);
	for (struct ldap_conn *c = al->conns; c != NULL; c = next) {
		next = c->next;
		ldap_conn_stop(c);
	}
}

void
lg_ldap_listener_quiesce(struct lg_ldap_listener *ll)
{
	for (size_t i = 0; i < ll->nloops; i++)
		lg_loop_call(ll->loops[i]->loop, quiesce_on_loop, ll->loops[i]);
}

unsigned
lg_ldap_listener_live(struct lg_ldap_listener *ll)
{
	unsigned n = 0;

	for (size_t i = 0; i < ll->nloops; i++)
		n += atomic_load(&ll->loops[i]->connections);
	return n;
}

void
lg_ldap_listener_detach(struct lg_ldap_listener *ll, struct lg_loop *l)
{
	for (size_t i = 0; i < ll->nloops; i++) {
		struct ldap_loop *al = ll->loops[i];

		if (al->loop != l)
			continue;
		close_sockets(al);
		while (al->conns != NULL)
			ldap_conn_end(al->conns);
		lg_turn_del(l, &al->turn);
	}
}

void
lg_ldap_listener_free(struct lg_ldap_listener **ll)
{
	if (*ll == NULL)
		return;
	for (size_t i = 0; i < (*ll)->nloops; i++)
		free((*ll)->loops[i]);
	SSL_CTX_free((*ll)->ctx);
	pthread_mutex_destroy(&(*ll)->lock);
	free(*ll);
	*ll = NULL;
}
