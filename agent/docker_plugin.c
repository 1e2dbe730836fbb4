/*
 * docker_plugin.c: the engine's authorization plugin (docker/cli docs/extend/plugins_authorization.md): the engine shows each
 * request before it acts, and the answer before it sends it.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/docker_own.h"
#include "client/http1.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define IDLE_MS		600000		/* the engine keeps its connections for later */
#define TURN_MS		10000		/* between octets of one call */

struct call {
	struct lg_ctx *cx;
	struct lg_docker *d;
	struct lg_docker_request rq;
	lg_str method, uri, body, answer, certificate, token, type;
	int64_t status;
	int64_t length;				/* of the body; -1: not said, as for a chunked one, whose coding the engine does not show */
};

/* ---- what the engine shows ------------------------------------------------------------------------------------- */

static lg_str
read_base64(struct call *c, struct lg_json *js)
{
	lg_str text = LG_NONE;

	if (lg_json_peek(js) == LG_JSON_NULL)
		lg_json_null(js);
	else if (!lg_base64_parse(c->cx->arena, lg_json_str(js), &text))
		lg_json_fault(js, "not base64");
	return text;
}

/* Of a header that is there twice the engine shows the last value; it goes by the first itself. */
static void
read_headers(struct call *c, struct lg_json *js)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		lg_str value = lg_json_str(js);
		if (lg_str_eq_fold(name, LG_STR(LG_PASS_HEADER)))
			c->token = value;
		else if (lg_str_eq_fold(name, LG_STR("Content-Type")))
			c->type = value;
		else if (lg_str_eq_fold(name, LG_STR("Content-Length")) && !lg_int_parse(value, &c->length))
			lg_json_fault(js, "Content-Length is not a number");
	}
}

/* The first is the client's own, the rest its chain; each is base64 of PEM. */
static void
read_certificates(struct call *c, struct lg_json *js)
{
	lg_str pem;

	if (lg_json_peek(js) == LG_JSON_NULL) {
		lg_json_null(js);
		return;
	}
	lg_json_array(js);
	while (lg_json_item(js)) {
		pem = read_base64(c, js);
		if (c->certificate.n == 0 && !lg_pem_parse(c->cx->arena, pem, LG_STR("CERTIFICATE"), &c->certificate, NULL))
			lg_json_fault(js, "not a certificate");
	}
}

static lg_err
read_call(struct call *c, lg_str text)
{
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, c->cx->arena, text);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("RequestMethod")))
			c->method = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("RequestUri")))
			c->uri = lg_json_str(&js);
		else if (lg_str_eq(name, LG_STR("RequestBody")))
			c->body = read_base64(c, &js);
		else if (lg_str_eq(name, LG_STR("RequestHeaders")))
			read_headers(c, &js);
		else if (lg_str_eq(name, LG_STR("RequestPeerCertificates")))
			read_certificates(c, &js);
		else if (lg_str_eq(name, LG_STR("ResponseBody")))
			c->answer = read_base64(c, &js);
		else if (lg_str_eq(name, LG_STR("ResponseStatusCode")))
			c->status = lg_json_int(&js);
		else
			lg_json_skip(&js);
	}
	return lg_json_end(c->cx, &js);
}

/* Who, and whether all of the body is here. */
static void
recognise(struct call *c, bool before)
{
	struct lg_pass_shown shown = { .token = c->token, .method = c->method, .uri = c->uri, .has_body = c->body.n > 0 };
	struct lg_docker_caller *who = &c->rq.who;

	c->rq.method = c->method;
	c->rq.uri = c->uri;
	c->rq.body = c->body;
	c->rq.type = c->type;
	c->rq.hidden = c->body.n == 0 ? c->length != 0 : (int64_t)c->body.n < c->length;
	if (c->certificate.n > 0) {
		*who = (struct lg_docker_caller){ .known = true, .certificate = c->certificate };
		return;
	}
	if (shown.has_body)
		shown.body = lg_sha256_of(c->body);
	who->known = (before ? lg_pass_take : lg_pass_again)(&c->d->passes, &shown, &who->uid, &who->self);
}

/* ---- the three calls ----------------------------------------------------------------------------------------------- */

static lg_err
activate(struct call *c, lg_str text, struct lg_jsonw *w)
{
	(void)c;
	(void)text;
	lg_jsonw_name(w, LG_STR("Implements"));
	lg_jsonw_array(w);
	lg_jsonw_str(w, LG_STR("authz"));
	lg_jsonw_array_end(w);
	return LG_OK;
}

static lg_err
decide(struct call *c, lg_str text)
{
	LG_TRY(read_call(c, text));
	recognise(c, true);
	return lg_docker_decide(c->cx, c->d, &c->rq);
}

static lg_err
before(struct call *c, lg_str text, struct lg_jsonw *w)
{
	lg_err e = decide(c, text);

	lg_jsonw_bool_of(w, "Allow", e == LG_OK);
	if (e == LG_OK)
		return LG_OK;
	lg_jsonw_str_of(w, "Msg", lg_str_of(c->cx->error));
	lg_log(LG_WARN, "%.*s %.*s is refused: %s", LG_FMT(c->method), LG_FMT(lg_str_sub(c->uri, 0, 200)), c->cx->error);
	return LG_OK;
}

/* The engine has done it; only what it made is of interest. */
static lg_err
after(struct call *c, lg_str text, struct lg_jsonw *w)
{
	LG_TRY(read_call(c, text));
	recognise(c, false);
	if (c->status == 201 && c->rq.who.known && !c->rq.who.self)
		lg_docker_made(c->cx, c->d, &c->rq, c->answer);
	lg_jsonw_bool_of(w, "Allow", true);
	return LG_OK;
}

static const struct {
	lg_str path;
	lg_err (*run)(struct call *c, lg_str text, struct lg_jsonw *w);
} calls[] = {
	{ LG_STR("/Plugin.Activate"), activate },
	{ LG_STR("/AuthZPlugin.AuthZReq"), before },
	{ LG_STR("/AuthZPlugin.AuthZRes"), after },
};

static lg_err
run_call(struct lg_ctx *cx, struct lg_docker *d, const struct lg_head *h, lg_str text, struct lg_buf *out)
{
	struct call c = { .cx = cx, .d = d, .length = -1 };
	struct lg_jsonw w = lg_jsonw_of(out);

	for (size_t i = 0; i < LG_COUNT(calls); i++) {
		if (!lg_str_eq(h->target, calls[i].path))
			continue;
		lg_jsonw_object(&w);
		LG_TRY(calls[i].run(&c, text, &w));
		lg_jsonw_object_end(&w);
		return lg_buf_status(cx, out);
	}
	return lg_fail(cx, LG_E_NOT_FOUND, "the plugin implements authz");
}

/* ---- the connection --------------------------------------------------------------------------------------------------- */

static bool
more(int fd, struct lg_buf *in)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char piece[16384];

	if (poll(&p, 1, TURN_MS) <= 0)
		return false;
	ssize_t n = read(fd, piece, sizeof piece);
	if (n > 0)
		lg_buf_bytes(in, piece, (size_t)n);
	return n > 0 && !in->full;
}

static bool
reply(int fd, int status, lg_str body)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);

	lg_buf_printf(&b, "HTTP/1.1 %d %s\r\nContent-Type: application/vnd.docker.plugins.v1.2+json\r\nContent-Length: %zu\r\n\r\n", status,
	    status == 200 ? "OK" : "Refused", body.n);
	lg_buf_str(&b, body);
	return !b.full && send(fd, b.p, b.n, MSG_NOSIGNAL) == (ssize_t)b.n;
}

/* One call; false when the connection is at its end. */
static bool
turn(struct lg_docker *d, int fd, struct lg_ctx *cx, struct lg_buf *in)
{
	LG_AUTO(lg_buf_free) struct lg_buf out = LG_BUF(16u << 10);
	struct lg_head h;
	size_t size;

	while ((size = lg_head_size(lg_buf_view(in))) == 0)
		if (in->n > LG_HEAD_MAX || !more(fd, in))
			return false;
	lg_str head = lg_dup(cx->arena, lg_str_sub(lg_buf_view(in), 0, size));
	if (lg_head_parse(cx, head, &h) != LG_OK || h.chunked || h.length > LG_DOCKER_CALL)
		return reply(fd, 400, LG_STR("{\"Err\":\"not a call of an engine\"}")) && false;
	while (in->n < size + (size_t)h.length)
		if (!more(fd, in))
			return false;
	lg_err e = run_call(cx, d, &h, lg_str_sub(lg_buf_view(in), size, (size_t)h.length), &out);
	lg_buf_drop(in, size + (size_t)h.length);
	if (e == LG_OK)
		return reply(fd, 200, lg_buf_view(&out));
	lg_log(LG_ERROR, "a call of the engine is refused: %s", cx->error);
	lg_buf_clear(&out);
	struct lg_jsonw w = lg_jsonw_of(&out);
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "Err", lg_str_of(cx->error));
	lg_jsonw_object_end(&w);
	return reply(fd, 400, lg_buf_view(&out));
}

/*
 * Waits for the next call, and begins it.  When we start again connections go on with our successor, with what waits in them unread: an engine
 * that writes into one that is being closed tries again without the call's body.
 */
static bool
begin_call(struct lg_docker *d, int fd)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = d->retire[0], .events = POLLIN } };
	bool called = poll(p, LG_COUNT(p), IDLE_MS) > 0;

	if (!called)
		return false;
	pthread_mutex_lock(&d->lock);
	called = !d->retired && p[0].revents != 0;
	if (called)
		d->calls++;
	else if (d->nkept < LG_DOCKER_KEPT && (d->kept[d->nkept] = fcntl(fd, F_DUPFD_CLOEXEC, LG_SOCKETS_ABOVE)) >= 0)
		d->nkept++;
	pthread_mutex_unlock(&d->lock);
	return called;
}

static void
end_call(struct lg_docker *d)
{
	pthread_mutex_lock(&d->lock);
	d->calls--;
	pthread_mutex_unlock(&d->lock);
}

void
lg_docker_plugin_serve(void *docker, int fd)
{
	LG_AUTO(lg_buf_free) struct lg_buf in = LG_BUF(LG_DOCKER_CALL + LG_HEAD_MAX);
	struct lg_docker *d = docker;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	bool going = lg_door_caller(&cx, d->door, fd) == LG_OK;
	lg_arena_free(&cx.arena);
	while (going && begin_call(d, fd)) {
		lg_ctx_init(&cx, lg_arena_new());
		going = turn(d, fd, &cx, &in) && in.n == 0;	/* an engine waits for the answer before it says more */
		end_call(d);
		lg_arena_free(&cx.arena);
		if (in.n == 0)
			lg_buf_free(&in);	/* a list that was shown may have been large */
	}
}
