/* policy.c: policy sets: the versions there are, what is in force, putting another in force. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

static const struct cli_column columns[] = {
	{ "VERSION", "version", NULL }, { "TIME", "time", NULL }, { "AUTHOR", "author", NULL }, { "ACTIVE", "active", NULL }, { NULL, NULL, NULL },
};

lg_err
cli_policy_list(struct cli *c)
{
	return cli_items(c, "policies", columns);
}

static lg_err
check_version(struct cli *c, lg_str text)
{
	int64_t version;

	if (!lg_int_parse(text, &version) || version < 1)
		return lg_fail(c->cx, LG_E_INVALID, "\"%.*s\" is not a version; see lightgate policy list", LG_FMT(text));
	return LG_OK;
}

lg_err
cli_policy_show(struct cli *c)
{
	lg_str version = c->nargs > 0 ? c->args[0] : LG_STR("active");
	struct lg_reply answer;

	if (c->nargs > 0)
		LG_TRY(check_version(c, version));
	LG_TRY(cli_call(c, "GET", lg_cat(c->cx->arena, LG_STR("/v1/policies/"), version), LG_NONE, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	else	/* the text goes back into `activate` as it came: line ends and all */
		cli_json(c, lg_api_member(c->cx, answer.body, "source"));
	return LG_OK;
}

static lg_err
read_source(struct cli *c, lg_str *ret)
{
	if (!cli_given(c, "file"))
		return lg_fail(c->cx, LG_E_INVALID, "which text? Give -f FILE, or -f - for standard input");
	return cli_read_file(c, cli_value(c, "file"), ret);
}

static lg_err
post_source(struct cli *c, const char *path, lg_str source, int64_t replaces, const char *done)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(2 * CLI_FILE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "source", source);
	if (replaces > 0)
		lg_jsonw_int_of(&w, "replaces", replaces);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", lg_str_of(path), lg_buf_view(&b), &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	lg_str version = lg_api_member(c->cx, answer.body, "version");
	cli_line(c, version.n > 0 ? "%s: version %.*s" : "%s", done, LG_FMT(version));
	return LG_OK;
}

lg_err
cli_policy_activate(struct cli *c)
{
	int64_t replaces = 0;
	bool go_on = true;
	lg_str source;

	LG_TRY(read_source(c, &source));
	if (cli_given(c, "replay"))
		LG_TRY(cli_replay_first(c, source, &replaces, &go_on));
	if (!go_on)
		return LG_OK;
	return post_source(c, "/v1/policies", source, replaces, "in force");
}

lg_err
cli_policy_validate(struct cli *c)
{
	lg_str source;

	if (c->nargs > 0)
		return cli_policy_validate_files(c);
	LG_TRY(read_source(c, &source));
	return post_source(c, "/v1/policies?dry_run=true", source, 0, "valid");
}

lg_err
cli_policy_rollback(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(check_version(c, c->args[0]));
	lg_str body = lg_print(c->cx->arena, "{\"version\":%.*s}", LG_FMT(c->args[0]));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/policies/rollback"), body, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	cli_line(c, "the text of version %.*s is in force again, as version %.*s", LG_FMT(c->args[0]),
	    LG_FMT(lg_api_member(c->cx, answer.body, "version")));
	return LG_OK;
}
