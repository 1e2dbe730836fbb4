/* form.c: the parts of HTTP that need no HTTP library: forms, cookies, response headers. */
#include <assert.h>
#include <stdlib.h>

#include "base/http.h"
#include "base/text.h"

bool
lg_http_token(lg_str s)
{
	static const bool tchar[256] = {
		['!'] = true, ['#' ... '\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['0' ... '9'] = true,
		['A' ... 'Z'] = true, ['^' ... 'z'] = true, ['|'] = true, ['~'] = true,
	};

	for (size_t i = 0; i < s.n; i++)
		if (!tchar[(unsigned char)s.p[i]])
			return false;
	return s.n > 0;
}

bool
lg_form_has(const struct lg_form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (lg_str_eq(f->v[i].name, lg_str_of(name)))
			return true;
	return false;
}

lg_str
lg_form_get(const struct lg_form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (lg_str_eq(f->v[i].name, lg_str_of(name)))
			return f->v[i].value;
	return LG_STR("");
}

/* RFC 6749 appendix B: UTF-8 beneath the form encoding.  A NUL would end the string for a C library. */
static bool
decode(struct lg_ctx *cx, lg_str s, lg_str *ret)
{
	return lg_percent_parse(cx->arena, s, true, ret) && lg_utf8_valid(*ret) &&
	    memchr(ret->p, '\0', ret->n) == NULL;
}

static lg_err
add_pair(struct lg_ctx *cx, lg_str text, struct lg_form *f)
{
	lg_str name, value;
	struct lg_pair pair;

	if (f->n == LG_HTTP_FORM_MAX)
		return lg_fail(cx, LG_E_LIMIT, "more than %d parameters", LG_HTTP_FORM_MAX);
	lg_str_cut(text, '=', &name, &value);
	if (!decode(cx, name, &pair.name) || !decode(cx, value, &pair.value))
		return lg_fail(cx, LG_E_INVALID, "parameter %zu is badly encoded", f->n + 1);
	for (size_t i = 0; i < f->n; i++)
		if (lg_str_eq(f->v[i].name, pair.name))
			return lg_fail(cx, LG_E_INVALID, "parameter \"%.*s\" appears twice",
			    (int)lg_str_sub(pair.name, 0, 64).n, pair.name.p);
	f->v[f->n++] = pair;
	return LG_OK;
}

lg_err
lg_form_parse(struct lg_ctx *cx, lg_str text, struct lg_form *ret)
{
	struct lg_form f = { .n = 0 };
	lg_str pair;

	while (text.n > 0) {
		lg_str_cut(text, '&', &pair, &text);
		if (pair.n > 0)
			LG_TRY(add_pair(cx, pair, &f));
	}
	*ret = f;
	return LG_OK;
}

/* RFC 6265 4.2.1: pairs separated by "; "; a value may stand in quotes, which are part of it. */
lg_str
lg_cookie_get(lg_str header, lg_str name)
{
	lg_str pair, key, value;

	while (header.n > 0) {
		lg_str_cut(header, ';', &pair, &header);
		if (lg_str_cut(lg_str_trim(pair), '=', &key, &value) && lg_str_eq(key, name))
			return value;
	}
	return LG_STR("");
}

/* RFC 9110 5.5.  With one of these a value could start a header, or a response, of its own. */
static bool
has_line_break(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return true;
	return false;
}

void
lg_http_header(struct lg_http *ex, const char *name, lg_str value)
{
	assert(ex->nheaders < LG_COUNT(ex->headers));
	if (has_line_break(value)) {
#ifdef LG_SANITIZE
		abort();
#else
		return;
#endif
	}
	ex->headers[ex->nheaders++] = (struct lg_pair){ lg_str_of(name), lg_dup(ex->cx->arena, value) };
}

lg_str
lg_http_reply_header(const struct lg_http *ex, const char *name)
{
	for (size_t i = 0; i < ex->nheaders; i++)
		if (lg_str_eq_fold(ex->headers[i].name, lg_str_of(name)))
			return ex->headers[i].value;
	return LG_NONE;
}

/* The last word counts: an error page after a half-made answer. */
void
lg_http_type(struct lg_http *ex, const char *content_type)
{
	for (size_t i = 0; i < ex->nheaders; i++) {
		if (lg_str_eq(ex->headers[i].name, LG_STR("Content-Type"))) {
			ex->headers[i].value = lg_str_of(content_type);
			return;
		}
	}
	lg_http_header(ex, "Content-Type", lg_str_of(content_type));
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void
put_pair(struct lg_buf *b, lg_str name, lg_str value)
{
	lg_buf_percent(b, name);
	lg_buf_byte(b, '=');
	lg_buf_percent(b, value);
}

void
lg_form_put(struct lg_buf *b, lg_str name, lg_str value)
{
	if (b->n > 0)
		lg_buf_byte(b, '&');
	put_pair(b, name, value);
}

void
lg_url_put(struct lg_buf *b, lg_str name, lg_str value)
{
	lg_buf_byte(b, b->n == 0 || memchr(b->p, '?', b->n) == NULL ? '?' : '&');
	put_pair(b, name, value);
}
