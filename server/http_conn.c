/*
 * http_conn.c: connections: accepted by us, handed to the loop with the fewest, given to MHD, and cut when they take too long.
 *
 * MHD's own timeout is one of inactivity, which a client that sends an octet a second never meets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/peer.h"
#include "server/http_impl.h"

/* ---- deadlines ----------------------------------------------------------------------------------- */

static int64_t
due_time(const struct lg_http_options *o, enum http_due kind)
{
	switch (kind) {
	case DUE_REQUEST:
		return o->request_time;
	case DUE_IDLE:
		return o->idle_time;
	case DUE_REPLY:
		return o->reply_time;
	case DUE_NEVER:
		break;
	}
	return 0;
}

void
http_due_set(struct http_conn *c, enum http_due kind)
{
	struct http_loop *hl = c->daemon->hl;

	http_link_out(&c->link);
	c->kind = kind;
	if (kind == DUE_NEVER)
		return;
	c->due = lg_loop_now(hl->loop) + due_time(&hl->hs->o, kind);
	http_link_in(&hl->due[kind], &c->link);
	if (hl->reaper.at == 0 || c->due < hl->reaper.due)
		lg_timer_set(hl->loop, &hl->reaper, c->due - lg_loop_now(hl->loop));
}

/* Cuts what is over its time.  MHD finds the socket at its end and closes it the usual way. */
static void
reap(struct lg_timer *t)
{
	struct http_loop *hl = (struct http_loop *)((char *)t - offsetof(struct http_loop, reaper));
	int64_t now = lg_loop_now(hl->loop), first = INT64_MAX;

	for (enum http_due kind = 0; kind < DUE_NEVER; kind++) {
		struct http_link *head = &hl->due[kind];

		while (head->next != head) {
			struct http_conn *c = (struct http_conn *)head->next;

			if (c->due > now) {
				first = c->due < first ? c->due : first;
				break;
			}
			http_due_set(c, DUE_NEVER);
			shutdown(c->fd, SHUT_RDWR);
		}
	}
	if (first != INT64_MAX)
		lg_timer_set(hl->loop, &hl->reaper, first - now);
}

void
http_conns_init(struct http_loop *hl)
{
	for (enum http_due kind = 0; kind < DUE_NEVER; kind++)
		hl->due[kind].next = hl->due[kind].prev = &hl->due[kind];
	hl->streams.next = hl->streams.prev = &hl->streams;
	hl->reaper.run = reap;
}

/* ---- who is there ------------------------------------------------------------------------------------ */

static void
peer_unix(int fd, struct lg_peer *p)
{
	struct lg_peer_who who = lg_peer_who(fd);

	p->uid = who.uid;
	p->gid = who.gid;
	p->pid = who.pid;
	snprintf(p->address, sizeof p->address, "uid=%lld pid=%lld", (long long)p->uid, (long long)p->pid);
}

static void
peer_text(const struct sockaddr_storage *from, struct lg_peer *p)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)from;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(p->address, sizeof p->address, "%s:%u", host, ntohs(in->sin_port));
	} else {
		const struct sockaddr_in6 *in6 = (const void *)from;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		snprintf(p->address, sizeof p->address, "[%s]:%u", host, ntohs(in6->sin6_port));
	}
}

static void
conn_free(struct http_conn *c)
{
	struct http_loop *hl = c->daemon->hl;

	http_link_out(&c->link);
	if (hl->hs->o.limits != NULL)
		lg_limits_give(hl->hs->o.limits, (struct sockaddr *)&c->from);
	atomic_fetch_sub_explicit(&hl->connections, 1, memory_order_relaxed);
	free((void *)(uintptr_t)c->peer.cert.p);
	free((void *)(uintptr_t)c->peer.shown.p);
	if (c->daemon->held == c)
		http_tls_flush(c->daemon);
	lg_buf_free(&c->head);
	free(c);
}

struct http_conn *
http_conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void
http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct http_daemon *d = cls;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		conn_free(*socket_context);
		*socket_context = NULL;
		return;
	}
	*socket_context = d->hl->arriving;
	d->hl->arriving = NULL;
	if (d->tls)
		http_tls_started(*socket_context, mhd);
	http_due_set(*socket_context, DUE_REQUEST);
}

/*
 * libmicrohttpd 0.9.75 sets options of TCP after every answer, until it hears that a socket has none.  Of UNIX sockets Linux says so by
 * EOPNOTSUPP, which it does not know: two calls and two texts of an error for each answer.  So it is told in the word that it knows.
 * The dynamic linker takes this one for every library of the process; all else is the system's answer.
 */
__attribute__((visibility("default"))) int
setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	long rc = syscall(SYS_setsockopt, fd, level, name, value, n);

	if (rc != 0 && level == IPPROTO_TCP && errno == EOPNOTSUPP)
		errno = ENOPROTOOPT;
	return (int)rc;
}

/* ---- arriving ---------------------------------------------------------------------------------------- */

/* On the loop that shall have it. */
static void
adopt(struct http_conn *c)
{
	struct http_daemon *d = c->daemon;

	d->hl->arriving = c;
	/* MHD wants an address; a UNIX peer's is empty, and its record says so. */
	if (d->mhd == NULL)
		close(c->fd);
	else if (MHD_add_connection(d->mhd, c->fd, (struct sockaddr *)&c->from, c->from_size) == MHD_YES)
		http_daemon_due(d);
	if (d->hl->arriving != NULL) {	/* MHD closed it before it told us of it */
		d->hl->arriving = NULL;
		conn_free(c);
	}
}

static void
arrive(struct lg_note *note)
{
	adopt((struct http_conn *)((char *)note - offsetof(struct http_conn, note)));
}

/* The loop with the fewest connections, this one on a tie. */
static struct http_loop *
lightest(struct http_loop *hl)
{
	struct lg_http_server *hs = hl->hs;
	struct http_loop *best = hl;
	unsigned least = atomic_load_explicit(&hl->connections, memory_order_relaxed);

	for (size_t i = 0; i < hs->nloops; i++) {
		unsigned n = atomic_load_explicit(&hs->loops[i]->connections, memory_order_relaxed);

		if (n < least) {
			least = n;
			best = hs->loops[i];
		}
	}
	return best;
}

static void
place(struct http_daemon *d, int fd, const struct sockaddr_storage *from, socklen_t size)
{
	struct http_loop *to = lightest(d->hl);
	struct http_conn *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	c->daemon = &to->daemon[d - d->hl->daemon];
	c->fd = fd;
	c->kind = DUE_NEVER;
	c->from = *from;
	c->from_size = size;
	c->peer = (struct lg_peer){ .surface = d->surface, .uid = -1, .gid = -1, .pid = -1 };
	if (d->surface == LG_SURFACE_UNIX)
		peer_unix(fd, &c->peer);
	else
		peer_text(from, &c->peer);
	atomic_fetch_add_explicit(&to->connections, 1, memory_order_relaxed);
	if (to == d->hl) {
		adopt(c);
		return;
	}
	c->note.run = arrive;
	lg_mailbox_post(lg_loop_mailbox(to->loop), &c->note);
}

void
http_listener_rest(struct lg_timer *t)
{
	struct http_listener *ls = (struct http_listener *)((char *)t - offsetof(struct http_listener, rest));

	lg_watch_set(ls->daemon->hl->loop, &ls->watch, EPOLLIN);
}

void
http_listener_ready(struct lg_watch *w, uint32_t events)
{
	struct http_listener *ls = (struct http_listener *)w;
	struct lg_limits *limits = ls->daemon->hl->hs->o.limits;

	(void)events;
	for (int i = 0; i < HTTP_ACCEPTS; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t size = sizeof from;
		int fd = accept4(w->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			/* It would be reported again at once: look away for a while. */
			lg_watch_set(ls->daemon->hl->loop, w, 0);
			lg_timer_set(ls->daemon->hl->loop, &ls->rest, LG_SECOND / 10);
			return;
		}
		if (fd < 0 && (errno == EAGAIN || errno == EINVAL || errno == EBADF))
			return;
		if (fd < 0)
			continue;	/* that one is gone already (ECONNABORTED and the like) */
		if (limits != NULL && !lg_limits_take(limits, (struct sockaddr *)&from))
			close(fd);
		else
			place(ls->daemon, fd, &from, size);
	}
}
