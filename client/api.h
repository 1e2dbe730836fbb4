/* api.h: calls to the JSON API (docs/api.md): an error answer becomes an lg_err and its sentence. */
#ifndef LG_CLIENT_API_H
#define LG_CLIENT_API_H

#include "client/http.h"

/* Performs the call; a status of 400 or more is an error: the problem's code, or what the status means. */
LG_CHECKED lg_err lg_api_call(struct lg_ctx *cx, struct lg_link *link, const struct lg_call *call, struct lg_reply *ret);
/* The same judgement of an answer that is there already. */
LG_CHECKED lg_err lg_api_check(struct lg_ctx *cx, const struct lg_reply *answer);

/* One member of a JSON object, as it stands there.  Empty if absent or if json is no object. */
lg_str lg_api_raw(struct lg_ctx *cx, lg_str json, const char *name);
/* The same, but the text of a string.  Not for verdicts: a string "true" looks like true. */
lg_str lg_api_member(struct lg_ctx *cx, lg_str json, const char *name);
bool lg_api_is_true(struct lg_ctx *cx, lg_str json, const char *name);	/* the JSON literal, nothing like it */
/* The path's pieces, each percent-encoded, with '/' before each; ends at NULL. */
lg_str lg_api_path(struct lg_ctx *cx, const lg_str *pieces, size_t n);

#endif
