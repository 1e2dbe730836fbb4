/*
 * web.h: the port through which a component asks others' web servers: keys of an issuer of tokens, a token endpoint, a notice of
 * logout.  server/ fills it, and there it is judged which addresses may be spoken to; tests fill it with a table.
 */
#ifndef LG_BASE_WEB_H
#define LG_BASE_WEB_H

#include <sys/socket.h>

#include "lightgate/base.h"

#define LG_WEB_URL	2048		/* octets */
#define LG_WEB_BODY	(256u << 10)	/* octets of an answer that anybody may want */

struct lg_web_request {
	lg_str url;			/* https://... */
	lg_str ca;			/* PEM of whom to believe; empty: the host's public CAs */
	/* Instead of these: judges the server by its certificates, DER, its own first, before anything is sent.  NULL: none. */
	lg_err (*judge)(void *arg, struct lg_ctx *cx, const lg_str *chain, size_t n);
	void *judge_arg;
	lg_str type, body;		/* of a POST; body empty: GET */
	lg_str authorization;		/* whole value of the field; empty: none */
	lg_str signature;		/* of Lightgate-Signature, likewise */
	size_t max;			/* octets of the answer's body, at most LG_WEB_BODY */
};

struct lg_web_reply {
	int status;
	lg_str type, body;		/* in cx's arena */
	int64_t max_age;		/* seconds that it may be kept; 0: not said */
};

struct lg_web {
	void *self;
	/* On a thread that may wait: one request, five seconds in all, no redirect is followed.  LG_E_DENIED: the address may not be
	 * spoken to; LG_E_UNAUTHENTICATED: the server's certificate; LG_E_UNAVAILABLE: no answer. */
	lg_err (*ask)(void *self, struct lg_ctx *cx, const struct lg_web_request *rq, struct lg_web_reply *ret);
	/* For those who connect by themselves. */
	bool (*may_reach)(void *self, const struct sockaddr *to);
};

#endif
