/*
 * bench_base_sync.c: how long the disk takes: 4 KiB into a preallocated file and fdatasync, one after the other.
 *
 *	sync FILE [SECONDS]
 *
 * Prints: syncs/s, 0, latency p50 and p99 (us), like the load generators.
 */
#include <fcntl.h>

#include "bench/bench.h"

int
main(int argc, char **argv)
{
	struct bench bench = { .nclocks = 0 };
	char page[4096] = { 1 };

	must(argc > 1, "usage: sync FILE [SECONDS]");
	int fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && posix_fallocate(fd, 0, 4 << 20) == 0, argv[1]);
	bench_begin(&bench);
	int64_t end = bench.began + (int64_t)((argc > 2 ? atof(argv[2]) : 1) * 1e9), now;
	for (off_t at = 0; (now = lg_monotonic_ns()) < end; at = (at + 4096) % (4 << 20)) {
		must(pwrite(fd, page, sizeof page, at) == sizeof page && fdatasync(fd) == 0, argv[1]);
		bench_answer(&bench, now);
	}
	bench_report(&bench);
	close(fd);
	unlink(argv[1]);
	return 0;
}
