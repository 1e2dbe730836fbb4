/* files.c: files named on the command line, and the terminal. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

static lg_err
read_input(struct cli *c, lg_str *ret)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(CLI_FILE_MAX);
	char piece[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0)
		lg_buf_bytes(&b, piece, (size_t)n);
	explicit_bzero(piece, sizeof piece);
	if (n < 0)
		return lg_fail(c->cx, LG_E_IO, "standard input: %s", strerror(errno));
	LG_TRY(lg_buf_status(c->cx, &b));
	*ret = lg_dup(c->cx->arena, lg_buf_view(&b));
	return LG_OK;
}

lg_err
cli_read_file(struct cli *c, lg_str path, lg_str *ret)
{
	const char *name;

	if (lg_str_eq(path, LG_STR("-")))
		return read_input(c, ret);
	LG_TRY(lg_cstr(c->cx, path, &name));
	return lg_file_read(c->cx, name, CLI_FILE_MAX, ret);
}

lg_err
cli_read_secret(struct cli *c, lg_str path, lg_str *ret)
{
	lg_str text, line, rest;

	LG_TRY(cli_read_file(c, path, &text));
	(void)lg_str_cut(text, '\n', &line, &rest);
	if (lg_str_ends(line, LG_STR("\r")))
		line = lg_str_sub(line, 0, line.n - 1);
	if (line.n == 0)
		return lg_fail(c->cx, LG_E_INVALID, "%.*s: the first line is empty", LG_FMT(path));
	*ret = line;
	return LG_OK;
}

lg_err
cli_write_secret(struct cli *c, lg_str path, lg_str text)
{
	const char *name;

	if (lg_str_eq(path, LG_STR("-"))) {
		fprintf(c->out, "%.*s\n", LG_FMT(text));
		return LG_OK;
	}
	LG_TRY(lg_cstr(c->cx, path, &name));
	return lg_file_write(c->cx, name, 0600, lg_cat(c->cx->arena, text, LG_STR("\n")));
}

lg_err
cli_ask_password(struct cli *c, const char *prompt, lg_str *ret)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios normal, quiet;
	char line[LG_PASSWORD_MAX + 2];
	ssize_t n;

	if (tty < 0 || tcgetattr(tty, &normal) != 0) {
		if (tty >= 0)
			close(tty);
		return lg_fail(c->cx, LG_E_INVALID, "there is no terminal to ask for the password: give --password-file FILE");
	}
	quiet = normal;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	dprintf(tty, "%s: ", prompt);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	n = read(tty, line, sizeof line);
	tcsetattr(tty, TCSAFLUSH, &normal);
	dprintf(tty, "\n");
	close(tty);
	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n > 0)
		*ret = lg_dup(c->cx->arena, (lg_str){ line, (size_t)n });
	explicit_bzero(line, sizeof line);
	return n > 0 ? LG_OK : lg_fail(c->cx, LG_E_INVALID, "no password was given");
}
