/* parent_server.c: the server as the parent's child: its start, and what the two tell each other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/confine.h"
#include "server/control.h"
#include "server/parent.h"

/* exit(3), not _exit: so that sanitizers may speak. */
static _Noreturn void
child(struct lg_parent *p, int control)
{
	static struct lg_server_start s;	/* its settings outlive this frame */
	int keep[LG_LOOPS + LG_DOORS + 1];
	size_t n = 0;

	s = (struct lg_server_start){ .settings = p->settings, .users = p->users, .control = control, .nloops = p->nloops,
		.load = p->o->load, .before = p->line, .argc = p->o->argc, .argv = p->o->argv, .task = p->o->task };
	for (size_t i = 0; i < LG_DOORS; i++) {
		s.doors[i] = p->doors[i];
		keep[n++] = p->doors[i].fd;
	}
	for (size_t i = 0; i < p->nloops; i++)
		keep[n++] = s.channels[i] = p->channels[i];
	keep[n++] = control;
	lg_confine_close_others(keep, n);
	lg_secret_free(&p->secret);		/* fork copied it; it is not the server's */
	exit(lg_server_main(&s));
}

lg_err
lg_parent_server_start(struct lg_parent *p)
{
	int pair[2];

	if (!lg_control_pair(pair))
		return lg_fail(&p->cx, LG_E_IO, "socketpair: %s", strerror(errno));
	p->server.pid = fork();
	if (p->server.pid < 0) {
		p->server.pid = 0;
		close(pair[0]);
		close(pair[1]);
		return lg_fail(&p->cx, LG_E_UNAVAILABLE, "fork: %s", strerror(errno));
	}
	if (p->server.pid == 0)
		child(p, pair[1]);
	close(pair[1]);
	p->server.began = lg_boottime();
	p->server_control = pair[0];
	lg_parent_channels_close(p);
	return LG_OK;
}

void
lg_parent_server_keeper(struct lg_parent *p)
{
	if (p->server_control >= 0 && !lg_control_send(p->server_control, LG_CONTROL_KEEPER, LG_NONE, p->channels, p->nloops))
		lg_log(LG_ERROR, "the server does not take the new keeper's channels");
	lg_parent_channels_close(p);
}

/* sd_notify(3), without its library: one datagram. */
static void
notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (path == NULL || strlen(path) >= sizeof un.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(un.sun_path, path, strlen(path));
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}

/* The line is the server's word: it is kept and printed, never read by us in this run. */
static void
ready(struct lg_parent *p, lg_str line)
{
	const char *path;

	p->server.pause = LG_BACKOFF_FIRST;
	if (memchr(line.p, '\n', line.n) != NULL)
		return;
	p->line = lg_dup(p->arena, line);
	if (p->settings.dev && (lg_cstr(&p->cx, lg_cat(p->cx.arena, p->settings.data, LG_STR("/dev.json")), &path) != LG_OK ||
	    lg_file_update(&p->cx, path, 0600, lg_cat(p->cx.arena, line, LG_STR("\n"))) != LG_OK))
		lg_log(LG_ERROR, "dev.json: %s", p->cx.error);
	if (p->ready)
		return;
	p->ready = true;
	printf("%.*s\n", LG_FMT(line));
	fflush(stdout);
	notify("READY=1");
}

void
lg_parent_server_hear(struct lg_parent *p)
{
	static struct lg_control_message m;

	if (!lg_control_recv(p->server_control, &m) || m.n == 0) {
		close(p->server_control);	/* its death is reported by a signal */
		p->server_control = -1;
		return;
	}
	for (size_t i = 0; i < m.nfds; i++)
		close(m.fds[i]);
	if (m.text[0] == LG_CONTROL_READY)
		ready(p, (lg_str){ m.text + 1, m.n - 1 });
}
