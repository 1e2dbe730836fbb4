/*
 * bench_agent_gate.c: what the gate costs a new connection, and what its table costs to replace.  bench/gate makes the namespaces.
 *
 *	table PAIRS FROM TO PORT map|queue	in the router: the gate's own table with so many pairs; prints the milliseconds of
 *						all of it and of one pair less; queue: answers
 *	serve PORT				accepts and closes
 *	connect TO PORT SECONDS			prints median and 99th percentile of connect(2), microseconds, and connections a second
 */
#include <signal.h>

#include "agent/gate/elements.h"
#include "agent/gate/nft.h"
#include "agent/gate/queue.h"
#include "agent/gate/table.h"
#include "bench/bench.h"

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
	struct lg_gate_elements told = { .n = 0 };
	int64_t all = change(&cx, batch, t, &ps, &told);
	t->rows.n--;
	int64_t one = change(&cx, batch, t, &ps, &told);
	printf("%lld %.1f\n", (long long)all / 1000000, (double)one / 1e6);
}

/* ---- connections ---------------------------------------------------------------------------------------------- */

static struct sockaddr_in
name_of(const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	must(inet_pton(AF_INET, address, &at.sin_addr) == 1, address);
	return at;
}

static void
run_serve(const char *port)
{
	struct sockaddr_in at = name_of("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, one;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4096) == 0, "serve");
	printf("up\n");
	fflush(stdout);
	while ((one = accept(fd, NULL, NULL)) >= 0)
		close(one);
}

static int
by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
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
	qsort(us, n, sizeof *us, by_size);
	printf("%.1f %.1f %.0f\n", (double)us[n / 2], (double)us[n * 99 / 100], (double)n / seconds);
	free(us);
}

int
main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "table") == 0 && atoi(argv[2]) > 0 && atoi(argv[2]) <= PAIRS_MAX)
		run_table(argv);
	else if (argc == 3 && strcmp(argv[1], "serve") == 0)
		run_serve(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "connect") == 0)
		run_connect(argv[2], argv[3], atof(argv[4]));
	else
		return 2;
	return 0;
}
