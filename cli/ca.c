/* ca.c: a tenant's issuing CAs.  Like tenants and keys they are the local operator's business. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/operator.h"
#include "base/text.h"

/* The key is in a token where --key says so, or where the settings do.  otherwise: its type when none is said; empty: like the CA before. */
static lg_err
new_ca(struct cli *c, lg_str kind, lg_str otherwise, lg_str *answer)
{
	struct lg_operator_words w = { { LG_STR("ca-new"), c->args[0], kind, cli_given(c, "type") ? cli_value(c, "type") : otherwise,
		cli_given(c, "key") ? cli_value(c, "key") : LG_STR("") }, 5 };

	return cli_operator(c, &w, answer);
}

lg_err
cli_ca_csr(struct cli *c)
{
	lg_str answer, csr;

	LG_TRY(new_ca(c, LG_STR("request"), LG_STR("P-256"), &answer));
	csr = lg_api_member(c->cx, answer, "csr");
	if (!cli_given(c, "out")) {
		fwrite(csr.p, 1, csr.n, c->out);
		return LG_OK;
	}
	LG_TRY(lg_file_write(c->cx, lg_dup(c->cx->arena, cli_value(c, "out")).p, 0644, csr));
	cli_line(c, "%.*s is written; lightgate ca import %.*s takes the certificate", LG_FMT(cli_value(c, "out")), LG_FMT(c->args[0]));
	return LG_OK;
}

/* The file holds the issuing CA's certificate, and the root's after it when that is new. */
lg_err
cli_ca_import(struct cli *c)
{
	struct lg_operator_words w = { { LG_STR("ca-import"), c->args[0] }, 2 };
	lg_str text, rest, der, answer;

	if (!cli_given(c, "file"))
		return lg_fail(c->cx, LG_E_INVALID, "which certificate? lightgate ca import TENANT -f FILE");
	LG_TRY(cli_read_file(c, cli_value(c, "file"), &text));
	for (rest = text; w.n < 4 && lg_pem_parse(c->cx->arena, rest, LG_STR("CERTIFICATE"), &der, &rest);)
		w.word[w.n++] = lg_pem(c->cx->arena, LG_STR("CERTIFICATE"), der);
	if (w.n == 2)
		return lg_fail(c->cx, LG_E_INVALID, "%.*s holds no certificate (PEM)", LG_FMT(cli_value(c, "file")));
	LG_TRY(cli_operator(c, &w, &answer));
	return cli_show(c, answer);
}

lg_err
cli_ca_rotate(struct cli *c)
{
	struct lg_operator_words w = { { LG_STR("keeper-rotate"), c->args[0], LG_STR("issuer"), LG_STR("later") }, 4 };
	lg_str answer;

	if (cli_given(c, "constrained"))
		LG_TRY(new_ca(c, LG_STR("constrained"), LG_STR(""), &answer));
	else
		LG_TRY(cli_operator(c, &w, &answer));
	return cli_show(c, answer);
}

lg_err
cli_ca_create(struct cli *c)
{
	bool root = cli_given(c, "root"), constrained = cli_given(c, "constrained");
	lg_str answer;

	if (root && constrained)
		return lg_fail(c->cx, LG_E_INVALID, "a root is not constrained; its issuing CAs are");
	LG_TRY(new_ca(c, root ? LG_STR("root") : constrained ? LG_STR("constrained") : LG_STR("issuer"), LG_STR("P-256"), &answer));
	return cli_show(c, answer);
}

lg_err
cli_ca_ocsp(struct cli *c)
{
	struct lg_operator_words w = { { LG_STR("ca-ocsp"), c->args[0], c->args[1] }, 3 };
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	return cli_show(c, answer);
}

static lg_err
move(struct cli *c, lg_str verb)
{
	struct lg_operator_words w = { { LG_STR("ca-move"), c->args[0], c->args[1], verb }, 4 };
	lg_str answer;

	LG_TRY(cli_operator(c, &w, &answer));
	return cli_show(c, answer);
}

lg_err
cli_ca_activate(struct cli *c)
{
	return move(c, LG_STR("activate"));
}

lg_err
cli_ca_cancel(struct cli *c)
{
	return move(c, LG_STR("cancel"));
}

lg_err
cli_ca_distrust(struct cli *c)
{
	return move(c, LG_STR("distrust"));
}

lg_err
cli_ca_trust(struct cli *c)
{
	return move(c, LG_STR("trust"));
}
