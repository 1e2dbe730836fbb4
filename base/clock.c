/* clock.c: the three clocks. */
#include "base/clock.h"

#include <time.h>

static int64_t
read_clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t
lg_wall(void)
{
	return read_clock_ns(CLOCK_REALTIME) / 1000;
}

int64_t
lg_boottime(void)
{
	return read_clock_ns(CLOCK_BOOTTIME) / 1000;
}

int64_t
lg_monotonic_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

int64_t
lg_cpu_ns(void)
{
	return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
