#include "tests/server/daemon.h"

#include <netinet/in.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

bool
daemon_skipped(void)
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

void
daemon_spawn(struct daemon *d, uid_t uid)
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

void
daemon_folder(struct daemon *d, uid_t uid)
{
	static int n;

	snprintf(d->top, sizeof d->top, "%s/p%d.%d", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid(), n++);
	mkdir(d->top, 0700);	/* closed to others: the server must live with that */
	if (uid != 0)
		cr_assert_eq(chown(d->top, uid, uid), 0);
	snprintf(d->data, sizeof d->data, "%s/data", d->top);
}

void
daemon_begin(struct daemon *d)
{
	*d = (struct daemon){ .pid = 0 };
	daemon_folder(d, 0);
	daemon_spawn(d, 0);
	cr_assert(daemon_line(d), "no ready line");
}

bool
daemon_end(struct daemon *d)
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

pid_t
daemon_child(const struct daemon *d, const char *name)
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

int
daemon_socket(const struct daemon *d)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	n = snprintf(un.sun_path, sizeof un.sun_path, "%s/run/lightgate.sock", d->data);
	cr_assert_lt((size_t)n, sizeof un.sun_path);
	if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0)
		return fd;
	close(fd);
	return -1;
}

int
daemon_get(const struct daemon *d, const char *path)
{
	char buf[512];
	int fd = daemon_socket(d), n, status = 0;

	if (fd < 0)
		return 0;
	n = snprintf(buf, sizeof buf, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
	if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n && recv(fd, buf, sizeof buf, 0) > 12)
		status = atoi(buf + 9);
	close(fd);
	return status;
}

bool
daemon_becomes(const struct daemon *d, const char *path, int status)
{
	for (int i = 0; i < 1000; i++) {
		if (daemon_get(d, path) == status)
			return true;
		usleep(10000);
	}
	return false;
}

bool
daemon_line(struct daemon *d)
{
	return read_line(d->out, d->line, sizeof d->line);
}

int
daemon_port(const struct daemon *d, const char *member)
{
	char want[64];
	const char *at;

	snprintf(want, sizeof want, "\"%s\":\"", member);
	at = strstr(d->line, want);
	cr_assert_not_null(at, "%s is not in %s", member, d->line);
	return atoi(strrchr(strndupa(at, strcspn(at + strlen(want), "\"") + strlen(want)), ':') + 1);
}

int
daemon_connect(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };
	struct timeval tv = { .tv_sec = 8 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	cr_assert_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	return fd;
}
