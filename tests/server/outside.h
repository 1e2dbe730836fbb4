/*
 * outside.h: the world that fetch.c looks at: an HTTP server that plays prepared answers, a DNS server with a table, and a network of
 * its own in which public addresses can be had.
 */
#ifndef LG_TESTS_SERVER_OUTSIDE_H
#define LG_TESTS_SERVER_OUTSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/fetch.h"

/* Enters a network namespace with lo up and these addresses on it; false where that is not allowed. */
bool outside_network(const char *const *addresses, size_t n);

struct outside_http {
	const char *const *reply;	/* one a connection, then it ends */
	size_t n;
	bool tls, expired;		/* TLS with a certificate of its own for localhost and 127.0.0.1 */
	bool cut;			/* TLS that ends without a word */
	char pem[2048];			/* that certificate */
	struct ssl_ctx_st *ctx;
	char request[8][1024];
	atomic_size_t asked;
	int fd;
	uint16_t port;
	pthread_t thread;
};
/* Listens on all addresses of this network; port 0: a free one. */
void outside_http_start(struct outside_http *s, uint16_t port);
void outside_http_end(struct outside_http *s);

struct outside_record {
	const char *name;
	enum lg_dns_type type;
	lg_str data;			/* of one record; TXT with its lengths */
	int times;			/* it is told so often; 0: always */
};
struct outside_dns {
	struct outside_record *record;
	size_t n;
	int code;			/* of every reply: 0, 2 SERVFAIL, 3 NXDOMAIN */
	bool truncated;			/* over UDP nothing but the flag */
	bool liar;			/* before each reply one with a wrong id and one to another question */
	atomic_int udp, tcp;		/* questions */
	atomic_bool over;
	int ufd, tfd;
	uint16_t port;
	pthread_t thread;
};
void outside_dns_start(struct outside_dns *s);
void outside_dns_end(struct outside_dns *s);

/* What the settings make of these ports; it lives as long as the arena. */
struct lg_acme_net outside_net(struct lg_arena *a, const struct outside_dns *dns, uint16_t http, uint16_t alpn, bool private_too);

struct lg_web outside_web(struct lg_arena *a, const struct outside_dns *dns, bool private_too);

#endif
