/* ssh.c: SSH certificates: for a new key, for one that is there, and what sshd must trust. */
#include "cli/cli.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/ssh.h"

static lg_err
ask(struct cli *c, lg_str public_key, lg_str *body)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(64u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str names = cli_value(c, "principal"), one;
	struct lg_reply answer;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "public_key", public_key);
	if (cli_given(c, "profile"))
		lg_jsonw_str_of(&w, "profile", cli_value(c, "profile"));
	lg_jsonw_name(&w, LG_STR("principals"));
	lg_jsonw_array(&w);
	while (names.n > 0) {
		lg_str_cut(names, ',', &one, &names);
		lg_jsonw_str(&w, one);
	}
	lg_jsonw_array_end(&w);
	LG_TRY(cli_put_life(c, &w));
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/ssh/certificates"), lg_buf_view(&b), &answer));
	*body = answer.body;
	return LG_OK;
}

static lg_err
save(struct cli *c, const char *path, lg_str body)
{
	lg_str cert = lg_api_member(c->cx, body, "certificate");

	if (cert.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "the service answered without a certificate");
	LG_TRY(lg_file_write(c->cx, path, 0644, cert));
	if (cli_wants_json(c))
		cli_json(c, body);
	cli_line(c, "%s is written; it expires %.*s", path, LG_FMT(lg_api_member(c->cx, body, "expires")));
	return LG_OK;
}

/* ---- sign: FILE.pub to FILE-cert.pub, where ssh looks for it -------------------------------------------- */

lg_err
cli_ssh_sign(struct cli *c)
{
	lg_str path = c->args[0], ending = LG_STR(".pub"), text, body, out;

	LG_TRY(cli_read_file(c, path, &text));
	if (lg_str_ends(path, ending))
		path = lg_str_sub(path, 0, path.n - ending.n);
	out = cli_given(c, "out") ? lg_dup(c->cx->arena, cli_value(c, "out")) : lg_print(c->cx->arena, "%.*s-cert.pub", LG_FMT(path));
	LG_TRY(ask(c, lg_str_trim(text), &body));
	return save(c, out.p, body);
}

/* ---- login: a key of its own for each time ----------------------------------------------------------------- */

static lg_err
default_path(struct cli *c, lg_str *ret)
{
	const char *home = getenv("HOME");

	if (cli_given(c, "out")) {
		*ret = lg_dup(c->cx->arena, cli_value(c, "out"));
		return LG_OK;
	}
	if (home == NULL || home[0] != '/')
		return lg_fail(c->cx, LG_E_INVALID, "where to? --out FILE");
	LG_TRY(lg_dir_make(c->cx, lg_print(c->cx->arena, "%s/.ssh", home).p, 0700));
	*ret = lg_print(c->cx->arena, "%s/.ssh/lightgate", home);
	return LG_OK;
}

lg_err
cli_ssh_login(struct cli *c)
{
	LG_AUTO(lg_key_free) struct lg_key *key = NULL;
	LG_AUTO(lg_buf_free) struct lg_buf blob = LG_BUF(4096);
	lg_str path, pem, line, body;

	LG_TRY(default_path(c, &path));
	LG_TRY(lg_key_generate(c->cx, LG_KEY_P256, &key));
	lg_ssh_put_key(&blob, &lg_key_public(key)->parts);
	line = lg_ssh_line(c->cx->arena, lg_buf_view(&blob), LG_STR("lightgate"));
	LG_TRY(ask(c, lg_str_trim(line), &body));
	LG_TRY(lg_key_pem(c->cx, key, &pem));
	LG_TRY(lg_file_write(c->cx, path.p, 0600, pem));
	LG_TRY(lg_file_write(c->cx, lg_print(c->cx->arena, "%.*s.pub", LG_FMT(path)).p, 0644, line));
	return save(c, lg_print(c->cx->arena, "%.*s-cert.pub", LG_FMT(path)).p, body);
}

/* ---- trust and krl: what sshd and ssh read ------------------------------------------------------------------ */

lg_err
cli_ssh_trust(struct cli *c)
{
	bool hosts = cli_given(c, "hosts");
	struct lg_reply answer;
	lg_str line, rest, pattern = cli_value(c, "hosts");

	LG_TRY(cli_call(c, "GET", hosts ? LG_STR("/ssh/host_ca.pub") : LG_STR("/ssh/user_ca.pub"), LG_NONE, &answer));
	for (rest = answer.body; rest.n > 0;) {
		lg_str_cut(rest, '\n', &line, &rest);
		if (line.n > 0 && hosts)
			line = lg_print(c->cx->arena, "@cert-authority %.*s %.*s", LG_FMT(pattern), LG_FMT(line));
		if (line.n > 0) {
			cli_print(c, line);
			fputc('\n', c->out);
		}
	}
	return LG_OK;
}

lg_err
cli_ssh_krl(struct cli *c)
{
	struct lg_reply answer;

	if (!cli_given(c, "out"))
		return lg_fail(c->cx, LG_E_INVALID, "where to? --out FILE");
	LG_TRY(cli_call(c, "GET", LG_STR("/ssh/krl"), LG_NONE, &answer));
	LG_TRY(lg_file_write(c->cx, lg_dup(c->cx->arena, cli_value(c, "out")).p, 0644, answer.body));
	cli_line(c, "%.*s is written", LG_FMT(cli_value(c, "out")));
	return LG_OK;
}
