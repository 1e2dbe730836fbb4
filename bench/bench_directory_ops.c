/*
 * bench_directory_ops.c: keeps LDAP connections busy with one kind of work on the people of directory_data.py, in BER by the library's writer.
 *
 *	ops [-c CONNECTIONS] [-d UNDER-WAY] [-t SECONDS] [-n PEOPLE] [-r PER-SECOND] [-p PID]... KIND ADDRESS:PORT BIND-DN PASSWORD
 *
 * Every answer is checked.  Prints: answers/s, CPU of the processes (us an answer), latency p50, p99 (us).  A scan counts entries.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "bench/bench.h"
#include "directory/ber.h"

enum { CONNECTIONS = 128, UNDER_WAY = 64, ENTRY = 0x64, SEARCH_DONE = 0x65, BIND_DONE = 0x61, COMPARE_DONE = 0x6f, MODIFY_DONE = 0x67,
	ADD_DONE = 0x69, DELETE_DONE = 0x6b };

#define SUFFIX	"dc=example,dc=org"
#define PEOPLE	"ou=people," SUFFIX
#define PAGED	"1.2.840.113556.1.4.319"
#define PAGE	1000

/* One piece of work under way: its step, and whom it is about. */
struct slot {
	int64_t asked;
	unsigned step, entries;
	uint64_t user;
};

struct conn {
	int fd;
	struct lg_buf in, out;
	struct slot slot[UNDER_WAY];
	char cookie[256];
	size_t cookie_n;
	bool closing;
};

struct kind {
	const char *name;
	/* Writes the message of the slot's step. */
	void (*ask)(struct conn *c, unsigned i);
	/* Looks at the answer; true when the work is done, otherwise the next step is asked for. */
	bool (*answered)(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest);
	bool alone;			/* one at a time on a connection */
	bool reconnects;
};

static struct conn conns[CONNECTIONS];
static struct bench bench;
static const struct kind *kind;
static size_t under_way = 4;
static uint64_t people = 100000, made, state = 88172645463325252u, entries_seen;
static const char *where, *bind_dn, *bind_password;

static uint64_t
next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static lg_str
text(char *to, size_t size, const char *fmt, uint64_t n)
{
	int k = snprintf(to, size, fmt, (unsigned long long)n);

	return (lg_str){ to, (size_t)k };
}

/* ---- messages --------------------------------------------------------------------------------------------------------- */

static struct lg_berw
begin(struct conn *c, unsigned i, int op)
{
	struct lg_berw w = lg_berw_of(&c->out);

	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_INTEGER, i + 1);
	if (op != 0)
		lg_berw_open(&w, op);
	return w;
}

static void
end(struct lg_berw *w)
{
	while (w->n > 0)
		lg_berw_close(w);
}

static void
put_bind(struct conn *c, unsigned i, lg_str dn, lg_str password)
{
	struct lg_berw w = begin(c, i, 0x60);

	lg_berw_int(&w, LG_BER_INTEGER, 3);
	lg_berw_str(&w, LG_BER_OCTETS, dn);
	lg_berw_str(&w, LG_BER_CONTEXT(0), password);
	end(&w);
}

static struct lg_berw
begin_search(struct conn *c, unsigned i, lg_str base, int scope)
{
	struct lg_berw w = begin(c, i, 0x63);

	lg_berw_str(&w, LG_BER_OCTETS, base);
	lg_berw_int(&w, LG_BER_ENUMERATED, scope);
	lg_berw_int(&w, LG_BER_ENUMERATED, 0);
	lg_berw_int(&w, LG_BER_INTEGER, 0);
	lg_berw_int(&w, LG_BER_INTEGER, 0);
	lg_berw_bool(&w, LG_BER_BOOLEAN, false);
	return w;
}

static void
put_equality(struct conn *c, unsigned i, lg_str attribute, lg_str value, const char *only)
{
	struct lg_berw w = begin_search(c, i, LG_STR(SUFFIX), 2);

	lg_berw_open(&w, LG_BER_CONTEXT_SET(3));
	lg_berw_str(&w, LG_BER_OCTETS, attribute);
	lg_berw_str(&w, LG_BER_OCTETS, value);
	lg_berw_close(&w);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	if (only != NULL)
		lg_berw_str(&w, LG_BER_OCTETS, lg_str_of(only));
	end(&w);
}

static void
put_present(struct lg_berw *w)
{
	lg_berw_str(w, LG_BER_CONTEXT(7), LG_STR("objectClass"));
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_close(w);
}

static lg_str
user_dn(char *to, size_t size, uint64_t n)
{
	return text(to, size, "uid=user%llu," PEOPLE, n);
}

static struct slot *
fresh(struct conn *c, unsigned i)
{
	if (c->slot[i].step == 0)
		c->slot[i].user = next_random() % people;
	return &c->slot[i];
}

/* ---- kinds ---------------------------------------------------------------------------------------------------------------- */

static void
ask_uid(struct conn *c, unsigned i)
{
	char b[64];

	put_equality(c, i, LG_STR("uid"), text(b, sizeof b, "user%llu", fresh(c, i)->user), NULL);
}

static bool
one_entry(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	(void)rest;
	must(op == SEARCH_DONE && code == 0 && c->slot[i].entries == 1, "a search for one entry");
	return true;
}

static bool
some_entries(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	(void)c, (void)i, (void)rest;
	must(op == SEARCH_DONE && code == 0, "a search");
	return true;
}

static void
ask_base(struct conn *c, unsigned i)
{
	char b[128];
	struct lg_berw w = begin_search(c, i, user_dn(b, sizeof b, fresh(c, i)->user), 0);

	put_present(&w);
	end(&w);
}

static void
ask_member(struct conn *c, unsigned i)
{
	char b[128];

	put_equality(c, i, LG_STR("member"), user_dn(b, sizeof b, fresh(c, i)->user), "cn");
}

static void
ask_prefix(struct conn *c, unsigned i)
{
	char b[64];
	struct lg_berw w = begin_search(c, i, LG_STR(SUFFIX), 2);

	lg_berw_open(&w, LG_BER_CONTEXT_SET(4));
	lg_berw_str(&w, LG_BER_OCTETS, LG_STR("sn"));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_CONTEXT(0), text(b, sizeof b, "Surname%05llu", fresh(c, i)->user % 10000));
	lg_berw_close(&w);
	lg_berw_close(&w);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	end(&w);
}

static void
ask_compare(struct conn *c, unsigned i)
{
	char b[128], v[64];
	struct lg_berw w = begin(c, i, 0x6e);

	lg_berw_str(&w, LG_BER_OCTETS, user_dn(b, sizeof b, fresh(c, i)->user));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_OCTETS, LG_STR("sn"));
	lg_berw_str(&w, LG_BER_OCTETS, text(v, sizeof v, "Surname%05llu", c->slot[i].user % 10000));
	end(&w);
}

static bool
compared(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	(void)c, (void)i, (void)rest;
	must(op == COMPARE_DONE && code == 6, "a compare");
	return true;
}

static void
ask_bind(struct conn *c, unsigned i)
{
	uint64_t user = fresh(c, i)->user;
	char b[128], v[64];

	put_bind(c, i, user_dn(b, sizeof b, user), text(v, sizeof v, "secret%llu", user));
}

static bool
bound(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	(void)c, (void)i, (void)rest;
	must(op == BIND_DONE && code == 0, "a bind");
	return true;
}

/* A search for the DN, then a bind with it: what web applications do. */
static void
ask_auth(struct conn *c, unsigned i)
{
	if (c->slot[i].step == 0)
		ask_uid(c, i);
	else
		ask_bind(c, i);
}

static bool
authenticated(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	if (c->slot[i].step == 0) {
		one_entry(c, i, op, code, rest);
		return false;
	}
	return bound(c, i, op, code, rest);
}

/* Connected anew each time: bind, search, unbind. */
static void
ask_session(struct conn *c, unsigned i)
{
	struct lg_berw w;

	if (c->slot[i].step == 0)
		ask_bind(c, i);
	else if (c->slot[i].step == 1)
		ask_uid(c, i);
	else {
		w = begin(c, i, 0);
		lg_berw_str(&w, 0x42, LG_NONE);
		end(&w);
	}
}

static bool
in_session(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	if (c->slot[i].step == 0) {
		bound(c, i, op, code, rest);
		return false;
	}
	return one_entry(c, i, op, code, rest);
}

static void
ask_modify(struct conn *c, unsigned i)
{
	char b[128], v[64];
	struct lg_berw w = begin(c, i, 0x66);

	lg_berw_str(&w, LG_BER_OCTETS, user_dn(b, sizeof b, fresh(c, i)->user));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_int(&w, LG_BER_ENUMERATED, 2);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_OCTETS, LG_STR("title"));
	lg_berw_open(&w, LG_BER_SET);
	lg_berw_str(&w, LG_BER_OCTETS, text(v, sizeof v, "title %llu", ++made));
	end(&w);
}

static bool
modified(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	(void)c, (void)i, (void)rest;
	must(op == MODIFY_DONE && code == 0, "a modify");
	return true;
}

static void
put_attribute(struct lg_berw *w, const char *name, lg_str value)
{
	lg_berw_open(w, LG_BER_SEQUENCE);
	lg_berw_str(w, LG_BER_OCTETS, lg_str_of(name));
	lg_berw_open(w, LG_BER_SET);
	lg_berw_str(w, LG_BER_OCTETS, value);
	lg_berw_close(w);
	lg_berw_close(w);
}

/* A person is added and deleted again. */
static void
ask_add(struct conn *c, unsigned i)
{
	char b[128], v[64];
	struct slot *s = &c->slot[i];
	struct lg_berw w;

	if (s->step == 0)
		s->user = (uint64_t)getpid() << 32 | ++made;
	lg_str dn = text(b, sizeof b, "uid=temp%llu," PEOPLE, s->user);
	if (s->step == 1) {
		w = begin(c, i, 0);
		lg_berw_str(&w, 0x4a, dn);
		end(&w);
		return;
	}
	w = begin(c, i, 0x68);
	lg_berw_str(&w, LG_BER_OCTETS, dn);
	lg_berw_open(&w, LG_BER_SEQUENCE);
	put_attribute(&w, "objectClass", LG_STR("inetOrgPerson"));
	put_attribute(&w, "uid", text(v, sizeof v, "temp%llu", s->user));
	put_attribute(&w, "cn", text(v, sizeof v, "Temporary %llu", s->user));
	put_attribute(&w, "sn", LG_STR("Temporary"));
	put_attribute(&w, "mail", text(v, sizeof v, "temp%llu@example.org", s->user));
	end(&w);
}

static bool
added(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	(void)rest;
	must(code == 0 && op == (c->slot[i].step == 0 ? ADD_DONE : DELETE_DONE), "an add or a delete");
	return c->slot[i].step == 1;
}

/* All people, page by page. */
static void
ask_scan(struct conn *c, unsigned i)
{
	struct lg_berw w = begin_search(c, i, LG_STR(PEOPLE), 1), inner;
	struct lg_buf value = LG_BUF(512);

	put_present(&w);
	lg_berw_close(&w);
	inner = lg_berw_of(&value);
	lg_berw_open(&inner, LG_BER_SEQUENCE);
	lg_berw_int(&inner, LG_BER_INTEGER, PAGE);
	lg_berw_str(&inner, LG_BER_OCTETS, (lg_str){ c->cookie, c->cookie_n });
	lg_berw_close(&inner);
	lg_berw_open(&w, LG_BER_CONTEXT_SET(0));
	lg_berw_open(&w, LG_BER_SEQUENCE);
	lg_berw_str(&w, LG_BER_OCTETS, LG_STR(PAGED));
	lg_berw_str(&w, LG_BER_OCTETS, lg_buf_view(&value));
	end(&w);
	lg_buf_free(&value);
}

static bool
scanned(struct conn *c, unsigned i, int op, int code, struct lg_ber *rest)
{
	struct lg_ber controls = lg_ber_enter(rest, LG_BER_CONTEXT_SET(0)), control = lg_ber_enter(&controls, LG_BER_SEQUENCE), value, page;

	must(op == SEARCH_DONE && code == 0 && c->slot[i].entries <= PAGE, "a page");
	must(lg_str_eq(lg_ber_str(&control, LG_BER_OCTETS), LG_STR(PAGED)), "a page's control");
	value = lg_ber_of(lg_ber_str(&control, LG_BER_OCTETS));
	page = lg_ber_enter(&value, LG_BER_SEQUENCE);
	lg_ber_int(&page, LG_BER_INTEGER);
	lg_str cookie = lg_ber_str(&page, LG_BER_OCTETS);
	must(!page.bad && cookie.n <= sizeof c->cookie, "a cookie");
	memcpy(c->cookie, cookie.p, cookie.n);
	c->cookie_n = cookie.n;
	entries_seen += c->slot[i].entries;
	return true;
}

static const struct kind kinds[] = {
	{ "search", ask_uid, one_entry, false, false },
	{ "base", ask_base, one_entry, false, false },
	{ "compare", ask_compare, compared, false, false },
	{ "member", ask_member, some_entries, false, false },
	{ "prefix", ask_prefix, some_entries, false, false },
	{ "bind", ask_bind, bound, true, false },
	{ "auth", ask_auth, authenticated, true, false },
	{ "session", ask_session, in_session, true, true },
	{ "modify", ask_modify, modified, false, false },
	{ "add", ask_add, added, false, false },
	{ "scan", ask_scan, scanned, true, false },
};

/* ---- connections -------------------------------------------------------------------------------------------------------------- */

static void
send_all(struct conn *c)
{
	for (size_t at = 0; at < c->out.n;) {
		ssize_t n = send(c->fd, c->out.p + at, c->out.n - at, MSG_NOSIGNAL);
		must(n > 0, "sending");
		at += (size_t)n;
	}
	lg_buf_clear(&c->out);
}

static void
receive(struct conn *c)
{
	ssize_t n;

	must(lg_buf_reserve(&c->in, 262144), "a large answer");
	n = recv(c->fd, c->in.p + c->in.n, 262144, 0);
	must(n > 0, "the connection was closed");
	c->in.n += (size_t)n;
}

static void
ask(struct conn *c, unsigned i)
{
	if (c->slot[i].step == 0)
		c->slot[i].asked = lg_monotonic_ns();
	c->slot[i].entries = 0;
	kind->ask(c, i);
}

/* The next message, whole: its id, operation, result code and what is behind the operation. */
static bool
take_message(struct conn *c, size_t *at, unsigned *id, int *op, int *code, struct lg_ber *rest)
{
	lg_str in = lg_str_sub(lg_buf_view(&c->in), *at, c->in.n);
	int64_t n = lg_ber_frame(in, 4u << 20);

	must(n >= 0, "an answer that is no message");
	if (n == 0 || (size_t)n > in.n)
		return false;
	struct lg_ber all = lg_ber_of(lg_str_sub(in, 0, (size_t)n)), message = lg_ber_enter(&all, LG_BER_SEQUENCE), body;
	*id = (unsigned)lg_ber_int(&message, LG_BER_INTEGER);
	body = lg_ber_of(lg_ber_any(&message, op));
	*code = *op == ENTRY ? 0 : (int)lg_ber_int(&body, LG_BER_ENUMERATED);
	*rest = message;
	*at += (size_t)n;
	must(!message.bad && *id >= 1 && *id <= under_way, "an answer to nothing that was asked");
	return true;
}

static void
open_conn(struct conn *c)
{
	size_t at = 0;
	unsigned id;
	int op, code;
	struct lg_ber rest;

	c->fd = bench_connect(where);
	if (kind->reconnects)
		return;
	put_bind(c, 0, lg_str_of(bind_dn), lg_str_of(bind_password));
	send_all(c);
	do
		receive(c);
	while (!take_message(c, &at, &id, &op, &code, &rest));
	must(op == BIND_DONE && code == 0, "the first bind was refused");
	lg_buf_clear(&c->in);
}

static void
reopen(int ep, struct conn *c)
{
	struct epoll_event e = { EPOLLIN, { .ptr = c } };

	c->slot[0].step = 2;
	kind->ask(c, 0);		/* unbind */
	send_all(c);
	close(c->fd);
	lg_buf_clear(&c->in);
	open_conn(c);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) == 0, "epoll");
}

/* Handles what came; says how many pieces of work ended and were not followed by another. */
static size_t
handle(int ep, struct conn *c, bool more)
{
	size_t at = 0, ended = 0;
	unsigned id;
	int op, code;
	struct lg_ber rest;

	receive(c);
	while (take_message(c, &at, &id, &op, &code, &rest)) {
		struct slot *s = &c->slot[id - 1];
		if (op == ENTRY) {
			s->entries++;
			continue;
		}
		bool done = kind->answered(c, id - 1, op, code, &rest);
		s->step = done ? 0 : s->step + 1;
		if (done)
			bench_answer(&bench, s->asked);
		if (done && kind->reconnects && more) {
			reopen(ep, c);
			s->step = 0;
			ask(c, id - 1);
			break;
		}
		if (!done || more)
			ask(c, id - 1);
		else
			ended++;
	}
	if (c->in.n >= at)
		lg_buf_drop(&c->in, at);
	send_all(c);
	return ended;
}

static void
run(size_t n, double seconds)
{
	int64_t end_ns = lg_monotonic_ns() + (int64_t)(seconds * 1e9);
	struct epoll_event ev[64];
	int ep = epoll_create1(0);
	size_t left = n * under_way;

	for (size_t i = 0; i < n; i++) {
		struct epoll_event e = { EPOLLIN, { .ptr = &conns[i] } };
		must(epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e) == 0, "epoll");
		for (unsigned k = 0; k < under_way; k++)
			ask(&conns[i], k);
		send_all(&conns[i]);
	}
	while (left > 0) {
		int k = epoll_wait(ep, ev, 64, 30000);
		must(k > 0, "no answer in 30 s");
		bool more = lg_monotonic_ns() < end_ns;
		for (int i = 0; i < k; i++)
			left -= handle(ep, ev[i].data.ptr, more);
	}
	close(ep);
}

int
main(int argc, char **argv)
{
	double seconds = 1;
	size_t n = 16;

	for (int o; (o = getopt(argc, argv, "c:d:t:n:p:")) != -1;) {
		if (o == 'c')
			n = strtoul(optarg, NULL, 10);
		else if (o == 'd')
			under_way = strtoul(optarg, NULL, 10);
		else if (o == 't')
			seconds = atof(optarg);
		else if (o == 'n')
			people = strtoull(optarg, NULL, 10);
		else if (o == 'p')
			bench_pid(&bench, optarg);
	}
	argv += optind;
	must(argc - optind == 4 && n <= CONNECTIONS && under_way <= UNDER_WAY, "usage: ops KIND WHERE BIND-DN PASSWORD");
	for (size_t i = 0; i < LG_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, argv[0]) == 0)
			kind = &kinds[i];
	must(kind != NULL, argv[0]);
	under_way = kind->alone ? 1 : under_way;
	where = argv[1], bind_dn = argv[2], bind_password = argv[3];
	state ^= (uint64_t)getpid() << 20;
	for (size_t i = 0; i < n; i++) {
		conns[i].in = LG_BUF(8u << 20);
		conns[i].out = LG_BUF(1u << 20);
		open_conn(&conns[i]);
	}
	bench_begin(&bench);
	run(n, seconds);
	if (entries_seen > 0)		/* a scan: what an entry costs, not what a page does */
		printf("%.0f %.3f 0 0\n", (double)entries_seen * 1e9 / (double)(lg_monotonic_ns() - bench.began),
		    (double)(bench_cpu_ns(&bench) - bench.cpu) / 1e3 / (double)entries_seen);
	else
		bench_report(&bench);
	return 0;
}
