/*
 * operator.c: tenants and keys: what only root or the service's owner may do, on the service's own machine.
 * Asked through DATA/recover/recover.sock (base/operator.h), without a login.
 */
#include "base/operator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"

#define DATA_DEFAULT	"/var/lib/lightgate"
#define PATIENCE	(300 * LG_SECOND)

/* ---- the socket -------------------------------------------------------------------------------------------- */

static lg_err
data_folder(struct cli *c, const char **ret)
{
	lg_str data = cli_value(c, "data");

	if (data.n == 0)
		data = cli_value(c, "dev");
	if (data.n == 0)
		data = lg_str_of(getenv("LIGHTGATE_DEV"));
	return lg_cstr(c->cx, data.n > 0 ? data : LG_STR(DATA_DEFAULT), ret);
}

/* By way of the folder's descriptor: a socket's path is short, the folder's need not be. */
static lg_err
reach(struct cli *c, int *ret)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *data;
	int folder, s;

	LG_TRY(data_folder(c, &data));
	folder = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return lg_fail(c->cx, LG_E_NOT_FOUND, "%s: %s; give --data DIR", data, strerror(errno));
	snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d/" LG_OPERATOR_SOCKET, folder);
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int bad = s < 0 || connect(s, (struct sockaddr *)&un, sizeof un) != 0 ? errno : 0;
	close(folder);
	if (bad != 0 && s >= 0)
		close(s);
	if (bad == EACCES)
		return lg_fail(c->cx, LG_E_DENIED, "only root and the service's owner may ask this");
	if (bad != 0)
		return lg_fail(c->cx, LG_E_UNAVAILABLE, "no service runs on %s (%s)", data, strerror(bad));
	*ret = s;
	return LG_OK;
}

lg_err
cli_operator(struct cli *c, const struct lg_operator_words *w, lg_str *ret)
{
	int s = -1;

	LG_TRY(reach(c, &s));
	lg_operator_patience(s, PATIENCE);
	lg_err e = lg_operator_ask(c->cx, s, w);
	if (e == LG_OK)
		e = lg_operator_answer(c->cx, s, ret);
	close(s);
	return e;
}

static lg_err
add(struct cli *c, struct lg_operator_words *w, lg_str word)
{
	if (w->n == LG_OPERATOR_WORDS)
		return lg_fail(c->cx, LG_E_LIMIT, "too many words");
	w->word[w->n++] = word;
	return LG_OK;
}

/* ---- tenants ----------------------------------------------------------------------------------------------- */

lg_err
cli_tenant_list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "NAME", "name", NULL }, { "SUFFIX", "suffix", NULL }, { "TRUST DOMAIN", "trust_domain", NULL }, { "ISSUER", "issuer", NULL },
		{ NULL, NULL, NULL },
	};
	struct lg_operator_words w = { { LG_STR("tenant-list") }, 1 };
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	return cli_table(c, answer, "items", columns);
}

lg_err
cli_tenant_create(struct cli *c)
{
	struct lg_operator_words w = { { LG_STR("tenant-create"), c->args[0], cli_value(c, "suffix"), cli_value(c, "trust-domain") }, 4 };
	lg_str list = cli_value(c, "dns-suffix"), one, answer;

	if (!cli_given(c, "suffix"))
		return lg_fail(c->cx, LG_E_INVALID, "which naming context? Give --suffix dc=two,dc=org");
	while (list.n > 0) {
		lg_str_cut(list, ',', &one, &list);
		LG_TRY(add(c, &w, one));
	}
	LG_TRY(cli_operator(c, &w, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer);
	cli_line(c, "tenant %.*s: %.*s", LG_FMT(c->args[0]), LG_FMT(lg_api_member(c->cx, answer, "issuer")));
	cli_line(c, "administrator %.*s, password %.*s", LG_FMT(lg_api_member(c->cx, answer, "username")),
	    LG_FMT(lg_api_member(c->cx, answer, "password")));
	return LG_OK;
}

/* ---- the keeper -------------------------------------------------------------------------------------------- */

lg_err
cli_keeper_list(struct cli *c)
{
	static const struct cli_column keys[] = {
		{ "TENANT", "tenant", NULL }, { "KEY", "purpose", NULL }, { "STATE", "state", NULL }, { "SINCE", "since", NULL },
		{ "ALG", "alg", NULL }, { "KID", "kid", NULL }, { "PLACE", "place", NULL }, { NULL, NULL, NULL },
	};
	static const struct cli_column ceilings[] = {
		{ "TENANT", "tenant", NULL }, { "TRUST DOMAIN", "trust_domain", NULL }, { "DNS SUFFIXES", "dns_suffixes", NULL }, { "ADDRESSES", "addresses", NULL },
		{ "TOKENS", "token_life", NULL }, { "TICKETS", "ticket_life", NULL }, { "LEAVES", "leaf_life", NULL }, { "OCSP", "ocsp", NULL },
		{ NULL, NULL, NULL },
	};
	struct lg_operator_words w = { { LG_STR("keeper-list") }, 1 };
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	LG_TRY(cli_table(c, answer, "keys", keys));
	if (cli_wants_json(c))
		return LG_OK;
	cli_line(c, "%s", "");
	return cli_table(c, answer, "ceilings", ceilings);
}

lg_err
cli_keeper_ceiling(struct cli *c)
{
	static const struct {
		const char *option, *word;
	} lives[] = { { "token-life", "token_life" }, { "ticket-life", "ticket_life" }, { "leaf-life", "leaf_life" } };
	struct lg_operator_words w = { { LG_STR("keeper-ceiling"), c->args[0] }, 2 };
	int64_t seconds = 0;
	lg_str answer;

	for (size_t i = 0; i < LG_COUNT(lives); i++) {
		if (!cli_given(c, lives[i].option))
			continue;
		LG_TRY(cli_seconds(c, lives[i].option, &seconds));
		LG_TRY(add(c, &w, lg_print(c->cx->arena, "%s=%lld", lives[i].word, (long long)seconds)));
	}
	if (cli_given(c, "dns-suffix"))
		LG_TRY(add(c, &w, lg_print(c->cx->arena, "dns_suffixes=%.*s", LG_FMT(cli_value(c, "dns-suffix")))));
	if (cli_given(c, "address"))
		LG_TRY(add(c, &w, lg_print(c->cx->arena, "addresses=%.*s", LG_FMT(cli_value(c, "address")))));
	if (w.n == 2)
		return lg_fail(c->cx, LG_E_INVALID, "what shall change? See lightgate keeper ceiling --help");
	LG_TRY(cli_operator(c, &w, &answer));
	return cli_show(c, answer);
}

lg_err
cli_keeper_rotate(struct cli *c)
{
	struct lg_operator_words w = { { LG_STR("keeper-rotate"), c->args[0], c->args[1],
		cli_given(c, "now") ? LG_STR("now") : LG_STR("later") }, 4 };
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	return cli_show(c, answer);
}

lg_err
cli_keeper_reconcile(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "TENANT", "tenant", NULL }, { "TIME", "time", NULL }, { "SHA-256", "sha256", NULL }, { NULL, NULL, NULL },
	};
	struct lg_operator_words w = { { LG_STR("keeper-reconcile") }, 1 };
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	if (!lg_str_eq(lg_api_member(c->cx, answer, "unrecorded"), LG_STR("[]")))
		c->answer = CLI_NO;
	LG_TRY(cli_table(c, answer, "unrecorded", columns));
	cli_line(c, "%.*s certificates signed; those above are not in the inventory", LG_FMT(lg_api_member(c->cx, answer, "signed")));
	return LG_OK;
}

/* ---- recover ----------------------------------------------------------------------------------------------- */

static lg_err
recover(struct cli *c, lg_str verb)
{
	struct lg_operator_words w = { { verb, cli_value(c, "tenant"), c->args[0] }, 3 };	/* no tenant: the default one */
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer);
	cli_line(c, "%.*s", LG_FMT(lg_api_member(c->cx, answer, "result")));
	return LG_OK;
}

lg_err
cli_recover_password(struct cli *c)
{
	return recover(c, LG_STR("recover-password"));
}

lg_err
cli_recover_unlock(struct cli *c)
{
	return recover(c, LG_STR("recover-unlock"));
}

lg_err
cli_recover_rollback(struct cli *c)
{
	return recover(c, LG_STR("recover-rollback"));
}
