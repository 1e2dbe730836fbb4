/*
 * page.c: pages for people: templates with named slots, escaped, in the person's language; headers under which nothing but the
 * page itself can run.
 *
 * {{name}} is a slot, {{{name}}} one that is HTML already, {{page.key}} a message (messages.c).  {{#name}}...{{/name}} stands once
 * if the slot has a value, and once a row if it has rows; {{^name}}...{{/name}} stands if it has neither.
 */
#include "sts/web.h"

#include "base/text.h"

#define TITLE_MAX 1024
#define PLAIN_MAX (16u << 10)
#define NONCE	16	/* octets: CSP3 7.1 wants 128 bits */

struct scope {
	const struct sts_slot *slots;
	size_t n;
	const struct scope *outer;
};

struct rendering {
	struct sts_rq *rq;
	struct lg_buf *out;
	bool plain;			/* text, not HTML: nothing is escaped */
};

static const struct sts_slot *
find_slot(const struct scope *s, lg_str name)
{
	for (; s != NULL; s = s->outer)
		for (size_t i = 0; i < s->n; i++)
			if (lg_str_eq(lg_str_of(s->slots[i].name), name))
				return &s->slots[i];
	return NULL;
}

static size_t
find(lg_str s, lg_str what)
{
	const char *at = s.n == 0 ? NULL : memmem(s.p, s.n, what.p, what.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

static void render(struct rendering *r, lg_str text, const struct scope *s, bool escape);

static void
literal(struct rendering *r, lg_str text, bool escape)
{
	if (escape && !r->plain)
		lg_buf_html(r->out, text);
	else
		lg_buf_str(r->out, text);
}

static bool
has_value(const struct sts_slot *slot)
{
	return slot != NULL && (slot->value.n > 0 || (slot->rows != NULL && slot->rows->n > 0));
}

static void
block(struct rendering *r, lg_str name, lg_str body, const struct scope *s, bool inverted)
{
	const struct sts_slot *slot = find_slot(s, name);

	if (inverted || slot == NULL || slot->rows == NULL) {
		if (has_value(slot) != inverted)
			render(r, body, s, false);
		return;
	}
	for (size_t i = 0; i < slot->rows->n; i++) {
		struct scope row = { slot->rows->slots + i * slot->rows->per, slot->rows->per, s };

		render(r, body, &row, false);
	}
}

static void
value(struct rendering *r, lg_str name, const struct scope *s, bool raw)
{
	const struct sts_slot *slot = find_slot(s, name);

	if (slot != NULL)
		literal(r, slot->value, !raw);
	else if (find(name, LG_STR(".")) < name.n)
		render(r, sts_text_of(r->rq, name), s, true);
}

/* `text` begins with what follows "{{"; returns what follows the tag, or its block. */
static lg_str
tag(struct rendering *r, lg_str text, const struct scope *s)
{
	bool raw = text.n > 0 && text.p[0] == '{', opens = text.n > 0 && (text.p[0] == '#' || text.p[0] == '^');
	lg_str close = raw ? LG_STR("}}}") : LG_STR("}}"), name, end;
	size_t at = find(text, close), stop;

	name = lg_str_sub(text, raw || opens, at - (raw || opens));
	if (!opens) {
		value(r, name, s, raw);
		return lg_str_sub(text, at + close.n, text.n);
	}
	end = lg_print(r->rq->cx->arena, "{{/%.*s}}", LG_FMT(name));
	bool inverted = text.p[0] == '^';
	text = lg_str_sub(text, at + close.n, text.n);
	stop = find(text, end);
	block(r, name, lg_str_sub(text, 0, stop), s, inverted);
	return lg_str_sub(text, stop + end.n, text.n);
}

static void
render(struct rendering *r, lg_str text, const struct scope *s, bool escape)
{
	while (text.n > 0) {
		size_t at = find(text, LG_STR("{{"));

		literal(r, lg_str_sub(text, 0, at), escape);
		if (at == text.n)
			return;
		text = tag(r, lg_str_sub(text, at + 2, text.n), s);
	}
}

lg_err
sts_plain(struct sts_rq *rq, lg_str text, const struct sts_slot *slots, size_t n, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(PLAIN_MAX);
	struct rendering r = { .rq = rq, .out = &b, .plain = true };
	const struct scope s = { slots, n, NULL };

	render(&r, text, &s, false);
	LG_TRY(lg_buf_status(rq->cx, &b));
	*ret = lg_dup(rq->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* ---- headers ------------------------------------------------------------------------------------------------------- */

/* What a page may do besides showing itself. */
struct leave {
	lg_str form_action;		/* where a form's answer may redirect to, besides ourselves */
	lg_str frames;			/* whose pages it may frame */
};

/* nonce: of the page's script; empty: it has none.  A page's one picture, the icon, stands in itself: nothing is fetched. */
static void
headers(struct sts_rq *rq, lg_str nonce, const struct leave *may)
{
	struct lg_http *ex = rq->ex;
	lg_str script = nonce.n == 0 ? LG_NONE : lg_print(rq->cx->arena, "script-src 'nonce-%.*s'; ", LG_FMT(nonce));
	lg_str frames = may->frames.n == 0 ? LG_NONE : lg_print(rq->cx->arena, "frame-src %.*s; ", LG_FMT(may->frames));

	lg_http_type(ex, "text/html; charset=utf-8");
	lg_http_header(ex, "Content-Security-Policy",
	    lg_print(rq->cx->arena, "default-src 'none'; style-src %.*s; img-src data:; %.*s%.*sform-action 'self' %.*s; "
	    "frame-ancestors 'none'; base-uri 'none'", LG_FMT(rq->sts->web->style_hash), LG_FMT(script), LG_FMT(frames),
	    LG_FMT(may->form_action)));
	lg_http_header(ex, "X-Frame-Options", LG_STR("DENY"));
	lg_http_header(ex, "X-Content-Type-Options", LG_STR("nosniff"));
	lg_http_header(ex, "Referrer-Policy", LG_STR("no-referrer"));
	lg_http_header(ex, "Content-Language", sts_language(rq));
	sts_no_store(ex);
}

static lg_str
new_nonce(struct lg_arena *a)
{
	char octets[NONCE];

	lg_random(octets, sizeof octets);
	return lg_base64url(a, (lg_str){ octets, sizeof octets });
}

/* ---- a page ------------------------------------------------------------------------------------------------------------ */

static lg_err
show(struct sts_rq *rq, int status, const char *page, const struct sts_slot *slots, size_t n, const struct leave *may)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf content = LG_BUF(LG_HTTP_RESPONSE_MAX);
	const struct sts_slot always[] = {
		{ .name = "base", .value = sts_base_path(rq) }, { .name = "service", .value = sts_service_name(rq->tenant.issuer) },
	};
	struct scope outer = { always, LG_COUNT(always), NULL }, inner = { slots, n, &outer };
	struct rendering r = { .rq = rq, .out = &content };
	LG_AUTO(lg_buf_free) struct lg_buf title = LG_BUF(TITLE_MAX);
	bool scripted = has_value(find_slot(&inner, LG_STR("script")));
	lg_str nonce = scripted ? new_nonce(rq->cx->arena) : LG_NONE;

	render(&r, sts_web_file(rq->sts->web, page), &inner, false);
	r.out = &title;
	render(&r, lg_print(rq->cx->arena, "{{%s.title}}", page), &inner, false);
	LG_TRY(lg_buf_status(rq->cx, &content));
	const struct sts_slot around[] = {
		{ .name = "lang", .value = sts_language(rq) },
		{ .name = "style", .value = rq->sts->web->style },
		{ .name = "content", .value = lg_buf_view(&content) },
		{ .name = "nonce", .value = nonce },
		{ .name = "script_text", .value = rq->sts->web->script },
		{ .name = "page_title", .value = lg_buf_view(&title) },
	};
	struct scope layout = { around, LG_COUNT(around), &inner };
	rq->ex->status = status;
	headers(rq, nonce, may);
	lg_buf_clear(&rq->ex->out);
	r.out = &rq->ex->out;
	render(&r, sts_web_file(rq->sts->web, "layout"), &layout, false);
	return lg_buf_status(rq->cx, &rq->ex->out);
}

lg_err
sts_page(struct sts_rq *rq, int status, const char *page, const struct sts_slot *slots, size_t n, lg_str form_action)
{
	return show(rq, status, page, slots, n, &(struct leave){ .form_action = form_action });
}

lg_err
sts_page_framing(struct sts_rq *rq, const char *page, const struct sts_slot *slots, size_t n, lg_str frames)
{
	return show(rq, 200, page, slots, n, &(struct leave){ .frames = frames });
}

lg_str
sts_service_name(lg_str issuer)
{
	return lg_str_sub(issuer, strlen("https://"), SIZE_MAX);
}

/* Where one goes on from a page that only says something; the link's text is the message <key>.next. */
static const struct {
	const char *key, *path;
} onward[] = {
	{ "signed-in", "/account" }, { "signed-out", "/account" }, { "link-asked", "/login" }, { "link-over", "/login" },
	{ "no-links", "/login" }, { "elsewhere", "/account" }, { "device-late", "/device" }, { "device-refused", "/account" }, { "device-connected", "/account" },
};

lg_err
sts_message(struct sts_rq *rq, int status, const char *key, lg_str detail)
{
	lg_str next = LG_NONE;

	for (size_t i = 0; i < LG_COUNT(onward); i++)
		if (strcmp(onward[i].key, key) == 0)
			next = lg_str_of(onward[i].path);
	const struct sts_slot slots[] = {
		{ .name = "next", .value = next },
		{ .name = "next_text", .value = sts_text(rq, lg_print(rq->cx->arena, "%s.next", key).p) },
		{ .name = "title", .value = sts_text(rq, lg_print(rq->cx->arena, "%s.title", key).p) },
		{ .name = "text", .value = sts_text(rq, lg_print(rq->cx->arena, "%s.text", key).p) },
		{ .name = "detail", .value = detail },
	};

	return sts_page(rq, status, "message", slots, LG_COUNT(slots), LG_NONE);
}
