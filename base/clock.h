/* clock.h: the three clocks.  Microseconds, except where a name says otherwise. */
#ifndef LG_BASE_CLOCK_H
#define LG_BASE_CLOCK_H

#include <stdint.h>

#define LG_SECOND	INT64_C(1000000)
#define LG_MINUTE	(60 * LG_SECOND)
#define LG_HOUR		(60 * LG_MINUTE)
#define LG_DAY		(24 * LG_HOUR)

int64_t lg_wall(void);		/* CLOCK_REALTIME: what records and tokens say */
int64_t lg_boottime(void);	/* CLOCK_BOOTTIME: staleness, lockouts, timeouts; counts suspend */
int64_t lg_monotonic_ns(void);	/* CLOCK_MONOTONIC: measuring */
int64_t lg_cpu_ns(void);	/* CPU time of the process */

#endif
