/*
 * fetch.h: what the service looks at outside: the servers that want a certificate (ACME), and the DNS server that finds them.
 *
 * Every call has one deadline and a size limit and speaks to no private or loopback address unless the settings allow it; that holds
 * for each address that a redirect leads to.  Addresses come from the resolver of the settings alone, never from the C library, whose
 * answers have no deadline, and the address that was judged is the one that is spoken to: nothing is resolved twice.
 */
#ifndef LG_SERVER_FETCH_H
#define LG_SERVER_FETCH_H

#include <netinet/in.h>

#include "base/mail.h"
#include "base/web.h"
#include "lightgate/certs.h"
#include "server/config.h"

#define LG_FETCH_TIME		(5 * INT64_C(1000000))	/* for one look: names, connections, redirects and answer */
#define LG_FETCH_ADDRESSES	4			/* of a name that are tried */
#define LG_FETCH_REDIRECTS	10			/* that are followed */
#define LG_FETCH_HEAD		8192			/* octets of an HTTP answer before its body */
#define LG_DNS_REPLY		(16u << 10)		/* octets of a reply over TCP */

struct lg_fetch {
	struct sockaddr_storage resolver;
	socklen_t resolver_size;		/* 0: there is none */
	uint16_t http_port, alpn_port;		/* the latter also of redirects to https */
	bool private_too;
	lg_str ca;				/* PEM of whom to believe beside the host's public CAs; empty: nobody */
};

/* As long as the arena. */
struct lg_fetch *lg_fetch_new(struct lg_arena *a, const struct lg_settings *s, bool private_too);
struct lg_acme_net lg_fetch_net(struct lg_arena *a, const struct lg_settings *s);

/* ---- fetch_address.c: from a name to a connection ---------------------------------------------------------- */

/* The address may be looked at: global unicast. */
bool lg_fetch_public(const struct sockaddr *a);
/* Waits for poll(2)'s events; false when the time is over. */
bool lg_fetch_wait(int fd, short events, int64_t deadline);
/* A connected socket that does not block.  LG_E_NOT_FOUND and LG_E_IO are DNS's, LG_E_DENIED: only addresses that are not looked at,
 * LG_E_UNAVAILABLE: nobody there. */
LG_CHECKED lg_err lg_fetch_reach(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str host, uint16_t port, int *ret);

/* ---- fetch_http.c, fetch_tls.c: functions of struct lg_acme_net; self is a struct lg_fetch ----------------------- */

lg_err lg_fetch_http(void *self, struct lg_ctx *cx, lg_str host, lg_str path, lg_str *body);
lg_err lg_fetch_alpn(void *self, struct lg_ctx *cx, lg_str host, lg_str sni, lg_str *cert);

/* TLS over a socket that does not block.  No certificate is verified: ACME proves by what is answered, not by who answers.  Whoever
 * believes what comes asks for it by lg_fetch_tls_trust. */
typedef struct ssl_st lg_fetch_tls;
/* Whom an SSL_CTX believes: those of `alone` (PEM), or, if it is empty, the host's public CAs and those of `more`.  False: nobody. */
bool lg_fetch_tls_believe(void *ctx, lg_str alone, lg_str more);
/* alpn: NULL for none, or one protocol with its length before it. */
LG_CHECKED lg_err lg_fetch_tls_begin(struct lg_ctx *cx, int fd, lg_str sni, const char *alpn, int64_t deadline, lg_fetch_tls **ret);
/* The same, with a server whose certificate leads to one of `ca` (PEM; empty: the host's public CAs,
 * and those of `more` beside them) and is for `host`, a name or address. */
LG_CHECKED lg_err lg_fetch_tls_trust(struct lg_ctx *cx, int fd, lg_str host, lg_str ca, lg_str more, int64_t deadline, lg_fetch_tls **ret);
/* The certificates that the server has shown, DER, its own first; those beyond LG_FETCH_CHAIN are passed over. */
#define LG_FETCH_CHAIN 6
LG_CHECKED lg_err lg_fetch_tls_chain(struct lg_ctx *cx, lg_fetch_tls *s, lg_str ret[LG_FETCH_CHAIN], size_t *n);
void lg_fetch_tls_end(lg_fetch_tls **s);
/* Octets written or read; 0: the other end has finished; -1: it failed or the time is over. */
ssize_t lg_fetch_tls_write(lg_fetch_tls *s, const void *p, size_t n, int64_t deadline);
#define LG_FETCH_CUT (-2)		/* reading: the connection ended without a word, as many servers end it and as anybody between can */
ssize_t lg_fetch_tls_read(lg_fetch_tls *s, void *p, size_t n, int64_t deadline);

/* ---- fetch_exchange.c: one request and its answer -------------------------------------------------------------- */

struct lg_fetch_line {
	int fd;
	lg_fetch_tls *tls;			/* NULL: none */
	int64_t deadline;
};
struct lg_fetch_reply {
	int status;
	lg_str location, type, body;
	int64_t max_age;			/* seconds; 0: not to be kept */
};
/* HTTP/1.0, so that the answer ends with the connection and comes in no parts.  LG_E_INVALID: it is none, or has more than max_body
 * octets. */
LG_CHECKED lg_err lg_fetch_exchange(struct lg_ctx *cx, struct lg_fetch_line *l, lg_str request, size_t max_body, struct lg_fetch_reply *ret);
bool lg_fetch_text_valid(lg_str s);		/* may stand in a request line or a field: printable ASCII without blanks */

/* ---- fetch_web.c: struct lg_web (base/web.h) ---------------------------------------------------------------------- */

struct lg_web lg_fetch_web(struct lg_arena *a, const struct lg_settings *s);

/* ---- fetch_mail.c: struct lg_mailer (base/mail.h) ------------------------------------------------------------------ */

struct lg_mailer lg_fetch_mailer(struct lg_arena *a, const struct lg_settings *s);

/* ---- fetch_dns.c: a stub resolver ------------------------------------------------------------------------------- */

enum lg_dns_type { LG_DNS_A = 1, LG_DNS_TXT = 16, LG_DNS_AAAA = 28, LG_DNS_CAA = 257 };
/* One question over UDP, over TCP when the reply does not fit.  Answers of the type, in the order they came, at most max.  LG_E_NOT_FOUND
 * without any; LG_E_IO when the DNS server fails or does not answer. */
LG_CHECKED lg_err lg_dns_ask(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str name, enum lg_dns_type type, size_t max,
    lg_str *ret, size_t *n);
/* The same of the closest of a name and its parents that has records, all asked at once. */
LG_CHECKED lg_err lg_dns_climb(struct lg_ctx *cx, const struct lg_fetch *f, int64_t deadline, lg_str name, enum lg_dns_type type, size_t max,
    lg_str *ret, size_t *n);
/* Its records: for lg_dns_ask, tests and fuzzing. */
LG_CHECKED lg_err lg_dns_parse(struct lg_ctx *cx, lg_str reply, lg_str query, enum lg_dns_type type, size_t max, lg_str *ret, size_t *n);

#endif
