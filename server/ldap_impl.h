/* ldap_impl.h: what ldap_*.c share; the only header that shows OpenSSL's TLS. */
#ifndef LG_SERVER_LDAP_IMPL_H
#define LG_SERVER_LDAP_IMPL_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/ldap_listener.h"

#define LDAP_READ	(64u << 10)	/* octets taken from a connection at a time */
#define LDAP_ACCEPTS	64

struct ldap_loop {
	struct lg_ldap_listener *ll;
	struct lg_loop *loop;
	struct lg_ldap *ldap;
	struct ldap_socket *sockets;
	struct ldap_conn *conns;
	struct ldap_conn *queue, **queue_end;	/* to be driven at the end of the turn */
	struct lg_turn turn;
	atomic_uint connections;
	char read[LDAP_READ];
};

struct ldap_socket {
	struct lg_watch watch;
	struct lg_timer rest;		/* after running out of descriptors */
	struct ldap_loop *al;
	bool tls;
	struct ldap_socket *next;
};

struct ldap_conn {
	struct lg_watch watch;
	struct lg_note note;		/* on its way to the loop that is to have it */
	struct lg_timer timer;
	struct ldap_loop *al;
	struct ldap_conn *next, **prev;	/* of the loop's */
	struct ldap_conn *queued_next;
	bool queued;
	bool tls_at_once;		/* LDAPS */
	bool handshaking;
	bool unread;			/* TLS holds octets that the socket no longer shows */
	bool stopped;			/* it has been told that it ends */
	uint32_t events;
	SSL *ssl;
	struct lg_ldap_conn *lc;
	struct sockaddr_storage from;
	struct lg_ldap_peer peer;
};

struct lg_ldap_listener {
	struct lg_ldap_listener_options o;
	pthread_mutex_t lock;		/* for the pointer ctx alone */
	SSL_CTX *ctx;
	struct lg_http_verifier verifier;
	struct ldap_loop *loops[LG_LOOPS];
	size_t nloops;
};

/* ldap_conn.c */
void ldap_conn_begin(struct ldap_conn *c);	/* on its loop */
void ldap_conn_end(struct ldap_conn *c);
void ldap_conn_stop(struct ldap_conn *c);	/* a notice of disconnection, then the end */
void ldap_queue_run(struct lg_turn *t);

/* ldap_tls.c */
SSL *ldap_tls_new(struct lg_ldap_listener *ll, int fd);		/* NULL: there is no identity yet */
void ldap_tls_peer(SSL *ssl, struct lg_arena *arena, struct lg_ldap_peer *peer);

#endif
