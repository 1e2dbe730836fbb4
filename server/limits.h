/*
 * limits.h: how many connections there may be, in all and from one address, shared by every listener of the process.
 * An IPv6 address counts as its /64, since that is what one customer is given.
 */
#ifndef LG_SERVER_LIMITS_H
#define LG_SERVER_LIMITS_H

#include <sys/socket.h>

#include "lightgate/base.h"

#define LG_LIMITS_CONNECTIONS	1000000

struct lg_limits;

/* per_address 0: no limit of that kind. */
struct lg_limits *lg_limits_new(unsigned connections, unsigned per_address);
void lg_limits_free(struct lg_limits **l);	/* safe on NULL */

/* Any thread.  False: one limit is reached, nothing was counted.  UNIX peers count in the total only. */
bool lg_limits_take(struct lg_limits *l, const struct sockaddr *from);
void lg_limits_give(struct lg_limits *l, const struct sockaddr *from);
unsigned lg_limits_count(struct lg_limits *l);
uint64_t lg_limits_refused(struct lg_limits *l);

#endif
