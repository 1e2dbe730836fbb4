/* federation.c: other trust domains, and certificates of theirs. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

static const struct cli_column columns[] = {
	{ "TRUST DOMAIN", "trust_domain", NULL }, { "PROFILE", "profile", NULL }, { "ROOTS", "roots", NULL }, { "SEQUENCE", "sequence", NULL },
	{ "CHANGED", "changed", NULL }, { "URL", "url", NULL }, { "ERROR", "error", NULL }, { NULL, NULL, NULL },
};

lg_err
cli_federation_list(struct cli *c)
{
	return cli_items(c, "federation", columns);
}

lg_err
cli_federation_show(struct cli *c)
{
	return cli_item(c, "federation");
}

/* The profile follows from what is said. */
static const char *
profile_of(struct cli *c)
{
	return !cli_given(c, "endpoint") ? "manual" : cli_given(c, "endpoint-id") ? "https_spiffe" : "https_web";
}

static lg_err
wish(struct cli *c, struct lg_buf *b)
{
	struct lg_jsonw w = lg_jsonw_of(b);
	lg_str text;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "profile", lg_str_of(profile_of(c)));
	if (cli_given(c, "endpoint"))
		lg_jsonw_str_of(&w, "url", cli_value(c, "endpoint"));
	if (cli_given(c, "endpoint-id"))
		lg_jsonw_str_of(&w, "endpoint_spiffe_id", cli_value(c, "endpoint-id"));
	if (cli_given(c, "endpoint-ca")) {
		LG_TRY(cli_read_file(c, cli_value(c, "endpoint-ca"), &text));
		lg_jsonw_str_of(&w, "ca", text);
	}
	if (cli_given(c, "bundle")) {
		LG_TRY(cli_read_file(c, cli_value(c, "bundle"), &text));
		lg_jsonw_name(&w, LG_STR("bundle"));
		lg_jsonw_raw(&w, lg_str_trim(text));
	}
	lg_jsonw_object_end(&w);
	return lg_buf_status(c->cx, b);
}

lg_err
cli_federation_refresh(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "POST", lg_cat(c->cx->arena, cli_path(c, "federation", c->args[0]), LG_STR("/refresh")), LG_NONE, &answer));
	cli_line(c, "the bundle of %.*s is fetched", LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_federation_set(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256u << 10);
	struct lg_reply answer;

	LG_TRY(wish(c, &b));
	LG_TRY(cli_call(c, "PUT", cli_path(c, "federation", c->args[0]), lg_buf_view(&b), &answer));
	cli_line(c, "trust domain %.*s is %s, %s", LG_FMT(c->args[0]), answer.status == 201 ? "added" : "changed", profile_of(c));
	return cli_given(c, "endpoint") ? cli_federation_refresh(c) : LG_OK;
}

lg_err
cli_federation_delete(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "DELETE", cli_path(c, "federation", c->args[0]), LG_NONE, &answer));
	cli_line(c, "trust domain %.*s is not known any more", LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_federation_verify(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(128u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	lg_str text;

	LG_TRY(cli_read_file(c, c->args[0], &text));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "certificate", text);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/federation/verify"), lg_buf_view(&b), &answer));
	cli_line(c, "%.*s, until %.*s", LG_FMT(lg_api_member(c->cx, answer.body, "spiffe_id")), LG_FMT(lg_api_member(c->cx, answer.body, "expires")));
	return LG_OK;
}
