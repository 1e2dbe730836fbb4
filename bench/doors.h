/* doors.h: the host whose bundle doors_local writes. */
#ifndef LG_BENCH_DOORS_H
#define LG_BENCH_DOORS_H

#define BENCH_ISSUER	"https://id.example.org"
#define BENCH_HOST	"00000001-0000-4000-8000-000000000000"

#endif
