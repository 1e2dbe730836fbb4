/*
 * bench_agent_gate.c: what the gate costs a new connection and an open flow, and what its table costs to replace.  bench/gate makes the
 * namespaces: a router, whose interfaces va and vb lead to a client and a server.
 *
 *	table PAIRS FROM TO PORT		in the router: the gate's own table with so many pairs; prints the milliseconds of all
 *						of it and of one pair less
 *	gate FOLDER RANGES WORKLOAD=PID...	in the router: the agent's gate over the bundle that doors_local wrote into FOLDER; prints
 *						"up" when it knows the processes' addresses, guards until it is killed
 *	serve PORT				accepts and closes; echoes datagrams of one octet.  TRANSPARENT=1: whatever port was meant
 *	connect TO PORT SECONDS			prints median and 99th percentile of connect(2), microseconds, and connections a second
 *	storm TO SECONDS WIDTH FROMS PID...	so many connects at once, from FROMS (a.b.c.d,...) to 50,000 ports in turn; prints the median
 *						(us), connections a second, late (a packet was lost) and failed ones, CPU us of one: ours and the processes'.
 *						RATE=N: no more than so many a second
 *	turns PAIRS MS PID...			in the router: while processes send through va, puts the tables to sleep and wakes them, MS
 *						milliseconds each; prints a line for each pair: Mbit/s and CPU ms of a GiB, awake and asleep
 *	flow TO PORT				prints the least and the median CPU time of a datagram's way through the router, nanoseconds
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>

#include "agent/gate/elements.h"
#include "agent/gate/gate.h"
#include "agent/gate/nft.h"
#include "agent/gate/table.h"
#include "agent/tally.h"
#include "agent/identity.h"
#include "bench/bench.h"
#include "bench/doors.h"

#define PAIRS_MAX	1000000

static struct lg_address
address_of(const char *text)
{
	struct lg_address at = { .family = AF_INET };

	must(inet_pton(AF_INET, text, at.a) == 1, text);
	return at;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

/* Workload i has the i-th address of 10.78.0.0/15; two of them are the ones that are measured. */
static void
name_all(struct lg_gate_table *t, uint32_t n, const char *from, const char *to)
{
	struct lg_gate_named *v = LG_NEWS(t->arena, struct lg_gate_named, n);

	t->index = LG_NEWS(t->arena, uint32_t, n);
	for (uint32_t i = 0; i < n; i++) {
		v[i].at = i == 0 ? address_of(from) : i == 1 ? address_of(to) : (struct lg_address){ .family = AF_INET,
		    .a = { 10, (uint8_t)(78 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i } };
		v[i].workload = LG_STR("w");
		t->index[i] = i;
	}
	t->named = v;
	t->nnamed = n;
}

static void
fill_rows(struct lg_gate_table *t, uint32_t n, uint16_t port)
{
	struct lg_connect_row *v = LG_NEWS(t->arena, struct lg_connect_row, n);

	v[0] = (struct lg_connect_row){ .source = 0, .destination = 1, .first = port, .last = port, .protocols = 1 };
	for (uint32_t i = 1; i < n; i++)
		v[i] = (struct lg_connect_row){ .source = i / 300 + 2, .destination = i % 300 + 400, .first = 5432, .last = 5432, .protocols = 1 };
	t->rows = (struct lg_connect_table){ .v = v, .n = n };
}

static struct lg_gate_table *
make_table(uint32_t pairs, char **argv)
{
	struct lg_arena *a = lg_arena_new();
	struct lg_gate_table *t = LG_NEW(a, struct lg_gate_table);

	t->arena = a;
	name_all(t, pairs / 300 + 800, argv[3], argv[4]);
	fill_rows(t, pairs, (uint16_t)atoi(argv[5]));
	return t;
}

static void
run_text(struct lg_ctx *cx, struct lg_buf *b)
{
	lg_buf_byte(b, '\0');
	must(!b->full && lg_nft_run(cx, b->p) == LG_OK, cx->error);
	lg_buf_free(b);
}

/* Nanoseconds from a table to a kernel that has it. */
static int64_t
change(struct lg_ctx *cx, struct lg_batch *b, const struct lg_gate_table *t, const struct lg_places *ps, struct lg_gate_elements *told)
{
	int64_t from = lg_monotonic_ns();
	struct lg_gate_elements now = lg_gate_elements_of(t, ps, cx->arena);

	struct lg_gate_change c = lg_gate_write_change(told, &now, b);
	must(c.gone + c.new > 0, "a change");
	lg_gate_put_generation(t->generation, b);
	must(lg_batch_run(cx, b) == LG_OK, cx->error);
	*told = now;
	return lg_monotonic_ns() - from;
}

static void
run_table(char **argv)
{
	struct lg_buf b = LG_BUF(LG_GATE_TEXT);
	struct lg_range range[2];
	struct lg_place place[2] = { { .address = { address_of(argv[3]) }, .naddress = 1, .link = { if_nametoindex("va") }, .nlink = 1 },
		{ .address = { address_of(argv[4]) }, .naddress = 1, .link = { if_nametoindex("vb") }, .nlink = 1 } };
	const struct lg_places ps = { .v = place, .n = 2 };
	struct lg_batch *batch;
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	must(lg_batch_open(&cx, &batch) == LG_OK, cx.error);
	const uint32_t ours[] = { lg_batch_port(batch) };
	must(lg_nft_events(ours, 1) >= 0, "a listener, as the gate has one");
	must(lg_range_parse(&cx, LG_STR("10.77.0.0/16"), &range[0]) == LG_OK && lg_range_parse(&cx, LG_STR("10.78.0.0/15"), &range[1]) == LG_OK, cx.error);
	lg_gate_write_frame(&b);
	lg_gate_write_ranges(range, 2, &b);
	run_text(&cx, &b);
	lg_gate_put_alive(3600 * LG_SECOND, batch);
	struct lg_gate_table *t = make_table((uint32_t)atoi(argv[2]), argv);
	t->range = range;
	t->nrange = 2;
	struct lg_gate_elements told = { .n = 0 };
	int64_t all = change(&cx, batch, t, &ps, &told);
	t->rows.n--;
	int64_t one = change(&cx, batch, t, &ps, &told);
	printf("%lld %.1f\n", (long long)all / 1000000, (double)one / 1e6);
}

/* ---- the gate ----------------------------------------------------------------------------------------------- */

/* A host that has joined, whose service is away. */
static void
join(struct lg_ctx *cx, const char *folder)
{
	const lg_str none = LG_STR("-");
	const struct lg_identity id = { .key = none, .certificate = none, .chain = none, .root = none, .service_root = none,
		.host_id = LG_STR(BENCH_HOST), .host_name = none, .issuer = LG_STR(BENCH_ISSUER), .trust_domain = none, .https = none,
		.mtls = LG_STR("https://127.0.0.1:1"), .ticket_keys = none };

	must(lg_identity_save(cx, folder, &id) == LG_OK, cx->error);
}

static void
run_gate(int argc, char **argv)
{
	const struct lg_gate_settings s = { .state = argv[2], .ranges = lg_str_of(argv[3]), .tally = lg_tally_new() };
	struct lg_bundles *bundles;
	struct lg_gate *g;
	struct lg_ctx cx;
	lg_str workload, pid;

	lg_ctx_init(&cx, lg_arena_new());
	join(&cx, argv[2]);
	must(lg_bundles_open(&cx, argv[2], NULL, &bundles) == LG_OK && lg_bundles_fresh(bundles), cx.error);
	must(lg_gate_open(&cx, &s, bundles, &g) == LG_OK, cx.error);
	for (int i = 4; i < argc; i++) {
		must(lg_str_cut(lg_str_of(argv[i]), '=', &workload, &pid), argv[i]);
		lg_gate_started(g, workload, workload, atoi(pid.p));
	}
	pause();
}

/* ---- one after the other ---------------------------------------------------------------------------------------------- */

static struct sockaddr_in
name_of(const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	must(inet_pton(AF_INET, address, &at.sin_addr) == 1, address);
	return at;
}

static int
listen_at(const char *port, int type)
{
	struct sockaddr_in at = name_of("0.0.0.0", port);
	int fd = socket(AF_INET, type, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(getenv("TRANSPARENT") == NULL || setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof on) == 0, "transparent");
	must(bind(fd, (const struct sockaddr *)&at, sizeof at) == 0, "serve");
	return fd;
}

/* Longer ones only load the way. */
static void
echo(int fd)
{
	struct sockaddr_in from;
	socklen_t n = sizeof from;
	ssize_t got;
	char c[2];

	while ((got = recvfrom(fd, c, sizeof c, MSG_DONTWAIT, (struct sockaddr *)&from, &n)) > 0) {
		if (got == 1)
			(void)sendto(fd, c, 1, 0, (const struct sockaddr *)&from, n);
		n = sizeof from;
	}
}

static void
run_serve(const char *port)
{
	struct pollfd fds[] = { { .fd = listen_at(port, SOCK_STREAM), .events = POLLIN }, { .fd = listen_at(port, SOCK_DGRAM), .events = POLLIN } };
	int one;

	must(listen(fds[0].fd, 65535) == 0 && fcntl(fds[0].fd, F_SETFL, O_NONBLOCK) == 0, "serve");
	printf("up\n");
	fflush(stdout);
	while (poll(fds, 2, -1) > 0) {
		while ((one = accept(fds[0].fd, NULL, NULL)) >= 0)
			close(one);
		if (fds[1].revents != 0)
			echo(fds[1].fd);
	}
}

/* A reset instead of an orderly end: ports come free at once. */
static void
run_connect(const char *address, const char *port, double seconds)
{
	struct sockaddr_in at = name_of(address, port);
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	float *us = malloc(BENCH_TIMES * sizeof *us);
	int64_t until = lg_monotonic_ns() + (int64_t)(seconds * 1e9);
	size_t n = 0;

	must(us != NULL, "memory");
	while (n < BENCH_TIMES && lg_monotonic_ns() < until) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		int64_t from = lg_monotonic_ns();
		must(connect(fd, (const struct sockaddr *)&at, sizeof at) == 0, "connect");
		us[n++] = (float)(lg_monotonic_ns() - from) / 1000;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		close(fd);
	}
	qsort(us, n, sizeof *us, bench_rising);
	printf("%.1f %.1f %.0f\n", (double)us[n / 2], (double)us[n * 99 / 100], (double)n / seconds);
	free(us);
}

/* ---- many at once ------------------------------------------------------------------------------------------------ */

enum { WIDTH_MAX = 1024, SOURCES_MAX = 8, PORTS = 50000, PORT_FIRST = 10000 };

struct storm {
	struct sockaddr_in to, from[SOURCES_MAX];
	size_t nfrom, done, late, failed;
	int ring;
	float *us;
	int64_t began[WIDTH_MAX];
	int fd[WIDTH_MAX];
	uint64_t next;
	int64_t pause, due;		/* nanoseconds between two, and when the next one is due */
};

/* No two of 400,000 connections in a row have the same addresses and port: the kernel keeps no permit that another could use. */
static void
start(struct storm *s, uint32_t i)
{
	struct sockaddr_in to = s->to;
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	struct epoll_event e = { .events = EPOLLOUT, .data.u32 = i };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	to.sin_port = htons((uint16_t)(PORT_FIRST + s->next / s->nfrom % PORTS));
	setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	must(bind(fd, (const struct sockaddr *)&s->from[s->next++ % s->nfrom], sizeof to) == 0, "from");
	s->began[i] = lg_monotonic_ns();
	s->fd[i] = fd;
	must(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS, "connect");
	must(epoll_ctl(s->ring, EPOLL_CTL_ADD, fd, &e) == 0, "epoll");
}

static void
wait_turn(struct storm *s)
{
	const struct timespec due = { .tv_sec = s->due / INT64_C(1000000000), .tv_nsec = s->due % INT64_C(1000000000) };

	if (s->pause > 0)
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	s->due += s->pause;
}

/* A SYN that nobody answers is sent again after a second. */
static void
finish(struct storm *s, uint32_t i)
{
	int error = 0;
	socklen_t n = sizeof error;

	getsockopt(s->fd[i], SOL_SOCKET, SO_ERROR, &error, &n);
	int64_t took = lg_monotonic_ns() - s->began[i];
	s->us[s->done++ % BENCH_TIMES] = (float)took / 1e3f;
	s->failed += error != 0;
	s->late += took > 900000000;
	close(s->fd[i]);
}

static void
read_sources(struct storm *s, char *list)
{
	for (char *rest, *one = strtok_r(list, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
		must(s->nfrom < SOURCES_MAX, "sources");
		s->from[s->nfrom++] = name_of(one, "0");
	}
}

static double
us_each(clockid_t clock, int64_t before, size_t n)
{
	struct timespec t;

	must(clock_gettime(clock, &t) == 0, "the CPU time of a process");
	return (double)(t.tv_sec * INT64_C(1000000000) + t.tv_nsec - before) / 1e3 / (double)n;
}

/* The last ones are waited for: none is lost because time is over. */
static void
run_storm(int argc, char **argv)
{
	struct storm s = { .to = name_of(argv[2], "0"), .ring = epoll_create1(0), .us = calloc(BENCH_TIMES, sizeof(float)) };
	clockid_t clock[BENCH_PIDS] = { CLOCK_PROCESS_CPUTIME_ID };
	int64_t cpu[BENCH_PIDS], began = lg_monotonic_ns(), until = began + (int64_t)(atof(argv[3]) * 1e9);
	struct epoll_event e[WIDTH_MAX];
	uint32_t width = (uint32_t)atoi(argv[4]), open = width;
	int nclock = argc - 5;

	if (getenv("RATE") != NULL)
		s.pause = INT64_C(1000000000) / atoi(getenv("RATE"));
	s.due = began + s.pause;
	must(width <= WIDTH_MAX && nclock <= BENCH_PIDS && s.us != NULL, "width");
	read_sources(&s, argv[5]);
	for (int i = 0; i < nclock; i++) {
		must(i == 0 || clock_getcpuclockid((pid_t)atoi(argv[5 + i]), &clock[i]) == 0, argv[5 + i]);
		cpu[i] = (int64_t)(us_each(clock[i], 0, 1) * 1e3);
	}
	for (uint32_t i = 0; i < width; i++)
		start(&s, i);
	while (open > 0) {
		int n = epoll_wait(s.ring, e, WIDTH_MAX, 10000);
		must(n > 0, "no answer for ten seconds");
		for (int i = 0; i < n; i++) {
			finish(&s, e[i].data.u32);
			wait_turn(&s);
			if (lg_monotonic_ns() < until)
				start(&s, e[i].data.u32);
			else
				open--;
		}
	}
	size_t kept = s.done < BENCH_TIMES ? s.done : BENCH_TIMES;
	qsort(s.us, kept, sizeof *s.us, bench_rising);
	printf("%.1f %.0f %zu %zu", (double)s.us[kept / 2], (double)s.done * 1e9 / (double)(lg_monotonic_ns() - began), s.late, s.failed);
	for (int i = 0; i < nclock; i++)
		printf(" %.1f", us_each(clock[i], cpu[i], s.done));
	printf("\n");
	free(s.us);
}

/* ---- an open flow ---------------------------------------------------------------------------------------------------- */

/* Both directions were seen: the flow is open. */
static void
open_flow(int fd)
{
	char c = 0;

	for (int i = 0; i < 10; i++)
		if (send(fd, &c, 1, 0) == 1 && recv(fd, &c, 1, 0) == 1)
			return;
	must(false, "an answer");
}

/* The router's work is done on the sender's time.  The least of many short runs is what nobody else disturbed. */
static void
run_flow(const char *address, const char *port)
{
	enum { RUNS = 60, EACH = 2000 };
	struct sockaddr_in to = name_of(address, port);
	const struct timeval wait = { .tv_sec = 1 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	float ns[RUNS];
	char c[32] = "";

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	must(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0, address);
	open_flow(fd);
	for (int r = 0; r < RUNS; r++) {
		double from = us_each(CLOCK_PROCESS_CPUTIME_ID, 0, 1);
		for (int i = 0; i < EACH; i++)
			(void)send(fd, c, sizeof c, 0);
		ns[r] = (float)((us_each(CLOCK_PROCESS_CPUTIME_ID, 0, 1) - from) * 1e3 / EACH);
	}
	qsort(ns, RUNS, sizeof ns[0], bench_rising);
	printf("%.0f %.0f\n", (double)ns[0], (double)ns[RUNS / 2]);
}

/* ---- the same flow, with the gate and without ------------------------------------------------------------------------- */

struct moment {
	int64_t ns, cpu;
	uint64_t octets;
};

static uint64_t
octets_into(const char *interface)
{
	FILE *f = fopen("/proc/self/net/dev", "r");
	char line[512], name[32];
	unsigned long long n = 0;
	bool found = false;

	must(f != NULL, "the interfaces");
	while (!found && fgets(line, sizeof line, f) != NULL)
		found = sscanf(line, " %31[^:]: %llu", name, &n) == 2 && strcmp(name, interface) == 0;
	fclose(f);
	must(found, interface);
	return n;
}

/* A clock of a process has the times of its threads, and a tick is not waited for. */
static struct moment
look(const clockid_t *clock, int nclock)
{
	struct moment m = { .octets = octets_into("va"), .ns = lg_monotonic_ns() };

	for (int i = 0; i < nclock; i++)
		m.cpu += (int64_t)(us_each(clock[i], 0, 1) * 1e3);
	return m;
}

/* A table asleep is whole, and none of its hooks is called. */
static void
turn(struct lg_ctx *cx, bool awake)
{
	must(lg_nft_run(cx, awake ? "add table inet lightgate\nadd table bridge lightgate\n" :
	    "add table inet lightgate { flags dormant; }\nadd table bridge lightgate { flags dormant; }\n") == LG_OK, cx->error);
	usleep(5000);
}

/* While others have the processors nothing may pass; a flow that is cut never comes back. */
static void
measure(struct lg_ctx *cx, bool awake, useconds_t slice, const clockid_t *clock, int nclock, double ret[2])
{
	struct moment a, b;
	double octets = 0;

	turn(cx, awake);
	for (int i = 0; octets == 0; i++) {
		must(i < 100, "traffic");
		a = look(clock, nclock);
		usleep(slice);
		b = look(clock, nclock);
		octets = (double)(b.octets - a.octets);
	}
	ret[0] = octets * 8e3 / (double)(b.ns - a.ns);
	ret[1] = (double)(b.cpu - a.cpu) / 1e6 / (octets / (1 << 30));
}

static void
run_turns(int argc, char **argv)
{
	clockid_t clock[BENCH_PIDS];
	useconds_t slice = (useconds_t)atoi(argv[3]) * 1000;
	int nclock = argc - 4;
	double with[2], without[2];
	struct lg_ctx cx;

	lg_ctx_init(&cx, lg_arena_new());
	must(nclock <= BENCH_PIDS, "processes");
	for (int i = 0; i < nclock; i++)
		must(clock_getcpuclockid((pid_t)atoi(argv[4 + i]), &clock[i]) == 0, argv[4 + i]);
	for (int pair = 0; pair < atoi(argv[2]); pair++) {
		bool first = pair % 2 == 0;
		measure(&cx, first, slice, clock, nclock, first ? with : without);
		measure(&cx, !first, slice, clock, nclock, first ? without : with);
		printf("%.0f %.0f %.0f %.0f\n", with[0], with[1], without[0], without[1]);
		lg_arena_reset(cx.arena);
	}
	turn(&cx, true);
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "table") == 0 && atoi(argv[2]) > 0 && atoi(argv[2]) <= PAIRS_MAX)
		run_table(argv);
	else if (argc > 4 && strcmp(argv[1], "gate") == 0)
		run_gate(argc, argv);
	else if (argc == 3 && strcmp(argv[1], "serve") == 0)
		run_serve(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "connect") == 0)
		run_connect(argv[2], argv[3], atof(argv[4]));
	else if (argc >= 6 && strcmp(argv[1], "storm") == 0)
		run_storm(argc, argv);
	else if (argc > 4 && strcmp(argv[1], "turns") == 0)
		run_turns(argc, argv);
	else if (argc == 4 && strcmp(argv[1], "flow") == 0)
		run_flow(argv[2], argv[3]);
	else
		return 2;
	return 0;
}
