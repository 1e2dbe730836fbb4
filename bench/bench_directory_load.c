/*
 * bench_directory_load.c: keeps LDAP connections busy with searches for one uid, several under way on each, in BER written here.
 *
 *	load [-c CONNECTIONS] [-d UNDER-WAY] [-t SECONDS] [-p PID]... ADDRESS:PORT BIND-DN PASSWORD BASE UID
 *	load -s ADDRESS:PORT		the ceiling: an epoll loop that gives each search the same entry, unread
 *
 * Every search must end in success with one entry.  Prints: searches/s, CPU of the processes (us a search), latency p50, p99 (us).
 * The server prints its process id when it listens, and ends when its standard input does.
 */
#include <fcntl.h>
#include <sys/epoll.h>

#include "bench/bench.h"

enum { CONNECTIONS = 64, UNDER_WAY = 64, BUFFER = 65536, SEARCH_ENTRY = 0x64, SEARCH_DONE = 0x65 };

struct conn {
	int fd;
	int64_t asked[UNDER_WAY];	/* when each message that is under way was sent */
	size_t have;
	unsigned char in[BUFFER];
};

struct ber {
	unsigned char p[512];
	size_t n;
};

static struct conn conns[CONNECTIONS];
static struct ber search;		/* its message id is four octets at search.p[4] */
static struct bench bench;
static size_t under_way = 4;

/* ---- BER, definite lengths (RFC 4511 5.1) -------------------------------------------------------------- */

static void
ber_bytes(struct ber *b, const void *p, size_t n)
{
	must(n <= sizeof b->p - b->n, "a message of more than 512 octets");
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* Lengths take three octets, the long form: so a message can be built from its inside without moving it twice. */
static void
ber_put(struct ber *b, unsigned char tag, const void *p, size_t n)
{
	unsigned char head[4] = { tag, 0x82, (unsigned char)(n >> 8), (unsigned char)n };

	ber_bytes(b, head, sizeof head);
	ber_bytes(b, p, n);
}

static void
ber_text(struct ber *b, unsigned char tag, const char *s)
{
	ber_put(b, tag, s, strlen(s));
}

static void
ber_int(struct ber *b, unsigned char tag, unsigned char value)
{
	ber_put(b, tag, &value, 1);
}

static struct ber
message(unsigned char op, const struct ber *body)
{
	static const unsigned char id[6] = { 2, 4, 0, 0, 0, 1 };
	struct ber inner = { .n = 0 }, b = { .n = 0 };

	ber_bytes(&inner, id, sizeof id);
	ber_put(&inner, op, body->p, body->n);
	ber_put(&b, 0x30, inner.p, inner.n);
	return b;
}

static struct ber
bind_request(const char *dn, const char *password)
{
	struct ber b = { .n = 0 };

	ber_int(&b, 2, 3);
	ber_text(&b, 4, dn);
	ber_text(&b, 0x80, password);
	return message(0x60, &b);
}

/* base, subtree, never dereferenced, no limits, values too, (uid=...), all user attributes */
static struct ber
search_request(const char *base, const char *uid)
{
	struct ber b = { .n = 0 }, filter = { .n = 0 };

	ber_text(&b, 4, base);
	ber_int(&b, 10, 2);
	ber_int(&b, 10, 0);
	ber_int(&b, 2, 0);
	ber_int(&b, 2, 0);
	ber_int(&b, 1, 0);
	ber_text(&filter, 4, "uid");
	ber_text(&filter, 4, uid);
	ber_put(&b, 0xa3, filter.p, filter.n);
	ber_put(&b, 0x30, "", 0);
	return message(0x63, &b);
}

/* The whole message at p, its size in *size, the operation and what is in it; false if more must be read. */
static bool
ber_message(const unsigned char *p, size_t n, size_t *size, unsigned *id, unsigned char *op, const unsigned char **body)
{
	size_t length, at = 2;

	if (n < 2)
		return false;
	length = p[1];
	if (length >= 0x80) {
		size_t octets = length & 0x7f;
		must(octets <= 4, "a length");
		if (n < 2 + octets)
			return false;
		for (length = 0; at < 2 + octets; at++)
			length = length << 8 | p[at];
	}
	*size = at + length;
	if (n < *size)
		return false;
	must(p[0] == 0x30 && p[at] == 2 && p[at + 1] <= 4, "a message");
	*id = 0;
	for (size_t i = 0; i < p[at + 1]; i++)
		*id = *id << 8 | p[at + 2 + i];
	at += 2 + p[at + 1];
	*op = p[at];
	*body = p + at + 2 + (p[at + 1] > 0x80 ? (p[at + 1] & 0x7f) : 0);
	return true;
}

/* ---- the client ------------------------------------------------------------------------------------------- */

static void
bind_as(struct conn *c, const char *dn, const char *password)
{
	struct ber b = bind_request(dn, password);
	const unsigned char *body;
	unsigned char op;
	unsigned id;
	size_t size;

	must(send(c->fd, b.p, b.n, MSG_NOSIGNAL) == (ssize_t)b.n, "a bind");
	do {
		ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
		must(n > 0, "the answer to a bind");
		c->have += (size_t)n;
	} while (!ber_message(c->in, c->have, &size, &id, &op, &body));
	must(op == 0x61 && body[2] == 0, "the bind was refused");
	c->have = 0;
}

static void
ask(struct conn *c, unsigned slot)
{
	search.p[9] = (unsigned char)(slot + 1);	/* message ids 1..n, each free again when its search is done */
	c->asked[slot] = lg_monotonic_ns();
	must(send(c->fd, search.p, search.n, MSG_NOSIGNAL) == (ssize_t)search.n, "a search");
}

/* Reads what came, asks again for every search that ended; says how many ended and were not followed by another. */
static size_t
take(struct conn *c, bool more)
{
	ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
	size_t at = 0, size, ended = 0;
	const unsigned char *body;
	unsigned char op;
	unsigned id;

	must(n > 0, "the connection was closed");
	for (c->have += (size_t)n; ber_message(c->in + at, c->have - at, &size, &id, &op, &body); at += size) {
		if (op == SEARCH_ENTRY)
			continue;
		must(op == SEARCH_DONE && body[2] == 0 && id >= 1 && id <= under_way, "a search failed");
		bench_answer(&bench, c->asked[id - 1]);
		if (more)
			ask(c, id - 1);
		else
			ended++;
	}
	memmove(c->in, c->in + at, c->have - at);
	c->have -= at;
	return ended;
}

static void
run(struct conn *c, size_t n, double seconds)
{
	int64_t end = lg_monotonic_ns() + (int64_t)(seconds * 1e9);
	struct epoll_event ev[64];
	int ep = epoll_create1(0);
	size_t left = n * under_way;

	for (size_t i = 0; i < n; i++) {
		struct epoll_event e = { EPOLLIN, { .ptr = &c[i] } };
		must(epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e) == 0, "epoll");
		for (unsigned k = 0; k < under_way; k++)
			ask(&c[i], k);
	}
	while (left > 0) {
		int k = epoll_wait(ep, ev, 64, 10000);
		must(k > 0, "no answer in 10 s");
		bool more = lg_monotonic_ns() < end;
		for (int i = 0; i < k; i++)
			left -= take(ev[i].data.ptr, more);
	}
	close(ep);
}

/* ---- the ceiling --------------------------------------------------------------------------------------------- */

static struct ber
canned(unsigned char op)
{
	/* An entry of the size that the demo's has, then success without a matched name or a sentence. */
	static const char entry[240] = "the octets of a person's entry, as many as a small one has";
	static const unsigned char done[7] = { 10, 1, 0, 4, 0, 4, 0 };
	struct ber b = { .n = 0 };

	ber_bytes(&b, op == SEARCH_ENTRY ? (const void *)entry : done, op == SEARCH_ENTRY ? sizeof entry : sizeof done);
	return message(op, &b);
}

/* One write for what one read brought. */
static void
serve(struct conn *c)
{
	struct ber entry = canned(SEARCH_ENTRY), done = canned(SEARCH_DONE), bound = canned(0x61);
	ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
	unsigned char out[BUFFER], op;
	size_t at = 0, size, to = 0;
	const unsigned char *body;
	unsigned id;

	if (n <= 0) {
		close(c->fd);
		c->fd = -1;
		return;
	}
	for (c->have += (size_t)n; ber_message(c->in + at, c->have - at, &size, &id, &op, &body); at += size) {
		struct ber *say[2] = { op == 0x60 ? NULL : &entry, op == 0x60 ? &bound : &done };
		for (size_t i = 0; i < 2; i++) {
			if (say[i] == NULL || sizeof out - to < say[i]->n)
				continue;
			say[i]->p[9] = (unsigned char)id;
			memcpy(out + to, say[i]->p, say[i]->n);
			to += say[i]->n;
		}
	}
	memmove(c->in, c->in + at, c->have - at);
	c->have -= at;
	must(send(c->fd, out, to, MSG_NOSIGNAL) == (ssize_t)to, "an answer");
}

static void
admit(int ep, int listener)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct conn *c = &conns[i];
		struct epoll_event e = { EPOLLIN, { .ptr = c } };

		if (c->fd >= 0)
			continue;
		c->have = 0;
		c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		must(c->fd >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) == 0, "a connection");
		return;
	}
}

static int
serve_all(const char *where)
{
	int listener = bench_listen(where), ep = epoll_create1(0), on = 1;
	struct epoll_event ev[64], l = { EPOLLIN, { .ptr = &listener } }, in = { EPOLLIN, { .ptr = NULL } };

	for (size_t i = 0; i < CONNECTIONS; i++)
		conns[i].fd = -1;
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, listener, &l) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, 0, &in) == 0, "epoll");
	for (;;) {
		int n = epoll_wait(ep, ev, 64, -1);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr == NULL)
				return 0;
			if (ev[i].data.ptr == &listener)
				admit(ep, listener);
			else
				serve(ev[i].data.ptr);
		}
	}
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

int
main(int argc, char **argv)
{
	const char *ceiling = NULL;
	double seconds = 1;
	size_t n = 16;

	for (int o; (o = getopt(argc, argv, "c:d:t:p:s:")) != -1;) {
		if (o == 'c')
			n = strtoul(optarg, NULL, 10);
		else if (o == 'd')
			under_way = strtoul(optarg, NULL, 10);
		else if (o == 't')
			seconds = atof(optarg);
		else if (o == 'p')
			bench_pid(&bench, optarg);
		else if (o == 's')
			ceiling = optarg;
	}
	if (ceiling != NULL)
		return serve_all(ceiling);
	argv += optind;
	must(argc - optind == 5 && n <= CONNECTIONS && under_way <= UNDER_WAY, "usage: load WHERE BIND-DN PASSWORD BASE UID");
	search = search_request(argv[3], argv[4]);
	for (size_t i = 0; i < n; i++) {
		conns[i].fd = bench_connect(argv[0]);
		bind_as(&conns[i], argv[1], argv[2]);
	}
	bench_begin(&bench);
	run(conns, n, seconds);
	bench_report(&bench);
	return 0;
}
