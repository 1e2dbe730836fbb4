/* http_own.h: one transfer, for calls that wait (http.c) and those that do not (http_calls.c). */
#ifndef LG_CLIENT_HTTP_OWN_H
#define LG_CLIENT_HTTP_OWN_H

#include <curl/curl.h>

#include "client/plain.h"

struct lg_link {
	struct lg_arena *arena;
	struct lg_endpoint at;
	const char *url, *socket;	/* as C strings */
	struct lg_plain_pool plain;
	pthread_mutex_t lock;		/* over the two below */
	CURL *idle[LG_LINK_IDLE];
	size_t nidle;
};

struct lg_transfer {
	CURL *curl;
	const struct lg_call *call;
	struct lg_buf body;
	struct curl_slist *headers;
	char fault[CURL_ERROR_SIZE];
};

/* A handle from the link, set up for the call.  Whatever it returns, lg_transfer_end follows. */
LG_CHECKED lg_err lg_transfer_begin(struct lg_ctx *cx, struct lg_link *link, const struct lg_call *call, struct lg_transfer *t);
LG_CHECKED lg_err lg_transfer_result(struct lg_ctx *cx, const struct lg_link *link, struct lg_transfer *t, CURLcode rc, struct lg_reply *ret);
void lg_transfer_end(struct lg_link *link, struct lg_transfer *t);

#endif
