#include "tests/server/kit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *
loop_thread(void *arg)
{
	lg_loop_run(arg);
	return NULL;
}

void
kit_init(struct kit *k)
{
	memset(k, 0, sizeof *k);
	k->listen_fd = -1;
	lg_ctx_init(&k->cx, lg_arena_new());
	cr_assert_eq(lg_pool_new(&k->cx, 4, 64, 0, 0, &k->workers), LG_OK);
	cr_assert_eq(lg_metrics_new(&k->cx, &k->metrics), LG_OK);
	k->o = (struct lg_http_options){ .request_time = 5 * LG_SECOND, .idle_time = 5 * LG_SECOND, .reply_time = 5 * LG_SECOND,
		.workers = k->workers, .cores = k->workers, .metrics = k->metrics };
}

void
kit_new(struct kit *k)
{
	if (k->o.limits == NULL)
		k->limits = k->o.limits = lg_limits_new(1000, 0);
	cr_assert_eq(lg_http_new(&k->cx, &k->o, &k->hs), LG_OK, "%s", k->cx.error);
	for (size_t i = 0; i < KIT_LOOPS; i++)
		cr_assert_eq(lg_loop_new(&k->cx, &k->loop[i]), LG_OK);
}

void
kit_attach(struct kit *k, unsigned surfaces)
{
	for (size_t i = 0; i < KIT_LOOPS; i++) {
		cr_assert_eq(lg_http_attach(&k->cx, k->hs, k->loop[i], surfaces), LG_OK, "%s", k->cx.error);
		pthread_create(&k->thread[i], NULL, loop_thread, k->loop[i]);
	}
}

static void
listen_unix(struct kit *k)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(k->path, sizeof k->path, "%s/s%d", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
	snprintf(un.sun_path, sizeof un.sun_path, "%s", k->path);
	unlink(k->path);
	k->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(k->listen_fd, (struct sockaddr *)&un, sizeof un), 0);
}

static void
listen_tcp(struct kit *k)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof in;

	k->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(k->listen_fd, (struct sockaddr *)&in, sizeof in), 0);
	cr_assert_eq(getsockname(k->listen_fd, (struct sockaddr *)&in, &n), 0);
	k->port = ntohs(in.sin_port);
}

void
kit_open(struct kit *k, enum lg_surface surface)
{
	if (surface == LG_SURFACE_UNIX)
		listen_unix(k);
	else
		listen_tcp(k);
	cr_assert_eq(listen(k->listen_fd, 64), 0);
	cr_assert_eq(lg_http_open(&k->cx, k->hs, k->listen_fd, surface), LG_OK, "%s", k->cx.error);
}

struct detach {
	struct kit *k;
	size_t i;
};

static void
detach(void *arg)
{
	struct detach *d = arg;

	lg_http_detach(d->k->hs, d->k->loop[d->i]);
}

void
kit_end(struct kit *k)
{
	lg_http_quiesce(k->hs);
	for (size_t i = 0; i < KIT_LOOPS; i++) {
		struct detach d = { k, i };

		lg_loop_call(k->loop[i], detach, &d);
		lg_loop_stop(k->loop[i]);
		pthread_join(k->thread[i], NULL);
	}
	lg_http_free(&k->hs);
	for (size_t i = 0; i < KIT_LOOPS; i++)
		lg_loop_free(&k->loop[i]);
	lg_pool_free(&k->workers);
	lg_metrics_free(&k->metrics);
	cr_expect_eq(lg_limits_count(k->o.limits), 0, "connections are left over");
	lg_limits_free(&k->limits);
	lg_arena_free(&k->cx.arena);
	close(k->listen_fd);
	if (k->path[0] != '\0')
		unlink(k->path);
}

int
kit_connect(const struct kit *k)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)k->port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(k->port != 0 ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof un.sun_path, "%s", k->path);
	if (k->port != 0)
		cr_assert_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	else
		cr_assert_eq(connect(fd, (struct sockaddr *)&un, sizeof un), 0);
	return fd;
}

void
kit_send(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, bytes, n, MSG_NOSIGNAL);

		if (w <= 0)
			return;		/* the peer has had enough */
		bytes += w;
		n -= (size_t)w;
	}
}

/* Octets of the body that the head announces. */
static size_t
body_length(const char *head)
{
	const char *at = strcasestr(head, "\r\nContent-Length:");

	return at == NULL ? 0 : (size_t)strtoul(at + 17, NULL, 10);
}

int
kit_answer(int fd, char *buf, size_t size)
{
	size_t n = 0, want = size - 1;
	char *end = NULL;

	while (n < want) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r = poll(&p, 1, 8000) == 1 ? recv(fd, buf + n, end == NULL ? 1 : want - n, 0) : 0;

		if (r <= 0)
			break;
		n += (size_t)r;
		buf[n] = '\0';
		if (end == NULL && n >= 4 && memcmp(buf + n - 4, "\r\n\r\n", 4) == 0) {
			end = buf + n;
			want = n + body_length(buf) < size ? n + body_length(buf) : size - 1;
		}
	}
	buf[n] = '\0';
	return n > 12 && strncmp(buf, "HTTP/1.", 7) == 0 ? atoi(buf + 9) : 0;
}

int
kit_ask(const struct kit *k, const char *request, size_t n, char *buf, size_t size)
{
	int fd = kit_connect(k), status;

	kit_send(fd, request, n);
	status = kit_answer(fd, buf, size);
	close(fd);
	return status;
}

bool
kit_closed(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	return poll(&p, 1, ms) == 1 && recv(fd, &c, 1, MSG_PEEK) <= 0;
}
