/* The daemon itself, as it is built: started, killed, ended. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/confine.h"
#include "server/process.h"

#ifdef LG_SANITIZE
#define DAEMON "build/asan/bin/lightgated"
#else
#define DAEMON "build/bin/lightgated"
#endif

struct daemon {
	pid_t pid;
	char top[100], data[120], line[8192];
	int out;
};

static bool
skipped(void)
{
	if (access(DAEMON, X_OK) == 0)
		return false;
	printf("SKIP process (%s is not built)\n", DAEMON);
	fflush(stdout);
	return true;
}

/* One line of the daemon's output; false if it ended or took 30 s. */
static bool
read_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 30000) != 1 || read(fd, line + n, 1) != 1)
			break;
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
	return n > 0 && line[n - 1] == '\n';
}

static void
spawn(struct daemon *d, uid_t uid)
{
	int out[2];

	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	d->pid = fork();
	if (d->pid == 0) {
		dup2(out[1], 1);
		if (uid != 0 && (setgid(uid) != 0 || setuid(uid) != 0))
			_exit(99);
		execl(DAEMON, "lightgated", "--dev", "--data", d->data, "--log.level=error", (char *)NULL);
		_exit(98);
	}
	close(out[1]);
	d->out = out[0];
}

static void
folder(struct daemon *d, uid_t uid)
{
	static int n;

	snprintf(d->top, sizeof d->top, "%s/p%d.%d", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid(), n++);
	mkdir(d->top, 0700);	/* closed to others: the server must live with that */
	if (uid != 0)
		cr_assert_eq(chown(d->top, uid, uid), 0);
	snprintf(d->data, sizeof d->data, "%s/data", d->top);
}

static void
begin(struct daemon *d)
{
	*d = (struct daemon){ .pid = 0 };
	folder(d, 0);
	spawn(d, 0);
	cr_assert(read_line(d->out, d->line, sizeof d->line), "no ready line");
}

/* False if it was not gone, with status 0, in time. */
static bool
end(struct daemon *d)
{
	int status;

	kill(d->pid, SIGTERM);
	for (int i = 0; i < 1500; i++) {
		if (waitpid(d->pid, &status, WNOHANG) == d->pid) {
			close(d->out);
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		}
		usleep(10000);
	}
	kill(d->pid, SIGKILL);
	waitpid(d->pid, &status, 0);
	return false;
}

/* The pid of the daemon's child of that name, 0 if there is none. */
static pid_t
child(const struct daemon *d, const char *name)
{
	char path[64], text[400];
	FILE *f;
	long pids[8];
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)d->pid, (int)d->pid);
	f = fopen(path, "r");
	while (f != NULL && n < 8 && fscanf(f, "%ld", &pids[n]) == 1)
		n++;
	if (f != NULL)
		fclose(f);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "/proc/%ld/comm", pids[i]);
		f = fopen(path, "r");
		if (f != NULL && fgets(text, sizeof text, f) != NULL && strncmp(text, name, strlen(name)) == 0) {
			fclose(f);
			return (pid_t)pids[i];
		}
		if (f != NULL)
			fclose(f);
	}
	return 0;
}

/* GET over the UNIX socket: the status, 0 if nobody answers. */
static int
get(const struct daemon *d, const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = 5 };
	char buf[512];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), n, status = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	n = snprintf(un.sun_path, sizeof un.sun_path, "%s/run/lightgate.sock", d->data);
	cr_assert_lt((size_t)n, sizeof un.sun_path);
	n = snprintf(buf, sizeof buf, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0 && send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n &&
	    recv(fd, buf, sizeof buf, 0) > 12)
		status = atoi(buf + 9);
	close(fd);
	return status;
}

static bool
becomes(const struct daemon *d, const char *path, int status)
{
	for (int i = 0; i < 1000; i++) {
		if (get(d, path) == status)
			return true;
		usleep(10000);
	}
	return false;
}

Test(process, dev_starts_answers_and_ends, .timeout = 60)
{
	struct daemon d;
	struct stat st;
	char path[160];

	if (skipped())
		return;
	begin(&d);
	cr_assert(strstr(d.line, "\"https\":\"https://127.0.0.1:") != NULL, "%s", d.line);
	cr_assert(strstr(d.line, "\"admin\":{") != NULL, "%s", d.line);
	cr_assert(strstr(d.line, "\"isolation\":{\"landlock_abi\":") != NULL, "%s", d.line);
	cr_assert_eq(get(&d, "/healthz"), 200);
	cr_assert_eq(get(&d, "/readyz"), 200);
	cr_assert_eq(get(&d, "/metrics"), 200);
	snprintf(path, sizeof path, "%s/dev.json", d.data);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert(end(&d));
	snprintf(path, sizeof path, "%s/run/lightgate.sock", d.data);
	cr_assert_neq(stat(path, &st), 0, "the socket is left behind");
}

Test(process, a_second_start_says_the_same, .timeout = 60)
{
	struct daemon d;
	char first[8192];

	if (skipped())
		return;
	begin(&d);
	strcpy(first, d.line);
	cr_assert(end(&d));
	spawn(&d, 0);
	cr_assert(read_line(d.out, d.line, sizeof d.line));
	cr_assert_str_eq(d.line, first);
	cr_assert(end(&d));
}

Test(process, a_dead_keeper_is_replaced_beneath_the_living_server, .timeout = 60)
{
	struct daemon d;
	pid_t server, keeper;

	if (skipped())
		return;
	begin(&d);
	server = child(&d, "lg-server");
	keeper = child(&d, "lg-keeper");
	cr_assert(server != 0 && keeper != 0);
	kill(keeper, SIGKILL);
	cr_assert(becomes(&d, "/readyz", 503));
	cr_assert_eq(get(&d, "/healthz"), 200);
	cr_assert(becomes(&d, "/readyz", 200));
	cr_assert_eq(child(&d, "lg-server"), server);
	cr_assert_neq(child(&d, "lg-keeper"), keeper);
	cr_assert(end(&d));
}

Test(process, a_dead_server_is_replaced, .timeout = 60)
{
	struct daemon d;
	pid_t server;

	if (skipped())
		return;
	begin(&d);
	for (int i = 0; i < 2; i++) {
		server = child(&d, "lg-server");
		kill(server, SIGKILL);
		for (int k = 0; k < 1000 && child(&d, "lg-server") == server; k++)
			usleep(5000);
		cr_assert(becomes(&d, "/readyz", 200));
	}
	cr_assert(end(&d));
}

Test(process, signals_in_a_burst_leave_no_zombies, .timeout = 60)
{
	struct daemon d;

	if (skipped())
		return;
	begin(&d);
	for (int i = 0; i < 20; i++)
		kill(d.pid, SIGHUP);
	kill(child(&d, "lg-keeper"), SIGKILL);
	cr_assert(becomes(&d, "/readyz", 200));
	cr_assert(end(&d));
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
}

Test(process, starts_without_being_root, .timeout = 60)
{
	struct daemon d = { .pid = 0 };

	if (skipped())
		return;
	if (getuid() != 0 || lg_confine_landlock_abi() == 0) {
		printf("SKIP process without root (needs root to become another, and Landlock)\n");
		return;
	}
	folder(&d, 65534);
	chmod(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", 01777);
	spawn(&d, 65534);
	cr_assert(read_line(d.out, d.line, sizeof d.line), "no ready line");
	cr_assert(strstr(d.line, "\"own_users\":false") != NULL);
	cr_assert_eq(get(&d, "/readyz"), 200);
	cr_assert(end(&d));
}

/* ---- confinement: on what is shipped, sanitizers need some of what is taken away ------------------------- */

static void
status_has(pid_t pid, const char *line)
{
	char path[64], text[8192];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	cr_assert_not_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	cr_assert(strstr(text, line) != NULL, "%s is not in\n%s", line, text);
}

/* What an intruder in the server would try.  The bits say what worked. */
static int
intrude(const struct daemon *d, pid_t keeper)
{
	char path[200], byte;
	struct iovec mine = { &byte, 1 }, theirs = { (void *)(uintptr_t)0x400000, 1 };
	int worked = 0;
	static const char *const secrets[] = { "keeper", "keeper/keys", "sealing-secret", "dev.json", "recover" };

	for (size_t i = 0; i < LG_COUNT(secrets); i++) {
		snprintf(path, sizeof path, "%s/%s", d->data, secrets[i]);
		if (open(path, O_RDONLY) >= 0 || open(secrets[i], O_RDONLY) >= 0 || opendir(secrets[i]) != NULL)
			worked |= 1;
	}
	if (ptrace(PTRACE_ATTACH, keeper, NULL, NULL) == 0 || ptrace(PTRACE_SEIZE, keeper, NULL, NULL) == 0)
		worked |= 2;
	if (process_vm_readv(keeper, &mine, 1, &theirs, 1, 0) >= 0 || process_vm_writev(keeper, &mine, 1, &theirs, 1, 0) >= 0)
		worked |= 4;
	snprintf(path, sizeof path, "/proc/%d/mem", (int)keeper);
	if (open(path, O_RDONLY) >= 0)
		worked |= 8;
	if (open("/etc/passwd", O_RDONLY) >= 0 || open("/etc/shadow", O_RDONLY) >= 0)
		worked |= 16;
	if (open("store/probe", O_RDWR | O_CREAT, 0600) < 0)
		worked |= 32;		/* its own folder it must have */
	if (kill(keeper, SIGKILL) == 0)
		worked |= 64;
	return worked;
}

/* Goes through the server's own confinement, then tries. */
static int
intrude_confined(const struct daemon *d, pid_t keeper, bool own_user)
{
	struct lg_users u = { .own = own_user, .server_uid = LG_DEV_SERVER_UID, .server_gid = LG_DEV_SERVER_UID };
	struct lg_settings s = { .dev = true };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct lg_ctx cx;

		lg_ctx_init(&cx, lg_arena_new());
		if (chdir(d->data) != 0 || lg_server_confine(&cx, &s, &u) != LG_OK)
			_exit(255);
		_exit(intrude(d, keeper));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

Test(process, the_server_reaches_neither_the_keepers_files_nor_its_memory, .timeout = 60)
{
	struct daemon d;
	pid_t server, keeper;

#ifdef LG_SANITIZE
	printf("SKIP confinement (sanitizers loosen it)\n");
	return;
#endif
	if (skipped())
		return;
	begin(&d);
	server = child(&d, "lg-server");
	keeper = child(&d, "lg-keeper");
	status_has(server, "NoNewPrivs:\t1\n");
	status_has(server, "Seccomp:\t2\n");
	status_has(keeper, "Seccomp:\t2\n");
	status_has(server, "CapEff:\t0000000000000000\n");
	if (getuid() == 0) {
		status_has(server, "Uid:\t61001\t61001\t61001\t61001\n");
		status_has(keeper, "Uid:\t61002\t61002\t61002\t61002\n");
		cr_assert_eq(intrude_confined(&d, keeper, true), 0);
	}
	cr_assert_eq(get(&d, "/readyz"), 200);
	cr_assert(end(&d));
}

/* The same with one user for all: Landlock, seccomp and PR_SET_DUMPABLE have to do it alone. */
Test(process, without_users_of_their_own_landlock_and_seccomp_suffice, .timeout = 60)
{
	struct daemon d = { .pid = 0 };
	int status;
	pid_t pid;

#ifdef LG_SANITIZE
	printf("SKIP confinement (sanitizers loosen it)\n");
	return;
#endif
	if (skipped() || getuid() != 0 || lg_confine_landlock_abi() == 0)
		return;
	folder(&d, 65534);
	chmod(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", 01777);
	spawn(&d, 65534);
	cr_assert(read_line(d.out, d.line, sizeof d.line));
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(99);
		_exit(intrude_confined(&d, child(&d, "lg-keeper"), false));
	}
	waitpid(pid, &status, 0);
	cr_assert_eq(WEXITSTATUS(status) & ~64, 0, "bits %d", WEXITSTATUS(status));
	if (lg_confine_landlock_abi() >= 6)
		cr_assert_eq(WEXITSTATUS(status) & 64, 0, "it could signal the keeper");
	cr_assert(end(&d));
}

Test(process, what_cannot_work_is_said_at_once, .timeout = 60)
{
	struct daemon d = { .pid = 0 };
	int status;

	if (skipped())
		return;
	snprintf(d.data, sizeof d.data, "/no/such/folder");
	spawn(&d, 0);
	waitpid(d.pid, &status, 0);
	cr_assert_eq(WEXITSTATUS(status), 1);
	close(d.out);
}
