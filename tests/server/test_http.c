/* test_http.c: requests and answers, well made and hostile ones. */
#include "tests/server/handlers.h"

#include <stdio.h>
#include <unistd.h>

TestSuite(http, .init = handlers_begin, .fini = handlers_end);
TestSuite(http_set, .init = handlers_init, .fini = handlers_end);

Test(http, a_route_answers)
{
	cr_assert_eq(ASK(GET("/hello")), 200);
	cr_assert(strstr(buf, "\r\n\r\nhello") != NULL);
	cr_assert(strstr(buf, "X-Content-Type-Options: nosniff\r\n") != NULL);
	cr_assert(strstr(buf, "Cache-Control: no-store\r\n") != NULL);
	cr_assert(strstr(buf, "X-Request-ID: ") != NULL);
}

Test(http, requests_follow_each_other_on_one_connection)
{
	int fd;

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
}

Test(http, a_handler_on_a_core_answers_at_once_later_or_from_a_worker)
{
	cr_assert_eq(ASK(GET("/core/now")), 200);
	cr_assert_not_null(strstr(buf, "\r\n\r\nnow"));
	cr_assert_eq(ASK(GET("/core/fails")), 403);
	cr_assert_not_null(strstr(buf, "not here"));
	cr_assert_eq(ASK(GET("/core/later")), 200);
	cr_assert_not_null(strstr(buf, "from elsewhere"));
	cr_assert_eq(ASK(GET("/core/blocks")), 200);
	cr_assert_not_null(strstr(buf, "\r\n\r\nnot twice: blocks"), "%s", buf);
	cr_assert_null(strstr(strstr(buf, "X-Once") + 1, "X-Once"));
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(ASK(GET("/moves")), 200);
		cr_assert_not_null(strstr(buf, "\r\n\r\nworker"));
	}
}

Test(http, head_has_the_head_of_get)
{
	int fd;

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
}

Test(http, the_request_id_is_the_clients_if_it_is_well_formed)
{
	ASK("GET /hello HTTP/1.1\r\n" H "X-Request-ID: abc-1.2_3\r\n\r\n");
	cr_assert(strstr(buf, "X-Request-ID: abc-1.2_3\r\n") != NULL);
	ASK("GET /hello HTTP/1.1\r\n" H "X-Request-ID: a b\r\n\r\n");
	cr_assert(strstr(buf, "X-Request-ID: a b") == NULL);
}

Test(http, a_body_arrives_whole_by_length_and_in_chunks)
{
	cr_assert_eq(ASK("POST /echo?a=1&b=%20 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), 200);
	cr_assert(strstr(buf, "/echo|a=1&b=%20||abc") != NULL, "%s", buf);
	cr_assert_eq(ASK("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), 200);
	cr_assert(strstr(buf, "/echo|||abc") != NULL, "%s", buf);
}

Test(http, errors_are_problem_documents)
{
	cr_assert_eq(ASK(GET("/fails")), 403);
	cr_assert(strstr(buf, "application/problem+json") != NULL);
	cr_assert(strstr(buf, "{\"title\":\"Forbidden\",\"status\":403,\"detail\":\"not for you\",\"code\":\"denied\"}") != NULL, "%s", buf);
	cr_assert_eq(ASK(GET("/breaks")), 500);
	cr_assert(strstr(buf, "inside of the machine") == NULL, "what broke stays inside");
}

Test(http, unknown_paths_and_methods)
{
	cr_assert_eq(ASK(GET("/nothing")), 404);
	cr_assert_eq(ASK(GET("/elsewhere")), 404);
	cr_assert_eq(ASK(GET("/t/other/hello")), 404);
	cr_assert_eq(ASK("DELETE /echo HTTP/1.1\r\n" H "\r\n"), 405);
	cr_assert(strstr(buf, "Allow: POST, GET, HEAD\r\n") != NULL, "%s", buf);
}

Test(http, open_paths_give_their_tail)
{
	cr_assert_eq(ASK(GET("/open/a%20b/c")), 200);
	cr_assert(strstr(buf, "/open/a b/c||a b/c|") != NULL, "%s", buf);
	cr_assert_eq(ASK(GET("/open/MEow%2F%2Fx%3D")), 200);
	cr_assert(strstr(buf, "|MEow//x=|") != NULL, "%s", buf);
	cr_assert_eq(ASK(GET("/open%2Fa")), 404);
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
	for (size_t i = 0; i < LG_COUNT(hostile); i++) {
		int fd = kit_connect(&k), status;

		kit_send(fd, hostile[i].text.p, hostile[i].text.n);
		shutdown(fd, SHUT_WR);
		status = kit_answer(fd, buf, sizeof buf);
		cr_expect(status == hostile[i].status || (status == 0 && kit_closed(fd, 2000)), "%s: %d", hostile[i].what, status);
		close(fd);
	}
}

Test(http, absolute_form_is_taken)
{
	cr_assert_eq(ASK("GET http://x:1/hello HTTP/1.1\r\n" H "\r\n"), 200);
	cr_assert_eq(ASK("GET http://x HTTP/1.1\r\n" H "\r\n"), 400);
}

/* ---- who is there, and the end ------------------------------------------------------------------------------- */

Test(http_set, a_unix_peer_is_known_by_the_kernel)
{
	char want[100];

	begin_with(LG_SURFACE_UNIX);
	cr_assert_eq(ASK(GET("/whoami")), 200);
	snprintf(want, sizeof want, "uid=%d pid=%d uid=%d surface=16", (int)getuid(), (int)getpid(), (int)getuid());
	cr_assert(strstr(buf, want) != NULL, "%s", buf);
}

Test(http, draining_finishes_what_is_live)
{
	int fd;

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
}

Test(http, requests_are_counted)
{
	struct lg_buf text = LG_BUF(LG_METRICS_TEXT);

	ASK(GET("/hello"));
	ASK(GET("/hello"));
	ASK(GET("/nothing"));
	usleep(50000);
	lg_metrics_print(k.metrics, &text);
	lg_buf_byte(&text, '\0');
	cr_assert(strstr(text.p, "lightgate_http_requests_total{method=\"GET\",route=\"/hello\",status=\"200\"} 2\n") != NULL, "%s", text.p);
	cr_assert(strstr(text.p, "lightgate_http_requests_total{method=\"\",route=\"\",status=\"404\"} 1\n") != NULL);
	cr_assert(strstr(text.p, "# EOF\n") != NULL);
	lg_buf_free(&text);
}

Test(http_set, a_route_is_offered_once)
{
	begin_with(LG_SURFACE_HTTP);
	cr_assert_eq(lg_http_routes_add(&k.cx, k.hs, handlers, 1, NULL), LG_E_CONFLICT);
}
