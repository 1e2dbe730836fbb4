/*
 * answers.h: decisions that were made before, of one thread: the same asker, address and question give the same answer as
 * long as policies, entries and memberships have not changed.  Kept only when no policy in force reads the clock, and never for what
 * waits for a ticket or a sync.  The asker's token is checked at every use all the same; the record is written at every use.
 */
#ifndef LG_SERVER_ANSWERS_H
#define LG_SERVER_ANSWERS_H

#include "lightgate/store.h"
#include "server/access.h"

#define LG_ANSWERS	512		/* slots of one thread */
#define LG_ANSWER_KEY	2048		/* octets of a question that is worth keeping */
#define LG_ANSWER_MAX	4096		/* octets of a slot: question, response and record */

struct lg_answers;			/* belongs to one thread */

/* What an answer depends on. */
struct lg_answer_basis {
	uint64_t seq;			/* of the snapshot: equal, nothing at all has changed */
	uint64_t policy, entries, members;
};

struct lg_kept {
	lg_str response, record;	/* record: empty if none is written */
	size_t group;			/* of its action, for the tally */
	bool permit;
	size_t response_id, record_id;	/* where the decision's id stands in them, LG_UUID_TEXT octets */
};

struct lg_answers *lg_answers_new(void);
void lg_answers_free(struct lg_answers **as);		/* safe on NULL */
/* The answer's slices live until the next call on this thread. */
bool lg_answers_get(struct lg_answers *as, struct lg_view *v, uint32_t tenant, uint64_t policy, lg_str key, struct lg_kept *ret);
void lg_answers_put(struct lg_answers *as, struct lg_view *v, uint32_t tenant, uint64_t policy, lg_str key, const struct lg_kept *an);

#endif
