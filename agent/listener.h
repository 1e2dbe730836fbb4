/* listener.h: a UNIX socket with a thread for each connection, for those that last: terminals, logs that are followed. */
#ifndef LG_AGENT_LISTENER_H
#define LG_AGENT_LISTENER_H

#include <sys/types.h>

#include "lightgate/base.h"

struct lg_listener;

#define LG_SOCKETS_ABOVE 64		/* descriptors below are lg_sockets_exec's to number */

struct lg_socket {
	int fd;
	const char *path;
	bool handed;			/* by a manager or by our predecessor: the name stays when we go */
};

/*
 * A listening socket: the one bound to `path` that was handed over (LISTEN_FDS, sd_listen_fds(3)), or a new one with `mode`; the folder
 * above it is made.  The path is kept.
 */
LG_CHECKED lg_err lg_socket_listen(struct lg_ctx *cx, const char *path, mode_t mode, int backlog, struct lg_socket *ret);
void lg_socket_close(struct lg_socket *s, bool keep);	/* keep: for lg_sockets_exec, whoever connects meanwhile waits */
/* The program that stands at this path now, with the sockets that were kept.  Returns only when it fails. */
LG_CHECKED lg_err lg_sockets_exec(struct lg_ctx *cx, const char *program, char **argv);

/* Calls serve(arg, fd) on a thread for each connection, at most `max` at once; more wait.  It is closed when serve returns. */
LG_CHECKED lg_err lg_listener_open(struct lg_ctx *cx, const char *path, mode_t mode, unsigned max, void (*serve)(void *arg, int fd),
    void *arg, struct lg_listener **ret);
/* A connection that came to our predecessor: served as one that was accepted; closed where there is no room. */
void lg_listener_adopt(struct lg_listener *l, int fd);
/* Takes no more and gives what is under way two seconds. */
void lg_listener_drain(struct lg_listener *l);
/* Takes no more, shuts what is open down, and waits for serve to return everywhere.  Safe on NULL. */
void lg_listener_close(struct lg_listener **l, bool keep);

/*
 * Who is at the other end.  LG_E_DENIED: in a user or pid namespace that is not ours, or gone.  One in another mount namespace than ours and
 * the host's first process is what `apart` says of it; NULL: refused.
 */
LG_CHECKED lg_err lg_caller_local(struct lg_ctx *cx, int fd, lg_err (*apart)(struct lg_ctx *cx, void *arg, pid_t pid), void *arg, uid_t *uid);

#endif
