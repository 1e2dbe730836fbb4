/* test_api.c: answers of the JSON API: members, verdicts, errors; and what a link does not do. */
#include "client/api.h"

#include "tests/base/base_test.h"
#include "tests/client/responder.h"

Test(api, members_are_text_raw_or_absent)
{
	TEST_CTX(cx);
	lg_str j = LG_STR("{\"s\":\"a\\u00e4\\n\",\"n\":17,\"o\":{\"x\":[1, 2]},\"t\":true,\"f\":\"true\",\"z\":null}");

	assert_str(lg_api_member(cx, j, "s"), "a\xc3\xa4\n");
	assert_str(lg_api_raw(cx, j, "s"), "\"a\\u00e4\\n\"");
	assert_str(lg_api_member(cx, j, "n"), "17");
	assert_str(lg_api_member(cx, j, "o"), "{\"x\":[1, 2]}");
	assert_str(lg_api_member(cx, j, "none"), "");
	cr_assert(lg_api_is_true(cx, j, "t"));
	cr_assert_not(lg_api_is_true(cx, j, "f"));
	cr_assert_not(lg_api_is_true(cx, j, "none"));
	assert_str(lg_api_member(cx, LG_STR("[]"), "s"), "");
	assert_str(lg_api_member(cx, LG_STR("{\"s\":\"a\"} more"), "s"), "");
	assert_str(lg_api_member(cx, LG_STR("{\"s\":\"a\",\"s\":\"b\"}"), "s"), "");
	cr_assert_str_eq(cx->error, "");
}

static const struct {
	int status;
	const char *body;
	lg_err e;
	const char *sentence;
} problems[] = {
	{ 403, "{\"code\":\"denied\",\"detail\":\"not you\"}", LG_E_DENIED, "not you" },
	{ 409, "{\"code\":\"retry\",\"title\":\"Conflict\"}", LG_E_RETRY, "Conflict" },
	{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"the code was used\"}", LG_E_INVALID, "the code was used" },
	{ 401, "", LG_E_UNAUTHENTICATED, "not signed in (HTTP 401)" },
	{ 404, "<html>", LG_E_NOT_FOUND, "there is no such thing (HTTP 404)" },
	{ 503, "{}", LG_E_BUSY, "the service is busy or not ready: try again (HTTP 503)" },
	{ 500, "{\"code\":\"ok\"}", LG_E_UNAVAILABLE, "the service answers with an error (HTTP 500)" },
	{ 418, "{\"code\":\"teapot\"}", LG_E_INVALID, "the service answers with an error (HTTP 418)" },
	{ 204, "", LG_OK, "" },
	{ 302, "", LG_OK, "" },
};

Test(api, problems_become_errors_with_their_sentence)
{
	TEST_CTX(cx);

	for (size_t i = 0; i < LG_COUNT(problems); i++) {
		struct lg_reply a = { .status = problems[i].status, .body = lg_str_of(problems[i].body) };
		cx->error[0] = '\0';
		cr_assert_eq(lg_api_check(cx, &a), problems[i].e, "%d %s", problems[i].status, problems[i].body);
		cr_assert_str_eq(cx->error, problems[i].sentence);
	}
}

Test(link, redirects_are_not_followed_and_proxies_not_used)
{
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	const struct responder_route routes[] = { { "GET /a", 302, "", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	struct lg_call call = { .method = "GET", .path = LG_STR("/a") };
	struct lg_reply answer;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = lg_str_of(r->url) }, &link), LG_OK);
	cr_assert_eq(lg_link_call(cx, link, &call, &answer), LG_OK, "%s", cx->error);
	cr_assert_eq(answer.status, 302);
	cr_assert_eq(r->requests, 1);
}

Test(link, an_unverified_one_carries_no_token)
{
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	const struct responder_route routes[] = { { "GET", 200, "{}", 0 }, { NULL, 0, NULL, 0 } };
	struct responder *r = responder_start(routes);
	struct lg_call call = { .method = "GET", .path = LG_STR("/"), .token = LG_STR("secret") };
	struct lg_reply answer;

	cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = lg_str_of(r->url), .unverified = true }, &link), LG_OK);
	cr_assert_eq(lg_link_call(cx, link, &call, &answer), LG_E_INTERNAL);
	cr_assert_eq(r->requests, 0);
}

Test(link, other_schemes_and_embedded_nuls_are_refused)
{
	TEST_CTX(cx);
	static const lg_str bad[] = { { "", 0 }, { "file:///etc/passwd", 18 }, { "ftp://h", 7 }, { "host:8443", 9 }, { "https://h\0x", 11 } };
	struct lg_link *link;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = bad[i] }, &link), LG_E_INVALID, "%zu", i);
}

Test(link, an_answer_over_the_limit_is_refused)
{
	TEST_CTX(cx);
	LG_AUTO(lg_link_free) struct lg_link *link = NULL;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	struct lg_call call = { .method = "GET", .path = LG_STR("/") };
	struct lg_reply answer;
	char url[64];

	int listener = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	cr_assert_eq(listen(listener, 1), 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(at.sin_port));
	if (fork() == 0) {
		static char piece[65536];
		char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n";
		int fd = accept(listener, NULL, NULL);
		if (read(fd, piece, sizeof piece) > 0 && write(fd, head, strlen(head)) > 0)
			while (send(fd, piece, sizeof piece, MSG_NOSIGNAL) > 0)
				continue;
		_exit(0);
	}
	cr_assert_eq(lg_link_new(cx, &(struct lg_endpoint){ .url = lg_str_of(url) }, &link), LG_OK);
	cr_assert_eq(lg_link_call(cx, link, &call, &answer), LG_E_LIMIT, "%s", cx->error);
	close(listener);
}
