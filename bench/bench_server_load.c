/*
 * bench_server_load.c: keeps connections busy with one HTTP request each, and says what that cost the processes that answer.
 *
 *	load [-c CONNECTIONS] [-t SECONDS] [-n ANSWERS] [-s STATUS] [-p PID]... [-k] [-a] [-f VALUES] [-m MEMBER] [-w MEMBER=FILE] unix:PATH|ADDRESS:PORT REQUEST-FILE
 *
 * The file holds the request as it goes over the wire; eight `#` in it are replaced by a number that never comes again.  Where it has `@`s
 * in a row, as many as a line of VALUES has characters, the lines stand in turn; with -m each connection begins with a line of its own and
 * goes on with the member of that name of each answer.  -w writes a member of each answer to a file, a line each.  With -k over TLS.  Every answer must be STATUS (200), or 503 while the disk holds the decision log up, which is said.  Prints: answers/s, CPU of the processes (us an answer), latency p50 and p99 (us).
 */
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include "bench/bench.h"

enum { CONNECTIONS = 256, ANSWER = 32768, REQUEST = 16384, VALUE = 4096 };

struct conn {
	int fd;
	SSL *tls;
	int64_t asked;
	char value[VALUE];		/* with -m: of its next request */
	size_t have;			/* octets of the answer */
	char answer[ANSWER];
};

static struct conn conns[CONNECTIONS];
static char request[REQUEST];
static size_t request_size;
static char *number;			/* the eight octets that change */
static unsigned asked, refused;
static char expected[] = "HTTP/1.1 200";
static struct {
	char *lines, *at;		/* of equal length; where they stand in the request */
	size_t n, width, next;
	const char *member, *keep;	/* -m, -w */
	FILE *out;
	size_t most;			/* answers; 0: as many as come */
} values;
static struct bench bench;

/* ---- connecting ----------------------------------------------------------------------------------------- */

static void
open_conn(struct conn *c, const char *where, unsigned host, SSL_CTX *tls)
{
	c->fd = bench_connect_from(where, host);
	if (tls != NULL) {
		c->tls = SSL_new(tls);
		must(c->tls != NULL && SSL_set_fd(c->tls, c->fd) == 1 && SSL_connect(c->tls) == 1, "a TLS handshake");
	}
	must(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0, "a descriptor");
}

/* ---- asking ---------------------------------------------------------------------------------------------- */

static void
put_value(struct conn *c)
{
	size_t i = values.next++ % values.n;

	if (values.member == NULL || c->value[0] == '\0')
		memcpy(c->value, values.lines + i * (values.width + 1), values.width);
	memcpy(values.at, c->value, values.width);
}

static void
ask(struct conn *c)
{
	char text[9];
	ssize_t n;

	if (values.at != NULL)
		put_value(c);
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

/* The text of a member of the answer, which has no escapes. */
static const char *
member_of(struct conn *c, const char *name, size_t *n)
{
	char quoted[64];

	snprintf(quoted, sizeof quoted, "\"%s\":\"", name);
	const char *at = strstr(c->answer, quoted);
	must(at != NULL, name);
	at += strlen(quoted);
	*n = strcspn(at, "\"");
	return at;
}

static void
take_values(struct conn *c)
{
	size_t n;

	if (values.member != NULL) {
		const char *v = member_of(c, values.member, &n);
		must(n == values.width, "a value of the same length");
		memcpy(c->value, v, n);
	}
	if (values.out != NULL) {
		const char *v = member_of(c, values.keep, &n);
		fprintf(values.out, "%.*s\n", (int)n, v);
	}
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
	if (strncmp(c->answer, expected, sizeof expected - 1) != 0) {
		fprintf(stderr, "%s\n", c->answer);
		exit(1);
	}
	bench_answer(&bench, c->asked);
	take_values(c);
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
		bool more = lg_monotonic_ns() < end && (values.most == 0 || bench.n + n <= values.most);
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

static void
read_values(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[VALUE];

	must(f != NULL, path);
	while (fgets(line, sizeof line, f) != NULL) {
		size_t n = strcspn(line, "\n");

		values.width = values.n == 0 ? n : values.width;
		if (n != values.width || n == 0)	/* the few that are longer by a digit are left out */
			continue;
		values.lines = realloc(values.lines, (values.n + 1) * (n + 1));
		must(values.lines != NULL, "memory");
		memcpy(values.lines + values.n++ * (n + 1), line, n + 1);
	}
	fclose(f);
	must(values.n > 0, "values");
}

static void
find_place(void)
{
	values.at = values.n == 0 ? NULL : strstr(request, "@@@@");
	must(values.n == 0 || (values.at != NULL && strspn(values.at, "@") == values.width), "a place as long as the values");
}

static void
keep(char *text)
{
	char *file = strchr(text, '=');

	must(file != NULL, "-w MEMBER=FILE");
	*file++ = '\0';
	values.keep = text;
	values.out = fopen(file, "w");
	must(values.out != NULL, file);
}

int
main(int argc, char **argv)
{
	double seconds = 1;
	size_t n = 16;
	SSL_CTX *tls = NULL;
	bool apart = false;

	for (int o; (o = getopt(argc, argv, "c:t:n:s:p:kaf:m:w:")) != -1;) {
		if (o == 'c')
			n = strtoul(optarg, NULL, 10);
		else if (o == 't')
			seconds = atof(optarg);
		else if (o == 'n')
			values.most = strtoul(optarg, NULL, 10);
		else if (o == 's')
			memcpy(expected + 9, optarg, strnlen(optarg, 3));
		else if (o == 'f')
			read_values(optarg);
		else if (o == 'm')
			values.member = optarg;
		else if (o == 'w')
			keep(optarg);
		else if (o == 'p')
			bench_pid(&bench, optarg);
		else if (o == 'a')
			apart = true;
		else if (o == 'k')
			tls = SSL_CTX_new(TLS_client_method());
	}
	must(argc - optind == 2 && n > 0 && n <= CONNECTIONS, "usage: load [-c N] [-t S] [-n N] [-s STATUS] [-p PID] [-k] [-a] [-f VALUES] [-m MEMBER] [-w MEMBER=FILE] WHERE REQUEST-FILE");
	read_request(argv[optind + 1]);
	find_place();
	for (size_t i = 0; i < n; i++)
		open_conn(&conns[i], argv[optind], apart ? (unsigned)i + 1 : 0, tls);
	bench_begin(&bench);
	run(conns, n, seconds);
	bench_report(&bench);
	if (values.out != NULL)
		fclose(values.out);
	if (refused > 0)
		fprintf(stderr, "%u of %zu were refused with 503\n", refused, bench.n + refused);
	SSL_CTX_free(tls);
	return 0;
}
