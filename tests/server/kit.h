/* kit.h: a real server on a free port, with loops on threads of their own, and raw sockets to talk to it. */
#ifndef LG_TESTS_SERVER_KIT_H
#define LG_TESTS_SERVER_KIT_H

#include <criterion/criterion.h>
#include <pthread.h>

#include "base/clock.h"
#include "server/http.h"

#define KIT_LOOPS 2

struct kit {
	struct lg_ctx cx;
	struct lg_loop *loop[KIT_LOOPS];
	pthread_t thread[KIT_LOOPS];
	struct lg_pool *workers;
	struct lg_limits *limits;
	struct lg_metrics *metrics;
	struct lg_http_server *hs;
	struct lg_http_options o;
	int listen_fd;
	int port;			/* 0: a UNIX socket */
	char path[100];
};

void kit_init(struct kit *k);				/* options with defaults; change k->o, then kit_new */
void kit_new(struct kit *k);				/* server without routes */
void kit_attach(struct kit *k, unsigned surfaces);	/* daemons and threads; then open */
void kit_open(struct kit *k, enum lg_surface surface);	/* 127.0.0.1, or a UNIX socket for that surface */
void kit_end(struct kit *k);

int kit_connect(const struct kit *k);
void kit_send(int fd, const char *bytes, size_t n);
#define KIT_SEND(fd, s)	kit_send((fd), (s), sizeof(s) - 1)
/* One answer (head and Content-Length octets of body), NUL-terminated; the status, 0 if the connection ended instead. */
int kit_answer(int fd, char *buf, size_t size);
/* Sends on a new connection and returns the status of the first answer. */
int kit_ask(const struct kit *k, const char *request, size_t n, char *buf, size_t size);
bool kit_closed(int fd, int ms);			/* the peer ended the connection within that time */

#endif
