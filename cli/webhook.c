/* webhook.c: web servers that are told of certificates. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

static const struct cli_column columns[] = {
	{ "NAME", "name", NULL }, { "URL", "url", NULL }, { "EVENTS", "events", NULL }, { "WAITING", "waiting", NULL },
	{ "DELIVERED", "delivered", NULL }, { "ATTEMPTS", "attempts", NULL }, { "ERROR", "error", NULL }, { NULL, NULL, NULL },
};

lg_err
cli_webhook_list(struct cli *c)
{
	return cli_items(c, "webhooks", columns);
}

static void
put_events(struct lg_jsonw *w, lg_str list)
{
	lg_str one;

	lg_jsonw_name(w, LG_STR("events"));
	lg_jsonw_array(w);
	while (list.n > 0) {
		lg_str_cut(list, ',', &one, &list);
		lg_jsonw_str(w, one);
	}
	lg_jsonw_array_end(w);
}

lg_err
cli_webhook_set(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	int64_t before = 0;
	lg_str ca;

	if (cli_given(c, "before"))
		LG_TRY(cli_seconds(c, "before", &before));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "url", c->args[1]);
	put_events(&w, cli_given(c, "events") ? cli_value(c, "events") : before > 0 ? LG_STR("issued,revoked,expiring") : LG_STR("issued,revoked"));
	if (before > 0)
		lg_jsonw_int_of(&w, "expiring_seconds", before);
	if (cli_given(c, "hook-ca")) {
		LG_TRY(cli_read_file(c, cli_value(c, "hook-ca"), &ca));
		lg_jsonw_str_of(&w, "ca", ca);
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "PUT", cli_path(c, "webhooks", c->args[0]), lg_buf_view(&b), &answer));
	if (answer.status != 201) {
		cli_line(c, "webhook %.*s is changed", LG_FMT(c->args[0]));
		return LG_OK;
	}
	if (cli_wants_json(c))
		return cli_show(c, answer.body);
	cli_line(c, "webhook %.*s is added; it signs with %.*s", LG_FMT(c->args[0]), LG_FMT(lg_api_member(c->cx, answer.body, "secret")));
	return LG_OK;
}

lg_err
cli_webhook_test(struct cli *c)
{
	struct lg_reply answer;
	lg_str path = lg_cat(c->cx->arena, cli_path(c, "webhooks", c->args[0]), LG_STR("/test"));

	LG_TRY(cli_call(c, "POST", path, LG_STR("{}"), &answer));
	return cli_show(c, answer.body);
}

lg_err
cli_webhook_delete(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", cli_path(c, "webhooks", c->args[0]), LG_NONE, &answer));
	cli_line(c, "webhook %.*s is deleted", LG_FMT(c->args[0]));
	return LG_OK;
}
