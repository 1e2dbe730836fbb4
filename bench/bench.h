/*
 * bench.h: what the load generators share: how long answers took, and what they cost the processes that gave them.
 */
#ifndef LG_BENCH_BENCH_H
#define LG_BENCH_BENCH_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { BENCH_PIDS = 8, BENCH_TIMES = 1 << 21 };

struct bench {
	clockid_t clock[BENCH_PIDS];	/* CPU time of the processes that answer */
	size_t nclocks;
	int64_t began, cpu;
	float *us;			/* one latency an answer */
	size_t n;
};

static inline void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static inline void
bench_pid(struct bench *b, const char *pid)
{
	must(b->nclocks < BENCH_PIDS && clock_getcpuclockid((pid_t)atoi(pid), &b->clock[b->nclocks++]) == 0, pid);
}

static inline int64_t
bench_cpu_ns(const struct bench *b)
{
	struct timespec t;
	int64_t sum = 0;

	for (size_t i = 0; i < b->nclocks; i++) {
		must(clock_gettime(b->clock[i], &t) == 0, "the CPU time of a process");
		sum += t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
	}
	return sum;
}

static inline void
bench_begin(struct bench *b)
{
	b->us = calloc(BENCH_TIMES, sizeof *b->us);
	must(b->us != NULL, "memory");
	b->n = 0;
	b->cpu = bench_cpu_ns(b);
	b->began = lg_monotonic_ns();
}

static inline void
bench_answer(struct bench *b, int64_t asked_ns)
{
	b->us[b->n++ % BENCH_TIMES] = (float)(lg_monotonic_ns() - asked_ns) / 1e3f;
}

static inline int
bench_rising(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

/* Answers a second, CPU of the processes (us an answer), latency p50 and p99 (us). */
static inline void
bench_report(struct bench *b)
{
	double n = (double)b->n, wall = (double)(lg_monotonic_ns() - b->began), cpu = (double)(bench_cpu_ns(b) - b->cpu);
	size_t kept = b->n < BENCH_TIMES ? b->n : BENCH_TIMES;

	must(kept > 0, "no answer");
	qsort(b->us, kept, sizeof *b->us, bench_rising);
	printf("%.0f %.3f %.1f %.1f\n", n * 1e9 / wall, cpu / 1e3 / n, b->us[kept / 2], b->us[kept * 99 / 100]);
	free(b->us);
}

/* "unix:PATH" or "ADDRESS:PORT" (IPv4) */
struct bench_address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} a;
	socklen_t size;
};

static inline struct bench_address
bench_address(const char *where)
{
	struct bench_address r = { .size = sizeof r.a.in };
	const char *colon = strrchr(where, ':');
	char host[64];

	must(colon != NULL, where);
	if (strncmp(where, "unix:", 5) == 0) {
		r.a.un.sun_family = AF_UNIX;
		r.size = sizeof r.a.un;
		must(strlen(where + 5) < sizeof r.a.un.sun_path, where);
		strcpy(r.a.un.sun_path, where + 5);
		return r;
	}
	must((size_t)(colon - where) < sizeof host, where);
	snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
	r.a.in.sin_family = AF_INET;
	r.a.in.sin_port = htons((uint16_t)atoi(colon + 1));
	must(inet_pton(AF_INET, host, &r.a.in.sin_addr) == 1, where);
	return r;
}

/* host: from 127.0.1.<host>, or from anywhere (0) */
static inline int
bench_connect_from(const char *where, unsigned host)
{
	struct bench_address to = bench_address(where);
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000100u + host) };
	int fd = socket(to.a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	must(host == 0 || bind(fd, (struct sockaddr *)(void *)&from, sizeof from) == 0, "an address");
	must(fd >= 0 && connect(fd, &to.a.any, to.size) == 0, where);
	if (to.a.any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static inline int
bench_connect(const char *where)
{
	return bench_connect_from(where, 0);
}

/* Prints the process id when it listens: who started it reads that line. */
static inline int
bench_listen(const char *where)
{
	struct bench_address at = bench_address(where);
	int fd = socket(at.a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(fd >= 0 && bind(fd, &at.a.any, at.size) == 0 && listen(fd, 1024) == 0, where);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	return fd;
}

#endif
