/*
 * replay.h: decisions of the log asked again under a set that is not in force: what would activation change?
 *
 * The question is as it was asked: who, what, on what, the context, what was claimed, and the clock of then.  Groups,
 * projects and attributes of entries are as they are now, for both sets: a decision that the set in force already answers
 * otherwise than the log says has drifted, and is told apart from one that the candidate changes.
 */
#ifndef LG_SERVER_REPLAY_H
#define LG_SERVER_REPLAY_H

#include "server/decision_body.h"
#include "server/point.h"

#define LG_REPLAY_RECORDS	2000		/* of one page */
#define LG_REPLAY_BYTES		(8u << 20)	/* of their lines */
#define LG_REPLAY_ROWS		500		/* differences of one page; then it ends */
#define LG_REPLAY_TIME		INT64_C(300000000)	/* ns spent on judging one page */
#define LG_REPLAY_LIMIT		100000		/* records, unless asked otherwise */
#define LG_REPLAY_LIMIT_MAX	10000000

/* One that would be decided otherwise, or is already. */
struct lg_replay_row {
	uint64_t seq;
	int64_t time;
	const struct lg_past *past;
	const struct lg_verdict *now, *candidate;
	bool changed;			/* by the candidate; else it drifted: set in force and candidate agree, the log does not */
};
typedef void lg_replay_each(void *arg, const struct lg_replay_row *row);

struct lg_replay {
	struct lg_point *point;
	struct lg_store *store;
	const char *log;		/* folder of the segments */
	uint32_t tenant;
	const struct lg_policies *candidate;
	uint64_t from, until;		/* records [from, until]; from rises by each page, and is 0 when all is done */
	/* of the page */
	size_t looked;			/* records of any tenant */
	size_t replayed, changed, drifted;
	size_t masked;			/* of those replayed: asked without values that the log leaves out */
	size_t gone;			/* not replayed: an entry of the question is not there any more */
	size_t partial;			/* not replayed: the log does not hold the question */
};

/* Where to begin: with the newest `limit` records, and of those with the first at or behind `since` (0: any). */
LG_CHECKED lg_err lg_replay_begin(struct lg_ctx *cx, struct lg_replay *r, uint64_t head, int64_t since, uint64_t limit);
/* One page, in order.  The rows die with the call. */
LG_CHECKED lg_err lg_replay_page(struct lg_ctx *cx, struct lg_replay *r, lg_replay_each *each, void *arg);

#endif
