/*
 * kube.c: `lightgate kube-token`: kubectl's credential plugin (client.authentication.k8s.io, ExecCredential).
 *
 * A person signs in once in a browser (device grant, RFC 8628); from then on tokens for the cluster are kept and renewed with the refresh
 * token.  A service uses its own secret.
 */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/http.h"
#include "base/json.h"
#include "base/text.h"
#include "lightgate/crypto.h"

#define FRESH		(30 * LG_SECOND)	/* a token that ends sooner is not handed out */
#define KEPT_MAX	(64u << 10)
#define CLIENT		"kubectl"
#define VERSION		"client.authentication.k8s.io/v1"
#define POLL_LEAST	1			/* seconds, RFC 8628 3.2 says 5 unless told */

struct kube {
	struct cli *c;
	const char *path;			/* of what is kept */
	lg_str cluster, client, version;
	lg_str token, refresh;
	int64_t expires;
};

/* ---- what kubectl says ------------------------------------------------------------------------------------------------ */

static void
read_exec_info(struct kube *k)
{
	lg_str version = lg_api_member(k->c->cx, lg_str_of(getenv("KUBERNETES_EXEC_INFO")), "apiVersion");

	k->version = version.n > 0 ? version : LG_STR(VERSION);
}

static void
put_credential(struct kube *k)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(KEPT_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "apiVersion", k->version);
	lg_jsonw_str_of(&w, "kind", LG_STR("ExecCredential"));
	lg_jsonw_name(&w, LG_STR("status"));
	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "token", k->token);
	/* Kubernetes reads whole seconds; before it ends, so that nobody shows an old one. */
	lg_jsonw_str_of(&w, "expirationTimestamp", lg_print(k->c->cx->arena, "%.19sZ", lg_time_text(k->c->cx->arena, k->expires - FRESH).p));
	lg_jsonw_object_end(&w);
	lg_jsonw_object_end(&w);
	cli_json(k->c, lg_buf_view(&b));
}

/* ---- what is kept ------------------------------------------------------------------------------------------------------ */

/* A token never goes to another service, client or cluster than the ones it is of: their digest names the file. */
static lg_err
find_kept(struct kube *k)
{
	struct cli *c = k->c;
	lg_str who = cli_given(c, "client-id") ? cli_value(c, "client-id") : k->client, folder;
	lg_sha256 h = lg_sha256_of(lg_print(c->cx->arena, "%.*s\n%.*s\n%.*s\n%.*s\n%d", LG_FMT(c->session.at.url), LG_FMT(c->session.at.socket),
	    LG_FMT(who), LG_FMT(k->cluster), cli_given(c, "client-id")));

	LG_TRY(cli_config_folder(c, &folder));
	k->path = lg_print(c->cx->arena, "%.*s/kube-%.16s.json", LG_FMT(folder), lg_hex(c->cx->arena, lg_sha256_str(&h)).p).p;
	return LG_OK;
}

static void
read_kept(struct kube *k)
{
	struct lg_ctx *cx = k->c->cx;
	lg_str text;

	if (access(k->path, R_OK) != 0 || lg_file_read(cx, k->path, KEPT_MAX, &text) != LG_OK)
		return;
	k->token = lg_api_member(cx, text, "token");
	k->refresh = lg_api_member(cx, text, "refresh_token");
	if (!lg_int_parse(lg_api_member(cx, text, "expires"), &k->expires))
		k->expires = 0;
}

static lg_err
keep(struct kube *k)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(KEPT_MAX);
	struct lg_jsonw w = lg_jsonw_of(&b);

	lg_jsonw_object(&w);
	lg_jsonw_str_of(&w, "token", k->token);
	lg_jsonw_str_of(&w, "refresh_token", k->refresh);
	lg_jsonw_int_of(&w, "expires", k->expires);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(k->c->cx, &b));
	return lg_file_write(k->c->cx, k->path, 0600, lg_buf_view(&b));
}

static lg_err
take(struct kube *k, lg_str answer)
{
	struct lg_ctx *cx = k->c->cx;
	lg_str refresh = lg_api_member(cx, answer, "refresh_token");
	int64_t life;

	k->token = lg_api_member(cx, answer, "access_token");
	if (k->token.n == 0 || !lg_int_parse(lg_api_member(cx, answer, "expires_in"), &life))
		return lg_fail(cx, LG_E_INVALID, "the service answered without a token");
	k->expires = lg_wall() + life * LG_SECOND;
	if (refresh.n > 0)
		k->refresh = refresh;
	return keep(k);
}

/* ---- the token endpoint ---------------------------------------------------------------------------------------------------- */

struct parameter {
	const char *name;
	lg_str value;
};

/* A form; any status is LG_OK. */
static lg_err
post(struct kube *k, const char *path, const struct parameter *p, size_t n, struct lg_reply *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(KEPT_MAX);
	struct cli *c = k->c;

	for (size_t i = 0; i < n; i++)
		lg_form_put(&b, lg_str_of(p[i].name), p[i].value);
	LG_TRY(lg_buf_status(c->cx, &b));
	struct lg_call call = { .method = "POST", .path = lg_str_of(path), .body = lg_buf_view(&b), .type = "application/x-www-form-urlencoded" };
	return lg_link_call(c->cx, c->session.link, &call, ret);
}

static lg_err
refresh(struct kube *k)
{
	const struct parameter form[] = {
		{ "grant_type", LG_STR("refresh_token") }, { "client_id", k->client }, { "refresh_token", k->refresh },
	};
	struct lg_reply answer;

	if (k->refresh.n == 0)
		return LG_E_NOT_FOUND;
	LG_TRY(post(k, "/oauth2/token", form, LG_COUNT(form), &answer));
	if (answer.status == 200)
		return take(k, answer.body);
	k->refresh = LG_NONE;
	return LG_E_NOT_FOUND;		/* used up, ended or withdrawn: sign in again */
}

/* ---- signing in ----------------------------------------------------------------------------------------------------------------- */

static lg_err
poll_device(struct kube *k, lg_str code, int64_t interval, int64_t until)
{
	const struct parameter form[] = {
		{ "grant_type", LG_STR("urn:ietf:params:oauth:grant-type:device_code") }, { "client_id", k->client }, { "device_code", code },
	};
	struct lg_ctx *cx = k->c->cx;
	struct lg_reply answer;

	while (lg_boottime() < until) {
		struct timespec pause = { .tv_sec = interval };
		nanosleep(&pause, NULL);
		LG_TRY(post(k, "/oauth2/token", form, LG_COUNT(form), &answer));
		if (answer.status == 200)
			return take(k, answer.body);
		lg_str error = lg_api_member(cx, answer.body, "error");
		if (lg_str_eq(error, LG_STR("slow_down")))
			interval += 5;		/* RFC 8628 3.5 */
		else if (!lg_str_eq(error, LG_STR("authorization_pending")))
			return lg_fail(cx, LG_E_DENIED, "the sign-in was not allowed: %.*s", LG_FMT(lg_api_member(cx, answer.body, "error_description")));
	}
	return lg_fail(cx, LG_E_EXPIRED, "nobody signed in");
}

static lg_err
sign_in(struct kube *k)
{
	const struct parameter form[] = {
		{ "client_id", k->client }, { "scope", LG_STR("openid offline_access") }, { "resource", k->cluster },
	};
	struct lg_ctx *cx = k->c->cx;
	int64_t interval = 5, life = 600;
	struct lg_reply answer;

	if (cli_given(k->c, "no-sign-in"))
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "sign in first: lightgate kube-token --cluster %.*s", LG_FMT(k->cluster));
	LG_TRY(post(k, "/oauth2/device_authorization", form, LG_COUNT(form), &answer));
	if (answer.status != 200)
		return lg_fail(cx, LG_E_DENIED, "client %.*s cannot be signed in with: %.*s", LG_FMT(k->client),
		    LG_FMT(lg_api_member(cx, answer.body, "error_description")));
	(void)lg_int_parse(lg_api_member(cx, answer.body, "interval"), &interval);
	(void)lg_int_parse(lg_api_member(cx, answer.body, "expires_in"), &life);
	fprintf(k->c->err, "To sign in to cluster %.*s, open\n  %.*s\n", LG_FMT(k->cluster),
	    LG_FMT(lg_api_member(cx, answer.body, "verification_uri_complete")));
	fflush(k->c->err);
	return poll_device(k, lg_api_member(cx, answer.body, "device_code"), interval < POLL_LEAST ? POLL_LEAST : interval,
	    lg_boottime() + life * LG_SECOND);
}

static lg_err
obtain(struct kube *k)
{
	struct lg_reply answer;

	if (cli_given(k->c, "client-id")) {
		LG_TRY(cli_service_token(k->c, k->cluster, &answer));
		return take(k, answer.body);
	}
	lg_err e = refresh(k);
	return e == LG_E_NOT_FOUND ? sign_in(k) : e;
}

/* Several of kubectl ask at once: one renews, the others find what it kept. */
static lg_err
obtain_once(struct kube *k)
{
	LG_AUTO(lg_fd_close) int lock = open(lg_print(k->c->cx->arena, "%s.lock", k->path).p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (lock < 0 || flock(lock, LOCK_EX) != 0)
		return lg_fail(k->c->cx, LG_E_IO, "%s.lock cannot be taken", k->path);
	read_kept(k);
	return k->token.n > 0 && k->expires > lg_wall() + FRESH ? LG_OK : obtain(k);
}

lg_err
cli_kube_token(struct cli *c)
{
	struct kube k = { .c = c, .cluster = cli_value(c, "cluster"), .client = cli_value(c, "client") };

	if (k.cluster.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "for which cluster? --cluster NAME: its service in the directory");
	if (k.client.n == 0)
		k.client = LG_STR(CLIENT);
	read_exec_info(&k);
	LG_TRY(cli_session_open(c));
	LG_TRY(find_kept(&k));
	LG_TRY(obtain_once(&k));
	put_credential(&k);
	return LG_OK;
}
