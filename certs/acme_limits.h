/*
 * acme_limits.h: how often something may happen in an hour (RFC 8555 6.6), by address, account and name.
 * Counted in memory: an hour that is forgotten by a restart is not worth a write for every order.  The table is fixed in size; when it is
 * full of what counts now, what began longest ago is forgotten first.
 */
#ifndef LG_CERTS_ACME_LIMITS_H
#define LG_CERTS_ACME_LIMITS_H

#include "lightgate/certs.h"

#define LG_ACME_LIMIT_SETS	4096	/* of LG_ACME_LIMIT_WAYS; half a MiB */
#define LG_ACME_LIMIT_WAYS	4

struct lg_acme_limits;

struct lg_acme_limits *lg_acme_limits_new(const unsigned max[LG_ACME_LIMITS]);	/* 0: as often as anybody likes */
void lg_acme_limits_free(struct lg_acme_limits **l);

/* Any thread.  False: it has happened so often, *again is when that hour is over. */
bool lg_acme_limits_left(struct lg_acme_limits *l, enum lg_acme_limit which, uint32_t tenant, lg_str whose, int64_t now, int64_t *again);
/* It happens: counted unless the limit is reached, which is answered as above. */
bool lg_acme_limits_take(struct lg_acme_limits *l, enum lg_acme_limit which, uint32_t tenant, lg_str whose, int64_t now, int64_t *again);

#endif
