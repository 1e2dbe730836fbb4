/* confine.c: Landlock by its raw calls (the headers of Debian 12 know ABI 3 only), seccomp, capabilities. */
#include "crypto/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* ---- Landlock -------------------------------------------------------------------------------------------------------- */

enum {
	NET_BIND_TCP = 1,		/* ABI 4; connecting stays open: the server fetches */
	SCOPE_SIGNAL = 2		/* ABI 6 */
};

struct ruleset {			/* as of ABI 6; older kernels take the first one or two fields */
	uint64_t fs, net, scoped;
};

#define FS_DEVICE	(1u << 15)

static const struct {
	int abi;
	uint64_t rights;
} fs_since[] = {
	{ 1, LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE
	    | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE
	    | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG
	    | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK
	    | LANDLOCK_ACCESS_FS_MAKE_SYM },
	{ 2, 1u << 13 },		/* REFER */
	{ 3, 1u << 14 },		/* TRUNCATE */
	{ 5, FS_DEVICE },		/* IOCTL_DEV */
};

#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE \
	| LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | 1u << 13 | 1u << 14)
#define FS_OF_FILES	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | 1u << 14 | FS_DEVICE)

int
lg_confine_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static lg_err
allow(struct lg_ctx *cx, int ruleset, const struct lg_confine_path *p, uint64_t handled)
{
	LG_AUTO(lg_fd_close) int fd = open(p->path, O_PATH | O_CLOEXEC);
	uint64_t rights = 0;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return LG_OK;
	if (fd < 0 || fstat(fd, &st) != 0)
		return lg_fail(cx, LG_E_IO, "%.300s: %m", p->path);
	rights |= (p->rights & LG_CONFINE_READ) != 0 ? FS_READ : 0;
	rights |= (p->rights & LG_CONFINE_WRITE) != 0 ? FS_WRITE : 0;
	rights |= (p->rights & LG_CONFINE_EXEC) != 0 ? LANDLOCK_ACCESS_FS_EXECUTE : 0;
	rights |= (p->rights & LG_CONFINE_DEVICE) != 0 ? FS_DEVICE : 0;
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & handled & (S_ISDIR(st.st_mode) ? UINT64_MAX : FS_OF_FILES), .parent_fd = fd,
	};
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		return lg_fail(cx, LG_E_IO, "landlock rule for %.300s: %m", p->path);
	return LG_OK;
}

/* Sanitizers write their report where they were told to, and read the process's own maps. */
static lg_err
allow_reports(struct lg_ctx *cx, int ruleset, uint64_t handled)
{
#ifdef LG_SANITIZE
	const char *tmp = getenv("TMPDIR");
	const struct lg_confine_path paths[] = {
		{ "/proc", LG_CONFINE_READ }, { tmp == NULL ? "/tmp" : tmp, LG_CONFINE_READ | LG_CONFINE_WRITE },
	};
	for (size_t i = 0; i < LG_COUNT(paths); i++)
		LG_TRY(allow(cx, ruleset, &paths[i], handled));
#else
	(void)cx, (void)ruleset, (void)handled;
#endif
	return LG_OK;
}

lg_err
lg_confine_paths(struct lg_ctx *cx, const struct lg_confine_path *paths, size_t n)
{
	int abi = lg_confine_landlock_abi();
	struct ruleset attr = { .net = abi >= 4 ? NET_BIND_TCP : 0, .scoped = abi >= 6 ? SCOPE_SIGNAL : 0 };
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	if (abi == 0)
		return lg_fail(cx, LG_E_UNSUPPORTED, "this kernel has no Landlock");
	if (n > LG_CONFINE_PATHS)
		return lg_fail(cx, LG_E_LIMIT, "more than %d paths", LG_CONFINE_PATHS);
	for (size_t i = 0; i < LG_COUNT(fs_since); i++)
		attr.fs |= abi >= fs_since[i].abi ? fs_since[i].rights : 0;
	LG_AUTO(lg_fd_close) int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return lg_fail(cx, LG_E_IO, "landlock: %m");
	for (size_t i = 0; i < n; i++)
		LG_TRY(allow(cx, ruleset, &paths[i], attr.fs));
	LG_TRY(allow_reports(cx, ruleset, attr.fs));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return lg_fail(cx, LG_E_IO, "landlock: %m");
	return LG_OK;
}

/* ---- dumps, memory, descriptors, privileges ------------------------------------------------------------------------------ */

lg_err
lg_confine_no_dumps(struct lg_ctx *cx)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return lg_fail(cx, LG_E_IO, "giving up core dumps: %m");
#ifdef LG_SANITIZE			/* the leak checker traces its own process, a change of user forbids it */
	const unsigned long dumpable = 1;
#else
	const unsigned long dumpable = 0;
#endif
	if (prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) != 0)
		return lg_fail(cx, LG_E_IO, "PR_SET_DUMPABLE: %m");
	return LG_OK;
}

void
lg_confine_lock_memory(void)
{
#ifndef LG_SANITIZE
	struct rlimit have;

	/* Under a finite limit MCL_FUTURE would make a later allocation fail instead. */
	if (getrlimit(RLIMIT_MEMLOCK, &have) != 0 || have.rlim_cur != RLIM_INFINITY)
		return;
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
#endif
}

static bool
is_kept(unsigned fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] >= 0 && (unsigned)keep[i] == fd)
			return true;
	return false;
}

void
lg_confine_close_others(const int *keep, size_t n)
{
	unsigned from = 3;

	for (;;) {
		unsigned next = UINT32_MAX;	/* the smallest kept one from here on */
		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next > from)
			close_range(from, next == UINT32_MAX ? UINT32_MAX : next - 1, 0);
		if (next == UINT32_MAX)
			return;
		for (from = next + 1; is_kept(from, keep, n);)
			from++;
	}
}

lg_err
lg_confine_drop(struct lg_ctx *cx, uid_t uid, gid_t gid)
{
	capng_clear(CAPNG_SELECT_BOTH);
	int rc = capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (rc != 0)
		return lg_fail(cx, LG_E_DENIED, "changing to user %u, group %u failed (%d)", uid, gid, rc);
	if (getuid() != uid || geteuid() != uid || getgid() != gid || setuid(0) == 0)
		return lg_fail(cx, LG_E_INTERNAL, "privileges were not given up");
	return LG_OK;
}
