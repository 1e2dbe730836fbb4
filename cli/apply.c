/* apply.c: a YAML state on the wire as JSON; what changed as a table. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

static const struct cli_column change_columns[] = {
	{ "KIND", "kind", NULL }, { "NAME", "name", NULL }, { "CHANGE", "change", NULL }, { "FIELDS", "fields", NULL }, { NULL, NULL, NULL },
};
static const struct cli_column credential_columns[] = {
	{ "KIND", "kind", NULL }, { "NAME", "name", NULL }, { "SECRET", "secret", NULL }, { NULL, NULL, NULL },
};

/* Rows that stay as they are would drown the others. */
static lg_str
only_changes(struct cli *c, lg_str body)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(CLI_FILE_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_json js;

	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("changes"));
	lg_jsonw_array(&w);
	lg_json_init(&js, c->cx->arena, lg_api_member(c->cx, body, "changes"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str item = lg_json_raw(&js);
		if (!lg_str_eq(lg_api_member(c->cx, item, "change"), LG_STR("unchanged")))
			lg_jsonw_raw(&w, item);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return lg_dup(c->cx->arena, lg_buf_view(&b));
}

static lg_err
tell_secrets(struct cli *c, lg_str body)
{
	lg_str secrets = lg_api_member(c->cx, body, "credentials");

	if (secrets.n == 0 || lg_str_eq(secrets, LG_STR("[]")))
		return LG_OK;
	if (cli_given(c, "credentials")) {
		LG_TRY(cli_write_secret(c, cli_value(c, "credentials"), secrets));
		cli_line(c, "new secrets are in %.*s", LG_FMT(cli_value(c, "credentials")));
		return LG_OK;
	}
	if (cli_wants_json(c))
		return LG_OK;		/* they stand in the answer */
	fprintf(c->out, "\nNew secrets, shown this once:\n");
	return cli_table(c, body, "credentials", credential_columns);
}

static lg_err
tell_changes(struct cli *c, lg_str body, bool dry_run)
{
	lg_str created = lg_api_member(c->cx, body, "created"), changed = lg_api_member(c->cx, body, "changed");
	lg_str same = lg_api_member(c->cx, body, "unchanged");
	int64_t n = 0, m = 0;

	if (!lg_int_parse(created, &n) || !lg_int_parse(changed, &m))
		return lg_fail(c->cx, LG_E_INVALID, "the service's answer does not count the changes");
	if (n + m == 0) {
		cli_line(c, "nothing changed: all %.*s entries are as the file says", LG_FMT(same));
		return LG_OK;
	}
	LG_TRY(cli_table(c, only_changes(c, body), "changes", change_columns));
	cli_line(c, "%s%lld created, %lld changed, %.*s unchanged", dry_run ? "would be: " : "", (long long)n, (long long)m, LG_FMT(same));
	return LG_OK;
}

/* The settings of mail name the file of their password; what goes out is what it holds. */
static lg_err
with_mail(struct cli *c, lg_str *state)
{
	lg_str raw = lg_api_raw(c->cx, *state, "mail"), mail = raw;

	if (raw.n == 0)
		return LG_OK;
	LG_TRY(cli_mail_document(c, &mail));
	size_t before = (size_t)(raw.p - state->p), after = before + raw.n;
	*state = lg_cat(c->cx->arena, lg_cat(c->cx->arena, lg_str_sub(*state, 0, before), mail), lg_str_sub(*state, after, state->n - after));
	return LG_OK;
}

lg_err
cli_apply(struct cli *c)
{
	bool dry_run = cli_given(c, "dry-run");
	struct lg_reply answer;
	lg_str state;

	LG_TRY(cli_read_document(c, "apply", &state));
	LG_TRY(with_mail(c, &state));
	LG_TRY(cli_call(c, "POST", dry_run ? LG_STR("/v1/apply?dry_run=true") : LG_STR("/v1/apply"), state, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	else
		LG_TRY(tell_changes(c, answer.body, dry_run));
	return tell_secrets(c, answer.body);
}
