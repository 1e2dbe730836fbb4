/*
 * fetch.h: what the service looks at outside: the servers that want a certificate (ACME), and the DNS server that finds them.
 *
 * Every call has one deadline and a size limit, speaks to no private or loopback address unless the settings allow it, and follows no
 * redirect.  Addresses come from the resolver of the settings alone, never from the C library, whose answers have no deadline.
 */
#ifndef LG_SERVER_FETCH_H
#define LG_SERVER_FETCH_H

#include <netinet/in.h>

#include "lightgate/certs.h"
#include "server/config.h"

#define LG_FETCH_TIME		(5 * INT64_C(1000000))	/* for one look: names, connection and answer */
#define LG_FETCH_ADDRESSES	4			/* of a name that are tried */

struct lg_fetch {
	struct sockaddr_storage resolver;
	socklen_t resolver_size;		/* 0: there is none */
	uint16_t http_port, alpn_port;
	bool private_too;
};

/* As long as the arena. */
struct lg_acme_net lg_fetch_net(struct lg_arena *a, const struct lg_settings *s);

/* The address may be looked at: global unicast. */
bool lg_fetch_public(const struct sockaddr *a);

/* fetch_dns.c: one question over UDP.  Answers of the type, in the order they came; NOT_FOUND without any. */
enum lg_dns_type { LG_DNS_A = 1, LG_DNS_TXT = 16, LG_DNS_AAAA = 28 };
LG_CHECKED lg_err lg_dns_ask(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str name, enum lg_dns_type type, size_t max,
    lg_str *ret, size_t *n);
/* A reply to the question with this id: for lg_dns_ask, tests and fuzzing. */
LG_CHECKED lg_err lg_dns_parse(struct lg_ctx *cx, lg_str reply, uint16_t id, enum lg_dns_type type, size_t max, lg_str *ret, size_t *n);

#endif
