/* file.c: whole files and directories, the durable way. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	int number;
	lg_err err;
} codes[] = {
	{ ENOENT, LG_E_NOT_FOUND },
	{ ENOTDIR, LG_E_NOT_FOUND },
	{ EACCES, LG_E_DENIED },
	{ EPERM, LG_E_DENIED },
	{ EROFS, LG_E_DENIED },
	{ ENOSPC, LG_E_FULL },
	{ EDQUOT, LG_E_FULL },
};

static lg_err
fail_errno(struct lg_ctx *cx, const char *verb, const char *path)
{
	int number = errno;
	lg_err e = LG_E_IO;

	for (size_t i = 0; i < LG_COUNT(codes); i++)
		if (codes[i].number == number)
			e = codes[i].err;
	return lg_fail(cx, e, "cannot %s %.300s: %s", verb, path, strerrordesc_np(number));
}

void
lg_fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Reads what comes, up to n bytes: less only at the end of the file; -1 on an error. */
static ssize_t
read_some(int fd, char *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, p + got, n - got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

bool
lg_read_all(int fd, void *p, size_t n)
{
	return read_some(fd, p, n) == (ssize_t)n;
}

bool
lg_write_all(int fd, const void *p, size_t n)
{
	const char *from = p;

	while (n > 0) {
		ssize_t w = write(fd, from, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		from += w;
		n -= (size_t)w;
	}
	return true;
}

/* st_size is a hint only: files in /proc say 0, and a file may grow while it is read. */
lg_err
lg_file_read(struct lg_ctx *cx, const char *path, size_t max, lg_str *ret)
{
	LG_AUTO(lg_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return fail_errno(cx, "open", path);
	if (fstat(fd, &st) != 0)
		return fail_errno(cx, "read", path);
	size_t size = st.st_size > 0 && (uint64_t)st.st_size <= max ? (size_t)st.st_size : 4095;
	size_t got = 0;
	char *p = lg_alloc(cx->arena, size + 1);
	for (;;) {
		ssize_t n = read_some(fd, p + got, size + 1 - got);
		if (n < 0)
			return fail_errno(cx, "read", path);
		got += (size_t)n;
		if (got > max)
			return lg_fail(cx, LG_E_LIMIT, "%.300s is larger than %zu bytes", path, max);
		if (got <= size)
			break;
		char *more = lg_alloc(cx->arena, size * 2 + 1);
		memcpy(more, p, got);
		p = more;
		size *= 2;
	}
	*ret = (lg_str){ p, got };
	return LG_OK;
}

lg_err
lg_dir_sync(struct lg_ctx *cx, const char *dir)
{
	LG_AUTO(lg_fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return fail_errno(cx, "sync the folder", dir);
	return LG_OK;
}

lg_err
lg_dir_sync_of(struct lg_ctx *cx, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (slash == NULL || slash == file)
		return lg_dir_sync(cx, slash == NULL ? "." : "/");
	return lg_dir_sync(cx, lg_dup(cx->arena, (lg_str){ file, (size_t)(slash - file) }).p);
}

static lg_err
fill(struct lg_ctx *cx, int fd, const char *path, mode_t mode, lg_str data, bool durable)
{
	if (fchmod(fd, mode) != 0)
		return fail_errno(cx, "set the mode of", path);
	if (!lg_write_all(fd, data.p, data.n) || (durable && fdatasync(fd) != 0))
		return fail_errno(cx, "write", path);
	return LG_OK;
}

static lg_err
replace(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data, bool durable)
{
	char *temporary = lg_alloc(cx->arena, strlen(path) + sizeof ".XXXXXX");

	strcpy(stpcpy(temporary, path), ".XXXXXX");
	LG_AUTO(lg_fd_close) int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(cx, "create a file beside", path);
	lg_err e = fill(cx, fd, path, mode, data, durable);
	if (e == LG_OK && rename(temporary, path) != 0)
		e = fail_errno(cx, "replace", path);
	if (e != LG_OK)
		unlink(temporary);
	return e;
}

lg_err
lg_file_write(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data)
{
	LG_TRY(replace(cx, path, mode, data, true));
	return lg_dir_sync_of(cx, path);
}

lg_err
lg_file_put(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data)
{
	return replace(cx, path, mode, data, false);
}

lg_err
lg_file_update(struct lg_ctx *cx, const char *path, mode_t mode, lg_str data)
{
	struct stat st;
	lg_str was;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == mode &&
	    lg_file_read(cx, path, data.n, &was) == LG_OK && lg_str_eq(was, data))
		return LG_OK;
	cx->error[0] = '\0';
	return lg_file_write(cx, path, mode, data);
}

lg_err
lg_dir_make(struct lg_ctx *cx, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0) {
		if (chmod(path, mode) != 0)	/* the umask took its share */
			return fail_errno(cx, "set the mode of", path);
		return lg_dir_sync_of(cx, path);
	}
	if (errno != EEXIST)
		return fail_errno(cx, "create", path);
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return lg_fail(cx, LG_E_CONFLICT, "%.300s is there and is no folder", path);
	return LG_OK;
}

lg_err
lg_dir_make_above(struct lg_ctx *cx, const char *path, mode_t mode)
{
	for (const char *end = path; (end = strchr(end + 1, '/')) != NULL; )
		if (end[-1] != '/')
			LG_TRY(lg_dir_make(cx, lg_dup(cx->arena, (lg_str){ path, (size_t)(end - path) }).p, mode));
	return LG_OK;
}
