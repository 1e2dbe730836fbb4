/*
 * operator.h: what travels through DATA/recover/recover.sock, where the local operator's commands enter.
 *
 * SOCK_SEQPACKET: one packet, one message.  A request is one packet of words, each ending in NUL.  A reply is any number of
 * packets 'T' with a piece of its text, then one: 'D', done, or 'E' with the error's number and sentence.  The same words go
 * on from the parent's child to the server.
 */
#ifndef LG_BASE_OPERATOR_H
#define LG_BASE_OPERATOR_H

#include "lightgate/base.h"

#define LG_OPERATOR_SOCKET	"recover/recover.sock"	/* below DATA */
#define LG_OPERATOR_WORDS	32
#define LG_OPERATOR_REQUEST	(8u << 10)		/* octets of a request */
#define LG_OPERATOR_PIECE	(32u << 10)		/* of a reply in one packet */
#define LG_OPERATOR_REPLY	(64u << 20)		/* of a reply in all */

struct lg_operator_words {
	lg_str word[LG_OPERATOR_WORDS];
	size_t n;
};

/* False unless it is 1 to LG_OPERATOR_WORDS words in UTF-8 and nothing else. */
bool lg_operator_parse(lg_str packet, struct lg_operator_words *ret);
/* How long this side waits for the other one, each time. */
void lg_operator_patience(int fd, int64_t us);
LG_CHECKED lg_err lg_operator_ask(struct lg_ctx *cx, int fd, const struct lg_operator_words *w);
/* One request, in cx's arena. */
LG_CHECKED lg_err lg_operator_hear(struct lg_ctx *cx, int fd, struct lg_operator_words *ret);
/* The whole answer to a request: LG_OK and its text, in cx's arena, or the other side's error and sentence. */
LG_CHECKED lg_err lg_operator_answer(struct lg_ctx *cx, int fd, lg_str *text);
/* Says how it went: text when e is LG_OK, the sentence in cx otherwise.  Who does not listen is not waited for. */
void lg_operator_reply(struct lg_ctx *cx, int fd, lg_err e, lg_str text);

#endif
