/* listener.c: see listener.h. */
#include "agent/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/handover.h"
#include "base/file.h"
#include "base/log.h"
#include "base/peer.h"
#include "base/thread.h"

#define STACK		(256u << 10)
#define HANDED_FIRST	3		/* sd_listen_fds(3) */
#define HANDED_MAX	16
#define OURS		"ours"		/* in LISTEN_FDNAMES: our predecessor made it, so we take it away in the end */
#define DRAIN		2		/* seconds that what is under way gets when we start again */

struct lg_listener {
	struct lg_socket at;
	int stop[2];
	unsigned max;
	void (*serve)(void *arg, int fd);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned open;
	int *fds;			/* of connections, -1 where none is */
	bool closing;
};

/* ---- sockets ---------------------------------------------------------------------------------------------- */

static lg_err
bind_new(struct lg_ctx *cx, const char *path, mode_t mode, int backlog, int *ret)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof at.sun_path)
		return lg_fail(cx, LG_E_INVALID, "%s: longer than a socket's path can be (%zu)", path, sizeof at.sun_path - 1);
	memcpy(at.sun_path, path, strlen(path));
	LG_TRY(lg_dir_make_above(cx, path, 0755));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0777 & ~mode);
	(void)unlink(path);
	bool done = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, backlog) == 0;
	int error = errno;
	umask(before);
	if (!done) {
		lg_fd_close(&fd);
		return lg_fail(cx, LG_E_IO, "%s: %s", path, strerror(error));
	}
	*ret = fd;
	return LG_OK;
}

static bool
is_ours(int n)
{
	const char *all = getenv("LISTEN_FDNAMES");
	lg_str name, rest = lg_str_of(all == NULL ? "" : all);

	for (int i = 0; i <= n; i++)
		(void)lg_str_cut(rest, ':', &name, &rest);
	return lg_str_eq(name, LG_STR(OURS));
}

static bool
is_bound_to(int fd, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof at;

	return getsockname(fd, (struct sockaddr *)&at, &size) == 0 && at.sun_family == AF_UNIX && strcmp(at.sun_path, path) == 0;
}

/* Is one of those that a manager or our predecessor opened for us bound to the path? */
static bool
take_handed(const char *path, struct lg_socket *ret)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");

	if (count == NULL || pid == NULL || strtol(pid, NULL, 10) != getpid())
		return false;
	long n = strtol(count, NULL, 10);
	for (int i = 0; i < n && i < HANDED_MAX; i++) {
		int fd = HANDED_FIRST + i;
		if (!is_bound_to(fd, path))
			continue;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		*ret = (struct lg_socket){ .fd = fd, .path = path, .handed = !is_ours(i) };
		return true;
	}
	return false;
}

lg_err
lg_socket_listen(struct lg_ctx *cx, const char *path, mode_t mode, int backlog, struct lg_socket *ret)
{
	*ret = (struct lg_socket){ .fd = -1, .path = path };
	return take_handed(path, ret) ? LG_OK : bind_new(cx, path, mode, backlog, &ret->fd);
}

/* ---- a program in our place --------------------------------------------------------------------------------- */

static int kept[HANDED_MAX];
static bool kept_handed[HANDED_MAX];
static size_t nkept;

void
lg_socket_close(struct lg_socket *s, bool keep)
{
	if (keep && nkept < HANDED_MAX) {
		kept_handed[nkept] = s->handed;
		kept[nkept++] = s->fd;
		return;
	}
	if (!s->handed)
		(void)unlink(s->path);
	close(s->fd);
}

/* Moved out of the way first: the numbers they must have may be theirs in another order. */
lg_err
lg_sockets_exec(struct lg_ctx *cx, const char *program, char **argv)
{
	char text[16], names[HANDED_MAX * sizeof OURS + 1] = "";

	for (size_t i = 0; i < nkept; i++)
		kept[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, HANDED_FIRST + HANDED_MAX);
	for (size_t i = 0; i < nkept; i++)
		strcat(names, kept_handed[i] ? ":" : OURS ":");
	for (size_t i = 0; i < nkept; i++)
		if (kept[i] < 0 || dup2(kept[i], HANDED_FIRST + (int)i) < 0)
			return lg_fail(cx, LG_E_IO, "the sockets cannot be handed over: %s", strerror(errno));
	snprintf(text, sizeof text, "%zu", nkept);
	setenv("LISTEN_FDS", text, 1);
	snprintf(text, sizeof text, "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	LG_TRY(lg_handover_send(cx, LG_SOCKETS_ABOVE));
	execv(program, argv);
	execv("/proc/self/exe", argv);		/* it has gone: rather the one that was there than none */
	return lg_fail(cx, LG_E_IO, "cannot start again: %s", strerror(errno));
}

/* ---- callers ------------------------------------------------------------------------------------------------- */

static bool
same_namespace(struct lg_ctx *cx, pid_t pid, const char *other, const char *which)
{
	struct stat theirs, ours;

	return stat(lg_print(cx->arena, "/proc/%d/ns/%s", (int)pid, which).p, &theirs) == 0 &&
	    stat(lg_print(cx->arena, "/proc/%s/ns/%s", other, which).p, &ours) == 0 && theirs.st_ino == ours.st_ino;
}

/* A manager may have given us a mount namespace of our own (ProtectSystem=); people are in that of the host's first process. */
static bool
sees_the_host(struct lg_ctx *cx, pid_t pid)
{
	return same_namespace(cx, pid, "self", "mnt") || same_namespace(cx, pid, "1", "mnt");
}

static lg_err
is_contained(struct lg_ctx *cx)
{
	return lg_fail(cx, LG_E_DENIED, "the caller is in a container");
}

/* Root inside a container that got hold of the socket is root by number too. */
lg_err
lg_caller_local(struct lg_ctx *cx, int fd, lg_err (*apart)(struct lg_ctx *cx, void *arg, pid_t pid), void *arg, uid_t *uid)
{
	LG_AUTO(lg_fd_close) int pinned = -1;
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return lg_fail(cx, LG_E_UNAUTHENTICATED, "the caller is not known");
	pinned = lg_peer_pin(fd, peer.pid);
	if (!same_namespace(cx, peer.pid, "self", "user") || !same_namespace(cx, peer.pid, "self", "pid"))
		return is_contained(cx);
	if (!sees_the_host(cx, peer.pid))
		LG_TRY(apart == NULL ? is_contained(cx) : apart(cx, arg, peer.pid));
	if (!lg_peer_lives(pinned))
		return lg_fail(cx, LG_E_DENIED, "the caller has gone");
	*uid = peer.uid;
	return LG_OK;
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

struct connection {
	struct lg_listener *l;
	unsigned slot;
	int fd;
};

static void *
run_connection(void *arg)
{
	struct connection *c = arg;
	struct lg_listener *l = c->l;

	l->serve(l->arg, c->fd);
	pthread_mutex_lock(&l->lock);
	l->fds[c->slot] = -1;
	close(c->fd);
	l->open--;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	free(c);
	return NULL;
}

static bool
start_connection(struct lg_listener *l, unsigned slot, int fd)
{
	struct connection *c = malloc(sizeof *c);
	pthread_t thread;

	if (c == NULL)
		abort();
	*c = (struct connection){ l, slot, fd };
	if (!lg_thread_start(&thread, STACK, run_connection, c)) {
		free(c);
		return false;
	}
	pthread_detach(thread);
	return true;
}

/* The lock is held.  There is a free place. */
static void
take_connection(struct lg_listener *l, int fd)
{
	unsigned slot = 0;

	if (fd < 0)
		return;
	while (l->fds[slot] != -1)
		slot++;
	l->fds[slot] = fd;
	l->open++;
	if (start_connection(l, slot, fd))
		return;
	lg_log(LG_ERROR, "no thread for a connection");
	l->fds[slot] = -1;
	l->open--;
	close(fd);
}

void
lg_listener_adopt(struct lg_listener *l, int fd)
{
	pthread_mutex_lock(&l->lock);
	if (l->open < l->max)
		take_connection(l, fd);
	else
		close(fd);
	pthread_mutex_unlock(&l->lock);
}

static void *
run_listener(void *arg)
{
	struct lg_listener *l = arg;
	struct pollfd fds[] = { { .fd = l->at.fd, .events = POLLIN }, { .fd = l->stop[0], .events = POLLIN } };

	bool closing = false;

	while (!closing && (poll(fds, LG_COUNT(fds), -1) >= 0 || errno == EINTR)) {
		pthread_mutex_lock(&l->lock);
		while (l->open == l->max && !l->closing)
			pthread_cond_wait(&l->changed, &l->lock);
		closing = l->closing;
		if (!closing)
			take_connection(l, accept4(l->at.fd, NULL, NULL, SOCK_CLOEXEC));
		pthread_mutex_unlock(&l->lock);
	}
	return NULL;
}

lg_err
lg_listener_open(struct lg_ctx *cx, const char *path, mode_t mode, unsigned max, void (*serve)(void *arg, int fd), void *arg,
    struct lg_listener **ret)
{
	struct lg_socket at;

	LG_TRY(lg_socket_listen(cx, path, mode, SOMAXCONN, &at));
	struct lg_listener *l = calloc(1, sizeof *l);
	if (l == NULL || (l->fds = malloc(max * sizeof *l->fds)) == NULL || pipe2(l->stop, O_CLOEXEC) != 0)
		abort();
	memset(l->fds, 0xff, max * sizeof *l->fds);
	l->at = at;
	l->max = max;
	l->serve = serve;
	l->arg = arg;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	if (!lg_thread_start(&l->thread, 0, run_listener, l))
		abort();
	*ret = l;
	return LG_OK;
}

void
lg_listener_drain(struct lg_listener *l)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DRAIN;
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	while (l->open > 0 && pthread_cond_clockwait(&l->changed, &l->lock, CLOCK_MONOTONIC, &until) == 0)
		continue;
	pthread_mutex_unlock(&l->lock);
}

void
lg_listener_close(struct lg_listener **listener, bool keep)
{
	struct lg_listener *l = *listener;

	*listener = NULL;
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->closing = true;
	for (unsigned i = 0; i < l->max; i++)
		if (l->fds[i] >= 0)
			shutdown(l->fds[i], SHUT_RDWR);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	(void)!write(l->stop[1], "", 1);
	pthread_join(l->thread, NULL);
	pthread_mutex_lock(&l->lock);
	while (l->open > 0)
		pthread_cond_wait(&l->changed, &l->lock);
	pthread_mutex_unlock(&l->lock);
	lg_socket_close(&l->at, keep);
	close(l->stop[0]);
	close(l->stop[1]);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l->fds);
	free(l);
}
