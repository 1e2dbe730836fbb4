/* certificate.c: the inventory, revocation, and a new key with its certificate. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

static const struct cli_column columns[] = {
	{ "SERIAL", "serial", NULL }, { "SUBJECT", "subject", NULL }, { "PROFILE", "profile", NULL }, { "STATE", "state", NULL }, { "EXPIRES", "expires", NULL },
	{ NULL, NULL, NULL },
};

lg_err
cli_certificate_list(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_reply answer;

	lg_buf_str(&b, LG_STR("/v1/certificates?limit=500"));
	if (cli_given(c, "subject")) {
		lg_buf_str(&b, LG_STR("&subject="));
		lg_buf_percent(&b, cli_value(c, "subject"));
	}
	if (cli_given(c, "serial")) {
		lg_buf_str(&b, LG_STR("&serial="));
		lg_buf_percent(&b, cli_value(c, "serial"));
	}
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "GET", lg_dup(c->cx->arena, lg_buf_view(&b)), LG_NONE, &answer));
	return cli_table(c, answer.body, "items", columns);
}

lg_err
cli_certificate_revoke(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;

	lg_jsonw_object(&w);
	if (cli_given(c, "reason"))
		lg_jsonw_str_of(&w, "reason", cli_value(c, "reason"));
	lg_jsonw_object_end(&w);
	lg_str path = lg_api_path(c->cx, (const lg_str[]){ LG_STR("v1"), LG_STR("certificates"), c->args[0], LG_STR("revoke") }, 4);
	LG_TRY(cli_call(c, "POST", path, lg_buf_view(&b), &answer));
	cli_line(c, "%.*s is revoked", LG_FMT(c->args[0]));
	return LG_OK;
}

/* ---- issue ------------------------------------------------------------------------------------------- */

/* No names: the service takes them from the directory entry. */
static lg_err
own_request(struct cli *c, const struct lg_key *key, lg_str *pem)
{
	lg_str csr;

	LG_TRY(lg_csr_make(c->cx, key, &(struct lg_csr_names){ .common_name = LG_NONE }, &csr));
	*pem = lg_pem(c->cx->arena, LG_STR("CERTIFICATE REQUEST"), csr);
	return LG_OK;
}

/* key: made here, NULL for a request from a file and for a key of the service. */
static lg_err
make_request(struct cli *c, const struct lg_key *key, struct lg_buf *out)
{
	struct lg_jsonw w = lg_jsonw_of(out);
	lg_str csr = LG_NONE;

	if (key != NULL)
		LG_TRY(own_request(c, key, &csr));
	else if (cli_given(c, "csr"))
		LG_TRY(lg_file_read(c->cx, lg_dup(c->cx->arena, cli_value(c, "csr")).p, 64u << 10, &csr));
	lg_jsonw_object(&w);
	if (csr.n > 0)
		lg_jsonw_str_of(&w, "csr", csr);
	else
		lg_jsonw_str_of(&w, "key", cli_value(c, "server-key"));
	lg_jsonw_str_of(&w, "profile", cli_value(c, "profile"));
	lg_jsonw_object_end(&w);
	return lg_buf_status(c->cx, out);
}

static lg_err
save_key(struct cli *c, const struct lg_key *key, lg_str body)
{
	const char *path = lg_dup(c->cx->arena, cli_value(c, "key-out")).p;
	lg_str pem = lg_api_member(c->cx, body, "private_key");

	if (key != NULL)
		LG_TRY(lg_key_pem(c->cx, key, &pem));
	else if (pem.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "the service answered without a key");
	LG_TRY(lg_file_write(c->cx, path, 0600, pem));
	cli_line(c, "%s is written", path);
	return LG_OK;
}

static lg_err
save(struct cli *c, const struct lg_key *key, lg_str body)
{
	lg_str cert = lg_api_member(c->cx, body, "certificate"), chain = lg_api_member(c->cx, body, "chain");
	const char *path = lg_dup(c->cx->arena, cli_value(c, "cert-out")).p;

	if (cert.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "the service answered without a certificate");
	if (!cli_given(c, "csr"))
		LG_TRY(save_key(c, key, body));
	LG_TRY(lg_file_write(c->cx, path, 0644, lg_cat(c->cx->arena, cert, chain)));
	if (cli_wants_json(c))
		cli_json(c, body);
	cli_line(c, "%s is written; the certificate expires %.*s", path, LG_FMT(lg_api_member(c->cx, body, "expires")));
	return LG_OK;
}

static lg_err
check_options(struct cli *c)
{
	bool csr = cli_given(c, "csr"), server_key = cli_given(c, "server-key");
	const char *const needed[] = { "profile", csr ? NULL : "key-out", "cert-out" };

	if (csr && (server_key || cli_given(c, "key-out")))
		return lg_fail(c->cx, LG_E_INVALID, "--csr brings its own key: without --server-key and --key-out");
	for (size_t i = 0; i < LG_COUNT(needed); i++)
		if (needed[i] != NULL && !cli_given(c, needed[i]))
			return lg_fail(c->cx, LG_E_INVALID, "--%s is missing", needed[i]);
	return LG_OK;
}

lg_err
cli_certificate_issue(struct cli *c)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_reply answer;

	LG_TRY(check_options(c));
	if (!cli_given(c, "csr") && !cli_given(c, "server-key"))
		LG_TRY(lg_key_generate(c->cx, LG_KEY_P256, &key));
	LG_TRY(make_request(c, key, &b));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/certificates"), lg_buf_view(&b), &answer));
	return save(c, key, answer.body);
}
