/* mounts.c: see mounts.h. */
#include "agent/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Below `root` as the container will see it: its links, also absolute ones, stay inside (openat2(2)). */
static int
open_inside(struct lg_ctx *cx, int root, lg_str path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	return (int)syscall(SYS_openat2, root, lg_dup(cx->arena, path).p, &how, sizeof how);
}

/* Where the open file really is. */
static lg_err
real_path(struct lg_ctx *cx, int fd, lg_str *ret)
{
	char path[PATH_MAX];
	ssize_t n = readlink(lg_print(cx->arena, "/proc/self/fd/%d", fd).p, path, sizeof path);

	if (n <= 0 || n == (ssize_t)sizeof path)
		return lg_fail(cx, LG_E_DENIED, "a mount's source cannot be told");
	*ret = lg_dup(cx->arena, (lg_str){ path, (size_t)n });
	return LG_OK;
}

static lg_err
check_one(struct lg_ctx *cx, int root, lg_str from, lg_str to, struct lg_oci *oci)
{
	LG_AUTO(close_fd) int source = open(lg_dup(cx->arena, from).p, O_PATH | O_CLOEXEC);
	LG_AUTO(close_fd) int shown = open_inside(cx, root, to);
	struct statvfs fs;
	struct stat a, b;
	lg_str real;

	if (source < 0 || shown < 0 || fstat(source, &a) != 0 || fstat(shown, &b) != 0 || fstatvfs(shown, &fs) != 0)
		return lg_fail(cx, LG_E_DENIED, "the mount of %.*s at %.*s cannot be looked at: %s", LG_FMT(from), LG_FMT(to), strerror(errno));
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return lg_fail(cx, LG_E_DENIED, "something else than %.*s is mounted at %.*s", LG_FMT(from), LG_FMT(to));
	LG_TRY(real_path(cx, source, &real));
	oci->sensitive_mount |= lg_oci_path_sensitive(cx, real, (fs.f_flag & ST_RDONLY) != 0);
	return LG_OK;
}

lg_err
lg_mounts_check(struct lg_ctx *cx, pid_t pid, struct lg_oci *oci)
{
	if (oci->bind_from.n == 0)
		return LG_OK;
	LG_AUTO(close_fd) int root = open(lg_print(cx->arena, "/proc/%d/root%.*s", (int)pid, LG_FMT(oci->rootfs)).p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pid <= 0 || root < 0)
		return lg_fail(cx, LG_E_DENIED, "the container's mounts cannot be looked at: %s", strerror(errno));
	for (size_t i = 0; i < oci->bind_from.n; i++)
		LG_TRY(check_one(cx, root, oci->bind_from.v[i], oci->bind_to.v[i], oci));
	return LG_OK;
}
