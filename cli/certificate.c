/* certificate.c: the inventory, revocation, and a new key with its certificate. */
#include "cli/cli.h"

#define LIST_MAX (256u << 20)	/* octets of a list that is shown; export has no limit */

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

static const struct cli_column columns[] = {
	{ "SERIAL", "serial", NULL }, { "SUBJECT", "subject", NULL }, { "PROFILE", "profile", NULL }, { "STATE", "state", NULL }, { "EXPIRES", "expires", NULL },
	{ NULL, NULL, NULL },
};

/* ---- finding ------------------------------------------------------------------------------------------ */

static void
put_query(struct lg_buf *b, const char *name, lg_str value)
{
	lg_buf_printf(b, "&%s=", name);
	lg_buf_percent(b, value);
}

/* --expiring 14d: what ends within that time and has not ended. */
static lg_err
put_expiring(struct cli *c, struct lg_buf *b)
{
	int64_t within;

	LG_TRY(cli_seconds(c, "expiring", &within));
	put_query(b, "expires_after", lg_time_text(c->cx->arena, c->cx->now));
	put_query(b, "expires_before", lg_time_text(c->cx->arena, c->cx->now + within * LG_SECOND));
	if (!cli_given(c, "state"))
		put_query(b, "state", LG_STR("issued"));
	return LG_OK;
}

static lg_err
question(struct cli *c, lg_str *ret)
{
	static const struct {
		const char *option, *member;
	} same[] = { { "subject", "subject" }, { "serial", "serial" }, { "name", "name" }, { "spki", "key" }, { "profile", "profile" }, { "state", "state" },
		{ "issuer", "issuer" }, { "expires-after", "expires_after" }, { "expires-before", "expires_before" } };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(16u << 10);

	lg_buf_str(&b, LG_STR("/v1/certificates?limit=500"));
	for (size_t i = 0; i < LG_COUNT(same); i++)
		if (cli_given(c, same[i].option))
			put_query(&b, same[i].member, cli_value(c, same[i].option));
	if (cli_given(c, "expiring"))
		LG_TRY(put_expiring(c, &b));
	LG_TRY(lg_buf_status(c->cx, &b));
	*ret = lg_dup(c->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

/* All pages, item by item. */
static lg_err
each_item(struct cli *c, void (*take)(struct cli *c, lg_str item, void *arg), void *arg)
{
	lg_str path, next = LG_NONE;

	LG_TRY(question(c, &path));
	for (int page = 0; page < CLI_PAGES; page++) {
		struct lg_reply answer;
		struct lg_json js;

		LG_TRY(cli_call(c, "GET", next.n > 0 ? lg_print(c->cx->arena, "%.*s&after=%.*s", LG_FMT(path), LG_FMT(next)) : path, LG_NONE, &answer));
		lg_json_init(&js, c->cx->arena, lg_api_raw(c->cx, answer.body, "items"));
		lg_json_array(&js);
		while (lg_json_item(&js))
			take(c, lg_json_raw(&js), arg);
		LG_TRY(lg_json_end(c->cx, &js));
		next = lg_api_member(c->cx, answer.body, "next");
		if (next.n == 0)
			return LG_OK;
	}
	return lg_fail(c->cx, LG_E_LIMIT, "more than %d pages", CLI_PAGES);
}

static void
add_item(struct cli *c, lg_str item, void *arg)
{
	struct lg_jsonw *w = arg;

	(void)c;
	lg_jsonw_raw(w, item);
}

static lg_err
collect(struct cli *c, struct lg_buf *b)
{
	struct lg_jsonw w = lg_jsonw_of(b);

	lg_jsonw_object(&w);
	lg_jsonw_name(&w, LG_STR("items"));
	lg_jsonw_array(&w);
	LG_TRY(each_item(c, add_item, &w));
	lg_jsonw_array_end(&w);
	lg_jsonw_object_end(&w);
	return lg_buf_status(c->cx, b);
}

lg_err
cli_certificate_list(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(LIST_MAX);

	LG_TRY(collect(c, &b));
	return cli_table(c, lg_dup(c->cx->arena, lg_buf_view(&b)), "items", columns);
}

/* ---- export: as it comes, so that there may be millions ------------------------------------------------------ */

static void
pem_item(struct cli *c, lg_str item, void *arg)
{
	lg_str pem = lg_api_member(c->cx, item, "certificate");

	(void)arg;
	fwrite(pem.p, 1, pem.n, c->out);
}

static void
json_item(struct cli *c, lg_str item, void *arg)
{
	(void)arg;
	fprintf(c->out, "%.*s\n", LG_FMT(item));
}

/* RFC 4180: always quoted, quotes doubled. */
static void
csv_value(struct cli *c, lg_str v, char after)
{
	fputc('"', c->out);
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"')
			fputc('"', c->out);
		fputc(v.p[i], c->out);
	}
	fprintf(c->out, "\"%c", after);
}

static void
csv_item(struct cli *c, lg_str item, void *arg)
{
	static const char *const fields[] = { "serial", "state", "profile", "subject", "not_before", "expires", "revoked", "reason", "key", "issuer" };

	(void)arg;
	for (size_t i = 0; i < LG_COUNT(fields); i++)
		csv_value(c, cli_text(c, lg_api_raw(c->cx, item, fields[i])), i + 1 < LG_COUNT(fields) ? ',' : '\n');
}

lg_err
cli_certificate_export(struct cli *c)
{
	static const struct {
		lg_str name;
		void (*take)(struct cli *c, lg_str item, void *arg);
	} formats[] = { { LG_STR("csv"), csv_item }, { LG_STR("json"), json_item }, { LG_STR("pem"), pem_item } };
	lg_str format = cli_given(c, "format") ? cli_value(c, "format") : LG_STR("json");

	for (size_t i = 0; i < LG_COUNT(formats); i++) {
		if (!lg_str_eq(format, formats[i].name))
			continue;
		if (formats[i].take == csv_item)
			fputs("serial,state,profile,subject,not_before,expires,revoked,reason,key,issuer\n", c->out);
		return each_item(c, formats[i].take, NULL);
	}
	return lg_fail(c->cx, LG_E_INVALID, "--format is csv, json or pem");
}

/* ---- revoking ------------------------------------------------------------------------------------------------ */

static lg_err
revoke_many(struct cli *c)
{
	static const struct {
		const char *option, *member;
	} by[] = { { "subject", "subject" }, { "spki", "key" }, { "issuer", "issuer" }, { "reason", "reason" } };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;

	lg_jsonw_object(&w);
	for (size_t i = 0; i < LG_COUNT(by); i++)
		if (cli_given(c, by[i].option))
			lg_jsonw_str_of(&w, by[i].member, cli_value(c, by[i].option));
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/certificates/revoke"), lg_buf_view(&b), &answer));
	return cli_show(c, answer.body);
}

lg_err
cli_certificate_revoke(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(1024);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	bool many = cli_given(c, "subject") || cli_given(c, "spki") || cli_given(c, "issuer");

	if (many == (c->nargs == 1))
		return lg_fail(c->cx, LG_E_INVALID, "which? A serial number, or --subject, --spki or --issuer");
	if (many)
		return revoke_many(c);
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
	LG_TRY(cli_put_life(c, &w));
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

/* ---- purge ---------------------------------------------------------------------------------------------- */

lg_err
cli_certificate_purge(struct cli *c)
{
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(256);
	struct lg_jsonw w = lg_jsonw_of(&b);
	struct lg_reply answer;
	int64_t ago;

	if (!cli_given(c, "expired"))
		return lg_fail(c->cx, LG_E_INVALID, "how long ago? lightgate certificate purge --expired 30d");
	LG_TRY(cli_seconds(c, "expired", &ago));
	lg_jsonw_object(&w);
	lg_jsonw_time_of(&w, "expired_before", c->cx->now - ago * 1000000);
	lg_jsonw_object_end(&w);
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "POST", LG_STR("/v1/certificates/purge"), lg_buf_view(&b), &answer));
	cli_line(c, "%.*s rows are gone", LG_FMT(lg_api_raw(c->cx, answer.body, "purged")));
	return LG_OK;
}
