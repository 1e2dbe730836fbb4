/*
 * docker.h: this host's container engine: its authorization plugin, and the socket that people use in place of the engine's own.
 *
 * The plugin is asked by the engine before every request and answers what the service decided.  Over TLS the engine names the client's
 * certificate; on its UNIX socket it names nobody, so that socket is root's alone and people use the front, which adds who they are.
 * Whatever is unclear, unknown or unanswered is refused.
 */
#ifndef LG_AGENT_DOCKER_H
#define LG_AGENT_DOCKER_H

#include "agent/door.h"

#define LG_DOCKER_CONNECTIONS	256	/* of the plugin and of the front, each; attached terminals hold one for as long as they last */
#define LG_DOCKER_OF_ONE	192	/* of the front's, for one user: whoever holds them keeps nobody else out */
#define LG_DOCKER_EXECS		1024	/* remembered: who may start, resize and look at a program that was decided */
#define LG_DOCKER_CALL		(96u << 20)	/* octets of one question of the engine: a list of containers is shown whole */

struct lg_docker;

struct lg_docker_settings {
	const char *plugin;		/* sockets, absolute; NULL: not served */
	const char *front;
	const char *engine;
};

/*
 * Listens and serves on threads of its own.  The settings' strings are kept; the door must outlive it.
 */
LG_CHECKED lg_err lg_docker_open(struct lg_ctx *cx, const struct lg_docker_settings *at, struct lg_door *door, struct lg_docker **ret);
/* Cuts what is under way; keep: lg_socket_close.  Safe on NULL. */
void lg_docker_close(struct lg_docker **d, bool keep);

#endif
