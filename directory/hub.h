/*
 * hub.h: news from the writer's thread for the loops: that something was committed, and whose entry may carry less authority than
 * before.  One a directory; its lock is held for a few copies only.
 */
#ifndef LG_DIRECTORY_HUB_H
#define LG_DIRECTORY_HUB_H

#include "base/mailbox.h"
#include "lightgate/directory.h"

#define LG_DOUBTS	1024		/* kept; a loop that falls behind further looks at all its sessions */

struct lg_hub;
struct lg_hub *lg_hub_new(struct lg_store *st);	/* begins to listen to its commits */
void lg_hub_free(struct lg_hub **h);

/* Inside a mutation, by whichever way the change comes: what is known of this entry's account must be looked at again. */
void lg_hub_doubt(struct lg_hub *h, uint32_t tenant, uint64_t id);

/* A loop's ear.  changed is called on the loop after commits that brought doubts; several may be one call. */
struct lg_ear;
struct lg_ear *lg_ear_new(struct lg_hub *h, struct lg_mailbox *box, void (*changed)(void *arg), void *arg);
/* From now on after every commit; and once soon, because one may just have been missed.  Or no longer. */
void lg_ear_hear_all(struct lg_ear *e, bool all);
void lg_ear_free(struct lg_ear **e);		/* on the loop; changed is not called any more */

struct lg_doubt {
	uint32_t tenant;
	uint64_t id;
};
/* Those that were committed since the last call, at most LG_DOUBTS.  *all: there were more. */
size_t lg_ear_doubts(struct lg_ear *e, struct lg_doubt ret[LG_DOUBTS], bool *all);

#endif
