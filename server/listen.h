/* listen.h: addresses as people write them, and the sockets that the parent opens for its children. */
#ifndef LG_SERVER_LISTEN_H
#define LG_SERVER_LISTEN_H

#include <sys/socket.h>

#include "lightgate/base.h"

#define LG_LISTEN_BACKLOG	1024

/* "127.0.0.1:8443", "[::]:8443": numbers only, no names. */
LG_CHECKED lg_err lg_address_parse(struct lg_ctx *cx, lg_str text, struct sockaddr_storage *ret, socklen_t *size);

/* Binds, without listening yet: nobody is to connect before there is somebody to answer.  port: the one really bound. */
LG_CHECKED lg_err lg_bind_tcp(struct lg_ctx *cx, lg_str address, int *fd, unsigned *port);
/* The same for a path; a socket left behind by a process that is gone is replaced, one that answers is LG_E_EXISTS. */
LG_CHECKED lg_err lg_bind_unix(struct lg_ctx *cx, lg_str path, int *fd);

#endif
