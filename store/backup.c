/* backup.c: a compact copy of the environment while it is in use; the only long reader there is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/internal.h"

lg_err
lg_sync_folder(struct lg_ctx *cx, const char *file)
{
	const char *slash = strrchr(file, '/');
	lg_str dir = slash == NULL ? LG_STR(".") : slash == file ? LG_STR("/") : (lg_str){ file, (size_t)(slash - file) };
	const char *path;

	LG_TRY(lg_cstr(cx, dir, &path));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0) {
		lg_err e = lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return e;
	}
	close(fd);
	return LG_OK;
}

static lg_err
copy_to(struct lg_ctx *cx, struct lg_store *st, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(errno));
	lg_err e = lg_lmdb_fail(cx, mdb_env_copyfd2(st->env, fd, MDB_CP_COMPACT), path);
	if (e == LG_OK && fsync(fd) != 0)
		e = lg_fail(cx, errno == ENOSPC ? LG_E_FULL : LG_E_IO, "%s: %s", path, strerror(errno));
	close(fd);
	return e;
}

lg_err
lg_store_backup(struct lg_ctx *cx, struct lg_store *st, const char *file)
{
	lg_str part = lg_print(cx->arena, "%s.part", file);

	lg_err e = copy_to(cx, st, part.p);
	if (e == LG_OK && rename(part.p, file) != 0)
		e = lg_fail(cx, LG_E_IO, "%s: %s", file, strerror(errno));
	if (e != LG_OK) {
		unlink(part.p);
		return e;
	}
	return lg_sync_folder(cx, file);
}
