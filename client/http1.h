/*
 * http1.h: the head of an HTTP/1.1 message, read strictly (RFC 9112): requests that the agent passes to a container engine, answers over UNIX
 * sockets.  What two readers could frame differently is refused, not guessed at.
 */
#ifndef LG_CLIENT_HTTP1_H
#define LG_CLIENT_HTTP1_H

#include "base/http.h"

#define LG_HEAD_MAX	(64u << 10)	/* octets of a head */
#define LG_HEAD_FIELDS	100

struct lg_head {
	lg_str method, target;		/* of a request; target: origin form, as it came */
	int status;			/* of an answer */
	struct lg_pair field[LG_HEAD_FIELDS];
	size_t n;
	int64_t length;			/* of the body; 0 without one */
	bool chunked, upgrade;		/* upgrade: the connection is to become something else */
};

/* Octets of the head at the front of `text`, the empty line included; 0 while it is not complete. */
size_t lg_head_size(lg_str text);
/* A request's head, all of `text`.  LG_E_INVALID with what is wrong.  The slices point into text. */
LG_CHECKED lg_err lg_head_parse(struct lg_ctx *cx, lg_str text, struct lg_head *ret);
/* The same of an answer's.  length is -1 where its body ends with the connection. */
LG_CHECKED lg_err lg_head_parse_answer(struct lg_ctx *cx, lg_str text, struct lg_head *ret);
lg_str lg_head_get(const struct lg_head *h, const char *name);	/* empty if absent */

/* ---- bodies ------------------------------------------------------------------------------------------ */

/* Where a body ends, fed as its octets come. */
struct lg_body {
	int64_t left;			/* of the length, or of the chunk that is open */
	bool chunked;
	int state;			/* of the chunked coding */
	int64_t line;			/* octets of the size line or trailer line so far */
	bool done, bad;
};
struct lg_body lg_body_of(const struct lg_head *h);
/* Takes what belongs to the body off the front: how many octets of `got`.  content: where a chunked body's own octets go, or NULL. */
size_t lg_body_take(struct lg_body *b, lg_str got, struct lg_buf *content);

#endif
