/* test_http1.c: heads that two readers could frame differently are refused; bodies end where they say. */
#include "client/http1.h"

#include "tests/base/base_test.h"

static lg_err
parse(struct lg_ctx *cx, const char *text, struct lg_head *ret)
{
	return lg_head_parse(cx, lg_str_of(text), ret);
}

Test(http1, an_ordinary_head_is_read)
{
	TEST_CTX(cx);
	struct lg_head h;

	cr_assert_eq(parse(cx, "POST /v1.41/containers/create?name=web HTTP/1.1\r\nHost: d\r\nContent-Length: 12\r\nX-A:  b c\t\r\n\r\n", &h), LG_OK);
	cr_assert(lg_str_eq(h.method, LG_STR("POST")) && lg_str_eq(h.target, LG_STR("/v1.41/containers/create?name=web")));
	cr_assert_eq(h.length, 12);
	cr_assert(!h.chunked && !h.upgrade);
	cr_assert(lg_str_eq(lg_head_get(&h, "x-a"), LG_STR("b c")));
	cr_assert_eq(lg_head_get(&h, "absent").p, NULL);
}

Test(http1, what_can_be_framed_in_two_ways_is_refused)
{
	static const char *const heads[] = {
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
		"POST / HTTP/1.1\nHost: d\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: d\nContent-Length: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: d\r\n folded\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: d\rx\r\n\r\n",
		"POST / HTTP/1.0\r\n\r\n",
		"POST /a b HTTP/1.1\r\n\r\n",
		"POST http://d/ HTTP/1.1\r\n\r\n",
		"P(ST / HTTP/1.1\r\n\r\n",
		"POST /\r\n\r\n",
		"GET / HTTP/1.1\r\n: empty\r\n\r\n",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n",
	};
	TEST_CTX(cx);
	struct lg_head h;

	for (size_t i = 0; i < LG_COUNT(heads); i++)
		cr_assert_neq(parse(cx, heads[i], &h), LG_OK, "%s", heads[i]);
	cr_assert_neq(lg_head_parse(cx, (lg_str){ "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 26 }, &h), LG_OK);
}

Test(http1, a_head_has_a_limit_of_fields)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1 << 16);
	TEST_CTX(cx);
	struct lg_head h;

	lg_buf_str(&b, LG_STR("GET / HTTP/1.1\r\n"));
	for (int i = 0; i < LG_HEAD_FIELDS; i++)
		lg_buf_printf(&b, "X-%d: y\r\n", i);
	lg_buf_str(&b, LG_STR("\r\n"));
	cr_assert_eq(lg_head_parse(cx, lg_buf_view(&b), &h), LG_OK);
	b.n -= 2;
	lg_buf_str(&b, LG_STR("One-More: z\r\n\r\n"));
	cr_assert_eq(lg_head_parse(cx, lg_buf_view(&b), &h), LG_E_LIMIT);
}

Test(http1, a_head_is_complete_at_its_empty_line)
{
	cr_assert_eq(lg_head_size(LG_NONE), 0);
	cr_assert_eq(lg_head_size(LG_STR("GET / HTTP/1.1\r\nA: b\r\n")), 0);
	cr_assert_eq(lg_head_size(LG_STR("GET / HTTP/1.1\r\n\r\nbody")), 18);
}

/* ---- bodies ------------------------------------------------------------------------------------------------- */

/* Feeds `text` in pieces of `step`; how many octets belonged to the body. */
static size_t
feed(struct lg_body *b, lg_str text, size_t step, struct lg_buf *content)
{
	size_t at = 0, n;

	while (at < text.n && !b->done) {
		n = lg_body_take(b, lg_str_sub(text, at, step), content);
		at += n;
		if (n == 0)
			break;
	}
	return at;
}

static struct lg_body
chunked(void)
{
	struct lg_head h = { .chunked = true };

	return lg_body_of(&h);
}

Test(http1, a_length_ends_a_body_and_what_follows_is_not_its)
{
	struct lg_head h = { .length = 5 };

	for (size_t step = 1; step < 9; step++) {
		LG_AUTO(lg_buf_free) struct lg_buf content = LG_BUF(100);
		struct lg_body b = lg_body_of(&h);
		cr_assert_eq(feed(&b, LG_STR("helloGET /"), step, &content), 5);
		cr_assert(b.done && !b.bad && lg_str_eq(lg_buf_view(&content), LG_STR("hello")));
	}
}

Test(http1, chunks_end_at_the_last_and_its_trailer)
{
	lg_str text = LG_STR("5;ext=1\r\nhello\r\nA\r\n world and\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n");

	for (size_t step = 1; step < 60; step++) {
		LG_AUTO(lg_buf_free) struct lg_buf content = LG_BUF(100);
		struct lg_body b = chunked();
		cr_assert_eq(feed(&b, text, step, &content), text.n - 16, "step %zu", step);
		cr_assert(b.done && !b.bad && lg_str_eq(lg_buf_view(&content), LG_STR("hello world and")), "step %zu", step);
	}
}

Test(http1, malformed_chunks_are_told)
{
	static const char *const bad[] = { "x\r\n", "\r\n", "5\nhello", "5\r\nhelloX\r\n", "5\r\nhello\rX", "FFFFFFFFFFFFFFFFF\r\n", " 5\r\n", "-5\r\n",
		"5\r\nhello\r\n0\r\nA\nB: c\r\n\r\n" };

	for (size_t i = 0; i < LG_COUNT(bad); i++) {
		struct lg_body b = chunked();
		(void)feed(&b, lg_str_of(bad[i]), 100, NULL);
		cr_assert(b.bad && b.done, "%s", bad[i]);
	}
}

Test(http1, an_answers_head_says_how_its_body_ends)
{
	static const struct {
		const char *text;
		int status;
		int64_t length;
		bool chunked;
	} heads[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, 7, false },
		{ "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, 0, false },
		{ "HTTP/1.1 404 Not Found at all\r\nTransfer-Encoding: chunked\r\n\r\n", 404, 0, true },
		{ "HTTP/1.1 200 OK\r\n\r\n", 200, -1, false },
		{ "HTTP/1.1 204 No Content\r\n\r\n", 204, 0, false },
		{ "HTTP/1.1 100 \r\n\r\n", 100, 0, false },
		{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, 0, false },
	};
	TEST_CTX(cx);
	struct lg_head h;

	for (size_t i = 0; i < LG_COUNT(heads); i++) {
		cr_assert_eq(lg_head_parse_answer(cx, lg_str_of(heads[i].text), &h), LG_OK, "%s", cx->error);
		cr_assert(h.status == heads[i].status && h.length == heads[i].length && h.chunked == heads[i].chunked, "%s", heads[i].text);
	}
}

Test(http1, an_answers_first_line_is_read_strictly)
{
	static const char *const heads[] = {
		"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\nA: b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	};
	TEST_CTX(cx);
	struct lg_head h;

	for (size_t i = 0; i < LG_COUNT(heads); i++)
		cr_assert_neq(lg_head_parse_answer(cx, lg_str_of(heads[i]), &h), LG_OK, "%s", heads[i]);
}
