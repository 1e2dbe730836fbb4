/* The daemon itself, as it is built: started, killed, ended. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/confine.h"
#include "server/process.h"
#include "tests/server/daemon.h"

Test(process, dev_starts_answers_and_ends)
{
	struct daemon d;
	struct stat st;
	char path[160];

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	cr_assert(strstr(d.line, "\"https\":\"https://127.0.0.1:") != NULL, "%s", d.line);
	cr_assert(strstr(d.line, "\"admin\":{") != NULL, "%s", d.line);
	cr_assert(strstr(d.line, "\"isolation\":{\"landlock_abi\":") != NULL, "%s", d.line);
	cr_assert_eq(daemon_get(&d, "/healthz"), 200);
	cr_assert_eq(daemon_get(&d, "/readyz"), 200);
	cr_assert_eq(daemon_get(&d, "/metrics"), 200);
	snprintf(path, sizeof path, "%s/dev.json", d.data);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert(daemon_end(&d));
	snprintf(path, sizeof path, "%s/run/lightgate.sock", d.data);
	cr_assert_neq(stat(path, &st), 0, "the socket is left behind");
}

Test(process, a_second_start_says_the_same)
{
	struct daemon d;
	char first[8192];

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	strcpy(first, d.line);
	cr_assert(daemon_end(&d));
	daemon_spawn(&d, 0);
	cr_assert(daemon_line(&d));
	cr_assert_str_eq(d.line, first);
	cr_assert(daemon_end(&d));
}

Test(process, a_dead_keeper_is_replaced_beneath_the_living_server)
{
	struct daemon d;
	pid_t server, keeper;

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	server = daemon_child(&d, "lg-server");
	keeper = daemon_child(&d, "lg-keeper");
	cr_assert(server != 0 && keeper != 0);
	kill(keeper, SIGKILL);
	cr_assert(daemon_becomes(&d, "/readyz", 503));
	cr_assert_eq(daemon_get(&d, "/healthz"), 200);
	cr_assert(daemon_becomes(&d, "/readyz", 200));
	cr_assert_eq(daemon_child(&d, "lg-server"), server);
	cr_assert_neq(daemon_child(&d, "lg-keeper"), keeper);
	cr_assert(daemon_end(&d));
}

Test(process, a_dead_server_is_replaced)
{
	struct daemon d;
	pid_t server;

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	for (int i = 0; i < 2; i++) {
		server = daemon_child(&d, "lg-server");
		kill(server, SIGKILL);
		for (int k = 0; k < 1000 && daemon_child(&d, "lg-server") == server; k++)
			usleep(5000);
		cr_assert(daemon_becomes(&d, "/readyz", 200));
	}
	cr_assert(daemon_end(&d));
}

Test(process, children_do_not_outlive_their_parent)
{
	struct daemon d;
	pid_t server, keeper;
	bool gone = false;

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	server = daemon_child(&d, "lg-server");
	keeper = daemon_child(&d, "lg-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);	/* orphans become ours, so that we hear of their end */
	kill(d.pid, SIGKILL);
	waitpid(d.pid, NULL, 0);
	for (int i = 0; i < 1000 && !gone; i++) {
		usleep(10000);
		waitpid(server, NULL, WNOHANG);
		waitpid(keeper, NULL, WNOHANG);
		gone = kill(server, 0) != 0 && kill(keeper, 0) != 0;
	}
	cr_assert(gone);
	close(d.out);
	daemon_spawn(&d, 0);
	cr_assert(daemon_line(&d), "and the next one starts on what is left");
	cr_assert(daemon_end(&d));
}

Test(process, signals_in_a_burst_leave_no_zombies)
{
	struct daemon d;

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	for (int i = 0; i < 20; i++)
		kill(d.pid, SIGHUP);
	kill(daemon_child(&d, "lg-keeper"), SIGKILL);
	cr_assert(daemon_becomes(&d, "/readyz", 200));
	cr_assert(daemon_end(&d));
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
}

Test(process, starts_without_being_root)
{
	struct daemon d = { .pid = 0 };

	if (daemon_skipped())
		return;
	if (getuid() != 0 || lg_confine_landlock_abi() == 0) {
		printf("SKIP process without root (needs root to become another, and Landlock)\n");
		return;
	}
	daemon_folder(&d, 65534);
	chmod(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", 01777);
	daemon_spawn(&d, 65534);
	cr_assert(daemon_line(&d), "no ready line");
	cr_assert(strstr(d.line, "\"own_users\":false") != NULL);
	cr_assert_eq(daemon_get(&d, "/readyz"), 200);
	cr_assert(daemon_end(&d));
}

/* Runs `lightgated --dev --data ... tool WORDS`; its first line of output, and its status. */
static int
tool(const struct daemon *d, const char *verb, const char *argument, char *line, size_t size)
{
	int out[2], status;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		execl(DAEMON, "lightgated", "--dev", "--data", d->data, "--log.level=error", "tool", "recover", verb, argument, (char *)NULL);
		_exit(98);
	}
	close(out[1]);
	n = read(out[0], line, size - 1);
	line[n < 0 ? 0 : n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
login(const struct daemon *d, const char *password)
{
	char body[200], rq[512], buf[512];
	int n = snprintf(body, sizeof body, "{\"username\":\"admin\",\"password\":\"%s\"}", password), fd = daemon_socket(d);

	n = snprintf(rq, sizeof rq, "POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, body);
	cr_assert_eq(send(fd, rq, (size_t)n, MSG_NOSIGNAL), n);
	cr_assert_gt(recv(fd, buf, sizeof buf, 0), 12);
	close(fd);
	return atoi(buf + 9);
}

Test(process, break_glass_lets_an_administrator_in_again)
{
	struct daemon d;
	char password[200], line[200], old[64];

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	snprintf(old, sizeof old, "%.20s", strstr(d.line, "\"password\":\"") + 12);
	cr_assert_eq(login(&d, old), 200);
	cr_assert_neq(tool(&d, "password", "admin", line, sizeof line), 0, "the service is running");
	cr_assert_eq(login(&d, old), 200, "and is none the worse for it");
	cr_assert(daemon_end(&d));
	cr_assert_neq(tool(&d, "password", "nobody", line, sizeof line), 0);
	cr_assert_neq(tool(&d, "rollback", "77", line, sizeof line), 0);
	cr_assert_eq(tool(&d, "password", "admin", password, sizeof password), 0);
	cr_assert_eq(tool(&d, "rollback", "1", line, sizeof line), 0);
	cr_assert_eq(strncmp(line, "version 2 is in force", 21), 0, "%s", line);
	daemon_spawn(&d, 0);
	cr_assert(daemon_line(&d));
	cr_assert_eq(login(&d, password), 200);
	cr_assert_eq(login(&d, old), 401);
	cr_assert(daemon_end(&d));
}

Test(process, a_request_that_has_begun_is_answered_before_the_end)
{
	static const char head[] = "POST /v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{\"username\":";
	static const char rest[] = "\"nobody\",\"password\":\"x\"}";
	struct daemon d;
	char buf[512];
	int fd;

	if (daemon_skipped())
		return;
	daemon_begin(&d);
	fd = daemon_socket(&d);
	cr_assert_eq(send(fd, head, sizeof head - 1, 0), (ssize_t)sizeof head - 1);
	usleep(100000);
	kill(d.pid, SIGTERM);
	usleep(300000);
	cr_assert_lt(daemon_socket(&d), 0, "still taking new ones");
	cr_assert_eq(send(fd, rest, sizeof rest - 1, 0), (ssize_t)sizeof rest - 1);
	cr_assert_gt(recv(fd, buf, sizeof buf, 0), 12);
	cr_assert_eq(atoi(buf + 9), 401);
	close(fd);
	cr_assert(daemon_end(&d));
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

Test(process, the_server_reaches_neither_the_keepers_files_nor_its_memory)
{
	struct daemon d;
	pid_t server, keeper;

#ifdef LG_SANITIZE
	printf("SKIP confinement (sanitizers loosen it)\n");
	return;
#endif
	if (daemon_skipped())
		return;
	daemon_begin(&d);
	server = daemon_child(&d, "lg-server");
	keeper = daemon_child(&d, "lg-keeper");
	status_has(server, "NoNewPrivs:\t1\n");
	status_has(server, "Seccomp:\t2\n");
	status_has(keeper, "Seccomp:\t2\n");
	status_has(server, "CapEff:\t0000000000000000\n");
	if (getuid() == 0) {
		status_has(server, "Uid:\t61001\t61001\t61001\t61001\n");
		status_has(keeper, "Uid:\t61002\t61002\t61002\t61002\n");
		cr_assert_eq(intrude_confined(&d, keeper, true), 0);
	}
	cr_assert_eq(daemon_get(&d, "/readyz"), 200);
	cr_assert(daemon_end(&d));
}

/* The same with one user for all: Landlock, seccomp and PR_SET_DUMPABLE have to do it alone. */
Test(process, without_users_of_their_own_landlock_and_seccomp_suffice)
{
	struct daemon d = { .pid = 0 };
	int status;
	pid_t pid;

#ifdef LG_SANITIZE
	printf("SKIP confinement (sanitizers loosen it)\n");
	return;
#endif
	if (daemon_skipped() || getuid() != 0 || lg_confine_landlock_abi() == 0)
		return;
	daemon_folder(&d, 65534);
	chmod(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", 01777);
	daemon_spawn(&d, 65534);
	cr_assert(daemon_line(&d));
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(99);
		_exit(intrude_confined(&d, daemon_child(&d, "lg-keeper"), false));
	}
	waitpid(pid, &status, 0);
	cr_assert_eq(WEXITSTATUS(status) & ~64, 0, "bits %d", WEXITSTATUS(status));
	if (lg_confine_landlock_abi() >= 6)
		cr_assert_eq(WEXITSTATUS(status) & 64, 0, "it could signal the keeper");
	cr_assert(daemon_end(&d));
}

/* Whether the bytes stand in the memory of a process that root may read. */
static bool
remembers(pid_t pid, const char *secret, size_t n)
{
	char path[64], line[512];
	bool found = false;
	unsigned long from, to;
	FILE *maps;
	int mem;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	mem = open(path, O_RDONLY);
	cr_assert(maps != NULL && mem >= 0);
	while (!found && fgets(line, sizeof line, maps) != NULL) {
		char *copy;
		ssize_t got;

		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || strstr(line, " rw-p ") == NULL || to - from > (64ul << 20))
			continue;
		copy = malloc(to - from);
		got = pread(mem, copy, to - from, (off_t)from);
		found = got > 0 && memmem(copy, (size_t)got, secret, n) != NULL;
		free(copy);
	}
	fclose(maps);
	close(mem);
	return found;
}

Test(process, the_sealing_secret_is_not_in_the_servers_memory)
{
	struct daemon d;
	char path[160], secret[32];
	int fd;

#ifdef LG_SANITIZE
	printf("SKIP memory (sanitizers keep what was freed)\n");
	return;
#endif
	if (daemon_skipped() || getuid() != 0)
		return;
	daemon_begin(&d);
	snprintf(path, sizeof path, "%s/sealing-secret", d.data);
	fd = open(path, O_RDONLY);
	cr_assert_eq(read(fd, secret, sizeof secret), 32);
	close(fd);
	cr_assert(remembers(d.pid, secret, 32), "the parent needs it to start another keeper");
	cr_assert_not(remembers(daemon_child(&d, "lg-server"), secret, 32));
	cr_assert(daemon_end(&d));
}

Test(process, what_cannot_work_is_said_at_once)
{
	struct daemon d = { .pid = 0 };
	int status;

	if (daemon_skipped())
		return;
	snprintf(d.data, sizeof d.data, "/no/such/folder");
	daemon_spawn(&d, 0);
	waitpid(d.pid, &status, 0);
	cr_assert_eq(WEXITSTATUS(status), 1);
	close(d.out);
}
