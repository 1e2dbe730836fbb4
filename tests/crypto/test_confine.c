#include "tests/crypto/keeper_run.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/confine.h"

/* Runs body in a child; 0 if it returned true. */
static int
in_child(bool (*body)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0)
		_exit(body(arg) ? 0 : 1);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool
files_are_closed(void *arg)
{
	const char *dir = arg;
	struct lg_ctx cx;
	char inside[256], outside[256];

	lg_ctx_init(&cx, lg_arena_new());
	snprintf(inside, sizeof inside, "%s/in/file", dir);
	snprintf(outside, sizeof outside, "%s/out", dir);
	char in[256];
	snprintf(in, sizeof in, "%s/in", dir);
	const struct lg_confine_path own[] = { { in, LG_CONFINE_READ | LG_CONFINE_WRITE }, { "/nowhere", LG_CONFINE_READ } };
	if (lg_confine_paths(&cx, own, 2) != LG_OK)
		return false;
	if (open(inside, O_CREAT | O_RDWR, 0600) < 0)
		return false;
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		return false;
#ifndef LG_SANITIZE			/* reports go to TMPDIR */
	if (open(outside, O_CREAT | O_RDWR, 0600) >= 0 || errno != EACCES)
		return false;
#endif
	return true;
}

Test(confine, landlock_leaves_its_own_folder_only)
{
	char dir[128];

	if (lg_confine_landlock_abi() == 0) {
		printf("SKIP this kernel has no Landlock\n");
		fflush(stdout);
		return;
	}
	snprintf(dir, sizeof dir, "%s/confine.XXXXXX", getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	cr_assert(mkdtemp(dir) != NULL);
	char in[256];
	snprintf(in, sizeof in, "%s/in", dir);
	cr_assert(mkdir(in, 0700) == 0);
	cr_assert(in_child(files_are_closed, dir) == 0);
}

static bool
keeper_calls(void *arg)
{
	struct lg_ctx cx;

	(void)arg;
	lg_ctx_init(&cx, lg_arena_new());
	if (lg_confine_no_dumps(&cx) != LG_OK || lg_confine_calls_keeper(&cx) != LG_OK)
		return false;
	/* on no list: refused, not fatal */
	return mknod("/tmp/x", S_IFIFO, 0) < 0 && errno == EPERM && chroot("/") < 0 && errno == EPERM;
}

Test(confine, the_keeper_is_refused_what_it_does_not_need)
{
	cr_assert(in_child(keeper_calls, NULL) == 0);
}

#ifndef LG_SANITIZE
static bool
runs_a_program(void *arg)
{
	struct lg_ctx cx;

	(void)arg;
	lg_ctx_init(&cx, lg_arena_new());
	if (lg_confine_calls_keeper(&cx) != LG_OK)
		return false;
	execl("/bin/true", "true", (char *)NULL);
	return false;
}

static bool
opens_a_socket(void *arg)
{
	struct lg_ctx cx;

	(void)arg;
	lg_ctx_init(&cx, lg_arena_new());
	return lg_confine_calls_keeper(&cx) == LG_OK && socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

Test(confine, a_keeper_that_runs_a_program_or_opens_a_socket_dies)
{
	cr_assert(in_child(runs_a_program, NULL) == 128 + SIGSYS);
	cr_assert(in_child(opens_a_socket, NULL) == 128 + SIGSYS);
}

/* As the server does it: another process of the same user, not dumpable, its memory and descriptors wanted. */
static bool
reaches_into(void *arg)
{
	pid_t other = *(pid_t *)arg;
	struct lg_ctx cx;
	char path[64];

	lg_ctx_init(&cx, lg_arena_new());
	const struct lg_confine_path own = { "/nonexistent", LG_CONFINE_READ };
	if (lg_confine_no_dumps(&cx) != LG_OK || (lg_confine_paths(&cx, &own, 1) != LG_OK && lg_confine_landlock_abi() > 0)
	    || lg_confine_calls_server(&cx) != LG_OK)
		return false;
	snprintf(path, sizeof path, "/proc/%d/mem", other);
	if (ptrace(PTRACE_ATTACH, other, NULL, NULL) == 0 || errno != EPERM)
		return false;
	if (syscall(SYS_process_vm_readv, other, NULL, 0, NULL, 0, 0) == 0 || errno != EPERM)
		return false;
	return open(path, O_RDONLY) < 0;
}

Test(confine, the_server_cannot_reach_into_another_process)
{
	pid_t other = fork();

	if (other == 0) {
		pause();
		_exit(0);
	}
	int rc = in_child(reaches_into, &other);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	cr_assert(rc == 0);
}
#endif

static bool
drops(void *arg)
{
	struct lg_ctx cx;

	(void)arg;
	lg_ctx_init(&cx, lg_arena_new());
	return lg_confine_drop(&cx, 65534, 65534) == LG_OK && getuid() == 65534 && setuid(0) < 0;
}

#ifndef LG_SANITIZE
static bool
robs_the_keeper(void *arg)
{
	const struct run *r = arg;
	struct lg_ctx cx;
	char in[256], file[256], mem[64];

	lg_ctx_init(&cx, lg_arena_new());
	snprintf(in, sizeof in, "%s/store", r->dir);
	snprintf(file, sizeof file, "%s/keeper/tenant-1", r->dir);
	snprintf(mem, sizeof mem, "/proc/%d/mem", r->pid);
	const struct lg_confine_path own[] = { { in, LG_CONFINE_READ | LG_CONFINE_WRITE }, { "/proc", LG_CONFINE_READ } };
	if (lg_confine_no_dumps(&cx) != LG_OK || lg_confine_paths(&cx, own, 2) != LG_OK || lg_confine_calls_server(&cx) != LG_OK)
		return false;
	return open(file, O_RDONLY) < 0 && open(mem, O_RDONLY) < 0 && ptrace(PTRACE_ATTACH, r->pid, NULL, NULL) < 0
	    && syscall(SYS_pidfd_getfd, 0, 0, 0) < 0 && errno == EPERM && kill(r->pid, SIGKILL) < 0;
}

Test(confine, the_server_opens_reads_traces_and_kills_no_keeper)
{
	KEEPER(r);
	if (lg_confine_landlock_abi() < 6) {
		printf("SKIP this kernel's Landlock does not keep signals in\n");
		fflush(stdout);
		return;
	}
	run_tenant(&r, 1);
	cr_assert(in_child(robs_the_keeper, &r) == 0);
	run_key(&r, 1, LG_PURPOSE_TOKEN, LG_KEY_ACTIVE);
}
#endif

Test(confine, root_becomes_another_user_for_good)
{
	if (getuid() != 0) {
		printf("SKIP only root can become another user\n");
		fflush(stdout);
		return;
	}
	cr_assert(in_child(drops, NULL) == 0);
}

static bool
closes(void *arg)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY), c = open("/dev/null", O_RDONLY);
	const int keep[] = { c, -1, a, a };

	(void)arg;
	lg_confine_close_others(keep, LG_COUNT(keep));
	return fcntl(a, F_GETFD) >= 0 && fcntl(b, F_GETFD) < 0 && fcntl(c, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0;
}

Test(confine, descriptors_that_are_not_named_are_closed)
{
	cr_assert(in_child(closes, NULL) == 0);
}
