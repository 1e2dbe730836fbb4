/* policy_ask.c: decisions and expressions over files. */
#include "cli/offline.h"

#include <stdlib.h>

#include "base/json.h"

#define ANSWER_MAX	(16u << 20)

/* ---- authorize ---------------------------------------------------------------------------------------------------- */

static void
write_answer(struct cli *c, const struct lg_policies *set, const struct lg_answer *a, const struct lg_entities *port, const struct lg_request *rq)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(ANSWER_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_policy_info info;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "decision", a->allow ? LG_STR("allow") : LG_STR("deny"));
	lg_jsonw_name(&w, LG_STR("reason"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < a->ndetermining; i++) {
		lg_policies_info(set, a->determining[i], &info);
		lg_jsonw_str(&w, info.id);
	}
	lg_jsonw_array_end(&w);
	lg_jsonw_name(&w, LG_STR("errors"));
	lg_jsonw_array(&w);
	for (size_t i = 0; i < a->nerrors; i++) {
		lg_policies_info(set, a->errors[i].policy, &info);
		lg_jsonw_object(&w);
		lg_jsonw_str_of(&w, "policy", info.id);
		lg_jsonw_str_of(&w, "message", a->errors[i].message);
		lg_jsonw_object_end(&w);
	}
	lg_jsonw_array_end(&w);
	if (cli_given(c, "explain")) {
		LG_AUTO(lg_buf_free) struct lg_buf why = LG_BUF(ANSWER_MAX);
		lg_policy_explain_json(c->cx, set, port, rq, &why);
		lg_jsonw_name(&w, LG_STR("explanation"));
		lg_jsonw_raw(&w, lg_buf_view(&why));
	}
	lg_jsonw_object_end(&w);
	cli_json(c, lg_buf_view(&b));
}

static void
tell_errors(struct cli *c, const struct lg_policies *set, const struct lg_answer *a)
{
	struct lg_policy_info info;

	for (size_t i = 0; i < a->nerrors; i++) {
		lg_policies_info(set, a->errors[i].policy, &info);
		cli_line(c, "  error     %.*s: %.*s", LG_FMT(info.id), LG_FMT(a->errors[i].message));
	}
}

static lg_err
explain(struct cli *c, const struct cli_files *f, const struct lg_entities *port, const struct lg_request *rq)
{
	lg_str text, line;

	if (!cli_given(c, "explain"))
		return LG_OK;
	LG_TRY(lg_policy_explain(c->cx, f->set, port, rq, &text));
	for (text = lg_str_trim(text); text.n > 0;) {
		(void)lg_str_cut(text, '\n', &line, &text);
		cli_line(c, "  %.*s", LG_FMT(line));
	}
	return LG_OK;
}

lg_err
cli_policy_authorize(struct cli *c)
{
	LG_AUTO(cli_files_close) struct cli_files f = { NULL, NULL, NULL };
	struct lg_request rq;
	struct lg_answer a;

	LG_TRY(cli_files_open(c, c->args, c->nargs, &f));
	LG_TRY(cli_entities_open(c, f.schema, &f.store));
	LG_TRY(cli_request_open(c, f.schema, &rq));
	struct lg_entities port = lg_entity_store_port(f.store);
	lg_authorize(c->cx, f.set, &port, &rq, &a);
	c->answer = a.allow ? CLI_YES : CLI_NO;
	if (cli_wants_json(c)) {
		write_answer(c, f.set, &a, &port, &rq);
		return LG_OK;
	}
	cli_line(c, "%s", a.allow ? "allow" : "deny");
	if (a.ndetermining > 0)
		cli_line(c, "  by        %.*s", LG_FMT(cli_ids(c, f.set, a.determining, a.ndetermining)));
	tell_errors(c, f.set, &a);
	return explain(c, &f, &port, &rq);
}

/* ---- evaluate ------------------------------------------------------------------------------------------------------- */

lg_err
cli_policy_evaluate(struct cli *c)
{
	LG_AUTO(cli_files_close) struct cli_files f = { NULL, NULL, NULL };
	bool asked = cli_given(c, "request") || cli_given(c, "principal");
	struct lg_request rq;
	struct lg_value v;

	LG_TRY(cli_schema_open(c, &f.schema));
	LG_TRY(cli_entities_open(c, f.schema, &f.store));
	if (asked)
		LG_TRY(cli_request_open(c, f.schema, &rq));
	struct lg_entities port = lg_entity_store_port(f.store);
	LG_TRY(lg_policy_evaluate(c->cx, c->args[0], &port, asked ? &rq : NULL, &v));
	lg_str text = lg_value_text(c->cx->arena, &v);
	if (cli_wants_json(c))
		cli_json(c, text);
	cli_line(c, "%.*s", LG_FMT(text));
	c->answer = v.kind == LG_V_BOOL && !v.u.b ? CLI_NO : CLI_YES;
	return LG_OK;
}
