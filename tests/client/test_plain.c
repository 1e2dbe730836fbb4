/* test_plain.c: calls over a UNIX socket: what is sent, how answers end, and what is said of those that do not come. */
#include "client/http.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "tests/base/base_test.h"
#include "tests/client/responder.h"

/* A service that reads a request for each of its answers, and closes after the last. */
struct teller {
	struct responder r;
	const char *const *answers;	/* end with NULL */
	int connections;		/* that are served so, one after another */
	atomic_bool endless;		/* the last answer comes again and again */
	struct teller *next;
};
static struct teller *tellers;		/* live until the test's process ends */

static void *
tell(void *arg)
{
	struct teller *t = arg;
	char *text = malloc(RESPONDER_TEXT);

	for (; t->connections > 0; t->connections--) {
		int fd = accept(t->r.listener, NULL, NULL);
		for (const char *const *a = t->answers; *a != NULL && responder_read(fd, text, RESPONDER_TEXT); a++) {
			responder_keep(&t->r, text);
			while (send(fd, *a, strlen(*a), MSG_NOSIGNAL) > 0 && t->endless && a[1] == NULL)
				;
		}
		close(fd);
	}
	free(text);
	return NULL;
}

static char *
socket_path(void)
{
	static char path[300];

	snprintf(path, sizeof path, "%s/s", test_folder());
	return path;
}

static struct teller *
teller_start(const char *const *answers, int connections)
{
	struct teller *t = calloc(1, sizeof *t);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	pthread_t thread;

	strcpy(at.sun_path, socket_path());
	t->next = tellers;
	tellers = t;
	t->answers = answers;
	t->connections = connections;
	pthread_mutex_init(&t->r.lock, NULL);
	t->r.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(t->r.listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(t->r.listener, 16), 0);
	pthread_create(&thread, NULL, tell, t);
	pthread_detach(thread);
	return t;
}

static struct lg_link *
link_to(struct lg_ctx *cx, const char *url)
{
	struct lg_link *l;

	cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = lg_str_of(url), .socket = lg_str_of(socket_path()) }, &l), LG_OK, "%s", cx->error);
	return l;
}

static lg_err
get(struct lg_ctx *cx, struct lg_link *l, struct lg_reply *ret)
{
	return lg_link_call(cx, l, &(struct lg_call){ .method = "GET", .path = LG_STR("/x"), .time = 2 * LG_SECOND }, ret);
}

/* ---- questions ---------------------------------------------------------------------------------------------------- */

Test(plain, a_call_is_sent_whole_and_its_connection_kept)
{
	static const struct responder_route routes[] = { { "POST /t/acme/v1/x", 201, "{\"a\":1}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start_unix(routes, socket_path());
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost/t/acme");
	struct lg_call call = { .method = "POST", .path = LG_STR("/v1/x?q=1"), .body = LG_STR("{}"), .token = LG_STR("tok"),
		.headers = { { "X-Request-ID", LG_STR("id1") } } };
	struct lg_reply reply;

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(lg_link_call(cx, l, &call, &reply), LG_OK, "%s", cx->error);
		cr_assert_eq(reply.status, 201);
		assert_str(reply.body, "{\"a\":1}");
		assert_str(reply.type, "application/json");
		cr_assert_not(reply.unsent);
	}
	cr_assert_eq(r->connections, 1);
	cr_assert(responder_was_asked(r, "POST /t/acme/v1/x?q=1 HTTP/1.1\r\n"));
	cr_assert(responder_was_asked(r, "\r\nHost: localhost\r\n"));
	cr_assert(responder_was_asked(r, "\r\nAuthorization: Bearer tok\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-Request-ID: id1\r\n\r\n{}"));
}

Test(plain, a_large_question_arrives)
{
	static const struct responder_route routes[] = { { "POST /x", 200, "ok", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start_unix(routes, socket_path());
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	size_t n = 240000;
	char *body = lg_alloc(cx->arena, n);
	struct lg_reply reply;

	memset(body, 'b', n);
	cr_assert_eq(lg_link_call(cx, l, &(struct lg_call){ .method = "POST", .path = LG_STR("/x"), .body = { body, n } }, &reply), LG_OK, "%s", cx->error);
	cr_assert_gt(r->nasked, n);
}

Test(plain, nothing_that_could_begin_another_header_is_sent)
{
	static const struct lg_call calls[] = {
		{ .method = "GET", .path = LG_STR("/x"), .token = LG_STR("a\r\nb") },
		{ .method = "GET", .path = LG_STR("/x HTTP/1.1\r\nA: b") },
		{ .method = "GET", .path = LG_STR("/a b") },
		{ .method = "GET", .path = LG_STR("/x"), .headers = { { "A", LG_STR("b\nc") } } },
	};
	static const struct responder_route routes[] = { { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start_unix(routes, socket_path());
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;

	for (size_t i = 0; i < LG_COUNT(calls); i++) {
		cr_assert_eq(lg_link_call(cx, l, &calls[i], &reply), LG_E_INVALID);
		cr_assert(reply.unsent);
	}
	cr_assert_eq(r->requests, 0);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */

Test(plain, an_answer_ends_where_it_says)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200\r\n\r\nabcde", NULL,
	};
	static const struct { int status; const char *body; } want[] = { { 200, "abcde" }, { 204, "" }, { 200, "abcde" }, { 304, "" }, { 200, "abcde" } };
	struct teller *t = teller_start(answers, 1);
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;

	for (size_t i = 0; i < LG_COUNT(want); i++) {
		cr_assert_eq(get(cx, l, &reply), LG_OK, "%zu: %s", i, cx->error);
		cr_assert_eq(reply.status, want[i].status);
		assert_str(reply.body, want[i].body);
	}
	cr_assert_eq(t->r.requests, 5);
}

Test(plain, an_answer_that_is_none_is_an_error)
{
	static const char *const bad[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcx", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 OK\r\n\r\n",
		"SSH-2.0-x\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-Le",
	};
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		const char *answers[] = { bad[i], NULL };
		struct teller *t = teller_start(answers, 1);
		LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
		struct lg_reply reply;
		cr_assert_eq(get(cx, l, &reply), LG_E_UNAVAILABLE, "%s", bad[i]);
		cr_assert_not(reply.unsent, "%s", bad[i]);
		cr_assert_eq(t->r.requests, 1);
		unlink(socket_path());
	}
}

static void
fill_answer(char *text, size_t n, const char *head)
{
	memset(text, 'x', n);
	memcpy(text, head, strlen(head));
	text[n] = '\0';
}

Test(plain, heads_and_bodies_have_a_limit)
{
	size_t n = LG_ANSWER_MAX + 1000;
	static char *body, *head;	/* the tellers may still send them at the end */
	body = malloc(n + 1);
	head = malloc(n + 1);
	const char *const answers[] = { body, NULL }, *const heads[] = { head, NULL };
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;

	fill_answer(body, n, "HTTP/1.1 200 OK\r\n\r\n");
	teller_start(answers, 1);
	cr_assert_eq(get(cx, l, &reply), LG_E_LIMIT);
	unlink(socket_path());
	fill_answer(head, n, "HTTP/1.1 200 OK\r\nA: ");
	teller_start(heads, 1);
	cr_assert_eq(get(cx, l, &reply), LG_E_LIMIT);
}

/* ---- when there is none ------------------------------------------------------------------------------------------------- */

Test(plain, a_connection_that_was_closed_while_idle_is_made_anew)
{
	static const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", NULL };
	struct teller *t = teller_start(answers, 5);
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;

	for (int i = 0; i < 5; i++)
		cr_assert_eq(get(cx, l, &reply), LG_OK, "%s", cx->error);
	cr_assert_eq(t->r.requests, 5);
}

Test(plain, what_the_service_read_is_not_sent_twice)
{
	static const char *const answers[] = { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "", NULL };
	struct teller *t = teller_start(answers, 2);
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;

	cr_assert_eq(get(cx, l, &reply), LG_OK);
	cr_assert_eq(get(cx, l, &reply), LG_E_UNAVAILABLE);
	cr_assert_not(reply.unsent);
	cr_assert_eq(t->r.requests, 2);
}

Test(plain, who_does_not_answer_is_left_in_time)
{
	static const struct responder_route routes[] = { { "GET /x", 200, "late", 3000 }, { NULL, 0, NULL, 0 } };
	TEST_CTX(cx);
	responder_start_unix(routes, socket_path());
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;
	int64_t from = lg_boottime();

	cr_assert_eq(lg_link_call(cx, l, &(struct lg_call){ .method = "GET", .path = LG_STR("/x"), .time = LG_SECOND / 5 }, &reply), LG_E_UNAVAILABLE);
	cr_assert_lt(lg_boottime() - from, 2 * LG_SECOND);
	cr_assert_not_null(strstr(cx->error, "in time"));
}

Test(plain, there_is_an_end_to_what_comes_before_an_answer)
{
	static const char *const answers[] = { "HTTP/1.1 100 Continue\r\n\r\n", NULL };
	TEST_CTX(cx);
	teller_start(answers, 1)->endless = true;
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost");
	struct lg_reply reply;

	cr_assert_eq(get(cx, l, &reply), LG_E_UNAVAILABLE);
	cr_assert_not_null(strstr(cx->error, "as HTTP/1.1 does"), "%s", cx->error);
}

Test(plain, where_nobody_listens_nothing_was_sent)
{
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *l = link_to(cx, "http://localhost"), *far = NULL;
	struct lg_reply reply;
	char path[200];

	cr_assert_eq(get(cx, l, &reply), LG_E_UNAVAILABLE);
	cr_assert(reply.unsent);
	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = LG_STR("http://localhost"), .socket = lg_str_of(path) }, &far), LG_OK);
	cr_assert_eq(get(cx, far, &reply), LG_E_INVALID);
	cr_assert(reply.unsent);
}
