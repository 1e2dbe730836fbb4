/*
 * api_search.c: AuthZEN's searches (Authorization API 1.0, section 8): which subjects, resources or actions would be permitted.
 *
 * The policy engine proposes candidates (finder.h).  Every result is a decision like any other: the asker must be allowed to ask it
 * (decision:ask), and both policy sets permit it.  What the asker may not ask about is left out.  A request looks at a bounded
 * number of candidates and gives a token for the rest.
 */
#include "base/clock.h"
#include "base/text.h"
#include "lightgate/crypto.h"
#include "server/access.h"
#include "server/api.h"
#include "server/finder.h"
#include "server/freshness.h"
#include "server/point.h"

#define LG_SEARCH_LOOK	LG_FIND_LOOK	/* candidates of one request */
#define LG_SEARCH_ASK	2000		/* of those, decisions made to learn whether the asker may ask about any */
#define LG_SEARCH_TIME	INT64_C(200000000)	/* ns spent on one request; the rest comes with the next token */
#define LG_SEARCH_CHUNK	100		/* entries read, or proposals made, at a time */
#define PRINT		16		/* octets of a token that tell which search it belongs to */

enum what { SUBJECT, RESOURCE, ACTION };

struct search {
	struct lg_app *app;
	struct lg_http *ex;
	struct lg_view *view;
	struct lg_caller who;
	enum what what;
	struct lg_evaluation ev;	/* what is looked for is filled in for each candidate */
	lg_str subject_token;		/* who the subject is, proved; unless subjects are looked for */
	lg_str token;			/* of the page, as it came */
	int64_t limit;			/* results wanted; 0 = LG_API_PAGE */
	lg_str after;			/* name of the last candidate looked at; empty at first */
	bool more;			/* there are candidates behind it */

	lg_str found[LG_API_PAGE_MAX];
	size_t nfound;
	size_t looked;			/* candidates */
	size_t asked, refused;		/* decisions; those that the asker may not ask for */
	int64_t until;
	struct lg_arena *scratch;	/* of one candidate */
};

/* ---- the request --------------------------------------------------------------------------------------------------- */

static void
read_page(struct lg_json *js, struct search *s)
{
	lg_str name;

	lg_json_object(js);
	while (lg_json_member(js, &name)) {
		if (lg_str_eq(name, LG_STR("token"))) {
			s->token = lg_json_str(js);
		} else if (lg_str_eq(name, LG_STR("limit"))) {
			s->limit = lg_json_int(js);
			if (s->limit < 0)
				lg_json_fault(js, "a limit is not negative");
		} else {
			lg_json_skip(js);
		}
	}
}

/* What is looked for has a type only (an action not even that); its id is ignored.  The rest must be whole: 400 otherwise. */
static lg_err
check_request(struct search *s)
{
	struct lg_evaluation whole;

	if (s->what == SUBJECT)
		s->ev.subject_id = LG_STR("-");
	else if (s->what == RESOURCE)
		s->ev.resource_id = LG_STR("-");
	else
		s->ev.action = LG_STR("-");
	whole = s->ev;
	LG_TRY(lg_evaluation_check(s->ex->cx, &whole));
	return whole.subject_id.n > 0 ? LG_OK : lg_fail(s->ex->cx, LG_E_INVALID, "subject.id is missing");
}

static lg_err
read_request(struct search *s)
{
	struct lg_ctx *cx = s->ex->cx;
	struct lg_json js;
	lg_str name;

	lg_json_init(&js, cx->arena, s->ex->body);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("page")))
			read_page(&js, s);
		else if (!lg_evaluation_member(cx, &js, name, &s->ev))
			lg_json_skip(&js);
	}
	LG_TRY(lg_json_end(cx, &js));
	return check_request(s);
}

/* ---- tokens: which search, how many at a time, behind whom --------------------------------------------------------- */

static lg_sha256
print_of(const struct search *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1u << 20);
	const struct lg_evaluation *ev = &s->ev;
	const lg_str parts[] = { ev->subject_type, ev->subject_id, ev->action, ev->resource_type, ev->resource_id, ev->project, ev->image,
		ev->host, ev->protocol, ev->image_context };

	lg_buf_u16(&b, (uint16_t)s->what);
	for (size_t i = 0; i < LG_COUNT(parts); i++)
		lg_buf_str32(&b, parts[i]);
	for (size_t i = 0; i < ev->nlabels; i++)
		lg_buf_str32(&b, ev->labels[i]);
	lg_buf_u64(&b, ev->has_port ? (uint64_t)ev->port + 1 : 0);
	return lg_sha256_of(lg_buf_view(&b));
}

static lg_str
next_token(const struct search *s)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LG_ASKED_NAME + 64);
	lg_sha256 print = print_of(s);

	if (!s->more)
		return LG_STR("");
	lg_buf_bytes(&b, lg_sha256_str(&print).p, PRINT);
	lg_buf_u16(&b, (uint16_t)s->limit);
	lg_buf_str(&b, s->after);
	return lg_base64url(s->ex->cx->arena, lg_buf_view(&b));
}

/* The token is a place and no right: whoever makes one up looks at no candidate without being asked for. */
static lg_err
take_token(struct search *s)
{
	struct lg_ctx *cx = s->ex->cx;
	lg_sha256 print = print_of(s);
	lg_str raw = LG_NONE;

	if (s->token.n > 0) {
		if (!lg_base64url_parse(cx->arena, s->token, &raw) || raw.n <= PRINT + 2)
			return lg_fail(cx, LG_E_INVALID, "page.token is none of ours");
		struct lg_rd r = lg_rd_of(lg_str_sub(raw, PRINT, 2));
		int64_t limit = lg_rd_u16(&r);
		if (memcmp(raw.p, lg_sha256_str(&print).p, PRINT) != 0 || (s->limit != 0 && s->limit != limit))
			return lg_fail(cx, LG_E_INVALID, "page.token belongs to another search");
		s->limit = limit;
		s->after = lg_str_sub(raw, PRINT + 2, SIZE_MAX);
	}
	if (s->limit == 0 || s->limit > LG_API_PAGE_MAX)
		s->limit = s->limit == 0 ? LG_API_PAGE : LG_API_PAGE_MAX;
	return LG_OK;
}

/* ---- candidates ------------------------------------------------------------------------------------------------------ */

static lg_err
try_one(struct search *s, lg_str name)
{
	struct lg_ctx cx = *s->ex->cx;
	struct lg_access access;

	*(s->what == SUBJECT ? &s->ev.subject_id : s->what == RESOURCE ? &s->ev.resource_id : &s->ev.action) = name;
	s->asked++;
	lg_arena_reset(s->scratch);
	cx.arena = s->scratch;
	lg_err e = lg_access_probe(s->app, &cx, s->view, &s->who, &s->ev, s->subject_token, &access);
	if (e == LG_E_DENIED) {
		s->refused++;
		return LG_OK;
	}
	if (e != LG_OK)
		return lg_fail(s->ex->cx, e, "%s", cx.error);
	if (access.verdict.permit)
		s->found[s->nfound++] = lg_dup(s->ex->cx->arena, name);
	return LG_OK;
}

static bool
enough(const struct search *s)
{
	return s->nfound == (size_t)s->limit || s->looked >= LG_SEARCH_LOOK || lg_monotonic_ns() > s->until;
}

static lg_err
try_proposals(struct search *s, const lg_str *name, size_t n, const struct lg_find *f)
{
	s->looked += f->looked;
	for (size_t i = 0; i < n; i++) {
		LG_TRY(try_one(s, name[i]));
		s->after = name[i];
		if (enough(s)) {
			s->more = i + 1 < n || f->more || !lg_str_eq(f->after, name[i]);
			return LG_OK;
		}
	}
	s->after = f->after;
	s->more = f->more;
	return LG_OK;
}

static lg_err
try_entries(struct search *s)
{
	struct lg_ctx *cx = s->ex->cx;
	struct lg_access open;
	size_t n = 0;

	LG_TRY(lg_access_open(s->app, cx, s->view, &s->who, &s->ev, s->subject_token, s->what == SUBJECT, &open));
	for (s->more = true; s->more && !enough(s);) {
		size_t left = (size_t)s->limit - s->nfound;
		struct lg_find f = { .point = s->app->point, .view = s->view, .question = &open.question, .subjects = s->what == SUBJECT,
			.after = s->after, .limit = left < LG_SEARCH_CHUNK ? left : LG_SEARCH_CHUNK };
		lg_str *name = NULL;
		if (s->what == SUBJECT)
			f.always = s->who.entity.id;	/* for whom `self` holds where `asserted` does for others */
		LG_TRY(lg_find_entries(cx, &f, &name, &n));
		LG_TRY(try_proposals(s, name, n, &f));
	}
	return LG_OK;
}

/* Nothing was found, and nothing asked: that is told only to who may ask about some of it. */
static lg_err
ask_about_any(struct search *s, enum lg_entry_type type)
{
	struct lg_ctx *cx = s->ex->cx;
	struct lg_entry *e = NULL;
	lg_str after = LG_NONE;
	bool more = true;
	size_t n = 0;

	while (more && s->asked < LG_SEARCH_ASK && lg_monotonic_ns() < s->until) {
		LG_TRY(lg_entry_list(cx, s->view, s->ex->tenant, type, LG_NONE, after, LG_SEARCH_CHUNK, &e, &n, &more));
		for (size_t i = 0; i < n && s->refused == s->asked; i++)
			LG_TRY(try_one(s, e[i].name));
		if (n == 0 || s->refused < s->asked)
			return LG_OK;
		after = e[n - 1].name;
	}
	return LG_OK;
}

static lg_err
try_actions(struct search *s)
{
	const struct lg_euid *v;
	size_t n = lg_point_actions(s->app->point, s->ev.subject_type, s->ev.resource_type, s->ex->cx->arena, &v), i = 0;

	if (s->after.n > 0) {
		while (i < n && !lg_str_eq(v[i].id, s->after))
			i++;
		i = i == n ? n : i + 1;
	}
	for (s->more = i < n; s->more; s->more = i < n) {
		s->looked++;
		LG_TRY(try_one(s, v[i].id));
		s->after = v[i++].id;
		if (enough(s)) {
			s->more = i < n;
			return LG_OK;
		}
	}
	return LG_OK;
}

/* A type nobody knows and an id nobody has are no mistakes: there is nothing to find (AuthZEN certification 4.6). */
static lg_err
try_all(struct search *s)
{
	enum lg_entry_type subject, resource;
	lg_err e;

	if (!lg_type_parse(s->ev.subject_type, &subject) || !lg_type_parse(s->ev.resource_type, &resource) ||
	    subject == LG_TYPE_CONTAINER || resource == LG_TYPE_CONTAINER)
		return LG_OK;
	if (s->what == ACTION)
		e = try_actions(s);
	else
		e = try_entries(s);
	if (e == LG_OK && s->asked == 0 && !s->more && s->token.n == 0 && s->what != ACTION)
		e = ask_about_any(s, s->what == SUBJECT ? subject : resource);
	if (e == LG_E_NOT_FOUND) {
		s->nfound = 0;
		s->more = false;
		return LG_OK;
	}
	LG_TRY(e);
	if (s->asked > 0 && s->refused == s->asked && !s->more && s->token.n == 0)
		return lg_fail(s->ex->cx, LG_E_DENIED, "%.*s %.*s may not ask about any of this", LG_FMT(s->who.entity.type),
		    LG_FMT(s->who.entity.name));
	return LG_OK;
}

/* ---- the answer -------------------------------------------------------------------------------------------------------- */

static void
answer(struct search *s)
{
	struct lg_jsonw w = lg_api_json(s->ex);
	lg_str type = s->what == SUBJECT ? s->ev.subject_type : s->ev.resource_type;

	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("page"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "next_token", next_token(s));
	lg_jsonw_int_of(&w, "count", (int64_t)s->nfound);
	lg_jsonw_object_end(&w);
	lg_jsonw_name(&w, LG_STR("results"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < s->nfound; i++) {
		lg_jsonw_object(&w);
		if (s->what != ACTION)
			lg_jsonw_str_of(&w, "type", type);
		lg_jsonw_str_of(&w, s->what == ACTION ? "name" : "id", s->found[i]);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
}

static lg_err
run(struct lg_app *app, struct lg_http *ex, enum what what)
{
	LG_AUTO(lg_view_end) struct lg_view *v = NULL;
	LG_AUTO(lg_arena_free) struct lg_arena *scratch = lg_arena_new();
	struct search *s = LG_NEW(ex->cx->arena, struct search);

	s->app = app;
	s->ex = ex;
	s->what = what;
	s->scratch = scratch;
	if (what != SUBJECT)
		s->subject_token = ex->header(ex, "Lightgate-Subject-Token");
	s->until = lg_monotonic_ns() + LG_SEARCH_TIME;
	LG_TRY(lg_api_is_json(ex));
	LG_TRY(lg_fresh_wait(app, ex));
	LG_TRY(lg_view_begin(ex->cx, app->store, &v));
	s->view = v;
	LG_TRY(lg_caller_find(app, ex, v, "/access/v1", &s->who));
	lg_fresh_tell(app, ex, v);
	LG_TRY(read_request(s));
	LG_TRY(take_token(s));
	LG_TRY(try_all(s));
	/* What was filled in for the last candidate is no part of the search that the token names. */
	LG_TRY(check_request(s));
	answer(s);
	return LG_OK;
}

static lg_err
subject(void *self, struct lg_http *ex)
{
	return run(self, ex, SUBJECT);
}

static lg_err
resource(void *self, struct lg_http *ex)
{
	return run(self, ex, RESOURCE);
}

static lg_err
action(void *self, struct lg_http *ex)
{
	return run(self, ex, ACTION);
}

const struct lg_route lg_api_search_routes[] = {
	{ "POST", "/access/v1/search/subject", LG_SURFACE_API, LG_ON_WORKER, 0, subject },
	{ "POST", "/access/v1/search/resource", LG_SURFACE_API, LG_ON_WORKER, 0, resource },
	{ "POST", "/access/v1/search/action", LG_SURFACE_API, LG_ON_WORKER, 0, action },
};
const size_t lg_api_search_nroutes = LG_COUNT(lg_api_search_routes);
