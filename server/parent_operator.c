/*
 * parent_operator.c: the recover socket: who may come in, and the child that talks to them.
 *
 * The parent itself reads nothing from it.  It looks at SO_PEERCRED, gives the server one end of a new socket pair and forks; the
 * child (operator.c) has the connection, the other end, and the keeper's control channel as long as it lives.  So a client
 * that says nothing keeps its own child waiting and the next client, nobody else.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/operator.h"
#include "crypto/confine.h"
#include "server/control.h"
#include "server/operator.h"
#include "server/parent.h"

#define BACKLOG 8

/* Another service on the same DATA would answer. */
static bool
answers(const struct sockaddr_un *un)
{
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	bool yes = s >= 0 && connect(s, (const struct sockaddr *)un, sizeof *un) == 0;

	if (s >= 0)
		close(s);
	return yes;
}

lg_err
lg_parent_recover_open(struct lg_parent *p)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = LG_OPERATOR_SOCKET };
	int s;

	if (answers(&un))
		return lg_fail(&p->cx, LG_E_EXISTS, "another service runs on %.*s", LG_FMT(p->settings.data));
	unlink(un.sun_path);
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&un, sizeof un) != 0 || chmod(un.sun_path, 0600) != 0 || listen(s, BACKLOG) != 0) {
		lg_fail(&p->cx, LG_E_IO, "%s: %s", un.sun_path, strerror(errno));
		if (s >= 0)
			close(s);
		return LG_E_IO;
	}
	p->recover = s;
	return LG_OK;
}

void
lg_parent_recover_close(struct lg_parent *p)
{
	if (p->recover < 0)
		return;
	close(p->recover);
	p->recover = -1;
	unlink(LG_OPERATOR_SOCKET);
}

/* Root, or whoever the service belongs to. */
static bool
known(int fd, struct ucred *ret)
{
	socklen_t n = sizeof *ret;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &n) == 0 && (ret->uid == 0 || ret->uid == geteuid());
}

/* The server's end; -1 while there is no server. */
static int
reach_server(struct lg_parent *p)
{
	int pair[2];

	if (p->server_control < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	bool sent = lg_control_send(p->server_control, LG_CONTROL_OPERATOR, LG_NONE, &pair[1], 1);
	close(pair[1]);
	if (!sent)
		close(pair[0]);
	return sent ? pair[0] : -1;
}

static _Noreturn void
child(struct lg_parent *p, int client, int server, const struct ucred *who)
{
	struct lg_operator op = { .keeper = p->keeper_control, .client = client, .server = server, .settings = &p->settings,
		.uid = who->uid, .pid = who->pid };
	int keep[3] = { client, server, p->keeper_control == NULL ? -1 : lg_keeper_fd(p->keeper_control) };
	struct lg_endpoints at;

	prctl(PR_SET_NAME, "lg-operator");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	lg_confine_close_others(keep, LG_COUNT(keep));
	lg_secret_free(&p->secret);
	alarm(LG_OPERATOR_LIFE);
	lg_ctx_init(&op.cx, lg_arena_new());
	op.told = (struct lg_keeper_told){ .keeper = op.keeper, .cx = &op.cx };
	lg_doors_endpoints(op.cx.arena, &p->settings, p->doors, &at);
	op.issuer = at.issuer;
	lg_operator_talk(&op);
	_exit(0);
}

void
lg_parent_operator_take(struct lg_parent *p)
{
	int client = accept4(p->recover, NULL, NULL, SOCK_CLOEXEC), server;
	struct ucred who;

	if (client < 0)
		return;
	if (!known(client, &who)) {
		lg_log(LG_WARN, "a user that is neither root nor ours came to the recover socket");
		close(client);
		return;
	}
	server = reach_server(p);
	p->operator.pid = fork();
	if (p->operator.pid == 0)
		child(p, client, server, &who);
	if (p->operator.pid < 0) {
		p->operator.pid = 0;
		lg_log(LG_ERROR, "fork: %s", strerror(errno));
	}
	p->operator.began = lg_boottime();
	p->operator_keeper = p->keeper.pid;
	close(client);
	if (server >= 0)
		close(server);
}

void
lg_parent_operator_stop(struct lg_parent *p)
{
	if (p->operator.pid != 0)
		kill(p->operator.pid, SIGKILL);
}

/* Half a question may stand in the channel that it borrowed: then the keeper starts again, with a new one. */
void
lg_parent_operator_ended(struct lg_parent *p, int status)
{
	p->operator.pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	lg_log(LG_WARN, "an operator's request was broken off");
	if (!p->ending && p->keeper.pid != 0 && p->keeper.pid == p->operator_keeper)
		lg_parent_keeper_stop(p);
}
