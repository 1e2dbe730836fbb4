/*
 * ldap_conn.c: octets between a socket and a connection of directory/.  One read, all requests in it, one write for all replies;
 * what other events make ready is driven together at the end of the turn.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/ldap_impl.h"

#define UNAVAILABLE	52		/* RFC 4511 A.2 */
#define ADMIN_LIMIT	11

static void
queue(struct ldap_conn *c)
{
	if (c->queued)
		return;
	c->queued = true;
	c->queued_next = NULL;
	*c->al->queue_end = c;
	c->al->queue_end = &c->queued_next;
}

static void
unqueue(struct ldap_conn *c)
{
	struct ldap_conn **at = &c->al->queue;

	if (!c->queued)
		return;
	while (*at != c)
		at = &(*at)->queued_next;
	*at = c->queued_next;
	if (*at == NULL)
		c->al->queue_end = at;
	c->queued = false;
}

void
ldap_conn_end(struct ldap_conn *c)
{
	struct ldap_loop *al = c->al;

	unqueue(c);
	if (c->prev != NULL) {
		*c->prev = c->next;
		if (c->next != NULL)
			c->next->prev = c->prev;
	}
	lg_timer_unset(al->loop, &c->timer);
	lg_watch_del(al->loop, &c->watch);
	lg_ldap_conn_free(&c->lc);
	if (c->ssl != NULL && !c->handshaking)
		SSL_shutdown(c->ssl);	/* close_notify, as far as the socket takes it */
	SSL_free(c->ssl);
	ERR_clear_error();
	close(c->watch.fd);
	if (al->ll->o.limits != NULL)
		lg_limits_give(al->ll->o.limits, (struct sockaddr *)&c->from);
	atomic_fetch_sub(&al->connections, 1);
	free(c);
}

/* The timer is only ever brought forward here; when it fires too early it is set again. */
static void
deadline(struct ldap_conn *c, int64_t due)
{
	if (due != 0 && (c->timer.at == 0 || due < c->timer.due))
		lg_timer_set(c->al->loop, &c->timer, due - lg_loop_now(c->al->loop));
}

static void
watch(struct ldap_conn *c, uint32_t events)
{
	if (events != c->events)
		lg_watch_set(c->al->loop, &c->watch, events);
	c->events = events;
}

/* ---- octets: > 0 moved, 0 not now, < 0 the end ------------------------------------------------------------ */

static ssize_t
tls_result(struct ldap_conn *c, int n)
{
	int why;

	if (n > 0)
		return n;
	why = SSL_get_error(c->ssl, n);
	ERR_clear_error();
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t
take(struct ldap_conn *c)
{
	ssize_t n;

	if (c->ssl != NULL) {
		n = tls_result(c, SSL_read(c->ssl, c->al->read, LDAP_READ));
		c->unread = n > 0 && SSL_has_pending(c->ssl);
		return n;
	}
	n = recv(c->watch.fd, c->al->read, LDAP_READ, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == 0 ? -1 : n;
}

static ssize_t
give(struct ldap_conn *c, lg_str out)
{
	ssize_t n;

	if (c->ssl != NULL)
		return tls_result(c, SSL_write(c->ssl, out.p, out.n > INT32_MAX ? INT32_MAX : (int)out.n));
	n = send(c->watch.fd, out.p, out.n, MSG_NOSIGNAL);
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

/* ---- TLS ------------------------------------------------------------------------------------------------------ */

static void drive(struct ldap_conn *c);
static void wake(void *arg);

static void
handshake_done(struct ldap_conn *c)
{
	struct lg_arena *arena = lg_arena_new();
	struct lg_ldap_peer peer = c->peer;

	ldap_tls_peer(c->ssl, arena, &peer);
	c->handshaking = false;
	lg_timer_unset(c->al->loop, &c->timer);
	if (c->lc == NULL)
		c->lc = lg_ldap_conn_new(c->al->ldap, &peer, wake, c);
	else
		lg_ldap_secured(c->lc, &peer);
	lg_arena_free(&arena);		/* the certificate is copied by now */
	c->unread = SSL_has_pending(c->ssl);
	drive(c);
}

static void
handshake(struct ldap_conn *c)
{
	int n = SSL_accept(c->ssl), why;

	if (n == 1) {
		handshake_done(c);
		return;
	}
	why = SSL_get_error(c->ssl, n);
	ERR_clear_error();
	if (why == SSL_ERROR_WANT_READ)
		watch(c, EPOLLIN);
	else if (why == SSL_ERROR_WANT_WRITE)
		watch(c, EPOLLOUT);
	else
		ldap_conn_end(c);
}

static void
handshake_begin(struct ldap_conn *c)
{
	c->ssl = ldap_tls_new(c->al->ll, c->watch.fd);
	if (c->ssl == NULL) {
		ldap_conn_end(c);
		return;
	}
	c->handshaking = true;
	lg_timer_set(c->al->loop, &c->timer, c->al->ll->o.handshake_time);
	handshake(c);
}

/* ---- driving ------------------------------------------------------------------------------------------------------ */

/* False: the connection is gone. */
static bool
flush(struct ldap_conn *c)
{
	lg_str out;

	while ((out = lg_ldap_output(c->lc)).n > 0) {
		ssize_t n = give(c, out);

		if (n < 0) {
			ldap_conn_end(c);
			return false;
		}
		if (n == 0)
			return true;
		lg_ldap_sent(c->lc, (size_t)n);
	}
	return true;
}

static void
drive(struct ldap_conn *c)
{
	unsigned wants = lg_ldap_run(c->lc);
	bool waiting;

	if (!flush(c))
		return;
	waiting = lg_ldap_output(c->lc).n > 0;
	if (!waiting && (wants & LG_LDAP_CLOSE) != 0) {
		ldap_conn_end(c);
		return;
	}
	if (!waiting && (wants & LG_LDAP_START_TLS) != 0 && c->ssl == NULL) {
		handshake_begin(c);
		return;
	}
	if ((wants & LG_LDAP_RUN) != 0 || (c->unread && (wants & LG_LDAP_READ) != 0)) {
		queue(c);		/* the others come first */
		lg_loop_again(c->al->loop);
	}
	if ((wants & (LG_LDAP_CLOSE | LG_LDAP_START_TLS)) != 0)
		wants &= ~(unsigned)LG_LDAP_READ;
	watch(c, ((wants & LG_LDAP_READ) != 0 ? EPOLLIN : 0) | (waiting ? EPOLLOUT : 0));
	deadline(c, lg_ldap_deadline(c->lc));
}

static void
read_and_drive(struct ldap_conn *c)
{
	ssize_t n = take(c);

	if (n < 0) {
		ldap_conn_end(c);
		return;
	}
	if (n > 0)
		lg_ldap_feed(c->lc, (lg_str){ c->al->read, (size_t)n });
	drive(c);
}

static void
ready(struct lg_watch *w, uint32_t events)
{
	struct ldap_conn *c = (struct ldap_conn *)w;

	if (c->handshaking)
		handshake(c);
	else if ((events & EPOLLIN) != 0)
		read_and_drive(c);
	else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		ldap_conn_end(c);
	else
		drive(c);
}

/* A reply has come for one of its operations. */
static void
wake(void *arg)
{
	queue(arg);
}

void
ldap_queue_run(struct lg_turn *t)
{
	struct ldap_loop *al = (struct ldap_loop *)((char *)t - offsetof(struct ldap_loop, turn));
	struct ldap_conn *last = al->queue == NULL ? NULL :
	    (struct ldap_conn *)((char *)al->queue_end - offsetof(struct ldap_conn, queued_next));
	bool more = last != NULL;

	/* Up to the one that is last now; those that queue themselves again wait for the next turn. */
	while (more && al->queue != NULL) {
		struct ldap_conn *c = al->queue;

		more = c != last;
		unqueue(c);
		if (c->handshaking)
			continue;
		if (c->unread)
			read_and_drive(c);
		else
			drive(c);
	}
	if (al->queue != NULL)
		lg_loop_again(al->loop);
}

/* ---- deadlines --------------------------------------------------------------------------------------------------------- */

void
ldap_conn_stop(struct ldap_conn *c)
{
	if (c->lc == NULL || c->handshaking) {
		ldap_conn_end(c);
		return;
	}
	c->stopped = true;
	lg_timer_set(c->al->loop, &c->timer, c->al->ll->o.handshake_time);
	lg_ldap_conn_stop(c->lc, UNAVAILABLE, LG_STR("the service ends"));
	queue(c);
	lg_loop_again(c->al->loop);
}

static void
late(struct lg_timer *t)
{
	struct ldap_conn *c = (struct ldap_conn *)((char *)t - offsetof(struct ldap_conn, timer));
	int64_t due = c->lc == NULL || c->handshaking || c->stopped ? 0 : lg_ldap_deadline(c->lc);

	if (c->lc == NULL || c->handshaking || c->stopped) {
		ldap_conn_end(c);	/* it had its time */
	} else if (due > lg_loop_now(c->al->loop)) {
		deadline(c, due);
	} else if (due != 0) {
		c->stopped = true;
		lg_timer_set(c->al->loop, &c->timer, c->al->ll->o.handshake_time);
		lg_ldap_conn_stop(c->lc, ADMIN_LIMIT, LG_STR("idle for too long"));
		drive(c);
	}
}

/* ---- the beginning ------------------------------------------------------------------------------------------------------ */

static bool
enter(struct ldap_conn *c)
{
	struct ldap_loop *al = c->al;
	struct lg_arena *arena = lg_arena_new();
	struct lg_ctx cx;
	lg_err e;

	lg_ctx_init(&cx, arena);
	c->watch.ready = ready;
	c->timer.run = late;
	c->events = EPOLLIN;
	c->next = al->conns;
	c->prev = &al->conns;
	if (c->next != NULL)
		c->next->prev = &c->next;
	al->conns = c;
	e = lg_watch_add(&cx, al->loop, &c->watch, EPOLLIN);
	lg_arena_free(&arena);
	if (e != LG_OK)
		ldap_conn_end(c);
	return e == LG_OK;
}

void
ldap_conn_begin(struct ldap_conn *c)
{
	if (!enter(c))
		return;
	if (c->tls_at_once) {
		handshake_begin(c);
		return;
	}
	c->lc = lg_ldap_conn_new(c->al->ldap, &c->peer, wake, c);
	drive(c);
}
