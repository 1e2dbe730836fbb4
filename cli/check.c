/* check.c: one question to the decision point (AuthZEN Authorization API 1.0, section 6). */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

void
cli_put_entity(struct lg_jsonw *w, const char *member, lg_str type, lg_str id)
{
	lg_jsonw_name(w, lg_str_of(member));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "type", type);
	lg_jsonw_str_of(w, "id", id);
}

lg_err
cli_put_subject(struct cli *c, struct lg_jsonw *w)
{
	lg_str type = LG_STR("User"), id = LG_NONE;
	struct lg_reply self;

	if (cli_given(c, "as")) {
		LG_TRY(cli_split_name(c, cli_value(c, "as"), &type, &id));
	} else if (cli_given(c, "client-id")) {
		type = LG_STR("Service");
		id = cli_value(c, "client-id");
	} else if (!cli_given(c, "subject-token-file")) {
		struct lg_call call = { .method = "GET", .path = LG_STR("/v1/whoami"), .token = c->session.token };
		LG_TRY(lg_api_call(c->cx, c->session.link, &call, &self));
		type = lg_api_member(c->cx, self.body, "type");
		id = lg_api_member(c->cx, self.body, "id");
	}
	cli_put_entity(w, "subject", type, id);
	lg_jsonw_object_end(w);
	return LG_OK;
}

static lg_err
put_resource(struct cli *c, struct lg_jsonw *w)
{
	static const char *const properties[] = { "project", "image", "host" };
	lg_str type, id;

	LG_TRY(cli_split_name(c, c->args[1], &type, &id));
	cli_put_entity(w, "resource", type, id);
	lg_jsonw_name(w, LG_STR("properties"));
	lg_jsonw_object(w);
	for (size_t i = 0; i < LG_COUNT(properties); i++)
		if (cli_given(c, properties[i]))
			lg_jsonw_str_of(w, properties[i], cli_value(c, properties[i]));
	lg_jsonw_object_end(w);
	lg_jsonw_object_end(w);
	return LG_OK;
}

lg_err
cli_put_context(struct cli *c, struct lg_jsonw *w)
{
	int64_t port;

	lg_jsonw_name(w, LG_STR("context"));
	lg_jsonw_object(w);
	if (cli_given(c, "port")) {
		if (!lg_int_parse(cli_value(c, "port"), &port) || port < 1 || port > 65535)
			return lg_fail(c->cx, LG_E_INVALID, "--port is 1 to 65535");
		lg_jsonw_int_of(w, "port", port);
	}
	if (cli_given(c, "protocol"))
		lg_jsonw_str_of(w, "protocol", cli_value(c, "protocol"));
	lg_jsonw_object_end(w);
	return LG_OK;
}

static lg_err
put_question(struct cli *c, struct lg_jsonw *w)
{
	lg_jsonw_object(w);
	LG_TRY(cli_put_subject(c, w));
	lg_jsonw_name(w, LG_STR("action"));
	lg_jsonw_object(w);
	lg_jsonw_str_of(w, "name", c->args[0]);
	lg_jsonw_object_end(w);
	LG_TRY(put_resource(c, w));
	LG_TRY(cli_put_context(c, w));
	lg_jsonw_object_end(w);
	return lg_buf_status(c->cx, w->out);
}

static void
tell(struct cli *c, bool permit, lg_str context)
{
	lg_str policy = lg_api_member(c->cx, context, "policy"), reason = lg_api_member(c->cx, context, "reason");
	lg_str id = lg_api_member(c->cx, context, "id"), advice = cli_text(c, lg_api_raw(c->cx, context, "advice"));
	lg_str ignored = cli_text(c, lg_api_raw(c->cx, context, "ignored"));

	cli_line(c, "%s  %.*s on %.*s", permit ? "permit" : "deny", LG_FMT(c->args[0]), LG_FMT(c->args[1]));
	if (reason.n > 0)
		cli_line(c, "  reason    %.*s", LG_FMT(reason));
	if (policy.n > 0)
		cli_line(c, "  policy    %.*s", LG_FMT(policy));
	if (advice.n > 0)
		cli_line(c, "  advice    %.*s", LG_FMT(advice));
	if (ignored.n > 0)
		cli_line(c, "  ignored   %.*s", LG_FMT(ignored));
	if (id.n > 0)
		cli_line(c, "  decision  %.*s", LG_FMT(id));
}

static lg_err
take_ticket(struct cli *c, bool permit, lg_str context)
{
	lg_str ticket = lg_api_member(c->cx, context, "ticket");

	if (!cli_given(c, "ticket-out") || !permit)
		return LG_OK;
	if (ticket.n == 0)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "the permit brings no ticket: that takes container:create, --host, and a subject "
		    "that is you or is proved by --subject-token-file");
	return cli_write_secret(c, cli_value(c, "ticket-out"), ticket);
}

lg_err
cli_check(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	lg_str token = LG_NONE, type, name;

	LG_TRY(cli_split_name(c, c->args[1], &type, &name));
	if (cli_given(c, "as") && cli_given(c, "subject-token-file"))
		return lg_fail(c->cx, LG_E_INVALID, "--as and --subject-token-file both say who");
	if (cli_given(c, "subject-token-file"))
		LG_TRY(cli_read_secret(c, cli_value(c, "subject-token-file"), &token));
	LG_TRY(cli_sign_in(c, "/access/v1"));
	LG_TRY(put_question(c, &w));
	struct lg_call call = {
		.method = "POST", .path = LG_STR("/access/v1/evaluation"), .body = lg_buf_view(&b), .token = c->session.token,
		.headers = { { token.n > 0 ? "Lightgate-Subject-Token" : NULL, token } },
	};
	LG_TRY(lg_api_call(c->cx, c->session.link, &call, &answer));
	bool permit = lg_api_is_true(c->cx, answer.body, "decision");
	lg_str context = lg_api_member(c->cx, answer.body, "context");
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	tell(c, permit, context);
	c->answer = permit ? CLI_YES : CLI_NO;
	return take_ticket(c, permit, context);
}
