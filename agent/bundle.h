/*
 * bundle.h: the host's bundle, for all its doors: one watcher follows the service, everybody else asks here.
 *
 * What continues what was admitted (restart, stop, logs, connect) is decided from the last bundle while the service has confirmed it
 * within max_stale, then denied; but `container:stop`, which is allowed then.  What would admit something new is never decided here.
 */
#ifndef LG_AGENT_BUNDLE_H
#define LG_AGENT_BUNDLE_H

#include "client/follow.h"

#define LG_BUNDLES_LISTENERS	8

struct lg_bundles;

/* state: the agent's, which holds its identity.  clock: NULL for CLOCK_BOOTTIME.  Takes up the stored bundle; asks nobody yet. */
LG_CHECKED lg_err lg_bundles_open(struct lg_ctx *cx, const char *state, int64_t (*clock)(void), struct lg_bundles **ret);
/* Called on the watcher's thread after each new bundle, and at once if there is one.  Before lg_bundles_start; at most LG_BUNDLES_LISTENERS. */
void lg_bundles_listen(struct lg_bundles *b, void (*changed)(void *arg, const struct lg_bundle *now), void *arg);
void lg_bundles_start(struct lg_bundles *b);
void lg_bundles_close(struct lg_bundles **b);	/* safe on NULL */

/* The bundle (a reference, or NULL), whether it is fresh, and its age. */
void lg_bundles_now(struct lg_bundles *b, struct lg_follow_now *ret);
bool lg_bundles_fresh(struct lg_bundles *b);	/* cheap: for those who renew something while it holds */
/* Asks the service now: after an admission, which only this host and the service know of. */
LG_CHECKED lg_err lg_bundles_fetch(struct lg_ctx *cx, struct lg_bundles *b);
/* {"version":[epoch,version],"policy":..,"fresh":..,"age":..,"trouble":".."}; in cx's arena. */
lg_str lg_bundles_status(struct lg_ctx *cx, struct lg_bundles *b);

enum lg_local {
	LG_LOCAL_PERMIT,
	LG_LOCAL_DENY,
	LG_LOCAL_ASK			/* not decided here: it admits something new, or the bundle does not know those it is about */
};
struct lg_local_why {
	lg_str reason;			/* never empty */
	lg_str policy;			/* the deciding one, or empty */
	uint64_t revision;		/* of the policies; 0: they were not asked */
};
/* The why is in cx's arena. */
enum lg_local lg_bundles_decide(struct lg_ctx *cx, struct lg_bundles *b, const struct lg_bundle_question *q, struct lg_local_why *why);

#endif
