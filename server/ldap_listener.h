/*
 * ldap_listener.h: sockets and TLS around the LDAP connections of directory/: LDAP with StartTLS, LDAPS, UNIX sockets.
 * ldap_*.c alone know OpenSSL's TLS.
 */
#ifndef LG_SERVER_LDAP_LISTENER_H
#define LG_SERVER_LDAP_LISTENER_H

#include "lightgate/directory.h"
#include "server/http.h"
#include "server/limits.h"
#include "server/loop.h"

struct lg_ldap_listener;

struct lg_ldap_listener_options {
	int64_t handshake_time;		/* microseconds for a TLS handshake */
	struct lg_limits *limits;	/* shared with HTTP; may be NULL */
};

LG_CHECKED lg_err lg_ldap_listener_new(struct lg_ctx *cx, const struct lg_ldap_listener_options *o, struct lg_ldap_listener **ret);
void lg_ldap_listener_free(struct lg_ldap_listener **ll);	/* after the loops have stopped; safe on NULL */

/* The certificate shown, as with lg_http_identity_set. */
LG_CHECKED lg_err lg_ldap_listener_identity(struct lg_ctx *cx, struct lg_ldap_listener *ll, lg_str chain, lg_str key);
/* Judges certificates that clients choose to show (SASL EXTERNAL).  Without this port none is asked for.  Before the first attach. */
void lg_ldap_listener_verifier(struct lg_ldap_listener *ll, const struct lg_http_verifier *port);

/* Gives a loop what its connections share (one lg_ldap each: it is used by that thread only); any thread, the loop turning. */
LG_CHECKED lg_err lg_ldap_listener_attach(struct lg_ctx *cx, struct lg_ldap_listener *ll, struct lg_loop *l, struct lg_ldap *ldap);
/* Accepts in every attached loop; tls: LDAPS.  The socket stays the caller's, who closes it after quiesce. */
LG_CHECKED lg_err lg_ldap_listener_open(struct lg_ctx *cx, struct lg_ldap_listener *ll, int fd, bool tls);

/* Drain: stops accepting, tells every client that the service ends (RFC 4511 4.4.1, unavailable), closes when that is sent. */
void lg_ldap_listener_quiesce(struct lg_ldap_listener *ll);
unsigned lg_ldap_listener_live(struct lg_ldap_listener *ll);	/* open connections */
/* Closes the loop's connections at once, on its thread; its lg_ldap may be freed after lg_ldap_outstanding is 0. */
void lg_ldap_listener_detach(struct lg_ldap_listener *ll, struct lg_loop *l);

#endif
