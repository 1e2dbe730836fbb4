/*
 * bench_doors_remote.c: decisions asked of the service through liblightgate, one after another on one connection.
 *
 *	bench_doors_remote SOCKET TOKEN-FILE SECONDS
 *
 * May web reach db?  Prints: decisions a second, CPU us each of this process, latency p50 and p99 (us).
 */
#include <lightgate/client.h>

#include "bench/bench.h"

int
main(int argc, char **argv)
{
	struct lightgate_settings s = LIGHTGATE_SETTINGS;
	struct lightgate_question q = LIGHTGATE_QUESTION;
	struct bench b = { .nclocks = 0 };
	char why[256] = "", pid[16];

	must(argc == 4, "usage: bench_doors_remote SOCKET TOKEN-FILE SECONDS");
	s.socket = argv[1];
	s.token_file = argv[2];
	q.subject_type = q.resource_type = "Workload";
	q.subject_id = "web";
	q.resource_id = "db";
	q.action = "connect";
	q.port = 5432;
	q.protocol = "tcp";
	lightgate *lg = lightgate_open(&s, why, sizeof why);
	must(lg != NULL, why);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	bench_pid(&b, pid);
	bench_begin(&b);
	for (int64_t until = lg_monotonic_ns() + atoi(argv[3]) * INT64_C(1000000000); lg_monotonic_ns() < until;) {
		int64_t at = lg_monotonic_ns();
		lightgate_decision *d = lightgate_decide(lg, &q);
		bench_answer(&b, at);
		must(lightgate_permits(d), lightgate_decision_reason(d));
		lightgate_decision_free(d);
	}
	bench_report(&b);
	lightgate_close(lg);
	return 0;
}
