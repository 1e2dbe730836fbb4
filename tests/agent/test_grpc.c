/* test_grpc.c: gRPC from a client's side: nghttp2 asks, octets go back and forth without a socket. */
#include "agent/spiffe/grpc.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "tests/base/base_test.h"

#define CALLS 40

struct world {
	struct lg_ctx *cx;
	struct lg_grpc *server;
	nghttp2_session *client;
	struct lg_grpc_service service;
	const char *answer;		/* what the service says; NULL: LG_E_DENIED */
	bool stream;
	int asked, refused;		/* refused: calls that were reset */
	char status[8], got[256];	/* of the last call */
	size_t ngot;
	lg_str body;
	size_t sent;
};

static lg_err
answer(void *self, struct lg_ctx *cx, lg_str method, lg_str message, struct lg_buf *out, bool *stream)
{
	struct world *w = self;

	(void)message;
	w->asked++;
	*stream = w->stream;
	if (lg_str_eq(method, LG_STR("S/None")))
		return lg_fail(cx, LG_E_UNSUPPORTED, "no such method");
	if (w->answer == NULL)
		return lg_fail(cx, LG_E_DENIED, "not for you");
	lg_buf_str(out, lg_str_of(w->answer));
	return LG_OK;
}

static int
on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t n, const uint8_t *value, size_t nv, uint8_t flags, void *arg)
{
	struct world *w = arg;

	(void)s;
	(void)f;
	(void)flags;
	if (n == 11 && memcmp(name, "grpc-status", 11) == 0)
		snprintf(w->status, sizeof w->status, "%.*s", (int)nv, (const char *)value);
	return 0;
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *arg)
{
	struct world *w = arg;

	(void)s;
	(void)flags;
	(void)id;
	cr_assert(w->ngot + n < sizeof w->got);
	memcpy(w->got + w->ngot, data, n);
	w->ngot += n;
	return 0;
}

static int
on_close(nghttp2_session *s, int32_t id, uint32_t code, void *arg)
{
	struct world *w = arg;

	(void)s;
	(void)id;
	w->refused += code == NGHTTP2_REFUSED_STREAM;
	return 0;
}

static void
set_up(struct world *w, struct lg_ctx *cx)
{
	nghttp2_session_callbacks *cb;

	*w = (struct world){ .cx = cx, .answer = "yes", .service = { .self = w, .header = "x-vouch", .answer = answer } };
	cr_assert_eq(lg_grpc_new(cx, &w->service, &w->server), LG_OK);
	nghttp2_session_callbacks_new(&cb);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_session_client_new(&w->client, cb, w);
	nghttp2_session_callbacks_del(cb);
	nghttp2_submit_settings(w->client, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void
tear_down(struct world *w)
{
	nghttp2_session_del(w->client);
	lg_grpc_free(&w->server);
}

/* Until neither has anything to say. */
static void
talk(struct world *w)
{
	const uint8_t *p;
	lg_str octets;
	ssize_t n;

	do {
		n = nghttp2_session_mem_send(w->client, &p);
		cr_assert_geq(n, 0);
		if (n > 0)
			cr_assert_eq(lg_grpc_feed(w->cx, w->server, (lg_str){ (const char *)p, (size_t)n }), LG_OK, "%s", w->cx->error);
		cr_assert_eq(lg_grpc_next(w->cx, w->server, &octets), LG_OK);
		if (octets.n > 0)
			cr_assert_geq(nghttp2_session_mem_recv(w->client, (const uint8_t *)octets.p, octets.n), 0);
	} while (n > 0 || octets.n > 0);
}

static ssize_t
read_body(nghttp2_session *s, int32_t id, uint8_t *to, size_t max, uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct world *w = arg;
	size_t left = w->body.n - w->sent, n = left < max ? left : max;

	(void)s;
	(void)id;
	(void)source;
	memcpy(to, w->body.p + w->sent, n);
	w->sent += n;
	*flags |= w->sent == w->body.n ? NGHTTP2_DATA_FLAG_EOF : 0;
	return (ssize_t)n;
}

#define NV(n, v) { (uint8_t *)(size_t)(n), (uint8_t *)(size_t)(v), strlen(n), strlen(v), NGHTTP2_NV_FLAG_NONE }

static void
call(struct world *w, const char *path, const char *type, const char *vouch, lg_str body)
{
	nghttp2_nv head[] = { NV(":method", "POST"), NV(":scheme", "http"), NV(":path", path), NV(":authority", "x"), NV("content-type", type),
		NV("te", "trailers"), NV("x-vouch", vouch) };
	nghttp2_data_provider provider = { .read_callback = read_body };

	w->status[0] = '\0';
	w->ngot = w->sent = 0;
	w->body = body;
	cr_assert_geq(nghttp2_submit_request(w->client, NULL, head, LG_COUNT(head), &provider, w), 0);
	talk(w);
}

#define EMPTY	((lg_str){ "\0\0\0\0\0", 5 })
#define TYPE	"application/grpc"

Test(grpc, a_message_comes_back_framed_with_its_status)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx);
	call(&w, "/S/M", TYPE, "true", EMPTY);
	cr_assert_str_eq(w.status, "0");
	cr_assert_eq(w.ngot, 8);
	cr_assert_arr_eq(w.got, "\0\0\0\0\3yes", 8);
	cr_assert_eq(lg_grpc_calls(w.server), 0);
	w.answer = NULL;
	call(&w, "/S/M", TYPE, "true", EMPTY);
	cr_assert_str_eq(w.status, "7");
	cr_assert_eq(w.ngot, 0);
	call(&w, "/S/None", TYPE, "true", EMPTY);
	cr_assert_str_eq(w.status, "12");
	tear_down(&w);
}

static const struct {
	const char *type, *vouch;
	lg_str body;
} bad[] = {
	{ "application/json", "true", { "\0\0\0\0\0", 5 } }, { "application/grpcx", "true", { "\0\0\0\0\0", 5 } }, { TYPE, "false", { "\0\0\0\0\0", 5 } },
	{ TYPE, "true", { "\0\0\0\0", 4 } }, { TYPE, "true", { "\1\0\0\0\0", 5 } }, { TYPE, "true", { "\0\0\0\0\1", 5 } },
	{ TYPE, "true", { "\0\0\0\0\0\0\0\0\0\0", 10 } },
};

Test(grpc, what_is_no_call_is_refused_without_asking)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx);
	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		call(&w, "/S/M", bad[i].type, bad[i].vouch, bad[i].body);
		cr_assert_str_eq(w.status, "3", "%zu: %s", i, w.status);
	}
	cr_assert_eq(w.asked, 0);
	tear_down(&w);
}

Test(grpc, a_message_over_the_limit_is_refused_without_asking)
{
	TEST_CTX(cx);
	struct world w;
	char *body = lg_alloc(cx->arena, 5 + LG_GRPC_MESSAGE + 1);

	set_up(&w, cx);
	body[3] = LG_GRPC_MESSAGE >> 8;
	call(&w, "/S/M", TYPE, "true", (lg_str){ body, 5 + LG_GRPC_MESSAGE });
	cr_assert_str_eq(w.status, "0", "one of the limit's own size: %s", w.status);
	body[4] = 1;
	call(&w, "/S/M", TYPE, "true", (lg_str){ body, 5 + LG_GRPC_MESSAGE + 1 });
	cr_assert_str_eq(w.status, "8");
	cr_assert_eq(w.asked, 1);
	tear_down(&w);
}

Test(grpc, a_stream_is_told_what_has_changed_and_nothing_else)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx);
	w.stream = true;
	call(&w, "/S/M", TYPE, "true", EMPTY);
	cr_assert_eq(w.ngot, 8);
	lg_grpc_renew(w.server);
	talk(&w);
	cr_assert_eq(w.ngot, 8, "the same answer is not sent again");
	w.answer = "no";
	lg_grpc_renew(w.server);
	talk(&w);
	cr_assert_eq(w.ngot, 15);
	cr_assert_arr_eq(w.got + 8, "\0\0\0\0\2no", 7);
	cr_assert_str_eq(w.status, "");
	w.answer = NULL;
	lg_grpc_renew(w.server);
	talk(&w);
	cr_assert_str_eq(w.status, "7");
	cr_assert_eq(lg_grpc_calls(w.server), 0);
	tear_down(&w);
}

Test(grpc, a_connection_has_so_many_calls_at_once)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx);
	w.stream = true;
	for (int i = 0; i < CALLS; i++) {
		w.ngot = 0;
		call(&w, "/S/M", TYPE, "true", EMPTY);
		cr_assert_leq(lg_grpc_calls(w.server), LG_GRPC_STREAMS);
	}
	cr_assert_eq(lg_grpc_calls(w.server), LG_GRPC_STREAMS);
	cr_assert_eq(w.asked, LG_GRPC_STREAMS, "the client waits, as it was told to");
	tear_down(&w);
}

Test(grpc, what_is_not_http2_ends_the_connection)
{
	TEST_CTX(cx);
	struct world w;

	set_up(&w, cx);
	cr_assert_eq(lg_grpc_feed(cx, w.server, LG_STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), LG_E_INVALID);
	tear_down(&w);
}
