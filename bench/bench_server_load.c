/*
 * bench_server_load.c: keeps connections busy with one HTTP request each, and says what that cost the processes that answer.
 *
 *	load [-c CONNECTIONS] [-t SECONDS] [-p PID]... [-k] unix:PATH|ADDRESS:PORT REQUEST-FILE
 *
 * The file holds the request as it goes over the wire; eight `#` in it are replaced by a number that never comes again.  With -k
 * over TLS.  Every answer must be 200, or 503 while the disk holds the decision log up, which is said.  Prints: answers/s, CPU of the processes (us an answer), latency p50 and p99 (us).
 */
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include "bench/bench.h"

enum { CONNECTIONS = 256, ANSWER = 32768, REQUEST = 16384 };

struct conn {
	int fd;
	SSL *tls;
	int64_t asked;
	size_t have;			/* octets of the answer */
	char answer[ANSWER];
};

static struct conn conns[CONNECTIONS];
static char request[REQUEST];
static size_t request_size;
static char *number;			/* the eight octets that change */
static unsigned asked, refused;
static struct bench bench;

/* ---- connecting ----------------------------------------------------------------------------------------- */

static void
open_conn(struct conn *c, const char *where, SSL_CTX *tls)
{
	c->fd = bench_connect(where);
	if (tls != NULL) {
		c->tls = SSL_new(tls);
		must(c->tls != NULL && SSL_set_fd(c->tls, c->fd) == 1 && SSL_connect(c->tls) == 1, "a TLS handshake");
	}
	must(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0, "a descriptor");
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static void
ask(struct conn *c)
{
	char text[9];
	ssize_t n;

	if (number != NULL) {
		snprintf(text, sizeof text, "%08x", asked++);
		memcpy(number, text, 8);
	}
	c->have = 0;
	c->asked = lg_monotonic_ns();
	n = c->tls != NULL ? SSL_write(c->tls, request, (int)request_size) : send(c->fd, request, request_size, MSG_NOSIGNAL);
	must(n == (ssize_t)request_size, "sending a request");
}

static ssize_t
receive(struct conn *c)
{
	char *to = c->answer + c->have;
	size_t room = sizeof c->answer - 1 - c->have;

	if (c->tls == NULL)
		return recv(c->fd, to, room, 0);
	int n = SSL_read(c->tls, to, (int)room);
	must(n > 0 || SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ, "a TLS record");
	return n;
}

static bool
whole(struct conn *c)
{
	c->answer[c->have] = 0;
	char *end = strstr(c->answer, "\r\n\r\n"), *length;

	if (end == NULL || (length = strcasestr(c->answer, "\r\nContent-Length:")) == NULL)
		return false;
	return c->have >= (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

/* True when the answer is there. */
static bool
answered(struct conn *c)
{
	ssize_t n = receive(c);

	if (n <= 0) {
		must(n != 0 || c->tls != NULL, "the connection was closed");
		return false;
	}
	c->have += (size_t)n;
	if (!whole(c))
		return false;
	if (strncmp(c->answer, "HTTP/1.1 503", 12) == 0) {
		refused++;
		return true;
	}
	if (strncmp(c->answer, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "%s\n", c->answer);
		exit(1);
	}
	bench_answer(&bench, c->asked);
	return true;
}

static void
run(struct conn *c, size_t n, double seconds)
{
	int64_t end = lg_monotonic_ns() + (int64_t)(seconds * 1e9);
	struct epoll_event ev[64];
	int ep = epoll_create1(0);

	for (size_t i = 0; i < n; i++) {
		struct epoll_event e = { EPOLLIN, { .ptr = &c[i] } };
		must(epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e) == 0, "epoll");
		ask(&c[i]);
	}
	for (size_t under_way = n; under_way > 0;) {
		int k = epoll_wait(ep, ev, 64, 10000);
		must(k > 0, "no answer in 10 s");
		bool more = lg_monotonic_ns() < end;
		for (int i = 0; i < k; i++) {
			if (!answered(ev[i].data.ptr))
				continue;
			if (more)
				ask(ev[i].data.ptr);
			else
				under_way--;
		}
	}
	close(ep);
}

/* ---- the command ------------------------------------------------------------------------------------------- */

static void
read_request(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, request, sizeof request - 1);

	must(n > 0, path);
	close(fd);
	request_size = (size_t)n;
	number = strstr(request, "########");
	asked = (unsigned)lg_monotonic_ns();
}

int
main(int argc, char **argv)
{
	double seconds = 1;
	size_t n = 16;
	SSL_CTX *tls = NULL;

	for (int o; (o = getopt(argc, argv, "c:t:p:k")) != -1;) {
		if (o == 'c')
			n = strtoul(optarg, NULL, 10);
		else if (o == 't')
			seconds = atof(optarg);
		else if (o == 'p')
			bench_pid(&bench, optarg);
		else if (o == 'k')
			tls = SSL_CTX_new(TLS_client_method());
	}
	must(argc - optind == 2 && n > 0 && n <= CONNECTIONS, "usage: load [-c N] [-t S] [-p PID] [-k] WHERE REQUEST-FILE");
	read_request(argv[optind + 1]);
	for (size_t i = 0; i < n; i++)
		open_conn(&conns[i], argv[optind], tls);
	bench_begin(&bench);
	run(conns, n, seconds);
	bench_report(&bench);
	if (refused > 0)
		fprintf(stderr, "%u of %zu were refused with 503\n", refused, bench.n + refused);
	SSL_CTX_free(tls);
	return 0;
}
