/* test_fetch_web.c: requests to servers that are believed, against a small one of our own. */
#include <criterion/criterion.h>

#include "tests/server/outside.h"

static struct lg_arena *arena;

static void make_arena(void) { arena = lg_arena_new(); }
static void free_arena(void) { lg_arena_free(&arena); }
TestSuite(fetch_web, .init = make_arena, .fini = free_arena);

static struct lg_ctx
context(void)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, arena);
	return cx;
}

/* One request to a server that answers `reply`; rq's url is a format with the port. */
static lg_err
ask(struct lg_ctx *cx, struct outside_http *s, const char *reply, const char *url, struct lg_web_request rq, struct lg_web_reply *ret)
{
	struct lg_web web = outside_web(arena, NULL, true);
	lg_err e;

	s->reply = &reply;
	s->n = 1;
	s->tls = true;
	outside_http_start(s, 0);
	rq.url = lg_print(arena, url, s->port);
	if (lg_str_eq(rq.ca, LG_STR("its own")))
		rq.ca = lg_dup(arena, lg_str_of(s->pem));
	if (rq.max == 0)
		rq.max = 1024;
	e = web.ask(web.self, cx, &rq, ret);
	outside_http_end(s);
	return e;
}

#define URL "https://localhost:%u/keys?a=b"
#define OWN { .ca = LG_STR("its own") }

Test(fetch_web, an_answer_comes_with_its_type_and_age)
{
	struct outside_http s = { .port = 0 };
	struct lg_web_reply r;
	struct lg_ctx cx = context();

	cr_assert_eq(ask(&cx, &s, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: public, max-age=77\r\n"
	    "Content-Length: 2\r\n\r\n{}", URL, (struct lg_web_request)OWN, &r), LG_OK, "%s", cx.error);
	cr_assert_eq(r.status, 200);
	cr_assert_eq(r.max_age, 77);
	cr_assert(lg_str_eq(r.body, LG_STR("{}")) && lg_str_eq(r.type, LG_STR("application/json")));
	cr_assert(lg_str_starts(lg_str_of(s.request[0]), lg_print(arena, "GET /keys?a=b HTTP/1.0\r\nHost: localhost:%u\r\n", s.port)), "%s",
	    s.request[0]);
}

Test(fetch_web, what_must_not_be_kept_has_no_age)
{
	static const char *const fields[] = { "no-store, max-age=5", "max-age=-5", "max-age=x", "private", "max-age=5, no-cache" };

	for (size_t i = 0; i < LG_COUNT(fields); i++) {
		struct outside_http s = { .port = 0 };
		struct lg_web_reply r;
		struct lg_ctx cx = context();

		cr_assert_eq(ask(&cx, &s, lg_print(arena, "HTTP/1.1 200 OK\r\nCache-Control: %s\r\n\r\n{}", fields[i]).p, URL,
		    (struct lg_web_request)OWN, &r), LG_OK, "%s", cx.error);
		cr_assert_eq(r.max_age, 0, "%s", fields[i]);
	}
}

Test(fetch_web, a_form_is_posted_with_who_asks)
{
	struct outside_http s = { .port = 0 };
	struct lg_web_reply r;
	struct lg_ctx cx = context();

	cr_assert_eq(ask(&cx, &s, "HTTP/1.1 400 Bad\r\n\r\nno", URL, (struct lg_web_request){ .ca = LG_STR("its own"), .body = LG_STR("a=b"),
	    .type = LG_STR("application/x-www-form-urlencoded"), .authorization = LG_STR("Basic eHk=") }, &r), LG_OK, "%s", cx.error);
	cr_assert_eq(r.status, 400, "a status is the caller's to judge");
	cr_assert(strstr(s.request[0], "POST /keys?a=b HTTP/1.0\r\n") != NULL && strstr(s.request[0], "\r\nAuthorization: Basic eHk=\r\n") != NULL
	    && strstr(s.request[0], "\r\nContent-Length: 3\r\n\r\na=b") != NULL, "%s", s.request[0]);
}

Test(fetch_web, a_redirect_is_not_followed)
{
	struct outside_http s = { .port = 0 };
	struct lg_web_reply r;
	struct lg_ctx cx = context();

	cr_assert_eq(ask(&cx, &s, "HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\n\r\n", URL, (struct lg_web_request)OWN, &r), LG_OK);
	cr_assert_eq(r.status, 302);
	cr_assert_eq(atomic_load(&s.asked), 1);
}

Test(fetch_web, a_certificate_that_is_not_the_right_one_is_not_believed)
{
	struct lg_web_reply r;
	struct lg_ctx cx = context();
	struct outside_http other = { .port = 0 }, stranger = { .port = 0 }, old = { .port = 0, .expired = true };
	const char *reply = "HTTP/1.1 200 OK\r\n\r\n{}";

	cr_assert_eq(ask(&cx, &stranger, reply, URL, (struct lg_web_request){ .max = 10 }, &r), LG_E_UNAUTHENTICATED, "%s", cx.error);
	cr_assert_eq(ask(&cx, &old, reply, URL, (struct lg_web_request)OWN, &r), LG_E_UNAUTHENTICATED, "%s", cx.error);
	cr_assert_eq(ask(&cx, &other, reply, "https://127.0.0.2:%u/", (struct lg_web_request)OWN, &r), LG_E_UNAUTHENTICATED, "another address");
	other = (struct outside_http){ .port = 0 };
	cr_assert_eq(ask(&cx, &other, reply, "https://127.0.0.1:%u/", (struct lg_web_request)OWN, &r), LG_OK, "%s", cx.error);
	cr_assert_eq(ask(&cx, &other, reply, URL, (struct lg_web_request){ .ca = LG_STR("no certificate") }, &r), LG_E_INVALID);
}

Test(fetch_web, only_https_urls_without_tricks_are_asked)
{
	static const char *const bad[] = { "http://localhost/", "https://", "https://u@localhost/", "https://localhost:0/", "https://localhost:65536/",
		"https://localhost:x/", "https://[::1/", "https://[::1]x/", "https://localhost/a b", "https://localhost/\r\nX: y", "https://localhost/#f",
		"ftp://localhost/", "//localhost/", "" };
	struct lg_web web = outside_web(arena, NULL, true);
	struct lg_ctx cx = context();
	struct lg_web_reply r;

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(web.ask(web.self, &cx, &(struct lg_web_request){ .url = lg_str_of(bad[i]), .max = 10 }, &r), LG_E_INVALID, "%s", bad[i]);
	cr_assert_eq(web.ask(web.self, &cx, &(struct lg_web_request){ .url = LG_STR("https://localhost:1/"), .max = 10,
	    .authorization = LG_STR("Bearer x\r\nX: y") }, &r), LG_E_INVALID);
}

Test(fetch_web, private_addresses_are_not_asked_unless_the_settings_say_so)
{
	static const char *const inside[] = { "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://localhost/", "https://169.254.169.254/" };
	struct lg_web web = outside_web(arena, NULL, false);
	struct lg_ctx cx = context();
	struct lg_web_reply r;

	for (size_t i = 0; i < LG_COUNT(inside); i++)
		cr_assert_eq(web.ask(web.self, &cx, &(struct lg_web_request){ .url = lg_str_of(inside[i]), .max = 10 }, &r), LG_E_DENIED, "%s", inside[i]);
}

Test(fetch_web, an_answer_that_is_too_long_is_refused)
{
	static char big[4096];
	struct outside_http s = { .port = 0 };
	struct lg_web_reply r;
	struct lg_ctx cx = context();

	memset(big, 'x', sizeof big - 1);
	memcpy(big, "HTTP/1.0 200 OK\r\n\r\n", 19);
	cr_assert_eq(ask(&cx, &s, big, URL, (struct lg_web_request)OWN, &r), LG_E_INVALID);
}

/* Python's http.server ends its connections so, and says no length. */
Test(fetch_web, a_connection_that_is_cut_off_ends_an_answer_without_content_and_no_other)
{
	static const struct {
		const char *reply;
		lg_err e;
	} rows[] = {
		{ "HTTP/1.0 200 OK\r\nServer: x\r\n\r\n", LG_OK },
		{ "HTTP/1.0 503 Later\r\n\r\n", LG_OK },
		{ "HTTP/1.0 200 OK\r\n\r\n{", LG_E_UNAVAILABLE },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", LG_E_UNAVAILABLE },
		{ "HTTP/1.0 200 OK\r\nServer: x\r\n", LG_E_UNAVAILABLE },
	};

	for (size_t i = 0; i < LG_COUNT(rows); i++) {
		struct outside_http s = { .cut = true };
		struct lg_web_reply r;
		struct lg_ctx cx = context();

		cr_expect_eq(ask(&cx, &s, rows[i].reply, URL, (struct lg_web_request)OWN, &r), rows[i].e, "%zu: %s", i, cx.error);
	}
}
