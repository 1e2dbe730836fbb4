/* audit.c: the record of changes and decisions; its chains; backups; what lightgated does itself. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

static const struct cli_column columns[] = {
	{ "TIME", "time", NULL }, { "ACTOR", "actor", NULL }, { "OPERATION", "operation", NULL }, { "TARGET", "target", NULL },
	{ "RESULT", "result", NULL }, { NULL, NULL, NULL },
};

lg_err
cli_audit_list(struct cli *c)
{
	static const char *const filters[] = { "limit", "after", "actor", "operation" };
	LG_AUTO(lg_buf_free) struct lg_buf b = LG_BUF(4096);
	struct lg_answer answer;

	lg_buf_str(&b, LG_STR("/v1/audit"));
	char separator = '?';
	for (size_t i = 0; i < LG_COUNT(filters); i++) {
		if (!cli_given(c, filters[i]))
			continue;
		lg_buf_printf(&b, "%c%s=", separator, filters[i]);
		lg_buf_percent(&b, cli_value(c, filters[i]));
		separator = '&';
	}
	LG_TRY(lg_buf_status(c->cx, &b));
	LG_TRY(cli_call(c, "GET", lg_dup(c->cx->arena, lg_buf_view(&b)), LG_NONE, &answer));
	return cli_table(c, answer.body, "items", columns);
}

/* One chain's line; false when it does not match. */
static bool
tell_chain(struct cli *c, lg_str body, const char *name)
{
	lg_str chain = lg_api_member(c->cx, body, name);
	bool ok = lg_api_is_true(c->cx, chain, "ok");

	cli_line(c, "%-10s %s  epoch %.*s, %.*s records, head %.*s", name, ok ? "intact" : "DOES NOT MATCH",
	    LG_FMT(lg_api_member(c->cx, chain, "epoch")), LG_FMT(lg_api_member(c->cx, chain, "seq")),
	    LG_FMT(lg_str_sub(lg_api_member(c->cx, chain, "hash"), 0, 16)));
	return ok;
}

lg_err
cli_audit_verify(struct cli *c)
{
	struct lg_answer answer;

	LG_TRY(cli_call(c, "GET", LG_STR("/v1/audit/verify"), LG_NONE, &answer));
	if (cli_wants_json(c))
		cli_json(c, answer.body);
	bool changes = tell_chain(c, answer.body, "changes"), decisions = tell_chain(c, answer.body, "decisions");
	c->answer = changes && decisions ? CLI_YES : CLI_NO;
	return LG_OK;
}

/* ---- backup ---------------------------------------------------------------------------------------------- */

static bool
write_piece(void *arg, lg_str piece)
{
	return lg_write_all(*(int *)arg, piece.p, piece.n);
}

static lg_err
stream_into(struct cli *c, int fd)
{
	struct lg_answer answer;

	LG_TRY(cli_sign_in(c, "/v1"));
	struct lg_call call = {
		.method = "GET", .path = LG_STR("/v1/backup"), .token = c->session.token, .time = 3600 * INT64_C(1000000),
		.sink = write_piece, .arg = &fd,
	};
	LG_TRY(lg_api_call(c->cx, c->session.link, &call, &answer));
	return fsync(fd) == 0 ? LG_OK : lg_fail(c->cx, LG_E_IO, "the backup cannot be written: %s", strerror(errno));
}

lg_err
cli_backup(struct cli *c)
{
	const char *path, *partial;
	struct stat st;

	if (!cli_given(c, "out"))
		return lg_fail(c->cx, LG_E_INVALID, "where to? lightgate backup --out FILE");
	LG_TRY(lg_cstr(c->cx, cli_value(c, "out"), &path));
	partial = lg_print(c->cx->arena, "%s.partial", path).p;
	int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return lg_fail(c->cx, LG_E_IO, "%s: %s", partial, strerror(errno));
	lg_err e = stream_into(c, fd);
	if (e == LG_OK && (fstat(fd, &st) != 0 || rename(partial, path) != 0))
		e = lg_fail(c->cx, LG_E_IO, "%s: %s", path, strerror(errno));
	close(fd);
	if (e != LG_OK)
		(void)unlink(partial);
	else
		cli_line(c, "%s: %lld bytes", path, (long long)st.st_size);
	return e;
}

/* ---- tool -------------------------------------------------------------------------------------------------- */

lg_err
cli_tool(struct cli *c)
{
	char *argv[CLI_ARGS + 3] = { (char *)(uintptr_t)"lightgated", (char *)(uintptr_t)"tool" }, self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	size_t i = 0;

	for (; c->verbatim[i] != NULL && i < CLI_ARGS; i++)
		argv[i + 2] = c->verbatim[i];
	if (c->verbatim[i] != NULL)
		return lg_fail(c->cx, LG_E_LIMIT, "too many words");
	/* The daemon that was installed with this program, if there is one; else the one in PATH. */
	if (n > 0) {
		self[n] = '\0';
		char *slash = strrchr(self, '/');
		*slash = '\0';
		execv(lg_print(c->cx->arena, "%s/lightgated", self).p, argv);
	}
	execvp("lightgated", argv);
	return lg_fail(c->cx, LG_E_NOT_FOUND, "lightgated cannot be run: %s", strerror(errno));
}
