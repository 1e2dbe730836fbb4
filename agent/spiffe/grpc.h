/*
 * grpc.h: the server's side of gRPC over HTTP/2 (RFC 9113) on one connection, as a state machine: octets in, octets out.
 *
 * A call is one message in and one message out, or a stream of answers that are sent again whenever they have changed.  grpc.c alone knows
 * nghttp2.
 */
#ifndef LG_AGENT_SPIFFE_GRPC_H
#define LG_AGENT_SPIFFE_GRPC_H

#include "lightgate/crypto.h"

#define LG_GRPC_MESSAGE	(24u << 10)	/* octets of a message that comes in */
#define LG_GRPC_ANSWER	(1u << 20)	/* and of one that goes out */
#define LG_GRPC_STREAMS	16		/* calls of one connection at once */
#define LG_GRPC_PATH	128		/* octets of a method's name */

/* Status codes (grpc/doc/statuscodes.md). */
enum lg_grpc_status {
	LG_GRPC_OK = 0, LG_GRPC_INVALID_ARGUMENT = 3, LG_GRPC_PERMISSION_DENIED = 7, LG_GRPC_RESOURCE_EXHAUSTED = 8,
	LG_GRPC_UNIMPLEMENTED = 12, LG_GRPC_INTERNAL = 13, LG_GRPC_UNAVAILABLE = 14
};

struct lg_grpc_service {
	void *self;
	const char *header;		/* that each call must bring, in small letters, with the value "true" */
	/*
	 * The answer to a message, appended to `out`.  *stream: it is to be sent again when it has changed.  What has no such method is
	 * LG_E_UNSUPPORTED; other errors become their status, with cx's sentence.
	 */
	lg_err (*answer)(void *self, struct lg_ctx *cx, lg_str method, lg_str message, struct lg_buf *out, bool *stream);
};

struct lg_grpc;

/* The service must outlive it. */
LG_CHECKED lg_err lg_grpc_new(struct lg_ctx *cx, const struct lg_grpc_service *service, struct lg_grpc **ret);
void lg_grpc_free(struct lg_grpc **g);		/* safe on NULL */
/* What came from the client.  LG_E_INVALID: the connection is beyond help. */
LG_CHECKED lg_err lg_grpc_feed(struct lg_ctx *cx, struct lg_grpc *g, lg_str octets);
/* Asks again for the answers of open streams: something has changed. */
void lg_grpc_renew(struct lg_grpc *g);
/* What is to be sent now, until the next call of anything here; empty: nothing. */
LG_CHECKED lg_err lg_grpc_next(struct lg_ctx *cx, struct lg_grpc *g, lg_str *octets);
bool lg_grpc_over(const struct lg_grpc *g);	/* neither side has anything to say any more */
size_t lg_grpc_calls(const struct lg_grpc *g);	/* that are open */

#endif
