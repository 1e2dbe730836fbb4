#include "tests/server/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static lg_err
hello(void *self, struct lg_http *ex)
{
	(void)self;
	lg_http_type(ex, "text/plain");
	lg_buf_str(&ex->out, LG_STR("hello"));
	return LG_OK;
}

static lg_err
echo(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_printf(&ex->out, "%.*s|%.*s|%.*s|%.*s", LG_FMT(ex->path), LG_FMT(ex->query), LG_FMT(ex->tail), LG_FMT(ex->body));
	return LG_OK;
}

static lg_err
whoami(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_printf(&ex->out, "%s uid=%lld surface=%d", ex->peer->address, (long long)ex->peer->uid, (int)ex->peer->surface);
	return LG_OK;
}

static lg_err
fails(void *self, struct lg_http *ex)
{
	(void)self;
	return lg_fail(ex->cx, LG_E_DENIED, "not for you");
}

static lg_err
breaks(void *self, struct lg_http *ex)
{
	(void)self;
	return lg_fail(ex->cx, LG_E_CORRUPT, "the inside of the machine");
}

static lg_err
slow(void *self, struct lg_http *ex)
{
	(void)self;
	cr_assert_null(lg_loop_self());
	usleep(100000);
	lg_buf_str(&ex->out, LG_STR("slow"));
	return LG_OK;
}

/* Gives itself away and is answered by a note on the loop's mailbox, as a keeper's or a store's reply would. */
struct later {
	struct lg_note note;
	struct lg_http *ex;
};

static void
later_done(struct lg_note *note)
{
	struct later *l = (struct later *)note;

	lg_buf_str(&l->ex->out, LG_STR("later"));
	lg_http_done(l->ex);
}

static lg_err
pending(void *self, struct lg_http *ex)
{
	struct later *l = LG_NEW(ex->cx->arena, struct later);

	(void)self;
	l->note.run = later_done;
	l->ex = ex;
	lg_mailbox_post(lg_loop_mailbox(lg_http_loop(ex)), &l->note);
	return LG_PENDING;
}

static lg_err
at_once(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_str(&ex->out, LG_STR("at once"));
	lg_http_done(ex);
	return LG_PENDING;
}

/* A stream of three pieces, the last after a wait. */
struct pieces {
	struct lg_timer timer;
	struct lg_http *ex;
	int n;
	bool rested;
};

static void
pieces_go_on(struct lg_timer *t)
{
	lg_http_wake(((struct pieces *)t)->ex);
}

static lg_err
pieces_next(void *self, struct lg_buf *out, size_t max)
{
	struct pieces *p = self;

	(void)max;
	if (p->n == 3)
		return LG_E_NOT_FOUND;
	if (p->n == 2 && !p->rested) {
		p->rested = true;
		p->timer.run = pieces_go_on;
		lg_timer_set(lg_http_loop(p->ex), &p->timer, 50000);
		return LG_PENDING;
	}
	lg_buf_printf(out, "piece %d;", p->n++);
	return LG_OK;
}

static int ended;

static void
pieces_end(void *self)
{
	(void)self;
	ended++;
}

static lg_err
stream(void *self, struct lg_http *ex)
{
	struct pieces *p = LG_NEW(ex->cx->arena, struct pieces);

	(void)self;
	p->ex = ex;
	lg_http_stream(ex, &(struct lg_http_stream){ pieces_next, pieces_end, p });
	return LG_OK;
}

static lg_err
large(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_reserve(&ex->out, 8u << 20);
	for (int i = 0; i < 1 << 20; i++)
		lg_buf_str(&ex->out, LG_STR("01234567"));
	return LG_OK;
}

/* Waits until the test lets all go. */
static struct later *held;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static int nheld;

static lg_err
hold(void *self, struct lg_http *ex)
{
	struct later *l = LG_NEW(ex->cx->arena, struct later);

	(void)self;
	l->note.run = later_done;
	l->ex = ex;
	pthread_mutex_lock(&held_lock);
	l->note.next = (struct lg_note *)held;
	held = l;
	nheld++;
	pthread_mutex_unlock(&held_lock);
	return LG_PENDING;
}

static void
release(void)
{
	pthread_mutex_lock(&held_lock);
	for (struct later *l = held, *next; l != NULL; l = next) {
		next = (struct later *)l->note.next;
		lg_mailbox_post(lg_loop_mailbox(lg_http_loop(l->ex)), &l->note);
	}
	held = NULL;
	pthread_mutex_unlock(&held_lock);
}

#define PLAIN (LG_SURFACE_HTTP | LG_SURFACE_UNIX)

static const struct lg_route routes[] = {
	{ "GET", "/hello", PLAIN, LG_ON_LOOP, 0, hello },
	{ "POST", "/echo", PLAIN, LG_ON_LOOP, 0, echo },
	{ "GET", "/echo", PLAIN, LG_ON_LOOP, 0, echo },
	{ "GET", "/open/*", PLAIN, LG_ON_LOOP, 0, echo },
	{ "POST", "/small", PLAIN, LG_ON_LOOP, 10, echo },
	{ "GET", "/whoami", PLAIN, LG_ON_LOOP, 0, whoami },
	{ "GET", "/fails", PLAIN, LG_ON_LOOP, 0, fails },
	{ "GET", "/breaks", PLAIN, LG_ON_LOOP, 0, breaks },
	{ "GET", "/slow", PLAIN, LG_ON_WORKER, 0, slow },
	{ "GET", "/pending", PLAIN, LG_ON_LOOP, 0, pending },
	{ "GET", "/at-once", PLAIN, LG_ON_LOOP, 0, at_once },
	{ "GET", "/large", PLAIN, LG_ON_LOOP, 0, large },
	{ "GET", "/hold", PLAIN, LG_ON_LOOP, 0, hold },
	{ "GET", "/stream", PLAIN, LG_ON_LOOP, 0, stream },
	{ "GET", "/elsewhere", LG_SURFACE_HTTPS, LG_ON_LOOP, 0, hello },
};

static void
begin_with(struct kit *k, enum lg_surface surface)
{
	kit_new(k);
	cr_assert_eq(lg_http_routes_add(&k->cx, k->hs, routes, LG_COUNT(routes), NULL), LG_OK, "%s", k->cx.error);
	kit_attach(k, PLAIN);
	kit_open(k, surface);
}

static void
begin(struct kit *k)
{
	kit_init(k);
	begin_with(k, LG_SURFACE_HTTP);
}

#define H	"Host: x\r\n"
#define ASK(k, text) kit_ask(k, text, sizeof(text) - 1, buf, sizeof buf)
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

Test(http, a_route_answers)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, GET("/hello")), 200);
	cr_assert(strstr(buf, "\r\n\r\nhello") != NULL);
	cr_assert(strstr(buf, "X-Content-Type-Options: nosniff\r\n") != NULL);
	cr_assert(strstr(buf, "Cache-Control: no-store\r\n") != NULL);
	cr_assert(strstr(buf, "X-Request-ID: ") != NULL);
	kit_end(&k);
}

Test(http, requests_follow_each_other_on_one_connection)
{
	struct kit k;
	char buf[4096];
	int fd;

	begin(&k);
	fd = kit_connect(&k);
	for (int i = 0; i < 20; i++) {
		KIT_SEND(fd, GET("/hello"));
		cr_assert_eq(kit_answer(fd, buf, sizeof buf), 200);
	}
	KIT_SEND(fd, GET("/hello") GET("/slow") GET("/pending"));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(kit_answer(fd, buf, sizeof buf), 200, "pipelined %d", i);
	cr_assert(strstr(buf, "later") != NULL);
	close(fd);
	kit_end(&k);
}

Test(http, head_has_the_head_of_get)
{
	struct kit k;
	char buf[4096];
	int fd;

	begin(&k);
	fd = kit_connect(&k);
	KIT_SEND(fd, "HEAD /hello HTTP/1.1\r\n" H "\r\n");
	KIT_SEND(fd, GET("/hello"));
	cr_assert_eq(kit_answer(fd, buf, 5 + 200), 200);
	close(fd);
	fd = kit_connect(&k);
	KIT_SEND(fd, "HEAD /hello HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	cr_assert_eq(kit_answer(fd, buf, sizeof buf), 200);
	cr_assert(strstr(buf, "Content-Length: 5\r\n") != NULL);
	cr_assert(strstr(buf, "hello") == NULL);
	close(fd);
	kit_end(&k);
}

Test(http, the_request_id_is_the_clients_if_it_is_well_formed)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	ASK(&k, "GET /hello HTTP/1.1\r\n" H "X-Request-ID: abc-1.2_3\r\n\r\n");
	cr_assert(strstr(buf, "X-Request-ID: abc-1.2_3\r\n") != NULL);
	ASK(&k, "GET /hello HTTP/1.1\r\n" H "X-Request-ID: a b\r\n\r\n");
	cr_assert(strstr(buf, "X-Request-ID: a b") == NULL);
	kit_end(&k);
}

Test(http, a_body_arrives_whole_by_length_and_in_chunks)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, "POST /echo?a=1&b=%20 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), 200);
	cr_assert(strstr(buf, "/echo|a=1&b=%20||abc") != NULL, "%s", buf);
	cr_assert_eq(ASK(&k, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), 200);
	cr_assert(strstr(buf, "/echo|||abc") != NULL, "%s", buf);
	kit_end(&k);
}

Test(http, errors_are_problem_documents)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, GET("/fails")), 403);
	cr_assert(strstr(buf, "application/problem+json") != NULL);
	cr_assert(strstr(buf, "{\"title\":\"Forbidden\",\"status\":403,\"detail\":\"not for you\",\"code\":\"denied\"}") != NULL, "%s", buf);
	cr_assert_eq(ASK(&k, GET("/breaks")), 500);
	cr_assert(strstr(buf, "inside of the machine") == NULL, "what broke stays inside");
	kit_end(&k);
}

Test(http, unknown_paths_and_methods)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, GET("/nothing")), 404);
	cr_assert_eq(ASK(&k, GET("/elsewhere")), 404);
	cr_assert_eq(ASK(&k, GET("/t/other/hello")), 404);
	cr_assert_eq(ASK(&k, "DELETE /echo HTTP/1.1\r\n" H "\r\n"), 405);
	cr_assert(strstr(buf, "Allow: POST, GET, HEAD\r\n") != NULL, "%s", buf);
	kit_end(&k);
}

Test(http, open_paths_give_their_tail)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, GET("/open/a%20b/c")), 200);
	cr_assert(strstr(buf, "/open/a b/c||a b/c|") != NULL, "%s", buf);
	cr_assert_eq(ASK(&k, GET("/open/MEow%2F%2Fx%3D")), 200);
	cr_assert(strstr(buf, "|MEow//x=|") != NULL, "%s", buf);
	cr_assert_eq(ASK(&k, GET("/open%2Fa")), 404);
	kit_end(&k);
}

/* ---- what a proxy might read otherwise -------------------------------------------------------------- */

static const struct {
	const char *what;
	lg_str text;
	int status;
} hostile[] = {
#define BAD(what, text, status) { what, { text, sizeof(text) - 1 }, status }
	BAD("length and coding", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
	BAD("two lengths", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
	BAD("the same length twice", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
	BAD("negative length", "POST /echo HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", 400),
	BAD("length with plus", "POST /echo HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", 400),
	BAD("length list", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", 400),
	BAD("coding of another name", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
	BAD("two codings", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
	BAD("chunked in HTTP/1.0", "POST /echo HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
	BAD("two hosts", "GET /hello HTTP/1.1\r\n" H "Host: y\r\n\r\n", 400),
	BAD("no host", "GET /hello HTTP/1.1\r\nAccept: x\r\n\r\n", 400),
	BAD("empty host", "GET /hello HTTP/1.1\r\nHost:\r\n\r\n", 400),
	BAD("two authorizations", "GET /hello HTTP/1.1\r\n" H "Authorization: a\r\nauthorization: b\r\n\r\n", 400),
	BAD("blank before colon", "GET /hello HTTP/1.1\r\n" H "X : y\r\n\r\n", 400),
	BAD("folded line", "GET /hello HTTP/1.1\r\n" H "X: y\r\n z\r\n\r\n", 400),
	BAD("folded first line", "GET /hello HTTP/1.1\r\n X: y\r\n" H "\r\n", 400),
	BAD("NUL in a value", "GET /hello HTTP/1.1\r\n" H "X: y\0z\r\n\r\n", 400),
	BAD("NULs at the end", "GET /hello HTTP/1.1\r\n" H "X: y\0\0\r\n\r\n", 400),
	BAD("many NULs in a value", "GET /hello HTTP/1.1\r\n" H "X: y\0\0\0\0\0\0z\r\n\r\n", 400),
	BAD("NUL in a name", "GET /hello HTTP/1.1\r\n" H "X\0Y: y\r\n\r\n", 400),
	BAD("a line without a name", "GET /hello HTTP/1.1\r\n" H ": y\r\nX: y\r\n\r\n", 400),
	BAD("a colon alone", "GET /hello HTTP/1.1\r\n" H ":\r\nX: y\r\n\r\n", 400),
	BAD("NUL in the target", "GET /hel\0lo HTTP/1.1\r\n" H "\r\n", 400),
	BAD("CR in a value", "GET /hello HTTP/1.1\r\n" H "X: y\rz\r\n\r\n", 400),
	BAD("bare LF after the request line", "GET /hello HTTP/1.1\n" H "\r\n", 400),
	BAD("bare LF after a header", "GET /hello HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400),
	BAD("bare LF at the end", "GET /hello HTTP/1.1\r\nHost: x\r\n\n  ", 400),
	BAD("bare LF all through", "GET /hello HTTP/1.1\nHost: x\n\n", 400),
	BAD("a method that is no token", "G@T /hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("two blanks in the line", "GET  /hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("no version", "GET /hello\r\n" H "\r\n", 400),
	BAD("a version of the future", "GET /hello HTTP/1.2\r\n" H "\r\n", 400),
	BAD("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
	BAD("up", "GET /open/../hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("encoded up", "GET /open/%2e%2e/hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("up with an encoded slash", "GET /open/..%2Fhello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("empty segment", "GET /open//hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("here", "GET /./hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("encoded NUL", "GET /hello%00 HTTP/1.1\r\n" H "\r\n", 400),
	BAD("half a percent code", "GET /hello%4 HTTP/1.1\r\n" H "\r\n", 400),
	BAD("no UTF-8", "GET /open/%ff HTTP/1.1\r\n" H "\r\n", 400),
	BAD("fragment", "GET /hello#a HTTP/1.1\r\n" H "\r\n", 400),
	BAD("star", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 400),
	BAD("no path", "GET hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("tenant without a name", "GET /t//hello HTTP/1.1\r\n" H "\r\n", 400),
	BAD("encoded slash in the tenant", "GET /t/a%2Fb/hello HTTP/1.1\r\n" H "\r\n", 400),
};

Test(http, what_could_be_read_two_ways_is_refused_and_the_connection_ends)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	for (size_t i = 0; i < LG_COUNT(hostile); i++) {
		int fd = kit_connect(&k), status;

		kit_send(fd, hostile[i].text.p, hostile[i].text.n);
		shutdown(fd, SHUT_WR);
		status = kit_answer(fd, buf, sizeof buf);
		cr_expect(status == hostile[i].status || (status == 0 && kit_closed(fd, 2000)), "%s: %d", hostile[i].what, status);
		close(fd);
	}
	kit_end(&k);
}

Test(http, absolute_form_is_taken)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, "GET http://x:1/hello HTTP/1.1\r\n" H "\r\n"), 200);
	cr_assert_eq(ASK(&k, "GET http://x HTTP/1.1\r\n" H "\r\n"), 400);
	kit_end(&k);
}

/* ---- limits ---------------------------------------------------------------------------------------------- */

Test(http, heads_are_bounded)
{
	struct kit k;
	static char big[70000];
	char buf[4096];
	size_t n;

	begin(&k);
	n = (size_t)snprintf(big, sizeof big, "GET /hello HTTP/1.1\r\n" H "X: ");
	memset(big + n, 'a', 60000);
	memcpy(big + n + 60000, "\r\n\r\n", 5);
	cr_expect_eq(kit_ask(&k, big, n + 60004, buf, sizeof buf), 431);
	n = (size_t)snprintf(big, sizeof big, "GET /");
	memset(big + n, 'a', 60000);
	memcpy(big + n + 60000, " HTTP/1.1\r\n\r\n", 14);
	cr_expect_eq(kit_ask(&k, big, n + 60013, buf, sizeof buf), 414);
	memcpy(big + 5 + LG_HTTP_TARGET_MAX, " HTTP/1.1\r\n" H "\r\n", 23);
	cr_expect_eq(kit_ask(&k, big, 5 + LG_HTTP_TARGET_MAX + 22, buf, sizeof buf), 414);
	n = (size_t)snprintf(big, sizeof big, "GET /hello HTTP/1.1\r\n" H);
	for (int i = 0; i < LG_HTTP_HEADERS; i++)
		n += (size_t)snprintf(big + n, sizeof big - n, "X-%d: y\r\n", i);
	n += (size_t)snprintf(big + n, sizeof big - n, "\r\n");
	cr_expect_eq(kit_ask(&k, big, n, buf, sizeof buf), 431);
	kit_end(&k);
}

Test(http, bodies_are_bounded)
{
	struct kit k;
	char buf[4096];
	int fd;

	begin(&k);
	cr_expect_eq(ASK(&k, "POST /small HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n0123456789"), 200);
	cr_expect_eq(ASK(&k, "POST /small HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n"), 413);
	cr_expect_eq(ASK(&k, "POST /small HTTP/1.1\r\n" H "Content-Length: 999999999999999999999999\r\n\r\n"), 413);
	cr_expect_eq(ASK(&k, "POST /small HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n"), 413);
	cr_expect_eq(ASK(&k, "POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"), 413);
	fd = kit_connect(&k);
	KIT_SEND(fd, "POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
	memset(buf, 'a', sizeof buf);
	for (int i = 0; i < 100 && !kit_closed(fd, 0); i++) {
		KIT_SEND(fd, "1000\r\n");
		kit_send(fd, buf, sizeof buf);
		KIT_SEND(fd, "\r\n");
	}
	cr_expect(kit_closed(fd, 2000), "an endless body is cut off");
	close(fd);
	kit_end(&k);
}

Test(http, a_head_that_drips_is_cut)
{
	struct kit k;
	int fd;
	bool cut = false;

	kit_init(&k);
	k.o.request_time = LG_SECOND / 2;
	begin_with(&k, LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	KIT_SEND(fd, "GET /hello HTTP/1.1\r\nX: ");
	for (int i = 0; i < 40 && !cut; i++) {
		KIT_SEND(fd, "a");
		cut = kit_closed(fd, 50);
	}
	cr_assert(cut);
	close(fd);
	kit_end(&k);
}

Test(http, a_body_that_drips_is_cut)
{
	struct kit k;
	int fd;
	bool cut = false;

	kit_init(&k);
	k.o.request_time = LG_SECOND / 2;
	begin_with(&k, LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	KIT_SEND(fd, "POST /echo HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n");
	for (int i = 0; i < 40 && !cut; i++) {
		KIT_SEND(fd, "a");
		cut = kit_closed(fd, 50);
	}
	cr_assert(cut);
	close(fd);
	kit_end(&k);
}

Test(http, a_request_at_work_is_not_cut_and_an_idle_connection_is)
{
	struct kit k;
	char buf[4096];
	int fd;

	kit_init(&k);
	k.o.request_time = k.o.reply_time = k.o.idle_time = LG_SECOND / 20;
	begin_with(&k, LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	KIT_SEND(fd, GET("/slow"));
	cr_assert_eq(kit_answer(fd, buf, sizeof buf), 200);
	cr_assert(kit_closed(fd, 2000));
	close(fd);
	kit_end(&k);
}

Test(http, a_reply_that_nobody_takes_is_cut)
{
	struct kit k;
	int fd, small = 4096;

	kit_init(&k);
	k.o.reply_time = LG_SECOND / 2;
	begin_with(&k, LG_SURFACE_HTTP);
	fd = kit_connect(&k);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	KIT_SEND(fd, GET("/large"));
	for (int i = 0; i < 300 && lg_limits_count(k.limits) > 0; i++)
		usleep(10000);
	cr_assert_eq(lg_limits_count(k.limits), 0);
	close(fd);
	kit_end(&k);
}

Test(http, only_so_many_may_wait)
{
	enum { N = KIT_LOOPS * LG_HTTP_WAITING + 40 };
	static int fd[N];
	struct kit k;
	char buf[4096];
	int good = 0, busy = 0;

	begin(&k);
	for (int i = 0; i < N; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/hold"));
		if (i % 50 == 0)
			usleep(10000);		/* the backlog has 64 places */
	}
	for (int i = 0; i < 500 && __atomic_load_n(&nheld, __ATOMIC_SEQ_CST) < KIT_LOOPS * LG_HTTP_WAITING; i++)
		usleep(10000);
	usleep(100000);
	cr_assert_eq(nheld, KIT_LOOPS * LG_HTTP_WAITING);
	release();
	for (int i = 0; i < N; i++) {
		int status = kit_answer(fd[i], buf, sizeof buf);

		good += status == 200;
		busy += status == 503;
		close(fd[i]);
	}
	cr_assert_eq(good, KIT_LOOPS * LG_HTTP_WAITING);
	cr_assert_eq(busy, 40);
	kit_end(&k);
}

Test(http, connections_of_one_address_are_bounded)
{
	struct kit k;
	char buf[4096];
	int fd[4];

	kit_init(&k);
	k.limits = k.o.limits = lg_limits_new(100, 3);
	begin_with(&k, LG_SURFACE_HTTP);
	for (int i = 0; i < 3; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/hello"));
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
	}
	fd[3] = kit_connect(&k);
	cr_assert(kit_closed(fd[3], 2000));
	close(fd[3]);
	close(fd[0]);
	for (int i = 0; i < 100 && lg_limits_count(k.limits) > 2; i++)
		usleep(10000);
	cr_assert_eq(ASK(&k, GET("/hello")), 200);
	close(fd[1]);
	close(fd[2]);
	kit_end(&k);
}

/* ---- where handlers run --------------------------------------------------------------------------------------- */

Test(http, workers_and_callbacks_answer)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	cr_assert_eq(ASK(&k, GET("/slow")), 200);
	cr_assert(strstr(buf, "\r\n\r\nslow") != NULL);
	cr_assert_eq(ASK(&k, GET("/pending")), 200);
	cr_assert(strstr(buf, "\r\n\r\nlater") != NULL);
	cr_assert_eq(ASK(&k, GET("/at-once")), 200);
	cr_assert(strstr(buf, "\r\n\r\nat once") != NULL);
	kit_end(&k);
}

Test(http, workers_work_side_by_side)
{
	struct kit k;
	char buf[4096];
	int fd[40];
	int64_t began;

	begin(&k);
	began = lg_boottime();
	for (int i = 0; i < 40; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow"));
	}
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
		close(fd[i]);
	}
	cr_assert_lt(lg_boottime() - began, 3 * LG_SECOND);	/* 40 x 0.1 s on 4 workers */
	kit_end(&k);
}

Test(http, a_full_queue_is_busy_at_once)
{
	struct kit k;
	char buf[4096];
	int fd[100], busy = 0;

	kit_init(&k);
	lg_pool_free(&k.workers);
	cr_assert_eq(lg_pool_new(&k.cx, 1, 4, 0, 0, &k.workers), LG_OK);
	k.o.workers = k.workers;
	begin_with(&k, LG_SURFACE_HTTP);
	for (int i = 0; i < 20; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow"));
	}
	for (int i = 0; i < 20; i++) {
		int status = kit_answer(fd[i], buf, sizeof buf);

		cr_assert(status == 200 || status == 503);
		busy += status == 503;
		close(fd[i]);
	}
	cr_assert_geq(busy, 10);
	kit_end(&k);
}

static const struct lg_route others[] = { { "GET", "/other", PLAIN, LG_ON_WORKER, 0, slow } };

Test(http, one_component_cannot_hold_all_workers)
{
	struct kit k;
	char buf[4096];
	int fd[20];
	int64_t began;

	kit_init(&k);
	k.o.share = 2;
	kit_new(&k);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, routes, LG_COUNT(routes), NULL), LG_OK);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, others, 1, &k), LG_OK);
	kit_attach(&k, PLAIN);
	kit_open(&k, LG_SURFACE_HTTP);
	for (int i = 0; i < 20; i++) {
		fd[i] = kit_connect(&k);
		KIT_SEND(fd[i], GET("/slow"));
	}
	usleep(20000);
	began = lg_boottime();
	cr_assert_eq(ASK(&k, GET("/other")), 200);
	cr_expect_lt(lg_boottime() - began, LG_SECOND / 2, "it waited behind the others");
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(kit_answer(fd[i], buf, sizeof buf), 200);
		close(fd[i]);
	}
	cr_assert_gt(lg_boottime() - began, LG_SECOND / 2, "20 x 0.1 s on 2 workers");
	kit_end(&k);
}

Test(http, a_client_that_leaves_while_a_worker_is_at_it_does_no_harm)
{
	struct kit k;
	char buf[4096];

	begin(&k);
	for (int i = 0; i < 10; i++) {
		int fd = kit_connect(&k);

		KIT_SEND(fd, GET("/slow"));
		usleep(5000);
		close(fd);
	}
	cr_assert_eq(ASK(&k, GET("/slow")), 200);
	for (int i = 0; i < 100 && lg_http_live(k.hs) > 0; i++)
		usleep(20000);
	cr_assert_eq(lg_http_live(k.hs), 0);
	kit_end(&k);
}

Test(http, a_body_may_come_in_pieces)
{
	struct kit k;
	char buf[4096];
	int fd;

	begin(&k);
	fd = kit_connect(&k);
	KIT_SEND(fd, "GET /stream HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	for (int n = 0, r; (r = (int)recv(fd, buf + n, sizeof buf - 1 - (size_t)n, 0)) > 0;) {
		n += r;
		buf[n] = '\0';
	}
	cr_assert(strstr(buf, "piece 0;") != NULL && strstr(buf, "piece 2;") != NULL, "%s", buf);
	close(fd);
	kit_end(&k);
	cr_assert_eq(ended, 1);
}

/* ---- who is there, and the end ------------------------------------------------------------------------------- */

Test(http, a_unix_peer_is_known_by_the_kernel)
{
	struct kit k;
	char buf[4096], want[100];

	kit_init(&k);
	begin_with(&k, LG_SURFACE_UNIX);
	cr_assert_eq(ASK(&k, GET("/whoami")), 200);
	snprintf(want, sizeof want, "uid=%d pid=%d uid=%d surface=16", (int)getuid(), (int)getpid(), (int)getuid());
	cr_assert(strstr(buf, want) != NULL, "%s", buf);
	kit_end(&k);
}

Test(http, draining_finishes_what_is_live)
{
	struct kit k;
	char buf[4096];
	int fd;

	begin(&k);
	fd = kit_connect(&k);
	KIT_SEND(fd, GET("/slow"));
	usleep(30000);
	lg_http_quiesce(k.hs);
	cr_assert_eq(kit_answer(fd, buf, sizeof buf), 200);
	cr_assert(strcasestr(buf, "Connection: close\r\n") != NULL, "%s", buf);
	close(fd);
	for (int i = 0; i < 100 && lg_http_live(k.hs) > 0; i++)
		usleep(10000);
	cr_assert_eq(lg_http_live(k.hs), 0);
	kit_end(&k);
}

Test(http, requests_are_counted)
{
	struct kit k;
	char buf[4096];
	struct lg_buf text = LG_BUF(LG_METRICS_TEXT);

	begin(&k);
	ASK(&k, GET("/hello"));
	ASK(&k, GET("/hello"));
	ASK(&k, GET("/nothing"));
	usleep(50000);
	lg_metrics_print(k.metrics, &text);
	lg_buf_byte(&text, '\0');
	cr_assert(strstr(text.p, "lightgate_http_requests_total{method=\"GET\",route=\"/hello\",status=\"200\"} 2\n") != NULL, "%s", text.p);
	cr_assert(strstr(text.p, "lightgate_http_requests_total{method=\"\",route=\"\",status=\"404\"} 1\n") != NULL);
	cr_assert(strstr(text.p, "# EOF\n") != NULL);
	lg_buf_free(&text);
	kit_end(&k);
}

Test(http, a_route_is_offered_once)
{
	struct kit k;

	kit_init(&k);
	begin_with(&k, LG_SURFACE_HTTP);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, routes, 1, NULL), LG_E_CONFLICT);
	kit_end(&k);
}
