/* test_form.c: forms, cookies, response headers. */
#include "tests/base/base_test.h"

#include <signal.h>

#include "base/http.h"

Test(form, pairs_are_decoded)
{
	TEST_CTX(cx);
	struct lg_form f;

	cr_assert_eq(lg_form_parse(cx, LG_STR("a=1&b+c=%C3%A9+x&empty=&bare&&e=a%3Db=c"), &f), LG_OK, "%s", cx->error);
	cr_assert_eq(f.n, 5);
	assert_str(lg_form_get(&f, "a"), "1");
	assert_str(lg_form_get(&f, "b c"), "\xc3\xa9 x");
	assert_str(lg_form_get(&f, "empty"), "");
	assert_str(lg_form_get(&f, "e"), "a=b=c");
	cr_assert(lg_form_has(&f, "bare"));
	cr_assert_not(lg_form_has(&f, "absent"));
	assert_str(lg_form_get(&f, "absent"), "");
	cr_assert_eq(lg_form_parse(cx, LG_NONE, &f), LG_OK);
	cr_assert_eq(f.n, 0);
}

Test(form, repeated_or_badly_encoded_names_are_refused)
{
	static const char *const bad[] = {
		"a=1&a=2", "a=1&%61=2", "a=%", "a=%zz", "a=%00", "a%00=1", "a=%ff", "a=%ed%a0%80", "=1&=2",
	};
	TEST_CTX(cx);
	struct lg_form f = { .n = 7 };

	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert_eq(lg_form_parse(cx, lg_str_of(bad[i]), &f), LG_E_INVALID, "%s", bad[i]);
	cr_assert_eq(f.n, 7);
}

Test(form, parameters_are_limited)
{
	TEST_CTX(cx);
	struct lg_buf b = LG_BUF(4096);
	struct lg_form f;

	for (int i = 0; i < LG_HTTP_FORM_MAX; i++)
		lg_buf_printf(&b, "p%d=%d&", i, i);
	cr_assert_eq(lg_form_parse(cx, lg_buf_view(&b), &f), LG_OK);
	cr_assert_eq(f.n, LG_HTTP_FORM_MAX);
	lg_buf_str(&b, LG_STR("more=1"));
	cr_assert_eq(lg_form_parse(cx, lg_buf_view(&b), &f), LG_E_LIMIT);
	lg_buf_free(&b);
}

Test(form, one_cookie_is_found_among_many)
{
	lg_str header = LG_STR("theme=dark; __Host-s=abc=def;other=; s=no;  spaced=yes ");

	assert_str(lg_cookie_get(header, LG_STR("__Host-s")), "abc=def");
	assert_str(lg_cookie_get(header, LG_STR("theme")), "dark");
	assert_str(lg_cookie_get(header, LG_STR("other")), "");
	assert_str(lg_cookie_get(header, LG_STR("spaced")), "yes");
	assert_str(lg_cookie_get(header, LG_STR("Host-s")), "");
	assert_str(lg_cookie_get(header, LG_STR("S")), "");
	assert_str(lg_cookie_get(LG_NONE, LG_STR("s")), "");
	assert_str(lg_cookie_get(LG_STR("novalue; =x; ;"), LG_STR("novalue")), "");
}

Test(form, headers_are_copied_and_the_type_is_set_once)
{
	TEST_CTX(cx);
	struct lg_http ex = { .cx = cx };
	char value[] = "no-store";

	lg_http_header(&ex, "Cache-Control", lg_str_of(value));
	value[0] = 'X';
	lg_http_type(&ex, "text/html");
	lg_http_type(&ex, "application/problem+json");
	cr_assert_eq(ex.nheaders, 2);
	assert_str(ex.headers[0].value, "no-store");
	assert_str(ex.headers[1].name, "Content-Type");
	assert_str(ex.headers[1].value, "application/problem+json");
}

#ifdef LG_SANITIZE
Test(form, a_line_break_in_a_header_aborts_under_test, .signal = SIGABRT)
{
	TEST_CTX(cx);
	struct lg_http ex = { .cx = cx };

	lg_http_header(&ex, "Location", LG_STR("/x\r\nSet-Cookie: a=b"));
}
#else
Test(form, a_line_break_drops_the_header)
{
	TEST_CTX(cx);
	struct lg_http ex = { .cx = cx };

	lg_http_header(&ex, "Location", LG_STR("/x\r\nSet-Cookie: a=b"));
	lg_http_header(&ex, "Location", LG_STR("/x\ny"));
	lg_http_header(&ex, "Location", LG_STR("/x\0y"));
	cr_assert_eq(ex.nheaders, 0);
}
#endif

Test(form, what_is_put_reads_back)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024), url = LG_BUF(1024);
	TEST_CTX(cx);
	struct lg_form f;

	lg_form_put(&b, LG_STR("a b"), LG_STR("1&2=3"));
	lg_form_put(&b, LG_STR("empty"), LG_NONE);
	cr_expect(lg_str_eq(lg_buf_view(&b), LG_STR("a%20b=1%262%3D3&empty=")), "%.*s", LG_FMT(lg_buf_view(&b)));
	cr_assert_eq(lg_form_parse(cx, lg_buf_view(&b), &f), LG_OK, "%s", cx->error);
	cr_expect(lg_str_eq(lg_form_get(&f, "a b"), LG_STR("1&2=3")) && lg_form_has(&f, "empty"));

	lg_buf_str(&url, LG_STR("https://app.example/cb"));
	lg_url_put(&url, LG_STR("code"), LG_STR("x/y"));
	lg_url_put(&url, LG_STR("state"), LG_STR("z"));
	cr_expect(lg_str_eq(lg_buf_view(&url), LG_STR("https://app.example/cb?code=x%2Fy&state=z")), "%.*s", LG_FMT(lg_buf_view(&url)));
	lg_buf_clear(&url);
	lg_buf_str(&url, LG_STR("https://app.example/cb?own=1"));
	lg_url_put(&url, LG_STR("code"), LG_STR("x"));
	cr_expect(lg_str_eq(lg_buf_view(&url), LG_STR("https://app.example/cb?own=1&code=x")), "%.*s", LG_FMT(lg_buf_view(&url)));
}

Test(http_token, names_of_methods_and_fields)
{
	static const char *const good[] = { "GET", "x-Lightgate_1", "a!#$%&'*+-.^_`|~z" };
	static const char *const bad[] = { "", "G T", "a:b", "a/b", "a@b", "a(b", "\"a\"", "a,b", "\xc3\xa9", "a\tb", "a{" };

	for (size_t i = 0; i < LG_COUNT(good); i++)
		cr_assert(lg_http_token(lg_str_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < LG_COUNT(bad); i++)
		cr_assert(!lg_http_token(lg_str_of(bad[i])), "%s", bad[i]);
	cr_assert(!lg_http_token((lg_str){ "a\0b", 3 }));
}
