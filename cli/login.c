/* login.c: login, logout, whoami. */
#include "cli/cli.h"

#include "base/text.h"

static lg_err
find_password(struct cli *c, lg_str user, lg_str *ret)
{
	if (cli_given(c, "password-file"))
		return cli_read_secret(c, cli_value(c, "password-file"), ret);
	*ret = cli_dev_secret(c, user);
	return ret->n > 0 ? LG_OK : cli_ask_password(c, "Password", ret);
}

lg_err
cli_login(struct cli *c)
{
	lg_str user = cli_value(c, "user"), password, admin;
	struct lg_reply answer;
	int64_t life = 0;

	LG_TRY(cli_session_open(c));
	admin = lg_api_member(c->cx, c->session.dev, "admin");
	if (user.n == 0)
		user = lg_api_member(c->cx, admin, "username");
	if (user.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "who are you? lightgate login --user NAME");
	if (lg_str_eq(user, lg_api_member(c->cx, admin, "username")) && !cli_given(c, "password-file") &&
	    !cli_given(c, "tenant"))
		password = lg_api_member(c->cx, admin, "password");
	else
		LG_TRY(find_password(c, user, &password));
	LG_TRY(cli_password_token(c, user, password, &answer));
	if (!lg_int_parse(lg_api_member(c->cx, answer.body, "expires_in"), &life) || life <= 0 || life > 86400)
		return lg_fail(c->cx, LG_E_INVALID, "the service answered the sign-in without a life of the token");
	LG_TRY(cli_session_save(c, lg_api_member(c->cx, answer.body, "access_token"), life, lg_api_member(c->cx, answer.body, "subject")));
	cli_line(c, "signed in as %.*s for %lld minutes", LG_FMT(user), (long long)(life + 59) / 60);
	return LG_OK;
}

lg_err
cli_logout(struct cli *c)
{
	bool was_there;

	LG_TRY(cli_session_forget(c, &was_there));
	cli_line(c, was_there ? "signed out" : "nobody was signed in");
	return LG_OK;
}

lg_err
cli_whoami(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", LG_STR("/v1/whoami"), LG_NONE, &answer));
	return cli_show(c, answer.body);
}
