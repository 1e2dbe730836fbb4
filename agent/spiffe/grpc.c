/* grpc.c: see grpc.h. */
#include "agent/spiffe/grpc.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

#define PREFIX		5			/* octets before a message: compressed or not, and its length */
#define WHY_MAX		256			/* octets of a reason, before it is encoded */
#define HEADERS_MAX	32			/* of one call */

struct call {
	struct lg_grpc *g;
	struct call *next;
	int32_t id;
	char method[LG_GRPC_PATH];		/* ":path", without its slash */
	size_t nheaders;
	bool post, grpc, vouched;		/* vouched: the service's header was there */
	struct lg_buf in, out;			/* out: framed messages that are not sent yet */
	bool answered, stream;			/* stream: the answer may come again */
	bool ending, ended;			/* ending: the status follows what is in `out` */
	enum lg_grpc_status status;
	char why[WHY_MAX];
	lg_sha256 last;				/* of the message that was sent last */
};

struct lg_grpc {
	const struct lg_grpc_service *service;
	nghttp2_session *session;
	struct call *calls;
	size_t ncalls;
};

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static struct call *
call_new(struct lg_grpc *g, int32_t id)
{
	struct call *c = calloc(1, sizeof *c);

	if (c == NULL)
		abort();
	*c = (struct call){ .g = g, .next = g->calls, .id = id, .in = LG_BUF(PREFIX + LG_GRPC_MESSAGE), .out = LG_BUF(2 * LG_GRPC_ANSWER) };
	g->calls = c;
	g->ncalls++;
	return c;
}

static void
call_free(struct call *c)
{
	struct call **at = &c->g->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->g->ncalls--;
	lg_buf_wipe(&c->in);
	lg_buf_wipe(&c->out);
	free(c);
}

/* ---- headers of ours ------------------------------------------------------------------------------------------------- */

static nghttp2_nv
header(const char *name, lg_str value)
{
	return (nghttp2_nv){ (uint8_t *)(size_t)name, (uint8_t *)(size_t)value.p, strlen(name), value.n, NGHTTP2_NV_FLAG_NONE };
}

/* grpc-message is percent-encoded (PROTOCOL-HTTP2.md); a blank may stand. */
static void
status_headers(const struct call *c, struct lg_buf *text, char number[8], nghttp2_nv ret[2])
{
	lg_buf_percent(text, lg_str_of(c->why));
	snprintf(number, 8, "%d", (int)c->status);
	ret[0] = header("grpc-status", lg_str_of(number));
	ret[1] = header("grpc-message", text->n > 0 ? lg_buf_view(text) : LG_STR(""));
}

static ssize_t
read_out(nghttp2_session *session, int32_t id, uint8_t *to, size_t max, uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	LG_AUTO(lg_buf_free) struct lg_buf text = LG_BUF(4 * WHY_MAX);
	struct call *c = source->ptr;
	size_t n = c->out.n < max ? c->out.n : max;
	nghttp2_nv trailer[2];
	char number[8];

	(void)arg;
	if (n > 0) {
		memcpy(to, c->out.p, n);
		lg_buf_drop(&c->out, n);
	} else if (!c->ending) {
		return NGHTTP2_ERR_DEFERRED;
	}
	if (c->ending && c->out.n == 0) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		status_headers(c, &text, number, trailer);
		c->ended = true;
		if (nghttp2_submit_trailer(session, id, trailer, LG_COUNT(trailer)) != 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return (ssize_t)n;
}

/* The answer's head; its body comes from `out`. */
static int
begin_answer(struct call *c)
{
	nghttp2_nv head[] = { header(":status", LG_STR("200")), header("content-type", LG_STR("application/grpc")) };
	nghttp2_data_provider body = { .source.ptr = c, .read_callback = read_out };

	return nghttp2_submit_response(c->g->session, c->id, head, LG_COUNT(head), &body);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

static enum lg_grpc_status
status_of(lg_err e)
{
	switch (e) {
	case LG_E_INVALID:
	case LG_E_UNAUTHENTICATED:
	case LG_E_EXPIRED:
		return LG_GRPC_INVALID_ARGUMENT;
	case LG_E_DENIED:
	case LG_E_NOT_FOUND:
		return LG_GRPC_PERMISSION_DENIED;
	case LG_E_LIMIT:
		return LG_GRPC_RESOURCE_EXHAUSTED;
	case LG_E_UNSUPPORTED:
		return LG_GRPC_UNIMPLEMENTED;
	case LG_E_BUSY:
	case LG_E_UNAVAILABLE:
		return LG_GRPC_UNAVAILABLE;
	default:
		return LG_GRPC_INTERNAL;
	}
}

static void
end_call(struct call *c, enum lg_grpc_status status, const char *why)
{
	c->ending = true;
	c->stream = false;
	c->status = status;
	snprintf(c->why, sizeof c->why, "%.*s", WHY_MAX - 1, why);
}

static void
put_message(struct call *c, lg_str message)
{
	if (!lg_buf_reserve(&c->out, PREFIX + message.n)) {
		end_call(c, LG_GRPC_RESOURCE_EXHAUSTED, "the answers are not read");
		return;
	}
	lg_buf_byte(&c->out, '\0');
	lg_buf_u32(&c->out, (uint32_t)message.n);
	lg_buf_str(&c->out, message);
}

/* Asks the service; an answer that is the one before is not sent again. */
static void
answer(struct call *c)
{
	const struct lg_grpc_service *s = c->g->service;
	LG_AUTO(lg_buf_wipe) struct lg_buf out = LG_BUF(LG_GRPC_ANSWER);
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	lg_err e = s->answer(s->self, &cx, lg_str_of(c->method), lg_str_sub(lg_buf_view(&c->in), PREFIX, c->in.n), &out, &c->stream);
	if (e == LG_OK)
		e = lg_buf_status(&cx, &out);
	lg_sha256 digest = lg_sha256_of(out.n > 0 ? lg_buf_view(&out) : LG_STR(""));
	if (e != LG_OK) {
		end_call(c, status_of(e), cx.error);
	} else if (!c->answered || memcmp(&digest, &c->last, sizeof digest) != 0) {
		put_message(c, lg_buf_view(&out));
		c->last = digest;
	}
	c->answered = true;
	if (!c->stream && !c->ending)
		end_call(c, LG_GRPC_OK, "");
	lg_arena_free(&cx.arena);
}

/* Is it one whole message, as it stands?  Compression was not offered. */
static bool
is_message(const struct lg_buf *b)
{
	struct lg_rd r = lg_rd_of(lg_buf_view(b));

	return b->n >= PREFIX && lg_rd_u8(&r) == 0 && lg_rd_u32(&r) == b->n - PREFIX;
}

static int
take_call(struct call *c)
{
	if (!c->post || !c->grpc)
		end_call(c, LG_GRPC_INVALID_ARGUMENT, "not a gRPC call");
	else if (!c->vouched)
		end_call(c, LG_GRPC_INVALID_ARGUMENT, "security header missing from request");
	else if (c->in.full || c->nheaders > HEADERS_MAX)
		end_call(c, LG_GRPC_RESOURCE_EXHAUSTED, "the message is too large");
	else if (!is_message(&c->in))
		end_call(c, LG_GRPC_INVALID_ARGUMENT, "one message, not compressed, is expected");
	else
		answer(c);
	return begin_answer(c);
}

void
lg_grpc_renew(struct lg_grpc *g)
{
	for (struct call *c = g->calls; c != NULL; c = c->next) {
		if (!c->stream || c->ending)
			continue;
		answer(c);
		if (c->out.n > 0 || c->ending)
			(void)nghttp2_session_resume_data(g->session, c->id);	/* it may not be waiting: then it goes on by itself */
	}
}

/* ---- what nghttp2 tells -------------------------------------------------------------------------------------------------- */

static struct call *
call_of(struct lg_grpc *g, int32_t id)
{
	return nghttp2_session_get_stream_user_data(g->session, id);
}

static int
on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct call *c = call_new(arg, frame->hd.stream_id);
	return nghttp2_session_set_stream_user_data(session, c->id, c) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *arg)
{
	struct call *c = call_of(arg, frame->hd.stream_id);
	lg_str n = { (const char *)name, nname }, v = { (const char *)value, nvalue };

	(void)session;
	(void)flags;
	if (c == NULL)
		return 0;
	c->nheaders++;
	if (lg_str_eq(n, LG_STR(":method")))
		c->post = lg_str_eq(v, LG_STR("POST"));
	else if (lg_str_eq(n, LG_STR(":path")) && nvalue < LG_GRPC_PATH && memchr(value, '\0', nvalue) == NULL)
		snprintf(c->method, sizeof c->method, "%.*s", LG_FMT(lg_str_sub(v, lg_str_starts(v, LG_STR("/")) ? 1 : 0, v.n)));
	else if (lg_str_eq(n, LG_STR("content-type")))
		c->grpc = lg_str_starts(v, LG_STR("application/grpc")) && (v.n == 16 || v.p[16] == '+' || v.p[16] == ';');
	else if (lg_str_eq(n, lg_str_of(c->g->service->header)))
		c->vouched = lg_str_eq(v, LG_STR("true"));
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg)
{
	struct call *c = call_of(arg, id);

	(void)session;
	(void)flags;
	if (c != NULL)
		lg_buf_bytes(&c->in, data, n);
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS);
	struct call *c = last ? call_of(arg, frame->hd.stream_id) : NULL;

	(void)session;
	if (c == NULL || c->answered || c->ending)
		return 0;
	return take_call(c) == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct call *c = call_of(arg, id);

	(void)session;
	(void)code;
	if (c != NULL)
		call_free(c);
	return 0;
}

/* ---- the connection -------------------------------------------------------------------------------------------------------- */

static nghttp2_session *
session_new(struct lg_grpc *g)
{
	nghttp2_session_callbacks *cb;
	nghttp2_session *s = NULL;

	if (nghttp2_session_callbacks_new(&cb) != 0)
		abort();
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	if (nghttp2_session_server_new(&s, cb, g) != 0)
		abort();
	nghttp2_session_callbacks_del(cb);
	return s;
}

lg_err
lg_grpc_new(struct lg_ctx *cx, const struct lg_grpc_service *service, struct lg_grpc **ret)
{
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LG_GRPC_STREAMS }, { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 8192 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, PREFIX + LG_GRPC_MESSAGE },
	};
	struct lg_grpc *g = calloc(1, sizeof *g);

	if (g == NULL)
		abort();
	g->service = service;
	g->session = session_new(g);
	if (nghttp2_submit_settings(g->session, NGHTTP2_FLAG_NONE, settings, LG_COUNT(settings)) != 0) {
		lg_grpc_free(&g);
		return lg_fail(cx, LG_E_INTERNAL, "HTTP/2 settings");
	}
	*ret = g;
	return LG_OK;
}

void
lg_grpc_free(struct lg_grpc **grpc)
{
	struct lg_grpc *g = *grpc;

	*grpc = NULL;
	if (g == NULL)
		return;
	nghttp2_session_del(g->session);	/* tells of no stream's end */
	while (g->calls != NULL)
		call_free(g->calls);
	free(g);
}

lg_err
lg_grpc_feed(struct lg_ctx *cx, struct lg_grpc *g, lg_str octets)
{
	ssize_t n = nghttp2_session_mem_recv(g->session, (const uint8_t *)octets.p, octets.n);

	if (n < 0)
		return lg_fail(cx, LG_E_INVALID, "HTTP/2: %s", nghttp2_strerror((int)n));
	return LG_OK;
}

lg_err
lg_grpc_next(struct lg_ctx *cx, struct lg_grpc *g, lg_str *octets)
{
	const uint8_t *p;
	ssize_t n = nghttp2_session_mem_send(g->session, &p);

	if (n < 0)
		return lg_fail(cx, LG_E_INVALID, "HTTP/2: %s", nghttp2_strerror((int)n));
	*octets = (lg_str){ (const char *)p, (size_t)n };
	return LG_OK;
}

bool
lg_grpc_over(const struct lg_grpc *g)
{
	return !nghttp2_session_want_read(g->session) && !nghttp2_session_want_write(g->session);
}

size_t
lg_grpc_calls(const struct lg_grpc *g)
{
	return g->ncalls;
}
