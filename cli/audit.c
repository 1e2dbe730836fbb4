/* audit.c: the record of changes and decisions, and its chains. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#define HEADS_FILE	(64u << 10)	/* octets of a file with signed heads */
#define HEADS_LIST	4096		/* and of what the service is told of them */

static const char *const chains[] = { "changes", "decisions" };

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

/* One chain's line. */
static void
tell_chain(struct cli *c, lg_str body, const char *name)
{
	lg_str chain = lg_api_member(c->cx, body, name);
	bool ok = lg_api_is_true(c->cx, chain, "ok");

	cli_line(c, "%-10s %s  epoch %.*s, %.*s records, head %.*s", name, ok ? "intact" : "DOES NOT MATCH",
	    LG_FMT(lg_api_member(c->cx, chain, "epoch")), LG_FMT(lg_api_member(c->cx, chain, "seq")),
	    LG_FMT(lg_str_sub(lg_api_member(c->cx, chain, "hash"), 0, 16)));
}

/* ---- heads that were kept -------------------------------------------------------------------------------------------------- */

/* One signed head as the service wants it: CHAIN.EPOCH.SEQ.HASH. */
static lg_err
add_head(struct cli *c, lg_str head, struct lg_buf *list)
{
	static const char *const members[] = { "chain", "epoch", "seq", "hash" };

	for (size_t i = 0; i < LG_COUNT(members); i++) {
		lg_str value = lg_api_member(c->cx, head, members[i]);
		if (value.n == 0)
			return lg_fail(c->cx, LG_E_INVALID, "a signed head has %s", members[i]);
		lg_buf_byte(list, i > 0 ? '.' : list->n > 0 ? ',' : '=');
		lg_buf_percent(list, value);
	}
	return LG_OK;
}

/* What `audit verify -o json` wrote, or an agent's heads.json. */
static lg_err
add_file(struct cli *c, lg_str name, struct lg_buf *list)
{
	struct lg_json js;
	lg_str text;

	LG_TRY(lg_file_read(c->cx, lg_dup(c->cx->arena, name).p, HEADS_FILE, &text));
	lg_str heads = lg_api_raw(c->cx, text, "heads");
	if (lg_api_raw(c->cx, text, chains[0]).n > 0) {
		for (size_t i = 0; i < LG_COUNT(chains); i++)
			LG_TRY(add_head(c, lg_api_raw(c->cx, lg_api_raw(c->cx, text, chains[i]), "signed"), list));
		return LG_OK;
	}
	if (heads.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "no signed heads are there");
	lg_json_init(&js, c->cx->arena, heads);
	lg_json_array(&js);
	while (lg_json_item(&js))
		LG_TRY(add_head(c, lg_json_raw(&js), list));
	return lg_json_end(c->cx, &js);
}

static lg_err
verify_path(struct cli *c, lg_str *ret)
{
	LG_AUTO(lg_buf_free) struct lg_buf list = LG_BUF(HEADS_LIST);

	for (size_t i = 0; i < c->nargs; i++) {
		lg_err e = add_file(c, c->args[i], &list);
		if (e != LG_OK)
			return lg_fail_in(c->cx, e, lg_dup(c->cx->arena, c->args[i]).p);
	}
	LG_TRY(lg_buf_status(c->cx, &list));
	*ret = lg_print(c->cx->arena, "/v1/audit/verify%s%.*s", list.n > 0 ? "?heads" : "", LG_FMT(lg_buf_view(&list)));
	return LG_OK;
}

static void
tell_heads(struct cli *c, lg_str body)
{
	lg_str heads = lg_api_raw(c->cx, body, "heads");
	struct lg_json js;

	lg_json_init(&js, c->cx->arena, heads);
	lg_json_array(&js);
	while (heads.n > 0 && lg_json_item(&js)) {
		lg_str head = lg_json_raw(&js);
		const char *log = chains[lg_str_eq(lg_api_member(c->cx, head, "chain"), LG_STR("1"))];
		if (lg_api_is_true(c->cx, head, "ok"))
			cli_line(c, "%-10s goes on from record %.*s as it was kept", log, LG_FMT(lg_api_member(c->cx, head, "seq")));
		else
			cli_line(c, "%-10s DOES NOT GO ON from record %.*s as it was kept: %.*s", log, LG_FMT(lg_api_member(c->cx, head, "seq")),
			    LG_FMT(lg_api_member(c->cx, head, "fault")));
	}
}

lg_err
cli_audit_verify(struct cli *c)
{
	struct lg_reply answer;
	lg_str path;

	LG_TRY(verify_path(c, &path));
	LG_TRY(cli_call(c, "GET", path, LG_NONE, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	for (size_t i = 0; i < LG_COUNT(chains); i++)
		tell_chain(c, answer.body, chains[i]);
	tell_heads(c, answer.body);
	c->answer = lg_api_is_true(c->cx, answer.body, "ok") ? CLI_YES : CLI_NO;
	return LG_OK;
}
