/* plain.c: see plain.h. */
#include "client/plain.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/http1.h"

#define PIECE	(16u << 10)		/* octets that are read at once */
#define INTERIM	16			/* answers of 1xx before the one that counts */

/* One call on its way. */
struct visit {
	struct lg_ctx *cx;
	const struct lg_plain_pool *pool;
	const struct lg_call *call;
	struct lg_plain at;
	int64_t until;			/* CLOCK_BOOTTIME */
	struct lg_buf in, body;		/* what has come and not been taken yet; the answer's body */
	struct lg_head answer;
	bool kept;			/* the connection has served another call before */
	bool unsent;			/* nothing that the service could have read has left */
	bool broken;			/* the connection is of no further use */
	ssize_t got;			/* octets of the last read; 0: the connection is over; -1: errno says why */
};

/* ---- connections -------------------------------------------------------------------------------------------- */

void
lg_plain_init(struct lg_plain_pool *pool, const char *path, lg_str url)
{
	static const lg_str scheme = LG_STR("http://");
	lg_str base;

	pthread_mutex_init(&pool->lock, NULL);
	if (path == NULL || !lg_str_starts(url, scheme))
		return;
	pool->path = path;
	if (lg_str_cut(lg_str_sub(url, scheme.n, url.n), '/', &pool->host, &base))
		pool->base = (lg_str){ base.p - 1, base.n + 1 };
}

void
lg_plain_end(struct lg_plain_pool *pool)
{
	for (size_t i = 0; i < pool->nidle; i++)
		close(pool->idle[i].fd);
	pthread_mutex_destroy(&pool->lock);
}

bool
lg_plain_can(const struct lg_plain_pool *pool, const struct lg_call *call)
{
	return pool->path != NULL && call->sink == NULL && call->cut == NULL && call->silence == 0;
}

/* The service closes what is idle for long, and says nothing unasked. */
static bool
is_alive(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static bool
borrow(struct lg_plain_pool *pool, struct lg_plain *ret)
{
	bool found = false;

	pthread_mutex_lock(&pool->lock);
	while (!found && pool->nidle > 0) {
		*ret = pool->idle[--pool->nidle];
		found = is_alive(ret->fd);
		if (!found)
			close(ret->fd);
	}
	pthread_mutex_unlock(&pool->lock);
	return found;
}

static void
give_back(struct lg_plain_pool *pool, const struct visit *v)
{
	bool room = false;

	if (v->at.fd < 0)
		return;
	pthread_mutex_lock(&pool->lock);
	if (!v->broken && pool->nidle < LG_LINK_IDLE) {
		pool->idle[pool->nidle++] = v->at;
		room = true;
	}
	pthread_mutex_unlock(&pool->lock);
	if (!room)
		close(v->at.fd);
}

static lg_err
unreachable(struct visit *v)
{
	return lg_fail(v->cx, LG_E_UNAVAILABLE, "cannot reach %s: %s", v->pool->path, strerror(errno));
}

static lg_err
late(struct visit *v)
{
	return lg_fail(v->cx, LG_E_UNAVAILABLE, "%s does not answer in time", v->pool->path);
}

/* Where many wait to be taken in, this waits too: no longer than the call may last. */
static lg_err
dial(struct visit *v)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int64_t left = v->until - lg_boottime();
	struct timeval patience = { .tv_sec = left / LG_SECOND, .tv_usec = left > 0 ? left % LG_SECOND : 1 };

	if (strlen(v->pool->path) >= sizeof to.sun_path)
		return lg_fail(v->cx, LG_E_INVALID, "%s: too long for a socket's path", v->pool->path);
	strcpy(to.sun_path, v->pool->path);
	v->at = (struct lg_plain){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	if (v->at.fd < 0)
		return unreachable(v);
	setsockopt(v->at.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(v->at.fd, (const struct sockaddr *)&to, sizeof to) == 0)
		return LG_OK;
	return errno == EAGAIN ? late(v) : unreachable(v);
}

/* ---- waiting -------------------------------------------------------------------------------------------------- */

/* Until the socket is ready for it; LG_E_UNAVAILABLE at the end of the call's time. */
static lg_err
sleep_until(struct visit *v, short events)
{
	struct pollfd fd = { .fd = v->at.fd, .events = events };

	for (;;) {
		int64_t left = v->until - lg_boottime();
		if (left <= 0)
			return late(v);
		int n = poll(&fd, 1, (int)((left + 999) / 1000));
		if (n > 0)
			return LG_OK;
		if (n < 0 && errno != EINTR)
			return unreachable(v);
	}
}

/* False: nothing has come yet. */
static bool
take_piece(void *arg)
{
	struct visit *v = arg;

	v->got = recv(v->at.fd, v->in.p + v->in.n, PIECE, MSG_DONTWAIT);
	return v->got >= 0 || (errno != EAGAIN && errno != EINTR);
}

static lg_err
read_piece(struct visit *v)
{
	if (!lg_buf_reserve(&v->in, PIECE))
		return lg_buf_status(v->cx, &v->in);
	bool there = lg_linger(&v->at.linger, take_piece, v) || take_piece(v);
	while (!there) {
		LG_TRY(sleep_until(v, POLLIN));
		there = take_piece(v);
	}
	if (v->got < 0) {
		/* Linux says so where something was sent that the other side never read. */
		v->unsent = errno == ECONNRESET && v->in.n == 0;
		return unreachable(v);
	}
	v->in.n += (size_t)v->got;
	return LG_OK;
}

/* ---- the question ------------------------------------------------------------------------------------------------ */

static void
put_field(struct lg_buf *b, const char *name, lg_str value)
{
	lg_buf_str(b, lg_str_of(name));
	lg_buf_str(b, LG_STR(": "));
	lg_buf_str(b, value);
	lg_buf_str(b, LG_STR("\r\n"));
}

static void
put_head(const struct visit *v, struct lg_buf *b)
{
	const struct lg_call *call = v->call;

	lg_buf_printf(b, "%s %.*s%.*s HTTP/1.1\r\nAccept: */*\r\n", call->method, LG_FMT(v->pool->base), LG_FMT(call->path));
	put_field(b, "Host", v->pool->host);
	if (call->token.n > 0) {
		lg_buf_str(b, LG_STR("Authorization: Bearer "));
		lg_buf_str(b, call->token);
		lg_buf_str(b, LG_STR("\r\n"));
	}
	if (call->body.n > 0)
		put_field(b, "Content-Type", lg_str_of(call->type == NULL ? "application/json" : call->type));
	if (call->body.n > 0 || strcmp(call->method, "POST") == 0)
		lg_buf_printf(b, "Content-Length: %zu\r\n", call->body.n);
	for (size_t i = 0; i < LG_CALL_HEADERS; i++)
		if (call->headers[i].name != NULL)
			put_field(b, call->headers[i].name, call->headers[i].value);
	lg_buf_str(b, LG_STR("\r\n"));
}

/* A service that answers before it has read all, and closes, has still answered. */
static lg_err
send_all(struct visit *v, lg_str head, lg_str body)
{
	struct iovec io[] = { { (void *)(uintptr_t)head.p, head.n }, { (void *)(uintptr_t)body.p, body.n } };
	struct msghdr m = { .msg_iov = io, .msg_iovlen = 2 };

	while (io[0].iov_len + io[1].iov_len > 0) {
		ssize_t n = sendmsg(v->at.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			LG_TRY(sleep_until(v, POLLOUT));
			continue;
		}
		if (n < 0 && errno != EINTR)
			return v->unsent ? unreachable(v) : LG_OK;
		for (size_t i = 0; i < 2 && n > 0; i++) {
			size_t part = (size_t)n < io[i].iov_len ? (size_t)n : io[i].iov_len;
			io[i].iov_base = (char *)io[i].iov_base + part;
			io[i].iov_len -= part;
			n -= (ssize_t)part;
			v->unsent = false;
		}
	}
	return LG_OK;
}

static lg_err
ask(struct visit *v)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_HEAD_MAX);

	put_head(v, &b);
	LG_TRY(lg_buf_status(v->cx, &b));
	return send_all(v, lg_buf_view(&b), v->call->body);
}

/* ---- the answer ----------------------------------------------------------------------------------------------------- */

static lg_err
garbled(struct visit *v)
{
	return lg_fail(v->cx, LG_E_UNAVAILABLE, "%s does not answer as HTTP/1.1 does", v->pool->path);
}

static lg_err
read_head(struct visit *v)
{
	size_t n;

	while ((n = lg_head_size(lg_buf_view(&v->in))) == 0) {
		LG_TRY(read_piece(v));
		if (v->got == 0)
			return lg_fail(v->cx, LG_E_UNAVAILABLE, "cannot reach %s: it closed the connection without an answer", v->pool->path);
	}
	/* the fields point into a copy: what follows the head moves to its place */
	lg_str text = lg_dup(v->cx->arena, lg_str_sub(lg_buf_view(&v->in), 0, n));
	lg_buf_drop(&v->in, n);
	return lg_head_parse_answer(v->cx, text, &v->answer) == LG_OK ? LG_OK : garbled(v);
}

static lg_err
too_large(struct visit *v)
{
	return lg_fail(v->cx, LG_E_LIMIT, "%s answers with more than %u octets", v->pool->path, LG_ANSWER_MAX);
}

static lg_err
read_body(struct visit *v)
{
	struct lg_body b = lg_body_of(&v->answer);

	for (;;) {
		bool ends = v->answer.length >= 0;	/* or else with the connection */
		if (ends && lg_body_take(&b, lg_buf_view(&v->in), &v->body) < v->in.n)
			return garbled(v);
		if (!ends)
			lg_buf_str(&v->body, lg_buf_view(&v->in));
		if (v->body.full)
			return too_large(v);
		if (b.bad || b.done)
			return b.bad ? garbled(v) : LG_OK;
		lg_buf_clear(&v->in);
		LG_TRY(read_piece(v));
		if (v->got == 0)
			return ends ? garbled(v) : LG_OK;
	}
}

static lg_err
hear(struct visit *v)
{
	int interim = 0;

	do
		LG_TRY(read_head(v));
	while (v->answer.status < 200 && interim++ < INTERIM);
	if (v->answer.status < 200)
		return garbled(v);
	LG_TRY(read_body(v));
	v->broken = v->answer.length < 0 || lg_str_eq_fold(lg_head_get(&v->answer, "Connection"), LG_STR("close"));
	return LG_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------------ */

static lg_err
attempt(struct visit *v, struct lg_plain_pool *pool)
{
	v->kept = borrow(pool, &v->at);
	v->unsent = v->broken = true;
	if (!v->kept)
		LG_TRY(dial(v));
	LG_TRY(ask(v));
	return hear(v);
}

static void
end(struct visit *v)
{
	lg_buf_wipe(&v->in);
	lg_buf_wipe(&v->body);		/* it may have brought tokens */
}

lg_err
lg_plain_call(struct lg_ctx *cx, struct lg_plain_pool *pool, const struct lg_call *call, struct lg_reply *ret)
{
	LG_AUTO(end) struct visit v = { .cx = cx, .pool = pool, .call = call, .at.fd = -1,
		.in = LG_BUF(LG_HEAD_MAX + PIECE), .body = LG_BUF(LG_ANSWER_MAX) };
	lg_err e;

	v.until = lg_boottime() + (call->time == 0 ? LG_CALL_TIME : call->time);
	do {
		e = attempt(&v, pool);
		give_back(pool, &v);
		v.at.fd = -1;
	} while (e == LG_E_UNAVAILABLE && v.unsent && v.kept);	/* closed while it was idle, before this was read */
	*ret = (struct lg_reply){ .unsent = e != LG_OK && v.unsent };
	LG_TRY(e);
	ret->status = v.answer.status;
	ret->type = lg_head_get(&v.answer, "Content-Type");
	ret->body = lg_dup(cx->arena, lg_buf_view(&v.body));
	return LG_OK;
}
