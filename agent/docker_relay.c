/* docker_relay.c: see docker_relay.h. */
#include "agent/docker_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

/* ---- one ------------------------------------------------------------------------------------------------------- */

static void
set_nonblocking(int fd)
{
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* What of the client's octets may go on: the body, and what follows it only in a tunnel. */
static void
admit(struct lg_relay *r)
{
	struct lg_way *up = &r->up;
	size_t of_body = lg_body_take(&r->body, (lg_str){ up->piece, up->n }, NULL);

	if (!r->tunnel)
		up->n = of_body;
	if (r->body.bad)
		up->ended = true;
}

struct lg_relay *
lg_relay_new(int client, int engine, const struct lg_body *body, bool tunnel, lg_str in)
{
	struct lg_relay *r = calloc(1, sizeof *r);

	if (r == NULL)
		abort();
	r->client = fcntl(client, F_DUPFD_CLOEXEC, 0);
	r->engine = engine;
	r->body = *body;
	r->tunnel = tunnel;
	r->up.from = r->down.to = r->client;
	r->up.to = r->down.from = engine;
	set_nonblocking(r->client);
	set_nonblocking(engine);
	r->up.n = in.n < sizeof r->up.piece ? in.n : sizeof r->up.piece;
	memcpy(r->up.piece, in.p == NULL ? "" : in.p, r->up.n);
	admit(r);
	return r;
}

void
lg_relay_free(struct lg_relay *r)
{
	lg_fd_close(&r->client);
	lg_fd_close(&r->engine);
	free(r);
}

static bool
fill(struct lg_way *w)
{
	ssize_t n = read(w->from, w->piece, sizeof w->piece);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	w->at = 0;
	w->n = (size_t)n;
	return n > 0;
}

static bool
drain(struct lg_way *w)
{
	ssize_t n = send(w->to, w->piece + w->at, w->n - w->at, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	w->at += (size_t)n;
	if (w->at == w->n)
		w->at = w->n = 0;
	return true;
}

/* The client has said its last.  In a tunnel the other side may go on; else nobody waits for the answer any more. */
static bool
client_ended(struct lg_relay *r)
{
	r->up.ended = true;
	return r->tunnel && shutdown(r->engine, SHUT_WR) == 0;
}

static bool
step(struct lg_relay *r, const struct pollfd *client, const struct pollfd *engine)
{
	struct lg_way *up = &r->up, *down = &r->down;

	if (up->n > 0 && (engine->revents & (POLLOUT | POLLERR)) != 0 && !drain(up))
		up->ended = true, up->n = 0;		/* the engine reads no more; its answer may still come */
	if (down->n > 0 && (client->revents & (POLLOUT | POLLERR)) != 0 && !drain(down))
		return false;
	if (up->n == 0 && !up->ended && (client->revents & (POLLIN | POLLHUP)) != 0) {
		if (fill(up))
			admit(r);
		else if (!client_ended(r))
			return false;
	}
	if (down->n == 0 && (engine->revents & (POLLIN | POLLHUP)) != 0 && !fill(down))
		return false;				/* the answer is complete: the engine closes after it */
	return true;
}

static short
wanted(const struct lg_way *reads, const struct lg_way *writes)
{
	return (short)((reads->n == 0 && !reads->ended ? POLLIN : 0) | (writes->n > 0 ? POLLOUT : 0));
}

/* Both ends' places of a poll. */
static void
watch(const struct lg_relay *r, struct pollfd fds[2])
{
	fds[0] = (struct pollfd){ .fd = r->client, .events = wanted(&r->up, &r->down) };
	fds[1] = (struct pollfd){ .fd = r->engine, .events = wanted(&r->down, &r->up) };
	if (r->up.ended && r->down.n == 0)
		fds[0].fd = -1;			/* a client that has hung up would wake us without end */
}

bool
lg_relay_turn(struct lg_relay *r, int wake, int patience)
{
	struct pollfd fds[3] = { [2] = { .fd = wake, .events = POLLIN } };

	watch(r, fds);
	if (poll(fds, LG_COUNT(fds), patience) < 0)
		return errno == EINTR;
	return step(r, &fds[0], &fds[1]);
}

/* ---- all that were left ---------------------------------------------------------------------------------------------- */

static void
carry_all(struct lg_relay *first, size_t n)
{
	struct pollfd *fds = calloc(n, 2 * sizeof *fds);

	while (fds != NULL && first != NULL) {
		size_t i = 0;
		for (const struct lg_relay *r = first; r != NULL; r = r->next, i += 2)
			watch(r, fds + i);
		if (poll(fds, i, -1) < 0 && errno != EINTR)
			return;
		i = 0;
		for (struct lg_relay **at = &first; *at != NULL; i += 2) {
			struct lg_relay *r = *at;
			if (step(r, &fds[i], &fds[i + 1])) {
				at = &r->next;
				continue;
			}
			*at = r->next;
			lg_relay_free(r);
		}
	}
}

/* Neither sockets that are listened on nor anything else of the agent's; what it blocked it had a use for. */
static void
keep_only(struct lg_relay *first)
{
	sigset_t none;
	int fd = 3, next;

	do {
		next = -1;
		for (const struct lg_relay *r = first; r != NULL; r = r->next) {
			if (r->client >= fd && (next < 0 || r->client < next))
				next = r->client;
			if (r->engine >= fd && (next < 0 || r->engine < next))
				next = r->engine;
		}
		if (next != fd)
			(void)close_range((unsigned)fd, next < 0 ? ~0U : (unsigned)next - 1, 0);
		fd = next + 1;
	} while (next >= 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "lg-relay");
}

lg_err
lg_relay_leave(struct lg_ctx *cx, struct lg_relay **first)
{
	struct lg_relay *r;
	size_t n = 0;

	for (r = *first; r != NULL; r = r->next)
		n++;
	pid_t child = n == 0 ? 0 : fork();
	if (n > 0 && child == 0) {
		if (fork() == 0) {		/* nobody's child: nobody need wait for it */
			keep_only(*first);
			carry_all(*first, n);
		}
		_exit(0);
	}
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	while ((r = *first) != NULL) {
		*first = r->next;
		lg_relay_free(r);
	}
	return child < 0 ? lg_fail(cx, LG_E_LIMIT, "no process for what goes on at the front: %s", strerror(errno)) : LG_OK;
}
