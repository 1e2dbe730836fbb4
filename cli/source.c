/* source.c: identity sources: others whose word about who somebody is counts. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/yaml.h"

lg_err
cli_read_document(struct cli *c, const char *verb, lg_str *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(CLI_FILE_MAX);
	struct lg_yaml *y;
	lg_str text;

	if (!cli_given(c, "file"))
		return lg_fail(c->cx, LG_E_INVALID, "which document? lightgate %s -f FILE, or -f - for standard input", verb);
	LG_TRY(cli_read_file(c, cli_value(c, "file"), &text));
	if (lg_yaml_parse(c->cx, text, &y) != LG_OK)
		return lg_fail_in(c->cx, LG_E_INVALID, lg_dup(c->cx->arena, cli_value(c, "file")).p);
	lg_yaml_to_json(y, &b);
	LG_TRY(lg_buf_status(c->cx, &b));
	*ret = lg_dup(c->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
cli_source_list(struct cli *c)
{
	static const struct cli_column columns[] = { { "NAME", "name", NULL }, { "KIND", "kind", NULL }, { "ENABLED", "enabled", NULL },
		{ "ISSUER", "issuer", NULL }, { "URLS", "urls", NULL }, { NULL, NULL, NULL } };

	return cli_items(c, "sources", columns);
}

static lg_err
show(struct cli *c, const char *method)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, method, cli_path(c, "sources", c->args[0]), lg_str_of(method[0] == 'P' ? "{}" : ""), &answer));
	cli_json(c, answer.body);
	return LG_OK;
}

lg_err
cli_source_show(struct cli *c)
{
	return show(c, "GET");
}

lg_err
cli_source_test(struct cli *c)
{
	return show(c, "POST");
}

lg_err
cli_source_set(struct cli *c)
{
	struct lg_reply answer;
	lg_str json, name;

	LG_TRY(cli_read_document(c, "source set", &json));
	name = lg_api_member(c->cx, json, "name");
	if (name.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "the document has no name");
	LG_TRY(cli_call(c, "PUT", cli_path(c, "sources", name), json, &answer));
	cli_line(c, "source %.*s is set; lightgate source test %.*s asks it", LG_FMT(name), LG_FMT(name));
	return LG_OK;
}

lg_err
cli_source_delete(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", cli_path(c, "sources", c->args[0]), LG_NONE, &answer));
	cli_line(c, "source %.*s is gone, and with it the tokens that were given for its word", LG_FMT(c->args[0]));
	return LG_OK;
}
