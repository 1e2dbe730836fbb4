/* entries.c: list, show and delete for every noun; members, passwords, join tokens. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

static const char *
kind(const struct cli *c)
{
	return c->path[c->depth - 1]->kind;
}

/* ---- list, show, delete ------------------------------------------------------------------------------ */

static const struct {
	const char *kind;
	struct cli_column columns[7];
} lists[] = {
	{ "users", { { "NAME", "name", NULL }, { "DISPLAY", "display", NULL }, { "MAIL", "mail", NULL }, { "GROUPS", "groups", NULL }, { "ENABLED", "enabled", "true" } } },
	{ "groups", { { "NAME", "name", NULL }, { "MEMBERS", "members", NULL } } },
	{ "services", { { "NAME", "name", NULL }, { "PROJECT", "project", NULL }, { "GROUPS", "groups", NULL }, { "ENABLED", "enabled", "true" } } },
	{ "hosts", { { "NAME", "name", NULL }, { "GROUPS", "groups", NULL }, { "ENABLED", "enabled", "true" }, { "ID", "id", NULL } } },
	{ "projects", { { "NAME", "name", NULL }, { "ID", "id", NULL } } },
	{ "workloads", { { "NAME", "name", NULL }, { "PROJECT", "project", NULL }, { "IMAGE", "image", NULL }, { "HOST", "host", NULL }, { "LABELS", "labels", NULL } } },
	{ "images", { { "NAME", "name", NULL }, { "PROJECTS", "projects", NULL }, { "SIGNED", "signed", NULL }, { "DIGEST", "digest", NULL } } },
	{ "networks", { { "NAME", "name", NULL }, { "PROJECTS", "projects", NULL } } },
	{ "clients", { { "NAME", "name", NULL }, { "TYPE", "client.type", NULL }, { "REDIRECT URIS", "client.redirect_uris", NULL }, { "SCOPES", "client.scopes", NULL } } },
};

static lg_str
page_path(struct cli *c, lg_str after)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8u << 10);

	lg_buf_printf(&b, "/v1/%s?limit=200", kind(c));
	if (cli_given(c, "prefix")) {
		lg_buf_str(&b, LG_STR("&prefix="));
		lg_buf_percent(&b, cli_value(c, "prefix"));
	}
	if (after.n > 0) {
		lg_buf_str(&b, LG_STR("&after="));
		lg_buf_percent(&b, after);
	}
	return lg_dup(c->cx->arena, lg_buf_view(&b));
}

static lg_err
add_items(struct cli *c, lg_str page, struct lg_jsonw *w)
{
	struct lg_json js;

	lg_json_init(&js, c->cx->arena, lg_api_member(c->cx, page, "items"));
	lg_json_array(&js);
	while (lg_json_item(&js))
		lg_jsonw_raw(w, lg_json_raw(&js));
	if (lg_json_end(c->cx, &js) != LG_OK)
		return lg_fail(c->cx, LG_E_INVALID, "the service's answer has no list \"items\"");
	return LG_OK;
}

/* All pages as one list. */
static lg_err
collect(struct cli *c, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);
	struct lg_reply page;
	lg_str after = LG_NONE;

	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	for (int i = 0; i < CLI_PAGES; i++) {
		LG_TRY(cli_call(c, "GET", page_path(c, after), LG_NONE, &page));
		LG_TRY(add_items(c, page.body, &w));
		after = lg_api_member(c->cx, page.body, "next");
		if (after.n == 0 || lg_str_eq(after, LG_STR("null")))
			break;
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return lg_buf_status(c->cx, out);
}

lg_err
cli_list(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256u << 20);
	size_t i = 0;

	while (strcmp(lists[i].kind, kind(c)) != 0)
		i++;
	LG_TRY(collect(c, &b));
	return cli_table(c, lg_buf_view(&b), "items", lists[i].columns);
}

lg_err
cli_show_entry(struct cli *c)
{
	return cli_item(c, kind(c));
}

lg_err
cli_delete(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", cli_path(c, kind(c), c->args[0]), LG_NONE, &answer));
	cli_line(c, "%.*s is deleted", LG_FMT(c->args[0]));
	return LG_OK;
}

/* ---- members --------------------------------------------------------------------------------------------- */

static lg_err
member(struct cli *c, const char *method)
{
	struct lg_reply answer;
	lg_str type, name;

	LG_TRY(cli_split_name(c, c->args[1], &type, &name));
	lg_str tail = lg_api_path(c->cx, (const lg_str[]){ LG_STR("members"), type, name }, 3);
	return cli_call(c, method, lg_cat(c->cx->arena, cli_path(c, "groups", c->args[0]), tail), LG_NONE, &answer);
}

lg_err
cli_add_member(struct cli *c)
{
	LG_TRY(member(c, "PUT"));
	cli_line(c, "%.*s is a member of %.*s", LG_FMT(c->args[1]), LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_remove_member(struct cli *c)
{
	LG_TRY(member(c, "DELETE"));
	cli_line(c, "%.*s is no member of %.*s any more", LG_FMT(c->args[1]), LG_FMT(c->args[0]));
	return LG_OK;
}

/* ---- passwords, join tokens --------------------------------------------------------------------------------- */

static lg_err
new_password(struct cli *c, lg_str *ret)
{
	*ret = LG_NONE;
	if (cli_given(c, "password-file"))
		return cli_read_secret(c, cli_value(c, "password-file"), ret);
	return cli_given(c, "generate") ? LG_OK : cli_ask_password(c, "New password", ret);
}

lg_err
cli_set_password(struct cli *c)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(8u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	lg_str password;

	LG_TRY(new_password(c, &password));
	lg_jsonw_object(&w);
	if (password.n > 0)
		lg_jsonw_str_of(&w, "password", password);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", lg_cat(c->cx->arena, cli_path(c, "users", c->args[0]), LG_STR("/password")), lg_buf_view(&b), &answer));
	lg_str made = lg_api_member(c->cx, answer.body, "password");
	if (cli_wants_json(c))
		cli_json(c, answer.body.n > 0 ? answer.body : LG_STR("{}"));
	else if (made.n > 0)
		cli_line(c, "the new password of %.*s, shown this once: %.*s", LG_FMT(c->args[0]), LG_FMT(made));
	else
		cli_line(c, "the password of %.*s is set", LG_FMT(c->args[0]));
	return LG_OK;
}

static lg_err
tell_join_token(struct cli *c, lg_str body)
{
	lg_str token = lg_api_member(c->cx, body, "token"), expires = lg_api_member(c->cx, body, "expires");

	if (token.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "the service answered without a join token");
	if (!cli_given(c, "out")) {
		if (cli_wants_json(c))
			cli_json(c, body);
		else
			fprintf(c->out, "%.*s\n", LG_FMT(token));
		return LG_OK;
	}
	LG_TRY(cli_write_secret(c, cli_value(c, "out"), token));
	cli_line(c, "%.*s can join until %.*s: lightgate-agent join --token-file %.*s --state DIR", LG_FMT(c->args[0]), LG_FMT(expires),
	    LG_FMT(cli_value(c, "out")));
	return LG_OK;
}

lg_err
cli_create_join_token(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	int64_t life = 0;

	lg_jsonw_object(&w);
	if (cli_given(c, "life"))
		LG_TRY(cli_seconds(c, "life", &life));
	if (life > 3600)
		return lg_fail(c->cx, LG_E_INVALID, "--life is 1s to 1h, not \"%.*s\"", LG_FMT(cli_value(c, "life")));
	LG_TRY(cli_put_life(c, &w));
	lg_jsonw_object_end(&w);
	LG_TRY(cli_call(c, "POST", lg_cat(c->cx->arena, cli_path(c, "hosts", c->args[0]), LG_STR("/join-tokens")), lg_buf_view(&b), &answer));
	return tell_join_token(c, answer.body);
}
