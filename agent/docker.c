/* docker.c: see docker.h. */
#include "agent/docker_own.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/docker_relay.h"

#include "agent/handover.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define RETIRE_MS	5		/* between two looks whether all calls have been answered */

/* Programs that were asked for and not started yet, and the engine's connections, which stay open. */
static void
hand_over(const struct lg_docker *d)
{
	for (size_t i = 0; i < d->nkept; i++)
		(void)fcntl(d->kept[i], F_SETFD, 0);
	lg_handover_put("engine's", d->kept, sizeof d->kept);
	lg_handover_put("how many", &d->nkept, sizeof d->nkept);
	lg_handover_put("execs", d->execs, sizeof d->execs);
	lg_handover_put("next exec", &d->nexecs, sizeof d->nexecs);
}

static void
take_over(struct lg_docker *d)
{
	size_t n;

	if (lg_handover_take("next exec", &n, sizeof n) && lg_handover_take("execs", d->execs, sizeof d->execs))
		d->nexecs = n;
}

static void
adopt(struct lg_docker *d)
{
	int fds[LG_DOCKER_KEPT];
	size_t n = 0;

	if (!lg_handover_take("how many", &n, sizeof n) || n > LG_COUNT(fds) || !lg_handover_take("engine's", fds, sizeof fds))
		return;
	for (size_t i = 0; i < n; i++) {
		(void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
		if (d->plugin != NULL)
			lg_listener_adopt(d->plugin, fds[i]);
		else
			close(fds[i]);
	}
}

/* Those at the front shall leave what they carry. */
static void
ask_to_leave(struct lg_docker *d)
{
	__atomic_store_n(&d->leaving, true, __ATOMIC_RELEASE);
	lg_fd_close(&d->leave[1]);
	lg_listener_drain(d->front);
}

/* To answer one call the agent may ask the engine, which calls the plugin about that: all are answered until none is. */
static void
retire(struct lg_docker *d)
{
	int64_t until = lg_boottime() + LG_DOCKER_TIME;

	while (!d->retired) {
		pthread_mutex_lock(&d->lock);
		d->retired = d->calls == 0 || lg_boottime() > until;
		pthread_mutex_unlock(&d->lock);
		if (!d->retired)
			poll(NULL, 0, RETIRE_MS);
	}
	lg_fd_close(&d->retire[1]);
	lg_listener_drain(d->plugin);
}

/* Requests that are on their way go on in a process of their own: their clients notice nothing. */
static void
leave(struct lg_docker *d)
{
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	if (lg_relay_leave(&cx, &d->left) != LG_OK)
		lg_log(LG_ERROR, "%s", cx.error);
	lg_arena_free(&cx.arena);
	hand_over(d);
}

static lg_err
open_sockets(struct lg_ctx *cx, struct lg_docker *d)
{
	const struct lg_docker_settings *at = &d->at;

	if (at->plugin != NULL)
		LG_TRY(lg_listener_open(cx, at->plugin, 0600, LG_DOCKER_CONNECTIONS, lg_docker_plugin_serve, d, &d->plugin));
	adopt(d);
	if (at->front != NULL)
		LG_TRY(lg_listener_open(cx, at->front, 0666, LG_DOCKER_CONNECTIONS, lg_docker_front_serve, d, &d->front));
	lg_log(LG_INFO, "at the door of %s%s%s%s%s", at->engine, at->plugin != NULL ? ", plugin " : "", at->plugin != NULL ? at->plugin : "",
	    at->front != NULL ? ", front " : "", at->front != NULL ? at->front : "");
	return LG_OK;
}

lg_err
lg_docker_open(struct lg_ctx *cx, const struct lg_docker_settings *at, struct lg_door *door, struct lg_docker **ret)
{
	struct lg_docker *d;
	struct lg_link *engine;

	if (strlen(at->engine) >= sizeof ((struct sockaddr_un *)NULL)->sun_path)
		return lg_fail(cx, LG_E_INVALID, "%s: longer than a socket's path can be", at->engine);
	LG_TRY(lg_link_new(cx, &(struct lg_endpoint){ .url = LG_STR("http://docker"), .socket = lg_str_of(at->engine) }, &engine));
	if ((d = calloc(1, sizeof *d)) == NULL)
		abort();
	d->at = *at;
	d->door = door;
	d->engine = engine;
	lg_passes_init(&d->passes);
	pthread_mutex_init(&d->lock, NULL);
	take_over(d);
	if (pipe2(d->leave, O_CLOEXEC) != 0 || pipe2(d->retire, O_CLOEXEC) != 0)
		abort();
	lg_err e = open_sockets(cx, d);
	if (e != LG_OK)
		lg_docker_close(&d, false);
	*ret = d;
	return e;
}

void
lg_docker_close(struct lg_docker **docker, bool keep)
{
	struct lg_docker *d = *docker;

	*docker = NULL;
	if (d == NULL)
		return;
	if (keep && d->front != NULL)
		ask_to_leave(d);
	if (keep && d->plugin != NULL)
		retire(d);
	lg_listener_close(&d->front, keep);
	lg_listener_close(&d->plugin, keep);
	if (keep)
		leave(d);
	lg_fd_close(&d->retire[0]);
	lg_fd_close(&d->retire[1]);
	lg_fd_close(&d->leave[0]);
	lg_fd_close(&d->leave[1]);
	lg_link_free(&d->engine);
	lg_passes_end(&d->passes);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
