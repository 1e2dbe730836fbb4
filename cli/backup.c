/* backup.c: the service's backup into a file; and what lightgated does itself. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

/* ---- the recovery key ------------------------------------------------------------------------------------ */

/* 32 random octets in base64url, the form of every token of ours.  Made when the file is not there yet: a key that people think
 * up would be no key, and the backup is sealed under nothing else. */
static lg_err
recovery_key(struct cli *c, lg_str *ret)
{
	lg_str path = cli_value(c, "key-file");
	const char *name;

	if (path.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "under which key? lightgate backup --out FILE --key-file FILE; a key is made if the file is not there");
	LG_TRY(lg_cstr(c->cx, path, &name));
	if (access(name, F_OK) == 0)
		return cli_read_secret(c, path, ret);
	*ret = lg_token_new(c->cx->arena);
	LG_TRY(cli_write_secret(c, path, *ret));
	cli_line(c, "the recovery key is new: %s; without it the backup cannot be opened, so keep it elsewhere", name);
	return LG_OK;
}

/* ---- the stream ---------------------------------------------------------------------------------------------- */

static bool
write_piece(void *arg, lg_str piece)
{
	return lg_write_all(*(int *)arg, piece.p, piece.n);
}

static lg_err
stream_into(struct cli *c, int fd, lg_str key)
{
	struct lg_reply answer;

	LG_TRY(cli_sign_in(c, "/v1"));
	struct lg_call call = {
		.method = "GET", .path = LG_STR("/v1/backup"), .token = c->session.token, .time = 3600 * INT64_C(1000000),
		.headers = { { "Lightgate-Recovery-Key", key } }, .sink = write_piece, .arg = &fd,
	};
	LG_TRY(lg_api_call(c->cx, c->session.link, &call, &answer));
	return fsync(fd) == 0 ? LG_OK : lg_fail(c->cx, LG_E_IO, "the backup cannot be written: %s", strerror(errno));
}

lg_err
cli_backup(struct cli *c)
{
	const char *path, *partial;
	struct stat st;
	lg_str key;

	if (!cli_given(c, "out"))
		return lg_fail(c->cx, LG_E_INVALID, "where to? lightgate backup --out FILE --key-file FILE");
	LG_TRY(recovery_key(c, &key));
	LG_TRY(lg_cstr(c->cx, cli_value(c, "out"), &path));
	partial = lg_print(c->cx->arena, "%s.partial", path).p;
	int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return lg_fail(c->cx, LG_E_IO, "%s: %s", partial, strerror(errno));
	lg_err e = stream_into(c, fd, key);
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
		return lg_fail(c->cx, LG_E_LIMIT, "more than %d words after the command", CLI_ARGS);
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
