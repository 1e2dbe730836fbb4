/*
 * responder.h: the service's part in tests: HTTP/1.1 on a free port or a UNIX socket, in a thread of the test.
 * Answers come from a table; what was asked is kept for the test to look at.  Header only: three folders' tests use it.
 */
#ifndef LG_TESTS_RESPONDER_H
#define LG_TESTS_RESPONDER_H

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RESPONDER_TEXT	(256 << 10)

struct responder_route {
	const char *request;		/* "POST /v1/login"; the first that the request line begins with counts */
	int status;
	const char *body;
	unsigned delay_ms;
};

struct responder {
	int listener;
	char url[64];
	const struct responder_route *routes;	/* end with a NULL request */
	pthread_mutex_t lock;
	char asked[RESPONDER_TEXT];	/* every request, head and body, one after another */
	size_t nasked;
	int requests, connections;
};

static inline void
responder_keep(struct responder *r, const char *text)
{
	pthread_mutex_lock(&r->lock);
	size_t n = strlen(text);
	cr_assert(r->nasked + n + 2 < sizeof r->asked);
	memcpy(r->asked + r->nasked, text, n);
	r->nasked += n;
	r->asked[r->nasked++] = '\n';
	r->asked[r->nasked] = '\0';
	r->requests++;
	pthread_mutex_unlock(&r->lock);
}

/* One request into `text`; false at the end of the connection. */
static inline bool
responder_read(int fd, char *text, size_t size)
{
	size_t n = 0, length = 0;
	char *body = NULL;

	while (body == NULL || n < (size_t)(body - text) + length) {
		ssize_t got = read(fd, text + n, size - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		if (body == NULL && (body = strstr(text, "\r\n\r\n")) != NULL) {
			const char *header = strcasestr(text, "\ncontent-length:");
			body += 4;
			length = header != NULL && header < body ? strtoul(header + 16, NULL, 10) : 0;
		}
	}
	return true;
}

static inline const struct responder_route *
responder_find(const struct responder *r, const char *text)
{
	static const struct responder_route none = { "", 404, "{\"code\":\"not_found\",\"detail\":\"no route\"}", 0 };

	for (const struct responder_route *t = r->routes; t->request != NULL; t++)
		if (strncmp(text, t->request, strlen(t->request)) == 0)
			return t;
	return &none;
}

struct responder_visit {
	struct responder *responder;
	int fd;
};

static inline void *
responder_serve(void *arg)
{
	struct responder_visit *v = arg;
	char *text = malloc(RESPONDER_TEXT), *reply = malloc(RESPONDER_TEXT);

	while (responder_read(v->fd, text, RESPONDER_TEXT)) {
		responder_keep(v->responder, text);
		const struct responder_route *t = responder_find(v->responder, text);
		usleep(t->delay_ms * 1000);
		int n = snprintf(reply, RESPONDER_TEXT, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		    t->status, strlen(t->body), t->body);
		if (send(v->fd, reply, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	}
	close(v->fd);
	free(text);
	free(reply);
	free(v);
	return NULL;
}

static inline void *
responder_accept(void *arg)
{
	struct responder *r = arg;
	pthread_t thread;
	int fd;

	while ((fd = accept(r->listener, NULL, NULL)) >= 0) {
		struct responder_visit *v = malloc(sizeof *v);
		*v = (struct responder_visit){ r, fd };
		r->connections++;
		pthread_create(&thread, NULL, responder_serve, v);
		pthread_detach(thread);
	}
	return NULL;
}

static inline void
responder_run(struct responder *r, const struct responder_route *routes)
{
	pthread_t thread;

	r->routes = routes;
	pthread_mutex_init(&r->lock, NULL);
	cr_assert_eq(listen(r->listener, 16), 0);
	pthread_create(&thread, NULL, responder_accept, r);
	pthread_detach(thread);
}

/* Lives until the test's process ends. */
static inline struct responder *
responder_start(const struct responder_route *routes)
{
	struct responder *r = calloc(1, sizeof *r);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;

	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(r->listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(getsockname(r->listener, (struct sockaddr *)&at, &n), 0);
	snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
	responder_run(r, routes);
	return r;
}

static inline struct responder *
responder_start_unix(const struct responder_route *routes, const char *path)
{
	struct responder *r = calloc(1, sizeof *r);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	cr_assert(strlen(path) < sizeof at.sun_path);
	strcpy(at.sun_path, path);
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(r->listener, (struct sockaddr *)&at, sizeof at), 0);
	responder_run(r, routes);
	return r;
}

static inline bool
responder_was_asked(struct responder *r, const char *part)
{
	pthread_mutex_lock(&r->lock);
	bool found = strstr(r->asked, part) != NULL;
	pthread_mutex_unlock(&r->lock);
	return found;
}

/* A folder of the test's own, below TMPDIR; the same one each time it is asked for. */
static inline char *
test_folder(void)
{
	const char *top = getenv("TMPDIR");
	static char path[256];

	if (path[0] != '\0')
		return path;
	snprintf(path, sizeof path, "%s/lg-client.XXXXXX", top != NULL ? top : "/tmp");
	cr_assert_not_null(mkdtemp(path));
	return path;
}

/* The last eight paths that were returned stay good. */
static inline char *
test_write(const char *folder, const char *name, const char *text)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];
	FILE *f;

	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

#endif
