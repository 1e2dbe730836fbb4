/* index.c: which attributes are indexed. */
#include "cli/cli.h"

#include "base/json.h"

lg_err
cli_index_list(struct cli *c)
{
	static const struct cli_column columns[] = { { "ATTRIBUTE", "attribute", NULL }, { "KIND", "kind", NULL }, { "STATE", "state", NULL },
		{ NULL, NULL, NULL } };

	return cli_items(c, "indexes", columns);
}

lg_err
cli_index_create(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "attribute", c->args[0]);
	lg_jsonw_str_of(&w, "kind", c->args[1]);
	lg_jsonw_object_end(&w);
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/indexes"), lg_buf_view(&b), &answer));
	cli_line(c, "the index is being built; searches use it when lightgate index list says used");
	return LG_OK;
}

lg_err
cli_index_delete(struct cli *c)
{
	struct lg_reply answer;
	lg_str path = lg_api_path(c->cx, (const lg_str[]){ LG_STR("indexes"), c->args[0], c->args[1] }, 3);

	LG_TRY(cli_call(c, "DELETE", lg_cat(c->cx->arena, LG_STR("/v1"), path), LG_NONE, &answer));
	cli_line(c, "searches no longer use it; its rows are being removed");
	return LG_OK;
}
