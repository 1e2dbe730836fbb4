/* backup.c: a compact copy of the environment while it is in use; the only long reader there is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "store/internal.h"

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
	return lg_dir_sync_of(cx, file);
}
