/* search.c: who may, what may one do, and where (AuthZEN Authorization API 1.0, section 8): every page, as a table. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

#define PAGE	1000

/* The types that can act, in the order in which they are looked for. */
static const char *const actors[] = { "User", "Service", "Host", "Workload" };

struct search {
	struct cli *c;
	const char *path;
	lg_str subject_type, resource_type, resource_id, action;	/* empty: not asked, or the caller */
	int64_t left;			/* results still wanted */
	size_t n;
};

static lg_err
put_question(struct search *s, struct lg_jsonw *w, lg_str token)
{
	lg_jsonw_object(w);
	if (s->subject_type.n > 0) {
		cli_put_entity(w, "subject", s->subject_type, LG_NONE);
		lg_jsonw_object_end(w);
	} else {
		LG_TRY(cli_put_subject(s->c, w));
	}
	if (s->action.n > 0) {
		lg_jsonw_name(w, LG_STR("action"));
		lg_jsonw_object(w);
		lg_jsonw_str_of(w, "name", s->action);
		lg_jsonw_object_end(w);
	}
	cli_put_entity(w, "resource", s->resource_type, s->resource_id);
	lg_jsonw_object_end(w);
	LG_TRY(cli_put_context(s->c, w));
	lg_jsonw_name(w, LG_STR("page"));
	lg_jsonw_object(w);
	if (token.n > 0)
		lg_jsonw_str_of(w, "token", token);
	lg_jsonw_int_of(w, "limit", PAGE);
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
	return lg_buf_status(s->c->cx, w->out);
}

static void
tell_one(struct search *s, lg_str row)
{
	struct cli *c = s->c;
	lg_str type = lg_api_member(c->cx, row, "type"), id = lg_api_member(c->cx, row, "id");

	if (cli_wants_json(c))
		fprintf(c->out, "%s%.*s", s->n > 0 ? ",\n" : "", LG_FMT(row));
	else if (type.n > 0)
		cli_line(c, "%-10.*s  %.*s", LG_FMT(type), LG_FMT(id));
	else
		cli_line(c, "%.*s", LG_FMT(lg_api_member(c->cx, row, "name")));
	s->n++;
	s->left--;
}

static lg_err
one_page(struct search *s, lg_str *token)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_ctx *cx = s->c->cx;
	struct lg_reply answer;
	struct lg_json js;

	LG_TRY(put_question(s, &w, *token));
	struct lg_call call = { .method = "POST", .path = lg_str_of(s->path), .body = lg_buf_view(&b), .token = s->c->session.token };
	LG_TRY(lg_api_call(cx, s->c->session.link, &call, &answer));
	lg_json_init(&js, cx->arena, lg_api_raw(cx, answer.body, "results"));
	lg_json_array(&js);
	while (lg_json_item(&js) && s->left > 0)
		tell_one(s, lg_json_raw(&js));
	*token = lg_api_member(cx, lg_api_raw(cx, answer.body, "page"), "next_token");
	return LG_OK;
}

static lg_err
all_pages(struct search *s)
{
	lg_str token = LG_NONE;
	size_t pages = 0;

	do {
		LG_TRY(one_page(s, &token));
		if (++pages == CLI_PAGES)
			return lg_fail(s->c->cx, LG_E_LIMIT, "more than %d pages", CLI_PAGES);
	} while (token.n > 0 && s->left > 0);
	return LG_OK;
}

static lg_err
begin(struct search *s, const char *head)
{
	struct cli *c = s->c;

	s->left = INT64_MAX;
	if (cli_given(c, "limit") && (!lg_int_parse(cli_value(c, "limit"), &s->left) || s->left < 1))
		return lg_fail(c->cx, LG_E_INVALID, "--limit is a number of results");
	LG_TRY(cli_sign_in(c, "/access/v1"));
	if (cli_wants_json(c))
		fprintf(c->out, "{\"results\":[");
	else
		cli_line(c, "%s", head);
	return LG_OK;
}

static lg_err
end(struct search *s)
{
	if (cli_wants_json(s->c))
		fprintf(s->c->out, "]}\n");
	s->c->answer = s->n > 0 ? CLI_YES : CLI_NO;
	return LG_OK;
}

lg_err
cli_who_can(struct cli *c)
{
	struct search s = { .c = c, .path = "/access/v1/search/subject", .action = c->args[0] };
	lg_str only = cli_value(c, "type");

	LG_TRY(cli_split_name(c, c->args[1], &s.resource_type, &s.resource_id));
	LG_TRY(begin(&s, "TYPE        NAME"));
	for (size_t i = 0; i < LG_COUNT(actors) && s.left > 0; i++) {
		s.subject_type = lg_str_of(actors[i]);
		if (only.n > 0 && !lg_str_eq(only, s.subject_type))
			continue;
		LG_TRY(all_pages(&s));
	}
	return end(&s);
}

lg_err
cli_what_can(struct cli *c)
{
	struct search s = { .c = c, .path = "/access/v1/search/action" };

	LG_TRY(cli_split_name(c, c->args[0], &s.resource_type, &s.resource_id));
	LG_TRY(begin(&s, "ACTION"));
	LG_TRY(all_pages(&s));
	return end(&s);
}

lg_err
cli_where_can(struct cli *c)
{
	struct search s = { .c = c, .path = "/access/v1/search/resource", .action = c->args[0], .resource_type = c->args[1] };

	LG_TRY(begin(&s, "TYPE        NAME"));
	LG_TRY(all_pages(&s));
	return end(&s);
}
