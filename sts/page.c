/* page.c: pages for people: a template with named slots, escaped; headers under which nothing but the page itself can run. */
#include "sts/sts.h"

#include "base/text.h"

/* The slot's value by name; an unknown slot is a mistake of ours and stays empty. */
static lg_str
value_of(const struct sts_slot *slots, size_t n, lg_str name)
{
	for (size_t i = 0; i < n; i++)
		if (lg_str_eq(lg_str_of(slots[i].name), name))
			return slots[i].value;
	return LG_NONE;
}

static size_t
find(lg_str s, lg_str what)
{
	for (size_t i = 0; i + what.n <= s.n; i++)
		if (memcmp(s.p + i, what.p, what.n) == 0)
			return i;
	return s.n;
}

void
sts_template(struct lg_buf *out, lg_str page, const struct sts_slot *slots, size_t n)
{
	while (page.n > 0) {
		size_t at = find(page, LG_STR("{{"));
		bool raw = at + 2 < page.n && page.p[at + 2] == '{';
		lg_str open = raw ? LG_STR("{{{") : LG_STR("{{"), close = raw ? LG_STR("}}}") : LG_STR("}}"), name;

		lg_buf_str(out, lg_str_sub(page, 0, at));
		page = lg_str_sub(page, at + open.n, page.n);
		if (page.n == 0)
			return;
		at = find(page, close);
		name = value_of(slots, n, lg_str_sub(page, 0, at));
		page = lg_str_sub(page, at + close.n, page.n);
		if (raw)
			lg_buf_str(out, name);
		else
			lg_buf_html(out, name);
	}
}

void
sts_page_headers(struct sts_rq *rq, lg_str form_action)
{
	struct lg_http *ex = rq->ex;

	lg_http_type(ex, "text/html; charset=utf-8");
	lg_http_header(ex, "Content-Security-Policy",
	    lg_print(rq->cx->arena, "default-src 'none'; style-src %.*s; form-action 'self' %.*s; "
	    "frame-ancestors 'none'; base-uri 'none'", LG_FMT(rq->sts->style_hash), LG_FMT(form_action)));
	lg_http_header(ex, "X-Frame-Options", LG_STR("DENY"));
	lg_http_header(ex, "X-Content-Type-Options", LG_STR("nosniff"));
	lg_http_header(ex, "Referrer-Policy", LG_STR("no-referrer"));
	sts_no_store(ex);
}

lg_err
sts_page(struct sts_rq *rq, int status, lg_str page, const struct sts_slot *slots, size_t n, lg_str form_action)
{
	rq->ex->status = status;
	sts_page_headers(rq, form_action);
	lg_buf_clear(&rq->ex->out);
	sts_template(&rq->ex->out, page, slots, n);
	return lg_buf_status(rq->cx, &rq->ex->out);
}

lg_err
sts_message(struct sts_rq *rq, int status, lg_str title, lg_str text)
{
	const struct sts_slot slots[] = {
		{ "style", rq->sts->style_css }, { "title", title }, { "text", text },
	};

	return sts_page(rq, status, rq->sts->message_html, slots, LG_COUNT(slots), LG_NONE);
}
