/* people.c: entries as people speak of them: made, changed, renamed, locked; one's own password; the rules for passwords. */
#include "cli/cli.h"

#include "base/json.h"
#include "base/text.h"

static const char *
kind(const struct cli *c)
{
	return c->path[c->depth - 1]->kind;
}

static lg_str
path_of(struct cli *c, const char *tail)
{
	return lg_cat(c->cx->arena, cli_path(c, kind(c), c->args[0]), lg_str_of(tail));
}

/* ---- options become members ------------------------------------------------------------------------------------------- */

enum as { TEXT, NUMBER, WORDS, KEYS, FLAG, SECONDS, JSON };

struct field {
	const char *option, *member;
	enum as as;
};

static const struct field entry_fields[] = {
	{ "mail", "mail", TEXT }, { "display", "display", TEXT }, { "given-name", "given_name", TEXT }, { "surname", "surname", TEXT },
	{ "description", "description", TEXT }, { "groups", "groups", WORDS }, { "uid-number", "uid_number", NUMBER },
	{ "gid-number", "gid_number", NUMBER }, { "home", "home", TEXT }, { "shell", "shell", TEXT }, { "ssh-keys", "ssh_keys", KEYS },
	{ "members", "members", WORDS }, { "project", "project", TEXT }, { "projects", "projects", WORDS }, { "image", "image", TEXT },
	{ "host", "host", TEXT }, { "labels", "labels", WORDS }, { "dns", "dns", WORDS }, { "addresses", "addresses", WORDS },
	{ "ranges", "ranges", WORDS }, { "digest", "digest", TEXT }, { "signed", "signed", FLAG }, { "enabled", "enabled", FLAG },
};

static const struct field client_fields[] = {
	{ "type", "type", TEXT }, { "display", "display", TEXT }, { "redirect-uris", "redirect_uris", WORDS },
	{ "logout-uris", "post_logout_redirect_uris", WORDS }, { "scopes", "scopes", WORDS }, { "audiences", "audiences", WORDS },
	{ "grants", "grants", WORDS }, { "auth", "auth", TEXT }, { "jwks", "jwks", JSON }, { "jwks-uri", "jwks_uri", TEXT },
	{ "id-token-alg", "id_token_alg", TEXT }, { "access-token-alg", "access_token_alg", TEXT }, { "userinfo-alg", "userinfo_alg", TEXT },
	{ "introspection-alg", "introspection_alg", TEXT }, { "introspect", "introspect", FLAG },
	{ "access-life", "access_life", SECONDS }, { "dpop", "dpop_bound_access_tokens", FLAG },
	{ "certificate-bound", "tls_client_certificate_bound_access_tokens", FLAG }, { "certificate-uri", "tls_client_auth_san_uri", TEXT },
	{ "certificate-subject", "tls_client_auth_subject_dn", TEXT }, { "certificate-dns", "tls_client_auth_san_dns", TEXT },
	{ "certificate-ip", "tls_client_auth_san_ip", TEXT }, { "certificate-email", "tls_client_auth_san_email", TEXT },
	{ "par", "require_pushed_authorization_requests", FLAG }, { "signed-requests", "require_signed_request_object", FLAG },
	{ "request-object-alg", "request_object_alg", TEXT }, { "request-uris", "request_uris", WORDS },
	{ "max-age", "default_max_age", SECONDS }, { "acr-values", "default_acr_values", WORDS },
	{ "backchannel-logout-uri", "backchannel_logout_uri", TEXT }, { "frontchannel-logout-uri", "frontchannel_logout_uri", TEXT },
	{ "frontchannel-session", "frontchannel_logout_session_required", FLAG },
	{ "client-uri", "client_uri", TEXT }, { "logo-uri", "logo_uri", TEXT }, { "policy-uri", "policy_uri", TEXT },
	{ "tos-uri", "tos_uri", TEXT }, { "contacts", "contacts", WORDS }, { "fapi2", "fapi2", FLAG }, { "consent", "consent", FLAG }, { "enabled", "enabled", FLAG },
};

static const struct field rule_fields[] = {
	{ "min-length", "min_length", NUMBER }, { "max-length", "max_length", NUMBER }, { "check-quality", "check_quality", NUMBER },
	{ "history", "history", NUMBER }, { "min-age", "min_age", SECONDS }, { "max-age", "max_age", SECONDS },
	{ "expire-warning", "expire_warning", SECONDS }, { "grace-logins", "grace_logins", NUMBER }, { "lockout", "lockout", FLAG },
	{ "lockout-failures", "lockout_failures", NUMBER }, { "lockout-duration", "lockout_duration", SECONDS },
	{ "lockout-window", "lockout_window", SECONDS }, { "must-change", "must_change", FLAG },
	{ "allow-user-change", "allow_user_change", FLAG }, { "require-old-password", "require_old_password", FLAG },
};

/* "90s", "30m", "12h", "90d", or seconds. */
static lg_err
read_seconds(struct cli *c, const char *option, lg_str text, int64_t *ret)
{
	static const struct { char letter; int64_t unit; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	int64_t unit = 1;

	for (size_t i = 0; text.n > 1 && i < LG_COUNT(units); i++)
		if (text.p[text.n - 1] == units[i].letter) {
			unit = units[i].unit;
			text.n--;
			break;
		}
	if (!lg_int_parse(text, ret) || *ret < 0 || *ret > INT32_MAX / unit)
		return lg_fail(c->cx, LG_E_INVALID, "--%s is a time such as 90s, 15m, 12h or 90d", option);
	*ret *= unit;
	return LG_OK;
}

static void
put_words(struct lg_jsonw *w, lg_str text, char at)
{
	lg_str word;
	bool more = text.n > 0;

	lg_jsonw_array(w);
	while (more) {
		more = lg_str_cut(text, at, &word, &text);
		word = lg_str_trim(word);
		if (word.n > 0 && word.p[0] != '#')
			lg_jsonw_str(w, word);
	}
	lg_jsonw_array_end(w);
}

static lg_err
put_field(struct cli *c, struct lg_jsonw *w, const struct field *f)
{
	lg_str text = cli_value(c, f->option);
	int64_t n = 0;

	switch (f->as) {
	case TEXT:
		lg_jsonw_str_of(w, f->member, text);
		return LG_OK;
	case FLAG:
		if (!lg_str_eq(text, LG_STR("yes")) && !lg_str_eq(text, LG_STR("no")))
			return lg_fail(c->cx, LG_E_INVALID, "--%s is yes or no", f->option);
		lg_jsonw_bool_of(w, f->member, lg_str_eq(text, LG_STR("yes")));
		return LG_OK;
	case NUMBER:
		if (!lg_int_parse(text, &n) || n < 0)
			return lg_fail(c->cx, LG_E_INVALID, "--%s is a number, not \"%.*s\"", f->option, LG_FMT(text));
		lg_jsonw_int_of(w, f->member, n);
		return LG_OK;
	case SECONDS:
		LG_TRY(read_seconds(c, f->option, text, &n));
		lg_jsonw_int_of(w, f->member, n);
		return LG_OK;
	case JSON:
		LG_TRY(cli_read_file(c, text, &text));
		lg_jsonw_name(w, lg_str_of(f->member));
		lg_jsonw_raw(w, lg_str_trim(text));
		return LG_OK;
	case KEYS:
		LG_TRY(cli_read_file(c, text, &text));
		break;
	case WORDS:
		break;
	}
	lg_jsonw_name(w, lg_str_of(f->member));
	put_words(w, text, f->as == KEYS ? '\n' : ',');
	return LG_OK;
}

static lg_err
put_fields(struct cli *c, struct lg_jsonw *w, const struct field *fields, size_t n, size_t *given)
{
	*given = 0;
	for (size_t i = 0; i < n; i++)
		if (cli_given(c, fields[i].option)) {
			LG_TRY(put_field(c, w, &fields[i]));
			++*given;
		}
	return LG_OK;
}

/* Of this noun. */
static lg_err
put_own_fields(struct cli *c, struct lg_jsonw *w, size_t *given)
{
	if (strcmp(kind(c), "clients") == 0)
		return put_fields(c, w, client_fields, LG_COUNT(client_fields), given);
	return put_fields(c, w, entry_fields, LG_COUNT(entry_fields), given);
}

/* ---- create, change, enable, disable --------------------------------------------------------------------------------------- */

/* What the service made for it is told once. */
static void
tell_credentials(struct cli *c, lg_str body)
{
	lg_str list = lg_api_member(c->cx, body, "credentials"), one;
	struct lg_json js;

	if (list.n == 0)
		return;
	lg_json_init(&js, c->cx->arena, list);
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		one = lg_json_raw(&js);
		lg_str name = lg_api_member(c->cx, one, "name"), secret = lg_api_member(c->cx, one, "secret");
		cli_line(c, "the %s of %.*s, shown this once: %.*s", strcmp(kind(c), "users") == 0 ? "password" : "secret", LG_FMT(name),
		    LG_FMT(secret));
	}
}

/* password: what is said of it; NULL: nothing. */
static lg_err
create(struct cli *c, const char *password, struct lg_reply *answer)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	size_t given;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "name", c->args[0]);
	if (password != NULL)
		lg_jsonw_str_of(&w, "password", lg_str_of(password));
	LG_TRY(put_own_fields(c, &w, &given));
	lg_jsonw_object_end(&w);
	return cli_call(c, "POST", lg_print(c->cx->arena, "/v1/%s", kind(c)), lg_buf_view(&b), answer);
}

lg_err
cli_create_entry(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(create(c, NULL, &answer));
	if (cli_wants_json(c)) {
		cli_json(c, answer.body);
		return LG_OK;
	}
	cli_line(c, "%.*s is created", LG_FMT(c->args[0]));
	tell_credentials(c, answer.body);
	return LG_OK;
}

lg_err
cli_change_entry(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	size_t given;

	lg_jsonw_object(&w);
	LG_TRY(put_own_fields(c, &w, &given));
	lg_jsonw_object_end(&w);
	if (given == 0)
		return lg_fail(c->cx, LG_E_INVALID, "change what? See lightgate %s change --help", c->path[1]->name);
	LG_TRY(cli_call(c, "PATCH", path_of(c, ""), lg_buf_view(&b), &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	cli_line(c, "%.*s is %s", LG_FMT(c->args[0]),
	    lg_str_eq(lg_api_member(c->cx, answer.body, "changed"), LG_STR("0")) ? "like that already" : "changed");
	return LG_OK;
}

static lg_err
set_enabled(struct cli *c, bool enabled)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "PATCH", path_of(c, ""), enabled ? LG_STR("{\"enabled\":true}") : LG_STR("{\"enabled\":false}"), &answer));
	cli_line(c, "%.*s is %s", LG_FMT(c->args[0]), enabled ? "enabled" : "disabled: it can no longer sign in or act");
	return LG_OK;
}

lg_err
cli_enable(struct cli *c)
{
	return set_enabled(c, true);
}

lg_err
cli_disable(struct cli *c)
{
	return set_enabled(c, false);
}

lg_err
cli_new_secret(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "POST", path_of(c, "/secret"), LG_NONE, &answer));
	if (cli_wants_json(c)) {
		cli_json(c, answer.body);
		return LG_OK;
	}
	cli_line(c, "the new secret of %.*s, shown this once: %.*s", LG_FMT(c->args[0]), LG_FMT(lg_api_member(c->cx, answer.body, "secret")));
	return LG_OK;
}

/* ---- links with which they set a password ------------------------------------------------------------------------------------- */

static lg_err
give_link(struct cli *c)
{
	bool sent = cli_given(c, "send");
	struct lg_reply answer;

	LG_TRY(cli_call(c, "POST", path_of(c, "/link"), sent ? LG_STR("{\"send\":true}") : LG_STR("{}"), &answer));
	if (cli_wants_json(c)) {
		cli_json(c, answer.body);
		return LG_OK;
	}
	if (sent) {
		cli_line(c, "a link for %.*s goes to their mail address", LG_FMT(c->args[0]));
		return LG_OK;
	}
	cli_line(c, "for %.*s alone, good once, until %.*s:", LG_FMT(c->args[0]), LG_FMT(lg_api_member(c->cx, answer.body, "expires")));
	cli_line(c, "%.*s", LG_FMT(lg_api_member(c->cx, answer.body, "link")));
	return LG_OK;
}

lg_err
cli_reset_link(struct cli *c)
{
	return give_link(c);
}

lg_err
cli_invite(struct cli *c)
{
	struct lg_reply answer;
	lg_err e = cli_call(c, "GET", path_of(c, ""), LG_NONE, &answer);

	if (e == LG_E_NOT_FOUND)
		e = create(c, "none", &answer);
	LG_TRY(e);
	return give_link(c);
}

/* ---- rename, lock, unlock ------------------------------------------------------------------------------------------------------ */

lg_err
cli_rename(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "name", c->args[1]);
	lg_jsonw_object_end(&w);
	LG_TRY(cli_call(c, "POST", path_of(c, "/rename"), lg_buf_view(&b), &answer));
	cli_line(c, "%.*s is called %.*s now; groups and policies in force go with it", LG_FMT(c->args[0]), LG_FMT(c->args[1]));
	return LG_OK;
}

lg_err
cli_lock(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "POST", path_of(c, "/lock"), LG_NONE, &answer));
	cli_line(c, "%.*s is locked until: lightgate user unlock %.*s", LG_FMT(c->args[0]), LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_unlock(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "POST", path_of(c, "/unlock"), LG_NONE, &answer));
	cli_line(c, "%.*s is unlocked; failed attempts are forgotten", LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_ssh_keys(struct cli *c)
{
	struct lg_reply answer;
	struct lg_json js;

	LG_TRY(cli_call(c, "GET", path_of(c, ""), LG_NONE, &answer));
	if (lg_str_eq(lg_api_member(c->cx, answer.body, "enabled"), LG_STR("false")) ||
	    lg_str_eq(lg_api_member(c->cx, answer.body, "locked"), LG_STR("true")))
		return LG_OK;		/* sshd takes no line for no key */
	lg_json_init(&js, c->cx->arena, lg_api_member(c->cx, answer.body, "ssh_keys"));
	lg_json_array(&js);
	while (lg_json_item(&js)) {
		lg_str key = lg_json_str(&js);
		fprintf(c->out, "%.*s\n", LG_FMT(key));
	}
	return lg_json_end(c->cx, &js);
}

/* ---- passwords -------------------------------------------------------------------------------------------------------------------- */

lg_err
cli_change_password(struct cli *c)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(8u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	lg_str old, new;
	struct lg_reply answer;

	if (cli_given(c, "old-password-file"))
		LG_TRY(cli_read_secret(c, cli_value(c, "old-password-file"), &old));
	else
		LG_TRY(cli_ask_password(c, "Old password", &old));
	if (cli_given(c, "password-file"))
		LG_TRY(cli_read_secret(c, cli_value(c, "password-file"), &new));
	else
		LG_TRY(cli_ask_password(c, "New password", &new));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "username", c->args[0]);
	lg_jsonw_str_of(&w, "old_password", old);
	lg_jsonw_str_of(&w, "password", new);
	lg_jsonw_object_end(&w);
	LG_TRY(cli_session_open(c));
	struct lg_call call = { .method = "POST", .path = LG_STR("/v1/password"), .body = lg_buf_view(&b) };
	LG_TRY(lg_api_call(c->cx, c->session.link, &call, &answer));
	cli_line(c, "the password of %.*s is changed; other sessions are ended", LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_expire_password(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "POST", path_of(c, "/expire-password"), LG_NONE, &answer));
	cli_line(c, "%.*s must change the password: lightgate user change-password %.*s", LG_FMT(c->args[0]), LG_FMT(c->args[0]));
	return LG_OK;
}

lg_err
cli_show_password_policy(struct cli *c)
{
	struct lg_reply answer;

	LG_TRY(cli_call(c, "GET", LG_STR("/v1/password-policy"), LG_NONE, &answer));
	return cli_show(c, answer.body);
}

lg_err
cli_set_password_policy(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(8u << 10);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	size_t given;

	lg_jsonw_object(&w);
	LG_TRY(put_fields(c, &w, rule_fields, LG_COUNT(rule_fields), &given));
	lg_jsonw_object_end(&w);
	if (given == 0)
		return lg_fail(c->cx, LG_E_INVALID, "which rule? See lightgate password-policy set --help");
	LG_TRY(cli_call(c, "PATCH", LG_STR("/v1/password-policy"), lg_buf_view(&b), &answer));
	return cli_show(c, answer.body);
}
