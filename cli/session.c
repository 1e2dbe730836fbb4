/*
 * session.c: where the service is and as whom this run acts.
 *
 * Flags come before the environment, that before dev.json, that before the last login.  The last login is one file
 * with the address and the token, so that a token never goes to another address than the one it came from.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#define SOCKET_DEFAULT "/run/lightgate/lightgate.sock"

static lg_str
given(struct cli *c, const char *flag, const char *variable)
{
	lg_str v = cli_value(c, flag);

	return v.n > 0 ? v : lg_str_of(getenv(variable));
}

/* ---- the last login ------------------------------------------------------------------------------- */

static lg_err
find_folder(struct cli *c, bool make, lg_str *ret)
{
	const char *dir = getenv("LIGHTGATE_CONFIG"), *home = getenv("HOME");

	if (dir == NULL && home == NULL)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "neither LIGHTGATE_CONFIG nor HOME is set");
	*ret = dir != NULL ? lg_str_of(dir) : lg_print(c->cx->arena, "%s/.config/lightgate", home);
	if (make && dir == NULL)
		(void)mkdir(lg_print(c->cx->arena, "%s/.config", home).p, 0700);
	return make ? lg_dir_make(c->cx, lg_dup(c->cx->arena, *ret).p, 0700) : LG_OK;
}

lg_err
cli_config_folder(struct cli *c, lg_str *ret)
{
	return find_folder(c, true, ret);
}

static lg_err
session_path(struct cli *c, bool make, const char **ret)
{
	lg_str folder;

	LG_TRY(find_folder(c, make, &folder));
	*ret = lg_print(c->cx->arena, "%.*s/session.json", LG_FMT(folder)).p;
	return LG_OK;
}

static lg_str
read_last(struct cli *c)
{
	const char *path;
	lg_str text;

	if (session_path(c, false, &path) != LG_OK || access(path, R_OK) != 0 ||
	    lg_file_read(c->cx, path, LG_TOKEN_MAX + (64u << 10), &text) != LG_OK)
		return LG_NONE;
	return text;
}

lg_err
cli_session_save(struct cli *c, lg_str token, int64_t expires_in, lg_str subject)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_TOKEN_MAX + (64u << 10));
	struct lg_jsonw w = lg_jsonw_of(&b);
	const char *path;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "url", c->session.at.url);
	lg_jsonw_str_of(&w, "socket", c->session.at.socket);
	lg_jsonw_str_of(&w, "ca_file", c->session.ca_file);
	lg_jsonw_str_of(&w, "mtls", c->session.mtls);
	lg_jsonw_str_of(&w, "token", token);
	lg_jsonw_int_of(&w, "expires", c->cx->now + expires_in * INT64_C(1000000));
	if (subject.n > 0) {
		lg_jsonw_name(&w, LG_STR("subject"));
		lg_jsonw_raw(&w, subject);
	}
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(session_path(c, true, &path));
	return lg_file_write(c->cx, path, 0600, lg_buf_view(&b));
}

lg_err
cli_session_forget(struct cli *c, bool *was_there)
{
	const char *path;

	LG_TRY(session_path(c, false, &path));
	*was_there = unlink(path) == 0;
	if (!*was_there && errno != ENOENT)
		return lg_fail(c->cx, LG_E_IO, "cannot remove %s: %s", path, strerror(errno));
	return LG_OK;
}

/* ---- where --------------------------------------------------------------------------------------------- */

static lg_str
with_scheme(struct cli *c, lg_str url)
{
	if (url.n > 0 && memmem(url.p, url.n, "://", 3) == NULL)
		url = lg_cat(c->cx->arena, LG_STR("https://"), url);
	return lg_str_ends(url, LG_STR("/")) ? lg_str_sub(url, 0, url.n - 1) : url;
}

static lg_err
from_dev(struct cli *c, lg_str dir)
{
	struct cli_session *s = &c->session;

	lg_str path = lg_cat(c->cx->arena, dir, LG_STR("/dev.json"));
	if (cli_read_file(c, path, &s->dev) != LG_OK)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "%.*s cannot be read: is lightgated --dev --data %.*s running?", LG_FMT(path), LG_FMT(dir));
	s->at.url = with_scheme(c, lg_api_member(c->cx, s->dev, "https"));
	s->mtls = with_scheme(c, lg_api_member(c->cx, s->dev, "https_mtls"));
	s->ca_file = lg_api_member(c->cx, s->dev, "ca_file");
	if (s->at.url.n == 0)
		return lg_fail(c->cx, LG_E_CORRUPT, "%.*s names no \"https\"", LG_FMT(path));
	return LG_OK;
}

static void
from_last(struct cli *c, lg_str last)
{
	struct cli_session *s = &c->session;

	s->at.url = lg_api_member(c->cx, last, "url");
	s->at.socket = lg_api_member(c->cx, last, "socket");
	s->ca_file = lg_api_member(c->cx, last, "ca_file");
	s->mtls = lg_api_member(c->cx, last, "mtls");
}

static lg_err
find_service(struct cli *c)
{
	struct cli_session *s = &c->session;
	lg_str url = given(c, "url", "LIGHTGATE_URL"), socket = given(c, "socket", "LIGHTGATE_SOCKET");
	lg_str dev = given(c, "dev", "LIGHTGATE_DEV"), ca = given(c, "ca", "LIGHTGATE_CA");

	if (dev.n > 0)
		LG_TRY(from_dev(c, dev));
	else if (url.n == 0 && socket.n == 0)
		from_last(c, read_last(c));
	if (url.n > 0) {
		s->at.url = with_scheme(c, url);
		s->at.socket = LG_NONE;
	}
	if (socket.n > 0) {
		s->at.socket = socket;
		s->at.url = LG_STR("http://localhost");
	}
	if (ca.n > 0)
		s->ca_file = ca;
	if (s->at.url.n == 0 && access(SOCKET_DEFAULT, F_OK) == 0) {
		s->at.url = LG_STR("http://localhost");
		s->at.socket = LG_STR(SOCKET_DEFAULT);
	}
	if (s->at.url.n == 0)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "which service? Give --url, --socket or --dev, or sign in with \"lightgate login\"");
	return LG_OK;
}

/* Another tenant lives below /t/<name>; the last login may have been at another one still. */
static void
choose_tenant(struct cli *c, lg_str *url)
{
	lg_str name = cli_value(c, "tenant");
	const char *was = url->n == 0 ? NULL : memmem(url->p, url->n, "/t/", 3);

	if (name.n == 0 || url->n == 0)
		return;
	if (was != NULL)
		*url = lg_str_sub(*url, 0, (size_t)(was - url->p));
	*url = lg_print(c->cx->arena, "%.*s/t/%.*s", LG_FMT(*url), LG_FMT(name));
}

/* --cert and --key: then the listener that asks for certificates, unless --url names one. */
static lg_err
use_certificate(struct cli *c)
{
	struct cli_session *s = &c->session;

	if (!cli_given(c, "cert") && !cli_given(c, "key"))
		return LG_OK;
	if (!cli_given(c, "cert") || !cli_given(c, "key"))
		return lg_fail(c->cx, LG_E_INVALID, "--cert and --key belong together");
	LG_TRY(cli_read_file(c, cli_value(c, "cert"), &s->at.cert));
	LG_TRY(cli_read_file(c, cli_value(c, "key"), &s->at.key));
	if (!cli_given(c, "url") && s->mtls.n > 0) {
		s->at.url = s->mtls;
		s->at.socket = LG_NONE;
	}
	return LG_OK;
}

lg_err
cli_session_open(struct cli *c)
{
	struct cli_session *s = &c->session;

	if (s->link != NULL)
		return LG_OK;
	LG_TRY(find_service(c));
	choose_tenant(c, &s->at.url);
	choose_tenant(c, &s->mtls);
	LG_TRY(use_certificate(c));
	if (s->ca_file.n > 0 && s->at.socket.n == 0)
		LG_TRY(cli_read_file(c, s->ca_file, &s->at.ca));
	return lg_link_new(c->cx, &s->at, &s->link);
}

void
cli_session_close(struct cli *c)
{
	lg_link_free(&c->session.link);
}

/* ---- as whom ---------------------------------------------------------------------------------------------- */

lg_err
cli_password_token(struct cli *c, lg_str user, lg_str password, struct lg_reply *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(8u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "username", user);
	lg_jsonw_str_of(&w, "password", password);
	if (cli_given(c, "code"))
		lg_jsonw_str_of(&w, "code", cli_value(c, "code"));
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	struct lg_call call = { .method = "POST", .path = LG_STR("/v1/login"), .body = lg_buf_view(&b) };
	LG_TRY(lg_api_call(c->cx, c->session.link, &call, ret));
	if (lg_api_member(c->cx, ret->body, "access_token").n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "the service answered the sign-in without a token");
	return LG_OK;
}

lg_str
cli_dev_secret(struct cli *c, lg_str name)
{
	lg_str list = lg_api_member(c->cx, c->session.dev, "credentials"), item, found = LG_NONE;
	struct lg_json js;

	if (list.n == 0)
		return LG_NONE;
	lg_json_init(&js, c->cx->arena, list);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		item = lg_json_raw(&js);
		if (lg_str_eq(lg_api_member(c->cx, item, "name"), name))
			found = lg_api_member(c->cx, item, "secret");
	}
	return found;
}

/* RFC 6749 2.3.1: both halves are form-encoded before they are joined. */
static lg_str
basic(struct cli *c, lg_str id, lg_str secret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(8u << 10);

	lg_buf_percent(&b, id);
	lg_buf_byte(&b, ':');
	lg_buf_percent(&b, secret);
	return lg_cat(c->cx->arena, LG_STR("Basic "), lg_base64(c->cx->arena, lg_buf_view(&b)));
}

/* client_credentials (RFC 6749 4.4) for a resource (RFC 8707). */
lg_err
cli_service_token(struct cli *c, lg_str resource, struct lg_reply *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(8u << 10);
	lg_str id = cli_value(c, "client-id"), secret;

	if (cli_given(c, "client-secret-file"))
		LG_TRY(cli_read_secret(c, cli_value(c, "client-secret-file"), &secret));
	else
		secret = cli_dev_secret(c, id);
	if (secret.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "--client-id needs --client-secret-file");
	lg_buf_str(&b, LG_STR("grant_type=client_credentials&resource="));
	lg_buf_percent(&b, resource);
	struct lg_call call = {
		.method = "POST", .path = LG_STR("/oauth2/token"), .body = lg_buf_view(&b), .type = "application/x-www-form-urlencoded",
		.headers = { { "Authorization", basic(c, id, secret) } },
	};
	return lg_api_call(c->cx, c->session.link, &call, ret);
}

/* For the part of the service that the call will go to. */
static lg_err
service_token(struct cli *c, const char *audience)
{
	struct lg_call discover = { .method = "GET", .path = LG_STR("/.well-known/openid-configuration") };
	struct lg_reply found, answer;

	LG_TRY(lg_api_call(c->cx, c->session.link, &discover, &found));
	LG_TRY(cli_service_token(c, lg_cat(c->cx->arena, lg_api_member(c->cx, found.body, "issuer"), lg_str_of(audience)), &answer));
	c->session.token = lg_api_member(c->cx, answer.body, "access_token");
	return LG_OK;
}

static lg_err
last_token(struct cli *c)
{
	struct cli_session *s = &c->session;
	lg_str last = read_last(c);
	int64_t expires = 0;

	if (last.n == 0 || !lg_str_eq(lg_api_member(c->cx, last, "url"), s->at.url) ||
	    !lg_str_eq(lg_api_member(c->cx, last, "socket"), s->at.socket))
		return LG_OK;
	(void)lg_int_parse(lg_api_member(c->cx, last, "expires"), &expires);
	if (expires <= c->cx->now)
		return s->dev.n > 0 ? LG_OK : lg_fail(c->cx, LG_E_EXPIRED, "you are not signed in any more: \"lightgate login\"");
	s->token = lg_api_member(c->cx, last, "token");
	return LG_OK;
}

static lg_err
developer_token(struct cli *c)
{
	lg_str admin = lg_api_member(c->cx, c->session.dev, "admin");
	struct lg_reply answer;

	LG_TRY(cli_password_token(c, lg_api_member(c->cx, admin, "username"), lg_api_member(c->cx, admin, "password"), &answer));
	c->session.token = lg_api_member(c->cx, answer.body, "access_token");
	return LG_OK;
}

lg_err
cli_sign_in(struct cli *c, const char *audience)
{
	struct cli_session *s = &c->session;

	LG_TRY(cli_session_open(c));
	if (s->token.n > 0)
		return LG_OK;
	if (cli_given(c, "client-id"))
		return service_token(c, audience);
	if (cli_given(c, "token-file"))
		return cli_read_secret(c, cli_value(c, "token-file"), &s->token);
	if (s->at.cert.n > 0)
		return LG_OK;
	LG_TRY(last_token(c));
	/* dev.json knows the default tenant's administrator alone. */
	if (s->token.n == 0 && s->dev.n > 0 && !cli_given(c, "tenant"))
		return developer_token(c);
	return LG_OK;		/* on a UNIX socket the kernel says who asks */
}

/* RFC 9470: the token is good, and its sign-in not good enough. */
static lg_err
sign_in_better(struct cli *c, lg_err e, const struct lg_reply *answer)
{
	lg_str acr = lg_api_member(c->cx, answer->body, "acr_values"), why = lg_dup(c->cx->arena, lg_str_of(c->cx->error));

	if (e != LG_E_UNAUTHENTICATED || !lg_str_eq(lg_api_member(c->cx, answer->body, "code"), LG_STR("insufficient_user_authentication")))
		return e;
	if (lg_str_ends(acr, LG_STR(":passkey")))
		return lg_fail(c->cx, e, "%.*s; this program knows no passkeys", LG_FMT(why));
	return lg_fail(c->cx, e, "%.*s; sign in again: \"lightgate login --user NAME%s\"", LG_FMT(why), acr.n > 0 ? " --code CODE" : "");
}

lg_err
cli_call(struct cli *c, const char *method, lg_str path, lg_str body, struct lg_reply *ret)
{
	LG_TRY(cli_sign_in(c, "/v1"));
	struct lg_call call = { .method = method, .path = path, .body = body, .token = c->session.token, .time = 60 * INT64_C(1000000) };
	lg_err e = lg_api_call(c->cx, c->session.link, &call, ret);
	if (e == LG_E_UNAUTHENTICATED && c->session.token.n == 0 && c->session.at.cert.n == 0)
		return lg_fail(c->cx, e, "you are not signed in: \"lightgate login --user NAME\"");
	return sign_in_better(c, e, ret);
}
