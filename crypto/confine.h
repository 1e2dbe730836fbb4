/*
 * confine.h: what a process gives up: files, system calls, dumps, privileges.  In an object of its own, since the
 * keeper and the server need it and client libraries do not.
 *
 * Order: lg_confine_drop (as root), lg_confine_no_dumps, lg_confine_paths, then a list of system calls, all before the
 * first thread: Landlock holds for the calling thread and what it makes later.
 */
#ifndef LG_CRYPTO_CONFINE_H
#define LG_CRYPTO_CONFINE_H

#include <sys/types.h>

#include "lightgate/base.h"

#define LG_CONFINE_PATHS 64

enum lg_confine_right {
	LG_CONFINE_READ = 1,		/* files and folders below */
	LG_CONFINE_WRITE = 2,		/* and make, rename, remove */
	LG_CONFINE_EXEC = 4,
	LG_CONFINE_DEVICE = 8		/* ioctl(2) on devices, from ABI 5 on a right of its own */
};

struct lg_confine_path {
	const char *path;		/* a missing one is passed over */
	unsigned rights;
};

/* 0: the kernel has no Landlock, or it is switched off. */
int lg_confine_landlock_abi(void);
/* Everything outside the paths is closed, TCP listening and signals to others' processes too where the ABI has them.
 * LG_E_UNSUPPORTED without Landlock: the caller decides whether that will do. */
LG_CHECKED lg_err lg_confine_paths(struct lg_ctx *cx, const struct lg_confine_path *paths, size_t n);
/* No core, not dumpable (so not to be traced by its own user), no new privileges. */
LG_CHECKED lg_err lg_confine_no_dumps(struct lg_ctx *cx);
/* seccomp for all threads.  Keeper: an allow-list.  Server: what no server of ours does is refused
 * (ptrace, process_vm_*, pidfd_getfd, kexec, modules, mounts, keyrings, bpf, perf, io_uring, userfaultfd). */
LG_CHECKED lg_err lg_confine_calls_keeper(struct lg_ctx *cx);
LG_CHECKED lg_err lg_confine_calls_server(struct lg_ctx *cx);
/* To a user of its own: no supplementary groups, no capabilities, empty bounding set.  Only as root. */
LG_CHECKED lg_err lg_confine_drop(struct lg_ctx *cx, uid_t uid, gid_t gid);
/* Keeps memory from being swapped, as far as the limits allow; pages are locked when they are touched. */
void lg_confine_lock_memory(void);
/* Closes every descriptor from 3 on but these (any order; negative ones are passed over). */
void lg_confine_close_others(const int *keep, size_t n);

#endif
