/*
 * parent.c: lightgated itself.  It has no threads and reads nothing from outside: it waits for signals, for its children and
 * for the server's one line; who comes to the recover socket is talked to by a child of its own (parent_operator.c).
 *
 * A keeper that died is started again and its channels are handed to the living server.  A server that died takes the keeper
 * with it, since half a request may stand in their channels.
 */
#include "server/parent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/confine.h"
#include "server/control.h"

/* ---- children that died ---------------------------------------------------------------------------------- */

static void
child_ended(struct lg_parent *p, struct lg_child *c, int status)
{
	int64_t now = lg_boottime();

	c->pid = 0;
	if (p->ending)
		return;
	if (WIFSIGNALED(status))
		lg_log(LG_ERROR, "the %s was ended by signal %d", c->name, WTERMSIG(status));
	else
		lg_log(LG_ERROR, "the %s ended with status %d", c->name, WEXITSTATUS(status));
	if (now - c->began > LG_BACKOFF_CALM)
		c->pause = LG_BACKOFF_FIRST;
	c->again = now + c->pause;
	c->pause = c->pause * 2 < LG_BACKOFF_LAST ? c->pause * 2 : LG_BACKOFF_LAST;
}

static void
server_ended(struct lg_parent *p, int status)
{
	p->server_status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	if (p->o->task != NULL)
		p->server.pid = 0;	/* it is done */
	else
		child_ended(p, &p->server, status);
	if (p->server_control >= 0)
		lg_parent_server_hear(p);	/* what it said last */
	if (p->server_control >= 0)
		close(p->server_control);
	p->server_control = -1;
	lg_parent_keeper_stop(p);
}

/* With status 0 when the keeper closed its channels: the next keeper brings the next one. */
static void
hsm_ended(struct lg_parent *p, int status)
{
	if (p->hsm_reload || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		p->hsm.pid = 0;
		p->hsm.again = p->hsm_reload ? lg_boottime() : 0;
	} else {
		child_ended(p, &p->hsm, status);
	}
	p->hsm_reload = false;
	lg_parent_hsm_ended(p);
}

static void
reap(struct lg_parent *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == p->server.pid)
			server_ended(p, status);
		else if (pid == p->keeper.pid) {
			lg_parent_keeper_stop(p);
			child_ended(p, &p->keeper, status);
		} else if (pid == p->hsm.pid) {
			hsm_ended(p, status);
		} else if (pid == p->operator.pid) {
			lg_parent_operator_ended(p, status);
		}
	}
}

/* ---- starting ------------------------------------------------------------------------------------------------ */

static lg_err
start_keeper(struct lg_parent *p)
{
	p->keeper.again = 0;
	LG_TRY(lg_parent_keeper_start(p));
	return lg_parent_tenant(p);
}

static lg_err
start_both(struct lg_parent *p)
{
	LG_TRY(start_keeper(p));
	p->server.again = 0;
	return lg_parent_server_start(p);
}

/* A start that fails counts as a death: with a longer pause, once more. */
static void
try_again(struct lg_parent *p, struct lg_child *c)
{
	lg_log(LG_ERROR, "the %s does not start: %s", c->name, p->cx.error);
	c->again = lg_boottime() + c->pause;
	c->pause = c->pause * 2 < LG_BACKOFF_LAST ? c->pause * 2 : LG_BACKOFF_LAST;
	lg_parent_channels_close(p);
	lg_parent_keeper_stop(p);
}

static void
restart_hsm(struct lg_parent *p, int64_t now)
{
	if (p->hsm.pid != 0 || p->hsm.again == 0 || now < p->hsm.again || lg_parent_hsm_start(p) == LG_OK)
		return;
	lg_log(LG_ERROR, "%s", p->cx.error);
	p->hsm.again = now + LG_BACKOFF_LAST;
}

static void
restart(struct lg_parent *p)
{
	int64_t now = lg_boottime();

	lg_arena_reset(p->cx.arena);
	restart_hsm(p, now);
	if (p->server.pid == 0) {
		/* The old keeper goes first: its folder has one owner. */
		if (p->keeper.pid == 0 && p->server.again != 0 && now >= p->server.again && start_both(p) != LG_OK)
			try_again(p, &p->server);
	} else if (p->keeper.pid == 0 && p->keeper.again != 0 && now >= p->keeper.again) {
		if (start_keeper(p) == LG_OK)
			lg_parent_server_keeper(p);
		else
			try_again(p, &p->keeper);
	}
}

/* ---- signals --------------------------------------------------------------------------------------------------- */

static lg_str
config_text(struct lg_parent *p)
{
	lg_str text = LG_NONE;

	if (p->o->config_file != NULL && lg_file_read(&p->cx, p->o->config_file, LG_CONFIG_FILE_MAX, &text) != LG_OK)
		lg_log(LG_ERROR, "reload: %s", p->cx.error);
	return text;
}

static void
on_signal(struct lg_parent *p)
{
	struct signalfd_siginfo si;

	while (read(p->signals, &si, sizeof si) == sizeof si) {
		if (si.ssi_signo == SIGCHLD)
			reap(p);
		else if (si.ssi_signo == SIGHUP && p->server_control >= 0) {
			lg_parent_hsm_reload(p);
			lg_control_send(p->server_control, LG_CONTROL_RELOAD, config_text(p), NULL, 0);
		} else if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			p->ending = true;
	}
}

static lg_err
open_signals(struct lg_parent *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	/* Children keep them blocked: a terminal or a service manager signals the whole group, and the end is ours to order. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signals >= 0 ? LG_OK : lg_fail(&p->cx, LG_E_IO, "signalfd: %s", strerror(errno));
}

/* ---- waiting ------------------------------------------------------------------------------------------------------ */

static int
patience(const struct lg_parent *p, int64_t until)
{
	int64_t now = lg_boottime(), first = until;

	if (p->server.pid == 0 && p->server.again != 0 && p->server.again < first)
		first = p->server.again;
	if (p->keeper.pid == 0 && p->keeper.again != 0 && p->keeper.again < first)
		first = p->keeper.again;
	if (p->hsm.pid == 0 && p->hsm.again != 0 && p->hsm.again < first)
		first = p->hsm.again;
	if (first == INT64_MAX)
		return -1;
	return first <= now ? 0 : (int)((first - now) / 1000 + 1);
}

/* One operator at a time.  A keeper that is being started is waited for; one that does not start again and again is not, since
 * there are requests that need none. */
static bool
may_take(const struct lg_parent *p)
{
	return !p->ending && p->operator.pid == 0 && (p->keeper_control != NULL || p->keeper.pause > LG_SECOND);
}

static void
wait_once(struct lg_parent *p, int64_t until)
{
	struct pollfd fd[3] = { { .fd = p->signals, .events = POLLIN }, { .fd = p->server_control, .events = POLLIN },
		{ .fd = may_take(p) ? p->recover : -1, .events = POLLIN } };

	if (poll(fd, LG_COUNT(fd), patience(p, until)) <= 0)
		return;
	if (fd[1].revents != 0)
		lg_parent_server_hear(p);
	if (fd[2].revents != 0)
		lg_parent_operator_take(p);
	if (fd[0].revents != 0)
		on_signal(p);
}

/* The server drains, then the keeper goes.  Who does not go in time is killed. */
static void
end_child(struct lg_parent *p, struct lg_child *c, int64_t time)
{
	int64_t until = lg_boottime() + time;

	while (c->pid != 0 && lg_boottime() < until)
		wait_once(p, until);
	if (c->pid == 0)
		return;
	lg_log(LG_ERROR, "the %s does not end: it is killed", c->name);
	kill(c->pid, SIGKILL);
	while (c->pid != 0)
		wait_once(p, lg_boottime() + LG_SECOND);
}

static void
end(struct lg_parent *p)
{
	bool ours = p->doors[LG_DOOR_UNIX].fd >= 0;	/* or another service's, that was there before */
	bool local = p->doors[LG_DOOR_LDAPI].fd >= 0;

	p->server.again = p->keeper.again = p->hsm.again = 0;
	lg_doors_close(p->doors);
	lg_parent_recover_close(p);
	lg_parent_operator_stop(p);
	if (p->server_control >= 0)
		lg_control_send(p->server_control, LG_CONTROL_END, LG_NONE, NULL, 0);
	end_child(p, &p->server, p->settings.drain_time + 5 * LG_SECOND);
	lg_parent_keeper_stop(p);
	end_child(p, &p->keeper, 5 * LG_SECOND);
	end_child(p, &p->hsm, 5 * LG_SECOND);
	if (ours)
		unlink(p->settings.socket.p);
	if (local)
		unlink(p->settings.listen_ldapi.p);
}

/* ---- life ------------------------------------------------------------------------------------------------------------- */

/* --dev: the ports and secrets of the last start. */
static lg_err
read_dev_line(struct lg_parent *p)
{
	const char *path;
	lg_str text;
	lg_err e;

	LG_TRY(lg_cstr(&p->cx, lg_cat(p->arena, p->settings.data, LG_STR("/dev.json")), &path));
	e = lg_file_read(&p->cx, path, LG_CONTROL_TEXT, &text);
	if (e == LG_E_NOT_FOUND)
		return LG_OK;
	LG_TRY(e);
	p->line = lg_dup(p->arena, lg_str_trim(text));
	return lg_doors_restore(&p->cx, p->line, &p->settings);
}

static lg_err
prepare(struct lg_parent *p)
{
	struct lg_settings *s = &p->settings;
	const char *data;

	LG_TRY(lg_confine_no_dumps(&p->cx));	/* it holds the sealing secret */
	LG_TRY(lg_users_find(&p->cx, s, &p->users));
	if (s->socket.n == 0)
		s->socket = lg_print(p->arena, "%.*s/run/lightgate.sock", LG_FMT(s->data));
	if (s->dev && s->listen_ldapi.n == 0)
		s->listen_ldapi = lg_print(p->arena, "%.*s/run/ldapi", LG_FMT(s->data));
	LG_TRY(lg_layout_make(&p->cx, s, &p->users));
	LG_TRY(lg_sealing_secret(&p->cx, s, &p->secret));
	if (s->dev)
		LG_TRY(read_dev_line(p));
	LG_TRY(lg_doors_bind(&p->cx, s, p->doors));
	LG_TRY(lg_cstr(&p->cx, s->data, &data));
	if (chdir(data) != 0)
		return lg_fail(&p->cx, LG_E_IO, "%s: %s", data, strerror(errno));
	if (p->o->task == NULL)
		LG_TRY(lg_parent_recover_open(p));
	return open_signals(p);
}

static void
init(struct lg_parent *p, const struct lg_parent_options *o)
{
	int64_t cores = get_nprocs();

	p->o = o;
	p->settings = o->settings;
	p->server = (struct lg_child){ .name = "server", .pause = LG_BACKOFF_FIRST };
	p->keeper = (struct lg_child){ .name = "keeper", .pause = LG_BACKOFF_FIRST };
	p->hsm = (struct lg_child){ .name = "token's process", .pause = LG_BACKOFF_FIRST };
	p->operator = (struct lg_child){ .name = "operator's child" };
	p->server_control = p->recover = -1;
	p->arena = lg_arena_new();
	/* prepare's strings live as long as the process; restarts have an arena of their own. */
	lg_ctx_init(&p->cx, p->arena);
	cores = o->settings.loops > 0 ? o->settings.loops : cores;
	p->nloops = (size_t)(cores < 1 ? 1 : cores > LG_LOOPS ? LG_LOOPS : cores);
	for (size_t i = 0; i < LG_LOOPS; i++)
		p->channels[i] = p->hsm_ends[i] = -1;
	for (size_t i = 0; i < LG_DOORS; i++)
		p->doors[i].fd = -1;
}

static int
run(struct lg_parent *p)
{
	if (prepare(p) != LG_OK || start_both(p) != LG_OK) {
		lg_log(LG_ERROR, "%s", p->cx.error);
		p->ending = true;
		end(p);
		return 1;
	}
	p->cx.arena = lg_arena_new();
	while (!p->ending) {
		wait_once(p, INT64_MAX);
		/* A first start that fails is a mistake to be mended, not an accident to be repeated. */
		if (!p->ready && p->server.pid == 0)
			break;
		if (!p->ending)
			restart(p);
	}
	int status = p->ending ? 0 : p->o->task != NULL ? p->server_status : 1;
	p->ending = true;
	end(p);
	lg_arena_free(&p->cx.arena);
	return status;
}

int
lg_parent_main(const struct lg_parent_options *o)
{
	struct lg_parent *p = calloc(1, sizeof *p);
	int status;

	if (p == NULL)
		abort();
	lg_log_open("lightgated", (enum lg_level)lg_settings_level(&o->settings), !isatty(2));
	init(p, o);
	status = run(p);
	lg_secret_free(&p->secret);
	lg_arena_free(&p->arena);
	close(p->signals);
	free(p);
	return status;
}
