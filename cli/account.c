/* account.c: what a person has beside a password: second factors and sessions; and the settings of mail to people. */
#include "cli/cli.h"

#include "base/json.h"

static lg_str
path_of(struct cli *c, const char *what, lg_str id)
{
	const lg_str parts[] = { LG_STR("v1"), LG_STR("users"), c->args[0], lg_str_of(what), id };

	return lg_api_path(c->cx, parts, id.n > 0 ? 5 : 4);
}

/* ---- factors, sessions -------------------------------------------------------------------------------------------------- */

lg_err
cli_factors(struct cli *c)
{
	static const struct cli_column columns[] = { { "ID", "id", NULL }, { "KIND", "kind", NULL }, { "NAME", "name", NULL },
		{ "CREATED", "created", NULL }, { "USED", "used", "never" }, { "LEFT", "left", NULL }, { NULL, NULL, NULL } };
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", path_of(c, "factors", LG_NONE), LG_NONE, &answer));
	return cli_table(c, answer.body, "items", columns);
}

lg_err
cli_remove_factor(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", path_of(c, "factors", c->args[1]), LG_NONE, &answer));
	cli_line(c, "%.*s of %.*s is removed", LG_FMT(c->args[1]), LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_sessions(struct cli *c)
{
	static const struct cli_column columns[] = { { "ID", "id", NULL }, { "SINCE", "began", NULL }, { "EXPIRES", "expires", NULL },
		{ "ADDRESS", "address", NULL }, { "BY", "amr", NULL }, { "AGENT", "agent", NULL }, { NULL, NULL, NULL } };
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", path_of(c, "sessions", LG_NONE), LG_NONE, &answer));
	return cli_table(c, answer.body, "items", columns);
}

lg_err
cli_end_sessions(struct cli *c)
{
	struct lg_reply answer;
	bool one = cli_given(c, "id");

	LG_TRY(cli_call(c, "DELETE", path_of(c, "sessions", one ? cli_value(c, "id") : LG_NONE), LG_NONE, &answer));
	cli_line(c, one ? "the session of %.*s is ended" : "%.*s is signed out everywhere", LG_FMT(c->args[0]));
	return LG_OK;
}

/* ---- mail ------------------------------------------------------------------------------------------------------------------- */

lg_err
cli_mail_show(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", LG_STR("/v1/mail"), LG_NONE, &answer));
	return cli_show(c, answer.body);
}

lg_err
cli_mail_document(struct cli *c, lg_str *json)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(CLI_FILE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_json js;
	lg_str name, secret;

	lg_json_init(&js, c->cx->arena, *json);
	lg_jsonw_object(&w);
	lg_json_object(&js);
	while (lg_json_member(&js, &name)) {
		if (lg_str_eq(name, LG_STR("password_file"))) {
			LG_TRY(cli_read_secret(c, lg_json_str(&js), &secret));
			lg_jsonw_str_of(&w, "password", secret);
		} else {
			lg_jsonw_name(&w, name);
			lg_jsonw_raw(&w, lg_json_raw(&js));
		}
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_json_end(c->cx, &js));
	LG_TRY(lg_buf_status(c->cx, &b));
	*json = lg_dup(c->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
cli_mail_set(struct cli *c)
{
	struct lg_reply answer;
	lg_str json;

	LG_TRY(cli_read_document(c, "mail set", &json));
	LG_TRY(cli_mail_document(c, &json));
	LG_TRY(cli_call(c, "PUT", LG_STR("/v1/mail"), json, &answer));
	cli_line(c, "mail is set; lightgate mail test ADDRESS tries it");
	return LG_OK;
}

lg_err
cli_mail_test(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "to", c->args[0]);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/mail"), lg_buf_view(&b), &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	if (!lg_str_eq(lg_api_member(c->cx, answer.body, "sent"), LG_STR("true")))
		return lg_fail(c->cx, LG_E_UNAVAILABLE, "the message was not taken: %.*s", LG_FMT(lg_api_member(c->cx, answer.body, "why")));
	cli_line(c, "a message is on its way to %.*s", LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_mail_delete(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", LG_STR("/v1/mail"), LG_NONE, &answer));
	cli_line(c, "no more mail is sent");
	return LG_OK;
}
