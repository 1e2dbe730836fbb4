/* docker.c: see docker.h. */
#include "agent/docker_own.h"

#include <stdlib.h>
#include <sys/un.h>

#include "base/log.h"

static lg_err
open_sockets(struct lg_ctx *cx, struct lg_docker *d)
{
	const struct lg_docker_settings *at = &d->at;

	if (at->plugin != NULL)
		LG_TRY(lg_listener_open(cx, at->plugin, 0600, LG_DOCKER_CONNECTIONS, lg_docker_plugin_serve, d, &d->plugin));
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
		lg_listener_drain(d->front, false);
	if (keep && d->plugin != NULL)
		lg_listener_drain(d->plugin, true);
	lg_listener_close(&d->front, keep);
	lg_listener_close(&d->plugin, keep);
	lg_link_free(&d->engine);
	lg_passes_end(&d->passes);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
