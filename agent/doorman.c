/* doorman.c: see doorman.h. */
#include "agent/doorman.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/listener.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pool.h"

/* ---- one question ---------------------------------------------------------------------------------------- */

static const struct {
	lg_str name;
	lg_err (*run)(struct lg_ctx *, struct lg_door *, lg_str request, lg_str *text);
} verbs[] = {
	{ LG_STR("create"), lg_door_create },
	{ LG_STR("hook"), lg_door_hook },
	{ LG_STR("exec"), lg_door_exec },
	{ LG_STR("machine"), lg_door_machine },
	{ LG_STR("end"), lg_door_end },
	{ LG_STR("decide"), lg_door_decide },
	{ LG_STR("bundle"), lg_door_bundle },
};

static lg_err
read_question(struct lg_ctx *cx, int fd, struct lg_buf *b)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) > 0)
		lg_buf_bytes(b, piece, (size_t)n);
	if (n < 0)
		return lg_fail(cx, LG_E_IO, "the question did not arrive: %s", strerror(errno));
	return lg_buf_status(cx, b);
}

static lg_err
answer(struct lg_ctx *cx, struct lg_door *door, int fd, lg_str *text)
{
	LG_AUTO(lg_buf_wipe) struct lg_buf b = LG_BUF(LG_DOORMAN_REQUEST);
	lg_str verb, request;

	/* First: an answer is lost to whoever finds the connection closed over a question that was not read. */
	LG_TRY(read_question(cx, fd, &b));
	LG_TRY(lg_door_caller(cx, door, fd));
	(void)lg_str_cut(lg_buf_view(&b), '\n', &verb, &request);
	for (size_t i = 0; i < LG_COUNT(verbs); i++)
		if (lg_str_eq(verb, verbs[i].name))
			return verbs[i].run(cx, door, request, text);
	return lg_fail(cx, LG_E_INVALID, "unknown question");
}

void
lg_doorman_serve(struct lg_door *door, int fd)
{
	struct timeval patience = { .tv_sec = 1 };
	struct lg_ctx cx;
	lg_str text = LG_NONE, reply;

	lg_ctx_init(&cx, lg_arena_new());
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (answer(&cx, door, fd, &text) == LG_OK)
		reply = lg_print(cx.arena, "permit\n%.*s", (int)text.n, text.n > 0 ? text.p : "");
	else
		reply = lg_print(cx.arena, "deny\n%s", cx.error);
	(void)!send(fd, reply.p, reply.n, MSG_NOSIGNAL);	/* who went away is not told; without an answer nothing starts */
	lg_arena_free(&cx.arena);
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

struct job {
	struct lg_door *door;
	int fd;
};

static void
run_door(struct lg_door *door, void (*run)(struct lg_ctx *, struct lg_door *))
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	run(&cx, door);
	lg_arena_free(&cx.arena);
}

static void
run_job(void *arg)
{
	struct job *j = arg;

	lg_doorman_serve(j->door, j->fd);
	close(j->fd);
	run_door(j->door, lg_door_settle);
	free(j);
}

static void
run_maintenance(void *arg)
{
	struct job *j = arg;

	run_door(j->door, lg_door_maintain);
	__atomic_store_n(&j->fd, 0, __ATOMIC_RELEASE);
}

/* A full queue closes the connection: whoever asked hears nothing, and refuses. */
static void
take_caller(struct lg_pool *pool, struct lg_door *door, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct job *j;

	if (fd < 0)
		return;
	if ((j = malloc(sizeof *j)) == NULL)
		abort();
	*j = (struct job){ door, fd };
	if (lg_pool_submit(pool, run_job, j) != LG_OK) {
		close(fd);
		free(j);
	}
}

/* True when it is to start again. */
static bool
loop(struct lg_pool *pool, struct lg_door *door, int listener, int signals)
{
	struct pollfd fds[] = { { .fd = listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	struct job upkeep = { door, 0 };	/* fd: 1 while it runs */
	struct signalfd_siginfo which;
	int64_t next = 0;

	while (poll(fds, LG_COUNT(fds), 1000) >= 0 || errno == EINTR) {
		if (fds[0].revents != 0)
			take_caller(pool, door, listener);
		if (fds[1].revents != 0)
			break;		/* however often we are told to start again, whoever waits gets on */
		if (lg_boottime() < next || __atomic_load_n(&upkeep.fd, __ATOMIC_ACQUIRE) != 0)
			continue;
		next = lg_boottime() + LG_SECOND;
		upkeep.fd = 1;
		if (lg_pool_submit(pool, run_maintenance, &upkeep) != LG_OK)
			upkeep.fd = 0;
	}
	/* The pool finishes what it has before `upkeep` goes. */
	lg_pool_free(&pool);
	return read(signals, &which, sizeof which) == sizeof which && which.ssi_signo == SIGHUP;
}

lg_err
lg_doorman_run(struct lg_ctx *cx, struct lg_door *door, const char *socket, bool *again)
{
	struct lg_pool *pool;
	struct lg_socket listener;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return lg_fail(cx, LG_E_IO, "signalfd: %s", strerror(errno));
	LG_TRY(lg_socket_listen(cx, socket, 0600, LG_DOORMAN_QUEUE, &listener));
	lg_err e = lg_pool_new(cx, LG_DOORMAN_THREADS, LG_DOORMAN_QUEUE, 0, 0, &pool);
	if (e == LG_OK) {
		lg_log(LG_INFO, "host %.*s, listening on %s", LG_FMT(lg_door_host(cx, door)), socket);
		*again = loop(pool, door, listener.fd, signals);
	}
	lg_socket_close(&listener, *again);
	close(signals);
	return e;
}
