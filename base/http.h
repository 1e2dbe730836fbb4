/*
 * http.h: an HTTP exchange as the components see it, without any HTTP library.
 * sts/ and certs/ export tables of routes; server/ carries them over its listeners.
 *
 * A handler runs on a loop (must not block), on a worker (may), or on a core: a thread for what computes longer than a loop should
 * and waits for nobody.  It may return LG_PENDING after it gave away its exchange to something that will call lg_http_done(ex);
 * everything in ex stays valid until then.
 * Returning an error without having written a response makes the server answer with the surface's error form
 * (problem+json, RFC 9457) from lg_err and cx->error.
 */
#ifndef LG_BASE_HTTP_H
#define LG_BASE_HTTP_H

#include "lightgate/base.h"

#define LG_HTTP_BODY_MAX	(64u << 10)	/* unless the route says otherwise */
#define LG_HTTP_RESPONSE_MAX	(16u << 20)
#define LG_HTTP_FORM_MAX	64		/* parameters in a form or query */

enum lg_surface {			/* bits: where a route is offered */
	LG_SURFACE_HTTPS = 1,
	LG_SURFACE_MTLS = 2,
	LG_SURFACE_STREAM = 4,
	LG_SURFACE_HTTP = 8,
	LG_SURFACE_UNIX = 16
};
#define LG_SURFACE_API (LG_SURFACE_HTTPS | LG_SURFACE_MTLS | LG_SURFACE_UNIX)

/* Who is at the other end, as far as the transport knows. */
struct lg_peer {
	enum lg_surface surface;
	char address[64];		/* "127.0.0.1:4711" or "uid=0 pid=12" */
	lg_str cert;			/* DER of the verified client certificate, empty without one */
	lg_str shown;			/* DER of one that nobody but its own key signed: the peer has that key, and that is all; then cert is empty */
	int64_t uid, gid, pid;		/* -1 unless a UNIX socket */
};

struct lg_pair {
	lg_str name, value;
};

struct lg_http {
	struct lg_ctx *cx;
	const struct lg_peer *peer;
	uint32_t tenant;		/* fixed from path, socket or peer before the handler runs */
	/* request */
	lg_str method, path, query;	/* path without the tenant's prefix, percent-decoded once, no "//" or "/../" */
	lg_str tail;			/* what '*' at the end of the route's path matched */
	lg_str body;
	lg_str (*header)(const struct lg_http *ex, const char *name);	/* empty if absent; repeats of single headers were refused */
	void (*done)(struct lg_http *ex, lg_err e);	/* see lg_http_done */
	lg_err (*may_block)(struct lg_http *ex);	/* see lg_http_may_block; NULL: anything may */
	/* response */
	int status;			/* 0 = 200 */
	struct lg_pair headers[16];
	size_t nheaders;
	struct lg_buf out;		/* body */
	void *server;			/* the server's own */
};

void lg_http_header(struct lg_http *ex, const char *name, lg_str value);	/* value is copied; CR, LF, NUL refused by abort in tests, dropped in release */
void lg_http_type(struct lg_http *ex, const char *content_type);
lg_str lg_http_reply_header(const struct lg_http *ex, const char *name);	/* of the answer; LG_NONE: it is not set */
/* After LG_PENDING, or before the handler returns it: the answer is complete.  From any thread, after which ex is not touched. */
static inline void
lg_http_done(struct lg_http *ex)
{
	ex->done(ex, LG_OK);
}
/* Likewise: what the handler would have returned. */
static inline void
lg_http_ended(struct lg_http *ex, lg_err e)
{
	ex->done(ex, e);
}
/* Before anything that waits, and before anything that must not be done twice: LG_OK on a worker.  Elsewhere LG_PENDING, which the handler
 * returns at once; it is then run again, on a worker, with nothing written yet. */
LG_CHECKED static inline lg_err
lg_http_may_block(struct lg_http *ex)
{
	return ex->may_block == NULL ? LG_OK : ex->may_block(ex);
}

bool lg_http_token(lg_str s);	/* RFC 9110 5.6.2: a method, the name of a header field */

/* Query or application/x-www-form-urlencoded body; a repeated name is LG_E_INVALID (RFC 6749 3.1). */
struct lg_form {
	struct lg_pair v[LG_HTTP_FORM_MAX];
	size_t n;
};
LG_CHECKED lg_err lg_form_parse(struct lg_ctx *cx, lg_str text, struct lg_form *ret);
lg_str lg_form_get(const struct lg_form *f, const char *name);	/* empty if absent */
bool lg_form_has(const struct lg_form *f, const char *name);
/* One parameter more of a form: behind "&" unless the buffer is empty. */
void lg_form_put(struct lg_buf *b, lg_str name, lg_str value);
/* One parameter more of the URL in the buffer, whose own query stays. */
void lg_url_put(struct lg_buf *b, lg_str name, lg_str value);
/* The value of one cookie of a Cookie header, empty if absent. */
lg_str lg_cookie_get(lg_str header, lg_str name);

enum lg_where { LG_ON_LOOP, LG_ON_WORKER, LG_ON_CORE };

struct lg_route {
	const char *method;		/* "GET", "POST", ... */
	const char *path;		/* "/oauth2/token", or "/crl/" with '*' at the end */
	unsigned surfaces;
	enum lg_where where;
	size_t max_body;		/* 0 = LG_HTTP_BODY_MAX */
	lg_err (*run)(void *self, struct lg_http *ex);
};

#endif
