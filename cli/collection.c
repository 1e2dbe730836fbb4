/* collection.c: /v1/COLLECTION and what is named in it. */
#include "cli/cli.h"

lg_str
cli_path(struct cli *c, const char *collection, lg_str name)
{
	return lg_api_path(c->cx, (const lg_str[]){ LG_STR("v1"), lg_str_of(collection), name }, 3);
}

lg_err
cli_items(struct cli *c, const char *collection, const struct cli_column *columns)
{
	lg_str path = lg_api_path(c->cx, (const lg_str[]){ LG_STR("v1"), lg_str_of(collection) }, 2);
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", path, LG_NONE, &answer));
	return cli_table(c, answer.body, "items", columns);
}

lg_err
cli_item(struct cli *c, const char *collection)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", cli_path(c, collection, c->args[0]), LG_NONE, &answer));
	return cli_show(c, answer.body);
}
