/*
 * bench_doors_remote.c: decisions asked of the service through liblightgate, one after another on one connection.
 *
 *	bench_doors_remote SOCKET TOKEN-FILE SECONDS [RATE [PID...]]
 *
 * May web reach db?  Prints: decisions a second, CPU us each of this process, latency p50 and p99 (us).  With a RATE, questions come so often a
 * second, at random times, and the CPU is a thousandth of a core for each of: this process, and the PIDs.
 */
#include <lightgate/client.h>

#include "bench/bench.h"

static lightgate *
open_at(const char *socket, const char *token_file)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	char why[256] = "";

	s.socket = socket;
	s.token_file = token_file;
	lightgate *lg = lightgate_open(&s, why, sizeof why);
	must(lg != NULL, why);
	return lg;
}

static void
ask(lightgate *lg, struct bench *b)
{
	struct lightgate_question q = LIGHTGATE_QUESTION;
	int64_t at = lg_monotonic_ns();

	q.subject_type = q.resource_type = "Workload";
	q.subject_id = "web";
	q.resource_id = "db";
	q.action = "connect";
	q.port = 5432;
	q.protocol = "tcp";
	lightgate_decision *d = lightgate_decide(lg, &q);
	bench_answer(b, at);
	must(lightgate_permits(d), lightgate_decision_reason(d));
	lightgate_decision_free(d);
}

/* When the next question comes: at once, or up to twice the mean time after the one before. */
static int64_t
next_time(int64_t at, double rate)
{
	return at + (int64_t)(2 * drand48() * 1e9 / rate);
}

static void
wait_for(int64_t at)
{
	struct timespec t = { at / 1000000000, at % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

static void
report_shares(struct bench *b, const int64_t *cpu)
{
	int64_t wall = lg_monotonic_ns() - b->began;

	for (size_t i = 0; i < b->nclocks; i++) {
		struct bench one = { .clock = { b->clock[i] }, .nclocks = 1 };
		printf("%.1f ", (double)(bench_cpu_ns(&one) - cpu[i]) * 1e3 / (double)wall);
	}
}

int
main(int argc, char **argv)
{
	struct bench b = { .nclocks = 0 };
	int64_t cpu[BENCH_PIDS];
	char pid[16];

	must(argc >= 4, "usage: bench_doors_remote SOCKET TOKEN-FILE SECONDS [RATE [PID...]]");
	double rate = argc > 4 ? atof(argv[4]) : 0;
	lightgate *lg = open_at(argv[1], argv[2]);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	bench_pid(&b, pid);
	for (int i = 5; i < argc; i++)
		bench_pid(&b, argv[i]);
	for (size_t i = 0; i < b.nclocks; i++)
		cpu[i] = bench_cpu_ns(&(struct bench){ .clock = { b.clock[i] }, .nclocks = 1 });
	bench_begin(&b);
	int64_t next = b.began;
	for (int64_t until = b.began + atoi(argv[3]) * INT64_C(1000000000); lg_monotonic_ns() < until;) {
		if (rate > 0)
			wait_for(next = next_time(next, rate));
		ask(lg, &b);
	}
	if (rate > 0)
		report_shares(&b, cpu);
	bench_report(&b);
	lightgate_close(lg);
	return 0;
}
