/* http_reply.c: answers: headers that every one carries, whole bodies, and bodies that come in pieces. */
#include "server/http_impl.h"

#include <stdio.h>

/* What answers carry unless their handler said otherwise. */
static const struct {
	const char *name, *value;
	bool tls, html;			/* only there */
} standing[] = {
	{ "Cache-Control", "no-store", false, false },
	{ "X-Content-Type-Options", "nosniff", false, false },
	{ "Strict-Transport-Security", "max-age=31536000", true, false },
	{ "Referrer-Policy", "no-referrer", false, true },
	{ "X-Frame-Options", "DENY", false, true },
	{ "Content-Security-Policy",
	    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", false, true },
};

/* Values were copied by lg_http_header and end in NUL. */
static void
put(struct MHD_Response *r, const char *name, lg_str value)
{
	MHD_add_response_header(r, name, value.p);
}

static void
add_headers(struct http_x *x, struct MHD_Response *r)
{
	const struct http_daemon *d = x->conn->daemon;
	bool html = lg_str_starts(lg_http_reply_header(&x->ex, "Content-Type"), LG_STR("text/html"));

	for (size_t i = 0; i < x->ex.nheaders; i++)
		put(r, x->ex.headers[i].name.p, x->ex.headers[i].value);
	for (size_t i = 0; i < LG_COUNT(standing); i++) {
		if ((standing[i].tls && !d->tls) || (standing[i].html && !html))
			continue;
		if (lg_http_reply_header(&x->ex, standing[i].name).p == NULL)
			MHD_add_response_header(r, standing[i].name, standing[i].value);
	}
	if (x->id[0] != '\0')
		MHD_add_response_header(r, "X-Request-ID", x->id);
	if (x->bad_frame || atomic_load_explicit(&d->hl->hs->quiesced, memory_order_relaxed))
		MHD_add_response_header(r, "Connection", "close");
}

/* ---- streams ------------------------------------------------------------------------------------------ */

void
lg_http_stream(struct lg_http *ex, const struct lg_http_stream *s)
{
	((struct http_x *)ex->server)->stream = *s;
}

void
lg_http_wake(struct lg_http *ex)
{
	struct http_x *x = ex->server;

	if (!x->suspended)
		return;
	x->suspended = false;
	x->conn->daemon->waiting--;
	MHD_resume_connection(x->mhd);
	http_daemon_due(x->conn->daemon);
}

void
http_streams_wake(struct http_loop *hl)
{
	for (struct http_link *l = hl->streams.next; l != &hl->streams; l = l->next)
		lg_http_wake(&((struct http_x *)((char *)l - offsetof(struct http_x, stream_link)))->ex);
}

static ssize_t
stream_next(void *cls, uint64_t at, char *buf, size_t max)
{
	struct http_x *x = cls;
	struct http_daemon *d = x->conn->daemon;
	lg_err e;

	(void)at;
	if (atomic_load_explicit(&d->hl->hs->quiesced, memory_order_relaxed))
		return MHD_CONTENT_READER_END_OF_STREAM;
	lg_buf_clear(&x->ex.out);
	e = x->stream.next(x->stream.self, &x->ex.out, max);
	if (e == LG_PENDING) {
		http_due_set(x->conn, DUE_NEVER);
		x->suspended = true;
		d->waiting++;
		MHD_suspend_connection(x->mhd);
		return 0;
	}
	if (e != LG_OK || x->ex.out.n > max)
		return e == LG_E_NOT_FOUND ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
	http_due_set(x->conn, DUE_REPLY);
	memcpy(buf, x->ex.out.p, x->ex.out.n);
	return (ssize_t)x->ex.out.n;
}

/* ---- sending -------------------------------------------------------------------------------------------- */

static struct MHD_Response *
response(struct http_x *x)
{
	if (x->stream.next != NULL) {
		http_link_in(&x->conn->daemon->hl->streams, &x->stream_link);
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, LG_HTTP_BODY_MAX / 4, stream_next, x, NULL);
	}
	/* The buffer stays as it is until http_on_completed. */
	return MHD_create_response_from_buffer(x->ex.out.n, x->ex.out.n == 0 ? (void *)(uintptr_t) "" : x->ex.out.p,
	    MHD_RESPMEM_PERSISTENT);
}

/* RFC 9110 6.4.1: some have no body, whatever there is of it; one that comes in pieces comes later. */
static bool
body_follows(const struct http_x *x)
{
	int status = x->ex.status;

	return x->stream.next == NULL && x->ex.out.n > 0 && !x->head_only && status >= 200 && status != 204 && status != 304;
}

enum MHD_Result
http_reply(struct http_x *x)
{
	struct MHD_Response *r;
	enum MHD_Result queued;

	if (x->ex.out.full) {
		lg_buf_clear(&x->ex.out);
		x->ex.nheaders = 0;
		lg_fail(&x->cx, LG_E_INTERNAL, "the answer is larger than %u octets", LG_HTTP_RESPONSE_MAX);
		lg_problem(&x->ex, LG_E_INTERNAL);
	}
	if (x->ex.status == 0)
		x->ex.status = 200;
	r = response(x);
	if (r == NULL)
		return MHD_NO;
	add_headers(x, r);
	http_due_set(x->conn, DUE_REPLY);
	queued = MHD_queue_response(x->mhd, (unsigned)x->ex.status, r);
	x->conn->joins = x->conn->daemon->tls && queued == MHD_YES && body_follows(x);
	if (x->conn->daemon->surface == LG_SURFACE_UNIX)
		lg_loop_linger(x->conn->daemon->hl->loop);
	MHD_destroy_response(r);
	return queued;
}
