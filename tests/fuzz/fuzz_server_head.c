/*
 * Whatever the server answers 200 had a head that a strict reader takes in one way only: this file's own reader is the judge.
 * The server is a real one on a UNIX socket, so that libmicrohttpd's leniency is part of what is tried.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the judge ---------------------------------------------------------------------------------- */

static bool
token(lg_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", s.p[i]) != NULL)
			return false;
	return s.n > 0;
}

static bool
line_ok(lg_str s)
{
	lg_str method, target, version, rest;

	return lg_str_cut(s, ' ', &method, &rest) && lg_str_cut(rest, ' ', &target, &version) && token(method) && target.n > 0 &&
	    (lg_str_eq(version, LG_STR("HTTP/1.1")) || lg_str_eq(version, LG_STR("HTTP/1.0")));
}

static bool
header_ok(lg_str s, unsigned seen[4])
{
	static const lg_str singles[4] = { LG_STR("Host"), LG_STR("Content-Length"), LG_STR("Transfer-Encoding"), LG_STR("Authorization") };
	lg_str name, value;

	if (!lg_str_cut(s, ':', &name, &value) || !token(name))
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
			return false;
	for (size_t i = 0; i < 4; i++)
		seen[i] += lg_str_eq_fold(name, singles[i]);
	value = lg_str_trim(value);
	return !lg_str_eq_fold(name, singles[2]) || lg_str_eq_fold(value, LG_STR("chunked"));
}

/* Up to the next CRLF; false without one. */
static bool
next_line(lg_str *rest, lg_str *line)
{
	const char *at = memmem(rest->p, rest->n, "\r\n", 2);

	if (at == NULL)
		return false;
	*line = lg_str_sub(*rest, 0, (size_t)(at - rest->p));
	*rest = lg_str_sub(*rest, line->n + 2, rest->n);
	return true;
}

/* What cannot be told from the CR that should stand there: see http_check.c. */
static void
forgive(char *p, size_t n)
{
	for (size_t i = 0; i + 3 < n; i++)
		if (p[i] == '\n' && (p[i + 1] == ':' || p[i + 1] == '\0') && p[i + 2] == '\r' && p[i + 3] == '\n')
			memcpy(p + i, "\r\n\r\n", 4);
	for (size_t i = 0; i + 1 < n; i++)
		if (p[i + 1] == '\n' && (p[i] == '\0' || (p[i] == ':' && i > 0 && p[i - 1] == '\n')))
			p[i] = '\r';
}

/* RFC 9112 2.2: empty lines before a request; one that begins with NUL is as empty for MHD. */
static lg_str
behind_empty_lines(lg_str s)
{
	while (s.n > 0 && (s.p[0] == '\r' || s.p[0] == '\n' || s.p[0] == '\0')) {
		size_t n = 1;

		if (s.p[0] == '\0')
			while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
				n++;
		s = lg_str_sub(s, n, s.n);
	}
	return s;
}

static bool
one_reading(lg_str s)
{
	unsigned seen[4] = { 0 };
	lg_str line;

	s = behind_empty_lines(s);
	if (!next_line(&s, &line) || !line_ok(line))
		return false;
	while (next_line(&s, &line) && line.n > 0)
		if (!header_ok(line, seen))
			return false;
	return seen[0] <= 1 && seen[3] <= 1 && seen[1] + seen[2] <= 1;
}

/* ---- the server ----------------------------------------------------------------------------------- */

static lg_err
hello(void *self, struct lg_http *ex)
{
	(void)self;
	lg_buf_str(&ex->out, LG_STR("hello"));
	return LG_OK;
}

static const struct lg_route routes[] = {
	{ "GET", "/*", LG_SURFACE_UNIX, LG_ON_LOOP, 0, hello },
	{ "POST", "/*", LG_SURFACE_UNIX, LG_ON_LOOP, 0, hello },
};

static struct sockaddr_un place = { .sun_family = AF_UNIX };

static void *
run(void *arg)
{
	lg_loop_run(arg);
	return NULL;
}

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
serve(void)
{
	static const struct lg_http_options o = { .request_time = 2 * LG_SECOND, .idle_time = LG_SECOND, .reply_time = LG_SECOND };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	static struct lg_http_server *hs;
	static struct lg_loop *loop;
	static struct lg_ctx cx;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	lg_ctx_init(&cx, lg_arena_new());
	/* An abstract name leaves no file behind. */
	snprintf(place.sun_path + 1, sizeof place.sun_path - 1, "lg-fuzz-%d", (int)getpid());
	must(bind(fd, (struct sockaddr *)&place, sizeof place) == 0 && listen(fd, 64) == 0);
	must(lg_loop_new(&cx, &loop) == LG_OK && lg_http_new(&cx, &o, &hs) == LG_OK);
	must(lg_http_routes_add(&cx, hs, routes, LG_COUNT(routes), NULL) == LG_OK);
	must(lg_http_attach(&cx, hs, loop, LG_SURFACE_UNIX) == LG_OK);
	must(pthread_create(&thread, NULL, run, loop) == 0);
	must(lg_http_open(&cx, hs, fd, LG_SURFACE_UNIX) == LG_OK);
}

/* The first status, 0 without an answer. */
static int
ask(const uint8_t *data, size_t size)
{
	char buf[4096];
	size_t n = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), status = 0;
	ssize_t r;

	if (connect(fd, (struct sockaddr *)&place, sizeof place) == 0 && send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		/* An unfinished head gets no answer; a finished one has it in far less time. */
		while (n < 12 && poll(&p, 1, 20) == 1 && (r = recv(fd, buf + n, sizeof buf - n, 0)) > 0)
			n += (size_t)r;
		if (n >= 12)
			status = atoi(buf + 9);
	}
	close(fd);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool serving;

	if (!serving) {
		serve();
		serving = true;
	}
	if (size > 8192)
		return 0;
	if (ask(data, size) == 200) {
		char *copy = malloc(size);

		memcpy(copy, data, size);
		forgive(copy, size);
		must(one_reading((lg_str){ copy, size }));
		free(copy);
	}
	return 0;
}
