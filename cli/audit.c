/* audit.c: the record of changes and decisions, and its chains. */
#include "cli/cli.h"

#include "base/text.h"

static const struct cli_column columns[] = {
	{ "TIME", "time", NULL }, { "ACTOR", "actor", NULL }, { "OPERATION", "operation", NULL }, { "TARGET", "target", NULL },
	{ "RESULT", "result", NULL }, { "POLICY", "policy", NULL }, { "ASKED BY", "asker", NULL },
	{ "MADE AT", "made_at", "" }, { "UNTIL", "made_until", "" }, { "TIMES", "count", "" }, { NULL, NULL, NULL },
};

lg_err
cli_audit_list(struct cli *c)
{
	static const char *const filters[] = { "limit", "actor", "operation", "target", "host" };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_reply answer;

	lg_buf_str(&b, LG_STR("/v1/audit"));
	char separator = '?';
	for (size_t i = 0; i < LG_COUNT(filters); i++) {
		if (!cli_given(c, filters[i]))
			continue;
		lg_buf_printf(&b, "%c%s=", separator, filters[i]);
		lg_buf_percent(&b, cli_value(c, filters[i]));
		separator = '&';
	}
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "GET", lg_dup(c->cx->arena, lg_buf_view(&b)), LG_NONE, &answer));
	return cli_table(c, answer.body, "items", columns);
}

/* One chain's line; false when it does not match. */
static bool
tell_chain(struct cli *c, lg_str body, const char *name)
{
	lg_str chain = lg_api_member(c->cx, body, name);
	bool ok = lg_api_is_true(c->cx, chain, "ok");

	cli_line(c, "%-10s %s  epoch %.*s, %.*s records, head %.*s", name, ok ? "intact" : "DOES NOT MATCH",
	    LG_FMT(lg_api_member(c->cx, chain, "epoch")), LG_FMT(lg_api_member(c->cx, chain, "seq")),
	    LG_FMT(lg_str_sub(lg_api_member(c->cx, chain, "hash"), 0, 16)));
	return ok;
}

lg_err
cli_audit_verify(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", LG_STR("/v1/audit/verify"), LG_NONE, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	bool changes = tell_chain(c, answer.body, "changes"), decisions = tell_chain(c, answer.body, "decisions");
	c->answer = changes && decisions ? CLI_YES : CLI_NO;
	return LG_OK;
}
