/*
 * rotation.h: keys that sign tokens, tickets, bundles, heads and certificates have successors before they grow old.
 *
 * A successor is published, then signs, then is retired, then forgotten: verifiers always know the key of what they see.
 * What is decided here follows from the keeper's list alone; rotation.c's worker carries it out.
 */
#ifndef LG_SERVER_ROTATION_H
#define LG_SERVER_ROTATION_H

#include "server/app.h"

#define LG_ROTATION_SKEW	(5 * LG_MINUTE)		/* verifiers' clocks differ from ours */

enum lg_rotation_step { LG_ROTATION_WAIT, LG_ROTATION_SUCCESSOR, LG_ROTATION_ACTIVATE };

/* What is to be done about an active key and its successor (NULL: none yet).  age: after which it stops signing; publish: how
 * long the successor is known before. */
enum lg_rotation_step lg_rotation_step(const struct lg_keeper_key *active, const struct lg_keeper_key *next, int64_t age,
    int64_t publish, int64_t now);
/* Until when something it signed may be valid; after that it is not told to verifiers any more.  INT64_MAX unless it is retired. */
int64_t lg_rotation_until(const struct lg_keeper_key *k, const struct lg_ceiling *c);
static inline bool
lg_rotation_believed(const struct lg_keeper_key *k, const struct lg_ceiling *c, int64_t now)
{
	return now <= lg_rotation_until(k, c);
}

/* On a worker, from time to time: the steps of all tenants; publishes what changed. */
LG_CHECKED lg_err lg_rotation_run(struct lg_ctx *cx, struct lg_app *app);

#endif
