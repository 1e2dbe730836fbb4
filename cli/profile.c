/* profile.c: profiles of certificates: what each allows, in YAML or JSON. */
#include "cli/cli.h"

#include "base/text.h"
#include "base/yaml.h"

static const struct cli_column columns[] = {
	{ "NAME", "name", NULL }, { "KIND", "kind", NULL }, { "SUBJECT", "subject", NULL }, { "KEYS", "keys", NULL },
	{ "USAGES", "usages", NULL }, { "NAMES", "names", NULL }, { "LIFE", "life_seconds", NULL }, { "OWN", "own", NULL },
	{ NULL, NULL, NULL },
};

lg_err
cli_profile_list(struct cli *c)
{
	return cli_items(c, "profiles", columns);
}

lg_err
cli_profile_show(struct cli *c)
{
	return cli_item(c, "profiles");
}

/* JSON is YAML; what `profile show -o json` printed may come back. */
lg_err
cli_profile_set(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_reply answer;
	struct lg_yaml *y;
	lg_str text;

	if (!cli_given(c, "file"))
		return lg_fail(c->cx, LG_E_INVALID, "what shall it be? lightgate profile set NAME -f FILE");
	LG_TRY(cli_read_file(c, cli_value(c, "file"), &text));
	if (lg_yaml_parse(c->cx, text, &y) != LG_OK)
		return lg_fail_in(c->cx, LG_E_INVALID, lg_dup(c->cx->arena, cli_value(c, "file")).p);
	lg_yaml_to_json(y, &b);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "PUT", cli_path(c, "profiles", c->args[0]), lg_buf_view(&b), &answer));
	cli_line(c, "profile %.*s is %s", LG_FMT(c->args[0]), answer.status == 201 ? "added" : "changed");
	return LG_OK;
}

lg_err
cli_profile_delete(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", cli_path(c, "profiles", c->args[0]), LG_NONE, &answer));
	cli_line(c, "the tenant's profile %.*s is deleted", LG_FMT(c->args[0]));
	return LG_OK;
}
