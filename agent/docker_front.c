/*
 * docker_front.c: the socket that people use in place of the engine's.  Each connection carries one request: it goes on with a token that
 * says who sent it (docker_pass.h), and the engine is told to close afterwards, so that nothing that follows can ride on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/docker_body.h"
#include "agent/docker_own.h"
#include "agent/docker_relay.h"
#include "agent/docker_route.h"
#include "client/http1.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define HEAD_MS		10000		/* for a request's head, and between octets of a body that is kept */
#define PIECE		LG_RELAY_PIECE
#define LEAVE_MS	10		/* between two looks whether a request has been shown to the plugin */
#define PARTING		(2 * LG_SECOND)	/* for what a client still sends that was refused */

struct visit {
	struct lg_ctx *cx;
	struct lg_docker *d;
	int client, engine;
	struct lg_head head;
	struct lg_body body;
	struct lg_pass pass;
	struct lg_buf in, out;		/* in: from the client, not yet used; out: what the engine is told first */
	int64_t *place;			/* among the visitors; NULL: none */
	bool tunnel;			/* struct lg_relay's */
};

/* ---- refusals -------------------------------------------------------------------------------------------------- */

/* A socket that is closed over octets that were not read is reset, and the refusal with it. */
static void
part(int fd)
{
	int64_t until = lg_boottime() + PARTING;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char piece[PIECE];

	(void)shutdown(fd, SHUT_WR);
	for (int64_t left; (left = until - lg_boottime()) > 0 && poll(&p, 1, (int)(left / 1000) + 1) > 0; )
		if (read(fd, piece, sizeof piece) <= 0)
			return;
}

static void
refuse(struct visit *v, int status)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8192);
	LG_AUTO(lg_buf_free) struct lg_buf json = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&json);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "message", lg_print(v->cx->arena, "lightgate: %s", v->cx->error));
	lg_jsonw_object_end(&w);
	lg_buf_printf(&b, "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
	    status, json.n);
	lg_buf_str(&b, lg_buf_view(&json));
	if (send(v->client, b.p, b.n, MSG_NOSIGNAL) == (ssize_t)b.n)
		part(v->client);
}

/* ---- reading the request --------------------------------------------------------------------------------------- */

static bool
more(struct visit *v)
{
	struct pollfd p = { .fd = v->client, .events = POLLIN };
	char piece[PIECE];

	if (poll(&p, 1, HEAD_MS) <= 0)
		return false;
	ssize_t n = read(v->client, piece, sizeof piece);
	if (n > 0)
		lg_buf_bytes(&v->in, piece, (size_t)n);
	return n > 0 && !v->in.full;
}

static lg_err
read_head(struct visit *v)
{
	size_t size;

	while ((size = lg_head_size(lg_buf_view(&v->in))) == 0)
		if (v->in.n > LG_HEAD_MAX || !more(v))
			return lg_fail(v->cx, LG_E_INVALID, "no complete request came");
	lg_str head = lg_dup(v->cx->arena, lg_str_sub(lg_buf_view(&v->in), 0, size));
	lg_buf_drop(&v->in, size);
	LG_TRY(lg_head_parse(v->cx, head, &v->head));
	v->body = lg_body_of(&v->head);
	v->tunnel = v->head.upgrade;
	return LG_OK;
}

static bool
is_json(const struct lg_head *h)
{
	lg_str type, rest;

	(void)lg_str_cut(lg_head_get(h, "Content-Type"), ';', &type, &rest);
	return lg_str_eq_fold(lg_str_trim(type), LG_STR("application/json"));
}

/* JSON is what decisions are about: all of it is read first, and the engine gets just those octets. */
static lg_err
read_json(struct visit *v, struct lg_buf *content)
{
	if (lg_str_eq_fold(lg_head_get(&v->head, "Expect"), LG_STR("100-continue")) &&
	    send(v->client, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) != 25)
		return lg_fail(v->cx, LG_E_IO, "the client has gone");
	while (!v->body.done) {
		lg_buf_drop(&v->in, lg_body_take(&v->body, lg_buf_view(&v->in), content));
		if (content->full || v->head.length > LG_DOCKER_BODY)
			return lg_fail(v->cx, LG_E_LIMIT, "a JSON body has at most 1 MiB: the engine would not show it to its plugin");
		if (v->body.bad)
			return lg_fail(v->cx, LG_E_INVALID, "the body's chunks are malformed");
		if (!v->body.done && !more(v))
			return lg_fail(v->cx, LG_E_INVALID, "the body did not come whole");
	}
	return LG_OK;
}

/* ---- what the engine is told ------------------------------------------------------------------------------------- */

/* Ours, and those that say how this connection is used. */
static bool
is_ours(lg_str name)
{
	static const lg_str hop[] = { LG_STR("Connection"), LG_STR("Keep-Alive"), LG_STR("Expect"), LG_STR("Proxy-Connection") };

	for (size_t i = 0; i < LG_COUNT(hop); i++)
		if (lg_str_eq_fold(name, hop[i]))
			return true;
	return name.n >= 12 && lg_str_eq_fold(lg_str_sub(name, 0, 12), LG_STR("X-Lightgate-"));
}

static bool
is_framing(lg_str name)
{
	return lg_str_eq_fold(name, LG_STR("Content-Length")) || lg_str_eq_fold(name, LG_STR("Transfer-Encoding"));
}

static void
write_head(struct visit *v, bool whole, size_t length)
{
	struct lg_buf *b = &v->out;
	const struct lg_head *h = &v->head;

	lg_buf_printf(b, "%.*s %.*s HTTP/1.1\r\n", LG_FMT(h->method), LG_FMT(h->target));
	for (size_t i = 0; i < h->n; i++)
		if (!is_ours(h->field[i].name) && !(whole && is_framing(h->field[i].name)))
			lg_buf_printf(b, "%.*s: %.*s\r\n", LG_FMT(h->field[i].name), LG_FMT(h->field[i].value));
	if (whole)
		lg_buf_printf(b, "Content-Length: %zu\r\n", length);
	lg_buf_printf(b, "Connection: %s\r\n" LG_PASS_HEADER ": %s\r\n\r\n", v->tunnel ? "Upgrade" : "close", v->pass.token);
}

static lg_err
prepare(struct visit *v)
{
	LG_AUTO(lg_buf_free) struct lg_buf content = LG_BUF(LG_DOCKER_BODY);
	bool whole = v->body.done || is_json(&v->head);		/* no body, too, is said: see docker_decide.c */

	if (!v->body.done && whole)
		LG_TRY(read_json(v, &content));
	v->pass.method = v->head.method;
	v->pass.uri = v->head.target;
	v->pass.has_body = content.n > 0;
	if (content.n > 0)
		v->pass.body = lg_sha256_of(lg_buf_view(&content));
	lg_pass_add(&v->d->passes, &v->pass);
	write_head(v, whole, content.n);
	lg_buf_str(&v->out, lg_buf_view(&content));
	return lg_buf_status(v->cx, &v->out);
}

static lg_err
reach_engine(struct visit *v)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memcpy(at.sun_path, v->d->at.engine, strlen(v->d->at.engine));	/* its length was checked when the door was opened */
	v->engine = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (v->engine < 0 || connect(v->engine, (const struct sockaddr *)&at, sizeof at) != 0)
		return lg_fail(v->cx, LG_E_UNAVAILABLE, "the engine does not answer at %s", v->d->at.engine);
	return LG_OK;
}

/* ---- carrying ------------------------------------------------------------------------------------------------------ */

/* Not before the plugin knows whose it is; and a new program's id has to be learnt from the answer. */
static bool
may_leave(struct visit *v)
{
	struct lg_docker_match at;

	return lg_pass_shown(&v->d->passes, &v->pass) && lg_docker_match(v->cx, v->head.method, v->head.target, &at) == LG_OK &&
	    at.route->kind != LG_DOCKER_EXEC;
}

static void
leave(struct lg_docker *d, struct lg_relay *r)
{
	pthread_mutex_lock(&d->lock);
	r->next = d->left;
	d->left = r;
	pthread_mutex_unlock(&d->lock);
}

static void
carry(struct visit *v)
{
	struct lg_docker *d = v->d;
	struct lg_relay *r = lg_relay_new(v->client, v->engine, &v->body, v->tunnel, lg_buf_view(&v->in));
	bool going = true;

	v->engine = -1;
	while (going) {
		bool leaving = __atomic_load_n(&d->leaving, __ATOMIC_ACQUIRE);
		if (leaving && may_leave(v)) {
			leave(d, r);
			return;
		}
		going = lg_relay_turn(r, leaving ? -1 : d->leave[0], leaving ? LEAVE_MS : -1);
	}
	lg_relay_free(r);
}

/* ---- one visit ---------------------------------------------------------------------------------------------------------- */

/* The listener lets no more in than there are places. */
static lg_err
take_place(struct visit *v, uid_t uid)
{
	struct lg_docker *d = v->d;
	unsigned own = 0;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < LG_DOCKER_CONNECTIONS; i++) {
		own += d->visitors[i] == (int64_t)uid + 1;
		if (d->visitors[i] == 0)
			v->place = &d->visitors[i];
	}
	if (own >= LG_DOCKER_OF_ONE)
		v->place = NULL;
	if (v->place != NULL)
		*v->place = (int64_t)uid + 1;
	pthread_mutex_unlock(&d->lock);
	return v->place != NULL ? LG_OK : lg_fail(v->cx, LG_E_LIMIT, "more than %d connections of one user", LG_DOCKER_OF_ONE);
}

static void
give_place(struct visit *v)
{
	if (v->place == NULL)
		return;
	pthread_mutex_lock(&v->d->lock);
	*v->place = 0;
	pthread_mutex_unlock(&v->d->lock);
}

static lg_err
run(struct visit *v)
{
	uid_t uid;

	LG_TRY(lg_caller_local(v->cx, v->client, NULL, NULL, &uid));
	LG_TRY(take_place(v, uid));
	v->pass.uid = uid;
	LG_TRY(read_head(v));
	LG_TRY(prepare(v));
	LG_TRY(reach_engine(v));
	if (!lg_write_all(v->engine, v->out.p, v->out.n))
		return lg_fail(v->cx, LG_E_UNAVAILABLE, "the engine does not listen");
	carry(v);
	return LG_OK;
}

void
lg_docker_front_serve(void *docker, int fd)
{
	struct visit *v;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	v = LG_NEW(cx.arena, struct visit);
	*v = (struct visit){ .cx = &cx, .d = docker, .client = fd, .engine = -1, .in = LG_BUF(LG_HEAD_MAX + 2 * PIECE),
		.out = LG_BUF(2 * LG_DOCKER_BODY) };
	if (run(v) != LG_OK)
		refuse(v, 400);
	give_place(v);
	lg_pass_remove(&v->d->passes, &v->pass);
	lg_fd_close(&v->engine);
	lg_buf_free(&v->in);
	lg_buf_free(&v->out);
	lg_arena_free(&cx.arena);
}
